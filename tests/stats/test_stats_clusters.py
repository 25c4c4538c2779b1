from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signals.stats.clusters import cluster_difference, cluster_ratio
from signals.stats.difference import RefusedError
from signals.stats.means import ratio, ratio_difference, welch
from signals.stats.moments import from_arrays


def sums(count: int, seed: int) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    size = rng.integers(1, 40, count).astype(float)
    return size * rng.normal(1, 0.45, count) + rng.normal(0, 1, count) * np.sqrt(size), size


def test_equal_clusters_are_a_welch_test_of_their_means() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.normal(0, 1, 9), rng.normal(0, 1, 12)
    found = cluster_difference(from_arrays(20 * a, d=[20] * 9), from_arrays(20 * b, d=[20] * 12), 0.95)
    want = welch(from_arrays(a), from_arrays(b), 0.95)
    assert (found.low, found.high, found.df) == pytest.approx((want.low, want.high, want.df))


@pytest.mark.parametrize("count", [8, 15, 40])
def test_close_to_a_leave_one_out_jackknife_on_average(count: int) -> None:
    shares = []
    for seed in range(200):
        y, d = sums(count, seed)
        left_out = (y.sum() - y) / (d.sum() - d)
        jackknife = (count - 1) / count * ((left_out - y.sum() / d.sum()) ** 2).sum()
        shares.append(cluster_ratio(from_arrays(y, d=d))[1] / jackknife)
    assert np.mean(shares) == pytest.approx(1.0, abs=0.06)


def test_many_clusters_need_no_correction() -> None:
    (y1, d1), (y0, d0) = sums(2000, 1), sums(2000, 2)
    ours, theirs = from_arrays(y1, d=d1), from_arrays(y0, d=d0)
    found, plain = cluster_difference(ours, theirs, 0.95), ratio_difference(ours, theirs, 0.95)
    assert found.se == pytest.approx(plain.se, rel=2e-3)
    assert cluster_ratio(ours)[0] == ratio(ours)[0]


@given(st.integers(5, 30), st.integers(5, 30), st.integers(0, 99), st.floats(0.1, 10))
def test_swap_scale_and_confidence(n1: int, n0: int, seed: int, scale: float) -> None:
    (y1, d1), (y0, d0) = sums(n1, seed), sums(n0, seed + 1000)
    try:
        one = cluster_difference(from_arrays(y1, d=d1), from_arrays(y0, d=d0), 0.95)
    except RefusedError:
        return
    other = cluster_difference(from_arrays(y0, d=d0), from_arrays(y1, d=d1), 0.95)
    assert (other.low, other.high) == pytest.approx((-one.high, -one.low))
    scaled = cluster_difference(from_arrays(scale * y1, d=d1), from_arrays(scale * y0, d=d0), 0.95)
    assert (scaled.low, scaled.high) == pytest.approx((scale * one.low, scale * one.high))
    wider = cluster_difference(from_arrays(y1, d=d1), from_arrays(y0, d=d0), 0.99)
    assert wider.low < one.low < one.high < wider.high


def test_one_giant_cluster_is_refused() -> None:
    y, d = sums(6, 3)
    with pytest.raises(RefusedError, match="a few clusters hold most"):
        cluster_ratio(from_arrays([*y, 900.0], d=[*d, 1000.0]))
    with pytest.raises(RefusedError, match="too few clusters"):
        cluster_ratio(from_arrays([1.0, 2.0], d=[1.0, 1.0]))


@pytest.mark.slow
@pytest.mark.parametrize("count", [8, 12, 30])
def test_coverage_with_few_unequal_clusters(count: int) -> None:
    rng = np.random.default_rng(5)
    inside = plain = 0
    for _ in range(2000):
        size = rng.integers(1, 40, (2, count)).astype(float)
        total = size * rng.normal(0, 0.45, (2, count)) + rng.normal(0, 0.9, (2, count)) * np.sqrt(size)
        ours, theirs = (from_arrays(y, d=d) for y, d in zip(total, size, strict=True))
        found, naive = cluster_difference(ours, theirs, 0.95), ratio_difference(ours, theirs, 0.95)
        inside += found.low <= 0 <= found.high
        plain += naive.low <= 0 <= naive.high
    assert 0.935 <= inside / 2000 <= 0.97
    assert plain < inside
