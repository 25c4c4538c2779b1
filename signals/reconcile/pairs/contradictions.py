"""Which pairs of signals contradict each other, and which of the two is to be explained."""

from __future__ import annotations

from itertools import combinations

from signals.model import Reading, Signal, Verdict

SAYS = frozenset({"win", "loss", "flat"})
"""States that claim something: an unclear, untrusted or missing signal contradicts nobody."""


def contradictions(verdict: Verdict) -> tuple[tuple[str, str], ...]:
    """Pairs (signal to be explained, signal it is held against) whose states contradict.

    The deciding signal is the one that the others are held against, and its pairs come first; of two others the one
    that was heard later in the hierarchy is explained. Signals that no row ranks come last.
    """
    heard = list(dict.fromkeys([row.signal for row in verdict.trace]))
    order = [*heard, *(name for name in verdict.readings if name not in heard)]
    if verdict.decided_by in order:
        order = [verdict.decided_by, *(name for name in order if name != verdict.decided_by)]
    said = {name: verdict.readings[name].state for name in order if name in verdict.readings}
    return tuple(
        (later, earlier)
        for earlier, later in combinations(order, 2)
        if said.get(earlier) in SAYS and said.get(later) in SAYS and said[earlier] != said[later]
    )


def shares_items(one: Signal, two: Signal) -> bool:
    """Whether the errors of two signals may go together because both look at the same items."""
    return {one.kind, two.kind} <= {"judge", "panel"}


def toward(one: Reading, two: Reading) -> float:
    """The direction (of the effect, not the benefit) in which ``one`` would have to move to agree with ``two``."""
    sign = 1.0 if one.better == "higher" else -1.0
    ours = (one.benefit.value or 0.0) / (one.margin or 1.0)
    theirs = (two.benefit.value or 0.0) / (two.margin or 1.0)
    return sign if theirs >= ours else -sign
