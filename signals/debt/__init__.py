"""What makes tomorrow's disagreement likely, and what to do about it.

A debt is nothing wrong with a verdict of today: it is why the next one will be argued about. Each kind has one rule,
written in the docstring of the function that finds it (``declared``, ``feeds``, ``judge``, ``habits``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from signals.debt import declared, feeds, habits, judge
from signals.debt.feeds import SourceHealth
from signals.debt.owed import KINDS, NOT_KNOWN, SEVERITIES, TITLES, Debt, Kind, Severity, masked, urgent_first
from signals.debt.scene import Scene
from signals.model import Project, SignalsError
from signals.review import policy_of

if TYPE_CHECKING:
    from signals.policy import Policy

__all__ = [
    "KINDS", "NOT_KNOWN", "SEVERITIES", "TITLES", "Debt", "Kind", "Severity", "SourceHealth", "Survey", "debts",
    "masked", "survey",
]  # fmt: skip


@dataclass(frozen=True)
class Survey:
    """How a project stands.

    Attributes:
        debts: The most urgent first.
        sources: In the order of ``sources.yaml``.
        now: The moment that it was judged at (UTC).
        policy: Name of the policy.
    """

    debts: tuple[Debt, ...]
    sources: tuple[SourceHealth, ...]
    now: datetime
    policy: str


def debts(project: Project, policy: Policy | None = None, now: datetime | None = None) -> tuple[Debt, ...]:
    """What makes tomorrow's disagreement likely, the most urgent first.

    Args:
        project: Its sources, releases and store.
        policy: Another policy than the project's.
        now: The moment to judge at; now by default. A release with a fixed ``as_of`` before it, or a recorded decision,
            is judged as of then; one that had not begun does not count. Evidence newer than it does not count; the log
            of pulls is read as it stands.

    Raises:
        SignalsError: A moment without a zone, a policy that does not load, a store that fails.
    """
    return survey(project, policy, now).debts


def survey(project: Project, policy: Policy | None = None, now: datetime | None = None) -> Survey:
    """The debts, and how each source does. See ``debts``."""
    moment = now or datetime.now(UTC)
    if moment.tzinfo is None:
        raise SignalsError("the moment has no zone", "Write it like 2026-11-17T09:00:00Z")
    moment = moment.astimezone(UTC).replace(microsecond=0)
    rules = policy or policy_of(project)
    scene = Scene(project, rules, moment)
    every = feeds.findings(scene)
    overlap = tuple(judge.overlap_small(scene))
    told = frozenset((one.subject, "min_overlap") for one in overlap)
    found = [
        *declared.policy_review(scene), *declared.no_owner(scene), *declared.no_margin(scene),
        *declared.signal_unfed(scene),
        *feeds.source_failing(scene, every), *feeds.source_silent(scene, every), *feeds.source_idle(scene, every),
        *judge.golden_set_old(scene), *judge.judge_changed(scene), *overlap,
        *habits.check_warns(scene, told), *habits.signal_unheard(scene), *habits.override_expired(scene),
    ]  # fmt: skip
    found += unjudged(scene)  # last: by now it is known which releases could not be read
    scene.memory.forget(scene.cases)
    return Survey(urgent_first(found), feeds.health(scene, every), moment, rules.name)


def unjudged(scene: Scene) -> list[Debt]:
    """What keeps every other rule from being judged: no release that has begun, or one that cannot be read. High.

    A project without releases is low: it has nothing to disagree about yet.
    """
    place, owner = scene.project.sources_path.name, scene.policy.owner
    why = "Golden sets, judges, overlap and checks are judged by readings of releases: of these nothing can be said."
    if not scene.cases:
        what = f"{NOT_KNOWN}whether checks warn or judges can be corrected: no release has begun."
        remedy = f"Declare one under `releases:` in {place}."
        return [Debt("unjudged", "low", "releases", what, why, remedy, owner=owner)]
    found: dict[str, list[str]] = {}
    for release, reason in scene.refused.items():
        found.setdefault(masked(reason.splitlines()[0]), []).append(release)
    return [
        Debt("unjudged", "high", ids[0] if len(ids) == 1 else "releases",
             f"{NOT_KNOWN}anything about {', '.join(ids[:5])}{' and others' if len(ids) > 5 else ''}: {reason}",
             why, "Mend what it says; `signals verdict` says the same.", owner=owner)
        for reason, ids in sorted(found.items())
    ]  # fmt: skip
