"""A weighted sum of independent effects, from nothing but the interval of each.

Where intervals hold once, MOVER, the method of variance estimates recovery: each interval tells the variance of its
effect near its lower and near its upper bound, and variances of independent effects add up. Zou and Donner (2008),
"Construction of confidence limits about effect measures: a general approach", Statistics in Medicine 27:1693-1702; for
sums of more than two, Zou, Huang and Zhang (2009), "A note on confidence interval estimation for a linear function of
binomial proportions", Computational Statistics and Data Analysis 53:1080-1085. It takes intervals of any make and keeps
their asymmetry; of symmetric normal ones it gives the textbook interval of a stratified mean.

Where intervals hold at every moment at once, variances cannot be recovered from them: then their bounds are added.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from signals.model import Interval
from signals.stats.difference import RefusedError, critical, two_sided_p

LEAST_P = 1e-6
STEPS = 30


def mover_sum(weights: Sequence[float], parts: Sequence[Interval]) -> Interval:
    """Weighted sum of independent effects with its interval, at the confidence that the parts' intervals have.

    Args:
        weights: One per part, none negative.
        parts: Effects with bounds, all known.

    Raises:
        ValueError: When a weight is negative, or a bound is missing.
    """
    value = below = above = 0.0
    for weight, (effect, low, high) in zip(weights, map(_known, parts), strict=True):
        _check(weight)
        value += weight * effect
        below = math.hypot(below, weight * (effect - low))
        above = math.hypot(above, weight * (high - effect))
    return Interval(value, value - below, value + above)


def sum_of_bounds(weights: Sequence[float], parts: Sequence[Interval]) -> Interval:
    """Weighted sum of effects whose intervals all hold at once: the sum lies between the sums of their bounds.

    Whatever the effects have to do with each other, and at every moment at which the parts' intervals hold: so to keep
    an error rate over all of them, each of ``k`` parts gets a ``k``-th of it (Bonferroni).

    Raises:
        ValueError: When a weight is negative, or a bound is missing.
    """
    value = low = high = 0.0
    for weight, (effect, least, most) in zip(weights, map(_known, parts), strict=True):
        _check(weight)
        value += weight * effect
        low += weight * least
        high += weight * most
    return Interval(value, low, high)


def p_recovered(interval: Interval, confidence: float) -> float:
    """Two-sided p-value of no effect, with the variance that the interval has on the side of 0.

    It is below ``1 - confidence`` exactly when the interval leaves out 0.

    Raises:
        RefusedError: When the interval has no width on that side.
    """
    effect, low, high = _known(interval)
    side = effect - low if effect > 0.0 else high - effect
    if side <= 0.0:
        raise RefusedError("the outcome shows no spread, so its uncertainty cannot be estimated")
    return two_sided_p(critical(confidence) * effect / side)


def least_alpha(at: Callable[[float], Interval], alpha: float) -> float:
    """The least error rate whose interval leaves out 0: the p-value of intervals that hold at any moment.

    Args:
        at: The interval at an error rate; wider for a smaller one. One that is refused leaves nothing out.
        alpha: Where to start: the result is below it exactly when that interval leaves out 0.
    """
    least, most = (LEAST_P, alpha) if _leaves_out_zero(at, alpha) else (alpha, 1.0)
    for _ in range(STEPS):
        middle = math.sqrt(least * most)
        if _leaves_out_zero(at, min(middle, 1.0 - 1e-9)):
            most = middle
        else:
            least = middle
    return most


def _leaves_out_zero(at: Callable[[float], Interval], alpha: float) -> bool:
    try:
        _, low, high = _known(at(alpha))
    except RefusedError:
        return False
    return low > 0.0 or high < 0.0


def _known(one: Interval) -> tuple[float, float, float]:
    if one.value is None or one.low is None or one.high is None:
        raise ValueError("an interval without bounds cannot be combined")
    return one.value, one.low, one.high


def _check(weight: float) -> None:
    if weight < 0.0:
        raise ValueError(f"weight {weight} is negative")
