"""What it means that a signal gets better, on the facts that stand for all facts.

One signal gets better from one release to another when its state does (loss, then unclear or flat, then win) or stays,
its benefit and its bounds, those of its segments too, do not fall, what was non-inferior stays so, what is material
turns from harm towards gain, and every other fact is the same in both.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from signals.model import SignalsError, State
from signals.policy.compiled import Element, both, compile_tree, either
from signals.policy.facts import Facts, Value
from signals.policy.syntax import Quantified
from signals.workbench.situations.effort import spend
from signals.workbench.situations.grids import names
from signals.workbench.situations.segments import every_element
from signals.workbench.situations.space import Point, Space, Truths

MAX_PAIRS = 100_000
"""Pairs of facts, or of segments, that are held against each other for one variable: more are refused."""
MAX_FOLDS = 50_000
"""Pairs of lists that are made longer by one pair of segments: more are refused."""
BETTER: frozenset[tuple[State, State]] = frozenset(
    {("loss", "unclear"), ("loss", "flat"), ("loss", "win"), ("unclear", "win"), ("flat", "win")}
)
RISING = ("benefit", "benefit.low", "benefit.high", "non_inferior", "material")
"""Facts of a reading that tell how good it is."""
RISING_INSIDE = frozenset(
    {"benefit", "low", "high", "adjusted.low", "adjusted.high", "shrunk", "shrunk.low", "shrunk.high"}
)
"""The same of a segment."""

Height = tuple[float, ...]
Where = tuple[State, State, tuple[State, ...]]
"""State of the signal before and after, and the states of the other signals of a variable, in its order."""
Step = tuple[int, int]
"""Value of a variable before and after."""


@dataclass(frozen=True)
class Shown:
    """Facts before and after that make a step."""

    before: Mapping[str, Value]
    after: Mapping[str, Value]


def may_rise(before: State, after: State) -> bool:
    """Whether a state is at least as good as another."""
    return before == after or (before, after) in BETTER


def steps(space: Space, level: int, signal: str) -> dict[Where, dict[Step, Shown]]:
    """What one variable can do while a signal that it hangs on gets better, by states.

    Raises:
        SignalsError: When there are too many facts to hold against each other.
    """
    variable = space.variables[level]
    found: dict[Where, dict[Step, Shown]] = {}
    place = {truths: number for number, truths in enumerate(variable.values)}
    own = variable.signals.index(signal)
    listed = [atom for atom in variable.atoms if isinstance(atom, Quantified)]
    if listed:
        source = _with_segments(space, level, signal, listed)
    else:
        source = _pairs(space.every(variable.atoms), signal, own)
    for (states, before), (after_states, after), shown in source:
        others = (*states[:own], *states[own + 1 :])
        where = (states[own], after_states[own], others)
        found.setdefault(where, {}).setdefault((place[before], place[after]), shown)
    return found


Side = tuple[tuple[State, ...], Truths]


# --- facts outside lists --------------------------------------------------------------------------------------------


def _pairs(points: Iterable[Point], signal: str, own: int) -> Iterator[tuple[Side, Side, Shown]]:
    """States and truths that can follow each other, with the facts that show it."""
    budget = MAX_PAIRS
    for bucket in _buckets(points, signal, own).values():
        lowest = {side: _extremes(heights, -1) for side, heights in bucket.items()}
        highest = {side: _extremes(heights, +1) for side, heights in bucket.items()}
        for one, low in lowest.items():
            for two, high in highest.items():
                if not may_rise(one[0][own], two[0][own]):
                    continue
                budget -= len(low) * len(high)
                if budget < 0:
                    raise too_many(signal)
                spend(2 + 2 * len(low) * len(high))
                found = next(((a, b) for a in low for b in high if _below(a, b)), None)
                if found is not None:
                    yield one, two, Shown(bucket[one][found[0]], bucket[two][found[1]])


def _buckets(points: Iterable[Point], signal: str, own: int) -> dict[Any, dict[Side, dict[Height, Facts]]]:
    """Points that differ at most in how good the signal is, by what they come to and how high they stand."""
    found: dict[Any, dict[Side, dict[Height, Facts]]] = {}
    rising = {f"{signal}.{name}": name for name in RISING}
    for point in points:
        spend(20)
        here = [key for key in point.facts if key in rising]
        rest = tuple(
            sorted((key, value) for key, value in point.facts.items() if key not in rising and key != f"{signal}.state")
        )
        others = (*point.states[:own], *point.states[own + 1 :])
        height = tuple(_height(rising[key], point.facts[key], point.states[own]) for key in sorted(here))
        bucket = found.setdefault((others, tuple(sorted(here)), rest), {})
        bucket.setdefault((point.states, point.truths), {}).setdefault(height, point.facts)
    return found


def _height(name: str, value: Any, state: State) -> float:
    """How high a fact stands: what is material is harm in a loss, and gain in any other state."""
    if name == "material":
        return 0.0 if not value else -1.0 if state == "loss" else 1.0
    return float(value)


def _extremes(heights: Iterable[Height], sign: int) -> list[Height]:
    """The lowest (-1) or highest (+1) of these: those that no other is beyond on all sides."""
    kept: list[Height] = []
    for height in sorted(heights, reverse=sign > 0):
        spend(1 + 2 * len(kept))
        if not any(_below(one, height) if sign < 0 else _below(height, one) for one in kept):
            kept.append(height)
    return kept


def _below(one: Height, two: Height) -> bool:
    return all(a <= b for a, b in zip(one, two, strict=True))


# --- lists of segments ----------------------------------------------------------------------------------------------


def _with_segments(
    space: Space, level: int, signal: str, listed: Sequence[Quantified]
) -> Iterator[tuple[Side, Side, Shown]]:
    """The same for comparisons about segments: every pair of facts outside, with every pair of lists."""
    variable = space.variables[level]
    own = variable.signals.index(signal)
    lists = tuple(dict.fromkeys(name.key for atom in variable.atoms for name in names(atom)
                                if name.key.endswith(".segments")))  # fmt: skip
    outside: dict[Any, Point] = {}
    for point in space.every(variable.atoms):
        facts = {key: value for key, value in point.facts.items() if key not in lists}
        has = tuple(key for key in lists if key in point.facts)
        outside.setdefault((tuple(sorted(facts.items())), has), Point(point.states, point.facts, point.truths))
    tests = [compile_tree(atom) for atom in variable.atoms]
    known: dict[Any, dict[Any, Any]] = {}
    budget = MAX_PAIRS
    for one, two, has in _outer_pairs(outside, signal, own):
        moved: list[dict[tuple[Truths, Truths], tuple[Any, Any]]] = []
        for key in has:
            asked = [atom for atom in listed if atom.items.key == key]
            inside = {name.key for atom in asked for name in names(atom.body) if not name.local}
            seen = (key, *(tuple(sorted((k, v) for k, v in p.facts.items() if k in inside)) for p in (one, two)))
            if seen not in known:
                known[seen] = _lists(space, key, asked, one.facts, two.facts, rises=key == f"{signal}.segments")
            moved.append(known[seen])
        for chosen in _product(moved):
            budget -= 1
            if budget < 0:
                raise too_many(signal)
            spend(16)
            before = _filled(one, lists, {key: pair[0] for key, pair in zip(has, chosen, strict=True)})
            after = _filled(two, lists, {key: pair[1] for key, pair in zip(has, chosen, strict=True)})
            sides = [(point.states, tuple(test(facts, {}) for test in tests))
                     for point, facts in ((one, before), (two, after))]  # fmt: skip
            yield sides[0], sides[1], Shown(before, after)


def _outer_pairs(outside: Mapping[Any, Point], signal: str, own: int) -> Iterator[tuple[Point, Point, tuple[str, ...]]]:
    """Points that can follow each other outside the lists, with the lists that both have."""
    buckets: dict[Any, list[tuple[Height, Point]]] = {}
    rising = {f"{signal}.{name}": name for name in RISING}
    for (facts, has), point in outside.items():
        here = tuple(key for key, _ in facts if key in rising)
        rest = tuple((key, value) for key, value in facts if key not in rising and key != f"{signal}.state")
        others = (*point.states[:own], *point.states[own + 1 :])
        height = tuple(_height(rising[key], value, point.states[own]) for key, value in facts if key in rising)
        buckets.setdefault((has, here, rest, others), []).append((height, point))
    budget = MAX_PAIRS
    for (has, *_), bucket in buckets.items():
        budget -= len(bucket) ** 2
        if budget < 0:
            raise too_many(signal)
        spend(2 * len(bucket) ** 2)
        for low, one in bucket:
            for high, two in bucket:
                if may_rise(one.states[own], two.states[own]) and _below(low, high):
                    yield one, two, has


def _filled(point: Point, lists: Sequence[str], chosen: Mapping[str, Any]) -> dict[str, Value]:
    return {**{key: value for key, value in point.facts.items() if key not in lists}, **chosen}


def _product(parts: Sequence[Mapping[Any, tuple[Any, Any]]]) -> Iterator[tuple[tuple[Any, Any], ...]]:
    if not parts:
        yield ()
        return
    for pair in parts[0].values():
        for rest in _product(parts[1:]):
            yield (pair, *rest)


def _lists(
    space: Space, key: str, asked: Sequence[Quantified], before: Facts, after: Facts, *, rises: bool
) -> dict[tuple[Truths, Truths], tuple[tuple[Element, ...], tuple[Element, ...]]]:
    """Answers of any() and all() over one list before and after, each with two lists that give them."""
    segments = _segments(space, key, asked, before, after, rises=rises)
    folds = [either if one.quantifier == "any" else both for one in asked]

    def fold(one: Truths, two: Truths) -> Truths:
        return tuple(way(pair) for way, pair in zip(folds, zip(one, two, strict=True), strict=True))

    found: dict[tuple[Truths, Truths], tuple[tuple[Element, ...], tuple[Element, ...]]] = {
        pair: ((one,), (two,)) for pair, (one, two) in segments.items()
    }
    waiting = list(found)
    budget = MAX_FOLDS
    while waiting:
        here = waiting.pop()
        budget -= len(segments)
        if budget < 0:
            raise too_many(key.removesuffix(".segments"))
        spend(10 * len(segments))
        for pair, (one, two) in segments.items():
            there = (fold(here[0], pair[0]), fold(here[1], pair[1]))
            if there not in found:
                found[there] = ((*found[here][0], one), (*found[here][1], two))
                waiting.append(there)
    return found


def _segments(
    space: Space, key: str, asked: Sequence[Quantified], before: Facts, after: Facts, *, rises: bool
) -> dict[tuple[Truths, Truths], tuple[Element, Element]]:
    """Answers of the bodies for one segment before and after, each with the two segments."""
    tests = [compile_tree(one.body) for one in asked]
    numbers = {**before, **{f"{name} after": value for name, value in after.items()}}
    name = key.removesuffix(".segments")
    found: dict[tuple[Truths, Truths], tuple[Element, Element]] = {}
    early: dict[Any, _Classes] = {}
    late: dict[Any, _Classes] = {}
    for declared in space.signals[name]:
        for element in every_element(declared, asked, numbers, pairs=rises):
            spend(10 + 4 * len(tests))
            answers = [tuple(test(facts, element) for test in tests) for facts in (before, after)]
            found.setdefault((answers[0], answers[1]), (element, element))
            if rises:
                here = tuple(sorted(key for key in element if key in RISING_INSIDE))
                rest = tuple(sorted((k, v) for k, v in element.items() if k not in RISING_INSIDE))
                height = tuple(float(element[key]) for key in here)
                early.setdefault((here, rest), {}).setdefault(answers[0], {}).setdefault(height, element)
                late.setdefault((here, rest), {}).setdefault(answers[1], {}).setdefault(height, element)
    for bucket, lower in early.items():
        _risen(name, lower, late[bucket], found)
    return found


_Classes = dict[Truths, dict[Height, Element]]


def _risen(
    name: str, lower: _Classes, upper: _Classes, found: dict[tuple[Truths, Truths], tuple[Element, Element]]
) -> None:
    """Add what one segment can come to when it rises to another of the same sort."""
    lowest = {truths: _extremes(heights, -1) for truths, heights in lower.items()}
    highest = {truths: _extremes(heights, +1) for truths, heights in upper.items()}
    budget = MAX_PAIRS
    for early, low in lowest.items():
        for late, high in highest.items():
            if (early, late) in found:
                continue
            budget -= len(low) * len(high)
            if budget < 0:
                raise too_many(name)
            spend(2 + 2 * len(low) * len(high))
            pair = next(((a, b) for a in low for b in high if _below(a, b)), None)
            if pair is not None:
                found[early, late] = (lower[early][pair[0]], upper[late][pair[1]])


def too_many(signal: str) -> SignalsError:
    """More facts than can be held against each other."""
    return SignalsError(f"too many values of {signal} must be held against each other")
