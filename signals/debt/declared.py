"""Debts that the policy shows by itself: its date of review, owners, margins, and signals that nothing feeds."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time

from signals.debt.owed import NOT_KNOWN, Debt, Severity
from signals.debt.scene import Scene
from signals.words import moment, plural

DUE_SOON = 14
"""Days before its review date from which on the review of a policy is announced."""

OVERDUE = 90
"""Days after its review date from which on a policy that nobody reviewed is urgent."""


def policy_review(scene: Scene) -> Iterator[Debt]:
    """The policy is past its ``review_by``: medium; high when more than ``OVERDUE`` days past it.

    Low when the review is due within ``DUE_SOON`` days. Without a date whether it is due is not known: low.
    """
    policy, due = scene.policy, scene.policy.review_by
    why = "Its margins and ranks were agreed for a product and a team of then; old rules are argued about in the room."
    if due is None:
        what = f"{NOT_KNOWN}whether {policy.name} is due for review: it has no review date."
        remedy = f"Add `review_by:` to {policy.file}."
        yield Debt("policy-review", "low", "policy", what, why, remedy, owner=policy.owner)
        return
    late = (scene.now.date() - due).days
    if late <= -DUE_SOON:
        return
    remedy = f"Go through {policy.file} with those who use it, save it, and set the next `review_by:`."
    if late <= 0:
        when = "today" if late == 0 else f"in {plural(-late, 'days')}, by {moment(due)}"
        what = f"The policy {policy.name} is due for review {when}."
        yield Debt("policy-review", "low", "policy", what, why, remedy, owner=policy.owner)
        return
    what = f"The policy {policy.name} was due for review by {moment(due)}, {plural(late, 'days')} ago."
    since = datetime.combine(due, time(), UTC)
    severity: Severity = "high" if late > OVERDUE else "medium"
    yield Debt("policy-review", severity, "policy", what, why, remedy, since, policy.owner)


def no_owner(scene: Scene) -> Iterator[Debt]:
    """A signal without ``owner``: medium when it can change a call, else low. A policy without one: medium."""
    policy = scene.policy
    if not policy.owner:
        yield Debt(
            "no-owner", "medium", "policy",
            f"Nobody owns the policy {policy.name}.",
            "When two signals disagree, nobody can say what the rule was meant to do.",
            f"Add `owner:` to {policy.file}.",
        )  # fmt: skip
    for name, signal in policy.signals.items():
        if not signal.owner:
            yield Debt(
                "no-owner", "medium" if name in scene.ranked else "low", name,
                f"Nobody owns the signal {name}.",
                "When it fails or disagrees, nobody is asked to look, and a HOLD that needs more of it names nobody.",
                f"Add `owner:` to {name} in {policy.file}.",
                owner=policy.owner,
            )  # fmt: skip


def no_margin(scene: Scene) -> Iterator[Debt]:
    """A signal with a row in a hierarchy but without ``margin``: medium."""
    policy = scene.policy
    sections = (policy.rules, *policy.kinds.values())
    rows = dict.fromkeys(row.signal for rules in sections for row in rules.hierarchy)
    for name in rows:
        if policy.signals[name].margin is None:
            yield Debt(
                "no-margin", "medium", name,
                f"{name} has a row in the hierarchy and no margin.",
                "It can never be flat or non-inferior: a change too small to matter reads as unclear or decides.",
                f"Agree on the smallest change worth acting on and add `margin:` to {name} in {policy.file}.",
                owner=scene.owner(name),
            )  # fmt: skip


def signal_unfed(scene: Scene) -> Iterator[Debt]:
    """A signal that is declared and that no source feeds: high when it can change a call, else low."""
    place = scene.project.sources_path.name
    for name in scene.policy.signals:
        if scene.sources(name):
            continue
        ranked = name in scene.ranked
        yield Debt(
            "signal-unfed", "high" if ranked else "low", name,
            f"No source feeds {name}: it is missing in every release.",
            "The policy counts on it, and its rows and requirements never get an answer." if ranked
            else "It is declared, and nobody can hear it.",
            f"Add a source with `signal: {name}` to {place}, or take {name} out of {scene.policy.file}.",
            owner=scene.owner(name),
        )  # fmt: skip
