"""Overrides: which never move a row, undo each other, or make no difference to any verdict."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial

from signals.policy.compiled import Trit
from signals.policy.rules import Override, Policy
from signals.workbench.lint.books import Book, everywhere, loc_of
from signals.workbench.lint.rules import Found
from signals.workbench.situations.atlas import chart

MOST = 20
"""Overrides of one set of rules that are each left out once to see whether a verdict depends on them."""


def overrides(policy: Policy, books: tuple[Book, ...]) -> Iterator[Found]:
    """Overrides that do not do what they say."""
    for rule, inside in everywhere(policy, books, lambda rules: rules.overrides):
        truths = frozenset().union(*(book.truths(rule.when.tree) for book in inside))
        what = f"override {rule.id} never moves a row"
        if True not in truths:
            why = "its condition is true in no situation"
            yield Found("override-never-moves", (*loc_of(rule.rule), "when"), what, why)
        elif not any(_moves(book, rule) for book in inside):
            why = f"whenever it holds, {rule.put} stands above {rule.above} already"
            yield Found("override-never-moves", loc_of(rule.rule), what, why)
        else:
            yield from _moving(rule, inside, truths)


def _moving(rule: Override, inside: list[Book], truths: frozenset[Trit]) -> Iterator[Found]:
    undone = next((later for book in inside for later in _undone(book, rule)), None)
    if undone is not None:
        yield Found(
            "override-undone", loc_of(undone.rule), f"override {undone.id} can undo override {rule.id}",
            f"when both hold, {rule.put} does not stay above {rule.above}: "
            f"{undone.id} then puts {undone.put} above {undone.above}",
        )  # fmt: skip
    if truths == {True}:
        yield Found(
            "when-always-holds", (*loc_of(rule.rule), "when"), f"the condition of override {rule.id} always holds",
            "it is true in every situation",
            f"Write the rows of {rule.put} above those of {rule.above} in the hierarchy instead",
        )  # fmt: skip
    elif undone is None and all(_same_without(book, rule) for book in inside):
        what = f"override {rule.id} makes no difference to any verdict"
        why = "without it, call, reason and deciding rule are the same in every situation"
        yield Found("override-no-effect", loc_of(rule.rule), what, why)


def _moves(book: Book, rule: Override) -> bool:
    return any(
        True in book.values(_differ, before, after) for one, before, after in book.orders if one.rule == rule.rule
    )


def _differ(before: tuple[str, ...], after: tuple[str, ...]) -> bool:
    return before != after


def _undone(book: Book, rule: Override) -> Iterator[Override]:
    """The first later override after which ``put`` is no longer above, although this one holds."""
    place = next(number for number, (one, _, _) in enumerate(book.orders) if one.rule == rule.rule)
    holds = book.space.trit(rule.when.tree)
    signals = {row.rule: row.signal for row in book.rules.hierarchy}
    for later, before, after in book.orders[place + 1 :]:
        if before != after and True in book.values(partial(_violated, rule, signals), holds, after):
            yield later
            return


def _violated(rule: Override, signals: Mapping[str, str], holds: Trit, order: tuple[str, ...]) -> bool:
    """Whether a row of ``put`` stands below the first row of ``above`` while the override holds."""
    if holds is not True:
        return False
    names = [signals[name] for name in order]
    return rule.put in names[names.index(rule.above) :]


def _same_without(book: Book, rule: Override) -> bool:
    if len(book.rules.overrides) > MOST:
        return False
    rules = replace(book.rules, overrides=tuple(one for one in book.rules.overrides if one.rule != rule.rule))
    return chart(book.space, rules, book.kind).node == book.verdict
