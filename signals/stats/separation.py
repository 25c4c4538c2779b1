"""How well two samples of vectors can be told apart: by the best straight cut, by a tested one, by any difference."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from signals.stats.difference import RefusedError, critical

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Array = NDArray[np.float64]

FEWEST = 30
"""Vectors in each sample below which nothing is said."""

PER_DIRECTION = 10
"""Vectors of the smaller sample that each direction needs: with fewer, its spread is not known well enough."""

MOST_DIRECTIONS = 50
PERMUTATIONS = 499
MOST_COMPARED = 200
"""Vectors of each sample that a permutation test takes: its work grows with their square."""

FLAT = 1e-10
"""Share of the largest spread below which a direction has none."""


@dataclass(frozen=True)
class Separation:
    """How far apart two samples are, as the chance that a straight cut sorts one vector of each right, minus a half.

    Attributes:
        value: 0 when their means agree, 0.5 when they can always be told apart.
        low: Lower bound; never below 0.
        high: Upper bound; never above 0.5.
        p_value: Of equal means (Hotelling).
        directions: Along how many the samples were held against each other.
        kept: Share of all spread that these directions hold.
    """

    value: float
    low: float
    high: float
    p_value: float
    directions: int
    kept: float


def separation(control: ArrayLike, candidate: ArrayLike, confidence: float = 0.95) -> Separation:
    """Area under the curve (minus a half) of the best linear classifier between two samples, with an exact interval.

    Two normal clouds of one shape whose means are ``d`` Mahalanobis units apart are told apart with an area of
    ``Phi(d / sqrt(2))`` (Su and Liu 1993, JASA 88:1350). Hotelling's T2 follows a noncentral F whose parameter is
    ``d^2 n m / (n + m)``, so that bounds on the parameter are bounds on the area. Unlike the area of a classifier that
    was trained on these vectors, this one does not shrink when there are too few of them to train on: with many
    directions and few vectors the upper bound is far away, as it should be. An observed distance below what chance
    alone makes in half of all cases gives the upper bound of that median: luck is no proof of nearness.

    Where there are more directions than the samples can carry, the pooled vectors are first laid along their principal
    components, which do not know the samples.

    Args:
        control: Shape (n, dimensions).
        candidate: Shape (m, dimensions).
        confidence: Two-sided.

    Raises:
        RefusedError: Below 30 vectors in a sample, or when they do not vary.
        ValueError: When the dimensions differ.
    """
    from scipy.special import fdtrc, fdtri, ncfdtr, ndtr

    a, b = _samples(control, candidate)
    n, m = len(a), len(b)
    a, b, kept = _reduced(a, b)
    size, k = n + m, a.shape[1]
    distance = _squared_distance(a, b)
    weight = n * m / size
    free = size - k - 1
    f = weight * distance * free / ((size - 2) * k)

    def area(parameter: float) -> float:
        return float(ndtr(math.sqrt(max(0.0, parameter) / weight / 2.0))) - 0.5

    def bound(statistic: float, level: float) -> float:
        """The parameter at which the statistic would be at most what it is with that chance."""
        if float(ncfdtr(k, free, 0.0, statistic)) <= level:
            return 0.0
        near, far = 0.0, 2.0 * (k * statistic + 10.0)
        while float(ncfdtr(k, free, far, statistic)) > level:
            far *= 2.0
        for _ in range(60):
            middle = (near + far) / 2.0
            near, far = (middle, far) if float(ncfdtr(k, free, middle, statistic)) > level else (near, middle)
        return float(far)

    tail = (1.0 - confidence) / 2.0
    best = f * k * (free - 2) / free - k  # the parameter without the part that chance adds to the distance
    low = bound(f, 1.0 - tail)
    high = bound(max(f, float(fdtri(k, free, 0.5))), tail)
    return Separation(area(best), area(low), area(high), float(fdtrc(k, free, f)), k, kept)


@dataclass(frozen=True)
class HeldOut:
    """Area under the curve, minus a half, of a classifier on vectors that it was not trained on."""

    value: float
    low: float
    high: float
    se: float


def held_out_separation(control: ArrayLike, candidate: ArrayLike, confidence: float = 0.95) -> HeldOut:
    """A linear discriminant trained on one half of the vectors and tried on the other.

    It needs no normal clouds, but says what could be learnt from that half, which is less than the best cut knows. The
    interval is that of DeLong, DeLong and Clarke-Pearson 1988, Biometrics 44:837. One split and not several folds: the
    folds train on each other's vectors, and an interval over five of them that takes them as independent has its lower
    bound above 0 in 7.6 % of pairs of equal windows instead of 2.5 % (60 vectors each; our simulation).

    Args:
        control: Shape (n, dimensions).
        candidate: Shape (m, dimensions).
        confidence: Two-sided.

    Raises:
        RefusedError: As ``separation``.
        ValueError: When the dimensions differ.
    """
    a, b, _ = _reduced(*_samples(control, candidate))
    rng = np.random.default_rng(0)  # the same vectors are always cut alike
    order = [rng.permutation(len(one)) for one in (a, b)]
    train, test = ([one[places[half::2]] for one, places in zip((a, b), order, strict=True)] for half in (0, 1))
    try:
        cut = np.linalg.solve(_pooled(*train), train[1].mean(axis=0) - train[0].mean(axis=0))
    except np.linalg.LinAlgError:
        raise RefusedError("within the windows the vectors do not vary") from None
    old, new = (one @ cut for one in test)
    above = (new[:, None] > old) + 0.5 * (new[:, None] == old)
    value = float(above.mean()) - 0.5
    se = math.sqrt(float(above.mean(axis=1).var(ddof=1)) / len(new) + float(above.mean(axis=0).var(ddof=1)) / len(old))
    half = critical(confidence) * se
    return HeldOut(value, max(-0.5, value - half), min(0.5, value + half), se)


def mmd_p(control: ArrayLike, candidate: ArrayLike) -> float:
    """p-value of equal distributions: maximum mean discrepancy against 499 random splits of the pooled vectors.

    Gretton et al. 2012 (see ``drift.mmd2``), with a Gaussian kernel as wide as the median distance. It sees a change
    of spread or shape that no straight cut does. Of more than 200 vectors in a sample, 200 evenly spaced ones are
    taken. The same vectors give the same p-value.

    Args:
        control: Shape (n, dimensions).
        candidate: Shape (m, dimensions).

    Raises:
        RefusedError: As ``separation``.
        ValueError: When the dimensions differ.
    """
    a, b = (_thinned(one) for one in _samples(control, candidate))
    both = np.concatenate([a, b])
    both = both - both.mean(axis=0)
    squares = np.einsum("ij,ij->i", both, both)
    gaps = np.maximum(0.0, squares[:, None] + squares - 2.0 * both @ both.T)
    middle = float(np.median(gaps[np.triu_indices(len(both), 1)]))
    if middle <= 0.0:
        raise RefusedError("most vectors are equal, so they cannot be compared")
    kernel = np.exp(-gaps / middle)
    np.fill_diagonal(kernel, 0.0)
    n, m = len(a), len(b)
    rng = np.random.default_rng(0)
    first = np.zeros((n + m, PERMUTATIONS + 1))
    first[:n, 0] = 1.0
    for place in range(1, PERMUTATIONS + 1):
        first[rng.permutation(n + m)[:n], place] = 1.0
    towards = kernel @ first
    within = np.einsum("ij,ij->j", first, towards)
    between = towards.sum(axis=0) - within
    other = kernel.sum() - within - 2.0 * between
    found = within / (n * (n - 1)) + other / (m * (m - 1)) - 2.0 * between / (n * m)
    return float(np.mean(found >= found[0] - 1e-12))


def distances(reference: ArrayLike, windows: Sequence[ArrayLike]) -> tuple[float, ...]:
    """Squared Mahalanobis distance of each window's mean from the reference, without the part that chance adds.

    Only the reference makes the scale, so that the number of a window stays what it is when later ones come: as long
    as nothing changes, the numbers of windows of one size are exchangeable. They may be negative.

    Args:
        reference: Shape (n, dimensions).
        windows: Each of shape (m, dimensions).

    Raises:
        RefusedError: Below 30 vectors in the reference, or when they do not vary.
        ValueError: When the dimensions differ.
    """
    base = _matrix(reference)
    if len(base) < FEWEST:
        raise RefusedError(f"the reference has {len(base):,} vectors; at least {FEWEST} are needed")
    axes, _ = _axes(base, len(base))
    centre = base.mean(axis=0)
    flat = (base - centre) @ axes
    inverse = np.linalg.inv(flat.T @ flat / (len(base) - 1))
    found = []
    for window in windows:
        one = _matrix(window)
        if one.shape[1] != base.shape[1]:
            raise ValueError(f"vectors of {base.shape[1]} numbers against vectors of {one.shape[1]}")
        gap = (one.mean(axis=0) - centre) @ axes
        found.append(float(gap @ inverse @ gap) - axes.shape[1] * (1.0 / len(base) + 1.0 / len(one)))
    return tuple(found)


# --- parts ----------------------------------------------------------------------------------------------------------


def _matrix(values: ArrayLike) -> Array:
    found = np.asarray(values, dtype=float)
    return found[:, None] if found.ndim == 1 else found


def _samples(control: ArrayLike, candidate: ArrayLike) -> tuple[Array, Array]:
    a, b = _matrix(control), _matrix(candidate)
    if a.shape[1] != b.shape[1]:
        raise ValueError(f"vectors of {a.shape[1]} numbers against vectors of {b.shape[1]}")
    if min(len(a), len(b)) < FEWEST:
        raise RefusedError(f"a window has {min(len(a), len(b)):,} vectors; at least {FEWEST} are needed")
    return a, b


def _thinned(values: Array) -> Array:
    if len(values) <= MOST_COMPARED:
        return values
    some: Array = values[np.linspace(0, len(values) - 1, MOST_COMPARED).round().astype(int)]
    return some


def _reduced(a: Array, b: Array) -> tuple[Array, Array, float]:
    """Both samples along the directions that they can carry, and the share of all spread that these hold."""
    axes, kept = _axes(np.concatenate([a, b]), min(len(a), len(b)))
    return a @ axes, b @ axes, kept


def _axes(values: Array, carrying: int) -> tuple[Array, float]:
    """Principal directions, shape (dimensions, k): those that vary, at most one for ten of ``carrying`` vectors."""
    centred = values - values.mean(axis=0)
    wide = centred.shape[1] > len(centred)
    spread, found = np.linalg.eigh(centred @ centred.T if wide else centred.T @ centred)
    spread, found = spread[::-1], found[:, ::-1]
    some = int(np.sum(spread > FLAT * max(float(spread[0]), 0.0))) if spread[0] > 0.0 else 0
    if not some:
        raise RefusedError("the vectors do not vary, so no distance between them can be measured")
    k = min(some, max(1, carrying // PER_DIRECTION), MOST_DIRECTIONS)
    axes = centred.T @ (found[:, :k] / np.sqrt(spread[:k])) if wide else found[:, :k]
    return axes, float(spread[:k].sum() / spread[:some].sum())


def _pooled(a: Array, b: Array) -> Array:
    parts = [one - one.mean(axis=0) for one in (a, b)]
    pooled: Array = (parts[0].T @ parts[0] + parts[1].T @ parts[1]) / (len(a) + len(b) - 2)
    return pooled


def _squared_distance(a: Array, b: Array) -> float:
    gap = b.mean(axis=0) - a.mean(axis=0)
    try:
        return float(gap @ np.linalg.solve(_pooled(a, b), gap))
    except np.linalg.LinAlgError:
        raise RefusedError("within the windows the vectors do not vary") from None
