"""What would flip the call: for each fact that it rests on, the nearest value that makes another call.

Exact on the compiled policy: the call can change only where a comparison, a check or a state changes, and those places
are solved for, not searched on a grid; the engine is then run at each place and between any two of them. Margins and
thresholds are the policy's, not evidence, and stay.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from signals.model import Flip, Reading, Release
from signals.policy.rules import Policy
from signals.reconcile.flip.case import WhatIf, what_if
from signals.reconcile.flip.checks import checks
from signals.reconcile.flip.effects import effects, p_rule, segments
from signals.reconcile.flip.rank import FAR
from signals.reconcile.flip.states import states


def flips(policy: Policy, release: Release, readings: Mapping[str, Reading], as_of: datetime) -> tuple[Flip, ...]:
    """Every fact whose change alone changes the call, with the nearest value on each side that does.

    Args:
        policy: As loaded.
        release: What is under review; its kind picks the rules.
        readings: By signal name. A declared signal without one is ``missing``.
        as_of: The moment that the verdict is of.

    Returns:
        Most plausible first (``rank``): boundaries inside an interval, those beyond one by standard errors, checks and
        other numbers by how near they are to where they turn, and what is ``far``-fetched last. ``past`` of each is a
        value at which the engine made the call ``to``. A fact that is not named cannot change the call by itself. Of a
        fact that is compared for equality a single value may be told before the boundary (direction ``is``). Of the
        segments of one signal only the nearest is told.
    """
    case = what_if(policy, release, readings, as_of)
    found = [*effects(case), *segments(case), *checks(case), *states(case)]
    found.sort(key=lambda one: (one.tier, one.distance, one.flip.fact, one.flip.direction))
    return tuple(replace(one.flip, far=one.tier == FAR) for one in found)


def left_out(policy: Policy, release: Release, readings: Mapping[str, Reading], as_of: datetime) -> tuple[str, ...]:
    """What ``flips`` cannot say, each with the reason: one clause per signal."""
    return tuple(_left_out(what_if(policy, release, readings, as_of)))


def _left_out(case: WhatIf) -> list[str]:
    notes = []
    for name, reading in case.readings.items():
        if name not in case.policy.signals or reading.state == "missing":
            continue
        own = case.own.get(name)
        if own is None:
            notes.append(f"{name}: its state does not follow from its numbers, so no flip is told")
        elif reading.state == "untrusted" or reading.benefit.value is None:
            continue
        elif f"{name}.p_value" in case.asked and p_rule(own.signal, reading) is None:
            notes.append(
                f"{name}: the policy asks for its p-value, which cannot be computed for another effect, so no flip of "
                "its effect is told"
            )
        elif {f"{name}.power", f"{name}.mde"} & case.asked:
            notes.append(
                f"{name}: the policy asks for its power, which follows from the width of the interval, so no flip of a "
                "single bound is told"
            )
    return notes
