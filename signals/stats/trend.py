"""Does an effect change over the days on which units began?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from signals.stats.difference import two_sided_p

FEWEST_DAYS = 5


@dataclass(frozen=True)
class Trend:
    """Slope of a weighted straight line.

    Attributes:
        slope: Change of the effect per day.
        se: Its standard error.
        df: Degrees of freedom.
        p_value: Two-sided, of no slope.
    """

    slope: float
    se: float
    df: int
    p_value: float


def weighted_trend(days: Sequence[float], effects: Sequence[float], variances: Sequence[float]) -> Trend | None:
    """Weighted least squares of daily effects on the day, with a t test on ``days - 2`` degrees of freedom.

    The scale of the errors is taken from the scatter about the line, so that days which vary more than their units
    explain (weekdays, campaigns) do not pass for a trend.

    Args:
        days: Numbers of the days.
        effects: Effect on each.
        variances: Proportional to its variance.

    Returns:
        None below five days, or when the days are all the same.
    """
    if len(days) < FEWEST_DAYS:
        return None
    weights = [1.0 / one for one in variances]
    total = math.fsum(weights)
    middle = math.fsum(w * x for w, x in zip(weights, days, strict=True)) / total
    level = math.fsum(w * y for w, y in zip(weights, effects, strict=True)) / total
    spread = math.fsum(w * (x - middle) ** 2 for w, x in zip(weights, days, strict=True))
    if spread <= 0.0:
        return None
    slope = math.fsum(w * (x - middle) * (y - level) for w, x, y in zip(weights, days, effects, strict=True)) / spread
    left = math.fsum(
        w * (y - level - slope * (x - middle)) ** 2 for w, x, y in zip(weights, days, effects, strict=True)
    )
    df = len(days) - 2
    se = math.sqrt(left / df / spread)
    if se == 0.0:
        return Trend(slope, se, df, 1.0 if slope == 0.0 else 0.0)
    return Trend(slope, se, df, two_sided_p(slope / se, df))
