"""Memo -> PDF by typst: tagged, PDF/UA-1, the same bytes for the same memo. Pictures for Word come from here too.

Everything goes to typst as JSON; its source is one file of this package. Only the fonts inside typst are used, so that
no machine changes the bytes. What these cannot draw is asked of the machine's own fonts, for that memo alone, and what
nobody can draw stands as its code point with a note: PDF/UA-1 refuses a file with a missing glyph, which is how it is
found.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeVar

from signals.memo.blocks import Block, Document, Figure, Paragraph, line, soft
from signals.memo.document import document
from signals.memo.forest import Forest
from signals.memo.picture import PAPER, forest_svg
from signals.memo.render import TEMPLATES
from signals.memo.rows import Memo
from signals.memo.waterfall import Waterfall
from signals.memo.waterfall_picture import waterfall_svg
from signals.model import SignalsError

if TYPE_CHECKING:
    from types import ModuleType

WIDTH = 760
"""Pixels that a waterfall is drawn on for paper."""

PPI = 220

BORROWED = (
    "Some letters are drawn with fonts of the machine that wrote this file; elsewhere the file may look different."
)
CODED = (
    "⟨U+…⟩ stands for a letter that no font at hand can draw, by its number in Unicode; the HTML and Markdown memos "
    "hold the letter."
)

_MISSING = re.compile(r'the text `"((?:[^"\\]|\\.)*)"` could not be displayed with (a font|font)')
_LOST = "missing codepoints"
_ESCAPE = re.compile(r"\\u\{([0-9a-fA-F]+)\}|\\(.)", re.DOTALL)
_ROUNDS = 8  # each finds everything that is missing at once, but for what one replacement uncovers in its neighbours
_PLAIN = re.compile(r"[^\x00-\u024f\u2010-\u2027\u2030-\u203a\u2190-\u2193\u2212\u2260-\u2265\u27e8\u27e9]")
# Scripts whose letters a font joins, stacks or moves, marks that are put over others, joiners.
_JOINED = re.compile(
    r"[\u0300-\u036f\u0590-\u10ff\u135d-\u135f\u1700-\u1cff\u1dc0-\u1dff\u200c\u200d\u20d0-\u20ff\ua800-\uabff\ufb1d-\ufeff"
    r"\U00010a00-\U00011fff\U0001e000-\U0001e95f]"
)

Made = TypeVar("Made")


def pdf(memo: Memo) -> bytes:
    """The memo as PDF/UA-1: page one is the decision and nothing else. Same memo, same bytes.

    Raises:
        SignalsError: typst is not installed.
    """
    typst = _typst()
    page = document(memo)
    source = (TEMPLATES / "memo.typ").read_bytes()

    def write(replaced: _Changes, pictured: _Changes, *, system: bool) -> bytes:
        note = CODED if replaced or pictured else BORROWED if system else ""
        made: bytes = typst.compile(
            source,
            format="pdf",
            ignore_system_fonts=not system,
            sys_inputs={"memo": json.dumps(_data(page, note, replaced, pictured), ensure_ascii=False)},
            pdf_standards=["ua-1"],
            timestamp=0,  # the document's own date is its newest moment
        )
        return made

    return _legible(write)


def png(plot: Forest | Waterfall, id_of: str) -> tuple[bytes, bool]:
    """A picture as PNG at 220 dots per inch, and whether letters in it stand as their code points.

    Raises:
        SignalsError: typst is not installed.
    """
    typst = _typst()
    source = b"""#set page(width: auto, height: auto, margin: 0pt)
#set document(title: "picture")
#set text(lang: "en")
#image(bytes(sys.inputs.svg), format: "svg", width: 170mm, alt: "picture")"""

    def write(replaced: _Changes, pictured: _Changes, *, system: bool) -> tuple[bytes, bool]:
        given = {"svg": _replace(_replace(_svg(plot, id_of), replaced), pictured)}
        # Only a PDF that claims the standard is refused for a missing glyph.
        typst.compile(source, format="pdf", ignore_system_fonts=not system, sys_inputs=given, pdf_standards=["ua-1"])
        made: bytes = typst.compile(source, format="png", ignore_system_fonts=not system, sys_inputs=given, ppi=PPI)
        return made, bool(replaced or pictured)

    return _legible(write)


def _typst() -> ModuleType:
    try:
        import typst
    except ImportError:
        raise SignalsError(
            "a PDF or Word memo needs the package typst", "pip install 'signals-verdict[memo]', or choose .html or .md"
        ) from None
    return typst


def _legible(write: Callable[..., Made]) -> Made:
    """What ``write`` makes with every letter drawn: by typst's fonts, else by the machine's, else as code points."""
    from typst import TypstError

    replaced, pictured = _Changes(), _Changes()
    system = False
    for _ in range(_ROUNDS):
        try:
            return write(replaced, pictured, system=system)
        except TypstError as error:
            missing = _MISSING.findall(error.diagnostic)
            if missing and system:
                for text, where in missing:
                    # A picture looks for fonts on its own and finds fewer: what it lacks may be fine in the text.
                    (pictured if where == "a font" else replaced).update(_coded(_unescape(text)))
            elif not missing and _LOST in error.diagnostic and replaced.signs is None:
                # All is drawn, and some of it no longer holds the letters that it is drawn from; of which, nobody says.
                replaced.signs = pictured.signs = _JOINED
            elif not missing:
                if _LOST in error.diagnostic:
                    break
                raise
            system = True
    last = _Changes(_PLAIN)
    return write(last, last, system=False)


def _coded(text: str) -> dict[str, str]:
    return {sign: f"⟨U+{ord(sign):04X}⟩" for sign in text if not sign.isascii()}


class _Changes(dict[str, str]):
    """What stands for single letters, and for all that a pattern finds, as code points."""

    def __init__(self, signs: re.Pattern[str] | None = None) -> None:
        super().__init__()
        self.signs = signs

    def __bool__(self) -> bool:
        return self.signs is not None or len(self) > 0


def _replace(text: str, changes: _Changes) -> str:
    if changes.signs is not None:
        text = changes.signs.sub(lambda found: _coded(found[0])[found[0]], text)
    return text.translate({ord(sign): words for sign, words in changes.items()})


def _unescape(text: str) -> str:
    return _ESCAPE.sub(lambda found: chr(int(found[1], 16)) if found[1] else found[2], text)


def _svg(plot: Forest | Waterfall, id_of: str) -> str:
    if isinstance(plot, Forest):
        return forest_svg(plot, PAPER, prefix=id_of)
    return waterfall_svg(plot, PAPER, prefix=id_of, width=WIDTH)


def _data(page: Document, note: str, replaced: _Changes, pictured: _Changes) -> dict[str, Any]:
    """The document as JSON holds it, with a note on page one where letters are not drawn as usual."""

    def told(value: Any) -> Any:
        if isinstance(value, str):
            return _replace(value, replaced)
        if isinstance(value, tuple):
            return [told(one) for one in value]
        if hasattr(value, "__dataclass_fields__") and not isinstance(value, (Forest, Waterfall)):
            return {one.name: told(getattr(value, one.name)) for one in fields(value)}
        return None if isinstance(value, (Forest, Waterfall)) else value

    def block(one: Block, following: Block | None) -> dict[str, Any]:
        data: dict[str, Any] = told(one) | {"sort": type(one).__name__}
        if isinstance(one, Figure):
            data["svg"] = _replace(_replace(_svg(one.plot, one.id), replaced), pictured)
        if isinstance(one, Paragraph):
            data["leads"] = leads(one, following)
        return data

    def blocks(some: tuple[Block, ...]) -> list[dict[str, Any]]:
        return [block(one, following) for one, following in zip(some, (*some[1:], None), strict=True)]

    first = (*page.first, Paragraph(line(soft(note)))) if note else page.first
    return {
        "title": told(page.title),
        "dated": page.dated,
        "foot": told(page.foot),
        "first": blocks(first),
        "rest": blocks(page.rest),
    }


def leads(one: Paragraph, following: Block | None) -> bool:
    """Whether a paragraph only announces what follows, so that no page may end between them."""
    words = "".join(run.text for run in one.text)
    return following is not None and not isinstance(following, Paragraph) and len(words) < 400
