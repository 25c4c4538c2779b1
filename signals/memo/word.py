"""Memo -> Word (DOCX): real headings, table heads that repeat, pictures with words; same memo, same bytes."""

from __future__ import annotations

import zipfile
from datetime import datetime
from io import BytesIO
from typing import TYPE_CHECKING, Any

from signals.memo.blocks import (
    Banner,
    Block,
    Document,
    Fields,
    Figure,
    Heading,
    Items,
    Line,
    Paragraph,
    Row,
    Run,
    Source,
    Table,
)
from signals.memo.document import document
from signals.memo.rows import Memo
from signals.memo.typeset import CODED, leads, png
from signals.model import Call, SignalsError

if TYPE_CHECKING:
    from types import ModuleType

    from docx.document import Document as Word

INK, SOFT, LINE = "1A1F2B", "4D5666", "CFD4DD"
TONES: dict[Call, tuple[str, str]] = {
    "ship": ("117A45", "E8F5EE"),
    "hold": ("8A5A00", "FDF3DF"),
    "rollback": ("C3302B", "FDEAEA"),
}
PAGE_WIDTH, PAGE_HEIGHT, MARGIN, LABEL = 210, 297, 18, 34  # millimetres
TEXT_WIDTH = PAGE_WIDTH - 2 * MARGIN
FACE, MONO = "Calibri", "Consolas"
SIZE = 10.0  # points


def docx(memo: Memo) -> bytes:
    """The memo as a Word file. Same memo, same bytes.

    Raises:
        SignalsError: python-docx, or typst for the pictures, is not installed.
    """
    package()
    page = document(memo)
    return _Writer(page).bytes()


def package() -> ModuleType:
    """The package python-docx.

    Raises:
        SignalsError: It is not installed.
    """
    try:
        import docx as found
    except ImportError:
        raise SignalsError(
            "a Word memo needs the package python-docx", "pip install 'signals-verdict[memo]', or choose .html or .md"
        ) from None
    module: ModuleType = found
    return module


class _Writer:
    """Puts blocks into one file."""

    def __init__(self, page: Document) -> None:
        import docx as library

        self.page = page
        self.word: Word = library.Document()
        self.coded = False
        self._settings()

    def bytes(self) -> bytes:
        """The file."""
        for blocks, fresh in ((self.page.first, False), (self.page.rest, True)):
            before = None
            for block, following in zip(blocks, (*blocks[1:], None), strict=True):
                self._draw(block, before, following, fresh=fresh and before is None)
                before = block
        if self.coded:
            self._paragraph((Run(f"In the pictures, {CODED}", "soft"),))
        saved = BytesIO()
        self.word.save(saved)
        return _fixed(saved.getvalue())

    # --- the file ---------------------------------------------------------------------------------------------------

    def _settings(self) -> None:
        from docx.enum.text import WD_TAB_ALIGNMENT
        from docx.shared import Mm, Pt, RGBColor

        about, when = self.word.core_properties, datetime.fromisoformat(self.page.dated).replace(tzinfo=None)
        about.title, about.author, about.last_modified_by = self.page.title[:255], "Signals", "Signals"
        about.created = about.modified = when
        about.comments, about.language, about.revision = "", "en", 1
        mode = self.word.settings.element.find(f".//{_tag('compatSetting')}[@{_tag('name')}='compatibilityMode']")
        if mode is not None:  # of today's Word, or its title bar speaks of compatibility
            mode.set(_tag("val"), "15")
        section = self.word.sections[0]
        section.page_width, section.page_height = Mm(PAGE_WIDTH), Mm(PAGE_HEIGHT)
        section.left_margin = section.right_margin = section.top_margin = section.bottom_margin = Mm(MARGIN)
        section.footer_distance = Mm(9)
        sizes = {"Normal": SIZE, "Heading 1": 20, "Heading 2": 15, "Heading 3": 12, "Heading 4": 10.5}
        for name, size in sizes.items():
            style: Any = self.word.styles[name]
            style.font.name, style.font.size, style.font.color.rgb = FACE, Pt(size), RGBColor.from_string(INK)
            _face(style.element.get_or_add_rPr(), FACE)
            form = style.paragraph_format
            form.space_before = Pt(0 if name in ("Normal", "Heading 1") else 12 if size > 11 else 8)
            form.space_after, form.line_spacing = Pt(4), 1.08
        inner: Any = self.word.styles["Heading 4"]
        inner.font.italic, inner.font.color.rgb = False, RGBColor.from_string(SOFT)
        bullets: Any = self.word.styles["List Bullet"]
        bullets.paragraph_format.space_after = Pt(2)
        foot = section.footer.paragraphs[0]
        foot.style = self.word.styles["Normal"]  # the footer's own style has tab stops of its own
        foot.paragraph_format.tab_stops.add_tab_stop(Mm(TEXT_WIDTH), WD_TAB_ALIGNMENT.RIGHT)
        _border(foot, {"top": ("single", 4, LINE, 4)})
        for text, counted in ((f"{self.page.foot}\t", ""), ("1", "PAGE"), (" / ", ""), ("1", "NUMPAGES")):
            run = foot.add_run(text)
            run.font.size, run.font.color.rgb = Pt(8), RGBColor.from_string(SOFT)
            if counted:
                _count(run, counted)

    # --- blocks -----------------------------------------------------------------------------------------------------

    def _draw(self, block: Block, before: Block | None, following: Block | None, *, fresh: bool) -> None:
        match block:
            case Heading():
                self.word.add_heading(block.text, block.level).paragraph_format.page_break_before = fresh or None
            case Paragraph():
                self._told(block, before, following)
            case Banner():
                self._banner(block)
            case Items():
                for item in block.items:
                    self._paragraph(item, "ListBullet")
            case Table():
                self._table(block)
            case Figure():
                self._figure(block)
            case Fields():
                self._fields(block)
            case Source():
                self._source(block)

    def _told(self, block: Paragraph, before: Block | None, following: Block | None) -> None:
        from docx.shared import Pt

        drawn = self._paragraph(block.text)
        drawn.paragraph_format.keep_with_next = leads(block, following) or None
        if isinstance(before, (Table, Items)):
            drawn.paragraph_format.space_before = Pt(7 if isinstance(before, Table) else 4)
        if block.style == "notice":
            _box(drawn, ("dashed", 6, TONES["hold"][0], 4))

    def _paragraph(self, text: Line, style: str = "") -> Any:
        drawn = self.word.add_paragraph()
        if style:  # by its id: python-docx would look through all styles for each paragraph
            drawn._p.style = style
        return _fill(drawn, text)

    def _banner(self, banner: Banner) -> None:
        from docx.shared import Mm, Pt, RGBColor

        tone, wash = TONES[banner.call]
        head = self.word.add_paragraph()
        run = head.add_run(banner.word)
        run.bold, run.font.size, run.font.color.rgb = True, Pt(22), RGBColor.from_string(tone)
        if banner.until:
            head.add_run(f"  {banner.until}").bold = True
        drawn = [head, *(self._paragraph(one) for one in banner.lines)]
        for paragraph in drawn:
            _border(paragraph, {"left": ("single", 24, tone, 8)})
            _shade(paragraph._p.get_or_add_pPr(), wash)
            form = paragraph.paragraph_format
            form.left_indent, form.space_after, form.keep_with_next = Mm(4), Pt(0), True
        drawn[0].paragraph_format.space_before = Pt(8)
        drawn[-1].paragraph_format.space_after = Pt(6)

    def _table(self, table: Table) -> None:
        from docx.shared import Mm

        total = sum(column.width for column in table.columns)
        widths = [Mm(TEXT_WIDTH * column.width / total) for column in table.columns]
        drawn = self.word.add_table(rows=1 + len(table.rows), cols=len(table.columns))
        drawn.autofit = False
        _table_look(drawn, table.name)
        head = Row(tuple((Run(column.title, "strong"),) for column in table.columns))
        for place, (row, given) in enumerate(zip(drawn.rows, (head, *table.rows), strict=True)):
            cells = row.cells
            for column, cell, width, text in zip(table.columns, cells, widths, given.cells, strict=True):
                cell.width = width
                _cell(cell.paragraphs[0], text, given, right=column.right)
            _row_look(row, cells, head=place == 0)
        for column, width in zip(drawn.columns, widths, strict=True):
            column.width = width

    def _figure(self, figure: Figure) -> None:
        from docx.shared import Mm, Pt

        picture, coded = png(figure.plot, figure.id)
        self.coded = self.coded or coded
        place = self.word.add_paragraph()
        shape = place.add_run().add_picture(BytesIO(picture), width=Mm(TEXT_WIDTH))
        for side in ("distT", "distB", "distL", "distR"):  # without these some readers shift it
            shape._inline.set(side, "0")
        about = shape._inline.docPr
        about.set("descr", figure.alt)
        about.set("name", figure.id)
        if figure.caption:
            place.paragraph_format.keep_with_next = True
            under = self._paragraph((Run(figure.caption, "soft"),))
            for run in under.runs:
                run.font.size = Pt(8.5)

    def _fields(self, fields: Fields) -> None:
        from docx.enum.text import WD_TAB_ALIGNMENT, WD_TAB_LEADER
        from docx.shared import Mm, Pt

        for field in fields.fields:
            drawn = self._paragraph((Run(field.label, "strong"), Run("\t"), *(field.text or (Run("\t"),))))
            form = drawn.paragraph_format
            form.left_indent, form.first_line_indent = Mm(LABEL), Mm(-LABEL)
            form.tab_stops.add_tab_stop(Mm(LABEL))
            if field.text is None:  # a line to write on
                form.tab_stops.add_tab_stop(Mm(TEXT_WIDTH), WD_TAB_ALIGNMENT.RIGHT, WD_TAB_LEADER.LINES)
                form.space_before = Pt(8)

    def _source(self, source: Source) -> None:
        from docx.shared import Pt

        drawn = self._paragraph((Run(source.text.rstrip("\n"), "code"),))
        _box(drawn, ("single", 4, LINE, 4))
        drawn.paragraph_format.line_spacing = 1.0
        for run in drawn.runs:
            run.font.size = Pt(8)


# --- what python-docx has no words for ----------------------------------------------------------------------------


def _fill(paragraph: Any, text: Line) -> Any:
    from docx.shared import Pt, RGBColor

    for piece in text:
        run = paragraph.add_run(piece.text)  # as data: Word reads no field, link or tag in it
        if piece.style in ("strong", "tag"):
            run.bold = True
        if piece.style == "tag":
            _frame(run)
        if piece.style == "soft":
            run.font.color.rgb = RGBColor.from_string(SOFT)
        if piece.style == "code":
            run.font.name, run.font.size = MONO, Pt(SIZE - 1.5)
            _face(run._r.get_or_add_rPr(), MONO)
    return paragraph


def _cell(paragraph: Any, text: Line, row: Row, *, right: bool) -> None:
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.shared import Pt, RGBColor

    _fill(paragraph, text)
    form = paragraph.paragraph_format
    form.space_before = form.space_after = Pt(1.5)
    form.line_spacing = 1.0
    if right:
        paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT
    for run in paragraph.runs:
        run.font.size = Pt(SIZE - (2 if run.font.name == MONO else 1))
        if row.style == "strong":
            run.bold = True
        if row.style in ("soft", "inside"):
            run.font.color.rgb = RGBColor.from_string(SOFT)


def _element(name: str, **values: str | int) -> Any:
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    made = OxmlElement(f"w:{name}")
    for key, value in values.items():
        made.set(qn(f"w:{key}"), str(value))
    return made


def _face(properties: Any, font: str) -> None:
    from docx.oxml.ns import qn

    faces = properties.get_or_add_rFonts()
    for theme in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme"):
        faces.attrib.pop(qn(f"w:{theme}"), None)
    for script in ("ascii", "hAnsi", "cs"):
        faces.set(qn(f"w:{script}"), font)


def _frame(run: Any) -> None:
    run._r.get_or_add_rPr().append(_element("bdr", val="single", sz=6, space=0, color=INK))


def _border(paragraph: Any, sides: dict[str, tuple[str, int, str, int]]) -> None:
    borders = _element("pBdr")
    for side, (kind, size, colour, space) in sides.items():
        borders.append(_element(side, val=kind, sz=size, space=space, color=colour))
    properties = paragraph._p.get_or_add_pPr()
    properties.insert_element_before(
        borders, "w:shd", "w:tabs", "w:suppressAutoHyphens", "w:spacing", "w:ind", "w:jc", "w:rPr", "w:sectPr"
    )


def _box(paragraph: Any, side: tuple[str, int, str, int]) -> None:
    from docx.shared import Pt

    _border(paragraph, dict.fromkeys(("top", "left", "bottom", "right"), side))
    paragraph.paragraph_format.left_indent = paragraph.paragraph_format.right_indent = Pt(side[3] + 1)


def _shade(properties: Any, colour: str) -> None:
    properties.insert_element_before(
        _element("shd", val="clear", color="auto", fill=colour), "w:tabs", "w:spacing", "w:ind", "w:jc", "w:rPr"
    )


def _count(run: Any, what: str) -> None:
    """Let Word put a number of pages where the run stands."""
    field = _element("fldSimple", instr=f" {what} ")
    run._r.addprevious(field)
    field.append(run._r)


def _table_look(table: Any, name: str) -> None:
    properties = table._tbl.tblPr
    borders = _element("tblBorders")
    for side in ("bottom", "insideH"):
        borders.append(_element(side, val="single", sz=4, space=0, color=LINE))
    margins = _element("tblCellMar")
    for side, width in (("left", 0), ("right", 120)):  # flush with the text around on the left, in Word and elsewhere
        margins.append(_element(side, w=width, type="dxa"))
    layout = properties.find(_tag("tblLayout"))
    layout.addprevious(borders)
    layout.addnext(margins)
    look = properties.find(_tag("tblLook"))
    for old in () if look is None else (look,):
        properties.remove(old)
    properties.append(_element("tblLook", val="0020", firstRow=1, lastRow=0, firstColumn=0, lastColumn=0, noHBand=1,
                               noVBand=1))  # fmt: skip
    properties.append(_element("tblCaption", val=name))


def _row_look(row: Any, cells: tuple[Any, ...], *, head: bool) -> None:
    properties = row._tr.get_or_add_trPr()
    properties.append(_element("cantSplit"))
    if head:
        properties.append(_element("tblHeader"))
        for cell in cells:
            borders = _element("tcBorders")
            borders.append(_element("bottom", val="single", sz=8, space=0, color=SOFT))
            cell._tc.get_or_add_tcPr().append(borders)
    edge = _element("tcMar")  # and the last column on the right
    edge.append(_element("right", w=0, type="dxa"))
    cells[-1]._tc.get_or_add_tcPr().append(edge)


def _tag(name: str) -> str:
    from docx.oxml.ns import qn

    found: str = qn(f"w:{name}")
    return found


def _fixed(saved: bytes) -> bytes:
    """The same archive with nothing in it that depends on when and where it was written."""
    made = BytesIO()
    with zipfile.ZipFile(BytesIO(saved)) as old, zipfile.ZipFile(made, "w") as new:
        for name in old.namelist():
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.create_system, entry.external_attr, entry.compress_type = 3, 0o600 << 16, zipfile.ZIP_DEFLATED
            new.writestr(entry, old.read(name), compresslevel=6)
    return made.getvalue()
