"""Conditions: grammar, checks at load, three-valued evaluation, traces."""

from __future__ import annotations

from typing import Any

import pytest
from situations import policy

from signals.model import SignalsError
from signals.policy.compiled import both, either, negate
from signals.policy.conditions import Condition, compile_condition
from signals.policy.grammar import parse
from signals.policy.syntax import Chain, Logic, Not, Number, render

SIGNALS = policy().signals
FACTS: dict[str, Any] = {
    "conversion.state": "loss",
    "conversion.benefit": -0.02,
    "conversion.margin": 0.005,
    "conversion.non_inferior": False,
    "judge.human_agreement": 0.52,
    "judge.same_judge": True,
    "conversion.age": 86_400.0,
    "release.kind": "prompt",
    "conversion.segments": (
        {"name": "plan=free", "share": 0.9, "adjusted.high": 0.01, "margin": 0.005},
        {"name": "plan=enterprise", "share": 0.1, "adjusted.high": -0.006, "margin": 0.005},
    ),
}


def condition(text: str) -> Condition:
    return compile_condition(text, SIGNALS)


@pytest.mark.parametrize(
    "text, expected",
    [
        ("conversion is loss", True),
        ("conversion.state is loss", True),
        ("conversion is not loss", False),
        ("panel is win", None),
        ("conversion.benefit < -1pp", True),
        ("conversion.benefit < -0.02", False),
        ("conversion.benefit <= -2pp", True),
        ("-2pp == conversion.benefit", True),
        ("conversion.benefit < -conversion.margin", True),
        ("-conversion.benefit > 1pp", True),
        ("0.5 < judge.human_agreement < 0.6", True),
        ("0.2 < judge.human_agreement < 0.5", False),
        ("judge.human_agreement >= 0.6", False),
        ("judge.human_agreement != .52", False),
        ("conversion.age <= 24h", True),
        ("conversion.age < 1d", False),
        ("judge.same_judge", True),
        ("judge.same_judge == false", False),
        ("not conversion.non_inferior", True),
        ("release.kind == 'prompt'", True),
        ('release.kind != "prompt"', False),
        ("panel.n > 10", None),
        ("not panel.n > 10", None),
        ("panel.n > 10 and conversion is win", False),
        ("panel.n > 10 or conversion is loss", True),
        ("panel.n > 10 or conversion is win", None),
        ("has(panel.n)", False),
        ("has(conversion.benefit)", True),
        ("has(conversion.segments) and not has(panel.n)", True),
        ("conversion is win and conversion is flat or conversion is loss", True),
        ("conversion is win and (conversion is flat or conversion is loss)", False),
        ("any(conversion.segments, share >= 5% and adjusted.high < -margin)", True),
        ("any(conversion.segments, share >= 20% and adjusted.high < -margin)", False),
        ("all(conversion.segments, adjusted.high < 2pp)", True),
        ("all(conversion.segments, adjusted.high < 0)", False),
        ("any(conversion.segments, name == 'plan=free' and conversion is loss)", True),
        ("any(conversion.segments, low < 0)", None),
        ("any(conversion.segments, share > 0.95 and low < 0)", False),
    ],
)
def test_evaluation_and_trace_agree(text: str, expected: bool | None) -> None:
    compiled = condition(text)
    assert compiled.holds(FACTS) is expected
    assert compiled.explain(FACTS).holds is expected


@pytest.mark.parametrize("items", [(), None])
def test_a_list_without_elements_is_unknown(items: Any) -> None:
    facts = {key: value for key, value in FACTS.items() if key != "conversion.segments"}
    if items is not None:
        facts["conversion.segments"] = items
    for quantifier in ("any", "all"):
        found = condition(f"{quantifier}(conversion.segments, share > 0)")
        assert found.holds(facts) is None
        assert found.explain(facts).unknown == ("conversion.segments",)
    assert condition("has(conversion.segments)").holds(facts) is (items is not None)


def test_kleene_tables() -> None:
    assert both([True, None]) is None
    assert both([None, False]) is False
    assert both([]) is True
    assert either([False, None]) is None
    assert either([None, True]) is True
    assert either([]) is False
    assert negate(None) is None


def test_a_trace_has_the_fact_on_the_left_whatever_was_written() -> None:
    (seen,) = condition("0.6 <= judge.human_agreement").explain(FACTS).seen
    assert (seen.fact, seen.op, seen.seen, seen.threshold, seen.result) == (
        "judge.human_agreement", ">=", 0.52, 0.6, False,
    )  # fmt: skip
    assert seen.text == "0.6 <= judge.human_agreement"
    assert str(seen) == "judge.human_agreement is 0.52, asked >= 0.6"


def test_a_chain_leaves_one_trace_per_comparison() -> None:
    seen = condition("0.5 < judge.human_agreement < 0.52").explain(FACTS).seen
    assert [(one.text, one.result) for one in seen] == [
        ("0.5 < judge.human_agreement", True),
        ("judge.human_agreement < 0.52", False),
    ]


def test_the_guilty_segment_speaks_first() -> None:
    found = condition("any(conversion.segments, share >= 5% and adjusted.high < -margin)").explain(FACTS)
    assert [one.element for one in found.seen][:2] == ["plan=enterprise", "plan=enterprise"]
    assert str(found).startswith(
        "plan=enterprise share is 10 %, asked >= 5 %; plan=enterprise adjusted.high is −0.6 pp, asked < −0.5 pp"
    )


def test_unknown_facts_are_named_only_when_the_answer_is_unknown() -> None:
    assert condition("panel.n > 10 and judge.human_agreement > 0.9").explain(FACTS).unknown == ()
    assert condition("panel.n > 10 and judge.human_agreement > 0.5").explain(FACTS).unknown == ("panel.n",)
    found = condition("any(conversion.segments, low < 0)").explain(FACTS)
    assert found.unknown == ("conversion.segments.low[plan=free]", "conversion.segments.low[plan=enterprise]")


def test_nothing_is_cut_off_by_rounding() -> None:
    text = str(condition("judge.human_agreement >= 0.6").explain({"judge.human_agreement": 0.5999}))
    assert "0.5999" in text


@pytest.mark.parametrize(
    "text, column, words",
    [
        ("judge.human_agrement >= 0.6", 7, "Did you mean 'human_agreement'"),
        ("juge.human_agreement >= 0.6", 1, "Did you mean 'judge.human_agreement'"),
        ("conversion is los", 15, "Did you mean 'loss'"),
        ("conversoin is loss", 1, "Did you mean 'conversion'"),
        ("conversion >= 0.5", 1, "Write `conversion is win`"),
        ("conversion == 'win'", 1, "Write `conversion is win`"),
        ("conversion.state > 3", 1, "Write `conversion is win`"),
        ("conversion", 1, "signal"),
        ("conversion.benefit", 1, "not a yes or no"),
        ("conversion.benefit is win", 1, "has no state"),
        ("conversion.age < 5pp", 18, "6h or 3d"),
        ("conversion.age < 5", 18, "6h or 3d"),
        ("conversion.benefit < 3d", 22, "duration"),
        ("conversion.benefit < 2%", 22, "2pp"),
        ("cost.benefit < 2pp", 16, "own unit"),
        ("conversion.benefit < cost.benefit", 22, "one unit"),
        ("conversion.benefit < conversion.age", 22, "one unit"),
        ("conversion.n > 5%", 16, "plain number"),
        ("conversion.non_inferior > 3", 1, "no order"),
        ("conversion.non_inferior == 3", 28, "yes or no"),
        ("conversion.n == 'x'", 17, "number"),
        ("release.kind == 'promt'", 17, "Did you mean 'prompt'"),
        ("release.kind == 3", 17, "quotes"),
        ("1 < 2", 1, "two constants"),
        ("true", 1, "alone"),
        ("any(conversion, share > 1%)", 5, "not a fact"),
        ("any(conversion.benefit, share > 1%)", 5, "not a list"),
        ("any(judge.segments, share > 1%)", 5, "declares no segments"),
        ("any(conversion.segments, shre > 1%)", 26, "Did you mean 'share'"),
        ("any(conversion.segments, any(conversion.segments, share > 1%))", 26, "inside each other"),
        ("share > 1%", 1, "unknown name"),
        ("-conversion.non_inferior", 1, "no minus"),
        ("conversion.benefit < 1pp and judge.human_agrement > 0", 36, "human_agreement"),
        ("conversion.benefit = 1pp", 20, "=="),
        ("conversion.benefit ≥ 1pp", 20, ">="),
        ("conversion.age < 3days", 19, "pp, %, h and d"),
        ("conversion.benefit + 1 < 2", 20, "do not compute"),
        ("conversion is loss &", 20, "and"),
        ("max(conversion.benefit) < 1", 4, "no functions"),
        ("conversion is loss panel is win", 20, "Join"),
        ("(conversion is loss", 20, "Close"),
        ("conversion.benefit <", 21, "too early"),
        ("", 1, "empty"),
    ],
)
def test_mistakes_are_placed_and_explained(text: str, column: int, words: str) -> None:
    with pytest.raises(SignalsError) as caught:
        condition(text)
    (problem,) = caught.value.problems
    assert problem.column == column
    assert words in str(problem)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 900 + "conversion is win" + ")" * 900,
        "not " * 400 + "conversion is win",
        "conversion is win and " * 500 + "conversion is win",
        "x" * 10_000,
        "any(" * 300,
        "-" * 1_900,
        "0" * 1_900,
        "conversion.benefit < " + "9" * 400,
    ],
)
def test_hostile_conditions_end_in_a_sentence_or_a_condition(text: str) -> None:
    try:
        shown = render(condition(text).tree)
    except SignalsError as error:
        shown = str(error)
    assert len(shown) < 2_000


def test_names_that_begin_with_a_word_of_the_language() -> None:
    tree = parse("android is win and not anyone.hashed > 1")
    assert isinstance(tree, Logic)
    assert isinstance(tree.parts[1], Not)


def test_units_keep_their_place_in_the_text() -> None:
    tree = parse("a.b < 0.5 pp < c.d")
    assert isinstance(tree, Chain)
    assert tree.operands[1] == Number(0.5, "pp")
    assert [(one.at, one.end) for one in tree.operands] == [(0, 3), (6, 12), (15, 18)]
    assert render(tree) == "a.b < 0.5pp < c.d"
