"""A panel's side: its number with the items weighted, items and raters both random."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signals.model import Evidence, Preference, Rating, Signal
from signals.readings import measure
from signals.reconcile.pairs.pair import pair_numbers
from signals.reconcile.sides.base import Mix, Other, Side
from signals.reconcile.sides.judge import judge_side
from signals.reconcile.sides.mixes import traffic_mix
from signals.reconcile.sides.panel import panel_mix, panel_side
from signals.stats.difference import RefusedError
from tests.readings.reading_kit import RELEASE, evidence, signal
from tests.reconcile.sides.items_kit import PLANS, covariance, judged, mix, other, plan, traffic_of, value_of, variance

PANEL = signal("panel", name="panel")
USERS = {"free": 0.2, "pro": 0.3, "team": 0.5}


def rated(n: int = 90, *, holes: float = 0.0, swap: bool = False, **made: object) -> Evidence:
    """A panel's own evidence: what people said of the items of ``judged``."""
    found = judged(n, labelled=n, swap=swap, **made)  # type: ignore[arg-type]  # any of its arguments
    rng = np.random.default_rng(5)
    gone = {key for key in sorted({(one.item, one.rater) for one in found.human}) if rng.random() < holes}
    return Evidence(RELEASE, ratings=tuple(one for one in found.human if (one.item, one.rater) not in gone))


def chosen(n: int = 80, raters: int = 4) -> Evidence:
    rng = np.random.default_rng(2)
    answers = []
    for i in range(n):
        segment = plan(PLANS[i % 3])
        for r in range(raters):
            choice = rng.choice(["left", "right", "tie"], p=[0.3, 0.3 + 0.1 * (i % 3), 0.4 - 0.1 * (i % 3)])
            answers.append(Preference(f"{i}/{r}", f"i{i}", f"r{r}", "old", "new", choice, segment=segment))
    return Evidence(RELEASE, preferences=tuple(answers))


def side_for(found: Evidence, against: Other, panel: Signal = PANEL) -> Side:
    return panel_side(panel, found, measure(panel, found), against)


@pytest.mark.parametrize("panel", [PANEL, replace(PANEL, raters="fixed"), replace(PANEL, estimate="superiority")])
@pytest.mark.parametrize("found", [rated(), rated(raters=8, rater_sd=0.6), chosen()])
def test_the_number_that_votes_and_its_error_are_the_readings(panel: Signal, found: Evidence) -> None:
    voting = measure(panel, found).estimates[panel.estimate]
    side = side_for(found, other(mix(USERS)), panel)
    assert side.values[0] == voting.effect
    assert variance(side) == pytest.approx((voting.se or 0.0) ** 2, rel=1e-9)
    assert side.df == voting.df


def test_points_say_which_grades_were_given_and_other_units_need_not() -> None:
    found = rated()
    grades = [float(one.value or 0.0) for one in found.ratings]
    side = side_for(found, other(mix(USERS)))
    assert (side.grades, side.judge) == ((min(grades), max(grades)), False)
    assert side_for(found, other(mix(USERS)), replace(PANEL, estimate="superiority")).grades is None
    assert side_for(chosen(), other(mix(USERS))).grades is None
    # A judge of ten points and people of five have one unit and two scales.
    judge = signal("judge", name="judge")
    scored = judged(90)
    tenth = replace(scored, scores=tuple(replace(one, value=(one.value or 0.0) * 2.0) for one in scored.scores))
    for of, same in ((scored, True), (tenth, False)):
        theirs = judge_side(judge, of, measure(judge, of), other())
        given = [one.value or 0.0 for one in of.scores]
        assert (theirs.grades, theirs.judge) == ((min(given), max(given)), True)
        assert pair_numbers(theirs, side).one_scale == same


def test_with_holes_the_error_is_nearly_the_readings() -> None:
    found = rated(200, holes=0.6, raters=10)
    voting = measure(PANEL, found).estimates["raw"]
    assert variance(side_for(found, other())) == pytest.approx((voting.se or 0.0) ** 2, rel=0.15)


def test_population_weights_items_by_segment() -> None:
    found = rated()
    side = side_for(found, other(mix(USERS)))
    assert [one.cause for one in side.corrections] == ["population"]
    assert side.corrections[0].evidence == "90 items weighted to conversion's users by plan"
    gaps: dict[str, list[float]] = {}
    for one, two in zip(found.ratings[::2], found.ratings[1::2], strict=True):
        gaps.setdefault(dict(one.segment)["plan"], []).append(two.value - one.value)  # type: ignore[operator]  # all have values
    expected = sum(USERS[name] * np.mean(some) for name, some in gaps.items())
    assert value_of(side, "population") == pytest.approx(expected, rel=1e-9)


def test_value_on_top_of_population_weights_by_value() -> None:
    worth = {"free": 0.0, "pro": 0.4, "team": 0.6}
    found = replace(rated(), mix=traffic_of(USERS, worth))
    side = side_for(found, other(traffic_mix(found), weighs_value=True))
    assert [one.cause for one in side.corrections] == ["population", "value"]
    straight = side_for(found, other(mix(worth)))
    assert value_of(side, "population", "value") == pytest.approx(value_of(straight, "population"), rel=1e-9)


def test_raters_weigh_as_their_items_do() -> None:
    """Three raters of all items: whatever the items' weights, each rater carries a third of the mean."""
    side = side_for(rated(rater_sd=1.0), other(mix(USERS)))
    moves = [move for name, move in side.moves.items() if name[0] == "raters"]  # type: ignore[index]  # a tuple
    assert len(moves) == 3
    for move in moves:
        assert move == pytest.approx(np.full(2, moves[0][0]))
        assert move[0] > 0.0
    fixed = side_for(rated(rater_sd=1.0), other(mix(USERS)), replace(PANEL, raters="fixed"))
    assert not [name for name in fixed.moves if name[0] == "raters"]  # type: ignore[index]  # a tuple


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([0.0, 0.5]))
def test_swapping_the_arms_flips_every_number_and_no_error(seed: int, holes: float) -> None:
    there, back = (side_for(rated(60, seed=seed, holes=holes, swap=swap), other(mix(USERS))) for swap in (False, True))
    assert there.values == pytest.approx(-back.values, abs=1e-9)
    assert covariance(there) == pytest.approx(covariance(back), abs=1e-9)


def test_moves_agree_with_resampling_the_items() -> None:
    found = rated(150, raters=1, rater_sd=0.0)
    fixed = replace(PANEL, raters="fixed")
    two = tuple(replace(one, rater="r1", record=f"{one.record}+") for one in found.ratings)
    side = side_for(replace(found, ratings=(*found.ratings, *two)), other(mix(USERS)), fixed)
    gaps = np.array([b.value - a.value for a, b in zip(found.ratings[::2], found.ratings[1::2], strict=True)])  # type: ignore[operator]  # all have values
    names = np.array([dict(one.segment)["plan"] for one in found.ratings[::2]])
    rng = np.random.default_rng(0)
    draws = []
    for _ in range(2_000):
        some = rng.integers(0, gaps.size, gaps.size)
        by = {name: gaps[some][names[some] == name].mean() for name in USERS}
        draws.append((gaps[some].mean(), sum(part * by[name] for name, part in USERS.items())))
    assert covariance(side) == pytest.approx(np.cov(np.array(draws).T), rel=0.12)


def test_the_judge_corrected_by_the_panel_leaves_nothing_between_them() -> None:
    """The same people's grades of the same items on both sides: what is left is exactly 0, and without error."""
    found = judged(120, labelled=120, rater_sd=0.8)
    judge = signal("judge", name="judge")
    panel_evidence = Evidence(RELEASE, ratings=found.human)
    whose = panel_mix(PANEL, panel_evidence)
    assert whose is not None
    one = judge_side(judge, found, measure(judge, found), other(whose, signal="panel", kind="panel"))
    two = side_for(panel_evidence, other(None, signal="judge", kind="judge", why_no_mix=("kept", "")))
    numbers = pair_numbers(one, two)
    assert [each.cause for each in numbers.corrections] == ["population", "judge_bias"]
    start, population, bias, end = numbers.values
    assert start - population - bias == pytest.approx(end, abs=1e-12)
    rest = np.array([1.0, -1.0, -1.0, -1.0])
    assert rest @ np.array(numbers.covariance) @ rest == pytest.approx(0.0, abs=1e-12)
    assert population == pytest.approx(0.0, abs=1e-12)


def test_refusals() -> None:
    bare = tuple(replace(one, segment=()) for one in rated().ratings)
    side = side_for(Evidence(RELEASE, ratings=bare), other(mix(USERS)))
    refused = {one.cause: one for one in side.refused}
    assert "do not say their plan" in refused["population"].refused
    assert refused["population"].remedy == "map `segment.plan` in the source of the panel"
    assert panel_mix(PANEL, Evidence(RELEASE, ratings=bare)) is None
    assert panel_mix(PANEL, evidence()) is None
    with pytest.raises(RefusedError):
        side_for(evidence(), other())
    one_rater: tuple[Rating, ...] = tuple(one for one in rated().ratings if one.rater == "r0")
    with pytest.raises(RefusedError, match="one rater"):
        side_for(Evidence(RELEASE, ratings=one_rater), other(Mix("x", {plan("free"): 1.0})))
