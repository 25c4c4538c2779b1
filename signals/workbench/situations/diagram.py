"""Functions over a product of small finite sets, kept as reduced, ordered, multi-valued decision diagrams.

A diagram asks one variable per level, shares every part that occurs twice and leaves out every question whose answer
does not matter, so that billions of situations fit in a few hundred nodes. Bryant (1986), "Graph-based algorithms for
Boolean function manipulation", IEEE Transactions on Computers 35:677, with variables of more than two values
(Srinivasan, Kam, Malik and Brayton 1990, ICCAD).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from functools import partial
from typing import Any

from signals.workbench.situations.effort import TooLargeError, spend

Node = int
MAX_NODES = 100_000
"""Nodes where a function is refused as too tangled: some 50 MB."""
_APPLY = 8
"""Steps that combining functions takes at one branch: it calls, looks up and may make a node."""


class Diagrams:
    """Diagrams over the same variables. A node is a number; equal functions have equal numbers.

    Args:
        sizes: How many values each variable has, first asked first.
    """

    def __init__(self, sizes: Sequence[int]) -> None:
        self.sizes = tuple(sizes)
        self._levels: list[int] = []  # of each node; leaves stand below every variable
        self._below: list[tuple[Node, ...]] = []
        self._values: list[Hashable] = []
        self._known: dict[Hashable, Node] = {}
        self._applied: dict[tuple[Hashable, ...], Node] = {}
        self._bound: dict[Hashable, Callable[..., Any]] = {}

    # --- making -----------------------------------------------------------------------------------------------------

    def leaf(self, value: Hashable) -> Node:
        """The function that is ``value`` everywhere."""
        return self._make(("leaf", type(value), value), len(self.sizes), (), value)

    def ask(self, level: int, children: Sequence[Node]) -> Node:
        """The function that is ``children[v]`` where the variable has the value v."""
        below = tuple(children)
        if all(child == below[0] for child in below):
            return below[0]
        return self._make((level, below), level, below, None)

    def variable(self, level: int, values: Sequence[Hashable]) -> Node:
        """The function that gives ``values[v]`` where the variable has the value v."""
        return self.ask(level, [self.leaf(value) for value in values])

    def bound(self, function: Callable[..., Any], *given: Hashable) -> Callable[..., Any]:
        """``function`` with its first arguments given: one object for equal arguments, so that ``apply`` knows it."""
        key = (function, given)
        found = self._bound.get(key)
        if found is None:
            found = self._bound[key] = partial(function, *given)
        return found

    def apply(self, function: Callable[..., Hashable], *nodes: Node) -> Node:
        """The diagram of ``function(a, b, ...)`` over what the diagrams are; the function must be pure."""
        key = (function, *nodes)
        found = self._applied.get(key)
        if found is None:
            level = min(self._levels[node] for node in nodes)
            spend(_APPLY if level == len(self.sizes) else _APPLY * self.sizes[level])
            if level == len(self.sizes):
                found = self.leaf(function(*(self._values[node] for node in nodes)))
            else:
                found = self.ask(
                    level,
                    [self.apply(function, *(self.child(node, level, value) for node in nodes))
                     for value in range(self.sizes[level])],
                )  # fmt: skip
            self._applied[key] = found
        return found

    def fix(self, node: Node, values: dict[int, int]) -> Node:
        """The function with some variables (by level) held at a value."""
        done: dict[Node, Node] = {}

        def walk(here: Node) -> Node:
            level = self._levels[here]
            if level == len(self.sizes):
                return here
            if here not in done:
                spend(self.sizes[level])
                if level in values:
                    done[here] = walk(self._below[here][values[level]])
                else:
                    done[here] = self.ask(level, [walk(child) for child in self._below[here]])
            return done[here]

        return walk(node)

    def _make(self, key: Hashable, level: int, below: tuple[Node, ...], value: Hashable) -> Node:
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = len(self._levels)
            if found >= MAX_NODES:
                raise TooLargeError
            self._levels.append(level)
            self._below.append(below)
            self._values.append(value)
        return found

    # --- looking ----------------------------------------------------------------------------------------------------

    def level(self, node: Node) -> int:
        """The variable that a node asks; ``len(sizes)`` for a leaf."""
        return self._levels[node]

    def value(self, node: Node) -> Any:
        """What a leaf says."""
        return self._values[node]

    def below(self, node: Node) -> tuple[Node, ...]:
        """Where a node leads, by the value of its variable; nowhere for a leaf."""
        return self._below[node]

    def child(self, node: Node, level: int, value: int) -> Node:
        """Where a node leads for a value of the variable at ``level``: itself when it does not ask that variable."""
        return self._below[node][value] if self._levels[node] == level else node

    def at(self, node: Node, situation: Sequence[int]) -> Any:
        """What the function is at one situation (a value per variable)."""
        while self._levels[node] < len(self.sizes):
            node = self._below[node][situation[self._levels[node]]]
        return self._values[node]

    def counts(self, node: Node) -> dict[Any, int]:
        """In how many situations the function takes each of its values."""
        done: dict[Node, dict[Any, int]] = {}

        def walk(here: Node) -> dict[Any, int]:
            """Counts over the variables from the node's level on."""
            if here in done:
                return done[here]
            level = self._levels[here]
            if level == len(self.sizes):
                return {self._values[here]: 1}
            found: dict[Any, int] = {}
            for child in self._below[here]:
                skipped = self._product(level + 1, self._levels[child])
                below = walk(child)
                spend(1 + len(below))
                for value, number in below.items():
                    found[value] = found.get(value, 0) + number * skipped
            done[here] = found
            return found

        above = self._product(0, self._levels[node])
        return {value: number * above for value, number in walk(node).items()}

    def _product(self, first: int, last: int) -> int:
        result = 1
        for size in self.sizes[first:last]:
            result *= size
        return result

    def leaves(self, node: Node) -> frozenset[Any]:
        """The values that the function takes somewhere."""
        return frozenset(self._values[one] for one in self.nodes(node) if self._levels[one] == len(self.sizes))

    def nodes(self, node: Node) -> Iterator[Node]:
        """Every node of a diagram, once."""
        seen, waiting = {node}, [node]
        while waiting:
            here = waiting.pop()
            yield here
            spend(1 + len(self._below[here]))
            for child in self._below[here]:
                if child not in seen:
                    seen.add(child)
                    waiting.append(child)

    def paths(self, node: Node) -> Iterator[tuple[dict[int, tuple[int, ...]], Any]]:
        """Disjoint boxes that cover everything: allowed values per level that is asked, and what the function is there.

        Values that lead to the same place stand together, in the order of the variables.
        """
        level = self._levels[node]
        if level == len(self.sizes):
            yield {}, self._values[node]
            return
        places: dict[Node, list[int]] = {}
        for value, child in enumerate(self._below[node]):
            places.setdefault(child, []).append(value)
        for child, values in places.items():
            for box, found in self.paths(child):
                yield {level: tuple(values), **box}, found

    def first(self, node: Node, wanted: Callable[[Any], bool]) -> dict[int, int] | None:
        """A shortest way to a value that is ``wanted``: the fewest variables held, by level; None without one."""
        done: dict[Node, dict[int, int] | None] = {}

        def walk(here: Node) -> dict[int, int] | None:
            if here not in done:
                level = self._levels[here]
                if level == len(self.sizes):
                    done[here] = {} if wanted(self._values[here]) else None
                else:
                    best: dict[int, int] | None = None
                    for value, child in enumerate(self._below[here]):
                        tail = walk(child)
                        spend(2)
                        if tail is not None and (best is None or len(tail) + 1 < len(best)):
                            best = {level: value, **tail}
                    done[here] = best
            return done[here]

        return walk(node)
