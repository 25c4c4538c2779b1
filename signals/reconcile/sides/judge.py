"""A judge's side of a pair: its number with the items weighted to another signal's, by value, corrected by people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from signals.model import CauseName, Correction, Evidence, Numbers, Signal
from signals.readings.common import Tray
from signals.readings.judge_weighted import margins_of, newest_mix, places_of
from signals.readings.judged import Item, sort_out
from signals.readings.labels import labels_of
from signals.reconcile.sides.base import Mix, Other, Side
from signals.reconcile.sides.bias import Bias, bias_of
from signals.reconcile.sides.items import Clusters, RaterMoves, Weighting, anchored, gathered, moves_of, samples_of
from signals.reconcile.sides.mixes import Labels, Target, Unreachable, items_mix, reach, traffic_mix
from signals.reconcile.sides.weighing import combined, to_mix, valued
from signals.stats.difference import RefusedError
from signals.stats.weights import rake

if TYPE_CHECKING:
    from signals.reconcile.sides.base import Array

__all__ = ["judge_mix", "judge_side", "traffic_mix"]

HAS_IT = "the number that votes has it already"
GOLDEN_SET = "golden set"


def judge_side(signal: Signal, evidence: Evidence, numbers: Numbers, other: Other) -> Side:
    """The judge's number under every combination of population, value and people's correction.

    *Population* weights the items to the other signal's mix, *value* by each segment's share of value over its share of
    heads, *judge bias* corrects by people's grades. What the voting estimate has already is not taken off again: the
    other corrections are made on top of it.

    Args:
        signal: The judge.
        evidence: Its own.
        numbers: Of its reading, from the same evidence.
        other: What is known of the signal that it is held against.

    Raises:
        RefusedError: When the number that votes has no effect or no interval.
    """
    voting = numbers.estimates[numbers.voting]
    if voting.refused is not None or voting.effect is None or voting.low is None:
        raise RefusedError(f"{signal.name}: {voting.refused or 'its number has no interval'}")
    judged = sort_out(signal, evidence, Tray())
    items = judged.items
    clusters = Clusters.of(item.group for item in items)
    labels = labels_of(signal, evidence, items, judged.unit)
    bias = bias_of(
        signal, items, labels, judged.unit, clusters, fixed=other.people_fixed and numbers.voting != "corrected"
    )
    made: list[Correction] = []
    refused: list[Correction] = []

    def settle(cause: CauseName, found: Target | Bias | Unreachable, has: str) -> bool:
        if numbers.voting == has:
            refused.append(Correction(cause, signal.name, refused=HAS_IT))
        elif isinstance(found, Unreachable):
            refused.append(Correction(cause, signal.name, refused=found.why, remedy=found.remedy))
        else:
            made.append(Correction(cause, signal.name, found.words))
            return True
        return False

    known = [_labels(item) for item in items]
    mix = other.mix
    if mix is None and other.kind == "panel":
        # A panel that does not say what its items are about is asked about the judge's, which do.
        graded_items = [one for one, item in zip(known, items, strict=True) if item.name in labels.pairs]
        mix = items_mix("the items that people graded", graded_items)
    population = Unreachable(*other.why_no_mix) if mix is None else reach(mix, known, clusters.index, GOLDEN_SET)
    weigh = settle("population", population, "reweighted")
    value = valued(other, traffic_mix(evidence), population, known, clusters.index, GOLDEN_SET)
    settle("value", value, "")
    settle("judge_bias", bias, "corrected")
    base = _reweighted(evidence, items, clusters) if numbers.voting == "reweighted" else None
    target = None
    if weigh and isinstance(population, Target):
        seen = np.array([item.name in labels.pairs for item in items], dtype=bool) if other.kind == "panel" else None
        target = to_mix(population, seen, clusters.index)
    tilt = value if isinstance(value, Target) else None
    even = None
    if isinstance(bias, Bias) and target is not None and numbers.voting == "raw":
        even = bias.even(target)
        said = bias.scope(target, even)
        made = [replace(one, evidence=one.evidence + said) if one.cause == "judge_bias" else one for one in made]
    run = _Judge(items, clusters, bias if isinstance(bias, Bias) else None, base, target, tilt, even)
    causes = [one.cause for one in made]
    values = np.zeros(2 ** len(causes))
    moves = np.zeros((clusters.size, values.size))
    graded: list[Array | None] = []
    for mask in range(values.size):
        chosen = {cause for bit, cause in enumerate(causes) if mask >> bit & 1}
        values[mask], moves[:, mask], counts = run.number(
            population="population" in chosen,
            value="value" in chosen,
            people="judge_bias" in chosen or numbers.voting == "corrected",
        )
        graded.append(counts)
    carries = bias.carries if isinstance(bias, Bias) else None
    samples = samples_of(signal.name, clusters, target or base or Weighting.plain(len(items)), carries)
    raters = bias.raters.moves(graded) if isinstance(bias, Bias) and bias.raters is not None else RaterMoves()
    return Side(
        signal.name,
        tuple(made),
        anchored(values, voting.effect, voting.se, signal.name),
        gathered(signal.name, clusters, moves, raters.moves, voting.se),
        voting.df,
        tuple(refused),
        bias.carriers() if isinstance(bias, Bias) and "judge_bias" in causes else (),
        samples | raters.samples,
        raters.raised,
        _grades(items) if judged.unit == "points" else None,
        judge=True,
    )


def _grades(items: Sequence[Item]) -> tuple[float, float]:
    given = [grade for item in items for grade in (item.control, item.candidate)]
    return min(given), max(given)


def judge_mix(signal: Signal, evidence: Evidence) -> Mix | None:
    """Shares of the judge's paired items by segment; None when they do not say theirs."""
    items = sort_out(signal, evidence, Tray()).items
    return items_mix(f"the items of {signal.name}", [_labels(item) for item in items])


def _labels(item: Item) -> Labels:
    """Value by dimension: the least, should an item have two."""
    return dict(sorted(item.labels, reverse=True))


@dataclass(frozen=True)
class _Judge:
    """The judge's items, and every way of weighing them."""

    items: tuple[Item, ...]
    clusters: Clusters
    bias: Bias | None
    base: Weighting | None  # of the reading's own reweighted number
    population: Weighting | None
    value: Target | None
    even: Weighting | None  # the items as they are, where people's correction must go by segment

    def number(self, *, population: bool, value: bool, people: bool) -> tuple[float, Array, Array | None]:
        """The number, each cluster's move of it, and how much people's grade of each item counts in it."""
        weighting = combined(
            len(self.items),
            self.population if population else None,
            self.value if value else None,
            self.base or (self.even if people else None),
        )
        if people:
            if self.bias is None:
                raise RefusedError("people's grades behind the number cannot be had from this evidence again")
            return self.bias.plain() if weighting is None else self.bias.weighted(weighting)
        weighting = weighting or Weighting.plain(len(self.items))
        differences = np.array([item.difference for item in self.items])
        center = float(differences.mean())
        left = weighting.means(self.clusters, [differences - center])[0]
        return float(left[0]) + center, moves_of(left, weighting.factor(self.clusters)), None


def _reweighted(evidence: Evidence, items: tuple[Item, ...], clusters: Clusters) -> Weighting:
    """The weights of the reading's own reweighted number: to one margin of the traffic mix, or raked to several."""
    margins = margins_of(newest_mix(evidence), value=False)
    places = [places_of(margin, items) for margin in margins]
    inside = np.array([all(place[k] is not None for place in places) for k in range(len(items))], dtype=bool)
    levels, targets = [], []
    for margin, place in zip(margins, places, strict=True):
        seen = {cell for cell, here in zip(place, inside, strict=True) if here}
        cells = [cell for cell in margin.shares if cell in seen]
        order = {cell: k for k, cell in enumerate(cells)}
        covered = sum(margin.shares[cell] for cell in cells)
        levels.append(np.array([order[cell] for cell, here in zip(place, inside, strict=True) if here and cell]))
        targets.append(np.array([margin.shares[cell] / covered for cell in cells]))
    patterns, pattern = np.unique(np.stack(levels), axis=1, return_inverse=True)
    kinds = patterns.shape[1]
    where = np.full(len(items), -1, dtype=np.intp)
    where[inside] = pattern.reshape(-1)
    ones = np.ones(len(items))
    if len(margins) == 1:
        return Weighting(where, targets[0], None, ones)
    held = np.bincount(clusters.index[inside] * kinds + where[inside], minlength=clusters.size * kinds)
    held = held.reshape(clusters.size, kinds).astype(float)
    counts = held.sum(axis=0)
    # Clusters of the same make-up leave the same weights behind.
    distinct, which = np.unique(held, axis=0, return_inverse=True)
    left = counts - distinct
    without = (rake(left, list(patterns), targets) * left)[which.reshape(-1)]
    return Weighting(where, rake(counts, list(patterns), targets) * counts, without, ones)
