"""The raters of a panel, one by one: what each said, and what speaks for or against believing it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable

from signals.model import Evidence, Signal
from signals.model.inside import RaterView
from signals.readings.panel import answered, asked_answers
from signals.readings.panel_answers import Paired
from signals.readings.panel_checks import gold_answers, said_again
from signals.stats.habits import FEWEST_GRADED, straight_liners
from signals.stats.ranks import spearman


def raters_of(signal: Signal, evidence: Evidence) -> tuple[RaterView, ...]:
    """Everyone who answered the question that votes, or a gold item; by name.

    The agreement of a rater is the rank correlation of their grades with the mean of the others' grades of the same
    outputs; it is given from ten such outputs on, as straight-lining is.
    """
    control, candidate = evidence.release.arms
    paired = answered(signal, evidence)
    again: dict[str, list[list[float]]] = defaultdict(list)
    for unit, values in said_again(asked_answers(signal, evidence), control, candidate).items():
        again[unit[1]].append(values)
    gold = gold_answers(signal, evidence)
    cells: dict[str, list[float]] = defaultdict(list)
    for cell in paired.cells:
        cells[cell.rater].append(cell.value)
    names = sorted({*cells, *(rater for _, rater, _ in paired.grades), *gold})
    straight = _straight(paired)
    agreement = _agreement(paired)
    return tuple(
        RaterView(
            rater=name,
            items=len(cells[name]),
            difference=sum(cells[name]) / len(cells[name]) if cells[name] else None,
            agreement=agreement.get(name, (None, 0))[0],
            shared=agreement.get(name, (None, 0))[1],
            straight=straight.get(name),
            repeats=len(again[name]),
            same=sum(len(set(values)) == 1 for values in again[name]),
            gold=len(gold.get(name, ())),
            right=sum(gold.get(name, ())),
        )
        for name in names
    )


def _straight(paired: Paired) -> dict[str, bool]:
    """Whether each rater lines straight, of those who graded outputs enough that others graded too."""
    graded_by: dict[Hashable, set[str]] = defaultdict(set)
    for output, rater, _ in paired.pressed:
        graded_by[output].add(rater)
    shared: dict[str, int] = defaultdict(int)
    for output, rater, _ in paired.pressed:
        shared[rater] += len(graded_by[output]) > 1
    found, _ = straight_liners(paired.pressed)
    return {rater: rater in found for rater, many in shared.items() if many >= FEWEST_GRADED}


def _agreement(paired: Paired) -> dict[str, tuple[float | None, int]]:
    """Correlation with the mean of the others, and over how many outputs."""
    grades: dict[tuple[str, ...], dict[str, float]] = defaultdict(dict)
    for output, rater, value in paired.grades:
        grades[output][rater] = value
    mine: dict[str, list[tuple[str, float, float]]] = defaultdict(list)
    for output, given in sorted(grades.items()):
        if len(given) < 2:
            continue
        total = sum(given.values())
        for rater, value in given.items():
            mine[rater].append((output[0], value, (total - value) / (len(given) - 1)))
    found: dict[str, tuple[float | None, int]] = {}
    for rater, rows in mine.items():
        both = None
        if len(rows) >= FEWEST_GRADED:
            both = spearman([own for _, own, _ in rows], [rest for *_, rest in rows], [item for item, *_ in rows])
        found[rater] = (both.value if both else None, len(rows))
    return found
