"""One signal's evidence -> its side of a pair, whatever its kind."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from signals.model import Evidence, Numbers, Signal, SignalKind
from signals.reconcile.sides.base import Mix, Other, Side
from signals.stats.difference import RefusedError

NO_MIX = (
    "{signal} does not say whom it speaks for",
    "map the same `segment.*` columns in its source, or declare a source of shape traffic_mix",
)

KEEPS = ("{signal} is weighted to its people instead", "")

NEARNESS: Mapping[SignalKind, int] = {"drift": 0, "judge": 0, "panel": 1, "feedback": 2, "experiment": 3}
"""How near those whom a signal speaks for are to all users: chosen items, rated items, people who answer, users."""


def side_of(signal: Signal, evidence: Evidence, numbers: Numbers, other: Other) -> Side:
    """The number that votes under every combination of the corrections that its evidence allows.

    Raises:
        RefusedError: When the number that votes has no effect or no interval, or the kind has no side.
    """
    if signal.kind == "judge":
        from signals.reconcile.sides.judge import judge_side

        return judge_side(signal, evidence, numbers, other)
    if signal.kind == "panel":
        from signals.reconcile.sides.panel import panel_side

        return panel_side(signal, evidence, numbers, other)
    if signal.kind == "experiment":
        from signals.reconcile.sides.experiment import experiment_side

        return experiment_side(signal, evidence, numbers, other)
    if signal.kind == "feedback":
        from signals.reconcile.sides.feedback import feedback_side

        return feedback_side(signal, evidence, numbers, other)
    raise RefusedError(f"{signal.name}: a signal of kind {signal.kind} has no effect to explain")


def other_of(
    signal: Signal,
    evidence: Evidence,
    corrected: Evidence,
    toward: float,
    kind: SignalKind | None = None,
    *,
    people_fixed: bool = False,
) -> Other:
    """What the signal on the opposite side of a pair must know of this one.

    Args:
        signal: This one.
        evidence: Its own.
        corrected: That of the signal on the opposite side, which may hold the declared traffic mix.
        toward: +1 when the effect on the opposite side would have to be higher for the two to agree, -1 lower.
        kind: Of the signal on the opposite side. The two of a pair must be compared on the same people: the one whose
            people are nearer to all users keeps its own, and only the other is weighted; two of a kind are both
            weighted to the declared traffic, as is what is held against a signal that does not know its users. A
            panel speaks for the items that it rated and nobody else.
        people_fixed: Whether the word of those who grade a judge's items is the rule.
    """
    keeps = kind is not None and NEARNESS[kind] > NEARNESS[signal.kind]
    mix = None if keeps or kind == signal.kind else _mix(signal, evidence)
    if mix is None and not keeps and (signal.kind != "panel" or kind == "panel"):
        from signals.reconcile.sides.judge import traffic_mix

        mix = traffic_mix(corrected) or traffic_mix(evidence)
    why, remedy = KEEPS if keeps else NO_MIX
    experiment = signal.kind == "experiment"
    days: frozenset[date] = frozenset()
    if signal.kind in ("experiment", "feedback"):
        from signals.reconcile.sides.cells import days_of

        days = days_of(signal, evidence)
    return Other(
        signal.name,
        signal.kind,
        mix,
        ("", "") if mix is not None else (why.format(signal=signal.name), remedy),
        days,
        experiment and signal.metric is not None and signal.metric.type in ("mean", "ratio"),
        toward,
        people_fixed,
    )


def _mix(signal: Signal, evidence: Evidence) -> Mix | None:
    if signal.kind == "experiment":
        from signals.reconcile.sides.experiment import experiment_mix

        return experiment_mix(signal, evidence)
    if signal.kind == "feedback":
        from signals.reconcile.sides.feedback import feedback_mix

        return feedback_mix(signal, evidence)
    if signal.kind == "panel":
        from signals.reconcile.sides.panel import panel_mix

        return panel_mix(signal, evidence)
    return None
