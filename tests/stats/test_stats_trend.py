from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from signals.model import Moments
from signals.stats.moments import from_arrays
from signals.stats.skew import difference_skewness, leverage, mean_skewness
from signals.stats.trend import weighted_trend


@given(st.integers(0, 200), st.integers(5, 30))
def test_trend_against_weighted_least_squares(seed: int, days: int) -> None:
    rng = np.random.default_rng(seed)
    x, y, v = np.arange(days) + 700_000.0, rng.normal(0, 1, days), rng.uniform(0.5, 3, days)
    found = weighted_trend(x.tolist(), y.tolist(), v.tolist())
    oracle = sm.WLS(y, np.column_stack([np.ones(days), x - x[0]]), weights=1 / v).fit()
    assert found is not None
    assert (found.slope, found.se, found.p_value) == pytest.approx(
        (oracle.params[1], oracle.bse[1], oracle.pvalues[1]), rel=1e-6
    )


def test_trend_needs_days() -> None:
    assert weighted_trend([1, 2, 3, 4], [0, 0, 0, 1], [1, 1, 1, 1]) is None
    assert weighted_trend([1] * 6, [0, 0, 0, 1, 1, 1], [1] * 6) is None
    straight = weighted_trend([1, 2, 3, 4, 5], [1, 2, 3, 4, 5], [1] * 5)
    assert straight is not None
    assert (straight.slope, straight.p_value) == (pytest.approx(1.0), pytest.approx(0.0))


def test_skewness_of_a_difference_of_means() -> None:
    rng = np.random.default_rng(3)
    big, small = rng.exponential(1, 100_000), rng.exponential(1, 100)
    found = difference_skewness(from_arrays(small), from_arrays(big))
    assert found == pytest.approx(2 / np.sqrt(100), rel=0.05)  # the small arm's, by theory, from the big arm's shape
    assert difference_skewness(from_arrays(big), from_arrays(small)) == pytest.approx(-found)
    even = difference_skewness(from_arrays(big[:5000]), from_arrays(big[5000:10_000]))
    assert even == pytest.approx(0.0, abs=1e-9)


def test_skewness_shows_where_one_arm_alone_has_the_tail() -> None:
    rng = np.random.default_rng(4)
    ours, theirs = rng.lognormal(0, 1.2, 300), rng.normal(0, 0.1, 300)
    found = difference_skewness(from_arrays(ours), from_arrays(theirs))
    assert found == pytest.approx(float(scipy_stats.skew(ours)) / np.sqrt(300), rel=0.02)


def test_skewness_of_a_mean() -> None:
    rng = np.random.default_rng(5)
    ours, theirs = rng.lognormal(0, 1, 400), rng.normal(0, 1, 50)
    found = mean_skewness(from_arrays(ours), from_arrays(theirs))
    assert found == pytest.approx(float(scipy_stats.skew(ours)) / np.sqrt(400), rel=0.02)
    assert mean_skewness(Moments(5, 0.0, 1.0), from_arrays(theirs)) is None
    assert difference_skewness(Moments(5, 0.0, 1.0), from_arrays(theirs)) is None


@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=30))
def test_leverage_is_the_greatest_change_by_leaving_one_out(values: list[float]) -> None:
    y = np.array(values)
    moved = max(abs(np.delete(y, k).mean() - y.mean()) for k in range(len(y)))
    assert leverage(from_arrays(y), float(y.min()), float(y.max())) == pytest.approx(moved, abs=1e-9)
