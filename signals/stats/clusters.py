"""Ratios of means when whole clusters were randomised: few of them, of unequal sizes, known by their moments only.

The delta method over clusters (Deng, Knoblich and Lu 2018, KDD) is too narrow for few clusters, because each cluster
pulls the ratio towards itself, and because the spread between few is known badly. Both are mended here, from moments
alone: on average the result is within a few per cent of a leave-one-out jackknife over the clusters.
"""

from __future__ import annotations

import math

from signals.model import Moments
from signals.stats.difference import Difference, RefusedError, from_se
from signals.stats.means import ratio, welch_df
from signals.stats.moments import variance


def cluster_ratio(moments: Moments) -> tuple[float, float, float]:
    """Ratio of sums over clusters, its squared standard error and the degrees of freedom that this is known with.

    Residuals are too small where a cluster weighs much, by its share of the denominators (leverage). With c the squared
    coefficient of variation of the denominators of G clusters, and a cluster's variance growing like its denominator to
    the power 1.5 (between 1 for independent units and 2 for wholly alike ones), the squared error is divided by the
    expected shrinkage of the residuals' squares (as the CR2 of Bell and McCaffrey 2002 is), which leaves
    ``(1 - 1/G) / (1 - 2 (1 + c)^1.5 / G + (1 + c)/G)``: 1 for equal clusters. Unequal weights also cost degrees of
    freedom: ``G/(1 + c) - 1`` are left (in the spirit of Carter, Schnepel and Steigerwald 2017, REStat 99:698).

    Raises:
        RefusedError: Without denominators, below three clusters, or when a few clusters hold most of the units.
    """
    if moments.n < 3:
        raise RefusedError(f"too few clusters in an arm: {moments.n}")
    level, squared = ratio(moments)
    assert moments.d_mean is not None  # noqa: S101 - ratio() has refused; this tells the type checker so
    assert moments.d_m2 is not None  # noqa: S101 - as above
    count = moments.n
    unequal = variance(moments.d_m2, count) / moments.d_mean**2
    left = 1.0 - 2.0 * (1.0 + unequal) ** 1.5 / count + (1.0 + unequal) / count
    df = count / (1.0 + unequal) - 1.0
    if left < 0.2 or df < 1.0:
        raise RefusedError("a few clusters hold most of the units, so the spread between clusters is not known")
    return level, squared * (1.0 - 1.0 / count) / left, df


def cluster_difference(candidate: Moments, control: Moments, confidence: float) -> Difference:
    """Difference of two ratios of sums over clusters, t interval; see ``cluster_ratio``.

    Raises:
        RefusedError: As ``cluster_ratio``, or without any spread.
    """
    level1, v1, df1 = cluster_ratio(candidate)
    level0, v0, df0 = cluster_ratio(control)
    df = welch_df(v1, df1, v0, df0) if v1 + v0 > 0.0 else None
    return from_se(level1 - level0, math.sqrt(v1 + v0), confidence, df, control=level0, candidate=level1)
