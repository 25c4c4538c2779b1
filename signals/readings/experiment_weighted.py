"""An experiment's effect as the traffic would have it: the effects of segments, by the declared share of each.

The estimand is the **traffic-weighted mean of the segments' effects**. Of proportions and means that is the effect on a
population with the declared mix (post-stratification; Cochran 1977, Sampling Techniques, 5A.9). Of quantiles and ratios
it is not: a 90 % quantile of all traffic is no mean of the segments' quantiles. There it is what it says, how much the
quantile moves in a segment, averaged over the traffic that the segments have.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from signals.model import Estimate, Evidence, Interval, Measure, OutcomeCell, QuantileCell, Segment, Signal
from signals.readings.common import estimate, refusal
from signals.readings.experiment_effect import Design
from signals.readings.judge_weighted import NO_MIX, margins_of, newest_mix
from signals.stats.combined import least_alpha, mover_sum, p_recovered, sum_of_bounds
from signals.stats.difference import Difference, RefusedError, critical
from signals.words import plural, share

HALF = 0.5  # of the traffic: what speaks for less is refused
MATTERS = 0.05  # of the traffic: the warnings of smaller segments are not repeated
ROUNDING = 1e-9
SHOWN = 4  # names of segments in a clause

Cell = TypeVar("Cell", OutcomeCell, QuantileCell)
Effect = Callable[[Sequence[Cell], Sequence[Cell], float, int], Estimate]
"""(control cells, candidate cells, confidence, segments) -> candidate minus control."""


@dataclass(frozen=True)
class Weighted:
    """What the traffic mix makes of an experiment: by traffic, by value where it is known, and how far it reaches."""

    by_traffic: Estimate
    by_value: Estimate | None
    coverage: Measure

    def beside(self, raw: Estimate, *, votes: bool) -> Mapping[str, Estimate]:
        """The estimates to show beside ``raw``; one that was refused only where it votes."""
        found = {}
        if self.by_traffic.refused is None:
            found["reweighted"] = self.by_traffic
        elif votes:  # without units in both arms there is nothing to weigh: the reading is missing
            found["reweighted"] = self.by_traffic if raw.n_control and raw.n_candidate else raw
        if self.by_value is not None and self.by_value.refused is None:
            found["value_weighted"] = self.by_value
        return found


@dataclass(frozen=True)
class _Part:
    """One segment of the mix with its effect."""

    segment: Segment
    share: float
    found: Estimate

    @property
    def known(self) -> bool:
        return self.found.effect is not None and self.found.low is not None and self.found.high is not None


def reweighted(
    signal: Signal,
    evidence: Evidence,
    design: Design,
    arms: tuple[Sequence[Cell], Sequence[Cell]],
    effect: Effect[Cell],
    *,
    problem: str | None = None,
) -> Weighted:
    """The mean of the segments' effects, by the shares of the newest traffic mix.

    With one look each segment's interval is at the signal's confidence, and they are combined by MOVER. At any look,
    means, proportions and ratios get a confidence sequence of their own: the weighted mean is itself an asymptotically
    linear estimate of independent units, with the standard error of a stratified mean. Quantiles have no such error:
    each of ``k`` segments gets an interval that is valid at any look at a ``k``-th of the error rate, and their bounds
    are added. Planned looks are refused.

    Args:
        signal: Its confidence.
        evidence: Holds the mix.
        design: Looks, family, whether clusters were randomised.
        arms: Cells of the control and of the candidate that count.
        effect: Computes one segment.
        problem: Why the cells cannot answer at all.
    """
    sizes = _units(arms[0]), _units(arms[1])

    def nothing(why: str) -> Weighted:
        known = "the traffic mix is not known" if not evidence.mix else why
        return Weighted(refusal(why, signal.confidence, sizes), None, Measure("coverage", None, known))

    if problem or not evidence.mix:
        return nothing(problem or NO_MIX)
    margins = margins_of(newest_mix(evidence), value=False)
    if not margins:
        return nothing("the traffic mix has no shares")
    why = _unusable(design, [margin.dimensions for margin in margins], (*arms[0], *arms[1]))
    if why:
        return nothing(why)
    dimensions, shares = margins[0].dimensions, margins[0].shares
    placed = [_placed(cells, dimensions) for cells in arms]
    parts = [
        _Part(segment, part, effect(placed[0][segment], placed[1][segment], signal.confidence, len(shares)))
        for segment, part in shares.items()
    ]
    outside = sum(sizes) - sum(_units(some[segment]) for some in placed for segment in shares)

    def segment_at(segment: Segment, confidence: float) -> Estimate:
        return effect(placed[0][segment], placed[1][segment], confidence, len(shares))

    def weighed(some: Sequence[_Part], what: str) -> Estimate:
        return _weighed(signal, design, some, outside, segment_at, dimensions, what)

    valued = margins_of(newest_mix(evidence), value=True)
    worth = valued[0].shares if valued and all(cell.value_share is not None for cell in newest_mix(evidence)) else {}
    return Weighted(
        weighed(parts, "traffic"),
        weighed([replace(one, share=worth.get(one.segment, 0.0)) for one in parts], "value") if worth else None,
        _coverage(parts),
    )


def _unusable(
    design: Design, dimensions: Sequence[tuple[str, ...]], cells: Sequence[OutcomeCell | QuantileCell]
) -> str:
    """Why this mix cannot weigh these cells; empty when it can."""
    if design.clustered:
        return "clusters were randomised, and one cluster may reach over several segments of the traffic"
    if design.looks.information:
        return "at planned looks there is no reweighted estimate: set `looks: fixed` or `looks: continuous`"
    if len(dimensions) > 1:
        by = " and by ".join(" and ".join(names) or "everything" for names in dimensions)
        return f"the traffic mix has shares by {by}; the reweighted estimate needs one table of joint shares"
    wanted = dimensions[0]
    if not wanted:
        return "the traffic mix names no segments"
    known = {name for cell in cells for name, _ in cell.segment}
    absent = [name for name in wanted if name not in known]
    if absent:
        return f"the outcomes do not say their {absent[0]}, by which the traffic is known: map `segment.{absent[0]}`"
    if len(wanted) > 1 and any(isinstance(cell, QuantileCell) for cell in cells):
        return f"quantiles are known by one dimension at a time, and the traffic mix is by {' and '.join(wanted)}"
    return ""


def _placed(cells: Sequence[Cell], dimensions: tuple[str, ...]) -> defaultdict[Segment, list[Cell]]:
    """The cells by the segment of the mix that they lie in. Quantiles of another dimension lie in none."""
    found: defaultdict[Segment, list[Cell]] = defaultdict(list)
    for cell in cells:
        labels = dict(cell.segment)
        if isinstance(cell, QuantileCell) and set(labels) != set(dimensions):
            continue
        found[tuple((name, labels.get(name, "")) for name in dimensions)].append(cell)
    return found


def _units(cells: Sequence[OutcomeCell | QuantileCell]) -> int:
    """How many units there are; quantile cells hold them once for everything and again for every dimension."""
    quantiles = [cell for cell in cells if isinstance(cell, QuantileCell)]
    if quantiles:
        return sum(cell.n for cell in quantiles if not cell.segment) or sum(cell.n for cell in quantiles)
    return sum(cell.moments.n for cell in cells if isinstance(cell, OutcomeCell))


def _coverage(parts: Sequence[_Part]) -> Measure:
    """Share of traffic whose segment has an interval: of too few units nothing is known."""
    missing = [one for one in parts if not one.known and one.share > 0.0]
    why = f"{len(parts)} segments of traffic" + (f"; no interval of {_names(missing)}" if missing else "")
    return Measure("coverage", min(1.0, math.fsum(one.share for one in parts if one.known)), why)


def _weighed(
    signal: Signal,
    design: Design,
    parts: Sequence[_Part],
    outside: int,
    at: Callable[[Segment, float], Estimate],
    dimensions: tuple[str, ...],
    what: str,
) -> Estimate:
    """The segments that have an interval together, each by its share of their traffic."""
    some = [one for one in parts if one.known and one.share > 0.0]
    counts = sum(one.found.n_control for one in some), sum(one.found.n_candidate for one in some)
    missing = [one for one in parts if not one.known and one.share > 0.0]
    covered = math.fsum(one.share for one in some)
    if covered < HALF:
        sizes = sum(one.found.n_control for one in parts), sum(one.found.n_candidate for one in parts)
        why = (
            f"the segments with an interval have {share(covered)} of {what}, less than half: none of {_names(missing)}"
        )
        return refusal(why, signal.confidence, sizes)
    weights = [one.share / covered for one in some]
    try:
        found, how = _together(signal, design, some, weights, at, sum(counts))
    except RefusedError as refused:
        return refusal(str(refused), signal.confidence, counts)
    warnings = [f"{_name(one.segment)}: {text}" for one in some if one.share >= MATTERS for text in one.found.warnings]
    if outside > 0:
        warnings.insert(0, f"{plural(outside, 'units')} in no segment of the mix do not count")
    if missing and covered < 1.0 - ROUNDING:
        warnings.insert(
            0, f"no interval from {share(1.0 - covered)} of {what} ({_names(missing)}): it speaks for the rest only"
        )
    by = " × ".join(dimensions)
    each = max(some, key=lambda one: one.share).found.method
    return estimate(
        replace(found, p_value=min(1.0, design.family * found.p_value)),
        f"mean of the effects of {plural(len(some), 'segments')} by share of {what} over {by}, {how}; each: {each}",
        signal.confidence,
        counts,
        n_effective=1.0 / math.fsum(w**2 / (one.found.n_control + one.found.n_candidate)
                                    for w, one in zip(weights, some, strict=True)),
        warnings=warnings,
    )  # fmt: skip


def _together(
    signal: Signal,
    design: Design,
    some: Sequence[_Part],
    weights: Sequence[float],
    at: Callable[[Segment, float], Estimate],
    units: int,
) -> tuple[Difference, str]:
    """The weighted mean of the segments' effects with its interval, and how that was made."""
    each = design.each(signal.confidence)
    control, candidate = (
        math.fsum(w * level for w, level in zip(weights, levels, strict=True))
        for levels in ([one.found.control or 0.0 for one in some], [one.found.candidate or 0.0 for one in some])
    )

    def made(interval: Interval, se: float, p: float) -> Difference:
        value, low, high = interval.value or 0.0, interval.low or 0.0, interval.high or 0.0
        return Difference(value, se, low, high, p, None, control, candidate)

    if not design.looks.continuous:
        together = mover_sum(weights, [_interval(one.found) for one in some])
        half = ((together.high or 0.0) - (together.low or 0.0)) / 2.0
        return made(together, half / critical(each), p_recovered(together, each)), "MOVER"
    if design.kind != "quantile":
        effect = math.fsum(w * (one.found.effect or 0.0) for w, one in zip(weights, some, strict=True))
        se = math.hypot(*(w * (one.found.se or 0.0) for w, one in zip(weights, some, strict=True)))
        half = design.looks.reach(units, each) * se
        p = design.looks.always_p(effect, se, units, each)
        return made(Interval(effect, effect - half, effect + half), se, p), "one confidence sequence for the mean"

    def bounds(alpha: float) -> Interval:
        found = [at(one.segment, 1.0 - alpha / len(some)) for one in some]
        refused = next((one.refused for one in found if one.low is None), None)
        if refused:
            raise RefusedError(refused)
        return sum_of_bounds(weights, [_interval(one) for one in found])

    # The family's share of the error rate is taken inside ``at``; its p-value is multiplied by the caller.
    alpha = 1.0 - signal.confidence
    together = bounds(alpha)
    se = ((together.high or 0.0) - (together.low or 0.0)) / (2.0 * critical(each))
    p = least_alpha(bounds, alpha) / design.family
    return made(
        together, se, p
    ), f"bounds added, all of them valid at once (Bonferroni over {plural(len(some), 'segments')})"


def _interval(one: Estimate) -> Interval:
    return Interval(one.effect, one.low, one.high)


def _name(segment: Segment) -> str:
    return " ".join(f"{name}={value}" for name, value in segment)


def _names(parts: Sequence[_Part]) -> str:
    shown = ", ".join(_name(one.segment) for one in parts[:SHOWN])
    return shown + (f" and {len(parts) - SHOWN} more" if len(parts) > SHOWN else "")
