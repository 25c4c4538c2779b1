"""What several tests in one decision rule make of its error rates."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Allocation:
    """Error rates per test that keep those of the whole rule."""

    alpha_success: float  # of the superiority test of each success metric
    alpha_guardrail: float  # of the non-inferiority test of each guardrail
    beta: float  # of every test


def allocate(
    alpha: float, beta: float, success: int, guardrails: int, alpha_guardrail: float | None = None
) -> Allocation:
    """Error rates per test for the rule: ship when a success metric wins and every guardrail is non-inferior.

    Schultzberg, Ankargren and Franberg (2024), arXiv:2402.11609. One win is enough, so the success metrics share
    ``alpha``; all guardrails must hold, which is an intersection-union test and needs no correction. A true win must
    pass one success test and every guardrail, so the misses add up: each test gets ``beta / (guardrails + 1)``.

    Args:
        alpha: Chance to ship what improves nothing.
        beta: Chance to hold a true win.
        success: Number of success metrics, at least 1.
        guardrails: Number of guardrails, 0 or more.
        alpha_guardrail: Level of the guardrails; ``alpha`` when None.

    Raises:
        ValueError: When a rate is not strictly between 0 and 1, or a number is too small.
    """
    levels = (alpha, beta, alpha if alpha_guardrail is None else alpha_guardrail)
    if not all(0.0 < level < 1.0 for level in levels) or success < 1 or guardrails < 0:
        raise ValueError("rates lie between 0 and 1, and a rule has a success metric")
    return Allocation(alpha / success, levels[2], beta / (guardrails + 1))
