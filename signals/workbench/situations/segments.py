"""Lists of segments that make any() and all() come out in every way they can."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace

from signals.model import Signal
from signals.policy.compiled import Element, both, compile_tree, either
from signals.policy.facts import Facts, Scalar, element_registry
from signals.policy.syntax import Chain, Expr, Name, Quantified, render
from signals.workbench.situations.effort import spend
from signals.workbench.situations.grids import grids, inner, names
from signals.workbench.situations.space import MAX_POINTS, Truths, too_large


def every_list(signal: Signal, asked: Sequence[Quantified], facts: Facts) -> Iterator[tuple[Element, ...]]:
    """A list of segments for every combination of answers that any() and all() over one list can have together."""
    elements = _elements(signal, asked, facts)
    folds = [either if one.quantifier == "any" else both for one in asked]
    reached: dict[Truths, tuple[Element, ...]] = {}
    for truths, element in elements.items():
        reached.setdefault(truths, (element,))
    waiting = list(reached)
    while waiting:
        here = waiting.pop()
        spend(6 * len(elements))
        for truths, element in elements.items():
            there = tuple(fold(pair) for fold, pair in zip(folds, zip(here, truths, strict=True), strict=True))
            if there not in reached:
                reached[there] = (*reached[here], element)
                waiting.append(there)
    yield from reached.values()


def _elements(signal: Signal, asked: Sequence[Quantified], facts: Facts) -> dict[Truths, Element]:
    """A segment for every combination of answers that the bodies can have of one segment."""
    tests = [compile_tree(one.body) for one in asked]
    found: dict[Truths, Element] = {}
    for element in every_element(signal, asked, facts):
        spend(3 * len(tests))
        found.setdefault(tuple(test(facts, element) for test in tests), element)
    return found


def every_element(
    signal: Signal, asked: Sequence[Quantified], facts: Facts, *, pairs: bool = False
) -> Iterator[Element]:
    """Segments that stand for all segments.

    Args:
        signal: Whose segments they are.
        asked: The any() and all() over them.
        facts: Facts outside the list that segments may be compared with.
        pairs: Whether also any two segments shall stand in every order that two can.

    Raises:
        SignalsError: When there are too many.
    """
    specs = element_registry(signal)
    wanted = dict.fromkeys(name.text for one in asked for name in names(one.body) if name.local)
    local = {name: specs[name] for name in wanted}
    absolute = signal.margin.value if signal.margin is not None and not signal.margin.relative else None
    known = {name: [absolute or 0.0, 0.0] for name, spec in local.items() if spec.type == "effect"}
    atoms = [_local(leaf) for one in asked for leaf in inner(one.body)]
    outer = [
        float(value) for value in facts.values() if isinstance(value, (int, float)) and not isinstance(value, bool)
    ]
    for name in known:
        known[name] += outer  # what a segment may be compared with
    twins = {f"{name} of the other": spec for name, spec in local.items()} if pairs else {}
    tied = [(name, twin) for name, twin in zip(local, twins, strict=False)]
    values = {name: grid.values for name, grid in grids(atoms, local | twins, known, tied).items()}
    if "margin" in values:
        values["margin"] = _segment_margins(signal, values["margin"])
    sure = {"name", "share", *(() if absolute is None else ("margin",))}
    choices = [
        [*((name, value) for value in values[name]), *(() if name in sure else ((name, None),))] for name in wanted
    ]
    for number, chosen in enumerate(itertools.product(*choices)):
        if number > MAX_POINTS:
            raise too_large(f"too many values must be told apart in `{render(asked[0]):.80}`")
        spend(6)
        element = {name: value for name, value in chosen if value is not None}
        if all(element[a] <= element[b] for a, b in _ORDERED if a in element and b in element):
            yield element


_ORDERED = (("low", "benefit"), ("benefit", "high"), ("low", "high"), ("adjusted.low", "adjusted.high"),
            ("shrunk.low", "shrunk"), ("shrunk", "shrunk.high"), ("shrunk.low", "shrunk.high"))  # fmt: skip


def _segment_margins(signal: Signal, values: Sequence[Scalar]) -> tuple[Scalar, ...]:
    if signal.margin is None:
        return ()
    return tuple(v for v in values if float(v) > 0) if signal.margin.relative else (signal.margin.value,)


def _local(leaf: Expr) -> Expr:
    """A comparison inside any() or all() with its names as the segment has them."""
    if not isinstance(leaf, Chain):
        return leaf
    return replace(leaf, operands=tuple(
        replace(one, key=one.text) if isinstance(one, Name) and one.local else one for one in leaf.operands
    ))  # fmt: skip
