"""The one path: release -> readings -> verdict -> explanation. Command line, dashboard, memo and API all call it.

Numbers come from the store. They are computed here only when the evidence or the definition of a signal has changed
since they were last computed; drawing a verdict from stored numbers imports no statistics.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from signals.model import (
    Call,
    Decision,
    DecisionOutcome,
    Explanation,
    Numbers,
    Override,
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
    from signals.memo import Memo
    from signals.policy import Policy
    from signals.roles import Person
    from signals.standing import Stale, Standing
    from signals.store import Store

READ_BY: Mapping[SignalKind, tuple[str, ...]] = {
    "judge": ("item_score", "traffic_mix"),
    "panel": ("rating", "preference"),
    "experiment": ("outcome", "outcome_counts", "traffic_mix"),
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
    decisions: tuple[Decision, ...]  # the newest first
    subject: Subject = field(repr=False, compare=False)
    overrides: tuple[Override, ...] = ()  # beside those that went against their verdict
    outcomes: tuple[DecisionOutcome, ...] = ()  # how they turned out, the newest telling first
    usual: bool = True  # under the project's own policy, as of its own moment

    @cached_property
    def explanation(self) -> Explanation:
        """Why the signals disagree, how sure the call is, what would flip it and what would settle it."""
        from signals.explain import explain

        return explain(self.subject)

    @property
    def standings(self) -> tuple[Standing, ...]:
        """Where each decision stands now, the newest first.

        The one that counts is held against this verdict, unless somebody asked for another policy or moment.
        """
        from signals.standing import standings

        return standings(self.decisions, self.overrides, self.outcomes, datetime.now(UTC), self._looked)

    @cached_property
    def _looked(self) -> Mapping[str, Stale | None]:
        return {one.entry: self._stale(one) for one in self.decisions[:1]} if self.usual else {}

    def _stale(self, decision: Decision) -> Stale | None:
        from signals.policy import verdict_json
        from signals.standing import as_told, stale

        store = store_of(self.project)
        then = as_told(decision, store.verdict_text(decision.verdict_hash))
        other = decision.policy_hash != self.verdict.policy_hash
        numbers = {one.hash: one.number for one in reversed(store.versions())} if other else {}
        return stale(then, verdict_json(self.verdict), numbers)

    @property
    def stale(self) -> Mapping[str, tuple[str, ...]]:
        """By entry of a decision, what has changed since the verdict that it was made on, one sentence each."""
        return {one.decision.entry: one.stale.words for one in self.standings if one.stale is not None}

    def memo(self, *, explained: bool = True) -> Memo:
        """The verdict in words, with what people decided and what has changed since.

        Args:
            explained: With its explanation and with what follows from the whole verdict; without, it is at once.
        """
        from signals.memo import memo_of
        from signals.policy import verdict_json

        explanation = self.explanation if explained else None
        return memo_of(
            self.verdict,
            self.policy.text,
            self.decisions,
            self.policy.file,
            explanation,
            overrides=self.overrides,
            outcomes=self.outcomes,
            stale=self.stale if explained else {},
            verdict_hash=digest(verdict_json(self.verdict, explanation)) if explained else "",
            audit_head=self.audit_head,
        )

    @property
    def audit_head(self) -> str:
        """Hash of the newest entry of the audit chain, as it is now: a memo prints it."""
        return store_of(self.project).audit_head()


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
    from signals.proven import with_past
    from signals.readings import read

    numbers = with_past(project, rules, subject, moment, numbers)
    readings: dict[str, Reading] = {
        name: read(signal, numbers.get(name), moment) for name, signal in rules.signals.items()
    }
    verdict = decide(rules, subject, readings, moment, evidence)
    moving = as_of is None and subject.as_of is None
    decisions, overrides, outcomes = store.recorded(subject.id)
    explained = Subject(lookup, rules, verdict, numbers, family, moving, decisions)
    usual = policy is None and as_of is None
    return Review(verdict, rules, project, decisions, explained, overrides, outcomes, usual)


def record(
    result: Review,
    call: Call,
    by: str,
    because: str,
    second: str = "",
    *,
    until: datetime | None = None,
    follow_up: datetime | None = None,
    person: Person | None = None,
    token: str = "",
) -> Decision:
    """Append what people decided to the record, with the verdict and the policy that they saw.

    Against the verdict it is an override, which is a record of its own beside the decision.

    Args:
        result: What they saw.
        call: What they decided.
        by: Who; of somebody who is signed in the name of the sign-in counts.
        because: Why.
        second: Who else agrees; an override needs one.
        until: When an override ends.
        follow_up: When somebody looks at it again; an override has one of both dates.
        person: Who is signed in; None when nobody has to be.
        token: Of the form that this comes from: the same form again records nothing and gives what it recorded.

    Raises:
        SignalsError: Without a name or a reason; against the verdict without a second person or a date in the future;
            with a role that may not; when they saw another policy or moment than the project's own, or a call that
            is another one by now.
    """
    from signals.choices import decision_faults, refuse
    from signals.policy import verdict_json
    from signals.roles import require

    require(person, "reviewer", "record a decision")
    verdict, policy = result.verdict, result.policy
    if not result.usual:
        raise SignalsError(
            "a decision is recorded on the verdict of now under the project's own policy",
            "Look at the release again, without another policy or as-of time",
        )
    by, because, second = (person.name if person else by).strip(), because.strip(), second.strip()
    now = datetime.now(UTC).replace(microsecond=0)
    refuse(decision_faults(verdict.call, call, by, because, second, until, follow_up, now))
    # A pull, or somebody who saved the policy, may have turned the call since they looked: what was as recommended
    # then would be an override now.
    today = review(verdict.release.id, result.project).verdict.call
    if today != verdict.call:
        raise SignalsError(
            f"the verdict on {verdict.release.id} has changed since you looked: it is {today} now and was "
            f"{verdict.call}",
            "Look at it again before you decide",
        )
    told = verdict_json(verdict, result.explanation)
    store = store_of(result.project)
    store.put_policy(policy.hash, policy.name, policy.text, "", by)
    store.put_verdict(
        verdict.release.id, verdict.policy_hash, verdict.evidence_hash, verdict.call, canonical(told), verdict.as_of
    )
    decision = Decision(
        release=verdict.release.id, call=call, recommended=verdict.call, by=by, because=because, at=now,
        verdict_hash=digest(told), policy_hash=verdict.policy_hash, second=second, token=token,
    )  # fmt: skip
    if not decision.override:
        return store.decide(decision)
    beside = Override(
        "", decision.release, call, verdict.call, decision.verdict_hash, by, second, because, now, until, follow_up
    )
    return store.decide(decision, beside)


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
    from signals.proven import with_past

    moment = moment_of(release, as_of)
    lookup = Lookup(project, store_of(project))
    lookup.check(release)
    numbers, _ = lookup.of(lookup.wanted(policy.signals), release, moment, family_size(project, release))
    return with_past(project, policy, release, moment, numbers), moment


def load(folder: Path | str | None = None) -> Project:
    """The project in a folder (default: ``$SIGNALS_PROJECT``, else the working directory)."""
    from signals.project import load_project
    from signals.starter import folder_of

    return load_project(folder_of(folder))


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
