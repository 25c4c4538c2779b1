"""What stands beside a verdict: why the signals disagree, how sure the call is, what would settle it.

The numbers of a pair of signals are computed once per change of evidence and stored; everything else follows from them
and from the readings. What was explained is kept in memory, so that a page may be drawn again at once.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations
from threading import Lock
from typing import TYPE_CHECKING

from signals.lookup import METHODS_VERSION, Lookup, Wanted
from signals.model import (
    Correction,
    Decision,
    Evidence,
    Explanation,
    Numbers,
    PairNumbers,
    Reconciliation,
    Verdict,
    digest,
)

if TYPE_CHECKING:
    from signals.past import PastRelease
    from signals.policy import Policy
    from signals.reconcile.pairs.attribute import Expected

KEPT = 64
"""Explanations that are kept in memory."""

VERSION = 6
"""Raised whenever anything of an explanation is computed otherwise, so that stored ones are made again."""

PAST = 100
"""How many past releases a diagnosis looks at: the newest."""

MEANWHILE = "a source was pulled while this was explained, and pairs of signals are left out: ask again"
"""Told when the store no longer holds the evidence that the verdict was made from."""

SEVERAL = (
    "this release has several controls: the evidence is not drawn anew, gaps between signals are not attributed and no "
    "collection is proposed, for each of these is about one control"
)
"""Told instead of what an explanation cannot say of the best of several controls."""

Key = tuple[str, ...]


class _Memory:
    """The newest explanations; threads share it."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.kept: OrderedDict[Key, Explanation] = OrderedDict()

    def get(self, key: Key) -> Explanation | None:
        with self.lock:
            if key in self.kept:
                self.kept.move_to_end(key)
            return self.kept.get(key)

    def put(self, key: Key, found: Explanation) -> None:
        with self.lock:
            self.kept[key] = found
            while len(self.kept) > KEPT:
                self.kept.popitem(last=False)


_memory = _Memory()


@dataclass(frozen=True)
class Subject:
    """What is to be explained.

    Attributes:
        lookup: Over the store that the verdict was made from.
        policy: That made it.
        verdict: Of one release.
        numbers: Behind its readings, by signal.
        family: How many candidates share the release's error rate.
        moving: Whether the as-of time is simply now: then an explanation serves until the minute is over.
        decisions: About the release, the newest first.
    """

    lookup: Lookup
    policy: Policy
    verdict: Verdict
    numbers: Mapping[str, Numbers]
    family: int = 1
    moving: bool = False
    decisions: tuple[Decision, ...] = ()


def explain(subject: Subject) -> Explanation:
    """The explanation of a verdict; the same verdict, policy, evidence, decisions and past releases give the same."""
    from signals.reconcile.collecting.closed import without_proposals

    return without_proposals(_of_evidence(subject), subject.verdict.release, subject.decisions)


def diagnoses(subject: Subject) -> tuple[Reconciliation, ...]:
    """Why the signals disagree, by itself: what ``explain`` says of it, without all that takes longer."""
    return _Pairs(subject).reconciled()


def _of_evidence(subject: Subject) -> Explanation:
    """It as if nobody had decided yet, which is what is kept."""
    key = (*_key(subject), *_past_key(subject))
    found = _memory.get(key)
    if found is None:
        store, names = subject.lookup.store, (subject.verdict.release.id, subject.verdict.evidence_hash, digest(key))
        found = None if subject.moving else store.explanation(*names)
        if found is None:
            found = _explained(subject)
            if MEANWHILE in found.notes:  # it lacks what the next one to ask will be told
                return found
            if not subject.moving:  # of a time that moves on, nobody asks again
                store.put_explanation(*names, found)
        _memory.put(key, found)
    return found


def _key(subject: Subject) -> Key:
    """What an explanation follows from. Of a time that moves only what it changed is looked at: states and answers."""
    verdict = subject.verdict
    if not subject.moving:
        seen = digest([VERSION, METHODS_VERSION, verdict.release, verdict.as_of, verdict.readings])
        return subject.policy.hash, verdict.evidence_hash, seen
    said = [
        [reading.state, reading.non_inferior, [check.status for check in reading.checks.values()]]
        for reading in verdict.readings.values()
    ]
    rules = [rule.holds for rule in (*verdict.guardrails, *verdict.ship_requires, *verdict.overrides)]
    minute = f"{verdict.as_of:%Y-%m-%dT%H:%M}"
    seen = digest([verdict.release, subject.family, verdict.trace, said, rules])
    return subject.policy.hash, verdict.evidence_hash, seen, minute


def _past_key(subject: Subject) -> Key:
    """What the past releases of a diagnosis follow from: evidence, which of them are over, who feeds their signals."""
    from signals.past import past_cases
    from signals.reconcile.pairs.contradictions import contradictions

    lookup, verdict = subject.lookup, subject.verdict
    # The number alone is that of any store with as many pulls; the contents alone may be those of before a pull.
    pulled = digest([lookup.newest_pull, {name: held.row["content"] for name, held in lookup.held.items()}])
    if not contradictions(verdict):
        return (pulled,)
    cases = past_cases(lookup.project, before=verdict.release, until=verdict.as_of, newest=PAST)
    over = [(case.release, case.as_of, case.family) for case in cases if not case.open]
    fed = [(source.name, source.signal) for source in lookup.project.sources]
    return pulled, digest([over, fed, lookup.project.kin])


def _explained(subject: Subject) -> Explanation:
    from signals.reconcile.collecting.collect import collections
    from signals.reconcile.draws import resampling
    from signals.reconcile.flip.flips import flips, left_out
    from signals.reconcile.stability import stability

    policy, verdict, numbers = subject.policy, subject.verdict, subject.numbers
    if verdict.release.other_controls:
        asked = policy, verdict.release, verdict.readings, verdict.as_of
        return Explanation((), None, flips(*asked), notes=(SEVERAL, *left_out(*asked)))
    pairs = _Pairs(subject)
    reconciled = pairs.reconciled()
    drawn = resampling(
        policy, verdict.release, numbers, verdict.as_of, correlations=pairs.correlations(), family=subject.family
    )
    sure = stability(drawn)
    proposed, unsettled = collections(drawn, verdict, sure)
    asked = policy, verdict.release, verdict.readings, verdict.as_of
    return Explanation(
        reconciliation=reconciled,
        stability=sure,
        flips=flips(*asked),
        collections=proposed,
        unsettled=unsettled,
        notes=(*pairs.notes, *left_out(*asked)),
    )


class _Pairs:
    """The pairs of one verdict, out of the store or newly computed."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.wanted: Mapping[str, Wanted] = {
            one.signal.name: one for one in subject.lookup.wanted(subject.policy.signals)
        }
        self.keys = {
            name: subject.lookup.key(one, subject.verdict.release, subject.verdict.as_of, subject.family)
            for name, one in self.wanted.items()
        }
        self.evidence: dict[str, Evidence] = {}
        self.kept: dict[tuple[str, str], PairNumbers | None] = {}
        self.notes: list[str] = []

    @property
    def found(self) -> tuple[PairNumbers, ...]:
        """Those that have numbers."""
        return tuple(one for one in self.kept.values() if one is not None)

    def reconciled(self) -> tuple[Reconciliation, ...]:
        """The diagnosis of every pair that contradicts."""
        from signals.reconcile.pairs.attribute import attribute
        from signals.reconcile.pairs.contradictions import contradictions

        signals, readings = self.subject.policy.signals, self.subject.verdict.readings
        rows = []
        for one, two in contradictions(self.subject.verdict):
            numbers = self.numbers(one, two)
            if numbers is not None:
                rows.append(attribute(numbers, signals, readings, self.expected(numbers)))
        return tuple(rows)

    @cached_property
    def past(self) -> tuple[PastRelease, ...]:
        """The newest past releases that were over when the verdict was made."""
        from signals.past import past

        subject = self.subject
        release, until = subject.verdict.release, subject.verdict.as_of
        return past(subject.lookup.project, subject.policy, before=release, until=until, newest=PAST)

    def expected(self, numbers: PairNumbers) -> Expected | Correction:
        """What past releases let one expect of the second signal of a pair, or why they say nothing."""
        from signals.past import came_with, relate
        from signals.reconcile.pairs.history import expected

        one, two = numbers.signal, numbers.against
        signals, readings = self.subject.policy.signals, self.subject.verdict.readings
        found = relate(self.past, signals, one, two, signals[one].confidence)
        states = readings[one].state, readings[two].state
        together = came_with(self.past, one, states[0], two, states[0])
        return expected(found, together.words, readings[one], readings[two], one_scale=numbers.one_scale)

    def correlations(self) -> Mapping[frozenset[str], float]:
        """Of the errors of signals that look at the same items."""
        from signals.reconcile.pairs.contradictions import shares_items

        signals, readings = self.subject.policy.signals, self.subject.verdict.readings
        found = {}
        for one, two in combinations([name for name in signals if readings[name].low is not None], 2):
            if shares_items(signals[one], signals[two]):
                kept = self.kept.get((two, one)) or self.numbers(one, two)
                if kept is not None and kept.correlation:
                    found[frozenset((one, two))] = kept.correlation
        return found

    def numbers(self, one: str, two: str) -> PairNumbers | None:
        """Of ``one``, held against ``two``; None when a side has no number to explain (``notes`` says why)."""
        if (one, two) not in self.kept:
            self.kept[one, two] = self._numbers(one, two)
        return self.kept[one, two]

    def _numbers(self, one: str, two: str) -> PairNumbers | None:
        from signals.reconcile.pairs.contradictions import toward

        subject = self.subject
        readings, release = subject.verdict.readings, subject.verdict.release
        if release.other_controls:
            return self._left_out(SEVERAL)
        if digest({name: key[2] for name, key in self.keys.items()}) != subject.verdict.evidence_hash:
            return self._left_out(MEANWHILE)
        ways = toward(readings[one], readings[two]), toward(readings[two], readings[one])
        keys = self.keys[one], self.keys[two]
        names = f"{one} against {two}"
        evidence = digest([key[2] for key in keys])
        definition = digest([VERSION, *(key[3] for key in keys), *ways, self.people_fixed])
        store = subject.lookup.store
        found = store.pair(release.id, names, evidence, definition)
        if found is None:
            found = self._computed(one, two, ways)
            if found is not None:
                store.put_estimate(release.id, names, evidence, definition, found)
        return found

    def _computed(self, one: str, two: str, ways: tuple[float, float]) -> PairNumbers | None:
        from signals.reconcile.pairs.pair import pair_numbers
        from signals.reconcile.sides.side import other_of, side_of
        from signals.stats.difference import RefusedError

        signals, numbers = self.subject.policy.signals, self.subject.numbers
        first, second = self._evidence(one), self._evidence(two)
        if first is None or second is None:
            return self._left_out(MEANWHILE)
        fixed = self.people_fixed
        others = (
            other_of(signals[two], second, first, ways[0], signals[one].kind, people_fixed=fixed),
            other_of(signals[one], first, second, ways[1], signals[two].kind, people_fixed=fixed),
        )
        try:
            return pair_numbers(
                side_of(signals[one], first, numbers[one], others[0]),
                side_of(signals[two], second, numbers[two], others[1]),
            )
        except RefusedError as refused:
            return self._left_out(f"{one} against {two}: {refused}")

    @property
    def people_fixed(self) -> bool:
        """Whether the word of those who grade a judge's items is the rule: every panel that a source feeds says so."""
        signals = self.subject.policy.signals
        panels = {one.signal for one in self.subject.lookup.project.sources if one.signal in signals}
        rules = {signals[name].raters for name in panels if signals[name].kind == "panel"}
        return rules == {"fixed"}

    def _left_out(self, why: str) -> PairNumbers | None:
        if why not in self.notes:
            self.notes.append(why)
        return None

    def _evidence(self, name: str) -> Evidence | None:
        """What the numbers of a signal were made from; None when the store holds other evidence by now."""
        if name not in self.evidence:
            one, subject = self.wanted[name], self.subject
            hash_, found = subject.lookup.snapshot(one, subject.verdict.release, subject.verdict.as_of)
            if hash_ != self.keys[name][2]:
                return None
            self.evidence[name] = replace(found, family=subject.family)
        return self.evidence[name]
