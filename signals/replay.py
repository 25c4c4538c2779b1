"""A policy run again over every release that the store knows, each as of the moment when it was decided."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING

from signals.asking import Asker, Case, Memory, memory_of
from signals.lookup import Lookup
from signals.model import Decision, Project, SignalsError, Verdict
from signals.replayed import Replayed, Summary, flips, sentence, summary
from signals.review import family_size, parsed, store_of
from signals.store import Store

if TYPE_CHECKING:
    from signals.policy import Policy

__all__ = ["Progress", "Replayed", "Summary", "flips", "replay", "sentence", "summary"]

Progress = Callable[[int, int], None]
"""Told how many releases are done, of how many."""


def replay(
    project: Project,
    policies: Sequence[Policy],
    *,
    releases: Sequence[str] | None = None,
    days: bool = False,
    progress: Progress | None = None,
) -> tuple[Replayed, ...]:
    """Decide past releases again, newest first.

    A release is judged as of the verdict that the newest decision about it was made on, else its own ``as_of``, else
    now. Evidence that is newer does not count. Releases that are no longer listed are replayed too.

    Args:
        project: Whose releases and store.
        policies: Each is asked about every release.
        releases: Ids; all by default.
        days: Also ask at the end of every day (UTC) since the start, for the time to a verdict. Numbers of days that
            were never looked at are computed, and kept in the store.
        progress: Told after every release.

    Raises:
        SignalsError: When a release that was asked for is unknown, or the store fails.
    """
    store = store_of(project)
    cases = cases_of(project, store, releases)
    memory = memory_of(project, store)
    askers = [memory.asker(policy) for policy in policies]
    then = _Then(project, store, memory)
    fetch(store, memory.lookup, cases, askers)
    rows = []
    for done, case in enumerate(cases, 1):
        verdicts = tuple(asker.verdict(case) for asker in askers)
        rows.append(
            Replayed(
                release=case.release,
                as_of=case.as_of,
                open=case.open,
                decided=case.decision.call if case.decision else None,
                recommended=case.decision.recommended if case.decision else None,
                outcome=case.release.outcome,
                verdicts=verdicts,
                then=(before := then.verdict(case)),
                changed=isinstance(before, Verdict) and case.evidence not in ("", before.evidence_hash),
                days=_days(case, askers) if days else (),
            )
        )
        if progress:
            progress(done, len(cases))
    memory.forget(cases)
    return tuple(rows)


def cases_of(
    project: Project, store: Store, wanted: Sequence[str] | None = None, *, until: datetime | None = None
) -> list[Case]:
    """Every release that the store knows, or those wanted, with the moment to judge it at; newest first.

    Args:
        project: Whose releases.
        store: Holds those that are no longer listed, and the decisions.
        wanted: Ids; all by default.
        until: Decisions on a verdict of a later moment are not made yet.

    Raises:
        SignalsError: When one that is wanted is unknown.
    """
    declared = {release.id: release for release in project.releases}
    past = {release.id: release for release in store.releases(past=True) if release.id not in declared}
    known = {**declared, **past}
    if wanted is not None:
        from signals.strictyaml import suggest

        for name in wanted:
            if name not in known:
                raise SignalsError(f"no release is called {name!r}", suggest(name, known))
    every = store.decisions()
    seen = store.verdicts_seen([decision.verdict_hash for decision in every])
    decisions: dict[str, Decision] = {}
    for decision in every:
        if until is None or seen.get(decision.verdict_hash, (decision.at, ""))[0] <= until:
            decisions.setdefault(decision.release, decision)
    now = datetime.now(UTC)
    cases = []
    for release in known.values():
        if wanted is not None and release.id not in wanted:
            continue
        made = decisions.get(release.id)
        as_of, evidence = seen.get(made.verdict_hash, (made.at, "")) if made else (release.as_of or now, "")
        # A release that is no longer listed shares its error rate with all that were ever known of its family.
        family = family_size(project, release)
        if release.id in past and release.family:
            family = sum(other.family == release.family for other in known.values())
        as_of = as_of.astimezone(UTC).replace(microsecond=0)
        cases.append(Case(release, as_of, made is None and release.as_of is None, family, made, evidence))
    return sorted(cases, key=lambda case: (-case.as_of.timestamp(), case.release.id))


def fetch(store: Store, lookup: Lookup, cases: Sequence[Case], askers: Sequence[Asker]) -> None:
    """Bring the numbers that the store has into memory, in one transaction."""
    different = {asker.defined: asker for asker in askers}
    todo = [(case, asker) for case in cases for asker in different.values() if not asker.knows(case)]
    if not todo:
        return
    with store.look() as look:
        for case, asker in todo:
            lookup.fetch(asker.wanted, case.release, case.as_of, case.family, look)


def _days(case: Case, askers: Sequence[Asker]) -> tuple[int | None, ...]:
    """Per policy, the first day at whose end it says SHIP or ROLLBACK, from 1; the last one ends at ``as_of``."""
    found: dict[int, int | None] = {}
    for which, asker in enumerate(askers):
        if isinstance(asker.verdict(case), SignalsError):
            found[which] = None
    day = case.release.started
    number = 0
    while len(found) < len(askers) and day <= case.as_of.date():
        number += 1
        moment = min(datetime.combine(day, time(23, 59, 59), UTC), case.as_of)
        for which, asker in enumerate(askers):
            if which not in found and asker.call_on(case, moment) in ("ship", "rollback"):
                found[which] = number
        day += timedelta(days=1)
    return tuple(found.get(which) for which in range(len(askers)))


class _Then:
    """The policies that were in force when the releases were decided."""

    def __init__(self, project: Project, store: Store, memory: Memory) -> None:
        self.project, self.store, self.memory = project, store, memory
        self.versions = store.versions()
        self.askers: dict[str, Asker | SignalsError | None] = {}

    def verdict(self, case: Case) -> Verdict | SignalsError | None:
        """Of the policy that the decision names, else of the newest version at that moment."""
        hash_ = case.decision.policy_hash if case.decision else self._in_force(case.as_of)
        if hash_ is None:
            return None
        if hash_ not in self.askers:
            self.askers[hash_] = self._asker(hash_)
        asker = self.askers[hash_]
        return asker.verdict(case) if isinstance(asker, Asker) else asker

    def _in_force(self, moment: datetime) -> str | None:
        return next((version.hash for version in self.versions if version.at <= moment), None)

    def _asker(self, hash_: str) -> Asker | SignalsError:
        text = self.store.policy_text(hash_)
        if text is None:
            return SignalsError(f"the text of the policy of then ({hash_[:15]}) is not in the store")
        try:
            return self.memory.asker(parsed(text, f"{self.project.policy_path.name} ({hash_[:15]})"))
        except SignalsError as error:
            return error
