"""Every lint rule fires on a small policy that has the fault, and stays silent on a near one that has not."""

from __future__ import annotations

import itertools
import json
import random
import re
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from signals import strictyaml
from signals.cli import cli
from signals.policy import parse_policy, settle
from signals.policy.rules import Policy
from signals.workbench.lint import books
from signals.workbench.lint.books import loc_of
from signals.workbench.lint.findings import Finding, lint
from signals.workbench.lint.rules import CATALOGUE, page
from signals.workbench.situations import atlas
from signals.workbench.situations.atlas import atlas_of
from signals.workbench.situations.making import space_of
from signals.workbench.situations.space import Space
from tests.policy.situations import HEAD, ROWS
from tests.workbench.random_policies import random_facts, random_policy

TODAY = date(2026, 11, 17)


def findings(rest: str, *, head: str = HEAD, today: date = TODAY) -> tuple[Finding, ...]:
    return lint(parse_policy(head + rest), today)


def rows(*lines: str) -> str:
    return "hierarchy:\n" + "".join(f"  - {{{line}}}\n" for line in lines)


def override(*lines: str) -> str:
    return "overrides:\n" + "".join(f"  - {{id: o{n}, {line}}}\n" for n, line in enumerate(lines))


def guard(*lines: str) -> str:
    return "guardrails:\n" + "".join(f"  - {{id: g{n}, {line}}}\n" for n, line in enumerate(lines))


def need(*lines: str) -> str:
    return "ship_requires:\n" + "".join(f"  - {{id: r{n}, {line}}}\n" for n, line in enumerate(lines))


CONVERSION = "signal: conversion, win: ship, loss: rollback"
PANEL = "signal: panel, win: ship, loss: rollback"
LOSS = "signal: conversion, win: next, loss: rollback"
CASES: list[tuple[str, str, str]] = [
    # (rule, a policy with the fault, the near one without)
    (
        "row-unreachable",
        rows(CONVERSION, "signal: conversion, win: hold"),
        rows(CONVERSION, "signal: conversion, flat: hold"),
    ),
    ("row-unreachable", rows(CONVERSION, "signal: panel, win: next"), rows(CONVERSION, "signal: panel, win: ship")),
    (
        "row-unreachable",
        rows(CONVERSION, "signal: panel, when: panel is loss, win: ship"),
        rows(CONVERSION, "signal: panel, when: panel is win, win: ship"),
    ),
    (
        "row-unreachable",  # every state of conversion answers: nobody else is ever asked
        rows(
            "signal: conversion, win: ship, loss: rollback, flat: hold, unclear: hold, untrusted: hold, missing: hold",
            PANEL,
        ),
        rows("signal: conversion, win: ship, loss: rollback, flat: hold, unclear: hold, untrusted: hold", PANEL),
    ),
    (
        "row-unreachable",  # an override makes it reachable
        rows(CONVERSION, "signal: conversion, win: hold"),
        rows(CONVERSION, "signal: panel, loss: rollback", "signal: conversion, flat: hold")
        + override("put: panel, above: conversion, when: conversion is win"),
    ),
    (
        "row-never-decides",
        rows("signal: conversion, loss: hold") + guard("when: conversion is loss, call: rollback"),
        rows("signal: conversion, loss: hold") + guard("when: conversion is loss and panel is loss, call: rollback"),
    ),
    (
        "answer-unreachable",
        rows("signal: conversion, win: ship", CONVERSION),
        rows("signal: panel, win: ship", CONVERSION),
    ),
    (
        "answer-never-decides",
        rows("signal: conversion, win: ship, loss: hold") + guard("when: conversion is loss, call: rollback"),
        rows("signal: conversion, win: ship, loss: rollback") + guard("when: conversion is loss, call: rollback"),
    ),
    (
        "when-always-holds",
        rows("signal: judge, when: judge.human_agreement >= 0.4, win: ship"),
        rows("signal: judge, when: judge.human_agreement >= 0.41, win: ship"),
    ),
    (
        "when-always-holds",
        rows("signal: judge, when: judge is not loss, win: ship"),
        rows("signal: judge, when: judge is not loss, win: ship, loss: hold"),
    ),
    (
        "when-always-holds",
        rows(CONVERSION, PANEL) + override("put: panel, above: conversion, when: panel is win or panel is not win"),
        rows(CONVERSION, PANEL) + override("put: panel, above: conversion, when: panel is win or panel is loss"),
    ),
    ("falls-through", rows("signal: conversion, loss: rollback"), rows(LOSS)),
    (
        "falls-through",
        rows("signal: panel, win: ship, loss: hold") + "otherwise: rollback\n",
        rows("signal: panel, win: ship, loss: hold, flat: next, unclear: next, untrusted: next, missing: next")
        + "otherwise: rollback\n",
    ),
    (
        "override-never-moves",
        rows(PANEL, CONVERSION) + override("put: panel, above: conversion, when: panel is loss"),
        rows(CONVERSION, PANEL) + override("put: panel, above: conversion, when: panel is loss"),
    ),
    (
        "override-never-moves",
        rows(CONVERSION, PANEL) + override("put: panel, above: conversion, when: panel is loss and panel is win"),
        rows(CONVERSION, PANEL) + override("put: panel, above: conversion, when: panel is loss and conversion is win"),
    ),
    (
        "override-undone",
        rows(CONVERSION, PANEL)
        + override(
            "put: panel, above: conversion, when: panel is loss",
            "put: conversion, above: panel, when: conversion is win",
        ),
        rows(CONVERSION, PANEL)
        + override(
            "put: panel, above: conversion, when: panel is loss",
            "put: conversion, above: panel, when: conversion is win and panel is win",
        ),
    ),
    (
        "override-undone",  # a ring of three
        rows(CONVERSION, PANEL, "signal: judge, win: ship, loss: hold")
        + override(
            "put: judge, above: panel, when: judge is loss",
            "put: panel, above: conversion, when: panel is loss",
            "put: conversion, above: judge, when: conversion is loss",
        ),
        rows(CONVERSION, PANEL, "signal: judge, win: ship, loss: hold")
        + override(
            "put: judge, above: panel, when: judge is loss",
            "put: judge, above: conversion, when: judge is loss and panel is win",
        ),
    ),
    (
        "override-no-effect",
        rows("signal: conversion, win: next, loss: rollback", "signal: panel, win: next, loss: rollback")
        + override("put: panel, above: conversion, when: panel is win"),
        rows("signal: conversion, win: next, loss: rollback", "signal: panel, win: next, loss: rollback")
        + override("put: panel, above: conversion, when: panel is loss"),
    ),
    (
        "guardrail-never-holds",
        ROWS + guard("when: panel is loss and panel is win, call: rollback"),
        ROWS + guard("when: panel is loss and conversion is win, call: rollback"),
    ),
    (
        "guardrail-never-holds",
        ROWS + guard("when: conversion is win and conversion.benefit.low <= 0, call: hold"),
        ROWS + guard("when: conversion is win and conversion.benefit.low <= 0.1pp, call: hold"),
    ),
    (
        "guardrail-always-holds",
        ROWS + guard("when: panel is loss or panel is not loss, call: hold"),
        ROWS + guard("when: panel is loss or panel is not flat, call: hold"),
    ),
    (
        "guardrail-no-effect",
        rows(CONVERSION) + guard("when: conversion is loss, call: hold"),
        rows("signal: panel, win: ship", CONVERSION) + guard("when: conversion is loss, call: hold"),
    ),
    (
        "guardrail-no-effect",  # it never fires on a ship, but unknown it turns one into a hold
        rows("signal: conversion, win: ship, loss: rollback")
        + guard("when: conversion is loss and panel.benefit < 0, call: hold"),
        rows("signal: conversion, win: ship, loss: rollback") + guard("when: panel.benefit < -9, call: hold"),
    ),
    (
        "requirement-never-holds",
        ROWS + need("that: panel is win and panel is flat"),
        ROWS + need("that: panel is win or panel is flat"),
    ),
    (
        "requirement-never-holds",  # a win by less than the margin is not one of at least the margin
        ROWS + need("that: panel is win and panel.material and panel.benefit.low < 0.1"),
        ROWS + need("that: cost is win and cost.material and cost.benefit.low < 0.1"),
    ),
    (
        "requirement-always-holds",
        ROWS + need("that: panel is win or panel is not win"),
        ROWS + need("that: has(panel.benefit)"),
    ),
    (
        "requirement-no-effect",
        rows("signal: panel, win: ship, loss: rollback") + need("that: panel is not loss"),
        rows("signal: panel, win: ship, loss: rollback") + need("that: panel.benefit.low > 0.01"),
    ),
    (
        "comparison-constant",
        ROWS + guard("when: conversion.benefit.low <= conversion.benefit and panel is loss, call: hold"),
        ROWS + guard("when: conversion.benefit.low <= 0 and panel is loss, call: hold"),
    ),
    (
        "threshold-never-met",
        ROWS + guard("when: 'any(conversion.segments, share > 100% and low < 0)', call: hold"),
        ROWS + guard("when: 'any(conversion.segments, share > 99% and low < 0)', call: hold"),
    ),
    (
        "threshold-never-met",
        ROWS + guard("when: judge.human_agreement > 1, call: hold"),
        ROWS + guard("when: judge.human_agreement >= 1, call: hold"),
    ),
    (
        "threshold-never-met",
        ROWS + guard("when: conversion.n < 1, call: hold"),
        ROWS + guard("when: conversion.n < 2, call: hold"),
    ),
    (
        "threshold-never-met",
        ROWS + guard("when: -conversion.p_value > 0, call: hold"),
        ROWS + guard("when: -conversion.p_value >= 0, call: hold"),
    ),
    (
        "threshold-never-met",
        ROWS + guard("when: 0.2 < conversion.p_value > 1, call: hold"),
        ROWS + guard("when: 0.2 < conversion.p_value < 1, call: hold"),
    ),
    (
        "threshold-always-met",
        ROWS + guard("when: conversion.p_value <= 100%, call: hold"),
        ROWS + guard("when: conversion.p_value < 100%, call: hold"),
    ),
    ("signal-unheard", ROWS, ROWS + need("that: cost.non_inferior")),
    ("signal-unheard", ROWS, ROWS + "kinds:\n  model:\n    hierarchy: [{signal: cost, win: ship, loss: hold}]\n"),
    (
        "not-monotone",
        rows("signal: panel, win: rollback, loss: hold"),
        rows("signal: panel, win: hold, loss: rollback"),
    ),
    (
        "not-monotone",
        rows("signal: panel, flat: hold, win: ship, unclear: ship, loss: ship"),
        rows("signal: panel, flat: hold, win: ship, unclear: ship, loss: rollback"),
    ),
    (
        "not-monotone",
        rows(PANEL) + guard("when: panel.benefit.high > 0.3, call: hold"),
        rows(PANEL) + guard("when: panel.benefit.high < -0.3, call: hold"),
    ),
    (
        "not-monotone",
        rows(PANEL) + guard("when: 'any(conversion.segments, low > 1pp)', call: hold"),
        rows(PANEL) + guard("when: 'any(conversion.segments, low < -1pp)', call: hold"),
    ),
    (
        "not-monotone",
        rows(PANEL) + guard("when: panel is win and panel.material, call: hold"),
        rows(PANEL) + guard("when: panel is loss and panel.material, call: hold"),
    ),
]


@pytest.mark.parametrize(("rule", "bad", "near"), CASES)
def test_a_rule_finds_its_fault_and_nothing_near(rule: str, bad: str, near: str) -> None:
    assert rule in {one.id for one in findings(bad)}
    assert rule not in {one.id for one in findings(near)}


def test_trust_that_can_never_or_always_pass() -> None:
    def found(trust: str) -> set[str]:
        head = f"schema: 1\nname: p\nsignals:\n  judge: {{kind: judge, better: higher, trust: {{{trust}}}}}\n"
        text = rows("signal: judge, win: ship, loss: hold")
        return {one.id for one in findings(text, head=head) if one.id.startswith("threshold")}

    assert found("human_agreement: 40") == found("human_agreement: 1.01") == {"threshold-never-met"}
    assert found("human_agreement: -1") == found("max_error_rate: 100%") == {"threshold-always-met"}
    assert found("min_items: 0") == {"threshold-always-met"}
    assert found("human_agreement: 1, min_items: 1, max_error_rate: 99%, max_leaked: 0, same_judge: true") == set()


def test_flat_without_a_margin_in_rows_conditions_and_tests() -> None:
    head = "schema: 1\nname: p\nsignals:\n  judge: {kind: judge, better: higher}\n"
    text = (
        "hierarchy:\n  - {signal: judge, when: judge is not flat, win: ship, flat: hold, loss: hold}\n"
        "tests:\n  - name: a\n    given: {judge: flat}\n    expect: {call: hold}\n"
    )
    lines = (head + text).splitlines()
    places = [
        lines[one.line - 1][one.column - 1 :] for one in findings(text, head=head) if one.id == "flat-without-margin"
    ]
    assert places == ["judge is not flat, win: ship, flat: hold, loss: hold}", "hold, loss: hold}", "flat}"]
    sound = head.replace("better: higher", "better: higher, margin: 1pp")
    assert "flat-without-margin" not in {one.id for one in findings(text, head=sound)}


def test_a_review_is_due_the_day_after_its_date() -> None:
    text = "schema: 1\nname: p\nreview_by: 2026-11-17\n" + HEAD.split("\n", 2)[2] + ROWS
    assert "review-overdue" not in {one.id for one in findings(text, head="", today=date(2026, 11, 17))}
    late = [one for one in findings(text, head="", today=date(2026, 11, 18)) if one.id == "review-overdue"]
    assert [(one.line, one.severity) for one in late] == [(3, "warning")]


def test_what_is_not_tested_is_named() -> None:
    text = rows("signal: panel, win: ship, loss: rollback") + guard("when: judge is loss, call: hold")
    text += need("that: panel.benefit.low > 0.2")
    case = "  - name: {}\n    given: {{{}}}\n    expect: {{call: {}}}\n"
    tests = "tests:\n" + case.format("a", "panel: loss, judge: win", "rollback")
    missing = [one.what for one in findings(text + tests) if one.id == "untested"]
    assert missing == ["guardrail g0 is not tested", "requirement r0 is not tested"]
    tests += case.format("b", "panel: flat, judge: loss", "hold")
    tests += case.format("c", "panel: win, judge: win, panel.benefit.low: 0.1", "hold")
    assert [one for one in findings(text + tests) if one.id == "untested"] == []
    whole = [one.what for one in findings(text) if one.id == "untested"]
    assert whole == ["none of the 3 rules is tested"]


def test_rules_of_a_kind_are_looked_at_where_they_stand() -> None:
    kinds = (
        "kinds:\n  distillation:\n    hierarchy:\n      - {signal: cost, win: ship, loss: rollback}\n"
        "      - {signal: cost, win: hold}\n"
    )
    found = [one for one in findings(ROWS + kinds) if one.id == "row-unreachable"]
    text = HEAD + ROWS + kinds
    assert [text.splitlines()[one.line - 1].strip() for one in found] == ["- {signal: cost, win: hold}"]


def test_a_row_of_everyone_counts_as_used_when_one_kind_uses_it() -> None:
    """The guardrail silences the row for everyone but distillations."""
    text = rows("signal: conversion, win: next, loss: hold") + guard("when: conversion is loss, call: rollback")
    assert "row-never-decides" in {one.id for one in findings(text)}
    used = text + "kinds:\n  distillation: {guardrails: []}\n"
    assert not {"row-never-decides", "answer-never-decides"} & {one.id for one in findings(used)}


def test_reasons_name_what_stands_in_the_way() -> None:
    found = findings(rows("signal: panel, win: ship, loss: hold", CONVERSION, "signal: panel, win: hold"))
    (shadowed,) = [one for one in found if one.id == "row-unreachable"]
    assert shadowed.why == "whenever panel is win, row 1 (panel) answers first"
    assert (shadowed.line, shadowed.severity) == (len(HEAD.splitlines()) + 4, "error")
    assert str(shadowed).startswith(f"hierarchy.yaml:{shadowed.line}:5: error[row-unreachable]: row 3 (panel) is never")
    (worse,) = [one for one in findings(rows("signal: panel, win: rollback, loss: hold")) if one.id == "not-monotone"]
    assert worse.why == (
        "a release where panel is loss is decided hold by row 1 (panel); where panel is win, rollback by row 1 (panel)"
    )


def test_a_condition_is_pointed_at_by_the_character() -> None:
    text = ROWS + guard('when: "panel is loss and conversion.p_value > 2", call: hold')
    (one,) = [one for one in findings(text) if one.id == "threshold-never-met"]
    line = (HEAD + text).splitlines()[one.line - 1]
    assert line[one.column - 1 :].startswith("conversion.p_value > 2")


def knot(most: int) -> str:
    names = [f"s{number}" for number in range(most)]
    signals = "".join(f"  {name}: {{kind: feedback, better: higher, margin: 1pp}}\n" for name in names)
    chain = " and ".join(f"{a}.benefit.low < {b}.benefit.high" for a, b in itertools.pairwise(names))
    return f"signals:\n{signals}hierarchy:\n  - {{signal: s0, when: '{chain}', win: ship}}\n"


def test_what_is_too_entangled_is_said_and_the_rest_is_kept() -> None:
    head = "schema: 1\nname: knot\nreview_by: 2020-01-01\n"
    ids = [one.id for one in findings(knot(9), head=head)]
    assert ids.count("too-entangled") == 1
    assert {"review-overdue", "untested"} <= set(ids)
    assert "row-unreachable" not in ids


def test_the_shipped_policy_has_no_finding(root: Path) -> None:
    from signals.policy import load_policy

    assert lint(load_policy(root / "hierarchy.yaml"), TODAY) == ()


# --- random policies ------------------------------------------------------------------------------------------------


def unreachable(policy: Policy, found: tuple[Finding, ...]) -> set[str]:
    document = strictyaml.parse(policy.text, policy.file)
    lines = {one.line for one in found if one.id in ("row-unreachable", "row-never-decides")}
    return {row.rule for row in policy.hierarchy if document.place(loc_of(row.rule))[0] in lines}


@pytest.mark.parametrize(
    "seeds", [range(100), pytest.param(range(100, 1000), marks=pytest.mark.slow)], ids=["hundred", "thousand"]
)
def test_a_row_is_unreachable_exactly_when_the_atlas_never_uses_it(
    seeds: range, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what the engine does with random releases never contradicts it."""
    spaces: dict[str | None, Space] = {}  # of one policy: the linter and the atlas look at the same, made once

    def space(policies: Sequence[Policy], kind: str | None = None) -> Space:
        if kind not in spaces:
            spaces[kind] = space_of(policies, kind)
        return spaces[kind]

    monkeypatch.setattr(books, "space_of", space)
    monkeypatch.setattr(atlas, "space_of", space)
    dead = 0
    for seed in seeds:
        spaces.clear()
        policy = random_policy(seed)
        found = lint(policy, TODAY)
        never = unreachable(policy, found)
        assert never == {row.rule for row in policy.hierarchy} - atlas_of(policy).used, policy.text
        dead += len(never)
        first = {
            rule for one in found if one.id == "row-unreachable" for rule in never if _at(policy, rule) == one.line
        }
        rng = random.Random(seed)
        for _ in range(5):
            outcome = settle(policy.rules, random_facts(policy, rng))
            assert outcome.rule not in never
            assert outcome.first is None or outcome.rows[outcome.first].row.rule not in first
    assert dead > len(seeds) / 10


def _at(policy: Policy, rule: str) -> int:
    return strictyaml.parse(policy.text, policy.file).place(loc_of(rule))[0]


# --- the page -------------------------------------------------------------------------------------------------------


def test_the_page_of_rules_is_current(root: Path) -> None:
    """To renew: ``python -m signals.workbench.lint > docs/lint.md``."""
    assert (root / "docs" / "lint.md").read_text(encoding="utf-8") == page()


def test_every_rule_of_the_catalogue_is_tried_here_and_every_example_has_its_fault() -> None:
    tried = {rule for rule, _, _ in CASES} | {"flat-without-margin", "review-overdue", "untested", "too-entangled"}
    assert tried == {rule.id for rule in CATALOGUE}
    assert len({rule.id for rule in CATALOGUE}) == len(CATALOGUE)


def _full(example: str) -> str:
    """The example with what it leaves out."""
    own: dict[str, Any] = {
        "signals": HEAD[HEAD.index("signals:") :].replace(
            "  cost:", "  thumbs: {kind: feedback, better: higher}\n  cost:"
        ),
        "hierarchy": rows(CONVERSION, PANEL),
    }
    given = set(re.findall(r"^(\w+):", example, re.MULTILINE))
    if "signals" in given and "hierarchy" not in given:
        own["hierarchy"] = rows("signal: panel, win: ship, loss: hold")
        example = (
            example.replace("signals:\n", "signals:\n  panel: {kind: panel, better: higher}\n")
            if "panel:" not in example
            else example
        )
    return "schema: 1\nname: p\n" + "".join(part for key, part in own.items() if key not in given) + example + "\n"


@pytest.mark.parametrize("rule", [rule for rule in CATALOGUE if rule.id != "too-entangled"], ids=lambda rule: rule.id)
def test_every_example_of_the_page_has_its_fault(rule: Any) -> None:
    assert rule.id in {one.id for one in findings(_full(rule.example), head="")}


# --- the command ----------------------------------------------------------------------------------------------------


def check(tmp_path: Path, text: str, *words: str) -> Any:
    file = tmp_path / "p.yaml"
    file.write_text(text)
    return CliRunner().invoke(cli, ["policy", "check", str(file), *words])


TEST = "tests:\n  - name: a\n    given: {{panel: win}}\n    expect: {{call: {}}}\n"


def test_errors_and_failing_tests_end_with_2_and_warnings_with_0(tmp_path: Path) -> None:
    warned = check(tmp_path, HEAD + ROWS)
    assert warned.exit_code == 0
    assert "warning[signal-unheard]: signal cost is never heard" in warned.stdout
    assert "0 of 0 tests pass, 2 warnings" in warned.stdout
    wrong = check(tmp_path, HEAD + rows(CONVERSION, "signal: conversion, win: hold"))
    assert wrong.exit_code == 2
    assert "error[row-unreachable]" in wrong.stdout
    failing = check(tmp_path, HEAD + ROWS + TEST.format("rollback"))
    assert failing.exit_code == 2
    assert "expected rollback" in failing.stdout
    assert check(tmp_path, HEAD + ROWS + TEST.format("ship")).exit_code == 0


def test_the_check_as_json(tmp_path: Path) -> None:
    told = json.loads(check(tmp_path, HEAD + ROWS + TEST.format("ship"), "--json").stdout)
    assert told["ok"] is True
    assert told["tests"] == [{"name": "a", "line": told["tests"][0]["line"], "problems": []}]
    assert {"id", "severity", "line", "column", "what", "why", "fix"} <= set(told["findings"][0])
    broken = check(tmp_path, HEAD, "--json")
    assert broken.exit_code == 2
    told = json.loads(broken.stdout)
    assert (told["ok"], told["problems"][0]["what"]) == (False, "key 'hierarchy' is missing")
