"""Thumbs: share of positives among responses, and among all answers that were shown.

Responses answer "do people who rate an answer like it?"; impressions keep everyone in, so that they cannot be moved by
who chooses to respond. Where users are known a user is one unit however often they vote. Beside them stand bounds for
what the silent could change; those never vote.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Literal

from signals.model import Estimate, Evidence, FeedbackCell, Measure, Numbers, Signal
from signals.readings.common import Tray, day_span, estimate, nothing, per_day, refusal, set_aside_share, source_count
from signals.readings.feedback_arms import Arm, add_up, floods, loud_users
from signals.readings.feedback_silent import bounds, response_rate_shift, tipping_share
from signals.readings.segments import UNLABELLED, segmented, unknown_dimensions
from signals.stats.difference import RefusedError
from signals.stats.rates import FEW, FEWEST, RateDifference, outcome, rate_difference

Per = Literal["per_response", "per_impression"]

WHAT = {"per_response": "positives per response", "per_impression": "positives per answer shown"}
HOW = {
    "counts": "Miettinen–Nurminen score interval",
    "independent": "Miettinen–Nurminen score interval on independent users",
    "delta": "delta method over users",
}


def measure(signal: Signal, evidence: Evidence) -> Numbers:
    """Numbers of a feedback signal: ``per_response`` always, ``per_impression`` when both arms know what was shown."""
    tray = Tray()
    mine = []
    for cell in evidence.feedback:
        if cell.variant in evidence.release.arms:
            mine.append(cell)
        else:
            tray.put(f"variant {cell.variant} is neither arm", cell.variant, cell.moments.n)
    control, candidate = ([cell for cell in mine if cell.variant == arm] for arm in evidence.release.arms)
    arms = (add_up(control), add_up(candidate))
    users = all(arm.users_known for arm in arms)
    estimates: dict[str, Estimate] = {
        "per_response": _estimate("per_response", arms, signal.confidence),
        "per_impression": _estimate("per_impression", arms, signal.confidence),
        "manski": bounds("manski", arms, users, signal.confidence),
        "lee": bounds("lee", arms, users, signal.confidence),
    }
    warnings = (*loud_users(evidence, arms), *unknown_dimensions(signal, mine, _label))
    estimates = {name: replace(one, warnings=(*one.warnings, *warnings)) for name, one in estimates.items()}
    if signal.estimate in ("reweighted", "corrected"):
        why = f"the {signal.estimate} estimate cannot be computed yet by this version for feedback signals"
        estimates[signal.estimate] = refusal(why, signal.confidence, (arms[0].n, arms[1].n))
    per: Per = "per_impression" if signal.estimate == "per_impression" else "per_response"
    parts = segmented(signal, estimates[per], control, candidate, _label, partial(_part, per))
    days = [cell.day for cell in mine]
    first, last = day_span(days)
    responses = arms[0].n + arms[1].n
    measures = (
        response_rate_shift(arms, users, signal.confidence),
        source_count(evidence),
        Measure("min_responses", min(arms[0].n, arms[1].n), "responses in the smaller arm"),
        *floods(evidence, arms),
        tipping_share(arms),
        set_aside_share(evidence, responses, tray),
        *parts.measures,
    )
    return Numbers(
        signal=signal.name,
        kind=signal.kind,
        unit="pp",
        voting=signal.estimate if signal.estimate in estimates else per,
        estimates={**estimates, **parts.worst},
        measures=measures,
        segments=parts.segments,
        set_aside=(*evidence.set_aside, *tray.entries()),
        sources=evidence.sources,
        first_at=first,
        last_at=last,
        counted="responses",
        rate_per_day=None if None in days else per_day(responses, first, last),
        components=_shown(signal, mine),
    )


def _shown(signal: Signal, cells: Sequence[FeedbackCell]) -> Mapping[str, float]:
    """How many answers both arms were shown, in all and by segment: later releases are held against who responded.

    ``shown`` and ``shown DIMENSION=VALUE``; empty where the source does not know it.
    """
    counts = [(cell, float(cell.impressions)) for cell in cells if cell.impressions is not None]
    if not counts or len(counts) < len(cells):
        return {}
    found = {"shown": sum(number for _, number in counts)}
    for dimension in signal.segments:
        for cell, number in counts:
            name = f"shown {dimension}={_label(cell, dimension) or UNLABELLED}"
            found[name] = found.get(name, 0.0) + number
    return found


def _label(cell: FeedbackCell, dimension: str) -> str | None:
    return dict(cell.segment).get(dimension)


def _part(
    per: Per,
    control: Sequence[FeedbackCell],
    candidate: Sequence[FeedbackCell],
    confidence: float,
    parts: int,  # noqa: ARG001 - one look: there is no plan to divide
) -> Estimate:
    return _estimate(per, (add_up(control), add_up(candidate)), confidence)


def _estimate(per: Per, arms: tuple[Arm, Arm], confidence: float) -> Estimate:
    """One rate's difference. ``arms`` are (control, candidate)."""
    control, candidate = arms
    counts = (control.n, candidate.n)
    if not all(counts):
        return nothing(confidence, counts)
    users = control.users_known and candidate.users_known
    by_person = users and (per == "per_response" or (control.by_person and candidate.by_person))
    try:
        if per == "per_response":
            new, old = (outcome(arm.per_response(users), "responses", y=1.0) for arm in (candidate, control))
        else:
            new, old = (outcome(arm.per_answer(by_person), "shown", y=1.0) for arm in (candidate, control))
        found = rate_difference(new, old, confidence)
    except RefusedError as refused:
        return refusal(str(refused), confidence, counts)
    warnings = _warnings(found, users, by_person)
    people = float(control.moments.n + candidate.moments.n) if users else None
    method = f"{WHAT[per]}, {HOW[found.by]}"
    return estimate(found.difference, method, confidence, counts, n_effective=people, warnings=warnings)


def _warnings(found: RateDifference, users: bool, by_person: bool) -> list[str]:
    said = []
    if not users:
        said.append("users are not known: one who responds often counts as several")
    elif not by_person:
        said.append("what each user was shown is not known: one who sees much counts as several")
    rarer = f"{found.independent:,.0f} independent users stand behind the rarer answer of an arm"
    if found.by == "independent":
        said.append(f"{rarer}: each user is counted once, and the interval is wider than needed")
    elif found.by == "counts" and found.independent < FEWEST:
        least = f"{found.independent:,.0f} of the rarer answer in an arm"
        said.append(f"{least}: with so few the interval may be wider than needed")
    elif found.by == "delta" and found.independent < FEW:
        said.append(f"{rarer}: the interval may be too narrow")
    return said
