"""The one path: release -> readings -> verdict -> explanation. Command line, dashboard, memo and API all call it.

Numbers come from the store. They are computed here only when the evidence or the definition of a signal has changed
since they were last computed; drawing a verdict from stored numbers imports no statistics.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from signals.model import (
    Call,
    Decision,
    Explanation,
    Numbers,
    Problem,
    Project,
    Reading,
    Release,
    SignalKind,
    SignalsError,
    Verdict,
    canonical,
    digest,
)

if TYPE_CHECKING:
    from signals.explain import Subject
    from signals.policy import Policy
    from signals.store import Store

READ_BY: Mapping[SignalKind, tuple[str, ...]] = {
    "judge": ("item_score", "traffic_mix"),
    "panel": ("rating", "preference"),
    "experiment": ("outcome", "outcome_counts"),
    "feedback": ("feedback", "feedback_counts"),
    "drift": ("embedding", "traffic_mix"),
}
"""Shapes of records that each kind of signal reads."""


@dataclass(frozen=True)
class Review:
    """A verdict with what it was made from."""

    verdict: Verdict
    policy: Policy
    project: Project
    decisions: tuple[Decision, ...]
    subject: Subject = field(repr=False, compare=False)

    @cached_property
    def explanation(self) -> Explanation:
        """Why the signals disagree, how sure the call is, what would flip it and what would settle it."""
        from signals.explain import explain

        return explain(self.subject)


def review(
    release: str,
    project: Path | str | Project | None = None,
    *,
    policy: Path | str | Policy | None = None,
    as_of: datetime | None = None,
) -> Review:
    """Decide one release.

    Args:
        release: Its id in ``data/sources.yaml``.
        project: The folder with ``hierarchy.yaml`` and ``data/`` (default: ``$SIGNALS_PROJECT``, else the working
            directory), or a project that is loaded already.
        policy: Another policy than the project's: a file, or one that is loaded already.
        as_of: Evidence newer than this does not count, and ages are measured from it (UTC). Default: the release's
            own ``as_of``, else now.

    Raises:
        SignalsError: An unknown release, a policy or project that does not load, a store that was never filled.
    """
    project = project if isinstance(project, Project) else load(project)
    rules = policy if policy is not None and not isinstance(policy, (str, Path)) else policy_of(project, policy)
    if policy is None:
        problems = misplaced(project, rules)
        if problems:
            raise SignalsError(problems)
    subject = find_release(project, release)
    moment = moment_of(subject, as_of)
    from signals.lookup import Lookup

    store = store_of(project)
    lookup = Lookup(project, store)
    lookup.check(subject)
    family = family_size(project, subject)
    numbers, evidence = lookup.of(lookup.wanted(rules.signals), subject, moment, family)

    from signals.explain import Subject
    from signals.policy import decide
    from signals.readings import read

    readings: dict[str, Reading] = {
        name: read(signal, numbers.get(name), moment) for name, signal in rules.signals.items()
    }
    verdict = decide(rules, subject, readings, moment, evidence)
    moving = as_of is None and subject.as_of is None
    decisions = store.decisions(subject.id)
    explained = Subject(lookup, rules, verdict, numbers, family, moving, decisions)
    return Review(verdict, rules, project, decisions, explained)


def record(result: Review, call: Call, by: str, because: str, second: str, document: Mapping[str, Any]) -> Decision:
    """Append what people decided to the record, with the verdict (``document``) and the policy that they saw.

    Raises:
        SignalsError: Without a name or a reason, or against the verdict without a second person.
    """
    verdict, policy = result.verdict, result.policy
    by, because, second = by.strip(), because.strip(), second.strip()
    if not by or not because:
        raise SignalsError("a decision needs who and why", "Give --by and --because")
    if call != verdict.call and (not second or second.casefold() == by.casefold()):
        raise SignalsError(
            f"the verdict is {verdict.call}: deciding {call} needs a second person", "Name another one with --second"
        )
    store = store_of(result.project)
    store.put_policy(policy.hash, policy.name, policy.text, "", by)
    store.put_verdict(
        verdict.release.id, verdict.policy_hash, verdict.evidence_hash, verdict.call, canonical(document), verdict.as_of
    )
    return store.decide(
        Decision(
            release=verdict.release.id,
            call=call,
            recommended=verdict.call,
            by=by,
            because=because,
            at=datetime.now(UTC).replace(microsecond=0),
            verdict_hash=digest(document),
            policy_hash=verdict.policy_hash,
            second=second,
        )
    )


def family_size(project: Project, release: Release) -> int:
    """How many declared candidates share the release's error rate: itself, and the others of its family."""
    return sum(1 for other in project.releases if other.family == release.family) if release.family else 1


def numbers_of(
    project: Project, policy: Policy, release: Release, as_of: datetime | None = None
) -> tuple[Mapping[str, Numbers], datetime]:
    """Numbers by signal of one release, and the moment that they are of.

    Raises:
        SignalsError: As ``review``.
    """
    from signals.lookup import Lookup

    moment = moment_of(release, as_of)
    lookup = Lookup(project, store_of(project))
    lookup.check(release)
    return lookup.of(lookup.wanted(policy.signals), release, moment, family_size(project, release))[0], moment


def load(folder: Path | str | None = None) -> Project:
    """The project in a folder (default: ``$SIGNALS_PROJECT``, else the working directory)."""
    from signals.project import load_project

    return load_project(folder_of(folder))


def folder_of(folder: Path | str | None = None) -> Path:
    """The folder given, else ``$SIGNALS_PROJECT``, else the working directory."""
    return Path(folder or os.environ.get("SIGNALS_PROJECT") or Path.cwd())


def policy_of(project: Project, path: Path | str | None = None) -> Policy:
    """The project's policy, or the one in another file; parsed once per text."""
    from signals.strictyaml import read_text

    file = Path(path) if path else project.policy_path
    shown = file.name if path is None else str(file)
    return parsed(read_text(file), shown)


@lru_cache(maxsize=32)
def parsed(text: str, file: str) -> Policy:
    """The policy of a text, parsed once per process; ``file`` is the name that messages use."""
    from signals.policy import parse_policy

    return parse_policy(text, file)


def store_of(project: Project) -> Store:
    """The project's store, opened once per address and process."""
    return _store(project.store_url)


@lru_cache(maxsize=8)
def _store(url: str) -> Store:
    from signals.store import open_store

    return open_store(url)


def find_release(project: Project, release: str) -> Release:
    """The release of that id.

    Raises:
        SignalsError: With the nearest id, or how to declare one.
    """
    from signals.strictyaml import suggest

    for candidate in project.releases:
        if candidate.id == release:
            return candidate
    place = project.sources_path.name
    if not project.releases:
        raise SignalsError("no release is declared", "Add one under `releases:`", file=place)
    known = suggest(release, [candidate.id for candidate in project.releases])
    raise SignalsError(f"no release is called {release!r}", known, file=place)


def misplaced(project: Project, policy: Policy) -> tuple[Problem, ...]:
    """Sources that would never be heard: their signal is not declared, or is of a kind that does not read them."""
    from signals.project import shape_of
    from signals.strictyaml import suggest

    problems = []
    for source in project.sources:
        signal = policy.signals.get(source.signal)
        shape = shape_of(source)
        if signal is None:
            what = f"feeds the signal {source.signal!r}, which {policy.file} does not declare"
            remedy = suggest(source.signal, policy.signals)
        elif shape and shape not in READ_BY[signal.kind]:
            what = f"brings {shape} records, and {source.signal!r} is of kind {signal.kind}, which reads none"
            remedy = f"Feed a signal that reads them, or use shape {' or '.join(READ_BY[signal.kind])}"
        else:
            continue
        problems.append(Problem(f"source {source.name!r} {what}", remedy, project.sources_path.name, source.line))
    return tuple(problems)


def moment_of(release: Release, as_of: datetime | None) -> datetime:
    """The moment to judge a release at, in whole seconds UTC: the one given, else the release's own, else now.

    Raises:
        SignalsError: When it has no zone, or is before the release started.
    """
    moment = as_of or release.as_of or datetime.now(UTC)
    if moment.tzinfo is None:
        raise SignalsError("the as-of time has no zone", "Write it like 2026-11-17T09:00:00Z")
    moment = moment.astimezone(UTC).replace(microsecond=0)
    start = datetime.combine(release.started, datetime.min.time(), UTC) - timedelta(days=1)
    if moment < start:
        raise SignalsError(
            f"{moment:%Y-%m-%dT%H:%M:%SZ} is before release {release.id} started ({release.started})",
            "Choose a later --as-of",
        )
    return moment
