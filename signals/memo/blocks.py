"""What a memo is built of: headings, paragraphs, lists, tables, pictures, as plain text. Every format draws these.

Text is clean (``phrases.clean``) and not escaped: whoever writes a format escapes, or hands it over as data.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from signals.memo.forest import Forest
from signals.memo.waterfall import Waterfall
from signals.model import Call

RunStyle = Literal["plain", "strong", "soft", "name", "code", "tag"]
"""``name`` is a name from outside: code in Markdown, plain elsewhere. ``tag`` is one of our own words in a frame."""


@dataclass(frozen=True)
class Run:
    """A piece of text in one style."""

    text: str
    style: RunStyle = "plain"


Line = tuple[Run, ...]


def line(*parts: str | Run | Line) -> Line:
    """Pieces put together; plain text may stand as it is, what is empty is left out."""
    runs: list[Run] = []
    for part in parts:
        if isinstance(part, tuple):
            runs += part
        else:
            runs.append(Run(part) if isinstance(part, str) else part)
    return tuple(run for run in runs if run.text)


def strong(text: str) -> Run:
    """Text that stands out."""
    return Run(text, "strong")


def soft(text: str) -> Run:
    """Text that stands back."""
    return Run(text, "soft")


def name(text: str) -> Run:
    """A name from outside."""
    return Run(text, "name")


def code(text: str) -> Run:
    """Text of fixed width: a rule, a hash. What is empty is an en dash."""
    return Run(text, "code") if text else Run("–")


@dataclass(frozen=True)
class Heading:
    """A heading; 1 is the title, 2 a part of the memo, 3 a section, 4 what is inside one."""

    level: Literal[1, 2, 3, 4]
    text: str


@dataclass(frozen=True)
class Paragraph:
    """A paragraph. ``notice`` stands in a frame."""

    text: Line
    style: Literal["plain", "soft", "notice"] = "plain"


@dataclass(frozen=True)
class Banner:
    """The call: its one word, what holds until then, and the lines under it."""

    call: Call
    word: str
    until: str  # "until then HOLD", or empty
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Items:
    """A list."""

    items: tuple[Line, ...]


@dataclass(frozen=True)
class Column:
    """One column: its head, and how wide it is beside the others."""

    title: str
    width: float
    right: bool = False


RowStyle = Literal["plain", "strong", "soft", "inside"]


@dataclass(frozen=True)
class Row:
    """One row. A ``strong`` one decides, a ``soft`` one stands back, an ``inside`` one is indented too."""

    cells: tuple[Line, ...]
    style: RowStyle = "plain"


@dataclass(frozen=True)
class Table:
    """A table with one head row; ``name`` says what it holds, for whoever cannot see the heading above it."""

    name: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Figure:
    """A picture, with what it shows in words (``alt``) and a caption."""

    plot: Forest | Waterfall
    id: str  # of the picture within the memo
    alt: str
    caption: str


@dataclass(frozen=True)
class Field:
    """A labelled line; ``text`` is None where somebody is to write by hand."""

    label: str
    text: Line | None


@dataclass(frozen=True)
class Fields:
    """Labelled lines, one under the other."""

    fields: tuple[Field, ...]


@dataclass(frozen=True)
class Source:
    """A text shown line by line as it is."""

    text: str
    language: str


Block = Heading | Paragraph | Banner | Items | Table | Figure | Fields | Source


@dataclass(frozen=True)
class Document:
    """A memo in blocks. ``first`` is page one; ``rest`` begins on the next."""

    title: str
    dated: str  # the document's date, "2026-11-17T09:00:00Z"
    foot: str  # stands under every page
    first: tuple[Block, ...]
    rest: tuple[Block, ...]

    @property
    def blocks(self) -> tuple[Block, ...]:
        """All of them, in reading order."""
        return (*self.first, *self.rest)
