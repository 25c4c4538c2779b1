"""The mean of a panel whose items and raters are not crossed: one of the two lies within the other.

Then items and raters cannot be told apart cell by cell, but the means of the outer ones are independent, and that is
all an interval needs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from signals.stats.difference import ROUNDING, Difference, RefusedError, from_se
from signals.stats.paired import cluster_mean


@dataclass(frozen=True)
class Nested:
    """The mean over items with its interval, and the parts of the variance that can be told apart.

    ``uncertain`` says by which share the variance would rise if the raters' part were one standard error higher.
    """

    difference: Difference
    components: dict[str, float]
    uncertain: float


def items_within_raters(y: np.ndarray, rater: np.ndarray, confidence: float) -> Nested:
    """Each item was rated by one rater only: the rater is the cluster (CRV3 jackknife, t with raters - 1 df).

    Exact for normal effects when all raters have equally many items. What is left beside the raters' spread (analysis
    of variance of one factor) counts as the items', because one rating per item cannot tell the item from the noise.

    Args:
        y: One value per item, shape (items,).
        rater: Index of its rater, same shape.
        confidence: Two-sided.

    Raises:
        RefusedError: Below two raters, or when all values are equal.
    """
    found = cluster_mean(y.tolist(), rater.tolist(), confidence)
    sizes = np.bincount(rater)
    raters, n = sizes.size, y.size
    means = np.bincount(rater, y) / sizes
    between = float((sizes * (means - y.mean()) ** 2).sum()) / (raters - 1)
    within = float(((y - means[rater]) ** 2).sum()) / (n - raters)
    per_rater = (n - float((sizes**2).sum()) / n) / (raters - 1)
    spread = max(0.0, (between - within) / per_rater)
    even = n**2 / float((sizes**2).sum())  # as many raters with equally many items each would weigh as much
    return Nested(
        found.difference,
        {"item": within, "rater": spread, "residual": 0.0},
        float(np.sqrt(2.0 / max(even - 1.0, 1.0))),
    )


def raters_within_items(y: np.ndarray, item: np.ndarray, confidence: float) -> Nested:
    """Each rater rated one item only: the items' means are independent (t with items - 1 df).

    Raters then differ only within their item, so their spread is part of the residual.

    Args:
        y: One value per rater, shape (raters,).
        item: Index of the item, same shape.
        confidence: Two-sided.

    Raises:
        RefusedError: Below two items, or when all items' means are equal.
    """
    sizes = np.bincount(item)
    means = np.bincount(item, y) / sizes
    items, n = sizes.size, y.size
    if items < 2:
        raise RefusedError(f"{items} item was rated; at least 2 are needed")
    squared = float(means.var(ddof=1)) / items
    if squared <= ROUNDING**2 * float((y**2).mean()):
        raise RefusedError("all items' means are equal, so their uncertainty cannot be estimated")
    within = float(((y - means[item]) ** 2).sum()) / (n - items) if n > items else 0.0
    between = max(0.0, float(means.var(ddof=1)) - within * float((1.0 / sizes).mean()))
    return Nested(
        from_se(float(means.mean()), float(np.sqrt(squared)), confidence, items - 1),
        {"item": between, "rater": 0.0, "residual": within},
        0.0,
    )
