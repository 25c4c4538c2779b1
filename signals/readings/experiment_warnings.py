"""When the interval of an experiment is printed, but with a word of warning.

The thresholds are where simulations leave 93.5 to 96.5 % (docs/coverage.md).
"""

from __future__ import annotations

import math

from signals.model import Moments
from signals.stats.moments import variance
from signals.stats.skew import difference_skewness, mean_skewness

FEW_EVENTS = 5
FEW_CLUSTERS = 10
SKEWED = 0.15
FEW_UNITS_CARRY = 0.28
UNEQUAL_ARMS = 5.0
HEAVY_TAIL = 2.0


def warnings_of(kind: str, candidate: Moments, control: Moments, *, clustered: bool, score: bool) -> list[str]:
    """What is doubtful about an interval.

    Args:
        kind: proportion, mean or ratio.
        candidate: Moments of the candidate's units or clusters.
        control: Moments of the control's.
        clustered: Whether clusters were randomised.
        score: Whether it is the score interval of two proportions.
    """
    if clustered:
        least = min(candidate.n, control.n)
        few = f"only {least} clusters in an arm: how much clusters differ is known roughly"
        return [few] if least < FEW_CLUSTERS else []
    if score:
        return _few_events(candidate, control)
    return _tails(candidate, control) if kind != "proportion" else []


def _few_events(candidate: Moments, control: Moments) -> list[str]:
    """Below five events in an arm the score interval covers 93 to 99 %, as the counts happen to fall."""
    shares = [(one.mean * one.n, (1.0 - one.mean) * one.n) for one in (candidate, control)]
    events, others = (min(pair[place] for pair in shares) for place in (0, 1))
    if min(events, others) >= FEW_EVENTS - 0.5:
        return []
    what = "events" if events <= others else "units without the event"
    return [f"few {what} ({round(min(events, others))} in an arm): the interval may be wider than needed"]


def _tails(candidate: Moments, control: Moments) -> list[str]:
    """A mean that hangs on a few large outcomes.

    Skewness of the difference does harm when the arms are unequal: 93.5 % are covered at 0.15, 83 % at 1. In equal arms
    it cancels, and what is left is an interval that is too wide: 97.2 % are covered where the skewness of the mean is
    0.7 in the middle of the runs, 96.5 % at 0.5 (of which one run in twenty shows less than 0.28), 95.4 % at 0.4.
    """
    skewness = difference_skewness(candidate, control)
    if skewness is None or control.m3 is None or candidate.d_mean is not None:
        return _without_third_moments(candidate, control)
    if abs(skewness) > SKEWED:
        return ["a skewed outcome in unlike arms (heavy tail): the interval may be too narrow on one side"]
    carried = mean_skewness(candidate, control)
    if carried is not None and carried > FEW_UNITS_CARRY:
        return ["few units carry most of the outcome's spread (heavy tail): the interval may be wider than needed"]
    return []


def _without_third_moments(candidate: Moments, control: Moments) -> list[str]:
    """The rule where skewness is not known.

    A non-negative outcome whose SD is c times its mean has a skewness of at least c - 1/c: one arm more than 5 times
    the other, and an SD of more than twice the mean.
    """
    if max(candidate.n, control.n) <= UNEQUAL_ARMS * min(candidate.n, control.n):
        return []
    if max(_spread(one) for one in (candidate, control)) <= HEAVY_TAIL:
        return []
    return ["the arms are very unequal and the outcome has a heavy tail: the interval may be too narrow"]


def _spread(one: Moments) -> float:
    """Standard deviation of a unit's outcome (of a ratio: of what it adds to the ratio) over the level."""
    if not one.mean:
        return math.inf
    m2, level = one.m2, one.mean
    if one.d_mean and one.d_m2 is not None and one.yd is not None:
        ratio = one.mean / one.d_mean
        m2 = max(0.0, one.m2 - 2.0 * ratio * one.yd + ratio * ratio * one.d_m2)
    return math.sqrt(variance(m2, one.n)) / abs(level)
