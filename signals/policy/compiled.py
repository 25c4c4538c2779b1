"""Trees compiled to closures over facts, in three-valued logic.

Logic is Kleene's: unknown (``None``) stays unknown unless the other side settles the matter. A list that does not exist
or is empty is unknown: without segments nobody has looked at the segments.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

from signals.policy.facts import Facts, Scalar, Value
from signals.policy.syntax import Chain, Expr, Has, Is, Logic, Name, Not, Operand, Quantified

Trit = bool | None
Element = Mapping[str, Scalar]
Test = Callable[[Facts, Element], Trit]

OPS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq, "!=": operator.ne,
}  # fmt: skip
NOTHING: Element = {}


def both(values: Iterable[Trit]) -> Trit:
    """And: false when any is false, else unknown when any is unknown."""
    result: Trit = True
    for value in values:
        if value is False:
            return False
        if value is None:
            result = None
    return result


def either(values: Iterable[Trit]) -> Trit:
    """Or: true when any is true, else unknown when any is unknown."""
    result: Trit = False
    for value in values:
        if value is True:
            return True
        if value is None:
            result = None
    return result


def negate(value: Trit) -> Trit:
    """Not: unknown stays unknown."""
    return None if value is None else not value


def compile_tree(node: Expr) -> Test:
    """A function of (facts, element); the element is empty outside any() and all()."""
    match node:
        case Logic():
            parts = [compile_tree(part) for part in node.parts]
            fold = both if node.word == "and" else either
            return lambda facts, element: fold(part(facts, element) for part in parts)
        case Not():
            body = compile_tree(node.body)
            return lambda facts, element: negate(body(facts, element))
        case Is():
            key, state, inverse = node.name.key, node.state, node.inverse
            return lambda facts, _element: None if key not in facts else (facts[key] == state) is not inverse
        case Has():
            exists = getter(node.name)
            return lambda facts, element: exists(facts, element) is not None
        case Quantified():
            key, body = node.items.key, compile_tree(node.body)
            fold = either if node.quantifier == "any" else both

            def test(facts: Facts, _element: Element) -> Trit:
                items = elements(facts, key)
                return fold(body(facts, one) for one in items) if items else None

            return test
        case Chain():
            return _compile_chain(node)


def _compile_chain(node: Chain) -> Test:
    getters = [getter(operand) for operand in node.operands]
    if not node.ops:
        alone = getters[0]
        return lambda facts, element: cast("Trit", alone(facts, element))
    pairs = [(getters[place], OPS[op], getters[place + 1]) for place, op in enumerate(node.ops)]

    def test(facts: Facts, element: Element) -> Trit:
        return both(compare(left(facts, element), op, right(facts, element)) for left, op, right in pairs)

    return test


def compare(left: Value | None, op: Callable[[Any, Any], bool], right: Value | None) -> Trit:
    """Unknown when a side does not exist."""
    return None if left is None or right is None else op(left, right)


def getter(operand: Operand) -> Callable[[Facts, Element], Value | None]:
    """How an operand is read from (facts, element)."""
    if not isinstance(operand, Name):
        constant = operand.value
        return lambda _facts, _element: constant
    key, text = operand.key, operand.text
    if operand.local:
        read: Callable[[Facts, Element], Value | None] = lambda _facts, element: element.get(text)  # noqa: E731  # one of two readers, side by side
    else:
        read = lambda facts, _element: facts.get(key)  # noqa: E731  # the other one
    if not operand.negative:
        return read

    def minus(facts: Facts, element: Element) -> Value | None:
        value = read(facts, element)
        return None if value is None else -cast("float", value)

    return minus


def elements(facts: Facts, key: str) -> tuple[Element, ...]:
    """The elements of a list; none when it does not exist."""
    return cast("tuple[Element, ...]", facts.get(key) or ())
