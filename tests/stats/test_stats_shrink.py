from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from statsmodels.stats.meta_analysis import combine_effects

from signals.stats.difference import RefusedError
from signals.stats.shrink import SCALE, heterogeneity, may_differ_little, shrink

some_effects = st.lists(
    st.tuples(st.floats(-5, 5, allow_subnormal=False), st.floats(0.2, 3)), min_size=3, max_size=8
).map(lambda pairs: ([y for y, _ in pairs], [s for _, s in pairs]))


def by_brute_force(y: list[float], s: list[float], which: int) -> tuple[float, float, float]:
    """Mean and 2.5 % and 97.5 % points of one theta: sums over a lattice, nothing in closed form."""
    typical = float(np.exp(np.mean(np.log(s))))
    mu = np.linspace(min(y) - 12 * max(s), max(y) + 12 * max(s), 161)[:, None]
    step = np.linspace(0.0025, 0.9975, 200)
    tau = (typical * SCALE * step / (1 - step))[None, :]
    density = tau / ((SCALE * typical) ** 2 + tau**2) ** 1.5 / (1 - step[None, :]) ** 2
    weight = density.copy() * np.ones_like(mu)
    for k in range(len(y)):
        if k != which:
            spread = np.sqrt(s[k] ** 2 + tau**2)
            weight = weight * np.exp(-0.5 * ((y[k] - mu) / spread) ** 2) / spread
    theta = np.linspace(y[which] - 8 * s[which], y[which] + 8 * s[which], 321)
    prior = np.array([(weight * np.exp(-0.5 * ((one - mu) / tau) ** 2) / tau).sum() for one in theta])
    posterior = prior * np.exp(-0.5 * ((theta - y[which]) / s[which]) ** 2)
    total = (np.cumsum(posterior) - posterior / 2) / posterior.sum()
    low, high = (float(np.interp(level, total, theta)) for level in (0.025, 0.975))
    return float((theta * posterior).sum() / posterior.sum()), low, high


def test_against_brute_force() -> None:
    y, s = [0.5, -1.2, 2.6], [0.6, 1.0, 0.8]
    for k, found in enumerate(shrink(y, s, 0.95)):
        assert (found.value, found.low, found.high) == pytest.approx(by_brute_force(y, s, k), abs=0.005)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of the oracle, whose variance of tau can be negative
def test_eight_schools_do_not_collapse(shared: Path) -> None:
    golden = json.loads((shared / "golden/22_eight_schools.json").read_text())
    y, s = golden["input"]["estimate"], golden["input"]["se"]
    one = heterogeneity(y, s)
    assert (round(one.q, 1), one.df, one.excess) == (4.7, 7, 0.0)
    oracle = combine_effects(np.array(y), np.array(s, dtype=float) ** 2, method_re="chi2")
    assert golden["expected"]["tau2"] == 0.0
    assert (one.q, one.p_value) == pytest.approx((oracle.q, oracle.test_homogeneity().pvalue))
    for raw, error, found in zip(y, s, shrink(y, s, 0.95), strict=True):
        # One plugged-in tau of 0 would give every school 7.7 with no spread of its own.
        assert found.low is not None
        assert found.high is not None
        assert found.value is not None
        assert 0.5 * 2 * 1.96 * error < found.high - found.low < 2 * 1.96 * error
        assert min(raw, 7.7) - 1 <= found.value <= max(raw, 7.7) + 1


def test_far_apart_is_left_alone_and_equal_is_pooled() -> None:
    apart = shrink([0.0, 1e6, -3e6, 5e5], [1.0, 2.0, 1.0, 1.0], 0.95)
    assert [one.value for one in apart] == pytest.approx([0.0, 1e6, -3e6, 5e5], abs=1e-3)
    assert apart[1].high == pytest.approx(1e6 + 2 * 1.959964, abs=0.01)
    alike = shrink([3.0] * 20, [1.0] * 20, 0.95)
    assert alike[0].high - alike[0].low < 0.6 * 2 * 1.96  # type: ignore[operator]


@given(some_effects, st.floats(-100, 100), st.floats(0.01, 100))
def test_shift_scale_and_order(numbers: tuple[list[float], list[float]], shift: float, scale: float) -> None:
    y, s = numbers
    first = shrink(y, s, 0.9)
    moved = shrink([shift - scale * one for one in y][::-1], [scale * one for one in s][::-1], 0.9)[::-1]
    for one, other in zip(first, moved, strict=True):
        assert other.value == pytest.approx(shift - scale * one.value, abs=1e-6 * scale)  # type: ignore[operator]
        # Turning the sign exchanges the bounds.
        assert other.low == pytest.approx(shift - scale * one.high, abs=1e-5 * scale)  # type: ignore[operator]


@given(some_effects)
def test_wider_at_higher_confidence_and_around_the_mean(numbers: tuple[list[float], list[float]]) -> None:
    y, s = numbers
    for narrow, wide in zip(shrink(y, s, 0.8), shrink(y, s, 0.99), strict=True):
        assert wide.low < narrow.low < narrow.value < narrow.high < wide.high  # type: ignore[operator]
        assert min(y) - 1e-9 <= narrow.value <= max(y) + 1e-9  # type: ignore[operator]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # as above
@given(some_effects)
def test_q_against_statsmodels(numbers: tuple[list[float], list[float]]) -> None:
    y, s = numbers
    one = heterogeneity(y, s)
    oracle = combine_effects(np.array(y), np.array(s) ** 2, method_re="chi2")
    assume(one.q > 1e-6)
    assert (one.q, one.df) == (pytest.approx(oracle.q), len(y) - 1)
    assert one.p_value == pytest.approx(oracle.test_homogeneity().pvalue, abs=1e-9)
    assert one.excess == pytest.approx(max(0.0, oracle.i2), abs=1e-9)


def test_little_difference_is_said_nearly_always_where_it_is_so() -> None:
    rng = np.random.default_rng(6)
    for count, tau, least, most in ((5, 0.5, 0.98, 1.0), (20, 0.5, 0.98, 1.0), (20, 2.0, 0.0, 0.06)):
        draws = [list((1 + tau**2) ** 0.5 * rng.normal(size=count)) for _ in range(1_000)]
        assert least <= np.mean([may_differ_little(y, [1.0] * count) for y in draws]) <= most


def test_refusals() -> None:
    with pytest.raises(RefusedError, match="fewer than 3"):
        shrink([1.0, 2.0], [1.0, 1.0], 0.95)
    with pytest.raises(RefusedError, match="fewer than two"):
        heterogeneity([1.0], [1.0])
    with pytest.raises(ValueError, match="above 0"):
        shrink([1.0, 2.0, 3.0], [1.0, 0.0, 1.0], 0.95)


@pytest.mark.slow
def test_the_worst_of_twenty_is_covered_where_others_are_not() -> None:
    rng = np.random.default_rng(5)
    inside = raw = plugged = 0
    for _ in range(1_000):
        theta = 0.5 * rng.normal(size=20)
        y = theta + rng.normal(size=20)
        found = shrink(list(y), [1.0] * 20, 0.95)
        worst = min(range(20), key=lambda k: found[k].value)
        inside += found[worst].low <= theta[worst] <= found[worst].high  # type: ignore[operator]
        raw += abs(y[worst] - theta[worst]) <= 1.96
        tau2 = max(0.0, y.var(ddof=1) - 1.0)
        pull = 1.0 / (1.0 + tau2)
        plugged += abs(pull * y.mean() + (1 - pull) * y[worst] - theta[worst]) <= 1.96 * np.sqrt(1 - pull)
    assert 0.935 <= inside / 1_000 <= 0.975
    assert raw / 1_000 < 0.8
    assert plugged / 1_000 < 0.7
