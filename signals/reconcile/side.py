"""One signal's evidence -> its side of a pair, whatever its kind."""

from __future__ import annotations

from datetime import date

from signals.model import Evidence, Numbers, Signal
from signals.reconcile.sides import Mix, Other, Side
from signals.stats.difference import RefusedError

NO_MIX = (
    "{signal} does not say whom it speaks for",
    "map the same `segment.*` columns in its source, or declare a source of shape traffic_mix",
)


def side_of(signal: Signal, evidence: Evidence, numbers: Numbers, other: Other) -> Side:
    """The number that votes under every combination of the corrections that its evidence allows.

    Raises:
        RefusedError: When the number that votes has no effect or no interval, or the kind has no side.
    """
    if signal.kind == "judge":
        from signals.reconcile.judge_side import judge_side

        return judge_side(signal, evidence, numbers, other)
    if signal.kind == "panel":
        from signals.reconcile.panel_side import panel_side

        return panel_side(signal, evidence, numbers, other)
    if signal.kind == "experiment":
        from signals.reconcile.experiment_side import experiment_side

        return experiment_side(signal, evidence, numbers, other)
    if signal.kind == "feedback":
        from signals.reconcile.feedback_side import feedback_side

        return feedback_side(signal, evidence, numbers, other)
    raise RefusedError(f"{signal.name}: a signal of kind {signal.kind} has no effect to explain")


def other_of(signal: Signal, evidence: Evidence, corrected: Evidence, toward: float) -> Other:
    """What the signal on the opposite side of a pair must know of this one.

    Args:
        signal: This one.
        evidence: Its own.
        corrected: That of the signal on the opposite side, which may hold the declared traffic mix.
        toward: +1 when the effect on the opposite side would have to be higher for the two to agree, -1 lower.
    """
    mix = _mix(signal, evidence)
    if mix is None:
        from signals.reconcile.judge_side import traffic_mix

        mix = traffic_mix(corrected) or traffic_mix(evidence)
    why, remedy = NO_MIX
    experiment = signal.kind == "experiment"
    days: frozenset[date] = frozenset()
    if signal.kind in ("experiment", "feedback"):
        from signals.reconcile.cells import days_of

        days = days_of(signal, evidence)
    return Other(
        signal.name,
        signal.kind,
        mix,
        ("", "") if mix is not None else (why.format(signal=signal.name), remedy),
        days,
        experiment and signal.metric is not None and signal.metric.type in ("mean", "ratio"),
        toward,
    )


def _mix(signal: Signal, evidence: Evidence) -> Mix | None:
    if signal.kind == "experiment":
        from signals.reconcile.experiment_side import experiment_mix

        return experiment_mix(signal, evidence)
    if signal.kind == "feedback":
        from signals.reconcile.feedback_side import feedback_mix

        return feedback_mix(signal, evidence)
    if signal.kind == "panel":
        from signals.reconcile.panel_side import panel_mix

        return panel_mix(signal, evidence)
    return None
