"""Rows: which are never heard first, which never decide, and which states no row names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from signals.model import STATES, State
from signals.policy.compiled import Trit
from signals.policy.engine import Answer
from signals.policy.rules import Policy, Row
from signals.workbench.lint.books import Book, everywhere, loc_of, titled
from signals.workbench.lint.rules import Found
from signals.workbench.situations.possible import possible_states


def rows(policy: Policy, books: tuple[Book, ...]) -> Iterator[Found]:
    """Rows and answers that are never the first, or never the verdict."""
    first: dict[str, set[State]] = {}
    verdict: dict[str, set[State]] = {}
    for book in books:
        for node, gathered in ((book.first, first), (book.verdict, verdict)):
            for answer, signal, state in book.states(node):
                if answer.by == signal:  # a rule that is no row is never by a signal
                    gathered.setdefault(answer.rule, set()).add(state)
    for row, inside in everywhere(policy, books, lambda rules: rules.hierarchy):
        heard, decides = first.get(row.rule, set()), verdict.get(row.rule, set())
        name = titled(inside[0].rules)[row.rule]
        loc = loc_of(row.rule)
        if not heard:
            yield Found("row-unreachable", loc, f"{name} is never the first to answer", _why_never(policy, row, inside))
        elif not decides:
            yield Found(
                "row-never-decides", loc, f"{name} never becomes the verdict",
                f"whenever it is the first to answer, {_others(row, None, inside)} has the last word",
            )  # fmt: skip
        else:
            yield from _answers(policy, row, heard, decides, inside)


def _answers(
    policy: Policy, row: Row, heard: set[State], decides: set[State], inside: Sequence[Book]
) -> Iterator[Found]:
    name = titled(inside[0].rules)[row.rule]
    for state, call in row.calls.items():
        loc = (*loc_of(row.rule), state)
        if state not in possible_states(policy.signals[row.signal]):
            continue  # the finding about the missing margin says it
        if state not in heard:
            why = _why_never(policy, row, inside, state)
            yield Found("answer-unreachable", loc, f"{name} is never the first to answer {state} with {call}", why)
        elif state not in decides:
            why = f"whenever it is the first to answer, {_others(row, state, inside)} has the last word"
            yield Found("answer-never-decides", loc, f"the {call} of {name} for {state} never becomes the verdict", why)


def _why_never(policy: Policy, row: Row, inside: Sequence[Book], state: State | None = None) -> str:
    """Why a row (or its answer in one state) is never the first."""
    able = possible_states(policy.signals[row.signal])
    asked = [one for one in row.calls if one in able and state in (None, one)]
    if not row.calls:
        return "it lists no answer"
    if not asked:
        return f"{row.signal} has no margin, so it is never flat"
    earlier: set[str] = set()
    speaks = False
    for book in inside:
        found = book.values(partial(_before, frozenset(asked)), book.first, book.state(row.signal),
                            book.chart.heard[row.rule])  # fmt: skip
        speaks = speaks or bool(found)
        earlier |= {titled(book.rules)[rule] for rule in found if rule != row.rule}
    if not speaks:
        return f"its `when` never holds while {row.signal} is {_either(asked)}"
    return f"whenever {row.signal} is {_either(asked)}, {_either(sorted(earlier))} answers first"


def _before(asked: frozenset[State], first: Answer, state: State, heard: Trit) -> str | None:
    return first.rule if heard is True and state in asked else None


def _others(row: Row, state: State | None, inside: Sequence[Book]) -> str:
    """The rules that decide where this row is the first to answer."""
    names: set[str] = set()
    for book in inside:
        function = partial(_instead, row.rule, state)
        found = book.values(function, book.first, book.state(row.signal), book.verdict)
        names |= {titled(book.rules)[rule] for rule in found}
    return _either(sorted(names))


def _instead(rule: str, wanted: State | None, first: Answer, state: State, verdict: Answer) -> str | None:
    return verdict.rule if first.rule == rule and wanted in (None, state) else None


def _either(words: Sequence[str]) -> str:
    return " or ".join(words)


# --- states that nobody names ---------------------------------------------------------------------------------------


def falls_through(books: tuple[Book, ...]) -> Iterator[Found]:
    """States that reach ``otherwise`` because no row of their signal names them."""
    found: dict[tuple[str, str], tuple[Row, dict[State, Answer]]] = {}
    for book in books:
        unheard: dict[str, dict[State, Answer]] = {}
        for answer, signal, state in book.states(book.first):
            if answer.rule == "otherwise":
                unheard.setdefault(signal, {})[state] = answer
        for signal, reached in unheard.items():
            own = [row for row in book.rules.hierarchy if row.signal == signal]
            named = {state for row in own for state in (*row.calls, *row.passed)}
            for state, answer in reached.items():
                matters = state in ("win", "loss") or (answer.reason == "otherwise" and answer.call != "hold")
                if state not in named and matters:
                    found.setdefault((own[-1].rule, signal), (own[-1], {}))[1][state] = answer
    for (rule, signal), (_, states) in found.items():
        omitted = [state for state in STATES if state in states]
        calls: Any = dict.fromkeys(states[state].call for state in omitted)
        written = ", ".join(f"{state}: next" for state in omitted)
        yield Found(
            "falls-through", loc_of(rule), f"no row of {signal} names {_either(omitted)}",
            f"`otherwise` decides then, by omission: {_either(list(calls))}",
            f"Name it in a row: with a call, or `{written}` when that is meant",
        )  # fmt: skip
