"""The score interval of two proportions over arrays: what ``stats.proportion.score_interval`` gives for each pair."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

ROUNDS = 30
PRECISION = 1e-12


def score_bounds(x1: Array, n1: float, x0: Array, n0: float, z: float) -> tuple[Array, Array]:
    """Both bounds of the Miettinen-Nurminen interval of ``x1/n1 - x0/n0``.

    The bound is where ``estimate - bound`` is ``z`` standard errors under that very bound. Putting the bound on the
    right again and again finds it: the standard error hardly moves with it. The few pairs for which that does not
    settle (very few events) are done one by one.

    Args:
        x1: Successes of the candidate, shape (draws,).
        n1: Its units.
        x0: Successes of the control, shape (draws,).
        n0: Its units.
        z: Normal quantile of the confidence.

    Returns:
        (low, high), each of shape (draws,).
    """
    # Of small arms the same counts come again and again: each pair is done once.
    pairs, back = np.unique(x1 * (n0 + 1.0) + x0, return_inverse=True)
    ones, zeros = np.divmod(pairs, n0 + 1.0)
    low, high = (_bound(ones, n1, zeros, n0, side * z) for side in (-1.0, 1.0))
    return low[back], high[back]


def _bound(x1: Array, n1: float, x0: Array, n0: float, z: float) -> Array:
    effect = x1 / n1 - x0 / n0
    p1, p0 = (x1 + 0.5) / (n1 + 1.0), (x0 + 0.5) / (n0 + 1.0)  # a start that is not stuck where no unit has the event
    bound = np.clip(effect + z * np.sqrt(p1 * (1.0 - p1) / n1 + p0 * (1.0 - p0) / n0), -1.0, 1.0)
    left = np.arange(effect.size)
    for _ in range(ROUNDS):
        error = constrained_error(x1[left], n1, x0[left], n0, bound[left])
        new = np.clip(effect[left] + z * error, -1.0, 1.0)
        going = (np.abs(new - bound[left]) >= PRECISION) | (error == 0.0)
        bound[left] = new
        left = left[going]
        if not left.size:
            break
    for place in left:
        bound[place] = _one(float(x1[place]), n1, float(x0[place]), n0, z)
    return np.asarray(bound)


def _one(x1: float, n1: float, x0: float, n0: float, z: float) -> float:
    """One bound of ``stats.proportion.score_interval``."""
    from signals.stats.proportion import decreasing_root, score

    effect = x1 / n1 - x0 / n0
    start, end = (-1.0, effect) if z < 0.0 else (effect, 1.0)
    return decreasing_root(lambda delta: score(x1, n1, x0, n0, delta) + z, start, end)


def constrained_error(x1: Array, n1: float, x0: Array, n0: float, delta: Array | float) -> Array:
    """Standard error of the difference at the most likely rates whose difference is ``delta``, factor N/(N-1).

    Farrington and Manning (1990), Statistics in Medicine 9:1447-1454: the root of a cubic, polished by Newton steps.
    """
    total = n1 + n0
    least, most = np.maximum(0.0, -delta), np.minimum(1.0, 1.0 - delta)
    a = ((n1 + 2.0 * n0) * delta - total - (x1 + x0)) / total
    b = ((n0 * delta - total - 2.0 * x0) * delta + x1 + x0) / total
    c = x0 * delta * (1.0 - delta) / total
    v = (a / 3.0) ** 3 - a * b / 6.0 + c / 2.0
    u = np.copysign(np.sqrt(np.maximum((a / 3.0) ** 2 - b / 3.0, 0.0)), v)
    with np.errstate(divide="ignore", invalid="ignore"):
        angle = (np.pi + np.arccos(np.clip(np.where(u == 0.0, 1.0, v / u**3), -1.0, 1.0))) / 3.0
        root = np.clip(2.0 * u * np.cos(angle) - a / 3.0, least, most)
        for _ in range(2):
            better = root - (((root + a) * root + b) * root + c) / ((3.0 * root + 2.0 * a) * root + b)
            root = np.where((better >= least) & (better <= most), better, root)
    # Where no unit or every unit has the event the likelihood has its maximum at an end.
    none, every = (x1 + x0) == 0.0, (x1 + x0) == total
    root = np.where(none, least, np.where(every, most, root))
    q1 = np.clip(root + delta, 0.0, 1.0)
    spread = (q1 * (1.0 - q1) / n1 + root * (1.0 - root) / n0) * total / (total - 1.0)
    return np.asarray(np.sqrt(np.maximum(spread, 0.0)))
