"""Estimates with their intervals over many draws: one function per sampling law."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from signals.model import Signal
from signals.stats.tails import critical
from signals.workbench.simulation.design import Design, always_reach
from signals.workbench.simulation.noise import Noise
from signals.workbench.simulation.reach import Look, critical_of, level_at, p_always, p_value, reach_at
from signals.workbench.simulation.score import constrained_error, score_bounds

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Mask = NDArray[np.bool_]

ENOUGH_EVENTS, ENOUGH_UNITS = 50, 100
"""What an always-valid interval needs in each arm; as the readings ask."""


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

    def tested() -> Array:
        if design.rule == "always":
            return np.minimum(1.0, design.family * p_always(signal, design, (effect / se) ** 2))
        return p_value(signal, design, look, _statistic(effect, se, bounded=design.bounded), design.df)

    return Estimates(effect, se, low, high, control, few, tested)


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
                return np.minimum(1.0, design.family * p_always(signal, design, (effect / se) ** 2))

        return Estimates(effect, se, effect - half, effect + half, q0, rarest < ENOUGH_EVENTS, always)
    level = level_at(signal, design, signal.confidence, look)
    if level is None:
        return _too_early(effect, np.full(noise.size, design.se or np.nan), q0)
    z = critical(level)
    low, high = score_bounds(x1, m1, x0, m0, z)

    def scored() -> Array:
        with np.errstate(divide="ignore", invalid="ignore"):
            statistic = np.where(effect == 0.0, 0.0, effect / constrained_error(x1, m1, x0, m0, 0.0))
        return p_value(signal, design, look, statistic, None)

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
    low, high = bounds(effect, critical_of(df, signal.confidence) * se, bounded=design.bounded)

    def tested() -> Array:
        return p_value(signal, design, look, _statistic(effect, se, bounded=design.bounded), df)

    return Estimates(effect, se, low, high, design.control, squared <= 0.0, tested)


def _too_early(effect: Array, se: Array, control: Array | float | None) -> Estimates:
    nothing = np.full_like(effect, np.nan)
    return Estimates(effect, se, nothing, nothing, control, True, lambda: nothing)
