"""Rank correlation and its error against scipy, leaving items out, drawing items again, and the truth."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from signals.stats.ranks import RankCorrelation, spearman

Pairs = tuple[np.ndarray, np.ndarray, np.ndarray]


def outputs(rng: np.random.Generator, items: int, follows: float, scale: str = "fine", within: float = 0.5) -> Pairs:
    """What judge and people say of both outputs of each item, and the item; outputs of one item are alike."""
    quality = rng.normal(size=(items, 1)) * within**0.5 + rng.normal(size=(items, 2)) * (1.0 - within) ** 0.5
    judge = follows * quality + (1.0 - follows**2) ** 0.5 * rng.normal(size=(items, 2))
    if scale != "fine":
        judge = (judge > -0.8) * 1.0 if scale == "pass" else np.clip(np.round(1.2 * judge + 3.0), 1, 5)
    grades = np.clip(np.round(1.1 * (quality[..., None] + 0.7 * rng.normal(size=(items, 2, 4))) + 3.0), 1, 5)
    return judge.ravel(), grades.mean(axis=-1).ravel(), np.repeat(np.arange(items), 2)


def found(pairs: Pairs) -> tuple[float, float]:
    made = spearman(pairs[0].tolist(), pairs[1].tolist(), pairs[2].tolist())
    assert made is not None
    assert made.se is not None
    return made.value, made.se


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=3, max_size=40))
def test_the_coefficient_is_scipys(pairs: list[tuple[int, int]]) -> None:
    left, right = ([float(one[side]) for one in pairs] for side in (0, 1))
    made = spearman(left, right)
    if len(set(left)) < 2 or len(set(right)) < 2:
        assert made is None
        return
    assert made is not None
    assert made.value == pytest.approx(scipy_stats.spearmanr(left, right).statistic, abs=1e-12)
    # Only order counts, and which is which does not; turned round the sign turns and nothing else.
    again = spearman([3.0 * one**3 for one in right], [one - 9.0 for one in left])
    turned = spearman(left, [-one for one in right])
    assert again is not None
    assert turned is not None
    assert (again.value, turned.value) == pytest.approx((made.value, -made.value), abs=1e-12)
    assert (made.se is None) == (again.se is None) == (turned.se is None)
    if made.se is not None:
        assert (again.se, turned.se) == pytest.approx((made.se, made.se), rel=1e-6)


@pytest.mark.parametrize("scale", ["fine", "grades", "pass"])
def test_the_error_is_that_of_leaving_items_out(scale: str) -> None:
    pairs = outputs(np.random.default_rng(3), 150, 0.7, scale)
    value, se = found(pairs)
    without = []
    for item in range(150):
        keep = pairs[2] != item
        made = spearman(pairs[0][keep].tolist(), pairs[1][keep].tolist())
        assert made is not None
        without.append(np.arctanh(made.value))
    spread = np.asarray(without) - np.mean(without)
    jackknife = (149 / 150 * float((spread**2).sum())) ** 0.5 * (1.0 - value**2)
    assert se == pytest.approx(jackknife, rel=0.03)


@pytest.mark.parametrize("scale", ["fine", "grades", "pass"])
def test_the_error_is_that_of_drawing_items_again(scale: str) -> None:
    pairs = outputs(np.random.default_rng(5), 100, 0.6, scale)
    rng = np.random.default_rng(1)
    drawn = []
    for _ in range(1500):
        items = rng.integers(0, 100, 100)
        places = np.stack([2 * items, 2 * items + 1]).ravel()
        made = spearman(pairs[0][places].tolist(), pairs[1][places].tolist())
        assert made is not None
        drawn.append(made.value)
    assert found(pairs)[1] == pytest.approx(float(np.std(drawn)), rel=0.08)


@pytest.mark.slow
@pytest.mark.parametrize("follows", [0.3, 0.7, 0.95])
@pytest.mark.parametrize("scale", ["fine", "grades", "pass"])
@pytest.mark.parametrize("items, least", [(20, 0.905), (80, 0.925)])
def test_two_errors_around_it_hold_the_truth(follows: float, scale: str, items: int, least: float) -> None:
    """On the scale on which it is drawn; samples of 20 items are told a little too surely."""
    truth = np.arctanh(found(outputs(np.random.default_rng(9), 60_000, follows, scale))[0])
    rng = np.random.default_rng(2)
    held = []
    for _ in range(600):
        value, se = found(outputs(rng, items, follows, scale))
        held.append(abs(np.arctanh(value) - truth) < 1.96 * se / (1.0 - value**2))
    assert least < np.mean(held) < 0.975


def test_what_is_said_twice_of_an_item_is_no_more_evidence() -> None:
    pairs = outputs(np.random.default_rng(4), 60, 0.6)
    twice: Pairs = tuple(np.concatenate([one, one]) for one in pairs)  # type: ignore[assignment]  # three of them
    assert found(twice) == pytest.approx(found(pairs), rel=1e-9)
    alone = spearman(pairs[0].tolist(), pairs[1].tolist())
    assert alone is not None
    assert alone.se is not None
    assert found(twice)[1] > 1.2 * (spearman(twice[0].tolist(), twice[1].tolist()).se or 9.0)  # type: ignore[union-attr]  # as above


def test_there_is_none_where_nothing_varies() -> None:
    assert spearman([1.0, 1.0, 1.0], [1.0, 2.0, 3.0]) is None
    assert spearman([], []) is None
    perfect = spearman([1.0, 2.0, 3.0, 4.0], [10.0, 20.0, 30.0, 40.0])
    assert perfect is not None
    assert perfect.value == pytest.approx(1.0)
    assert perfect.se is None
    together = spearman([1.0, 2.0, 3.0], [1.0, 3.0, 2.0], ["a", "a", "a"])
    assert together is not None
    assert together.se is None


def test_the_interval_is_normal_on_fishers_scale() -> None:
    low, high = RankCorrelation(0.5, 0.1).interval(0.95)
    half = 1.959963984540054 * 0.1 / 0.75
    assert (low, high) == pytest.approx((math.tanh(math.atanh(0.5) - half), math.tanh(math.atanh(0.5) + half)))
    assert RankCorrelation(0.9, 0.5).interval(0.95)[1] < 1.0  # type: ignore[operator]  # a number
    assert RankCorrelation(0.5, None).interval(0.95) == (None, None)
    assert RankCorrelation(1.0, None).interval(0.95) == (None, None)
