"""How far the intervals of many draws reach, by the looks that the policy plans, and the p-values that go with them."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from signals.model import Signal
from signals.stats.tails import critical, normal_cdf, t_cdf, t_quantiles
from signals.workbench.simulation.design import Design, always_reach, each, planned_units

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

LEAST_P = 1e-6


@dataclass(frozen=True)
class Look:
    """Which look it is.

    Attributes:
        number: Counted from 0.
        shares: Share of the final sample at each of the simulated looks.
    """

    number: int
    shares: tuple[float, ...]

    @property
    def share(self) -> float:
        """Of the final sample."""
        return self.shares[self.number]

    @property
    def only(self) -> bool:
        """Whether there is no other look."""
        return len(self.shares) == 1


def level_at(signal: Signal, design: Design, confidence: float, look: Look) -> float | None:
    """The confidence of an interval of one look that keeps ``confidence`` over all looks; None when it is too early."""
    level = each(design, confidence)
    if design.rule != "planned":
        return level
    if look.only and design.once is not None:
        return design.once if confidence == signal.confidence else design.once_joint
    from signals.stats.spending import boundaries  # late: it brings scipy, and a release between two looks needs none

    information, shares = _planned_looks(signal, design, look)
    reach = boundaries(information, 1.0 - level, shares=shares)[-1]
    found = 1.0 - 2.0 * float(normal_cdf(-reach))
    return found if found < 1.0 else None


def _planned_looks(signal: Signal, design: Design, look: Look) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Information at the looks so far, and the shares of the plan at which the error rate is spent.

    The last look, or the first at which the planned units are there, spends what is left.
    """
    if look.only:
        count = len(signal.looks) if isinstance(signal.looks, tuple) else 1
        times = [(place + 1) / count for place in range(count)]
    else:
        times = list(look.shares[: look.number + 1])
    final = look.only or look.number == len(look.shares) - 1
    total = design.n / times[-1]
    shares = [min(1.0, time * total / signal.planned_units) if signal.planned_units else time for time in times]
    if final:
        shares[-1] = 1.0
    places = shares.index(1.0) + 1 if 1.0 in shares else len(shares)
    return tuple(times[:places]), tuple(shares[:places])


def counted_look(signal: Signal, design: Design, look: Look) -> Look:
    """The look whose sample counts: with planned looks none is made after the planned units are there.

    Args:
        signal: Its looks and its plan.
        design: Of the final sample.
        look: At which it is looked at.
    """
    if design.rule != "planned" or not signal.planned_units:
        return look
    there = (place for place, share in enumerate(look.shares) if share * design.n >= signal.planned_units)
    return Look(min(look.number, next(there, look.number)), look.shares)


def reach_at(
    signal: Signal, design: Design, confidence: float, look: Look, *, df: float | None, units: float, parts: int = 1
) -> float | None:
    """Standard errors to each side; None where the look may spend nothing yet.

    Args:
        signal: Its looks and its plan.
        design: Its family and rule.
        confidence: Before family and looks have had their say.
        look: Which look.
        df: Of the t quantile; None for the normal one.
        units: Of both arms, for the always-valid interval.
        parts: In how many segments the planned units fall.
    """
    if design.rule == "always":
        return always_reach(signal, design, confidence, units, parts)
    level = level_at(signal, design, confidence, look)
    return None if level is None else critical(level, df)


def p_always(signal: Signal, design: Design, z2: Array) -> Array:
    """``stats.sequential.p_value`` over an array of squared statistics."""
    if design.by_arm:
        return _p_by_arm(signal, design, z2)
    twice = -2.0 * math.log(1.0 - each(design, signal.confidence))
    grown = design.n * (twice + math.log(twice + 1.0)) / planned_units(signal)
    return np.minimum(1.0, np.exp(0.5 * math.log1p(grown) - z2 * grown / (2.0 * (grown + 1.0))))


def _p_by_arm(signal: Signal, design: Design, z2: Array) -> Array:
    """The least error rate at which the interval excludes zero, from 1e-6, where it is bounded arm by arm."""
    alphas = np.exp(np.linspace(math.log(LEAST_P), math.log(0.999), 400))
    alone = replace(design, family=1)
    reach = [always_reach(signal, alone, 1.0 - float(alpha), design.n) for alpha in alphas]
    # The plan that the interval is tuned to is that of its own confidence, which differs little.
    return np.asarray(np.exp(np.interp(-np.sqrt(z2), -np.array(reach), np.log(alphas), right=0.0)))


def p_value(signal: Signal, design: Design, look: Look, statistic: Array, df: Array | float | None) -> Array:
    """Two-sided p-values of standardised estimates, over all looks and candidates.

    Args:
        signal: Its looks and its confidence.
        design: Its rule and family.
        look: Which look.
        statistic: Shape (draws,).
        df: Of the t distribution, one for all or one each; None for the normal one.
    """
    size = -np.abs(statistic)
    if design.rule == "planned" and look.only and design.once is not None:
        # Of a release between two looks the numbers tell how far its interval reaches, not which looks there were:
        # the scale on which it is an ordinary interval. Below alpha exactly when the interval excludes zero.
        size = size * critical(each(design, signal.confidence)) / critical(design.once)
        return np.asarray(np.minimum(1.0, design.family * 2.0 * normal_cdf(size)))
    once = np.minimum(1.0, 2.0 * (normal_cdf(size) if df is None else t_cdf(df, size)))
    if design.rule == "planned":
        once = _repeated(signal, design, look, once)
    return np.asarray(np.minimum(1.0, design.family * once))


def _repeated(signal: Signal, design: Design, look: Look, once: Array) -> Array:
    """``stats.spending.repeated_p`` over an array."""
    from scipy.special import ndtri

    from signals.stats.spending import LEVELS, boundaries

    information, shares = _planned_looks(signal, design, look)
    squares = ndtri(np.maximum(once, 1e-300) / 2.0) ** 2
    levels = sorted({*LEVELS, 1.0 - each(design, signal.confidence)}, reverse=True)
    reach, logs = [0.0], [0.0]
    for one in levels:
        farther = boundaries(information, one, shares=shares)[-1]
        if math.isinf(farther):
            break
        reach.append(farther**2)
        logs.append(math.log(one))
    return np.asarray(np.exp(np.interp(squares, reach, logs)))


@lru_cache(maxsize=16)
def _quantiles(confidence: float) -> tuple[Array, Array]:
    """Reciprocal degrees of freedom and logarithms of the t quantile, dense enough to interpolate to 1e-6."""
    inverse = np.linspace(0.0, 1.0, 4001)
    tail = (1.0 - confidence) / 2.0
    return inverse, np.log(t_quantiles(1.0 / np.maximum(inverse, 1e-12), tail))


def critical_of(df: Array, confidence: float) -> Array:
    """The t quantile of many degrees of freedom at once."""
    inverse, logs = _quantiles(confidence)
    return np.asarray(np.exp(np.interp(1.0 / df, inverse, logs)))
