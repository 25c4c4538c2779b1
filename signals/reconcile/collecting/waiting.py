"""Whether a HOLD is an answer, or waits for evidence that could still make it another call.

It agrees with the ways out of a HOLD (``policy.needs``), and asks one thing more: whether a signal that stands above
the row that answered could still speak.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Literal

from signals.model import CALLS, Call, Signal, State
from signals.policy.conditions import Condition
from signals.policy.engine import Outcome, Walked
from signals.policy.facts import Facts
from signals.policy.rules import Rules

Label = Call | Literal["open"]
"""What a draw comes to: a call, or a HOLD that only waits (``open``)."""

LABELS: tuple[Label, ...] = (*CALLS, "open")

OPEN: Collection[State] = ("unclear", "untrusted", "missing")
"""States that settle nothing."""


def label_of(rules: Rules, outcome: Outcome, facts: Facts, signals: Mapping[str, Signal]) -> Label:
    """The call, or ``open``.

    Args:
        rules: That made the outcome.
        outcome: Of the engine.
        facts: That it was made from, with the states of all signals that the rules look at.
        signals: As declared.
    """
    return "open" if outcome.call == "hold" and _waits(rules, outcome, facts, signals) else outcome.call


def _waits(rules: Rules, outcome: Outcome, facts: Facts, signals: Mapping[str, Signal]) -> bool:
    def unsettled(condition: Condition) -> bool:
        return any(facts.get(f"{name}.state", "missing") in OPEN for name in condition.signals(signals))

    if outcome.reason == "guardrail":
        return any(unsettled(rule.when) for rule in rules.guardrails if rule.rule == outcome.rule)
    if outcome.reason in ("ship-requires", "cannot-evaluate"):
        # One requirement that fails on settled evidence holds whatever becomes of the others.
        asked = zip(rules.ship_requires, outcome.ship_requires, strict=True)
        if any(holds is False and not unsettled(rule.that) for rule, holds in asked):
            return _above(outcome)
        return True
    if outcome.first is not None and outcome.rows[outcome.first].state in OPEN:
        return True
    return _above(outcome)


def _above(outcome: Outcome) -> bool:
    """Whether a row above the first that answered, or any row when none did, could still make another call."""
    return any(_could_speak(walked) for walked in outcome.rows[: outcome.first])


def _could_speak(walked: Walked) -> bool:
    if walked.heard is False:
        return False
    if walked.heard is None and walked.answer not in (None, "hold"):
        return True
    return walked.state in OPEN and any(
        walked.row.calls.get(one) not in (None, "hold") for one in ("win", "loss", "flat")
    )
