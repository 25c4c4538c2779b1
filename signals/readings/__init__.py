"""Evidence in, a reading out, in two steps.

``measure`` computes the numbers of one signal for one release: heavy, done once per change of evidence. ``read`` turns
stored numbers into state and checks under the policy's margins and thresholds: microseconds, standard library only.
"""

from __future__ import annotations

from dataclasses import replace

from signals.model import Estimate, Evidence, Numbers, Signal, SignalsError
from signals.readings.state import read
from signals.words import true_minus

__all__ = ["measure", "read"]


def measure(signal: Signal, evidence: Evidence) -> Numbers:
    """All numbers of a reading: estimates with intervals, measured checks, segments, provenance.

    Evidence that does not allow an honest interval gives an estimate with ``refused``, not an error.

    Raises:
        SignalsError: When the signal asks for what this version does not compute at all.
    """
    if evidence.release.other_controls:
        from signals.readings import versus

        found = versus.measure(signal, evidence, _whole)
    else:
        found = _whole(signal, evidence)
    return replace(
        found,
        estimates={name: _spelled(one) for name, one in found.estimates.items()},
        measures=tuple(replace(one, why=true_minus(one.why)) for one in found.measures),
    )


def _spelled(one: Estimate) -> Estimate:
    return replace(one, method=true_minus(one.method), warnings=tuple(map(true_minus, one.warnings)))


def _whole(signal: Signal, evidence: Evidence) -> Numbers:
    """Against one control; with the segments of which nothing is left to measure."""
    found = _numbers(signal, evidence)
    if signal.segments and signal.kind in ("judge", "panel"):
        from signals.readings.vanished import with_vanished

        return with_vanished(signal, evidence, found)
    return found


def _numbers(signal: Signal, evidence: Evidence) -> Numbers:
    if signal.kind == "experiment":
        from signals.readings import experiment

        return experiment.measure(signal, evidence)
    if signal.kind == "judge":
        from signals.readings import judge

        return judge.measure(signal, evidence)
    if signal.kind == "panel":
        from signals.readings import panel

        return panel.measure(signal, evidence)
    if signal.kind == "feedback":
        from signals.readings import feedback

        return feedback.measure(signal, evidence)
    if signal.kind == "drift":
        from signals.readings import drift

        return drift.measure(signal, evidence)
    raise SignalsError(
        f"signal {signal.name!r}: no reading of kind {signal.kind!r} is computed by this version",
        "Use judge, panel, experiment, feedback or drift",
    )
