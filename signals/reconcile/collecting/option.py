"""One thing that could be collected: the amounts worth trying, and what the signal's precision would then be."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from signals.model import Reading, Verdict
from signals.policy.amounts import sensible
from signals.policy.costs import Costs
from signals.workbench.simulation.design import Design

MOST = 100.0
"""How many times the evidence of today is the most that is proposed."""

TIMES = tuple(MOST ** (step / 20.0) for step in range(1, 21))
"""Sizes that are tried, as multiples of today's: ten per power of ten."""


@dataclass(frozen=True)
class Option:
    """One thing that could be collected.

    Attributes:
        signal: For which signal.
        unit: Of the amount.
        rungs: Amounts worth trying, rising.
        design: The precision at an amount.
        what: The amount in words.
        bill: How many of what the policy prices: ``{"item": 200, "label": 80}``; empty when it has no price.
        days: At the current rate.
        supposes: What is taken for granted, as it cannot be known before; empty when nothing is.
        last: Tried only when nothing else that could be collected for the signal settles the call.
    """

    signal: str
    unit: str
    rungs: tuple[int, ...]
    design: Callable[[int], Design]
    what: Callable[[int], str]
    bill: Callable[[int], Mapping[str, float]] = lambda _: {}
    days: Callable[[int], int | None] = lambda _: None
    supposes: str = ""
    last: bool = False

    def cost(self, costs: Costs | None, amount: int) -> float | None:
        """As the policy prices it; None when a price that it needs is not declared."""
        total, bill = 0.0, self.bill(amount)
        for thing, number in bill.items():
            price = costs.price(self.signal, thing) if costs else None
            if price is None:
                return None
            total += price * number
        return total if bill else None


def fresh(design: Design, **checks: float | None) -> Design:
    """With evidence that has just come in: its age is none."""
    aged = {"max_age": 0.0} if design.checks.get("max_age") is not None else {}
    return replace(design, checks={**design.checks, **aged, **checks})


def rungs_of(verdict: Verdict, reading: Reading, unit: str, today: float, *more: float) -> tuple[int, ...]:
    """Multiples of today's amount, what checks lack (``more``), and what the ways out name within a hundredfold."""
    named = [need.amount for need in verdict.needs if need.signal == reading.signal and need.unit == unit]
    tried = [sensible(today * (times - 1.0)) for times in TIMES]
    asked = [math.ceil(one - 1e-9) for one in more if one > 0]
    return tuple(sorted({*tried, *asked, *(one for one in named if one and one <= tried[-1])}))


def short_of(reading: Reading, *names: str) -> float:
    """How much is missing to the counts that the policy asks for."""
    gaps = [0.0]
    for name in names:
        check = reading.checks.get(name)
        if check is not None and check.required and check.value is not None and check.threshold is not None:
            gaps.append(check.threshold - check.value)
    return max(gaps)


def daily(reading: Reading) -> Callable[[int], int | None]:
    """Days that an amount takes at the reading's rate; None when there is none."""
    rate = reading.rate_per_day
    return lambda amount: math.ceil(amount / rate - 1e-9) if rate else None
