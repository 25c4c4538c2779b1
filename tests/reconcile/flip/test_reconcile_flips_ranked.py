"""Which flips stand in the open: those that a room would argue about."""

from __future__ import annotations

from dataclasses import replace

import pytest
import reconciled
from flips_kit import World
from memo.verdicts import POLICY, verdict
from test_reconcile_flips_by_hand import HEAD, every, numbers, segment

from signals.cli.reconcile import reconcile_text
from signals.dashboard import why
from signals.memo import html, markdown, memo_of
from signals.memo.explained import explained_of
from signals.model import Explanation, Measure, Numbers
from signals.policy import parse_policy
from signals.reconcile.flip.rank import FAR_ERRORS, FAR_STEPS, steps

ROWS = "hierarchy: [{signal: judge, when: judge.human_agreement >= 0.5, win: ship}]\n"


def world(rows: str, **signals: Numbers) -> World:
    return World(parse_policy(HEAD + rows), signals)


def agreeing(low: float | None, high: float | None) -> World:
    judge = numbers("judge", 0.05, 0.01)
    measures = [one for one in judge.measures if one.name != "human_agreement"]
    agreement = Measure("human_agreement", 0.55, "made up", 0.1, low, high)
    return world(ROWS, judge=replace(judge, measures=(*measures, agreement)))


@pytest.mark.parametrize(
    "low, high, inside, first",
    [(0.4, 0.7, True, True), (0.52, 0.58, False, True), (None, None, None, False)],
)
def test_agreement_says_whether_it_is_in_its_interval(
    low: float | None, high: float | None, inside: bool | None, first: bool
) -> None:
    found = every(agreeing(low, high))
    flip = next(one for one in found if one.fact == "judge.human_agreement")
    assert (flip.at, flip.to, flip.inside) == (0.5, "hold", inside)
    assert (found[0] == flip) == first


def test_beyond_an_interval_the_nearer_one_by_standard_errors_comes_first() -> None:
    # 0.05 of an error of 0.03 / 1.96 is 3.3 errors; the effect's boundary at 0.01 is 8 errors of 0.005 away.
    found = [one.fact for one in every(agreeing(0.52, 0.58))]
    assert found.index("judge.human_agreement") < found.index("judge.benefit")


def test_a_count_many_times_smaller_and_a_second_source_are_far_fetched() -> None:
    trust = "trust: {sample_ratio_p: 0.001, min_units: 2000, full_weeks: 1, max_age: 3d}"
    asked = HEAD.replace(trust, trust.replace("{", "{max_sources: 1, max_reversals: 0, "))
    rows = "hierarchy:\n  - {signal: conversion, win: ship, loss: rollback, untrusted: hold}\n"
    made = numbers("conversion", -0.02, 0.009, max_sources=1.0, max_reversals=0.0)
    found = every(World(parse_policy(asked + rows), {"conversion": made}))
    assert [one.fact.partition(".")[2] for one in found if not one.far] == ["benefit", "sample_ratio_p", "age"]
    assert [one.fact.partition(".")[2] for one in found if one.far] == ["min_units", "max_reversals", "max_sources"]


def test_what_fails_and_is_mended_is_not_far_fetched() -> None:
    trust = "trust: {sample_ratio_p: 0.001, min_units: 2000, full_weeks: 1, max_age: 3d}"
    asked = HEAD.replace(trust, "trust: {max_sources: 1}")
    rows = "hierarchy:\n  - {signal: conversion, win: ship, loss: rollback, untrusted: hold}\n"
    found = every(
        World(parse_policy(asked + rows), {"conversion": numbers("conversion", -0.02, 0.009, max_sources=2.0)})
    )
    assert [(one.fact, one.to, one.far) for one in found][:2] == [
        ("conversion.state", "rollback", False), ("conversion.max_sources", "rollback", False),
    ]  # fmt: skip


def test_a_week_more_comes_by_itself() -> None:
    won = numbers("conversion", 0.02, 0.009, full_weeks=0.0)
    rows = "hierarchy:\n  - {signal: conversion, win: ship}\n"
    flip = next(one for one in every(world(rows, conversion=won)) if one.fact == "conversion.full_weeks")
    assert (flip.at, flip.to, flip.far) == (1.0, "ship", False)


def test_a_signal_s_own_effect_is_never_far_fetched_but_a_segment_s_may_be() -> None:
    rows = "hierarchy:\n  - {signal: panel, win: ship}\n"
    sure = every(world(rows, panel=numbers("panel", 1.0, 0.02)))
    (own,) = [one for one in sure if one.fact == "panel.benefit"]
    assert (abs(float(own.at) - 1.0) / 0.01 > FAR_ERRORS, own.far) == (True, False)


@pytest.mark.parametrize(
    "fact, unit, now, at, passes, want",
    [
        ("min_units", "count", 499_641.0, 1_999.0, True, 7.97),
        ("min_items", "count", 60.0, 49.0, True, 0.29),
        ("sample_ratio_p", "p", 0.5, 0.001, True, 0.87),
        ("sample_ratio_p", "p", 0.002, 0.001, True, 0.067),
        ("max_error_rate", "share", 0.0, 0.05, True, 1.0),
        ("agreement", "agreement", 0.64, 0.4, True, 2.4),
        ("age", "seconds", 9.0, 72.0, True, 3.0),
        ("max_outlier_leverage", "number", 0.0, 0.5, True, float("inf")),
        ("max_reversals", "count", 1.0, 0.0, False, 1.0),
        ("max_sources", "count", 1.0, 2.0, True, float("inf")),
        ("mde", "effect", 0.0, 0.0, True, 0.0),
    ],
)
def test_steps(fact: str, unit: str, now: float, at: float, passes: bool, want: float) -> None:
    assert steps(fact, unit, now, at, passes=passes) == pytest.approx(want, abs=0.01)


def test_a_quarter_of_a_count_is_argued_about_and_a_thirtieth_is_not() -> None:
    assert steps("min_units", "count", 8_000.0, 2_000.0) < FAR_STEPS < steps("min_units", "count", 60_000.0, 2_000.0)


# --- shown ----------------------------------------------------------------------------------------------------------


def shown(*far: bool) -> Explanation:
    flips = tuple(replace(one, far=is_far) for one, is_far in zip(reconciled.FLIPS, far, strict=True))
    return reconciled.explanation(verdict().readings, flips=flips)


def test_far_fetched_flips_stand_apart_wherever_all_are_listed() -> None:
    found = shown(False, True, False, False, True)
    memo = memo_of(verdict(), POLICY, explanation=found)
    assert memo.explained is not None
    far = "If conversion's sample-ratio check failed (p-value below 0.001, now 0.41): HOLD; If thumbs were loss: HOLD."
    assert f"\nFar-fetched: {far}\n" in markdown(memo)
    assert "Far-fetched: If conversion&#39;s sample-ratio check failed" in html(memo)
    text = reconcile_text(explained_of(found, verdict()))
    near, _, rest = text.partition("What would flip it and is far-fetched:")
    assert ("sample-ratio" in near, "sample-ratio" in rest.partition("\n\n")[0]) == (False, True)
    page = why.flips(memo.explained)
    opened, _, folded = page.partition("<summary>and 2 more, far-fetched</summary>")
    assert ("sample-ratio check failed" in opened, "sample-ratio check failed" in folded) == (False, True)
    assert opened.count("flips-line") == 3
    assert why.flips(memo.explained, 5) == page


def test_where_only_far_fetched_ones_are_left_that_is_said() -> None:
    found = shown(*[True] * 5)
    memo = memo_of(verdict(), POLICY, explanation=found)
    assert memo.explained is not None
    only = "Only what is far-fetched would make another call."
    assert f"\n{only}\n\nFar-fetched: " in markdown(memo)
    assert only in html(memo)
    assert only in why.flips(memo.explained, 5)


def test_a_segment_many_errors_away_is_far_fetched_and_a_signal_that_may_come_in_is_not() -> None:
    guard = "guardrails: [{id: g, when: 'any(conversion.segments, adjusted.high < -margin)', call: rollback}]\n"
    rows = "hierarchy:\n  - {signal: conversion, win: ship}\n"
    for half, far in ((0.02, False), (0.0004, True)):
        won = numbers("conversion", 0.02, 0.009, (segment("plan=free", 0.01, half),))
        (flip,) = [one for one in every(world(rows + guard, conversion=won)) if ".segments[" in one.fact]
        assert (flip.inside, flip.far) == (False, far)
    waits = every(world(rows))
    assert [(one.fact, one.to, one.far) for one in waits] == [("conversion.state", "ship", False)]
