"""The distance of two windows: against the law it is made from, and by simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats as scipy_stats

from signals.stats import drift
from signals.stats.alarm import alarm_chance, slow_trend_p, watch
from signals.stats.difference import RefusedError
from signals.stats.separation import distances, held_out_separation, mmd_p, separation


def clouds(seed: int, n: int, m: int, dimensions: int, apart: float) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    one, other = rng.normal(size=(n, dimensions)), rng.normal(size=(m, dimensions))
    other[:, 0] += apart
    return one, other


def area(apart: float) -> float:
    return float(scipy_stats.norm.cdf(apart / math.sqrt(2.0))) - 0.5


def test_one_direction_is_the_t_test_and_its_noncentral_interval() -> None:
    a, b = clouds(1, 60, 80, 1, 0.7)
    found = separation(a, b)
    oracle = scipy_stats.ttest_ind(b[:, 0], a[:, 0])
    assert found.p_value == pytest.approx(oracle.pvalue, rel=1e-9)
    weight = 60 * 80 / 140
    for bound, tail in ((found.low, 0.975), (found.high, 0.025)):
        apart = math.sqrt(2.0) * scipy_stats.norm.ppf(bound + 0.5)
        # Squared, t is F: its two sides together.
        reached = scipy_stats.ncf.cdf(oracle.statistic**2, 1, 138, weight * apart**2)
        assert reached == pytest.approx(tail, abs=1e-6)


def test_the_interval_covers_and_no_distance_is_seldom_told_from_none() -> None:
    for apart in (0.0, 0.5):
        found = [separation(*clouds(seed, 120, 200, 6, apart)) for seed in range(250)]
        below = sum(one.low > area(apart) + 1e-12 for one in found) / 250
        above = sum(one.high < area(apart) for one in found) / 250
        assert below <= 0.06  # 2.5 % and three standard errors
        assert above <= 0.06
        if apart:
            assert float(np.mean([one.value for one in found])) == pytest.approx(area(apart), abs=0.01)


def test_few_vectors_of_many_numbers_say_little_and_never_that_nothing_moved() -> None:
    a, b = clouds(2, 40, 40, 300, 0.0)
    found = separation(a, b)
    assert found.directions == 4
    assert found.kept < 0.3
    assert found.high > 0.1
    assert separation(*clouds(2, 400, 400, 4, 0.0)).high < 0.1


def test_luck_is_no_proof_of_nearness() -> None:
    """Two windows with the very same vectors are nearer than chance allows."""
    a, _ = clouds(3, 100, 1, 5, 0.0)
    found = separation(a, a)
    assert found.value == found.low == 0.0
    usual = scipy_stats.f.ppf(0.5, 5, 194)
    reached = scipy_stats.ncf.cdf(usual, 5, 194, 50 * 2.0 * scipy_stats.norm.ppf(found.high + 0.5) ** 2)
    assert reached == pytest.approx(0.025, abs=1e-6)


def test_no_scale_and_no_order_of_the_numbers_changes_it() -> None:
    a, b = clouds(4, 90, 110, 4, 0.6)
    mixed = np.random.default_rng(5).normal(size=(4, 4))
    one, other = separation(a, b), separation(b @ mixed + 3.0, a @ mixed + 3.0)
    assert other.value == pytest.approx(one.value, abs=1e-9)
    assert other.high == pytest.approx(one.high, abs=1e-9)


def test_vectors_that_were_held_out_agree_where_there_are_many() -> None:
    a, b = clouds(6, 800, 800, 3, 0.8)
    found = held_out_separation(a, b)
    assert found.value == pytest.approx(area(0.8), abs=0.03)
    assert found.low < found.value < found.high
    null = [held_out_separation(*clouds(seed, 60, 60, 3, 0.0)) for seed in range(200)]
    assert abs(float(np.mean([one.value for one in null]))) < 0.02
    # 2.5 % and three standard errors: the halves share no vector.
    assert sum(one.low > 0.0 for one in null) <= 12
    assert sum(one.high < 0.0 for one in null) <= 12


def test_permutations_see_a_spread_that_no_cut_sees() -> None:
    a, b = clouds(7, 120, 120, 3, 0.0)
    assert mmd_p(a, 2.0 * b) <= 0.01
    assert separation(a, 2.0 * b).low == 0.0
    found = [mmd_p(*clouds(seed, 30, 35, 3, 0.0)) for seed in range(16)]
    assert sum(one <= 0.1 for one in found) <= 6
    assert min(found) >= 1.0 / 500.0


def test_the_permuted_number_is_the_discrepancy() -> None:
    """The observed split is compared by the statistic that the golden case pins."""
    a, b = clouds(8, 30, 35, 2, 3.0)
    both = np.concatenate([a, b])
    gaps = np.array([np.sum((x - y) ** 2) for i, x in enumerate(both) for y in both[:i]])
    gamma = 1.0 / float(np.median(gaps))
    rng = np.random.default_rng(9)
    seen = drift.mmd2(a, b, gamma)
    splits = [rng.permutation(65) for _ in range(50)]
    assert all(drift.mmd2(both[one[:30]], both[one[30:]], gamma) < seen for one in splits)
    assert mmd_p(a, b) == 1.0 / 500.0


def test_a_window_keeps_its_number_when_others_come_and_none_is_zero_on_average() -> None:
    rng = np.random.default_rng(10)
    reference, windows = rng.normal(size=(300, 5)), [rng.normal(size=(40, 5)) for _ in range(60)]
    found = distances(reference, windows)
    assert distances(reference, windows[:7]) == found[:7]
    assert abs(float(np.mean(found))) < 0.05
    assert distances(reference, [windows[0] + 1.0])[0] == pytest.approx(5.0, abs=2.0)


@pytest.mark.parametrize("shape", ["normal", "exponential"])
def test_a_year_of_looks_alarms_as_often_as_it_says(shape: str) -> None:
    """The p-value at the last look counts every look before it, as its highest sum only grows."""
    rng = np.random.default_rng(11)
    draw = rng.normal if shape == "normal" else rng.exponential
    years = [list(draw(size=52)) for _ in range(300)]
    # An alarm at 5 % is where the chart of that rate reaches its limit: the limits are rounded to 0.01.
    alarmed = [watch(year, rate=0.05, over=52).at is not None for year in years]
    assert sum(alarmed) / 300 <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 300)
    assert sum(alarmed) >= 5
    for year, alarm in list(zip(years, alarmed, strict=True))[:40:8]:
        assert (slow_trend_p(year) <= 0.05) is alarm
    sooner = [slow_trend_p(years[0][:size]) for size in (10, 20, 40, 52)]
    assert sooner == sorted(sooner, reverse=True)


def test_a_slow_rise_alarms_where_no_step_does() -> None:
    rng = np.random.default_rng(12)
    hits, steps = 0, 0
    for _ in range(20):
        values = rng.normal(size=26) + 4.0 * np.arange(26) / 25
        hits += slow_trend_p(list(values)) < 0.05
        steps += (values[-1] - values[-2]) / math.sqrt(2.0) > 1.645
    assert hits >= 18
    assert steps <= 6
    assert slow_trend_p([-float(one) for one in range(26)]) == 1.0
    assert slow_trend_p([]) == 1.0
    assert slow_trend_p(range(10)) == pytest.approx(alarm_chance(_sum(10), 52))


def _sum(n: int) -> float:
    """Every value is the highest so far."""
    total = 0.0
    for size in range(1, n + 1):
        total = max(0.0, total + (0.0 if size == 1 else (size - 1) / 2.0 / math.sqrt((size**2 - 1) / 12.0)) - 0.5)
    return total


def test_what_cannot_be_said_is_refused() -> None:
    a, b = clouds(13, 29, 100, 2, 0.0)
    for method in (separation, held_out_separation, mmd_p):
        with pytest.raises(RefusedError, match="29 vectors"):
            method(a, b)
        with pytest.raises(RefusedError):
            method(np.ones((50, 2)), np.ones((50, 2)))
        with pytest.raises(ValueError, match="3 numbers against vectors of 2"):
            method(np.ones((50, 3)), b)
    with pytest.raises(ValueError, match="finite"):
        slow_trend_p([0.0, math.nan])
