"""Ways out of a HOLD, and the banner sentence: every claim is checked against the numbers it is made of."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date
from statistics import NormalDist
from typing import Any

import pytest
from situations import AS_OF, HEAD, ROWS, check, policy, reading, segment, verdict

from signals.policy import parse_policy
from signals.policy.needs import Z_POWER, sensible

REQUIRE = "ship_requires: [{that: conversion.non_inferior}, {that: panel.non_inferior}]\n"


def test_power_quantile() -> None:
    assert pytest.approx(NormalDist().inv_cdf(0.8)) == Z_POWER


@pytest.mark.parametrize(
    "amount, shown", [(387_211, 390_000), (100, 100), (101, 110), (7, 7), (0.2, 1), (-5, 1), (12.0000000001, 12)]
)
def test_amounts_are_rounded_up_to_two_digits(amount: float, shown: int) -> None:
    assert sensible(amount) == shown


def test_an_unclear_experiment_says_how_many_more_and_by_when() -> None:
    unclear = reading("conversion", "unclear", rate_per_day=10_000.0)
    found = verdict(policy(), conversion=unclear, panel="flat", judge="flat")
    (need,) = found.needs
    # Half-width 1.8 margins, se that over 1.96; both arms have 100,000 units.
    wanted = 100_000 * (1.8 + Z_POWER * 1.8 / 1.96) ** 2 - 100_000
    assert need.amount == sensible(wanted)
    assert (need.signal, need.unit, need.owner) == ("conversion", "users", "growth")
    assert need.by == date.fromordinal(AS_OF.date().toordinal() + math.ceil(need.amount / 10_000))
    assert found.sentence == (
        "Conversion is unclear: −0.60 pp (95 % CI −1.50 to +0.30) cannot rule out a loss beyond the 0.5 pp margin; "
        "about 570,000 more users would settle it."
    )


def test_that_many_units_really_reach_the_margin() -> None:
    """At the promised size, half-width plus 0.84 standard errors is at most the margin."""
    found = verdict(policy(), conversion="unclear", panel="flat", judge="flat")
    amount = found.needs[0].amount
    assert amount is not None
    shrink = math.sqrt(100_000 / (100_000 + amount))
    assert (1.8 + Z_POWER * 1.8 / 1.96) * shrink <= 1
    less = math.sqrt(100_000 / (100_000 + 0.95 * amount))
    assert (1.8 + Z_POWER * 1.8 / 1.96) * less > 1


def test_past_the_plan_the_estimate_says_what_is_left() -> None:
    narrow = reading("conversion", "unclear", shape=(-0.65, 0.66))
    found = verdict(policy(), conversion=narrow, panel="flat", judge="flat")
    need = found.needs[0]
    assert need.amount == sensible(100_000 * (0.66 / 0.65) ** 2 - 100_000)
    assert "if the estimate stays where it is" in need.why


def test_collecting_for_ten_years_is_not_a_way_out() -> None:
    slow = reading("conversion", "unclear", rate_per_day=10.0)
    found = verdict(policy(), conversion=slow, panel="flat", judge="flat")
    assert found.needs[0].amount is None
    assert "over ten years" in found.needs[0].why
    assert "would settle" not in found.sentence


def test_without_a_margin_no_amount_settles() -> None:
    rows = "hierarchy: [{signal: thumbs, win: ship}]\n"
    text = "  thumbs: {kind: feedback, better: higher}\n"
    rules = policy(rows=text + rows)
    bare = replace(reading("conversion", "unclear"), signal="thumbs", kind="feedback", margin=None, non_inferior=None)
    found = verdict(rules, thumbs=bare)
    assert found.needs[0].what == "a margin for thumbs in the policy"
    assert "no margin" in found.sentence


def panel(components: dict[str, float], raters: float, half: float, se: float) -> Any:
    return reading(
        "panel", "unclear", shape=(-0.5, half / 0.1), components=components,
        checks={"min_raters": check("min_raters", raters)}, counted="items", n_control=80, n_candidate=80,
        estimates={"raw": replace(reading("panel", "flat").estimates["raw"], se=se)},
    )  # fmt: skip


def test_a_panel_needs_items_while_items_help() -> None:
    parts = {"item": 0.9, "rater": 0.0008, "residual": 0.5}
    se = math.sqrt(0.9 / 80 + 0.0008 / 4 + 0.5 / 320)
    found = verdict(policy(), conversion="flat", panel=panel(parts, 4, 2 * se, se), judge="flat")
    need = found.needs[0]
    target = (0.1 / (2 + Z_POWER)) ** 2
    items = (0.9 + 0.5 / 4) / (target - 0.0008 / 4)
    assert (need.unit, need.amount) == ("items", sensible(items - 80))


def test_a_panel_whose_raters_differ_needs_raters() -> None:
    parts = {"item": 0.02, "rater": 0.02, "residual": 0.05}
    se = math.sqrt(0.02 / 80 + 0.02 / 4 + 0.05 / 320)
    found = verdict(policy(), conversion="flat", panel=panel(parts, 4, 2 * se, se), judge="flat")
    need = found.needs[0]
    target = (0.1 / (2 + Z_POWER)) ** 2
    raters = (0.02 + 0.05 / 80) / (target - 0.02 / 80)
    assert (need.unit, need.amount) == ("raters", sensible(raters - 4))
    assert "no number of items alone" in need.why


def test_raters_who_are_the_panel_themselves_need_items_only() -> None:
    parts = {"item": 0.02, "rater": 0.02, "residual": 0.05}
    rules = parse_policy((HEAD + ROWS).replace("kind: panel\n", "kind: panel\n    raters: fixed\n"))
    found = verdict(rules, conversion="flat", panel=panel(parts, 4, 0.18, 0.09), judge="flat")
    assert found.needs[0].unit == "items"
    assert found.needs[0].amount == sensible(80 * (1.8 + Z_POWER * 0.9) ** 2 - 80)


def test_an_untrusted_signal_names_the_checks_remedy() -> None:
    split = check("sample_ratio_p", 1e-9, "fail", threshold=0.001, required=True, why="split is off")
    found = verdict(policy(), conversion=reading("conversion", "untrusted", checks={"sample_ratio_p": split}))
    (need,) = found.needs
    assert need.what.startswith("Find what loses units in one arm")
    assert need.why.startswith("split is off; ")
    assert found.sentence.startswith("No verdict yet: conversion cannot be trusted: ")


def test_too_few_units_are_counted_for_both_arms() -> None:
    few = check("min_units", 1200, "fail", threshold=2000, required=True, why="1,200 units is below 2,000")
    found = verdict(policy(), conversion=reading("conversion", "untrusted", checks={"min_units": few}))
    assert (found.needs[0].amount, found.needs[0].what) == (1600, "at least 1,600 more users")


def test_an_unripe_win_waits_for_the_week_to_end() -> None:
    weeks = check("full_weeks", 1, "fail", threshold=3.0, sort="maturity", required=True, why="1 week of 3")
    early = reading(
        "conversion", "unclear", shape=(3.0, 1.0), checks={"full_weeks": weeks}, why="would be win, but 1 week of 3"
    )
    found = verdict(policy(REQUIRE), conversion=early, panel="win")
    assert found.needs[0].by == date(2026, 11, 24)
    assert found.needs[0].amount is None
    assert "would be win, but 1 week of 3" in found.sentence
    assert "rule out" not in found.sentence


def test_a_missing_signal_says_which() -> None:
    found = verdict(policy(REQUIRE), conversion="win")
    assert [need.signal for need in found.needs] == ["panel"]
    assert "signal: panel" in found.needs[0].why
    assert found.sentence.startswith("No ship yet: requirement panel.non_inferior cannot be evaluated: ")


def test_missing_segments_say_what_to_map() -> None:
    rest = 'guardrails: [{id: g, when: "any(conversion.segments, low < 0)", call: rollback}]\n'
    found = verdict(policy(rest), conversion="win")
    assert found.needs[0].what == "conversion evidence by segment: map segment.plan in its source"


def test_a_silenced_judge_says_what_would_let_it_speak() -> None:
    quiet = reading("judge", "win", checks={"human_agreement": check("human_agreement", 0.5)})
    found = verdict(policy(), conversion="flat", panel="flat", judge=quiet)
    assert [need.signal for need in found.needs] == ["judge", ""]
    assert "0.5, asked >= 0.6" in found.needs[0].why


def test_a_definite_hold_promises_nothing_of_more_data() -> None:
    found = verdict(policy(), conversion="flat", panel="flat", judge="loss")
    assert "more data alone will not change it" in found.needs[0].why
    assert found.needs[0].amount is None
    assert found.sentence.startswith("Judge fell 6.00 pp (95 % CI −8.00 to −4.00)")


def test_a_requirement_that_fails_shows_the_numbers_it_fails_by() -> None:
    found = verdict(policy(REQUIRE), conversion="unclear", panel="win")
    assert found.ship_requires[0].why == ("conversion.non_inferior is false (lower bound −1.5 pp, margin 0.5 pp)")
    assert found.ship_requires[1].why == "panel.non_inferior is true"


def test_only_a_hold_has_needs() -> None:
    assert verdict(policy(), conversion="loss", panel="unclear").needs == ()
    assert verdict(policy(), conversion="win", panel="unclear").needs == ()


def test_every_hold_has_a_way_out_with_an_owner() -> None:
    states = ("win", "loss", "flat", "unclear", "untrusted", "missing")
    rules = policy(REQUIRE)
    for conversion in states:
        for people in states:
            for judge in states:
                found = verdict(rules, conversion=conversion, panel=people, judge=judge)
                assert bool(found.needs) == (found.call == "hold"), (conversion, people, judge)
                assert all(need.what and need.owner for need in found.needs)
                assert found.sentence.endswith(".")
                assert "  " not in found.sentence
                assert ".." not in found.sentence


@pytest.mark.parametrize(
    "shape, words",
    [
        ((-3.0, 1.0), "the whole interval is worse than the 0.5 pp margin"),
        ((-1.2, 0.5), "the estimate is worse than the 0.5 pp margin"),
        ((-0.8, 0.5), "the interval, though not the estimate, goes beyond the 0.5 pp margin"),
        ((-0.5, 0.2), "within the 0.5 pp margin"),
    ],
)
def test_a_loss_is_held_against_the_margin_truthfully(shape: tuple[float, float], words: str) -> None:
    found = verdict(policy(), conversion=reading("conversion", "loss", shape=shape))
    assert words in found.sentence
    others = {"whole interval is worse", "the estimate is worse", "though not the estimate", ", within the"}
    assert sum(other in found.sentence for other in others) == 1


def test_when_lower_is_better_the_verb_follows_the_effect() -> None:
    rows = "hierarchy: [{signal: cost, win: ship, loss: rollback}]\n"
    worse = verdict(policy(rows=rows), cost="loss")
    assert worse.sentence.startswith("Cost rose 0.120 usd (95 % CI +0.080 to +0.160), and lower is better")
    better = verdict(policy(rows=rows), cost="win")
    assert better.sentence.startswith("Cost fell 0.120 usd")
    assert "the whole interval is better than the margin of 1 % of control" in better.sentence


def test_the_sentence_names_who_was_overruled_and_what_a_guardrail_saw() -> None:
    found = verdict(policy(), conversion="loss", panel="flat", judge="win")
    assert found.sentence.endswith("Overruled: judge (win).")
    rest = 'guardrails: [{id: g, when: "any(conversion.segments, high < -margin)", call: rollback}]\n'
    hurt = reading("conversion", "win", segments=(segment("plan=pro", 0.3, -4.0, -2.0),))
    found = verdict(policy(rest), conversion=hurt)
    assert found.sentence == (
        "Guardrail g calls for rollback: plan=pro high is −1 pp, asked < −0.5 pp. "
        "The hierarchy alone would have said ship."
    )
