"""Collections for several signals at once, where none of them settles the call by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from signals.policy.costs import Costs
from signals.reconcile.collecting.option import TIMES, Option
from signals.reconcile.collecting.prospects import Prospect, Prospects

Plan = dict[str, tuple[Option, int]]
"""By signal: what to collect, and the place of the amount among its rungs."""


def together(
    prospects: Prospects, found: Mapping[str, Sequence[Option]], goal: float, costs: Costs | None
) -> tuple[tuple[tuple[Option, int], ...], Prospect] | None:
    """The least that settles the call together.

    One option per signal, the cheapest of it; all grow by the same factor until the call is settled; then each is left
    out, the dearest first, or taken back as far as the call stays settled.

    Returns:
        Options with their amounts, and what is to be expected; None when even the most of all does not settle it.
    """
    chosen = {name: min(some, key=lambda one: _effort(one, costs)) for name, some in found.items() if some}
    if len(chosen) < 2:
        return None

    def grown(step: int) -> Plan:
        share = (step + 1) / len(TIMES)
        return {name: (one, max(0, round(share * len(one.rungs)) - 1)) for name, one in chosen.items()}

    def expected(plan: Plan) -> Prospect:
        return prospects.after({name: one.design(one.rungs[rung]) for name, (one, rung) in plan.items()})

    low, high = 0, len(TIMES) - 1
    if expected(grown(high)).stability < goal:
        return None
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if expected(grown(middle)).stability >= goal else (middle + 1, high)
    plan = grown(high)
    for name in sorted(plan, key=lambda name: _effort(plan[name][0], costs), reverse=True):
        less = {other: part for other, part in plan.items() if other != name}
        if len(less) > 1 and expected(less).stability >= goal:
            plan = less
    for name in sorted(plan, key=lambda name: _effort(plan[name][0], costs), reverse=True):
        plan = _taken_back(plan, name, lambda one: expected(one).stability >= goal)
    return tuple((one, one.rungs[rung]) for one, rung in plan.values()), expected(plan)


def _taken_back(plan: Plan, name: str, settles: Callable[[Plan], bool]) -> Plan:
    """The plan with the least amount of one signal at which it still settles the call."""
    option, rung = plan[name]
    low, high = 0, rung
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if settles({**plan, name: (option, middle)}) else (middle + 1, high)
    return {**plan, name: (option, high)}


def _effort(option: Option, costs: Costs | None) -> tuple[int, float]:
    """What twice the evidence takes: its cost, else its days; what has neither comes last."""
    middle = option.rungs[len(option.rungs) // 4]
    cost, days = option.cost(costs, middle), option.days(middle)
    if cost is not None:
        return 0, cost
    return (1, float(days)) if days is not None else (2, 0.0)
