from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from signals.model import QUANTILE_STEPS, QuantileCell
from signals.stats.difference import RefusedError
from signals.stats.quantile import Ladder, ladder, mover, quantile_difference


def cell(values: Any, q: float) -> QuantileCell:
    ordered, n = np.sort(values), len(values)
    spread = math.sqrt(n * q * (1 - q))
    lows = [math.floor(n * q - step * spread) for step in QUANTILE_STEPS]
    highs = [math.ceil(n * q + step * spread) + 1 for step in QUANTILE_STEPS]
    return QuantileCell(
        "", "v", (), q, n, float(ordered[math.ceil(n * q) - 1]),
        tuple(float(ordered[r - 1]) for r in lows if r >= 1), tuple(float(ordered[r - 1]) for r in highs if r <= n),
    )  # fmt: skip


def test_tails_are_binomial() -> None:
    n, q = 400, 0.9
    found = ladder(cell(np.arange(1, n + 1), q))  # the order statistic of rank r is r
    for deviate, rank in found.lows[:20]:
        assert scipy_stats.norm.sf(deviate) == pytest.approx(scipy_stats.binom.cdf(rank - 1, n, q), rel=1e-9)
    for deviate, rank in found.highs:
        assert scipy_stats.norm.sf(deviate) == pytest.approx(scipy_stats.binom.sf(rank - 1, n, q), rel=1e-9)


def test_one_arm_against_scipy() -> None:
    """The exact interval of scipy takes whole ranks outwards: ours lies inside it, by less than two ranks."""
    values = np.sort(np.random.default_rng(2).lognormal(0, 1, 900))
    low, high = ladder(cell(values, 0.75)).bounds(scipy_stats.norm.isf(0.025))
    oracle = scipy_stats.quantile_test(values, p=0.75, q=1.0).confidence_interval(0.95)
    assert oracle.low <= low <= values[np.searchsorted(values, oracle.low) + 4]
    assert values[np.searchsorted(values, oracle.high) - 4] <= high <= oracle.high


def test_against_the_bootstrap() -> None:
    rng = np.random.default_rng(4)
    a, b = 1.3 * rng.lognormal(0, 1, 4000), rng.lognormal(0, 1, 3000)
    found = quantile_difference(ladder(cell(a, 0.9)), ladder(cell(b, 0.9)), 0.95)
    draws = np.quantile(rng.choice(a, (2000, 4000)), 0.9, axis=1) - np.quantile(
        rng.choice(b, (2000, 3000)), 0.9, axis=1
    )
    low, high = np.quantile(draws, [0.025, 0.975])
    assert found.high - found.low == pytest.approx(high - low, rel=0.12)
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.1 * (high - low))


samples = st.integers(0, 500).map(lambda seed: np.random.default_rng(seed).gamma(2, 1, 150))


@given(samples, samples, st.sampled_from([0.25, 0.5, 0.8]), st.floats(0.1, 9), st.floats(-5, 5))
def test_swap_scale_shift_and_confidence(a: Any, b: Any, q: float, scale: float, shift: float) -> None:
    one = quantile_difference(ladder(cell(a, q)), ladder(cell(b + 0.1, q)), 0.9)
    other = quantile_difference(ladder(cell(b + 0.1, q)), ladder(cell(a, q)), 0.9)
    assert (other.low, other.high) == pytest.approx((-one.high, -one.low))
    moved = quantile_difference(ladder(cell(scale * a + shift, q)), ladder(cell(scale * (b + 0.1) + shift, q)), 0.9)
    assert (moved.low, moved.high) == pytest.approx((scale * one.low, scale * one.high), rel=1e-6, abs=1e-9)
    wider = quantile_difference(ladder(cell(a, q)), ladder(cell(b + 0.1, q)), 0.95)
    assert wider.low <= one.low < one.high <= wider.high
    assert (one.p_value < 0.1) == (one.low > 0 or one.high < 0)


def test_mover_of_symmetric_bounds_is_the_root_of_the_sum_of_squares() -> None:
    even = Ladder(10.0, ((2.0, 7.0),), ((2.0, 13.0),), 100, 0.5)
    other = Ladder(4.0, ((2.0, 0.0),), ((2.0, 8.0),), 100, 0.5)
    assert mover(even, other, 2.0) == pytest.approx((6 - 5.0, 6 + 5.0))


def test_refusals() -> None:
    short = ladder(cell(np.arange(30.0), 0.95))
    with pytest.raises(RefusedError, match="too few above its 95 % quantile"):
        quantile_difference(short, short, 0.95)
    flat = ladder(cell(np.zeros(500), 0.5))
    with pytest.raises(RefusedError, match="no spread"):
        quantile_difference(flat, flat, 0.95)


@pytest.mark.slow
@pytest.mark.parametrize("n, q", [(200, 0.5), (1000, 0.9)])
def test_coverage(n: int, q: float) -> None:
    rng = np.random.default_rng(3)
    inside = 0
    for _ in range(1500):
        found = quantile_difference(
            ladder(cell(rng.lognormal(0, 1, n), q)), ladder(cell(rng.lognormal(0, 1, n), q)), 0.95
        )
        inside += found.low <= 0 <= found.high
    assert 0.935 <= inside / 1500 <= 0.97
