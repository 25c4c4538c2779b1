"""A covariate from before the exposure takes its share of the noise out of a difference of means.

Deng, Xu, Kohavi and Walker (2013), "Improving the Sensitivity of Online Controlled Experiments by Utilizing
Pre-Experiment Data" (CUPED), WSDM: the outcome minus theta times the covariate, theta pooled *within* arms, which is
the analysis of covariance. When the arms differ in size each arm gets its own theta, which never loses precision: Lin
(2013), "Agnostic notes on regression adjustments to experimental data", Annals of Applied Statistics 7:295.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from signals.model import Moments
from signals.stats.difference import Difference, RefusedError, from_se
from signals.stats.means import welch, welch_df
from signals.stats.moments import left_of, variance

UNEQUAL = 1.2
"""Arms that differ by more than this factor get a theta each."""


@dataclass(frozen=True)
class Adjusted:
    """A difference after adjustment.

    Attributes:
        difference: Candidate minus control at the covariate's common mean.
        squared: Squared standard errors of the two adjusted levels, (candidate, control).
        covariance: Of the two adjusted levels: both hang on the common mean of the covariate.
        own_theta: Whether each arm had its own theta.
        kept: Adjusted over unadjusted variance of the difference: 0.6 means that two fifths of the noise are gone.
    """

    difference: Difference
    squared: tuple[float, float]
    covariance: float
    own_theta: bool
    kept: float


def cuped(candidate: Moments, control: Moments, confidence: float) -> Adjusted:
    """Difference of means adjusted for the covariate, t interval.

    The variance holds the spread left within each arm, the doubt about theta (it grows with the covariate's imbalance)
    and, with a theta per arm, the doubt about the covariate's mean among all units.

    Raises:
        RefusedError: Without a covariate in both arms, below four units in an arm, or when nothing varies.
    """
    ours, theirs = _columns(candidate), _columns(control)
    if min(candidate.n, control.n) < 4:
        raise RefusedError("an arm has fewer than four units")
    own = max(candidate.n, control.n) > UNEQUAL * min(candidate.n, control.n)
    n1, n0 = candidate.n, control.n
    within = ours.xx + theirs.xx
    if within <= 0.0 or (own and min(ours.xx, theirs.xx) <= 0.0):
        raise RefusedError("the covariate does not vary")
    if own:
        theta1, theta0 = ours.xy / ours.xx, theirs.xy / theirs.xx
    else:
        theta1 = theta0 = (ours.xy + theirs.xy) / within
    total = n1 + n0
    common = ours.mean + (theirs.mean - ours.mean) * n0 / total
    # One slope (or half of one) per arm is spent on theta.
    df1, df0 = (n1 - 2.0, n0 - 2.0) if own else (n1 - 1.5, n0 - 1.5)
    s1 = left_of(candidate.m2, 2.0 * theta1 * ours.xy - theta1**2 * ours.xx) / df1
    s0 = left_of(control.m2, 2.0 * theta0 * theirs.xy - theta0**2 * theirs.xx) / df0
    if own:
        v1 = s1 / n1 + (ours.mean - common) ** 2 * s1 / ours.xx
        v0 = s0 / n0 + (theirs.mean - common) ** 2 * s0 / theirs.xx
    else:
        slope = (ours.xx * s1 + theirs.xx * s0) / within**2
        # Split by arm so that the two parts add up to the doubt that the imbalance carries into the difference.
        gap = (ours.mean - theirs.mean) ** 2 * slope
        v1, v0 = s1 / n1 + gap / 2.0, s0 / n0 + gap / 2.0
    between = n1 * n0 / total * (ours.mean - theirs.mean) ** 2
    spread = (within + between) / (total - 1.0) / total
    extra = (theta1 - theta0) ** 2 * spread
    raw = variance(candidate.m2, n1) / n1 + variance(control.m2, n0) / n0
    level1 = candidate.mean - theta1 * (ours.mean - common)
    level0 = control.mean - theta0 * (theirs.mean - common)
    squared = v1 + v0 + extra
    if squared <= 0.0:
        raise RefusedError("the covariate explains the outcome entirely")
    df = welch_df(v1, df1, v0, df0)
    found = from_se(level1 - level0, math.sqrt(squared), confidence, df, control=level0, candidate=level1)
    return Adjusted(
        found,
        (v1 + theta1**2 * spread, v0 + theta0**2 * spread),
        theta1 * theta0 * spread,
        own,
        squared / raw if raw > 0.0 else 1.0,
    )


def balance(candidate: Moments, control: Moments) -> Difference:
    """Difference of the covariate's means (Welch): what was measured before the exposure differs by chance only.

    Raises:
        RefusedError: Without a covariate in both arms, or when it does not vary.
    """

    def alone(moments: Moments) -> Moments:
        columns = _columns(moments)
        return Moments(moments.n, columns.mean, columns.xx)

    return welch(alone(candidate), alone(control), 0.95)


@dataclass(frozen=True)
class _Columns:
    mean: float
    xx: float
    xy: float


def _columns(moments: Moments) -> _Columns:
    if moments.x_mean is None or moments.x_m2 is None or moments.xy is None:
        raise RefusedError("the covariate is missing")
    return _Columns(moments.x_mean, moments.x_m2, moments.xy)
