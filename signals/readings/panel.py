"""Human panels: grades of both outputs, or choices between them; items and raters are both samples."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from signals.model import Estimate, Evidence, Measure, Numbers, Preference, Rating, Segment, Signal
from signals.readings.common import Tray, nothing, only_raw, per_day, refusal, set_aside_share, span
from signals.readings.crossed import Cell, interval
from signals.readings.human import Answer, latest_preferences, latest_ratings
from signals.readings.segments import segment_estimates, unknown_dimensions
from signals.stats.agreement import Level, krippendorff_alpha
from signals.words import plural

ORDINAL_GRADES = 10
"""Whole-number scales with at most this many grades are taken as ordered, finer ones as measured."""

NEARLY_ALL = 0.9


@dataclass(frozen=True)
class Paired:
    """What a panel said of the two arms: one value per item and rater."""

    cells: tuple[Cell, ...] = ()
    items_seen: int = 0  # items with an answer about either arm
    per_arm: tuple[int, int] = (0, 0)  # items with an answer about that arm
    agreement: Measure = field(default_factory=lambda: Measure("agreement", None, "no output was rated twice"))
    refused: str | None = None


def measure(signal: Signal, evidence: Evidence) -> Numbers:
    """Numbers of a panel signal: the mean over items of candidate minus control, or of net preference (-1 to 1)."""
    tray = Tray()
    control, candidate = evidence.release.arms
    ratings = _about(evidence.ratings, signal, tray, control, candidate)
    preferences = _about(evidence.preferences, signal, tray, control, candidate)
    answers: Sequence[Rating] | Sequence[Preference]
    if ratings and preferences:
        items = len({one.item for one in ratings} | {one.item for one in preferences})
        paired = Paired(
            per_arm=(items, items), refused="both grades and choices were pulled: they are on different scales"
        )
        answers = ratings
    elif preferences:
        answers = preferences
        paired = _preferences(preferences, signal, tray, control, candidate)
    else:
        answers = ratings
        paired = _ratings(ratings, signal, tray, control, candidate)
    first, last = span(one.at for one in answers)
    raw, components = _voting(paired, signal)
    if paired.cells:
        raw = replace(raw, warnings=(*raw.warnings, *unknown_dimensions(signal, paired.cells, _label)))
    segments = segment_estimates(
        signal,
        () if paired.refused else paired.cells,
        () if paired.refused else paired.cells,
        _label,
        lambda cells, _same, confidence, _parts: interval(signal, cells, confidence)[0],
    )
    items = len({cell.item for cell in paired.cells})
    raters = len({cell.rater for cell in paired.cells})
    seen = paired.items_seen
    measures = (
        Measure("min_items", items, f"{plural(items, 'items')} answered for both arms"),
        Measure("min_raters", raters, f"{plural(raters, 'raters')} who answered for both arms"),
        Measure("paired", items / seen if seen else None, f"{items:,} of {seen:,} items" if seen else "no items"),
        paired.agreement,
        set_aside_share(evidence, len(ratings) + len(preferences), tray),
    )
    return Numbers(
        signal=signal.name,
        kind=signal.kind,
        unit="net preference" if preferences and not ratings else "points",
        voting=signal.estimate,
        estimates=only_raw(signal, raw),
        measures=measures,
        segments=segments,
        set_aside=(*evidence.set_aside, *tray.entries()),
        sources=evidence.sources,
        first_at=first,
        last_at=last,
        counted="items",
        rate_per_day=per_day(items, first, last),
        components=components,
    )


def _about(answers: Sequence[Answer], signal: Signal, tray: Tray, control: str, candidate: str) -> list[Answer]:
    """Answers about this release's two arms, and to the question that the policy names."""
    mine: list[Answer] = []
    for one in answers:
        if isinstance(one, Rating) and one.variant not in (control, candidate):
            tray.put(f"variant {one.variant} is neither arm", one.variant)
        elif isinstance(one, Preference) and {one.left, one.right} != {control, candidate}:
            tray.put("the pair is not control and candidate")
        elif signal.dimension is not None and one.dimension != signal.dimension:
            tray.put(f"dimension {one.dimension or 'without a name'} is not the one that the policy names")
        else:
            mine.append(one)
    return mine


def _dimension_problem(answers: Sequence[Rating] | Sequence[Preference], signal: Signal) -> str | None:
    found = sorted({one.dimension for one in answers})
    if signal.dimension is None and len(found) > 1:
        return (
            f"the form has {len(found)} dimensions ({', '.join(found[:8])}) and the policy names none: "
            "set `dimension:` on the signal"
        )
    return None


def _ratings(ratings: Sequence[Rating], signal: Signal, tray: Tray, control: str, candidate: str) -> Paired:
    def items_of(given: Sequence[Rating], arm: str) -> int:
        return len({one.item for one in given if one.variant == arm and one.value is not None})

    problem = _dimension_problem(ratings, signal)
    if problem:
        return Paired(per_arm=(items_of(ratings, control), items_of(ratings, candidate)), refused=problem)
    given = latest_ratings(ratings, tray)
    per_arm = (items_of(given, control), items_of(given, candidate))
    grades: dict[tuple[str, str], dict[str, float]] = defaultdict(dict)
    for one in given:
        if one.value is not None:
            grades[one.item, one.rater][one.variant] = one.value
    both = {key: found for key, found in grades.items() if len(found) == 2}
    alone = len(given) - 2 * len(both)
    for found in grades.values():
        if len(found) == 1:
            tray.put("the rater graded one arm of the item only", next(iter(found)))
    refused = None
    if given and alone / len(given) > NEARLY_ALL:
        refused = (
            f"{alone:,} of {len(given):,} grades are by raters who saw one arm of the item only: "
            "have each rater grade both"
        )
    labels = _labels(given)
    cells = tuple(
        Cell(
            item,
            rater,
            found[candidate] - found[control],
            found[control],
            found[candidate],
            labels.get(item, ()),
        )
        for (item, rater), found in sorted(both.items())
    )
    values = sorted(((one.item, one.variant), one.value) for one in given if one.value is not None)
    return Paired(cells, len({one.item for one in given}), per_arm, _agreement(values), refused)


def _agreement(values: Sequence[tuple[tuple[str, str], float]]) -> Measure:
    grades = {value for _, value in values}
    whole = len(grades) <= ORDINAL_GRADES and all(float(value).is_integer() for value in grades)
    level: Level = "ordinal" if whole else "interval"
    alpha = krippendorff_alpha(values, level)
    if alpha is None:
        return Measure("agreement", None, "no output was rated twice, or all grades are equal")
    return Measure("agreement", alpha, f"Krippendorff's alpha, {level}")


def _preferences(answers: Sequence[Preference], signal: Signal, tray: Tray, control: str, candidate: str) -> Paired:
    everything = len({one.item for one in answers})
    problem = _dimension_problem(answers, signal)
    if problem:
        return Paired(per_arm=(everything, everything), refused=problem)
    given = latest_preferences(answers, tray)
    found: dict[tuple[str, str], list[float]] = defaultdict(list)
    for one in given:
        chosen = {"left": one.left, "right": one.right}.get(one.choice or "")
        found[one.item, one.rater].append({candidate: 1.0, control: -1.0}.get(chosen or "", 0.0))
    # A rater who saw the pair in both orders has one opinion: the mean of the two choices.
    labels = _labels(given)
    cells = tuple(
        Cell(item, rater, sum(values) / len(values), segment=labels.get(item, ()))
        for (item, rater), values in sorted(found.items())
    )
    items = len({cell.item for cell in cells})
    alpha = krippendorff_alpha([(cell.item, cell.value) for cell in cells], "nominal")
    agreement = (
        Measure("agreement", None, "no item was compared twice, or all choices are equal")
        if alpha is None
        else Measure("agreement", alpha, "Krippendorff's alpha, nominal")
    )
    return Paired(cells, everything, (items, items), agreement)


def _labels(answers: Sequence[Answer]) -> dict[str, Segment]:
    """The segment of each item; of several that disagree, the last in order of records."""
    return {one.item: one.segment for one in sorted(answers, key=lambda one: one.record) if one.segment}


def _voting(paired: Paired, signal: Signal) -> tuple[Estimate, dict[str, float]]:
    if not all(paired.per_arm):
        return nothing(signal.confidence, paired.per_arm), {}
    if paired.refused or not paired.cells:
        return refusal(paired.refused or "no rater answered for both arms", signal.confidence, paired.per_arm), {}
    return interval(signal, paired.cells, signal.confidence)


def _label(cell: Cell, dimension: str) -> str | None:
    return dict(cell.segment).get(dimension)
