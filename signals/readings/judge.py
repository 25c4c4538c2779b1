"""Judge scores: paired by item, over one judge version that scored both arms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from signals.model import Estimate, Evidence, Measure, Numbers, Signal
from signals.readings.common import Tray, refusal, set_aside_share, span
from signals.readings.human import human_agreement
from signals.readings.judge_checks import ceiling, duplicates, golden_age, judge_drift, leaked, length_bias, same_judge
from signals.readings.judge_corrected import with_people
from signals.readings.judge_estimates import not_leaked, paired, per_judge, planning, raw
from signals.readings.judge_kin import independent_judge
from signals.readings.judge_weighted import coverage, effective_items, has_value, mix_shift_of, reweighted
from signals.readings.judged import Item, Judged, label, sort_out
from signals.readings.labels import MIXED, labels_of
from signals.readings.segments import segmented, unknown_dimensions
from signals.words import plural


def measure(signal: Signal, evidence: Evidence) -> Numbers:
    """Numbers of a judge signal.

    Repeats are averaged within item, arm and judge version, then judge versions within item and arm, then differences
    are taken within items. Beside ``raw`` stand the estimates that the evidence allows: ``reweighted`` and
    ``value_weighted`` with a traffic mix, ``corrected``, ``human`` and ``judge_bias`` with people's grades,
    ``judge:NAME`` of each member of a jury, ``not_leaked``, ``worst_segment``. The one that votes always stands there,
    refused with its reason when it cannot be computed; the raw number never takes its place.
    """
    tray = Tray()
    judged = sort_out(signal, evidence, tray)
    whole = raw(signal, judged)
    if judged.items:
        whole = replace(whole, warnings=(*whole.warnings, *unknown_dimensions(signal, judged.items, label)))
    estimates, special, components = _others(signal, evidence, judged, whole)
    parts = segmented(signal, whole, judged.items, judged.items, label, _segment)
    first, last = span(score.at for score in judged.kept)
    return Numbers(
        signal=signal.name,
        kind=signal.kind,
        unit=judged.unit,
        voting=signal.estimate,
        estimates={"raw": whole, **estimates, **parts.worst},
        measures=(
            *_pairing(judged),
            same_judge(judged),
            independent_judge(judged, evidence),
            judged.error_rate,
            _agreement(signal, evidence, judged),
            *special,
            judge_drift(judged.valid, signal.confidence),
            length_bias(judged.items, judged.unit),
            ceiling(judged.items, judged.unit),
            golden_age(judged.items, last),
            duplicates(judged.items),
            leaked(judged.items, judged.unit, estimates.get("not_leaked")),
            set_aside_share(evidence, len(evidence.scores), tray),
            *parts.measures,
        ),
        segments=parts.segments,
        set_aside=(*evidence.set_aside, *tray.entries()),
        sources=evidence.sources,
        first_at=first,
        last_at=last,
        counted="items",
        components={**planning(judged.items), **components},
    )


def _others(
    signal: Signal, evidence: Evidence, judged: Judged, whole: Estimate
) -> tuple[dict[str, Estimate], tuple[Measure, ...], Mapping[str, float]]:
    """Every estimate but the raw one, the checks that come with them, and what raters add to the errors."""
    items = judged.items
    labels = labels_of(signal, evidence, items, judged.unit)
    people = with_people(signal, items, labels, judged.unit)
    weighted = reweighted(signal, evidence, items)
    found: dict[str, Estimate] = {}
    if weighted.estimate.refused is None:
        found["reweighted"] = weighted.estimate
        if has_value(evidence):
            valued = reweighted(signal, evidence, items, value=True).estimate
            if valued.refused is None:
                found["value_weighted"] = valued
    found |= {name: one for name, one in people.estimates.items() if one.refused is None or name == "corrected"}
    found |= {name: one for name, one in per_judge(items, signal.confidence).items() if one.refused is None}
    unspoilt = not_leaked(items, signal.confidence)
    if unspoilt is not None and unspoilt.refused is None:
        found["not_leaked"] = unspoilt
    if signal.estimate != "raw" and not items:
        found[signal.estimate] = whole
    elif signal.estimate == "reweighted":
        found["reweighted"] = weighted.estimate
    elif signal.estimate == "corrected" and "corrected" not in found:
        counts = (len(items), len(items))
        found["corrected"] = refusal(people.why_not or "no human grades", signal.confidence, counts)
    elif signal.estimate != "corrected" and "corrected" in found and found["corrected"].refused is not None:
        del found["corrected"]
    mix = coverage(evidence, items), mix_shift_of(evidence, items), effective_items(evidence, weighted)
    return found, (*mix, *people.measures), people.components


def _agreement(signal: Signal, evidence: Evidence, judged: Judged) -> Measure:
    if signal.people == "mixed" and evidence.human:
        return Measure("human_agreement", None, MIXED)
    clusters = {one.name: one.group for one in judged.items}
    mirrored = signal.people == "mirrored"
    return human_agreement(evidence, judged.outputs, signal.dimension, clusters, mirrored=mirrored)


def _segment(ours: Sequence[Item], _theirs: Sequence[Item], confidence: float, _parts: int) -> Estimate:
    return paired(ours, confidence)


def _pairing(judged: Judged) -> tuple[Measure, Measure]:
    pairs, union = len(judged.items), judged.union
    return (
        Measure("min_items", pairs, f"{plural(pairs, 'items')} in both arms"),
        Measure("paired", pairs / union if union else None, f"{pairs:,} of {union:,} items" if union else "no items"),
    )
