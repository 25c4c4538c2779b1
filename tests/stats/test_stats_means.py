from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from signals.stats.difference import RefusedError
from signals.stats.means import fieller, log_delta, ratio, ratio_difference, welch
from signals.stats.moments import from_arrays

values = st.lists(st.floats(-1e3, 1e3, allow_nan=False).map(lambda v: round(v, 3)), min_size=2, max_size=30)


def test_welch_against_scipy() -> None:
    rng = np.random.default_rng(3)
    a, b = rng.normal(1, 2, 37), rng.normal(0.5, 0.4, 12)
    found = welch(from_arrays(a), from_arrays(b), 0.9)
    oracle = scipy_stats.ttest_ind(a, b, equal_var=False)
    interval = oracle.confidence_interval(0.9)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high), rel=1e-9)
    assert found.p_value == pytest.approx(oracle.pvalue, rel=1e-9)
    assert found.df == pytest.approx(oracle.df, rel=1e-9)


@given(values, values, st.floats(0.1, 50), st.floats(-100, 100))
def test_welch_scale_shift_and_swap(a: list[float], b: list[float], scale: float, shift: float) -> None:
    if np.var(a) + np.var(b) < 1e-3:
        return
    one = welch(from_arrays(a), from_arrays(b), 0.95)
    moved = welch(from_arrays(np.array(a) * scale + shift), from_arrays(np.array(b) * scale + shift), 0.95)
    assert (moved.low, moved.high) == pytest.approx((one.low * scale, one.high * scale), rel=1e-6, abs=1e-6 * scale)
    swapped = welch(from_arrays(b), from_arrays(a), 0.95)
    assert (swapped.low, swapped.high) == pytest.approx((-one.high, -one.low))
    wider = welch(from_arrays(a), from_arrays(b), 0.99)
    assert wider.low < one.low < one.high < wider.high


def test_no_spread_is_refused_not_printed_narrow() -> None:
    with pytest.raises(RefusedError, match="no spread"):
        welch(from_arrays([1, 1, 1]), from_arrays([2, 2]), 0.95)
    with pytest.raises(RefusedError, match="fewer than two"):
        welch(from_arrays([1]), from_arrays([2, 3]), 0.95)


def test_ratio_metric(shared: Path) -> None:
    golden = json.loads((shared / "golden/05_ratio_metric_delta.json").read_text())
    given_, want = golden["input"], golden["expected"]
    arm = np.array(given_["variant"])
    y, d = np.array(given_["numerator"]), np.array(given_["denominator"])
    found = ratio_difference(from_arrays(y[arm == 1], d=d[arm == 1]), from_arrays(y[arm == 0], d=d[arm == 0]), 0.95)
    assert found.control == pytest.approx(want["ratio_control"], abs=1e-12)
    assert found.candidate == pytest.approx(want["ratio_treatment"], abs=1e-12)
    assert found.se == pytest.approx(want["se"], abs=1e-8)
    assert (found.low, found.high) == pytest.approx(tuple(want["ci95"]), abs=1e-8)


def test_ratio_without_denominator_is_refused() -> None:
    plain = from_arrays([1, 2, 3])
    with pytest.raises(RefusedError, match="denominator is missing"):
        ratio_difference(plain, plain, 0.95)
    zero = from_arrays([1, 2, 3], d=[0, 0, 0])
    with pytest.raises(RefusedError, match="not above 0"):
        ratio_difference(zero, zero, 0.95)


def test_fieller(shared: Path) -> None:
    golden = json.loads((shared / "golden/04_relative_lift_fieller_delta.json").read_text())
    given_ = golden["input"]
    found = fieller(given_["m1"], given_["v1"], given_["m0"], given_["v0"], 0.95)
    assert found == pytest.approx(tuple(golden["expected"]["fieller"]), abs=1e-9)


def test_log_delta(shared: Path) -> None:
    golden = json.loads((shared / "golden/04_relative_lift_fieller_delta.json").read_text())
    given_ = golden["input"]
    found = log_delta(given_["m1"], given_["v1"], given_["m0"], given_["v0"], 0.95)
    assert found == pytest.approx(tuple(golden["expected"]["log_delta"]), abs=1e-9)
    assert log_delta(1.0, 0.1, -1.0, 0.1, 0.95) is None


def test_log_delta_of_a_ratio(shared: Path) -> None:
    golden = json.loads((shared / "golden/05_ratio_metric_delta.json").read_text())
    given_ = golden["input"]
    arm, y, d = (np.array(given_[name]) for name in ("variant", "numerator", "denominator"))
    (r1, v1), (r0, v0) = (ratio(from_arrays(y[arm == k], d=d[arm == k])) for k in (1, 0))
    assert log_delta(r1, v1, r0, v0, 0.95) == pytest.approx(tuple(golden["expected"]["rel_ci95_log"]), abs=1e-8)


@given(st.floats(0.5, 20), st.floats(0.01, 2), st.floats(2, 20), st.floats(0.001, 0.2), st.floats(-0.3, 0.3))
def test_fieller_holds_the_ratios_that_are_not_rejected(m1: float, v1: float, m0: float, v0: float, r: float) -> None:
    covariance = r * (v1 * v0) ** 0.5
    found = fieller(m1, v1, m0, v0, 0.95, covariance=covariance)
    assert found is not None
    for bound in found:
        lift = bound + 1
        variance = v1 - 2 * lift * covariance + lift**2 * v0
        assert abs(m1 - lift * m0) == pytest.approx(1.959963985 * variance**0.5, rel=1e-6)


def test_a_ratio_of_few_users_has_few_degrees_of_freedom() -> None:
    rng = np.random.default_rng(1)
    ours, theirs = (from_arrays(rng.poisson(3, 15), d=rng.integers(1, 5, 15)) for _ in range(2))
    t, z = (ratio_difference(ours, theirs, 0.95, normal=normal) for normal in (False, True))
    assert t.df is not None
    assert 14 <= t.df <= 28
    assert t.low < z.low < z.high < t.high


def test_fieller_is_unbounded_when_the_control_may_be_zero() -> None:
    assert fieller(1.0, 0.1, 0.5, 0.1, 0.95) is None


@pytest.mark.slow
def test_coverage_of_welch_with_a_heavy_tail_and_equal_arms() -> None:
    rng = np.random.default_rng(11)
    inside = 0
    for _ in range(1500):
        a, b = (np.where(rng.random(2000) < 0.2, rng.lognormal(0, 1, 2000), 0) for _ in range(2))
        found = welch(from_arrays(a), from_arrays(b), 0.95)
        inside += found.low <= 0 <= found.high
    assert 0.935 <= inside / 1500 <= 0.97


@pytest.mark.slow
def test_coverage_of_the_ratio_with_rows_clustered_in_users() -> None:
    rng = np.random.default_rng(12)
    inside = 0
    for _ in range(1500):
        d = rng.geometric(0.3, (2, 300))
        y = rng.binomial(d, rng.beta(2, 3, (2, 300)))
        found = ratio_difference(from_arrays(y[0], d=d[0]), from_arrays(y[1], d=d[1]), 0.95)
        inside += found.low <= 0 <= found.high
    assert 0.93 <= inside / 1500 <= 0.965
