"""More for a judge: golden items, people's labels on them, raters, a sample of traffic."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

from signals.checks import BY_NAME
from signals.model import Reading, Release, Signal, Verdict
from signals.policy import Policy
from signals.policy.amounts import LABELS
from signals.policy.corrected import CorrectedError, corrected_error
from signals.reconcile.collecting.option import Option, daily, fresh, rungs_of, short_of
from signals.words import count, plural
from signals.workbench.simulation.design import Design, scaled
from signals.workbench.simulation.simulate import conditions_of

BY_LABELS = ("human_agreement", "min_overlap", "judge_bias_p", "label_balance_p")
BY_TRAFFIC = ("coverage", "min_effective_items")
"""Checks of a judge that need people's grades, or a sample of traffic."""


def more_golden(signal: Signal, reading: Reading, design: Design, verdict: Verdict) -> Iterator[Option]:
    """Golden items; for a judge that votes corrected also people's labels on them, and raters."""
    today = float(reading.n)
    parts = corrected_error(reading) if reading.voting == "corrected" else None
    rungs = rungs_of(verdict, reading, "items", today, short_of(reading, "min_items", "min_effective_items"))
    overlap = design.checks.get("min_overlap")
    if parts is None:
        # Nobody grades the new items: what people have graded stays as it is.
        yield Option(
            signal.name, "items", rungs,
            lambda amount: fresh(scaled(design, 1.0 + amount / today), min_overlap=overlap),
            lambda amount: plural(amount, "more golden items"), lambda amount: {"item": amount}, daily(reading),
        )  # fmt: skip
        return
    share = parts.labels / parts.items
    yield Option(
        signal.name, "items", rungs, lambda amount: fresh(scaled(design, 1.0 + amount / today)),
        lambda amount: f"{plural(amount, 'more golden items')}, {count(share * amount)} of them graded by people",
        lambda amount: {"item": amount, "label": share * amount}, daily(reading),
    )  # fmt: skip
    if parts.labels < parts.items:
        yield _labels(signal, reading, design, verdict, parts)
    if parts.own > 0.0 and parts.raters:
        yield _raters(signal, reading, design, verdict, parts, parts.raters)


def _labels(signal: Signal, reading: Reading, design: Design, verdict: Verdict, parts: CorrectedError) -> Option:
    """People grade more of the items that the judge has scored."""
    missing = short_of(reading, "min_overlap")
    room = parts.items - parts.labels
    rungs = rungs_of(verdict, reading, LABELS, parts.labels, missing, room)

    def graded(amount: int) -> Design:
        labels = parts.labels + amount
        df = None if design.df is None else design.df * labels / parts.labels
        se = math.sqrt(parts.squared(labels, parts.items))
        return fresh(replace(design, se=se, df=df), min_overlap=labels)

    return Option(
        signal.name, LABELS, tuple(one for one in rungs if one <= room), graded,
        lambda amount: f"{plural(amount, f'more {LABELS}')} under both variants", lambda amount: {"label": amount},
    )  # fmt: skip


def _raters(
    signal: Signal, reading: Reading, design: Design, verdict: Verdict, parts: CorrectedError, raters: float
) -> Option:
    """More people grade the same items."""

    def asked(amount: int) -> Design:
        squared = parts.squared(parts.labels, parts.items, raters + amount)
        return fresh(replace(design, se=math.sqrt(squared), floor=design.floor * raters / (raters + amount)))

    return Option(
        signal.name, "raters", rungs_of(verdict, reading, "raters", raters), asked,
        lambda amount: f"{plural(amount, 'more raters')} to grade the items that people have graded",
        lambda amount: {"rater": amount},
    )  # fmt: skip


def more_agreement(policy: Policy, reading: Reading, design: Design, verdict: Verdict) -> Iterator[Option]:
    """People grade more of the items of a judge that they do not correct: how far they agree is then known better.

    First those that the judge has scored; beyond them new ones, which it scores too.
    """
    asked = _asked(policy, verdict.release, reading.signal) & {"human_agreement", "min_overlap"}
    overlap, agreement = design.checks.get("min_overlap"), reading.checks.get("human_agreement")
    if not asked or not overlap or agreement is None or agreement.value is None:
        return
    if reading.voting == "corrected" and corrected_error(reading) is not None:
        return  # ``more_golden`` asks for the labels of one that they correct

    def new(amount: int) -> float:
        return max(0.0, amount - (reading.n - overlap))

    def what(amount: int) -> str:
        some = f", {count(new(amount))} of them new" if new(amount) else ""
        return f"{plural(amount, f'more {LABELS}')} under both variants{some}"

    yield Option(
        reading.signal, LABELS, rungs_of(verdict, reading, LABELS, overlap, short_of(reading, "min_overlap")),
        lambda amount: fresh(scaled(design, 1.0 + new(amount) / reading.n), min_overlap=overlap + amount),
        what, lambda amount: {"label": amount, **({"item": new(amount)} if new(amount) else {})},
    )  # fmt: skip


def not_known(policy: Policy, release: Release, reading: Reading, design: Design) -> Iterator[Option]:
    """Facts that do not exist and that the policy asks for: what allows them, supposing that they then pass."""
    asked = _asked(policy, release, reading.signal)
    unknown = [name for name in asked if name in reading.checks and reading.checks[name].value is None]
    by_people = [name for name in BY_LABELS if name in unknown]
    least = reading.checks["min_overlap"].threshold if "min_overlap" in reading.checks else None
    needed = least or BY_NAME["min_overlap"].default or 0.0
    overlap = design.checks.get("min_overlap") or 0.0
    amount = math.ceil(needed - overlap)
    if by_people and amount > 0 and reading.n >= needed:
        passing = {name: needed if name == "min_overlap" else 1.0 for name in by_people}
        yield Option(
            reading.signal, LABELS, (amount,), lambda _: fresh(design, **passing),
            lambda amount: f"{plural(amount, f'more {LABELS}')} under both variants", lambda amount: {"label": amount},
            supposes="if people agree with the judge",
        )  # fmt: skip
    by_traffic = [name for name in BY_TRAFFIC if name in unknown]
    if by_traffic:
        reached = {name: reading.n if name == "min_effective_items" else 1.0 for name in by_traffic}
        yield Option(
            reading.signal, "traffic samples", (1,), lambda _: fresh(design, **reached),
            lambda _: "a sample of traffic that tells its segments' shares", lambda amount: {"traffic_sample": amount},
            supposes="if the golden set covers it",
        )  # fmt: skip


def _asked(policy: Policy, release: Release, name: str) -> set[str]:
    """Checks of a signal that its trust or a condition asks for."""
    facts = {fact for one in conditions_of(policy.for_kind(release.kind)) for fact in one.facts}
    return {*policy.signals[name].trust, *(fact.partition(".")[2] for fact in facts if fact.startswith(f"{name}."))}
