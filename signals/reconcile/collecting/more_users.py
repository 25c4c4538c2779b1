"""More users or responses: what they would make of the interval, and how many days they take."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date, datetime, timedelta

from signals.model import Reading, Signal, Verdict
from signals.policy.amounts import TOO_LONG
from signals.reconcile.collecting.option import Option, fresh, rungs_of, short_of
from signals.stats.power import NORMAL
from signals.words import plural
from signals.workbench.simulation.design import Design, scaled


def more_users(signal: Signal, reading: Reading, design: Design, verdict: Verdict) -> Option | None:
    """Users, responses or clusters of the same kind of people; None when no amount is worth a word."""
    clusters = reading.checks.get("min_clusters")
    clustered = clusters is not None and bool(clusters.value)
    unit = "clusters" if clustered else reading.counted or "units"
    today = 2.0 * (clusters.value or 0.0) if clusters is not None and clustered else float(reading.n)
    rate = reading.rate_per_day if unit == reading.counted else None
    split = verdict.release.split
    arms = 1.0 / (min(split, 1.0 - split) if split else 0.5)
    missing = [arms * short_of(reading, "min_clusters" if clustered else "min_units", "min_responses")]
    if rate:
        missing += [math.ceil(day) * rate for day in (_days_to_whole_weeks(reading, design),) if day > 0.0]
    rungs = rungs_of(verdict, reading, unit, today, *missing)
    if rate:
        rungs = tuple(one for one in rungs if one / rate <= TOO_LONG)
    if isinstance(signal.looks, tuple):
        rungs = tuple(one for one in rungs if _look_after(signal.looks, verdict.as_of, one, rate) is not None)
    if not rungs:
        return None

    def days(amount: int) -> int | None:
        if not rate:
            return None
        needed = math.ceil(amount / rate - 1e-9)
        look = _look_after(signal.looks, verdict.as_of, amount, rate) if isinstance(signal.looks, tuple) else None
        return needed if look is None else max(needed, (look - verdict.as_of.date()).days)

    def grown(amount: int) -> Design:
        times = 1.0 + amount / today
        extra = amount / rate if rate else 0.0
        weeks = design.checks.get("full_weeks")
        if weeks is not None and design.days is not None:
            weeks += math.floor((design.days + extra) / 7.0 + 1e-9) - math.floor(design.days / 7.0 + 1e-9)
        made = fresh(scaled(design, times), full_weeks=weeks)
        return replace(_at_later_look(signal, made, design), days=None if design.days is None else design.days + extra)

    def what(amount: int) -> str:
        needed = days(amount)
        return plural(amount, f"more {unit}") if needed is None else (
            f"{plural(needed, 'more days')} for {plural(amount, unit)}"
        )  # fmt: skip

    thing = "unit" if signal.kind == "experiment" else "response"
    priced = (signal.kind == "experiment" and not clustered) or unit == "responses"
    return Option(signal.name, unit, rungs, grown, what, lambda amount: {thing: amount} if priced else {}, days)


def _days_to_whole_weeks(reading: Reading, design: Design) -> float:
    check = reading.checks.get("full_weeks")
    if check is None or not check.required or check.threshold is None or check.status == "pass" or design.days is None:
        return 0.0
    return 7.0 * math.ceil(check.threshold) - design.days


def _look_after(looks: object, as_of: datetime, amount: float, rate: float | None) -> date | None:
    """The planned look at which so many more will be there; None when there is none."""
    due = as_of.date() + timedelta(days=math.ceil(amount / rate - 1e-9) if rate else 1)
    days = looks if isinstance(looks, tuple) else ()
    return next((look for look in days if look >= due and look > as_of.date()), None)


def _at_later_look(signal: Signal, made: Design, before: Design) -> Design:
    """Of planned looks: O'Brien and Fleming's boundary falls with the root of the information, down to one look's."""
    if before.rule != "planned" or before.once is None:
        return made
    shares = [min(1.0, one.n / signal.planned_units) if signal.planned_units else 1.0 for one in (before, made)]

    def later(once: float | None) -> float | None:
        if once is None:
            return None
        reach = NORMAL.inv_cdf(0.5 + once / 2.0)
        least = NORMAL.inv_cdf(0.5 + signal.confidence / 2.0)
        return 2.0 * NORMAL.cdf(min(reach, max(least, reach * math.sqrt(shares[0] / shares[1])))) - 1.0

    return replace(made, once=later(before.once), once_joint=later(before.once_joint))
