"""Policies that can be asked about many releases, and what they keep in memory between two questions.

Numbers are looked up once per release and moment and shared by all policies whose signals are defined alike; a reading
is shared by policies that declare its signal alike; a verdict by the same policy. So an edit of a row costs one
decision per release, and an edit of a margin one reading more. All of it is dropped as soon as a pull, or
``sources.yaml``, changes anything.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import TYPE_CHECKING, Any

from signals.lookup import Lookup, Wanted
from signals.model import (
    Call,
    Decision,
    Numbers,
    Project,
    Reading,
    Release,
    Signal,
    SignalsError,
    Verdict,
    canonical,
    utc,
)
from signals.proven import Proven, asked_of
from signals.review import moment_of
from signals.store import Store, StoreError

if TYPE_CHECKING:
    from signals.policy import Policy

KEPT = 4
"""Stores, and policies of each, whose answers are kept in memory."""

KEPT_SIGNALS = 40
"""Signals, as some policy declares them, whose readings are kept."""


@dataclass(frozen=True)
class Case:
    """A release and the moment to judge it at."""

    release: Release
    as_of: datetime
    open: bool
    family: int
    decision: Decision | None
    evidence: str  # hash of what people saw, as the recorded verdict has it


Spot = tuple[Release, datetime, int]
"""A release, a moment, and the size of its family."""

Found = tuple[Mapping[str, Numbers], str]
Definitions = tuple[tuple[str, str, tuple[str, ...]], ...]


@dataclass(frozen=True)
class _Shelf:
    """The readings of one signal as one policy declares it, by release and moment; other policies may share it."""

    signal: Signal
    kept: dict[Spot, Reading]


class _Readings:
    """The readings of one set of signals."""

    def __init__(
        self,
        lookup: Lookup,
        wanted: tuple[Wanted, ...],
        shelves: Sequence[_Shelf],
        found: dict[Spot, Found],
        past: Proven | None,
    ) -> None:
        self.lookup, self.wanted, self.shelves, self.found, self.past = lookup, wanted, shelves, found, past

    def of(self, release: Release, as_of: datetime, family: int) -> tuple[Mapping[str, Reading], str]:
        """Readings by signal, and the hash of the evidence."""
        spot = release, as_of, family
        # Another thread may drop what is kept at any moment (``Memory.forget``).
        kept = self.found.get(spot)
        if kept is None:
            kept = self.found[spot] = self.lookup.of(self.wanted, release, as_of, family)
        numbers, evidence = kept
        found = {}
        for shelf in self.shelves:
            reading = shelf.kept.get(spot)
            if reading is None:
                reading = shelf.kept[spot] = self._read(shelf.signal, numbers, release, as_of)
            found[shelf.signal.name] = reading
        return found, evidence

    def fresh(self, release: Release, as_of: datetime, family: int) -> Mapping[str, Reading]:
        """Readings by signal, without keeping them: a day that is over is seldom asked about again."""
        numbers, _ = self.lookup.of(self.wanted, release, as_of, family, keep=False)
        return {shelf.signal.name: self._read(shelf.signal, numbers, release, as_of) for shelf in self.shelves}

    def _read(self, signal: Signal, numbers: Mapping[str, Numbers], release: Release, as_of: datetime) -> Reading:
        from signals.readings import read

        own = numbers.get(signal.name)
        if own is not None and self.past is not None:
            own = self.past.added(signal.name, own, release, as_of)
        return read(signal, own, as_of)


class Asker:
    """One policy over one state of the store."""

    def __init__(self, policy: Policy, readings: _Readings, defined: Definitions) -> None:
        self.policy, self.readings, self.defined = policy, readings, defined
        self.lookup, self.wanted, self.past = readings.lookup, readings.wanted, readings.past
        self.kept: dict[Spot, Verdict | SignalsError] = {}

    def knows(self, case: Case) -> bool:
        """Whether the answer is kept."""
        return (case.release, case.as_of, case.family) in self.kept

    def verdict(self, case: Case, *, blind: bool = False) -> Verdict | SignalsError:
        """What the policy says of a release, or why it cannot.

        Args:
            case: The release and its moment.
            blind: Also what it says where it sees nothing, as ``review`` does; else that is an error.
        """
        spot = case.release, case.as_of, case.family
        found = self.kept.get(spot)  # another thread may drop what is kept at any moment (``Memory.forget``)
        if found is None:
            try:
                found = self._decided(case)
            except StoreError:
                raise  # it is the store that fails, and not only here
            except SignalsError as error:
                found = error
            self.kept[spot] = found
        return found if blind or isinstance(found, SignalsError) else self._seen(case, found)

    def _decided(self, case: Case) -> Verdict:
        from signals.policy import decide

        moment_of(case.release, case.as_of)  # refuses one before the start
        self.lookup.check(case.release)
        readings, evidence = self.readings.of(*(case.release, case.as_of, case.family))
        return decide(self.policy, case.release, readings, case.as_of, evidence)

    def _seen(self, case: Case, verdict: Verdict) -> Verdict | SignalsError:
        """The verdict, or that nobody can see what it would be about."""
        if not self.wanted:
            names = ", ".join(self.policy.signals)
            return SignalsError(f"no source feeds a signal of this policy ({names})", "Add one to sources.yaml")
        if all(reading.state == "missing" for reading in verdict.readings.values()):
            what = f"the store has no evidence of {case.release.id!r} as of {utc(case.as_of)} for this policy's signals"
            return SignalsError(what, "Pull its sources again; a policy cannot be held to what nobody can see")
        return verdict

    def call_on(self, case: Case, moment: datetime) -> Call | None:
        """The call alone, as of an earlier moment."""
        from signals.policy import settle
        from signals.policy.facts import extract

        try:
            readings = self.readings.fresh(case.release, moment, case.family)
        except StoreError:
            raise
        except SignalsError:
            return None
        facts = extract(self.policy.signals, readings, case.release, moment)
        return settle(self.policy.for_kind(case.release.kind), facts).call


class Memory:
    """Everything known of one state of a store; the oldest policies make room for new ones."""

    def __init__(self, lookup: Lookup) -> None:
        self.lookup = lookup
        self.lock = Lock()
        self.askers: OrderedDict[str, Asker] = OrderedDict()
        self.shelves: OrderedDict[str, _Shelf] = OrderedDict()
        self.found: OrderedDict[Definitions, dict[Spot, Found]] = OrderedDict()
        self.pasts: OrderedDict[tuple[str, str], Proven] = OrderedDict()

    def asker(self, policy: Policy) -> Asker:
        """The one of this policy, with what it knows already."""
        past = Proven(self.lookup, policy) if asked_of(policy) else None
        # Every decision closes a release, which is then a past one to all that come later.
        stamp = self.lookup.store.audit_head() if past else ""
        key = f"{policy.hash} {stamp}".rstrip()
        with self.lock:
            if past is not None:
                past = self.pasts.setdefault((stamp, past.key), past)
                self.pasts.move_to_end((stamp, past.key))
                while len(self.pasts) > KEPT:
                    self.pasts.popitem(last=False)
            if key not in self.askers:
                wanted = self.lookup.wanted(policy.signals)
                people = {one.signal.name: one.people for one in wanted}
                shelves = [
                    self._shelf(signal, people.get(name, ()), (stamp, past.subject(name)) if past else ())
                    for name, signal in policy.signals.items()
                ]
                defined = tuple((one.signal.name, one.definition, one.people) for one in wanted)
                found = self.found.setdefault(defined, {})
                self.found.move_to_end(defined)
                self.askers[key] = Asker(policy, _Readings(self.lookup, wanted, shelves, found, past), defined)
            self.askers.move_to_end(key)
            while len(self.askers) > KEPT:
                self.askers.popitem(last=False)
            while len(self.found) > KEPT:
                self.found.popitem(last=False)
            while len(self.shelves) > KEPT_SIGNALS:
                self.shelves.popitem(last=False)
            return self.askers[key]

    def _shelf(self, signal: Signal, people: tuple[str, ...], past: tuple[object, ...]) -> _Shelf:
        """The one of this signal; a judge's numbers also depend on the people that it is held against."""
        key = canonical([signal, people, past])
        if key not in self.shelves:
            self.shelves[key] = _Shelf(signal, {})
        self.shelves.move_to_end(key)
        return self.shelves[key]

    def forget(self, cases: Sequence[Case]) -> None:
        """Drop other moments of these releases: an open one is asked about at another moment every time."""
        newest = {case.release: case.as_of for case in cases}
        with self.lock:
            for asker in self.askers.values():
                _drop(asker.kept, newest)
            for shelf in self.shelves.values():
                _drop(shelf.kept, newest)
            for found in self.found.values():
                _drop(found, newest)


def _drop(kept: dict[Spot, Any], newest: Mapping[Release, datetime]) -> None:
    for spot in [spot for spot in list(kept) if newest.get(spot[0], spot[1]) != spot[1]]:
        kept.pop(spot, None)


_MEMORIES: OrderedDict[Any, tuple[Any, Memory]] = OrderedDict()
_LOCK = Lock()


def memory_of(project: Project, store: Store) -> Memory:
    """What is kept of this store as it is now: a pull, a release or a source more is another state.

    So is a source that was found unchanged after a failure: its pull has no row of its own, and mends the failure.
    """
    with store.look() as look:
        state = look.newest_pull(), look.last_attempts([source.name for source in project.sources])
    sources = tuple((source.name, source.signal) for source in project.sources)
    of, now = (project.store_url, project.sources_path), (state, project.releases, sources, project.kin)
    with _LOCK:
        was, memory = _MEMORIES.get(of, (None, None))
        if memory is None or was != now:
            memory = Memory(Lookup(project, store))
        _MEMORIES[of] = now, memory
        _MEMORIES.move_to_end(of)
        while len(_MEMORIES) > KEPT:
            _MEMORIES.popitem(last=False)
        return memory
