"""The raw estimate of a judge: paired differences over items, all judges together and each by himself."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from signals.model import Estimate, Signal
from signals.readings.common import estimate, nothing, refusal
from signals.readings.judged import Item, Judged, Said
from signals.stats.difference import Difference, RefusedError
from signals.stats.paired import FEW_CHANGES, FEW_CLUSTERS, Spread, cluster_mean, components, tango
from signals.words import plural, share

MOST_JUDGES = 10
GIANT = 0.25  # of all items in one cluster


def raw(signal: Signal, judged: Judged) -> Estimate:
    """The estimate over all items that both arms have."""
    if not all(judged.per_arm) and not judged.refused:
        return nothing(signal.confidence, judged.per_arm)
    if judged.refused:
        return refusal(judged.refused, signal.confidence, judged.per_arm)
    found = paired(judged.items, signal.confidence)
    judges = jury(judged.items)
    if len(judges) < 2 or found.low is None:
        return found
    return replace(found, method=f"{found.method}; mean of {len(judges)} judges, taken as these very ones (fixed)")


def paired(items: Sequence[Item], confidence: float) -> Estimate:
    """Candidate minus control over items.

    Pass/fail scores, one per item and arm and no clusters, get Tango's score interval; all others the CRV3 cluster
    jackknife with a t quantile.
    """
    counts = (len(items), len(items))
    levels = (sum(item.control for item in items) / len(items), sum(item.candidate for item in items) / len(items))
    differences = [item.difference for item in items]
    clusters = [item.group for item in items]
    groups = len(set(clusters))
    alone = groups == len(items)
    if alone and all(item.pass_fail for item in items):
        return pass_fail(differences, confidence, levels)
    try:
        found = cluster_mean(differences, clusters, confidence)
    except RefusedError as refused:
        return refusal(str(refused), confidence, counts, levels=levels)
    over = "items" if alone else f"{groups} clusters of items"
    warnings = []
    if groups < FEW_CLUSTERS:
        warnings.append(f"only {plural(groups, 'clusters' if not alone else 'items')}: the interval is rough")
    elif not alone and found.largest > GIANT:
        warnings.append(f"one cluster holds {share(found.largest, 0)} of the items: the interval is rough")
    warnings += one_sided(differences, found.lopsided)
    return estimate(
        found.difference,
        f"paired by item, cluster-robust CRV3 over {over}, t({groups - 1})",
        confidence,
        counts,
        levels=levels,
        n_effective=found.n_effective,
        warnings=warnings,
    )


def pass_fail(differences: Sequence[float], confidence: float, levels: tuple[float, float]) -> Estimate:
    """Tango's score interval; ``differences`` are +1, 0 or -1, one per independent item."""
    gained, lost = sum(one > 0 for one in differences), sum(one < 0 for one in differences)
    warnings = []
    if gained + lost < FEW_CHANGES:
        warnings.append(f"only {plural(gained + lost, 'items')} changed: the interval may be wider than needed")
    return estimate(
        tango(gained, lost, len(differences), confidence),
        "paired by item, pass/fail, Tango score interval",
        confidence,
        (len(differences), len(differences)),
        levels=levels,
        warnings=warnings,
    )


def one_sided(differences: Sequence[float], lopsided: bool) -> list[str]:
    """Why a symmetric interval of these differences misses too often, if it does."""
    changed = sum(one != 0.0 for one in differences)
    if changed < FEW_CHANGES <= len(differences):
        return [f"only {plural(changed, 'items')} changed: the interval may be too narrow"]
    return ["few items make most of the difference: the interval may be too narrow"] if lopsided else []


def t_of(difference: Difference) -> str:
    """``t(38.2)``: which t quantile an interval has."""
    df = difference.df or 0.0
    return f"t({df:,.0f})" if df >= 100 else f"t({df:.3g})"


def jury(items: Sequence[Item]) -> dict[str, list[tuple[Item, Said]]]:
    """Per judge version what it said of its items, where several versions scored the same items; else nothing.

    A rubric that is written per item makes a version per item: those are no jury. Nor is a version that scored less
    than half of the items.
    """
    found: dict[str, list[tuple[Item, Said]]] = defaultdict(list)
    for item in items:
        for said in item.versions:
            found[said.judge].append((item, said))
    judges = {version: found[version] for version in sorted(found) if 2 * len(found[version]) >= len(items)}
    return judges if 2 <= len(judges) <= MOST_JUDGES else {}


def per_judge(items: Sequence[Item], confidence: float) -> dict[str, Estimate]:
    """``judge:NAME`` of each member of a jury, over the items that he scored."""
    return {
        f"judge:{version or 'unnamed'}": paired(
            [replace(item, control=said.control, candidate=said.candidate, scores=said.scores) for item, said in some],
            confidence,
        )
        for version, some in jury(items).items()
    }


def not_leaked(items: Sequence[Item], confidence: float) -> Estimate | None:
    """The raw estimate over the items that are not known to be in a training set; None when that is all or none.

    Those that were learnt by heart say nothing of the others, so this is how much of the effect could be memory.
    """
    rest = [item for item in items if not item.leaked]
    return paired(rest, confidence) if 0 < len(rest) < len(items) else None


def planning(items: Sequence[Item]) -> dict[str, float]:
    """Variance between items and within repeats, for independent items; empty without repeats."""
    if len({item.group for item in items}) < len(items):
        return {}
    spreads: list[tuple[Spread, Spread]] = [item.spreads for item in items]
    return components([item.difference for item in items], spreads)
