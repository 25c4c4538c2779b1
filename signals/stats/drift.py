"""How far two samples are apart: the mix of categories, one number, or vectors."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from signals.stats.difference import RefusedError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def psi(p: Sequence[float], q: Sequence[float]) -> float:
    """Population stability index of two mixes over the same categories, ``sum((p - q) log(p / q))``.

    The symmetric divergence of Jeffreys (1946), Proc. Royal Society A 186:453-461; 0 when the mixes are equal. Two
    samples of one mix of B categories have about ``(B - 1)(1/n + 1/m)`` in expectation: hold it against that.

    Args:
        p: Counts or shares per category of one sample, shape (categories,).
        q: The same of the other.

    Raises:
        RefusedError: When a category is empty in either sample: the index is infinite then. Join small categories.
        ValueError: When the lengths differ.
    """
    if len(p) != len(q):
        raise ValueError(f"{len(p)} categories against {len(q)}")
    if len(p) < 2 or min(*p, *q) <= 0:
        raise RefusedError("a category is empty in one of the two mixes, where the index has no finite value")
    shares = [(one / math.fsum(p), other / math.fsum(q)) for one, other in zip(p, q, strict=True)]
    return math.fsum((one - other) * math.log(one / other) for one, other in shares)


def energy_distance(x: ArrayLike, y: ArrayLike) -> float:
    """Energy distance, ``sqrt(2 E|X - Y| - E|X - X'| - E|Y - Y'|)``, in the unit of the values.

    Szekely and Rizzo (2013), J. Statistical Planning and Inference 143:1249-1272. It is 0 only for equal distributions;
    of two samples of one distribution it is above 0, so it needs a permutation test beside it.

    Args:
        x: One sample, shape (n,) or (n, dimensions).
        y: The other, shape (m,) or (m, dimensions).

    Raises:
        RefusedError: When a sample is empty.
    """
    a, b = _vectors(x, y, least=1)
    between, within_a, within_b = (float(np.sqrt(_squared(*pair)).mean()) for pair in ((a, b), (a, a), (b, b)))
    # Rounding may leave a tiny negative number for equal samples.
    return math.sqrt(max(0.0, 2.0 * between - within_a - within_b))


def mmd2(x: ArrayLike, y: ArrayLike, gamma: float) -> float:
    """Unbiased squared maximum mean discrepancy with the kernel ``exp(-gamma |a - b|^2)``.

    Gretton, Borgwardt, Rasch, Schoelkopf and Smola (2012), JMLR 13:723-773, lemma 6. Its expectation is 0 when the
    distributions are equal, so it can be negative.

    Args:
        x: One sample, shape (n,) or (n, dimensions).
        y: The other, shape (m,) or (m, dimensions).
        gamma: One over twice the squared width of the kernel; above 0.

    Raises:
        RefusedError: Below two vectors in a sample.
        ValueError: When ``gamma`` is not positive.
    """
    if not gamma > 0:
        raise ValueError(f"gamma {gamma} is not positive")
    a, b = _vectors(x, y, least=2)
    n, m = len(a), len(b)
    within_a, within_b = (float(np.exp(-gamma * _squared(one, one)).sum()) - len(one) for one in (a, b))
    between = float(np.exp(-gamma * _squared(a, b)).mean())
    return within_a / (n * (n - 1)) + within_b / (m * (m - 1)) - 2.0 * between


def _vectors(x: ArrayLike, y: ArrayLike, least: int) -> tuple[np.ndarray, np.ndarray]:
    a, b = (np.asarray(values, dtype=float) for values in (x, y))
    if min(len(a), len(b)) < least:
        raise RefusedError(f"a sample has {min(len(a), len(b))} values; at least {least} are needed")
    a, b = (values[:, None] if values.ndim == 1 else values for values in (a, b))
    if a.shape[1] != b.shape[1]:
        raise ValueError(f"vectors of {a.shape[1]} numbers against vectors of {b.shape[1]}")
    return a, b


def _squared(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Squared distances, shape (n, m)."""
    # Dimension by dimension: exact where a = b, which the shorter a.a + b.b - 2 a.b is not.
    found = np.zeros((len(a), len(b)))
    for one, other in zip(a.T, b.T, strict=True):
        found += np.subtract.outer(one, other) ** 2
    return found
