"""The forest plot: every signal's interval on one axis, in units of that signal's own margin.

−1 is the limit of harm (shaded), 0 is no change, +1 is a gain worth having; right is always good. One geometry serves
three drawings: the SVG and the text plot of ``picture.py`` and the rows of the page. A row's role is drawn by
shape and line as well as by colour: thick decides, plain agrees, hollow is overruled, thin has no call, dashed is
untrusted, and a signal without evidence says so in words.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

from signals.memo.phrases import ROLE_TAGS, clean, sample
from signals.model import Call, Reading, Role, State, Verdict
from signals.words import bounds, level, number

Mark = Literal["decides", "agrees", "overruled", "quiet", "untrusted", "none"]

NARROWEST = 1.75  # the axis always shows the limits with air around them
WIDEST = 6.0  # beyond this an interval is cut and gets an arrowhead, or one loud signal would flatten the others
WIDEST_DECIDER = 12.0  # the signal that decides is shown further, to where a margin is still wide enough to see
FARTHEST = 20.0  # estimates are always shown, up to here: beyond, the margins would be too narrow to see
AIR = 0.04  # of the axis, between its edge and whatever stands outermost
PLOT_ROWS = 8  # signals that the picture on a memo's first page has room for
_ROLE_RANK: tuple[Role, ...] = ("decides", "overruled", "agrees", "silenced", "silent")


@dataclass(frozen=True)
class Axis:
    """The shown range, in margins."""

    low: float
    high: float

    def at(self, value: float) -> float:
        """Where a value lies: 0 is the left edge, 1 the right; values outside are put on the edge."""
        return min(max((value - self.low) / (self.high - self.low), 0.0), 1.0)


@dataclass(frozen=True)
class Row:
    """One signal. ``low``, ``mid``, ``high`` are the benefit in margins; None where there is nothing to draw."""

    rank: int | None  # None: declared, but not ranked by this hierarchy
    signal: str
    caption: str  # kind and sample size
    mark: Mark
    tone: Call | None  # what it says, for colour
    low: float | None
    mid: float | None
    high: float | None
    note: str  # in place of a bar, or beside one that needs a word
    effect: str  # natural numbers, in the signal's unit
    interval: str
    spoken: str  # the whole row in words


@dataclass(frozen=True)
class Bar:
    """Where one row is drawn, as fractions of the axis; ``cut`` says at which ends an arrowhead stands."""

    left: float
    right: float
    point: float | None  # None: the estimate lies beyond ``FARTHEST``
    cut_left: bool
    cut_right: bool


@dataclass(frozen=True)
class Forest:
    """All rows, in the order in which the hierarchy was walked, on one axis."""

    rows: tuple[Row, ...]
    axis: Axis

    def bar(self, row: Row) -> Bar | None:
        """The bar of a row; None when it has no interval on this axis."""
        if row.low is None or row.mid is None or row.high is None:
            return None
        axis = self.axis
        cut_left, cut_right = row.low < axis.low, row.high > axis.high
        point = axis.at(row.mid) if axis.low <= row.mid <= axis.high else None
        return Bar(axis.at(row.low), axis.at(row.high), point, cut_left, cut_right)


def forest(verdict: Verdict) -> Forest:
    """Rows and axis of a verdict: ranked signals in the order walked, then those that this hierarchy does not rank."""
    order = list(dict.fromkeys(step.signal for step in verdict.trace))
    ranked = [signal for signal in order if signal in verdict.readings]
    others = [signal for signal in verdict.readings if signal not in order]
    rows = [_row(verdict, verdict.readings[signal], rank) for rank, signal in enumerate(ranked, 1)]
    rows += [_row(verdict, verdict.readings[signal], None) for signal in others]
    return Forest(tuple(rows), _axis(rows))


def shown(plot: Forest) -> Forest:
    """The rows that page one has room for: who decides or is overruled, then by rank; in the plot's order."""
    weight: dict[Mark, int] = {"decides": 0, "untrusted": 1, "overruled": 1}
    chosen = sorted(range(len(plot.rows)), key=lambda place: (weight.get(plot.rows[place].mark, 2), place))[:PLOT_ROWS]
    return replace(plot, rows=tuple(plot.rows[place] for place in sorted(chosen)))


def spoken(plot: Forest) -> str:
    """The picture in words."""
    return f"{'. '.join(row.spoken for row in plot.rows) or 'No signals'}."


def _row(verdict: Verdict, reading: Reading, rank: int | None) -> Row:
    steps = [step for step in verdict.trace if step.signal == reading.signal]
    step = min(steps, key=lambda one: _ROLE_RANK.index(one.role), default=None)
    mark = _mark(reading, step.role if step else None, overruled=reading.signal in verdict.overruled)
    low, mid, high = _in_margins(reading)
    note = _note(reading, low)
    signal, unit = clean(reading.signal), clean(reading.unit)
    parts = [clean(reading.kind), sample(reading)]
    if reading.better == "lower":
        parts.append("lower is better")
    has_interval = reading.low is not None and reading.high is not None
    effect = number(reading.effect, unit, signed=True)
    interval = f"{bounds(reading.low, reading.high, unit)}{f' {unit}' if unit else ''}" if has_interval else ""
    spoken = f"{f'{rank}. ' if rank else 'not ranked: '}{signal}: {reading.state}"
    if reading.effect is not None:
        spoken += f", effect {effect}" + (f", {level(reading.confidence)} {interval}" if has_interval else "")
    if reading.margin:
        spoken += f", margin {number(reading.margin, unit)}"
    if note:
        spoken += f", {note}"
    spoken += f", {ROLE_TAGS[step.role].lower()}" if step else ""
    spoken += ", overruled" if mark == "overruled" and step and step.role != "overruled" else ""
    if reading.state == "missing":
        effect = interval = ""
    return Row(
        rank=rank,
        signal=signal,
        caption=" · ".join(part for part in parts if part),
        mark=mark,
        tone=_tone(reading, step.says if step else None, mark),
        low=low,
        mid=mid,
        high=high,
        note=note,
        effect=effect,
        interval=interval,
        spoken=spoken,
    )


def _mark(reading: Reading, role: Role | None, *, overruled: bool) -> Mark:
    if reading.state == "missing":
        return "none"
    if reading.state == "untrusted":
        return "untrusted"
    if role in ("decides", "agrees"):
        return role
    return "overruled" if overruled else "quiet"


def _tone(reading: Reading, says: Call | None, mark: Mark) -> Call | None:
    """The call that gives the colour. One that was not let speak is coloured by where its state points."""
    if mark not in ("decides", "agrees", "overruled"):
        return None
    pointed: dict[State, Call] = {"win": "ship", "loss": "rollback"}
    return says or pointed.get(reading.state)


def _in_margins(reading: Reading) -> tuple[float | None, float | None, float | None]:
    benefit, margin = reading.benefit, reading.margin
    if reading.state == "missing" or not margin or margin <= 0:
        return None, None, None
    if benefit.value is None or benefit.low is None or benefit.high is None:
        return None, None, None
    scaled = (benefit.low / margin, benefit.value / margin, benefit.high / margin)
    return scaled if all(math.isfinite(value) for value in scaled) else (None, None, None)


def _note(reading: Reading, low: float | None) -> str:
    if reading.state == "missing":
        return "no evidence"
    voting = reading.estimates.get(reading.voting)
    if reading.benefit.low is None or reading.benefit.high is None:
        refused = clean(voting.refused) if voting and voting.refused else ""
        return f"no interval: {refused}" if refused else "no interval"
    if not reading.margin:
        return "no margin, so not on this axis"
    if low is None:
        return "no finite interval"
    return "untrusted" if reading.state == "untrusted" else ""


def _axis(rows: list[Row]) -> Axis:
    """Every estimate is on it; only the far ends of an interval may be cut, those of the decider last."""

    def reach(way: int) -> float:
        shown = [NARROWEST]
        for row in rows:
            if row.low is not None and row.mid is not None and row.high is not None:
                widest = WIDEST_DECIDER if row.mark == "decides" else WIDEST
                shown += [min(max(way * row.low, way * row.high), widest), min(way * row.mid, FARTHEST)]
        return max(shown)

    left, right = reach(-1), reach(1)
    air = AIR * (left + right)
    return Axis(-left - (air if left > NARROWEST else 0), right + (air if right > NARROWEST else 0))
