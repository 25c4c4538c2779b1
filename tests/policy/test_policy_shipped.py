"""The tests that a policy carries, the policy that we ship, its JSON Schema and documentation, the verdict as JSON."""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from situations import AS_OF, HEAD, ROWS, check, policy, reading, segment, verdict

from signals.checks import CATALOGUE, page
from signals.model import CALLS, STATES, Interval, Reason, Release, SetAside, SourceNote, canonical
from signals.policy import Policy, describe, json_schema, load_policy, parse_policy, run_tests, verdict_json
from signals.policy.facts import ELEMENT, RELEASE, facts_of
from signals.policy.schema import READABLE
from signals.policy.syntax import RESERVED


@pytest.fixture(scope="module")
def shipped(root: Path) -> Policy:
    return load_policy(root / "hierarchy.yaml")


# --- the tests of a policy ------------------------------------------------------------------------------------------


def run(tests: str, rest: str = "") -> list[str]:
    """``ok`` or what is wrong, per test."""
    return ["; ".join(result.problems) or "ok" for result in run_tests(policy(rest + "tests:\n" + tests))]


def test_a_test_says_what_came_instead() -> None:
    found = run(
        "  - {name: a, given: {conversion: win},"
        " expect: {call: ship, by: conversion, reason: decided, overruled: []}}\n"
        "  - {name: b, given: {conversion: win}, expect: {call: hold}}\n"
        "  - {name: c, given: {conversion: win}, expect: {call: ship, by: panel}}\n"
        "  - {name: d, given: {conversion: win}, expect: {call: ship, overruled: [judge]}}\n"
        "  - {name: e, given: {conversion: flat}, expect: {call: hold, by: otherwise, reason: otherwise}}\n"
    )
    assert found == [
        "ok",
        "call is ship (decided, by conversion), expected hold",
        "decided by conversion, expected panel",
        "overruled is nobody, expected judge",
        "reason is missing-signal, expected otherwise",
    ]


REQUIRE = "ship_requires: [{that: panel.non_inferior}]\n"
GUARD = 'guardrails: [{id: g, when: "any(conversion.segments, high < -margin)", call: rollback}]\n'


@pytest.mark.parametrize(
    "panel, call",
    [
        ("win", "ship"),
        ("flat", "ship"),
        ("loss", "hold"),
        ("unclear", "hold"),
        ("missing", "hold"),
        ("untrusted", "hold"),
    ],
)
def test_non_inferiority_follows_from_the_state(panel: str, call: str) -> None:
    line = f"  - {{name: a, given: {{conversion: win, panel: {panel}}}, expect: {{call: {call}}}}}\n"
    assert run(line, REQUIRE) == ["ok"]


def test_given_facts_override_what_follows() -> None:
    line = "  - {name: a, given: {conversion: win, panel: unclear, panel.non_inferior: true}, expect: {call: ship}}\n"
    assert run(line, REQUIRE) == ["ok"]
    line = "  - {name: a, given: {conversion: win, panel: win, panel.non_inferior: null}, expect: {call: ship}}\n"
    assert run(line, REQUIRE) == ["call is hold (cannot-evaluate, by panel.non_inferior), expected ship"]


def test_a_guardrail_without_facts_does_not_fire_and_the_result_says_so() -> None:
    rules = policy(GUARD + "tests: [{name: a, given: {conversion: win}, expect: {call: ship}}]\n")
    (result,) = run_tests(rules)
    assert result.passed
    assert result.assumed == (
        "panel, judge, cost missing", "guardrail g does not fire (conversion.segments is unknown)",
    )  # fmt: skip
    assert "assumed: guardrail g" in str(result)
    line = "  - {name: a, given: {conversion: win, conversion.segments: null}, expect: {call: hold, by: g}}\n"
    assert run(line, GUARD) == ["ok"]
    line = (
        "  - {name: a, given: {conversion: win, conversion.segments: [{high: -1pp, margin: 0.5pp}]}, "
        "expect: {call: rollback, by: g}}\n"
    )
    assert run(line, GUARD) == ["ok"]


def test_a_condition_on_a_fact_that_is_not_given_is_unknown() -> None:
    line = (
        "  - {name: a, given: {conversion: flat, panel: flat, judge: win}, expect: {call: hold, overruled: [judge]}}\n"
    )
    assert run(line) == ["ok"]


def test_a_test_may_be_about_another_kind_of_release() -> None:
    kinds = "kinds: {model: {hierarchy: [{signal: cost, win: ship}]}}\n"
    lines = (
        "  - {name: a, given: {release.kind: model, cost: win}, expect: {call: ship, by: cost}}\n"
        "  - {name: b, given: {cost: win}, expect: {call: hold}}\n"
    )
    assert run(lines, kinds) == ["ok", "ok"]


def test_the_contract_s_own_tests_pass() -> None:
    rest = (
        "overrides: [{id: o, put: panel, above: conversion, when: panel is loss and conversion is win}]\n"
        'guardrails: [{id: g, when: "any(conversion.segments, share >= 5% and adjusted.high < -margin)", '
        "call: rollback}]\n"
        "ship_requires: [{that: conversion.non_inferior}, {that: panel.non_inferior}]\n"
    )
    lines = (
        "  - {name: a, given: {conversion: loss, panel: flat, judge: win}, expect: {call: rollback, by: conversion}}\n"
        "  - {name: b, given: {conversion: missing, panel: unclear, judge: win, judge.human_agreement: 0.52},\n"
        "     expect: {call: hold}}\n"
    )
    assert run(lines, rest) == ["ok", "ok"]


# --- the policy that we ship ----------------------------------------------------------------------------------------


def test_the_shipped_policy_passes_its_tests(shipped: Policy) -> None:
    results = run_tests(shipped)
    assert len(results) >= 10
    assert [result.name for result in results if not result.passed] == []


def weakened(shipped: Policy) -> Iterator[tuple[str, Policy]]:
    """The policy without each of its rules and answers in turn."""
    rules = shipped.rules
    for field in ("overrides", "guardrails", "ship_requires"):
        whole = getattr(rules, field)
        for number, rule in enumerate(whole):
            rest = (*whole[:number], *whole[number + 1 :])
            yield rule.rule, replace(shipped, rules=replace(rules, **{field: rest}))
    for number, row in enumerate(rules.hierarchy):
        changes = [(f"without {state}", {s: c for s, c in row.calls.items() if s != state}) for state in row.calls]
        for what, calls in changes:
            rows = (*rules.hierarchy[:number], replace(row, calls=calls), *rules.hierarchy[number + 1 :])
            yield f"{row.rule} {what}", replace(shipped, rules=replace(rules, hierarchy=rows))
        if row.when is not None:
            rows = (*rules.hierarchy[:number], replace(row, when=None), *rules.hierarchy[number + 1 :])
            yield f"{row.rule} without when", replace(shipped, rules=replace(rules, hierarchy=rows))


def test_every_rule_of_the_shipped_policy_is_held_by_one_of_its_tests(shipped: Policy) -> None:
    found = list(weakened(shipped))
    assert len(found) >= 12
    assert [name for name, changed in found if all(result.passed for result in run_tests(changed))] == []


def test_the_shipped_policy_in_words(shipped: Policy) -> None:
    text = describe(shipped)
    for signal in shipped.signals:
        assert signal in text
    for rule in (*shipped.overrides, *shipped.guardrails):
        assert rule.id in text
    assert "3. judge, when judge.human_agreement >= 0.5: win: ship, loss: hold" in text


# --- schema and documentation ---------------------------------------------------------------------------------------


def test_the_json_schema_is_current(root: Path) -> None:
    """To renew: ``python -m signals.policy.schema > signals/policy/hierarchy.schema.json``."""
    kept = (root / "signals" / "policy" / "hierarchy.schema.json").read_text(encoding="utf-8")
    assert json.loads(kept) == json_schema()
    printed = subprocess.run(
        [sys.executable, "-m", "signals.policy.schema"], capture_output=True, text=True, check=True, cwd=root
    ).stdout
    assert printed == kept


def test_the_json_schema_knows_every_check_of_a_kind() -> None:
    parts = json_schema()["$defs"]
    for kind in READABLE:
        known = set(parts[f"{kind.capitalize()}Trust"]["properties"])
        assert known == {spec.name for spec in CATALOGUE if kind in spec.kinds}


def test_every_key_fact_reason_and_word_is_documented(root: Path) -> None:
    text = "".join((root / "docs" / page).read_text(encoding="utf-8") for page in ("policy.md", "checks.md"))
    facts = {spec.name: spec.doc for kind in READABLE for spec in facts_of(kind)}
    for name, doc in facts.items():
        assert f"| `{name}` |" in text, name
        assert doc in text, name
    for spec in (*ELEMENT, *RELEASE):
        assert f"| `{spec.name}` | {spec.doc} |" in text, spec.name
    for reason in Reason.__args__:  # type: ignore[attr-defined]
        assert f"| `{reason}` |" in text, reason
    for word in (*STATES, *CALLS, *RESERVED):
        assert f"`{word}`" in text, word
    schema = json_schema()
    for name, shape in {"File": schema, **schema["$defs"]}.items():
        for key in shape.get("properties", {}):
            assert f"`{key}`" in text, f"{name}.{key}"


def test_the_page_of_checks_is_the_one_that_the_code_writes(root: Path) -> None:
    """To renew: ``python -m signals.checks > docs/checks.md``."""
    kept = (root / "docs" / "checks.md").read_text(encoding="utf-8")
    command = [sys.executable, "-m", "signals.checks"]
    assert subprocess.run(command, capture_output=True, text=True, check=True, cwd=root).stdout == kept
    rows = [line for line in kept.splitlines() if line.startswith("| `")]
    assert sorted(line.split("`")[1] for line in rows) == sorted(spec.name for spec in CATALOGUE)
    # What a person reads: every cell filled, nothing that a table would cut.
    for line in rows:
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        assert len(cells) == 7, line
        assert all(cells), line


def test_every_default_can_be_written_as_a_threshold() -> None:
    """And is read back as the number that it is: the page writes it as a policy would."""
    for kind in READABLE:
        specs = [spec for spec in CATALOGUE if kind in spec.kinds and spec.default is not None]
        keys = {spec.name: re.search(r"`([^`]+)` \| (?:validity|maturity)", page_row(spec.name)) for spec in specs}
        written = ", ".join(f"{name}: {found[1]}" for name, found in keys.items() if found)
        metric = ", metric: {name: m, type: mean}" if kind == "experiment" else ""
        side = "lower, margin: 0.1" if kind == "drift" else "higher"  # a distance is never good
        text = f"schema: 1\nname: all\nsignals:\n  a: {{kind: {kind}, better: {side}{metric}, trust: {{{written}}}}}\n"
        loaded = parse_policy(text + "hierarchy: [{signal: a, win: ship}]\n")
        assert loaded.signals["a"].trust == {spec.name: pytest.approx(spec.default) for spec in specs}


def page_row(name: str) -> str:
    return next(line for line in page().splitlines() if line.startswith(f"| `{name}` |"))


def test_the_examples_of_the_documentation_load_and_pass(root: Path) -> None:
    text = (root / "docs" / "policy.md").read_text(encoding="utf-8")
    examples = [block for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL) if block.startswith("schema: 1")]
    assert examples
    for example in examples:
        assert all(result.passed for result in run_tests(parse_policy(example, "docs")))


# --- the verdict as JSON --------------------------------------------------------------------------------------------


def test_the_verdict_has_the_shape_of_the_contract() -> None:
    checks = {"sample_ratio_p": check("sample_ratio_p", 0.41, threshold=0.001, why="even")}
    conversion = reading(
        "conversion", "loss", checks=checks, segments=(segment("plan=pro", 0.2, -4.0, -2.0),),
        set_aside=(SetAside(1204, "variant v5 is neither arm"),),
        sources=(SourceNote("orders", "table", AS_OF, "sha256:c"),),
    )  # fmt: skip
    found = verdict_json(verdict(policy(REQUIRE), conversion=conversion, panel="flat", judge="win"))
    assert {
        "release", "call", "reason", "decided_by", "rule", "sentence", "readings", "trace", "overruled", "guardrails",
        "needs", "policy", "evidence", "as_of",
    } <= set(found)  # fmt: skip
    assert not {"stability", "flips", "reconciliation"} & set(found)
    assert (found["call"], found["decided_by"], found["overruled"]) == ("rollback", "conversion", ["judge"])
    one = found["readings"]["conversion"]
    assert one["benefit"] == {"value": -0.015, "low": -0.02, "high": -0.01}
    assert one["checks"]["sample_ratio_p"]["threshold"] == 0.001
    assert one["checks"]["sample_ratio_p"]["why"] == "even"
    assert one["segments"][0]["adjusted"] == {"low": -0.02, "high": -0.01}
    assert one["set_aside"][0]["rows"] == 1204
    assert one["segments"][0]["shrunk"] is None
    assert one["estimates"]["raw"]["relative"] is None
    assert one["sources"] == ["orders"]
    assert found["trace"][0] == {
        "rule": "hierarchy[0]", "signal": "conversion", "state": "loss", "says": "rollback", "role": "decides",
        "why": "loss says rollback: the first row that answers", "moved_by": None,
    }  # fmt: skip
    assert found["policy"]["hash"].startswith("sha256:")
    assert found["as_of"] == "2026-11-17T09:00:00Z"


def test_relative_effects_and_shrunk_segments_are_in_the_json() -> None:
    plain = reading("conversion", "loss")
    part = replace(segment("plan=pro", 0.2, -4.0, -2.0), shrunk=Interval(-0.01, -0.014, math.nan))
    lift = replace(plain.estimates["raw"], relative=Interval(-0.15, -0.2, -0.1))
    found = verdict_json(verdict(policy(), conversion=replace(plain, segments=(part,), estimates={"raw": lift})))
    one = found["readings"]["conversion"]
    assert one["segments"][0]["shrunk"] == {"value": -0.01, "low": -0.014, "high": None}
    assert one["estimates"]["raw"]["relative"] == {"value": -0.15, "low": -0.2, "high": -0.1}
    json.dumps(found, allow_nan=False)


def test_a_guardrail_may_ask_about_shrunk_segments_and_any_check() -> None:
    rest = (
        "guardrails:\n  - {id: worst, when: 'any(conversion.segments, shrunk.high < -margin)', call: rollback}\n"
        "  - {id: mixed, when: conversion.heterogeneity_p < 1% or conversion.max_reversals > 0, call: hold}\n"
    )
    part = replace(segment("plan=pro", 0.2, -4.0, 2.0), shrunk=Interval(-0.01, -0.014, -0.006))
    calm = {"heterogeneity_p": check("heterogeneity_p", 0.4), "max_reversals": check("max_reversals", 0)}
    hurt = reading("conversion", "win", segments=(part,), checks=calm)
    assert verdict(policy(rest), conversion=hurt).decided_by == "worst"
    whole = replace(part, shrunk=Interval(0.0, -0.008, 0.004))
    assert verdict(policy(rest), conversion=replace(hurt, segments=(whole,))).call == "ship"
    turned = replace(hurt, segments=(whole,), checks=calm | {"max_reversals": check("max_reversals", 1, "warn")})
    assert verdict(policy(rest), conversion=turned).decided_by == "mixed"
    none = verdict(policy(rest), conversion=replace(hurt, segments=(replace(part, shrunk=None),)))
    assert (none.call, none.reason) == ("hold", "cannot-evaluate")
    lines = (
        "  - {name: a, given: {conversion: win, conversion.heterogeneity_p: 0.5%}, expect: {call: hold, by: mixed}}\n"
        "  - {name: b, given: {conversion: win, conversion.segments:\n"
        "     [{name: plan=pro, shrunk.high: -2pp, margin: 1pp}]}, expect: {call: rollback, by: worst}}\n"
    )
    assert run(lines, rest) == ["ok", "ok"]


def test_numbers_that_are_not_finite_become_null_and_bytes_repeat() -> None:
    odd = reading("conversion", "unclear", p_value=float("nan"), mde=float("inf"))
    one = verdict_json(verdict(policy(), conversion=odd))
    assert one["readings"]["conversion"]["p_value"] is None
    assert one["readings"]["conversion"]["mde"] is None
    assert canonical(one) == canonical(verdict_json(verdict(policy(), conversion=odd)))


def test_a_synthetic_release_is_marked() -> None:
    subject = Release("r", "prompt", "a", "b", AS_OF.date(), synthetic=True)
    assert verdict_json(verdict(policy(), subject=subject))["synthetic"] is True


def test_a_verdict_from_a_loaded_policy_needs_no_parser() -> None:
    """Drawing is cheap: the modules that a decision needs import neither lark nor pydantic nor YAML."""
    code = "import signals.policy, sys; print([m for m in ('lark', 'pydantic', 'ruamel', 'numpy') if m in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.strip() == "[]"


def test_the_head_used_here_is_a_policy() -> None:
    assert parse_policy(HEAD + ROWS).name == "small"
