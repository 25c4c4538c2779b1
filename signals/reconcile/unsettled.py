"""Why no amount of evidence settles a call, and what would instead."""

from __future__ import annotations

from collections.abc import Mapping

from signals.model import Verdict
from signals.policy.wording import title
from signals.reconcile.prospects import Prospects
from signals.words import bounds, number, share
from signals.workbench.simulation.design import Design

DECIDE = "Decide, and record why, or change the policy"
TOLD = 2  # ways out that a person still reads in one sentence


def holds_on(verdict: Verdict) -> str:
    """Of a HOLD that more of the same evidence cannot change: the policy's own ways out say why, and what would."""
    needs = [need for need in verdict.needs if need.amount is None] or list(verdict.needs)
    if not needs:
        return f"More evidence would not settle it: the policy holds. {DECIDE}."
    whys = "; ".join(dict.fromkeys(need.why.rstrip(".") for need in needs[:TOLD]))
    whats = "; or ".join(dict.fromkeys(_lower(need.what.rstrip(".")) for need in needs[:TOLD]))
    return f"More of the same evidence would not settle it: {whys}. What would: {whats}."


def _lower(text: str) -> str:
    """The first letter small, as inside a sentence."""
    return text[:1].lower() + text[1:] if text[1:2].islower() or text[1:2] == " " else text


def where_it_turns(verdict: Verdict, prospects: Prospects, designs: Mapping[str, Design], reached: float) -> str:
    """When even a hundred times the evidence leaves the call shaky: which signal's truth decides it.

    Args:
        verdict: As it stands.
        prospects: Of the release.
        designs: A hundred times the evidence.
        reached: Expected stability with that.
    """
    blocked = [need for need in verdict.needs if need.amount is None]
    if verdict.call == "hold" and blocked:
        return holds_on(verdict)
    name = prospects.decisive(designs)
    if name is None:
        return f"More evidence would not settle it: a hundred times as much leaves it as it is. {DECIDE}."
    reading = verdict.readings[name]
    seen = f"{number(reading.effect, reading.unit, signed=True)} ({bounds(reading.low, reading.high, reading.unit)})"
    return (
        f"Even a hundred times as much of everything would leave the call at {share(reached, 0)} on average: "
        f"{title(name)}, {seen}, lies where the policy changes its call. {DECIDE}."
    )


def only_more_than_that(verdict: Verdict, reached: float) -> str:
    """When a hundred times as much of everything would settle the call, and nothing that can be collected would."""
    blocked = [need for need in verdict.needs if need.amount is None]
    if verdict.call == "hold" and blocked:
        return holds_on(verdict)
    return (
        f"Nothing that can be collected in time would settle it, though a hundred times as much of everything would "
        f"({share(reached, 0)} on average). {DECIDE}."
    )
