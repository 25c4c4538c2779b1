from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from side_kit import ARMS, Users, at, causes, covariance, day, evidence, mask, other, outcome_cells, refusals, signal

from signals.model import INCOMPLETE, Metric, MixShare, QuantileCell, SetAside
from signals.readings import measure
from signals.reconcile.sides.cells import days_of
from signals.reconcile.sides.experiment import experiment_mix, experiment_side
from signals.reconcile.sides.experiment_shape import Shape, counted_of, totals_of
from signals.stats.difference import RefusedError

PLANS = np.array(["free", "pro"])


def draw(seed: int, n: int = 4_000, kind: str = "proportion", days: int = 8, fade: float = 0.1) -> dict[str, Users]:
    rng = np.random.default_rng(seed)
    made = {}
    for place, arm in enumerate(ARMS):
        size = n + 37 * place
        when, plan = rng.integers(0, days, size), PLANS[rng.integers(0, 2, size)]
        lift = place * (fade * (when < days / 2) + 0.03 * (plan == "pro"))
        if kind == "proportion":
            made[arm] = Users((rng.random(size) < 0.2 + lift + 0.1 * (plan == "pro")).astype(float), when, plan)
        else:
            x = rng.gamma(2.0, 2.0, size)
            y = 0.8 * x + rng.gamma(1.0, 2.0, size) + 5.0 * lift
            d = rng.poisson(2.0, size) + 1.0 if kind == "ratio" else None
            made[arm] = Users(y, when, plan, x if kind == "cuped" else None, d)
    return made


SIGNALS = {
    "proportion": signal(),
    "continuous": signal(looks="continuous", planned_units=10_000),
    "mean": signal(metric=Metric("converted", "mean")),
    "ratio": signal(metric=Metric("converted", "ratio")),
    "cuped": signal(metric=Metric("converted", "mean")),
}


def sided(name: str, seed: int = 1, **fields: Any) -> Any:
    users = draw(seed, kind="proportion" if name == "continuous" else name)
    some = evidence(outcomes=outcome_cells(users), **fields)
    numbers = measure(SIGNALS[name], some)
    return users, some, numbers, experiment_side(SIGNALS[name], some, numbers, other())


@pytest.mark.parametrize("name", SIGNALS)
def test_the_number_that_votes_and_its_error_are_those_of_the_reading(name: str) -> None:
    _, _, numbers, side = sided(name)
    voting = numbers.estimates[numbers.voting]
    assert numbers.voting == ("cuped" if name == "cuped" else "raw")
    assert side.values[0] == voting.effect
    assert covariance(side)[0, 0] == pytest.approx(voting.se**2, rel=1e-9)
    if name == "continuous":  # the error of one look, not the width of the interval that holds at any
        assert (voting.high - voting.low) / 2 > 2.5 * voting.se
    assert all(key[0] == "s" for key in side.moves)
    assert side.df == voting.df


@pytest.mark.parametrize("name", SIGNALS)
def test_the_errors_need_hardly_any_stretching(name: str) -> None:
    # Moves are stretched to the reading's error; by how much must be a matter of n / (n - 1), not of a wrong formula.
    _, some, numbers, _ = sided(name)
    counted = counted_of(SIGNALS[name], some)
    totals = totals_of(counted, frozenset(), ())
    shape = Shape(name == "ratio", name == "cuped", counted, frozenset(), None, {}, totals)
    plain = shape.effect(late=False, population=False, value=False)
    assert totals.variance(plain) == pytest.approx(numbers.estimates[numbers.voting].se ** 2, rel=0.002)


@pytest.mark.parametrize("name", ["mean", "ratio"])
def test_the_error_does_not_depend_on_how_finely_users_are_grouped(name: str) -> None:
    users = draw(8, n=600, kind=name)
    users = {arm: replace(one, y=one.y + 9.0 * (one.plan == "pro")) for arm, one in users.items()}
    counted = counted_of(SIGNALS[name], evidence(outcomes=outcome_cells(users)))
    errors = []
    for late, dimensions in ((frozenset(), ()), (frozenset({day(6), day(7)}), ("plan",))):
        totals = totals_of(counted, late, dimensions)
        shape = Shape(name == "ratio", False, counted, late, None, {}, totals)
        errors.append(totals.variance(shape.effect(late=False, population=False, value=False)))
    assert len(totals.groups) == 8
    assert errors[1] == pytest.approx(errors[0], rel=1e-9)


@pytest.mark.parametrize("name", SIGNALS)
def test_settled_is_what_a_reading_of_the_later_cells_says(name: str) -> None:
    _, some, _, side = sided(name)
    assert causes(side) == ["timing"]
    late = replace(some, outcomes=tuple(cell for cell in some.outcomes if cell.day >= day(4)))
    alone = measure(SIGNALS[name], late)
    voting = alone.estimates[alone.voting]
    assert at(side, "timing") == pytest.approx(voting.effect, rel=1e-9)
    assert covariance(side)[1, 1] == pytest.approx(voting.se**2, rel=0.01)
    # What the later half has in common with the whole: half of the units, so the whole's own variance.
    assert covariance(side)[0, 1] == pytest.approx(covariance(side)[0, 0], rel=0.1)
    said = side.corrections[0].evidence
    assert said.startswith("users who began 6 Nov 2026 to 9 Nov 2026, the later half of 8 days: ")
    assert said.endswith("of 8,037")


def test_a_theta_per_arm_and_clusters_keep_the_readings_number_and_error() -> None:
    users = draw(6, kind="cuped")
    users["old"] = users["old"].take(slice(0, 1_500))
    some = evidence(outcomes=outcome_cells(users))
    numbers = measure(SIGNALS["cuped"], some)
    assert "a theta per arm" in numbers.estimates["cuped"].method
    side = experiment_side(SIGNALS["cuped"], some, numbers, other())
    counted = counted_of(SIGNALS["cuped"], some)
    totals = totals_of(counted, frozenset(), ())
    plain = Shape(False, True, counted, frozenset(), None, {}, totals).effect(late=False, population=False, value=False)
    assert plain.value == pytest.approx(side.values[0])
    assert totals.variance(plain) == pytest.approx(numbers.estimates["cuped"].se ** 2, rel=0.005)
    clusters = evidence(outcomes=outcome_cells(draw(7, n=300, kind="ratio"), counted="clusters", members=99))
    made = signal(metric=Metric("converted", "mean"))
    numbers = measure(made, clusters)
    side = experiment_side(made, clusters, numbers, other())
    assert side.values[0] == numbers.estimates["raw"].effect
    assert covariance(side)[0, 0] == pytest.approx(numbers.estimates["raw"].se ** 2)


def test_days_that_only_one_has_do_not_count() -> None:
    users = draw(1)
    some = evidence(outcomes=outcome_cells(users))
    numbers = measure(signal(), some)
    shared = frozenset(day(k) for k in (-3, 0, 1, 2, 3, 4))
    side = experiment_side(signal(), some, numbers, other(signal="thumbs", kind="feedback", days=shared))
    late = replace(some, outcomes=tuple(cell for cell in some.outcomes if cell.day in (day(3), day(4))))
    assert at(side, "timing") == pytest.approx(measure(signal(), late).estimates["raw"].effect)
    assert "the later half of 5 days that thumbs has too" in side.corrections[0].evidence
    apart = other(signal="thumbs", kind="feedback", days=frozenset({day(20)}))
    assert refusals(experiment_side(signal(), some, numbers, apart)) == {
        "timing": ("it and thumbs have no day in common", "evidence of both from the same days")
    }
    short = other(signal="thumbs", kind="feedback", days=frozenset(day(k) for k in range(3)))
    assert refusals(experiment_side(signal(), some, numbers, short)) == {
        "timing": ("only 3 days of both it and thumbs; a later half needs 4", "1 more day of both")
    }


def test_what_timing_refuses_and_what_would_allow_it() -> None:
    def refused(some: Any, made: Any = SIGNALS["proportion"]) -> Any:
        side = experiment_side(made, some, measure(made, some), other())
        assert side.values.shape == (1,)
        return refusals(side)["timing"]

    two = evidence(outcomes=outcome_cells(draw(1, days=2)))
    assert refused(two) == ("only 2 days of evidence; a later half needs 4", "2 more days")
    undated = evidence(outcomes=tuple(replace(cell, day=None) for cell in two.outcomes))
    assert refused(undated) == ("its cells carry no day", "map `at` (`day` where the source counts)")
    few = evidence(outcomes=outcome_cells(draw(1, n=60)))
    why, remedy = refused(few)
    assert "events or non-events; 10 are needed" in why
    assert why.startswith("6 Nov 2026 to 9 Nov 2026, the later half of 8 days: an arm has ")
    assert remedy == "more users or days"
    waiting = replace(two, set_aside=(SetAside(900, INCOMPLETE, "new", False, units=1_204),))
    assert refused(waiting)[0].endswith("needs 4; 1,204 users whose outcome window is still open are left out")
    users = draw(1, kind="ratio")
    clusters = evidence(outcomes=outcome_cells(users, counted="clusters", members=500))
    made = signal(metric=Metric("converted", "ratio"))
    assert refused(clusters, made)[0] == "clusters have no day of their own"
    assert days_of(made, clusters) == frozenset()


def test_open_outcome_windows_are_told() -> None:
    users = draw(1)
    left = (SetAside(900, INCOMPLETE, "new", False, units=1_204),)
    some = evidence(outcomes=outcome_cells(users), set_aside=left)
    side = experiment_side(signal(), some, measure(signal(), some), other())
    assert side.corrections[0].evidence.endswith("; 1,204 users whose outcome window is still open are left out")


def test_an_experiment_speaks_for_its_own_traffic_unless_another_is_declared() -> None:
    users, some, numbers, side = sided("proportion")
    assert causes(side) == ["timing"]
    assert not side.refused
    mix = tuple(MixShare(name, (("plan", name),), part, value) for name, part, value in
                (("free", 0.9, 0.4), ("pro", 0.1, 0.6)))  # fmt: skip
    declared = replace(some, mix=mix)
    weighted = experiment_side(signal(), declared, numbers, other(weighs_value=True))
    assert causes(weighted) == ["population", "value", "timing"]

    def by_hand(free: float, pro: float, least: int = 0) -> float:
        found = 0.0
        for plan, part in (("free", free), ("pro", pro)):
            rates = [
                users[arm].y[(users[arm].plan == plan) & (users[arm].day >= least)].mean() for arm in ("new", "old")
            ]
            found += part * (rates[0] - rates[1])
        return found

    assert at(weighted, "population") == pytest.approx(by_hand(0.9, 0.1))
    assert at(weighted, "population", "value") == pytest.approx(by_hand(0.4, 0.6))
    assert at(weighted, "population", "value", "timing") == pytest.approx(by_hand(0.4, 0.6, 4))
    # Of its own mix, every head counts as much as the traffic's value per head of its segment.
    level = {}
    for arm, one in users.items():
        worth = np.where(one.plan == "free", 0.4 / 0.9, 0.6 / 0.1)
        level[arm] = (worth * one.y).sum() / worth.sum()
    assert at(weighted, "value") == pytest.approx(level["new"] - level["old"])
    assert weighted.values[0] == side.values[0]
    assert covariance(weighted)[0, 0] == pytest.approx(covariance(side)[0, 0])
    elsewhere = replace(some, mix=(MixShare("a", (("locale", "de"),), 1.0),))
    assert causes(experiment_side(signal(), elsewhere, numbers, other())) == ["timing"]
    thin = replace(some, mix=(MixShare("a", (("plan", "free"),), 0.5), MixShare("b", (("plan", "team"),), 0.5)))
    assert refusals(experiment_side(signal(), thin, numbers, other()))["population"] == (
        "segments with at least 30 users in each arm hold 50.0 % of traffic",
        "more users of plan=team",
    )


def test_whom_it_speaks_for() -> None:
    users, some, _, _ = sided("proportion")
    mix = experiment_mix(signal(), some)
    pro = sum((one.plan == "pro").sum() for one in users.values()) / 8_037
    assert mix is not None
    assert mix.shares == pytest.approx({(("plan", "free"),): 1 - pro, (("plan", "pro"),): pro})
    assert experiment_mix(signal(), evidence(outcomes=outcome_cells(users, segments=False))) is None
    assert days_of(signal(), some) == {day(k) for k in range(8)}
    planned = signal(looks=(day(4), day(20)))
    assert days_of(planned, some) == {day(k) for k in range(4)}, "later users wait for the next look"


def test_planned_looks_and_families_leave_the_sampling_error_alone() -> None:
    some = evidence(outcomes=outcome_cells(draw(1)))
    plain = experiment_side(signal(), some, measure(signal(), some), other())
    late = signal(looks=(day(4), day(8)))
    side = experiment_side(late, some, measure(late, some), other())
    assert side.values == pytest.approx(plain.values)
    assert covariance(side) == pytest.approx(covariance(plain), rel=0.02)
    family = replace(some, family=5)
    side = experiment_side(signal(), family, measure(signal(), family), other())
    assert covariance(side) == pytest.approx(covariance(plain), rel=0.02)


def quantiles() -> Any:
    rng = np.random.default_rng(5)
    cells = []
    for arm in ARMS:
        from signals.model import QUANTILE_STEPS

        y = np.sort(rng.gamma(2.0, 1.0, 4_000))
        ranks = [np.sqrt(4_000 * 0.9 * 0.1) * step for step in QUANTILE_STEPS]
        lows = tuple(float(y[int(np.floor(3_600 - r)) - 1]) for r in ranks)
        highs = tuple(float(y[min(3_999, int(np.ceil(3_600 + r)))]) for r in ranks)
        moment = datetime(2026, 11, 9, tzinfo=UTC)
        cells.append(QuantileCell("converted", arm, (), 0.9, 4_000, float(y[3_600]), lows, highs, moment))
    return evidence(quantiles=tuple(cells))


def test_quantiles_bring_their_number_alone() -> None:
    some = quantiles()
    errors = []
    for looks in ("fixed", "continuous"):
        made = signal(metric=Metric("converted", "quantile", 0.9), looks=looks)
        numbers = measure(made, some)
        side = experiment_side(made, some, numbers, other())
        assert side.values.tolist() == [numbers.estimates["raw"].effect]
        assert refusals(side)["timing"][0] == "quantiles do not add up over days"
        errors.append(covariance(side)[0, 0] ** 0.5)
    assert errors[1] == pytest.approx(errors[0], rel=0.1), "the interval at any look is wider, its error is not"


def test_a_number_without_an_interval_has_no_side() -> None:
    some = evidence(outcomes=outcome_cells(draw(1, n=100)))
    made = signal(looks="continuous")
    with pytest.raises(RefusedError, match="the always-valid interval needs 50"):
        experiment_side(made, some, measure(made, some), other())
    missing = evidence()
    with pytest.raises(RefusedError, match="no evidence for this release"):
        experiment_side(signal(), missing, measure(signal(), missing), other())
    whole = evidence(outcomes=outcome_cells(draw(1)))
    with pytest.raises(RefusedError, match="not those of its evidence"):
        experiment_side(signal(), whole, measure(signal(), evidence(outcomes=outcome_cells(draw(2)))), other())


def test_nothing_varies_but_chance_moves_all_numbers_alike() -> None:
    users = {arm: replace(one, y=np.zeros(one.y.size)) for arm, one in draw(1).items()}
    some = evidence(outcomes=outcome_cells(users))
    numbers = measure(signal(), some)
    side = experiment_side(signal(), some, numbers, other())
    assert covariance(side)[0, 0] == pytest.approx(numbers.estimates["raw"].se ** 2)
    assert refusals(side)["timing"][0].endswith("an arm has 0 events or non-events; 10 are needed")


@settings(max_examples=25, derandomize=True, deadline=None)
@given(seed=st.integers(0, 10_000), name=st.sampled_from(sorted(SIGNALS)), shift=st.sampled_from([0.0, 3.0, 1e6]))
def test_swapping_the_arms_turns_every_sign(seed: int, name: str, shift: float) -> None:
    users = draw(seed, n=1_500, kind="proportion" if name == "continuous" else name)
    if name in ("mean", "cuped"):
        users = {arm: replace(one, y=one.y + shift) for arm, one in users.items()}
    mix = (MixShare("a", (("plan", "free"),), 0.7), MixShare("b", (("plan", "pro"),), 0.3))
    swapped = {"old": users["new"], "new": users["old"]}
    made = SIGNALS[name]
    both = [evidence(outcomes=outcome_cells(one), mix=mix) for one in (users, swapped)]
    one, two = (experiment_side(made, some, measure(made, some), other()) for some in both)
    assert causes(one) == ["population", "timing"]
    assert one.values == pytest.approx(-two.values, rel=1e-6, abs=1e-9)
    assert covariance(one) == pytest.approx(covariance(two), rel=1e-4)
    again = experiment_side(made, replace(both[0], outcomes=both[0].outcomes[::-1]), measure(made, both[0]), other())
    assert again.values.tolist() == one.values.tolist(), "the order of the cells is no evidence"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["proportion", "ratio", "cuped"])
def test_the_covariance_is_that_of_drawing_the_users_anew(name: str) -> None:
    users = draw(3, n=1_500, kind=name)
    mix = (MixShare("a", (("plan", "free"),), 0.8), MixShare("b", (("plan", "pro"),), 0.2))
    made = SIGNALS[name]
    some = evidence(outcomes=outcome_cells(users), mix=mix)
    side = experiment_side(made, some, measure(made, some), other())
    rng = np.random.default_rng(4)
    drawn = []
    for _ in range(400):
        again = {arm: one.take(rng.integers(0, one.y.size, one.y.size)) for arm, one in users.items()}
        new = evidence(outcomes=outcome_cells(again), mix=mix)
        drawn.append(experiment_side(made, new, measure(made, new), other()).values)
    found, want = np.cov(np.array(drawn).T), covariance(side)
    scale = np.sqrt(np.outer(np.diag(want), np.diag(want)))
    # 400 draws: a variance is known to 7 %, so to four of these.
    assert np.abs((found - want) / scale).max() < 0.28
    assert want[0, mask(side, "timing")] < want[mask(side, "timing"), mask(side, "timing")]
