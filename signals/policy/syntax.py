"""The tree of a condition, and the tree's text.

Every node knows where it stands in the text (``at``, ``end``, counted from 0), which is left out of comparisons: two
trees are equal when they mean the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from signals.model import CALLS, STATES
from signals.policy.facts import FactSpec

RESERVED: Mapping[str, str] = {
    **dict.fromkeys(
        ("and", "or", "not", "is", "has", "any", "all", "true", "false", "null", "release", "margin", "otherwise"),
        "a word of the conditions",
    ),
    **dict.fromkeys(STATES, "a state"),
    **dict.fromkeys((*CALLS, "next"), "an answer of the policy"),
}
"""Words that cannot name a signal, in whatever case, and what each is."""

Op = Literal["<", "<=", ">", ">=", "==", "!="]
_SCALE = {"": 1.0, "pp": 0.01, "%": 0.01, "h": 3600.0, "d": 86_400.0}


class Fault(Exception):  # noqa: N818  # not an error for users: loading turns it into a placed Problem
    """Something wrong at one character of a condition."""

    def __init__(self, what: str, remedy: str = "", at: int = 0) -> None:
        self.what, self.remedy, self.at = what, remedy, at
        super().__init__(what)


@dataclass(frozen=True, kw_only=True)
class Node:
    """Where it stands in the text, and how deep it is."""

    at: int = field(default=0, compare=False, repr=False)
    end: int = field(default=0, compare=False, repr=False)
    depth: int = field(default=1, compare=False, repr=False)


@dataclass(frozen=True)
class Name(Node):
    """A dotted name, perhaps with a minus. ``key`` and ``spec`` are filled by the type check."""

    text: str
    negative: bool = False
    key: str = field(default="", compare=False)
    spec: FactSpec | None = field(default=None, compare=False, repr=False)
    local: bool = field(default=False, compare=False)  # a name of the element inside any() or all()


@dataclass(frozen=True)
class Number(Node):
    """A number as written: ``amount`` 5 and ``unit`` ``%``."""

    amount: float
    unit: str = ""

    @property
    def value(self) -> float:
        """In base units: fractions and seconds."""
        return self.amount / 100 if self.unit in ("pp", "%") else self.amount * _SCALE[self.unit]


@dataclass(frozen=True)
class Text(Node):
    """A string."""

    value: str


@dataclass(frozen=True)
class Flag(Node):
    """``true`` or ``false``."""

    value: bool


Operand = Name | Number | Text | Flag


@dataclass(frozen=True)
class Chain(Node):
    """``a < b < c``; with one operand and no operator, a yes-or-no fact."""

    operands: tuple[Operand, ...]
    ops: tuple[Op, ...] = ()


@dataclass(frozen=True)
class Is(Node):
    """``SIGNAL is STATE``, or ``is not``."""

    name: Name
    state: str
    inverse: bool = False


@dataclass(frozen=True)
class Has(Node):
    """``has(fact)``: never unknown."""

    name: Name


@dataclass(frozen=True)
class Quantified(Node):
    """``any(list, body)`` or ``all(list, body)``."""

    quantifier: Literal["any", "all"]
    items: Name
    body: Expr


@dataclass(frozen=True)
class Not(Node):
    """``not body``."""

    body: Expr


@dataclass(frozen=True)
class Logic(Node):
    """``and`` or ``or`` over two or more parts."""

    word: Literal["and", "or"]
    parts: tuple[Expr, ...]


Expr = Logic | Not | Quantified | Has | Is | Chain


def render(node: Expr | Operand) -> str:
    """The text of a tree; parsing it gives an equal tree."""
    match node:
        case Is():
            return f"{node.name.text} is {'not ' if node.inverse else ''}{node.state}"
        case Has():
            return f"has({node.name.text})"
        case Quantified():
            return f"{node.quantifier}({node.items.text}, {render(node.body)})"
        case Not():
            return f"not {_grouped(node.body, isinstance(node.body, Logic))}"
        case Logic():
            # Only an `and` inside an `or` stands without brackets; the same word inside itself was bracketed.
            brackets = [isinstance(part, Logic) and (node.word, part.word) != ("or", "and") for part in node.parts]
            return f" {node.word} ".join(map(_grouped, node.parts, brackets))
        case Chain():
            parts = [_operand(node.operands[0])]
            for op, operand in zip(node.ops, node.operands[1:], strict=True):
                parts += [op, _operand(operand)]
            return " ".join(parts)
        case _:
            return _operand(node)


def _operand(node: Operand) -> str:
    match node:
        case Name():
            return f"-{node.text}" if node.negative else node.text
        case Number():
            return f"{node.amount!r}".removesuffix(".0") + node.unit
        case Text():
            return f"'{node.value}'" if '"' in node.value else f'"{node.value}"'
        case Flag():
            return "true" if node.value else "false"


def _grouped(node: Expr, brackets: bool) -> str:
    return f"({render(node)})" if brackets else render(node)
