from __future__ import annotations

import itertools
import math
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signals.model import Moments
from signals.stats.moments import EMPTY, from_arrays, merge, variance

number = st.floats(-1e6, 1e6, allow_nan=False)
rows = st.lists(st.tuples(number, number, number), min_size=1, max_size=40)
FIELDS = ("mean", "m2", "x_mean", "x_m2", "xy", "d_mean", "d_m2", "yd", "xd", "m3")


def moments_of(part: list[tuple[float, float, float]]) -> Moments:
    y, x, d = np.array(part, dtype=float).reshape(-1, 3).T
    return from_arrays(y, x, d)


@given(rows, st.lists(st.integers(0, 40), max_size=4))
def test_merging_parts_is_one_pass(data: list[tuple[float, float, float]], cuts: list[int]) -> None:
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    parts = [moments_of(data[a:b]) for a, b in itertools.pairwise(edges)]
    merged, whole = merge(parts), moments_of(data)
    assert merged.n == whole.n
    size = max(1.0, float(np.abs(np.array(data)).max()))
    for name in FIELDS:
        power = 1 if name.endswith("mean") else 3 if name == "m3" else 2
        assert getattr(merged, name) == pytest.approx(getattr(whole, name), rel=1e-9, abs=1e-9 * size**power)


@given(st.lists(rows, min_size=2, max_size=6), st.randoms(use_true_random=False))
def test_order_of_parts_changes_no_bit(groups: list[list[tuple[float, float, float]]], shuffler: random.Random) -> None:
    parts = [moments_of(group) for group in groups]
    shuffled = list(parts)
    shuffler.shuffle(shuffled)
    assert merge(shuffled) == merge(parts)


def test_large_level_keeps_its_variance() -> None:
    values = 1e9 + np.random.default_rng(7).uniform(size=100_000)
    merged = merge(from_arrays(part) for part in np.array_split(values, 13))
    assert variance(merged.m2, merged.n) == pytest.approx(1 / 12, rel=0.01)
    assert variance(merged.m2, merged.n) == pytest.approx(float(np.var(values - 1e9, ddof=1)), rel=1e-6)


@pytest.mark.parametrize("level", [0.0, 1e6, -1e9])
def test_skewness_is_that_of_scipy_at_any_level(level: float) -> None:
    from scipy.stats import skew

    values = np.random.default_rng(11).exponential(size=20_000)
    merged = merge(from_arrays(part) for part in np.array_split(level + values, [3, 40, 9000]))
    assert merged.m3 is not None
    found = (merged.m3 / merged.n) / (merged.m2 / merged.n) ** 1.5
    assert found == pytest.approx(float(skew(values)), rel=1e-6)


@given(rows, number)
def test_third_moments_shift_and_turn_with_the_outcome(data: list[tuple[float, float, float]], by: float) -> None:
    y = np.array(data)[:, 0]
    size = max(1.0, float(np.abs(y).max()), abs(by)) ** 3 * len(y)
    plain, shifted, turned = from_arrays(y), from_arrays(y + by), from_arrays(-y)
    assert plain.m3 is not None
    assert shifted.m3 == pytest.approx(plain.m3, abs=1e-9 * size)
    assert turned.m3 == pytest.approx(-plain.m3, abs=1e-12 * size)


def test_a_third_moment_that_a_part_lacks_or_that_leaves_the_floats_is_absent() -> None:
    assert merge([from_arrays([1, 2, 9]), Moments(2, 1.0, 0.5)]).m3 is None
    assert from_arrays([1e120, 5e120]).m3 is None
    far = merge([from_arrays([1e110, 1e110]), from_arrays([-1e110, 0.0, 0.0])])
    assert far.m3 is None
    assert math.isfinite(far.m2)


def test_a_column_that_one_part_lacks_is_absent() -> None:
    merged = merge([from_arrays([1, 2], d=[1, 1]), from_arrays([3, 4])])
    assert merged.n == 4
    assert merged.mean == 2.5
    assert merged.d_mean is None
    assert merged.yd is None


def test_empty_parts_do_not_erase_columns() -> None:
    part = from_arrays([1, 2, 5], [0, 1, 0], [1, 1, 2])
    assert merge([EMPTY, part, from_arrays([])]) == part
    assert merge([]) == EMPTY


def test_lengths_must_agree() -> None:
    with pytest.raises(ValueError, match="shape"):
        from_arrays([1, 2, 3], d=[1])
