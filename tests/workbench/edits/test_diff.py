"""A diff tells exactly what two versions decide differently: held against a walk through every situation."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from signals.model import SEVERITY
from signals.policy import Policy, parse_policy, settle
from signals.policy.facts import Facts
from signals.workbench.edits.diff import compare
from signals.workbench.situations.making import space_of
from tests.policy import situations
from tests.workbench.edits.random_edits import random_edit
from tests.workbench.random_policies import random_facts, random_policy


def decided(policy: Policy, facts: Facts, kind: str | None = None) -> tuple[str, str]:
    rules = policy.rules if kind is None else policy.for_kind(kind)
    outcome = settle(rules, {"release.kind": kind or "prompt", **facts})
    return outcome.call, outcome.decided_by or "otherwise"


def shipped(root: Path, *edits: tuple[str, str]) -> Policy:
    text = (root / "hierarchy.yaml").read_text(encoding="utf-8")
    for old, new in edits:
        assert old in text
        text = text.replace(old, new, 1)
    return parse_policy(text)


# --- against the engine ---------------------------------------------------------------------------------------------


def test_it_counts_what_walking_every_situation_counts() -> None:
    walked = changed = 0
    for seed in range(90):
        old, new = random_edit(seed)
        space = space_of([old, new])
        sizes = space.diagrams.sizes
        total = space.diagrams.counts(space.domain).get(True, 0)
        if total > 800:
            continue
        expected: Counter[Any] = Counter()
        for situation in itertools.product(*(range(size) for size in sizes)):
            if space.diagrams.at(space.domain, situation):
                facts = space.example(situation)
                one, other = decided(old, facts), decided(new, facts)
                expected[one[0], other[0], (one[1], other[1])] += 1
        found = compare(old, new)
        assert {(c.before, c.after, c.by): c.count for c in found.changes} == {
            key: number for key, number in expected.items() if key[0] != key[1]
        }
        assert found.elsewhere == sum(n for (a, b, by), n in expected.items() if a == b and by[0] != by[1])
        assert {change.total for change in found.changes} <= {total}
        walked += 1
        changed += len(found.changes)
    assert walked > 25
    assert changed > 25


def test_releases_change_exactly_where_it_says() -> None:
    """Releases made as real ones are: whoever gets another call is in a change, and a quiet diff moves nobody."""
    moved = 0
    for seed in range(120):
        old, new = random_edit(seed, entangled=seed % 10 == 0)
        found = compare(old, new)
        known = {(c.before, c.after, c.by) for c in found.changes}
        rng = random.Random(seed)
        for _ in range(15):
            facts = random_facts(old, rng)
            one, other = decided(old, facts), decided(new, facts)
            if one[0] != other[0]:
                assert (one[0], other[0], (one[1], other[1])) in known
                assert found.weakens if SEVERITY[other[0]] < SEVERITY[one[0]] else found.strengthens
                moved += 1
    assert moved > 50


def test_policies_with_other_signals_are_compared_over_the_signals_of_both() -> None:
    moved = 0
    for seed in range(25):
        old, new = random_policy(seed), random_policy(seed + 1000)
        found = compare(old, new)
        assert not found.refused
        known = {(c.before, c.after, c.by) for c in found.changes}
        for change in found.changes:
            one, other = decided(old, change.example), decided(new, change.example)
            assert ((one[0], other[0]), (one[1], other[1])) == ((change.before, change.after), change.by)
        rng = random.Random(seed)
        for policy in (old, new):
            missing = dict.fromkeys((f"{name}.state" for name in (*old.signals, *new.signals)), "missing")
            for _ in range(6):
                facts = {**missing, **random_facts(policy, rng)}
                one, other = decided(old, facts), decided(new, facts)
                assert one[0] == other[0] or (one[0], other[0], (one[1], other[1])) in known
                moved += one[0] != other[0]
    assert moved > 50


def test_the_example_and_the_words_of_a_change_are_true() -> None:
    seen = 0
    for seed in range(90):
        old, new = random_edit(seed)
        for change in compare(old, new).changes:
            one, other = decided(old, change.example), decided(new, change.example)
            assert (one[0], other[0]) == (change.before, change.after)
            assert (one[1], other[1]) == change.by
            assert 0 < change.where_count <= change.count <= change.total
            assert change.share == change.count / change.total
            assert change.where in change.words
            seen += 1
    assert seen > 50


def test_both_ways_round_are_mirrors() -> None:
    for seed in range(90):
        old, new = random_edit(seed)
        there, back = compare(old, new), compare(new, old)
        assert (there.weakens, there.strengthens, there.same) == (back.strengthens, back.weakens, back.same)
        assert there.elsewhere == back.elsewhere
        assert Counter((c.before, c.after, c.by, c.count) for c in there.changes) == Counter(
            (c.after, c.before, c.by[::-1], c.count) for c in back.changes
        )


def test_a_policy_is_the_same_as_itself_however_it_is_written() -> None:
    for seed in range(30):
        policy = random_policy(seed, entangled=seed % 3 == 0)
        again = parse_policy("# a comment\n" + policy.text.replace(", ", ",   ").replace(" and ", "  and "))
        for other in (policy, again):
            found = compare(policy, other)
            assert found.same
            assert not found.changes
            assert not found.weakens
            assert not found.strengthens
            assert found.words == ("Decides every situation as before.",)
        assert compare(policy, policy).text == ""
        assert compare(policy, again).text.startswith("---")


# --- the shipped policy ---------------------------------------------------------------------------------------------


def test_what_newly_ships_comes_first(root: Path) -> None:
    old = shipped(root)
    new = shipped(
        root, ("{signal: thumbs, win: next, loss: hold}", "{signal: thumbs, win: next, loss: rollback}"),
        ("call: rollback\n    because: An average", "call: hold\n    because: An average"),
        ("human_agreement >= 0.5", "human_agreement >= 0.45"),
        ("otherwise: hold", "otherwise: ship"),
    )  # fmt: skip
    found = compare(old, new)
    pairs = [(change.before, change.after) for change in found.changes]
    order = [("rollback", "ship"), ("hold", "ship"), ("rollback", "hold"), ("ship", "rollback"), ("ship", "hold"),
             ("hold", "rollback")]  # fmt: skip
    assert [order.index(pair) for pair in pairs] == sorted(order.index(pair) for pair in pairs)
    assert pairs[0] == ("hold", "ship")
    assert found.weakens
    assert found.strengthens
    assert found.words[0] == "Weakens protection in some ways and strengthens it in others."


def test_a_lower_bar_for_the_judge_is_told_in_words(root: Path) -> None:
    found = compare(shipped(root), shipped(root, ("human_agreement >= 0.5", "human_agreement >= 0.45")))
    first = found.changes[0]
    assert (first.before, first.after, first.by) == ("hold", "ship", ("otherwise", "judge"))
    assert first.words.startswith("SHIP instead of HOLD in ")
    for part in ("judge is win", "judge.human_agreement >= 0.45", "judge.human_agreement < 0.5", "panel.non_inferior"):
        assert part in first.where
    assert 0.45 <= first.example["judge.human_agreement"] < 0.5  # type: ignore[operator]  # a number
    assert first.example["judge.state"] == "win"
    assert "-  - {signal: judge, when: judge.human_agreement >= 0.5, win: ship, loss: hold}" in found.text
    assert not found.strengthens


def test_a_row_that_moves_down_by_a_new_first_row_is_no_other_rule(root: Path) -> None:
    """Rows are known by their signal: a row in front that never answers changes nobody's place in the words."""
    new = shipped(root, ("hierarchy:\n", "hierarchy:\n  - {signal: thumbs}\n"))
    assert compare(shipped(root), new).same


def test_each_kind_is_compared_by_its_own_rules(root: Path) -> None:
    old = shipped(root)
    new = shipped(root, ("tests:\n", "kinds:\n  model: {ship_requires: []}\ntests:\n"))
    found = compare(old, new)
    assert {change.kind for change in found.changes} == {"model"}
    assert {(change.before, change.after) for change in found.changes} == {("hold", "ship")}
    assert all("of releases of kind model" in change.words for change in found.changes)
    for change in found.changes:
        assert decided(old, change.example, "model")[0] == "hold"
        assert decided(new, change.example, "model")[0] == "ship"
    assert compare(
        new, shipped(root, ("tests:\n", "kinds:\n  model: {ship_requires: [], otherwise: hold}\ntests:\n"))
    ).same


# --- definitions ----------------------------------------------------------------------------------------------------

CONVERSION = "trust: {sample_ratio_p: 0.001, min_units: 2000, full_weeks: 1, max_age: 3d}"


@pytest.mark.parametrize(
    ("before", "after", "weaker", "words"),
    [
        ("margin: 0.5pp", "margin: 1pp", True, "conversion: margin from 0.5pp to 1pp"),
        ("sample_ratio_p: 0.001, ", "", True, "conversion: no longer asks for sample_ratio_p >= 0.001"),
        ("min_units: 2000", "min_units: 1999", True, "conversion: min_units from 2000 to 1999"),
        ("max_age: 3d", "max_age: 4d", True, "conversion: max_age from 3 days to 4 days"),
        ("full_weeks: 1", "full_weeks: 2", False, "conversion: full_weeks from 1 to 2"),
        ("human_agreement: 0.4", "human_agreement: 0.4, max_error_rate: 5%", False, "asks for max_error_rate <= 5 %"),
        ("segments: [plan]", "segments: [plan, locale]", False, "conversion: also read by locale"),
        ("kind: panel\n", "kind: panel\n    raters: fixed\n", True, "(raters: fixed)"),
        ("kind: judge\n", "kind: judge\n    confidence: 0.9\n", True, "judge: confidence from 95 % to 90 %"),
    ],
)  # fmt: skip
def test_definitions_have_a_direction(before: str, after: str, weaker: bool, words: str) -> None:
    old = situations.policy()
    new = parse_policy(old.text.replace(before, after, 1))
    for one, other, way in ((old, new, weaker), (new, old, not weaker)):
        found = compare(one, other)
        assert not found.changes
        assert (found.weakens, found.strengthens, found.same) == (way, not way, False)
        assert [text.partition(":")[0] for text in found.definitions] == ["weakens" if way else "strengthens"]
    assert words in compare(old, new).definitions[0]


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("kind: judge\n", "kind: judge\n    estimate: corrected\n", "judge: estimate from raw to corrected"),
        ("{name: converted, type: proportion}", "{name: bought, type: proportion}", "metric from converted"),
        ("margin: 0.5pp", "margin: 1%", "of another sort"),
        ("    margin: 2pp\n", "", "no margin any more"),
        ("owner: council", "owner: crowd", "the policy is owned by crowd, was council"),
        ("owner: council\n", "owner: council\nreview_by: 2027-01-31\n", "looked at again 31 Jan 2027, was never"),
    ],
)  # fmt: skip
def test_what_can_go_either_way_is_told_as_a_change(before: str, after: str, words: str) -> None:
    old = situations.policy()
    new = parse_policy(old.text.replace(before, after, 1))
    found = compare(old, new)
    (told,) = found.definitions
    assert told.startswith("changes: ")
    assert words in told
    assert (found.weakens, found.strengthens, found.same) == (False, False, False)


def test_turning_a_signal_round_alarms_both_ways() -> None:
    old = situations.policy()
    new = parse_policy(old.text.replace("better: lower", "better: higher", 1))
    for one, other in ((old, new), (new, old)):
        assert compare(one, other).weakens
        assert "every win becomes a loss" in compare(one, other).definitions[0]


def test_looks_that_peek_weaken() -> None:
    old = situations.policy()
    new = parse_policy(old.text.replace("segments: [plan]", "segments: [plan]\n    looks: continuous", 1))
    assert compare(old, new).strengthens
    assert "every look before the end" in compare(new, old).definitions[0]


def test_a_signal_that_rules_ask_is_missed_more_than_one_that_none_asks() -> None:
    old = situations.policy()
    cost = old.text.index("  cost:")
    unasked = parse_policy(old.text[:cost] + old.text[old.text.index("hierarchy:") :])
    assert compare(old, unasked).definitions == ("changes: cost is no longer listened to",)
    rows = "hierarchy:\n  - {signal: conversion, win: ship}\n"
    asked = compare(situations.policy(rows=rows + "  - {signal: cost, loss: hold}\n"), parse_policy(
        unasked.text[: unasked.text.index("hierarchy:")] + rows
    ))  # fmt: skip
    assert asked.definitions[0] == "weakens: cost is no longer listened to"


TEST = "tests:\n  - {name: a, given: {conversion: win}, expect: {call: ship, by: conversion}}\n"


@pytest.mark.parametrize(
    ("after", "told"),
    [
        ("", "weakens: test “a” is removed"),
        (TEST.replace("name: a", "name: b"), "changes: test “a” is now called “b”"),
        (TEST.replace(", by: conversion", ""), "weakens: test “a” expects less: only part of what it did"),
        (TEST.replace("call: ship", "call: rollback"), "strengthens: test “a” expects rollback instead of ship"),
        (TEST.replace("win", "loss"), "changes: test “a” is about another situation"),
        (TEST + TEST[7:].replace("name: a", "name: c"), "strengthens: test “c” is added"),
    ],
)
def test_tests_are_told(after: str, told: str) -> None:
    assert compare(situations.policy(TEST), situations.policy(after)).definitions == (told,)


# --- what cannot be compared ----------------------------------------------------------------------------------------


def knot(asked: int, margin: str = "1pp") -> Policy:
    names = [f"s{number}" for number in range(9)]
    signals = "".join(f"  {name}: {{kind: feedback, better: higher, margin: {margin}}}\n" for name in names)
    chain = " and ".join(f"{a}.benefit.low < {b}.benefit.high" for a, b in itertools.pairwise(names[:asked]))
    rows = f"hierarchy:\n  - {{signal: s0, when: '{chain}', win: ship}}\n"
    return parse_policy(f"schema: 1\nname: knot\nsignals:\n{signals}{rows}")


def test_a_knot_is_refused_aloud_and_its_definitions_are_told() -> None:
    found = compare(knot(8), knot(9, margin="2pp"))
    assert not found.changes
    assert len(found.refused) == 1
    assert "too entangled" in found.refused[0]
    assert found.weakens  # nobody can show that it does not
    assert not found.same
    assert any("margin from 1pp to 2pp" in line for line in found.words)
    assert found.refused[0] in found.words


def test_a_knot_that_nobody_touched_needs_no_unravelling() -> None:
    found = compare(knot(9), knot(9, margin="0.5pp"))
    assert not found.refused
    assert not found.weakens
    assert found.strengthens
