"""Conditions: checked against the registry of facts when the policy loads, then evaluated in three-valued logic.

``Condition.holds`` is the fast path: closures over facts, no objects made. ``Condition.explain`` walks the tree and
keeps one ``Seen`` per comparison, which sentences, flips and lint build on. A test holds that both answer alike.

Logic is Kleene's: unknown (``None``) stays unknown unless the other side settles the matter. A list that does not exist
or is empty is unknown: without segments nobody has looked at the segments.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from signals.model import Signal, SignalsError
from signals.policy.checking import Checker
from signals.policy.facts import Facts, FactSpec, Scalar, Value
from signals.policy.syntax import Chain, Expr, Fault, Has, Is, Logic, Name, Not, Operand, Quantified

Trit = bool | None
Element = Mapping[str, Scalar]
Test = Callable[[Facts, Element], Trit]

_OPS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq, "!=": operator.ne,
}  # fmt: skip
_MIRROR: dict[str, str] = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
_NOTHING: Element = {}


# --- three-valued logic ---------------------------------------------------------------------------------------------


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


# --- what is left of a condition after loading ----------------------------------------------------------------------


@dataclass(frozen=True)
class Seen:
    """One comparison as it came out, the fact on the left: ``fact op threshold``.

    ``seen`` or ``threshold`` is None when that fact does not exist. ``against`` names the fact on the right, if it is
    one. ``element`` is the segment inside any() and all().
    """

    text: str
    fact: str
    op: str
    seen: Value | None
    threshold: Value | None
    result: Trit
    spec: FactSpec
    against: str = ""
    element: str = ""
    unknown: tuple[str, ...] = ()

    def __str__(self) -> str:
        """``judge.human_agreement is 0.52, asked >= 0.6``."""
        name = f"{self.element} {self.fact.split('.segments.')[-1]}" if self.element else self.fact
        if self.unknown:
            return f"{', '.join(self.unknown)} is unknown"
        if self.op == "has":
            return f"{name} {'exists' if self.result else 'does not exist'}"
        shown = show(self.seen, self.spec)
        if self.op == "":
            return f"{name} is {shown}"
        return f"{name} is {shown}, asked {self.op} {show(self.threshold, self.spec)}"


@dataclass(frozen=True)
class Explained:
    """A condition's answer and every comparison behind it."""

    holds: Trit
    seen: tuple[Seen, ...]

    @property
    def unknown(self) -> tuple[str, ...]:
        """The facts that did not exist, in order, each once; only when the answer is unknown."""
        if self.holds is not None:
            return ()
        return tuple(dict.fromkeys(name for one in self.seen for name in one.unknown))

    def __str__(self) -> str:
        """The comparisons that speak for the answer; for an unknown answer, the facts that are missing."""
        if self.holds is None:
            names = self.unknown
            return f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} unknown"
        shown = [one for one in self.seen if one.element == "" or one.result is not None]
        elements = list(dict.fromkeys(one.element for one in shown if one.element))
        if len(elements) > 3:
            shown = [one for one in shown if one.element in ("", *elements[:3])]
        text = "; ".join(dict.fromkeys(str(one) for one in shown))
        return text + (f"; and {len(elements) - 3} more segments" if len(elements) > 3 else "")


@dataclass(frozen=True)
class Condition:
    """A condition that has passed the checks of loading."""

    text: str
    tree: Expr
    holds: Callable[[Facts], Trit]

    def explain(self, facts: Facts) -> Explained:
        """The answer with a trace per comparison."""
        seen: list[Seen] = []
        return Explained(_explain(self.tree, facts, _NOTHING, self.text, seen), tuple(seen))

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
    test = _compile(tree)
    return Condition(text, tree, lambda facts: test(facts, _NOTHING))


# --- compiled -------------------------------------------------------------------------------------------------------


def _compile(node: Expr) -> Test:
    match node:
        case Logic():
            parts = [_compile(part) for part in node.parts]
            fold = both if node.word == "and" else either
            return lambda facts, element: fold(part(facts, element) for part in parts)
        case Not():
            body = _compile(node.body)
            return lambda facts, element: negate(body(facts, element))
        case Is():
            key, state, inverse = node.name.key, node.state, node.inverse
            return lambda facts, _element: None if key not in facts else (facts[key] == state) is not inverse
        case Has():
            exists = _getter(node.name)
            return lambda facts, element: exists(facts, element) is not None
        case Quantified():
            key, body = node.items.key, _compile(node.body)
            fold = either if node.quantifier == "any" else both

            def test(facts: Facts, _element: Element) -> Trit:
                items = _items(facts, key)
                return fold(body(facts, one) for one in items) if items else None

            return test
        case Chain():
            return _compile_chain(node)


def _compile_chain(node: Chain) -> Test:
    getters = [_getter(operand) for operand in node.operands]
    if not node.ops:
        alone = getters[0]
        return lambda facts, element: cast("Trit", alone(facts, element))
    pairs = [(getters[place], _OPS[op], getters[place + 1]) for place, op in enumerate(node.ops)]

    def test(facts: Facts, element: Element) -> Trit:
        return both(_compare(left(facts, element), op, right(facts, element)) for left, op, right in pairs)

    return test


def _compare(left: Value | None, op: Callable[[Any, Any], bool], right: Value | None) -> Trit:
    return None if left is None or right is None else op(left, right)


def _getter(operand: Operand) -> Callable[[Facts, Element], Value | None]:
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


def _items(facts: Facts, key: str) -> tuple[Element, ...]:
    return cast("tuple[Element, ...]", facts.get(key) or ())


# --- explained ------------------------------------------------------------------------------------------------------


def _explain(node: Expr, facts: Facts, element: Element, text: str, seen: list[Seen]) -> Trit:
    match node:
        case Logic():
            values = [_explain(part, facts, element, text, seen) for part in node.parts]
            return both(values) if node.word == "and" else either(values)
        case Not():
            return negate(_explain(node.body, facts, element, text, seen))
        case Is():
            return _note_state(node, facts, text, seen)
        case Has():
            value = _getter(node.name)(facts, element)
            spec = cast("FactSpec", node.name.spec)
            label = str(element.get("name", "")) if node.name.local else ""
            found = value is not None
            seen.append(Seen(text[node.at : node.end], node.name.key, "has", value, None, found, spec, element=label))
            return found
        case Quantified():
            return _explain_items(node, facts, text, seen)
        case Chain():
            return _explain_chain(node, facts, element, text, seen)


def _note_state(node: Is, facts: Facts, text: str, seen: list[Seen]) -> Trit:
    key, spec = node.name.key, cast("FactSpec", node.name.spec)
    state = facts.get(key)
    result = None if state is None else (state == node.state) is not node.inverse
    unknown = (key,) if state is None else ()
    op = "is not" if node.inverse else "is"
    seen.append(Seen(text[node.at : node.end], key, op, state, node.state, result, spec, unknown=unknown))
    return result


def _explain_items(node: Quantified, facts: Facts, text: str, seen: list[Seen]) -> Trit:
    items = _items(facts, node.items.key)
    if not items:
        spec = cast("FactSpec", node.items.spec)
        key = node.items.key
        seen.append(Seen(text[node.at : node.end], key, node.quantifier, None, None, None, spec, unknown=(key,)))
        return None
    traces: list[tuple[Trit, list[Seen]]] = []
    for one in items:
        mine: list[Seen] = []
        traces.append((_explain(node.body, facts, one, text, mine), mine))
    answer = (either if node.quantifier == "any" else both)(value for value, _ in traces)
    # The elements that give the answer speak first: the ones that break an all(), the ones that make an any().
    for speaks in (True, False):
        for value, mine in traces:
            if (value is answer) is speaks:
                seen.extend(mine)
    return answer


def _explain_chain(node: Chain, facts: Facts, element: Element, text: str, seen: list[Seen]) -> Trit:
    if not node.ops:
        only = cast("Name", node.operands[0])
        value = cast("Trit", _getter(only)(facts, element))
        unknown = (_label(only, element),) if value is None else ()
        spec = cast("FactSpec", only.spec)
        seen.append(Seen(text[only.at : only.end], only.key, "", value, True, value, spec, unknown=unknown))
        return value
    results = []
    for place, op in enumerate(node.ops):
        left, right = node.operands[place], node.operands[place + 1]
        span = text[left.at : right.end]
        shown_op: str = op
        if not isinstance(left, Name):
            left, right, shown_op = right, left, _MIRROR[op]
        results.append(_note_pair(cast("Name", left), shown_op, right, facts, element, span, seen))
    return both(results)


def _note_pair(
    left: Name, op: str, right: Operand, facts: Facts, element: Element, span: str, seen: list[Seen]
) -> Trit:
    value, threshold = _getter(left)(facts, element), _getter(right)(facts, element)
    result = _compare(value, _OPS[op], threshold)
    pairs = ((left, value), (right, threshold))
    unknown = tuple(_label(name, element) for name, found in pairs if isinstance(name, Name) and found is None)
    seen.append(
        Seen(
            span,
            ("-" if left.negative else "") + left.key,
            op,
            value,
            threshold,
            result,
            cast("FactSpec", left.spec),
            right.key if isinstance(right, Name) else "",
            str(element.get("name", "a segment")) if left.local else "",
            unknown,
        )
    )
    return result


def _label(name: Name, element: Element) -> str:
    """How an unknown fact is named: an element's with its segment."""
    return f"{name.key}[{element.get('name', '?')}]" if name.local else name.key


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


def show(value: Value | None, spec: FactSpec) -> str:
    """A fact's value in its unit, with enough digits to see which side of a threshold it is on."""
    if value is None:
        return "unknown"
    if isinstance(value, (bool, str, tuple)):
        return ("true" if value else "false") if isinstance(value, bool) else str(value)
    if spec.type == "seconds":
        return f"{value / 86_400:.3g} d" if abs(value) >= 2 * 86_400 else f"{value / 3600:.3g} h"
    if spec.type == "share":
        text = f"{100 * value:.4g} %"
    elif spec.type == "effect" and spec.family == "proportion":
        text = f"{100 * value:.4g} pp"
    else:
        text = f"{value:,.0f}" if spec.type == "count" else f"{value:.4g}"
    return text.replace("-", "−")
