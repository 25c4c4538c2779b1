"""The interval of a panel's cells: one value per item and rater."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from signals.model import Estimate, Segment, Signal
from signals.readings.common import estimate, nothing, refusal
from signals.stats.difference import RefusedError
from signals.stats.paired import cluster_mean
from signals.stats.panel import Crossed, crossed_mean
from signals.words import plural

FEW_RATERS = 3


@dataclass(frozen=True)
class Cell:
    """What one rater said of one item: candidate minus control, or the net preference."""

    item: str
    rater: str
    value: float
    control: float | None = None
    candidate: float | None = None
    segment: Segment = ()


def interval(signal: Signal, cells: Sequence[Cell], confidence: float) -> tuple[Estimate, dict[str, float]]:
    """The estimate and its variance components; refused below two items or two raters."""
    items = len({cell.item for cell in cells})
    if not items:
        return nothing(confidence, (0, 0)), {}
    levels = (
        _item_mean([(cell.item, cell.control) for cell in cells]),
        _item_mean([(cell.item, cell.candidate) for cell in cells]),
    )
    try:
        found = crossed_mean([(cell.item, cell.rater, cell.value) for cell in cells], confidence)
        if signal.raters == "fixed":
            return _fixed(cells, found, confidence, levels), found.components
    except RefusedError as refused:
        return refusal(str(refused), confidence, (items, items), levels=levels), {}
    warnings = []
    if found.raters <= FEW_RATERS:
        warnings.append(f"only {plural(found.raters, 'raters')}: how much raters differ is known roughly")
    made = estimate(
        found.difference,
        f"items and raters random, mean over items, Satterthwaite t({found.difference.df:.1f})",
        confidence,
        (items, items),
        levels=levels,
        n_effective=found.n_effective,
        warnings=[*warnings, *_all_agree(cells, found)],
    )
    return made, found.components


def _fixed(
    cells: Sequence[Cell], found: Crossed, confidence: float, levels: tuple[float | None, float | None]
) -> Estimate:
    """The policy says that these raters' word is the rule: only items are a sample."""
    by_item: dict[str, list[float]] = defaultdict(list)
    for cell in cells:
        by_item[cell.item].append(cell.value)
    means = [sum(values) / len(values) for _, values in sorted(by_item.items())]
    mean = cluster_mean(means, sorted(by_item), confidence)
    return estimate(
        mean.difference,
        f"items random, these {found.raters} raters fixed, paired by item, t({mean.clusters - 1})",
        confidence,
        (mean.clusters, mean.clusters),
        levels=levels,
        n_effective=mean.n_effective,
        warnings=[f"speaks of these {found.raters} raters only: others may see it otherwise"],
    )


def _all_agree(cells: Sequence[Cell], found: Crossed) -> list[str]:
    """When the interval crosses zero although no rater does: say that it is the number of raters that is wanting."""
    if found.difference.low > 0 or found.difference.high < 0:
        return []
    sums: dict[str, float] = defaultdict(float)
    for cell in cells:
        sums[cell.rater] += cell.value
    above = [total > 0 for total in sums.values()]
    if any(total == 0 for total in sums.values()) or len(set(above)) > 1:
        return []
    side = "above" if above[0] else "below"
    return [f"every rater's mean is {side} 0, but {plural(found.raters, 'raters')} are too few to speak for others"]


def _item_mean(values: Sequence[tuple[str, float | None]]) -> float | None:
    by_item: dict[str, list[float]] = defaultdict(list)
    for item, value in values:
        if value is not None:
            by_item[item].append(value)
    return sum(sum(found) / len(found) for found in by_item.values()) / len(by_item) if by_item else None
