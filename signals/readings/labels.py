"""What people said of a judge's items: their grades of both outputs, on the judge's scale."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from signals.model import Evidence, Signal
from signals.readings.human import latest_ratings
from signals.readings.judged import Item

Pair = tuple[float, float]
"""(control, candidate)."""

DECLARE = "declare human_scale on the signal"
NO_GRADES = "no human ratings of these outputs"
MIXED = (
    "of the panels that may have graded these outputs, lower is better for some and higher for others: "
    "set `dimension:` on the judge and on each panel"
)


@dataclass(frozen=True)
class Labels:
    """People's mean grades of both outputs by item, or why there are none."""

    pairs: Mapping[str, Pair] = field(default_factory=dict)
    raters: int = 0
    refused: str | None = None
    graded: int | None = None  # items with grades of both outputs, on whatever scale; None when it cannot be said
    mirrored: bool = False  # whether the grades were turned around to run the judge's way
    cells: tuple[tuple[str, str, float], ...] = ()  # (item, rater, candidate minus control) of those who graded both


def labels_of(signal: Signal, evidence: Evidence, items: Sequence[Item], unit: str) -> Labels:
    """Grades of the items whose two outputs people graded, by the same raters where there are such.

    They run the judge's way: where lower is better for the panel and higher for the judge, or the other way around,
    each grade is mirrored on its scale.

    Args:
        signal: ``dimension`` picks the question of the form, ``human_scale`` says what is 0 and what is 1, ``people``
            whether grades are mirrored.
        evidence: Holds the ratings and the release's arms.
        items: Those that the judge scored in both arms.
        unit: Of the judge: ``pp`` (scores in 0..1) or ``points``.
    """
    if not evidence.human:
        return Labels(refused=NO_GRADES)
    names = {item.name for item in items}
    arms = evidence.release.arms
    mine = [one for one in latest_ratings(evidence.human) if one.item in names and one.variant in arms]
    questions = sorted({one.dimension for one in mine})
    if signal.dimension is not None:
        mine = [one for one in mine if one.dimension == signal.dimension]
        if not mine:
            known = f"; they answered {', '.join(questions)}" if any(questions) else ""
            return Labels(refused=f"people were not asked for {signal.dimension!r} of these outputs{known}")
    elif len(questions) > 1:
        shown = ", ".join(question or "one without a name" for question in questions[:8])
        return Labels(refused=f"people answered several questions ({shown}): set `dimension:` on the signal")
    grades: dict[str, dict[str, dict[str, float]]] = defaultdict(lambda: defaultdict(dict))
    for one in mine:
        if one.value is not None:
            grades[one.item][one.rater][one.variant] = one.value
    pairs, raters = {}, set()
    for item in sorted(grades):
        pair, who = _pair(grades[item], arms)
        if pair is not None:
            pairs[item] = pair
            raters |= who
    if not pairs:
        return Labels(refused="people graded no item under both variants", graded=0)
    found = _turned(signal, unit, _scaled(signal, items, unit, pairs, len(raters)))
    low, high = signal.human_scale or (0.0, 1.0)
    one_way = -1.0 if signal.people == "mirrored" else 1.0
    cells = tuple(
        (item, rater, one_way * (given[arms[1]] - given[arms[0]]) / (high - low))
        for item in sorted(pairs)
        for rater, given in sorted(grades[item].items())
        if len(given) == 2
    )
    return replace(found, graded=len(pairs), cells=() if found.refused else cells)


def _pair(by_rater: Mapping[str, Mapping[str, float]], arms: tuple[str, str]) -> tuple[Pair | None, set[str]]:
    """Mean grades by the raters who graded both outputs; failing that, by whoever graded each."""
    both = sorted(rater for rater, given in by_rater.items() if len(given) == 2)
    who = both or sorted(by_rater)
    found = [[by_rater[rater][arm] for rater in who if arm in by_rater[rater]] for arm in arms]
    if not all(found):
        return None, set()
    return (sum(found[0]) / len(found[0]), sum(found[1]) / len(found[1])), set(who)


def _turned(signal: Signal, unit: str, found: Labels) -> Labels:
    """The grades, running the judge's way; refused where that is not known, or where their scale has no ends."""
    if signal.people == "alike" or found.refused:
        return found
    if signal.people == "mixed":
        return Labels(refused=MIXED)
    if unit != "pp":
        people = "lower" if signal.better == "higher" else "higher"
        return Labels(
            refused=f"{people} is better for people and {signal.better} for the judge, and no 0..1 scale says where "
            "to turn the grades around: record both the same way round, with one `better`"
        )
    return replace(found, pairs={item: (1.0 - a, 1.0 - b) for item, (a, b) in found.pairs.items()}, mirrored=True)


def _scaled(signal: Signal, items: Sequence[Item], unit: str, pairs: Mapping[str, Pair], raters: int) -> Labels:
    """The grades on the judge's scale, or refused when they are on another one."""
    grades = [grade for pair in pairs.values() for grade in pair]
    least, most = min(grades), max(grades)
    if signal.human_scale is not None:
        low, high = signal.human_scale
        if unit != "pp":
            return Labels(refused="human_scale maps people's grades to 0..1, but the judge's scores are not in 0..1")
        if least < low or most > high:
            outside = least if least < low else most
            return Labels(refused=f"people gave a grade of {outside:g}, outside human_scale {low:g} to {high:g}")
        scaled = {item: ((a - low) / (high - low), (b - low) / (high - low)) for item, (a, b) in pairs.items()}
        return Labels(scaled, raters)
    if unit == "pp":
        if least < 0.0 or most > 1.0:
            return Labels(refused=f"people's grades ({least:g} to {most:g}) are not in the judge's 0..1: {DECLARE}")
    elif not same_scale(sorted({value for item in items for value in (item.control, item.candidate)}), least, most):
        scores = [value for item in items for value in (item.control, item.candidate)]
        return Labels(
            refused=(
                f"people's grades ({least:g} to {most:g}) and the judge's scores ({min(scores):g} to {max(scores):g}) "
                "look like different scales: record both on one"
            )
        )
    return Labels(dict(pairs), raters)


def same_scale(scores: Sequence[float], least: float, most: float) -> bool:
    """Whether grades from ``least`` to ``most`` may be on the scale of the (sorted, distinct) scores.

    Nobody need have given the lowest or the highest, so people may go beyond the judge's range by a quarter of it on
    either side; and they must use at least half of it, or a short form would pass for a long one.
    """
    low, high = scores[0], scores[-1]
    slack = max((high - low) / 4.0, 0.0)
    shared = min(high, most) - max(low, least)
    return low - slack <= least and most <= high + slack and shared >= (high - low) / 2.0
