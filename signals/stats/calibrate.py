"""Judge scores corrected by people: prediction-powered inference on paired differences.

Angelopoulos, Duchi and Zrnic (2023), "PPI++: Efficient prediction-powered inference", arXiv:2311.01453; stratified as
in Fisch and others (2024), "Stratified prediction-powered inference", NeurIPS. Its mean with the best weight is the
regression estimator of double sampling (Cochran 1977, Sampling Techniques, 12.6). The variance here is a
delete-one-cluster jackknife that estimates the weight again each time: the plug-in one takes it for known, and covers
too rarely below some hundred labels or with a skewed outcome.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from signals.stats.difference import Difference, RefusedError, from_se
from signals.stats.paired import is_lopsided

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Corrected:
    """People's mean difference over all items, labelled or not.

    Attributes:
        difference: In people's unit.
        weight: Per stratum, how much of the judge's difference counts: 0 is people only.
        labelled: Items that people graded.
        clusters: Clusters that hold labelled items.
        n_effective: Labels that would give the same precision without a judge.
        lopsided: The clusters pull so unevenly that a symmetric interval misses too often on one side.
        pulls: How far each cluster, in order of first appearance, pulls the estimate; their squares sum to the squared
            standard error.
    """

    difference: Difference
    weight: tuple[float, ...]
    labelled: int
    clusters: int
    n_effective: float
    lopsided: bool
    pulls: NDArray[np.float64]


def corrected_mean(
    judge: Sequence[float],
    people: Sequence[float | None],
    clusters: Sequence[Hashable],
    confidence: float,
    strata: Sequence[int] | None = None,
) -> Corrected:
    """Mean of people's differences, over the items they graded and, through the judge, the others.

    Within a stratum ``mean(h - w f over labelled) + w mean(f over unlabelled)`` with the weight ``w`` that makes it
    most precise, held within 0..1; strata count by their items. Labelled items are no part of the unlabelled mean.
    Degrees of freedom: two less than the clusters with labels (a mean and a slope), combined over strata after
    Satterthwaite.

    Args:
        judge: The judge's difference of each item, shape (items,).
        people: People's difference, or None where they did not grade the item; same length.
        clusters: The cluster of each item; same length.
        confidence: Two-sided.
        strata: The stratum of each item, from 0; None is one stratum. Each needs labels in three clusters.

    Raises:
        RefusedError: With labels in fewer than three clusters of a stratum, or when people saw no difference anywhere.
    """
    f = np.asarray(judge, dtype=float)
    known = np.array([value is not None for value in people], dtype=bool)
    h = np.array([0.0 if value is None else value for value in people], dtype=float)
    if not known.any():
        raise RefusedError("people graded none of the items")
    h_center, f_center = float(h[known].mean()), float(f.mean())
    h = np.where(known, h - h_center, 0.0)
    f = f - f_center
    if float((h**2).sum()) <= np.finfo(float).eps ** 2 * max(1.0, h_center**2):
        raise RefusedError("people saw the same difference everywhere, so its uncertainty cannot be estimated")
    names: dict[Hashable, int] = {}
    index = np.array([names.setdefault(cluster, len(names)) for cluster in clusters], dtype=np.intp)
    stratum = np.zeros(f.size, dtype=np.intp) if strata is None else np.asarray(strata, dtype=np.intp)
    sums = _Sums.of(h, f, known, index, stratum)
    whole = sums.total()
    tiny = 1e-12 * float((f**2).mean())
    effect, weight = _estimate(whole, tiny)
    without, _ = _estimate(whole.less(sums), tiny)
    moves = without - effect
    squared, df, carried, pulls = _variance(moves, sums)
    difference = from_se(h_center + float(effect), math.sqrt(squared), confidence, df)
    spread = float(h[known].var(ddof=1)) if known.sum() > 1 else 0.0
    return Corrected(
        difference,
        tuple(float(one) for one in weight),
        int(known.sum()),
        carried,
        spread / squared,
        is_lopsided(moves, carried),
        pulls,
    )


@dataclass(frozen=True)
class _Sums:
    """Sums over items, per cluster and stratum (or over all clusters): counts, and products of h and f."""

    parts: NDArray[np.float64]  # shape (8, ..., strata)

    @staticmethod
    def of(
        h: NDArray[np.float64],
        f: NDArray[np.float64],
        known: NDArray[np.bool_],
        index: NDArray[np.intp],
        stratum: NDArray[np.intp],
    ) -> _Sums:
        shape = int(index.max()) + 1, int(stratum.max()) + 1
        place = index * shape[1] + stratum
        mine, other = known.astype(float), (~known).astype(float)
        columns = (mine, h, mine * f, h * f, mine * f * f, other, other * f, other * f * f)
        size = shape[0] * shape[1]
        return _Sums(np.stack([np.bincount(place, weights=one, minlength=size).reshape(shape) for one in columns]))

    def total(self) -> _Sums:
        return _Sums(self.parts.sum(axis=1))

    def less(self, parts: _Sums) -> _Sums:
        return _Sums(self.parts[:, None, :] - parts.parts)


def _estimate(sums: _Sums, tiny: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The estimate and the judge's weight per stratum; the leading axes of the sums are separate samples.

    A judge whose differences vary no more than ``tiny`` within a stratum has no say there.
    """
    n, h, f, hf, ff, m, u, uu = sums.parts
    if not (n > 1.5).all():
        raise RefusedError("labels lie in too few clusters to know the judge's error")
    items = n + m
    covariance = (hf - h * f / n) / (n - 1.0)
    mean = (f + u) / items
    variance = np.maximum((ff + uu - items * mean**2) / (items - 1.0), 0.0)
    flat = variance <= tiny
    slope = np.where(flat, 0.0, covariance / np.where(flat, 1.0, variance))
    weight = np.clip(slope * m / items, 0.0, 1.0)
    unlabelled = u / np.maximum(m, 1.0)
    means = h / n + weight * (unlabelled - f / n)
    return (items * means).sum(axis=-1) / items.sum(axis=-1), weight


def _variance(moves: NDArray[np.float64], sums: _Sums) -> tuple[float, float, int, NDArray[np.float64]]:
    """Squared standard error, its degrees of freedom, how many clusters carry labels, and each cluster's pull.

    Clusters with labels and clusters without are two samples: a few dozen labels must not be taken for as many as there
    are items.
    """
    labels = sums.parts[0]
    carries = labels.sum(axis=1) > 0
    inside = labels + sums.parts[5] > 0
    nested = bool((inside.sum(axis=1) == 1).all())
    home = inside.argmax(axis=1) if nested else np.zeros(moves.size, dtype=np.intp)
    squared = spread = 0.0
    pulls = np.zeros(moves.size)
    for k in range(int(home.max()) + 1):
        for here, lost in ((carries & (home == k), 2), (~carries & (home == k), 1)):
            groups = int(here.sum())
            if groups == 0:
                continue
            if lost == 2 and groups < 3:
                raise RefusedError(f"labels lie in {groups} independent clusters of items; at least 3 are needed")
            part = (groups - 1) / groups * float((moves[here] ** 2).sum()) if groups > 1 else float(moves[here][0] ** 2)
            pulls[here] = moves[here] * math.sqrt((groups - 1) / groups if groups > 1 else 1.0)
            squared += part
            spread += part**2 / max(groups - lost, 1)
    if squared <= 0.0:
        raise RefusedError("judge and people show no spread, so the uncertainty cannot be estimated")
    return squared, squared**2 / spread, int(carries.sum()), pulls
