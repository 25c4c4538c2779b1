"""Human panels: grades of both outputs, or choices between them; items and raters are both samples."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from signals.model import Estimate, Evidence, Measure, Numbers, Preference, Rating, Signal
from signals.readings.common import Tray, estimate, nothing, only_raw, per_day, refusal, set_aside_share, span
from signals.readings.human import Answer, latest_preferences, latest_ratings
from signals.stats.agreement import Level, krippendorff_alpha
from signals.stats.difference import RefusedError
from signals.stats.paired import cluster_mean
from signals.stats.panel import Crossed, crossed_mean
from signals.words import plural

ORDINAL_GRADES = 10
"""Whole-number scales with at most this many grades are taken as ordered, finer ones as measured."""

NEARLY_ALL = 0.9
FEW_RATERS = 3

Cell = tuple[str, str, float]


@dataclass(frozen=True)
class Paired:
    """What a panel said of the two arms: one value per item and rater."""

    cells: tuple[Cell, ...] = ()
    levels: tuple[float | None, float | None] = (None, None)
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
    voting, components = _estimate(paired, signal)
    items = len({item for item, _, _ in paired.cells})
    raters = len({rater for _, rater, _ in paired.cells})
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
        estimates=only_raw(signal, voting),
        measures=measures,
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
    cells = tuple((item, rater, found[candidate] - found[control]) for (item, rater), found in sorted(both.items()))
    level0 = _item_mean([(item, found[control]) for (item, _), found in sorted(both.items())])
    level1 = _item_mean([(item, found[candidate]) for (item, _), found in sorted(both.items())])
    values = sorted(((one.item, one.variant), one.value) for one in given if one.value is not None)
    return Paired(
        cells, (level0, level1), len({one.item for one in given}), per_arm, _agreement(values), refused
    )  # fmt: skip


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
    cells = tuple((item, rater, sum(values) / len(values)) for (item, rater), values in sorted(found.items()))
    items = len({item for item, _, _ in cells})
    alpha = krippendorff_alpha([(item, value) for item, _, value in cells], "nominal")
    agreement = (
        Measure("agreement", None, "no item was compared twice, or all choices are equal")
        if alpha is None
        else Measure("agreement", alpha, "Krippendorff's alpha, nominal")
    )
    return Paired(cells, (None, None), everything, (items, items), agreement)


def _estimate(paired: Paired, signal: Signal) -> tuple[Estimate, dict[str, float]]:
    items = len({item for item, _, _ in paired.cells})
    counts = (items, items) if items and not paired.refused else paired.per_arm
    if paired.refused or not paired.cells:
        if not all(paired.per_arm):
            return nothing(signal.confidence, paired.per_arm), {}
        return refusal(paired.refused or "no rater answered for both arms", signal.confidence, counts), {}
    try:
        found = crossed_mean(paired.cells, signal.confidence)
        if signal.raters == "fixed":
            return _fixed_raters(paired, signal, counts, found), found.components
    except RefusedError as refused:
        return refusal(str(refused), signal.confidence, counts, levels=paired.levels), {}
    method = f"items and raters random, mean over items, Satterthwaite t({found.difference.df:.1f})"
    warnings = []
    if found.raters <= FEW_RATERS:
        warnings.append(f"only {plural(found.raters, 'raters')}: how much raters differ is known roughly")
    warnings += _all_agree(paired.cells, found)
    result = estimate(
        found.difference,
        method,
        signal.confidence,
        counts,
        levels=paired.levels,
        n_effective=found.n_effective,
        warnings=warnings,
    )
    return result, found.components


def _fixed_raters(paired: Paired, signal: Signal, counts: tuple[int, int], found: Crossed) -> Estimate:
    """The policy says that these raters' word is the rule: only items are a sample."""
    by_item: dict[str, list[float]] = defaultdict(list)
    for item, _, value in paired.cells:
        by_item[item].append(value)
    means = [sum(values) / len(values) for _, values in sorted(by_item.items())]
    mean = cluster_mean(means, sorted(by_item), signal.confidence)
    return estimate(
        mean.difference,
        f"items random, these {found.raters} raters fixed, paired by item, t({mean.clusters - 1})",
        signal.confidence,
        counts,
        levels=paired.levels,
        n_effective=mean.n_effective,
        warnings=[f"speaks of these {found.raters} raters only: others may see it otherwise"],
    )


def _all_agree(cells: Sequence[Cell], found: Crossed) -> list[str]:
    """When the interval crosses zero although no rater does: say that it is the number of raters that is wanting."""
    if found.difference.low > 0 or found.difference.high < 0:
        return []
    by_rater: dict[str, list[float]] = defaultdict(list)
    for _, rater, value in cells:
        by_rater[rater].append(value)
    sums = [sum(values) for values in by_rater.values()]
    if all(total > 0 for total in sums) or all(total < 0 for total in sums):
        side = "above" if sums[0] > 0 else "below"
        return [f"every rater's mean is {side} 0, but {plural(found.raters, 'raters')} are too few to speak for others"]
    return []


def _item_mean(values: Sequence[tuple[str, float]]) -> float | None:
    by_item: dict[str, list[float]] = defaultdict(list)
    for item, value in values:
        by_item[item].append(value)
    return sum(sum(found) / len(found) for found in by_item.values()) / len(by_item) if by_item else None
