"""The judge's effect corrected by people, and what people and judge say where both spoke."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from signals.model import Estimate, Measure, Signal
from signals.readings.common import estimate, refusal
from signals.readings.judge_estimates import one_sided, paired, t_of
from signals.readings.judge_raters import part_of, with_raters
from signals.readings.judged import Item, label
from signals.readings.labels import Labels
from signals.stats.calibrate import Corrected, corrected_mean
from signals.stats.difference import RefusedError, two_sided_p
from signals.stats.misclassified import corrected_difference
from signals.stats.paired import FEW_CHANGES, FEW_CLUSTERS, cluster_mean
from signals.stats.panel import RaterPart
from signals.words import bounds, number, p_value, plural

USABLE = 20  # labelled items: with fewer the judge's error is hardly known
STRATUM = 20  # labelled items that a segment needs to be corrected by itself
UNBALANCED = 0.01  # p-value of label_balance_p below which the labels are not those of a random draw
FEW_JUDGED = 2
SAME = "judge and people saw the same difference"


@dataclass(frozen=True)
class Outcome:
    """The estimates that people's grades allow, by name, and the checks of them."""

    estimates: Mapping[str, Estimate] = field(default_factory=dict)
    measures: tuple[Measure, ...] = ()
    why_not: str | None = None  # why there is no corrected estimate
    components: Mapping[str, float] = field(default_factory=dict)  # what raters add, for planning


def with_people(signal: Signal, items: Sequence[Item], labels: Labels, unit: str = "") -> Outcome:
    """``corrected``, ``human``, ``judge_bias`` and, where the labels call for it, ``rogan_gladen``.

    Args:
        signal: Its confidence and segment dimensions.
        items: Those that both arms have.
        labels: People's grades on the judge's scale.
        unit: Of the judge's scores, for what is said of them.
    """
    both = [item for item in items if item.name in labels.pairs]
    balance, unbalanced = label_balance(items, labels)
    measures = (_overlap(labels), balance)
    if labels.refused:
        return Outcome({}, (*measures, Measure("judge_bias_p", None, labels.refused)), labels.refused)
    if len(both) < USABLE:
        why = f"people graded {plural(len(both), 'items')} under both variants; {USABLE} are needed"
        return Outcome({}, (*measures, Measure("judge_bias_p", None, why)), why)
    found = {"human": human(signal, both, labels), "judge_bias": judge_bias(signal, both, labels)}
    found["corrected"] = corrected(signal, items, labels)
    if unbalanced:
        found |= _unbalanced(signal, items, labels, found["corrected"], balance)
    part = part_of(labels)
    components = {"raters": float(labels.raters), "rater_error": part.squared} if isinstance(part, RaterPart) else {}
    found = {name: with_raters(one, labels.raters, part) for name, one in found.items()}
    return Outcome(found, (*measures, _bias(found["judge_bias"], unit)), components=components)


def _bias(one: Estimate, unit: str) -> Measure:
    """Whether the judge's effect differs from people's; where they agree on every item it does not."""
    if one.refused is not None:
        same = one.refused.startswith(SAME)
        return Measure("judge_bias_p", 1.0 if same else None, one.refused)
    seen = f"{number(one.effect, unit, signed=True)} ({bounds(one.low, one.high, unit)})"
    return Measure("judge_bias_p", one.p_value, f"judge minus people {seen}")


def _unbalanced(
    signal: Signal, items: Sequence[Item], labels: Labels, plain: Estimate, balance: Measure
) -> dict[str, Estimate]:
    """The vote when the graded items are not like the others: by error rates, else with a warning."""
    if _binary(items, labels):
        other = rogan_gladen(signal, items, labels)
        if other.refused is None:
            why = "graded items differ from the others, so the judge's error rates correct it (Rogan-Gladen)"
            return {"corrected": replace(other, warnings=(why, *other.warnings)), "rogan_gladen": other}
    why = f"the judge's differences on graded and other items differ (p {p_value(balance.value)})"
    return {"corrected": replace(plain, warnings=(f"{why}: the correction may not carry over", *plain.warnings))}


def corrected(signal: Signal, items: Sequence[Item], labels: Labels) -> Estimate:
    """People's difference over all items by prediction-powered inference; by segment where there are labels enough.

    Where people saw a difference on too few items no mean is near normal: pass/fail grades then get Tango's interval of
    the graded items alone, others a warning.
    """
    counts = (len(items), len(items))
    both = [item for item in items if item.name in labels.pairs]
    changed = sum(_people(item, labels) != 0.0 for item in both)
    if changed < FEW_CHANGES and _grades_binary(both, labels):
        alone = human(signal, both, labels)
        why = f"people saw a difference on only {plural(changed, 'items')}: graded items alone, without the judge"
        return replace(alone, warnings=(why, *alone.warnings))
    dimension, strata = strata_of(signal, items, labels)
    people = [_people(item, labels) if item.name in labels.pairs else None for item in items]
    judge = [item.difference for item in items]
    groups = [item.group for item in items]
    try:
        found = corrected_mean(judge, people, groups, signal.confidence, strata)
    except RefusedError as refused:
        if strata is None:
            return refusal(str(refused), signal.confidence, counts)
        dimension, strata = "", None
        try:
            found = corrected_mean(judge, people, groups, signal.confidence)
        except RefusedError as again:
            return refusal(str(again), signal.confidence, counts)
    warnings = _doubts(found, [one for one in people if one is not None])
    how = f"stratified by {dimension}, " if dimension else ""
    return estimate(
        found.difference,
        f"paired by item, corrected by {plural(labels.raters, 'raters')} on {found.labelled} of {len(items)} items "
        f"(PPI++, {how}cluster jackknife), {t_of(found.difference)}",
        signal.confidence,
        counts,
        levels=_levels(items, labels, found, strata),
        n_effective=found.n_effective,
        warnings=warnings,
    )


def human(signal: Signal, both: Sequence[Item], labels: Labels) -> Estimate:
    """People alone, on the items that they graded under both variants."""
    graded = [Item(item.name, *labels.pairs[item.name], (1, 1), item.cluster, item.labels) for item in both]
    made = paired(graded, signal.confidence)
    only = "people only, their grades turned around" if labels.mirrored else "people only"
    return replace(made, method=f"{only}: {made.method}" if made.method else "")


def judge_bias(signal: Signal, both: Sequence[Item], labels: Labels) -> Estimate:
    """The judge's difference (as candidate) minus people's (as control), on the items that both have."""
    counts = (len(both), len(both))
    judge, people = [item.difference for item in both], [_people(item, labels) for item in both]
    gaps = [ours - theirs for ours, theirs in zip(judge, people, strict=True)]
    levels = (sum(people) / len(both), sum(judge) / len(both))
    groups = {item.group for item in both}
    try:
        found = cluster_mean(gaps, [item.group for item in both], signal.confidence)
    except RefusedError as refused:
        why = str(refused) if any(gaps) else f"{SAME} on all {len(both)} items"
        return refusal(why, signal.confidence, counts, levels=levels)
    few = [f"only {plural(len(groups), 'clusters')}: the interval is rough"] if len(groups) < FEW_CLUSTERS else []
    return estimate(
        found.difference,
        f"judge minus people, paired by item, cluster-robust CRV3, t({found.clusters - 1})",
        signal.confidence,
        counts,
        levels=levels,
        n_effective=found.n_effective,
        warnings=[*few, *one_sided(gaps, found.lopsided)],
    )


def rogan_gladen(signal: Signal, items: Sequence[Item], labels: Labels) -> Estimate:
    """Difference of pass rates, each corrected for the judge's sensitivity and specificity in its arm."""
    counts = (len(items), len(items))
    pairs = [labels.pairs.get(item.name) for item in items]
    judge = [(item.control, item.candidate) for item in items]
    try:
        found = corrected_difference(judge, pairs, [item.group for item in items], signal.confidence)
    except RefusedError as refused:
        return refusal(str(refused), signal.confidence, counts)
    seen = " and ".join(
        f"{100 * true:.0f}/{100 * false:.0f} %"
        for true, false in zip(found.sensitivity, found.specificity, strict=True)
    )
    return estimate(
        found.difference,
        f"Rogan-Gladen by arm, sensitivity/specificity {seen} from {found.labelled} items, cluster jackknife, "
        f"{t_of(found.difference)}",
        signal.confidence,
        counts,
        levels=found.rates,
    )


def label_balance(items: Sequence[Item], labels: Labels) -> tuple[Measure, bool]:
    """Welch's test of the judge's differences on graded items against the others, and whether it says no."""
    name = "label_balance_p"
    if labels.refused:
        return Measure(name, None, labels.refused), False
    ours = [item.difference for item in items if item.name in labels.pairs]
    others = [item.difference for item in items if item.name not in labels.pairs]
    if not others and ours:
        return Measure(name, 1.0, "people graded every item"), False
    if min(len(ours), len(others)) < FEW_JUDGED:
        return Measure(name, None, f"{len(ours)} items graded and {len(others)} not: too few to compare"), False
    means = [sum(some) / len(some) for some in (ours, others)]
    parts = [
        sum((one - mean) ** 2 for one in some) / (len(some) - 1) / len(some)
        for some, mean in zip((ours, others), means, strict=True)
    ]
    squared = sum(parts)
    gap = means[0] - means[1]
    if squared <= 1e-300:
        return Measure(name, 1.0 if gap == 0.0 else 0.0, "the judge's differences do not vary"), gap != 0.0
    df = squared**2 / sum(part**2 / (len(some) - 1) for part, some in zip(parts, (ours, others), strict=True))
    p = two_sided_p(gap / squared**0.5, df)
    seen = f"{means[0]:+.3g} on {len(ours)} graded items, {means[1]:+.3g} on {len(others)} others"
    return Measure(name, p, f"the judge's difference is {seen}"), p < UNBALANCED


def _overlap(labels: Labels) -> Measure:
    if labels.graded is None:
        return Measure("min_overlap", None, labels.refused or "no human ratings of these outputs")
    return Measure("min_overlap", labels.graded, f"{plural(labels.graded, 'items')} that people graded in both arms")


def _people(item: Item, labels: Labels) -> float:
    control, candidate = labels.pairs[item.name]
    return candidate - control


def _grades_binary(both: Sequence[Item], labels: Labels) -> bool:
    """Whether people's mean grades are pass or fail, on items that are their own clusters."""
    grades = {grade for item in both for grade in labels.pairs[item.name]}
    return grades <= {0.0, 1.0} and len({item.group for item in both}) == len(both)


def _binary(items: Sequence[Item], labels: Labels) -> bool:
    grades = {grade for pair in labels.pairs.values() for grade in pair}
    return grades <= {0.0, 1.0} and all(
        value in (0.0, 1.0) for item in items for value in (item.control, item.candidate)
    )


def strata_of(signal: Signal, items: Sequence[Item], labels: Labels) -> tuple[str, list[int] | None]:
    """The first dimension whose every value has enough labels, and enough where people saw a difference.

    Items without a value are one stratum more.
    """
    for dimension in signal.segments:
        values = [label(item, dimension) for item in items]
        found = sorted({value or "" for value in values})
        graded, changed = Counter[str](), Counter[str]()
        for item, value in zip(items, values, strict=True):
            if item.name in labels.pairs:
                graded[value or ""] += 1
                changed[value or ""] += _people(item, labels) != 0.0
        if len(found) >= 2 and all(graded[value] >= STRATUM and changed[value] >= FEW_CHANGES for value in found):
            order = {value: k for k, value in enumerate(found)}
            return dimension, [order[value or ""] for value in values]
    return "", None


def _levels(
    items: Sequence[Item], labels: Labels, found: Corrected, strata: Sequence[int] | None
) -> tuple[float, float]:
    """The arms by the same correction: linear in the scores, so their difference is the effect."""
    kinds = len(found.weight)
    size, known = [0] * kinds, [0] * kinds
    # Per arm and stratum: people's grades, the judge's scores of the same outputs, and of the others.
    people, same, others = ([[0.0] * kinds for _ in range(2)] for _ in range(3))
    for item, place in zip(items, strata or [0] * len(items), strict=True):
        pair, scores = labels.pairs.get(item.name), (item.control, item.candidate)
        size[place] += 1
        known[place] += pair is not None
        for arm in (0, 1):
            if pair is None:
                others[arm][place] += scores[arm]
            else:
                people[arm][place] += pair[arm]
                same[arm][place] += scores[arm]
    levels = []
    for arm in (0, 1):
        total = 0.0
        for k, weight in enumerate(found.weight):
            rest = size[k] - known[k]
            level = (people[arm][k] - weight * same[arm][k]) / known[k]
            total += size[k] * (level + (weight * others[arm][k] / rest if rest else 0.0))
        levels.append(total / len(items))
    return levels[0], levels[1]


def _doubts(found: Corrected, people: Sequence[float]) -> list[str]:
    warnings = []
    if found.clusters < FEW_CLUSTERS:
        warnings.append(f"labels in only {plural(found.clusters, 'clusters')}: the interval is rough")
    return warnings + one_sided(people, found.lopsided)
