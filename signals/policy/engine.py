"""The engine: facts and rules -> call. The steps of the policy's meaning, in the order in which this file has them.

``settle`` is a pure function over facts and states that makes few objects, so that a table of every situation, a replay
and a simulation can call it often.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from signals.model import SEVERITY, Call, Reason, Role, State
from signals.policy.facts import Facts
from signals.policy.rules import Guardrail, Override, Requirement, Row, Rules


@dataclass(frozen=True, slots=True)
class Walked:
    """A row in the place where it was walked. ``heard`` is the answer of its ``when``: only True speaks."""

    row: Row
    state: State
    heard: bool | None
    moved_by: str | None

    @property
    def answer(self) -> Call | None:
        """What its state answers, heard or not."""
        return self.row.calls.get(self.state)

    @property
    def says(self) -> Call | None:
        """What it says; None lets the next row speak."""
        return self.answer if self.heard is True else None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the engine found. ``first`` is the index of the first row that answered, None when none did."""

    call: Call
    reason: Reason
    decided_by: str | None
    rule: str
    rows: tuple[Walked, ...]
    first: int | None
    overrides: tuple[bool | None, ...]
    guardrails: tuple[bool | None, ...]
    ship_requires: tuple[bool | None, ...]

    @property
    def roles(self) -> tuple[Role, ...]:
        """The part that each row played, against the call as it stands."""
        return tuple(self._role(number, walked) for number, walked in enumerate(self.rows))

    def _role(self, number: int, walked: Walked) -> Role:
        if walked.heard is not True:
            return "silenced"
        if number == self.first and self.rule == walked.row.rule:
            return "decides"
        if walked.says is None:
            return "silent"
        return "agrees" if walked.says == self.call else "overruled"

    @property
    def overruled(self) -> tuple[str, ...]:
        """Signals whose state pointed, in some row of theirs, to another call than the verdict's.

        Rows that were silenced or came after the deciding one count too. A signal that also decides or agrees in
        another of its rows is not overruled; one whose state has no answer never is.
        """
        roles = self.roles
        carried = {w.row.signal for w, role in zip(self.rows, roles, strict=True) if role in ("decides", "agrees")}
        against = (w.row.signal for w in self.rows if w.answer is not None and w.answer != self.call)
        return tuple(dict.fromkeys(signal for signal in against if signal not in carried))


def settle(rules: Rules, facts: Facts, quiet: frozenset[str] = frozenset()) -> Outcome:
    """Decide over facts alone.

    Args:
        rules: Of one kind of release.
        facts: By full name; a state that is absent is ``missing``.
        quiet: Ids of guardrails that are taken not to hold when they are unknown (the tests of a policy need it).
    """
    guardrails = tuple(_guardrail(rule, facts, quiet) for rule in rules.guardrails)
    order, overrides = _order(rules, facts)
    rows = tuple(_walk(row, moved_by, facts) for row, moved_by in order)
    first = next((number for number, walked in enumerate(rows) if walked.says is not None), None)
    call, reason, by, rule = _hierarchy(rules, rows, first)
    call, reason, by, rule = _severest(rules.guardrails, guardrails, call, reason, by, rule, answered=first is not None)
    requires = tuple(rule_.that.holds(facts) for rule_ in rules.ship_requires)
    if call == "ship":
        call, reason, by, rule = _gate(rules, guardrails, requires, reason, by, rule)
    return Outcome(call, reason, by, rule, rows, first, overrides, guardrails, requires)


Answer = tuple[Call, Reason, str | None, str]


def _guardrail(rule: Guardrail, facts: Facts, quiet: frozenset[str]) -> bool | None:
    holds = rule.when.holds(facts)
    return False if holds is None and rule.id in quiet else holds


def _order(rules: Rules, facts: Facts) -> tuple[list[tuple[Row, str | None]], tuple[bool | None, ...]]:
    """The rows after overrides, each with the override that moved it. Unknown overrides move nothing."""
    order: list[tuple[Row, str | None]] = [(row, None) for row in rules.hierarchy]
    found = []
    for rule in rules.overrides:
        holds = rule.when.holds(facts)
        found.append(holds)
        if holds is True:
            order = _moved(order, rule)
    return order, tuple(found)


def _moved(order: list[tuple[Row, str | None]], rule: Override) -> list[tuple[Row, str | None]]:
    """Rows of ``put`` that stand below the first row of ``above`` go to just above it, in their own order."""
    target = next((place for place, (row, _) in enumerate(order) if row.signal == rule.above), None)
    if target is None:
        return order
    moving = [(row, rule.id) for row, _ in order[target:] if row.signal == rule.put]
    staying = [entry for entry in order[target:] if entry[0].signal != rule.put]
    return [*order[:target], *moving, *staying]


def _walk(row: Row, moved_by: str | None, facts: Facts) -> Walked:
    state: State = facts.get(f"{row.signal}.state", "missing")  # type: ignore[assignment]  # a state, by the registry
    return Walked(row, state, True if row.when is None else row.when.holds(facts), moved_by)


def _hierarchy(rules: Rules, rows: Sequence[Walked], first: int | None) -> Answer:
    if first is None:
        reason = _otherwise(rows)
        if rules.otherwise == "hold":
            return "hold", reason, None, "otherwise"
        # No data never reads as fine: nobody answered, and somebody could not be heard.
        if rules.otherwise == "ship" and reason in ("untrusted", "missing-signal"):
            return "hold", reason, None, "otherwise"
        return rules.otherwise, "otherwise", None, "otherwise"
    walked = rows[first]
    call = walked.row.calls[walked.state]
    reason = "decided"
    if call == "hold":
        waiting: dict[State, Reason] = {"untrusted": "untrusted", "missing": "missing-signal", "unclear": "needs-data"}
        reason = waiting.get(walked.state, "decided")
    return call, reason, walked.row.signal, walked.row.rule


def _otherwise(rows: Sequence[Walked]) -> Reason:
    """Why nobody answered: the first of these that applies to a row that was not plainly silenced."""
    states = {walked.state for walked in rows if walked.heard is not False}
    if "untrusted" in states:
        return "untrusted"
    if "missing" in states:
        return "missing-signal"
    if {"win", "loss"} <= states:
        return "conflict"
    return "needs-data" if "unclear" in states else "otherwise"


def _severest(
    rules: Sequence[Guardrail],
    holds: Sequence[bool | None],
    call: Call,
    reason: Reason,
    by: str | None,
    rule: str,
    *,
    answered: bool,
) -> Answer:
    """The hierarchy's answer, or the severest guardrail's (the first of equals) when that is more severe.

    A guardrail as severe as an answering row leaves the decision to the row; one as severe as ``otherwise`` takes it.
    """
    fired = [guardrail for guardrail, value in zip(rules, holds, strict=True) if value is True]
    if fired:
        worst = max(fired, key=lambda guardrail: SEVERITY[guardrail.call])
        gap = SEVERITY[worst.call] - SEVERITY[call]
        if gap > 0 or (gap == 0 and not answered):
            return worst.call, "guardrail", worst.id, worst.rule
    return call, reason, by, rule


def _gate(
    rules: Rules,
    guardrails: Sequence[bool | None],
    requires: Sequence[bool | None],
    reason: Reason,
    by: str | None,
    rule: str,
) -> Answer:
    """A SHIP stays one when every requirement holds and no guardrail is unknown. What plainly fails is named first."""
    for requirement, value in zip(rules.ship_requires, requires, strict=True):
        if value is False:
            return "hold", "ship-requires", requirement.id, requirement.rule
    checks: list[tuple[Guardrail | Requirement, bool | None]] = [
        *zip(rules.guardrails, guardrails, strict=True),
        *zip(rules.ship_requires, requires, strict=True),
    ]
    for item, value in checks:
        if value is None:
            return "hold", "cannot-evaluate", item.id, item.rule
    return "ship", reason, by, rule
