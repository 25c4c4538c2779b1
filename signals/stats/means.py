"""Differences of means and of ratios between two independent arms, from mergeable moments."""

from __future__ import annotations

import math

from signals.model import Moments
from signals.stats.difference import Difference, RefusedError, critical, from_se
from signals.stats.moments import variance


def welch(candidate: Moments, control: Moments, confidence: float) -> Difference:
    """Difference of means with unequal variances and Welch's degrees of freedom (Welch 1947, Biometrika 34:28-35).

    Raises:
        RefusedError: Below two units in an arm, or without any spread.
    """
    if min(candidate.n, control.n) < 2:
        raise RefusedError("an arm has fewer than two units")
    v1 = variance(candidate.m2, candidate.n) / candidate.n
    v0 = variance(control.m2, control.n) / control.n
    total = v1 + v0
    if total <= 0.0:
        raise RefusedError("the outcome shows no spread, so its uncertainty cannot be estimated")
    # In shares of the total, so that tiny variances do not underflow when squared.
    s1, s0 = v1 / total, v0 / total
    df = 1.0 / (s1**2 / (candidate.n - 1) + s0**2 / (control.n - 1))
    effect = candidate.mean - control.mean
    return from_se(effect, math.sqrt(total), confidence, df, control=control.mean, candidate=candidate.mean)


def ratio(moments: Moments) -> tuple[float, float]:
    """Ratio of the means of outcome and denominator, and its squared standard error by the delta method.

    The unit is whatever the moments are over (users), so rows of one user need not be independent: Deng, Knoblich and
    Lu (2018), "Applying the Delta Method in Metric Analytics", KDD.

    Raises:
        RefusedError: When there is no denominator, or its mean is not positive.
    """
    if moments.d_mean is None or moments.d_m2 is None or moments.yd is None:
        raise RefusedError("the denominator is missing")
    if moments.n < 2:
        raise RefusedError("an arm has fewer than two units")
    if moments.d_mean <= 0.0:
        raise RefusedError("the mean of the denominator is not above 0")
    level = moments.mean / moments.d_mean
    spread = moments.m2 - 2.0 * level * moments.yd + level**2 * moments.d_m2
    # Rounding can leave a tiny negative number when outcome and denominator are proportional.
    return level, max(0.0, variance(spread, moments.n)) / moments.n / moments.d_mean**2


def ratio_difference(candidate: Moments, control: Moments, confidence: float) -> Difference:
    """Difference of two ratios of means, normal interval; see ``ratio``.

    Raises:
        RefusedError: As ``ratio``, or without any spread.
    """
    level1, v1 = ratio(candidate)
    level0, v0 = ratio(control)
    return from_se(level1 - level0, math.sqrt(v1 + v0), confidence, control=level0, candidate=level1)


def fieller(m1: float, v1: float, m0: float, v0: float, confidence: float) -> tuple[float, float] | None:
    """Interval of the relative lift ``m1/m0 - 1`` of independent means; ``v1``, ``v0`` are squared standard errors.

    Fieller (1954), JRSS B 16:175-185: the ratios r for which ``m1 - r*m0`` is not significantly different from zero.

    Returns:
        The bounds, or None when the control mean is not clearly different from zero: the set is then unbounded.
    """
    z2 = critical(confidence) ** 2
    a = m0**2 - z2 * v0
    if a <= 0.0:
        return None
    b, c = m1 * m0, m1**2 - z2 * v1
    half = math.sqrt(max(b**2 - a * c, 0.0))
    return (b - half) / a - 1.0, (b + half) / a - 1.0
