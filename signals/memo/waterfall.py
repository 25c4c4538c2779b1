"""The waterfall of a pair: from the first signal's number, cause by cause, down to the one it is held against.

Pure geometry: every step stands on its own row, begins where the last one ended and is as long as its part of the gap,
so that the steps add up to the gap by construction. Amounts are contributions to the gap, as everywhere: a step with a
minus leads away from where the picture ends. Sort is drawn by shape and line as well as by colour: what a correction
explains is filled, one that widens the gap is hollow, chance is striped, and what no correction explains is dashed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from signals.memo.phrases import clean
from signals.model import Interval, Reconciliation
from signals.told import Told, rows
from signals.words import bounds, number, share

StepSort = Literal["start", "explains", "widens", "chance", "unexplained", "end"]

AIR = 0.03  # of the axis, between its edge and whatever stands outermost
REACH = (
    1.5  # times the drawn numbers' own range: beyond, a whisker is cut, or one wide interval would flatten the steps
)


@dataclass(frozen=True)
class Step:
    """One row. Positions are on the pair's scale, as benefit.

    Attributes:
        sort: What it is, and so how it is drawn.
        label: Its name.
        begin: Where the bar begins: 0 for the first signal's number and the last one's.
        end: Where it ends, and where the next one begins.
        low: Lower end of the interval of ``end``; None without one.
        high: Upper end.
        amount: The number in words, with its share of the gap.
        interval: Bounds in words; empty without.
        spoken: The whole row in words.
        state: Of the first and the last: what the signal said.
    """

    sort: StepSort
    label: str
    begin: float
    end: float
    low: float | None
    high: float | None
    amount: str
    interval: str
    spoken: str
    state: str = ""


@dataclass(frozen=True)
class Drawn:
    """Where one step lies, as fractions of the axis; ``cut`` says at which ends of the whisker an arrowhead stands."""

    left: float
    right: float
    end: float
    low: float | None
    high: float | None
    cut_low: bool = False
    cut_high: bool = False


@dataclass(frozen=True)
class Waterfall:
    """All steps in order, on one axis that holds 0."""

    title: str
    unit: str
    steps: tuple[Step, ...]
    low: float
    high: float

    def at(self, value: float) -> float:
        """Where a value lies: 0 is the left edge, 1 the right; values outside are put on the edge."""
        return min(max((value - self.low) / (self.high - self.low), 0.0), 1.0)

    def drawn(self, step: Step) -> Drawn:
        """One step on the axis."""
        left, right = sorted((self.at(step.begin), self.at(step.end)))
        if step.low is None or step.high is None:
            return Drawn(left, right, self.at(step.end), None, None)
        low, high = self.at(step.low), self.at(step.high)
        return Drawn(left, right, self.at(step.end), low, high, step.low < self.low, step.high > self.high)


def waterfall(found: Reconciliation) -> Waterfall | None:
    """The steps of one pair; None when it has no common scale, or a number is missing or not finite."""
    start, end, unit = found.start.value, found.end.value, clean(found.unit)
    counted = [row for row in rows(found) if row.size]
    sizes = [abs(row.size) for row in counted]
    if found.refused or start is None or end is None or not math.isfinite(sum((abs(start), abs(end), *sizes))):
        return None
    names = clean(found.signal), clean(found.against)
    steps = [_total("start", names[0], found.start, clean(found.said[0]), unit)]
    at = start
    for row in counted:
        at = _append(steps, row, at, unit)
    steps.append(_total("end", names[1], found.end, clean(found.said[1]), unit))
    low, high = _axis(steps)
    return Waterfall(f"From {names[0]} to {names[1]}", unit, tuple(steps), low, high)


def _append(steps: list[Step], row: Told, at: float, unit: str) -> float:
    """Add the step of a row that begins at ``at``; where it ends."""
    off = row.cause.part or Interval(None, None, None)  # what it takes off the first number, with the gap's own sign
    end = at - (off.value or 0.0)
    low, high = (None, None) if off.low is None or off.high is None else (at - off.high, at - off.low)
    most = "at most " if row.cause.name == "response" else ""
    amount = f"{most}{number(row.size, unit, signed=True, bare=True)}"  # the unit stands at both ends
    amount += f" ({share(row.cause.share, 0)})" if row.cause.share is not None else ""
    part = row.part or Interval(None, None, None)
    interval = "" if part.low is None or part.high is None else bounds(part.low, part.high, unit)
    words = [f"{row.name} {amount}", f"interval {interval}" if interval else "", _says(row)]
    spoken = ", ".join(word for word in words if word)
    steps.append(Step(row.sort, row.name, at, end, _finite(low), _finite(high), amount, interval, spoken))
    return end


def _says(row: Told) -> str:
    """What an amount alone does not say: of a sum, what it is the sum of."""
    inside = ", ".join(one.name for one in row.inside)
    if row.sort == "chance":
        return f"can be chance: {inside}" if inside else "can be chance"
    if row.apart:
        return f"more than chance only together: {inside}"
    return {"unexplained": "no correction explains it", "widens": "widens the gap"}.get(row.sort, "")


def _total(sort: Literal["start", "end"], name: str, number_of: Interval, state: str, unit: str) -> Step:
    value = number_of.value or 0.0
    amount = number(value, unit, signed=True)
    interval = bounds(number_of.low, number_of.high, unit) if None not in (number_of.low, number_of.high) else ""
    spoken = f"{name}, a {state}: {amount}" + (f", interval {interval}" if interval else "")
    low, high = _finite(number_of.low), _finite(number_of.high)
    return Step(sort, name, 0.0, value, low, high, amount, interval, spoken, state)


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _axis(steps: list[Step]) -> tuple[float, float]:
    """Every bar is whole on it, and 0; only far ends of whiskers may be cut."""
    ends = [*(step.end for step in steps), *(step.begin for step in steps)]  # 0 too: the first bar begins there
    low, high = min(ends), max(ends)
    span = (high - low) or 1.0
    reach = (REACH - 1.0) / 2.0 * span
    low = max([low - reach, min([low, *(step.low for step in steps if step.low is not None)])])
    high = min([high + reach, max([high, *(step.high for step in steps if step.high is not None)])])
    air = AIR * ((high - low) or 1.0)
    return low - air, high + air
