"""Weights that make a sample look like a population whose shares are known: raking, and what weights cost.

Deming and Stephan (1940), "On a least squares adjustment of a sampled frequency table when the expected marginal totals
are known", Annals of Mathematical Statistics 11:427-444. With one margin this is post-stratification, in one step.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from signals.stats.difference import RefusedError

if TYPE_CHECKING:
    from numpy.typing import NDArray

STEPS = 500
CLOSE = 1e-12


def rake(
    counts: NDArray[np.float64],
    levels: Sequence[NDArray[np.intp]],
    targets: Sequence[NDArray[np.float64]],
) -> NDArray[np.float64]:
    """Weight of one item of each pattern, by iterative proportional fitting.

    Args:
        counts: Items per pattern, shape (patterns,), or several samples at once, shape (samples, patterns).
        levels: Per margin the level of each pattern, shape (patterns,).
        targets: Per margin the share of each level, shape (levels,), summing to 1. A level that a sample has no item
            of is left out for it, and the margin's other shares grow in proportion.

    Returns:
        Weights of the shape of ``counts``; ``sum(counts * weights)`` is 1 in each sample. 0 for absent patterns.

    Raises:
        RefusedError: When a sample is empty, or no weights meet all margins at once.
    """
    start = np.atleast_2d(np.asarray(counts, dtype=float))
    if not (start.sum(axis=1) > 0).all():
        raise RefusedError("no item falls in the traffic mix")
    mass = start / start.sum(axis=1, keepdims=True)
    sides = []
    for level, target in zip(levels, targets, strict=True):
        belongs = np.zeros((level.size, target.size))
        belongs[np.arange(level.size), level] = 1.0
        goal = np.where(start @ belongs > 0, target, 0.0)
        total = goal.sum(axis=1, keepdims=True)
        if not (total > 0).all():
            raise RefusedError("the items fall in segments without traffic only")
        sides.append((belongs, level, goal / total))
    for _ in range(STEPS):
        for belongs, level, goal in sides:
            seen = mass @ belongs
            mass = mass * np.divide(goal, seen, out=np.zeros_like(goal), where=seen > 0)[:, level]
        off = max(float(np.abs(mass @ belongs - goal).max()) for belongs, _, goal in sides)
        if off <= CLOSE:
            weights: NDArray[np.float64] = np.divide(mass, start, out=np.zeros_like(mass), where=start > 0)
            return weights.reshape(np.shape(counts))
    raise RefusedError("no weights of these items meet all margins of the traffic mix at once")


def kish(weights: Sequence[float] | NDArray[np.float64]) -> float:
    """Effective sample size ``(sum w)^2 / sum w^2`` of Kish (1965), Survey Sampling: items of equal weight."""
    w = np.asarray(weights, dtype=float)
    return float(w.sum() ** 2 / (w**2).sum())
