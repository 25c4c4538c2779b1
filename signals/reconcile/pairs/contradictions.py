"""Which pairs of signals contradict each other, and which of the two is to be explained."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

from signals.model import Reading, Signal, Verdict
from signals.told import SAYS

RANK: Mapping[str, float] = {"loss": -1.0, "flat": 0.0, "win": 1.0}
"""How good a claim is."""


def contradictions(verdict: Verdict) -> tuple[tuple[str, str], ...]:
    """Pairs (signal to be explained, signal it is held against) whose states contradict.

    The deciding signal is the one that the others are held against; of two others the one that was heard later in the
    hierarchy is explained.

    Returns:
        What the room argues about first: pairs of the deciding signal, and of those the ones that it overruled; within
        each in the order of the hierarchy. Signals that no row ranks come last.
    """
    heard = list(dict.fromkeys([row.signal for row in verdict.trace]))
    order = [*heard, *(name for name in verdict.readings if name not in heard)]
    if verdict.decided_by in order:
        order = [verdict.decided_by, *(name for name in order if name != verdict.decided_by)]
    # How far inputs have moved is no claim about how good anything is: it contradicts nobody.
    claims = {name: one for name, one in verdict.readings.items() if one.kind != "drift"}
    said = {name: claims[name].state for name in order if name in claims}
    pairs = [
        (later, earlier)
        for earlier, later in combinations(order, 2)
        if said.get(earlier) in SAYS and said.get(later) in SAYS and said[earlier] != said[later]
    ]
    overruled = set(verdict.overruled)
    return tuple(sorted(pairs, key=lambda pair: (verdict.decided_by not in pair, overruled.isdisjoint(pair))))


def shares_items(one: Signal, two: Signal) -> bool:
    """Whether the errors of two signals may go together because both look at the same items."""
    return {one.kind, two.kind} <= {"judge", "panel"}


def toward(one: Reading, two: Reading) -> float:
    """The direction (of the effect, not the benefit) in which ``one`` would have to move to agree with ``two``.

    By their benefits in margins; where one has no margin, and so no scale in common with the other, by their states.
    """
    sign = 1.0 if one.better == "higher" else -1.0
    if one.margin and two.margin:
        ours, theirs = ((reading.benefit.value or 0.0) / reading.margin for reading in (one, two) if reading.margin)
    else:
        ours, theirs = (RANK.get(reading.state, 0.0) for reading in (one, two))
    return sign if theirs >= ours else -sign
