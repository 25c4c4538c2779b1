"""Weighted sums of effects: Newcombe's published intervals, statsmodels, and simulation of the simultaneous bounds."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from signals.model import Interval
from signals.stats.combined import least_alpha, mover_sum, p_recovered, sum_of_bounds
from signals.stats.difference import RefusedError, critical
from signals.stats.wilson import wilson


@pytest.mark.parametrize(
    "x1, n1, x0, n0, low, high",
    [  # Newcombe (1998), Statistics in Medicine 17:873, table II, method 10
        (56, 70, 48, 80, 0.0524, 0.3339),
        (9, 10, 3, 10, 0.1705, 0.8090),
        (5, 56, 0, 29, -0.0381, 0.1926),
        (10, 10, 0, 10, 0.6075, 1.0000),
    ],
)
def test_two_wilson_intervals_make_newcombes(x1: int, n1: int, x0: int, n0: int, low: float, high: float) -> None:
    ours, theirs = wilson(x1, n1, 0.95), wilson(x0, n0, 0.95)
    found = mover_sum([1.0, 1.0], [Interval(x1 / n1, *ours), Interval(-x0 / n0, -theirs[1], -theirs[0])])
    assert [found.low, found.high] == pytest.approx([low, high], abs=5e-5)


def test_symmetric_intervals_make_the_contrast_of_a_stratified_regression() -> None:
    """HC2 of cell means is each cell's own variance over its n, so the contrast has the stratified mean's error."""
    import statsmodels.api as sm

    random = np.random.default_rng(3)
    segment, arm = np.repeat([0, 1, 2], [200, 90, 40]), np.tile([0, 1], 165)
    y = random.normal(segment + 0.3 * arm * segment, 1.0 + segment)
    cells = np.eye(6)[2 * segment + arm]
    shares = np.array([0.2, 0.5, 0.3])
    fit = sm.OLS(y, cells).fit(cov_type="HC2")
    test = fit.t_test(np.kron(shares, [-1.0, 1.0]))
    parts = []
    for k in range(3):
        ours, theirs = y[(segment == k) & (arm == 1)], y[(segment == k) & (arm == 0)]
        effect = float(ours.mean() - theirs.mean())
        half = critical(0.95) * float(np.sqrt(ours.var(ddof=1) / ours.size + theirs.var(ddof=1) / theirs.size))
        parts.append(Interval(effect, effect - half, effect + half))
    found = mover_sum(shares.tolist(), parts)
    assert found.value == pytest.approx(float(test.effect[0]))
    assert [found.low, found.high] == pytest.approx(test.conf_int()[0].tolist())
    assert p_recovered(found, 0.95) == pytest.approx(float(test.pvalue))


def test_bounds_are_added_and_not_their_squares() -> None:
    found = sum_of_bounds([0.25, 0.75], [Interval(1.0, 0.0, 3.0), Interval(-1.0, -2.0, -0.5)])
    assert (found.value, found.low, found.high) == (-0.5, -1.5, 0.375)


def test_the_p_value_and_the_interval_agree_on_zero() -> None:
    """On the narrow side of a lopsided interval as on the wide one."""
    for low, high in ((0.001, 9.0), (-0.001, 9.0)):
        assert (p_recovered(Interval(1.0, low, high), 0.95) < 0.05) == (low > 0.0)
    for low, high in ((-9.0, -0.001), (-9.0, 0.001)):
        assert (p_recovered(Interval(-1.0, low, high), 0.95) < 0.05) == (high < 0.0)
    with pytest.raises(RefusedError, match="no spread"):
        p_recovered(Interval(1.0, 1.0, 3.0), 0.95)


def test_the_least_error_rate_is_the_normal_p_value_of_normal_intervals() -> None:
    def at(alpha: float) -> Interval:
        half = -norm.ppf(alpha / 2.0)
        return Interval(1.5, 1.5 - half, 1.5 + half)

    assert least_alpha(at, 0.05) == pytest.approx(2.0 * norm.sf(1.5), rel=1e-4)
    assert least_alpha(at, 0.5) == pytest.approx(2.0 * norm.sf(1.5), rel=1e-4)

    def never(alpha: float) -> Interval:
        raise RefusedError(f"nothing at {alpha}")

    assert least_alpha(never, 0.05) == pytest.approx(1.0)


def test_what_cannot_be_combined() -> None:
    with pytest.raises(ValueError, match="negative"):
        mover_sum([-1.0], [Interval(0.0, -1.0, 1.0)])
    with pytest.raises(ValueError, match="without bounds"):
        sum_of_bounds([1.0], [Interval(0.0, None, 1.0)])
