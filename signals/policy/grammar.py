"""The text of a condition -> its tree. The only file that imports lark; it is imported when a condition is read.

The grammar is LALR, so parsing takes one pass without recursion, and the nodes are made while parsing. Length and depth
are capped all the same, because the tree is walked later.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Literal, cast

from lark import Lark, Token, Transformer, v_args
from lark.exceptions import UnexpectedCharacters, UnexpectedToken

from signals.policy.syntax import Chain, Expr, Fault, Flag, Has, Is, Logic, Name, Not, Number, Op, Quantified, Text

MAX_LENGTH = 2_000
MAX_DEPTH = 20

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


def parse(text: str) -> Expr:
    """The tree of a condition.

    Raises:
        Fault: With the place in the text and what to write instead.
    """
    if len(text) > MAX_LENGTH:
        raise Fault(f"the condition has {len(text):,} characters; at most {MAX_LENGTH:,} are read", "Split it")
    if not text.strip():
        raise Fault("the condition is empty", "Write a comparison, for example `judge.human_agreement >= 0.6`")
    try:
        return cast("Expr", _parser().parse(text))
    except UnexpectedCharacters as error:
        raise _strange(text, error.pos_in_stream or 0) from None
    except UnexpectedToken as error:
        if error.token.type == "$END":
            raise _ended(text) from None
        raise _unexpected(text, str(error.token), error.token.start_pos or 0) from None


@lru_cache(maxsize=1)
def _parser() -> Lark:
    return Lark(_GRAMMAR, parser="lalr", transformer=_Builder())


def _span(first: Token, last: Token) -> dict[str, Any]:
    return {"at": first.start_pos or 0, "end": last.end_pos or 0}


def _depth(parts: tuple[Any, ...], at: int) -> int:
    depth: int = 1 + max(part.depth for part in parts)
    if depth > MAX_DEPTH:
        raise Fault(f"nested deeper than {MAX_DEPTH} levels", "Split the condition", at)
    return depth


def _logic(word: Literal["and", "or"], parts: tuple[Expr, ...]) -> Logic:
    return Logic(word, parts, at=parts[0].at, end=parts[-1].end, depth=_depth(parts, parts[0].at))


def _number(token: Token, minus: Token | None = None) -> Number:
    unit = re.search(r"\s?(pp|%|h|d)$", token)
    amount = float(token[: unit.start()] if unit else token) * (1 if minus is None else -1)
    if abs(amount) > 1e15:
        raise Fault(f"{token!s:.40} is too large", at=token.start_pos or 0)
    return Number(amount, unit[1] if unit else "", **_span(minus or token, token))


@v_args(inline=True)
class _Builder(Transformer):  # type: ignore[type-arg]  # generic for checkers only, not at run time
    """Turns matched rules into nodes while parsing, so that no second tree is ever walked."""

    def disjunction(self, *parts: Expr) -> Logic:
        return _logic("or", parts)

    def conjunction(self, *parts: Expr) -> Logic:
        return _logic("and", parts)

    def inverse(self, word: Token, body: Expr) -> Not:
        at = word.start_pos or 0
        return Not(body, at=at, end=body.end, depth=_depth((body,), at))

    def has(self, word: Token, fact: Token) -> Has:
        return Has(self.name(fact), **_span(word, fact))

    def quantified(self, word: Token, items: Token, body: Expr, close: Token) -> Quantified:
        quantifier: Literal["any", "all"] = "any" if word == "any" else "all"
        depth = _depth((body,), word.start_pos or 0)
        return Quantified(quantifier, self.name(items), body, **_span(word, close), depth=depth)

    def is_state(self, signal: Token, state: Token) -> Is:
        return Is(self.name(signal), str(state), **_span(signal, state))

    def is_not_state(self, signal: Token, _not: Token, state: Token) -> Is:
        return Is(self.name(signal), str(state), inverse=True, **_span(signal, state))

    def chain(self, *parts: Any) -> Chain:
        ops = cast("tuple[Op, ...]", tuple(str(op) for op in parts[1::2]))
        return Chain(parts[::2], ops, at=parts[0].at, end=parts[-1].end)

    def number(self, token: Token) -> Number:
        return _number(token)

    def minus_number(self, minus: Token, token: Token) -> Number:
        return _number(token, minus)

    def name(self, token: Token) -> Name:
        return Name(str(token), **_span(token, token))

    def minus_name(self, minus: Token, token: Token) -> Name:
        return Name(str(token), negative=True, **_span(minus, token))

    def text(self, token: Token) -> Text:
        return Text(str(token)[1:-1], **_span(token, token))

    def flag(self, word: Token) -> Flag:
        return Flag(word == "true", **_span(word, word))


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


def _unexpected(text: str, found: str, at: int) -> Fault:
    if re.match(r"[A-Za-z_]", found) and re.search(r"[A-Za-z0-9_%'\")]\s+$", text[:at]):
        remedy = "Join comparisons with `and` or `or`"
    elif found == "(":
        remedy = "There are no functions but has(), any() and all()"
    elif re.match(r"[<>=!]", found):
        remedy = "Comparisons need a fact or number on both sides, without brackets around it"
    else:
        remedy = _HINTS.get(found[:1], "See the conditions in docs/policy.md")
    return Fault(f"{found!r:.40} was not expected here", remedy, at)
