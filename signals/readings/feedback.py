"""Thumbs: share of positives among responses, and among all answers that were shown.

Responses answer "do people who rate an answer like it?"; impressions keep everyone in, so that they cannot be moved by
who chooses to respond. Where users are known a user is one unit however often they vote.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

from signals.model import Estimate, Evidence, FeedbackCell, Measure, Moments, Numbers, Signal
from signals.readings.common import Tray, day_span, estimate, nothing, per_day, refusal, set_aside_share
from signals.readings.segments import segment_estimates, unknown_dimensions
from signals.stats.difference import Difference, RefusedError, two_sided_p
from signals.stats.means import ratio_difference
from signals.stats.moments import merge
from signals.stats.proportion import score, score_interval

FEW = 10
LOUD = 0.05

Per = Literal["per_response", "per_impression"]


@dataclass(frozen=True)
class Arm:
    """What one arm's cells add up to."""

    moments: Moments  # y = positives, d = responses, x = impressions; of users, or of responses when users are unknown
    users_known: bool
    responses: float
    positives: float
    impressions: int | None

    @property
    def n(self) -> int:
        """Responses, whole."""
        return round(self.responses)


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
    arms = (_add_up(control), _add_up(candidate))
    voting: Per = "per_impression" if signal.estimate == "per_impression" else "per_response"
    estimates: dict[str, Estimate] = {
        "per_response": _estimate("per_response", arms, signal.confidence),
        "per_impression": _estimate("per_impression", arms, signal.confidence),
    }
    warnings = (*_loud_users(evidence, control, candidate, arms), *unknown_dimensions(signal, mine, _label))
    estimates = {name: replace(one, warnings=(*one.warnings, *warnings)) for name, one in estimates.items()}
    if signal.estimate in ("reweighted", "corrected"):
        why = f"the {signal.estimate} estimate cannot be computed yet by this version for feedback signals"
        estimates[signal.estimate] = refusal(why, signal.confidence, (arms[0].n, arms[1].n))
    days = [cell.day for cell in mine]
    first, last = day_span(days)
    responses = arms[0].n + arms[1].n
    measures = (
        _response_rate_shift(arms, signal.confidence),
        Measure("min_responses", min(arms[0].n, arms[1].n), "responses in the smaller arm"),
        set_aside_share(evidence, responses, tray),
    )
    return Numbers(
        signal=signal.name,
        kind=signal.kind,
        unit="pp",
        voting=signal.estimate if signal.estimate in estimates else voting,
        estimates=estimates,
        measures=measures,
        segments=segment_estimates(signal, control, candidate, _label, partial(_part, voting)),
        set_aside=(*evidence.set_aside, *tray.entries()),
        sources=evidence.sources,
        first_at=first,
        last_at=last,
        counted="responses",
        rate_per_day=None if None in days else per_day(responses, first, last),
    )


def _add_up(cells: Sequence[FeedbackCell]) -> Arm:
    moments = merge(cell.moments for cell in cells)
    counts = [cell.impressions for cell in cells]
    shown = [count for count in counts if count is not None]
    return Arm(
        moments,
        bool(cells) and all(cell.users_known for cell in cells),
        moments.n * (moments.d_mean if moments.d_mean is not None else 1.0),
        moments.n * moments.mean,
        sum(shown) if cells and len(shown) == len(counts) else None,
    )


def _label(cell: FeedbackCell, dimension: str) -> str | None:
    return dict(cell.segment).get(dimension)


def _part(
    per: Per,
    control: Sequence[FeedbackCell],
    candidate: Sequence[FeedbackCell],
    confidence: float,
    parts: int,  # noqa: ARG001 - one look: there is no plan to divide
) -> Estimate:
    return _estimate(per, (_add_up(control), _add_up(candidate)), confidence)


def _estimate(per: Per, arms: tuple[Arm, Arm], confidence: float) -> Estimate:
    """One rate's difference. ``arms`` are (control, candidate)."""
    control, candidate = arms
    counts = (control.n, candidate.n)
    if not all(counts):
        return nothing(confidence, counts)
    users = control.users_known and candidate.users_known
    try:
        if per == "per_response":
            difference, method = _per_response(arms, users, confidence)
        else:
            difference, method = _per_impression(arms, users, confidence)
    except RefusedError as refused:
        return refusal(str(refused), confidence, counts)
    warnings = [] if users else ["users are not known: one who responds often counts as several"]
    users_counted = float(control.moments.n + candidate.moments.n) if users else None
    return estimate(difference, method, confidence, counts, n_effective=users_counted, warnings=warnings)


def _per_response(arms: tuple[Arm, Arm], users: bool, confidence: float) -> tuple[Difference, str]:
    control, candidate = arms
    if not users:
        found = score_interval(
            _within(candidate.positives, candidate.responses),
            candidate.responses,
            _within(control.positives, control.responses),
            control.responses,
            confidence,
        )
        return found, "positives per response, Miettinen–Nurminen score interval"
    if min(min(arm.positives, arm.responses - arm.positives) for arm in arms) < FEW:
        # Near 0 or 1 the delta interval is too narrow. The score interval is not, on the responses that there would be
        # if all of one user's were the same: (sum d)^2 / sum d^2.
        sizes = [_independent(arm) for arm in (candidate, control)]
        shares = [min(1.0, max(0.0, arm.positives / arm.responses)) for arm in (candidate, control)]
        found = score_interval(shares[0] * sizes[0], sizes[0], shares[1] * sizes[1], sizes[1], confidence)
        return found, "positives per response, Miettinen–Nurminen score interval on independent responses"
    found = ratio_difference(candidate.moments, control.moments, confidence)
    return found, "positives per response, delta method over users"


def _per_impression(arms: tuple[Arm, Arm], users: bool, confidence: float) -> tuple[Difference, str]:
    control, candidate = arms
    if control.impressions is None or candidate.impressions is None:
        raise RefusedError("the source does not know how many answers were shown")
    if not (control.impressions and candidate.impressions):
        raise RefusedError("no answer was shown in an arm")
    by_user = [_over_impressions(arm) for arm in arms]
    if users and by_user[0] and by_user[1]:
        found = ratio_difference(by_user[1], by_user[0], confidence)
        return found, "positives per answer shown, delta method over users"
    if any(arm.impressions is not None and arm.responses > arm.impressions for arm in arms):
        raise RefusedError("there are more responses than answers shown")
    found = score_interval(
        _within(candidate.positives, candidate.impressions),
        candidate.impressions,
        _within(control.positives, control.impressions),
        control.impressions,
        confidence,
    )
    return found, "positives per answer shown, Miettinen–Nurminen score interval"


def _over_impressions(arm: Arm) -> Moments | None:
    """Moments with impressions as the denominator, when they are known per user."""
    m = arm.moments
    if m.x_mean is None or m.x_m2 is None or m.xy is None:
        return None
    return Moments(m.n, m.mean, m.m2, d_mean=m.x_mean, d_m2=m.x_m2, yd=m.xy)


def _responses_over_impressions(arm: Arm) -> Moments | None:
    m = arm.moments
    if None in (m.x_mean, m.x_m2, m.xd) or m.d_mean is None or m.d_m2 is None:
        return None
    return Moments(m.n, m.d_mean, m.d_m2, d_mean=m.x_mean, d_m2=m.x_m2, yd=m.xd)


def _response_rate_shift(arms: tuple[Arm, Arm], confidence: float) -> Measure:
    """p-value of equal response rates: by user where users and their impressions are known, else a score test."""
    name = "response_rate_shift_p"
    control, candidate = arms
    if not control.impressions or not candidate.impressions:
        return Measure(name, None, "the source does not know how many answers were shown")
    rates = (control.responses / control.impressions, candidate.responses / candidate.impressions)
    shown = f"{100 * rates[0]:.2f} % and {100 * rates[1]:.2f} % responded"
    by_user = [_responses_over_impressions(arm) for arm in arms]
    if control.users_known and candidate.users_known and by_user[0] and by_user[1]:
        try:
            return Measure(name, ratio_difference(by_user[1], by_user[0], confidence).p_value, shown)
        except RefusedError as refused:
            return Measure(name, None, str(refused))
    if max(rates) > 1.0:
        return Measure(name, None, "there are more responses than answers shown")
    statistic = score(candidate.responses, candidate.impressions, control.responses, control.impressions, 0.0)
    return Measure(name, two_sided_p(statistic), shown)


def _independent(arm: Arm) -> float:
    m = arm.moments
    if m.d_mean is None or m.d_m2 is None:
        return arm.responses
    squares = m.d_m2 + m.n * m.d_mean**2
    return arm.responses**2 / squares if squares else arm.responses


def _loud_users(
    evidence: Evidence, control: Sequence[FeedbackCell], candidate: Sequence[FeedbackCell], arms: tuple[Arm, Arm]
) -> list[str]:
    """One user who gave more than 5 % of an arm's responses; at least, as cells may hold other days of the same one."""
    found = []
    for name, cells, arm in zip(evidence.release.arms, (control, candidate), arms, strict=True):
        loudest = max(
            ((cell.top_user_share or 0.0) * cell.moments.n * (cell.moments.d_mean or 1.0) for cell in cells), default=0
        )
        if arm.responses and loudest / arm.responses > LOUD:
            found.append(f"one user gave {100 * loudest / arm.responses:.0f} % of the responses to {name}")
    return found


def _within(successes: float, n: float) -> float:
    """Rounding of a merged mean may leave a hair outside 0..n."""
    return min(n, max(0.0, successes))
