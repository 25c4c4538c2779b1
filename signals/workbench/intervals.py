"""Estimates with their intervals over many draws: one function per sampling law."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtr, stdtr, stdtrit

from signals.model import Signal
from signals.stats.difference import critical
from signals.stats.spending import LEVELS, boundaries
from signals.workbench.design import Design, always_reach, each, planned_units
from signals.workbench.noise import Noise
from signals.workbench.score import constrained_error, score_bounds

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Mask = NDArray[np.bool_]

ENOUGH_EVENTS, ENOUGH_UNITS = 50, 100
"""What an always-valid interval needs in each arm; as the readings ask."""

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


@dataclass(frozen=True)
class Estimates:
    """Estimates of many draws, candidate minus control, shape (draws,) each.

    Attributes:
        effect: The estimate.
        se: Its standard error as a reading would show it.
        low: Lower bound.
        high: Upper bound.
        control: Level of the control arm, where it is known.
        refused: Where there is no interval.
        p_value: Two-sided, computed when asked for.
    """

    effect: Array
    se: Array
    low: Array
    high: Array
    control: Array | float | None
    refused: Mask | bool
    p_value: Callable[[], Array]


def estimates(signal: Signal, design: Design, true: float, noise: Noise, look: Look) -> Estimates:
    """Draw the voting estimate of one signal at one look.

    Args:
        signal: As the policy declares it.
        design: Of the sample at that look (``design.scaled``).
        true: The true effect, candidate minus control.
        noise: Random numbers.
        look: Which look.
    """
    if design.law == "proportion":
        return _proportion(signal, design, true, noise, look)
    if design.law == "panel":
        return _panel(signal, design, true, noise, look)
    return _normal(signal, design, true, noise, look)


# --- how far an interval reaches ------------------------------------------------------------------------------------


def level_at(signal: Signal, design: Design, confidence: float, look: Look) -> float | None:
    """The confidence of an interval of one look that keeps ``confidence`` over all looks; None when it is too early."""
    level = each(design, confidence)
    if design.rule != "planned":
        return level
    if look.only and design.once is not None:
        return design.once if confidence == signal.confidence else design.once_joint
    information, shares = _planned_looks(signal, design, look)
    reach = boundaries(information, 1.0 - level, shares=shares)[-1]
    found = 1.0 - 2.0 * float(ndtr(-reach))
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


def _p_always(signal: Signal, design: Design, z2: Array) -> Array:
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


def _p_value(signal: Signal, design: Design, look: Look, statistic: Array, df: Array | float | None) -> Array:
    size = -np.abs(statistic)
    if design.rule == "planned" and look.only and design.once is not None:
        # Of a release between two looks the numbers tell how far its interval reaches, not which looks there were:
        # the scale on which it is an ordinary interval. Below alpha exactly when the interval excludes zero.
        size = size * critical(each(design, signal.confidence)) / critical(design.once)
        return np.asarray(np.minimum(1.0, design.family * 2.0 * ndtr(size)))
    once = np.minimum(1.0, 2.0 * (ndtr(size) if df is None else stdtr(df, size)))
    if design.rule == "planned":
        once = _repeated(signal, design, look, once)
    return np.asarray(np.minimum(1.0, design.family * once))


def _repeated(signal: Signal, design: Design, look: Look, once: Array) -> Array:
    """``stats.spending.repeated_p`` over an array."""
    from scipy.special import ndtri

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


def bounds(effect: Array, half: Array | float, *, bounded: bool) -> tuple[Array, Array]:
    """``effect`` plus and minus ``half``; of a net preference on Fisher's scale, within -1 and 1."""
    if not bounded:
        return effect - half, effect + half
    room = 1.0 - effect**2
    inside = room > 0.0
    safe = np.where(inside, room, 1.0)
    middle = np.arctanh(np.where(inside, effect, 0.0))
    low = np.where(inside, np.tanh(middle - half / safe), effect - half)
    return low, np.where(inside, np.tanh(middle + half / safe), effect + half)


def _statistic(effect: Array, se: Array, *, bounded: bool) -> Array:
    with np.errstate(divide="ignore", invalid="ignore"):
        if not bounded:
            return effect / se
        room = 1.0 - effect**2
        return np.where(room > 0.0, np.arctanh(np.clip(effect, -1.0, 1.0)) * room / se, effect / se)


# --- laws -----------------------------------------------------------------------------------------------------------


def _normal(signal: Signal, design: Design, true: float, noise: Noise, look: Look) -> Estimates:
    """A mean: normal around the truth, its variance estimated with ``df`` degrees of freedom."""
    name, grows, true_se = design.signal, design.grows, design.se or 0.0
    lucky = signal.sign * noise.effect(name, look.number, grows=grows)
    effect = true + true_se * lucky
    if design.df is None:
        se = np.full(noise.size, true_se)
    else:
        total = design.df / look.share if grows else design.df  # at the last look
        se = true_se * np.sqrt(noise.square(name, "spread", total, look.number, grows=grows))
    control = _control(design, lucky, noise, look)
    reach = reach_at(signal, design, signal.confidence, look, df=design.df, units=design.n)
    if reach is None:
        return _too_early(effect, se, control)
    low, high = bounds(effect, reach * se, bounded=design.bounded)
    few = design.rule == "always" and min(design.n_control, design.n_candidate) < ENOUGH_UNITS

    def p_value() -> Array:
        if design.rule == "always":
            return np.minimum(1.0, design.family * _p_always(signal, design, (effect / se) ** 2))
        return _p_value(signal, design, look, _statistic(effect, se, bounded=design.bounded), design.df)

    return Estimates(effect, se, low, high, control, few, p_value)


def _control(design: Design, lucky: Array, noise: Noise, look: Look) -> Array | float | None:
    """The control level as drawn: luck of the control arm is the other side of the effect's."""
    if design.control is None or not design.control_se:
        return design.control
    rho = min(1.0, design.control_se / design.se) if design.se else 0.0
    own = noise.normal(design.signal, "level", look.number, grows=design.grows)
    return design.control + design.control_se * (-rho * lucky + math.sqrt(1.0 - rho**2) * own)


def _proportion(signal: Signal, design: Design, true: float, noise: Noise, look: Look) -> Estimates:
    """Counts of both arms: normal with the skewness of the binomial (Cornish and Fisher 1938), rounded to whole ones.

    With ``z`` the noise of the effect and ``w`` independent of it, the arms' own are ``b z + a w`` and ``b w - a z``
    where ``a^2`` is the control's share of the variance and ``b^2`` the candidate's: independent, as the arms are.
    """
    name, grows = design.signal, design.grows
    p0 = design.control or 0.0
    p1 = min(1.0, max(0.0, p0 + true))
    m0, m1 = design.n_control * design.worth, design.n_candidate * design.worth
    v0, v1 = p0 * (1.0 - p0) / m0, p1 * (1.0 - p1) / m1
    a, b = (math.sqrt(v0 / (v0 + v1)), math.sqrt(v1 / (v0 + v1))) if v0 + v1 > 0.0 else (0.0, 0.0)
    lucky = signal.sign * noise.effect(name, look.number, grows=grows)
    own = noise.normal(name, "level", look.number, grows=grows)
    x1 = _count(m1, p1, b * lucky + a * own)
    x0 = _count(m0, p0, b * own - a * lucky)
    q1, q0 = x1 / m1, x0 / m0
    effect = q1 - q0
    if design.rule == "always":
        # Welch's error of two columns of ones and zeros.
        se = np.sqrt(q1 * (1.0 - q1) / (m1 - 1.0) + q0 * (1.0 - q0) / (m0 - 1.0))
        half = always_reach(signal, design, signal.confidence, design.n) * se
        rarest = np.minimum(np.minimum(x1, m1 - x1), np.minimum(x0, m0 - x0))

        def always() -> Array:
            with np.errstate(divide="ignore", invalid="ignore"):
                return np.minimum(1.0, design.family * _p_always(signal, design, (effect / se) ** 2))

        return Estimates(effect, se, effect - half, effect + half, q0, rarest < ENOUGH_EVENTS, always)
    level = level_at(signal, design, signal.confidence, look)
    if level is None:
        return _too_early(effect, np.full(noise.size, design.se or np.nan), q0)
    z = critical(level)
    low, high = score_bounds(x1, m1, x0, m0, z, level)

    def scored() -> Array:
        with np.errstate(divide="ignore", invalid="ignore"):
            statistic = np.where(effect == 0.0, 0.0, effect / constrained_error(x1, m1, x0, m0, 0.0))
        return _p_value(signal, design, look, statistic, None)

    return Estimates(effect, (high - low) / (2.0 * z), low, high, q0, False, scored)


def _count(units: float, p: float, noise: Array) -> Array:
    """Binomial counts from standard normals."""
    spread = math.sqrt(units * p * (1.0 - p))
    return np.clip(np.rint(units * p + spread * noise + (noise**2 - 1.0) * (1.0 - 2.0 * p) / 6.0), 0.0, units)


def _panel(signal: Signal, design: Design, true: float, noise: Noise, look: Look) -> Estimates:
    """A panel whose raters all grade all items: the mean squares are drawn, and the interval is made from them.

    Items, raters and residuals being normal, the three mean squares are independent chi-squares; components, standard
    error and degrees of freedom follow from them as in ``stats.panel``. With few raters that matters: their spread is
    estimated from few values, and the interval of one panel is much wider than that of the next.
    """
    panel = design.panel
    if panel is None:
        raise ValueError("a panel's design has its components")
    name, items, raters = design.signal, design.n, float(panel.raters)
    cells = items * raters
    effect = true + (design.se or 0.0) * signal.sign * noise.effect(name, look.number, grows=False)
    free = (items - 1.0, raters - 1.0, (items - 1.0) * (raters - 1.0))
    expected = (raters * panel.item + panel.residual, items * panel.rater + panel.residual, panel.residual)
    on_items, on_raters, rest = (
        mean * noise.square(name, f"squares {place}", df, 0, grows=False)
        for place, (mean, df) in enumerate(zip(expected, free, strict=True))
    )
    item = np.maximum(0.0, (on_items - rest) / raters)
    rater = np.maximum(0.0, (on_raters - rest) / items)
    squared = item / items + rater / raters + rest / cells

    def doubts(item: Array, rater: Array) -> tuple[Array, Array, Array]:
        """Variances of the three mean squares, halved."""
        return (raters * item + rest) ** 2 / free[0], (items * rater + rest) ** 2 / free[1], rest**2 / free[2]

    of_items, of_raters, of_rest = doubts(item, rater)
    item = item + np.sqrt(2.0 * (of_items + of_rest)) / raters
    rater = rater + np.sqrt(2.0 * (of_raters + of_rest)) / items
    raised = item / items + rater / raters + rest / cells
    df = np.clip(2.0 * (raised * cells) ** 2 / (2.0 * sum(doubts(item, rater))), 1.0, cells - 1.0)
    se = np.sqrt(squared)
    low, high = bounds(effect, _critical_of(df, signal.confidence) * se, bounded=design.bounded)

    def p_value() -> Array:
        return _p_value(signal, design, look, _statistic(effect, se, bounded=design.bounded), df)

    return Estimates(effect, se, low, high, design.control, squared <= 0.0, p_value)


@lru_cache(maxsize=16)
def _quantiles(confidence: float) -> tuple[Array, Array]:
    """Reciprocal degrees of freedom and logarithms of the t quantile, dense enough to interpolate to 1e-6."""
    inverse = np.linspace(0.0, 1.0, 4001)
    tail = (1.0 - confidence) / 2.0
    with np.errstate(divide="ignore"):
        values = -stdtrit(1.0 / np.maximum(inverse, 1e-12), tail)
    return inverse, np.log(values)


def _critical_of(df: Array, confidence: float) -> Array:
    inverse, logs = _quantiles(confidence)
    return np.asarray(np.exp(np.interp(1.0 / df, inverse, logs)))


def _too_early(effect: Array, se: Array, control: Array | float | None) -> Estimates:
    nothing = np.full_like(effect, np.nan)
    return Estimates(effect, se, nothing, nothing, control, True, lambda: nothing)
