"""Which flips a room would argue about, and which are far-fetched.

First what lies inside an interval: the evidence itself does not rule it out. Then what lies at its end or beyond, by
standard errors. Then checks and other numbers without an interval, by how far they are from where they would turn, and
what is not known. Last what nobody would argue about: a count many times smaller, an effect many standard errors away.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from signals.model import Flip
from signals.stats.power import NORMAL

INSIDE, BEYOND, MEASURED, FAR = range(4)
"""Tiers, the most plausible first."""

FAR_ERRORS = 6.0
"""Standard errors beyond which no effect is argued about, but a signal's own: that is what decides."""

FAR_STEPS = 4.0
"""Steps beyond which no other number is."""

ROUNDING = 1e-9
"""Share of an interval's width by which sums and differences of its ends are never off."""

STEPS = {"share": 0.05, "agreement": 0.1}
"""What counts as one step of a share, and of agreement; of counts, durations and sizes a factor of two does."""

ERRORS_PER_STEP = 3.0  # of a p-value, on the scale of standard errors
YES = 2.0  # steps to the other answer of a check that is yes or no
NEW = 1.0  # steps to a number or a signal that is not there
CONTRARY = 3.0  # steps to another state than the one that the numbers show
STRUCTURAL = frozenset({"max_sources", "full_weeks", "max_reversals"})
"""Checks that are known exactly and pass: another sample would show the same."""


@dataclass(frozen=True)
class Found:
    """A flip, its tier, and how far away it is within that."""

    flip: Flip
    tier: int
    distance: float


def by_errors(flip: Flip, errors: float, *, decides: bool = False) -> Found:
    """Of a number with an interval.

    Args:
        flip: With ``inside`` set.
        errors: Its distance in standard errors.
        decides: Whether it is the effect of a signal itself.
    """
    if flip.inside:
        return Found(flip, INSIDE, errors)
    return Found(flip, FAR if errors > FAR_ERRORS and not decides else BEYOND, errors)


def placed(at: float, low: float | None, high: float | None) -> tuple[bool | None, bool]:
    """Whether a value lies inside an interval, and whether it is an end of it: then rounding alone would say which.

    The first is None without an interval.
    """
    if low is None or high is None:
        return None, False
    near = ROUNDING * (high - low)
    at_end = min(abs(at - low), abs(at - high)) <= near
    return low < at < high and not at_end, at_end


def by_steps(flip: Flip, steps: float) -> Found:
    """Of what has no interval."""
    return Found(flip, FAR if steps > FAR_STEPS else MEASURED, steps)


def steps(fact: str, unit: str, now: float, at: float, *, passes: bool = False) -> float:
    """How far a number without an interval is from where the call turns.

    Args:
        fact: Its name without the signal's.
        unit: As of ``signals.checks.Unit``, ``effect``, or ``agreement`` for what lies between -1 and 1.
        now: Where it is.
        at: Where the call turns.
        passes: Whether a check is content with it now.
    """
    if fact in STRUCTURAL:
        return math.inf if passes else NEW
    if unit == "p":
        return abs(_errors(at) - _errors(now)) / ERRORS_PER_STEP
    if unit in STEPS:
        return abs(at - now) / STEPS[unit]
    less, more = sorted((abs(now), abs(at)))
    return math.log2(more / less) if less > 0.0 else 0.0 if more == 0.0 else math.inf


def _errors(p: float) -> float:
    """Standard errors from no effect that have this two-sided p-value."""
    return -NORMAL.inv_cdf(min(max(p, 1e-300), 1.0) / 2.0)
