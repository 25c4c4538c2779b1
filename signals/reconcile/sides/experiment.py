"""An experiment's side of a pair: what its effect settles at, and what it would be for the declared traffic.

*Timing* is a difference of halves: the effect over all units minus the effect over the units that began in the later
half of the days. Novelty that wears off, a window that the other signal does not share and early outcomes are in it;
what only begins after the last day is not.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from signals.model import INCOMPLETE, Correction, Estimate, Evidence, Numbers, OutcomeCell, Segment, Signal
from signals.readings.experiment_effect import Design, arm_of, effect, rarest
from signals.readings.looks import members_of
from signals.reconcile.sides.base import Mix, Other, Side
from signals.reconcile.sides.cells import dated, days_of, side_from, voting_of
from signals.reconcile.sides.dual import Dual
from signals.reconcile.sides.experiment_shape import Counted, Shape, counted_cells, counted_of, totals_of
from signals.reconcile.sides.overlap import (
    Later,
    Weighting,
    later_of,
    mix_of,
    named_by_all,
    over,
    sizes_of,
    weighting_of,
)
from signals.stats.difference import RefusedError
from signals.words import count, plural
from signals.workbench.simulation.design import Design as Precision
from signals.workbench.simulation.design import always_reach, rule_of

__all__ = ["days_of", "experiment_mix", "experiment_side"]

ENOUGH_EVENTS = 10
"""Events and non-events that each arm of the later half needs: errors here are symmetric, those of few events not."""

ENOUGH_UNITS = 20

NO_SEGMENTS_OF_CLUSTERS = (
    "a cluster has the segment of its first unit, which its others need not share",
    "a source that counts units, not clusters",
)


def experiment_mix(signal: Signal, evidence: Evidence) -> Mix | None:
    """Shares of units, both arms together, by segment; None when no dimension is named by all cells."""
    cells = counted_cells(signal, evidence)
    return mix_of(f"{signal.name}'s users", [(cell.segment, float(members_of(cell))) for cell in cells])


def experiment_side(signal: Signal, evidence: Evidence, numbers: Numbers, other: Other) -> Side:
    """The effect of an experiment as it votes, and under its corrections for timing and population.

    Args:
        signal: An experiment.
        evidence: Its own.
        numbers: Its reading's, from the same evidence.
        other: The signal that it is held against: its days limit those that are compared.

    Raises:
        RefusedError: When the number that votes has no interval, or is not of this evidence.
    """
    voting = voting_of(numbers)
    if signal.metric is None:
        raise RefusedError(f"{signal.name} has no metric")
    if signal.metric.type == "quantile" or numbers.voting == "reweighted":
        return _alone(signal, evidence, voting)
    counted = counted_of(signal, evidence)
    adjusted = numbers.voting == "cuped"
    later, timing = _timing(signal, evidence, counted, other, adjusted=adjusted)
    mix = _traffic(evidence, counted)
    weighting, weighted = _population(signal, counted, mix, later, other)
    able = [one for one in (*weighted, *timing) if not one.refused]
    refused = [one for one in (*weighted, *timing) if one.refused]
    late = frozenset(later.days) if later else frozenset()
    dimensions = weighting.dimensions if weighting else ()
    shape = Shape(
        ratio=signal.metric.type == "ratio" or counted.clustered,
        adjusted=adjusted,
        counted=counted,
        late=late,
        weighting=weighting,
        value=_value_of(mix, weighting),
        totals=totals_of(counted, late, dimensions),
    )

    def value(mask: int) -> Dual:
        names = {one.cause for bit, one in enumerate(able) if mask >> bit & 1}
        return shape.effect(late="timing" in names, population="population" in names, value="value" in names)

    return side_from(signal, numbers, shape.totals, able, refused, value)


# --- corrections ----------------------------------------------------------------------------------------------------


def _timing(
    signal: Signal, evidence: Evidence, counted: Counted, other: Other, *, adjusted: bool
) -> tuple[Later | None, list[Correction]]:
    """The later half, and the correction that it makes; why there is none otherwise."""
    waiting = _waiting(evidence)
    days = dated(counted.cells)
    later: Later | tuple[str, str]
    if counted.clustered:
        later = "clusters have no day of their own", "a source that counts units by their first day"
    elif not days:
        later = "its cells carry no day", "map `at` (`day` where the source counts)"
    else:
        later = later_of(days, other)
    if isinstance(later, Later):
        parts = tuple([cell for cell in cells if cell.day in later.days] for cells in counted.arms)
        thin = _thin(signal, evidence, counted, parts[0], parts[1], adjusted=adjusted)
        if thin:
            later = f"{later.words}: {thin}", "more users or days"
    if not isinstance(later, Later):
        why, remedy = later
        return None, [Correction("timing", signal.name, refused=why + waiting, remedy=remedy)]
    units = [sum(members_of(cell) for cell in cells) for cells in (*parts, *counted.arms)]
    said = f"users who began {later.words}: {count(units[0] + units[1])} of {count(units[2] + units[3])}{waiting}"
    return later, [Correction("timing", signal.name, said)]


def _thin(
    signal: Signal,
    evidence: Evidence,
    counted: Counted,
    control: Sequence[OutcomeCell],
    candidate: Sequence[OutcomeCell],
    *,
    adjusted: bool,
) -> str:
    """Why these cells alone make no number with an error; empty when they do."""
    kind = signal.metric.type if signal.metric else "mean"
    # The look is that of the whole experiment: of its half only what the estimator itself needs is asked.
    looks = replace(counted.looks, information=(), shares=())
    design = Design(kind, signal.confidence, looks, counted.clustered, evidence.family)
    found = effect(design, control, candidate, adjusted=adjusted)
    if found.refused:
        return found.refused
    new, old = arm_of(candidate).moments, arm_of(control).moments
    if min(new.n, old.n) < ENOUGH_UNITS:
        return f"an arm has {plural(min(new.n, old.n), 'users')}; {ENOUGH_UNITS} are needed"
    if kind == "proportion" and rarest(new, old) < ENOUGH_EVENTS:
        return f"an arm has {rarest(new, old):,.0f} events or non-events; {ENOUGH_EVENTS} are needed"
    return ""


def _waiting(evidence: Evidence) -> str:
    """What is said of units whose outcome may still come."""
    waiting = sum(
        entry.rows if entry.units is None else entry.units
        for entry in evidence.set_aside
        if entry.why.startswith(INCOMPLETE)
    )
    return f"; {plural(waiting, 'users')} whose outcome window is still open are left out" if waiting else ""


def _traffic(evidence: Evidence, counted: Counted) -> Mix | None:
    """The declared traffic over the dimensions that the cells name too; None without."""
    if not evidence.mix:
        return None
    from signals.reconcile.sides.judge import traffic_mix

    found = traffic_mix(evidence)
    if found is None:
        return None
    shared = tuple(name for name in found.dimensions if name in named_by_all(cell.segment for cell in counted.cells))
    return found.over(shared) if shared else None


def _population(
    signal: Signal, counted: Counted, mix: Mix | None, later: Later | None, other: Other
) -> tuple[Weighting | None, list[Correction]]:
    """An experiment's users are its own traffic: only another declared one is a population to weight them to."""
    if mix is None:
        return None, []
    found: Weighting | tuple[str, str]
    if counted.clustered:
        found = NO_SEGMENTS_OF_CLUSTERS
    else:
        found = weighting_of(mix, lambda dimensions: _sizes(counted, dimensions, later), "users")
    if not isinstance(found, Weighting):
        why, remedy = found
        return None, [Correction("population", signal.name, refused=why, remedy=remedy)]
    by = " and ".join(found.dimensions)
    made = [Correction("population", signal.name, f"users weighted by {by} to {mix.of}{found.left}")]
    counts_heads = signal.metric is not None and signal.metric.type == "proportion"
    if counts_heads and other.weighs_value and _value_of(mix, found):
        made.append(Correction("value", signal.name, f"users weighted by {by} to the value that {mix.of} brings"))
    return found, made


def _value_of(mix: Mix | None, weighting: Weighting | None) -> Mapping[Segment, float]:
    """Value per head of the covered segments, relative to their mean; empty when it is not known."""
    if mix is None or weighting is None:
        return {}
    less = mix.over(weighting.dimensions)
    if less.value is None:
        return {}
    worth = {cell: less.value.get(cell, 0.0) / less.shares[cell] for cell in weighting.shares}
    mean = math.fsum(weighting.shares[cell] * worth[cell] for cell in worth)
    return {cell: one / mean for cell, one in worth.items()} if mean > 0.0 else {}


def _sizes(counted: Counted, dimensions: tuple[str, ...], later: Later | None) -> dict[Segment, tuple[float, float]]:
    """Units by segment: all, and those of the smaller arm (of the later days, where they are looked at alone)."""
    return sizes_of(
        [
            [(over(cell.segment, dimensions), cell.day, float(members_of(cell))) for cell in cells]
            for cells in counted.arms
        ],
        later,
    )


# --- numbers that are not taken apart -------------------------------------------------------------------------------


def _alone(signal: Signal, evidence: Evidence, voting: Estimate) -> Side:
    """The side of a quantile, or of an effect that is weighted to traffic already: its number, one look's error."""
    error = voting.se
    quantile = signal.metric is not None and signal.metric.type == "quantile"
    if quantile and signal.looks == "continuous" and voting.low is not None and voting.high is not None:
        precision = Precision(
            signal.name, "normal", rule_of(signal), voting.n_control, voting.n_candidate, None,
            family=evidence.family, by_arm=True,
        )  # fmt: skip
        units = float(voting.n_control + voting.n_candidate)
        error = (voting.high - voting.low) / 2.0 / always_reach(signal, precision, signal.confidence, units)
    if error is None or voting.effect is None:
        raise RefusedError(f"the error of {signal.name} is not known")
    refused = "quantiles do not add up over days" if quantile else "segments weighted to traffic are not split by day"
    remedy = "a mean or a proportion beside it" if quantile else "a signal beside it with `estimate: raw`"
    why = Correction("timing", signal.name, refused=refused, remedy=remedy)
    return Side(
        signal.name, (), np.array([voting.effect]), {(signal.name, "all"): np.array([error])}, voting.df, (why,)
    )
