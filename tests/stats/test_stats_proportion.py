from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from signals.stats.difference import RefusedError
from signals.stats.proportion import constrained, newcombe, ratio_interval, score_interval, wilson


@st.composite
def tables(draw: st.DrawFn, largest: int = 400) -> tuple[int, int, int, int]:
    n1, n0 = draw(st.integers(1, largest)), draw(st.integers(1, largest))
    return draw(st.integers(0, n1)), n1, draw(st.integers(0, n0)), n0


def test_published_intervals(shared: Path) -> None:
    golden = json.loads((shared / "golden/02_two_proportion_difference_ci.json").read_text())
    for case in golden["expected"]["cases"]:
        counts = case["x1"], case["n1"], case["x2"], case["n2"]
        found = score_interval(*counts, 0.95)
        assert (found.low, found.high) == pytest.approx(tuple(case["miettinen_nurminen"]), abs=1e-9), case["case"]
        assert (found.low, found.high) == pytest.approx(tuple(case["mn_published"]), abs=1e-4), case["case"]
        assert newcombe(*counts, 0.95) == pytest.approx(tuple(case["newcombe"]), abs=1e-9), case["case"]


def test_published_wilson(shared: Path) -> None:
    golden = json.loads((shared / "golden/31_wilson.json").read_text())
    for case, bounds in golden["expected"].items():
        x, n = map(int, case.split("/"))
        assert wilson(x, n, 0.95) == pytest.approx(tuple(bounds), abs=1e-9)


@given(tables())
def test_newcombe_and_wilson_against_statsmodels(table: tuple[int, int, int, int]) -> None:
    x1, n1, x0, n0 = table
    theirs = confint_proportions_2indep(x1, n1, x0, n0, method="newcomb", compare="diff", alpha=0.1)
    assert newcombe(x1, n1, x0, n0, 0.9) == pytest.approx(theirs, abs=1e-9)
    assert wilson(x1, n1, 0.9) == pytest.approx(proportion_confint(x1, n1, alpha=0.1, method="wilson"), abs=1e-9)


@given(tables())
def test_ratio_against_statsmodels(table: tuple[int, int, int, int]) -> None:
    x1, n1, x0, n0 = table
    found = ratio_interval(x1, n1, x0, n0, 0.9)
    if x0 == 0:
        assert found is None
        return
    assert found is not None
    assert -1 <= found[0] <= x1 / n1 / (x0 / n0) - 1 <= found[1]
    if 0 < x1 < n1 and x0 < n0:
        theirs = confint_proportions_2indep(x1, n1, x0, n0, method="score", compare="ratio", alpha=0.1)
        assert np.log1p(found) == pytest.approx(np.log(theirs), abs=1e-6)


@given(tables(), st.floats(0.5, 0.999))
def test_arms_swapped_flips_the_sign(table: tuple[int, int, int, int], confidence: float) -> None:
    x1, n1, x0, n0 = table
    one, other = score_interval(x1, n1, x0, n0, confidence), score_interval(x0, n0, x1, n1, confidence)
    assert other.effect == -one.effect
    assert (other.low, other.high) == pytest.approx((-one.high, -one.low), abs=1e-9)
    assert other.p_value == pytest.approx(one.p_value, abs=1e-9)


@given(tables(), st.floats(0.5, 0.99), st.floats(0.001, 0.009))
def test_more_confidence_is_wider_and_bounds_are_differences(
    table: tuple[int, int, int, int], confidence: float, more: float
) -> None:
    narrow, wide = score_interval(*table, confidence), score_interval(*table, confidence + more)
    assert -1 <= wide.low <= narrow.low <= narrow.effect <= narrow.high <= wide.high <= 1
    assert narrow.high > narrow.low


@given(tables(), st.sampled_from([0.8, 0.95, 0.99]))
def test_p_value_agrees_with_the_interval(table: tuple[int, int, int, int], confidence: float) -> None:
    found = score_interval(*table, confidence)
    assume(min(abs(found.low), abs(found.high)) > 1e-9)
    assert (found.p_value < 1 - confidence) == (found.low > 0 or found.high < 0)


@given(tables(), st.floats(-0.99, 0.99))
@example((295, 295, 295, 295), 1e-10)
@example((0, 20, 0, 300), -1e-10)
def test_constrained_estimate_maximises_the_likelihood(table: tuple[int, int, int, int], delta: float) -> None:
    x1, n1, x0, n0 = table

    def loss(p0: float) -> float:
        p1 = p0 + delta
        terms = [(x1, p1), (n1 - x1, 1 - p1), (x0, p0), (n0 - x0, 1 - p0)]
        return -sum(count * math.log(max(p, 1e-300)) for count, p in terms if count)

    p1, p0 = constrained(x1, n1, x0, n0, delta)
    assert p1 - p0 == pytest.approx(delta, abs=1e-12)
    bounds = max(0.0, -delta) + 1e-12, min(1.0, 1 - delta) - 1e-12
    best = minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-12})
    assert loss(min(max(p0, bounds[0]), bounds[1])) <= best.fun + 1e-6


@pytest.mark.parametrize("x1, x0", [(480, 500), (0, 0), (0, 7), (250_000, 249_000), (499_999, 500_000)])
def test_half_a_million_units_near_the_edges(x1: int, x0: int) -> None:
    n = 500_000
    found = score_interval(x1, n, x0, n, 0.95)
    low, high = newcombe(x1, n, x0, n, 0.95)
    # Two good methods differ by a small part of the width when counts are large; near empty cells by more.
    slack = 0.01 if min(x1, x0, n - x1, n - x0) > 100 else 0.2
    assert found.low == pytest.approx(low, abs=slack * (high - low))
    assert found.high == pytest.approx(high, abs=slack * (high - low))


def test_refusals() -> None:
    with pytest.raises(RefusedError, match="no units"):
        score_interval(0, 0, 1, 2, 0.95)
    with pytest.raises(ValueError, match="not counts"):
        score_interval(3, 2, 1, 2, 0.95)
    with pytest.raises(ValueError, match="confidence"):
        score_interval(1, 2, 1, 2, 95)


@pytest.mark.slow
@pytest.mark.parametrize("p1, p0, n1, n0", [(0.1, 0.1, 50, 50), (0.002, 0.001, 2000, 2000), (0.3, 0.2, 60, 200)])
def test_coverage(p1: float, p0: float, n1: int, n0: int) -> None:
    rng = np.random.default_rng(20261122)
    table = np.column_stack([rng.binomial(n1, p1, 2000), rng.binomial(n0, p0, 2000)])
    distinct, counts = np.unique(table, axis=0, return_counts=True)
    inside = 0
    for (x1, x0), count in zip(distinct, counts, strict=True):
        found = score_interval(int(x1), n1, int(x0), n0, 0.95)
        inside += count * (found.low <= p1 - p0 <= found.high)
    assert 0.93 <= inside / 2000 <= 0.97
