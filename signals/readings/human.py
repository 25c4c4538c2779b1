"""What people said: which ratings count, and how well a judge follows them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping
from datetime import UTC, datetime
from typing import TypeVar

from signals.model import Evidence, Measure, Preference, Rating
from signals.readings.common import Tray

Answer = TypeVar("Answer", Rating, Preference)

ENOUGH_OUTPUTS = 20
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def latest_ratings(ratings: Iterable[Rating], tray: Tray | None = None) -> list[Rating]:
    """Each rater's latest attempt per item, variant and dimension, if it was submitted with a value."""
    keyed = [((one.item, one.rater, one.variant, one.dimension), one) for one in ratings]
    return [one for one in _latest(keyed, tray) if _given(one, one.value is None, one.variant, tray)]


def latest_preferences(preferences: Iterable[Preference], tray: Tray | None = None) -> list[Preference]:
    """Each rater's latest attempt per item, dimension and order of sides, if it was submitted with a choice."""
    keyed = [((one.item, one.rater, one.left, one.right, one.dimension), one) for one in preferences]
    return [one for one in _latest(keyed, tray) if _given(one, one.choice is None, None, tray)]


def human_agreement(
    evidence: Evidence,
    outputs: Mapping[tuple[str, str], float],
    dimension: str | None = None,
    clusters: Mapping[str, Hashable] | None = None,
    *,
    mirrored: bool = False,
) -> Measure:
    """Spearman correlation of judge and mean human scores over the (item, variant) outputs that both scored.

    Its standard error is over samples of items: outputs of one item, or cluster of items, belong together. Raters are
    taken as they are, as in their own agreement: it is agreement with these people.

    Args:
        evidence: People's ratings.
        outputs: The judge's score of each (item, variant).
        dimension: One question of the people's form; None is the mean of all.
        clusters: Of the items; an item that is not named is its own.
        mirrored: Whether a lower grade means what a higher score of the judge means.
    """
    from signals.stats.agreement import CONFIDENCE
    from signals.stats.ranks import spearman

    if not evidence.human:
        return Measure("human_agreement", None, "no human ratings of these outputs")
    people: dict[tuple[str, str], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for one in latest_ratings(evidence.human):
        if one.value is not None and dimension in (None, one.dimension):
            people[one.item, one.variant][one.dimension].append(one.value)
    both = sorted(output for output in outputs if output in people)
    if len(both) < ENOUGH_OUTPUTS:
        return Measure("human_agreement", None, f"{len(both)} outputs were scored by both; {ENOUGH_OUTPUTS} are needed")
    judge = [outputs[output] for output in both]
    # A dimension counts once however many raters answered it.
    way = -1.0 if mirrored else 1.0
    human = [way * _mean([_mean(values) for values in people[output].values()]) for output in both]
    groups = [(clusters or {}).get(item, ("item", item)) for item, _ in both]
    found = spearman(judge, human, groups)
    if found is None:
        return Measure("human_agreement", None, "the judge or the people gave every output the same score")
    low, high = found.interval(CONFIDENCE)
    turned = ", people's grades turned around" if mirrored else ""
    return Measure("human_agreement", found.value, f"Spearman over {len(both):,} outputs{turned}", found.se, low, high)


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


def _latest(keyed: Iterable[tuple[Hashable, Answer]], tray: Tray | None) -> list[Answer]:
    best: dict[Hashable, Answer] = {}
    for key, one in keyed:
        if key not in best:
            best[key] = one
            continue
        if tray:
            tray.put("superseded by a later attempt")
        if _order(one) > _order(best[key]):
            best[key] = one
    return list(best.values())


def _order(one: Rating | Preference) -> tuple[int, datetime, str]:
    return one.attempt, one.at or EPOCH, one.record


def _given(one: Rating | Preference, empty: bool, variant: str | None, tray: Tray | None) -> bool:
    if one.status == "submitted" and not empty:
        return True
    if tray:
        why = "submitted without an answer" if one.status == "submitted" else f"not submitted: {one.status}"
        tray.put(why, variant, fault=True)
    return False
