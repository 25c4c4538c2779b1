"""Judge scores: paired by item, over one judge version that scored both arms."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from signals.model import Estimate, Evidence, ItemScore, Measure, Numbers, Signal
from signals.readings.common import Tray, estimate, nothing, only_raw, refusal, set_aside_share, span
from signals.readings.human import human_agreement
from signals.readings.segments import segment_estimates, unknown_dimensions
from signals.stats.difference import RefusedError
from signals.stats.paired import FEW_CLUSTERS, cluster_mean, tango
from signals.words import plural

OTHER_VERSION = "judge version did not score both arms of the item"


@dataclass(frozen=True)
class Item:
    """One item that both arms have: mean scores and how many scores went into them."""

    name: str
    control: float
    candidate: float
    scores: tuple[int, int]
    cluster: str
    labels: frozenset[tuple[str, str]]


@dataclass(frozen=True)
class Judged:
    """The scores of one scorer, sorted out."""

    items: tuple[Item, ...] = ()
    union: int = 0  # items seen in either arm
    per_arm: tuple[int, int] = (0, 0)  # items with a score, whichever judge version gave it
    judges: int = 0  # judge versions among the kept scores
    dropped: int = 0  # scores of versions that did not score both arms of their item
    error_rate: Measure = field(default_factory=lambda: Measure("max_error_rate", None, "nothing was judged"))
    outputs: Mapping[tuple[str, str], float] = field(default_factory=dict)  # (item, variant) -> mean score
    kept: tuple[ItemScore, ...] = ()
    refused: str | None = None


def measure(signal: Signal, evidence: Evidence) -> Numbers:
    """Numbers of a judge signal.

    Repeats are averaged within item, arm and judge version, then judge versions within item and arm, then differences
    are taken within items. Pass/fail scores, one per item and arm and no clusters, get Tango's score interval; all
    others the CRV3 cluster jackknife with a t quantile. Only ``raw`` is computed: a policy that lets another estimate
    vote gets a refusal under that name, never the raw one in its place.
    """
    tray = Tray()
    judged = _sort_out(signal, evidence, tray)
    raw = _raw(signal, judged)
    if judged.items:
        raw = replace(raw, warnings=(*raw.warnings, *unknown_dimensions(signal, judged.items, _label)))
    scores = [score.value for score in judged.kept if score.value is not None]
    first, last = span(score.at for score in judged.kept)
    paired, union = len(judged.items), judged.union
    measures = (
        Measure("min_items", paired, f"{plural(paired, 'items')} in both arms"),
        Measure("paired", paired / union if union else None, f"{paired:,} of {union:,} items" if union else "no items"),
        _same_judge(judged),
        judged.error_rate,
        _coverage(evidence, judged.items),
        human_agreement(evidence, judged.outputs),
        set_aside_share(evidence, len(evidence.scores), tray),
    )
    return Numbers(
        signal=signal.name,
        kind=signal.kind,
        unit="pp" if scores and all(0.0 <= value <= 1.0 for value in scores) else "points",
        voting=signal.estimate,
        estimates=only_raw(signal, raw),
        measures=measures,
        segments=segment_estimates(
            signal,
            judged.items,
            judged.items,
            _label,
            lambda ours, _theirs, confidence, _parts: _paired(ours, confidence),
        ),
        set_aside=(*evidence.set_aside, *tray.entries()),
        sources=evidence.sources,
        first_at=first,
        last_at=last,
        counted="items",
    )


def _sort_out(signal: Signal, evidence: Evidence, tray: Tray) -> Judged:
    control, candidate = evidence.release.arms
    everyone = []
    for score in evidence.scores:
        if score.variant in (control, candidate):
            everyone.append(score)
        else:
            tray.put(f"variant {score.variant} is neither arm", score.variant)
    mine, refused = _one_scorer(everyone, signal, tray)
    basis = mine or everyone
    judged = Judged(
        union=len({score.item for score in basis}), per_arm=_items_per_arm(basis, control, candidate), refused=refused
    )
    if refused or not mine:
        return judged
    _set_errors_aside(mine, tray)
    kept, dropped = _one_version(mine, tray)
    items, outputs = _pair(kept, control, candidate, tray)
    if not items:
        refused = _why_no_pair(judged, dropped, control, candidate)
    return replace(
        judged,
        items=items,
        outputs=outputs,
        kept=kept,
        judges=len({score.fingerprint for score in kept}),
        dropped=dropped,
        error_rate=_error_rate(mine, control, candidate),
        refused=refused,
    )


def _one_scorer(scores: list[ItemScore], signal: Signal, tray: Tray) -> tuple[list[ItemScore], str | None]:
    """The scores of the scorer that the policy names, or of the only one; else none, and why."""
    scorers = sorted({score.scorer for score in scores})
    if signal.scorer is None:
        if len(scorers) > 1:
            names = ", ".join(scorers[:8])
            return [], (
                f"the evidence has {len(scorers)} scorers ({names}) and the policy names none: "
                "set `scorer:` on the signal"
            )
        return scores, None
    for score in scores:
        if score.scorer != signal.scorer:
            name = score.scorer or "without a name"
            tray.put(f"scorer {name} is not the one that the policy names", score.variant)
    mine = [score for score in scores if score.scorer == signal.scorer]
    if scores and not mine:
        return [], f"no score by scorer {signal.scorer!r}; the evidence has {', '.join(scorers[:8])}"
    return mine, None


def _items_per_arm(scores: Sequence[ItemScore], control: str, candidate: str) -> tuple[int, int]:
    def count(arm: str) -> int:
        return len({score.item for score in scores if score.variant == arm and score.value is not None})

    return count(control), count(candidate)


def _one_version(scores: Sequence[ItemScore], tray: Tray) -> tuple[tuple[ItemScore, ...], int]:
    """The scores whose judge version is the same in both arms of their item, and how many were dropped for that.

    Item by item, because a rubric that is written per item makes a version per item. An item that only one arm has is
    kept here: nothing says that its judge changed, and it is set aside as unpaired later.
    """
    versions: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    valid = [score for score in scores if score.value is not None]
    for score in valid:
        versions[score.item][score.variant].add(score.fingerprint)
    kept = []
    for score in valid:
        arms = list(versions[score.item].values())
        if len(arms) == 2 and score.fingerprint not in arms[0] & arms[1]:
            tray.put(OTHER_VERSION, score.variant)
        else:
            kept.append(score)
    return tuple(kept), len(valid) - len(kept)


def _why_no_pair(judged: Judged, dropped: int, control: str, candidate: str) -> str:
    for arm, items in zip((control, candidate), judged.per_arm, strict=True):
        if not items:
            return f"no usable score for {arm}"
    return "the two arms were scored by different judge versions" if dropped else "no item was scored in both arms"


def _set_errors_aside(scores: Sequence[ItemScore], tray: Tray) -> None:
    for score in scores:
        if score.value is None:
            words = (score.error or "no value").replace("_", " ")
            tray.put(f"no score: {words}", score.variant, fault=score.error != "skipped")


def _error_rate(scores: Sequence[ItemScore], control: str, candidate: str) -> Measure:
    """Failed over all judgements, in the worse arm; what was skipped on purpose was not tried."""
    worst, where = -1.0, ""
    for arm in (control, candidate):
        tried = [score for score in scores if score.variant == arm and score.error != "skipped"]
        if tried:
            failed = sum(score.value is None for score in tried)
            if failed / len(tried) > worst:
                worst, where = failed / len(tried), f"{failed:,} of {len(tried):,} judgements of {arm}"
    if worst < 0.0:
        return Measure("max_error_rate", None, "nothing was judged")
    return Measure("max_error_rate", worst, where)


def _pair(
    kept: Sequence[ItemScore], control: str, candidate: str, tray: Tray
) -> tuple[tuple[Item, ...], dict[tuple[str, str], float]]:
    """Mean score per item, judge version and arm; then over the versions that scored both arms of the item."""
    found: dict[str, dict[str, dict[str, list[ItemScore]]]] = defaultdict(
        lambda: defaultdict(lambda: defaultdict(list))
    )
    by_output: dict[tuple[str, str], list[float]] = defaultdict(list)
    for score in kept:
        found[score.item][score.fingerprint][score.variant].append(score)
    items = []
    for name in sorted(found):
        pairs = []
        records: list[ItemScore] = []
        for arms in (found[name][version] for version in sorted(found[name])):
            means = {arm: _mean(scores) for arm, scores in arms.items()}
            for arm, value in means.items():
                by_output[name, arm].append(value)
            records += [score for scores in arms.values() for score in scores]
            if len(means) == 2:
                pairs.append((means[control], means[candidate], len(arms[control]), len(arms[candidate])))
            else:
                arm, scores = next(iter(arms.items()))
                tray.put("item was scored in one arm only", arm, len(scores))
        if pairs:
            items.append(
                Item(
                    name,
                    sum(pair[0] for pair in pairs) / len(pairs),
                    sum(pair[1] for pair in pairs) / len(pairs),
                    (sum(pair[2] for pair in pairs), sum(pair[3] for pair in pairs)),
                    min((score.cluster for score in records if score.cluster), default=""),
                    frozenset(label for score in records for label in score.segment),
                )
            )
    return tuple(items), {output: sum(values) / len(values) for output, values in by_output.items()}


def _mean(scores: Sequence[ItemScore]) -> float:
    values = sorted(score.value for score in scores if score.value is not None)
    return sum(values) / len(values)


def _label(item: Item, dimension: str) -> str | None:
    return min((value for name, value in item.labels if name == dimension), default=None)


def _raw(signal: Signal, judged: Judged) -> Estimate:
    if not all(judged.per_arm) and not judged.refused:
        return nothing(signal.confidence, judged.per_arm)
    if judged.refused:
        return refusal(judged.refused, signal.confidence, judged.per_arm)
    return _paired(judged.items, signal.confidence)


def _paired(items: Sequence[Item], confidence: float) -> Estimate:
    counts = (len(items), len(items))
    levels = (sum(item.control for item in items) / len(items), sum(item.candidate for item in items) / len(items))
    clusters = [("cluster", item.cluster) if item.cluster else ("item", item.name) for item in items]
    groups = len(set(clusters))
    alone = groups == len(items)
    once = all(item.scores == (1, 1) for item in items)
    if once and alone and all(item.control in (0.0, 1.0) and item.candidate in (0.0, 1.0) for item in items):
        gained = sum(item.candidate > item.control for item in items)
        lost = sum(item.candidate < item.control for item in items)
        difference = tango(gained, lost, len(items), confidence)
        return estimate(
            difference, "paired by item, pass/fail, Tango score interval", confidence, counts, levels=levels
        )
    try:
        found = cluster_mean([item.candidate - item.control for item in items], clusters, confidence)
    except RefusedError as refused:
        return refusal(str(refused), confidence, counts, levels=levels)
    over = "items" if alone else f"{groups} clusters of items"
    method = f"paired by item, cluster-robust CRV3 over {over}, t({groups - 1})"
    warnings = []
    if groups < FEW_CLUSTERS:
        warnings.append(f"only {plural(groups, 'clusters' if not alone else 'items')}: the interval is rough")
    return estimate(
        found.difference,
        method,
        confidence,
        counts,
        levels=levels,
        n_effective=found.n_effective,
        warnings=warnings,
    )


def _same_judge(judged: Judged) -> Measure:
    if not judged.kept and not judged.dropped:
        return Measure("same_judge", None, "nothing was judged")
    if judged.dropped:
        why = f"{plural(judged.dropped, 'scores')} by a judge version that did not score both arms of the item"
        return Measure("same_judge", 0.0, why)
    if any(not score.fingerprint for score in judged.kept):
        return Measure("same_judge", None, "the source does not say which judge version scored: map `scorer_version`")
    if judged.judges > 1:
        why = f"every item has one judge version in both arms ({judged.judges} versions or rubrics in all)"
        return Measure("same_judge", 1.0, why)
    return Measure("same_judge", 1.0, "one judge version scored both arms")


def _coverage(evidence: Evidence, items: Sequence[Item]) -> Measure:
    """Share of the newest traffic mix whose segment has at least one paired item."""
    if not evidence.mix:
        return Measure("coverage", None, "the traffic mix is not known")
    newest = max(cell.window for cell in evidence.mix)
    mix = [cell for cell in evidence.mix if cell.window == newest]
    total = sum(cell.share for cell in mix)
    if total <= 0:
        return Measure("coverage", None, "the traffic mix has no shares")
    kinds = {item.labels for item in items}
    covered = sum(cell.share for cell in mix if any(labels.issuperset(cell.segment) for labels in kinds))
    return Measure("coverage", min(1.0, covered / total), f"{len(mix)} segments of traffic")
