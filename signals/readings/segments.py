"""Effects per segment, with bounds that hold for all segments at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from signals.model import Estimate, SegmentEstimate, Signal

UNLABELLED = "(none)"

Part = TypeVar("Part")

Effect = Callable[[Sequence[Part], Sequence[Part], float, int], Estimate]
"""(control parts, candidate parts, confidence, segments of the dimension) -> candidate minus control."""


def segment_estimates(
    signal: Signal,
    control: Sequence[Part],
    candidate: Sequence[Part],
    label: Callable[[Part, str], str | None],
    effect: Effect[Part],
) -> tuple[SegmentEstimate, ...]:
    """One estimate per value of each dimension that the signal declares.

    The adjusted bounds are simultaneous over all segments of all dimensions (Bonferroni): each is an interval at
    confidence ``1 - (1 - confidence) / K``. Parts without a value are a segment of their own, so that shares add up; a
    dimension that no part has a value of is left out.

    Args:
        signal: Its confidence and declared dimensions.
        control: Cells or items of the control arm.
        candidate: The same of the candidate.
        label: The value of a part in a dimension, or None.
        effect: Computes one interval; its last argument says in how many the planned units fall.
    """
    named: list[tuple[str, Sequence[Part], Sequence[Part], int]] = []
    for dimension in signal.segments:
        ours, theirs = _by_value(control, dimension, label), _by_value(candidate, dimension, label)
        values = sorted(set(ours) | set(theirs))
        if values == [UNLABELLED]:
            continue
        named += [(f"{dimension}={value}", ours[value], theirs[value], len(values)) for value in values]
    if not named:
        return ()
    joint = 1.0 - (1.0 - signal.confidence) / len(named)
    pairs = [
        (
            name,
            effect(ours, theirs, signal.confidence, parts),
            effect(ours, theirs, joint, parts),
            name.partition("=")[0],
        )
        for name, ours, theirs, parts in named
    ]
    totals: dict[str, int] = defaultdict(int)
    for _, plain, _, dimension in pairs:
        totals[dimension] += plain.n_control + plain.n_candidate
    return tuple(
        SegmentEstimate(
            name,
            (plain.n_control + plain.n_candidate) / totals[dimension] if totals[dimension] else 0.0,
            plain.n_control,
            plain.n_candidate,
            plain.effect,
            plain.low,
            plain.high,
            adjusted.low,
            adjusted.high,
            plain.control,
            plain.refused or adjusted.refused,
        )
        for name, plain, adjusted, dimension in pairs
    )


def unknown_dimensions(
    signal: Signal, parts: Iterable[Part], label: Callable[[Part, str], str | None]
) -> tuple[str, ...]:
    """A warning for each declared dimension that no part has a value of."""
    some = list(parts)
    missing = [name for name in signal.segments if not any(label(part, name) for part in some)]
    return tuple(f"the evidence has no segment {name!r}" for name in missing) if some else ()


def _by_value(
    parts: Iterable[Part], dimension: str, label: Callable[[Part, str], str | None]
) -> defaultdict[str, list[Part]]:
    found: defaultdict[str, list[Part]] = defaultdict(list)
    for part in parts:
        found[label(part, dimension) or UNLABELLED].append(part)
    return found
