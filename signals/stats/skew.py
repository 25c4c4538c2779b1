"""How far an estimated difference is from normal, and how much hangs on its most extreme unit."""

from __future__ import annotations

import math

from signals.model import Moments
from signals.stats.moments import variance

UNLIKE = 10.0
"""Arms whose variances differ by more than this factor do not share a shape."""


def difference_skewness(candidate: Moments, control: Moments) -> float | None:
    """Skewness of the estimated difference of means; None without third moments or without spread.

    Of a difference of independent means the third cumulants ``k3/n^2`` subtract and the variances ``s^2/n`` add, so
    that it cancels in equal arms of one shape. A small arm has seldom seen its own tail, so third moments and variances
    are pooled, as if the candidate changed the level only; where the arms' variances show that it did more, the greater
    in size of this figure and the one with each arm's own moments is given.
    """
    if candidate.m3 is None or control.m3 is None or min(candidate.n, control.n) < 2:
        return None
    n1, n0 = candidate.n, control.n
    v1, v0 = variance(candidate.m2, n1), variance(control.m2, n0)
    if v1 + v0 <= 0.0:
        return None
    third = (candidate.m3 + control.m3) / (n1 + n0)
    pooled = math.sqrt((candidate.m2 + control.m2) / (n1 + n0 - 2) * (1.0 / n1 + 1.0 / n0))
    common = _standardised(third * (1.0 / n1**2 - 1.0 / n0**2), pooled)
    if max(v1, v0) <= UNLIKE * min(v1, v0):
        return common
    own = _standardised(candidate.m3 / n1 / n1**2 - control.m3 / n0 / n0**2, math.sqrt(v1 / n1 + v0 / n0))
    return own if common is None or (own is not None and abs(own) > abs(common)) else common


def mean_skewness(candidate: Moments, control: Moments) -> float | None:
    """Skewness of the more skewed of the two arms' means: how rare are the units that make the outcome's spread.

    It does not cancel in equal arms. With s the skewness of one unit, that of a mean of n is ``s/sqrt(n)``.
    """
    found = []
    for arm in (candidate, control):
        if arm.m3 is None or arm.n < 2:
            return None
        one = _standardised(arm.m3 / arm.n, math.sqrt(variance(arm.m2, arm.n)))
        if one is not None:
            found.append(abs(one) / math.sqrt(arm.n))
    return max(found) if found else None


def _standardised(third: float, sd: float) -> float | None:
    # One division at a time: the cube of a small or large deviation leaves the floats long before it does.
    found = third / sd / sd / sd if sd > 0.0 else math.nan
    return found if math.isfinite(found) else None


def leverage(moments: Moments, least: float, most: float) -> float:
    """How far an arm's mean moves when its most extreme unit is left out."""
    if moments.n < 2:
        return math.inf
    return max(abs(most - moments.mean), abs(least - moments.mean)) / (moments.n - 1)
