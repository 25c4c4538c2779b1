"""The atlas as a table that people can check: few rows, in words; the first row that fits a release decides it.

First what rolls back, then what ships, then what holds, each in the order in which the policy is read. A row is a box
(allowed values of a few questions) that holds nothing but its own call and deciding rule among the situations that
earlier rows have left; what they have taken need not be asked again, and that keeps rows short.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from signals.model import Call
from signals.policy.engine import Answer
from signals.policy.rules import Rules
from signals.workbench.situations.atlas import Atlas
from signals.workbench.situations.boxes import SEEDS, Box, largest
from signals.workbench.situations.diagram import Diagrams, Node
from signals.workbench.situations.effort import WORK, TooLargeError, effort
from signals.workbench.situations.phrases import phrase
from signals.workbench.situations.space import too_large

ELSE = "anything else"
_READ: dict[Call, int] = {"rollback": 0, "ship": 1, "hold": 2}
_WORK = WORK // 2
"""What the rows may take, beside what the atlas took."""
_TOO_LONG = "all rows of its table would take too long to find"
_SMALL = 400
"""Nodes of a diagram up to which rows are grown from many paths: fewer rows, and no time to speak of."""


@dataclass(frozen=True)
class TableRow:
    """One row; it speaks of the situations of its box that no earlier row has taken.

    Attributes:
        words: When it fits.
        call: What the policy decides there.
        rule: The rule that decides, by its path in the file; ``otherwise`` when no row answers.
        by: The same for people: a signal, an id, or ``otherwise``.
        count: Situations.
        box: Allowed values by variable; variables that are not named are open.
    """

    words: str
    call: Call
    rule: str
    by: str
    count: int
    box: Box


@dataclass(frozen=True)
class Table:
    """Rows in the order in which they are read.

    Attributes:
        rows: The first that fits decides.
        total: Situations in all.
        left: Situations that no row reaches, by call; empty when the table is whole.
        cut: Whether finding more rows would have taken too long, so that fewer were found than wanted.
    """

    rows: tuple[TableRow, ...]
    total: int
    left: Mapping[Call, int]
    cut: bool = False


Group = tuple[Call, str, str]
"""Call, rule, and who decides."""


def table(atlas: Atlas, most: int | None = None) -> Table:
    """Rows for the situations of an atlas.

    Args:
        atlas: What is decided.
        most: About how many rows are wanted; each call and deciding rule gets its share of them, the largest ones, and
            at least one, as long as finding them does not take too long (``Table.cut``). None for all of them.

    Raises:
        SignalsError: When the policy is too entangled to be told in rows; with ``most``, in a single one.
    """
    diagrams = atlas.space.diagrams
    rows: list[TableRow] = []
    cut = False
    with effort(_WORK):
        try:
            rest = diagrams.apply(_group, atlas.node)
            groups = sorted(diagrams.leaves(rest) - {None}, key=partial(_place, _reading(atlas.rules)))
            left = _left(diagrams, rest)
            for number, group in enumerate(groups):
                spare = None if most is None else max(1, (most - len(rows)) // (len(groups) - number))
                for row, after in _rows(atlas, group, rest, spare):
                    rows.append(row)
                    rest = after
                    left[row.call] -= row.count
        except TooLargeError:
            if most is None or not rows:
                raise too_large(_TOO_LONG if rows else "what it decides cannot be told in rows") from None
            cut = True
    return Table(tuple(rows), atlas.total, {call: number for call, number in left.items() if number}, cut)


def _left(diagrams: Diagrams, rest: Node) -> dict[Call, int]:
    found: dict[Call, int] = {}
    for group, number in diagrams.counts(rest).items():
        if group is not None:
            found[group[0]] = found.get(group[0], 0) + number
    return found


def _rows(atlas: Atlas, group: Group, rest: Node, most: int | None) -> Iterator[tuple[TableRow, Node]]:
    """The largest rows of one group, each with what is open after it."""
    space, diagrams = atlas.space, atlas.space.diagrams
    call, rule, by = group
    seeds = SEEDS if sum(1 for _ in diagrams.nodes(atlas.node)) <= _SMALL else 1
    for _ in itertools.count() if most is None else range(most):
        part = largest(space, diagrams.apply(diagrams.bound(_is, group), rest), seeds)
        if part is None:
            return
        rest = diagrams.apply(_without, _box_node(diagrams, part.box), rest)
        words = phrase(space, part.box) if part.box else ELSE
        yield TableRow(words, call, rule, by, part.count, dict(part.box)), rest


def _reading(rules: Rules) -> dict[str, int]:
    """Each rule with its place in the order in which a policy is read."""
    rows = [row.rule for row in rules.hierarchy]
    vetoes = [*(guard.rule for guard in rules.guardrails), *(need.rule for need in rules.ship_requires)]
    return {rule: place for place, rule in enumerate([*rows, *vetoes, "otherwise"])}


def _place(reading: Mapping[str, int], group: Group) -> tuple[int, int]:
    return _READ[group[0]], reading[group[1]]


def _group(answer: Answer | None) -> Group | None:
    return None if answer is None else (answer.call, answer.rule, answer.by or "otherwise")


def _is(group: Group, found: Group | None) -> bool | None:
    return None if found is None else found == group


def _without(inside: bool, group: Group | None) -> Group | None:
    return None if inside else group


def _box_node(diagrams: Diagrams, box: Box) -> Node:
    node, outside = diagrams.leaf(True), diagrams.leaf(False)
    for level in sorted(box, reverse=True):
        node = diagrams.ask(level, [node if value in box[level] else outside for value in range(diagrams.sizes[level])])
    return node
