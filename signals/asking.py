"""Policies that can be asked about many releases, and what they keep in memory between two questions.

Numbers are looked up once per release and moment and shared by all policies whose signals are defined alike; readings
are shared by policies whose signals are the same; verdicts by the same policy. So an edit of a hierarchy costs one
decision per release. All of it is dropped as soon as a pull, or ``sources.yaml``, changes anything.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

from signals.lookup import Lookup, Wanted
from signals.model import Call, Decision, Project, Reading, Release, SignalsError, Verdict, canonical, utc
from signals.review import moment_of
from signals.store import Store, StoreError

if TYPE_CHECKING:
    from signals.policy import Policy

_T = TypeVar("_T")

KEPT = 4
"""States of stores, and policies of each, whose answers are kept in memory."""


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


class _Readings:
    """The readings of one set of signals, by release and moment."""

    def __init__(self, lookup: Lookup, policy: Policy) -> None:
        self.lookup, self.signals = lookup, policy.signals
        self.wanted = lookup.wanted(policy.signals)
        self.kept: dict[Spot, tuple[Mapping[str, Reading], str]] = {}

    def of(self, release: Release, as_of: datetime, family: int) -> tuple[Mapping[str, Reading], str]:
        """Readings by signal, and the hash of the evidence."""
        spot = release, as_of, family
        if spot not in self.kept:
            self.kept[spot] = self.fresh(release, as_of, family)
        return self.kept[spot]

    def fresh(self, release: Release, as_of: datetime, family: int) -> tuple[Mapping[str, Reading], str]:
        """The same without keeping them."""
        from signals.readings import read

        numbers, evidence = self.lookup.of(self.wanted, release, as_of, family)
        return {name: read(signal, numbers.get(name), as_of) for name, signal in self.signals.items()}, evidence


class Asker:
    """One policy over one state of the store."""

    def __init__(self, policy: Policy, readings: _Readings, lookup: Lookup) -> None:
        self.policy, self.readings, self.lookup = policy, readings, lookup
        self.wanted: tuple[Wanted, ...] = readings.wanted
        self.defined = tuple((one.signal.name, one.definition, one.people) for one in self.wanted)
        self.kept: dict[Spot, Verdict | SignalsError] = {}

    def knows(self, case: Case) -> bool:
        """Whether the answer is kept."""
        return (case.release, case.as_of, case.family) in self.kept

    def verdict(self, case: Case) -> Verdict | SignalsError:
        """What the policy says of a release, or why it cannot."""
        spot = case.release, case.as_of, case.family
        if spot not in self.kept:
            try:
                self.kept[spot] = self._decided(case)
            except StoreError:
                raise  # it is the store that fails, and not only here
            except SignalsError as error:
                self.kept[spot] = error
        return self.kept[spot]

    def _decided(self, case: Case) -> Verdict:
        from signals.policy import decide

        moment_of(case.release, case.as_of)  # refuses one before the start
        if not self.wanted:
            names = ", ".join(self.policy.signals)
            raise SignalsError(f"no source feeds a signal of this policy ({names})", "Add one to sources.yaml")
        self.lookup.check(case.release)
        readings, evidence = self.readings.of(*(case.release, case.as_of, case.family))
        if all(reading.state == "missing" for reading in readings.values()):
            what = f"the store has no evidence of {case.release.id!r} as of {utc(case.as_of)} for this policy's signals"
            raise SignalsError(what, "Pull its sources again; a policy cannot be held to what nobody can see")
        return decide(self.policy, case.release, readings, case.as_of, evidence)

    def call_on(self, case: Case, moment: datetime) -> Call | None:
        """The call alone, as of an earlier moment."""
        from signals.policy import settle
        from signals.policy.facts import extract

        try:
            readings, _ = self.readings.fresh(case.release, moment, case.family)
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
        self.readings: OrderedDict[str, _Readings] = OrderedDict()

    def asker(self, policy: Policy) -> Asker:
        """The one of this policy, with what it knows already."""
        with self.lock:
            if policy.hash not in self.askers:
                signals = canonical(policy.signals)
                if signals not in self.readings:
                    self.readings[signals] = _Readings(self.lookup, policy)
                self.readings.move_to_end(signals)
                self.askers[policy.hash] = Asker(policy, self.readings[signals], self.lookup)
            self.askers.move_to_end(policy.hash)
            for kept in (self.askers, self.readings):
                while len(kept) > KEPT:
                    kept.popitem(last=False)
            return self.askers[policy.hash]

    def forget(self, cases: Sequence[Case]) -> None:
        """Drop other moments of these releases: an open one is asked about at another moment every time."""
        newest = {case.release: case.as_of for case in cases}
        with self.lock:
            for asker in self.askers.values():
                asker.kept = _without(asker.kept, newest)
            for readings in self.readings.values():
                readings.kept = _without(readings.kept, newest)


def _without(kept: dict[Spot, _T], newest: Mapping[Release, datetime]) -> dict[Spot, _T]:
    return {spot: found for spot, found in kept.items() if newest.get(spot[0], spot[1]) == spot[1]}


_MEMORIES: OrderedDict[Any, Memory] = OrderedDict()
_LOCK = Lock()


def memory_of(project: Project, store: Store) -> Memory:
    """What is kept of this store as it is now: a pull, a release or a source more is another state."""
    with store.look() as look:
        state = look.newest_pull()
    sources = tuple((source.name, source.signal) for source in project.sources)
    key = project.store_url, state, project.releases, sources, project.sources_path
    with _LOCK:
        if key not in _MEMORIES:
            _MEMORIES[key] = Memory(Lookup(project, store))
        _MEMORIES.move_to_end(key)
        while len(_MEMORIES) > KEPT:
            _MEMORIES.popitem(last=False)
        return _MEMORIES[key]
