"""Ways out of a HOLD, and the banner sentence: every claim is checked against the numbers it is made of."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from datetime import date
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest
from situations import AS_OF, HEAD, ROWS, check, policy, reading, release, segment, verdict

from signals.policy import Policy, parse_policy
from signals.policy.amounts import sensible
from signals.stats.calibrate import corrected_mean
from signals.stats.sequential import multiplier

Z_POWER = NormalDist().inv_cdf(0.8)

REQUIRE = "ship_requires: [{that: conversion.non_inferior}, {that: panel.non_inferior}]\n"


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
        "about 570,000 more users would rule it out, in 80 % of cases, if there is none."
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


@pytest.mark.parametrize(
    ("benefit", "half", "away", "what"),
    [(-0.65, 0.66, 0.65, "zero"), (-0.35, 0.69, 0.65, "the 0.5 pp margin"), (0.65, 0.66, 0.65, "zero")],
)
def test_past_the_plan_the_estimate_says_what_is_left(benefit: float, half: float, away: float, what: str) -> None:
    """In margins. What only just holds zero leaves it at the next user or never: 80 % power asks for more."""
    narrow = reading("conversion", "unclear", shape=(benefit, half))
    found = verdict(policy(), conversion=narrow, panel="flat", judge="flat")
    need = found.needs[0]
    assert need.amount == sensible(100_000 * (half * (1 + Z_POWER / 1.96) / away) ** 2 - 100_000)
    assert f"if the true effect is today's estimate, that clears {what} in 80 % of cases" in need.why
    assert found.sentence.endswith(
        f" users would clear {what} in 80 % of cases, if the true effect is today's estimate."
    )


def test_a_possible_gain_is_not_called_a_loss() -> None:
    """Its harm is ruled out already: what more users would rule out is the gain."""
    hopeful = reading("conversion", "unclear", shape=(0.6, 1.3))
    found = verdict(policy(), conversion=hopeful, panel="flat", judge="flat")
    need = found.needs[0]
    assert "if the true effect is zero, that rules out a gain beyond the 0.5 pp margin in 80 % of cases" in need.why
    assert found.sentence.endswith(" more users would rule the gain out, in 80 % of cases, if there is none.")


def test_collecting_for_ten_years_is_not_a_way_out() -> None:
    slow = reading("conversion", "unclear", rate_per_day=10.0)
    found = verdict(policy(), conversion=slow, panel="flat", judge="flat")
    assert found.needs[0].amount is None
    assert "over ten years" in found.needs[0].why
    assert "more users would" not in found.sentence


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


@pytest.mark.parametrize(("rater", "unit"), [(0.0002, "items"), (0.0012, "raters")])
def test_past_the_plan_items_do_not_shrink_what_the_choice_of_raters_adds(rater: float, unit: str) -> None:
    """The estimate is half a margin away from zero and from the margin."""
    se = math.sqrt(0.06 / 80 + rater / 4 + 0.03 / 320)
    found = verdict(policy(), panel=panel({"item": 0.06, "rater": rater, "residual": 0.03}, 4, 2 * se, se))
    need = next(one for one in found.needs if one.signal == "panel")
    target = (0.05 / (2 + Z_POWER)) ** 2
    assert need.unit == unit
    assert "if the true effect is today's estimate" in need.why
    if unit == "items":
        assert need.amount == sensible((0.06 + 0.03 / 4) / (target - rater / 4) - 80)


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


def judge(half: float, components: dict[str, float], n: int = 200, **changes: Any) -> Any:
    """An unclear judge whose interval reaches ``half`` margins to each side, at 1.96 standard errors."""
    se = half * 0.02 / 1.96
    raw = replace(reading("judge", "flat").estimates["raw"], se=se)
    fields = {
        "components": components, "counted": "items", "n_control": n, "n_candidate": n,
        "estimates": {"raw": raw, "corrected": raw}, "rate_per_day": None,
    }  # fmt: skip
    return reading("judge", "unclear", shape=(-0.9, half), **(fields | changes))


ONLY_JUDGE = "hierarchy: [{signal: judge, win: ship, loss: hold}]\n"


def test_a_judge_says_whether_repeats_would_do_as_well() -> None:
    """Miller's formula, (item + repeat / K) / I: where most of the error is within items, repeats reach the margin."""
    half, repeats = 1.2, 2
    each = 200 * (half * 0.02 / 1.96) ** 2
    parts = {"item": 0.2 * each, "repeat": 0.8 * each * repeats}
    need = verdict(policy(rows=ONLY_JUDGE), judge=judge(half, parts)).needs[0]
    total = (half + Z_POWER * half / 1.96) ** 2
    assert (need.amount, need.unit) == (sensible(200 * (total - 1)), "items")
    wanted = math.ceil(parts["repeat"] / (each / total - parts["item"]))
    assert need.what == f"about {need.amount} more items, or about {wanted} repeats of each instead of 2"
    for many, enough in ((wanted, True), (wanted - 1, False)):
        reached = math.sqrt((parts["item"] + parts["repeat"] / many) / each)
        assert ((half + Z_POWER * half / 1.96) * reached <= 1) == enough


def test_repeats_do_not_help_where_items_differ() -> None:
    each = 200 * (2.0 * 0.02 / 1.96) ** 2
    parts = {"item": 0.8 * each, "repeat": 0.2 * each}
    found = verdict(policy(rows=ONLY_JUDGE), judge=judge(2.0, parts)).needs[0]
    assert "repeats" not in found.what
    assert "more repeats of the same items would not do" in found.why
    assert "repeat" not in str(verdict(policy(rows=ONLY_JUDGE), judge=judge(2.0, {})).needs[0])


CORRECTED = """\
schema: 1
name: small
signals:
  judge: {kind: judge, better: higher, margin: 2pp, estimate: corrected, human_scale: [1, 5], owner: people}
hierarchy: [{signal: judge, win: ship, loss: hold}]
"""


def corrected(half: float, labels: int, items: int, shared: float, **changes: Any) -> Any:
    """A corrected judge of which ``shared`` is the squared correlation with people: its errors by double sampling."""
    base = judge(half, {}, n=items, voting="corrected", **changes)
    se = base.estimates["corrected"].se
    people = se / math.sqrt(1 - shared + shared * labels / items)
    alone = replace(base.estimates["raw"], se=people, n_control=labels, n_candidate=labels)
    return replace(base, estimates=base.estimates | {"human": alone})


def reaches_the_margin(half: float, labels: float, items: float, was: tuple[int, int], shared: float) -> bool:
    """Whether half-width and 0.84 standard errors have come down to the margin at so many labels and items."""
    before, after = ((1 - shared) / one + shared / two for one, two in (was, (labels, items)))
    return (half + Z_POWER * half / 1.96) * math.sqrt(after / before) <= 1


@pytest.mark.parametrize("shared", [0.0, 0.3, 0.6])
def test_a_corrected_judge_needs_labels(shared: float) -> None:
    found = verdict(parse_policy(CORRECTED), judge=corrected(1.1, 100, 1000, shared))
    need = found.needs[0]
    amount = need.amount or 0
    assert need.what == f"about {amount} more items graded by people under both variants"
    assert (need.unit, need.owner) == ("items graded by people", "people")
    assert reaches_the_margin(1.1, 100 + amount, 1000, (100, 1000), shared)
    assert not reaches_the_margin(1.1, 100 + 0.9 * amount, 1000, (100, 1000), shared)
    assert found.sentence.endswith(
        f"about {amount} more items graded by people under both variants would rule it out, in 80 % of cases, "
        "if there is none."
    )


def test_a_corrected_judge_whose_items_are_too_few_needs_both() -> None:
    found = verdict(parse_policy(CORRECTED), judge=corrected(2.0, 100, 400, 0.5))
    need = found.needs[0]
    assert found.sentence.endswith(f"; {need.what}, would rule it out, in 80 % of cases, if there is none.")
    times = (2 + Z_POWER * 2 / 1.96) ** 2
    assert (need.amount, need.unit) == (sensible(400 * (times - 1)), "items")
    assert f"about {sensible(100 * (times - 1)):,} of them graded by people" in need.what
    assert "labels on all of the 400 items that the judge has scored would not do" in need.why
    assert not reaches_the_margin(2.0, 400, 400, (100, 400), 0.5)


def with_raters(found: Any, raters: int, error: float) -> Any:
    """The same reading, to whose errors the raters add ``error`` (squared)."""
    wider = {
        name: replace(one, se=math.sqrt((one.se or 0.0) ** 2 + error))
        for name, one in found.estimates.items()
        if name in ("human", "corrected")
    }
    components = {"raters": float(raters), "rater_error": error}
    return replace(found, estimates=found.estimates | wider, components=components)


def test_raters_who_add_little_change_the_number_of_labels_and_raters_who_add_most_are_what_is_wanted() -> None:
    plain = corrected(1.1, 100, 1000, 0.3)
    few = verdict(parse_policy(CORRECTED), judge=plain).needs[0]
    se = plain.estimates["corrected"].se or 0.0
    wanted = se**2 / (1.1 + Z_POWER * 1.1 / 1.96) ** 2
    some = verdict(parse_policy(CORRECTED), judge=with_raters(plain, 8, 0.3 * wanted)).needs[0]
    assert some.unit == few.unit == "items graded by people"
    assert (some.amount or 0) > (few.amount or 0)
    wide = with_raters(plain, 4, 2 * wanted)
    need = verdict(parse_policy(CORRECTED), judge=wide).needs[0]
    assert need.unit == "raters"
    assert "with 4 raters, no number of items alone would do" in need.why
    # Raters take their own part to half of what is wanted; labels have to bring the rest down to the other half.
    labels = int(re.findall(r"and about (\d+) more items", need.what)[0])
    raters = f"about {need.amount} more raters on all items"
    assert need.what == f"{raters} and about {labels} more items graded by people under both variants"
    own = 2 * wanted * 4 / (4 + (need.amount or 0))
    now = wide.estimates["corrected"].se or 0.0

    def reached(labels: int) -> float:
        squared = own + se**2 * (0.7 / labels + 0.3 / 1000) / (0.7 / 100 + 0.3 / 1000)
        return (1.1 * 0.02 + Z_POWER * now) * math.sqrt(squared) / now

    assert reached(100 + labels) <= 0.02 < reached(100 + int(0.9 * labels))


def test_a_corrected_judge_without_people_alone_goes_by_its_labels() -> None:
    labels = {"min_overlap": check("min_overlap", 120)}
    need = verdict(parse_policy(CORRECTED), judge=judge(2.0, {}, voting="corrected", n=400, checks=labels)).needs[0]
    amount = sensible(120 * ((2 + Z_POWER * 2 / 1.96) ** 2 - 1))
    assert need.amount == amount
    assert need.what == (
        f"about {amount} more items graded by people under both variants, about {sensible(amount - 280)} of them new"
    )


@pytest.mark.slow
def test_the_plan_for_labels_is_what_the_estimator_then_reaches() -> None:
    """From the errors at 100 labels to those at the planned number, by the estimator that a reading uses."""
    rng = np.random.default_rng(11)

    def errors(labels: int) -> tuple[float, float]:
        """Root mean squared errors of the corrected mean and of people alone, on 1,000 items."""
        seen = []
        for _ in range(60):
            people = rng.normal(0, 1, 1000)
            scores = list(0.8 * people + 0.6 * rng.normal(0, 1, 1000))
            known: list[float | None] = [float(one) if k < labels else None for k, one in enumerate(people)]
            found = corrected_mean(scores, known, range(1000), 0.95).difference
            seen.append((found.se**2, float(people[:labels].var(ddof=1)) / labels))
        ours, alone = np.sqrt(np.mean(seen, axis=0))
        return float(ours), float(alone)

    now, alone = errors(100)
    half = 1.25
    base = corrected(half, 100, 1000, 0.5)
    scale = base.estimates["corrected"].se / now
    estimates = base.estimates | {"human": replace(base.estimates["human"], se=alone * scale)}
    need = verdict(parse_policy(CORRECTED), judge=replace(base, estimates=estimates)).needs[0]
    assert need.unit == "items graded by people"
    then, _ = errors(100 + (need.amount or 0))
    assert then / now * (half + Z_POWER * half / 1.96) == pytest.approx(1, abs=0.08)


def test_feedback_needs_responses_and_days() -> None:
    text = "  thumbs: {kind: feedback, better: higher, margin: 2pp, owner: support}\n"
    rules = policy(rows=text + "hierarchy: [{signal: thumbs, win: ship, loss: hold}]\n")
    bare = replace(
        judge(1.5, {}),
        signal="thumbs",
        kind="feedback",
        counted="responses",
        rate_per_day=50.0,
        n_control=900,
        n_candidate=100,
    )
    need = verdict(rules, thumbs=bare).needs[0]
    amount = sensible(1000 * ((1.5 + Z_POWER * 1.5 / 1.96) ** 2 - 1))
    assert (need.amount, need.unit, need.owner) == (amount, "responses", "support")
    assert need.by == date.fromordinal(AS_OF.date().toordinal() + math.ceil(amount / 50))
    assert f"at the current rate of 50 a day it takes about {math.ceil(amount / 50)} days" in need.why


@pytest.mark.parametrize("plan", [20_000, 400_000, 5_000_000])
def test_an_always_valid_interval_is_planned_with_its_own_width(plan: int) -> None:
    """At the promised size the confidence sequence itself, not one that shrinks with the root, meets the margin."""
    se = 1.0 * 0.005 / 1.96
    half = multiplier(100_000, 0.95, plan) * se
    always = HEAD.replace(
        "    better: higher\n    margin: 0.5pp",
        f"    looks: continuous\n    planned_units: {plan}\n    better: higher\n    margin: 0.5pp",
    )
    rules = parse_policy(always + ROWS)
    base = reading("conversion", "unclear", shape=(-0.5, half / 0.005))
    found = verdict(rules, conversion=replace(base, estimates={"raw": replace(base.estimates["raw"], se=se)}))
    amount = next(need.amount for need in found.needs if need.signal == "conversion")
    assert amount is not None
    for share, enough in ((1.0, True), (0.93, False)):
        n = 100_000 + share * amount
        reached = (multiplier(n, 0.95, plan) + Z_POWER) * se * math.sqrt(100_000 / n)
        assert (reached <= 0.005) == enough


def with_looks(*days: str, planned: int) -> Policy:
    keys = f"    looks: [{', '.join(days)}]\n    planned_units: {planned}\n    better: higher\n    margin: 0.5pp"
    return parse_policy(HEAD.replace("    better: higher\n    margin: 0.5pp", keys) + ROWS)


def test_planned_looks_are_planned_with_the_reach_of_the_last() -> None:
    """At a quarter of the plan the interval reaches twice as far as at its end, and the end has the units."""
    early, last, every = 4.05, 2.025, 5000.0
    se = 0.005 * 2.0 / (last + Z_POWER)  # four times the units bring it to the margin, with the last reach
    half = early * se
    base = reading("conversion", "unclear", shape=(-0.5, half / 0.005), rate_per_day=every)
    base = replace(base, estimates={"raw": replace(base.estimates["raw"], se=se)})
    need = next(
        need
        for need in verdict(
            with_looks("2026-11-17", "2026-12-08", "2027-02-01", planned=400_000), conversion=base
        ).needs
        if need.signal == "conversion"
    )
    assert need.amount == sensible(300_000)
    assert need.by == date(2027, 2, 1)  # sixty days from now is the 16th of January: between two looks
    assert "the next planned look then is on 1 Feb 2027" in need.why
    late = verdict(with_looks("2026-11-17", "2026-12-08", planned=400_000), conversion=base).needs[0]
    assert "no planned look comes that late, the last is on 8 Dec 2026" in late.why


@pytest.mark.parametrize(
    "kind, signal, name, value, threshold, what",
    [
        ("experiment", "conversion", "min_clusters", 6, 10, "at least 8 more clusters"),
        ("feedback", "conversion", "min_responses", 80, 100, "at least 40 more responses"),
        ("judge", "judge", "min_overlap", 20, 50, "at least 30 more items graded by people"),
        ("judge", "judge", "min_items", 29, 30, "at least 1 more item"),
        # 200 items are worth 20: ten more of those take a hundred.
        ("judge", "judge", "min_effective_items", 20, 30, "at least 100 more items"),
        ("panel", "panel", "min_raters", 1, 3, "at least 2 more raters"),
    ],
)
def test_a_count_that_is_short_says_by_how_many(
    kind: str, signal: str, name: str, value: float, threshold: float, what: str
) -> None:
    few = check(name, value, "fail", threshold=float(threshold), required=True, why=f"{name} is short")
    base = reading(
        signal, "untrusted", checks={name: few}, counted="items", n_control=200, n_candidate=200, rate_per_day=5.0
    )  # fmt: skip
    rules = policy(rows=f"hierarchy: [{{signal: {signal}, win: ship, untrusted: hold}}]\n")
    need = verdict(rules, **{signal: base}).needs[0]
    assert need.what == what
    assert need.why.startswith(f"{name} is short; ")
    # The rate is one of items, and says nothing of when there will be raters or labels.
    assert (need.by is not None) == (need.unit == "items")


def test_two_counts_are_named_together_and_other_faults_keep_their_remedy() -> None:
    rules = policy(rows="hierarchy: [{signal: panel, win: ship, untrusted: hold}]\n")
    items = check("min_items", 40, "fail", threshold=50.0, required=True, why="few items")
    raters = check("min_raters", 2, "fail", threshold=3.0, required=True, why="few raters")
    pairing = check("paired", 0.5, "fail", threshold=0.9, required=True, why="half are paired")
    both = verdict(rules, panel=reading("panel", "untrusted", checks={"min_items": items, "min_raters": raters}))
    assert both.needs[0].what == "at least 10 more items and 1 more rater"
    assert both.needs[0].amount is None
    effective = check("min_effective_items", 20, "fail", threshold=30.0, required=True, why="heavy weights")
    same = reading("judge", "untrusted", checks={"min_items": items, "min_effective_items": effective}, n_control=40)
    most = verdict(policy(rows="hierarchy: [{signal: judge, win: ship, untrusted: hold}]\n"), judge=same)
    assert most.needs[0].what == "at least 20 more items"  # not 10 and 20
    mixed = verdict(rules, panel=reading("panel", "untrusted", checks={"min_items": items, "paired": pairing}))
    assert mixed.needs[0].what == "At least 10 more items; Run both variants on the same items"


def test_the_smaller_arm_fills_at_its_planned_share() -> None:
    few = check("min_units", 1200, "fail", threshold=2000, required=True, why="few units")
    base = reading("conversion", "untrusted", checks={"min_units": few}, rate_per_day=1000.0)
    need = verdict(policy(), subject=release(split=0.1), conversion=base).needs[0]
    assert (need.what, need.by) == ("at least 8,000 more users", date.fromordinal(AS_OF.date().toordinal() + 8))


def test_a_refusal_that_tells_a_count_says_how_many_are_missing() -> None:
    """The policy asks for no overlap, but the corrected interval is refused without one."""
    few = check("min_overlap", 20, "warn", threshold=50.0, why="overlap 20 is below 50")
    other = check("min_items", 29, "warn", threshold=30.0, why="items 29 is below 30")
    refused = reading(
        "judge", "untrusted", voting="corrected", checks={"min_overlap": few, "min_items": other},
        why="only 20 items were graded under both variants",
    )  # fmt: skip
    need = verdict(parse_policy(CORRECTED), judge=refused).needs[0]
    assert (need.what, need.amount) == ("at least 30 more items graded by people", 30)
    assert need.why.startswith("overlap 20 is below 50; only 20 items were graded")
    plain = replace(refused, why="the evidence has 3 scorers and the policy names none")
    assert verdict(parse_policy(CORRECTED), judge=plain).needs[0].what == "evidence from which an interval can be made"


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
    assert found.needs[0].why.endswith("the policy holds while it is loss, and waits for no more judge evidence")
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
        ((-1.2, 0.5), "the whole interval is below zero, the estimate worse than the 0.5 pp margin"),
        ((-0.8, 0.5), "the whole interval is below zero, part of it beyond the 0.5 pp margin"),
        ((-0.5, 0.2), "the whole interval is below zero, within the 0.5 pp margin"),
    ],
)
def test_a_loss_is_held_against_the_margin_truthfully(shape: tuple[float, float], words: str) -> None:
    found = verdict(policy(), conversion=reading("conversion", "loss", shape=shape))
    assert words in found.sentence
    others = {"whole interval is worse", "the estimate worse", "part of it beyond", ", within the"}
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


def test_where_clusters_were_randomised_more_clusters_are_wanted_not_more_users() -> None:
    clusters = {"min_clusters": check("min_clusters", 22)}
    unclear = reading("conversion", "unclear", shape=(-0.2, 1.5), checks=clusters, rate_per_day=100.0)
    need = next(one for one in verdict(policy(), conversion=unclear).needs if one.signal == "conversion")
    assert need.unit == "clusters"
    assert need.by is None  # the rate is of users
    assert need.amount == sensible(44 * ((1.5 + Z_POWER * 1.5 / 1.96) ** 2 - 1))


def test_a_check_without_a_number_asks_for_what_would_give_it_one() -> None:
    for measured, asked in ((1.0, "Compare like with like"), (None, "Declare `segments:` on the signal")):
        broken = check("max_reversals", measured, "fail" if measured else "unknown", required=True)
        one = reading("conversion", "untrusted", checks={"max_reversals": broken})
        (need,) = [need for need in verdict(policy(), conversion=one).needs if need.signal == "conversion"]
        assert asked in need.what
