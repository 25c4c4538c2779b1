"""Strengths of several systems from choices between two of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from signals.stats.difference import RefusedError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

STEPS = 100


@dataclass(frozen=True)
class Strengths:
    """Log-strengths of the systems, the last one being 0, and their standard errors (0 for the last)."""

    log_strength: tuple[float, ...]
    se: tuple[float, ...]


def bradley_terry(wins: ArrayLike) -> Strengths:
    """Maximum-likelihood strengths: ``log odds that i beats j = log_strength[i] - log_strength[j]``.

    Bradley and Terry (1952), Biometrika 39:324-345, by Newton's method on the logistic likelihood; a tie is half a win
    to each side. Standard errors are from the Fisher information, so they hold for independent choices: several
    choices about one prompt need a jackknife over prompts on top.

    Args:
        wins: ``wins[i][j]`` is how often i was preferred to j, shape (systems, systems).

    Raises:
        RefusedError: When some systems were never beaten by the others, or never compared with them: their strength has
            no finite estimate (Ford 1957, Am. Math. Monthly 64:28-33).
        ValueError: When ``wins`` is not a square matrix of counts.
    """
    w = np.asarray(wins, dtype=float)
    k = len(w)
    if w.shape != (k, k) or k < 2 or (w < 0).any() or np.diag(w).any():
        raise ValueError("wins is a square matrix of counts with zeros on its diagonal")
    if not _connected(w):
        raise RefusedError("some systems were never beaten by the others, so their strength has no finite estimate")
    games = w + w.T
    strength = np.zeros(k)
    information = np.eye(k)
    for _ in range(STEPS):
        p = 1.0 / (1.0 + np.exp(np.subtract.outer(strength, strength).T))  # p[i, j]: that i beats j
        weight = games * p * (1.0 - p)
        information = np.diag(weight.sum(axis=1)) - weight
        step = np.zeros(k)
        step[:-1] = np.linalg.solve(information[:-1, :-1], (w - games * p).sum(axis=1)[:-1])
        # The likelihood is concave; short steps keep Newton's method inside it when a start is far off.
        strength += step / max(1.0, float(np.abs(step).max()))
        if np.abs(step).max() < 1e-12:
            break
    errors = np.sqrt(np.diag(np.linalg.inv(information[:-1, :-1])))
    return Strengths(tuple(map(float, strength)), (*map(float, errors), 0.0))


def _connected(wins: np.ndarray) -> bool:
    """Whether from every system a chain of wins leads to every other."""
    reach = (wins > 0) | np.eye(len(wins), dtype=bool)
    for _ in range(len(wins).bit_length()):
        reach = (reach.astype(int) @ reach.astype(int)) > 0
    return bool(reach.all())
