"""Every set of rules of a policy with its diagrams: the rules of everyone, and those of each kind that has its own."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

from signals.model import RELEASE_KINDS, STATES, SignalsError, State
from signals.policy.compiled import Trit
from signals.policy.engine import Answer
from signals.policy.rules import Guardrail, Override, Policy, Requirement, Row, Rules
from signals.policy.syntax import Expr
from signals.strictyaml import Loc
from signals.workbench.situations.atlas import Chart
from signals.workbench.situations.diagram import Node
from signals.workbench.situations.effort import TooLargeError
from signals.workbench.situations.making import space_of
from signals.workbench.situations.space import Space

RuleT = TypeVar("RuleT", Row, Override, Guardrail, Requirement)


@dataclass(frozen=True)
class Book:
    """One set of rules over its situations; every node is None where no release can be.

    Attributes:
        kind: The kind of release; None for those without rules of their own.
        rules: The rules.
        space: The situations.
        first: What the hierarchy answers (``Answer``), before guardrails and requirements.
        verdict: What the policy answers.
    """

    kind: str | None
    rules: Rules
    space: Space
    chart: Chart
    first: Node
    verdict: Node

    def apply(self, function: Any, *nodes: Node) -> Node:
        """``function`` over these nodes wherever a release can be, else None."""
        return self.space.diagrams.apply(self.space.diagrams.bound(_where, function), self.space.domain, *nodes)

    def values(self, function: Any, *nodes: Node) -> frozenset[Any]:
        """What ``function`` of these nodes comes to in some situation; None does not count."""
        return self.space.diagrams.leaves(self.apply(function, *nodes)) - {None}

    def truths(self, tree: Expr) -> frozenset[Trit]:
        """What a condition comes to in some situation."""
        return frozenset(value for (value,) in self.values(_wrapped, self.space.trit(tree)))

    def state(self, signal: str) -> Node:
        """The state of a signal in every situation."""
        return self.space.diagrams.variable(self.space.levels[signal], STATES)

    @cached_property
    def ranked(self) -> tuple[str, ...]:
        """Signals that have a row, in the order of the rows."""
        return tuple(dict.fromkeys(row.signal for row in self.rules.hierarchy))

    @cached_property
    def orders(self) -> tuple[tuple[Override, Node, Node], ...]:
        """Each override with the order of the rows before and after it."""
        diagrams, found = self.space.diagrams, []
        before = diagrams.leaf(tuple(self.chart.rows))
        for rule in self.rules.overrides:
            after = diagrams.apply(self.chart.moves(rule), before, self.space.trit(rule.when.tree))
            found.append((rule, before, after))
            before = after
        return tuple(found)

    def states(self, node: Node) -> frozenset[tuple[Answer, str, State]]:
        """(answer, signal, its state) that occur together, for every signal that has a row."""
        return frozenset(
            (answer, signal, state)
            for signal in self.ranked
            for answer, state in self.values(_pair, node, self.state(signal))
        )


def _where(function: Any, possible: bool, *values: Any) -> Any:
    return function(*values) if possible else None


def _wrapped(value: Trit) -> tuple[Trit]:
    return (value,)


def _pair(answer: Answer, state: State) -> tuple[Answer, State]:
    return answer, state


def _same(value: Any) -> Any:
    return value


def books_of(policy: Policy) -> tuple[tuple[Book, ...], tuple[str, ...]]:
    """Every set of rules that is small enough to be decided, and what is too entangled about the others."""
    found: list[Book] = []
    problems: list[str] = []
    for kind in _expected(policy):
        rules = policy.rules if kind is None else policy.for_kind(kind)
        whose = "" if kind is None else f"for releases of kind {kind}, "
        try:
            space = space_of([policy], kind)
            chart = Chart(space, rules)
            first = space.diagrams.apply(space.diagrams.bound(_where, _same), space.domain, chart.hierarchy())
            found.append(Book(kind, rules, space, chart, first, chart.node()))
        except SignalsError as error:
            problems.append(whose + error.problems[0].what)
        except TooLargeError:
            problems.append(f"{whose}its rules combine in too many ways")
    return tuple(found), tuple(dict.fromkeys(problems))


def _expected(policy: Policy) -> list[str | None]:
    """None only when some kind of release has no rules of its own."""
    everyone: list[str | None] = [None] if len(policy.kinds) < len(RELEASE_KINDS) else []
    return [*everyone, *policy.kinds]


def everywhere(
    policy: Policy, books: Sequence[Book], pick: Callable[[Rules], Sequence[RuleT]]
) -> Iterator[tuple[RuleT, list[Book]]]:
    """Every rule of one sort with the books that hold it; a rule of a book that could not be decided is left out."""
    known = {book.kind for book in books}
    undecided = {
        rule.rule
        for kind in _expected(policy)
        if kind not in known
        for rule in pick(policy.rules if kind is None else policy.for_kind(kind))
    }
    found: dict[str, tuple[RuleT, list[Book]]] = {}
    for book in books:
        for rule in pick(book.rules):
            if rule.rule not in undecided:
                found.setdefault(rule.rule, (rule, []))[1].append(book)
    yield from found.values()


def loc_of(rule: str) -> Loc:
    """``kinds.model.hierarchy[1]`` -> its path in the file."""
    return tuple(int(step[1:-1]) if step[0] == "[" else step for step in re.findall(r"\[\d+\]|[^.\[\]]+", rule))


def rule_of(loc: Loc) -> str:
    """The rule that a path belongs to: the path up to its first number."""
    number = next((place for place, step in enumerate(loc) if isinstance(step, int)), len(loc) - 1)
    steps = loc[: number + 1]
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps).removeprefix(".")


def titled(rules: Rules) -> dict[str, str]:
    """Each rule with what people call it: ``row 2 (panel)``, ``guardrail harm``."""
    found = {row.rule: f"row {number} ({row.signal})" for number, row in enumerate(rules.hierarchy, 1)}
    found |= {rule.rule: f"override {rule.id}" for rule in rules.overrides}
    found |= {rule.rule: f"guardrail {rule.id}" for rule in rules.guardrails}
    found |= {rule.rule: f"requirement {rule.id}" for rule in rules.ship_requires}
    return found | {"otherwise": "`otherwise`"}
