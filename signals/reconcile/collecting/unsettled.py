"""Why no amount of evidence settles a call, and what would instead."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from signals.checks import BY_NAME
from signals.model import Need, Verdict
from signals.policy import Policy
from signals.policy.wording import title
from signals.reconcile.collecting.prospects import Prospect, Prospects
from signals.words import bounds, number, share
from signals.workbench.simulation.design import Design

DECIDE = "Decide, and record why, or change the policy"
TOLD = 2  # ways out that a person still reads in one sentence


def holds_on(verdict: Verdict, what: str = "More of the same evidence") -> str:
    """Of a HOLD that more of the same evidence cannot change: the policy's own ways out say why, and what would."""
    needs = [need for need in verdict.needs if need.amount is None] or list(verdict.needs)
    if not needs:
        return f"{what} would not settle it: the policy holds. {DECIDE}."
    whys = "; ".join(dict.fromkeys(_why(need) for need in needs[:TOLD]))
    whats = "; or ".join(dict.fromkeys(_lower(need.what.rstrip(".")) for need in needs[:TOLD]))
    return f"{what} would not settle it: {whys}. What would: {whats}."


def stale(verdict: Verdict) -> bool:
    """Whether a way out of the HOLD is to pull again: until then nobody knows how much more is wanted."""
    ages = (verdict.readings[need.signal].checks.get("max_age") for need in verdict.needs if need.signal)
    return any(age is not None and age.required and age.status == "fail" for age in ages)


def blocked(verdict: Verdict) -> bool:
    """Whether a way out of the HOLD is no amount of anything."""
    return verdict.call == "hold" and any(need.amount is None for need in verdict.needs)


def _why(need: Need) -> str:
    """With the signal that it is about, and without what to do, which is told after it."""
    why = need.why.partition(". ")[0].rstrip(".")
    said = not need.signal or why.startswith(title(need.signal))
    return why if said else f"{title(need.signal)}: {why}"


def _lower(text: str) -> str:
    """The first letter small, as inside a sentence."""
    return text[:1].lower() + text[1:] if text[1:2].islower() or text[1:2] == " " else text


def where_it_turns(
    verdict: Verdict, policy: Policy, prospects: Prospects, designs: Mapping[str, Design], reached: Prospect
) -> str:
    """When even a hundred times the evidence leaves the call shaky: what stands in the way, or whose truth decides.

    Args:
        verdict: As it stands.
        policy: That made it.
        prospects: Of the release.
        designs: A hundred times the evidence.
        reached: What is to be expected with that.
    """
    if blocked(verdict):
        return holds_on(verdict)
    name = prospects.decisive(designs)
    near = f"is too near to where the policy changes its call. {DECIDE}"
    where = None if name is None else f"{_turning(verdict, name)}, {near}"
    if reached.shares["open"] > 1.0 - reached.stability - reached.shares["open"]:
        told = share(reached.shares["open"], 0)
        stuck = "; ".join(_stuck(verdict, policy, designs))
        small = f"the effects that the policy asks about are too small to tell even then. {DECIDE}"
        why = stuck or (where if where and name and "." in name else small)
        return f"Even with a hundred times as much of everything, {told} of cases would be a HOLD that waits: {why}."
    if where is None:
        return f"More evidence would not settle it: a hundred times as much leaves it as it is. {DECIDE}."
    reach = share(reached.stability, 0)
    return f"Even with a hundred times as much of everything, a call would be {reach} sure on average: {where}."


def _turning(verdict: Verdict, name: str) -> str:
    """A signal with its effect, or a check of how far raters agree with its number."""
    name, _, check = name.partition(".")
    reading = verdict.readings[name]
    if check:
        whom = "with people" if check == "human_agreement" else "between raters"
        return f"{title(name)}'s agreement {whom}, {number(reading.checks[check].value)}"
    benefit = bounds(reading.low, reading.high, reading.unit)
    return f"{title(name)}, {number(reading.effect, reading.unit, signed=True)} ({benefit})"


def _stuck(verdict: Verdict, policy: Policy, designs: Mapping[str, Design]) -> Iterator[str]:
    """What no amount mends: signals without evidence or an interval, checks that fail whatever is collected."""
    for name, signal in policy.signals.items():
        reading = verdict.readings.get(name)
        design = designs.get(name)
        if reading is None or design is None:
            has = reading is not None and reading.low is not None
            why = reading.why.rstrip(".") if reading else "no evidence for this release"
            yield f"{title(name)}: {'how far chance moves it is not known' if has else why}"
            continue
        for check, threshold in signal.trust.items():
            value = design.checks.get(check)
            passes = value is not None and (value >= threshold if BY_NAME[check].passes == ">=" else value <= threshold)
            if not passes and reading.checks[check].status != "pass":
                yield f"{title(name)}: {reading.checks[check].why.rstrip('.')}"


def only_more_than_that(verdict: Verdict, reached: float) -> str:
    """When a hundred times as much of everything would settle the call, and nothing that can be collected would."""
    if blocked(verdict):
        return holds_on(verdict, "What can be collected in time")
    return (
        f"Nothing that can be collected in time would settle it, though a hundred times as much of everything would "
        f"({share(reached, 0)} on average). {DECIDE}."
    )
