"""The one path: release -> readings -> verdict. Command line, dashboard, memo and API all call it.

Numbers come from the store. They are computed here only when the evidence or the definition of a signal has changed
since they were last computed; drawing a verdict from stored numbers imports no statistics.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from signals.model import (
    OTHER_RELEASES,
    Call,
    Decision,
    Measure,
    Numbers,
    Problem,
    Project,
    Reading,
    Release,
    SetAside,
    Signal,
    SignalKind,
    SignalsError,
    Verdict,
    canonical,
    digest,
)

if TYPE_CHECKING:
    from signals.policy import Policy
    from signals.store import Store

METHODS_VERSION = 2
"""Raised whenever an estimator changes, so that stored numbers of an older method are computed again."""

NAMED_STRAYS = 5
"""Variants of no release that are named one by one; the rest are summed."""


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
    moment = _moment(subject, as_of)
    store = store_of(project)
    if project.sources and not any(store.last_pull(source.name) for source in project.sources):
        failed = [pull for source in project.sources for pull in store.pulls(source.name, 1) if pull.status == "failed"]
        if failed:
            first = (failed[0].error or "").splitlines()[0]
            raise SignalsError(
                f"no pull has succeeded yet: {failed[0].source}: {first}", "Mend it, then `signals pull`"
            )
        raise SignalsError("the store is empty: nothing was ever pulled", "Run `signals pull` first")
    _check_arms(project, subject, store)
    numbers, evidence = measure_all(project, rules, subject, store, moment)

    from signals.policy import decide
    from signals.readings import read

    readings: dict[str, Reading] = {
        name: read(signal, numbers.get(name), moment) for name, signal in rules.signals.items()
    }
    verdict = decide(rules, subject, readings, moment, evidence)
    return Review(verdict, rules, project, store.decisions(subject.id))


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


def measure_all(
    project: Project, policy: Policy, release: Release, store: Store, as_of: datetime
) -> tuple[Mapping[str, Numbers], str]:
    """Numbers of every signal of the policy, stored or newly computed, and the hash of all evidence behind them."""
    panels = {name for name, signal in policy.signals.items() if signal.kind == "panel"}
    human = [source.name for source in project.sources if source.signal in panels]
    found: dict[str, Numbers] = {}
    hashes: dict[str, str] = {}
    for name, signal in policy.signals.items():
        sources = [source.name for source in project.sources if source.signal == name]
        people = human if signal.kind == "judge" else []
        if not sources:
            continue
        hashes[name], numbers = _numbers(signal, release, _family(project, release), store, sources, people, as_of)
        others = _elsewhere(project, release, store.elsewhere(release, sources))
        # Neither is evidence of the release, so both are looked up each time instead of being kept with its numbers.
        found[name] = replace(
            numbers,
            set_aside=(*numbers.set_aside, *others),
            measures=(*numbers.measures, _last_pull(store, sources)),
        )
    return found, digest(hashes)


def _numbers(
    signal: Signal,
    release: Release,
    family: int,
    store: Store,
    sources: Sequence[str],
    people: Sequence[str],
    as_of: datetime,
) -> tuple[str, Numbers]:
    """Hash of the evidence and the numbers from it, out of the store when they are there."""
    subject = [release.arms, release.split, family]
    definition = digest([METHODS_VERSION, signal.name, signal.definition_hash(), *subject])
    evidence_hash = store.evidence_hash(release, sources, as_of, human_sources=people)
    numbers = store.estimate(release.id, signal.name, evidence_hash, definition)
    if numbers is None:
        from signals.readings import measure

        # Hash and evidence from one moment: a pull may have ended since the look above.
        evidence_hash, evidence = store.snapshot(release, sources, people, as_of)
        numbers = measure(signal, replace(evidence, family=family))
        store.put_estimate(release.id, signal.name, evidence_hash, definition, numbers)
    return evidence_hash, numbers


def _family(project: Project, release: Release) -> int:
    """How many candidates share the release's error rate: itself, and the others of its family."""
    return sum(1 for other in project.releases if other.family == release.family) if release.family else 1


def _elsewhere(project: Project, release: Release, rows: Mapping[tuple[str, ...], int]) -> tuple[SetAside, ...]:
    """Rows about other comparisons, which do not count here: strays by name, those of other releases in one entry."""
    comparisons = [set(other.arms) for other in project.releases if other.id != release.id]
    strays = [key for key in rows if not any(arms.issuperset(key) for arms in comparisons)]
    strays.sort(key=lambda key: (-rows[key], key))
    entries = [
        SetAside(rows[key], f"variant {key[0]} is neither arm", key[0], fault=False)
        if len(key) == 1
        else SetAside(rows[key], f"variants {' and '.join(key)} are not the two arms", fault=False)
        for key in strays[:NAMED_STRAYS]
    ]
    if strays[NAMED_STRAYS:]:
        more = sum(rows[key] for key in strays[NAMED_STRAYS:])
        entries.append(SetAside(more, f"{len(strays) - NAMED_STRAYS} other variants are neither arm", fault=False))
    declared = sum(count for key, count in rows.items() if key not in strays)
    if declared:
        entries.append(SetAside(declared, OTHER_RELEASES, fault=False))
    return tuple(entries)


def _last_pull(store: Store, sources: Sequence[str]) -> Measure:
    """Whether the newest attempt to pull each source succeeded: evidence that went stale so is not fine."""
    failed = [pull for name in sources for pull in store.pulls(name, 1) if pull.status == "failed"]
    if failed:
        first = (failed[0].error or "").splitlines()[0]
        return Measure("last_pull", 0.0, f"the last pull of {failed[0].source} failed: {first}")
    return Measure("last_pull", 1.0, "")


def _check_arms(project: Project, release: Release, store: Store) -> None:
    """Refuse a release whose arm nobody has seen while a variant of no release is spelled like it."""
    rows = store.elsewhere(release, [source.name for source in project.sources])
    declared = {variant for other in project.releases for variant in other.arms}
    strays = {name for key in rows for name in key if name not in declared}
    for arm in release.arms:
        alike = sorted(name for name in strays if _bare(name) == _bare(arm))
        if alike:
            what = f"release {release.id!r} names the variant {arm!r}, and the evidence spells it {alike[0]!r}"
            raise SignalsError(what, "Spell it as the evidence does", file=project.sources_path.name)


def _bare(name: str) -> str:
    return "".join(sign for sign in name.casefold() if sign.isalnum())


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
        elif shape not in READ_BY[signal.kind]:
            what = f"brings {shape} records, and {source.signal!r} is of kind {signal.kind}, which reads none"
            remedy = f"Feed a signal that reads them, or use shape {' or '.join(READ_BY[signal.kind])}"
        else:
            continue
        problems.append(Problem(f"source {source.name!r} {what}", remedy, project.sources_path.name, source.line))
    return tuple(problems)


def _moment(release: Release, as_of: datetime | None) -> datetime:
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
