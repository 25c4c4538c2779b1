"""Agreement between raters: Krippendorff's alpha with missing ratings, and its interval.

Krippendorff (2011), "Computing Krippendorff's Alpha-Reliability": alpha = 1 - observed / expected disagreement, where
observed is between the ratings of one unit and expected between those of all units.

The interval is a jackknife over clusters of units on ``log(1 - alpha)``, the logarithm of a ratio of two means, which
is nearly normal where alpha itself is skewed, and whose upper bound cannot pass 1. The bootstrap of Hayes and
Krippendorff (2007, Communication Methods and Measures 1:77-89) draws disagreements one by one as if those within a
unit were independent. Raters are taken as they are: it is agreement between these raters.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from signals.stats.difference import RefusedError, critical

Level = Literal["nominal", "ordinal", "interval", "ratio"]
Unit = Any  # whatever names a unit; hashable

CONFIDENCE = 0.95
FEWEST = 20
FEWEST_DIFFERING = 10
"""Clusters, and clusters in which raters differ, below which there is no interval: fewer tell the spread of
disagreement too roughly."""


@dataclass(frozen=True)
class Agreement:
    """A coefficient of agreement with its 95 % interval; None where there is none."""

    value: float
    se: float | None
    low: float | None
    high: float | None
    units: int  # that were rated at least twice
    clusters: int


def itself(unit: Unit) -> Hashable:
    """The cluster of a unit that is independent of all others."""
    found: Hashable = unit
    return found


def krippendorff_alpha(ratings: Iterable[tuple[Unit, float]], level: Level) -> float | None:
    """Alpha over (unit, value) pairs, one pair per rating that was given.

    Args:
        ratings: Which unit was rated, and with what. Who rated does not matter to alpha. Units with one rating
            say nothing about agreement and are left out.
        level: How far apart two values are: different or not, by ranks, by their squared distance, or by their
            squared distance relative to their sum.

    Returns:
        1 for perfect agreement, 0 for chance; None when fewer than two ratings can be compared or all of them are
        equal (chance cannot be told from agreement then).
    """
    table = _table(list(ratings), level, itself)
    return None if table is None else _alpha(table)


def alpha_interval(
    ratings: Iterable[tuple[Unit, float]], level: Level, cluster: Callable[[Unit], Hashable] = itself
) -> Agreement | None:
    """Alpha with its 95 % interval over clusters of units (``cluster`` names the cluster of a unit).

    Returns:
        None where ``krippendorff_alpha`` gives none.

    Raises:
        RefusedError: When raters differ in too few clusters to tell how much disagreement varies.
    """
    table = _table(list(ratings), level, cluster)
    value = None if table is None else _alpha(table)
    if table is None or value is None:
        return None
    groups = int(table.clusters.max()) + 1
    enough(groups, np.unique(table.clusters[table.differ()]).size)
    ratios = _without_each(table, groups)
    if not (np.isfinite(ratios).all() and (ratios > 0.0).all()):
        raise RefusedError("all disagreement, or all variety, lies in one item")
    logs = np.log(ratios)
    se = math.sqrt((groups - 1.0) / groups * float(((logs - logs.mean()) ** 2).sum()))
    if se <= 0.0:
        raise RefusedError("all items show the same disagreement, so its spread cannot be estimated")
    half = critical(CONFIDENCE, groups - 1.0) * se
    low, high = (1.0 - (1.0 - value) * math.exp(side) for side in (half, -half))
    return Agreement(value, (1.0 - value) * se, low, high, table.units, groups)


def enough(clusters: int, differing: int) -> None:
    """Whether so many clusters, and so many in which raters differ, allow an interval.

    Raises:
        RefusedError: When they do not.
    """
    if clusters < FEWEST:
        raise RefusedError(f"{clusters} items were rated twice; at least {FEWEST} are needed for an interval")
    if differing < FEWEST_DIFFERING:
        raise RefusedError(
            f"raters differ on {differing} items; at least {FEWEST_DIFFERING} are needed for an interval"
        )


@dataclass(frozen=True)
class _Table:
    """The ratings of units that were rated at least twice: the unit of each, and its value as a place in ``values``."""

    rows: np.ndarray  # shape (ratings,)
    columns: np.ndarray  # shape (ratings,)
    values: np.ndarray  # sorted, each once
    clusters: np.ndarray  # shape (units,)
    level: Level

    @property
    def units(self) -> int:
        return int(self.clusters.size)

    def counts(self) -> np.ndarray:
        """How often each unit got each value, shape (units, values)."""
        found = np.zeros((self.units, self.values.size))
        np.add.at(found, (self.rows, self.columns), 1.0)
        return found

    def differ(self) -> np.ndarray:
        """Which units have ratings that are not all equal, shape (units,)."""
        least = np.full(self.units, self.values.size)
        most = np.full(self.units, -1)
        np.minimum.at(least, self.rows, self.columns)
        np.maximum.at(most, self.rows, self.columns)
        found: np.ndarray = most > least
        return found


def _table(pairs: list[tuple[Unit, float]], level: Level, cluster: Callable[[Unit], Hashable]) -> _Table | None:
    if not pairs:
        return None
    names: dict[Unit, int] = {}
    rows = np.array([names.setdefault(unit, len(names)) for unit, _ in pairs], dtype=int)
    given = np.array([value for _, value in pairs], dtype=float)
    twice = np.bincount(rows) > 1
    keep = twice[rows]
    if not keep.any():
        return None
    values, columns = np.unique(given[keep], return_inverse=True)
    if values.size < 2:
        return None
    groups: dict[Hashable, int] = {}
    clusters = [groups.setdefault(cluster(unit), len(groups)) for unit, row in names.items() if twice[row]]
    place = np.cumsum(twice) - 1
    return _Table(place[rows[keep]], columns, values, np.array(clusters, dtype=int), level)


def _alpha(table: _Table) -> float | None:
    if table.level == "interval":
        observed, expected = (float(part.sum()) for part in _squares(table)[:2])
        n = float(table.rows.size)
        return 1.0 - observed / (2.0 * n * expected / (n - 1.0)) if expected > 0.0 else None
    counts = table.counts()
    totals = counts.sum(axis=0)
    distance = _distance(table, totals)
    expected = float(totals @ distance @ totals) / (float(totals.sum()) - 1.0)
    if expected <= 0.0:
        return None
    return 1.0 - float(_within(counts, distance).sum()) / expected


def _squares(table: _Table) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Interval level: each unit's disagreement, and its sum of squares and sum about the mean of all ratings.

    A sum of squared differences over all ordered pairs of m values is 2 m times their sum of squared deviations, so
    values on a fine scale need no table of each against each.
    """
    y = table.values[table.columns]
    y = y - y.mean()
    size = np.bincount(table.rows)
    sums = np.bincount(table.rows, y)
    off = y - (sums / size)[table.rows]
    return 2.0 * size * np.bincount(table.rows, off**2) / (size - 1.0), np.bincount(table.rows, y**2), sums


def _within(counts: np.ndarray, distance: np.ndarray) -> np.ndarray:
    """Disagreement of each unit: over ordered pairs of its ratings, by the number of ratings less one."""
    found: np.ndarray = ((counts @ distance) * counts).sum(axis=1) / (counts.sum(axis=1) - 1.0)
    return found


def _distance(table: _Table, totals: np.ndarray) -> np.ndarray:
    """Squared distance of each two values, given how often each was used."""
    values = table.values
    if table.level == "nominal":
        return 1.0 - np.eye(values.size)
    if table.level == "ratio":
        sums = np.add.outer(values, values)
        ratio: np.ndarray = (np.subtract.outer(values, values) / np.where(sums == 0.0, 1.0, sums)) ** 2
        return ratio
    # Ordinal: the ratings between two values, counting half of those at either end.
    scale = np.cumsum(totals) - totals / 2.0
    gaps: np.ndarray = np.subtract.outer(scale, scale) ** 2
    return gaps


def _without_each(table: _Table, groups: int) -> np.ndarray:
    """Observed over expected disagreement without each cluster in turn, shape (clusters,)."""
    clusters = table.clusters
    with np.errstate(divide="ignore", invalid="ignore"):
        if table.level == "interval":
            within, squares, sums = _squares(table)
            n = table.rows.size - np.bincount(clusters, np.bincount(table.rows))
            observed = within.sum() - np.bincount(clusters, within)
            expected = squares.sum() - np.bincount(clusters, squares) - np.bincount(clusters, sums) ** 2 / n
            found: np.ndarray = observed / (2.0 * n * expected / (n - 1.0))
            return found
        counts = table.counts()
        totals = counts.sum(axis=0)
        out = np.zeros((groups, table.values.size))
        np.add.at(out, clusters, counts)
        left = totals - out
        n = left.sum(axis=1)
        if table.level == "ordinal":
            observed, expected = _ordinal_without(counts, clusters, left)
        else:
            distance = _distance(table, totals)
            within = _within(counts, distance)
            observed = within.sum() - np.bincount(clusters, within)
            expected = ((left @ distance) * left).sum(axis=1)
        ratios: np.ndarray = observed / (expected / (n - 1.0))
        return ratios


def _ordinal_without(counts: np.ndarray, clusters: np.ndarray, left: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same for ranks, which change with whatever is left out.

    With scale s, sums over pairs of (s_a - s_b)^2 are ``2 (n sum s^2 - (sum s)^2)``, so no distance matrix per cluster
    is needed: the matrix of coincidences of all units serves, less that of the units left out.
    """
    scale = np.cumsum(left, axis=1) - left / 2.0
    size = counts.sum(axis=1)
    coincidence = counts.T @ (counts / (size - 1.0)[:, None])
    usage = coincidence.sum(axis=1)  # each rating pairs with itself too, which costs nothing at distance 0
    everything = 2.0 * (scale**2 @ usage - ((scale @ coincidence) * scale).sum(axis=1))
    own = scale[clusters]
    alone = 2.0 * (size * (counts * own**2).sum(axis=1) - (counts * own).sum(axis=1) ** 2) / (size - 1.0)
    observed = everything - np.bincount(clusters, alone, minlength=left.shape[0])
    expected = 2.0 * (left.sum(axis=1) * (left * scale**2).sum(axis=1) - (left * scale).sum(axis=1) ** 2)
    return observed, expected
