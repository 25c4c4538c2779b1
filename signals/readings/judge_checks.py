"""Checks of judge scores and of the golden set that they were given on."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Hashable, Mapping, Sequence
from datetime import datetime
from itertools import combinations

from signals.model import Estimate, ItemScore, Measure
from signals.readings.human import EPOCH
from signals.readings.judged import Item, Judged
from signals.stats.difference import RefusedError
from signals.stats.paired import cluster_mean
from signals.stats.ranks import spearman
from signals.words import moment, number, plural

ENOUGH_LENGTHS = 20
ENOUGH_ANCHORS = 10


def same_judge(judged: Judged) -> Measure:
    """Whether one judge version scored both arms of every item that has two.

    A version that scored one arm only of an item which another version scored in both is an anchor, not a fault: its
    score does not count, and ``judge_drift_p`` looks at it.
    """
    if not judged.valid:
        return Measure("same_judge", None, "nothing was judged")
    if judged.dropped:
        why = f"{plural(judged.dropped, 'scores')} by a judge version that did not score both arms of the item"
        return Measure("same_judge", 0.0, why)
    if any(not score.fingerprint for score in judged.kept):
        return Measure("same_judge", None, "the source does not say which judge version scored: map `scorer_version`")
    versions = len({score.fingerprint for score in judged.kept})
    if versions > 1:
        why = f"every item has one judge version in both arms ({versions} versions or rubrics in all)"
        return Measure("same_judge", 1.0, why)
    return Measure("same_judge", 1.0, "one judge version scored both arms")


def judge_drift(valid: Sequence[ItemScore], confidence: float) -> Measure:
    """p-value of equal scores by the newest judge version and the one before, on outputs that both scored.

    The newest is told by time, or by name where times are missing. Versions that scored in the same stretch of time sit
    side by side, as a jury: neither replaced the other.
    """
    name = "judge_drift_p"
    scores: dict[str, dict[tuple[str, str], list[float]]] = defaultdict(lambda: defaultdict(list))
    times: dict[str, list[datetime]] = defaultdict(list)
    clusters: dict[str, str] = {}
    for score in valid:
        if score.value is not None:
            scores[score.fingerprint][score.item, score.variant].append(score.value)
            clusters[score.item] = max(clusters.get(score.item, ""), score.cluster)
            if score.at is not None:
                times[score.fingerprint].append(score.at)
    if len(scores) < 2:
        return Measure(name, None, "one judge version scored everything" if scores else "nothing was judged")
    order = sorted(scores, key=lambda version: (max(times[version], default=EPOCH), version))
    pair = _newest_pair(order, scores)
    if pair is None:
        return Measure(name, None, f"fewer than {ENOUGH_ANCHORS} outputs were scored by two judge versions (anchors)")
    old, new = pair
    if times[new] and times[old] and min(times[new]) <= max(times[old]):
        return Measure(name, None, "the judge versions scored side by side, as a jury")
    return _drift(name, new, old, sorted(set(scores[new]) & set(scores[old])), scores, clusters, confidence)


def _newest_pair(
    order: Sequence[str], scores: Mapping[str, Mapping[tuple[str, str], list[float]]]
) -> tuple[str, str] | None:
    """The newest version that shares anchors enough with an earlier one, and the newest such earlier one."""
    by_output: dict[tuple[str, str], list[int]] = defaultdict(list)
    for rank, version in enumerate(order):
        for output in scores[version]:
            by_output[output].append(rank)
    shared = Counter(
        (new, old) for ranks in by_output.values() if len(ranks) > 1 for old, new in combinations(ranks, 2)
    )
    enough = [pair for pair, count in shared.items() if count >= ENOUGH_ANCHORS]
    return (order[max(enough)[1]], order[max(enough)[0]]) if enough else None


def _drift(
    name: str,
    new: str,
    old: str,
    anchors: Sequence[tuple[str, str]],
    scores: dict[str, dict[tuple[str, str], list[float]]],
    clusters: Mapping[str, str],
    confidence: float,
) -> Measure:
    gaps = [_mean(scores[new][output]) - _mean(scores[old][output]) for output in anchors]
    groups: list[Hashable] = [clusters[item] or ("item", item) for item, _ in anchors]
    shown = f"{new or 'unnamed'} minus {old or 'unnamed'} on {len(anchors):,} outputs"
    if not any(gaps):
        return Measure(name, 1.0, f"{shown}: no difference on any")
    try:
        found = cluster_mean(gaps, groups, confidence).difference
    except RefusedError:
        if len(set(groups)) < 2:
            return Measure(name, None, f"{shown}: they belong to one item or cluster")
        return Measure(name, 0.0, f"{shown}: {gaps[0]:+.3g} on every one")
    return Measure(name, found.p_value, f"{shown}: {found.effect:+.3g} ({found.low:+.3g} to {found.high:+.3g})")


def length_bias(items: Sequence[Item], unit: str) -> Measure:
    """Rank correlation of score and length differences; ``why`` gives the effect at equal length."""
    name = "max_length_bias"
    known = [(item.difference, item.lengths[1] - item.lengths[0]) for item in items if item.lengths is not None]
    if len(known) < ENOUGH_LENGTHS:
        why = "the source does not say how long the outputs are" if not known else f"{len(known)} items have lengths"
        return Measure(name, None, f"{why}; {ENOUGH_LENGTHS} items are needed" if known else why)
    found = spearman([score for score, _ in known], [length for _, length in known])
    if found is None:
        return Measure(name, 0.0, "all differences of score, or of length, are equal")
    rho = found.value
    scores, lengths = [score for score, _ in known], [length for _, length in known]
    mean, center = _mean(scores), _mean(lengths)
    spread = math.fsum((length - center) ** 2 for length in lengths)
    slope = math.fsum((length - center) * (score - mean) for score, length in known) / spread
    longer = "longer" if center > 0 else "shorter"
    at_equal = number(mean - slope * center, unit, signed=True)
    why = (
        f"Spearman {rho:+.2f} over {len(known):,} items; the candidate's outputs are {abs(center):,.3g} {longer}, "
        f"and at equal length its effect would be {at_equal} instead of {number(mean, unit, signed=True)} (regression)"
    )
    return Measure(name, abs(rho), why)


def ceiling(items: Sequence[Item], unit: str) -> Measure:
    """Share of items on which both arms have the highest score: 1 for scores in 0..1, else the highest seen."""
    if not items:
        return Measure("max_ceiling", None, "no item is paired")
    top = 1.0 if unit == "pp" else max(max(item.control, item.candidate) for item in items)
    count = sum(item.control >= top and item.candidate >= top for item in items)
    return Measure("max_ceiling", count / len(items), f"{count:,} of {len(items):,} items have {top:g} in both arms")


def golden_age(items: Sequence[Item], newest: datetime | None) -> Measure:
    """Age of the median item when the newest score was given."""
    made = sorted(item.made for item in items if item.made is not None)
    if not made:
        return Measure("max_golden_age", None, "the source does not say when the items were written")
    if newest is None:
        return Measure("max_golden_age", None, "the scores have no times")
    median = made[(len(made) - 1) // 2]
    why = f"half of the items were written by {moment(median)}" + _of(len(made), len(items))
    return Measure("max_golden_age", max(0.0, (newest - median).total_seconds()), why)


def duplicates(items: Sequence[Item]) -> Measure:
    """Share of items that ask what another item of another cluster asks."""
    known = [item for item in items if item.content]
    if not known:
        return Measure("max_duplicates", None, "the source does not say what the items ask")
    clusters: dict[str, set[Hashable]] = defaultdict(set)
    for item in known:
        clusters[item.content].add(item.group)
    count = sum(len(clusters[item.content]) > 1 for item in known)
    return Measure("max_duplicates", count / len(known), f"{count:,} of {len(known):,} items ask what another asks")


def leaked(items: Sequence[Item], unit: str, without: Estimate | None) -> Measure:
    """Share of items that are known to be in a training set, of those about which it is known.

    Args:
        items: All that both arms have.
        unit: Of the scores.
        without: The raw estimate over the items that are not known to have leaked; None when that is all or none.
    """
    said = Counter(item.leaked for item in items if item.leaked is not None)
    total = said[True] + said[False]
    if not total:
        return Measure("max_leaked", None, "the source does not say which items leaked")
    why = f"{said[True]:,} of {total:,} items{_of(total, len(items))}"
    if without is not None:
        mean = number(_mean([item.difference for item in items]), unit, signed=True)
        rest = number(without.effect, unit, signed=True)
        low, high = (number(bound, unit, signed=True) for bound in (without.low, without.high))
        why += f"; without them the raw effect is {rest} ({low} to {high}) instead of {mean}"
    return Measure("max_leaked", said[True] / total, why)


def _of(known: int, items: int) -> str:
    return "" if known == items else f" (known of {known:,} of {items:,} items)"


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
