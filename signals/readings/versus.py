"""One candidate against several controls: how it compares with the best of them.

A model merged of several parents is better only when it is better than every parent, and as good only when it is as
good as every parent. So what votes is the difference from the best control, the least of the benefits over each:

- **The bound on the bad side** is the worst over the controls, each at its full level. "Better than all" and "no worse
  than all" hold when they hold against each, so no level is divided (intersection-union test; Berger 1982,
  Technometrics 24:295). Whichever control is the best one, its own bound is too high in alpha / 2 of cases, and the
  worst over all of them is never higher.
- **The bound on the good side** is the worst over the controls too, each at its share of the level. "Worse than the
  best" holds when it holds against any one, and with several to choose from one is found by luck more often than the
  level says (union-intersection; Bonferroni). Unadjusted, the upper bound of a 95 % interval over four equal
  controls would be too low in 10 % of cases, and in 8 % where the comparisons correlate by half,
  instead of 2.5 %.

Both hold whatever the controls have in common. The estimate between them is the least of the effects, which lies below
the truth when controls are close: it is the bounds that the verdict is made from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any

from signals.checks import BY_NAME
from signals.model import Estimate, Evidence, Measure, Numbers, SegmentEstimate, SetAside, Signal
from signals.readings.common import refusal

VERSUS = "versus "
"""Begins the name of the estimate against one control alone."""

COMBINED = (
    "raw", "cuped", "reweighted", "value_weighted", "corrected", "human", "superiority", "per_response",
    "per_impression",
)  # fmt: skip
"""Estimates that are a benefit over a control; others (a judge's bias, a worst segment) have no best control."""

Reader = Callable[[Signal, Evidence], Numbers]


@dataclass(frozen=True)
class Side:
    """The numbers against one control: at the level that was asked for, and at the share of it that is its own."""

    control: str
    full: Numbers
    shared: Numbers

    @property
    def voting(self) -> Estimate:
        """What votes against this control."""
        return self.full.estimates[self.full.voting]


def measure(signal: Signal, evidence: Evidence, one: Reader) -> Numbers:
    """Numbers of a signal against the best of the release's controls.

    Args:
        signal: As the policy declares it.
        evidence: About every control and the candidate.
        one: Gives the numbers against one control.

    Returns:
        As of one control. Beside what votes stands ``versus NAME`` for each control: the effect against it alone. Of a
        check the worst value over the controls counts, and a p-value is multiplied by their number. What cannot be
        computed against one of them cannot be computed against the best: it is refused, or unknown, with the reason.
    """
    controls = evidence.release.controls
    if signal.kind == "drift":
        return _no_drift(signal, evidence)
    share = replace(signal, confidence=1.0 - (1.0 - signal.confidence) / len(controls))
    sides = []
    for control in controls:
        mine = against(evidence, control)
        sides.append(Side(control, one(signal, mine), one(share, mine)))
    return combined(signal, evidence, sides)


def against(evidence: Evidence, control: str) -> Evidence:
    """The part of the evidence that is about one control and the candidate."""
    release = evidence.release.versus(control)
    arms = set(release.arms)
    kept: dict[str, Any] = {
        field.name: tuple(one for one in records if _about(one) <= arms)
        for field in fields(evidence)
        if field.name not in ("sources", "mix") and isinstance(records := getattr(evidence, field.name), tuple)
    }
    found = replace(evidence, release=release, **kept)
    # A source counts the rows of all controls together: here in proportion to what they became.
    whole = _units(evidence)
    part = _units(found) / whole if whole else 0.0
    notes = tuple(
        replace(
            note, own_rows=_part(note.own_rows, part), units=None if note.units is None else _part(note.units, part)
        )
        for note in evidence.sources
    )
    return replace(found, sources=notes)


def _about(record: Any) -> set[str]:
    """The variants that a record names; what names none is about every comparison."""
    names = (getattr(record, field, None) for field in ("variant", "left", "right"))
    return {name for name in names if name is not None}


def _units(evidence: Evidence) -> int:
    cells = sum(one.moments.n for one in evidence.outcomes) + sum(one.moments.n for one in evidence.feedback)
    ranks = sum(one.n for one in evidence.quantiles)
    return cells + ranks + len(evidence.scores) + len(evidence.ratings) + len(evidence.preferences)


def _part(rows: int, part: float) -> int:
    return max(1, round(rows * part)) if rows and part else 0


def combined(signal: Signal, evidence: Evidence, sides: Sequence[Side]) -> Numbers:
    """What the comparisons with each control come to; see ``measure``."""
    first = sides[0].full
    names = {side.full.voting for side in sides}
    # An experiment may use its covariate against one control and not against another: then what votes is "raw", made
    # of what votes against each.
    voting = first.voting if len(names) == 1 else "raw"
    estimates = {voting: _best(signal, sides, lambda numbers: numbers.estimates[numbers.voting])}
    for name in COMBINED:
        whole = all(name in side.full.estimates and name in side.shared.estimates for side in sides)
        if name != voting and whole:
            made = _best(signal, sides, lambda numbers, name=name: numbers.estimates[name])  # type: ignore[misc]  # bound
            estimates |= {name: made} if made.refused is None else {}
    estimates |= {f"{VERSUS}{side.control}": side.voting for side in sides}
    worst = _worst(signal, sides)
    moments = [side.full.last_at for side in sides]
    begun = [side.full.first_at for side in sides]
    return replace(
        worst.full,
        voting=voting,
        estimates=estimates,
        measures=tuple(_measures(sides)),
        segments=tuple(_segments(signal, sides)),
        set_aside=_set_aside(sides),
        sources=evidence.sources,
        first_at=_earliest(begun),
        last_at=_earliest(moments),  # as old as the oldest comparison
    )


# --- the best control -----------------------------------------------------------------------------------------------


def _best(signal: Signal, sides: Sequence[Side], pick: Callable[[Numbers], Estimate]) -> Estimate:
    """The least benefit over all controls, with its bounds, or a refusal that names the control it is due to."""
    many = len(sides)
    full, shared = [pick(side.full) for side in sides], [pick(side.shared) for side in sides]
    units = {side.full.unit for side, one in zip(sides, full, strict=True) if one.n_control and one.n_candidate}
    if len(units) > 1:
        told = ", ".join(f"{side.full.unit} against {side.control}" for side in sides)
        return refusal(f"the effects are not of one unit ({told})", full[0].confidence, _counts(full))
    for side, one, narrow in zip(sides, full, shared, strict=True):
        why = one.refused or narrow.refused
        if why or None in (one.effect, one.low, one.high, narrow.low, narrow.high):
            why = f"against {side.control}: {why or 'there is no interval'}"
            return replace(refusal(why, one.confidence, _counts(full)), method=one.method)
    benefits = [signal.sign * (one.effect or 0.0) for one in full]
    place = benefits.index(min(benefits))
    least, name = full[place], sides[place].control
    if signal.sign > 0:
        low, high = min(_number(one.low) for one in full), min(_number(one.high) for one in shared)
    else:
        low, high = max(_number(one.low) for one in shared), max(_number(one.high) for one in full)
    better, worse = ("above", "below") if signal.sign > 0 else ("below", "above")
    return replace(
        least,
        low=low,
        high=high,
        method=f"{least.method}; against {name}, the best of {many} controls: the bound {worse} is the worst of all "
        f"(intersection-union), the one {better} is adjusted for {many}",
        se=None,  # that of the least of several is not the one of any of them
        df=None,
        p_value=_p_value(signal, full),
        warnings=_warnings(sides, full),
        relative=None,
    )


def _number(value: float | None) -> float:
    return 0.0 if value is None else value  # none is None here: that was refused


def _counts(estimates: Sequence[Estimate]) -> tuple[int, int]:
    """Of the control with the least evidence: one without any makes the reading ``missing``."""
    least = min(estimates, key=lambda one: (min(one.n_control, one.n_candidate), one.n_control))
    return least.n_control, least.n_candidate


def _p_value(signal: Signal, estimates: Sequence[Estimate]) -> float | None:
    """Of no difference from the best control: the largest for better than all, the smallest times many for worse."""
    better, worse = [], []
    for one in estimates:
        if one.p_value is None:
            return None
        good = signal.sign * (one.effect or 0.0) > 0.0
        better.append(one.p_value / 2.0 if good else 1.0 - one.p_value / 2.0)
        worse.append(1.0 - one.p_value / 2.0 if good else one.p_value / 2.0)
    return min(1.0, 2.0 * min(max(better), len(worse) * min(worse)))


def _warnings(sides: Sequence[Side], estimates: Sequence[Estimate]) -> tuple[str, ...]:
    """Each once; one that is not about all controls says which it is about."""
    found: dict[str, list[str]] = {}
    for side, one in zip(sides, estimates, strict=True):
        for warning in dict.fromkeys(one.warnings):
            found.setdefault(warning, []).append(side.control)
    return tuple(
        warning if len(names) == len(sides) else f"against {' and '.join(names)}: {warning}"
        for warning, names in found.items()
    )


def _worst(signal: Signal, sides: Sequence[Side]) -> Side:
    """The side that the candidate does worst on; where one has no effect, that one."""

    def place(side: Side) -> tuple[bool, float]:
        effect = side.voting.effect
        return effect is not None, signal.sign * (effect or 0.0)

    return min(sides, key=place)


# --- checks ---------------------------------------------------------------------------------------------------------


def _measures(sides: Sequence[Side]) -> Iterable[Measure]:
    tables = [{one.name: one for one in reversed(side.full.measures)} for side in sides]
    names = dict.fromkeys(name for side in sides for name in (one.name for one in side.full.measures))
    for name in names:
        found = [(side.control, table.get(name)) for side, table in zip(sides, tables, strict=True)]
        yield _measure(name, found)


def _measure(name: str, found: Sequence[tuple[str, Measure | None]]) -> Measure:
    """The worst over the controls; unknown where it is unknown of one."""
    some: list[tuple[str, Measure, float]] = []
    for control, one in found:
        if one is None or one.value is None:
            return Measure(name, None, f"against {control}: {one.why if one else 'it was not measured'}")
        some.append((control, one, one.value))
    spec = BY_NAME.get(name)
    sign = -1.0 if spec is not None and spec.passes == "<=" else 1.0
    control, worst, value = min(some, key=lambda entry: sign * entry[2])
    if len({(one.value, one.why) for _, one, _ in some}) == 1:
        return worst
    if spec is not None and spec.unit == "p":
        value = min(1.0, value * len(some))
        return replace(worst, value=value, se=None, why=f"against {control}, times {len(some)} controls: {worst.why}")
    return replace(worst, why=f"against {control}: {worst.why}" if worst.why else f"against {control}")


# --- segments -------------------------------------------------------------------------------------------------------


def _segments(signal: Signal, sides: Sequence[Side]) -> Iterable[SegmentEstimate]:
    """Of every segment the best control: its plain bounds as those of the whole, its adjusted ones for all segments."""
    names = dict.fromkeys(one.name for side in sides for one in side.full.segments)
    for name in names:
        full = [_called(side.full, name) for side in sides]
        shared = [_called(side.shared, name) for side in sides]
        there = [one for one in full if one is not None]
        share = sum(one.share for one in there) / len(there)
        levels = [None if one is None else one.control for one in full]
        # A margin in % of control is of the smallest level: what holds of it holds of the others.
        level = None if None in levels else min((one for one in levels if one is not None), key=abs)
        least = min(there, key=lambda one: min(one.n_control, one.n_candidate))
        blank = SegmentEstimate(name, share, least.n_control, least.n_candidate, None, None, None, None, None, level)
        why = _gap(sides, full, shared)
        if why is not None:
            yield replace(blank, refused=why)
            continue
        worst = min(there, key=lambda one: signal.sign * (one.effect or 0.0))
        narrow = [one for one in shared if one is not None]
        if signal.sign > 0:
            low, high = min(_number(one.low) for one in there), min(_number(one.high) for one in narrow)
            joint = min(_number(one.adjusted_low) for one in there), min(_number(one.adjusted_high) for one in narrow)
        else:
            low, high = max(_number(one.low) for one in narrow), max(_number(one.high) for one in there)
            joint = max(_number(one.adjusted_low) for one in narrow), max(_number(one.adjusted_high) for one in there)
        yield replace(
            blank, n_control=worst.n_control, n_candidate=worst.n_candidate, effect=worst.effect, low=low, high=high,
            adjusted_low=joint[0], adjusted_high=joint[1],
        )  # fmt: skip


def _called(numbers: Numbers, name: str) -> SegmentEstimate | None:
    return next((one for one in numbers.segments if one.name == name), None)


def _gap(
    sides: Sequence[Side], full: Sequence[SegmentEstimate | None], shared: Sequence[SegmentEstimate | None]
) -> str | None:
    """Why a segment has no interval against the best control; None when it has one against each."""
    for side, one, narrow in zip(sides, full, shared, strict=True):
        if one is None or narrow is None:
            return f"against {side.control}: it has no evidence of this segment"
        bounds = (one.effect, *(getattr(x, key) for x in (one, narrow) for key in _BOUNDS))
        if one.refused or narrow.refused or None in bounds:
            return f"against {side.control}: {one.refused or narrow.refused or 'there is no interval'}"
    return None


_BOUNDS = ("low", "high", "adjusted_low", "adjusted_high")


# --- the rest -------------------------------------------------------------------------------------------------------


def _set_aside(sides: Sequence[Side]) -> tuple[SetAside, ...]:
    """Each entry once: what is set aside of the candidate is so in every comparison."""
    found: dict[tuple[str, str | None, bool], SetAside] = {}
    for side in sides:
        for one in side.full.set_aside:
            key = one.why, one.variant, one.fault
            if key not in found or one.rows > found[key].rows:
                found[key] = one
    return tuple(found.values())


def _earliest(moments: Sequence[datetime | None]) -> datetime | None:
    known = [one for one in moments if one is not None]
    return min(known) if len(known) == len(moments) else None


def _no_drift(signal: Signal, evidence: Evidence) -> Numbers:
    why = "drift is measured against one reference, and this release has several controls"
    return Numbers(signal.name, signal.kind, "", "raw", {"raw": refusal(why, signal.confidence, (0, 0))},
                   set_aside=evidence.set_aside, sources=evidence.sources)  # fmt: skip
