"""Where something holds, as one readable box: allowed values per question, the fewest questions, the most situations.

A diagram tells where exactly; people want the largest part of it in a few words. A box is grown from a path of the
diagram: a question is left out, or one more of its values allowed, as long as the box reaches no situation where the
thing does not hold. Situations that no release can be in stand in nobody's way.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from signals.policy.facts import Value
from signals.workbench.situations.diagram import Diagrams, Node
from signals.workbench.situations.effort import spend
from signals.workbench.situations.space import Space

SEEDS = 6
"""Paths that a box is grown from; the largest box is kept."""
LOOKED_AT = 300
"""Paths among which those seeds are the largest."""
EFFORT = 60_000
"""Nodes times questions: for a larger diagram the box is grown from its shortest path only."""

Box = Mapping[int, tuple[int, ...]]


@dataclass(frozen=True)
class Part:
    """The largest box found where something holds.

    Attributes:
        box: Allowed values by variable; variables that are not named are open.
        count: Possible situations in it.
        example: Facts of a release in it.
    """

    box: Box
    count: int
    example: Mapping[str, Value]


def largest(space: Space, node: Node, seeds: int = SEEDS) -> Part | None:
    """A large box of the situations where ``node`` is True.

    Args:
        space: The situations.
        node: True where the thing holds, False where not, None where no release can be.
        seeds: Paths that a box is grown from, beside the shortest.

    Returns:
        The largest of the boxes grown, of equals the one with the fewest questions; None when it holds nowhere.
    """
    diagrams = space.diagrams
    shortest = diagrams.first(node, lambda value: value is True)
    if shortest is None:
        return None
    starts: list[Box] = [{level: (value,) for level, value in shortest.items()}]
    if sum(1 for _ in diagrams.nodes(node)) * len(diagrams.sizes) <= EFFORT:
        some = itertools.islice(paths(diagrams, node), LOOKED_AT)
        starts += sorted(some, key=lambda box: -_size(diagrams, box))[:seeds]
    best: tuple[tuple[int, int], Box, Box] | None = None
    for seed in starts:
        box = _grown(diagrams, node, seed)
        rank = (-count(diagrams, node, box), len(box))
        if best is None or rank < best[0]:
            best = (rank, box, seed)
    if best is None:  # there is always the shortest path
        raise AssertionError
    (negative, _), box, seed = best
    return Part(box, -negative, space.example(_inside(diagrams, node, seed)))


def count(diagrams: Diagrams, node: Node, box: Box) -> int:
    """In how many situations of a box the node is True."""
    widths = [len(box.get(level, range(size))) for level, size in enumerate(diagrams.sizes)]
    done: dict[Node, int] = {}

    def between(first: int, last: int) -> int:
        result = 1
        for width in widths[first:last]:
            result *= width
        return result

    def walk(here: Node) -> int:
        """Over the variables from the node's level on."""
        if here not in done:
            level = diagrams.level(here)
            if level == len(widths):
                done[here] = 1 if diagrams.value(here) is True else 0
            else:
                total = 0
                spend(2 * diagrams.sizes[level])
                for value in box.get(level, range(diagrams.sizes[level])):
                    child = diagrams.child(here, level, value)
                    total += walk(child) * between(level + 1, diagrams.level(child))
                done[here] = total
        return done[here]

    return walk(node) * between(0, diagrams.level(node))


def paths(diagrams: Diagrams, node: Node) -> Iterator[Box]:
    """The boxes of ``Diagrams.paths`` that lead to True, without walking to any other."""
    leads: dict[Node, bool] = {}

    def alive(here: Node) -> bool:
        if here not in leads:
            below = diagrams.below(here)
            spend(1 + len(below))
            leads[here] = any(alive(child) for child in below) if below else diagrams.value(here) is True
        return leads[here]

    def walk(here: Node) -> Iterator[dict[int, tuple[int, ...]]]:
        places: dict[Node, list[int]] = {}
        for value, child in enumerate(diagrams.below(here)):
            if alive(child):
                places.setdefault(child, []).append(value)
        if not places:
            yield {}
        for child, values in places.items():
            for box in walk(child):
                spend(2)
                yield {diagrams.level(here): tuple(values), **box}

    return walk(node) if alive(node) else iter(())


def _size(diagrams: Diagrams, box: Box) -> int:
    result = 1
    for level, size in enumerate(diagrams.sizes):
        result *= len(box[level]) if level in box else size
    return result


def _grown(diagrams: Diagrams, node: Node, seed: Box) -> Box:
    box = dict(seed)
    # From the last question: the first ones are the signals that the rules come to first, and say the most.
    for level in sorted(seed, reverse=True):
        kept = box.pop(level)
        if not _within(diagrams, node, box):
            box[level] = kept
    for level in sorted(box, reverse=True):
        for value in range(diagrams.sizes[level]):
            if value not in box[level]:
                wider = {**box, level: tuple(sorted((*box[level], value)))}
                if _within(diagrams, node, wider):
                    box = wider
    box = _tight(diagrams, node, box)
    for level in sorted(box, reverse=True):
        kept = box.pop(level)
        if not _within(diagrams, node, box):
            box[level] = kept
    return box


def _tight(diagrams: Diagrams, node: Node, box: Box) -> dict[int, tuple[int, ...]]:
    """The box without values that no release in it can have."""
    leads: dict[Node, bool] = {}  # to a situation of the box where the node is True
    found: dict[int, set[int]] = {level: set() for level in box}

    def walk(here: Node) -> bool:
        if here not in leads:
            level = diagrams.level(here)
            if level == len(diagrams.sizes):
                leads[here] = diagrams.value(here) is True
            else:
                leads[here] = False
                spend(2 * diagrams.sizes[level])
                for value in box.get(level, range(diagrams.sizes[level])):
                    child = diagrams.child(here, level, value)
                    if walk(child):
                        leads[here] = True
                        found.get(level, set()).add(value)
                        open_between(level + 1, diagrams.level(child))
        return leads[here]

    def open_between(first: int, last: int) -> None:
        for level in range(first, last):
            if level in box:
                found[level].update(box[level])

    walk(node)
    open_between(0, diagrams.level(node))
    return {level: tuple(sorted(values)) for level, values in found.items()}


def _within(diagrams: Diagrams, node: Node, box: Box) -> bool:
    """Whether a box reaches no situation where the node is False."""
    seen = {node}
    waiting = [node]
    while waiting:
        here = waiting.pop()
        level = diagrams.level(here)
        if level == len(diagrams.sizes):
            if diagrams.value(here) is False:
                return False
            continue
        spend(1 + diagrams.sizes[level])
        for value in box.get(level, range(diagrams.sizes[level])):
            child = diagrams.child(here, level, value)
            if child not in seen:
                seen.add(child)
                waiting.append(child)
    return True


def _inside(diagrams: Diagrams, node: Node, box: Box) -> dict[int, int]:
    """One value for each question on the way to a situation of the box where the node is True."""
    dead: set[Node] = set()

    def walk(here: Node) -> dict[int, int] | None:
        level = diagrams.level(here)
        if level == len(diagrams.sizes):
            return {} if diagrams.value(here) is True else None
        if here in dead:
            return None
        spend(1 + diagrams.sizes[level])
        for value in box.get(level, range(diagrams.sizes[level])):
            tail = walk(diagrams.child(here, level, value))
            if tail is not None:
                return {level: value, **tail}
        dead.add(here)
        return None

    found = walk(node)
    if found is None:  # the box is grown from a path to True
        raise AssertionError
    return found
