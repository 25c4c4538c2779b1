"""Agreement between raters: Gwet's AC1 and AC2 with missing ratings.

Gwet (2008), "Computing inter-rater reliability and its variance in the presence of high agreement", British Journal of
Mathematical and Statistical Psychology 61:29-48; Gwet (2014), Handbook of Inter-Rater Reliability, 4th edition,
chapters 5 and 6, for weights and missing ratings. Chance agreement is that of raters who guess on the hard units only,
so the coefficient does not fall to 0 when nearly all units deserve the same grade, as alpha and kappa do.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from signals.stats.agreement import CONFIDENCE, Agreement, Unit, enough, itself
from signals.stats.difference import RefusedError, critical

Weights = Literal["identity", "ordinal", "quadratic"]


def gwet_ac(
    ratings: Iterable[tuple[Unit, float]],
    grades: Sequence[float],
    weights: Weights,
    cluster: Callable[[Unit], Hashable] = itself,
    *,
    as_published: bool = False,
) -> Agreement | None:
    """AC1 (identity weights) or AC2 over (unit, grade) pairs, with its linearised standard error.

    The interval is of t with clusters - 1 degrees of freedom on ``log(1 - AC)``, so that it cannot pass 1 and leans the
    way the coefficient does. Gwet's own variance takes a unit that has one rating for one without any agreement, which
    makes it too large, the more so the better raters agree; here such units count for how common grades are and for
    nothing else. Without them the two are equal.

    Args:
        ratings: Which unit was rated, and with what.
        grades: The whole scale in order, whether or not each grade was given.
        weights: What nearly agreeing is worth: nothing; by the number of grades between (ordinal); or one minus the
            squared distance over the largest (quadratic).
        cluster: Units of one cluster are not independent; a unit is its own by default.
        as_published: Gwet's own variance and plain interval, cut at 1, from two units on.

    Returns:
        The coefficient, without an interval where too few clusters or too few in which raters differ were rated
        twice; None when no unit was rated twice or the scale has one grade.

    Raises:
        ValueError: When a grade is not on the scale.
    """
    counts, clusters = _table(list(ratings), grades, cluster)
    per_unit = counts.sum(axis=1)
    twice = per_unit > 1
    units, q = counts.shape
    if q < 2 or not twice.any():
        return None
    weight = weight_matrix(grades, weights)
    own = (counts * (counts @ weight - 1.0)).sum(axis=1)
    seen = np.where(twice, own / np.where(twice, per_unit * (per_unit - 1.0), 1.0), 0.0)
    observed = float(seen.sum() / twice.sum())
    common = (counts / per_unit[:, None]).mean(axis=0)
    scale = float(weight.sum()) / (q * (q - 1.0))
    chance = scale * float((common * (1.0 - common)).sum())
    value = (observed - chance) / (1.0 - chance)
    # Each unit's part of the linearised coefficient: what it adds to observed agreement, less what it adds to chance.
    by_chance = scale * ((counts / per_unit[:, None]) @ (1.0 - common))
    agrees = np.where(twice, (seen - (chance if as_published else observed)) * units / twice.sum(), 0.0)
    parts = (agrees - 2.0 * (1.0 - value) * (by_chance - chance)) / (1.0 - chance) - (value if as_published else 0.0)
    sums = np.bincount(clusters, parts)
    groups = sums.size
    se = math.sqrt(groups / (groups - 1.0) * float((sums**2).sum())) / units if groups > 1 else 0.0
    bare = Agreement(value, se or None, None, None, int(twice.sum()), groups)
    if se <= 0.0:
        return bare
    half = critical(CONFIDENCE, groups - 1.0) * se
    if as_published:
        return replace(bare, low=value - half, high=min(1.0, value + half))
    differing = np.unique(clusters[twice & ((counts > 0).sum(axis=1) > 1)]).size
    try:
        enough(np.unique(clusters[twice]).size, differing)
    except RefusedError:
        return bare
    low, high = (1.0 - (1.0 - value) * math.exp(side / (1.0 - value)) for side in (half, -half))
    return replace(bare, low=low, high=high)


def weight_matrix(grades: Sequence[float], weights: Weights) -> np.ndarray:
    """How much two grades agree, 0 to 1, shape (grades, grades)."""
    q = len(grades)
    if weights == "identity":
        return np.eye(q)
    if weights == "quadratic":
        gaps = np.subtract.outer(np.asarray(grades, dtype=float), np.asarray(grades, dtype=float)) ** 2
    else:
        steps = np.abs(np.subtract.outer(np.arange(q), np.arange(q)))
        gaps = steps * (steps + 1) / 2.0  # pairs of grades in the range from one to the other
    found: np.ndarray = 1.0 - gaps / gaps.max()
    return found


def _table(
    pairs: list[tuple[Unit, float]], grades: Sequence[float], cluster: Callable[[Unit], Hashable]
) -> tuple[np.ndarray, np.ndarray]:
    """How often each unit got each grade, and the cluster of each unit."""
    place = {float(grade): index for index, grade in enumerate(grades)}
    strange = sorted({value for _, value in pairs if float(value) not in place})
    if strange:
        raise ValueError(f"grades {strange[:5]} are not on the scale")
    row: dict[Unit, int] = {}
    groups: dict[Hashable, int] = {}
    rows = np.array([row.setdefault(unit, len(row)) for unit, _ in pairs], dtype=int)
    counts = np.zeros((len(row), len(grades)))
    np.add.at(counts, (rows, np.array([place[float(value)] for _, value in pairs], dtype=int)), 1.0)
    clusters = np.array([groups.setdefault(cluster(unit), len(groups)) for unit in row], dtype=int)
    return counts, clusters
