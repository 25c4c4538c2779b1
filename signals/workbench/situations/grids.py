"""Values that stand for all values: comparisons tell numbers apart only by their order, so a few of each order do.

A comparison asks how a fact stands to constants, to other facts and to their negatives. Facts that are compared with
each other, k of them, share one grid: every constant with its negative and zero, k points between any two neighbours,
k beyond each end. Every order that k numbers can have among themselves, their negatives and the constants then occurs
on the grid.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from signals.policy.facts import FactSpec, Scalar
from signals.policy.syntax import Chain, Expr, Has, Is, Logic, Name, Not, Number, Quantified, Text

OTHER_TEXT = "(another)"
_CORRELATION = (-1.0, 1.0)
RANGES: dict[str, tuple[float, float]] = {
    "human_agreement": _CORRELATION, "agreement": _CORRELATION, "self_consistency": _CORRELATION,
    "track_correlation": _CORRELATION,
    "ac2": (-math.inf, 1.0), "agreement_low": (-math.inf, 1.0), "max_length_bias": (0.0, 1.0),
    "max_outlier_leverage": (0.0, math.inf), "max_skew": (0.0, math.inf), "full_weeks": (0.0, math.inf),
    "n": (1.0, math.inf),
}  # fmt: skip
"""What a value can be, where its type does not say it."""


@dataclass(frozen=True)
class Grid:
    """The values that stand for all values of one fact."""

    values: tuple[Scalar, ...]


def leaves(node: Expr) -> Iterable[Expr]:
    """The comparisons of a tree, in order; any() and all() count as one."""
    match node:
        case Logic():
            for part in node.parts:
                yield from leaves(part)
        case Not():
            yield from leaves(node.body)
        case _:
            yield node


def names(node: Expr) -> Iterable[Name]:
    """Every name of a tree, lists and what is asked of their elements too."""
    match node:
        case Logic():
            for part in node.parts:
                yield from names(part)
        case Not():
            yield from names(node.body)
        case Is() | Has():
            yield node.name
        case Quantified():
            yield node.items
            yield from names(node.body)
        case Chain():
            yield from (operand for operand in node.operands if isinstance(operand, Name))


def inner(node: Expr) -> Iterable[Expr]:
    """The comparisons of a tree, those inside any() and all() too."""
    for leaf in leaves(node):
        yield leaf
        if isinstance(leaf, Quantified):
            yield from inner(leaf.body)


def grids(
    atoms: Iterable[Expr],
    specs: Mapping[str, FactSpec],
    known: Mapping[str, Sequence[float]],
    tied: Iterable[Sequence[str]] = (),
) -> dict[str, Grid]:
    """A grid for each fact.

    Args:
        atoms: The comparisons that are to be told apart.
        specs: The facts, by key; each gets a grid.
        known: Constants beside those written in the comparisons, by key: thresholds, margins, zero.
        tied: Facts that hang together without being compared.
    """
    linked = Links(specs)
    for keys in tied:
        linked.join(keys)
    constants: dict[str, set[float]] = {key: set(known.get(key, ())) for key in specs}
    texts: dict[str, set[str]] = {key: set() for key in specs}
    for atom in atoms:
        if not isinstance(atom, Chain):
            continue
        keys = [operand.key for operand in atom.operands if isinstance(operand, Name) and operand.key in specs]
        if not keys:
            continue
        linked.join(keys)
        for operand in atom.operands:
            if isinstance(operand, Number):
                constants[keys[0]].add(operand.value)
            elif isinstance(operand, Text):
                texts[keys[0]].add(operand.value)
    found = {}
    for group in linked.groups():
        shared = {value for key in group for value in constants[key]}
        for key in group:
            found[key] = _grid(specs[key], shared, {text for other in group for text in texts[other]}, len(group))
    return found


def _grid(spec: FactSpec, constants: set[float], texts: set[str], width: int) -> Grid:
    if spec.type == "flag":
        return Grid((True, False))
    if spec.type == "text":
        return Grid(spec.choices or (*sorted(texts), *(f"{OTHER_TEXT} {number}" for number in range(width))))
    if spec.type == "count":
        whole = {math.floor(c) + step for c in constants | {0.0} for step in range(-width, width + 2)}
        return Grid(tuple(float(value) for value in sorted(whole) if value >= limits(spec)[0]))
    points = sorted({sign * c for c in constants for sign in (1.0, -1.0)} | {0.0})
    reach = max(1.0, abs(points[-1]))
    values = set(points)
    for low, high in itertools.pairwise(points):
        values |= {low + (high - low) * step / (width + 1) for step in range(1, width + 1)}
    values |= {
        end + sign * reach * step for end, sign in ((points[-1], 1), (points[0], -1)) for step in range(1, width + 1)
    }
    low, high = limits(spec)
    kept = {value for value in values if low <= value <= high}
    return Grid(tuple(sorted(kept | {end for end in (low, high) if math.isfinite(end)})))


def limits(spec: FactSpec) -> tuple[float, float]:
    """The least and greatest value that a number can have."""
    known = RANGES.get(spec.name.removeprefix(f"{spec.signal}."))
    if known is not None:
        return known
    if spec.type in ("share", "p"):
        return 0.0, 1.0
    if spec.name == "release.age":
        return -86_400.0, math.inf  # a release may be looked at on the day before it starts
    return (0.0 if spec.type in ("count", "seconds") else -math.inf), math.inf


class Links:
    """Which things belong together: disjoint sets."""

    def __init__(self, things: Iterable[str]) -> None:
        self._parent = {thing: thing for thing in things}

    def _root(self, thing: str) -> str:
        self._parent.setdefault(thing, thing)
        while self._parent[thing] != thing:
            thing = self._parent[thing]
        return thing

    def join(self, things: Sequence[str]) -> None:
        """Put these, and all that belongs to them, together."""
        for one, two in itertools.pairwise(things):
            self._parent[self._root(two)] = self._root(one)

    def groups(self) -> list[list[str]]:
        """The sets, in the order in which their first members were given."""
        found: dict[str, list[str]] = {}
        for thing in self._parent:
            found.setdefault(self._root(thing), []).append(thing)
        return list(found.values())
