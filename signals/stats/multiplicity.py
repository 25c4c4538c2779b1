"""Several tests at once: p-values that may each be held against the level of one."""

from __future__ import annotations

from collections.abc import Sequence


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Adjusted p-values of Holm (1979), Scandinavian Journal of Statistics 6:65-70, in the order given.

    The chance of any false alarm is at most the level, whatever the tests have to do with each other: for gates.
    """
    ranked = _ranked(p_values)
    found = [0.0] * len(p_values)
    worst = 0.0
    for rank, index in enumerate(ranked):
        worst = max(worst, min(1.0, (len(ranked) - rank) * p_values[index]))
        found[index] = worst
    return tuple(found)


def benjamini_hochberg(p_values: Sequence[float]) -> tuple[float, ...]:
    """Adjusted p-values of Benjamini and Hochberg (1995), JRSS B 57:289-300, in the order given.

    Among what is called significant, the expected share of false alarms is at most the level (independent tests, or
    positively dependent ones): for exploring, not for gates.
    """
    ranked = _ranked(p_values)
    found = [0.0] * len(p_values)
    least = 1.0
    for rank, index in reversed(list(enumerate(ranked, 1))):
        least = min(least, p_values[index] * (len(ranked) / rank))
        found[index] = least
    return tuple(found)


def _ranked(p_values: Sequence[float]) -> list[int]:
    if not all(0.0 <= p <= 1.0 for p in p_values):
        raise ValueError("p-values are between 0 and 1")
    return sorted(range(len(p_values)), key=lambda index: p_values[index])
