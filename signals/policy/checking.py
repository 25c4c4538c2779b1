"""Conditions checked at load: every name is known, every comparison means something, every unit fits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import cast

from signals.model import STATES, Signal
from signals.policy.facts import FactSpec, element_registry, registry
from signals.policy.syntax import (
    Chain,
    Expr,
    Fault,
    Flag,
    Has,
    Is,
    Logic,
    Name,
    Not,
    Number,
    Op,
    Operand,
    Quantified,
    Text,
    render,
)
from signals.strictyaml import suggest

_UNITS = {
    "share": ("a share", "Write it like 0.05 or 5%"),
    "p": ("a p-value", "Write it like 0.01"),
    "count": ("a count", "Write it as a plain number"),
    "number": ("a plain number", "Write it without a unit"),
    "seconds": ("a duration", "Write it like 6h or 3d"),
}


class Checker:
    """Resolves every name and refuses comparisons that cannot mean anything."""

    def __init__(self, signals: Mapping[str, Signal]) -> None:
        self.signals = signals
        self.outer = registry(signals)
        self.inner: dict[str, FactSpec] = {}
        self.items = ""

    def expr(self, node: Expr) -> Expr:
        match node:
            case Logic():
                return replace(node, parts=tuple(self.expr(part) for part in node.parts))
            case Not():
                return replace(node, body=self.expr(node.body))
            case Is():
                return self.state(node)
            case Has():
                return replace(node, name=self.name(node.name))
            case Quantified():
                return self.quantified(node)
            case Chain():
                return self.chain(node)

    def name(self, name: Name) -> Name:
        if name.text in self.inner:
            return replace(name, key=f"{self.items}.{name.text}", spec=self.inner[name.text], local=True)
        spec = self.outer.get(name.text)
        if spec is not None:
            return replace(name, key=name.text, spec=spec)
        if name.text in self.signals:
            raise Fault(
                f"{name.text} is a signal, not a fact",
                f"Write `{name.text} is win`, or one of its facts such as `{name.text}.benefit`", name.at,
            )  # fmt: skip
        head, _, tail = name.text.partition(".")
        if tail and head in self.signals:
            known = [spec[len(head) + 1 :] for spec in self.outer if spec.startswith(f"{head}.")]
            kind = self.signals[head].kind
            article = "an" if kind == "experiment" else "a"
            raise Fault(
                f"{head} is {article} {kind} and has no fact {tail!r:.60}",
                suggest(tail, known), name.at + (name.end - name.at) - len(tail),
            )  # fmt: skip
        known = [*self.inner, *self.signals, *self.outer] if not tail else [*self.inner, *self.outer]
        raise Fault(f"unknown name {name.text!r:.80}", suggest(name.text, known), name.at)

    def state(self, node: Is) -> Is:
        signal = node.name.text.removesuffix(".state")
        if signal not in self.signals:
            if node.name.text in self.outer or node.name.text in self.inner:
                raise Fault(
                    f"{node.name.text} has no state: `is` asks for the state of a signal",
                    "Compare it with ==, < or >", node.name.at,
                )  # fmt: skip
            raise Fault(f"unknown signal {signal!r:.80}", suggest(signal, self.signals), node.name.at)
        if node.state not in STATES:
            raise Fault(f"{node.state!r:.40} is not a state", suggest(node.state, STATES), node.end - len(node.state))
        key = f"{signal}.state"
        return replace(node, name=replace(node.name, key=key, spec=self.outer[key]))

    def quantified(self, node: Quantified) -> Quantified:
        if self.inner:
            raise Fault("any() and all() cannot stand inside each other", "Ask about one list at a time", node.at)
        items = self.name(node.items)
        if items.spec is None or items.spec.type != "list":
            raise Fault(f"{items.text} is not a list", "Lists end in `.segments`", items.at)
        signal = self.signals[items.spec.signal]
        if not signal.segments:
            raise Fault(
                f"{signal.name} declares no segments", f"Add `segments: [plan]` to signal {signal.name}", items.at
            )
        self.inner, self.items = element_registry(signal), items.key
        try:
            body = self.expr(node.body)
        finally:
            self.inner, self.items = {}, ""
        return replace(node, items=items, body=body)

    def chain(self, node: Chain) -> Chain:
        operands = tuple(self.operand(operand) for operand in node.operands)
        if not node.ops:
            only = operands[0]
            if not isinstance(only, Name):
                raise Fault(f"{render(only)} alone is not a condition", "Compare it with a fact", only.at)
            if only.spec is None or only.spec.type != "flag" or only.negative:
                raise Fault(f"{only.text} is {_said(only)}, not a yes or no", _how_to_ask(only), only.at)
        for left, op, right in zip(operands, node.ops, operands[1:], strict=False):
            self.pair(left, op, right)
        return replace(node, operands=operands)

    def operand(self, operand: Operand) -> Operand:
        if not isinstance(operand, Name):
            return operand
        if operand.text in self.signals and operand.text not in self.inner:
            raise Fault(
                f"{operand.text} is a signal: its state is asked with `is`", f"Write `{operand.text} is win`",
                operand.at,
            )  # fmt: skip
        name = self.name(operand)
        if name.negative and name.spec is not None and name.spec.type in ("flag", "state", "text", "list"):
            raise Fault(f"{name.text} is {_said(name)}: it has no minus", "Leave the minus out", name.at)
        return name

    def pair(self, left: Operand, op: Op, right: Operand) -> None:
        if not isinstance(left, Name):
            if not isinstance(right, Name):
                raise Fault(f"{render(left)} {op} {render(right)} compares two constants", "Name a fact", left.at)
            left, right = right, left
        spec = left.spec
        if spec is None:  # operand() resolved every name
            raise Fault(f"unknown name {left.text!r}", at=left.at)
        if spec.type in ("state", "list"):
            raise Fault(f"{left.text} is {_said(left)} and cannot be compared with {op}", _how_to_ask(left), left.at)
        if spec.type in ("flag", "text") and op not in ("==", "!="):
            raise Fault(f"{left.text} is {_said(left)} and has no order", "Use == or !=", left.at)
        if isinstance(right, Name):
            self.two_facts(left, right)
        else:
            _constant(left, spec, right)

    def two_facts(self, left: Name, right: Name) -> None:
        one, two = cast("FactSpec", left.spec), cast("FactSpec", right.spec)
        same_unit = one.signal == two.signal or one.family == two.family == "proportion"
        if one.type != two.type or (one.type == "effect" and not same_unit):
            raise Fault(
                f"{left.text} ({_said(left)}) cannot be compared with {right.text} ({_said(right)})",
                "Compare facts of one unit", right.at,
            )  # fmt: skip


def _said(name: Name) -> str:
    spec = cast("FactSpec", name.spec)
    if spec.type == "effect":
        return {"proportion": "a proportion", "natural": "in the metric's own unit"}.get(spec.family, "an effect")
    words = {"state": "a state", "flag": "a yes or no", "text": "a text", "list": "a list"}
    return words.get(spec.type) or _UNITS[spec.type][0]


def _how_to_ask(name: Name) -> str:
    spec = cast("FactSpec", name.spec)
    if spec.type == "state":
        return f"Write `{spec.signal} is win`"
    if spec.type == "list":
        return f"Write `any({name.text}, ...)` or `all({name.text}, ...)`"
    return f"Compare it, for example `{name.text} >= ...`"


def _constant(left: Name, spec: FactSpec, right: Operand) -> None:
    if spec.type == "flag":
        if not isinstance(right, Flag):
            raise Fault(f"{left.text} is a yes or no", f"Write `{left.text}`, or `not {left.text}`", right.at)
    elif spec.type == "text":
        _text(left, spec, right)
    elif isinstance(right, Number):
        _number(left, spec, right)
    else:
        raise Fault(f"{left.text} is a number and is compared with {render(right):.60}", "Write a number", right.at)


def _text(left: Name, spec: FactSpec, right: Operand) -> None:
    if not isinstance(right, Text):
        raise Fault(f"{left.text} is a text and is compared with {render(right):.60}", "Write it in quotes", right.at)
    if spec.choices and right.value not in spec.choices:
        raise Fault(f"{left.text} is never {right.value!r:.60}", suggest(right.value, spec.choices), right.at)


def _number(left: Name, spec: FactSpec, right: Number) -> None:
    written = render(right)
    if spec.type == "effect":
        if right.unit in ("h", "d"):
            raise Fault(f"{left.text} is an effect and {written} is a duration", "Write it like 0.5pp", right.at)
        if right.unit == "%":
            better = f"{render(replace(right, unit='pp'))}" if spec.family != "natural" else "0.02"
            raise Fault(f"{written} of what? {left.text} is not relative", f"Write it like {better}", right.at)
        if right.unit == "pp" and spec.family == "natural":
            raise Fault(f"{left.text} is in the metric's own unit, not in percentage points", "Drop `pp`", right.at)
        return
    said, remedy = _UNITS[spec.type]
    allowed = {"share": ("", "%"), "p": ("", "%"), "count": ("",), "number": ("",), "seconds": ("h", "d")}[spec.type]
    if right.unit not in allowed and right.amount != 0:
        raise Fault(f"{left.text} is {said} and is compared with {written}", remedy, right.at)
