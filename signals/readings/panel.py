"""Human panels: grades of both outputs, or choices between them; items and raters are both samples."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from signals.model import Estimate, Evidence, Measure, Numbers, Preference, Rating, Signal
from signals.readings.common import Tray, nothing, only_raw, per_day, refusal, set_aside_share, span
from signals.readings.crossed import Cell, interval, signs, superiority
from signals.readings.panel_answers import Answers, Paired, pair, unresolved
from signals.readings.panel_checks import gold_accuracy, rater_measures
from signals.readings.segments import segmented, unknown_dimensions
from signals.words import plural

GOLD = "gold item: it tests the raters, not the variants"
POINTS, NET = "points", "net preference"


def measure(signal: Signal, evidence: Evidence) -> Numbers:
    """Numbers of a panel signal: the mean over items of candidate minus control, or of net preference (-1 to 1)."""
    tray = Tray()
    control, candidate = evidence.release.arms
    forms, gold = _forms(evidence, tray)
    asked, beside = _asked(signal, forms, tray)
    paired = unresolved(forms, control, candidate) if asked is None else pair(asked, tray, control, candidate)
    answers = asked or Answers()
    if gold and not forms:
        paired = replace(paired, refused="every item has an expected answer: gold items test raters and do not count")
    unit = NET if paired.choices or signal.estimate == "superiority" else POINTS
    estimates, components = _estimates(signal, paired)
    whole = estimates[signal.estimate]
    segments = segmented(
        signal,
        whole,
        () if paired.refused else paired.cells,
        () if paired.refused else paired.cells,
        _label,
        lambda cells, _same, confidence, _parts: _effect(signal, cells, paired.choices, confidence)[0],
    )
    for name, others in sorted(beside.items()):
        estimates[f"dimension:{name or '(none)'}"] = _beside(signal, pair(others, Tray(), control, candidate), unit)
    first, last = span(one.at for one in answers.all)
    items = len({cell.item for cell in paired.cells})
    return Numbers(
        signal=signal.name,
        kind=signal.kind,
        unit=unit,
        voting=signal.estimate,
        estimates={**estimates, **segments.worst},
        measures=(
            *_counts(paired, items),
            *rater_measures(paired, answers, control, candidate),
            gold_accuracy(signal, evidence),
            *segments.measures,
            set_aside_share(evidence, len(answers.all), tray),
        ),
        segments=segments.segments,
        set_aside=(*evidence.set_aside, *tray.entries()),
        sources=evidence.sources,
        first_at=first,
        last_at=last,
        counted="items",
        rate_per_day=per_day(items, first, last),
        components=components,
    )


def answered(signal: Signal, evidence: Evidence) -> Paired:
    """What the panel said of the two arms, on the scale of the estimate that votes; ``refused`` says why nothing."""
    forms, _ = _forms(evidence, Tray())
    asked, _ = _asked(signal, forms, Tray())
    if asked is None:
        return unresolved(forms, *evidence.release.arms)
    paired = pair(asked, Tray(), *evidence.release.arms)
    if signal.estimate != "superiority" or paired.choices:
        return paired
    return replace(paired, cells=tuple(signs(paired.cells)))


def asked_answers(signal: Signal, evidence: Evidence) -> Answers:
    """The answers to the question that votes, gold items left out; none when several could be meant."""
    forms, _ = _forms(evidence, Tray())
    return _asked(signal, forms, Tray())[0] or Answers()


def _forms(evidence: Evidence, tray: Tray) -> tuple[dict[str, Answers], bool]:
    """The answers about this release's two arms by the question they answer, and whether gold items were left out."""
    arms = set(evidence.release.arms)
    gold = {one.item for one in evidence.ratings if one.expected is not None}
    gold |= {one.item for one in evidence.preferences if one.expected is not None}
    ratings: dict[str, list[Rating]] = defaultdict(list)
    preferences: dict[str, list[Preference]] = defaultdict(list)
    for grade in evidence.ratings:
        if grade.item in gold:
            tray.put(GOLD)
        elif grade.variant not in arms:
            tray.put(f"variant {grade.variant} is neither arm", grade.variant)
        else:
            ratings[grade.dimension].append(grade)
    for choice in evidence.preferences:
        if choice.item in gold:
            tray.put(GOLD)
        elif {choice.left, choice.right} != arms:
            tray.put("the pair is not control and candidate")
        else:
            preferences[choice.dimension].append(choice)
    names = sorted({*ratings, *preferences})
    return {name: Answers(tuple(ratings.get(name, ())), tuple(preferences.get(name, ()))) for name in names}, bool(gold)


def _asked(signal: Signal, forms: Mapping[str, Answers], tray: Tray) -> tuple[Answers | None, dict[str, Answers]]:
    """The answers that vote, and the others by dimension; None when several could and the policy names none."""
    if signal.dimension is None:
        if len(forms) > 1:
            return None, dict(forms)
        return next(iter(forms.values()), Answers()), {}
    others = {name: answers for name, answers in forms.items() if name != signal.dimension}
    for name, answers in others.items():
        why = f"dimension {name or 'without a name'} is not the one that the policy names"
        tray.put(why, rows=len(answers.all))
    return forms.get(signal.dimension, Answers()), others


def _estimates(signal: Signal, paired: Paired) -> tuple[dict[str, Estimate], dict[str, float]]:
    """The mean as ``raw`` and the net superiority beside it, with the variance components of the one that votes."""
    refused = _refused(signal, paired)
    if refused is not None:
        return ({"raw": refused, signal.estimate: refused}, {})
    if signal.estimate not in ("raw", "superiority"):
        raw, components = interval(signal, paired.cells, signal.confidence, net=paired.choices)
        return only_raw(signal, raw), components
    raw, parts = interval(signal, paired.cells, signal.confidence, net=paired.choices)
    voting, components = (raw, parts) if paired.choices else _effect(signal, paired.cells, False, signal.confidence)
    unknown = unknown_dimensions(signal, paired.cells, _label)
    voting = replace(voting, warnings=(*voting.warnings, *unknown))
    if paired.choices:
        return {"raw": voting, signal.estimate: voting}, components
    if signal.estimate == "superiority":
        return {"raw": replace(raw, unit=POINTS), "superiority": voting}, components
    return {"raw": voting, "superiority": superiority(signal, paired.cells, signal.confidence, NET)[0]}, components


def _beside(signal: Signal, paired: Paired, unit: str) -> Estimate:
    """The estimate of a dimension that does not vote."""
    refused = _refused(signal, paired)
    if refused is not None:
        return refused
    own = NET if paired.choices or signal.estimate == "superiority" else POINTS
    made = _effect(signal, paired.cells, paired.choices, signal.confidence)[0]
    return replace(made, unit="" if own == unit else own)


def _refused(signal: Signal, paired: Paired) -> Estimate | None:
    if not all(paired.per_arm) and not (paired.refused and not any(paired.per_arm)):
        return nothing(signal.confidence, paired.per_arm)
    if paired.refused or not paired.cells:
        return refusal(paired.refused or "no rater answered for both arms", signal.confidence, paired.per_arm)
    return None


def _effect(
    signal: Signal, cells: Sequence[Cell], choices: bool, confidence: float
) -> tuple[Estimate, dict[str, float]]:
    """Choices are a net preference as they are; grades become one when superiority votes."""
    if signal.estimate == "superiority" and not choices:
        return superiority(signal, cells, confidence)
    return interval(signal, cells, confidence, net=choices)


def _counts(paired: Paired, items: int) -> tuple[Measure, ...]:
    if paired.refused and not paired.grades:
        return tuple(Measure(name, None, paired.refused) for name in ("min_items", "min_raters", "paired"))
    raters = len({cell.rater for cell in paired.cells})
    seen = paired.items_seen
    return (
        Measure("min_items", items, f"{plural(items, 'items')} answered for both arms"),
        Measure("min_raters", raters, f"{plural(raters, 'raters')} who answered for both arms"),
        Measure("paired", items / seen if seen else None, f"{items:,} of {seen:,} items" if seen else "no items"),
    )


def _label(cell: Cell, dimension: str) -> str | None:
    return dict(cell.segment).get(dimension)
