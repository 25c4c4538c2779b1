"""Agreement between raters: Krippendorff's alpha with missing ratings.

Krippendorff (2011), "Computing Krippendorff's Alpha-Reliability": alpha = 1 - observed / expected disagreement, from
the matrix of coincidences of values within units.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Literal

import numpy as np

Level = Literal["nominal", "ordinal", "interval"]


def krippendorff_alpha(ratings: Iterable[tuple[Hashable, float]], level: Level) -> float | None:
    """Alpha over (unit, value) pairs, one pair per rating that was given.

    Args:
        ratings: Which unit was rated, and with what. Who rated does not matter to alpha. Units with one rating
            say nothing about agreement and are left out.
        level: How far apart two values are: different or not, by ranks, or by their squared distance.

    Returns:
        1 for perfect agreement, 0 for chance; None when fewer than two ratings can be compared or all of them are
        equal (chance cannot be told from agreement then).
    """
    pairs = list(ratings)
    if not pairs:
        return None
    names: dict[Hashable, int] = {}
    rows = np.array([names.setdefault(unit, len(names)) for unit, _ in pairs])
    values, columns = np.unique(np.array([value for _, value in pairs], dtype=float), return_inverse=True)
    sizes = np.bincount(rows)
    keep = sizes[rows] > 1
    if not keep.any() or values.size < 2:
        return None
    # Coincidences, unit by unit: counts' * counts / (m - 1), less the pairing of each rating with itself.
    order = np.argsort(rows[keep], kind="stable")
    grouped, starts = columns[keep][order], np.flatnonzero(np.r_[True, np.diff(rows[keep][order]) > 0])
    coincidence = np.zeros((values.size, values.size))
    for group in np.split(grouped, starts[1:]):
        weight = 1.0 / (group.size - 1)
        np.add.at(coincidence, (np.repeat(group, group.size), np.tile(group, group.size)), weight)
        np.add.at(coincidence, (group, group), -weight)
    totals = coincidence.sum(axis=0)
    n = totals.sum()
    distance = _distance(values, totals, level)
    expected = float(totals @ distance @ totals) / float(n - 1.0)
    if expected <= 0.0:
        return None
    seen = float((coincidence * distance).sum())
    return 1.0 - seen / expected


def _distance(values: np.ndarray, totals: np.ndarray, level: Level) -> np.ndarray:
    if level == "nominal":
        return 1.0 - np.eye(values.size)
    # Ordinal: the ratings between two values, counting half of those at either end.
    scale = values if level == "interval" else np.cumsum(totals) - totals / 2.0
    gaps: np.ndarray = np.subtract.outer(scale, scale) ** 2
    return gaps
