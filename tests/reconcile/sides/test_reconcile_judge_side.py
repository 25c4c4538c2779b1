"""A judge's side: its number under every combination of corrections, and how its items pull them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signals.model import Evidence, ItemScore, MixShare, Rating, Signal
from signals.readings import measure
from signals.reconcile.sides.base import Mix, Other, Side
from signals.reconcile.sides.judge import judge_mix, judge_side, traffic_mix
from signals.stats.difference import RefusedError
from tests.readings.reading_kit import RELEASE, evidence, signal
from tests.reconcile.sides.items_kit import covariance, judged, mix, other, plan, traffic_of, value_of, variance
from tests.reconcile.sides.judge_causes_kit import World

JUDGE = signal("judge", name="judge")
USERS = {"free": 0.2, "pro": 0.3, "team": 0.5}
VALUE = {"free": 0.0, "pro": 0.4, "team": 0.6}


def side_for(found: Evidence, against: Other, judge: Signal = JUDGE) -> Side:
    return judge_side(judge, found, measure(judge, found), against)


def causes(side: Side) -> list[str]:
    return [one.cause for one in side.corrections]


@pytest.mark.parametrize(
    "judge, made",
    [
        (JUDGE, {}),
        (JUDGE, {"cluster_of": 4}),
        (replace(JUDGE, estimate="corrected"), {"labelled": 120}),
        (replace(JUDGE, estimate="corrected"), {"labelled": 120, "raters": 1}),
        (replace(JUDGE, estimate="corrected", segments=("plan",)), {"labelled": 200}),
        (replace(JUDGE, estimate="corrected"), {"labelled": 300, "cluster_of": 3}),
        (replace(JUDGE, estimate="reweighted"), {"traffic": traffic_of(USERS)}),
        (replace(JUDGE, estimate="reweighted"), {"traffic": traffic_of(USERS), "cluster_of": 3}),
    ],
)
def test_the_number_that_votes_and_its_error_are_the_readings(judge: Signal, made: dict[str, int]) -> None:
    found = judged(**made)  # type: ignore[arg-type]  # any of its arguments
    voting = measure(judge, found).estimates[judge.estimate]
    side = side_for(found, other(mix(USERS)), judge)
    assert side.values[0] == voting.effect
    assert variance(side) == pytest.approx((voting.se or 0.0) ** 2, rel=1e-6)
    assert side.df == voting.df


def test_raked_weights_are_made_again_without_each_cluster() -> None:
    judge = replace(JUDGE, estimate="reweighted")
    locale = tuple(MixShare(name, (("locale", name),), part) for name, part in (("de", 0.3), ("fr", 0.7)))
    found = judged(traffic=(*traffic_of(USERS), *locale), locales=True)
    voting = measure(judge, found).estimates["reweighted"]
    assert "raked" in voting.method
    side = side_for(found, other(), judge)
    assert side.values[0] == voting.effect
    assert variance(side) == pytest.approx((voting.se or 0.0) ** 2, rel=1e-6)


def test_population_is_the_reweighted_reading() -> None:
    """Traffic of the same shares: another path to the same number."""
    found = judged()
    reweighted = measure(JUDGE, replace(found, mix=traffic_of(USERS))).estimates["reweighted"]
    side = side_for(found, other(mix(USERS)))
    assert causes(side) == ["population"]
    assert value_of(side, "population") == pytest.approx(reweighted.effect, rel=1e-9)
    assert variance(side, 1) == pytest.approx((reweighted.se or 0.0) ** 2, rel=1e-9)
    assert side.corrections[0].evidence == "300 items weighted to conversion's users by plan"


def test_population_and_value_together_weight_by_value() -> None:
    found = judged(traffic=traffic_of(USERS, VALUE))
    valued = measure(JUDGE, found).estimates["value_weighted"]
    users = traffic_mix(found)
    side = side_for(found, other(users, weighs_value=True))
    assert causes(side) == ["population", "value"]
    assert value_of(side, "population", "value") == pytest.approx(valued.effect, rel=1e-9)
    # Value alone tilts the items as they are.
    names = np.array([dict(score.segment)["plan"] for score in found.scores[::2]])
    gaps = np.array([b.value - a.value for a, b in zip(found.scores[::2], found.scores[1::2], strict=True)])  # type: ignore[operator]  # all have values
    tilt = np.array([VALUE[name] / USERS[name] for name in names])
    assert value_of(side, "value") == pytest.approx(float((tilt * gaps).sum() / tilt.sum()), rel=1e-9)


def test_value_shares_of_traffic_serve_when_the_other_mix_has_none() -> None:
    found = judged(traffic=traffic_of({"free": 0.5, "pro": 0.3, "team": 0.2}, VALUE))
    side = side_for(found, other(mix(USERS), weighs_value=True))
    assert causes(side) == ["population", "value"]
    assert "share of traffic" in side.corrections[1].evidence


@pytest.mark.parametrize("labelled, segments", [(120, ()), (250, ("plan",)), (300, ())])
def test_people_correct_as_the_reading_does(labelled: int, segments: tuple[str, ...]) -> None:
    judge = replace(JUDGE, segments=segments)
    found = judged(labelled=labelled)
    numbers = measure(judge, found)
    corrected = numbers.estimates["corrected"]
    side = judge_side(judge, found, numbers, other())
    assert causes(side) == ["judge_bias"]
    assert side.values[1] == pytest.approx(corrected.effect, rel=1e-9)
    assert variance(side, 1) == pytest.approx((corrected.se or 0.0) ** 2, rel=1e-6)
    assert side.corrections[0].evidence == f"3 raters graded {labelled} of the 300 items"


def test_people_in_the_population_when_they_graded_everything() -> None:
    """Then the judge has no say: it is people's mean by segment, at the population's shares."""
    found = judged(labelled=300)
    side = side_for(found, other(mix(USERS)))
    gaps: dict[str, list[float]] = {}
    for one, two in zip(found.human[::2], found.human[1::2], strict=True):
        gaps.setdefault(dict(one.segment)["plan"], []).append(two.value - one.value)  # type: ignore[operator]  # all have values
    expected = sum(USERS[name] * np.mean(some) for name, some in gaps.items())
    assert value_of(side, "population", "judge_bias") == pytest.approx(expected, rel=1e-9)


def test_few_labels_by_segment_make_one_correction_for_all() -> None:
    found = judged(labelled=24)
    side = side_for(found, other(mix(USERS)))
    judge = np.array([b.value - a.value for a, b in zip(found.scores[::2], found.scores[1::2], strict=True)])  # type: ignore[operator]  # all have values
    people = np.array([b.value - a.value for a, b in zip(found.human[::2], found.human[1::2], strict=True)])  # type: ignore[operator]  # all have values
    errors = judge[:24] - people.reshape(24, 3).mean(axis=1)
    both = value_of(side, "population", "judge_bias")
    assert both == pytest.approx(value_of(side, "population") - errors.mean(), rel=1e-9)


@pytest.mark.slow
def test_the_combination_aims_at_people_in_the_population() -> None:
    """A bias that differs by plan: the mean over many samples is people's effect in the population."""
    truth = 0.2 * 0.3 + 0.5 * -0.2
    runs = [
        value_of(
            side_for(judged(240, seed=seed, bias=(0.6, 0.0, -0.4), labelled=120, rater_sd=0.0), other(mix(USERS))),
            "population",
            "judge_bias",
        )
        for seed in range(100)
    ]  # fmt: skip
    assert np.mean(runs) == pytest.approx(truth, abs=4 * np.std(runs) / 100**0.5)
    assert np.std(runs) / 100**0.5 < 0.015


@pytest.mark.slow
def test_graded_items_of_other_segments_do_not_pass_for_a_bias() -> None:
    """People graded as many items of each plan as users go there, the golden set is mostly free; no bias."""
    world = World(
        quality=(0.6, 0.0, -0.6), graded=90, rater_sd=0.0, panel_shares=(0.2, 0.3, 0.5), golden=(0.5, 0.3, 0.2)
    )
    corrected = []
    for seed in range(40):
        found = world.judged(np.random.default_rng(seed))
        side = side_for(found, other(mix(USERS)))
        words = {one.cause: one.evidence for one in side.corrections}["judge_bias"]
        assert words.endswith("some segments more often than others: corrected by segment")
        corrected.append(value_of(side, "judge_bias") - side.values[0])
    assert np.mean(corrected) == pytest.approx(0.0, abs=4 * np.std(corrected) / 40**0.5)


def test_what_the_number_has_already_is_not_taken_off_again() -> None:
    found = judged(labelled=120, traffic=traffic_of(USERS))
    corrected = side_for(found, other(mix(USERS)), replace(JUDGE, estimate="corrected"))
    assert causes(corrected) == ["population"]
    refused = {one.cause: one.refused for one in corrected.refused}
    assert refused["judge_bias"] == "the number that votes has it already"
    raw = side_for(found, other(mix(USERS)))
    assert corrected.values[1] == pytest.approx(value_of(raw, "population", "judge_bias"), rel=1e-9)
    weighted = side_for(found, other(mix(USERS)), replace(JUDGE, estimate="reweighted"))
    assert causes(weighted) == ["judge_bias"]
    assert weighted.values[1] == pytest.approx(value_of(raw, "population", "judge_bias"), rel=1e-9)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([1, 3]), st.sampled_from([0, 60, 150]))
def test_swapping_the_arms_flips_every_number_and_move(seed: int, cluster_of: int, labelled: int) -> None:
    there, back = (
        side_for(judged(150, seed=seed, cluster_of=cluster_of, labelled=labelled, swap=swap), other(mix(USERS)))
        for swap in (False, True)
    )
    assert there.values == pytest.approx(-back.values, abs=1e-9)
    assert covariance(there) == pytest.approx(covariance(back), abs=1e-9)


@pytest.mark.slow
def test_moves_agree_with_resampling_the_items() -> None:
    """Covariance of all four numbers against a bootstrap over items, grades going with their items."""
    found = judged(240, labelled=160, raters=1)
    side = side_for(found, other(mix(USERS)))
    by_item: dict[str, tuple[list[ItemScore], list[Rating]]] = {}
    for score in found.scores:
        by_item.setdefault(score.item, ([], []))[0].append(score)
    for grade in found.human:
        by_item[grade.item][1].append(grade)
    names = sorted(by_item)
    rng = np.random.default_rng(0)
    draws = []
    for _ in range(300):
        scores, ratings = [], []
        for k, name in enumerate(rng.choice(names, len(names))):
            scores += [replace(one, item=str(k), record=f"{k}/{one.variant}") for one in by_item[name][0]]
            ratings += [replace(one, item=str(k), record=f"{k}/{one.variant}") for one in by_item[name][1]]
        draws.append(side_for(Evidence(RELEASE, scores=tuple(scores), human=tuple(ratings)), other(mix(USERS))).values)
    drawn, moved = np.cov(np.array(draws).T), covariance(side)
    assert np.diag(moved) == pytest.approx(np.diag(drawn), rel=0.35)
    spread = np.sqrt(np.diag(drawn))
    assert moved / np.outer(spread, spread) == pytest.approx(drawn / np.outer(spread, spread), abs=0.3)


def test_raters_move_what_people_correct_and_nothing_else() -> None:
    found = judged(labelled=120)
    side = side_for(found, other(mix(USERS)))
    raters = {name: move for name, move in side.moves.items() if name[0] == "raters"}  # type: ignore[index]  # a tuple
    assert set(raters) == {("raters", f"r{r}") for r in range(3)}
    for move in raters.values():
        assert move[0] == move[1] == 0.0
        assert move[2] > 0.0
        assert move[3] > 0.0
    fixed = side_for(found, other(mix(USERS), people_fixed=True))
    assert not [name for name in fixed.moves if name[0] == "raters"]  # type: ignore[index]  # a tuple
    assert fixed.values == pytest.approx(side.values)


def test_mirrored_grades_of_a_panel_that_prefers_less_correct_alike_and_its_raters_pull_the_other_way() -> None:
    """In a pair with that panel a rater's lenience must cancel; with the sign wrong it would count twice."""
    found = judged(labelled=120, raters=4, rater_sd=0.6)
    unit = {"scores": found.scores, "human": found.human}
    inside = replace(
        found, **{name: tuple(replace(one, value=0.5 + one.value / 40.0) for one in of) for name, of in unit.items()}
    )  # type: ignore[operator, arg-type]  # every score and grade has a value
    turned = replace(inside, human=tuple(replace(one, value=1.0 - (one.value or 0.0)) for one in inside.human))
    plain, mirrored = (
        side_for(inside, other(mix(USERS))),
        side_for(turned, other(mix(USERS)), replace(JUDGE, people="mirrored")),
    )
    assert "judge_bias" in causes(plain)
    assert causes(plain) == causes(mirrored)
    assert mirrored.values == pytest.approx(plain.values, abs=1e-12)
    assert [one.item for one in mirrored.carriers] == [one.item for one in plain.carriers]
    assert plain.moves.keys() == mirrored.moves.keys()
    for name, move in plain.moves.items():
        way = -1.0 if name[0] == "raters" else 1.0  # type: ignore[index]  # a tuple
        assert mirrored.moves[name] == pytest.approx(way * move, abs=1e-12)
    assert any(name[0] == "raters" for name in plain.moves)  # type: ignore[index]  # a tuple


def test_where_the_raters_are_the_rule_the_error_is_that_of_drawing_items_alone() -> None:
    """The judge against an experiment: only the policy's word on the panel tells whether raters are a sample."""
    found = judged(n=200, labelled=200, raters=4, rater_sd=0.6)
    fixed = side_for(found, other(mix(USERS), people_fixed=True))
    random = side_for(found, other(mix(USERS)))
    # Everyone graded everything, so people's mean difference of each item is the corrected number: closed form.
    arms = RELEASE.arms
    grades: dict[str, dict[str, list[float]]] = {}
    for one in found.human:
        grades.setdefault(one.item, {arm: [] for arm in arms})[one.variant].append(float(one.value or 0.0))
    people = np.array([np.mean(given[arms[1]]) - np.mean(given[arms[0]]) for given in grades.values()])
    assert value_of(fixed, "judge_bias") == pytest.approx(people.mean(), abs=1e-9)
    place = 1 << [one.cause for one in fixed.corrections].index("judge_bias")
    assert variance(fixed, place) == pytest.approx(people.var(ddof=1) / people.size, rel=0.01)
    # Drawn anew too, raters of a spread of 0.6 add a share of it: one in four of 0.36, give or take their being four.
    extra = variance(random, place) - variance(fixed, place)
    lenience: dict[str, list[float]] = {}
    for one in found.human:
        sign = 1.0 if one.variant == arms[1] else -1.0
        lenience.setdefault(one.rater, []).append(2.0 * sign * float(one.value or 0.0))
    by_rater = np.array([np.mean(given) for given in lenience.values()])
    assert extra == pytest.approx(by_rater.var(ddof=1) / by_rater.size, rel=0.05)
    assert extra > 3.0 * variance(fixed, place)


def test_carriers_are_the_items_that_the_judge_overrates_most() -> None:
    found = judged(labelled=120)
    side = side_for(found, other())
    assert len(side.carriers) == 10
    shares = [one.share for one in side.carriers]
    assert shares == sorted(shares, reverse=True)
    bias = measure(JUDGE, found).estimates["judge_bias"].effect
    assert bias is not None
    for one in side.carriers:
        assert one.judge - one.people == pytest.approx(one.share * 120 * bias)


@pytest.mark.parametrize(
    "found, against, cause, why, remedy",
    [
        (judged(), other(None, why_no_mix=("w", "r")), "population", "w", "r"),
        (judged(), other(mix(USERS)), "value", "conversion counts people, not value", ""),
        (judged(), other(mix(USERS), weighs_value=True), "value", "shares of value are not known", "value_share"),
        (judged(), other(), "judge_bias", "no human ratings", "people grade 20 items of the golden set under both"),
        (judged(labelled=12), other(), "judge_bias", "12 items", "people grade 8 more items of the golden set"),
        (
            judged(),
            other(Mix("x", {(("device", "phone"),): 1.0})),
            "population",
            "do not say their device",
            "map `segment.device`",
        ),
        (
            judged(),
            other(mix({"free": 0.2, "student": 0.8})),
            "population",
            "too few items of plan=student, who are 80.0 %",
            "add items of plan=student",
        ),
    ],
)
def test_refusals_name_their_remedy(found: Evidence, against: Other, cause: str, why: str, remedy: str) -> None:
    refused = {one.cause: one for one in side_for(found, against).refused}[cause]  # type: ignore[index]  # any name
    assert why in refused.refused
    assert remedy in refused.remedy


def test_segments_without_items_are_left_out_and_said() -> None:
    side = side_for(judged(), other(mix({"free": 0.2, "pro": 0.3, "team": 0.4, "student": 0.1})))
    assert side.corrections[0].evidence == (
        "300 items weighted to conversion's users by plan; too few items from 10.0 % of them (plan=student), "
        "who are left out"
    )
    assert side.values[1] == pytest.approx(
        side_for(judged(), other(mix({"free": 2 / 9, "pro": 3 / 9, "team": 4 / 9}))).values[1]
    )


def test_thin_joint_cells_fall_back_to_the_dimension_that_differs_most() -> None:
    found = judged(60, locales=True)
    joint = {
        (("locale", locale), *plan(name)): part * share
        for locale, part in (("de", 0.6), ("fr", 0.4))
        for name, share in USERS.items()
    }
    side = side_for(found, other(Mix("users", joint)))
    assert side.corrections[0].evidence.startswith("60 items weighted to users by plan")
    many = side_for(judged(600, locales=True), other(Mix("users", joint)))
    assert many.corrections[0].evidence == "600 items weighted to users by locale and plan"


def test_another_evidence_than_the_readings_is_refused() -> None:
    numbers = measure(JUDGE, judged(seed=1))
    with pytest.raises(RefusedError, match="cannot be had"):
        judge_side(JUDGE, judged(seed=2), numbers, other())
    with pytest.raises(RefusedError, match="judge"):
        judge_side(JUDGE, evidence(), measure(JUDGE, evidence()), other())


def test_an_interval_wider_than_the_moves_is_kept() -> None:
    """Two of fifty items changed: the score interval knows more error than a jackknife shows."""
    scores = tuple(
        ItemScore(f"{i}/{arm}", f"i{i}", arm, "s", float(arm == "new" and i < 2))
        for i in range(50)
        for arm in RELEASE.arms
    )
    found = Evidence(RELEASE, scores=scores)
    voting = measure(JUDGE, found).estimates["raw"]
    assert "Tango" in voting.method
    assert variance(side_for(found, other())) == pytest.approx((voting.se or 0.0) ** 2)


def test_mixes() -> None:
    found = judged()
    ours = judge_mix(JUDGE, found)
    assert ours is not None
    assert sum(ours.shares.values()) == pytest.approx(1.0)
    assert set(ours.shares) == {plan(name) for name in USERS}
    assert traffic_mix(found) is None
    old = tuple(replace(cell, window="a", share=9.0) for cell in traffic_of(USERS))
    new = tuple(replace(cell, window="b", share=10 * cell.share) for cell in traffic_of(USERS, VALUE))
    both = traffic_mix(replace(found, mix=(*old, *new)))
    assert both is not None
    assert both.shares == pytest.approx({plan(name): part for name, part in USERS.items()})
    assert both.value == pytest.approx({plan(name): part for name, part in VALUE.items()})
    assert judge_mix(JUDGE, evidence()) is None
