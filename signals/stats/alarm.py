"""An alarm for a gap that grows from release to release, with a false-alarm rate that needs no assumption on its shape.

A cumulative sum (Page 1954, "Continuous inspection schemes", Biometrika 41:100) of the ranks that each release's gap
has among all gaps so far. The sequence standardises itself, so no baseline has to be known or estimated first, as in
Hawkins (1987), "Self-starting CUSUM charts for location and scale", The Statistician 36:299. His version is exact for
normal gaps only, and gaps of differently large experiments are not normal; the sequential ranks of any exchangeable
sequence are independent and uniform (Renyi 1962; for the chart McDonald 1990, Naval Research Logistics 37:627), so
that its false-alarm rate holds for gaps of every shape. When the gap shifts, it is found as soon as by Hawkins' chart:
docs/track.md has both.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

ALLOWANCE = 0.5
"""Standard deviations of drift per release that are forgiven: half of the shift that is to be found soonest."""

STEP = 0.005
"""Of the grid on which the chance of an alarm is computed. Increments are rounded up, so it is never too low."""

RATE = 0.05
"""Chance of a false alarm within ``OVER`` releases."""

OVER = 50

HIGHEST = 10.0
"""Sum above which the chance is no longer computed but bounded by that of this sum: one in ten thousand in a year."""


@dataclass(frozen=True)
class Alarm:
    """What the chart has seen.

    Attributes:
        path: The cumulative sum after each release, in standard deviations of a rank; with two sides the greater one.
        limit: Where it alarms.
        at: Index of the first release at which it was reached; None when never.
        since: Index of the first release after the sum was last 0 before that: where the change is likeliest to have
            begun. None without an alarm.
        rising: Whether the gap grew (or, with two sides, shrank); None without an alarm.
        over: Releases that ``chance`` is about: 50, or as many as there are when there are more.
        chance: Of an alarm within so many releases when nothing changes: at most this, for gaps of every shape.
    """

    path: tuple[float, ...]
    limit: float
    at: int | None
    since: int | None
    rising: bool | None
    over: int
    chance: float

    @property
    def still(self) -> bool:
        """Whether the sum stands at or above the limit after the newest release."""
        return bool(self.path) and self.path[-1] >= self.limit


def watch(gaps: Sequence[float], *, sides: int = 1, rate: float = RATE, over: int = OVER) -> Alarm:
    """Follow gaps in the order of their releases.

    Args:
        gaps: One per release; any unit. Equal gaps count as the smaller one, which can only delay an alarm.
        sides: 1 alarms when the gap grows, 2 also when it shrinks.
        rate: Chance of a false alarm within ``over`` releases, both sides together.
        over: How many releases the limit is made for.

    Raises:
        ValueError: When a gap is not finite, or sides, rate or over make no sense.
    """
    values = [float(one) for one in gaps]
    if not all(map(math.isfinite, values)):
        raise ValueError("a gap is not finite")
    if sides not in (1, 2) or not 0.0 < rate < 1.0 or over < 2:
        raise ValueError("one or two sides, a rate between 0 and 1, over at least 2 releases")
    limit = limit_for(rate / sides, over)
    charts = [_path(values)] + ([_path([-one for one in values])] if sides == 2 else [])
    first = [next((place for place, one in enumerate(chart) if one >= limit), None) for chart in charts]
    reached = [(place, which) for which, place in enumerate(first) if place is not None]
    horizon = max(over, len(values))
    path = tuple(max(chart[place] for chart in charts) for place in range(len(values)))
    chance = min(1.0, sides * alarm_chance(limit, horizon))
    if not reached:
        return Alarm(path, limit, None, None, None, horizon, chance)
    at, which = min(reached)
    zeros = [place for place in range(at) if charts[which][place] == 0.0]
    return Alarm(path, limit, at, zeros[-1] + 1, which == 0, horizon, chance)


def _path(gaps: Sequence[float]) -> list[float]:
    path, total = [], 0.0
    for place, gap in enumerate(gaps):
        rank = 1 + sum(other < gap for other in gaps[:place])
        total = max(0.0, total + _score(rank, place + 1) - ALLOWANCE)
        path.append(total)
    return path


def _score(rank: int, n: int) -> float:
    """The rank among n, with mean 0 and variance 1 when each is as likely."""
    return 0.0 if n == 1 else (rank - (n + 1) / 2.0) / math.sqrt((n * n - 1) / 12.0)


@lru_cache(maxsize=256)
def alarm_chance(limit: float, releases: int) -> float:
    """Chance that the one-sided sum reaches ``limit`` within so many releases when their gaps are exchangeable.

    A Markov chain on a grid (Brook and Evans 1972, Biometrika 59:539), with steps rounded up: an upper bound, above the
    exact chance by less than 0.003 at the usual limits.
    """
    cells = max(1, math.ceil(limit / STEP))
    mass = np.zeros(cells)
    mass[0] = 1.0
    lost = 0.0
    for n in range(2, releases + 1):  # the first gap has no rank yet
        after = np.zeros(cells)
        for rank in range(1, n + 1):
            move = math.ceil((_score(rank, n) - ALLOWANCE) / STEP - 1e-9)
            if move >= cells:
                lost += float(mass.sum()) / n
            elif move >= 0:
                after[move:] += mass[: cells - move] / n
                lost += float(mass[cells - move :].sum()) / n if move else 0.0
            else:
                after[0] += float(mass[:-move].sum()) / n
                after[: max(cells + move, 0)] += mass[-move:] / n
        mass = after
    return lost


@lru_cache(maxsize=64)
def limit_for(rate: float, releases: int) -> float:
    """Least limit, to 0.01, that is reached with a chance of at most ``rate`` within so many releases."""
    low, high = 1, 100 * releases  # a sum rises by less than 1.24 a release
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if alarm_chance(middle / 100.0, releases) <= rate else (middle + 1, high)
    return low / 100.0


def slow_trend_p(values: Sequence[float], over: int = 52) -> float:
    """How often exchangeable values would have taken the one-sided sum as high as these did, at any of ``over`` looks.

    Somebody who looks after every window and is alarmed at ``alpha`` is alarmed falsely within ``over`` windows with a
    chance of at most ``alpha``: the figure counts all looks that are still to come.

    Args:
        values: One per window, in order of time; rising is what is looked for.
        over: Windows that the chance is over; as many as there are when there are more.

    Raises:
        ValueError: When a value is not finite.
    """
    found = [float(one) for one in values]
    if not all(map(math.isfinite, found)):
        raise ValueError("a value is not finite")
    highest = min(max(_path(found), default=0.0), HIGHEST)
    return min(1.0, alarm_chance(highest, max(over, len(found)))) if highest > 0.0 else 1.0
