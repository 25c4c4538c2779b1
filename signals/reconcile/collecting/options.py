"""What more evidence could be collected for a signal.

How much is needed to pass a check, and how errors fall with what is collected, is that of ``policy.amounts``: the ways
out of a HOLD and these proposals answer the same question with the same numbers.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

from signals.checks import BY_NAME
from signals.model import Reading, Verdict
from signals.policy import Policy
from signals.reconcile.collecting.more_golden import (
    BY_LABELS,
    BY_TRAFFIC,
    more_agreement,
    more_golden,
    not_known,
)
from signals.reconcile.collecting.more_grades import more_grades
from signals.reconcile.collecting.more_users import more_users
from signals.reconcile.collecting.option import MOST, Option, fresh
from signals.workbench.simulation.design import Design, scaled

WEEKS = 52.0
"""Whole weeks that a hundred times the users would at least take."""


def options(policy: Policy, verdict: Verdict, name: str, design: Design) -> Iterator[Option]:
    """Everything that could be collected for one signal.

    Args:
        policy: Whose conditions and checks ask for facts.
        verdict: With the readings and the ways out.
        name: The signal.
        design: Its precision today.
    """
    signal, reading = policy.signals[name], verdict.readings[name]
    if signal.kind in ("experiment", "feedback"):
        found = more_users(signal, reading, design, verdict)
        yield from () if found is None else (found,)
    elif signal.kind == "panel":
        yield from more_grades(signal, reading, design, verdict)
    elif signal.kind == "judge":
        yield from more_golden(signal, reading, design, verdict)
        yield from more_agreement(policy, reading, design, verdict)
        yield from not_known(policy, verdict.release, reading, design)


def everything(reading: Reading, design: Design) -> Design:
    """A hundred times as much of all that could be collected for one signal; what is not known yet passes."""
    most = fresh(scaled(design, MOST))
    if most.panel is not None:
        panel = replace(most.panel, raters=round(most.panel.raters * MOST))
        most = replace(most, panel=panel, se=math.sqrt(panel.squared(most.n)))
    elif most.se is not None:
        floor = most.floor / MOST
        most = replace(most, floor=floor, se=math.sqrt(most.se**2 - most.floor + floor))
    checks = dict(most.checks)
    for name in ("min_raters", "full_weeks"):
        value = checks.get(name)
        checks[name] = None if value is None else max(value * MOST, WEEKS)
    for name in (*BY_LABELS, *BY_TRAFFIC):
        if name in reading.checks and reading.checks[name].value is None:
            checks[name] = most.n if BY_NAME[name].unit == "count" else 1.0
    return replace(most, checks=checks)
