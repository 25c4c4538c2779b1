"""Mutation analysis: which edits weaken is the engine's word, and a proposed test does what it promises."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path

from click.testing import CliRunner

from signals.cli import cli
from signals.model import SEVERITY
from signals.policy import Policy, load_policy, parse_policy, run_tests, settle
from signals.workbench.edits.diff import compare
from signals.workbench.edits.mutants import mutations
from signals.workbench.edits.mutate import MutationReport, _Bench, _judge, mutate
from tests.policy import situations
from tests.workbench.edits.test_diff import knot
from tests.workbench.random_policies import random_facts, random_policy

SEEDS = range(12)


def pasted(policy: Policy, report: MutationReport) -> Policy:
    """The policy with the proposed tests."""
    return parse_policy(policy.text + "tests:\n" + report.tests) if report.tests else policy


def passes(policy: Policy) -> bool:
    return all(result.passed for result in run_tests(policy))


# --- laws -----------------------------------------------------------------------------------------------------------


def test_the_proposed_tests_of_random_policies_load_and_catch_every_survivor() -> None:
    caught = refused = 0
    for seed in SEEDS:
        policy = random_policy(seed, entangled=seed % 4 == 0)
        report = mutate(policy)
        refused += bool(report.refused)  # too entangled for every edit; those that were looked at are held all the same
        assert report.score == (0.0 if report.counted and not report.refused else None)  # it has no tests
        for mutation, mutant in zip(mutations(policy), report.mutants, strict=not report.refused):
            assert (mutation.what, mutation.line) == (mutant.what, mutant.line)
            assert bool(mutant.proposed_test) == (mutant.fate == "survived")
            if mutant.proposed_test:
                tested = parse_policy(policy.text + "tests:\n" + mutant.proposed_test)
                (result,) = run_tests(tested)
                assert result.passed
                (after,) = run_tests(replace(mutation.policy, tests=tested.tests))
                assert SEVERITY[after.outcome.call] < SEVERITY[result.outcome.call]
                caught += 1
        if not report.refused:
            whole = pasted(policy, report)
            assert passes(whole)
            assert mutate(whole).score in (1.0, None)
    assert caught > 80
    assert refused <= 2


def test_what_counts_as_a_weakening_is_what_a_diff_calls_one() -> None:
    """Each edit alone, compared over a space of its own."""
    fates = set()
    for seed in SEEDS:
        policy = random_policy(seed, entangled=seed % 6 == 0)
        report = mutate(policy)
        for mutation, mutant in zip(mutations(policy), report.mutants, strict=not report.refused):
            found = compare(policy, mutation.policy)
            weaker = sum(change.count for change in found.changes if change.weakens)
            assert (mutant.fate in ("killed", "survived")) == bool(weaker), (policy.text, mutant.what)
            assert (mutant.fate == "equivalent") == (not found.changes)
            fates.add(mutant.fate)
    assert fates == {"survived", "equivalent", "stricter"}


def test_no_release_is_decided_less_severely_under_an_edit_that_does_not_count() -> None:
    for seed in range(12, 24):
        policy = random_policy(seed)
        rng = random.Random(seed)
        releases = [random_facts(policy, rng) for _ in range(30)]
        for mutation, mutant in zip(mutations(policy), mutate(policy).mutants, strict=True):
            if mutant.fate in ("equivalent", "stricter"):
                for facts in releases:
                    before, after = (settle(one.rules, facts).call for one in (policy, mutation.policy))
                    assert SEVERITY[after] >= SEVERITY[before]
                    assert mutant.fate == "stricter" or before == after


def test_edits_in_spaces_of_their_own_are_judged_alike() -> None:
    """What happens when one space for all edits would be too large."""
    for seed in range(4):
        policy = random_policy(seed)
        bench = _Bench(policy, mutations(policy), set())
        bench.sharing = False
        alone = [_judge(bench, mutation) for mutation in bench.mutations]
        assert [one.fate for one in alone] == [one.fate for one in mutate(policy).mutants]
        assert all(one.proposed_test for one in alone if one.fate == "survived")


# --- the steps ------------------------------------------------------------------------------------------------------

RULES = """\
otherwise: hold
overrides:
  - {id: people-first, put: panel, above: conversion, when: panel is loss and conversion is win}
guardrails:
  - id: segments
    when: "any(conversion.segments, share >= 5% and adjusted.high < -margin)"
    call: rollback
ship_requires:
  - {that: panel.n > 40 or not (judge.max_age > 3d), id: enough}
"""


def test_every_single_step_is_taken() -> None:
    policy = situations.policy(RULES)
    steps = [mutation.what for mutation in mutations(policy)]
    assert len(steps) == len(set(steps))
    for step in (
        "row 1 (conversion) is dropped",
        "row 2 (panel) goes above row 1 (conversion)",
        "row 1 (conversion): loss says ship instead of rollback",
        "row 1 (conversion): loss says hold instead of rollback",
        "row 1 (conversion): loss says nothing instead of rollback",
        "row 1 (conversion): untrusted says nothing instead of hold",
        "row 3 (judge) speaks without `when: judge.human_agreement >= 0.6`",
        "row 3 (judge): `judge.human_agreement >= 0.6` becomes `judge.human_agreement >= 0.54`",
        "row 3 (judge): `judge.human_agreement >= 0.6` becomes `judge.human_agreement > 0.6`",
        "otherwise says ship instead of hold",
        "override people-first is dropped",
        "override people-first: `conversion is win` is deleted",
        "guardrail segments is dropped",
        "guardrail segments says hold instead of rollback",
        "guardrail segments: `any` becomes `all`",
        "guardrail segments: `share >= 5%` becomes `share >= 5.5%`",
        "guardrail segments: `adjusted.high < -margin` is deleted",
        "requirement enough is dropped",
        "requirement enough: `panel.n > 40` becomes `panel.n > 36`",
        "requirement enough: `not judge.max_age > 3d` is deleted",
        "requirement enough: `judge.max_age > 3d` becomes `judge.max_age > 3.3d`",
    ):
        assert step in steps
    assert "row 1 (conversion): untrusted says ship instead of hold" not in steps  # it would not load
    assert not [step for step in steps if "-> " in step]


def test_a_step_is_placed_where_it_stands() -> None:
    policy = situations.policy(RULES)
    lines = policy.text.splitlines()
    at = {one.what: (one.line, one.column) for one in mutations(policy)}
    for what, text in (
        ("row 1 (conversion): loss says hold instead of rollback", "rollback, untrusted"),
        (
            "row 3 (judge): `judge.human_agreement >= 0.6` becomes `judge.human_agreement > 0.6`",
            "judge.human_agreement",
        ),
        ("override people-first: `conversion is win` is deleted", "conversion is win}"),
        ("requirement enough: `judge.max_age > 3d` becomes `judge.max_age > 3.3d`", "judge.max_age > 3d"),
        ("guardrail segments says hold instead of rollback", "rollback"),
        ("otherwise says ship instead of hold", "hold"),
    ):
        line, column = at[what]
        assert lines[line - 1][column - 1 :].startswith(text), what


def test_an_edit_above_reaches_the_kinds_that_take_it_over_and_no_others() -> None:
    policy = situations.policy(
        RULES + "kinds:\n  model: {otherwise: rollback}\n  router: {guardrails: [], ship_requires: []}\n"
    )
    found = {one.what: one.policy for one in mutations(policy)}
    dropped = found["guardrail segments is dropped"]
    assert not dropped.rules.guardrails
    assert not dropped.kinds["model"].guardrails
    assert dropped.kinds["router"] == policy.kinds["router"]
    softened = found["otherwise says ship instead of hold"]
    assert (softened.rules.otherwise, softened.kinds["router"].otherwise) == ("ship", "ship")
    assert softened.kinds["model"].otherwise == "rollback"
    own = found["for model: otherwise says hold instead of rollback"]
    assert (own.rules, own.kinds["model"].otherwise) == (policy.rules, "hold")


def test_an_edit_that_only_another_kind_feels_is_shown_there() -> None:
    rows = "hierarchy:\n  - {signal: panel, win: ship, loss: rollback}\n"
    policy = situations.policy("kinds:\n  model: {otherwise: rollback}\n", rows=rows)
    report = mutate(policy)
    (found,) = [
        mutant for mutant in report.survivors if mutant.what == "for model: otherwise says hold instead of rollback"
    ]
    assert "release.kind: model" in found.proposed_test
    assert mutate(pasted(policy, report)).score == 1.0


# --- the score ------------------------------------------------------------------------------------------------------


def test_a_policy_that_cannot_be_weakened_has_no_score() -> None:
    report = mutate(situations.policy("otherwise: ship\n", rows="hierarchy:\n  - {signal: panel, win: ship}\n"))
    assert (report.score, report.counted, report.tests) == (None, (), "")


def test_a_test_that_fails_already_catches_nothing() -> None:
    rows = "hierarchy:\n  - {signal: panel, win: ship, loss: rollback}\n"
    wrong = "tests:\n  - {name: wrong, given: {panel: loss}, expect: {call: ship}}\n"
    report = mutate(situations.policy(wrong, rows=rows))
    assert report.failing == ("wrong",)
    assert report.score == 0.0
    right = "tests:\n  - {name: right, given: {panel: loss}, expect: {call: rollback}}\n"
    better = mutate(situations.policy(right, rows=rows))
    assert not better.failing
    assert {mutant.killer for mutant in better.counted} == {"right", None}
    assert 0 < (better.score or 0) < 1


def test_a_knot_is_refused() -> None:
    report = mutate(knot(9))
    assert (report.score, report.mutants) == (None, ())
    assert "too entangled" in report.refused


def test_the_tests_of_the_shipped_policy_catch_every_weakening(root: Path) -> None:
    report = mutate(load_policy(root / "hierarchy.yaml"))
    assert [f"{mutant.place} {mutant.what}" for mutant in report.survivors] == []
    assert report.score == 1.0
    assert len(report.counted) > 20


# --- the command ----------------------------------------------------------------------------------------------------


def run(*words: str | Path) -> tuple[int, str]:
    result = CliRunner().invoke(cli, ["policy", "mutate", *map(str, words)])
    return result.exit_code, result.stdout


def test_the_command_says_the_score_first_and_what_to_paste(tmp_path: Path) -> None:
    file = tmp_path / "hierarchy.yaml"
    policy = situations.policy(RULES)
    file.write_text(policy.text, encoding="utf-8")
    code, text = run(file)
    assert code == 2
    assert text.startswith(f"{file}: its tests catch 0 of ")
    assert f"\n{file}:29:5: row 1 (conversion) is dropped\n" in text
    paste = text[text.index("# These tests") :].partition("\n")[2]
    file.write_text(f"{policy.text}tests:\n{paste}", encoding="utf-8")
    code, text = run(file)
    assert code == 0
    assert ", 100 % (" in text
    assert len(text.splitlines()) == 1
    code, text = run(file, "--json")
    found = json.loads(text)
    assert (code, found["score"], found["counted"]) == (0, 1.0, found["killed"])
    assert {mutant["fate"] for mutant in found["mutants"]} == {"killed", "equivalent", "stricter"}
