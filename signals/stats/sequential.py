"""Intervals that stay valid however often they are looked at.

The asymptotic confidence sequence of Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas (2024), "Time-uniform central
limit theory and asymptotic confidence sequences", Annals of Statistics (arXiv:2103.06476), theorem 2.2. With t units
and standard error ``se = sigma/sqrt(t)``, the interval at every t at once is::

    estimate +- se * sqrt( 2 (t r^2 + 1) / (t r^2) * log( sqrt(t r^2 + 1) / alpha ) )

where r is tuned so that the interval is narrowest near a planned t*::

    r^2 = ( -2 log(alpha) + log( -2 log(alpha) + 1 ) ) / t*

Only the width depends on the plan, the validity does not. For two arms, t counts the units of both together.
"""

from __future__ import annotations

import math

PLANNED_UNITS = 10_000
"""Both arms together; where the interval is tuned when the policy names no plan."""


def multiplier(n: float, confidence: float, planned: float = PLANNED_UNITS) -> float:
    """How many standard errors the always-valid interval reaches to each side at ``n`` units.

    Args:
        n: Units so far, both arms together.
        confidence: Two-sided and simultaneous over all looks.
        planned: Units at which the interval is to be narrowest.

    Raises:
        ValueError: When a count is not positive or the confidence is not strictly between 0 and 1.
    """
    grown = _grown(n, confidence, planned)
    return math.sqrt(2.0 * (grown + 1.0) / grown * math.log(math.sqrt(grown + 1.0) / (1.0 - confidence)))


def p_value(effect: float, se: float, n: float, confidence: float, planned: float = PLANNED_UNITS) -> float:
    """Always-valid p-value: the least alpha at which the sequence, tuned as for ``confidence``, excludes zero."""
    if se <= 0.0:
        raise ValueError("the standard error is not positive")
    grown = _grown(n, confidence, planned)
    z2 = (effect / se) ** 2
    return min(1.0, math.exp(0.5 * math.log1p(grown) - z2 * grown / (2.0 * (grown + 1.0))))


def _grown(n: float, confidence: float, planned: float) -> float:
    if n <= 0 or planned <= 0:
        raise ValueError("units must be positive")
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence {confidence} is not between 0 and 1")
    twice = -2.0 * math.log(1.0 - confidence)
    return n * (twice + math.log(twice + 1.0)) / planned


def mixture_interval(effect: float, se: float, spread: float, confidence: float) -> tuple[float, float]:
    """Always-valid interval of the mixture sequential probability ratio test, for comparison with other tools.

    Johari, Koomen, Pekelis and Walsh (2022), "Always Valid Inference", Operations Research 70:1806: a normal mixture
    N(0, ``spread``^2) over the true difference, with a standard error that is taken as known.
    """
    _check_spread(se, spread)
    v, t2 = se**2, spread**2
    half = math.sqrt(v * (v + t2) / t2 * (math.log((v + t2) / v) - 2.0 * math.log(1.0 - confidence)))
    return effect - half, effect + half


def mixture_ratio(effect: float, se: float, spread: float) -> float:
    """Mixture likelihood ratio against no effect; its inverse, at most 1, is the always-valid p-value."""
    _check_spread(se, spread)
    v, t2 = se**2, spread**2
    return math.sqrt(v / (v + t2)) * math.exp(t2 * effect**2 / (2.0 * v * (v + t2)))


def _check_spread(se: float, spread: float) -> None:
    if not (se > 0.0 and spread > 0.0):
        raise ValueError("the standard error and the spread of the mixture must be positive")
