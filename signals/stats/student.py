"""Student's t without numpy and scipy: what is drawn from stored numbers stays light.

The distribution function is the regularised incomplete beta function by its continued fraction (Abramowitz and Stegun
1964, Handbook of Mathematical Functions, 26.5.8 and 26.7.1).
"""

from __future__ import annotations

import math
from functools import lru_cache

from signals.stats.power import NORMAL

TINY = 1e-300
NEARLY_NORMAL = 1e7  # degrees of freedom above which t and normal agree to all digits


def two_sided(statistic: float, df: float | None = None) -> float:
    """Two-sided p-value of a t statistic; ``df`` None is a normal one. Not a number gives 1."""
    if math.isnan(statistic):
        return 1.0
    if math.isinf(statistic):
        return 0.0
    if df is None or df > NEARLY_NORMAL:
        return math.erfc(abs(statistic) / math.sqrt(2.0))
    square = statistic * statistic
    return min(1.0, _beta(df / (df + square), square / (df + square), df / 2.0, 0.5))


@lru_cache(maxsize=4096)
def critical(confidence: float, df: float | None = None) -> float:
    """The two-sided critical value of t (or of the normal).

    Raises:
        ValueError: When the confidence is not strictly between 0 and 1, or the degrees of freedom not positive.
    """
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence {confidence} is not between 0 and 1")
    normal = -NORMAL.inv_cdf((1.0 - confidence) / 2.0)
    if df is None or df > NEARLY_NORMAL:
        return normal
    if df <= 0.0:
        raise ValueError(f"{df} degrees of freedom")
    low, high = normal, 2.0 * normal + 1.0
    while two_sided(high, df) > 1.0 - confidence:
        low, high = high, high * 2.0
    for _ in range(200):
        middle = (low + high) / 2.0
        if middle in (low, high):
            break
        if two_sided(middle, df) > 1.0 - confidence:
            low = middle
        else:
            high = middle
    return (low + high) / 2.0


def _beta(x: float, rest: float, a: float, b: float) -> float:
    """The regularised incomplete beta function I_x(a, b); ``rest`` is 1 - x, with its own digits."""
    if x <= 0.0 or rest <= 0.0:
        return 0.0 if x <= 0.0 else 1.0
    logs = math.log(x) if x < 0.5 else math.log1p(-rest), math.log(rest) if rest < 0.5 else math.log1p(-x)
    front = math.exp(_log_gamma_ratio(a, b) - math.lgamma(b) + a * logs[0] + b * logs[1])
    # The fraction converges fast on this side only; the other is its complement.
    if x < (a + 1.0) / (a + b + 2.0):
        return front * _fraction(x, a, b) / a
    return 1.0 - front * _fraction(rest, b, a) / b


def _log_gamma_ratio(a: float, b: float) -> float:
    """``log(gamma(a + b) / gamma(a))``, without the digits that two large logarithms would lose."""
    if a < 50.0:
        return math.lgamma(a + b) - math.lgamma(a)
    # Stirling's series of both, their large parts subtracted by hand (Abramowitz and Stegun, 6.1.41).
    large = (a + b - 0.5) * math.log1p(b / a) + b * math.log(a) - b
    return large + sum(c * ((a + b) ** -k - a**-k) for k, c in ((1, 1 / 12), (3, -1 / 360), (5, 1 / 1260)))


def _fraction(x: float, a: float, b: float) -> float:
    """Its continued fraction, by the modified method of Lentz."""
    c, d = 1.0, 1.0 - (a + b) * x / (a + 1.0)
    d = 1.0 / (d if abs(d) > TINY else TINY)
    value = d
    for m in range(1, 500):
        for term in (
            m * (b - m) * x / ((a + 2 * m - 1.0) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1.0)),
        ):
            d = 1.0 + term * d
            d = 1.0 / (d if abs(d) > TINY else TINY)
            c = 1.0 + term / c
            c = c if abs(c) > TINY else TINY
            value *= c * d
        if abs(c * d - 1.0) < 1e-16:
            break
    return value
