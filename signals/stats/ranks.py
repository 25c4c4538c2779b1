"""Spearman's rank correlation with its standard error over clusters.

The error is that of the infinitesimal jackknife (Jaeckel 1972; Efron 1982, The Jackknife, the Bootstrap and Other
Resampling Plans, chapter 6): the coefficient is a smooth function of the shares that each pair has of the sample, so
what every pair adds to it is known without computing it again. Ranks are means over ties.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from signals.stats.difference import critical


@dataclass(frozen=True)
class RankCorrelation:
    """A rank correlation.

    Attributes:
        value: -1 to 1.
        se: Its standard error; None where it cannot be told: one cluster, or pairs that all agree perfectly.
    """

    value: float
    se: float | None

    def interval(self, confidence: float) -> tuple[float, float] | tuple[None, None]:
        """Normal on Fisher's scale, ``atanh``, so that it stays within -1 and 1; none without a standard error."""
        if self.se is None or abs(self.value) >= 1.0:
            return None, None
        half = critical(confidence) * self.se / (1.0 - self.value**2)
        middle = math.atanh(self.value)
        return math.tanh(middle - half), math.tanh(middle + half)


def spearman(
    left: Sequence[float], right: Sequence[float], clusters: Sequence[Hashable] | None = None
) -> RankCorrelation | None:
    """The correlation of the ranks of two variables.

    Args:
        left: One value per pair, shape (n,).
        right: The other.
        clusters: Of each pair: pairs of one cluster are not independent, clusters are. By default each is its own.

    Returns:
        None when one side is constant.
    """
    u, v = _ranks(left), _ranks(right)
    if not u.any() or not v.any():
        return None
    both, own, other = float((u * v).mean()), float((u * u).mean()), float((v * v).mean())
    value = float(np.corrcoef(u, v)[0, 1])
    # What a pair adds to a mean product of ranks: its own product, and by as much as it moves the ranks of all pairs.
    to_both = u * v + _moves(left, v) + _moves(right, u) - 3.0 * both
    to_own = u * u + 2.0 * _moves(left, u) - 3.0 * own
    to_other = v * v + 2.0 * _moves(right, v) - 3.0 * other
    adds = to_both / math.sqrt(own * other) - value / 2.0 * (to_own / own + to_other / other)
    return RankCorrelation(value, _error(adds, clusters) if abs(value) < 1.0 - 1e-12 else None)


def _ranks(values: Sequence[float]) -> np.ndarray:
    """Mean ranks as shares of all pairs, about their mean."""
    _, place, sizes = np.unique(np.asarray(values, dtype=float), return_inverse=True, return_counts=True)
    found: np.ndarray = (np.cumsum(sizes) - sizes / 2.0)[place] / place.size - 0.5
    return found if sizes.size > 1 else np.zeros(place.size)


def _moves(values: Sequence[float], weights: np.ndarray) -> np.ndarray:
    """Mean weight of the pairs above each pair, those that tie with it counting half."""
    _, place = np.unique(np.asarray(values, dtype=float), return_inverse=True)
    sums = np.bincount(place, weights)
    found: np.ndarray = (sums.sum() - np.cumsum(sums) + sums / 2.0)[place] / place.size
    return found


def _error(adds: np.ndarray, clusters: Sequence[Hashable] | None) -> float | None:
    names: dict[Hashable, int] = {}
    places = range(adds.size) if clusters is None else [names.setdefault(one, len(names)) for one in clusters]
    sums = np.bincount(np.asarray(places, dtype=int), adds)
    if sums.size < 2:
        return None
    found = math.sqrt(sums.size / (sums.size - 1.0) * float((sums**2).sum())) / adds.size
    return found if found > 1e-9 else None
