"""One release -> verdict: the engine's outcome, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from signals.model import Call, Need, Reading, Release, Role, RuleOutcome, Signal, TraceRow, Verdict
from signals.policy.case import Case
from signals.policy.conditions import Condition
from signals.policy.engine import Outcome, Walked, settle
from signals.policy.facts import Facts, extract, family
from signals.policy.needs import ways_out
from signals.policy.rules import Guardrail, Policy, Requirement, Rules
from signals.policy.sentence import sentence
from signals.policy.trace import Explained, show


def decide(
    policy: Policy, release: Release, readings: Mapping[str, Reading], as_of: datetime, evidence_hash: str
) -> Verdict:
    """The verdict on one release: the same arguments give the same verdict.

    Args:
        policy: As loaded.
        release: What is under review; its kind picks the rules.
        readings: By signal name. A declared signal without one is ``missing``.
        as_of: The moment to judge at (timezone-aware).
        evidence_hash: Identity of the evidence behind the readings, kept in the verdict.
    """
    rules = policy.for_kind(release.kind)
    facts = extract(policy.signals, readings, release, as_of)
    outcome = settle(rules, facts)
    guardrails = tuple(
        _outcome(rule.id, rule.rule, rule.when, rule.call, rule.because, facts, policy.signals)
        for rule in rules.guardrails
    )
    requires = tuple(
        _outcome(rule.id, rule.rule, rule.that, None, rule.because, facts, policy.signals)
        for rule in rules.ship_requires
    )
    overrides = tuple(
        _outcome(rule.id, rule.rule, rule.when, None, rule.because, facts, policy.signals) for rule in rules.overrides
    )
    needs: tuple[Need, ...] = ()
    case = Case(policy, rules, release, readings, as_of, facts, outcome, guardrails, requires)
    if outcome.call == "hold":
        needs = ways_out(case)
    return Verdict(
        release=release,
        call=outcome.call,
        reason=outcome.reason,
        decided_by=outcome.decided_by,
        rule=outcome.rule,
        because=_because(rules, outcome),
        sentence=sentence(case, needs),
        readings=readings,
        trace=tuple(_trace(walked, role, case) for walked, role in zip(outcome.rows, outcome.roles, strict=True)),
        overruled=outcome.overruled,
        guardrails=guardrails,
        ship_requires=requires,
        overrides=overrides,
        needs=needs,
        policy_name=policy.name,
        policy_hash=policy.hash,
        evidence_hash=evidence_hash,
        as_of=as_of,
    )


def _outcome(
    name: str,
    rule: str,
    condition: Condition,
    call: Call | None,
    because: str,
    facts: Facts,
    signals: Mapping[str, Signal],
) -> RuleOutcome:
    found: Explained = condition.explain(facts)
    return RuleOutcome(
        name, rule, condition.text, found.holds, call, because, _told(found, facts, signals), found.unknown
    )


def _told(found: Explained, facts: Facts, signals: Mapping[str, Signal]) -> str:
    """The comparisons; where non-inferiority or equivalence fails, the numbers that it fails by."""
    text = str(found)
    for seen in found.seen:
        name, _, fact = seen.fact.partition(".")
        low, margin = facts.get(f"{name}.benefit.low"), facts.get(f"{name}.margin")
        high = facts.get(f"{name}.benefit.high")
        if fact not in ("non_inferior", "equivalent") or seen.result is not False or found.holds is None:
            continue
        if isinstance(low, float) and isinstance(high, float) and isinstance(margin, (int, float)):
            spec = replace(seen.spec, type="effect", family=family(signals[name]))
            bounds = [("lower", low)] if low <= -margin else []
            bounds += [("upper", high)] if fact == "equivalent" and high >= margin else []
            told = ", ".join(f"{side} bound {show(bound, spec)}" for side, bound in bounds)
            text += f" ({told}, margin {show(margin, spec)})" if told else " (not ripe)"
    return text


def _because(rules: Rules, outcome: Outcome) -> str:
    """The policy's own reason for the rule that decided, if it gives one."""
    asked: tuple[Guardrail | Requirement, ...] = (*rules.guardrails, *rules.ship_requires)
    for rule in asked:
        if rule.rule == outcome.rule:
            return rule.because
    moved_by = next((walked.moved_by for walked in outcome.rows if walked.row.rule == outcome.rule), None)
    return next((override.because for override in rules.overrides if override.id == moved_by), "")


def _trace(walked: Walked, role: Role, case: Case) -> TraceRow:
    return TraceRow(
        walked.row.rule, walked.row.signal, walked.state, walked.says, role, _why(walked, role, case), walked.moved_by
    )


def _why(walked: Walked, role: Role, case: Case) -> str:
    if role == "silenced" and walked.row.when is not None:
        would = f"; it would have said {walked.answer}" if walked.answer else ""
        return f"silenced: {walked.row.when.explain(case.facts)}{would}"
    if role == "silent":
        reading = case.readings.get(walked.row.signal)
        return reading.why if reading else "no evidence for this release"
    moved = f"moved up by {walked.moved_by}; " if walked.moved_by else ""
    if role == "decides":
        return f"{moved}{walked.state} says {walked.says}: the first row that answers"
    if role == "agrees":
        return f"{moved}{walked.state} says {walked.says} too"
    who = case.outcome.decided_by or "no row"
    return f"{moved}{walked.state} says {walked.says}; {who} decides"
