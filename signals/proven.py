"""What its past says of a signal: checks that are measured from past releases instead of the one under review.

Whether a fast signal still goes where a slow one goes, and whether those who respond are still who they used to be, no
release can tell of itself. A past release counts when it started earlier, shares no evidence with the one under review,
and was decided or closed by its as-of moment; it is read as of that moment of its own, so nothing of the future counts.

None of it is evidence of the release, so it is no part of the stored numbers: it is looked up each time, and only of
signals whose ``trust`` or whose conditions ask for it. Past readings are believed without these checks and whatever
their age (``signals.past.EXCUSED``): a signal that had to be proven before it may be measured could never be proven.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from signals.checks import OF_THE_PAST
from signals.model import Measure, Numbers, Project, Reading, Release, Signal, SignalsError, digest
from signals.words import plural, share, true_minus

if TYPE_CHECKING:
    from signals.asking import Case
    from signals.lookup import Lookup
    from signals.past import PastRelease
    from signals.policy import Policy
    from signals.stats.responders import Crowd

NEWEST = 30
"""Past releases that count, the newest: a record that has ended must not live on what came long before."""

FIRST = 3
"""The first windows that responders are held against are one in so many of the past releases, the oldest."""

Asked = Mapping[str, frozenset[str]]
"""By signal, the checks of the past that the policy asks for."""


def asked_of(policy: Policy) -> Asked:
    """The checks of the past that a policy's ``trust`` or conditions ask for; signals without any are left out."""
    found: dict[str, set[str]] = {}
    for name, signal in policy.signals.items():
        found.setdefault(name, set()).update(OF_THE_PAST & signal.trust.keys())
    for fact in _facts(policy):
        name, _, check = fact.partition(".")
        if check in OF_THE_PAST and name in found:
            found[name].add(check)
    return {name: frozenset(checks) for name, checks in found.items() if checks}


def _facts(policy: Policy) -> Iterator[str]:
    for rules in (policy.rules, *policy.kinds.values()):
        conditions = [row.when for row in rules.hierarchy] + [rule.when for rule in rules.overrides]
        conditions += [rule.when for rule in rules.guardrails] + [rule.that for rule in rules.ship_requires]
        for condition in conditions:
            yield from condition.facts if condition else ()


def with_past(
    project: Project, policy: Policy, release: Release, as_of: datetime, numbers: Mapping[str, Numbers]
) -> Mapping[str, Numbers]:
    """The numbers of one release with the checks of the past that the policy asks for; untouched when it asks for none.

    Raises:
        SignalsError: When the store fails.
    """
    if not asked_of(policy):
        return numbers
    from signals.asking import memory_of
    from signals.review import store_of

    past = memory_of(project, store_of(project)).asker(policy).past
    return {name: past.added(name, one, release, as_of) for name, one in numbers.items()} if past else numbers


@dataclass(frozen=True)
class _Closed:
    """A release, and every moment at which people decided it or at which ``sources.yaml`` closes it, in order."""

    case: Case
    moments: tuple[datetime, ...]


class Proven:
    """The past of one policy's signals in one state of the store; what it looks up is kept."""

    def __init__(self, lookup: Lookup, policy: Policy) -> None:
        self.lookup, self.signals, self.asked = lookup, policy.signals, asked_of(policy)
        self.needed = {name for one in self.asked for name in (one, policy.signals[one].against)}
        self.wanted = tuple(one for one in lookup.wanted(policy.signals) if one.signal.name in self.needed)
        self._closed: tuple[_Closed, ...] | None = None
        self._numbers: dict[tuple[Release, datetime], Mapping[str, Numbers]] = {}
        self._readings: dict[tuple[Release, datetime, str], Reading] = {}
        self._measures: dict[tuple[str, Release, datetime], tuple[Measure, ...]] = {}

    @property
    def key(self) -> str:
        """What these checks follow from beside the store: policies that are alike in it share what was looked up."""
        signals = [_unproven(self.signals[name]) for name in self.signals if name in self.needed]
        return digest([{name: sorted(checks) for name, checks in self.asked.items()}, signals])

    def subject(self, name: str) -> tuple[object, ...]:
        """The same of one signal, beside its own declaration."""
        return (sorted(self.asked[name]), self.signals.get(self.signals[name].against)) if name in self.asked else ()

    def added(self, name: str, numbers: Numbers, release: Release, as_of: datetime) -> Numbers:
        """The numbers with the checks of the past that are asked of this signal."""
        if name not in self.asked:
            return numbers
        spot = name, release, as_of
        if spot not in self._measures:
            self._measures[spot] = tuple(self._measured(name, numbers, release, as_of))
        return replace(numbers, measures=(*numbers.measures, *self._measures[spot]))

    # --- the three measures -----------------------------------------------------------------------------------------

    def _measured(self, name: str, numbers: Numbers, release: Release, as_of: datetime) -> Iterator[Measure]:
        past = self._past(release, as_of)
        if "track_correlation" in self.asked[name]:
            yield self._correlation(name, past)
        windows = [
            (one.release, found)
            for one in past
            if (found := self._numbers[one.release, one.as_of].get(name)) is not None
        ]
        if "response_trend_p" in self.asked[name]:
            yield _response_trend(windows, (release, numbers))
        if "responder_mix_shift" in self.asked[name]:
            yield _responder_mix(self.signals[name], [found for _, found in windows], numbers)

    def _correlation(self, name: str, past: Sequence[PastRelease]) -> Measure:
        from signals.past import relate

        check, against = "track_correlation", self.signals[name].against
        if not against:
            return Measure(check, None, "the signal does not say which signal it is held `against`")
        found = relate(past, self.signals, name, against)
        if found.refused:
            return Measure(check, None, f"with {against}: {found.refused}")
        one = found.correlation
        why = f"with {against}, over {plural(found.n, 'past releases')}"
        if one.low is not None and one.high is not None:
            why += true_minus(f" (95 % CI {one.low:.2f} to {one.high:.2f})")
        return Measure(check, one.value, why, low=one.low, high=one.high)

    # --- past releases ----------------------------------------------------------------------------------------------

    def _past(self, release: Release, as_of: datetime) -> tuple[PastRelease, ...]:
        """Past releases that are evidence of their own, in order of start, with the readings that are needed."""
        from signals.past import PastRelease, evidence_of, independent

        own = evidence_of(release)
        found = []
        for one in self._all():
            moment = max((at for at in one.moments if at <= as_of), default=None)
            old = one.case.release.started < release.started and not evidence_of(one.case.release) & own
            if old and moment is not None:
                found.append((one.case, moment))
        found.sort(key=lambda pair: (pair[0].release.started, pair[1], pair[0].release.id))
        found = found[-NEWEST:]
        self._fetch(found)
        readings = ((case, moment, self._read(case, moment)) for case, moment in found)
        return independent([PastRelease(case.release, moment, read) for case, moment, read in readings if read])[0]

    def _all(self) -> tuple[_Closed, ...]:
        if self._closed is None:
            from signals.replay import cases_of

            project, store = self.lookup.project, self.lookup.store
            every = store.decisions()
            seen = store.verdicts_seen([decision.verdict_hash for decision in every])
            moments: dict[str, list[datetime]] = {}
            for decision in every:
                at = seen.get(decision.verdict_hash, (decision.at, ""))[0]
                moments.setdefault(decision.release, []).append(at.astimezone(UTC).replace(microsecond=0))
            closed = []
            for case in cases_of(project, store):
                own = case.release.as_of
                ends = [*moments.get(case.release.id, ()), *([own.astimezone(UTC)] if own else [])]
                closed.append(_Closed(case, tuple(sorted(ends))))
            self._closed = tuple(one for one in closed if one.moments)
        return self._closed

    def _fetch(self, cases: Sequence[tuple[Case, datetime]]) -> None:
        """Bring what the store has of these into memory, in one transaction."""
        todo = [(case, moment) for case, moment in cases if (case.release, moment) not in self._numbers]
        if todo:
            with self.lookup.store.look() as look:
                for case, moment in todo:
                    self.lookup.fetch(self.wanted, case.release, moment, case.family, look)

    def _read(self, case: Case, moment: datetime) -> Mapping[str, Reading]:
        """Readings of the needed signals; none when no numbers can be about the release."""
        from signals.readings import read
        from signals.store import StoreError

        spot = case.release, moment
        if spot not in self._numbers:
            try:
                self.lookup.check(case.release)
                self._numbers[spot] = self.lookup.of(self.wanted, *spot, case.family)[0]
            except StoreError:
                raise  # it is the store that fails, and not only here
            except SignalsError:
                self._numbers[spot] = {}
        found = {}
        for name, numbers in self._numbers[spot].items():
            kept = self._readings.get((*spot, name))
            if kept is None:
                kept = self._readings[*spot, name] = read(_unproven(self.signals[name]), numbers, moment)
            found[name] = kept
        return found


def _unproven(signal: Signal) -> Signal:
    """The signal as its past readings are believed: see ``signals.past.EXCUSED``."""
    from signals.past import EXCUSED

    return replace(signal, trust={name: limit for name, limit in signal.trust.items() if name not in EXCUSED})


# --- responders -----------------------------------------------------------------------------------------------------


def _few(releases: int, what: str) -> str:
    from signals.past import FEWEST_RELEASES

    if releases >= FEWEST_RELEASES:
        return ""
    have = "has" if releases == 1 else "have"
    return f"{plural(releases, 'past releases')} {have} {what}, and it takes {FEWEST_RELEASES}"


def _responses(numbers: Numbers) -> float:
    one = numbers.estimates["per_response"]
    return float(one.n_control + one.n_candidate)


def _response_trend(windows: Sequence[tuple[Release, Numbers]], now: tuple[Release, Numbers]) -> Measure:
    from signals.stats.difference import RefusedError
    from signals.stats.responders import falling_p

    check = "response_trend_p"
    known = [(one.started, _responses(found) / found.components["shown"]) for one, found in windows if _shows(found)]
    few = _few(len(known), "a response rate")
    if few:
        return Measure(check, None, few)
    if not _shows(now[1]):
        return Measure(check, None, "the source does not know how many answers were shown")
    known.append((now[0].started, _responses(now[1]) / now[1].components["shown"]))
    first = known[0][0]
    try:
        p = falling_p([float((day - first).days) for day, _ in known], [rate for _, rate in known])
    except RefusedError as refused:
        return Measure(check, None, str(refused))
    rates = (
        f"{share(known[0][1], 1)} responded in the first of {len(known)} windows, {share(known[-1][1], 1)} in this one"
    )
    return Measure(check, p, rates)


def _shows(numbers: Numbers) -> bool:
    return numbers.components.get("shown", 0.0) > 0.0


def _responder_mix(signal: Signal, windows: Sequence[Numbers], now: Numbers) -> Measure:
    """The dimension along which responders have moved most."""
    from signals.stats.difference import RefusedError
    from signals.stats.responders import moved

    check = "responder_mix_shift"
    if not signal.segments:
        return Measure(check, None, "the signal declares no segments")
    found, refused = [], ""
    for dimension in signal.segments:
        known = [one for one in windows if any(part.name.startswith(f"{dimension}=") for part in one.segments)]
        few = _few(len(known), f"responders by {dimension}")
        if few:
            refused = refused or few
            continue
        first = known[: max(1, math.ceil(len(known) / FIRST))]
        try:
            far = moved(_crowd(first, dimension), _crowd([now], dimension))
        except RefusedError as error:
            refused = refused or str(error)
            continue
        why = (
            f"{far.segment} {share(far.share, 0)} of those who respond, {share(far.expected, 0)} going by the first "
            f"{plural(len(first), 'windows')}; {share(far.distance, 1)} would have to be others, of which chance makes "
            f"up to {share(far.noise, 1)}"
        )
        found.append((far.shift, why))
    if not found:
        return Measure(check, None, refused)
    shift, why = max(found)
    return Measure(check, shift, why)


def _crowd(windows: Sequence[Numbers], dimension: str) -> Crowd:
    """The responders of these windows together, by segment of one dimension."""
    from signals.stats.responders import Crowd

    responses: dict[str, float] = {}
    shown: dict[str, float] = {}
    worth = total = 0.0
    for one in windows:
        for part in one.segments:
            if part.name.startswith(f"{dimension}="):
                responses[part.name] = responses.get(part.name, 0.0) + part.n_control + part.n_candidate
                shown[part.name] = shown.get(part.name, 0.0) + one.components.get(f"shown {part.name}", math.nan)
        count = _responses(one)
        alike = next((found.value for found in one.measures if found.name == "min_effective_share"), None)
        worth, total = worth + count * (1.0 if alike is None else min(1.0, alike)), total + count
    known = not any(math.isnan(number) for number in shown.values())
    return Crowd(responses, shown if known else None, worth / total if total else 1.0)
