"""Strict loading: every fault has a line, a column and a remedy, and nothing is half-loaded."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from situations import HEAD, ROWS, policy

from signals.model import Metric, SignalsError
from signals.policy import load_policy, parse_policy, run_tests

FULL = (
    HEAD
    + ROWS
    + """\
otherwise: hold
overrides:
  - {id: people-first, put: panel, above: conversion, when: panel is loss and conversion is win, because: Bait.}
guardrails:
  - id: segments
    when: any(conversion.segments, share >= 5% and adjusted.high < -margin)
    call: rollback
ship_requires:
  - {that: conversion.non_inferior}
kinds:
  distillation:
    hierarchy:
      - {signal: judge, loss: rollback}
      - {signal: cost, win: ship}
    ship_requires: [{that: judge.non_inferior and panel.non_inferior}]
tests:
  - name: one
    given: {conversion: loss}
    expect: {call: rollback, by: conversion}
"""
)


def problems(text: str) -> list[str]:
    with pytest.raises(SignalsError) as caught:
        parse_policy(text, "h.yaml")
    return [str(problem) for problem in caught.value.problems]


def test_what_is_written_is_what_is_loaded() -> None:
    loaded = parse_policy(FULL, "h.yaml")
    conversion, cost = loaded.signals["conversion"], loaded.signals["cost"]
    assert conversion.trust == {"sample_ratio_p": 0.001, "min_units": 2000, "full_weeks": 1, "max_age": 3 * 86_400}
    assert conversion.margin is not None
    assert (conversion.margin.value, conversion.margin.relative, conversion.margin.text) == (0.005, False, "0.5pp")
    assert cost.margin is not None
    assert (cost.margin.value, cost.margin.relative) == (0.01, True)
    assert loaded.signals["judge"].trust["same_judge"] == 1
    assert (cost.sign, conversion.confidence, conversion.owner) == (-1, 0.95, "growth")
    assert [row.rule for row in loaded.hierarchy] == ["hierarchy[0]", "hierarchy[1]", "hierarchy[2]"]
    assert loaded.hierarchy[0].calls == {"win": "ship", "loss": "rollback", "untrusted": "hold"}
    assert loaded.hash == "sha256:" + hashlib.sha256(FULL.encode()).hexdigest()
    assert loaded.text == FULL


def test_a_kind_replaces_the_keys_that_it_names_and_no_others() -> None:
    loaded = parse_policy(FULL, "h.yaml")
    other = loaded.for_kind("distillation")
    assert [row.rule for row in other.hierarchy] == [
        "kinds.distillation.hierarchy[0]", "kinds.distillation.hierarchy[1]",
    ]  # fmt: skip
    assert [need.that.text for need in other.ship_requires] == ["judge.non_inferior and panel.non_inferior"]
    assert other.guardrails == loaded.guardrails
    assert other.overrides == loaded.overrides
    assert loaded.for_kind("prompt") is loaded.rules


def test_optional_keys_reach_the_signal() -> None:
    text = """\
schema: 1
name: all-keys
review_by: 2027-02-01
confidence: 0.9
signals:
  a: {kind: experiment, better: higher, metric: {name: m, type: mean}, looks: [2026-11-01, 2026-11-08],
      planned_units: 200_000, confidence: 0.99, owner: us, trust: {both_arms: 1%, max_age: 6h}}
  b: {kind: judge, better: higher, scorer: rubric, estimate: reweighted, trust: {coverage: 80%, max_error_rate: 0.02}}
  e: {kind: judge, better: higher, estimate: corrected, dimension: tone, human_scale: [1, 5],
      trust: {max_golden_age: 180d, min_overlap: 60, max_leaked: 0, max_length_bias: 0.4}}
  f: {kind: experiment, better: lower, metric: {name: latency, type: quantile, quantile: 0.9}, margin: 5%}
  c: {kind: panel, better: higher, dimension: tone, estimate: superiority, trust: {max_straight_lining: 10%}}
  d: {kind: feedback, better: higher, margin: 0.01, estimate: per_impression}
hierarchy: [{signal: a, win: ship, loss: next}]
"""
    signals = parse_policy(text, "h.yaml").signals
    assert signals["a"].looks == (date(2026, 11, 1), date(2026, 11, 8))
    assert (signals["a"].planned_units, signals["a"].confidence) == (200_000, 0.99)
    assert signals["a"].trust == {"both_arms": 0.01, "max_age": 21_600}
    assert (signals["b"].scorer, signals["b"].estimate, signals["b"].confidence) == ("rubric", "reweighted", 0.9)
    assert signals["b"].trust == {"coverage": 0.8, "max_error_rate": 0.02}
    assert signals["c"].dimension == "tone"
    assert (signals["c"].estimate, signals["c"].trust) == ("superiority", {"max_straight_lining": 0.1})
    assert (signals["e"].human_scale, signals["e"].dimension, signals["b"].human_scale) == ((1.0, 5.0), "tone", None)
    golden = {"max_golden_age": 180 * 86_400, "min_overlap": 60, "max_leaked": 0, "max_length_bias": 0.4}
    assert signals["e"].trust == golden
    assert signals["f"].metric == Metric("latency", "quantile", 0.9)
    assert signals["a"].metric == Metric("m", "mean")
    assert signals["d"].estimate == "per_impression"
    assert parse_policy(text, "h.yaml").hierarchy[0].calls == {"win": "ship"}
    assert parse_policy(text, "h.yaml").otherwise == "hold"


@pytest.mark.parametrize(
    "old, new, place, words",
    [
        ("owner: council", "ownr: council", "3:1", "Did you mean 'owner'?"),
        ("schema: 1", "schema: 2", "1:9", "1"),
        ("name: small", "name: small\nconfidence: 1", "3:13", "less than 1"),
        ("name: small", "name: small\nconfidence: 0.5", "3:13", "greater than 0.5"),
        ("name: small", "name: small\nconfidence: '0.9'", "3:13", "number"),
        ("name: small", "name: small\nreview_by: soon", "3:12", "2027-02-01"),
        ("kind: panel", "kind: panl", "14:11", "Did you mean 'panel'?"),
        ("kind: panel", "kind: vibes", "14:11", "are unknown"),
        ("    kind: panel\n", "", "13:3", "'kind' is missing"),
        ("min_raters: 3", "min_rater: 3", "17:28", "Did you mean 'min_raters'?"),
        ("min_raters: 3", "min_raters: 3d", "17:40", "without a unit"),
        ("same_judge: true", "same_judge: false", "22:25", "leave it out"),
        ("max_age: 3d", "max_age: 3", "12:77", "6h or 3d"),
        ("sample_ratio_p: 0.001", "sample_ratio_p: 120%", "12:29", "at most 1"),
        ("sample_ratio_p: 0.001", "same_judge: true", "12:13", "unknown key 'same_judge'"),
        ("margin: 0.5pp", "margin: 0.5 points", "10:13", "0.5pp"),
        ("margin: 0.5pp", "margin: 0", "10:13", "above 0"),
        ("margin: 0.5pp", "margin: .nan", "10:13", "finite"),
        ("margin: 0.5pp", "margin: 3d", "10:13", "duration"),
        ("margin: 0.5pp", "margin: 5", "10:13", "5pp"),
        ("margin: 1%", "margin: 1pp", "27:13", "does not fit a mean"),
        ("margin: 0.1", "margin: 1pp", "16:13", "does not fit a panel"),
        ("type: mean", "type: quantile", "25:31", "Add `quantile: 0.9`"),
        ("type: mean", "type: mean, quantile: 0.5", "25:37", "a mean has no quantile"),
        ("type: mean", "type: quantile, quantile: 0", "25:51", "greater than 0"),
        ("type: mean", "type: quantile, quantile: 1", "25:51", "less than 1"),
        ("type: mean", "type: quantile, quantile: 90%", "25:51", "a valid number"),
        ("    margin: 2pp", "    human_scale: [5, 1]\n    margin: 2pp", "21:18", "lowest grade to the highest"),
        ("    margin: 2pp", "    human_scale: [3, 3]\n    margin: 2pp", "21:18", "lowest grade to the highest"),
        ("    margin: 2pp", "    human_scale: [1]\n    margin: 2pp", "21:18", "write it like [1, 5]"),
        ("    margin: 2pp", "    human_scale: [1, .inf]\n    margin: 2pp", "21:18", "write it like [1, 5]"),
        ("    margin: 2pp", "    human_scale: [true, 5]\n    margin: 2pp", "21:18", "write it like [1, 5]"),
        ("kind: panel\n", "kind: panel\n    estimate: corrected\n", "15:15", "'raw' or 'superiority'"),
        ("    margin: 0.1\n", "    estimate: superiority\n    margin: 2%\n", "17:13", "has no control level"),
        ("kind: panel\n", "kind: panel\n    human_scale: [1, 5]\n", "15:5", "unknown key 'human_scale'"),
        ("better: lower", "better: down", "26:13", "'higher' or 'lower'"),
        (
            "metric: {name: converted, type: proportion}",
            "metric: 3",
            "8:13",
            "signals.conversion.metric holds keys with values. Write them below it",
        ),
        ("    better: lower\n", "", "23:3", "'better' is missing"),
        ("  panel:\n", "  pan-el:\n", "13:3", "pan_el"),
        ("  panel:\n", "  release:\n", "13:3", "'release' is a word of the conditions and cannot name a signal"),
        ("  panel:\n", "  Ship:\n", "13:3", "'Ship' is an answer of the policy and cannot name a signal"),
        ("  panel:\n", "  next:\n", "13:3", "cannot name a signal"),
        ("  panel:\n", "  flat:\n", "13:3", "'flat' is a state and cannot name a signal"),
        ("signal: panel, win: ship", "signal: panle, win: ship", "30:14", "Did you mean 'panel'?"),
        ("signal: panel, win: ship", "signal: panel, win: shipp", "30:26", "'ship'"),
        ("signal: panel, win: ship", "signal: panel, missing: ship", "30:30", "no data never reads as fine"),
        ("signal: panel, win: ship", "signal: panel, untrusted: ship", "30:32", "no data never reads as fine"),
        ("when: judge.human_agreement", "when: judge.human_agrement", "31:33", "Did you mean 'human_agreement'?"),
        ("when: judge.human_agreement >= 0.6", "when: 'judge.human_agreement >= 3d'", "31:53", "plain number"),
        ("put: panel,", "put: panels,", "34:29", "Did you mean 'panel'?"),
        ("put: panel,", "put: cost,", "34:29", "no row in the hierarchy"),
        ("put: panel,", "put: conversion,", "34:48", "above itself"),
        ("call: rollback\nship", "call: ship\nship", "38:11", "'hold' or 'rollback'"),
        ("share >= 5% and", "share >= 5pp and", "37:45", "0.05 or 5%"),
        ("id: segments", "id: panel", "36:9", "taken"),
        ("  distillation:", "  destillation:", "42:3", "'distillation'"),
        ("given: {conversion: loss}", "given: {conversion: los}", "49:25", "Did you mean 'loss'?"),
        ("given: {conversion: loss}", "given: {convrsion: loss}", "49:24", "Did you mean 'conversion'?"),
        ("given: {conversion: loss}", "given: {judge.human_agreement: high}", "49:36", "not a number"),
        ("given: {conversion: loss}", "given: {conversion.non_inferior: 1}", "49:38", "true or false"),
        ("given: {conversion: loss}", "given: {conversion.age: 3}", "49:29", "6h or 3d"),
        ("given: {conversion: loss}", "given: {conversion: {a: 1}}", "49:25", "a state"),
        ("given: {conversion: loss}", "given: {conversion.segments: [{shar: 1}]}", "49:34", "Did you mean 'share'?"),
        ("given: {conversion: loss}", "given: {release.kind: promt}", "49:27", "Did you mean 'prompt'?"),
        ("by: conversion", "by: conversin", "50:34", "Did you mean 'conversion'?"),
        ("by: conversion", "overruled: [juge]", "50:42", "Did you mean 'judge'?"),
    ],
)
def test_each_fault_has_its_place_and_its_remedy(old: str, new: str, place: str, words: str) -> None:
    assert old in FULL
    found = problems(FULL.replace(old, new, 1))
    mine = [text for text in found if text.startswith(f"h.yaml:{place}: ")]
    assert mine, found
    assert any(words in text for text in mine), found


def test_all_faults_are_told_at_once_in_the_order_of_the_file() -> None:
    text = (
        FULL.replace("put: panel,", "put: panels,").replace("share >= 5%", "shar >= 5%").replace("by: conv", "by: cnv")
    )
    text = text.replace("margin: 1%", "margin: 1pp")
    assert [line.split(":")[1] for line in problems(text)] == ["27", "34", "37", "50"]


def test_a_fault_of_shape_does_not_hide_a_condition_that_cannot_be_read() -> None:
    text = FULL.replace("owner: council", "ownr: council").replace("panel is loss and", "panel is loss &&")
    assert [line.split(":")[1] for line in problems(text)] == ["3", "34"]


def test_a_comma_in_braces_is_explained() -> None:
    text = HEAD + "hierarchy:\n  - {signal: judge, when: any(conversion.segments, share > 5%), win: ship}\n"
    assert any("put the condition in quotes" in line for line in problems(text))


def test_a_condition_over_several_lines_is_placed_at_its_start() -> None:
    text = (
        HEAD + "hierarchy:\n  - signal: judge\n    when: >\n      panel is win\n      and panel is los\n    win: ship\n"
    )
    (line,) = problems(text)
    assert line.startswith("h.yaml:30:11: 'los' is not a state (character 27 of the condition)")


@pytest.mark.parametrize(
    "text", ["", "[]", "3", "schema: 1", "signals: 3", "signals: {a: 3}", "kinds: [1]", "tests: {}"]
)
def test_files_of_another_shape_are_refused(text: str) -> None:
    assert problems(text)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(SignalsError, match="no such file"):
        load_policy(tmp_path / "hierarchy.yaml")


def test_a_policy_that_nobody_could_read_is_refused() -> None:
    row = "  - {signal: judge, win: ship}\n"
    assert "at most 200" in problems(HEAD + ROWS + row * 250)[0]
    assert "at most 40,000" in problems(HEAD + ROWS + row * 3_000)[0]
    assert len(problems(HEAD + "".join(f"k{number}: 1\n" for number in range(300)) + ROWS)) <= 100


def test_ids_are_used_once() -> None:
    row = "  - {id: same, when: panel is loss, call: hold}\n"
    assert "used twice" in problems(HEAD + ROWS + "guardrails:\n" + row + row)[0]
    assert "used twice" in problems(HEAD + ROWS + "ship_requires: [{that: panel is win}, {that: panel is  win}]\n")[0]
    assert "are called" in problems(FULL + FULL[FULL.index("  - name: one") :])[0]


def test_overrides_that_a_kind_inherits_need_no_rows_there() -> None:
    assert (
        policy(
            "overrides:\n  - {id: o, put: panel, above: conversion, when: panel is loss}\n"
            "kinds: {model: {hierarchy: [{signal: judge, win: ship}]}}\n"
        )
        .for_kind("model")
        .overrides
    )


def test_the_example_of_the_design_loads_and_passes_its_tests(shared: Path) -> None:
    text = (shared / "DESIGN.md").read_text(encoding="utf-8")
    start = text.index("```yaml\n# yaml-language-server") + len("```yaml\n")
    loaded = parse_policy(text[start : text.index("```", start)], "design")
    assert [result.name for result in run_tests(loaded) if not result.passed] == []
    assert set(loaded.kinds) == {"distillation"}


@pytest.mark.parametrize(
    ("judge", "panels", "people"),
    [
        ("better: higher", [], "alike"),
        ("better: higher", ["better: higher"], "alike"),
        ("better: higher", ["better: lower"], "mirrored"),
        ("better: lower", ["better: higher"], "mirrored"),
        ("better: lower", ["better: lower", "better: lower"], "alike"),
        ("better: higher", ["better: higher", "better: lower"], "mixed"),
        ("better: higher, dimension: tone", ["better: higher, dimension: care", "better: lower"], "mirrored"),
        ("better: higher, dimension: tone", ["better: lower, dimension: care"], "alike"),
    ],
)
def test_which_way_people_grade_is_known_from_the_panels(judge: str, panels: list[str], people: str) -> None:
    declared = [f"  judge: {{kind: judge, question: Q?, owner: me, {judge}}}\n"]
    declared += [f"  p{k}: {{kind: panel, question: Q?, owner: me, {one}}}\n" for k, one in enumerate(panels)]
    text = HEAD.partition("signals:")[0] + "signals:\n" + "".join(declared)
    loaded = parse_policy(text + "hierarchy:\n  - {signal: judge, win: ship}\notherwise: hold\n", "h.yaml").signals
    assert loaded["judge"].people == people
    assert all(one.people == "alike" for name, one in loaded.items() if name != "judge")
    assert len({replace(loaded["judge"], people=one).definition_hash() for one in ("alike", "mirrored", "mixed")}) == 3
