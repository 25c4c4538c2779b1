from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from statsmodels.stats.sandwich_covariance import cov_cluster

from signals.model import Moments
from signals.stats.difference import RefusedError
from signals.stats.moments import from_arrays, merge
from signals.stats.proportion import score_interval
from signals.stats.rates import kish, outcome, people, rate_difference

Columns = tuple[NDArray[Any], NDArray[Any], NDArray[Any]]


def drawn(seed: int, n: int = 120, like: float = 0.6) -> Columns:
    """Positives, responses and answers shown of each user."""
    rng = np.random.default_rng(seed)
    x = 1 + rng.poisson(rng.gamma(0.7, 6.0, n))
    d = rng.binomial(x, 0.5)
    return rng.binomial(d, rng.beta(2 * like, 2 * (1 - like), n)), d, x


def moments(columns: Columns) -> Moments:
    y, d, x = columns
    return from_arrays(y, x, d)


def per_response(columns: Columns) -> Moments:
    return outcome(moments(columns), "responses", y=1.0)


@pytest.mark.parametrize("over", ["responses", "shown"])
def test_outcome_is_what_the_columns_would_give(over: Any) -> None:
    y, d, x = drawn(1)
    found = outcome(from_arrays(y, x, d), over, y=1.0, d=-1.0, x=2.0)
    want = from_arrays(y - d + 2 * x, d=d if over == "responses" else x)
    for name in ("n", "mean", "m2", "d_mean", "d_m2", "yd"):
        assert getattr(found, name) == pytest.approx(getattr(want, name))


def test_effective_people() -> None:
    y, d, _ = drawn(2)
    everyone, rarer = people(per_response(drawn(2)))
    assert everyone == pytest.approx(d.sum() ** 2 / (d**2).sum())
    assert rarer == pytest.approx(min(k.sum() ** 2 / (k**2).sum() for k in (y, d - y)))
    assert kish(5, 0.0, 0.0) == 0.0
    assert kish(100, 0.9, 8100 * 0.99) == pytest.approx(1.0)  # one gave all the 90


def test_delta_interval_is_the_cluster_robust_one() -> None:
    """Every response as a row, clustered by user, in statsmodels; times what effective numbers add to its errors."""
    arms = drawn(3, 200, 0.5), drawn(4, 150, 0.7)
    found = rate_difference(per_response(arms[1]), per_response(arms[0]), 0.95)
    total, parts = 0.0, []
    for y, d, _ in arms:
        rows = np.concatenate([np.r_[np.ones(up), np.zeros(all_ - up)] for up, all_ in zip(y, d, strict=True)])
        user = np.repeat(np.arange(len(d)), d)
        fit = sm.OLS(rows, np.ones(len(rows))).fit()
        effective = d.sum() ** 2 / (d**2).sum()
        part = cov_cluster(fit, user, use_correction=False)[0, 0] * effective / (effective - 1)
        parts.append((part, effective - 1))
        total += part
    assert found.by == "delta"
    assert found.difference.se == pytest.approx(total**0.5)
    assert found.difference.df == pytest.approx(total**2 / sum(part**2 / df for part, df in parts))


def test_once_each_is_a_count_and_few_are_reduced() -> None:
    ones = np.ones(200, dtype=int)
    arms = [from_arrays(np.r_[np.ones(k), np.zeros(200 - k)], d=ones) for k in (150, 120)]
    found = rate_difference(arms[0], arms[1], 0.95)
    want = score_interval(150, 200, 120, 200, 0.95)
    assert (found.by, found.independent) == ("counts", 50)
    assert (found.difference.low, found.difference.high) == pytest.approx((want.low, want.high))
    d = np.full(50, 4)
    perfect = from_arrays(d, d=d)
    few = rate_difference(perfect, perfect, 0.95)
    want = score_interval(50, 50, 50, 50, 0.95)
    assert (few.by, few.independent) == ("independent", 0.0)
    assert (few.difference.low, few.difference.high) == pytest.approx((want.low, want.high))


@given(st.integers(0, 10_000), st.integers(0, 10_000), st.integers(5, 80))
def test_swap_merge_and_confidence(seed: int, other: int, n: int) -> None:
    one, two = drawn(seed, n, 0.5), drawn(other, n + 7, 0.8)
    if not (one[1].sum() and two[1].sum()):
        return
    found = rate_difference(per_response(one), per_response(two), 0.9)
    swapped = rate_difference(per_response(two), per_response(one), 0.9)
    assert swapped.difference.effect == pytest.approx(-found.difference.effect)
    assert swapped.difference.low == pytest.approx(-found.difference.high, abs=1e-9)
    wider = rate_difference(per_response(one), per_response(two), 0.99).difference
    assert wider.low <= found.difference.low <= found.difference.high <= wider.high
    assert wider.low < found.difference.low or found.difference.low == -1.0
    halves = [moments((one[0][part], one[1][part], one[2][part])) for part in (slice(0, 3), slice(3, None))]
    merged = rate_difference(outcome(merge(halves), "responses", y=1.0), per_response(two), 0.9)
    assert merged.difference.low == pytest.approx(found.difference.low, abs=1e-9)


def test_refusals() -> None:
    with pytest.raises(RefusedError, match="no answers"):
        rate_difference(from_arrays([0.0], d=[0.0]), from_arrays([0.0], d=[1.0]), 0.95)
    with pytest.raises(RefusedError, match="shown to whom"):
        outcome(from_arrays([0.0], d=[1.0]), "shown", y=1.0)
    with pytest.raises(RefusedError, match="not known per unit"):
        outcome(from_arrays([0.0]), "responses", y=1.0)
