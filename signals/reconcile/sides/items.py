"""Means over items under any weighting, with what each cluster of items left out does to them.

Delete-one-cluster jackknife (Efron 1982, The Jackknife, the Bootstrap and Other Resampling Plans, chapter 3) from sums
per cluster and segment: weights are made again each time, and nothing is larger than clusters times segments.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from signals.stats.difference import RefusedError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from signals.reconcile.sides.base import Array
    from signals.stats.panel import RaterPart


@dataclass(frozen=True)
class Clusters:
    """Items and the clusters that they are in.

    Attributes:
        names: Of the clusters, in order of first appearance.
        index: The cluster of each item, shape (items,).
    """

    names: tuple[Hashable, ...]
    index: NDArray[np.intp]

    @staticmethod
    def of(groups: Iterable[Hashable]) -> Clusters:
        """Number the clusters as they come."""
        order: dict[Hashable, int] = {}
        index = np.array([order.setdefault(group, len(order)) for group in groups], dtype=np.intp)
        return Clusters(tuple(order), index)

    @property
    def size(self) -> int:
        """How many clusters."""
        return len(self.names)


@dataclass(frozen=True)
class Weighting:
    """How items are weighted: every segment to its share, and within the segments by a tilt.

    Attributes:
        place: The segment of each item, shape (items,); -1 where it does not count.
        shares: Of each segment, shape (segments,).
        without: The same without each cluster, shape (clusters, segments); None when they are known numbers.
        tilt: Weight of each item within its segment before the segment's mean is taken, shape (items,).
    """

    place: NDArray[np.intp]
    shares: Array
    without: Array | None
    tilt: Array

    @staticmethod
    def plain(items: int) -> Weighting:
        """Every item counts alike."""
        return Weighting(np.zeros(items, dtype=np.intp), np.ones(1), None, np.ones(items))

    def of_items(self) -> Array:
        """The weight of each item, shape (items,), summing to 1."""
        inside = self.place >= 0
        held = np.bincount(self.place[inside], minlength=self.shares.size)
        each = np.append(self.shares / np.maximum(held, 1), 0.0)[self.place] * self.tilt
        found: Array = each / each.sum()
        return found

    def left(
        self, clusters: Clusters, columns: Sequence[Array], terms: Callable[[Array], Array], kept: int = 0
    ) -> Array:
        """Sums over segments of share times term, from all items and without each cluster.

        Args:
            clusters: Of the items.
            columns: Per item, K arrays of shape (items,).
            terms: From a segment's K sums, shape (K, segments), to R terms, shape (R, segments).
            kept: Which column counts what a segment cannot lose: without any of it the segment stays as it is.

        Returns:
            Shape (R, 1 + clusters).
        """
        inside = self.place >= 0
        kinds = self.shares.size
        code = clusters.index[inside] * kinds + self.place[inside]
        pairs, where = np.unique(code, return_inverse=True)
        group, segment = pairs // kinds, pairs % kinds
        some = [column[inside] for column in columns]
        own: Array = np.stack([np.bincount(where, weights=one, minlength=pairs.size) for one in some])
        whole: Array = np.stack([np.bincount(self.place[inside], weights=one, minlength=kinds) for one in some])
        full = terms(whole)
        less = whole[:, segment] - own
        gone = less[kept] < 0.5
        change = terms(np.where(gone, whole[:, segment], less)) - full[:, segment]
        found = np.empty((full.shape[0], 1 + clusters.size))
        found[:, 0] = full @ self.shares
        found[:, 1:] = found[:, :1] if self.without is None else full @ self.without.T
        part = self.shares[segment] if self.without is None else self.without[group, segment]
        for row, one in zip(found, change, strict=True):
            row[1:] += np.bincount(group, weights=part * one, minlength=clusters.size)
        return found

    def means(self, clusters: Clusters, columns: Sequence[Array]) -> Array:
        """Weighted mean of each column, from all items and without each cluster; shape (columns, 1 + clusters)."""
        ones = np.ones(self.place.size)
        tilted = [self.tilt * column for column in columns]
        sums = self.left(clusters, [ones, self.tilt, *tilted], lambda s: s[1:] / np.maximum(s[0], 1.0))
        found: Array = sums[1:] / sums[0]
        return found

    def sample(self, clusters: Clusters, carries: NDArray[np.bool_] | None = None) -> NDArray[np.intp]:
        """The sample that each cluster belongs to, shape (clusters,); -1 where it does not count.

        Where segments have known shares and no cluster reaches over two of them, each segment is a sample of its own;
        so are clusters with people's grades (``carries``) and clusters without.
        """
        home = np.full(clusters.size, -1, dtype=np.intp)
        inside = self.place >= 0
        home[clusters.index[inside]] = self.place[inside]
        nested = self.without is None and bool((home[clusters.index[inside]] == self.place[inside]).all())
        found: NDArray[np.intp] = home if nested else np.where(home >= 0, 0, -1)
        return found if carries is None else np.where(found >= 0, 2 * found + carries, -1)

    def factor(self, clusters: Clusters, carries: NDArray[np.bool_] | None = None) -> Array:
        """What a squared move counts, ``(G - 1) / G`` over the G clusters of its sample; shape (clusters,)."""
        sample = self.sample(clusters, carries)
        sizes = np.bincount(sample[sample >= 0])
        found = np.zeros(clusters.size)
        held = sizes[sample[sample >= 0]]
        found[sample >= 0] = np.where(held > 1, (held - 1) / held, 1.0)
        return found


def samples_of(
    name: str, clusters: Clusters, weighting: Weighting, carries: NDArray[np.bool_] | None = None
) -> dict[Hashable, tuple[Hashable, float]]:
    """By name of a cluster the sample that it belongs to, and its degrees of freedom.

    Graded items have two less than there are: a mean and a slope are taken from them.
    """
    sample = weighting.sample(clusters, carries)
    sizes = np.bincount(sample[sample >= 0])
    return {
        key: ((name, int(one)), float(max(sizes[one] - (1 if carries is None or not carries[k] else 2), 1)))
        for k, (key, one) in enumerate(zip(clusters.names, sample, strict=True))
        if one >= 0
    }


def moves_of(left: Array, factor: Array) -> Array:
    """How far each cluster pulls an estimate, so that the squares sum to its variance; shape (clusters,)."""
    found: Array = (left[1:] - left[0]) * np.sqrt(factor)
    return found


@dataclass(frozen=True)
class RaterMoves:
    """Moves of raters by name, the same one standard error up, and the sample they are."""

    moves: dict[Hashable, Array] = field(default_factory=dict)
    raised: dict[Hashable, Array] = field(default_factory=dict)
    samples: dict[Hashable, tuple[Hashable, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Raters:
    """Who said what, and how raters differ.

    Attributes:
        item: Of every grade that counts, the position of its item.
        rater: And its rater.
        names: Of the raters.
        variance: Between raters.
        raised: The same one standard error up.
        df: Degrees of freedom of the raised one.
        sign: -1 where their grades were turned around: who is lenient with the candidate then pulls the number down.
    """

    item: NDArray[np.intp]
    rater: NDArray[np.intp]
    names: tuple[str, ...]
    variance: float = 0.0
    raised: float = 0.0
    df: float = 1.0
    sign: float = 1.0

    @staticmethod
    def of(cells: Sequence[tuple[int, str]], part: RaterPart, sign: float = 1.0) -> Raters:
        """From (item position, rater), and what the raters add to the variance of the mean over these items."""
        names = sorted({rater for _, rater in cells})
        order = {name: k for k, name in enumerate(names)}
        item = np.array([place for place, _ in cells], dtype=np.intp)
        rater = np.array([order[name] for _, name in cells], dtype=np.intp)
        found = Raters(item, rater, tuple(names), sign=sign)
        weight = np.zeros(int(item.max()) + 1 if item.size else 0)
        weight[np.unique(item)] = 1.0 / max(np.unique(item).size, 1)
        spread = float((found.weights(weight) ** 2).sum())
        if spread <= 0.0 or part.variance <= 0.0:
            return found
        # As the reading combines them: the square of the raised part over half the variance of its estimate.
        df = 2.0 * part.raised**2 / part.variance
        return Raters(item, rater, tuple(names), part.squared / spread, part.raised / spread, df, sign)

    def weights(self, items: Array) -> Array:
        """How much each rater's word counts when items count as given, shape (raters,): equally within an item."""
        if not self.item.size:
            return np.zeros(0)
        per_item = np.bincount(self.item, minlength=items.size)
        return np.bincount(
            self.rater, weights=items[self.item] / per_item[self.item], minlength=len(self.names)
        ).astype(float)

    def moves(self, items: Sequence[Array | None]) -> RaterMoves:
        """A move per rater of every number: how far one standard deviation of the rater's leniency pulls it.

        Args:
            items: Per number the weights of the items in people's part of it, shape (items,); None: people have none.
        """
        table = np.zeros((len(items), len(self.names)))
        for row, one in zip(table, items, strict=True):
            if one is not None:
                row[:] = self.sign * self.weights(one)
        keys = [("raters", name) for name in self.names]

        def by(variance: float) -> dict[Hashable, Array]:
            if variance <= 0.0:
                return {}
            return {key: np.sqrt(variance) * table[:, k] for k, key in enumerate(keys)}

        return RaterMoves(by(self.variance), by(self.raised), dict.fromkeys(keys, ("raters", self.df)))


def gathered(
    name: str, clusters: Clusters, moves: Array, others: Mapping[Hashable, Array], se: float | None
) -> dict[Hashable, Array]:
    """All moves by name, shape (numbers,) each.

    Where the reading knows of more error than the moves of its own number show (a score interval of rare changes, thin
    segments that borrow the spread of others), the rest is one more move of all numbers alike.
    """
    found: dict[Hashable, Array] = {
        key: move for key, move in zip(clusters.names, moves, strict=True) if move.any()
    }  # fmt: skip
    found |= others
    if se is not None:
        short = se**2 - sum(float(move[0]) ** 2 for move in found.values())
        if short > 1e-9 * se**2:
            found[name, "interval"] = np.full(moves.shape[1], np.sqrt(short))
    return found


def anchored(values: Array, effect: float, se: float | None, name: str) -> Array:
    """The values, the first of which is exactly the effect that votes (with its standard error ``se``).

    Raises:
        RefusedError: When it is another number: the evidence is not the one that the reading was made from.
    """
    size = max(abs(effect), float(np.abs(values).max(initial=0.0)), se or 0.0)
    if not np.isfinite(values).all() or abs(float(values[0]) - effect) > 1e-6 * size:
        raise RefusedError(f"{name}: its number cannot be had from this evidence again")
    found = values.copy()
    found[0] = effect
    return found
