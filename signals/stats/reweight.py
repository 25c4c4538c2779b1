"""Mean of paired differences, weighted to a population whose shares are known.

The weights are not fixed numbers: they are made from the sample, so another sample would have had others. Within strata
the variance is that of stratified sampling (Cochran 1977, Sampling Techniques, 5.4 and 5A.9); for raked weights and for
clusters that reach over strata it is a delete-one-cluster jackknife that makes the weights again each time.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from signals.stats.difference import ROUNDING, Difference, RefusedError, from_se
from signals.stats.paired import is_lopsided
from signals.stats.weights import kish, rake

if TYPE_CHECKING:
    from numpy.typing import NDArray

THIN = 5  # clusters of items: the spread within a stratum of fewer is hardly known
MATTERS = 0.05  # of the variance: what a thin stratum must carry before its word is doubted
MOST_CLUSTERS = 2_000  # above, their degrees of freedom do not matter, and the matrix of clusters is large


@dataclass(frozen=True)
class Weighted:
    """A weighted mean with its interval.

    Attributes:
        difference: The mean, in the unit of the values.
        weights: Of each item, summing to 1.
        n_effective: Items of equal weight with the same precision at equal spread (Kish).
        thin: (margin, level) of levels with too few clusters for the part of the variance that they carry.
        lopsided: The clusters pull so unevenly that a symmetric interval misses too often on one side.
        groups: Clusters.
    """

    difference: Difference
    weights: NDArray[np.float64]
    n_effective: float
    thin: tuple[tuple[int, int], ...]
    lopsided: bool
    groups: int


def weighted_mean(
    values: Sequence[float],
    clusters: Sequence[Hashable],
    levels: Sequence[Sequence[int]],
    shares: Sequence[Sequence[float]],
    confidence: float,
) -> Weighted:
    """Mean of differences, weighted so that every margin has its known shares; t with Satterthwaite's df.

    One margin is post-stratification; several are raked. A stratum of fewer than five clusters borrows the spread of
    all strata: its own would be known too roughly to build an interval on. So do all of them when one has no spread.

    Args:
        values: One difference per item, shape (items,).
        clusters: The cluster of each item, same length.
        levels: Per margin the level of each item; every level of ``shares`` must occur.
        shares: Per margin the share of each level, summing to 1.
        confidence: Two-sided.

    Raises:
        RefusedError: Below two clusters, without spread, or when the margins cannot be met.
    """
    d = np.asarray(values, dtype=float)
    names: dict[Hashable, int] = {}
    index = np.array([names.setdefault(cluster, len(names)) for cluster in clusters], dtype=np.intp)
    margins = [np.asarray(level, dtype=np.intp) for level in levels]
    targets = [np.asarray(share, dtype=float) for share in shares]
    groups = len(names)
    if groups < 2:
        raise RefusedError(f"{groups} independent cluster of items; at least 2 are needed")
    center = float(d.mean())
    if len(margins) == 1 and _nested(index, margins[0], groups):
        found = _strata(d - center, index, margins[0], targets[0])
    else:
        found = _jackknife(d - center, index, margins, targets, groups)
    effect, squared, df, weights, thin, lopsided = found
    if squared <= ROUNDING**2 * float((d**2).mean()):
        raise RefusedError("all paired differences are equal, so their uncertainty cannot be estimated")
    difference = from_se(center + effect, math.sqrt(squared), confidence, df)
    return Weighted(difference, weights, kish(weights), thin, lopsided, groups)


Parts = tuple[float, float, float, "NDArray[np.float64]", tuple[tuple[int, int], ...], bool]
"""effect, squared standard error, degrees of freedom, weights, thin levels, lopsided."""


def _nested(index: NDArray[np.intp], level: NDArray[np.intp], groups: int) -> bool:
    """Whether no cluster reaches over strata."""
    low = np.full(groups, level.max())
    np.minimum.at(low, index, level)
    return bool((level == low[index]).all())


def _strata(
    d: NDArray[np.float64], index: NDArray[np.intp], level: NDArray[np.intp], share: NDArray[np.float64]
) -> Parts:
    """Post-stratified, clusters within strata: ``sum W^2 V``, with V of each stratum's mean by its CRV3 jackknife."""
    sizes = np.bincount(level, minlength=share.size).astype(float)
    means = np.bincount(level, weights=d, minlength=share.size) / sizes
    sums = np.bincount(index, weights=d - means[level])
    held = np.bincount(index)
    home = np.zeros(held.size, dtype=np.intp)
    home[index] = level
    groups = np.bincount(home, minlength=share.size)
    rest = sizes[home] - held
    moves = np.divide(sums, rest, out=np.zeros_like(sums), where=rest > 0)
    own = np.bincount(home, weights=moves**2, minlength=share.size) * (groups - 1) / np.maximum(groups, 1)
    free = groups - 1
    total = int(free.sum())
    # The variance of one cluster's pull, as all strata have it together.
    pooled = float((own * groups * free).sum()) / total if total else 0.0
    # Where one stratum has no spread at all, outcomes are rare and every stratum's own spread is luck: lending to that
    # one alone would count the lucky strata and replace the unlucky ones.
    flat = (own <= np.finfo(float).eps * pooled) & (groups >= THIN)
    borrows = (groups < THIN) | flat.any()
    if total < THIN - 1 or (total < 2 * THIN and (groups < 2).any()):
        raise RefusedError("too few items per segment to know how far they spread")
    part = share**2 * np.where(borrows, pooled / groups, own)
    squared = float(part.sum())
    if squared <= 0.0:
        return float((share * means).sum()), 0.0, 1.0, share[level] / sizes[level], (), False
    lent = float(part[borrows].sum())
    df = squared**2 / (lent**2 / total + float((part[~borrows] ** 2 / free[~borrows]).sum()))
    thin = tuple((0, int(k)) for k in np.flatnonzero((groups < THIN) & (part > MATTERS * squared)))
    lopsided = is_lopsided(share[home] * moves, float(1.0 / (share**2 / groups).sum()))
    return float((share * means).sum()), squared, df, share[level] / sizes[level], thin, lopsided


def _jackknife(
    d: NDArray[np.float64],
    index: NDArray[np.intp],
    margins: Sequence[NDArray[np.intp]],
    targets: Sequence[NDArray[np.float64]],
    groups: int,
) -> Parts:
    """Leave out one cluster at a time and make the weights again; df of a normal outcome by Satterthwaite."""
    patterns, pattern = np.unique(np.stack(margins), axis=1, return_inverse=True)
    pattern = pattern.reshape(-1)
    kinds = patterns.shape[1]
    place = index * kinds + pattern
    held = np.bincount(place, minlength=groups * kinds).reshape(groups, kinds).astype(float)
    sums = np.bincount(place, weights=d, minlength=groups * kinds).reshape(groups, kinds)
    weight = rake(held.sum(axis=0), list(patterns), targets)
    effect = float(weight @ sums.sum(axis=0))
    # Clusters of the same make-up leave the same weights behind.
    distinct, which = np.unique(held, axis=0, return_inverse=True)
    without = rake(held.sum(axis=0) - distinct, list(patterns), targets)[which.reshape(-1)]
    moves = (without * (sums.sum(axis=0) - sums)).sum(axis=1) - effect
    squared = float((groups - 1) / groups * (moves**2).sum())
    df = min(float(groups - 1), _normal_df(without, weight, held)) if groups <= MOST_CLUSTERS else float(groups - 1)
    thin = []
    for side, (level, target) in enumerate(zip(margins, targets, strict=True)):
        for k in range(target.size):
            inside = np.unique(index[level == k])
            carries = float((moves[inside] ** 2).sum()) > MATTERS * float((moves**2).sum())
            if (inside.size < THIN and carries) or inside.size < 2:
                thin.append((side, k))
    return (
        effect,
        squared,
        max(1.0, df),
        weight[pattern],
        tuple(thin),
        is_lopsided(moves, min(groups, kish(weight[pattern]))),
    )


def _normal_df(without: NDArray[np.float64], weight: NDArray[np.float64], held: NDArray[np.float64]) -> float:
    """Degrees of freedom of the jackknife when all items spread equally and independently.

    Each move is linear in the items, ``moves = A d``, so its sum of squares has ``trace(A A')^2 / trace((A A')^2)``
    (Bell and McCaffrey 2002, Survey Methodology 28:169-181). Row g of A is ``without_g - weight``, and ``-weight`` for
    the items of cluster g itself; items of one pattern are alike, so no matrix of clusters by items is needed.
    """
    others = without - weight
    own = -without * held  # what the cluster's own items differ by, times their number
    cross = own @ others.T
    product = (others * held.sum(axis=0)) @ others.T + cross + cross.T
    product[np.diag_indices_from(product)] += (without**2 * held).sum(axis=1)
    return float(np.trace(product)) ** 2 / float(np.vdot(product, product))
