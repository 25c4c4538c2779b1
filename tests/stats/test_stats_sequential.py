from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signals.stats.difference import critical
from signals.stats.sequential import mixture_interval, mixture_ratio, multiplier, p_value


def textbook(n: float, alpha: float, planned: float) -> float:
    """The published formula, written with rho and t as in the paper."""
    rho = math.sqrt((-2 * math.log(alpha) + math.log(-2 * math.log(alpha) + 1)) / planned)
    half = math.sqrt(2 * (n * rho**2 + 1) / (n**2 * rho**2) * math.log(math.sqrt(n * rho**2 + 1) / alpha))
    return half * math.sqrt(n)  # of sigma/sqrt(n)


@pytest.mark.parametrize("n", [120, 10_000, 2_000_000])
@pytest.mark.parametrize("planned", [500, 10_000])
def test_formula(n: int, planned: int) -> None:
    assert multiplier(n, 0.95, planned) == pytest.approx(textbook(n, 0.05, planned), rel=1e-12)


def test_the_plan_is_where_it_is_narrowest() -> None:
    n = 40_000
    at_plan = multiplier(n, 0.95, n)
    assert at_plan == pytest.approx(min(multiplier(n, 0.95, plan) for plan in range(2000, 400_000, 500)), rel=1e-3)
    assert 2.9 < at_plan < 3.1


@given(st.integers(10, 10**7), st.floats(0.5, 0.98), st.floats(0.001, 0.019), st.integers(100, 10**7))
def test_wider_than_one_look_and_monotone(n: int, confidence: float, more: float, planned: int) -> None:
    assert multiplier(n, confidence, planned) > critical(confidence)
    # At a fixed tuning; the tuning itself moves with confidence, so compare through the p-value below too.
    assert multiplier(n, confidence + more, planned) > multiplier(n, confidence, planned) * 0.999


@given(st.floats(-10, 10), st.integers(10, 10**6), st.integers(100, 10**6))
def test_p_value_inverts_the_interval(z: float, n: int, planned: int) -> None:
    p = p_value(z, 1.0, n, 0.95, planned)
    reach = multiplier(n, 0.95, planned)
    if abs(abs(z) - reach) > 1e-6:
        assert (p < 0.05) == (abs(z) > reach)


@pytest.mark.parametrize("n, confidence, planned", [(0, 0.95, 10), (10, 1.0, 10), (10, 0.95, 0)])
def test_nonsense_is_refused(n: int, confidence: float, planned: int) -> None:
    with pytest.raises(ValueError, match=r"must be positive|not between"):
        multiplier(n, confidence, planned)


def test_mixture_test(shared: Path) -> None:
    golden = json.loads((shared / "golden/09_msprt.json").read_text())
    given_, want = golden["input"], golden["expected"]
    se = math.sqrt(given_["se2"])
    assert mixture_ratio(given_["diff"], se, given_["tau"]) == pytest.approx(want["lr"], rel=1e-9)
    assert 1 / mixture_ratio(given_["diff"], se, given_["tau"]) == pytest.approx(want["p"], rel=1e-9)
    found = mixture_interval(given_["diff"], se, given_["tau"], 1 - given_["alpha"])
    assert found == pytest.approx(tuple(want["ci95"]), abs=1e-9)
    assert mixture_ratio(found[0] - given_["diff"], se, given_["tau"]) == pytest.approx(20)
    with pytest.raises(ValueError, match="positive"):
        mixture_ratio(0.1, 0.0, 1.0)


@pytest.mark.slow
def test_sixty_peeks_keep_the_level() -> None:
    rng = np.random.default_rng(5)
    looks = np.linspace(400, 4000, 60).astype(int)
    arms = (rng.random((600, 2, 4000)) < 0.1).cumsum(axis=2)[:, :, looks - 1] / looks
    effect = arms[:, 0] - arms[:, 1]
    se = np.sqrt((arms * (1 - arms)).sum(axis=1) / looks)
    reach = np.array([multiplier(2 * n, 0.95, 8000) for n in looks])
    always = (np.abs(effect) <= reach * se).all(axis=1).mean()
    once = (np.abs(effect) <= 1.96 * se).all(axis=1).mean()
    assert always >= 0.95
    assert once < 0.8  # the peeking is real
