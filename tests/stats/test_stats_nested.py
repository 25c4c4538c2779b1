"""Panels whose items and raters are not crossed, and net preferences near an end."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from signals.stats.difference import RefusedError, from_se
from signals.stats.panel import crossed_mean, within_one


def one_rater_each(rng: np.random.Generator, raters: int = 6, each: int = 20) -> list[tuple[int, int, float]]:
    effects = rng.normal(0, 0.5, raters)
    return [(r * each + k, r, float(0.3 + effects[r] + rng.normal())) for r in range(raters) for k in range(each)]


def test_items_within_raters_are_a_sample_of_raters() -> None:
    cells = one_rater_each(np.random.default_rng(1))
    found = crossed_mean(cells, 0.95)
    means = np.array([np.mean([y for _, rater, y in cells if rater == r]) for r in range(6)])
    oracle = scipy_stats.ttest_1samp(means, 0.0)
    low, high = oracle.confidence_interval(0.95)
    assert (found.design, found.difference.df) == ("items within raters", 5)
    assert (found.difference.low, found.difference.high) == pytest.approx((low, high))
    assert found.difference.p_value == pytest.approx(oracle.pvalue)
    # Analysis of variance of one factor.
    groups = [[y for _, rater, y in cells if rater == r] for r in range(6)]
    within = np.mean([np.var(group, ddof=1) for group in groups])
    assert found.components["item"] == pytest.approx(within)
    assert found.components["rater"] == pytest.approx(means.var(ddof=1) - within / 20)
    assert found.uncertain == pytest.approx(math.sqrt(2 / 5))


def test_a_rater_with_most_items_leaves_little_to_know_the_spread_by() -> None:
    rng = np.random.default_rng(2)
    even = crossed_mean(one_rater_each(rng), 0.95)
    busy = [(i, 0 if i < 90 else 1 + i % 5, float(rng.normal())) for i in range(120)]
    assert crossed_mean(busy, 0.95).uncertain > 2 * even.uncertain


def test_raters_within_items_are_a_sample_of_items() -> None:
    rng = np.random.default_rng(3)
    levels = rng.normal(0.2, 0.7, 40)
    cells = [(i, f"{i}/{k}", float(levels[i] + rng.normal())) for i in range(40) for k in range(3)]
    found = crossed_mean(cells, 0.9)
    means = np.array([np.mean([y for item, _, y in cells if item == i]) for i in range(40)])
    low, high = scipy_stats.ttest_1samp(means, 0.0).confidence_interval(0.9)
    assert (found.design, found.difference.df, found.uncertain) == ("raters within items", 39, 0.0)
    assert (found.difference.low, found.difference.high) == pytest.approx((low, high))
    parts = found.components
    assert parts["item"] + parts["residual"] / 3 == pytest.approx(means.var(ddof=1))
    assert parts["rater"] == 0.0


def test_all_alone_is_the_plain_t_interval() -> None:
    y = np.random.default_rng(4).normal(0.5, 1, 30)
    found = crossed_mean([(i, i, float(value)) for i, value in enumerate(y)], 0.95).difference
    low, high = scipy_stats.ttest_1samp(y, 0.0).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((low, high))


def test_nothing_to_tell_a_spread_by() -> None:
    with pytest.raises(RefusedError, match="all"):
        crossed_mean([(i, i % 3, 1.0) for i in range(12)], 0.95)
    with pytest.raises(RefusedError, match="all items' means are equal"):
        crossed_mean([(i // 2, i, 1.0) for i in range(12)], 0.95)


@given(st.floats(-0.999, 0.999), st.floats(1e-4, 2), st.floats(2, 50))
def test_net_preference_stays_inside(effect: float, se: float, df: float) -> None:
    found = within_one(from_se(effect, se, 0.95, df), 0.95)
    assert -1 <= found.low <= effect <= found.high <= 1
    assert (found.effect, found.se, found.df) == (effect, se, df)
    mirrored = within_one(from_se(-effect, se, 0.95, df), 0.95)
    assert (mirrored.low, mirrored.high) == pytest.approx((-found.high, -found.low))
    # The p-value and the bounds say the same of zero.
    assert (found.low > 0 or found.high < 0) == (found.p_value < 0.05)


def test_net_preference_near_zero_is_as_it_was() -> None:
    plain = from_se(0.02, 0.01, 0.95, 30)
    found = within_one(plain, 0.95)
    assert (found.low, found.high) == pytest.approx((plain.low, plain.high), abs=1e-4)
    assert within_one(from_se(1.0, 0.1, 0.95), 0.95).high > 1  # nothing to do at the very end


@pytest.mark.slow
def test_coverage_of_net_preference_near_its_end() -> None:
    """The plain interval misses on the side where there is room."""
    rng = np.random.default_rng(5)
    truth = 2 * float(scipy_stats.norm.cdf(1.5 / math.sqrt(0.25 + 0.25**2 + 1))) - 1
    inside = 0
    for _ in range(500):
        latent = 1.5 + rng.normal(0, 0.5, (60, 1)) + rng.normal(0, 0.25, (1, 20)) + rng.normal(0, 1, (60, 20))
        cells = [(i, r, float(np.sign(latent[i, r]))) for i in range(60) for r in range(20)]
        found = within_one(crossed_mean(cells, 0.95).difference, 0.95)
        inside += found.low <= truth <= found.high
    assert 0.92 <= inside / 500 <= 0.975
