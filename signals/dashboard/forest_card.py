"""The forest plot as rows of the page: every signal in units of its own margin, its natural numbers at the right."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from signals.dashboard import links
from signals.dashboard.marks import folded
from signals.memo import Forest
from signals.memo.forest import Mark, Row
from signals.memo.phrases import PLOT_LEGEND

ROWS = 6  # that stand in the open; a seventh would push the checks off the screen
TIGHT = 0.08  # a bar narrower than this share of the axis would vanish under a round dot
NO_CHANGE_ROOM, ZERO_ROOM = 0.1, 0.03  # shares of the axis that a margin must span for these words to fit
TITLE = "Signals, in units of the decision margin"

_WEIGHT: tuple[Mark, ...] = ("decides", "untrusted", "none", "overruled", "agrees", "quiet")


def forest_card(plot: Forest, release: str = "") -> str:
    """One row per signal on one axis; on a phone the bar moves below the name.

    Args:
        plot: All rows.
        release: Its id, for the links to the readings; without one there are none.
    """
    shown, others = split(plot.rows, ROWS)
    rows = "".join(_row(plot, row, release) for row in shown)
    rest = folded([_row(plot, row, release) for row in others], [row.signal for row in others], role="list")
    return (
        f'<section class="card forest" aria-label="{TITLE}"><h2>{TITLE}</h2>'
        f'{axis(plot)}<div role="list">{rows}</div>{rest}'
        f'<div class="caption">{escape(PLOT_LEGEND)}</div></section>'
    )


def split(rows: Sequence[Row], room: int) -> tuple[list[Row], list[Row]]:
    """The rows that stand in the open and those behind a fold, each in the order of the plot.

    Where there is no room for all, those stay that decide, cannot be believed, have no evidence or were overruled.
    """
    if len(rows) <= room:
        return list(rows), []
    ordered = sorted(range(len(rows)), key=lambda place: (_WEIGHT.index(rows[place].mark), place))
    kept = set(ordered[:room])
    return (
        [row for place, row in enumerate(rows) if place in kept],
        [row for place, row in enumerate(rows) if place not in kept],
    )


def axis(plot: Forest, *, bare: bool = False) -> str:
    """The words over the rows: the limit of harm, no change, a gain worth having; ``bare`` only their numbers."""
    limit, zero, gain = (plot.axis.at(value) for value in (-1, 0, 1))
    room = zero - limit  # the axis is wide when an estimate lies far out: then the words would run into each other
    middle = "no change" if room >= NO_CHANGE_ROOM else "0" if room >= ZERO_ROOM else ""
    edges = ("-50%", "−1", "0", "-50%") if bare else ("calc(-100% + 6px)", "limit −1", middle, "-6px")
    return (
        '<div class="row axis" aria-hidden="true"><span></span><span></span><div class="track">'
        f'<span style="left:{_percent(limit)};transform:translateX({edges[0]})">{edges[1]}</span>'
        f'<span style="left:{_percent(zero)};transform:translateX(-50%)">{edges[2]}</span>'
        f'<span style="left:{_percent(gain)};transform:translateX({edges[3]})">+1</span></div><span></span></div>'
    )


def track(plot: Forest, row: Row) -> str:
    """The bar of one row over the limits; words where there is no bar."""
    limit, zero, gain = (_percent(plot.axis.at(value)) for value in (-1, 0, 1))
    ground = (
        f'<i class="harm" style="width:{limit}"></i><i class="tick" style="left:{limit}"></i>'
        f'<i class="tick zero" style="left:{zero}"></i><i class="tick" style="left:{gain}"></i>'
    )
    bar = plot.bar(row)
    if bar is None:
        return f'{ground}<div class="note"><span>{escape(row.note)}</span></div>'
    width = bar.right - bar.left
    drawn = f'<i class="bar {row.mark}" style="left:{_percent(bar.left)};width:{_percent(width)}"></i>'
    drawn += '<i class="cut left"></i>' if bar.cut_left else ""
    drawn += '<i class="cut right"></i>' if bar.cut_right else ""
    if bar.point is not None:
        tight = " tight" if width < TIGHT else ""
        drawn += f'<i class="dot {row.mark}{tight}" style="left:{_percent(bar.point)}"></i>'
    return ground + drawn


def _percent(value: float) -> str:
    return f"{100 * value:.2f}%"


def _row(plot: Forest, row: Row, release: str) -> str:
    rank = "" if row.rank is None else str(row.rank)
    interval = f'<span class="small">{escape(row.interval)}</span>' if row.interval else ""
    state = f' <span class="flag">{escape(row.note)}</span>' if row.note and row.low is not None else ""
    numbers, spoken = f"<b>{escape(row.effect)}</b>{interval}", escape(row.spoken)
    if release:
        # The link spans the row, so that all of it can be pressed; it is one stop of the keyboard and says everything.
        href = escape(links.reading(release, row.signal))
        said = f'<span class="unseen">{spoken}</span><span aria-hidden="true">{numbers}</span>'
        numbers = f'<a class="numbers whole" href="{href}">{said}</a>'
        named = f'title="{spoken}"'
    else:
        numbers, named = f'<div class="numbers">{numbers}</div>', f'tabindex="0" aria-label="{spoken}" title="{spoken}"'
    return (
        f'<div class="row {row.mark} {row.tone or "none"}" role="listitem" {named}><span class="rank">{rank}</span>'
        f'<div><div class="name">{escape(row.signal)}{state}</div><div class="small">{escape(row.caption)}</div></div>'
        f'<div class="track" aria-hidden="true">{track(plot, row)}</div>{numbers}</div>'
    )
