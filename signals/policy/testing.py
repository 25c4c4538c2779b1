"""A policy's own tests: situations in a few words, run through the same engine as releases."""

from __future__ import annotations

from dataclasses import dataclass

from signals.model import State
from signals.policy.engine import Outcome, settle
from signals.policy.facts import Value
from signals.policy.rules import Policy, PolicyTest, Rules

FOLLOWS: dict[State, bool] = {"win": True, "flat": True, "loss": False, "unclear": False}
"""``non_inferior`` as it follows from a given state; untrusted and missing signals have none."""
ALIKE: dict[State, bool] = {"flat": True, "unclear": False}
"""``equivalent`` likewise; a win or a loss may be larger than the margin or not."""


@dataclass(frozen=True)
class CaseResult:
    """How one test came out. ``problems`` is empty when it passed; ``assumed`` is what the test left open."""

    name: str
    line: int | None
    problems: tuple[str, ...]
    assumed: tuple[str, ...]
    outcome: Outcome

    @property
    def passed(self) -> bool:
        """Whether the policy did what the test expects."""
        return not self.problems

    def __str__(self) -> str:
        """One line, and one more per fault and per assumption."""
        place = f" (line {self.line})" if self.line else ""
        lines = [f"{'ok  ' if self.passed else 'FAIL'} {self.name}{place}"]
        lines += [f"       {problem}" for problem in self.problems]
        lines += [f"       assumed: {text}" for text in self.assumed]
        return "\n".join(lines)


def run_tests(policy: Policy) -> tuple[CaseResult, ...]:
    """Run every test of the policy, in file order.

    Facts that are not given follow from the given state; a guardrail whose facts are not given does not fire; a signal
    that is not given is missing. A fact given as ``null`` does not exist, and a guardrail that asks for it is unknown
    as it would be for a release.
    """
    return tuple(_run(policy, test) for test in policy.tests)


def _run(policy: Policy, test: PolicyTest) -> CaseResult:
    rules = policy.for_kind(test.kind)
    assumed: list[str] = []
    facts = _facts(policy, test, assumed)
    quiet = _quiet(rules, test, facts, assumed)
    outcome = settle(rules, facts, quiet)
    return CaseResult(test.name, test.line, tuple(_problems(test, outcome)), tuple(assumed), outcome)


def _facts(policy: Policy, test: PolicyTest, assumed: list[str]) -> dict[str, Value]:
    facts: dict[str, Value] = {"release.kind": test.kind}
    absent = [name for name in policy.signals if name not in test.states]
    if absent:
        assumed.append(f"{', '.join(absent)} missing")
    for name in policy.signals:
        state = test.states.get(name, "missing")
        facts[f"{name}.state"] = state
        for fact, follows in (("non_inferior", FOLLOWS), ("equivalent", ALIKE)):
            key = f"{name}.{fact}"
            if state in follows and key not in test.facts and key not in test.absent:
                facts[key] = follows[state]
    return facts | dict(test.facts)


def _quiet(rules: Rules, test: PolicyTest, facts: dict[str, Value], assumed: list[str]) -> frozenset[str]:
    """Guardrails that the test says nothing about."""
    quiet = set()
    for guardrail in rules.guardrails:
        if guardrail.when.holds(facts) is not None:  # the fast way: why is only asked where nobody knows
            continue
        found = guardrail.when.explain(facts)
        if not test.absent.intersection(found.unknown):
            quiet.add(guardrail.id)
            assumed.append(f"guardrail {guardrail.id} does not fire ({found})")
    return frozenset(quiet)


def _problems(test: PolicyTest, outcome: Outcome) -> list[str]:
    by = "otherwise" if outcome.decided_by is None else outcome.decided_by
    wrong = []
    if outcome.call != test.call:
        wrong.append(f"call is {outcome.call} ({outcome.reason}, by {by}), expected {test.call}")
    if test.by is not None and by != test.by:
        wrong.append(f"decided by {by}, expected {test.by}")
    if test.reason is not None and outcome.reason != test.reason:
        wrong.append(f"reason is {outcome.reason}, expected {test.reason}")
    if test.overruled is not None and set(outcome.overruled) != set(test.overruled):
        shown, wanted = ", ".join(outcome.overruled) or "nobody", ", ".join(test.overruled) or "nobody"
        wrong.append(f"overruled is {shown}, expected {wanted}")
    return wrong
