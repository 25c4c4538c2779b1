"""What is wrong with a policy that loads: rules that never act, thresholds nothing meets, situations nobody meant.

Everything is decided over all situations, by the same diagrams as the atlas: a finding is a fact about the policy,
never a guess. What is too entangled to be decided is said to be so, and the rest is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date

from signals import strictyaml
from signals.model import SignalsError
from signals.policy.rules import Policy
from signals.strictyaml import Document
from signals.workbench.lint import conditions, given, order, overrides, rows, vetoes
from signals.workbench.lint.books import books_of, rule_of
from signals.workbench.lint.rules import BY_ID, Found, Severity
from signals.workbench.situations.effort import WORK, TooLargeError, effort


@dataclass(frozen=True)
class Finding:
    """Something in a policy that deserves a look, at its place.

    Attributes:
        id: The rule of ``docs/lint.md``.
        severity: ``error`` when the policy does not do what it says, else ``warning``.
        line: Counted from 1.
        column: Counted from 1.
        what: What is wrong.
        why: How that can be seen.
        fix: What to do.
        file: The name of the policy's file.
    """

    id: str
    severity: Severity
    line: int
    column: int
    what: str
    why: str
    fix: str
    file: str = "hierarchy.yaml"

    def __str__(self) -> str:
        """One line: ``file:line:column: severity[id]: what: why. fix``."""
        text = f"{self.what}: {self.why}. {self.fix}"
        return f"{self.file}:{self.line}:{self.column}: {self.severity}[{self.id}]: {text}."


def lint(policy: Policy, today: date) -> tuple[Finding, ...]:
    """Every finding, in the order of the file.

    Args:
        policy: As loaded.
        today: The day on which a review may be due.
    """
    with effort():
        return _placed(policy, _found(policy, today))


def _found(policy: Policy, today: date) -> list[Found]:
    found = [*given.reviewed(policy, today), *given.unheard(policy), *given.flat(policy)]
    found += given.thresholds(policy)
    books, problems = books_of(policy)
    found += [_entangled("what the policy decides could not be looked at", problem) for problem in problems]
    dead: set[str] = set()
    looks: tuple[tuple[str, Callable[[], Iterable[Found]]], ...] = (
        ("rows that never decide", lambda: rows.rows(policy, books)),
        ("states that fall through", lambda: rows.falls_through(books)),
        ("guardrails and requirements", lambda: vetoes.vetoes(policy, books)),
        ("overrides", lambda: overrides.overrides(policy, books)),
        ("conditions that are always true", lambda: conditions.constant(policy, books, frozenset(dead))),
        ("whether a better signal can make the call worse", lambda: order.not_monotone(policy, books)),
    )
    for about, look in looks:
        try:
            with effort(_SHARE):
                new = tuple(look())
        except (TooLargeError, SignalsError):
            new = (_entangled(f"{about}: not looked at", "the rules combine in too many ways"),)
        found += new
        dead |= {rule_of(one.loc) for one in new if one.id in _DEAD}
    found += given.untested(policy, frozenset(dead))
    return found


_SHARE = WORK // 2
"""What one look may take of the whole: one that is too hard leaves the others something."""
_DEAD = frozenset({"row-unreachable", "row-never-decides", "override-never-moves", "guardrail-never-holds",
                   "guardrail-always-holds", "requirement-never-holds", "requirement-always-holds"})  # fmt: skip
"""Findings about a rule as a whole: nothing more needs to be said about that rule."""


def _entangled(what: str, problem: str) -> Found:
    return Found("too-entangled", (), what, problem)


def _placed(policy: Policy, found: Iterable[Found]) -> tuple[Finding, ...]:
    found = list(dict.fromkeys(found))
    if not found:
        return ()
    document = strictyaml.parse(policy.text, policy.file)
    lines = policy.text.splitlines()
    placed = [_finding(document, lines, one) for one in found]
    return tuple(sorted(placed, key=lambda one: (one.line, one.column, one.id, one.what)))


def _finding(document: Document, lines: list[str], one: Found) -> Finding:
    line, column = document.place(one.loc)
    raw = lines[line - 1][column - 1 :] if line <= len(lines) else ""
    quote = raw[:1] if raw[:1] in ("'", '"') else ""
    if one.condition and raw[len(quote) :].startswith(one.condition):
        column += len(quote) + one.at  # the very character, where the condition stands in the file as it is read
    rule = BY_ID[one.id]
    return Finding(one.id, rule.severity, line, column, one.what, one.why, one.fix or rule.fix, document.file)
