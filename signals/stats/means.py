"""Differences of means and of ratios between two independent arms, from mergeable moments."""

from __future__ import annotations

import math

from signals.model import Moments
from signals.stats.difference import Difference, RefusedError, critical, from_se
from signals.stats.moments import left_of, variance


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
    df = welch_df(v1, candidate.n - 1, v0, control.n - 1)
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
    spread = left_of(moments.m2, 2.0 * level * moments.yd - level**2 * moments.d_m2)
    return level, variance(spread, moments.n) / moments.n / moments.d_mean**2


def ratio_difference(candidate: Moments, control: Moments, confidence: float, *, normal: bool = True) -> Difference:
    """Difference of two ratios of means; see ``ratio``.

    Args:
        candidate: Moments of outcome and denominator of the candidate's units.
        control: The same of the control.
        confidence: Two-sided.
        normal: Normal quantile; False for that of t with Welch's degrees of freedom, which small samples need.

    Raises:
        RefusedError: As ``ratio``, or without any spread.
    """
    level1, v1 = ratio(candidate)
    level0, v0 = ratio(control)
    df = None if normal or v1 + v0 <= 0.0 else welch_df(v1, candidate.n - 1, v0, control.n - 1)
    return from_se(level1 - level0, math.sqrt(v1 + v0), confidence, df, control=level0, candidate=level1)


def welch_df(v1: float, df1: float, v0: float, df0: float) -> float:
    """Degrees of freedom of the sum of two squared standard errors (Welch 1947; Satterthwaite 1946)."""
    # In shares of the total, so that tiny variances do not underflow when squared.
    s1, s0 = v1 / (v1 + v0), v0 / (v1 + v0)
    return 1.0 / (s1**2 / df1 + s0**2 / df0)


def fieller(
    m1: float,
    v1: float,
    m0: float,
    v0: float,
    confidence: float,
    *,
    reach: float | None = None,
    covariance: float = 0.0,
) -> tuple[float, float] | None:
    """Interval of the relative lift ``m1/m0 - 1`` of two means; ``v1``, ``v0`` are squared standard errors.

    Fieller (1954), JRSS B 16:175-185: the ratios r for which ``m1 - r*m0`` is not significantly different from zero.

    Args:
        m1: Level of the candidate.
        v1: Its squared standard error.
        m0: Level of the control.
        v0: Its squared standard error.
        confidence: Two-sided.
        reach: Standard errors to each side; default: the normal quantile of ``confidence``.
        covariance: Of the two levels, when they are not independent.

    Returns:
        The bounds, or None when the control mean is not clearly different from zero: the set is then unbounded.
    """
    z2 = (critical(confidence) if reach is None else reach) ** 2
    a = m0**2 - z2 * v0
    if a <= 0.0:
        return None
    b, c = m1 * m0 - z2 * covariance, m1**2 - z2 * v1
    half = math.sqrt(max(b**2 - a * c, 0.0))
    return (b - half) / a - 1.0, (b + half) / a - 1.0


def log_delta(m1: float, v1: float, m0: float, v0: float, confidence: float) -> tuple[float, float] | None:
    """Interval of the relative lift on the log scale, ``log(m1/m0) +- z sqrt(v1/m1^2 + v0/m0^2)``; a cross-check.

    Deng, Knoblich and Lu (2018), KDD. Returns None unless both levels are above 0. It covers too little when a level
    is skewed (86 % for 15 payers an arm), where Fieller's holds.
    """
    if min(m1, m0) <= 0.0:
        return None
    half = critical(confidence) * math.sqrt(v1 / m1**2 + v0 / m0**2)
    middle = math.log(m1 / m0)
    return math.expm1(middle - half), math.expm1(middle + half)
