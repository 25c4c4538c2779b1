"""The engine: facts and rules -> call. The steps of the policy's meaning, in the order in which this file has them.

``settle`` is a pure function over facts and states that makes few objects, so that a table of every situation, a replay
and a simulation can call it often.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from signals.model import SEVERITY, Call, Reason, Role, State
from signals.policy.facts import Facts
from signals.policy.rules import Guardrail, Override, Requirement, Row, Rules


class Answer(NamedTuple):
    """A call, why it is what it is, who made it (None: nobody answered) and by which rule."""

    call: Call
    reason: Reason
    by: str | None
    rule: str


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
    found = _hierarchy(rules, rows, first)
    fired = [rule for rule, holds in zip(rules.guardrails, guardrails, strict=True) if holds is True]
    found = severest(found, worst(fired), answered=first is not None)
    requires = tuple(rule.that.holds(facts) for rule in rules.ship_requires)
    if found.call == "ship":
        found = _gate(rules, guardrails, requires) or found
    return Outcome(*found, rows, first, overrides, guardrails, requires)


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
            order = moved(order, rule)
    return order, tuple(found)


def moved(order: list[tuple[Row, str | None]], rule: Override) -> list[tuple[Row, str | None]]:
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
        return unanswered(rules.otherwise, {walked.state for walked in rows if walked.heard is not False})
    return answered(rows[first].row, rows[first].state)


def answered(row: Row, state: State) -> Answer:
    """What a row that answers in this state makes of the release."""
    call = row.calls[state]
    waiting: dict[State, Reason] = {"untrusted": "untrusted", "missing": "missing-signal", "unclear": "needs-data"}
    return Answer(call, waiting.get(state, "decided") if call == "hold" else "decided", row.signal, row.rule)


def unanswered(otherwise: Call, states: Collection[State]) -> Answer:
    """What ``otherwise`` makes of it; ``states`` are those of the rows that were not plainly silenced."""
    reason = _otherwise(states)
    # No data never reads as fine: nobody answered, and somebody could not be heard.
    if otherwise == "hold" or (otherwise == "ship" and reason in ("untrusted", "missing-signal")):
        return Answer("hold", reason, None, "otherwise")
    return Answer(otherwise, "otherwise", None, "otherwise")


def _otherwise(states: Collection[State]) -> Reason:
    """Why nobody answered: the first of these that applies."""
    if "untrusted" in states:
        return "untrusted"
    if "missing" in states:
        return "missing-signal"
    if "win" in states and "loss" in states:
        return "conflict"
    return "needs-data" if "unclear" in states else "otherwise"


def worst(fired: Sequence[Guardrail]) -> Guardrail | None:
    """The severest guardrail, the first of equals; None of none."""
    return max(fired, key=lambda guardrail: SEVERITY[guardrail.call], default=None)


def severest(answer: Answer, fired: Guardrail | None, *, answered: bool) -> Answer:
    """The hierarchy's answer, or the guardrail's when that is more severe.

    A guardrail as severe as an answering row leaves the decision to the row; one as severe as ``otherwise`` takes it.
    """
    if fired is not None:
        gap = SEVERITY[fired.call] - SEVERITY[answer.call]
        if gap > 0 or (gap == 0 and not answered):
            return Answer(fired.call, "guardrail", fired.id, fired.rule)
    return answer


def _gate(rules: Rules, guardrails: Sequence[bool | None], requires: Sequence[bool | None]) -> Answer | None:
    """What turns a SHIP into a HOLD: a requirement that fails, else a rule that is unknown."""
    for requirement, value in zip(rules.ship_requires, requires, strict=True):
        if value is False:
            return refused(requirement)
    checks: list[tuple[Guardrail | Requirement, bool | None]] = [
        *zip(rules.guardrails, guardrails, strict=True),
        *zip(rules.ship_requires, requires, strict=True),
    ]
    return next((unknown(item) for item, value in checks if value is None), None)


def refused(requirement: Requirement) -> Answer:
    """A SHIP whose requirement fails."""
    return Answer("hold", "ship-requires", requirement.id, requirement.rule)


def unknown(rule: Guardrail | Requirement) -> Answer:
    """A SHIP while a guardrail or a requirement cannot be evaluated."""
    return Answer("hold", "cannot-evaluate", rule.id, rule.rule)
