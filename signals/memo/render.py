"""Memo -> Markdown and HTML. Text from outside can add no tag, link, heading, table cell or request."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from signals.memo import phrases
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
    Run,
    Source,
    Table,
)
from signals.memo.document import document
from signals.memo.forest import Forest
from signals.memo.picture import forest_svg, forest_text
from signals.memo.rows import Memo
from signals.memo.waterfall_picture import waterfall_svg

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

TEMPLATES = Path(__file__).parent / "templates"
BLANK = "." * 40  # where somebody is to write by hand

_SPECIAL = re.compile(r"([\\`*_\[\]|~$]|<(?=[A-Za-z/!?]))")
_ENTITY = re.compile(r"&(?=#?\w+;)")
_ADDRESS = re.compile(r"://|\bwww\.|\w@\w", re.IGNORECASE)
_BLOCK_START = re.compile(r"^(#{1,6}(?=\s|$)|[-+](?=\s|-|$)|>|=+$|\d+[.)](?=\s|$))")
_EDGES = re.compile(r"^( *)(.*?)( *)$", re.DOTALL)


def html(memo: Memo) -> str:
    """The memo as one HTML file: style and picture inside, no script, no outside request. Same memo, same bytes."""
    from markupsafe import Markup

    style = Markup((TEMPLATES / "memo.css").read_text(encoding="utf-8"))  # noqa: S704  # a file of this package
    page: Document = document(memo)
    return _environment().get_template("memo.html.j2").render(page=page, style=style)


def markdown(memo: Memo) -> str:
    """The memo as GitHub-flavoured Markdown; readable as plain text too. Same memo, same bytes."""
    drawn = [_block(block) for block in document(memo).blocks]
    return "\n\n".join(text for text in drawn if text) + "\n"


def _block(block: Block) -> str:
    match block:
        case Heading():
            return f"{'#' * block.level} {_heading(block.text)}"
        case Paragraph():
            return f"{'> ' if block.style == 'notice' else ''}{_line(block.text)}"
        case Banner():
            until = f" ({escape_markdown(block.until)})" if block.until else ""
            return "\n\n".join([f"**{escape_markdown(block.word)}**{until}", *(_line(one) for one in block.lines)])
        case Items():
            return "\n".join(f"- {_line(one)}" for one in block.items)
        case Table():
            return _table(block)
        case Figure():
            if not isinstance(block.plot, Forest):  # the table of its parts says the same
                return ""
            return f"{escape_markdown(phrases.TEXT_PLOT_LEGEND)}\n\n{code_block(forest_text(block.plot), 'text')}"
        case Fields():
            shown = ((one.label, BLANK if one.text is None else _line(one.text)) for one in block.fields)
            return "\n".join(f"- **{label}**: {text}" for label, text in shown)
        case Source():
            return code_block(block.text, block.language)


def _table(table: Table) -> str:
    head = " | ".join(escape_markdown(column.title) for column in table.columns)
    rule = "|".join("--:" if column.right else "---" for column in table.columns)
    rows = [" | ".join(_line(cell, cell=True) for cell in row.cells) for row in table.rows]
    return "\n".join([f"| {head} |", f"|{rule}|", *(f"| {row} |" for row in rows)])


def _heading(text: str) -> str:
    escaped = escape_markdown(text)
    return f"{escaped[:-1]}\\#" if escaped.endswith("#") else escaped  # or it would close the heading


def _line(line: Line, *, cell: bool = False) -> str:
    text = "".join(_run(run, cell=cell) for run in line).strip()
    bare = bool(line) and line[0].style in ("plain", "soft")  # the others begin with a sign of their own
    return _BLOCK_START.sub(lambda found: _escape_start(found[0]), text) if bare else text


def _run(run: Run, *, cell: bool) -> str:
    found = _EDGES.match(run.text)
    before, text, after = found.groups() if found else ("", run.text, "")
    if run.style in ("name", "code"):
        return f"{before}{code_span(text, cell=cell)}{after}"
    escaped = _inline(text)
    if run.style in ("strong", "tag") and escaped:
        escaped = f"**{escaped}**" if run.style == "strong" else f"(**{escaped}**)"
    return f"{before}{escaped}{after}"


def escape_markdown(text: object) -> str:
    """Text that Markdown shows as it is: nothing starts a block, a link, a tag, an entity or a table cell.

    Bare addresses would become links even unmarked; they are shown as code.
    """
    return _BLOCK_START.sub(lambda found: _escape_start(found[0]), _inline(phrases.clean(text)))


def _inline(text: str) -> str:
    words = text.split(" ")
    return " ".join(code_span(word, cell=True) if _ADDRESS.search(word) else _escape(word) for word in words)


def _escape(text: str) -> str:
    return _ENTITY.sub(r"\\&", _SPECIAL.sub(r"\\\1", text))


def _escape_start(start: str) -> str:
    return f"{start[:-1]}\\{start[-1]}" if start[0].isdigit() else f"\\{start}"


def code_span(text: object, *, cell: bool = True) -> str:
    """Text as inline code, whatever backticks it holds; in a table cell a pipe would end the cell, so it is escaped."""
    flat = phrases.clean(text)
    if not flat:
        return "–"
    fence = "`" * (_longest_run(flat) + 1)
    pad = " " if flat.startswith("`") or flat.endswith("`") else ""
    span = f"{fence}{pad}{flat}{pad}{fence}"
    return span.replace("|", "\\|") if cell else span


def code_block(text: str, language: str = "") -> str:
    """A fenced block whose fence is longer than any run of backticks inside."""
    fence = "`" * max(3, _longest_run(text) + 1)
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall(r"`+", text)), default=0)


def _picture(figure: Figure) -> Markup:
    """The picture as markup: it escapes its texts itself."""
    from markupsafe import Markup

    plot = figure.plot
    drawn = forest_svg(plot, prefix=figure.id) if isinstance(plot, Forest) else waterfall_svg(plot, prefix=figure.id)
    return Markup(drawn)  # noqa: S704  # see above


@lru_cache(maxsize=1)
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"picture": _picture, "sort": lambda block: type(block).__name__}
    return environment
