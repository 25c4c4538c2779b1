"""Quantiles of two arms from order statistics around them.

One arm: the interval between two order statistics, whose coverage is a binomial probability whatever the distribution
(Thompson 1936; David and Nagaraja 2003, "Order Statistics", section 7.1). A difference: MOVER, the square-root rule of
Donner and Zou (2012), "Closed-form confidence intervals for functions of the normal mean and standard deviation",
Statistical Methods in Medical Research 21:347, which needs each arm's bounds only and keeps their asymmetry.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from scipy.special import bdtr, bdtrc, ndtr, ndtri

from signals.model import QUANTILE_STEPS, QuantileCell
from signals.stats.difference import Difference, RefusedError, critical

FARTHEST = 8.0


@dataclass(frozen=True)
class Ladder:
    """Order statistics around one arm's quantile, each with the normal deviate of its exact tail probability."""

    value: float
    lows: tuple[tuple[float, float], ...]  # (deviate, order statistic), outwards
    highs: tuple[tuple[float, float], ...]
    n: int
    quantile: float

    def bounds(self, reach: float) -> tuple[float, float]:
        """Interval of the quantile whose two tails are each those of ``reach`` standard errors of a normal.

        Between two stored order statistics the bound is interpolated on the scale of normal deviates (as Beran and Hall
        1993, JRSS B 55:643, do between neighbouring ranks).

        Raises:
            RefusedError: When no stored order statistic lies far enough out: too few units beyond the quantile.
        """
        return self._bound(self.lows, reach, "below"), self._bound(self.highs, reach, "above")

    def _bound(self, rungs: tuple[tuple[float, float], ...], reach: float, side: str) -> float:
        before = 0.0, self.value
        for deviate, value in rungs:
            if deviate >= reach:
                if math.isinf(deviate) or deviate <= before[0]:
                    return value
                part = max(0.0, (reach - before[0]) / (deviate - before[0]))
                return before[1] + part * (value - before[1])
            before = deviate, value
        what = f"{100 * self.quantile:g} % quantile"
        raise RefusedError(f"an arm of {self.n:,} units has too few {side} its {what} for an interval")


def ladder(cell: QuantileCell) -> Ladder:
    """The order statistics of a cell with their exact tail probabilities (binomial, whatever the distribution)."""
    n, q = cell.n, cell.quantile
    steps = np.asarray(QUANTILE_STEPS) * math.sqrt(n * q * (1.0 - q))
    centre = float(n * Fraction(repr(q)))  # as it was written: 100 * 0.07 is 7, not 7.000000000000001
    low = np.floor(centre - steps)[: len(cell.lows)]
    high = (np.ceil(centre + steps) + 1.0)[: len(cell.highs)]
    with np.errstate(divide="ignore"):
        below = -ndtri(bdtr(np.maximum(low - 1.0, 0.0), n, q))
        above = -ndtri(bdtrc(np.minimum(high - 1.0, n), n, q))
    return Ladder(
        cell.value,
        tuple(zip(below.tolist(), cell.lows, strict=True)),
        tuple(zip(above.tolist(), cell.highs, strict=True)),
        n,
        q,
    )


def mover(candidate: Ladder, control: Ladder, reach: float) -> tuple[float, float]:
    """Interval of the difference of two arms' quantiles, each of whose intervals reaches ``reach``.

    Raises:
        RefusedError: When the order statistics of an arm run out.
    """
    (low1, high1), (low0, high0) = candidate.bounds(reach), control.bounds(reach)
    effect = candidate.value - control.value
    low = effect - math.hypot(candidate.value - low1, high0 - control.value)
    return low, effect + math.hypot(high1 - candidate.value, control.value - low0)


def quantile_difference(candidate: Ladder, control: Ladder, confidence: float) -> Difference:
    """Difference of quantiles with the MOVER interval; its p-value is the level at which that interval reaches 0.

    Raises:
        RefusedError: When the order statistics of an arm run out, or all of them are equal.
    """
    reach = critical(confidence)
    low, high = mover(candidate, control, reach)
    effect = candidate.value - control.value
    if high <= low:
        raise RefusedError("the outcome shows no spread around the quantile, so its uncertainty cannot be estimated")
    nearest, farthest = 0.0, FARTHEST
    for _ in range(40):
        middle = (nearest + farthest) / 2.0
        if _excludes_zero(candidate, control, middle):
            nearest = middle
        else:
            farthest = middle
    p = min(1.0, 2.0 * float(ndtr(-nearest)))
    return Difference(effect, (high - low) / (2.0 * reach), low, high, p, None, control.value, candidate.value)


def _excludes_zero(candidate: Ladder, control: Ladder, reach: float) -> bool:
    try:
        low, high = mover(candidate, control, reach)
    except RefusedError:
        return False
    return low > 0.0 or high < 0.0


def apart(candidate: Ladder, control: Ladder, reach: tuple[float, float]) -> tuple[float, float]:
    """Bounds of the difference when both arms' intervals hold at once; ``reach`` is (candidate's, control's).

    Raises:
        RefusedError: When the order statistics of an arm run out.
    """
    (low1, high1), (low0, high0) = candidate.bounds(reach[0]), control.bounds(reach[1])
    return low1 - high0, high1 - low0
