"""The interval of a panel's cells: one value per item and rater."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from signals.model import Estimate, Segment, Signal
from signals.readings.common import estimate, nothing, refusal
from signals.stats.difference import RefusedError
from signals.stats.paired import cluster_mean
from signals.stats.panel import Crossed, Design, crossed_mean, within_one
from signals.words import plural

FEW_RATERS = 10
ROUGHLY = 0.2
"""Below so many raters, or when their spread being one standard error larger would add so much to the variance, it is
known too roughly to rely on: intervals are too wide when raters are alike and too narrow when a few are unusual."""

FEW_DISSENTERS = 10
"""Below so many items with an answer against the majority, a share near its end has a skewed error."""

DESIGNS: dict[Design, str] = {
    "crossed": "items and raters random, mean over items, Satterthwaite t({df:.1f})",
    "items within raters": "each item by one rater: raters random, mean over items, CRV3 over raters, t({df:.0f})",
    "raters within items": "each rater on one item: items random, mean over items, t({df:.0f})",
}


class Cell(NamedTuple):
    """What one rater said of one item: candidate minus control, or the net preference."""

    item: str
    rater: str
    value: float
    control: float | None = None
    candidate: float | None = None
    segment: Segment = ()


def interval(
    signal: Signal, cells: Sequence[Cell], confidence: float, *, net: bool = False
) -> tuple[Estimate, dict[str, float]]:
    """The estimate and its variance components for planning; refused below two items or two raters.

    ``net`` says that the cells are net preferences, which cannot leave -1 to 1.
    """
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
            return _fixed(cells, found, confidence, levels, net=net), found.planning
    except RefusedError as refused:
        effect = _item_mean([(cell.item, cell.value) for cell in cells])
        return replace(refusal(str(refused), confidence, (items, items), levels=levels), effect=effect), {}
    warnings = []
    if found.raters < FEW_RATERS or found.uncertain > ROUGHLY:
        warnings.append(f"only {plural(found.raters, 'raters')}: how much raters differ is known roughly")
    made = estimate(
        within_one(found.difference, confidence) if net else found.difference,
        DESIGNS[found.design].format(df=found.difference.df),
        confidence,
        (items, items),
        levels=levels,
        n_effective=found.n_effective,
        warnings=[*warnings, *_one_sided(cells, net), *_all_agree(cells, found)],
    )
    return made, found.planning


def superiority(
    signal: Signal, cells: Sequence[Cell], confidence: float, unit: str = ""
) -> tuple[Estimate, dict[str, float]]:
    """Share of paired grades that are better for the candidate minus share that are worse, -1 to 1; ties are 0.

    It asks of a scale only which of two grades is the better one: P(better) - P(worse) for a random item and rater.
    """
    made, components = interval(signal, signs(cells), confidence, net=True)
    method = f"share better minus share worse; {made.method}" if made.method else ""
    return replace(made, method=method, unit=unit), components


def signs(cells: Sequence[Cell]) -> list[Cell]:
    """Grades as choices: +1 where the candidate's is the higher one, -1 where it is the lower one."""
    return [Cell(one.item, one.rater, float((one.value > 0) - (one.value < 0)), segment=one.segment) for one in cells]


def _fixed(
    cells: Sequence[Cell], found: Crossed, confidence: float, levels: tuple[float | None, float | None], *, net: bool
) -> Estimate:
    """The policy says that these raters' word is the rule: only items are a sample."""
    by_item: dict[str, list[float]] = defaultdict(list)
    for cell in cells:
        by_item[cell.item].append(cell.value)
    means = [sum(values) / len(values) for _, values in sorted(by_item.items())]
    mean = cluster_mean(means, sorted(by_item), confidence)
    return estimate(
        within_one(mean.difference, confidence) if net else mean.difference,
        f"items random, these {found.raters} raters fixed, paired by item, t({mean.clusters - 1})",
        confidence,
        (mean.clusters, mean.clusters),
        levels=levels,
        n_effective=mean.n_effective,
        warnings=[f"speaks of these {found.raters} raters only: others may see it otherwise", *_one_sided(cells, net)],
    )


def _one_sided(cells: Sequence[Cell], net: bool) -> list[str]:
    """For choices and signs: whether nearly all answers lean one way, or are ties."""
    if not net:
        return []
    usual = Counter(sorted(cell.value for cell in cells)).most_common(1)[0][0]
    dissent = len({cell.item for cell in cells if cell.value != usual})
    if dissent >= FEW_DISSENTERS:
        return []
    return [f"nearly all answers are alike: {plural(dissent, 'items')} with another one tell the spread only roughly"]


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
