from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st

from signals.stats.cuped import balance, cuped
from signals.stats.difference import RefusedError
from signals.stats.means import welch
from signals.stats.moments import from_arrays


def arms(n1: int, n0: int, seed: int = 1, slope: tuple[float, float] = (1.5, 1.5)) -> Any:
    rng = np.random.default_rng(seed)
    x1, x0 = rng.gamma(2, 1, n1), rng.gamma(2, 1, n0)
    return 1 + slope[0] * x1 + rng.normal(0, 1, n1), x1, slope[1] * x0 + rng.normal(0, 1, n0), x0


def design(y1: Any, x1: Any, y0: Any, x0: Any) -> tuple[Any, Any, Any]:
    y, x = np.concatenate([y1, y0]), np.concatenate([x1, x0])
    return y, x, np.concatenate([np.ones(len(y1)), np.zeros(len(y0))])


def test_equal_arms_are_the_analysis_of_covariance() -> None:
    data = arms(300, 300)
    y, x, arm = design(*data)
    oracle = sm.OLS(y, np.column_stack([np.ones(600), arm, x])).fit().get_robustcov_results("HC2")
    found = cuped(from_arrays(data[0], data[1]), from_arrays(data[2], data[3]), 0.95)
    assert not found.own_theta
    assert found.difference.effect == pytest.approx(oracle.params[1], rel=1e-9)
    assert found.difference.se == pytest.approx(oracle.bse[1], rel=0.02)


def test_unequal_arms_are_the_interacted_regression() -> None:
    data = arms(100, 900, slope=(1.0, 3.0))
    y, x, arm = design(*data)
    centred = x - x.mean()
    oracle = sm.OLS(y, np.column_stack([np.ones(1000), arm, centred, arm * centred])).fit()
    robust = oracle.get_robustcov_results("HC2")
    found = cuped(from_arrays(data[0], data[1]), from_arrays(data[2], data[3]), 0.95)
    assert found.own_theta
    assert found.difference.effect == pytest.approx(oracle.params[1], rel=1e-9)
    # The regression holds the covariate's mean fixed; among all units it is an estimate too.
    total = robust.bse[1] ** 2 + (oracle.params[3] ** 2) * x.var(ddof=1) / 1000
    assert found.difference.se == pytest.approx(total**0.5, rel=0.03)
    assert found.difference.candidate - found.difference.control == pytest.approx(found.difference.effect)  # type: ignore[operator]


def test_what_is_kept_of_the_variance() -> None:
    y1, x1, y0, x0 = arms(5000, 5000)
    found = cuped(from_arrays(y1, x1), from_arrays(y0, x0), 0.95)
    share = np.corrcoef(
        np.concatenate([y1 - y1.mean(), y0 - y0.mean()]), np.concatenate([x1 - x1.mean(), x0 - x0.mean()])
    )
    assert found.kept == pytest.approx(1 - share[0, 1] ** 2, abs=0.01)


@given(st.integers(0, 50), st.floats(0.1, 10), st.floats(-50, 50), st.sampled_from([(30, 30), (20, 90)]))
def test_swap_scale_and_shift(seed: int, scale: float, shift: float, sizes: tuple[int, int]) -> None:
    y1, x1, y0, x0 = arms(*sizes, seed=seed)
    one = cuped(from_arrays(y1, x1), from_arrays(y0, x0), 0.95).difference
    other = cuped(from_arrays(y0, x0), from_arrays(y1, x1), 0.95).difference
    assert (other.low, other.high) == pytest.approx((-one.high, -one.low))
    moved = cuped(
        from_arrays(scale * y1 + shift, 3 * x1 - shift), from_arrays(scale * y0 + shift, 3 * x0 - shift), 0.95
    )
    assert (moved.difference.low, moved.difference.high) == pytest.approx((scale * one.low, scale * one.high), rel=1e-6)
    wider = cuped(from_arrays(y1, x1), from_arrays(y0, x0), 0.99).difference
    assert wider.low < one.low < one.high < wider.high


def test_a_covariate_without_bearing_costs_next_to_nothing() -> None:
    rng = np.random.default_rng(2)
    ours, theirs = (from_arrays(rng.normal(0, 1, 500), rng.normal(0, 1, 500)) for _ in range(2))
    assert cuped(ours, theirs, 0.95).difference.se == pytest.approx(welch(ours, theirs, 0.95).se, rel=0.02)


def test_balance_is_a_welch_test_of_the_covariate() -> None:
    y1, x1, y0, x0 = arms(80, 120)
    found = balance(from_arrays(y1, x1), from_arrays(y0, x0))
    assert found.p_value == pytest.approx(welch(from_arrays(x1), from_arrays(x0), 0.95).p_value)


def test_refusals() -> None:
    y1, x1, y0, x0 = arms(30, 30)
    with pytest.raises(RefusedError, match="covariate is missing"):
        cuped(from_arrays(y1), from_arrays(y0, x0), 0.95)
    with pytest.raises(RefusedError, match="does not vary"):
        cuped(from_arrays(y1, np.ones(30)), from_arrays(y0, np.ones(30)), 0.95)
    with pytest.raises(RefusedError, match="fewer than four"):
        cuped(from_arrays(y1[:3], x1[:3]), from_arrays(y0, x0), 0.95)
    with pytest.raises(RefusedError, match=r"entirely|no spread"):
        cuped(
            from_arrays([1.0, 2, 3, 4, 5], [1.0, 2, 3, 4, 5]), from_arrays([1.0, 2, 3, 4, 5], [1.0, 2, 3, 4, 5]), 0.95
        )
