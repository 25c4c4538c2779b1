"""Quantiles of an experiment, from the order statistics that the source computed."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date
from functools import partial

from signals.model import Estimate, Evidence, Measure, Metric, QuantileCell, Signal, SignalsError
from signals.readings.common import estimate, nothing, only_raw, refusal
from signals.readings.experiment_effect import ENOUGH_EVENTS, Design
from signals.readings.experiment_weighted import Weighted, reweighted
from signals.readings.segments import Segmented, segmented
from signals.stats.difference import Difference, RefusedError, critical
from signals.stats.quantile import apart, ladder, quantile_difference
from signals.words import moment

FEW_BEYOND = 60
LEAST_P = 1e-6

Cells = Sequence[QuantileCell]


@dataclass(frozen=True)
class Quantiles:
    """What a quantile metric comes to."""

    estimates: Mapping[str, Estimate]
    segmented: Segmented | None
    weighted: Weighted


def quantiles(signal: Signal, metric: Metric, evidence: Evidence, design: Design, problem: str | None) -> Quantiles:
    """The effect on a quantile, and on that of every segment.

    Raises:
        SignalsError: When the metric does not say which quantile.
    """
    if metric.quantile is None:
        raise SignalsError(f"signal {signal.name!r}: metric type quantile says not which", "Add `quantile: 0.9` to it")
    control, candidate = (_mine(signal, metric, evidence, arm) for arm in evidence.release.arms)
    counts = _count(control), _count(candidate)
    problem = problem or _problem(metric, design, (*control, *candidate))
    if not problem and not any(counts) and evidence.outcomes:
        problem = "the source gave no quantiles: set `quantile:` and `grain: unit` on the source"
    if problem:
        sizes = counts if any(counts) else _units_by_arm(evidence)
        raw = refusal(problem, signal.confidence, sizes) if any(sizes) else nothing(signal.confidence, sizes)
    else:
        raw = effect(design, _whole(control), _whole(candidate))
    of = replace(design, kind="quantile")
    weighted = reweighted(signal, evidence, of, (control, candidate), partial(effect, of), problem=problem)
    estimates = {**only_raw(signal, raw), **weighted.beside(raw, votes=signal.estimate == "reweighted")}
    if problem or not any(counts):
        return Quantiles(estimates, None, weighted)
    return Quantiles(estimates, _segments(signal, design, estimates[signal.estimate], control, candidate), weighted)


def effect(design: Design, control: Cells, candidate: Cells, confidence: float = 0.0, parts: int = 1) -> Estimate:
    """Candidate minus control of one quantile; each arm is one cell.

    Args:
        design: Looks and family.
        control: The control's cell.
        candidate: The candidate's cell.
        confidence: Two-sided (default: the design's).
        parts: In how many parts the planned units are divided.
    """
    confidence = confidence or design.confidence
    counts = _count(control), _count(candidate)
    if not all(counts):
        return nothing(confidence, counts)
    levels = control[0].value, candidate[0].value
    name = f"difference of {100 * control[0].quantile:g} % quantiles"
    if len(control) > 1 or len(candidate) > 1:
        why = "two sources gave quantiles of one arm, and quantiles do not add up"
        return refusal(why, confidence, counts)
    try:
        each = design.each(confidence)
        if design.looks.continuous:
            found = _any_time(design, control[0], candidate[0], each, parts)
            method = f"{name}, both arms' order statistics at once"
        else:
            found = quantile_difference(ladder(candidate[0]), ladder(control[0]), design.looks.once(each))
            found = replace(found, p_value=design.looks.p_value(found.p_value, each))
            method = f"{name}, order statistics of both arms (MOVER)"
    except RefusedError as refused:
        return refusal(str(refused), confidence, counts, levels=levels)
    found = replace(found, p_value=min(1.0, design.family * found.p_value))
    return estimate(found, method + design.suffix, confidence, counts, warnings=_few(control[0], candidate[0]))


def _any_time(
    design: Design, control: QuantileCell, candidate: QuantileCell, confidence: float, parts: int
) -> Difference:
    """Each arm's interval is valid at any look at half of the error rate, so their difference is too.

    The share of units below the true quantile is a mean with known variance q(1 - q): the confidence sequence of a mean
    bounds its rank.
    """
    beyond = min(_beyond(control), _beyond(candidate))
    if beyond < ENOUGH_EVENTS:
        raise RefusedError(
            f"an arm has {beyond:,.0f} units beyond the quantile; the always-valid interval needs {ENOUGH_EVENTS}"
        )
    total = control.n + candidate.n
    ours, theirs = ladder(candidate), ladder(control)

    def at(alpha: float) -> tuple[float, float]:
        half = 1.0 - alpha / 2.0
        reach = [design.looks.reach(cell.n, half, cell.n / total / parts) for cell in (candidate, control)]
        return apart(ours, theirs, (reach[0], reach[1]))

    low, high = at(1.0 - confidence)
    value = candidate.value - control.value
    p = _least_alpha(at, 1.0 - confidence, excluded=low > 0.0 or high < 0.0)
    return Difference(
        value, (high - low) / (2.0 * critical(confidence)), low, high, p, None, control.value, candidate.value
    )


def _least_alpha(at: Callable[[float], tuple[float, float]], alpha: float, *, excluded: bool) -> float:
    """The least error rate at which the interval leaves out zero: below ``alpha`` exactly when ``excluded``."""
    least, most = (LEAST_P, alpha) if excluded else (alpha, 1.0)
    for _ in range(30):
        middle = math.sqrt(least * most)
        try:
            low, high = at(min(middle, 1.0 - 1e-9))
        except RefusedError:
            low, high = -math.inf, math.inf
        if low > 0.0 or high < 0.0:
            most = middle
        else:
            least = middle
    return most


def _segments(signal: Signal, design: Design, raw: Estimate, control: Cells, candidate: Cells) -> Segmented:
    """Segments from the cells per value: each is about one dimension, so every dimension is read by itself."""
    split = [[cell for cell in cells if len(cell.segment) == 1] for cells in (control, candidate)]
    declared = {cell.segment for cells in split for cell in cells if cell.segment[0][0] in signal.segments}
    joint = 1.0 - (1.0 - signal.confidence) / max(1, len(declared))

    def label(cell: QuantileCell, dimension: str) -> str | None:
        return dict(cell.segment).get(dimension)

    def part(ours: Cells, theirs: Cells, confidence: float, parts: int) -> Estimate:
        # The adjusted bounds hold over the segments of all dimensions.
        return effect(design, ours, theirs, joint if confidence > signal.confidence else confidence, parts)

    found = []
    for dimension in signal.segments:
        ours, theirs = ([cell for cell in cells if label(cell, dimension) is not None] for cells in split)
        if ours or theirs:
            found.append(segmented(replace(signal, segments=(dimension,)), raw, ours, theirs, label, part))
    return _joined(signal, found) if found else segmented(signal, raw, [], [], label, part)


def _joined(signal: Signal, found: Sequence[Segmented]) -> Segmented:
    """Several dimensions as one: the least p-value times their number, the sum of the reversals, the worst of all."""
    measures = []
    for same in zip(*(one.measures for one in found), strict=True):
        known = [(one.value, one.why) for one in same if one.value is not None]
        if not known:
            measures.append(same[0])
            continue
        values = [value for value, _ in known]
        together = min(1.0, len(known) * min(values)) if same[0].name.endswith("_p") else sum(values)
        measures.append(Measure(same[0].name, together, "; ".join(dict.fromkeys(why for _, why in known))))
    worst = [one.worst for one in found if one.worst]
    least = (
        min(worst, key=lambda one: min(signal.sign * (part.effect or 0.0) for part in one.values())) if worst else {}
    )
    return Segmented(tuple(part for one in found for part in one.segments), tuple(measures), least)


def _mine(signal: Signal, metric: Metric, evidence: Evidence, arm: str) -> list[QuantileCell]:
    known = {metric.name, signal.name, ""}
    return [cell for cell in evidence.quantiles if cell.variant == arm and cell.metric in known and cell.n > 0]


def _whole(cells: Cells) -> list[QuantileCell]:
    return [cell for cell in cells if not cell.segment]


def _count(cells: Cells) -> int:
    return sum(cell.n for cell in cells if not cell.segment) or sum(cell.n for cell in cells if cell.segment)


def _units_by_arm(evidence: Evidence) -> tuple[int, int]:
    control, candidate = (
        sum(cell.moments.n for cell in evidence.outcomes if cell.variant == arm) for arm in evidence.release.arms
    )
    return control, candidate


def _problem(metric: Metric, design: Design, cells: Cells) -> str | None:
    """Why these cells cannot answer."""
    others = sorted({cell.quantile for cell in cells if abs(cell.quantile - (metric.quantile or 0.0)) > 1e-9})
    if others:
        return (
            f"the source gives the {100 * others[0]:g} % quantile and the policy asks for the "
            f"{100 * (metric.quantile or 0.0):g} %: set `quantile: {metric.quantile:g}` on the source"
        )
    if design.clustered or any(cell.counted == "clusters" for cell in cells):
        return "clusters were randomised, and the interval of a quantile needs independent units"
    ends = design.looks.until
    if ends is not None and any(_day(cell) is None or _day(cell) >= ends for cell in cells):  # type: ignore[operator]  # None was asked for first
        return f"a quantile cannot be taken back to the planned look on {moment(ends)}: later units are in it"
    return None


def _day(cell: QuantileCell) -> date | None:
    return cell.at.astimezone(UTC).date() if cell.at else None


def _beyond(cell: QuantileCell) -> float:
    return cell.n * min(cell.quantile, 1.0 - cell.quantile)


def _few(control: QuantileCell, candidate: QuantileCell) -> list[str]:
    """Below 60 units beyond the quantile the interval covers 96.5 to 98 %."""
    least = min(_beyond(control), _beyond(candidate))
    if least >= FEW_BEYOND:
        return []
    return [f"few units lie beyond the quantile ({least:,.0f} in an arm): the interval may be wider than needed"]
