"""Rates of things that people do several times each: thumbs per response, responses per answer shown.

A person is one unit with three counts: y positives, d responses, x answers shown. Everything here works on the moments
of these over people. What few loud people cost is measured by Kish's effective number (1965, Survey Sampling), the
square of a sum over the sum of squares: 100 responses of which one person gave 90 are worth 1.2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from signals.model import Moments
from signals.stats.difference import Difference, RefusedError, from_se
from signals.stats.moments import left_of, variance
from signals.stats.proportion import score_interval

FEWEST = 10.0
"""Effective people with a thumb up, and with one down, that the delta interval needs in each arm."""

FEW = 20.0
"""Below so many of them the delta interval still misses too often to go without a warning."""

Denominator = Literal["responses", "shown"]


@dataclass(frozen=True)
class RateDifference:
    """Candidate minus control of one rate.

    Attributes:
        difference: With its interval.
        by: ``counts`` when every unit counts once, ``independent`` when the counts were reduced to effective people,
            ``delta`` for the delta method over people.
        independent: The least effective number of people behind either side of the rate, over both arms.
    """

    difference: Difference
    by: Literal["counts", "independent", "delta"]
    independent: float


def outcome(moments: Moments, over: Denominator, *, y: float = 0.0, d: float = 0.0, x: float = 0.0) -> Moments:
    """Moments of ``y*positives + d*responses + x*shown`` as outcome, over responses or over answers shown.

    Raises:
        RefusedError: When the moments lack responses, or answers shown and they are asked for.
    """
    m = moments
    if m.d_mean is None or m.d_m2 is None or m.yd is None:
        raise RefusedError("responses are not known per unit")
    shown = over == "shown" or x != 0.0
    if shown and (m.x_mean is None or m.x_m2 is None or m.xy is None or m.xd is None):
        raise RefusedError("the source does not know how many answers were shown to whom")
    # Absent products are of a count that takes no part: their factor is 0.
    x_mean, x_m2, xy, xd = m.x_mean or 0.0, m.x_m2 or 0.0, m.xy or 0.0, m.xd or 0.0
    mean = y * m.mean + d * m.d_mean + x * x_mean
    m2 = y * y * m.m2 + d * d * m.d_m2 + x * x * x_m2 + 2.0 * (y * d * m.yd + y * x * xy + d * x * xd)
    if over == "shown":
        return Moments(m.n, mean, max(0.0, m2), d_mean=x_mean, d_m2=x_m2, yd=y * xy + d * xd + x * x_m2)
    return Moments(m.n, mean, max(0.0, m2), d_mean=m.d_mean, d_m2=m.d_m2, yd=y * m.yd + d * m.d_m2 + x * xd)


def kish(n: int, mean: float, m2: float) -> float:
    """Effective number of people behind a total: ``(sum)^2 / sum of squares``, 0 when there is nothing."""
    squares = m2 + n * mean**2
    return (n * mean) ** 2 / squares if squares > 0.0 and mean > 0.0 else 0.0


def people(moments: Moments) -> tuple[float, float]:
    """Effective number of people behind the denominator, and behind the rarer side of the rate."""
    m = moments
    if m.d_mean is None or m.d_m2 is None or m.yd is None:
        raise RefusedError("the denominator is missing")
    rest = kish(m.n, m.d_mean - m.mean, max(0.0, m.m2 - 2.0 * m.yd + m.d_m2))
    return kish(m.n, m.d_mean, m.d_m2), min(kish(m.n, m.mean, m.m2), rest)


def linear_variance(spread: float, n: int, denominator: float, effective: float) -> float:
    """Squared standard error of a ratio from its summed squared residuals.

    ``effective / (effective - 1)`` in place of ``n / (n - 1)``: a rate that a few people dominate fits those people,
    and their residuals are too small by that factor on average.
    """
    if effective <= 1.0 or n < 2 or denominator <= 0.0:
        raise RefusedError("one person gave nearly all the answers of an arm")
    plain = max(0.0, variance(spread, n)) / n / denominator**2
    return plain * (1.0 - 1.0 / n) / (1.0 - 1.0 / effective)


def satterthwaite(v1: float, df1: float, v0: float, df0: float) -> float:
    """Degrees of freedom of the sum of two estimated variances (Satterthwaite 1946)."""
    total = v1 + v0
    s1, s0 = v1 / total, v0 / total
    return 1.0 / (s1**2 / df1 + s0**2 / df0)


def rate_difference(candidate: Moments, control: Moments, confidence: float) -> RateDifference:
    """Difference of two rates (outcome over denominator) whose outcome lies between 0 and the denominator.

    Units that count once each get Miettinen and Nurminen's score interval. Otherwise the delta method over people with
    t quantiles, its degrees of freedom from the effective number of people (as for clusters: Carter, Schnepel and
    Steigerwald 2017, Rev. Econ. and Statistics 99:698). Where fewer than ``FEWEST`` effective people stand behind a
    side of the rate, spread between people cannot be learned, and the score interval is taken on the counts that there
    would be if each person's answers were all the same: wide, and never too narrow.

    Raises:
        RefusedError: When an arm has no denominator.
    """
    arms = (candidate, control)
    if any(m.n < 1 or not m.d_mean or m.d_mean <= 0.0 for m in arms):
        raise RefusedError("an arm has no answers to divide by")
    sizes = [people(m) for m in arms]
    least = min(size for _, size in sizes)
    rates = [min(1.0, max(0.0, m.mean / (m.d_mean or 1.0))) for m in arms]
    once = all(_counted_once(m) for m in arms)
    if once or least < FEWEST:
        units = [float(m.n) if once else size for m, (size, _) in zip(arms, sizes, strict=True)]
        found = score_interval(
            min(units[0], rates[0] * units[0]), units[0], min(units[1], rates[1] * units[1]), units[1], confidence
        )
        return RateDifference(found, "counts" if once else "independent", least)
    errors = []
    for m, rate, (size, _) in zip(arms, rates, sizes, strict=True):
        spread = left_of(m.m2, 2.0 * rate * (m.yd or 0.0) - rate**2 * (m.d_m2 or 0.0))
        errors.append((linear_variance(spread, m.n, m.d_mean or 0.0, size), size - 1.0))
    (v1, df1), (v0, df0) = errors
    if v1 + v0 <= 0.0:
        raise RefusedError("the outcome shows no spread, so its uncertainty cannot be estimated")
    df = satterthwaite(v1, df1, v0, df0)
    found = from_se(rates[0] - rates[1], math.sqrt(v1 + v0), confidence, df, control=rates[1], candidate=rates[0])
    return RateDifference(found, "delta", least)


def _counted_once(m: Moments) -> bool:
    """Whether every unit has a denominator of one and an outcome of 0 or 1."""
    slack = 1e-6 * max(1.0, m.n * m.mean * (1.0 - m.mean))
    one = m.d_mean is not None and abs(m.d_mean - 1.0) < 1e-9 and (m.d_m2 or 0.0) < 1e-6
    return one and abs(m.m2 - m.n * m.mean * (1.0 - m.mean)) <= slack
