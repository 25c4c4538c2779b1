"""Segments that the evidence names and that no pair of outputs is left of: they are unknown, not absent.

Judge and panel compare an item under both variants, so a segment whose items only one arm has, or whose judgements all
failed, has nothing to measure. Left out, it would pass every rule that asks about all segments.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace

from signals.model import Evidence, ItemScore, Numbers, Preference, Rating, SegmentEstimate, Signal

WHY = "no item of it has both arms"


def with_vanished(signal: Signal, evidence: Evidence, numbers: Numbers) -> Numbers:
    """The numbers with a refused segment for each that is in the evidence of this release and not among them.

    Args:
        signal: Of kind judge or panel.
        evidence: What the numbers were made from.
        numbers: As its reading measured them.
    """
    known = {one.name for one in numbers.segments}
    items: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for record in _asked(signal, evidence):
        for dimension, value in record.segment:
            if dimension in signal.segments and value:
                items[dimension][f"{dimension}={value}"].add(record.item)
    gone = []
    for dimension in signal.segments:
        everything = len(set().union(*items[dimension].values()))
        for name in sorted(items[dimension].keys() - known):
            share = len(items[dimension][name]) / everything
            gone.append(SegmentEstimate(name, share, 0, 0, None, None, None, None, None, refused=WHY))
    return replace(numbers, segments=(*numbers.segments, *gone)) if gone else numbers


def _asked(signal: Signal, evidence: Evidence) -> Iterator[ItemScore | Rating | Preference]:
    """The records of the two arms that the signal is about."""
    arms = set(evidence.release.arms)
    if signal.kind == "judge":
        for score in evidence.scores:
            if score.variant in arms and signal.scorer in (None, score.scorer):
                yield score
        return
    records: Iterable[Rating | Preference] = (
        *(one for one in evidence.ratings if one.variant in arms),
        *(one for one in evidence.preferences if {one.left, one.right} <= arms),
    )
    for one in records:
        if one.expected is None and signal.dimension in (None, one.dimension):
            yield one
