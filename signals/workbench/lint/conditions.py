"""Conditions that tell nothing apart: a ``when`` that always holds, a comparison that never comes out otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from signals.model import State
from signals.policy.compiled import Trit
from signals.policy.conditions import Condition
from signals.policy.rules import Policy, Row
from signals.policy.syntax import Chain, Expr, Logic, Number, Quantified, render
from signals.strictyaml import Loc
from signals.workbench.lint.books import Book, everywhere, loc_of
from signals.workbench.lint.given import idle_threshold
from signals.workbench.lint.rules import Found
from signals.workbench.situations.grids import leaves, names


def constant(policy: Policy, books: tuple[Book, ...], dead: frozenset[str]) -> Iterator[Found]:
    """Conditions, and comparisons inside larger conditions, that come out the same for every release."""
    for row, inside in everywhere(policy, books, lambda rules: rules.hierarchy):
        if row.when is not None and row.rule not in dead and all(_always(book, row) for book in inside):
            yield Found(
                "when-always-holds", (*loc_of(row.rule), "when"),
                f"the `when` of the row of {row.signal} always holds where the row has an answer", _reason(policy, row),
            )  # fmt: skip
            dead = dead | {row.rule}
    for rule, condition, inside in _conditions(policy, books):
        if rule not in dead and isinstance(condition.tree, Logic):
            yield from _comparisons(condition, (*loc_of(rule), _key(rule)), inside)


def _key(rule: str) -> str:
    return "that" if "ship_requires" in rule else "when"


def _always(book: Book, row: Row) -> bool:
    """Whether a row is heard wherever it has an answer, and what it does elsewhere changes no call."""
    if row.when is None:
        return False
    if book.truths(row.when.tree) == {True}:
        return True
    if book.rules.otherwise == "ship":  # a silenced row's state may turn that into a hold
        return False
    asked = frozenset(row.calls)
    return book.values(partial(_heard, asked), book.state(row.signal), book.chart.heard[row.rule]) == {"True"}


def _heard(asked: frozenset[State], state: State, holds: Trit) -> str | None:
    return str(holds) if state in asked else None


def _reason(policy: Policy, row: Row) -> str:
    """What trust demands already, where that is why."""
    if row.when is None:
        return ""
    for name in [name for leaf in leaves(row.when.tree) for name in names(leaf)]:
        signal, _, fact = name.key.partition(".")
        if signal == row.signal and fact in policy.signals[signal].trust:
            return f"`trust` of {signal} demands {fact} already, and untrusted evidence has no answer here"
    return "it is true in every such situation"


def _conditions(policy: Policy, books: tuple[Book, ...]) -> Iterator[tuple[str, Condition, list[Book]]]:
    for row, inside in everywhere(policy, books, lambda rules: rules.hierarchy):
        if row.when is not None:
            yield row.rule, row.when, inside
    for override, inside in everywhere(policy, books, lambda rules: rules.overrides):
        yield override.rule, override.when, inside
    for guard, inside in everywhere(policy, books, lambda rules: rules.guardrails):
        yield guard.rule, guard.when, inside
    for need, inside in everywhere(policy, books, lambda rules: rules.ship_requires):
        yield need.rule, need.that, inside


def _comparisons(condition: Condition, loc: Loc, inside: list[Book]) -> Iterator[Found]:
    for leaf in dict.fromkeys(leaves(condition.tree)):
        if not isinstance(leaf, (Chain, Quantified)) or _told(leaf):
            continue
        truths = frozenset().union(*(book.truths(leaf) for book in inside))
        what = None
        if True not in truths:
            what = f"`{render(leaf)}` is never true"
        elif False not in truths and not (isinstance(leaf, Chain) and not leaf.ops):
            what = f"`{render(leaf)}` is never false"
        if what:
            known = ", it can only be unknown" if None in truths else ""
            why = f"no release can make it otherwise{known}"
            yield Found("comparison-constant", loc, what, why, "", condition.text, leaf.at)


def _told(leaf: Expr) -> bool:
    """Whether a finding about its threshold says it already."""
    if isinstance(leaf, Quantified):
        return any(_told(part) for part in leaves(leaf.body))
    return isinstance(leaf, Chain) and any(isinstance(one, Number) for one in leaf.operands) and idle_threshold(leaf)
