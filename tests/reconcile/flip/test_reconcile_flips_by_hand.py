"""Flips whose answer can be worked out on paper."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flips_kit import AS_OF, World, normal_p

from signals.model import Estimate, Flip, Measure, Numbers, SegmentEstimate
from signals.policy import parse_policy
from signals.reconcile.flip.flips import flips, left_out

HEAD = """\
schema: 1
name: small
signals:
  conversion:
    kind: experiment
    metric: {name: converted, type: proportion}
    better: higher
    margin: 0.5pp
    segments: [plan]
    trust: {sample_ratio_p: 0.001, min_units: 2000, full_weeks: 1, max_age: 3d}
  panel: {kind: panel, better: higher, margin: 0.125, trust: {min_items: 50}}
  judge: {kind: judge, better: higher, margin: 2pp, trust: {same_judge: true, human_agreement: 0.4}}
  cost: {kind: experiment, metric: {name: usd, type: mean}, better: lower, margin: 0.5}
"""
ROWS = """\
hierarchy:
  - {signal: conversion, win: ship, loss: rollback, untrusted: hold}
  - {signal: panel, win: ship, loss: rollback}
"""
MEASURES = {
    "conversion": {"sample_ratio_p": 0.41, "min_units": 49_950.0, "full_weeks": 2.0},
    "panel": {"min_items": 60.0},
    "judge": {"same_judge": 1.0, "human_agreement": 0.52},
    "cost": {},
}
UNITS = {"conversion": "pp", "panel": "points", "judge": "pp", "cost": "usd"}
N = {"conversion": 50_000, "panel": 60, "judge": 120, "cost": 50_000}


def numbers(
    name: str, value: float, half: float, segments: tuple[SegmentEstimate, ...] = (), **measures: float | None
) -> Numbers:
    estimate = Estimate(
        value, value - half, value + half, "by hand", 0.95, se=half / 2, p_value=0.5, control=0.5,
        n_control=N[name], n_candidate=N[name],
    )  # fmt: skip
    measured: dict[str, float | None] = {**MEASURES[name], **measures}
    kind = {"panel": "panel", "judge": "judge"}.get(name, "experiment")
    return Numbers(
        name, kind, UNITS[name], "raw", {"raw": estimate},  # type: ignore[arg-type]  # a kind by its name
        tuple(Measure(key, one, "measured") for key, one in measured.items()), segments,
        last_at=AS_OF - timedelta(hours=9), counted="users",
    )  # fmt: skip


def segment(name: str, value: float, half: float, share: float = 0.2) -> SegmentEstimate:
    low, high = value - half, value + half
    return SegmentEstimate(name, share, 900, 900, value, low, high, low - half, high + half, 0.5)


def world(rest: str = "", rows: str = ROWS, **signals: Numbers) -> World:
    return World(parse_policy(HEAD + rows + rest), signals)


def every(one: World) -> tuple[Flip, ...]:
    found = flips(one.policy, one.release, one.readings(), one.as_of)
    assert all(flip.to != one.call() for flip in found)
    return found


def told(one: World) -> dict[tuple[str, str], Flip]:
    """The nearest flip by fact and direction."""
    return {(flip.fact, flip.direction): flip for flip in reversed(every(one))}


def states(one: World) -> list[Flip]:
    return [flip for flip in every(one) if flip.fact.endswith(".state")]


LOSS, FLAT = numbers("conversion", -0.02, 0.009), numbers("panel", 0.0, 0.0625)


def test_a_loss_holds_once_its_interval_touches_zero() -> None:
    found = told(world("ship_requires: [{that: conversion.non_inferior}]", conversion=LOSS, panel=FLAT))
    flip = found["conversion.benefit", "above"]
    assert flip.at == pytest.approx(-0.009)
    assert flip.to == "hold"
    assert flip.inside is False
    assert flip.now == -0.02
    assert -0.009 < float(flip.past) <= -0.0089
    assert flip.words == "if conversion's loss were no worse than −0.89 pp (now −2.00): hold"
    assert ("conversion.benefit", "below") not in found  # a larger loss is a loss
    assert ("panel.benefit", "above") not in found  # conversion decides whatever people say


def test_the_direction_of_words_is_that_of_the_effect_when_lower_is_better() -> None:
    rows = "hierarchy:\n  - {signal: cost, win: ship, loss: rollback}\n"
    found = told(world(rows=rows, cost=numbers("cost", 2.0, 0.75)))
    flip = found["cost.benefit", "above"]
    assert (flip.now, flip.at, flip.to) == (-2.0, -0.75, "hold")
    assert flip.words.startswith("if cost's loss were no worse than +0.74")
    assert "(now +2.0" in flip.words
    ahead = told(world(rows=rows, cost=numbers("cost", 0.25, 0.75)))
    assert ahead["cost.benefit", "above"].to == "ship"
    assert ahead["cost.benefit", "above"].at == 0.75
    assert "effect were −0.75" in ahead["cost.benefit", "above"].words
    assert "or less" in ahead["cost.benefit", "above"].words
    assert "or more" in ahead["cost.benefit", "below"].words
    assert ahead["cost.benefit", "below"].to == "rollback"


def test_the_nearest_flip_comes_first_and_those_inside_the_interval_before_all_others() -> None:
    rows = "hierarchy:\n  - {signal: panel, win: ship, loss: rollback}\n  - {signal: cost, win: ship, loss: rollback}\n"
    one = world(rows=rows, panel=numbers("panel", 0.1, 0.25), cost=numbers("cost", 0.0, 1.0))
    found = flips(one.policy, one.release, one.readings(), one.as_of)
    assert [(flip.fact, flip.direction) for flip in found[:4]] == [
        ("panel.benefit", "above"), ("cost.benefit", "above"), ("cost.benefit", "below"), ("panel.benefit", "below"),
    ]  # fmt: skip
    assert [(flip.inside, flip.at_end) for flip in found[:4]] == [
        (True, False), (False, True), (False, True), (False, False),
    ]  # fmt: skip


def test_the_margin_is_a_boundary_and_touching_it_is_not_inside() -> None:
    rows = "hierarchy:\n  - {signal: panel, flat: ship, loss: rollback}\n"
    found = told(world(rows=rows, panel=FLAT))
    assert found["panel.benefit", "above"].at == 0.0625
    assert found["panel.benefit", "below"].at == -0.0625
    touching = told(world(rows=rows, panel=numbers("panel", 0.0625, 0.0625)))
    flip = touching["panel.benefit", "below"]
    assert (flip.now, flip.at, flip.to) == (0.0625, 0.0625, "ship")  # now it stands at the boundary
    assert float(flip.past) < 0.0625


def test_a_threshold_that_is_met_exactly_flips_just_below() -> None:
    rows = "hierarchy:\n  - {signal: judge, when: judge.human_agreement >= 0.5, win: ship}\n"
    at_it = told(world(rows=rows, judge=numbers("judge", 0.05, 0.01, human_agreement=0.5)))
    flip = at_it["judge.human_agreement", "below"]
    assert (flip.now, flip.at, flip.to, flip.past) == (0.5, 0.5, "hold", 0.49)
    assert flip.words == "if people agreed with judge at 0.49 instead of 0.50: hold"
    near = told(world(rows=rows, judge=numbers("judge", 0.05, 0.01)))["judge.human_agreement", "below"]
    assert near.words == "if people agreed with judge at 0.49 instead of 0.52: hold"
    below = told(world(rows=rows, judge=numbers("judge", 0.05, 0.01, human_agreement=0.45)))
    up = below["judge.human_agreement", "above"]
    assert (up.at, up.past, up.to) == (0.5, 0.5, "ship")  # closed: at the threshold itself
    strict = told(world(rows=rows.replace(">=", ">"), judge=numbers("judge", 0.05, 0.01, human_agreement=0.45)))
    assert strict["judge.human_agreement", "above"].past == 0.51


def test_a_check_that_turns_makes_a_third_call_beside_the_nearer_one() -> None:
    rows = """hierarchy:
  - {signal: judge, when: judge.human_agreement >= 0.5, win: ship, untrusted: hold}
  - {signal: judge, win: hold, untrusted: rollback}
"""
    one = world(rows=rows, judge=numbers("judge", 0.05, 0.01))
    found = [flip for flip in flips(one.policy, one.release, one.readings(), one.as_of) if "agreement" in flip.fact]
    assert [(flip.at, flip.to) for flip in found] == [(0.5, "hold"), (0.4, "rollback")]
    assert one.at("judge.human_agreement", found[1].past).call() == "rollback"


def test_a_limit_at_the_end_of_what_can_be() -> None:
    rows = "hierarchy:\n  - {signal: judge, when: judge.coverage >= 100% and judge.max_leaked <= 0, win: ship}\n"
    found = told(world(rows=rows, judge=numbers("judge", 0.05, 0.01, coverage=0.9, max_leaked=0.0)))
    up = found["judge.coverage", "above"]
    assert (up.at, up.past, up.to) == (1.0, 1.0, "ship")
    leaked = told(world(rows=rows, judge=numbers("judge", 0.05, 0.01, coverage=1.0, max_leaked=0.02)))
    assert (leaked["judge.max_leaked", "below"].at, leaked["judge.max_leaked", "below"].past) == (0.0, 0.0)
    clean = told(world(rows=rows, judge=numbers("judge", 0.05, 0.01, coverage=1.0, max_leaked=0.0)))
    assert clean["judge.coverage", "below"].to == "hold"
    assert clean["judge.max_leaked", "above"].to == "hold"
    assert {one for one in clean if one[0] == "judge.coverage"} == {("judge.coverage", "below")}


def test_a_single_value_is_told_as_one() -> None:
    rows = "hierarchy:\n  - {signal: judge, when: judge.coverage == 0.5 or judge.coverage > 0.75, win: ship}\n"
    found = told(world(rows=rows, judge=numbers("judge", 0.05, 0.01, coverage=0.25)))
    assert (found["judge.coverage", "is"].at, found["judge.coverage", "is"].past) == (0.5, 0.5)
    assert found["judge.coverage", "above"].at == 0.75


def test_validity_makes_untrusted_and_maturity_spares_a_loss() -> None:
    lost = told(world(conversion=LOSS, panel=FLAT))
    ratio = lost["conversion.sample_ratio_p", "below"]
    assert (ratio.at, ratio.to, ratio.past) == (0.001, "hold", 0.0009)
    assert ratio.words == "if conversion's sample-ratio check failed (p-value below 0.001, now 0.41): hold"
    assert lost["conversion.min_units", "below"].at == 1999.0
    assert lost["conversion.min_units", "below"].words == (
        "if conversion had 1,999 users in the smaller arm instead of 49,950: hold"
    )
    assert lost["conversion.age", "above"].words == (
        "if conversion's newest evidence were more than 3 days old (now 9 h): hold"
    )
    assert ("conversion.full_weeks", "below") not in lost  # harm seen early is still harm
    won = told(world(conversion=numbers("conversion", 0.02, 0.009), panel=FLAT))
    assert won["conversion.full_weeks", "below"].at == 0.0
    assert won["conversion.full_weeks", "below"].words == "if conversion had run for 0 whole weeks instead of 2: hold"


def test_a_check_that_fails_now_would_let_its_signal_speak() -> None:
    broken = numbers("conversion", -0.02, 0.009, sample_ratio_p=1e-6)
    found = told(world(conversion=broken, panel=FLAT))
    flip = found["conversion.sample_ratio_p", "above"]
    assert (flip.at, flip.to, flip.past) == (0.001, "rollback", 0.001)
    assert "check passed (p-value at least 0.001" in flip.words
    two = numbers("conversion", -0.02, 0.009, sample_ratio_p=1e-6, min_units=10.0)
    both = told(world(conversion=two, panel=FLAT))
    assert not {fact for fact, _ in both if "ratio" in fact or "units" in fact}  # neither alone
    stands = states(world(conversion=two, panel=FLAT))[0]
    assert stands.words == "if conversion could be trusted, a loss as its numbers stand: rollback"


def test_yes_and_no_and_what_is_not_known() -> None:
    rows = "hierarchy:\n  - {signal: judge, win: ship, untrusted: rollback}\n"
    found = told(world(rows=rows, judge=numbers("judge", 0.05, 0.01)))
    flip = found["judge.same_judge", "is"]
    assert (flip.now, flip.at, flip.to) == (True, False, "rollback")
    assert flip.words == "if judge's same-judge check failed: rollback"
    unknown = told(world(rows=rows, judge=numbers("judge", 0.05, 0.01, human_agreement=None)))
    known = unknown["judge.human_agreement", "above"]
    assert (known.now, known.at, known.past, known.to) == (None, 0.4, 0.4, "ship")
    assert known.words == "if judge's agreement with people were known and at least 0.40: ship"
    yes = told(world(rows=rows, judge=numbers("judge", 0.05, 0.01, same_judge=None)))["judge.same_judge", "is"]
    assert (yes.now, yes.at, yes.to) == (None, True, "ship")
    asked = "hierarchy:\n  - {signal: judge, when: has(judge.coverage), win: ship}\n"
    mere = told(world(rows=asked, judge=numbers("judge", 0.05, 0.01)))["judge.coverage", "is"]
    assert (mere.now, mere.at, mere.to) == (None, "known", "ship")


GUARD = """\
guardrails:
  - {id: nobody-left, when: 'any(conversion.segments, share >= 5% and adjusted.high < -margin)', call: rollback}
"""


def test_the_nearest_segment_fires_the_guardrail() -> None:
    parts = (
        segment("plan=free", 0.01, 0.004),
        segment("plan=team", 0.001, 0.002),
        segment("plan=tiny", -0.05, 0.001, 0.04),
    )
    one = world(GUARD, conversion=numbers("conversion", 0.02, 0.009, parts), panel=FLAT)
    found = told(one)
    flip = found["conversion.segments[plan=team].adjusted.high", "below"]
    assert flip.now == pytest.approx(0.005)
    assert flip.at == pytest.approx(-0.005)
    assert flip.to == "rollback"
    assert flip.inside is False
    assert flip.words == (
        "if conversion in plan=team did 1.01 pp worse (its adjusted upper bound −0.51 pp instead of +0.50): rollback"
    )
    share = found["conversion.segments[plan=tiny].share", "above"]
    assert (share.now, share.at, share.past, share.to) == (0.04, 0.05, 0.05, "rollback")
    assert share.words == "if plan=tiny were 5.0 % of conversion's users (now 4.0 %): rollback"
    assert not [fact for fact, _ in found if "plan=free" in fact]  # farther away


def test_an_override_that_would_hold_flips_the_call() -> None:
    rest = "overrides: [{id: people, put: panel, above: conversion, when: panel is loss and conversion is win}]\n"
    one = world(rest, conversion=numbers("conversion", 0.02, 0.009), panel=FLAT)
    flip = told(one)["panel.benefit", "below"]
    assert (flip.at, flip.to) == (-0.0625, "rollback")
    assert ("panel.benefit", "below") not in told(world(conversion=numbers("conversion", 0.02, 0.009), panel=FLAT))


def test_an_unknown_requirement_holds_and_its_fact_lifts_it() -> None:
    rest = "ship_requires: [{that: judge.coverage >= 80%}]\n"
    one = world(rest, conversion=numbers("conversion", 0.02, 0.009), judge=numbers("judge", 0.0, 0.1))
    assert one.call() == "hold"
    flip = told(one)["judge.coverage", "above"]
    assert (flip.now, flip.at, flip.past, flip.to) == (None, 0.8, 0.8, "ship")
    assert flip.words == "if judge's coverage were known and at least 80.0 %: ship"


def test_a_missing_signal_is_told_only_when_its_numbers_cannot_matter() -> None:
    rest = GUARD + "ship_requires: [{that: conversion.non_inferior}]\n"
    found = states(world(rest, panel=numbers("panel", 0.0, 0.5)))
    by_state = {one.at: one for one in found}
    assert {state: one.to for state, one in by_state.items()} == {"win": "ship", "loss": "rollback"}
    assert by_state["win"].words == (
        "if conversion were there and were a win, and guardrail nobody-left did not fire: ship"
    )
    assert "guardrail" not in by_state["loss"].words  # it could not make that worse
    hangs = "ship_requires: [{that: conversion.benefit.low > 0.01}]\n"
    assert [flip.at for flip in states(world(hangs, panel=FLAT))] == ["loss"]


def test_a_bound_is_told_where_it_says_something_else_than_the_shift() -> None:
    rows = "hierarchy:\n  - {signal: panel, unclear: hold, flat: rollback}\n"
    wide = numbers("panel", 0.0625, 0.0)
    estimate = replace(wide.estimates["raw"], low=-0.0625, high=0.25)
    found = told(world(rows=rows, panel=replace(wide, estimates={"raw": estimate})))
    assert {fact for fact, _ in found if "benefit" in fact} == {"panel.benefit.high"}  # too wide to be flat anywhere
    flip = found["panel.benefit.high", "below"]
    assert (flip.now, flip.at, flip.to, flip.inside) == (0.25, 0.125, "rollback", True)
    assert flip.words == "if only the upper end of panel's interval were +0.12 points (now +0.25): rollback"
    decisive = "hierarchy:\n  - {signal: panel, win: ship}\n"
    same = told(world(rows=decisive, panel=replace(wide, estimates={"raw": estimate})))
    assert {fact for fact, _ in same if "benefit" in fact} == {"panel.benefit"}  # the shift says it already


def test_no_effect_beyond_what_a_proportion_can_be() -> None:
    rows = "hierarchy:\n  - {signal: conversion, loss: rollback}\n"
    low = numbers("conversion", 0.0, 0.05)
    estimate = replace(low.estimates["raw"], control=0.03)
    found = told(world(rows=rows, conversion=replace(low, estimates={"raw": estimate})))
    assert ("conversion.benefit", "below") not in found  # from 3 % nothing falls by 5 points
    assert ("conversion.benefit", "below") in told(world(rows=rows, conversion=low))


@pytest.mark.parametrize(
    "condition, fact, told_of",
    [
        ("judge.min_overlap >= 100", "judge.min_overlap", True),
        ("judge.min_overlap >= 150", "judge.min_overlap", False),  # it has 120 items
        ("judge.min_effective_items >= 150", "judge.min_effective_items", False),
        ("judge.human_agreement >= 0.9", "judge.human_agreement", True),
        ("judge.human_agreement >= 1.1", "judge.human_agreement", False),
        ("judge.human_agreement >= 0.6 and judge.coverage > 100%", "judge.human_agreement", False),
        ("judge.coverage > 100%", "judge.coverage", False),
        ("judge.judge_bias_p >= 1.2", "judge.judge_bias_p", False),
    ],
)
def test_no_number_beyond_what_it_can_be(condition: str, fact: str, told_of: bool) -> None:
    rows = f"hierarchy:\n  - {{signal: judge, when: {condition}, win: ship}}\n"
    measures: Any = {"min_overlap": 60.0, "min_effective_items": 80.0, "coverage": 0.9, "judge_bias_p": 0.4}
    found = told(world(rows=rows, judge=numbers("judge", 0.05, 0.01, **measures)))
    assert ((fact, "above") in found) == told_of


@pytest.mark.parametrize("limit, told_of", [("-90pp", True), ("-101pp", False)])
def test_no_segment_falls_by_more_than_everything(limit: str, told_of: bool) -> None:
    guard = f"guardrails: [{{id: g, when: 'any(conversion.segments, benefit < {limit})', call: rollback}}]\n"
    one = world(guard, conversion=numbers("conversion", 0.02, 0.009, (segment("plan=free", 0.01, 0.004),)), panel=FLAT)
    assert (("conversion.segments[plan=free].benefit", "below") in told(one)) == told_of


def test_the_p_value_follows_a_shift_where_its_rule_is_known() -> None:
    rows = "hierarchy:\n  - {signal: conversion, when: conversion.p_value < 0.2, unclear: rollback, flat: rollback}\n"
    half = 1.959963984540054 * 0.01
    made = replace(numbers("conversion", 0.002, half).estimates["raw"], se=0.01, p_value=normal_p(0.002, 0.01))
    one = world(rows=rows, conversion=replace(numbers("conversion", 0.002, half), estimates={"raw": made}))
    found = told(one)
    assert found["conversion.benefit", "above"].at == pytest.approx(1.2815515655446004 * 0.01)
    assert found["conversion.benefit", "below"].at == pytest.approx(-1.2815515655446004 * 0.01)
    assert left_out(one.policy, one.release, one.readings(), one.as_of) == ()
    other = world(rows=rows, conversion=numbers("conversion", 0.002, half))  # its p-value is of no rule that is known
    assert ("conversion.benefit", "above") not in told(other)
    assert told(other)["conversion.p_value", "below"].at == 0.2
    assert "p-value" in left_out(other.policy, other.release, other.readings(), other.as_of)[0]


def test_a_reading_that_was_not_made_from_its_numbers_is_left_out() -> None:
    one = world(conversion=LOSS, panel=FLAT)
    readings: dict[str, Any] = one.readings()
    readings["conversion"] = replace(readings["conversion"], state="win")
    found = flips(one.policy, one.release, readings, one.as_of)
    assert not [flip for flip in found if flip.fact.startswith("conversion.")]
    assert "does not follow" in left_out(one.policy, one.release, readings, one.as_of)[0]


def test_the_age_of_the_release() -> None:
    rest = "ship_requires: [{that: release.age >= 15d}]\n"
    flip = told(world(rest, conversion=numbers("conversion", 0.02, 0.009)))["release.age", "above"]
    assert flip.at == 15 * 86_400.0
    assert flip.to == "ship"
    assert flip.past == flip.at
    assert flip.words == "if the release were at least 15 days old (now 14.4 days): ship"


def test_items_are_one_number_under_two_names() -> None:
    rows = "hierarchy:\n  - {signal: panel, when: panel.n >= 55, win: ship}\n"
    flip = told(world(rows=rows, panel=numbers("panel", 0.5, 0.1)))["panel.min_items", "below"]
    assert (flip.at, flip.to) == (54.0, "hold")
    assert not math.isnan(float(flip.past))


def test_the_same_input_gives_the_same_flips() -> None:
    one = world(GUARD, conversion=LOSS, panel=FLAT)
    first, second = (flips(one.policy, one.release, one.readings(), one.as_of) for _ in range(2))
    assert first == second
    assert repr(first) == repr(second)
