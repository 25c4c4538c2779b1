"""Several effects at once: each drawn towards the others as far as they agree.

The hierarchical normal model of Rubin (1981), J. Educational Statistics 6:377-401: estimate ``y_k`` has a known
standard error around ``theta_k``, and the ``theta_k`` are normal around ``mu`` with standard deviation ``tau``. ``mu``
has a flat prior and is integrated in closed form; ``tau`` is integrated on a grid. Plugging in one estimate of ``tau``
would be simpler and wrong: it is often 0, and the interval of the worst of twenty segments then covers 59 % instead of
95 %.

The prior of ``tau`` is as good as flat in ``tau^2`` up to a few standard errors, which holds its level in repeated use
(Tang and Morris 2011, Statistical Science 26:271-287), with the tail of a half-Cauchy (Gelman 2006, Bayesian Analysis
1:515-534), which keeps the posterior proper from three effects on: density ``tau / (c^2 + tau^2)^(3/2)`` (Berger 1980,
Annals of Statistics 8:716-761). Half-Cauchy with a scale of one standard error covered 92 % at ``tau`` of 1 to 1.5.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import chdtrc, ndtr

from signals.model import Interval
from signals.stats.difference import RefusedError, critical

if TYPE_CHECKING:
    from numpy.typing import NDArray

NODES = 64
SCALE = 5.0  # of the prior, in typical standard errors
LEAST_TAU, MOST_TAU = 0.02, 100.0  # ends of the grid, in typical standard errors
NEGLIGIBLE = 1e-10
FEWEST = 3
LITTLE, LEVEL = 0.5, 0.01
STEPS = 100
PRECISION = 1e-11  # of a bound, in typical standard errors
TINY = 1e-300


def shrink(effects: Sequence[float], errors: Sequence[float], confidence: float) -> tuple[Interval, ...]:
    """Posterior mean and equal-tailed posterior interval of each effect, in the order given.

    The prior's scale is a multiple of the typical standard error (the geometric mean), so that a change of unit changes
    nothing else. Intervals are quantiles of the exact mixture over the grid: no draws.

    Args:
        effects: Estimates, in any one unit.
        errors: Their standard errors, all above 0.
        confidence: Of each interval by itself.

    Raises:
        RefusedError: Below three effects: how much they differ cannot be learned.
        ValueError: When a standard error is not above 0, or the two differ in length.
    """
    if len(effects) < FEWEST:
        raise RefusedError(f"how much segments differ cannot be learned from fewer than {FEWEST}")
    y, s = np.asarray(effects, dtype=float), np.asarray(errors, dtype=float)
    if y.shape != s.shape or not (s > 0.0).all():
        raise ValueError("each effect needs a standard error above 0")
    typical = typical_error(errors)
    # In typical standard errors, around the first effect: neither unit nor level costs digits.
    base = float(y[0])
    weights, means, deviations = _mixture((y - base) / typical, s / typical)
    tail = (1.0 - confidence) / 2.0
    low = _quantile(weights, means, deviations, tail)
    high = _quantile(weights, means, deviations, 1.0 - tail)
    middle = weights @ means
    scaled = [base + typical * column for column in (middle, low, high)]
    return tuple(Interval(float(value), float(least), float(most)) for value, least, most in zip(*scaled, strict=True))


def _mixture(y: NDArray[np.float64], s: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    """Posterior of every theta as a mixture of normals over the grid of tau.

    Returns:
        Weights of shape (nodes,), means and standard deviations of shape (nodes, effects).
    """
    # Even steps of log tau. Effects far apart need a longer grid: its end would draw them together.
    end = max(MOST_TAU, 10.0 * float(np.ptp(y)))
    tau = np.exp(np.linspace(math.log(LEAST_TAU), math.log(end), NODES))
    prior = 2.0 * np.log(tau) - 1.5 * np.log(SCALE**2 + tau**2)  # the density in log tau
    precision = 1.0 / (s**2 + tau[:, None] ** 2)
    total = precision.sum(axis=1)
    mu = precision @ y / total
    off = y - mu[:, None]
    evidence = prior + 0.5 * (np.log(precision).sum(axis=1) - np.log(total) - (precision * off**2).sum(axis=1))
    weights = np.exp(evidence - evidence.max())
    pull = s**2 * precision
    means = y - pull * off
    spread = np.sqrt(s**2 * (1.0 - pull) + pull**2 / total[:, None])
    seen = weights > NEGLIGIBLE
    return weights[seen] / weights[seen].sum(), means[seen], spread[seen]


def _quantile(
    weights: NDArray[np.float64], means: NDArray[np.float64], spread: NDArray[np.float64], level: float
) -> NDArray[np.float64]:
    """Quantile of each column's mixture, between the extremes that its parts allow.

    Newton's steps, halved into the bracket where they leave it: it cannot fail, and is exact after a few.
    """
    reach = critical(1.0 - 2.0 * min(level, 1.0 - level)) * spread
    side = means - reach if level < 0.5 else means + reach
    low, high = side.min(axis=0), side.max(axis=0)
    at = (low + high) / 2.0
    for _ in range(STEPS):
        z = (at - means) / spread
        excess = weights @ ndtr(z) - level
        density = weights @ (np.exp(-0.5 * z * z) / (spread * math.sqrt(2.0 * math.pi)))
        low, high = np.where(excess < 0.0, at, low), np.where(excess < 0.0, high, at)
        step = at - excess / np.maximum(density, TINY)
        better = np.where((step >= low) & (step <= high), step, (low + high) / 2.0)
        done = np.abs(better - at).max() < PRECISION
        at = better
        if done:
            break
    return np.asarray(at)


@dataclass(frozen=True)
class Heterogeneity:
    """Whether effects differ by more than chance.

    Attributes:
        q: Cochran's Q (1954, Biometrics 10:101-129).
        df: Its degrees of freedom.
        p_value: Of equal effects.
        excess: I^2 (Higgins and Thompson 2002): the share of the spread that is more than chance, as a fraction.
    """

    q: float
    df: int
    p_value: float
    excess: float


def heterogeneity(effects: Sequence[float], errors: Sequence[float]) -> Heterogeneity:
    """Cochran's test of equal effects, from estimates and their standard errors (all above 0).

    Raises:
        RefusedError: Below two effects.
    """
    if len(effects) < 2:
        raise RefusedError("fewer than two segments have an interval")
    y, weights = np.asarray(effects, dtype=float), 1.0 / np.asarray(errors, dtype=float) ** 2
    off = y - y[0]
    total = float(weights.sum())
    q = float((weights * (off - weights @ off / total) ** 2).sum())
    df = len(effects) - 1
    return Heterogeneity(q, df, float(chdtrc(df, q)), max(0.0, 1.0 - df / q) if q > 0.0 else 0.0)


def may_differ_little(effects: Sequence[float], errors: Sequence[float]) -> bool:
    """Whether the data allow that true effects differ by less than half a typical error.

    Q with that much spread added to every error is chi-square where they differ by just so much (Viechtbauer 2007,
    Statistics in Medicine 26:37-52). Posterior intervals then cover more than they say: the data cannot show how alike
    the effects are. At the 1 % level, so that it is said in nearly every case where it is so.

    Raises:
        RefusedError: Below two effects.
    """
    added = LITTLE * typical_error(errors)
    return heterogeneity(effects, [math.hypot(error, added) for error in errors]).p_value >= LEVEL


def typical_error(errors: Sequence[float]) -> float:
    """Geometric mean: neither one precise nor one vague estimate carries it away."""
    return float(np.exp(np.mean(np.log(np.asarray(errors, dtype=float)))))
