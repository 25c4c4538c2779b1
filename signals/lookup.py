"""Numbers of releases out of the store: of one release for a verdict, of a thousand for a replay.

Numbers are computed only when the evidence or the definition of a signal has changed since they were last computed.
What is the same for all releases (which variants belong to nobody, which pull failed) is found once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from signals.model import (
    OTHER_RELEASES,
    Evidence,
    Measure,
    Numbers,
    Project,
    Release,
    SetAside,
    Signal,
    SignalsError,
    digest,
)
from signals.store import Content, Key, Look, Store, cuts, own_keys

METHODS_VERSION = 6
"""Raised whenever an estimator changes, so that stored numbers of an older method are computed again."""

NAMED_STRAYS = 5
"""Variants of no release that are named one by one; the rest are summed."""

EstimateKey = tuple[str, str, str, str]
"""Release, signal, evidence hash, definition hash: the names under which the store keeps numbers."""


@dataclass(frozen=True)
class Wanted:
    """One signal of a policy that some source feeds."""

    signal: Signal
    definition: str
    sources: tuple[str, ...]
    people: tuple[str, ...]  # a judge's: the sources of the panels that it is held against


class Lookup:
    """The store as it is after its newest pull. What it keeps never changes, so threads may share it."""

    def __init__(self, project: Project, store: Store) -> None:
        self.project, self.store = project, store
        self.sources = [source.name for source in project.sources]
        with store.look() as look:
            self.held: Mapping[str, Content] = look.contents(self.sources)
            self.attempts = look.last_attempts(self.sources)
            self.newest_pull = look.newest_pull()
        self._strays = _Strays(project.releases, self.held)
        self._stored: dict[EstimateKey, Numbers] = {}
        self._numbers: dict[tuple[Release, EstimateKey], Numbers] = {}
        self._hashes: dict[tuple[Release, tuple[str, ...], tuple[str, ...], datetime | None], str] = {}
        self._definitions: dict[tuple[Release, str, str, int], str] = {}

    def wanted(self, signals: Mapping[str, Signal]) -> tuple[Wanted, ...]:
        """Of a policy's signals, those that a source feeds."""
        panels = {name for name, signal in signals.items() if signal.kind == "panel"}
        people = tuple(source.name for source in self.project.sources if source.signal in panels)
        found = []
        for name, signal in signals.items():
            sources = tuple(source.name for source in self.project.sources if source.signal == name)
            if sources:
                of = people if signal.kind == "judge" else ()
                found.append(Wanted(signal, signal.definition_hash(), sources, of))
        return tuple(found)

    def check(self, release: Release) -> None:
        """Refuse a release that no numbers can be about.

        Raises:
            SignalsError: When nothing was ever pulled, or an arm is spelled otherwise than the evidence spells it.
        """
        if self.sources and not self.held:
            failed = [(name, self.attempts[name][1]) for name in self.sources if name in self.attempts]
            if failed:
                what = f"no pull has succeeded yet: {failed[0][0]}: {_first_line(failed[0][1])}"
                raise SignalsError(what, "Mend it, then `signals pull`")
            raise SignalsError("the store is empty: nothing was ever pulled", "Run `signals pull` first")
        for arm in release.variants:
            alike = self._strays.spelled_like(arm, release)
            if alike is not None:
                what = f"release {release.id!r} names the variant {arm!r}, and the evidence spells it {alike!r}"
                raise SignalsError(what, "Spell it as the evidence does", file=self.project.sources_path.name)

    def of(
        self, wanted: Sequence[Wanted], release: Release, as_of: datetime, family: int, *, keep: bool = True
    ) -> tuple[Mapping[str, Numbers], str]:
        """Numbers by signal, stored or newly computed, and the hash of the evidence behind them.

        Args:
            wanted: See ``wanted``.
            release: Whose two arms.
            as_of: Evidence that is newer does not count.
            family: How many candidates share the release's error rate.
            keep: Keep them in memory; the store keeps them anyway.
        """
        found: dict[str, Numbers] = {}
        hashes: dict[str, str] = {}
        fresh: list[tuple[EstimateKey, Numbers]] = []
        for one in wanted:
            hashes[one.signal.name], found[one.signal.name] = self._of(one, release, as_of, family, fresh, keep=keep)
        if fresh:
            self.store.put_estimates(fresh)
        return found, digest(hashes)

    def key(self, one: Wanted, release: Release, as_of: datetime, family: int) -> EstimateKey:
        """The names under which the store keeps the numbers of one signal."""
        return self._key(one, release, as_of, family)

    def snapshot(self, one: Wanted, release: Release, as_of: datetime) -> tuple[str, Evidence]:
        """The evidence that the store holds by now, with its hash: after a pull not that of ``key``."""
        return self.store.snapshot(release, one.sources, one.people, as_of)

    def fetch(self, wanted: Sequence[Wanted], release: Release, as_of: datetime, family: int, look: Look) -> bool:
        """Bring what the store has of these into memory, over one open transaction; whether it has them all."""
        whole = True
        for one in wanted:
            key = self._key(one, release, as_of, family, look)
            if key not in self._stored:
                numbers = look.estimate(*key)
                if numbers is None:
                    whole = False
                else:
                    self._stored[key] = numbers
        return whole

    def _of(
        self,
        one: Wanted,
        release: Release,
        as_of: datetime,
        family: int,
        fresh: list[tuple[EstimateKey, Numbers]],
        *,
        keep: bool,
    ) -> tuple[str, Numbers]:
        """Evidence hash and numbers of one signal; what had to be computed is added to ``fresh``."""
        key = self._key(one, release, as_of, family)
        whole = self._numbers.get((release, key))
        if whole is None:
            numbers = self._stored.get(key) or self.store.estimate(*key)
            if numbers is None:
                key, numbers = self._measure(key, one, release, as_of, family)
                fresh.append((key, numbers))
            # Neither is evidence of the release, so both are looked up each time instead of being kept in the store.
            whole = replace(
                numbers,
                set_aside=(*numbers.set_aside, *self._strays.of(release, one.sources)),
                measures=(*numbers.measures, self._last_pull(one.sources)),
            )
            if keep:
                self._stored[key] = numbers
                self._numbers[release, key] = whole
        return key[2], whole

    def _measure(
        self, key: EstimateKey, one: Wanted, release: Release, as_of: datetime, family: int
    ) -> tuple[EstimateKey, Numbers]:
        from signals.readings import measure

        # Hash and evidence from one moment: a pull may have ended since we looked.
        evidence_hash, evidence = self.store.snapshot(release, one.sources, one.people, as_of)
        numbers = measure(one.signal, replace(evidence, family=family, kin=self.project.kin))
        return (key[0], key[1], evidence_hash, key[3]), numbers

    def _key(
        self, one: Wanted, release: Release, as_of: datetime, family: int, look: Look | None = None
    ) -> EstimateKey:
        everything = sorted({*one.sources, *one.people})
        until = as_of if cuts(self.held, release, everything, as_of) else None
        seen = (release, one.sources, one.people, until)
        if seen not in self._hashes:
            self._hashes[seen] = (look or self.store).evidence_hash(
                release, one.sources, until, human_sources=one.people, held=self.held
            )
        named = (release, one.signal.name, one.definition, family)
        if named not in self._definitions:
            subject: list[object] = [release.variants, release.split, family]
            if one.signal.kind == "judge" and self.project.kin:
                subject.append(self.project.kin)
            self._definitions[named] = digest([METHODS_VERSION, one.signal.name, one.definition, *subject])
        return release.id, one.signal.name, self._hashes[seen], self._definitions[named]

    def _last_pull(self, sources: Sequence[str]) -> Measure:
        """Whether the newest attempt to pull each source succeeded: evidence that went stale so is not fine."""
        for name in sources:
            status, error = self.attempts.get(name, ("", ""))
            if status == "failed":
                return Measure("last_pull", 0.0, f"the last pull of {name} failed: {_first_line(error)}")
        return Measure("last_pull", 1.0, "")


class _Strays:
    """Rows about other comparisons than the one under review, found for all releases at once."""

    def __init__(self, releases: Sequence[Release], held: Mapping[str, Content]) -> None:
        self.held = held
        self.declared = {release.id for release in releases}
        self.arms = Counter(arm for release in releases for arm in release.variants)
        self.pairs = Counter(frozenset(pair) for release in releases for pair in release.pairs)
        self.totals: dict[tuple[str, ...], tuple[dict[Key, int], list[Key], int]] = {}
        names = {name for content in held.values() for key in content.parts for name in key}
        self.bare: dict[str, list[str]] = {}
        for name in sorted(names - self.arms.keys()):
            self.bare.setdefault(_bare(name), []).append(name)

    def spelled_like(self, arm: str, release: Release) -> str | None:
        """A variant of no release that differs from the arm only in case and punctuation."""
        return next((name for name in self.bare.get(_bare(arm), ()) if name not in release.variants), None)

    def of(self, release: Release, sources: tuple[str, ...]) -> tuple[SetAside, ...]:
        """Rows that do not count for the release: strays by name, those of other releases in one entry."""
        rows, strays, total = self._rows(sources)
        own = set(own_keys(release))
        # A pair of one arm with itself belongs to no comparison, though a release with that arm is declared.
        same = [(arm, arm) for arm in release.variants]
        twins = [key for key in same if key in rows and not self._elsewhere(key, release)]
        mine = [key for key in strays if key not in own and key not in twins]
        if twins:
            mine = sorted([*mine, *twins], key=lambda key: (-rows[key], key))
        entries = [
            SetAside(rows[key], f"variant {key[0]} is neither arm", key[0], fault=False)
            if len(key) == 1
            else SetAside(rows[key], f"variants {' and '.join(key)} are not the two arms", fault=False)
            for key in mine[:NAMED_STRAYS]
        ]
        if mine[NAMED_STRAYS:]:
            more = sum(rows[key] for key in mine[NAMED_STRAYS:])
            entries.append(SetAside(more, f"{len(mine) - NAMED_STRAYS} other variants are neither arm", fault=False))
        declared = total - sum(rows.get(key, 0) for key in own) - sum(rows[key] for key in mine)
        if declared:
            entries.append(SetAside(declared, OTHER_RELEASES, fault=False))
        return tuple(entries)

    def _rows(self, sources: tuple[str, ...]) -> tuple[dict[Key, int], list[Key], int]:
        """Rows by key over these sources, the keys of no declared release (the largest first), all rows."""
        if sources not in self.totals:
            found: Counter[Key] = Counter()
            for name in sources:
                if name in self.held:
                    found.update({key: part.rows for key, part in self.held[name].parts.items()})
            rows = {key: count for key, count in found.items() if count}
            strays = sorted((key for key in rows if not self._named(key)), key=lambda key: (-rows[key], key))
            self.totals[sources] = rows, strays, sum(rows.values())
        return self.totals[sources]

    def _named(self, key: Key) -> int:
        """How many declared releases have every variant of the key as an arm; what names none belongs to all."""
        return 1 if not key else self.arms[key[0]] if len(set(key)) == 1 else self.pairs[frozenset(key)]

    def _elsewhere(self, key: Key, release: Release) -> bool:
        return self._named(key) > (release.id in self.declared)


def _bare(name: str) -> str:
    return "".join(sign for sign in name.casefold() if sign.isalnum())


def _first_line(error: str) -> str:
    return (error or " ").splitlines()[0]
