"""Tails and quantiles of the normal, t and chi-square distributions without scipy.

Drawing a stored verdict must not load scipy, and its stability is drawn with it. A test holds these against
``scipy.special`` to a relative 1e-12, far out in the tails too.
"""

from __future__ import annotations

import math
from functools import lru_cache
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

_NORMAL = NormalDist()
_erfc = np.frompyfunc(math.erfc, 1, 1)
_lgamma = np.frompyfunc(math.lgamma, 1, 1)

MANY = 2_000.0
"""Degrees of freedom from which expansions are exact to 1e-12."""
ROUNDS = 2_000
TINY = 1e-300
SMALL = 20.0


def normal_cdf(x: Array | float) -> Array:
    """Chance that a standard normal is at most ``x``, elementwise."""
    return np.asarray(_erfc(np.asarray(x, dtype=float) / -math.sqrt(2.0)), dtype=float) / 2.0


def chi_square_tail(df: int, x: Array) -> Array:
    """Chance that a chi-square with a whole number of degrees of freedom exceeds ``x``, elementwise.

    The finite sums of Abramowitz and Stegun (1964), 26.4.4 and 26.4.5.
    """
    half = np.asarray(x, dtype=float) / 2.0
    with np.errstate(divide="ignore", invalid="ignore", under="ignore"):
        logs = np.log(half)
        total = np.zeros_like(half) if df % 2 == 0 else np.asarray(_erfc(np.sqrt(half)), dtype=float)
        for step in range(df // 2):
            power = step + 0.5 * (df % 2)
            # 0 to the power 0 is 1, which a logarithm does not know.
            total = total + np.where((half == 0.0) & (power == 0.0), 1.0, np.exp(
                np.where(power > 0.0, power * logs, 0.0) - half - math.lgamma(power + 1.0)))  # fmt: skip
    return np.asarray(np.minimum(1.0, total))


def t_cdf(df: Array | float, x: Array | float) -> Array:
    """Chance that a t variable with ``df`` degrees of freedom is at most ``x``, elementwise over both."""
    free, at = np.broadcast_arrays(np.asarray(df, dtype=float), np.asarray(x, dtype=float))
    upper = np.empty(at.shape)
    many = free >= MANY
    if many.any():
        upper[many] = normal_cdf(-_as_normal(free[many], np.abs(at[many])))
    if not many.all():
        upper[~many] = _t_tail(free[~many], np.abs(at[~many]))
    return np.asarray(np.where(at > 0.0, 1.0 - upper, upper))


def _as_normal(df: Array, t: Array) -> Array:
    """The normal quantile with the tail of t: Hill (1970), Communications of the ACM 13:617-619."""
    a = df - 0.5
    b = 48.0 * a * a
    y = a * np.log1p(t * t / df)
    inner = (((-0.4 * y - 3.3) * y - 24.0) * y - 85.5) / (0.8 * y * y + 100.0 + b) + y + 3.0
    return np.asarray((inner / b + 1.0) * np.sqrt(y))


def _t_tail(df: Array, t: Array) -> Array:
    """Chance to exceed ``t >= 0``: half of the regularised incomplete beta function at ``df / (df + t^2)``."""
    a, odds = df / 2.0, t * t / df
    # ln of 1 / B(a, 1/2), by the asymptotic series of the ratio of gamma functions where a is large.
    big = np.maximum(a, SMALL)
    square = big * big
    series = 0.5 * np.log(big) - (1 / 8 - (1 / 192 - (1 / 640 - 17 / 14336 / square) / square) / square) / big
    small = np.minimum(a, SMALL)
    direct = np.asarray(_lgamma(small + 0.5), dtype=float) - np.asarray(_lgamma(small), dtype=float)
    ratio = np.where(a > SMALL, series, direct) - 0.5 * math.log(math.pi)
    x, y = 1.0 / (1.0 + odds), odds / (1.0 + odds)
    with np.errstate(divide="ignore", under="ignore"):
        front = np.exp(ratio - a * np.log1p(odds) + 0.5 * np.log(y))
    far = x < (a + 1.0) / (a + 2.5)
    found = np.empty(a.shape)
    found[far] = front[far] * _fraction(a[far], 0.5 + 0.0 * a[far], x[far]) / a[far]
    near = ~far
    found[near] = 1.0 - front[near] * _fraction(0.5 + 0.0 * a[near], a[near], y[near]) / 0.5
    return found / 2.0


def _fraction(a: Array, b: Array, x: Array) -> Array:
    """The continued fraction of the incomplete beta function (Abramowitz and Stegun 26.5.8), from the front.

    Lentz (1976), Applied Optics 15:668-671: numerators and denominators as ratios, so that nothing overflows.
    """
    c = np.ones_like(x)
    d = _inverse(1.0 - (a + b) * x / (a + 1.0))
    found = d.copy()
    for m in range(1, ROUNDS):
        even = m * (b - m) * x / ((a + 2 * m - 1.0) * (a + 2 * m))
        d, c = _inverse(1.0 + even * d), _off_zero(1.0 + even / c)
        found *= d * c
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1.0))
        d, c = _inverse(1.0 + odd * d), _off_zero(1.0 + odd / c)
        step = d * c
        found *= step
        if not x.size or float(np.abs(step - 1.0).max()) < 1e-15:
            break
    return found


def _off_zero(x: Array) -> Array:
    return np.where(np.abs(x) < TINY, TINY, x)


def _inverse(x: Array) -> Array:
    return 1.0 / _off_zero(x)


# --- quantiles ------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=4096)
def critical(confidence: float, df: float | None = None) -> float:
    """The two-sided critical value: of t with ``df`` degrees of freedom, or of the normal distribution.

    Raises:
        ValueError: When the confidence is not strictly between 0 and 1.
    """
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence {confidence} is not between 0 and 1")
    tail = (1.0 - confidence) / 2.0
    z = -_NORMAL.inv_cdf(tail)
    if df is None:
        return z
    start = float(_expansion(np.array(df), z))
    return start if df >= MANY else _solved_one(df, max(start, z), tail)


def two_sided_p(statistic: float, df: float | None = None) -> float:
    """Two-sided p-value of a t (or normal) statistic."""
    size = -abs(statistic)
    return min(1.0, 2.0 * float(normal_cdf(size) if df is None else t_cdf(df, size)))


def t_quantiles(df: Array, tail: float) -> Array:
    """What a t variable exceeds with chance ``tail`` (below a half), for many degrees of freedom at once."""
    z = -_NORMAL.inv_cdf(tail)
    free = np.asarray(df, dtype=float)
    found = _expansion(free, z)
    few = free < MANY
    if few.any():
        found[few] = _solved(free[few], np.maximum(found[few], z), tail)
    return found


def _expansion(df: Array, z: float) -> Array:
    """Fisher and Cornish (1960), Technometrics 2:209-225."""
    s = z * z
    one = z * (s + 1.0) / 4.0
    two = z * ((5.0 * s + 16.0) * s + 3.0) / 96.0
    three = z * (((3.0 * s + 19.0) * s + 17.0) * s - 15.0) / 384.0
    four = z * ((((79.0 * s + 776.0) * s + 1482.0) * s - 1920.0) * s - 945.0) / 92160.0
    return np.asarray(z + (one + (two + (three + four / df) / df) / df) / df)


def _solved(df: Array, start: Array, tail: float) -> Array:
    """Newton's steps on the logarithms of quantile and tail, where the t distribution is close to a straight line."""
    at, target = np.log(start), math.log(tail)
    for _ in range(60):
        t = np.exp(at)
        upper = _t_tail(df, t)
        step = (np.log(upper) - target) * upper / (t * _density(df, t))
        at = at + np.clip(step, -2.0, 2.0)
        if float(np.abs(step).max()) < 1e-14:
            break
    return np.asarray(np.exp(at))


def _density(df: Array, t: Array) -> Array:
    lgamma = np.asarray(_lgamma((df + 1.0) / 2.0), dtype=float) - np.asarray(_lgamma(df / 2.0), dtype=float)
    return np.asarray(np.exp(lgamma - 0.5 * np.log(df * math.pi) - (df + 1.0) / 2.0 * np.log1p(t * t / df)))


# --- one at a time: the same on plain numbers, for which arrays of one are slow -------------------------------------


def _solved_one(df: float, start: float, tail: float) -> float:
    at, target = math.log(start), math.log(tail)
    level = math.lgamma((df + 1.0) / 2.0) - math.lgamma(df / 2.0) - 0.5 * math.log(df * math.pi)
    for _ in range(60):
        t = math.exp(at)
        odds = t * t / df
        density = math.exp(level - (df + 1.0) / 2.0 * math.log1p(odds))
        # The derivative of the incomplete beta function's front is the density itself, but for a factor.
        a, x, y = df / 2.0, 1.0 / (1.0 + odds), odds / (1.0 + odds)
        front = density * t / a  # x^a (1 - x)^(1/2) / (a B(a, 1/2))
        if x < (a + 1.0) / (a + 2.5):
            upper = front * _fraction_one(a, 0.5, x) / 2.0
        else:
            upper = (1.0 - front * 2.0 * a * _fraction_one(0.5, a, y)) / 2.0
        step = (math.log(upper) - target) * upper / (t * density)
        at += max(-2.0, min(2.0, step))
        if abs(step) < 1e-14:
            break
    return math.exp(at)


def _fraction_one(a: float, b: float, x: float) -> float:
    c, d = 1.0, 1.0 / ((1.0 - (a + b) * x / (a + 1.0)) or TINY)
    found = d
    for m in range(1, ROUNDS):
        even = m * (b - m) * x / ((a + 2 * m - 1.0) * (a + 2 * m))
        d, c = 1.0 / ((1.0 + even * d) or TINY), (1.0 + even / c) or TINY
        found *= d * c
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1.0))
        d, c = 1.0 / ((1.0 + odd * d) or TINY), (1.0 + odd / c) or TINY
        found *= d * c
        if abs(d * c - 1.0) < 1e-15:
            break
    return found
