"""Experiments: proportions, means, ratios and quantiles, of units or clusters, at one look, planned looks, or any."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from signals.model import Estimate, Evidence, Metric, Numbers, OutcomeCell, Signal, SignalsError
from signals.readings import experiment_checks, experiment_quantile
from signals.readings import experiment_weighted as by_traffic
from signals.readings.common import Tray, day_span, only_raw, per_day, refusal, set_aside_share
from signals.readings.experiment_effect import Arm, Design, arm_of, effect
from signals.readings.looks import looks_of, members_of
from signals.readings.segments import segmented, unknown_dimensions
from signals.stats.cuped import balance
from signals.stats.difference import RefusedError

BALANCED = 0.001
"""p-value of equal covariates below which the covariate is not used: it may have been moved by the candidate."""

Arms = tuple[Sequence[OutcomeCell], Sequence[OutcomeCell]]


def measure(signal: Signal, evidence: Evidence) -> Numbers:
    """Numbers of an experiment signal.

    Raises:
        SignalsError: Without a metric, or for a quantile metric that does not say which quantile.
    """
    metric = signal.metric
    if metric is None:
        raise SignalsError(f"signal {signal.name!r} has no metric", "Say which: proportion, mean, ratio or quantile")
    tray = Tray()
    counted = _counted(signal, metric, evidence, tray)
    everything, arms, design, problem = counted.everything, counted.arms, counted.design, counted.problem
    control, candidate = arms
    voting: str
    weighted: by_traffic.Weighted
    if metric.type == "quantile":
        found = experiment_quantile.quantiles(signal, metric, evidence, design, problem)
        estimates, voting, segments, weighted = found.estimates, signal.estimate, found.segmented, found.weighted
    else:
        estimates, voting = _estimates(signal, design, arms, problem)
        weighted = by_traffic.reweighted(signal, evidence, design, arms, partial(effect, design), problem=problem)
        estimates = {**estimates, **weighted.beside(estimates["raw"], votes=voting == "reweighted")}
        adjusted = voting == "cuped"

        def part(ours: Sequence[OutcomeCell], theirs: Sequence[OutcomeCell], confidence: float, parts: int) -> Estimate:
            made = effect(design, ours, theirs, confidence, parts, adjusted=adjusted)
            # A segment too small for the covariate keeps its own number: both are estimates of the same effect.
            return effect(design, ours, theirs, confidence, parts) if adjusted and made.refused else made

        segments = None if problem else segmented(signal, estimates[voting], control, candidate, label, part)
    units = sum(members_of(cell) for cell in (*control, *candidate))
    if units:
        unknown = unknown_dimensions(signal, (*control, *candidate), label)
        estimates = {name: replace(one, warnings=(*one.warnings, *unknown)) for name, one in estimates.items()}
    # Units that wait for the next planned look are evidence all the same: it is not old because of them.
    days = [cell.day for cells in everything for cell in cells]
    first, last = day_span(days)
    # The day of a cluster is that of the newest unit of its source: nothing tells when the others came.
    dated = None not in days and all(cell.counted != "clusters" for cell in (*control, *candidate))
    arrived = sum(members_of(cell) for cells in everything for cell in cells)
    return Numbers(
        signal=signal.name,
        kind=signal.kind,
        unit="pp" if metric.type == "proportion" else metric.name,
        voting=voting,
        estimates={**estimates, **(segments.worst if segments else {})},
        measures=(
            *experiment_checks.measures(signal, evidence, control, candidate, label, estimates[voting], metric.type),
            weighted.coverage,
            *(segments.measures if segments else ()),
            set_aside_share(evidence, units, tray),
        ),
        segments=segments.segments if segments else (),
        set_aside=(*evidence.set_aside, *tray.entries()),
        sources=evidence.sources,
        first_at=first if dated else None,
        last_at=last,
        counted="users",
        rate_per_day=per_day(arrived, first, last) if dated else None,
    )


def estimates_of(signal: Signal, evidence: Evidence) -> Mapping[str, Estimate]:
    """The effect of a proportion, mean or ratio without and with the covariate, as ``measure`` gives it, and no more.

    Raises:
        SignalsError: Without a metric, or for one that is a quantile.
    """
    if signal.metric is None or signal.metric.type == "quantile":
        raise SignalsError(f"signal {signal.name!r} has no metric that adds up", "Say which: proportion, mean or ratio")
    counted = _counted(signal, signal.metric, evidence, Tray())
    arms, design, problem = counted.arms, counted.design, counted.problem
    found, voting = _estimates(signal, design, arms, problem)
    if voting != "reweighted":
        return found
    weighted = by_traffic.reweighted(signal, evidence, design, arms, partial(effect, design), problem=problem)
    return {**found, **weighted.beside(found["raw"], votes=True)}


@dataclass(frozen=True)
class _Counted:
    """The cells that count: all of them, those at the present look, how they are looked at, and why they cannot be."""

    everything: Arms
    arms: Arms
    design: Design
    problem: str | None


def _counted(signal: Signal, metric: Metric, evidence: Evidence, tray: Tray) -> _Counted:
    cells, problem = cells_of(signal, metric, evidence, tray)
    everything: Arms = tuple(  # type: ignore[assignment]  # two arms
        [cell for cell in cells if cell.variant == arm and cell.moments.n > 0] for arm in evidence.release.arms
    )
    arms, looks, waiting = looks_of(signal, everything, evidence.sources, tray)
    control, candidate = arms
    counted = {cell.counted for cell in (*control, *candidate)}
    clustered = counted == {"clusters"}
    if "clusters" in counted and not clustered:
        problem = problem or "some sources count clusters and others units, which cannot be added"
    design = Design(metric.type, signal.confidence, looks, clustered, evidence.family)
    return _Counted(everything, arms, design, problem or waiting)


def label(cell: OutcomeCell, dimension: str) -> str | None:
    """The cell's value in a dimension."""
    return dict(cell.segment).get(dimension)


def _estimates(signal: Signal, design: Design, arms: Arms, problem: str | None) -> tuple[Mapping[str, Estimate], str]:
    """The effect without and with the covariate, and which of them votes.

    The adjusted one votes when every unit has a covariate, it can be used, and both arms started alike in it.
    """
    control, candidate = arms
    ours, theirs = arm_of(candidate), arm_of(control)
    if problem:
        raw = refusal(problem, signal.confidence, (theirs.members, ours.members))
        return only_raw(signal, raw), signal.estimate
    raw = effect(design, control, candidate)
    covered = theirs.moments.x_mean is not None and ours.moments.x_mean is not None
    if signal.estimate != "raw" or not covered or not theirs.members or not ours.members:
        return only_raw(signal, raw), signal.estimate
    adjusted = effect(design, control, candidate, adjusted=True)
    doubt = f"the covariate is not used: {adjusted.refused}" if adjusted.refused else _unbalanced(ours, theirs)
    if doubt:
        return {"raw": replace(raw, warnings=(*raw.warnings, doubt)), "cuped": adjusted}, "raw"
    if raw.se and adjusted.se:
        units = (raw.n_control + raw.n_candidate) * (raw.se / adjusted.se) ** 2
        adjusted = replace(adjusted, n_effective=units)
    return {"raw": raw, "cuped": adjusted}, "cuped"


def _unbalanced(ours: Arm, theirs: Arm) -> str | None:
    try:
        p = balance(ours.moments, theirs.moments).p_value
    except RefusedError as refused:
        return f"the covariate is not used: {refused}"
    return f"the covariate is not used: it differs between the arms (p = {p:.2g})" if p < BALANCED else None


def cells_of(
    signal: Signal, metric: Metric, evidence: Evidence, tray: Tray
) -> tuple[tuple[OutcomeCell, ...], str | None]:
    """The cells of the signal's metric. A source that names no metric carries the one of its signal."""
    mine = []
    for cell in evidence.outcomes:
        if cell.variant in evidence.release.arms:
            mine.append(cell)
        else:
            tray.put(f"variant {cell.variant} is neither arm", cell.variant, members_of(cell))
    known = {metric.name, signal.name, ""}
    wanted = [cell for cell in mine if cell.metric in known]
    if wanted:
        for cell in mine:
            if cell.metric not in known:
                tray.put(f"metric {cell.metric} is not the one of the signal", cell.variant, members_of(cell))
        return tuple(wanted), None
    if not mine:
        return (), None
    names = ", ".join(sorted({cell.metric for cell in mine})[:8])
    return tuple(mine), f"no outcome is called {metric.name!r}; the evidence has {names}: set `metric:` on the source"
