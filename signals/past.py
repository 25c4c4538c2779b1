"""Past releases out of the store: what each signal said then, what the policy calls it, how it turned out.

A release is past when people decided it or ``sources.yaml`` closes it with an ``as_of``. It is read as of that moment:
only evidence that was there by then counts. One that is still open is named and says nothing, as its evidence still
comes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from signals.asking import Case, memory_of
from signals.checks import OF_THE_PAST
from signals.model import Decision, Outcome, Project, Reading, Release, Signal, SignalKind, State, Verdict
from signals.replay import cases_of, fetch
from signals.review import store_of
from signals.stats.wilson import wilson
from signals.words import level, plural, share

if TYPE_CHECKING:
    from signals.policy import Policy
    from signals.stats.proxy import Relation

FEWEST_RELEASES = 10
"""Below this many releases nothing is said of how two signals, or a signal and the outcome, go together."""

UNHEARD = frozenset({None, "untrusted", "missing"})
"""States in which a signal says nothing."""

EXCUSED = OF_THE_PAST | {"max_age"}
"""Checks that a past reading need not pass to be compared with another of its release.

A signal that had to have a track record to be compared could never get one. And what was fresh when it was asked is old
when slower evidence of the same release comes in, and is not wrong for that.
"""

SAME_EVIDENCE: tuple[frozenset[SignalKind], ...] = (
    frozenset({"judge", "panel"}),
    frozenset({"experiment", "feedback"}),
)
"""Kinds that measure the same items, and kinds that measure the same people."""

OPEN = "it is still open: nobody decided it, and it has no `as_of`"


@dataclass(frozen=True)
class PastRelease:
    """One release that is over, or why nothing can be said of it.

    Attributes:
        release: Which.
        as_of: The moment that it is read at.
        readings: By signal, as the policy declares them; empty when refused.
        verdict: What the policy calls it; None when refused.
        decision: The newest that people made of it.
        refused: Why there are no readings; empty otherwise.
    """

    release: Release
    as_of: datetime
    readings: Mapping[str, Reading] = field(default_factory=dict)
    verdict: Verdict | None = None
    decision: Decision | None = None
    refused: str = ""

    @property
    def outcome(self) -> Outcome:
        """How it turned out, as ``sources.yaml`` has it."""
        return self.release.outcome

    @property
    def decider(self) -> str | None:
        """The signal whose row decided; None when a rule did, or nothing."""
        rows = self.verdict.trace if self.verdict else ()
        return next((row.signal for row in rows if row.role == "decides"), None)

    def state(self, signal: str) -> State | None:
        """What a signal said; None when nothing can be said of the release or the policy has no such signal."""
        reading = self.readings.get(signal)
        return reading.state if reading else None


def past(
    project: Project,
    policy: Policy,
    *,
    before: Release | None = None,
    until: datetime | None = None,
    newest: int | None = None,
) -> tuple[PastRelease, ...]:
    """Past releases in the order of their start; none is dropped, ``refused`` says why one has no readings.

    Numbers that the store does not have yet are computed, and kept there.

    Args:
        project: Whose releases and store; releases that are no longer listed count too.
        policy: Declares the signals: margins, trust, the number that votes.
        before: Only releases that started before this one and share no evidence with it, for a diagnosis of it.
        until: Only releases that are read at this moment or earlier, and only what was decided on verdicts of then, so
            that the diagnosis of a verdict as of then stays what it was.
        newest: Only as many, those that started last.

    Raises:
        SignalsError: When the store fails.
    """
    store = store_of(project)
    cases = past_cases(project, before=before, until=until, newest=newest)
    if not cases:
        return ()
    memory = memory_of(project, store)
    asker = memory.asker(policy)
    fetch(store, memory.lookup, [case for case in cases if not case.open], [asker])
    found = []
    for case in cases:
        verdict = None if case.open else asker.verdict(case)
        if isinstance(verdict, Verdict):
            found.append(PastRelease(case.release, case.as_of, verdict.readings, verdict, case.decision))
        else:
            why = OPEN if verdict is None else str(verdict)
            found.append(PastRelease(case.release, case.as_of, decision=case.decision, refused=why))
    return tuple(found)


def past_cases(
    project: Project, *, before: Release | None = None, until: datetime | None = None, newest: int | None = None
) -> list[Case]:
    """The releases that ``past`` reads, and the moment of each, in the order of their start; nothing is read yet."""
    cases = [case for case in cases_of(project, store_of(project), until=until) if _counts(case, before, until)]
    cases.sort(key=lambda case: (case.release.started, case.as_of, case.release.id))
    return cases[-newest:] if newest else cases


def _counts(case: Case, before: Release | None, until: datetime | None) -> bool:
    if until is not None and case.as_of > until:
        return False
    # What was measured on the very evidence of a release is no second word on it.
    if before is None:
        return True
    return case.release.started < before.started and not evidence_of(case.release) & evidence_of(before)


def evidence_of(release: Release) -> set[object]:
    """What releases that share evidence have in common: two arms, or a family with its one control."""
    return {frozenset(pair) for pair in release.pairs} | ({release.family} if release.family else set())


def independent(releases: Sequence[PastRelease]) -> tuple[tuple[PastRelease, ...], tuple[PastRelease, ...]]:
    """The releases with readings that share no evidence, and those set aside because they share it with one of them.

    Candidates of one family have one control, and two releases with the same two arms are one comparison: the first
    in order counts.
    """
    seen: set[object] = set()
    kept: list[PastRelease] = []
    aside: list[PastRelease] = []
    for one in releases:
        if one.refused:
            continue
        keys = evidence_of(one.release)
        (aside if keys & seen else kept).append(one)
        seen |= keys
    return tuple(kept), tuple(aside)


def shares_evidence(one: SignalKind, other: SignalKind) -> bool:
    """Whether signals of these kinds measure the same items or people, so that their errors may go together."""
    return any({one, other} <= same for same in SAME_EVIDENCE)


def in_margins(reading: Reading | None) -> tuple[float, float] | None:
    """Benefit of a reading and its sampling variance, in margins; None when it is not believed or has no margin.

    One that lacks nothing but what ``EXCUSED`` excuses counts.
    """
    if reading is None or not reading.margin or reading.benefit.value is None:
        return None
    if reading.state in UNHEARD and not _excused(reading):
        return None
    voting = reading.estimates.get(reading.voting)
    if voting is None or not voting.se or not math.isfinite(voting.se):
        return None
    return reading.benefit.value / reading.margin, (voting.se / reading.margin) ** 2


def _excused(reading: Reading) -> bool:
    """Whether a reading is untrusted for nothing but what ``EXCUSED`` excuses."""
    broken = {one.name for one in reading.checks.values() if one.required and one.status != "pass"}
    return reading.state == "untrusted" and bool(broken) and broken <= EXCUSED and reading.benefit.low is not None


def without_margin(signals: Mapping[str, Signal], one: str, other: str) -> str:
    """Why two signals have no common scale; empty when both declare a margin."""
    bare = [name for name in (one, other) if signals[name].margin is None]
    if not bare:
        return ""
    return f"{' and '.join(bare)} {'declares' if len(bare) == 1 else 'declare'} no margin to count benefits in"


def _without_error(signals: Mapping[str, Signal], one: str, other: str) -> str:
    """Why the errors of past effects are not known; empty when they are.

    A quantile that may be looked at on any day has no standard error but what its wider interval comes to, which says
    as much about the days to come as about the data.
    """
    for name in (one, other):
        metric = signals[name].metric
        if metric is not None and metric.type == "quantile" and signals[name].looks == "continuous":
            return f"{name} is a quantile looked at any day, so the errors of its past effects are not known"
    return ""


def both_in_margins(
    releases: Sequence[PastRelease], one: str, other: str
) -> list[tuple[PastRelease, tuple[float, float], tuple[float, float]]]:
    """The releases in which both signals have a number, with benefit and variance of each; see ``in_margins``."""
    found = []
    for release in releases:
        first, second = in_margins(release.readings.get(one)), in_margins(release.readings.get(other))
        if first is not None and second is not None:
            found.append((release, first, second))
    return found


def relate(
    releases: Sequence[PastRelease], signals: Mapping[str, Signal], one: str, other: str, confidence: float = 0.95
) -> Relation:
    """How the true benefits of two signals went together over past releases, both in margins.

    Args:
        releases: As ``past`` gives them; those that share evidence with an earlier one do not count.
        signals: As the policy declares them.
        one: The first signal: the x of ``signals.stats.proxy.predict``.
        other: The second.
        confidence: Two-sided.

    Returns:
        A relation, ``refused`` below ten releases with both numbers or when a signal declares no margin.
    """
    from signals.stats.proxy import Relation, relation

    points = both_in_margins(independent(releases)[0], one, other)
    bare = without_margin(signals, one, other) or _without_error(signals, one, other)
    if bare:
        return Relation(len(points), FEWEST_RELEASES, confidence, refused=bare)
    return relation(
        [first[0] for _, first, _ in points], [second[0] for _, _, second in points],
        [first[1] for _, first, _ in points], [second[1] for _, _, second in points],
        shared=shares_evidence(signals[one].kind, signals[other].kind), confidence=confidence, needed=FEWEST_RELEASES,
    )  # fmt: skip


@dataclass(frozen=True)
class Together:
    """How often one signal's state came with another's.

    Attributes:
        releases: Independent past releases that both signals were heard in (any state but untrusted and missing).
        needed: How many it takes.
        of: Among them, those in which the first signal was in its state.
        times: Among those, how often the other was in its state.
        low: Lower bound of times / of (Wilson); None when refused, or without any.
        high: Upper bound.
        refused: Why no share is given; empty when one is, or when the first signal was never in its state.
        words: One sentence for the standup, also of a refusal.
    """

    releases: int
    needed: int
    of: int
    times: int
    low: float | None
    high: float | None
    refused: str
    words: str


def came_with(
    releases: Sequence[PastRelease], signal: str, state: State, other: str, wanted: State, confidence: float = 0.95
) -> Together:
    """How often one state came with another: "a judge win came with a conversion win 5 of 9 times".

    Args:
        releases: As ``past`` gives them.
        signal: Whose state is given.
        state: Its state.
        other: Whose state is asked about.
        wanted: That state.
        confidence: Of the interval, which is for releases in general.
    """
    kept, _ = independent(releases)
    both = [(one.state(signal), one.state(other)) for one in kept]
    heard = [pair for pair in both if UNHEARD.isdisjoint(pair)]
    given = [pair for pair in heard if pair[0] == state]
    of, times = len(given), sum(pair[1] == wanted for pair in given)
    if len(heard) < FEWEST_RELEASES:
        many = plural(len(heard), "past releases")
        why = f"{many} heard both {signal} and {other}, and it takes {FEWEST_RELEASES}"
        return Together(len(heard), FEWEST_RELEASES, of, times, None, None, why, f"{why[0].upper()}{why[1:]}.")
    many = f"In {plural(len(heard), 'past releases')}"
    if not given:
        words = f"{many} that heard both, {signal} was never {state}."
        return Together(len(heard), FEWEST_RELEASES, 0, 0, None, None, "", words)
    low, high = wilson(times, of, confidence)
    words = (
        f"{many}, {_a(signal)} {state} came with {_a(other)} {wanted} {times} of {plural(of, 'times')} "
        f"({level(confidence)} {100 * low:.0f} to {share(high, 0)})."
    )
    return Together(len(heard), FEWEST_RELEASES, of, times, low, high, "", words)


def _a(name: str) -> str:
    return f"an {name}" if name[:1].lower() in "aeio" else f"a {name}"
