"""Two independent proportions, candidate minus control, and one proportion.

The score interval of Miettinen and Nurminen (1985), Statistics in Medicine 4:213-226: all differences that a score
test does not reject, with the variance at the maximum-likelihood estimate under that difference and the factor
N/(N-1). It holds its level for rare events and for empty cells, which the Wald interval does not.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from signals.stats.difference import Difference, RefusedError, critical, two_sided_p
from signals.stats.wilson import wilson


def score_interval(x1: float, n1: float, x0: float, n0: float, confidence: float) -> Difference:
    """Difference ``x1/n1 - x0/n0`` (fractions) with the Miettinen-Nurminen score interval.

    Args:
        x1: Successes of the candidate; need not be whole (effective counts).
        n1: Units of the candidate.
        x0: Successes of the control.
        n0: Units of the control.
        confidence: Two-sided, for example 0.95.

    Returns:
        The difference; ``p_value`` is of the same score test at zero, so it is below 1 - confidence exactly when the
        interval excludes zero; ``se`` is the half-width over the normal quantile.

    Raises:
        RefusedError: When an arm has no units.
        ValueError: When successes are outside 0..n.
    """
    if min(n1, n0) <= 0:
        raise RefusedError("an arm has no units")
    if not (0 <= x1 <= n1 and 0 <= x0 <= n0):
        raise ValueError(f"successes {x1}/{n1} and {x0}/{n0} are not counts")
    z = critical(confidence)
    p1, p0 = x1 / n1, x0 / n0
    effect = p1 - p0
    low = decreasing_root(lambda delta: score(x1, n1, x0, n0, delta) - z, -1.0, effect)
    high = decreasing_root(lambda delta: score(x1, n1, x0, n0, delta) + z, effect, 1.0)
    p_value = two_sided_p(score(x1, n1, x0, n0, 0.0))
    return Difference(effect, (high - low) / (2.0 * z), low, high, p_value, None, p0, p1)


def score(x1: float, n1: float, x0: float, n0: float, delta: float) -> float:
    """Score statistic of the hypothesis ``p1 - p0 = delta``; 0 where the estimate equals ``delta``."""
    gap = x1 / n1 - x0 / n0 - delta
    if gap == 0.0:
        return 0.0
    q1, q0 = constrained(x1, n1, x0, n0, delta)
    total = n1 + n0
    spread = (q1 * (1.0 - q1) / n1 + q0 * (1.0 - q0) / n0) * total / (total - 1.0)
    return gap / math.sqrt(spread) if spread > 0.0 else math.copysign(math.inf, gap)


def ratio_interval(x1: float, n1: float, x0: float, n0: float, confidence: float) -> tuple[float, float] | None:
    """Miettinen-Nurminen score interval of the relative lift ``p1/p0 - 1`` (Koopman 1984, with the factor N/(N-1)).

    All ratios that a score test does not reject, with the variance at the maximum-likelihood estimate under that ratio.

    Returns:
        The bounds, or None when the control has no successes: the ratio is then unbounded.

    Raises:
        RefusedError: When an arm has no units.
    """
    if min(n1, n0) <= 0:
        raise RefusedError("an arm has no units")
    if x0 <= 0:
        return None
    z = critical(confidence)
    middle = math.log((x1 or 0.5) / n1) - math.log(x0 / n0)

    def gap(log_ratio: float) -> float:
        return ratio_score(x1, n1, x0, n0, math.exp(log_ratio))

    low = -1.0 if x1 <= 0 else math.expm1(decreasing_root(lambda r: gap(r) - z, middle - 50.0, middle))
    return low, math.expm1(decreasing_root(lambda r: gap(r) + z, middle - 5.0, middle + 50.0))


def ratio_score(x1: float, n1: float, x0: float, n0: float, ratio: float) -> float:
    """Score statistic of the hypothesis ``p1 = ratio * p0``."""
    gap = x1 / n1 - ratio * x0 / n0
    total = n1 + n0
    a = total * ratio
    b = ratio * (n1 + x0) + x1 + n0
    q0 = (x1 + x0) * 2.0 / (b + math.sqrt(max(b * b - 4.0 * a * (x1 + x0), 0.0)))
    q0 = min(q0, 1.0, 1.0 / ratio)
    q1 = min(1.0, ratio * q0)
    spread = (q1 * (1.0 - q1) / n1 + ratio**2 * q0 * (1.0 - q0) / n0) * total / (total - 1.0)
    if spread <= 0.0:
        return 0.0 if gap == 0.0 else math.copysign(math.inf, gap)
    return gap / math.sqrt(spread)


def constrained(x1: float, n1: float, x0: float, n0: float, delta: float) -> tuple[float, float]:
    """Maximum-likelihood ``(p1, p0)`` under ``p1 - p0 = delta``.

    The root of the cubic of Farrington and Manning (1990), Statistics in Medicine 9:1447-1454, polished by two
    Newton steps because its trigonometric form loses digits when events are rare.
    """
    total = n1 + n0
    least, most = max(0.0, -delta), min(1.0, 1.0 - delta)
    if (x1, x0) in ((0, 0), (n1, n0)):  # the likelihood only rises or falls, and the cubic has a double root there
        edge = most if x1 else least
        return min(1.0, max(0.0, edge + delta)), edge
    c3 = total
    c2 = (n1 + 2.0 * n0) * delta - total - (x1 + x0)
    c1 = (n0 * delta - total - 2.0 * x0) * delta + x1 + x0
    c0 = x0 * delta * (1.0 - delta)
    a, b, c = c2 / c3, c1 / c3, c0 / c3
    v = (a / 3.0) ** 3 - a * b / 6.0 + c / 2.0
    u = math.copysign(math.sqrt(max((a / 3.0) ** 2 - b / 3.0, 0.0)), v)
    if u == 0.0:
        root = -a / 3.0
    else:
        angle = (math.pi + math.acos(min(1.0, max(-1.0, v / u**3)))) / 3.0
        root = 2.0 * u * math.cos(angle) - a / 3.0
    root = min(most, max(least, root))
    for _ in range(2):
        slope = (3.0 * root + 2.0 * a) * root + b
        if slope == 0.0:
            break
        better = root - (((root + a) * root + b) * root + c) / slope
        if not least <= better <= most:
            break
        root = better
    return min(1.0, max(0.0, root + delta)), root


def newcombe(x1: float, n1: float, x0: float, n0: float, confidence: float) -> tuple[float, float]:
    """Newcombe (1998) hybrid score interval of ``x1/n1 - x0/n0`` (his method 10): a cross-check of the other."""
    p1, p0 = x1 / n1, x0 / n0
    low1, high1 = wilson(x1, n1, confidence)
    low0, high0 = wilson(x0, n0, confidence)
    effect = p1 - p0
    return effect - math.hypot(p1 - low1, high0 - p0), effect + math.hypot(high1 - p1, p0 - low0)


def decreasing_root(f: Callable[[float], float], low: float, high: float) -> float:
    """Where a decreasing function crosses zero on [low, high]; an end when it does not.

    Chandrupatla (1997), Advances in Engineering Software 28:145: inverse quadratic steps where they help and bisection
    elsewhere, always inside the bracket, so that it cannot fail; values may be infinite.
    """
    a, b = high, low
    if low == high or (fb := f(low)) <= 0.0:
        return low
    if (fa := f(high)) >= 0.0:
        return high
    c, fc, part = a, fa, 0.5
    for _ in range(200):
        x = a + part * (b - a)
        fx = f(x)
        if (fx > 0.0) == (fa > 0.0):
            c, fc = a, fa
        else:
            c, b, fc, fb = b, a, fb, fa
        a, fa = x, fx
        best, value = (a, fa) if abs(fa) < abs(fb) else (b, fb)
        slack = (2.0**-51 * abs(best) + 1e-15) / abs(b - a) if b != a else 1.0
        if slack >= 0.5 or value == 0.0:
            return best
        part = 0.5
        if math.isfinite(fa) and math.isfinite(fb) and math.isfinite(fc) and fa != fb and fc not in (fa, fb):
            xi, phi = (a - b) / (c - b), (fa - fb) / (fc - fb)
            if phi**2 < xi and (1.0 - phi) ** 2 < 1.0 - xi:
                part = fa / (fb - fa) * fc / (fb - fc) + (c - a) / (b - a) * fa / (fc - fa) * fb / (fc - fb)
        part = min(1.0 - slack, max(slack, part))
    return (a + b) / 2.0
