"""Designs without any release: a signal's precision at a planned size, with defaults for what is not given.

What is not given is chosen so that the signal can do its job and no more: the sample, or the spread, is such that an
effect of one margin is found in 80 % of cases. Every such choice is said in ``Design.assumed``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from signals.model import Signal, SignalsError
from signals.policy import Policy
from signals.stats.power import NORMAL
from signals.stats.sequential import multiplier
from signals.words import count
from signals.workbench.simulation.design import (
    UNPAIRED,
    Crossed,
    Design,
    SegmentDesign,
    critical,
    planned_units,
    rule_of,
)
from signals.workbench.simulation.healthy import WEEKS, healthy

Z80 = NORMAL.inv_cdf(0.8)
PER_ARM, MOST_PER_ARM = 10_000, 10**9
ITEMS, PANEL_ITEMS, RATERS = 200, 100, 5
VECTORS = 500
CONVERTS, LIKES, RESPONDS = 0.1, 0.8, 0.05
LEVEL = 1.0
SHARES = (("a", 0.6), ("b", 0.3), ("c", 0.1))
BETWEEN_ITEMS, BETWEEN_RATERS = 0.25, 0.01
"""Of the variance of one rater's difference on one item; the rest is neither the item's nor the rater's."""


@dataclass(frozen=True)
class Plan:
    """What is known of a signal before its release. None: chosen by the defaults of ``planned``.

    Attributes:
        n: Units per arm (users, responses); items for judge and panel. With ``response_rate``: answers shown per arm.
        control: Level of the control arm.
        sd: Of one unit's outcome (mean, ratio), of one item's paired difference (judge), or of one rater's difference
            on one item (panel).
        response_rate: Share of shown answers that people rate.
        raters: Of a panel, each of whom grades every item.
        segments: Per declared dimension: (value, share of the units).
    """

    n: float | None = None
    control: float | None = None
    sd: float | None = None
    response_rate: float | None = None
    raters: int | None = None
    segments: Mapping[str, tuple[tuple[str, float], ...]] = field(default_factory=dict)


def planned(policy: Policy, plans: Mapping[str, Plan] | None = None) -> dict[str, Design]:
    """A design for every signal of the policy.

    Raises:
        SignalsError: For a plan of no signal, or one that cannot be.
    """
    plans = plans or {}
    unknown = [name for name in plans if name not in policy.signals]
    if unknown:
        raise SignalsError(
            f"{', '.join(unknown)} is not a signal of this policy", f"It has {', '.join(policy.signals)}"
        )
    return {name: plan_of(signal, plans.get(name, Plan())) for name, signal in policy.signals.items()}


def plan_of(signal: Signal, plan: Plan) -> Design:
    """The design of one signal.

    Proportions (thumbs too) need a control level (default 10 % of users convert, 80 % of responses are positive) and
    find their sample from the margin; other signals need a spread and find it from the margin at 10,000 units per arm
    (or half of ``planned_units``), 200 golden items, or 100 items graded by 5 raters.

    Raises:
        SignalsError: For sizes, levels or spreads that cannot be.
    """
    _check(signal, plan)
    if signal.kind == "drift":
        made = _distance(signal, plan)
    elif signal.kind == "feedback" or (signal.metric is not None and signal.metric.type == "proportion"):
        made = _proportion(signal, plan)
    elif signal.kind == "panel" and signal.raters == "random":
        made = _panel(signal, plan)
    else:
        made = _mean(signal, plan)
    made = replace(made, checks=healthy(signal, made, plan.raters or RATERS))
    return replace(made, segments=_segments(signal, plan, made))


def _start(signal: Signal, n: float) -> Design:
    live = signal.kind in UNPAIRED
    counted = {"experiment": "users", "feedback": "responses", "drift": "vectors"}.get(signal.kind, "items")
    weeks = max(WEEKS, signal.trust.get("full_weeks", 0.0))
    return Design(
        signal.name, "normal", rule_of(signal), float(n), float(n), None, grows=live, days=7.0 * math.ceil(weeks),
        counted=counted, source="planned", unit=_unit(signal),
    )  # fmt: skip


def _distance(signal: Signal, plan: Plan) -> Design:
    """Area under the curve of two windows of ``n`` vectors each.

    The distance ``d`` of normal clouds is known to ``sqrt(2 / n)``, and the area grows by ``1 / (2 sqrt(pi))`` of it.
    """
    assumed = []
    n = plan.n
    if n is None:
        n = _least(signal, VECTORS, "min_vectors")
        assumed.append(f"{count(n)} vectors per window")
    return replace(_start(signal, n), se=math.sqrt(2.0 / n / (4.0 * math.pi)), assumed=tuple(assumed))


def _unit(signal: Signal) -> str:
    if signal.kind == "drift":
        return "AUC"
    if signal.kind == "feedback" or (signal.margin is not None and signal.margin.text.endswith("pp")):
        return "pp"
    if signal.metric is not None:
        return "pp" if signal.metric.type == "proportion" else signal.metric.name
    return "net preference" if signal.estimate == "superiority" else "points"


def _least(signal: Signal, usual: float, *names: str) -> float:
    """The usual size, or what the policy's checks ask for when that is more."""
    return max([usual, *(signal.trust.get(name, 0.0) for name in names)])


def _proportion(signal: Signal, plan: Plan) -> Design:
    assumed = []
    shown = signal.estimate == "per_impression"
    p = plan.control
    if p is None:
        p = CONVERTS if signal.kind == "experiment" else LIKES * RESPONDS if shown else LIKES
        assumed.append(f"control level {100 * p:g} %")
    n = plan.n
    if n is not None and plan.response_rate is not None and not shown:
        n *= plan.response_rate
    if n is None and signal.kind == "experiment" and signal.planned_units:
        n = signal.planned_units / 2.0
        assumed.append(f"{count(n)} users per arm: half of planned_units")
    if n is None:
        n, why = _enough(signal, p)
        what = "users" if signal.kind == "experiment" else "answers shown" if shown else "responses"
        assumed.append(f"{count(n)} {what} per arm: {why}")
    made = _start(signal, n)
    score = made.rule != "always"
    return replace(
        made, law="proportion", control=p, se=math.sqrt(2.0 * p * (1.0 - p) / n), score=score, assumed=tuple(assumed)
    )


def _enough(signal: Signal, p: float) -> tuple[float, str]:
    """Units per arm at which one margin is found in 80 % of cases."""
    margin = signal.margin.absolute(p) if signal.margin else None
    least = _least(signal, 100.0, "min_units", "min_responses")
    if margin is None:
        return max(float(PER_ARM), least), "there is no margin to plan for"
    # Rates nearer to a half vary more: the side on which one margin is harder to find.
    sides = [one for one in (p - margin, p + margin) if 0.0 < one < 1.0] or [p]
    spread = p * (1.0 - p) + max(one * (1.0 - one) for one in sides)
    n, always = least, rule_of(signal) == "always"
    for _ in range(100):  # the always-valid multiplier moves with the logarithm of n
        units = planned_units(signal)
        reach = multiplier(2.0 * n, signal.confidence, units) if always else critical(signal.confidence)
        n = min(spread * ((reach + Z80) / margin) ** 2, float(MOST_PER_ARM))
    if n < least:
        return least, "the least that its checks ask for"
    step = 10.0 ** max(0, math.floor(math.log10(n)) - 1)
    return math.ceil(n / step) * step, "enough to find one margin in 80 % of cases"


def _mean(signal: Signal, plan: Plan) -> Design:
    """A mean of units, or of paired differences of items."""
    assumed = []
    live = signal.kind == "experiment"
    n = plan.n
    if n is None and live:
        n = signal.planned_units / 2.0 if signal.planned_units else _least(signal, PER_ARM, "min_units", "min_clusters")
        assumed.append(f"{count(n)} users per arm")
    elif n is None:
        usual = PANEL_ITEMS if signal.kind == "panel" else ITEMS
        n = _least(signal, usual, "min_items", "min_overlap", "min_effective_items")
        assumed.append(f"{count(n)} items")
    control = plan.control
    if control is None and signal.margin is not None and signal.margin.relative:
        control = LEVEL
        assumed.append(f"control level {control:g}")
    parts = 2.0 / n if live else 1.0 / n
    df = 2.0 * n - 2.0 if live else n - 1.0
    made = replace(_start(signal, n), control=control, df=df)
    reach = multiplier(2.0 * n, signal.confidence, planned_units(signal)) if made.rule == "always" else (
        critical(signal.confidence, df))  # fmt: skip
    sd = plan.sd
    if sd is None:
        sd, why = _spread(signal, control, (reach + Z80) * math.sqrt(parts))
        assumed.append(f"standard deviation {sd:.3g} {'of users' if live else 'of paired differences'}: {why}")
    se = sd * math.sqrt(parts)
    return replace(made, se=se, control_se=sd / math.sqrt(n) if live else 0.0, assumed=tuple(assumed))


def _spread(signal: Signal, control: float | None, reach: float) -> tuple[float, str]:
    margin = signal.margin.absolute(control) if signal.margin else None
    if margin is None:
        return 1.0, "there is no margin to plan for"
    return margin / reach, "one margin is just found in 80 % of cases"


def _panel(signal: Signal, plan: Plan) -> Design:
    assumed = []
    items, raters = plan.n, plan.raters
    if items is None:
        items = _least(signal, PANEL_ITEMS, "min_items")
        assumed.append(f"{count(items)} items")
    if raters is None:
        raters = math.ceil(_least(signal, RATERS, "min_raters"))
        assumed.append(f"{raters} raters who grade every item")
    control = plan.control
    if control is None and signal.margin is not None and signal.margin.relative:
        control = LEVEL
        assumed.append(f"control level {control:g}")
    one = Crossed(BETWEEN_ITEMS, BETWEEN_RATERS, 1.0 - BETWEEN_ITEMS - BETWEEN_RATERS, raters)
    sd = plan.sd
    if sd is None:
        reach = critical(signal.confidence, _typical_df(one, items)) + Z80
        sd, why = _spread(signal, control, reach * math.sqrt(one.squared(items)))
        assumed.append(f"standard deviation {sd:.3g} of one rater's difference on one item: {why}")
    assumed.append(
        f"{100 * BETWEEN_ITEMS:g} % of that variance between items, {100 * BETWEEN_RATERS:g} % between raters"
    )
    panel = replace(one, item=one.item * sd**2, rater=one.rater * sd**2, residual=one.residual * sd**2)
    made = _start(signal, items)
    return replace(made, law="panel", panel=panel, se=math.sqrt(panel.squared(items)), control=control,
                   bounded=made.unit == "net preference", assumed=tuple(assumed))  # fmt: skip


def _typical_df(one: Crossed, items: float) -> float:
    """Degrees of freedom of a panel whose mean squares are what they are on average (see ``stats.panel``)."""
    raters = one.raters
    free = (items - 1.0, raters - 1.0, (items - 1.0) * (raters - 1.0))

    def doubts(item: float, rater: float) -> tuple[float, float, float]:
        squares = (raters * item + one.residual, items * rater + one.residual, one.residual)
        return squares[0] ** 2 / free[0], squares[1] ** 2 / free[1], squares[2] ** 2 / free[2]

    of_items, of_raters, rest = doubts(one.item, one.rater)
    item = one.item + math.sqrt(2.0 * (of_items + rest)) / raters
    rater = one.rater + math.sqrt(2.0 * (of_raters + rest)) / items
    level = raters * item + items * rater + one.residual
    return max(1.0, level**2 / sum(doubts(item, rater)))


def _segments(signal: Signal, plan: Plan, made: Design) -> tuple[SegmentDesign, ...]:
    """Every declared dimension: as planned, else three segments of 60, 30 and 10 %; alike but for their size."""
    found = []
    for dimension in signal.segments:
        for value, share in plan.segments.get(dimension, SHARES):
            se = None if made.se is None else made.se / math.sqrt(share)
            df = None if made.df is None else max(1.0, made.df * share)
            if made.panel is not None:  # raters are the same in every segment: their part does not grow
                se = math.sqrt(made.panel.squared(made.n * share))
                df = _typical_df(made.panel, max(2.0, made.n * share))
            found.append(
                SegmentDesign(
                    f"{dimension}={value}",
                    share,
                    made.n_control * share,
                    made.n_candidate * share,
                    made.control,
                    se,
                    df,
                )
            )
    return tuple(found)


def _check(signal: Signal, plan: Plan) -> None:
    name = signal.name
    if plan.n is not None and not 2 <= plan.n <= MOST_PER_ARM:
        raise SignalsError(f"{name}: {plan.n:g} is no sample size", f"Give 2 to {MOST_PER_ARM:,}")
    if plan.sd is not None and not 0.0 < plan.sd < math.inf:
        raise SignalsError(f"{name}: a standard deviation is above 0, {plan.sd:g} is not", "Give another --sd")
    if plan.response_rate is not None and not 0.0 < plan.response_rate <= 1.0:
        raise SignalsError(f"{name}: a response rate lies between 0 and 100 %", "Give it like 5%")
    if plan.raters is not None and plan.raters < 2:
        raise SignalsError(f"{name}: a panel has at least 2 raters", "Give more --raters")
    rate = signal.kind == "feedback" or (signal.metric is not None and signal.metric.type == "proportion")
    if plan.control is not None and rate and not 0.0 < plan.control < 1.0:
        raise SignalsError(f"{name}: a control level of {100 * plan.control:g} % cannot be", "Give it like 30%")
    for dimension, parts in plan.segments.items():
        if dimension not in signal.segments:
            known = ", ".join(signal.segments) or "none"
            raise SignalsError(f"{name} declares no segments by {dimension!r}", f"It declares {known}")
        if any(share <= 0.0 for _, share in parts) or abs(sum(share for _, share in parts) - 1.0) > 1e-6:
            raise SignalsError(f"{name}: the shares of {dimension} do not add up to 100 %", "Give all of its segments")
