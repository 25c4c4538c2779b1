"""A situation as a test of the policy: YAML that a person can paste, and that says no more than it must."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

from signals import strictyaml
from signals.model import RELEASE_KINDS, SEVERITY, Call, Problem, ReleaseKind, SignalsError, State
from signals.policy.engine import Outcome
from signals.policy.facts import FactSpec, Scalar, Value, element_registry, registry
from signals.policy.rules import Policy, PolicyTest
from signals.policy.testing import CaseResult, run_tests
from signals.words import CALL_WORDS
from signals.workbench.situations.boxes import Part, largest, paths
from signals.workbench.situations.diagram import Node
from signals.workbench.situations.effort import spend
from signals.workbench.situations.making import conditions
from signals.workbench.situations.space import Space

TRIED = 300
"""Situations that are tried as tests before giving up."""
ENOUGH = 12
"""Tests among which the plainest is taken."""
WIDE = 110
"""A line longer than this is broken."""

Given = dict[str, Any]
Items = tuple[Mapping[str, Scalar], ...]
Weaker = tuple[ReleaseKind | None, Space, Node]
_ORDERED = (("low", "benefit"), ("benefit", "high"), ("low", "high"), ("adjusted.low", "adjusted.high"))
_EFFECTS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)


@dataclass(frozen=True)
class Proposal:
    """A test that passes on a policy and fails on an edit of it.

    Attributes:
        name: Of the test; no other test has it.
        yaml: The test, indented to be pasted under ``tests:``.
        situation: What it is about, in words.
        shows: The same, with what it comes to before and after the edit.
        test: The test as loaded.
    """

    name: str
    yaml: str
    situation: str
    shows: str
    test: PolicyTest = field(repr=False)

    def against(self, edited: Policy) -> Proposal | None:
        """The same test held against another edit of the same policy; None when it does not show a less severe call."""
        after = run_one(edited, self.test).outcome
        if SEVERITY[after.call] >= SEVERITY[self.test.call]:
            return None
        return replace(self, shows=_shows(self.situation, self.test.call, self.test.by, after))


def propose(policy: Policy, edited: Policy, weaker: Sequence[Weaker], taken: set[str]) -> Proposal | None:
    """A test that tells an edit from the policy.

    Args:
        policy: As it is.
        edited: After an edit that weakens it.
        weaker: For each kind of release that the edit touches: where its call is less severe (True; None where no
            release can be).
        taken: Names of tests that are in use.

    Returns:
        The plainest of the tests found; None when no situation that the edit weakens can be said as a test.
    """
    for kind, space, node in weaker:
        part = largest(space, node)
        writer = _Writer(policy, edited, kind)
        tests = []
        for facts in itertools.islice(_situations(space, node, part), TRIED):
            given = writer.given(facts)
            if writer.told(given) is not None:
                tests.append(writer.plainest(given))
            if len(tests) == ENOUGH:
                break
        for given in sorted(tests, key=writer.cost):
            told = writer.told(given)
            if told is None:  # they were kept because they tell
                raise AssertionError
            name = _unused(writer.name(given, told[0]), taken)
            yaml = writer.yaml(name, given, told[0])
            test = read_test(policy, yaml)
            if test is not None and _passes(policy, test) and not _passes(edited, test):
                words = writer.words(given)
                return Proposal(name, yaml, words, _shows(words, test.call, test.by, told[1]), test)
    return None


def _passes(policy: Policy, test: PolicyTest) -> bool:
    return run_one(policy, test).passed


def run_one(policy: Policy, test: PolicyTest) -> CaseResult:
    """One test against a policy, whatever tests it has."""
    rules = policy.for_kind(test.kind)
    letters = sum(len(guard.when.text) for guard in rules.guardrails)  # each is explained in full
    spend(60 + 4 * (len(rules.hierarchy) + len(rules.ship_requires)) + letters)
    return run_tests(replace(policy, tests=(test,)))[0]


def _shows(situation: str, call: Call, by: str | None, after: Outcome) -> str:
    later = f"{CALL_WORDS[after.call]} by {after.decided_by or 'otherwise'}"
    return f"{situation}: {CALL_WORDS[call]} by {by}, after the edit {later}"


def _situations(space: Space, node: Node, part: Part | None) -> Iterator[dict[str, Value]]:
    """Facts of releases where the node is True: one in the largest part first, then one of each path."""
    if part is not None:
        yield dict(part.example)
    for box in paths(space.diagrams, node):
        yield space.example({level: values[0] for level, values in box.items()})


def _unused(name: str, taken: set[str]) -> str:
    numbered = (f"{name} ({number})" for number in itertools.count(2))
    return name if name not in taken else next(other for other in numbered if other not in taken)


class _Writer:
    """Situations of one kind of release as tests of one policy against one edit of it."""

    def __init__(self, policy: Policy, edited: Policy, kind: ReleaseKind | None) -> None:
        self.policy, self.edited = policy, edited
        self.kind = kind or next(one for one in RELEASE_KINDS if one not in policy.kinds)
        self.specs = registry(policy.signals)
        asked = [
            key
            for one in (policy, edited)
            for condition in conditions(one.rules if kind is None else one.for_kind(kind))
            for key in condition.facts
        ]
        self.asked = [
            key for key in dict.fromkeys(asked)
            if key in self.specs and self.specs[key].type != "state" and not key.startswith("release.")
        ]  # fmt: skip

    # --- what is given ----------------------------------------------------------------------------------------------

    def given(self, facts: Mapping[str, Value]) -> Given:
        """All that a test can say of the situation: states, facts, and null for what does not exist."""
        kind = facts.get("release.kind", self.kind)
        found: Given = {} if kind == RELEASE_KINDS[0] else {"release.kind": kind}
        for name in self.policy.signals:
            state = facts.get(f"{name}.state", "missing")
            if state != "missing":
                found[name] = state
            own = [key for key in self.asked if _signal(key) == name]
            found |= {key: facts.get(key) for key in own}
        for key, value in facts.items():
            if key.startswith("release.") and key != "release.kind":
                found[key] = value
        return found

    def plainest(self, given: Given) -> Given:
        """Without what the test does not need: what follows from the states, what no rule misses."""
        found = dict(given)
        for key in sorted(given, key=lambda one: (given[one] is not None, one)):
            if key in self.policy.signals or key == "release.kind":
                continue
            shorter = {other: value for other, value in found.items() if other != key}
            if self.told(shorter) is not None:
                found = shorter
        for key, value in list(found.items()):
            if isinstance(value, tuple):
                found = self.plainer_list(found, key, value)
        return found

    def plainer_list(self, given: Given, key: str, items: Items) -> Given:
        """The same with fewer segments, each with a name and with numbers that a person might see."""
        for number in range(len(items) - 1, -1, -1):
            fewer = (*items[:number], *items[number + 1 :])
            if fewer and self.told({**given, key: fewer}) is not None:
                items = fewer
        (dimension, *_) = self.policy.signals[_signal(key)].segments or ("segment",)
        for number in range(len(items)):
            for choices in _tidier(items[number], f"{dimension}={'abcdefghij'[number % 10]}"):
                for changed in choices:
                    tried = (*items[:number], {**items[number], **changed}, *items[number + 1 :])
                    if _sorted(tried[number]) and self.told({**given, key: tried}) is not None:
                        items = tried
                        break
        return {**given, key: items}

    def cost(self, given: Given) -> tuple[int, int]:
        """How odd a test reads: facts beside states, signals without a say; then its length."""
        facts = sum(1 for key in given if key not in self.policy.signals)
        silent = sum(1 for name in self.policy.signals if given.get(name, "missing") in ("missing", "untrusted"))
        return 2 * facts + silent, len(self.words(given))

    # --- what it comes to -------------------------------------------------------------------------------------------

    def told(self, given: Given) -> tuple[Outcome, Outcome] | None:
        """(before, after) when a test of this situation tells the edit; None when it does not."""
        test = self.test(given)
        before, after = (run_one(one, test).outcome for one in (self.policy, self.edited))
        return (before, after) if SEVERITY[after.call] < SEVERITY[before.call] else None

    def test(self, given: Given) -> PolicyTest:
        states = {key: cast("State", value) for key, value in given.items() if key in self.policy.signals}
        facts = {key: value for key, value in given.items() if key not in states and value is not None}
        absent = frozenset(key for key, value in given.items() if value is None)
        return PolicyTest(
            "", cast("ReleaseKind", given.get("release.kind", RELEASE_KINDS[0])), states, facts, absent, "hold"
        )

    # --- text -------------------------------------------------------------------------------------------------------

    def name(self, given: Given, before: Outcome) -> str:
        text = f"{before.call} when {self.words(given)}"
        return text if len(text) <= WIDE else text[: text.rfind(" ", 0, WIDE)].rstrip(", ") + " …"

    def words(self, given: Given) -> str:
        parts = []
        for key, value in given.items():
            if value is None:
                parts.append(f"{key} is unknown")
            elif isinstance(value, tuple):
                parts.append(f"{key} are as given")
            else:
                parts.append(f"{key} is {self.text(key, value)}")
        return ", ".join(parts) or "every signal is missing"

    def yaml(self, name: str, given: Given, before: Outcome) -> str:
        """The test in the style of the shipped policy: on one line while that is short."""
        entries = {key: self.text(key, value) for key, value in given.items()}
        line = f"    given: {{{', '.join(f'{key}: {text}' for key, text in entries.items())}}}"
        lines = [f"  - name: {_word(name, commas=True)}"]
        if len(line) <= WIDE:
            lines.append(line)
        else:
            lines += ["    given:", *(f"      {key}: {text}" for key, text in entries.items())]
        by = _word(before.decided_by or "otherwise")
        return "\n".join([*lines, f"    expect: {{call: {before.call}, by: {by}}}", ""])

    def text(self, key: str, value: Any) -> str:
        if value is None:
            return "null"
        if key in self.policy.signals:
            return str(value)
        if isinstance(value, tuple):
            inner = element_registry(self.policy.signals[_signal(key)])
            items = (", ".join(f"{k}: {written(item[k], inner[k])}" for k in inner if k in item) for item in value)
            return f"[{', '.join(f'{{{item}}}' for item in items)}]"
        return written(value, self.specs[key])


def _tidier(item: Mapping[str, Scalar], name: str) -> Iterator[list[dict[str, Scalar]]]:
    """For one thing after the other in a segment, values to try in its place, the first best."""
    if "name" not in item:
        yield [{"name": name}]
    if item.get("share") == 0.0:
        yield [{"share": 0.5}]
    for fact, value in item.items():
        if fact not in ("name", "share", "margin") and isinstance(value, float) and abs(value) >= 1:
            yield [{fact: size if value > 0 else -size} for size in _EFFECTS]


def _sorted(item: Mapping[str, Scalar]) -> bool:
    """Whether lower bounds are below upper bounds."""
    return all(float(item[a]) <= float(item[b]) for a, b in _ORDERED if a in item and b in item)


def _signal(key: str) -> str:
    return key.partition(".")[0]


def written(value: Scalar, spec: FactSpec) -> str:
    """A value as a policy writes it; reading it gives the same value wherever it can be written exactly."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _word(value)
    if spec.type == "seconds":
        days = value / 86_400.0
        return f"{_short(days)}d" if days == round(days, 6) else f"{_short(value / 3600.0)}h"
    points = float(f"{100 * value:.10g}")
    if spec.type == "share" and points / 100 == value:
        return f"{_short(points)}%"
    if spec.type == "effect" and spec.family == "proportion" and points / 100 == value:
        return f"{_short(points)}pp"
    return _short(value)


def _short(value: float) -> str:
    return repr(float(value)).removesuffix(".0")


def _word(text: str, *, commas: bool = False) -> str:
    """Text as YAML reads it back, in quotes where it must be; a comma ends a value inside brackets."""
    plain = re.fullmatch(r"[A-Za-z][\w .,=()<>/%…-]*[\w)%…]|[A-Za-z]", text)
    if plain and (commas or "," not in text) and text.lower() not in ("true", "false", "null", "yes", "no"):
        return text
    return json.dumps(text, ensure_ascii=False)


def read_test(policy: Policy, yaml: str) -> PolicyTest | None:
    """The test that a text under ``tests:`` is; None when it does not load."""
    from signals.policy.cases import read_tests
    from signals.policy.schema import TestShape

    problems: list[Problem] = []
    try:
        document = strictyaml.parse(f"tests:\n{yaml}", "proposal")
        shapes = [TestShape.model_validate(one) for one in document.data["tests"]]
        (test,) = read_tests(document, shapes, policy.signals, policy.rules, policy.kinds, problems)
    except (SignalsError, ValueError):  # pydantic's own error is a ValueError
        return None
    return None if problems else test
