"""Conditions: read and checked when the policy loads, then asked as often as needed.

``Condition.holds`` is the fast path: closures over facts, no objects made. ``Condition.explain`` walks the tree and
keeps one trace per comparison. A test holds that both answer alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from signals.model import Signal, SignalsError
from signals.policy.checking import Checker
from signals.policy.compiled import NOTHING, Trit, compile_tree
from signals.policy.facts import Facts
from signals.policy.syntax import Chain, Expr, Fault, Has, Is, Logic, Name, Not, Quantified
from signals.policy.trace import Explained, explain


@dataclass(frozen=True)
class Condition:
    """A condition that has passed the checks of loading."""

    text: str
    tree: Expr
    holds: Callable[[Facts], Trit]

    def explain(self, facts: Facts) -> Explained:
        """The answer with a trace per comparison."""
        return explain(self.tree, facts, self.text)

    @property
    def facts(self) -> tuple[str, ...]:
        """Full names of the facts that it asks about, in order, each once."""
        return tuple(dict.fromkeys(_facts(self.tree)))

    def signals(self, declared: Iterable[str]) -> tuple[str, ...]:
        """The signals that it asks about, in the order of the text."""
        names = set(declared)
        return tuple(dict.fromkeys(fact.split(".")[0] for fact in self.facts if fact.split(".")[0] in names))


def compile_condition(text: str, signals: Mapping[str, Signal]) -> Condition:
    """Parse, check names, types and units, compile.

    Raises:
        SignalsError: Line 1 and the column in the text; loading a policy moves them to the place in the file.
    """
    try:
        return checked(text, signals)
    except Fault as fault:
        raise SignalsError(fault.what, fault.remedy, file="condition", line=1, column=fault.at + 1) from None


def checked(text: str, signals: Mapping[str, Signal]) -> Condition:
    """Like ``compile_condition``, raising the bare fault with its place in the text."""
    from signals.policy.grammar import parse

    tree = Checker(signals).expr(parse(text))
    test = compile_tree(tree)
    return Condition(text, tree, lambda facts: test(facts, NOTHING))


def _facts(node: Expr) -> Iterable[str]:
    match node:
        case Logic():
            for part in node.parts:
                yield from _facts(part)
        case Not():
            yield from _facts(node.body)
        case Is() | Has():
            yield node.name.key
        case Quantified():
            yield node.items.key
            yield from _facts(node.body)
        case Chain():
            for operand in node.operands:
                if isinstance(operand, Name):
                    yield operand.key
