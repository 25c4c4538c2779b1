"""What debts are judged by: the policy, the store, the releases in order, and their readings at several moments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING

from signals.asking import Asker, Case, memory_of
from signals.model import Decision, Project, Reading, Signal, SignalsError, Source, Verdict
from signals.review import family_size, store_of
from signals.store import PullReport, Store, StoreError

if TYPE_CHECKING:
    from signals.policy import Policy
    from signals.policy.rules import Rules

WEEKS = 6
"""Weekly moments of an open release that are looked at: now, a week ago, ..."""

PAST = 6
"""Closed releases that are looked at, the newest first."""

LOG = 60
"""Pulls of a source that are looked at."""


@dataclass(frozen=True)
class Occasion:
    """One signal's reading of one release at one moment."""

    case: Case
    reading: Reading

    @property
    def release(self) -> str:
        """The release's id."""
        return self.case.release.id


class Scene:
    """One project under one policy at one moment; what it looks up is kept."""

    def __init__(self, project: Project, policy: Policy, now: datetime) -> None:
        self.project, self.policy, self.now = project, policy, now
        self.store: Store = store_of(project)
        self.memory = memory_of(project, self.store)
        self.lookup = self.memory.lookup
        self.asker: Asker = self.memory.asker(policy)
        self.ranked = _ranked(policy)
        self.cases = _cases(project, self.store, now)
        self.refused: dict[str, str] = {}  # releases that cannot be judged, and why
        self._readings: dict[Case, Mapping[str, Reading]] = {}
        self._pulls: dict[str, tuple[PullReport, ...]] = {}
        self._fetch()

    # --- who feeds what ---------------------------------------------------------------------------------------------

    def sources(self, signal: str) -> tuple[Source, ...]:
        """The sources that feed a signal."""
        return tuple(source for source in self.project.sources if source.signal == signal)

    def owner(self, signal: str) -> str:
        """Whoever owns the signal, else the policy."""
        declared = self.policy.signals.get(signal)
        return (declared.owner if declared else "") or self.policy.owner

    def pulls(self, source: str) -> tuple[PullReport, ...]:
        """The log of a source's pulls, newest first; one that found it unchanged counts as of when it last did so."""
        if source not in self._pulls:
            log = self.store.pulls(source, LOG)
            good = self.store.last_pull(source)
            if good is not None and good not in log:  # it has failed more often than the log is long
                log = (*log, good)
            self._pulls[source] = tuple(sorted(log, key=lambda one: one.checked, reverse=True))
        return self._pulls[source]

    @property
    def open(self) -> tuple[Case, ...]:
        """Releases that are not decided and not closed, the newest first."""
        return tuple(case for case in self.cases if case.open)

    @property
    def closed(self) -> tuple[Case, ...]:
        """The others, the newest first."""
        return tuple(case for case in self.cases if not case.open)

    # --- readings ---------------------------------------------------------------------------------------------------

    def readings(self, case: Case) -> Mapping[str, Reading]:
        """Readings by signal; none when the release cannot be judged (``refused`` says why)."""
        if case not in self._readings:
            try:
                self.lookup.check(case.release)
                found: Mapping[str, Reading] = self.asker.readings.fresh(case.release, case.as_of, case.family)
            except StoreError:
                raise  # it is the store that fails, and not only here
            except SignalsError as error:
                self.refused.setdefault(case.release.id, str(error))
                found = {}
            self._readings[case] = found
        return self._readings[case]

    def verdict(self, case: Case) -> Verdict | None:
        """The verdict on a release, None when there is none."""
        found = self.asker.verdict(case)
        if isinstance(found, Verdict):
            return found
        self.refused.setdefault(case.release.id, str(found))
        return None

    def lines(self, signal: str) -> tuple[tuple[Occasion, ...], ...]:
        """The readings of a signal in the order in which people met them, newest first.

        One line per open release: its weekly moments, then the newest closed releases. Without an open release there is
        one line, of closed releases. Where the signal had no evidence there was nothing to meet.
        """
        past = [found for case in self.closed[:PAST] if (found := self._occasion(signal, case))]
        lines = []
        for case in self.open:
            weeks = [found for one in weekly(case) if (found := self._occasion(signal, one))]
            if weeks:
                lines.append((*weeks, *past))
        return tuple(lines) or (((*past,),) if past else ())

    def newest(self, signal: str) -> tuple[Occasion, ...]:
        """The reading of every open release that has one; else that of the newest closed release that has one."""
        found = [one for case in self.open if (one := self._occasion(signal, case))]
        if found:
            return tuple(found)
        return next(((one,) for case in self.closed[:PAST] if (one := self._occasion(signal, case))), ())

    def _occasion(self, signal: str, case: Case) -> Occasion | None:
        reading = self.readings(case).get(signal)
        return Occasion(case, reading) if reading is not None and reading.state != "missing" else None

    def _fetch(self) -> None:
        """Bring the numbers that the store has into memory, in one transaction."""
        wanted = [*self.closed[:PAST], *(one for case in self.open for one in weekly(case))]
        with self.store.look() as look:
            for case in wanted:
                self.lookup.fetch(self.asker.wanted, case.release, case.as_of, case.family, look)


def weekly(case: Case) -> tuple[Case, ...]:
    """An open release now, and at the end of the same day (UTC) of each week before, back to its start."""
    found = [case]
    for week in range(1, WEEKS):
        day = case.as_of.date() - timedelta(weeks=week)
        if day < case.release.started:
            break
        moment = datetime.combine(day, time(23, 59, 59), UTC)
        found.append(Case(case.release, moment, True, case.family, None, ""))
    return tuple(found)


def ended(moment: datetime) -> datetime:
    """When evidence of this moment ends: what is known by the day alone lasts until the day is over."""
    whole = moment.hour == moment.minute == moment.second == moment.microsecond == 0
    return moment + timedelta(days=1) if whole else moment


def _cases(project: Project, store: Store, now: datetime) -> tuple[Case, ...]:
    """Releases that had begun by ``now``, the newest first: closed ones as of their own moment or their decision."""
    declared = {release.id: release for release in project.releases}
    everything = [*project.releases, *(one for one in store.releases(past=True) if one.id not in declared)]
    made: dict[str, Decision] = {}
    for one in store.decisions():
        if one.at <= now:
            made.setdefault(one.release, one)
    seen = store.verdicts_seen([decision.verdict_hash for decision in made.values()])
    found = []
    for release in everything:
        decision = made.get(release.id)
        still = decision is None and (release.as_of is None or release.as_of > now)
        if still and (release.started > now.date() or release.id not in declared):
            continue  # it had not begun, or is no longer listed and was never judged
        moment, evidence = release.as_of or now, ""
        if decision is not None:
            moment, evidence = seen.get(decision.verdict_hash, (decision.at, ""))
        moment = min(moment, now).astimezone(UTC).replace(microsecond=0)
        found.append(Case(release, moment, still, family_size(project, release), decision, evidence))
    return tuple(sorted(found, key=lambda case: (-case.as_of.timestamp(), case.release.id)))


def _ranked(policy: Policy) -> frozenset[str]:
    """Signals that have a row in some hierarchy, or that a condition asks about: those that can change a call."""
    sections: list[Rules] = [policy.rules, *policy.kinds.values()]
    names = {row.signal for rules in sections for row in rules.hierarchy}
    for rules in sections:
        conditions = [row.when for row in rules.hierarchy if row.when is not None]
        conditions += [rule.when for rule in rules.overrides]
        conditions += [rule.when for rule in rules.guardrails]
        conditions += [rule.that for rule in rules.ship_requires]
        names |= {name for condition in conditions for name in condition.signals(policy.signals)}
    return frozenset(names)


def kinds_of(policy: Policy, kind: str) -> tuple[Signal, ...]:
    """The policy's signals of one kind."""
    return tuple(signal for signal in policy.signals.values() if signal.kind == kind)
