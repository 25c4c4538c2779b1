"""The text of a condition <-> its tree.

The grammar is LALR, so parsing takes one pass without recursion; length and depth are capped all the same, because the
tree is walked later. Every node knows where it stands in the text (``at``, ``end``, counted from 0), which is left out
of comparisons: two trees are equal when they mean the same.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

from signals.policy.facts import FactSpec

if TYPE_CHECKING:
    from lark import Lark

MAX_LENGTH = 2_000
MAX_DEPTH = 20
RESERVED = frozenset(
    {"and", "or", "not", "is", "has", "any", "all", "true", "false", "release", "margin", "otherwise"}
)
"""Words that cannot name a signal."""

Op = Literal["<", "<=", ">", ">=", "==", "!="]
_SCALE = {"": 1.0, "pp": 0.01, "%": 0.01, "h": 3600.0, "d": 86_400.0}

_GRAMMAR = r"""
?start: disjunction
?disjunction: conjunction ("or" conjunction)*
?conjunction: negation ("and" negation)*
?negation: NOT negation -> inverse
         | atom
?atom: "(" disjunction ")"
     | HAS "(" NAME ")" -> has
     | (ANY | ALL) "(" NAME "," disjunction CLOSE -> quantified
     | NAME "is" NAME -> is_state
     | NAME "is" NOT NAME -> is_not_state
     | chain
chain: operand (OP operand)*
?operand: NUMBER -> number
        | MINUS NUMBER -> minus_number
        | STRING -> text
        | (TRUE | FALSE) -> flag
        | NAME -> name
        | MINUS NAME -> minus_name
NOT: "not"
HAS: "has"
ANY: "any"
ALL: "all"
TRUE: "true"
FALSE: "false"
CLOSE: ")"
MINUS: "-"
OP: "<=" | ">=" | "==" | "!=" | "<" | ">"
NAME: /[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*/
NUMBER: /(\d+(\.\d+)?|\.\d+)([eE][+-]?\d+)?(\s?(pp|%|h|d))?(?![A-Za-z0-9_.])/
STRING: /"[^"\n]*"|'[^'\n]*'/
%ignore /\s+/
"""


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


def parse(text: str) -> Expr:
    """The tree of a condition.

    Raises:
        Fault: With the place in the text and what to write instead.
    """
    from lark.exceptions import UnexpectedCharacters, UnexpectedEOF, UnexpectedToken

    if len(text) > MAX_LENGTH:
        raise Fault(f"the condition has {len(text):,} characters; at most {MAX_LENGTH:,} are read", "Split it")
    if not text.strip():
        raise Fault("the condition is empty", "Write a comparison, for example `judge.human_agreement >= 0.6`")
    try:
        tree: Expr = _parser().parse(text)
    except UnexpectedCharacters as error:
        raise _strange(text, error.pos_in_stream) from None
    except UnexpectedToken as error:
        if error.token.type == "$END":
            raise _ended(text) from None
        raise _unexpected(text, str(error.token), error.token.start_pos) from None
    except UnexpectedEOF:
        raise _ended(text) from None
    return tree


def render(node: Expr | Operand) -> str:
    """The text of a tree; parsing it gives an equal tree."""
    match node:
        case Name():
            return f"-{node.text}" if node.negative else node.text
        case Number():
            return f"{node.amount!r}".removesuffix(".0") + node.unit
        case Text():
            return f"'{node.value}'" if '"' in node.value else f'"{node.value}"'
        case Flag():
            return "true" if node.value else "false"
        case Chain():
            parts = [render(node.operands[0])]
            for op, operand in zip(node.ops, node.operands[1:], strict=True):
                parts += [op, render(operand)]
            return " ".join(parts)
        case Is():
            return f"{node.name.text} is {'not ' if node.inverse else ''}{node.state}"
        case Has():
            return f"has({node.name.text})"
        case Quantified():
            return f"{node.quantifier}({node.items.text}, {render(node.body)})"
        case Not():
            return f"not {_grouped(node.body, isinstance(node.body, Logic))}"
        case Logic():
            looser = (lambda part: isinstance(part, Logic)) if node.word == "and" else _is_or
            return f" {node.word} ".join(_grouped(part, looser(part)) for part in node.parts)


def _is_or(part: Expr) -> bool:
    return isinstance(part, Logic) and part.word == "or"


def _grouped(node: Expr, brackets: bool) -> str:
    return f"({render(node)})" if brackets else render(node)


@lru_cache(maxsize=1)
def _parser() -> Lark:
    from lark import Lark

    return Lark(_GRAMMAR, parser="lalr", transformer=_builder())


def _builder() -> Any:
    """Turns matched rules into nodes while parsing, so that no second tree is ever walked."""
    from lark import Transformer, v_args

    def name(token: Any, minus: Any = None) -> Name:
        start = token if minus is None else minus
        return Name(str(token), minus is not None, at=start.start_pos, end=token.end_pos)

    def number(token: Any, minus: Any = None) -> Number:
        match = re.fullmatch(r"(.*?)\s?(pp|%|h|d)?", token)
        if match is None:  # the terminal has just matched the same shape
            raise Fault("not a number", at=token.start_pos)
        amount = float(match[1]) * (1 if minus is None else -1)
        if abs(amount) > 1e15:
            raise Fault(f"{str(token):.40} is too large", at=token.start_pos)
        start = token if minus is None else minus
        return Number(amount, match[2] or "", at=start.start_pos, end=token.end_pos)

    def one_deeper(parts: tuple[Any, ...], at: int) -> int:
        depth: int = 1 + max(part.depth for part in parts)
        if depth > MAX_DEPTH:
            raise Fault(f"nested deeper than {MAX_DEPTH} levels", "Split the condition", at)
        return depth

    def logic(word: Literal["and", "or"], parts: tuple[Any, ...]) -> Logic:
        at = parts[0].at
        return Logic(word, parts, at=at, end=parts[-1].end, depth=one_deeper(parts, at))

    @v_args(inline=True)
    class Builder(Transformer):  # type: ignore[type-arg]  # a generic that is not subscriptable at run time
        def disjunction(self, *parts: Any) -> Logic:
            return logic("or", parts)

        def conjunction(self, *parts: Any) -> Logic:
            return logic("and", parts)

        def inverse(self, word: Any, body: Any) -> Not:
            return Not(body, at=word.start_pos, end=body.end, depth=one_deeper((body,), word.start_pos))

        def has(self, word: Any, fact: Any) -> Has:
            return Has(name(fact), at=word.start_pos, end=fact.end_pos + 1)

        def quantified(self, word: Any, items: Any, body: Any, close: Any) -> Quantified:
            at = word.start_pos
            return Quantified(str(word), name(items), body, at=at, end=close.end_pos, depth=one_deeper((body,), at))  # type: ignore[arg-type]  # the terminal matches these two words only

        def is_state(self, signal: Any, state: Any) -> Is:
            return Is(name(signal), str(state), at=signal.start_pos, end=state.end_pos)

        def is_not_state(self, signal: Any, _not: Any, state: Any) -> Is:
            return Is(name(signal), str(state), inverse=True, at=signal.start_pos, end=state.end_pos)

        def chain(self, *parts: Any) -> Chain:
            ops: tuple[Any, ...] = tuple(str(op) for op in parts[1::2])
            return Chain(parts[::2], ops, at=parts[0].at, end=parts[-1].end)

        def number(self, token: Any) -> Number:
            return number(token)

        def minus_number(self, minus: Any, token: Any) -> Number:
            return number(token, minus)

        def name(self, token: Any) -> Name:
            return name(token)

        def minus_name(self, minus: Any, token: Any) -> Name:
            return name(token, minus)

        def text(self, token: Any) -> Text:
            return Text(str(token)[1:-1], at=token.start_pos, end=token.end_pos)

        def flag(self, token: Any) -> Flag:
            return Flag(str(token) == "true", at=token.start_pos, end=token.end_pos)

    return Builder()


_HINTS = {
    "=": "Write `==` to compare",
    "&": "Write `and`",
    "|": "Write `or`",
    "!": "Write `not`, or `!=` between two values",
    "≥": "Write `>=`",
    "≤": "Write `<=`",
    "≠": "Write `!=`",
    "−": "Write the minus of the keyboard, `-`",
    "+": "Conditions compare; they do not compute",
    "*": "Conditions compare; they do not compute",
    "/": "Conditions compare; they do not compute",
    "[": "Write any(list, ...) or all(list, ...)",
    '"': "Close the string on the same line",
    "'": "Close the string on the same line",
    "“": 'Write straight quotes, `"`',
    "‘": "Write straight quotes, `'`",
}


def _strange(text: str, at: int) -> Fault:
    word = re.match(r"[\w.]+", text[at:])
    number = re.match(r"(?:\d+(?:\.\d+)?|\.\d+)\s?([A-Za-z_]\w*)", text[at:])
    if number:
        return Fault(f"unknown unit {number[1]!r:.40}", "Units are pp, %, h and d", at + number.start(1))
    if word:
        return Fault(f"{word[0]!r:.40} is neither a number nor a name", "Write a number such as 0.6, 5% or 3d", at)
    return Fault(f"{text[at]!r} does not belong here", _HINTS.get(text[at], "See the conditions in docs/policy.md"), at)


def _ended(text: str) -> Fault:
    if text.count("(") > text.count(")"):
        return Fault(
            "the condition ends inside brackets", "Close them; inside { } put the condition in quotes", len(text)
        )
    return Fault("the condition ends too early", "Complete the comparison", len(text.rstrip()))


def _unexpected(text: str, token: str, at: int) -> Fault:
    if re.match(r"[A-Za-z_]", token) and re.search(r"[A-Za-z0-9_%'\")]\s+$", text[:at]):
        remedy = "Join comparisons with `and` or `or`"
    elif token == "(":
        remedy = "There are no functions but has(), any() and all()"
    elif re.match(r"[<>=!]", token):
        remedy = "Comparisons need a fact or number on both sides, without brackets around it"
    else:
        remedy = _HINTS.get(token[:1], "See the conditions in docs/policy.md")
    return Fault(f"{token!r:.40} was not expected here", remedy, at)
