"""Effects per segment, with bounds that hold for all segments at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Protocol

from signals.model import Estimate, Moments, Segment, SegmentEstimate, Signal
from signals.stats.moments import EMPTY, merge

UNLABELLED = "(none)"

Levels = Mapping[str, Moments]


class Effect(Protocol):
    """How a kind of signal computes candidate minus control."""

    def __call__(
        self, signal: Signal, candidate: Moments, control: Moments, confidence: float = ..., parts: int = ...
    ) -> Estimate: ...


def by_level(cells: Iterable[tuple[Segment, Moments]], dimension: str) -> dict[str, Moments]:
    """Moments per value of one dimension; units without a value are a segment of their own, so that shares add up."""
    found: dict[str, list[Moments]] = defaultdict(list)
    for segment, moments in cells:
        found[dict(segment).get(dimension) or UNLABELLED].append(moments)
    return {name: merge(parts) for name, parts in sorted(found.items())}


def segment_estimates(
    signal: Signal, levels: Mapping[str, tuple[Levels, Levels]], units: int, effect: Effect
) -> tuple[SegmentEstimate, ...]:
    """One estimate per value of each dimension.

    The adjusted bounds are simultaneous over all segments of all dimensions (Bonferroni): each is an interval at
    confidence ``1 - (1 - confidence) / K``.

    Args:
        signal: Its confidence and looks.
        levels: Dimension -> (control, candidate), each value -> moments. Dimensions without any value are left out.
        units: Of both arms, for the shares.
        effect: Computes one interval; ``parts`` tells it into how many the planned units fall.
    """
    named: list[tuple[str, Moments, Moments, int]] = []
    for dimension, (control, candidate) in levels.items():
        values = sorted(set(control) | set(candidate))
        if values == [UNLABELLED]:
            continue
        named += [
            (f"{dimension}={value}", control.get(value, EMPTY), candidate.get(value, EMPTY), len(values))
            for value in values
        ]
    if not named:
        return ()
    joint = 1.0 - (1.0 - signal.confidence) / len(named)
    found = []
    for name, control_part, candidate_part, parts in named:
        plain = effect(signal, candidate_part, control_part, signal.confidence, parts)
        adjusted = effect(signal, candidate_part, control_part, joint, parts)
        counts = (control_part.n, candidate_part.n)
        refused = plain.refused if all(counts) else "no units in an arm"
        found.append(
            SegmentEstimate(
                name,
                sum(counts) / units if units else 0.0,
                *counts,
                plain.effect,
                plain.low,
                plain.high,
                adjusted.low,
                adjusted.high,
                plain.control,
                refused,
            )
        )
    return tuple(found)
