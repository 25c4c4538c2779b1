"""The next best evidence: the cheapest collection that would settle a HOLD or a shaky call, or why none would.

Levels: a call that fewer than ``SURE`` of the draws make is shaky. A collection settles it when the stability that is
to be expected after it (``prospects``) reaches ``SETTLED``; where it is there already, ``SURE``; and in both cases is
``MATTERS`` higher than today. The expectation counts every future, also those in which the truth turns out to lie where
the policy changes its call; so its level is lower than that of a call as it stands. Never is more evidence proposed
when a hundred times as much of everything would not reach that.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from signals.model import CALLS, Collection, Stability, Verdict
from signals.policy import Policy
from signals.policy.engine import settle
from signals.policy.wording import listed
from signals.reconcile.collecting.joint import together
from signals.reconcile.collecting.option import Option
from signals.reconcile.collecting.options import everything, options
from signals.reconcile.collecting.prospects import Prospect, Prospects
from signals.reconcile.collecting.unsettled import blocked, holds_on, only_more_than_that, stale, where_it_turns
from signals.reconcile.collecting.waiting import LABELS, Label, label_of
from signals.reconcile.draws import Resampling
from signals.words import CALL_WORDS, chance, plural
from signals.workbench.simulation.outcomes import SEED

SURE = 0.95
"""Share of draws that a call needs not to be shaky."""

SETTLED = 0.9
"""Expected stability at which a collection settles the call."""

MATTERS = 0.02
"""Expected change in stability below which a collection is not worth a word."""

WORTH = 0.5
"""Part of the amounts tried that is proposed without settling the call: as a rule up to ten times as much as today."""

MOST_OF_IT = 0.9
"""Of what those amounts could change: the smallest one that does so is proposed."""

TOLD = 0.05
"""Share of cases from which on a call that could come out is named."""

STEP = 4
"""Of the amounts, how far apart are those that are tried first."""


@dataclass(frozen=True)
class Tried:
    """An option at the amount that would be proposed."""

    option: Option
    amount: int
    prospect: Prospect
    settles: bool


def collections(
    given: Resampling, verdict: Verdict, stability: Stability, *, seed: int = SEED
) -> tuple[tuple[Collection, ...], str]:
    """What to collect next, the best first.

    Args:
        given: The evidence made ready to be drawn anew (``draws.resampling``); the ``costs`` of its policy price what
            is proposed.
        verdict: On the same readings, by the same policy.
        stability: Of the call as it stands.
        seed: The same seed gives the same answer.

    Returns:
        Every collection that would settle the call and the best one that would not, by expected change in stability per
        declared cost; those without a price follow, the fewest days first, then the largest change. And why there is
        none although the call is a HOLD or shaky; empty otherwise.
    """
    policy = given.policy
    sure = stability.calls.get(verdict.call, 0.0) >= SURE
    if sure and verdict.call != "hold":
        return (), ""
    if (sure and not _waits(given)) or stale(verdict):
        return (), holds_on(verdict)
    prospects = Prospects(given, seed=seed)
    now = prospects.now
    level = SETTLED if now.stability < SETTLED else SURE
    goal = max(level, min(now.stability + MATTERS, 1.0 - MATTERS))
    possible = {name: tuple(options(policy, verdict, name, design)) for name, design in given.designs.items()}
    found = [one for some in possible.values() for one in _all_tried(prospects, some, goal)]
    settling = sorted((one for one in found if one.settles), key=lambda one: _rank(one, policy, now))
    others = sorted((one for one in found if not one.settles), key=lambda one: _rank(one, policy, now))
    told = [_told(one, policy, verdict, prospects) for one in (*settling, *others[:1])]
    if settling:
        return tuple(told), ""
    most = {name: everything(verdict.readings[name], design) for name, design in given.designs.items()}
    reached = prospects.after(most) if most else now
    if reached.stability < goal:
        return (), where_it_turns(verdict, policy, prospects, most, reached)
    joint = together(
        prospects,
        {name: [one for one in some if one.rungs and not one.last] for name, some in possible.items()},
        goal,
        policy.costs,
    )
    if joint is not None:
        return (*_told_together(joint, policy, now), *told), ""
    if blocked(verdict) or not told:
        return (), only_more_than_that(verdict, reached.stability)
    return tuple(told), ""


def _waits(given: Resampling) -> bool:
    """Whether the HOLD as it stands waits for evidence."""
    return label_of(given.rules, settle(given.rules, given.facts), given.facts, given.policy.signals) == "open"


def _all_tried(prospects: Prospects, some: Sequence[Option], goal: float) -> list[Tried]:
    """What can be collected for one signal; the last resorts only when nothing else of it settles the call."""
    found = [one for option in some if not option.last and (one := _tried(prospects, option, goal)) is not None]
    if any(one.settles for one in found):
        return found
    last = (_tried(prospects, option, goal) for option in some if option.last)
    return [*found, *(one for one in last if one is not None and one.settles)]


def _tried(prospects: Prospects, option: Option, goal: float) -> Tried | None:
    """The smallest amount that settles the call; else the smallest that does most of what the option could do.

    More is not always surer: what ends one doubt may raise another. So amounts are tried from below, one in four, and
    those between the first that is enough and the one tried before it. An option that changes nothing half-way and at
    its end is tried no further.
    """
    before = prospects.now.stability
    seen: dict[int, Prospect] = {}

    def stable(amount: int) -> float:
        if amount not in seen:
            seen[amount] = prospects.after({option.signal: option.design(amount)})
        return seen[amount].stability

    ends = option.rungs[-1:] + option.rungs[len(option.rungs) // 2 :][:1]
    if all(abs(stable(one) - before) < MATTERS / 4.0 for one in ends):
        return None
    amount = _first(option.rungs, lambda one: stable(one) >= goal)
    if amount is not None:
        return Tried(option, amount, seen[amount], True)
    worth = option.rungs[: max(1, round(len(option.rungs) * WORTH))]
    most = max((stable(one) for one in worth if one in seen), default=before)
    if most - before < MATTERS:
        return None
    amount = _first(worth, lambda one: stable(one) >= before + MOST_OF_IT * (most - before))
    return None if amount is None else Tried(option, amount, seen[amount], False)


def _first(rungs: Sequence[int], enough: Callable[[int], bool]) -> int | None:
    """The first of rising amounts that is enough, of one in four and the three below it; None when none of them is."""
    for place in (*range(0, len(rungs) - 1, STEP), len(rungs) - 1)[: len(rungs)]:
        if enough(rungs[place]):
            return next(one for one in rungs[max(0, place - STEP + 1) : place + 1] if enough(one))
    return None


def _rank(one: Tried, policy: Policy, now: Prospect) -> tuple[int, float, float]:
    gain = one.prospect.stability - now.stability
    cost, days = one.option.cost(policy.costs, one.amount), one.option.days(one.amount)
    if cost is not None:
        return 0, -gain / cost if cost else -math.inf, -gain
    return (1, days, -gain) if days is not None else (2, 0.0, -gain)


def _told(one: Tried, policy: Policy, verdict: Verdict, prospects: Prospects) -> Collection:
    option = one.option
    said = [*([f"That holds {option.supposes}"] if option.supposes else []), _which(one.prospect)]
    for need in verdict.needs:
        # Both stand on one page: say what the smaller amount, which answers another question, would do here.
        if need.amount and (need.signal, need.unit) == (option.signal, option.unit) and need.amount < one.amount:
            then = prospects.after({option.signal: option.design(need.amount)}).stability
            said.append(f"With the {plural(need.amount, need.unit)} of the way out, redraws agree in {chance(then)}")
    return _collection(option, one.amount, one.prospect, policy, prospects.now, said, settles=one.settles)


def _told_together(
    joint: tuple[tuple[tuple[Option, int], ...], Prospect], policy: Policy, now: Prospect
) -> list[Collection]:
    """One per signal: each is worth what all are worth together, and little without the others."""
    parts, then = joint
    found = []
    for option, amount in parts:
        others = listed([f"{other.what(more)} for {other.signal}" for other, more in parts if other is not option])
        supposed = " and ".join(dict.fromkeys(one.supposes for one, _ in parts if one.supposes))
        said = [f"Only together with {others}", *([f"That holds {supposed}"] if supposed else []), _which(then)]
        found.append(_collection(option, amount, then, policy, now, said, settles=True))
    return found


def _which(then: Prospect) -> str:
    """What the call would be: enough evidence makes it sure, whichever it is; which, the truth decides."""
    told = sorted((label for label in LABELS if then.shares[label] >= TOLD), key=lambda one: -then.shares[one])
    hold = "a settled HOLD" if "open" in told else CALL_WORDS["hold"]
    named: dict[Label, str] = {"open": "a HOLD that still waits", "hold": hold}
    named |= {call: CALL_WORDS[call] for call in CALLS if call != "hold"}
    calls = [f"{named[one]} in {chance(then.shares[one])}" for one in told]
    if len(calls) == 1:
        return f"The call would be {calls[0]} of cases"
    return f"Which call it would be is open until then: {listed(calls)} of cases"


def _collection(
    option: Option, amount: int, then: Prospect, policy: Policy, now: Prospect, said: Sequence[str], *, settles: bool
) -> Collection:
    cost = option.cost(policy.costs, amount)
    return Collection(
        signal=option.signal,
        what=option.what(amount),
        amount=amount,
        unit=option.unit,
        days=option.days(amount),
        cost=cost,
        currency=policy.costs.currency if policy.costs is not None and cost is not None else "",
        before=now.stability,
        after=then.stability,
        settles=settles,
        why=". ".join(said),
    )
