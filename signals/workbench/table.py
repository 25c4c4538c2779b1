"""The atlas as a table that people can check: few rows, in words; the first row that fits a release decides it.

Rows are boxes: allowed values of a few questions. Each round looks, for every call and deciding rule, for the box with the
fewest questions that holds nothing else among the situations that are still open, and takes the shortest ones. What
earlier rows have taken, and what no release can be in, stands in nobody's way; that keeps later rows short.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from signals.model import Call
from signals.policy.engine import Answer
from signals.workbench.atlas import Atlas
from signals.workbench.boxes import Box
from signals.workbench.diagram import Diagrams, Node
from signals.workbench.phrases import phrase

ELSE = "anything else"


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
        left: Situations that the rows shown do not reach, by call; empty when the table is whole.
    """

    rows: tuple[TableRow, ...]
    total: int
    left: Mapping[Call, int]


def table(atlas: Atlas, most: int | None = None) -> Table:
    """Rows for every situation of an atlas.

    Args:
        atlas: What is decided.
        most: Rows after which the table stops, shortest first; None for all.
    """
    found = _Cover(atlas)
    rows: list[TableRow] = []
    while found.open and (most is None or len(rows) < most):
        rows += found.round()
    left: dict[Call, int] = {}
    kept = tuple(rows if most is None else rows[:most])
    for (call, _, _), number in found.counts().items():
        left[call] = left.get(call, 0) + number
    for row in rows[len(kept) :]:
        left[row.call] = left.get(row.call, 0) + row.count
    return Table(kept, atlas.total, left)


Group = tuple[Call, str, str]
"""Call, rule and who decides."""


class _Cover:
    """What is still open, and the rows taken from it."""

    def __init__(self, atlas: Atlas) -> None:
        self.space = atlas.space
        self.diagrams = atlas.space.diagrams
        self.rest = self.diagrams.apply(_group, atlas.node)
        rules = atlas.rules
        read = [*(rule.rule for rule in (*rules.hierarchy, *rules.guardrails, *rules.ship_requires)), "otherwise"]
        self.place = {rule: number for number, rule in enumerate(read)}
        self.possible = {
            level: frozenset(
                value
                for value in range(size)
                if True in self.diagrams.leaves(self.diagrams.fix(self.space.domain, {level: value}))
            )
            for level, size in enumerate(self.diagrams.sizes)
        }

    @property
    def open(self) -> bool:
        return self.diagrams.leaves(self.rest) != {None}

    def counts(self) -> dict[Group, int]:
        found = self.diagrams.counts(self.rest)
        found.pop(None, None)
        return found

    def round(self) -> Iterator[TableRow]:
        """The shortest rows that what is open allows, in the order of the policy."""
        squeezed = _squeezed(self.diagrams, self.rest)
        seeds = _shortest(self.diagrams, squeezed)
        boxes = {group: self.grown(squeezed, group, seed) for group, seed in seeds.items()}
        fewest = min(len(box) for box in boxes.values())
        chosen = [group for group in boxes if len(boxes[group]) == fewest]
        for group in sorted(chosen, key=lambda group: (self.place[group[1]], group)):
            box = {level: tuple(values) for level, values in sorted(boxes[group].items())}
            before = self.counts()[group]
            self.rest = self.diagrams.apply(_without, _box_node(self.diagrams, box), self.rest)
            count = before - self.counts().get(group, 0)
            words = phrase(self.space, box) if box else ELSE
            yield TableRow(words, group[0], group[1], group[2], count, box)

    def grown(self, node: Node, group: Group, seed: Mapping[int, int]) -> dict[int, list[int]]:
        """The seed with questions left out, then values added, as long as nothing else is reached."""
        box = {level: [value] for level, value in seed.items()}
        for level in sorted(box, reverse=True):
            kept = box.pop(level)
            if not _pure(self.diagrams, node, box, group):
                box[level] = kept
        for level in sorted(box, reverse=True):
            for value in self.possible[level]:
                if value not in box[level]:
                    wider = {**box, level: sorted([*box[level], value])}
                    if _pure(self.diagrams, node, wider, group):
                        box = wider
        # Where a question allows every value that a release can have, it asks nothing.
        return {level: values for level, values in box.items() if not self.possible[level] <= set(values)}


def _group(answer: Answer | None) -> Group | None:
    return None if answer is None else (answer.call, answer.rule, answer.by or "otherwise")


def _without(inside: bool, group: Group | None) -> Group | None:
    return None if inside else group


def _box_node(diagrams: Diagrams, box: Box) -> Node:
    node, outside = diagrams.leaf(True), diagrams.leaf(False)
    for level in sorted(box, reverse=True):
        node = diagrams.ask(level, [node if value in box[level] else outside for value in range(diagrams.sizes[level])])
    return node


def _squeezed(diagrams: Diagrams, node: Node) -> Node:
    """A smaller diagram that agrees wherever ``node`` is not None."""
    nothing = diagrams.leaf(None)
    done: dict[Node, Node] = {}

    def walk(here: Node) -> Node:
        level = diagrams.level(here)
        if level == len(diagrams.sizes):
            return here
        if here not in done:
            below = [walk(child) for child in diagrams.below(here)]
            told = {child for child in below if child != nothing}
            if len(told) == 1:
                done[here] = told.pop()
            else:
                usual = max(told, key=below.count) if told else nothing
                done[here] = diagrams.ask(level, [usual if child == nothing else child for child in below])
        return done[here]

    return walk(node)


def _shortest(diagrams: Diagrams, node: Node) -> dict[Any, dict[int, int]]:
    """For every value but None, a way to it that asks the fewest questions."""
    done: dict[Node, dict[Hashable, dict[int, int]]] = {}

    def walk(here: Node) -> dict[Hashable, dict[int, int]]:
        if here not in done:
            level = diagrams.level(here)
            if level == len(diagrams.sizes):
                value = diagrams.value(here)
                done[here] = {} if value is None else {value: {}}
            else:
                best: dict[Hashable, dict[int, int]] = {}
                for value, child in enumerate(diagrams.below(here)):
                    for reached, tail in walk(child).items():
                        if reached not in best or len(tail) + 1 < len(best[reached]):
                            best[reached] = {level: value, **tail}
                done[here] = best
        return done[here]

    return walk(node)


def _pure(diagrams: Diagrams, node: Node, box: Mapping[int, list[int]], group: Group) -> bool:
    """Whether a box reaches nothing but this group (and what stands in nobody's way)."""
    depth = len(diagrams.sizes)
    seen, waiting = {node}, [node]
    while waiting:
        here = waiting.pop()
        level = diagrams.level(here)
        if level == depth:
            if diagrams.value(here) not in (None, group):
                return False
            continue
        below = diagrams.below(here)
        for child in {below[value] for value in box[level]} if level in box else set(below):
            if child not in seen:
                seen.add(child)
                waiting.append(child)
    return True


