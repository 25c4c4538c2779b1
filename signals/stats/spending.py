"""Looks planned beforehand: how far each interval must reach so that all of them together keep the level.

Lan and DeMets (1983), "Discrete sequential boundaries for clinical trials", Biometrika 70:659: the error rate is spent
along a function of the information so far, so looks need be neither equally spaced nor known in number. The interval
``estimate +- boundary * se`` at each look is a repeated confidence interval: all of them hold at once (Jennison and
Turnbull 1989, JRSS B 51:305).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy.special import log_ndtr, ndtr, ndtri

if TYPE_CHECKING:
    from numpy.typing import NDArray

Spending = Literal["obrien-fleming", "pocock"]
FARTHEST = 8.0
"""Standard errors beyond which a boundary is no number to show: such a look spends nothing."""


def spent(share: float, alpha: float, kind: Spending = "obrien-fleming") -> float:
    """How much of the two-sided error rate ``alpha`` is spent when ``share`` of the information is in.

    The functions of Lan and DeMets that resemble the boundaries of O'Brien and Fleming, and of Pocock.
    """
    if share >= 1.0:
        return alpha
    if share <= 0.0:
        return 0.0
    side = alpha / 2.0
    if kind == "pocock":
        return 2.0 * side * math.log(1.0 + (math.e - 1.0) * share)
    return 2.0 * 2.0 * math.exp(float(log_ndtr(ndtri(side / 2.0) / math.sqrt(share))))


def boundaries(
    information: Sequence[float],
    alpha: float,
    kind: Spending = "obrien-fleming",
    shares: Sequence[float] | None = None,
) -> tuple[float, ...]:
    """Standard errors that the interval reaches to each side, at each look.

    Args:
        information: Increasing and positive: units at each look, or shares of the plan.
        alpha: Two-sided error rate over all looks.
        kind: Of the spending function.
        shares: At which the spending function is read, one per look, increasing; default: ``information`` itself.

    Returns:
        One boundary per look; infinite where the look spends nothing to speak of.

    Raises:
        ValueError: When the information does not increase, or alpha is not between 0 and 1.
    """
    times = tuple(float(one) for one in information)
    at = times if shares is None else tuple(float(one) for one in shares)
    if len(at) != len(times) or not times or times[0] <= 0.0:
        raise ValueError("information and shares must be positive, and as many")
    if any(b <= a for a, b in pairwise(times)) or not 0.0 < alpha < 1.0:
        raise ValueError("information must increase from look to look, and alpha lie between 0 and 1")
    # In units of the last look: only ratios of information matter.
    return _boundaries(tuple(time / times[-1] for time in times), at, alpha, kind)


@lru_cache(maxsize=4096)
def _boundaries(times: tuple[float, ...], shares: tuple[float, ...], alpha: float, kind: Spending) -> tuple[float, ...]:
    """The recursion of Armitage, McPherson and Rowe (1969) on the Brownian motion, by Gauss-Legendre quadrature."""
    found: list[float] = []
    nodes, mass = np.zeros(1), np.ones(1)  # where the path may be now, and how likely: not stopped so far
    before, used = 0.0, 0.0
    for time, share in zip(times, shares, strict=True):
        step = math.sqrt(time - before)
        due = max(spent(share, alpha, kind), used) - used
        edge = _edge(nodes, mass, step, due, FARTHEST * math.sqrt(time))
        found.append(edge / math.sqrt(time))
        # Paths beyond the farthest boundary are too few to matter, and quadrature needs an end.
        reach = min(edge, FARTHEST * math.sqrt(time))
        points, weights = _rule(min(600, 24 + int(8.0 * reach / step)))
        places = reach * points
        density = np.exp(-0.5 * ((places[:, None] - nodes[None, :]) / step) ** 2) @ mass
        nodes, mass = places, density * (reach * weights / (step * math.sqrt(2.0 * math.pi)))
        before, used = time, used + due
    return tuple(found)


def _edge(nodes: NDArray[np.float64], mass: NDArray[np.float64], step: float, due: float, farthest: float) -> float:
    """The distance that the next step passes with chance ``due``; infinite when that is beyond ``farthest``."""

    def beyond(edge: float) -> float:
        return float(mass @ (ndtr((nodes - edge) / step) + ndtr((-nodes - edge) / step)))

    if beyond(farthest) >= due:
        return math.inf
    return _bisect(lambda edge: beyond(edge) - due, 0.0, farthest)


def _bisect(decreasing: Callable[[float], float], low: float, high: float) -> float:
    for _ in range(60):
        middle = (low + high) / 2.0
        if decreasing(middle) > 0.0:
            low = middle
        else:
            high = middle
    return (low + high) / 2.0


@lru_cache(maxsize=64)
def _rule(size: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    points, weights = np.polynomial.legendre.leggauss(size)
    return points, weights


LEVELS = (0.8, 0.6, 0.45, 0.3, 0.2, 0.1, 0.03, *(10.0 ** (-step / 2.0) for step in range(4, 25)))
"""Error rates at which boundaries are computed to find a p-value between them."""


def repeated_p(
    statistic: float,
    information: Sequence[float],
    alpha: float,
    shares: Sequence[float],
    kind: Spending = "obrien-fleming",
) -> float:
    """Least error rate at which the repeated interval of the last look excludes zero; from 1e-12 to 1.

    Interpolated between boundaries at fixed error rates, of which ``alpha`` is one: it is below ``alpha`` exactly when
    the interval excludes zero.
    """
    size = abs(statistic)
    levels = sorted({*LEVELS, alpha}, reverse=True)
    reach, level = 0.0, 1.0
    for lower in levels:
        farther = boundaries(information, lower, kind, shares)[-1]
        if farther > size:
            if math.isinf(farther):
                return level
            part = (size**2 - reach**2) / (farther**2 - reach**2)
            return math.exp(math.log(level) + part * (math.log(lower) - math.log(level)))
        reach, level = farther, lower
    return level
