"""Every single-step edit of a policy's rules that might weaken it, made on the loaded policy.

The steps are those of a careless edit: a rule dropped, two neighbours swapped, an answer softened or dropped, a
condition or a part of it deleted, a threshold moved by a tenth, a comparison made strict or not, `any` for `all`. Which
of them really weaken is not decided here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from signals import strictyaml
from signals.model import CALLS, SEVERITY, STATES, Call, SignalsError
from signals.policy.conditions import Condition, compile_condition
from signals.policy.rules import Guardrail, Override, Policy, Requirement, Row, Rules
from signals.policy.syntax import Chain, Expr, Logic, Name, Not, Number, Op, Quantified, render
from signals.strictyaml import Document, Loc
from signals.workbench.situations.effort import spend

STEP = 0.1
"""A threshold moves by this part of itself: what people would argue about, and a test beside the threshold can tell."""
FROM_ZERO = 0.01
"""A threshold of zero moves by this, in the unit it is written in."""
_A_STEP, _A_LETTER = 80, 20
"""Work that an edit takes, and each letter of a condition that changes."""
NEEDY = ("untrusted", "missing")
"""States that may not answer ship: no data never reads as fine."""

_STRICTNESS: dict[Op, Op] = {"<": "<=", "<=": "<", ">": ">=", ">=": ">"}


@dataclass(frozen=True)
class Mutation:
    """One edit.

    Attributes:
        what: The edit in words.
        line: Where it is in the policy's text.
        column: Likewise, counted from 1.
        policy: As it is after the edit (its text is the unedited one).
    """

    what: str
    line: int
    column: int
    policy: Policy


@dataclass(frozen=True)
class _Step:
    """An edit of one section: what it is, where, and the section after it."""

    what: str
    loc: Loc
    value: Any
    shift: int = 0


def mutations(policy: Policy) -> tuple[Mutation, ...]:
    """Every edit, in the order of the file; edits that the loader would refuse are left out.

    Raises:
        TooLargeError: When there are too many for the budget of the question.
    """
    document = strictyaml.parse(policy.text, policy.file)
    owners: dict[str, Rules] = {"": policy.rules, **policy.kinds}
    found = []
    for owner, rules in owners.items():
        for section, steps in _sections(policy, rules, document, owner):
            for step in steps:
                line, column = document.place(step.loc, key=False)
                where = f"for {owner}: " if owner else ""
                spend(_A_STEP)
                changed = _with(policy, document, owner, section, step.value)
                found.append(Mutation(where + step.what, line, column + step.shift, changed))
    return tuple(found)


def _sections(policy: Policy, rules: Rules, document: Document, owner: str) -> Iterator[tuple[str, Iterator[_Step]]]:
    """The sections that the file gives for this owner, each with its edits."""
    edit = _Edits(policy, document, ("kinds", owner) if owner else ())
    made = {
        "hierarchy": edit.rows(rules.hierarchy),
        "otherwise": edit.otherwise(rules.otherwise),
        "overrides": edit.overrides(rules.overrides),
        "guardrails": edit.guardrails(rules.guardrails),
        "ship_requires": edit.requirements(rules.ship_requires),
    }
    for section, steps in made.items():
        # A policy that says nothing of `otherwise` holds; that default is not a step anybody wrote.
        if not owner or _gives(document, owner, section):
            yield section, steps


def _gives(document: Document, owner: str, section: str) -> bool:
    """Whether a kind has this section of its own; null counts as not given."""
    data: Any = document.data["kinds"][owner]
    return isinstance(data, Mapping) and data.get(section) is not None


def _with(policy: Policy, document: Document, owner: str, section: str, value: Any) -> Policy:
    """The policy with one section replaced, there and for every kind that takes it over."""
    if owner:
        kinds = {**policy.kinds, owner: replace(policy.kinds[owner], **{section: value})}
        return replace(policy, kinds=kinds)
    kinds = {
        kind: rules if _gives(document, kind, section) else replace(rules, **{section: value})
        for kind, rules in policy.kinds.items()
    }
    return replace(policy, rules=replace(policy.rules, **{section: value}), kinds=kinds)


def _softer(call: Call) -> Iterator[Call]:
    """The less severe calls, the least severe first."""
    return (other for other in sorted(CALLS, key=SEVERITY.__getitem__) if SEVERITY[other] < SEVERITY[call])


class _Edits:
    """Edits of the sections of one owner."""

    def __init__(self, policy: Policy, document: Document, loc: Loc) -> None:
        self.policy, self.document, self.loc = policy, document, loc
        self.lines = document.text.splitlines()

    def rows(self, rows: tuple[Row, ...]) -> Iterator[_Step]:
        for number, row in enumerate(rows):
            here: Loc = (*self.loc, "hierarchy", number)
            called = f"row {number + 1} ({row.signal})"
            if len(rows) > 1:
                yield _Step(f"{called} is dropped", here, _without(rows, number))
            if number:
                swapped = (*rows[: number - 1], row, rows[number - 1], *rows[number + 1 :])
                yield _Step(f"{called} goes above row {number} ({rows[number - 1].signal})", here, swapped)
            for state in STATES:
                call = row.calls.get(state)
                if call is None:
                    continue
                at = (*here, state)
                for softer in _softer(call):
                    if not (softer == "ship" and state in NEEDY):
                        edited = replace(row, calls={**row.calls, state: softer})
                        yield _Step(
                            f"{called}: {state} says {softer} instead of {call}", at, _put(rows, number, edited)
                        )
                silent = {other: said for other, said in row.calls.items() if other != state}
                edited = replace(row, calls=silent)
                yield _Step(f"{called}: {state} says nothing instead of {call}", at, _put(rows, number, edited))
            if row.when is not None:
                at = (*here, "when")
                yield _Step(
                    f"{called} speaks without `when: {row.when.text}`", at, _put(rows, number, replace(row, when=None))
                )
                for words, shift, condition in self.conditions(row.when, at):
                    yield _Step(f"{called}: {words}", at, _put(rows, number, replace(row, when=condition)), shift)

    def otherwise(self, call: Call) -> Iterator[_Step]:
        for softer in _softer(call):
            yield _Step(f"otherwise says {softer} instead of {call}", (*self.loc, "otherwise"), softer)

    def overrides(self, rules: tuple[Override, ...]) -> Iterator[_Step]:
        for number, rule in enumerate(rules):
            here: Loc = (*self.loc, "overrides", number)
            yield _Step(f"override {rule.id} is dropped", here, _without(rules, number))
            for words, shift, condition in self.conditions(rule.when, (*here, "when")):
                edited = replace(rule, when=condition)
                yield _Step(f"override {rule.id}: {words}", (*here, "when"), _put(rules, number, edited), shift)

    def guardrails(self, rules: tuple[Guardrail, ...]) -> Iterator[_Step]:
        for number, rule in enumerate(rules):
            here: Loc = (*self.loc, "guardrails", number)
            yield _Step(f"guardrail {rule.id} is dropped", here, _without(rules, number))
            for softer in _softer(rule.call):
                if softer != "ship":  # a guardrail that ships is a guardrail dropped
                    yield _Step(
                        f"guardrail {rule.id} says {softer} instead of {rule.call}", (*here, "call"),
                        _put(rules, number, replace(rule, call=softer)),
                    )  # fmt: skip
            for words, shift, condition in self.conditions(rule.when, (*here, "when")):
                edited = replace(rule, when=condition)
                yield _Step(f"guardrail {rule.id}: {words}", (*here, "when"), _put(rules, number, edited), shift)

    def requirements(self, rules: tuple[Requirement, ...]) -> Iterator[_Step]:
        for number, rule in enumerate(rules):
            here: Loc = (*self.loc, "ship_requires", number)
            yield _Step(f"requirement {rule.id} is dropped", here, _without(rules, number))
            for words, shift, condition in self.conditions(rule.that, (*here, "that")):
                edited = replace(rule, that=condition)
                yield _Step(f"requirement {rule.id}: {words}", (*here, "that"), _put(rules, number, edited), shift)

    # --- conditions -------------------------------------------------------------------------------------------------

    def conditions(self, condition: Condition, loc: Loc) -> Iterator[tuple[str, int, Condition]]:
        """(the edit in words, how far into the text it is, the condition after it)."""
        for words, at, tree in _variants(condition.tree):
            spend(_A_LETTER * len(condition.text))  # read, checked and compiled again
            try:
                compiled = compile_condition(render(tree), self.policy.signals)
            except SignalsError:  # out of the range of its fact: nobody could save that
                continue
            yield words, at if self.plain(loc, condition.text) else 0, compiled

    def plain(self, loc: Loc, text: str) -> bool:
        """Whether a condition stands in the file as it is read, unquoted and on one line."""
        line, column = self.document.place(loc)
        return self.lines[line - 1][column - 1 :].startswith(text)


def _without(rules: Sequence[Any], number: int) -> tuple[Any, ...]:
    return (*rules[:number], *rules[number + 1 :])


def _put(rules: Sequence[Any], number: int, rule: Any) -> tuple[Any, ...]:
    return (*rules[:number], rule, *rules[number + 1 :])


# --- trees ----------------------------------------------------------------------------------------------------------

_Variant = tuple[str, int, Expr]


def _variants(node: Expr) -> Iterator[_Variant]:
    """Every single step inside a condition: words, place in its text, the whole tree after it."""
    match node:
        case Logic():
            for number, part in enumerate(node.parts):
                rest = _without(node.parts, number)
                left: Expr = rest[0] if len(rest) == 1 else replace(node, parts=rest)
                yield f"`{render(part)}` is deleted", part.at, left
                for words, at, changed in _variants(part):
                    yield words, at, replace(node, parts=_put(node.parts, number, changed))
        case Not():
            for words, at, changed in _variants(node.body):
                yield words, at, replace(node, body=changed)
        case Quantified():
            other = replace(node, quantifier="all" if node.quantifier == "any" else "any")
            yield f"`{node.quantifier}` becomes `{other.quantifier}`", node.at, other
            for words, at, changed in _variants(node.body):
                yield words, at, replace(node, body=changed)
        case Chain():
            yield from _of_chain(node)
        case _:
            return


def _of_chain(node: Chain) -> Iterator[_Variant]:
    for number, op in enumerate(node.ops):
        if op in _STRICTNESS:
            yield _becomes(node, replace(node, ops=_put(node.ops, number, _STRICTNESS[op])))
    for number, operand in enumerate(node.operands):
        if isinstance(operand, Number):
            for amount in _moved(operand.amount, counts=_counts(node)):
                moved = replace(operand, amount=amount)
                yield _becomes(node, replace(node, operands=_put(node.operands, number, moved)))


def _becomes(old: Chain, new: Chain) -> _Variant:
    return f"`{render(old)}` becomes `{render(new)}`", old.at, new


def _counts(node: Chain) -> bool:
    return any(isinstance(one, Name) and one.spec is not None and one.spec.type == "count" for one in node.operands)


def _moved(amount: float, *, counts: bool) -> tuple[float, float]:
    """The threshold a step lower and a step higher; counts stay whole."""
    part = abs(amount) * STEP
    step = max(1.0, round(part)) if counts else part or FROM_ZERO
    # Six digits: 0.5 - 0.05 is 0.45, and not a neighbour of it that no person would write.
    return float(f"{amount - step:.6g}"), float(f"{amount + step:.6g}")
