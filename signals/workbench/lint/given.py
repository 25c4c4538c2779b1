"""What can be seen without looking at situations: dates, signals nobody asks, margins, thresholds, missing tests."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Literal, cast

from signals.checks import BY_NAME
from signals.policy.compiled import OPS
from signals.policy.conditions import Condition
from signals.policy.facts import FactSpec, FactType
from signals.policy.rules import Policy
from signals.policy.syntax import Chain, Is, Name, Number, Op, render
from signals.policy.testing import run_tests
from signals.strictyaml import Loc
from signals.workbench.lint.books import loc_of, titled
from signals.workbench.lint.rules import Found
from signals.workbench.situations.grids import inner, limits

Idle = Literal["never", "always"]
_TURNED: dict[Op, Op] = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}


def reviewed(policy: Policy, today: date) -> Iterator[Found]:
    """Whether somebody should have looked at the policy by now."""
    if policy.review_by is not None and policy.review_by < today:
        whose = f" by {policy.owner}" if policy.owner else ""
        why = f"it was to be reviewed{whose} by {policy.review_by.isoformat()}"
        yield Found("review-overdue", ("review_by",), "the review of this policy is overdue", why)


def unheard(policy: Policy) -> Iterator[Found]:
    """Signals that no rule asks about."""
    heard: set[str] = set()
    for rules in (policy.rules, *policy.kinds.values()):
        heard |= {row.signal for row in rules.hierarchy}
        for override in rules.overrides:
            heard |= {override.put, override.above}
    for _, condition in conditions(policy):
        heard |= set(condition.signals(policy.signals))
    for name in policy.signals:
        if name not in heard:
            what = f"signal {name} is never heard"
            yield Found("signal-unheard", ("signals", name), what, "no row and no condition asks about it")


def conditions(policy: Policy) -> Iterator[tuple[Loc, Condition]]:
    """Every condition of the file with its place, each once."""
    found: dict[Loc, Condition] = {}
    for rules in (policy.rules, *policy.kinds.values()):
        found |= {(*loc_of(row.rule), "when"): row.when for row in rules.hierarchy if row.when is not None}
        found |= {(*loc_of(rule.rule), "when"): rule.when for rule in rules.overrides}
        found |= {(*loc_of(rule.rule), "when"): rule.when for rule in rules.guardrails}
        found |= {(*loc_of(rule.rule), "that"): rule.that for rule in rules.ship_requires}
    yield from found.items()


# --- margins --------------------------------------------------------------------------------------------------------


def flat(policy: Policy) -> Iterator[Found]:
    """``flat`` of a signal that has no margin: in rows, conditions and tests."""
    bare = {name for name, signal in policy.signals.items() if signal.margin is None}
    rows = {row.rule: row for rules in (policy.rules, *policy.kinds.values()) for row in rules.hierarchy}
    for row in rows.values():
        if row.signal in bare and "flat" in row.calls:
            yield _bare((*loc_of(row.rule), "flat"), row.signal, "a row answers for it")
    for loc, condition in conditions(policy):
        for leaf in inner(condition.tree):
            if isinstance(leaf, Is) and leaf.state == "flat" and leaf.name.key.removesuffix(".state") in bare:
                found = _bare(loc, leaf.name.key.removesuffix(".state"), "a condition asks for it")
                yield replace(found, condition=condition.text, at=leaf.at)
    for number, test in enumerate(policy.tests):
        for signal, state in test.states.items():
            if state == "flat" and signal in bare:
                yield _bare(("tests", number, "given", signal), signal, "a test gives it")


def _bare(loc: Loc, signal: str, where: str) -> Found:
    return Found("flat-without-margin", loc, f"{signal} is never flat", f"it has no margin, and {where}",
                 f"Give {signal} a margin, or leave `flat` out")  # fmt: skip


# --- thresholds -----------------------------------------------------------------------------------------------------


def thresholds(policy: Policy) -> Iterator[Found]:
    """Thresholds that a value never meets, or always."""
    for name, signal in policy.signals.items():
        for check, threshold in signal.trust.items():
            spec = BY_NAME[check]
            if spec.unit == "yes":
                continue
            found = _idle(of_check(check), spec.passes, threshold)
            if found:
                yield _of_trust(name, check, found)
    for loc, condition in conditions(policy):
        for leaf in dict.fromkeys(inner(condition.tree)):
            if isinstance(leaf, Chain):
                for fact, op, number, verdict in _compared(leaf):
                    what = f"`{render(fact)} {op} {render(number)}` is {verdict} true"
                    why = f"{fact.text} is {_bounds(fact)}"
                    yield Found(f"threshold-{verdict}-met", loc, what, why, "", condition.text, fact.at)


def idle_threshold(leaf: Chain) -> bool:
    """Whether one of its thresholds is never, or always, met."""
    return any(True for _ in _compared(leaf))


def _of_trust(signal: str, check: str, found: Idle) -> Found:
    spec = BY_NAME[check]
    low, high = of_check(check)
    why = f"{check} ({spec.meaning}) is {between(low, high)}"
    loc: Loc = ("signals", signal, "trust", check)
    if found == "never":
        return Found("threshold-never-met", loc, f"{check} of {signal} can never pass", why)
    what = f"{check} of {signal} can only fail for want of a number"
    return Found("threshold-always-met", loc, what, why, "Write a threshold that some evidence fails")


def _compared(leaf: Chain) -> Iterator[tuple[Name, Op, Number, Idle]]:
    for left, op, right in zip(leaf.operands, leaf.ops, leaf.operands[1:], strict=False):
        one, two, turned = (left, right, op) if isinstance(left, Name) else (right, left, _TURNED[op])
        if not isinstance(one, Name) or not isinstance(two, Number) or one.spec is None:
            continue
        low, high = limits(one.spec)
        if one.negative:
            low, high = -high, -low
        found = _idle((low, high), turned, two.value)
        if found is None and turned in ("==", "!=") and one.spec.type == "count" and two.value != int(two.value):
            found = "never" if turned == "==" else "always"
        if found:
            yield one, turned, two, found


def of_check(name: str) -> tuple[float, float]:
    """What the number of a check can be; checks that are yes or no have none."""
    return limits(FactSpec(name, cast("FactType", BY_NAME[name].unit), ""))


def _idle(bounds: tuple[float, float], op: Op, threshold: float) -> Idle | None:
    """Whether a number within bounds never, or always, compares like this."""
    low, high = bounds
    if op in ("==", "!="):
        outside = threshold < low or threshold > high
        return ("never" if op == "==" else "always") if outside else None
    ends = [OPS[op](low, threshold), OPS[op](high, threshold)]  # an order holds between the ends when it holds at both
    return None if any(ends) and not all(ends) else "always" if all(ends) else "never"


def _bounds(name: Name) -> str:
    return between(*limits(name.spec)) if name.spec else ""


def between(low: float, high: float) -> str:
    """Bounds in words."""
    if math.isinf(low):
        return f"at most {high:g}"
    return f"at least {low:g}" if math.isinf(high) else f"between {low:g} and {high:g}"


# --- tests ----------------------------------------------------------------------------------------------------------


def untested(policy: Policy, dead: frozenset[str]) -> Iterator[Found]:
    """Rules that no test of the policy exercises; ``dead`` are those that nothing could."""
    seen: set[str] = set()
    for test, result in zip(policy.tests, run_tests(policy), strict=True):
        rules, outcome = policy.for_kind(test.kind), result.outcome
        moved = {walked.moved_by for walked in outcome.rows}
        seen.add(outcome.rule)
        seen |= {rule.rule for rule in rules.overrides if rule.id in moved}
        seen |= {rule.rule for rule, holds in zip(rules.guardrails, outcome.guardrails, strict=True) if holds is True}
    wanted: dict[str, str] = {}
    for rules in (policy.rules, *policy.kinds.values()):
        wanted |= {rule: name for rule, name in titled(rules).items() if rule not in (*dead, "otherwise")}
    missing = {rule: name for rule, name in wanted.items() if rule not in seen}
    if missing and not policy.tests:
        what = f"none of the {len(wanted)} rules is tested" if len(wanted) > 1 else "the only rule is not tested"
        yield Found("untested", (), what, "the policy has no tests")
        return
    for rule, name in missing.items():
        yield Found("untested", loc_of(rule), f"{name} is not tested", _lacking(rule))


def _lacking(rule: str) -> str:
    return "no test " + next(
        said for part, said in (
            ("hierarchy", "has it decide"), ("overrides", "has it move a row"), ("guardrails", "has it fire"),
            ("ship_requires", "has it turn a ship into a hold"),
        ) if part in rule
    )  # fmt: skip
