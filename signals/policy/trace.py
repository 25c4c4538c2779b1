"""Trees walked with a trace: one ``Seen`` per comparison, which sentences, flips and lint build on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from signals.policy.compiled import NOTHING, OPS, Element, Trit, both, compare, either, elements, getter, negate
from signals.policy.facts import Facts, FactSpec, Value
from signals.policy.syntax import Chain, Expr, Has, Is, Logic, Name, Not, Operand, Quantified

_MIRROR = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}


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


def explain(tree: Expr, facts: Facts, text: str) -> Explained:
    """The answer of a tree with every comparison behind it; ``text`` is what the tree was read from."""
    seen: list[Seen] = []
    return Explained(_explain(tree, facts, NOTHING, text, seen), tuple(seen))


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
            value = getter(node.name)(facts, element)
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
    items = elements(facts, node.items.key)
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
        value = cast("Trit", getter(only)(facts, element))
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
    value, threshold = getter(left)(facts, element), getter(right)(facts, element)
    result = compare(value, OPS[op], threshold)
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
