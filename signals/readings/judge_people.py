"""A judge held against people: item by item, and how often which word of his met which of theirs."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from signals.model import Evidence, Signal
from signals.model.inside import Confusion, ItemGap, PeopleView
from signals.readings.common import Tray
from signals.readings.human import latest_ratings
from signals.readings.judge_corrected import with_people
from signals.readings.judge_weighted import reweighted
from signals.readings.judged import Judged, sort_out
from signals.readings.labels import Labels, labels_of

SHOWN_ITEMS = 20
MOST_CATEGORIES = 7
"""Different scores, or grades, up to which they are categories: more make a table that nobody reads."""

DIRECTIONS = ("better", "equal", "worse")


def people_of(signal: Signal, evidence: Evidence) -> PeopleView:
    """Judge and people on the items that both have under both variants; the agreement is filled in by the caller."""
    judged = sort_out(signal, evidence, Tray())
    labels = labels_of(signal, evidence, judged.items, judged.unit)
    by_grade = _grades(signal, evidence, judged)
    if labels.refused:
        return PeopleView(None, confusion=by_grade, why_not=labels.refused)
    raters = _raters(signal, evidence, labels)
    gaps = [
        ItemGap(
            item.name,
            item.difference,
            labels.pairs[item.name][1] - labels.pairs[item.name][0],
            raters[item.name],
            tuple(sorted(item.labels)),
        )
        for item in judged.items
        if item.name in labels.pairs
    ]
    gaps.sort(key=lambda one: (-abs(one.gap), one.item))
    return PeopleView(
        None, tuple(gaps[:SHOWN_ITEMS]), len(gaps), labels.raters, (*_directions(gaps, signal.sign), *by_grade)
    )


def absent(signal: Signal, evidence: Evidence) -> tuple[tuple[str, str], ...]:
    """The estimates beside the raw one that this evidence does not allow, and why."""
    judged = sort_out(signal, evidence, Tray())
    found = []
    refused = reweighted(signal, evidence, judged.items).estimate.refused
    if refused:
        found.append(("reweighted", refused))
    labels = labels_of(signal, evidence, judged.items, judged.unit)
    why = with_people(signal, judged.items, labels, judged.unit)
    corrected = why.estimates.get("corrected")
    if corrected is None or corrected.refused:
        found.append(("corrected", (corrected.refused if corrected else why.why_not) or "no human grades"))
    return tuple(found)


def _raters(signal: Signal, evidence: Evidence, labels: Labels) -> Mapping[str, int]:
    """How many people stand behind each item's grades: those who graded both outputs, else everyone who graded one."""
    both = Counter(item for item, *_ in labels.cells)
    anyone: dict[str, set[str]] = defaultdict(set)
    for one in latest_ratings(evidence.human):
        if one.value is not None and one.variant in evidence.release.arms and _asked(signal, one.dimension):
            anyone[one.item].add(one.rater)
    return {item: both[item] or len(anyone[item]) for item in labels.pairs}


def _asked(signal: Signal, dimension: str) -> bool:
    return signal.dimension is None or dimension == signal.dimension


def _directions(gaps: Sequence[ItemGap], sign: int) -> tuple[Confusion, ...]:
    """Which way judge and people say that the candidate goes, per item."""
    if not gaps:
        return ()
    seen = Counter((_way(sign * one.judge), _way(sign * one.people)) for one in gaps)
    table = tuple(tuple(seen[row, column] for column in DIRECTIONS) for row in DIRECTIONS)
    return (Confusion("items, by what each says of the candidate", DIRECTIONS, DIRECTIONS, table, alike=True),)


def _way(benefit: float) -> str:
    if abs(benefit) <= 1e-12:  # means of equal grades may differ in their last digit
        return "equal"
    return "better" if benefit > 0.0 else "worse"


def _grades(signal: Signal, evidence: Evidence, judged: Judged) -> tuple[Confusion, ...]:
    """The judge's score of an output against every grade that a person gave it, where both use few different ones."""
    given = [
        (judged.outputs[one.item, one.variant], one.value)
        for one in latest_ratings(evidence.human)
        if one.value is not None and (one.item, one.variant) in judged.outputs and _asked(signal, one.dimension)
    ]
    scores, grades = sorted({score for score, _ in given}), sorted({grade for _, grade in given})
    if not 2 <= len(scores) <= MOST_CATEGORIES or not 2 <= len(grades) <= MOST_CATEGORIES:
        return ()
    seen = Counter(given)
    return (
        Confusion(
            "grades that people gave, by the judge's score of the same output",
            tuple(f"{score:g}" for score in scores),
            tuple(f"{grade:g}" for grade in grades),
            tuple(tuple(seen[score, grade] for grade in grades) for score in scores),
            alike=signal.human_scale is None and signal.people == "alike",
        ),
    )
