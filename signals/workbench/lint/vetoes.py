"""Guardrails and ship requirements: which never hold, always hold, or make no difference to any call."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import reduce

from signals.model import SEVERITY
from signals.policy.compiled import Trit
from signals.policy.engine import Answer
from signals.policy.rules import Guardrail, Policy, Requirement
from signals.policy.syntax import Expr
from signals.workbench.lint.books import Book, everywhere, loc_of
from signals.workbench.lint.rules import Found
from signals.workbench.situations.diagram import Node

_HOLD, _ROLLBACK = SEVERITY["hold"], SEVERITY["rollback"]
Veto = tuple[int, bool]
"""How severe the guardrails make it (0: they do not), and whether a ship must wait because something is unknown."""


def vetoes(policy: Policy, books: tuple[Book, ...]) -> Iterator[Found]:
    """Guardrails and requirements that can be left out, or that can never let anything pass."""
    idle = [_idle(book) for book in books]
    for guard, inside in everywhere(policy, books, lambda rules: rules.guardrails):
        truths = frozenset().union(*(book.truths(guard.when.tree) for book in inside))
        loc = (*loc_of(guard.rule), "when")
        if True not in truths:
            why = "its condition is true in no situation" + (", at most unknown" if None in truths else "")
            yield Found("guardrail-never-holds", loc, f"guardrail {guard.id} can never fire", why)
        elif truths == {True}:
            why = f"every release comes to {guard.call} at least"
            yield Found("guardrail-always-holds", loc, f"guardrail {guard.id} always fires", why)
        elif all(guard.rule in found for book, found in zip(books, idle, strict=True) if book in inside):
            why = f"wherever it fires or is unknown, other rules make it {guard.call} or as severe anyway"
            what = f"guardrail {guard.id} never changes a call"
            yield Found("guardrail-no-effect", loc_of(guard.rule), what, _without(why))
    for need, inside in everywhere(policy, books, lambda rules: rules.ship_requires):
        truths = frozenset().union(*(book.truths(need.that.tree) for book in inside))
        loc = (*loc_of(need.rule), "that")
        if True not in truths:
            why = "it is true in no situation, so no release can ship"
            yield Found("requirement-never-holds", loc, f"requirement {need.id} can never hold", why)
        elif truths == {True}:
            yield Found("requirement-always-holds", loc, f"requirement {need.id} always holds", "it refuses nothing")
        elif all(need.rule in found for book, found in zip(books, idle, strict=True) if book in inside):
            what = f"requirement {need.id} never changes a call"
            why = "what it would refuse does not ship anyway"
            yield Found("requirement-no-effect", loc_of(need.rule), what, _without(why))


def _without(why: str) -> str:
    return f"without it every situation comes to the same call: {why}"


def _idle(book: Book) -> frozenset[str]:
    """The rules without which no call would change: each left out alone, all others kept."""
    diagrams = book.space.diagrams
    rules: Sequence[Guardrail | Requirement] = (*book.rules.guardrails, *book.rules.ship_requires)
    parts = [diagrams.apply(_veto(rule), book.space.trit(_tree(rule))) for rule in rules]
    nothing = diagrams.leaf((0, False))
    before = [nothing]
    for part in parts:
        before.append(diagrams.apply(_both, before[-1], part))
    after = [nothing]
    for part in reversed(parts):
        after.append(diagrams.apply(_both, after[-1], part))
    hierarchy = book.apply(_severity, book.first)

    def call(vetoed: Sequence[Node]) -> Node:
        return book.apply(_called, hierarchy, reduce(lambda one, two: diagrams.apply(_both, one, two), vetoed))

    whole = call([before[-1]])
    return frozenset(
        rule.rule
        for number, rule in enumerate(rules)
        if call([before[number], after[len(rules) - number - 1]]) == whole
    )


def _tree(rule: Guardrail | Requirement) -> Expr:
    return rule.when.tree if isinstance(rule, Guardrail) else rule.that.tree


def _veto(rule: Guardrail | Requirement) -> Callable[[Trit], Veto]:
    if isinstance(rule, Requirement):
        return _required
    return _guarded_rollback if rule.call == "rollback" else _guarded_hold


def _required(holds: Trit) -> Veto:
    return 0, holds is not True


def _guarded_hold(holds: Trit) -> Veto:
    return _HOLD if holds is True else 0, holds is None


def _guarded_rollback(holds: Trit) -> Veto:
    return _ROLLBACK if holds is True else 0, holds is None


def _both(one: Veto, two: Veto) -> Veto:
    return max(one[0], two[0]), one[1] or two[1]


def _severity(answer: Answer) -> int:
    return SEVERITY[answer.call]


def _called(hierarchy: int, veto: Veto) -> int:
    found = max(hierarchy, veto[0])
    return _HOLD if found == 0 and veto[1] else found
