from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signals.stats.difference import RefusedError, critical
from signals.stats.panel import _Layout, crossed_mean, rater_part


def holed(seed: int, items: int = 8, raters: int = 4, keep: float = 0.7) -> list[tuple[int, int, float]]:
    rng = np.random.default_rng(seed)
    return [
        (i, r, float(rng.normal(0.3)))
        for i in range(items)
        for r in range(raters)
        if rng.random() < keep or r == i % raters or r == (i + 1) % raters
    ]


@settings(deadline=None)
@given(st.integers(0, 10_000))
def test_holes_against_dense_matrices(seed: int) -> None:
    """Everything that is computed without large matrices, from N x N projections instead."""
    cells = holed(seed)
    layout = _Layout(cells)
    i, r, y = (np.array(column) for column in zip(*cells, strict=True))
    z = (i[:, None] == np.unique(i)).astype(float)
    w = (r[:, None] == np.unique(r)).astype(float)
    n = len(cells)
    mean = np.ones((n, n)) / n
    forms = [z @ np.linalg.inv(z.T @ z) @ z.T - mean, w @ np.linalg.inv(w.T @ w) @ w.T - mean, np.eye(n) - mean]
    parts = [z @ z.T, w @ w.T, np.eye(n)]
    inverse = np.linalg.inv(np.array([[np.trace(a @ c) for c in parts] for a in forms]))
    assert layout.components() == pytest.approx(inverse @ [y @ a @ y for a in forms], abs=1e-9)
    v = 0.3 * parts[0] + 0.7 * parts[1] + 1.1 * parts[2]
    q = np.array([[2 * np.trace(a @ v @ b @ v) for b in forms] for a in forms])
    assert layout.covariance(0.3, 0.7, 1.1) == pytest.approx(inverse @ q @ inverse.T, abs=1e-9)
    weights = 1 / (np.unique(i).size * z.sum(axis=0) @ z.T)
    assert layout.mean == pytest.approx(weights @ y)
    assert layout.weights == pytest.approx([weights @ part @ weights for part in parts])


def test_balanced_layout_is_the_analysis_of_variance() -> None:
    rng = np.random.default_rng(4)
    items, raters = 20, 5
    y = rng.normal(0, 1, (items, 1)) + rng.normal(0, 0.5, (1, raters)) + rng.normal(0, 1, (items, raters))
    found = crossed_mean([(i, r, y[i, r]) for i in range(items) for r in range(raters)], 0.95)
    ms_i = raters * y.mean(axis=1).var(ddof=1)
    ms_r = items * y.mean(axis=0).var(ddof=1)
    left = y - y.mean(axis=1, keepdims=True) - y.mean(axis=0, keepdims=True) + y.mean()
    ms_e = (left**2).sum() / ((items - 1) * (raters - 1))
    assert found.components["item"] == pytest.approx((ms_i - ms_e) / raters)
    assert found.components["rater"] == pytest.approx((ms_r - ms_e) / items)
    assert found.components["residual"] == pytest.approx(ms_e)
    assert found.difference.se**2 == pytest.approx((ms_i + ms_r - ms_e) / (items * raters))
    assert found.difference.effect == pytest.approx(y.mean())
    # Satterthwaite by mean squares, at components one standard error above their estimates.
    df_e = (items - 1) * (raters - 1)
    item = (ms_i - ms_e) / raters + np.sqrt(2 * (ms_i**2 / (items - 1) + ms_e**2 / df_e)) / raters
    rater = (ms_r - ms_e) / items + np.sqrt(2 * (ms_r**2 / (raters - 1) + ms_e**2 / df_e)) / items
    up_i, up_r = ms_e + raters * item, ms_e + items * rater
    df = (up_i + up_r - ms_e) ** 2 / (up_i**2 / (items - 1) + up_r**2 / (raters - 1) + ms_e**2 / df_e)
    assert found.difference.df == pytest.approx(df)
    half = critical(0.95, df) * found.difference.se
    assert found.difference.high - found.difference.effect == pytest.approx(half)


@given(st.integers(0, 1000), st.floats(0.1, 20), st.floats(-5, 5))
def test_scale_shift_and_sign(seed: int, scale: float, shift: float) -> None:
    cells = holed(seed)
    one = crossed_mean(cells, 0.95).difference
    moved = crossed_mean([(i, r, scale * y + shift) for i, r, y in cells], 0.95).difference
    assert moved.effect == pytest.approx(scale * one.effect + shift)
    assert moved.se == pytest.approx(scale * one.se, rel=1e-6)
    turned = crossed_mean([(i, r, -y) for i, r, y in cells], 0.95).difference
    assert (turned.low, turned.high) == pytest.approx((-one.high, -one.low))


def test_an_item_with_many_ratings_counts_once() -> None:
    cells = [("a", r, 1.0 + 0.01 * r) for r in range(10)]
    cells += [(item, r, 0.0 + 0.01 * r) for item in ("b", "c", "d") for r in range(2)]
    assert crossed_mean(cells, 0.95).difference.effect == pytest.approx((1.045 + 3 * 0.005) / 4)


def test_raters_who_differ_widen_the_interval() -> None:
    rng = np.random.default_rng(6)
    noise = rng.normal(0, 1, (100, 3))
    same = crossed_mean([(i, r, noise[i, r]) for i in range(100) for r in range(3)], 0.95)
    apart = crossed_mean([(i, r, noise[i, r] + (r - 1)) for i in range(100) for r in range(3)], 0.95)
    assert apart.difference.se > 4 * same.difference.se
    assert apart.difference.df is not None
    assert apart.difference.df < 5
    assert apart.n_effective < 10


@pytest.mark.parametrize(
    "cells, why",
    [
        ([("a", 1, 0.0), ("a", 2, 1.0)], "1 item"),
        ([("a", 1, 0.0), ("b", 1, 1.0)], "one rater"),
        ([(i, r, 1.0) for i in range(4) for r in range(3)], "the differences are all equal"),
    ],
)
def test_refusals(cells: list[tuple[object, object, float]], why: str) -> None:
    with pytest.raises(RefusedError, match=why):
        crossed_mean(cells, 0.95)


def test_a_cell_twice_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="twice"):
        crossed_mean([("a", 1, 0.0), ("a", 1, 1.0), ("b", 2, 0.3)], 0.95)


def coverage(items: int, raters: int, spread: float, keep: float, reps: int, seed: int) -> float:
    rng = np.random.default_rng(seed)
    inside = 0
    for _ in range(reps):
        y = (
            rng.normal(0, 0.5, (items, 1))
            + rng.normal(0, spread, (1, raters))
            + rng.normal(0, 1, (items, raters))
        )  # fmt: skip
        seen = rng.random((items, raters)) < keep
        cells = [(int(i), int(r), float(y[i, r])) for i, r in np.argwhere(seen)]
        found = crossed_mean(cells, 0.95).difference
        inside += found.low <= 0 <= found.high
    return inside / reps


@pytest.mark.slow
@pytest.mark.parametrize(
    "items, raters, spread, keep",
    [(100, 3, 0.25, 1.0), (100, 3, 0.5, 1.0), (100, 8, 0.25, 1.0), (30, 20, 0.25, 1.0), (60, 8, 0.5, 0.5)],
)
def test_coverage(items: int, raters: int, spread: float, keep: float) -> None:
    # Monte Carlo standard error about .8 points at 800 repetitions.
    assert 0.925 <= coverage(items, raters, spread, keep, 800, 77) <= 0.97


@pytest.mark.slow
def test_raters_taken_as_fixed_would_cover_far_too_little() -> None:
    """The reason for all of this: the item-clustered interval on the same data."""
    rng = np.random.default_rng(8)
    y = (
        rng.normal(0, 0.5, (1000, 100, 1))
        + rng.normal(0, 0.25, (1000, 1, 3))
        + rng.normal(0, 1, (1000, 100, 3))
    )  # fmt: skip
    means = y.mean(axis=2)
    half = critical(0.95, 99) * means.std(axis=1, ddof=1) / 10
    assert (np.abs(means.mean(axis=1)) <= half).mean() < 0.75


@pytest.mark.parametrize("filled", [1.0, 0.6])
def test_the_raters_part_added_to_the_items_part_is_the_whole(filled: float) -> None:
    rng = np.random.default_rng(5)
    raters = rng.normal(0, 0.5, 6)
    cells = [
        (item, rater, level + raters[rater] + noise)
        for item, level in enumerate(rng.normal(0, 0.5, 80))
        for rater, noise in enumerate(rng.normal(0, 1, 6))
        if rng.random() < filled
    ]
    whole = crossed_mean(cells, 0.95)
    items = sorted({item for item, _, _ in cells})
    means = [np.mean([value for item, _, value in cells if item == one]) for one in items]
    alone = float(np.var(means, ddof=1)) / len(items)
    squared, df = rater_part(cells).added_to(alone, len(items) - 1)
    assert squared == pytest.approx(whole.difference.se**2, rel=0.02)
    assert df == pytest.approx(whole.difference.df, rel=0.1)
    assert squared > 3 * alone


def test_raters_of_one_item_each_add_nothing_and_one_rater_cannot_say() -> None:
    rng = np.random.default_rng(6)
    nested = [(number // 3, number, float(value)) for number, value in enumerate(rng.normal(0, 1, 60))]
    assert rater_part(nested).added_to(0.5, 19) == (0.5, 19)
    with pytest.raises(RefusedError, match="one rater"):
        rater_part([(item, "ann", float(item)) for item in range(9)])


@pytest.mark.slow
def test_items_within_raters_get_the_raters_spread() -> None:
    rng = np.random.default_rng(7)
    found = []
    for _ in range(400):
        raters = rng.normal(0, 1, 12)
        cells = [(12 * k + r, r, raters[r] + rng.normal()) for k in range(10) for r in range(12)]
        found.append(rater_part(cells).squared)
    assert np.mean(found) == pytest.approx(1 / 12, rel=0.06)
