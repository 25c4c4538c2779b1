"""The atlas: what a policy decides in every situation, exactly.

Rules are combined as functions over all situations at once (``diagram``), with the engine's own steps at the leaves, so
that nothing is sampled and nothing is written twice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from signals.model import CALLS, STATES, Call, State
from signals.policy.compiled import Trit
from signals.policy.engine import Answer, answered, moved, refused, severest, unanswered, unknown, worst
from signals.policy.facts import Facts
from signals.policy.rules import Guardrail, Override, Policy, Row, Rules
from signals.workbench.situations.diagram import Diagrams, Node
from signals.workbench.situations.effort import TooLargeError, effort
from signals.workbench.situations.making import space_of
from signals.workbench.situations.space import Space, too_large

MAX_ORDERS = 64
"""Orders that overrides may bring the rows into: more are refused."""


@dataclass(frozen=True)
class Atlas:
    """The answer of one set of rules in every situation of a space.

    Attributes:
        space: The situations.
        rules: Whose answers they are.
        kind: The kind of release; None for kinds without rules of their own.
        node: The answer (``Answer``) by situation; None where a situation is impossible.
    """

    space: Space
    rules: Rules
    kind: str | None
    node: Node

    @cached_property
    def answers(self) -> dict[Answer, int]:
        """In how many situations the policy gives each answer."""
        found = self.space.diagrams.counts(self.node)
        found.pop(None, None)
        return found

    @property
    def total(self) -> int:
        """How many situations there are."""
        return sum(self.answers.values())

    @property
    def calls(self) -> dict[Call, int]:
        """In how many situations it comes to each call."""
        return {call: sum(n for answer, n in self.answers.items() if answer.call == call) for call in CALLS}

    @property
    def used(self) -> frozenset[str]:
        """The rules that decide somewhere."""
        return frozenset(answer.rule for answer in self.answers)

    def answer(self, facts: Facts) -> Answer:
        """What the atlas says of a release with these facts.

        Raises:
            ValueError: When no release can have them together.
        """
        found = self.space.diagrams.at(self.node, self.space.locate(facts))
        if found is None:
            raise ValueError("no release can be in this situation")
        return Answer(*found)


def atlas_of(policy: Policy, kind: str | None = None) -> Atlas:
    """Decide every situation of one policy.

    Args:
        policy: As loaded.
        kind: The kind of release whose rules are asked; None for the kinds that have none of their own.

    Raises:
        SignalsError: When the policy is too entangled to be decided exactly.
    """
    with effort():
        space = space_of([policy], kind)
        return chart(space, policy.rules if kind is None else policy.for_kind(kind), kind)


def chart(space: Space, rules: Rules, kind: str | None = None) -> Atlas:
    """Decide every situation of a space, which must hold all comparisons of the rules.

    Raises:
        SignalsError: When the rules are too entangled for that.
    """
    try:
        return Atlas(space, rules, kind, Chart(space, rules).node())
    except TooLargeError:
        raise too_large("its rules combine in too many ways") from None


class Chart:
    """The parts that an answer is made of, each by situation."""

    def __init__(self, space: Space, rules: Rules) -> None:
        self.space, self.rules = space, rules
        self.diagrams: Diagrams = space.diagrams
        self.rows = {row.rule: row for row in rules.hierarchy}
        self.heard = {
            row.rule: self.diagrams.leaf(True) if row.when is None else space.trit(row.when.tree)
            for row in rules.hierarchy
        }

    def node(self) -> Node:
        guardrails = [(rule, self.space.trit(rule.when.tree)) for rule in self.rules.guardrails]
        found = self.diagrams.apply(_decided, self.hierarchy(), self.fired(guardrails), self.gate(guardrails))
        return self.diagrams.apply(_possible, self.space.domain, found)

    # --- the hierarchy ----------------------------------------------------------------------------------------------

    def hierarchy(self) -> Node:
        says = {name: self.says(row) for name, row in self.rows.items()}
        nobody = self.nobody()
        orders = self.orders()
        found = nobody
        for order in sorted(self.diagrams.leaves(orders)):
            node = nobody
            for name in reversed(order):
                node = self.diagrams.apply(_first, says[name], node)
            found = self.diagrams.apply(self.diagrams.bound(_in_order, order), orders, node, found)
        return found

    def says(self, row: Row) -> Node:
        """Its answer where it gives one, else None."""
        answers = self.diagrams.variable(
            self.space.levels[row.signal], [answered(row, state) if state in row.calls else None for state in STATES]
        )
        return self.diagrams.apply(_if_heard, self.heard[row.rule], answers)

    def nobody(self) -> Node:
        """What ``otherwise`` makes of it, from the states of the rows that were not plainly silenced."""
        node = self.diagrams.leaf(frozenset())
        for name, row in self.rows.items():
            state = self.diagrams.variable(self.space.levels[row.signal], STATES)
            node = self.diagrams.apply(_gathered, self.heard[name], state, node)
        return self.diagrams.apply(self.diagrams.bound(unanswered, self.rules.otherwise), node)

    def orders(self) -> Node:
        """The rows as the overrides that hold put them."""
        node = self.diagrams.leaf(tuple(self.rows))
        for rule in self.rules.overrides:
            node = self.diagrams.apply(self.moves(rule), node, self.space.trit(rule.when.tree))
            if len(self.diagrams.leaves(node)) > MAX_ORDERS:
                raise TooLargeError
        return node

    def moves(self, rule: Override) -> Callable[..., tuple[str, ...]]:
        """The rows as an override puts them: a function of their order and of whether it holds."""
        ranked = tuple((name, row.signal) for name, row in self.rows.items())
        return self.diagrams.bound(_put, ranked, rule)

    # --- guardrails and requirements --------------------------------------------------------------------------------

    def fired(self, guardrails: Sequence[tuple[Guardrail, Node]]) -> Node:
        """The severest guardrail that holds."""
        node = self.diagrams.leaf(None)
        for rule, holds in guardrails:
            node = self.diagrams.apply(self.diagrams.bound(_worse, rule), node, holds)
        return node

    def gate(self, guardrails: Sequence[tuple[Guardrail, Node]]) -> Node:
        """What would turn a SHIP into a HOLD, else None; what plainly fails is named first."""
        requires = [(rule, self.space.trit(rule.that.tree)) for rule in self.rules.ship_requires]
        steps = [
            *(self.said(False, refused(rule), holds) for rule, holds in requires),
            *(self.said(None, unknown(rule), holds) for rule, holds in guardrails),
            *(self.said(None, unknown(rule), holds) for rule, holds in requires),
        ]
        node = self.diagrams.leaf(None)
        for step in reversed(steps):
            node = self.diagrams.apply(_first, step, node)
        return node

    def said(self, wanted: Trit, answer: Answer, holds: Node) -> Node:
        """The answer where a condition comes to what is wanted, else None."""
        return self.diagrams.apply(self.diagrams.bound(_said, wanted, answer), holds)


def _first(one: Answer | None, two: Answer | None) -> Answer | None:
    return two if one is None else one


def _if_heard(heard: Trit, answer: Answer | None) -> Answer | None:
    return answer if heard is True else None


def _gathered(heard: Trit, state: State, states: frozenset[State]) -> frozenset[State]:
    return states if heard is False else states | {state}


def _in_order(order: tuple[str, ...], present: tuple[str, ...], here: Answer, other: Answer) -> Answer:
    return here if present == order else other


def _put(ranked: tuple[tuple[str, str], ...], rule: Override, order: tuple[str, ...], holds: Trit) -> tuple[str, ...]:
    if holds is not True:
        return order
    signals = dict(ranked)
    rows = [Row(name, signals[name], {}) for name in order]
    return tuple(row.rule for row, _ in moved([(row, None) for row in rows], rule))


def _worse(rule: Guardrail, fired: Guardrail | None, holds: Trit) -> Guardrail | None:
    if holds is not True:
        return fired
    return worst([rule] if fired is None else [fired, rule])


def _said(wanted: Trit, answer: Answer, holds: Trit) -> Answer | None:
    return answer if holds is wanted else None


def _decided(answer: Answer, fired: Guardrail | None, gate: Answer | None) -> Answer:
    found = severest(answer, fired, answered=answer.rule != "otherwise")
    return gate if found.call == "ship" and gate is not None else found


def _possible(possible: bool, answer: Answer) -> Answer | None:
    return answer if possible else None
