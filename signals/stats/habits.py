"""Habits of raters that speak of the rater and not of what he rates: one grade for everything, and the order shown."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable

import numpy as np
from scipy.special import bdtrc

from signals.stats.difference import Difference, RefusedError
from signals.stats.paired import cluster_mean
from signals.stats.panel import crossed_mean

FEWEST_GRADED = 10
NEARLY_ALL = 0.95
CHANCE = 0.01
FEWEST_SHOWN = 10

CONFIDENCE = 0.95


def straight_liners(grades: Iterable[tuple[Hashable, str, float]]) -> tuple[list[str], int]:
    """Raters who gave one grade to nearly everything while others, on the same outputs, did not.

    A rater is looked at when he graded at least ten outputs that others graded too. He lines straight when at least
    95 % of these grades are one value, and when that is more than chance would do with the others' habits: were each of
    his grades their most common one with the share that they gave it, so many would come in fewer than one case of a
    hundred (binomial tail). Ten equal grades on outputs that nearly everyone calls excellent are no straight line.

    Args:
        grades: (output, rater, grade), one per output and rater.

    Returns:
        The raters who line straight, sorted, and how many raters could be looked at.
    """
    by_output: dict[Hashable, Counter[float]] = defaultdict(Counter)
    graded_by: dict[Hashable, set[str]] = defaultdict(set)
    by_rater: dict[str, list[tuple[Hashable, float]]] = defaultdict(list)
    for output, rater, grade in grades:
        by_output[output][grade] += 1
        graded_by[output].add(rater)
        by_rater[rater].append((output, grade))
    found, looked_at = [], 0
    for rater, given in sorted(by_rater.items()):
        shared = [(output, grade) for output, grade in given if len(graded_by[output]) > 1]
        if len(shared) < FEWEST_GRADED:
            continue
        looked_at += 1
        mine = Counter(grade for _, grade in shared)
        others: Counter[float] = Counter()
        for output in {output for output, _ in shared}:
            others.update(by_output[output])
        others.subtract(mine)
        most = max(mine.values())
        usual = max(others.values()) / others.total()
        if most >= NEARLY_ALL * len(shared) and float(bdtrc(most - 1, len(shared), usual)) < CHANCE:
            found.append(rater)
    return found, looked_at


def order_effect(answers: Iterable[tuple[Hashable, Hashable, float, bool]]) -> Difference:
    """How much better the candidate does when it is shown first, with items and raters random.

    Each answer scores ``(first - its mean) (value - its mean)`` with first +1 or -1, whose mean over the variance of
    ``first`` is the regression of value on order; a preference for the candidate drops out however often it came first.
    The scores are averaged per item and rater, so that a pair shown in both orders is a comparison within itself, and
    their mean has the interval of a panel: an order that is given to whole items or whole raters is allowed for.

    Args:
        answers: (item, rater, candidate minus control or net preference, whether the candidate came first).

    Returns:
        The mean score with its p-value; its size is in the unit of the values when both orders are equally frequent.

    Raises:
        RefusedError: When one order was shown fewer than ten times, or without spread.
    """
    rows = list(answers)
    first = np.array([1.0 if shown else -1.0 for *_, shown in rows])
    fewer = int(min((first > 0).sum(), (first < 0).sum())) if rows else 0
    if fewer < FEWEST_SHOWN:
        raise RefusedError(f"one order was shown {fewer} times; at least {FEWEST_SHOWN} are needed")
    value = np.array([row[2] for row in rows], dtype=float)
    scores = (first - first.mean()) * (value - value.mean())
    cells: dict[tuple[Hashable, Hashable], list[float]] = defaultdict(list)
    for (item, rater, *_), score in zip(rows, scores.tolist(), strict=True):
        cells[item, rater].append(score)
    means = [(item, rater, sum(some) / len(some)) for (item, rater), some in cells.items()]
    if all(abs(score - means[0][2]) <= 1e-12 for *_, score in means) and abs(means[0][2]) > 1e-12:
        # Everyone always took the same place: no spread, but hardly by chance. A sign test over items.
        score = means[0][2]
        p_value = 2.0 * 0.5 ** len({item for item, *_ in means})
        return Difference(score, 0.0, score, score, min(1.0, p_value))
    if len({rater for _, rater, _ in means}) == 1:
        return cluster_mean([score for *_, score in means], [item for item, *_ in means], CONFIDENCE).difference
    return crossed_mean(means, CONFIDENCE).difference
