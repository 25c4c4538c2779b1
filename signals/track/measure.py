"""The track record out of past releases: counts, shares with intervals, correlations, trends."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from signals.model import STATES, Interval, Project
from signals.past import (
    FEWEST_RELEASES,
    UNHEARD,
    PastRelease,
    both_in_margins,
    independent,
    past,
    relate,
    shares_evidence,
    without_margin,
)
from signals.stats.alarm import watch
from signals.stats.student import critical
from signals.stats.wilson import wilson
from signals.track import phrases
from signals.track.record import (
    Counted,
    GapTrend,
    LeftOut,
    Pair,
    PolicyRecord,
    Rate,
    SignalRecord,
    TrackRecord,
)

if TYPE_CHECKING:
    from signals.policy import Policy

SAID = ("win", "loss", "flat")
NONE = Interval(None, None, None)


def track_record(
    project: Project | Path | str | None = None,
    policy: Policy | None = None,
    *,
    releases: Sequence[PastRelease] | None = None,
) -> TrackRecord:
    """How each signal, and the policy, did over past releases.

    Shares, correlations and trends are refused below ten releases that have both sides; counts are always given. Two
    signals are related by their benefits in margins: see ``signals.stats.proxy``. The gap of each signal to the one
    that the hierarchy asks first is followed in order of start: see ``signals.stats.alarm``.

    Args:
        project: A folder or a loaded project (default: ``$SIGNALS_PROJECT``, else the working directory).
        policy: Another policy than the project's.
        releases: Past releases that were found already; all of the store by default.

    Raises:
        SignalsError: A project or policy that does not load, a store that fails.
    """
    if policy is None or releases is None:
        from signals.review import load, policy_of

        project = project if isinstance(project, Project) else load(project)
        policy = policy or policy_of(project)
        releases = past(project, policy) if releases is None else releases
    kept, aside = independent(releases)
    names = list(dict.fromkeys([row.signal for row in policy.hierarchy] + list(policy.signals)))
    first = policy.hierarchy[0].signal if policy.hierarchy else None
    left_out = [LeftOut(one.release.id, one.refused) for one in releases if one.refused]
    left_out += [LeftOut(one.release.id, phrases.RELATED) for one in aside]
    known = [one for one in releases if not one.refused]
    pairs = tuple(_pair(kept, policy, one, other) for place, one in enumerate(names) for other in names[place + 1 :])
    found = TrackRecord(
        policy=policy.name,
        policy_hash=policy.hash,
        confidence=policy.confidence,
        needed=FEWEST_RELEASES,
        known=len(known),
        releases=len(kept),
        synthetic=sum(one.release.synthetic for one in kept),
        outcomes=sum(one.outcome != "unknown" for one in kept),
        first=kept[0].release.started if kept else None,
        last=kept[-1].release.started if kept else None,
        outcome_signal=first,
        signals=tuple(_signal(kept, policy, name, first) for name in names),
        pairs=pairs,
        record=_policy(known, policy.confidence),
        left_out=tuple(left_out),
        undecided=tuple(one.release.id for one in kept if one.decider is None),
        alarms=(),
        words=(),
    )
    return phrases.told(found)


# --- one signal -----------------------------------------------------------------------------------------------------


def _signal(kept: Sequence[PastRelease], policy: Policy, name: str, first: str | None) -> SignalRecord:
    declared = policy.signals[name]
    states = Counter(one.state(name) for one in kept)
    beside = [one for one in kept if one.decider not in (None, name)]
    both = [(one.state(name), one.state(one.decider or "")) for one in beside]
    spoke = [(mine, theirs) for mine, theirs in both if mine in SAID and theirs in SAID]
    known = [one for one in kept if one.outcome != "unknown"]
    heard = [(one.state(name), one.outcome) for one in known if one.state(name) not in UNHEARD]
    wins = [out == "good" for state, out in heard if state == "win"]
    losses = [out == "bad" for state, out in heard if state == "loss"]
    level = policy.confidence

    def against_outcome(right: Sequence[bool]) -> Rate:
        return _rate(sum(right), len(right), len(heard), level, lambda n: phrases.few_outcomes(name, n))

    found = SignalRecord(
        signal=name,
        kind=declared.kind,
        owner=declared.owner,
        states={state: states[state] for state in STATES if states[state]},
        heard=sum(number for state, number in states.items() if state not in UNHEARD),
        decided=sum(one.decider == name for one in kept),
        beside=_counts(both),
        agreed=_rate(
            sum(mine == theirs for mine, theirs in spoke), len(spoke), len(spoke), level,
            lambda n: phrases.few_beside(name, n),
        ),
        turned=_counts((one.state(name), one.outcome) for one in kept),
        win_good=against_outcome(wins),
        loss_bad=against_outcome(losses),
        right=against_outcome(wins + losses),
        gap=_gap(kept, policy, name, first) if first not in (None, name) else None,
        words=(),
    )  # fmt: skip
    return phrases.signal_told(found, level)


def _counts(pairs: Iterable[tuple[str | None, str | None]]) -> tuple[Counted, ...]:
    found = Counter(pairs)
    order = [*STATES, "good", "bad", "unknown"]
    return tuple(
        Counted(state, other, found[state, other])
        for state in STATES
        for other in order
        if found[state, other]
    )  # fmt: skip


def _rate(times: int, of: int, releases: int, confidence: float, few: Callable[[int], str]) -> Rate:
    """A share with its interval; refused when fewer than ten releases could have counted."""
    if releases < FEWEST_RELEASES:
        return Rate(times, of, releases, refused=few(releases))
    return Rate(times, of, releases, *wilson(times, of, confidence)) if of else Rate(0, 0, releases)


# --- numbers --------------------------------------------------------------------------------------------------------


def _pair(kept: Sequence[PastRelease], policy: Policy, one: str, other: str) -> Pair:
    found = relate(kept, policy.signals, one, other, policy.confidence)
    return Pair(
        signal=one,
        other=other,
        releases=found.n,
        correlation=found.correlation,
        measured=found.measured,
        clamped=found.clamped,
        shared=shares_evidence(policy.signals[one].kind, policy.signals[other].kind),
        slope=found.slope,
        refused=found.refused,
        no_line=found.no_line,
    )


def _gap(kept: Sequence[PastRelease], policy: Policy, name: str, first: str | None) -> GapTrend:
    against = first or ""
    points = both_in_margins(kept, name, against)
    ids = tuple(one.release.id for one, _, _ in points)
    started = tuple(one.release.started for one, _, _ in points)
    gaps = tuple(a[0] - b[0] for _, a, b in points)
    n = len(gaps)
    why = without_margin(policy.signals, name, against) or (phrases.few_gaps(n) if n < FEWEST_RELEASES else "")
    if why:
        return phrases.gap_told(GapTrend(name, against, ids, started, gaps, NONE, None, None, why, ""))
    from signals.stats.trend import weighted_trend

    trend = weighted_trend(list(range(n)), gaps, [1.0] * n)
    slope, p = NONE, None
    if trend is not None and trend.se > 0.0:
        half = critical(policy.confidence, trend.df) * trend.se
        slope, p = Interval(trend.slope, trend.slope - half, trend.slope + half), trend.p_value
    return phrases.gap_told(GapTrend(name, against, ids, started, gaps, slope, p, watch(gaps), "", ""))


# --- the policy -----------------------------------------------------------------------------------------------------


def _policy(known: Sequence[PastRelease], confidence: float) -> PolicyRecord:
    calls = [(one.verdict.call, one.outcome) for one in known if one.verdict]
    people = [(one.decision.call, one.outcome) for one in known if one.decision]
    bad = [call for call, outcome in calls if outcome == "bad"]
    good = [call for call, outcome in calls if outcome == "good"]
    decided = [one.decision for one in known if one.decision]
    found = PolicyRecord(
        calls=dict(sorted(Counter(calls).items())),
        decided=dict(sorted(Counter(people).items())),
        harms_stopped=_rate(
            sum(call != "ship" for call in bad), len(bad), len(bad) + len(good), confidence, phrases.few_known
        ),
        wins_shipped=_rate(
            sum(call == "ship" for call in good), len(good), len(bad) + len(good), confidence, phrases.few_known
        ),
        overridden=_rate(
            sum(one.override for one in decided), len(decided), len(decided), confidence, phrases.few_decided
        ),
        words=(),
    )
    return phrases.policy_told(found, confidence)
