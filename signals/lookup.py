"""Numbers of releases out of the store, of one release for a verdict or of a thousand for a replay.

Numbers are computed only when the evidence or the definition of a signal has changed since they were last computed.
Everything that is the same for all releases (which variants belong to nobody, which pull failed) is found once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from signals.model import (
    OTHER_RELEASES,
    Measure,
    Numbers,
    Project,
    Release,
    SetAside,
    Signal,
    SignalsError,
    digest,
)
from signals.store import Content, Key, Look, Store, own_keys

METHODS_VERSION = 2
"""Raised whenever an estimator changes, so that stored numbers of an older method are computed again."""

NAMED_STRAYS = 5
"""Variants of no release that are named one by one; the rest are summed."""

Asked = tuple[Release, str, str, datetime | None]
"""Release, signal, its definition, and the moment when that leaves evidence out."""


class Lookup:
    """The store as it is after its newest pull. Safe to share between threads: what it keeps never changes."""

    def __init__(self, project: Project, store: Store) -> None:
        self.project, self.store = project, store
        self.feeds: dict[str, list[str]] = {}
        for source in project.sources:
            self.feeds.setdefault(source.signal, []).append(source.name)
        self.names = [source.name for source in project.sources]
        with store.look() as look:
            self.state = look.newest_pull()
            self.held: Mapping[str, Content] = look.contents(self.names)
            self.attempts = look.last_attempts(self.names)
        self.strays = _Strays(project, self.held)
        self._known: dict[tuple[str, str, str, str], Numbers | None] = {}
        self._hashes: dict[tuple[Release, str, tuple[str, ...], datetime | None], str] = {}
        self._numbers: dict[Asked, tuple[str, Numbers]] = {}
        self._families: dict[str, int] = {}

    def check(self, release: Release) -> None:
        """Refuse a release that no numbers can be about.

        Raises:
            SignalsError: When nothing was ever pulled, or an arm is spelled otherwise than the evidence spells it.
        """
        if self.names and not self.held:
            failed = [(name, self.attempts[name][1]) for name in self.names if name in self.attempts]
            if failed:
                name, error = failed[0]
                what = f"no pull has succeeded yet: {name}: {_first(error)}"
                raise SignalsError(what, "Mend it, then `signals pull`")
            raise SignalsError("the store is empty: nothing was ever pulled", "Run `signals pull` first")
        for arm in release.arms:
            alike = [name for name in self.strays.spelled_like(arm) if name not in release.arms]
            if alike:
                what = f"release {release.id!r} names the variant {arm!r}, and the evidence spells it {alike[0]!r}"
                raise SignalsError(what, "Spell it as the evidence does", file=self.project.sources_path.name)

    def of(
        self, signals: Mapping[str, Signal], release: Release, as_of: datetime
    ) -> tuple[Mapping[str, Numbers], str]:
        """Numbers of every signal that a source feeds, stored or newly computed, and the hash of the evidence.

        Args:
            signals: As a policy declares them.
            release: Whose two arms.
            as_of: Evidence that is newer does not count.
        """
        found: dict[str, Numbers] = {}
        hashes: dict[str, str] = {}
        for name, signal in signals.items():
            if name in self.feeds:
                hashes[name], found[name] = self._of(signal, signals, release, as_of)
        return found, digest(hashes)

    def find(self, signals: Mapping[str, Signal], release: Release, as_of: datetime, look: Look) -> None:
        """Fetch what the store has of these, so that ``of`` need not ask again one by one."""
        for name, signal in signals.items():
            if name in self.feeds:
                people = self._people(signal, signals)
                asked = self._asked(signal, release, people, as_of)
                if asked not in self._numbers:
                    key = self._key(signal, release, people, as_of, look)
                    if key not in self._known:
                        self._known[key] = look.estimate(*key)

    def _of(
        self, signal: Signal, signals: Mapping[str, Signal], release: Release, as_of: datetime
    ) -> tuple[str, Numbers]:
        people = self._people(signal, signals)
        asked = self._asked(signal, release, people, as_of)
        if asked not in self._numbers:
            with self.store.look() as look:
                key = self._key(signal, release, people, as_of, look)
                numbers = self._known.get(key) or look.estimate(*key)
            if numbers is None:
                key, numbers = self._measure(key, signal, release, people, as_of)
            self._known[key] = numbers
            self._numbers[asked] = key[2], self._with_surroundings(numbers, signal, release)
        return self._numbers[asked]

    def _measure(
        self, key: tuple[str, str, str, str], signal: Signal, release: Release, people: Sequence[str], as_of: datetime
    ) -> tuple[tuple[str, str, str, str], Numbers]:
        from signals.readings import measure

        # Hash and evidence from one moment: a pull may have ended since we looked.
        hash_, evidence = self.store.snapshot(release, self.feeds[signal.name], people, as_of)
        numbers = measure(signal, replace(evidence, family=self.family(release)))
        key = (key[0], key[1], hash_, key[3])
        self.store.put_estimate(*key, numbers)
        return key, numbers

    def _people(self, signal: Signal, signals: Mapping[str, Signal]) -> list[str]:
        """Sources of the people that a judge is held against: those of every panel that the policy declares."""
        if signal.kind != "judge":
            return []
        panels = {name for name, one in signals.items() if one.kind == "panel"}
        return [source.name for source in self.project.sources if source.signal in panels]

    def _asked(self, signal: Signal, release: Release, people: Sequence[str], as_of: datetime) -> Asked:
        sources = [*self.feeds[signal.name], *people]
        return release, signal.name, _definition(signal, people), as_of if self._cuts(release, sources, as_of) else None

    def _cuts(self, release: Release, sources: Sequence[str], until: datetime) -> bool:
        return cuts(self.held, release, sources, until)

    def _key(
        self, signal: Signal, release: Release, people: Sequence[str], as_of: datetime, look: Look
    ) -> tuple[str, str, str, str]:
        """The four names under which the store keeps the numbers."""
        subject = [release.arms, release.split, self.family(release)]
        definition = digest([METHODS_VERSION, signal.name, signal.definition_hash(), *subject])
        sources = self.feeds[signal.name]
        return release.id, signal.name, look.evidence_hash(self.held, release, sources, people, as_of), definition

    def family(self, release: Release) -> int:
        """How many candidates share the release's error rate: itself, and the others of its family."""
        return 1
