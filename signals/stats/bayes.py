"""Deciding by expected loss: what it costs to ship a candidate that is worse, or to keep a control that is.

Stucchio (2015), "Bayesian A/B Testing at VWO": ship when the expected loss of shipping is below what nobody would
care about.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

NORMAL = NormalDist()


@dataclass(frozen=True)
class Posterior:
    """What is believed of the benefit: normal with this mean and standard deviation, in the signal's unit."""

    mean: float
    sd: float

    def below(self, limit: float = 0.0) -> float:
        """Probability that the benefit is below ``limit``: 0 for harm, minus the margin for harm that matters."""
        return NORMAL.cdf((limit - self.mean) / self.sd)

    @property
    def loss_of_shipping(self) -> float:
        """Expected benefit that shipping gives away, ``E max(-b, 0)``."""
        z = self.mean / self.sd
        return self.sd * NORMAL.pdf(z) - self.mean * NORMAL.cdf(-z)

    @property
    def loss_of_keeping(self) -> float:
        """Expected benefit that keeping the control gives away, ``E max(b, 0)``."""
        return self.loss_of_shipping + self.mean


def posterior(benefit: float, se: float, prior_sd: float = math.inf) -> Posterior:
    """Posterior of a benefit measured with standard error ``se``, under a normal prior around zero.

    ``prior_sd`` is the spread of the true benefits of past releases (inf: no prior): most changes do little, so a
    surprising benefit is believed less than it shows.

    Raises:
        ValueError: When a standard deviation is not positive.
    """
    if not (se > 0 and prior_sd > 0 and math.isfinite(se) and math.isfinite(benefit)):
        raise ValueError(f"standard error {se} and prior {prior_sd} must be positive")
    kept = 1.0 / (1.0 + (se / prior_sd) ** 2)
    return Posterior(kept * benefit, math.sqrt(kept) * se)


@dataclass(frozen=True)
class BetaComparison:
    """Two rates with beta posteriors: chance that the candidate's is higher, and what either choice gives away."""

    p_better: float
    loss_of_shipping: float
    loss_of_keeping: float


def compare_rates(control: tuple[int, int], candidate: tuple[int, int]) -> BetaComparison:
    """Exact comparison of two beta posteriors, each ``(successes + 1, failures + 1)`` under a flat prior.

    The chance is the finite sum of Miller (2015), "Formulas for Bayesian A/B Testing"; the losses follow from it, since
    ``E[p; better]`` is the mean of p times the same chance with one success more.

    Raises:
        ValueError: When a parameter is below 1.
    """
    if min(*control, *candidate) < 1:
        raise ValueError("beta parameters are at least 1")
    # Each loss from its own chance, not from one minus the other: they differ by many orders when one arm is clear.
    return BetaComparison(_higher(control, candidate), _given_away(candidate, control), _given_away(control, candidate))


def _given_away(chosen: tuple[int, int], other: tuple[int, int]) -> float:
    """Expected ``max(other - chosen, 0)``."""
    (a0, b0), (a1, b1) = chosen, other
    gained = a1 / (a1 + b1) * _higher(chosen, (a1 + 1, b1))
    return max(0.0, gained - a0 / (a0 + b0) * _higher((a0 + 1, b0), other))


def _higher(low: tuple[int, int], high: tuple[int, int]) -> float:
    """Chance that the second rate is above the first, summed over the successes of the second."""
    (a0, b0), (a1, b1) = low, high
    norm = _log_beta(a0, b0)
    terms = (math.exp(_log_beta(a0 + i, b0 + b1) - math.log(b1 + i) - _log_beta(1 + i, b1) - norm) for i in range(a1))
    return min(1.0, math.fsum(terms))


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
