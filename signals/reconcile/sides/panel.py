"""A panel's side of a pair: its number with the items weighted as another signal's, and by value."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from signals.model import CauseName, Correction, Evidence, Numbers, Signal
from signals.readings.crossed import Cell
from signals.readings.panel import POINTS, answered
from signals.reconcile.sides.base import Mix, Other, Side
from signals.reconcile.sides.items import (
    Clusters,
    RaterMoves,
    Raters,
    Weighting,
    anchored,
    gathered,
    moves_of,
    samples_of,
)
from signals.reconcile.sides.mixes import Labels, Target, Unreachable, items_mix, reach, traffic_mix
from signals.reconcile.sides.weighing import combined, to_mix, valued
from signals.stats.difference import RefusedError
from signals.stats.panel import rater_part

if TYPE_CHECKING:
    from signals.reconcile.sides.base import Array

PANEL = "panel"


def panel_side(signal: Signal, evidence: Evidence, numbers: Numbers, other: Other) -> Side:
    """The panel's number under every combination of population and value.

    Each item counts equally, and each rating equally within its item, as in the reading. Raters that are a sample add a
    move each, of one standard deviation of how they differ.

    Args:
        signal: The panel.
        evidence: Its own.
        numbers: Of its reading, from the same evidence.
        other: What is known of the signal that it is held against.

    Raises:
        RefusedError: When the number that votes has no effect or no interval.
    """
    voting = numbers.estimates[numbers.voting]
    if voting.refused is not None or voting.effect is None or voting.low is None:
        raise RefusedError(f"{signal.name}: {voting.refused or 'its number has no interval'}")
    cells = answered(signal, evidence).cells
    names, means, known = _items(cells)
    clusters = Clusters.of(("item", name) for name in names)
    population: Target | Unreachable = (
        Unreachable(*other.why_no_mix) if other.mix is None else reach(other.mix, known, clusters.index, PANEL)
    )
    value = valued(other, traffic_mix(evidence), population, known, clusters.index, PANEL)
    made: list[Correction] = []
    refused: list[Correction] = []
    found: dict[CauseName, Target | None] = {}
    asked: tuple[tuple[CauseName, Target | Unreachable], ...] = (("population", population), ("value", value))
    for cause, one in asked:
        found[cause] = one if isinstance(one, Target) else None
        if isinstance(one, Unreachable):
            refused.append(Correction(cause, signal.name, refused=one.why, remedy=one.remedy))
        else:
            made.append(Correction(cause, signal.name, one.words))
    causes = [one.cause for one in made]
    values = np.zeros(2 ** len(causes))
    moves = np.zeros((clusters.size, values.size))
    weights: list[Array | None] = []
    center = float(means.mean())
    whole = to_mix(population, None, clusters.index) if isinstance(population, Target) else Weighting.plain(len(names))
    for mask in range(values.size):
        chosen = {cause for bit, cause in enumerate(causes) if mask >> bit & 1}
        targets = [one if cause in chosen else None for cause, one in found.items()]
        to = to_mix(targets[0], None, clusters.index) if targets[0] else None
        weighting = combined(len(names), to, targets[1], None) or Weighting.plain(len(names))
        left = weighting.means(clusters, [means - center])[0]
        values[mask], moves[:, mask] = float(left[0]) + center, moves_of(left, weighting.factor(clusters))
        weights.append(weighting.of_items())
    raters = RaterMoves()
    if signal.raters == "random":
        order = {name: k for k, name in enumerate(names)}
        part = rater_part([(cell.item, cell.rater, cell.value) for cell in cells])
        raters = Raters.of([(order[cell.item], cell.rater) for cell in cells], part).moves(weights)
    return Side(
        signal.name,
        tuple(made),
        anchored(values, voting.effect, voting.se, signal.name),
        gathered(signal.name, clusters, moves, raters.moves, voting.se),
        voting.df,
        tuple(refused),
        samples=samples_of(signal.name, clusters, whole) | raters.samples,
        raised=raters.raised,
        grades=_grades(cells) if numbers.unit == POINTS else None,
    )


def panel_mix(signal: Signal, evidence: Evidence) -> Mix | None:
    """Shares of the panel's items by segment; None when they do not say theirs."""
    return items_mix(f"the items of {signal.name}", _items(answered(signal, evidence).cells)[2])


def _grades(cells: Sequence[Cell]) -> tuple[float, float] | None:
    given = [grade for cell in cells for grade in (cell.control, cell.candidate) if grade is not None]
    return (min(given), max(given)) if given else None


def _items(cells: Sequence[Cell]) -> tuple[list[str], Array, list[Labels]]:
    """Name, mean over raters and labels of each item, by name."""
    values: dict[str, list[float]] = defaultdict(list)
    labels: dict[str, Labels] = {}
    for cell in cells:
        values[cell.item].append(cell.value)
        labels[cell.item] = dict(cell.segment)
    names = sorted(values)
    means = np.array([sum(values[name]) / len(values[name]) for name in names], dtype=float)
    return names, means, [labels[name] for name in names]
