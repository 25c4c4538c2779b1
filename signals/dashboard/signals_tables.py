"""What the parts of the Signals page are made of: cards and tables. Cells are HTML already; all else is escaped."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from signals.dashboard.marks import with_code
from signals.memo.phrases import clean
from signals.words import quantity

Cell = tuple[str, str]
"""A column's name, for phones, and what stands in it as HTML."""


def card(title: str, body: str, *, anchor: str = "", kind: str = "", raw: bool = False) -> str:
    """A card with a heading; ``raw`` when that is HTML already."""
    place = f' id="{anchor}"' if anchor else ""
    return f'<section class="card {kind}"{place}><h2>{title if raw else escape(title)}</h2>{body}</section>'


def folded(title: str, body: str) -> str:
    """HTML behind one line."""
    return f'<details class="more"><summary>{escape(title)}</summary>{body}</details>'


def table(
    title: str,
    rows: Sequence[tuple[Cell, ...]],
    *,
    right: Sequence[int] = (),
    anchors: Sequence[str] = (),
    kind: str = "",
) -> str:
    """A table whose cells are HTML already; on a phone each row is a block, and each cell says its column."""
    if not rows:
        return ""
    numbers = set(right)
    head = "".join(
        f'<th scope="col"{" class=r" if place in numbers else ""}>{escape(name)}</th>'
        for place, (name, _) in enumerate(rows[0])
    )
    body = ""
    for k, row in enumerate(rows):
        cells = "".join(
            f'<th scope="row">{text}</th>'
            if place == 0
            else f'<td data-name="{escape(name)}"{" class=r" if place in numbers else ""}>{text}</td>'
            for place, (name, text) in enumerate(row)
        )
        body += f"<tr{f' id={chr(34)}{escape(anchors[k])}{chr(34)}' if anchors else ''}>{cells}</tr>"
    named = escape(title)
    return (
        f'<table class="deep {kind}" aria-label="{named}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
    )


def small(text: str) -> str:
    """A line in small print."""
    return f'<span class="small">{escape(text)}</span>' if text else ""


def within(low: float | None, high: float | None) -> str:
    """Bounds of a coefficient, as its own number is written."""
    return f"{quantity(low, 'number')} to {quantity(high, 'number')}"


def sentence(text: str) -> str:
    """A clause as a sentence, with its code marked."""
    return with_code(clean(f"{text[:1].upper()}{text[1:].rstrip('.')}."))
