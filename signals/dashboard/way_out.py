"""The way out of a HOLD: how much of what evidence, by when, who owns it."""

from __future__ import annotations

from html import escape

from signals.dashboard import links
from signals.dashboard.marks import folded, linked
from signals.memo import Memo
from signals.memo.rows import NeedLine

WAYS = 2  # that stand in the open
NO_WAY = "The verdict names no way out."


def needs_card(memo: Memo, more: str = "") -> str:
    """The ways out of a HOLD; then what stands beside them."""
    lines = [_need(need, memo) for need in memo.needs]
    rest = folded(lines[WAYS:], [need.signal or need.what for need in memo.needs[WAYS:]])
    listed = "".join(lines[:WAYS]) or f'<p class="small">{NO_WAY}</p>'
    return (
        f'<section class="card way-out" aria-label="Way out of the hold"><h2>Way out</h2>{listed}{rest}{more}</section>'
    )


def due(need: NeedLine) -> str:
    """``by 15 Jan 2027 · owner growth-team``; empty when neither is known."""
    parts = (f"by {need.by}" if need.by else "", f"owner {need.owner}" if need.owner else "")
    return " · ".join(part for part in parts if part)


def _need(need: NeedLine, memo: Memo) -> str:
    why, when = _unsaid(need, memo.sentence), due(need)
    what = f"<b>{escape(f'{need.signal}: {need.what}' if need.signal else need.what)}</b>"
    title = linked(links.reading(memo.release, need.signal) if need.signal else "", what)
    return (
        f'<div class="need"><p>{title}</p>'
        f'<p class="small">{escape(why)}{" · " if when and why else ""}<b>{escape(when)}</b></p></div>'
    )


def _unsaid(need: NeedLine, sentence: str) -> str:
    """Why it is needed, without a first clause that the banner says already."""
    first, _, rest = need.why.partition("; ")
    return rest[:1].upper() + rest[1:] if rest and first in sentence else need.why
