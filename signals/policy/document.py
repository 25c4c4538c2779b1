"""A verdict as plain data, the object that ``signals verdict --json`` prints, and a policy in words."""

from __future__ import annotations

import math
from typing import Any

from signals.model import Explanation, Interval, Reading, RuleOutcome, SegmentReading, Verdict, plain, utc
from signals.policy.rules import Policy, Rules


def verdict_json(verdict: Verdict, explanation: Explanation | None = None) -> dict[str, Any]:
    """The verdict in the shape of the public contract: same verdict, same text.

    Fractions stay fractions, numbers are not rounded, and what is not a finite number is null. With an explanation it
    also says what would flip the call, how stable it is, why signals disagree, and what would settle it.
    """
    found: dict[str, Any] = {
        "release": verdict.release.id,
        "call": verdict.call,
        "reason": verdict.reason,
        "decided_by": verdict.decided_by,
        "rule": verdict.rule,
        "because": verdict.because,
        "sentence": verdict.sentence,
        "readings": {name: _reading(reading) for name, reading in verdict.readings.items()},
        "trace": plain(verdict.trace),
        "overruled": list(verdict.overruled),
        "guardrails": [_rule(rule) for rule in verdict.guardrails],
        "ship_requires": [_rule(rule) for rule in verdict.ship_requires],
        "overrides": [_rule(rule) for rule in verdict.overrides],
        "needs": plain(verdict.needs),
        "policy": {"name": verdict.policy_name, "hash": verdict.policy_hash},
        "evidence": {"hash": verdict.evidence_hash, "units": _units(verdict)},
        "synthetic": verdict.release.synthetic,
        "as_of": utc(verdict.as_of),
    }
    if explanation is not None:
        found |= explanation_json(explanation)
    finite: dict[str, Any] = _finite(found)
    return finite


def explanation_json(explanation: Explanation) -> dict[str, Any]:
    """What stands beside a verdict, as plain data; ``stability`` gives the share of draws by call."""
    sure = explanation.stability
    return {
        "flips": plain(explanation.flips),
        "stability": dict(sure.calls) if sure else None,
        "resampled": {"draws": sure.draws, "fixed": list(sure.fixed), "correlated": plain(sure.correlated)}
        if sure
        else None,
        "reconciliation": plain(explanation.reconciliation),
        "next_evidence": plain(explanation.collections),
        "unsettled": explanation.unsettled,
        "notes": list(explanation.notes),
    }


def _reading(reading: Reading) -> dict[str, Any]:
    return {
        "kind": reading.kind,
        "question": reading.question,
        "state": reading.state,
        "why": reading.why,
        "effect": reading.effect,
        "low": reading.low,
        "high": reading.high,
        "unit": reading.unit,
        "better": reading.better,
        "margin": reading.margin,
        "confidence": reading.confidence,
        "method": reading.method,
        "n_control": reading.n_control,
        "n_candidate": reading.n_candidate,
        "counted": reading.counted,
        "benefit": plain(reading.benefit),
        "non_inferior": reading.non_inferior,
        "equivalent": reading.equivalent,
        "material": reading.material,
        "p_value": reading.p_value,
        "power": reading.power,
        "mde": reading.mde,
        "age": reading.age,
        "voting": reading.voting,
        "estimates": plain(reading.estimates),
        "checks": {
            name: {
                "status": check.status,
                "value": check.value,
                "threshold": check.threshold,
                "why": check.why,
                "detail": check.detail,
                "sort": check.sort,
                "required": check.required,
            }
            for name, check in reading.checks.items()
        },
        "segments": [_segment(segment) for segment in reading.segments],
        "set_aside": plain(reading.set_aside),
        "sources": [source.name for source in reading.sources],
        "warnings": list(reading.warnings),
        "rate_per_day": reading.rate_per_day,
        "owner": reading.owner,
        "as_of": utc(reading.as_of) if reading.as_of else None,
    }


def _segment(segment: SegmentReading) -> dict[str, Any]:
    return {
        "name": segment.name,
        "share": segment.share,
        "effect": segment.effect,
        "low": segment.low,
        "high": segment.high,
        "benefit": plain(segment.benefit),
        "adjusted": _bounds(segment.adjusted),
        "margin": segment.margin,
        "refused": segment.refused,
        "shrunk": plain(segment.shrunk),
    }


def _units(verdict: Verdict) -> dict[str, int]:
    """What each source counts of the release's evidence: later it tells where more came in."""
    notes = {note.name: note.units for reading in verdict.readings.values() for note in reading.sources}
    return {name: units for name, units in sorted(notes.items()) if units is not None}


def _bounds(interval: Interval) -> dict[str, float | None]:
    return {"low": interval.low, "high": interval.high}


def _rule(rule: RuleOutcome) -> dict[str, Any]:
    found: dict[str, Any] = plain(rule)
    return found


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, list) else value


# --- a policy in words ----------------------------------------------------------------------------------------------


def describe(policy: Policy) -> str:
    """The policy read aloud, a line per signal and rule."""
    lines = [f"{policy.name}, owned by {policy.owner or 'nobody'}, {policy.hash[:19]}", "", "Signals"]
    for signal in policy.signals.values():
        margin = f", margin {signal.margin.text}" if signal.margin else ", no margin"
        trust = f"; trusted on {', '.join(signal.trust)}" if signal.trust else ""
        against = f"; held against {signal.against}" if signal.against else ""
        lines.append(f"  {signal.name}: {signal.kind}, {signal.better} is better{margin}{trust}{against}")
        if signal.question:
            lines.append(f"      {signal.question}")
    lines += ["", *_rules(policy.rules)]
    for kind, rules in policy.kinds.items():
        lines += ["", f"For releases of kind {kind}", *("  " + line for line in _rules(rules))]
    if policy.costs is not None:
        lines += ["", f"What more evidence costs, in {policy.costs.currency}"]
        for name, prices in policy.costs.prices.items():
            told = ", ".join(f"{thing.replace('_', ' ')} {price:g}" for thing, price in prices.items())
            lines.append(f"  {name}: {told or 'no price'}")
    return "\n".join(lines)


def _rules(rules: Rules) -> list[str]:
    lines = [f"Always {rule.call} when {rule.when.text} ({rule.id})" for rule in rules.guardrails]
    for number, row in enumerate(rules.hierarchy, 1):
        when = f", when {row.when.text}" if row.when else ""
        answers = ", ".join(f"{state}: {call}" for state, call in row.calls.items()) or "never answers"
        lines.append(f"{number}. {row.signal}{when}: {answers}")
    return [
        *lines,
        f"Otherwise {rules.otherwise}",
        *(f"{rule.put} goes above {rule.above} when {rule.when.text} ({rule.id})" for rule in rules.overrides),
        *(f"A ship requires {rule.that.text}" for rule in rules.ship_requires),
    ]
