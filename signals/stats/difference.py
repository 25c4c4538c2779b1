"""The shape of a result: a difference with its interval, or a refusal with its reason."""

from __future__ import annotations

import math
from dataclasses import dataclass

ROUNDING = 1e-14
"""Share of a level below which a standard error is what rounding left of no spread at all."""


class RefusedError(Exception):
    """An interval that cannot be given honestly; the message is one clause that says why."""


@dataclass(frozen=True)
class Difference:
    """Candidate minus control with a two-sided interval.

    Attributes:
        effect: The difference, in the unit of the outcome.
        se: Its standard error. For score intervals, which have none, the half-width divided by the normal quantile.
        low: Lower bound.
        high: Upper bound.
        p_value: Two-sided, of no difference; from the same method as the bounds.
        df: Degrees of freedom of the t quantile; None when it is normal.
        control: Level of the control arm, where the method knows it.
        candidate: Level of the candidate arm, where the method knows it.
    """

    effect: float
    se: float
    low: float
    high: float
    p_value: float
    df: float | None = None
    control: float | None = None
    candidate: float | None = None


def critical(confidence: float, df: float | None = None) -> float:
    """The two-sided critical value: of t with ``df`` degrees of freedom, or of the normal distribution.

    Raises:
        ValueError: When the confidence is not strictly between 0 and 1.
    """
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence {confidence} is not between 0 and 1")
    from scipy.special import ndtri, stdtrit  # late: results and refusals are used where scipy is not loaded

    tail = (1.0 - confidence) / 2.0
    return float(-ndtri(tail) if df is None else -stdtrit(df, tail))


def two_sided_p(statistic: float, df: float | None = None) -> float:
    """Two-sided p-value of a t (or normal) statistic."""
    from scipy.special import ndtr, stdtr

    size = -abs(statistic)
    return float(min(1.0, 2.0 * (ndtr(size) if df is None else stdtr(df, size))))


def from_se(
    effect: float,
    se: float,
    confidence: float,
    df: float | None = None,
    *,
    control: float | None = None,
    candidate: float | None = None,
) -> Difference:
    """``effect`` plus and minus the critical value times ``se``.

    Raises:
        RefusedError: When the standard error is not a number, or is zero but for rounding of the levels (``control``,
            ``candidate``) that it is of: the data show no spread to build an interval on.
    """
    if not (math.isfinite(effect) and math.isfinite(se)):
        raise RefusedError("the numbers are too large to compute with")
    if se <= ROUNDING * max(abs(control or 0.0), abs(candidate or 0.0)):
        raise RefusedError("the outcome shows no spread, so its uncertainty cannot be estimated")
    half = critical(confidence, df) * se
    p = two_sided_p(effect / se, df)
    return Difference(effect, se, effect - half, effect + half, p, df, control, candidate)
