from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from signals.stats.srm import log_e_value, part_p, sample_ratio_p, sequential_p


def test_published_sequential_p(shared: Path) -> None:
    golden = json.loads((shared / "golden/07_srm.json").read_text())
    counts, shares, k = (golden["input"][name] for name in ("counts", "expected_share", "k"))
    assert log_e_value(counts, shares, k) == pytest.approx(golden["expected"]["log_bayes_factor"], abs=1e-7)
    assert sequential_p([counts], shares, [k]) == pytest.approx(golden["expected"]["sequential_p"], abs=1e-9)


@given(st.integers(0, 300), st.integers(1, 300), st.floats(0.05, 0.95))
def test_parts_are_exact(control: int, candidate: int, share: float) -> None:
    total = control + candidate
    less = scipy_stats.binomtest(candidate, total, share, alternative="less").pvalue
    more = scipy_stats.binomtest(candidate, total, share, alternative="greater").pvalue
    assert part_p(control, candidate, share) == pytest.approx(min(1.0, 2 * min(less, more)), rel=1e-9, abs=1e-300)
    assert part_p(control, candidate, share) == pytest.approx(part_p(candidate, control, 1 - share), rel=1e-6)


def test_large_parts_use_the_approximation() -> None:
    assert part_p(10_000, 10_300, 0.5) == sample_ratio_p([10_000, 10_300])
    assert part_p(5_050, 4_940, 0.5) == pytest.approx(sample_ratio_p([5_050, 4_940]), rel=0.05)


@given(st.lists(st.tuples(st.integers(0, 200), st.integers(1, 200)), min_size=1, max_size=20))
def test_more_looks_never_forget(days: list[tuple[int, int]]) -> None:
    cumulative = np.cumsum(days, axis=0).tolist()
    all_looks = sequential_p(cumulative)
    assert all_looks <= sequential_p(cumulative[:-1] or cumulative)
    assert all_looks <= sequential_p(cumulative[-1:])


def test_the_e_value_is_a_ratio_of_likelihoods() -> None:
    """Three units in a row: the beta-binomial by hand."""
    a = b = 50.0
    by_hand = (a / (a + b)) * ((a + 1) / (a + b + 1)) * (b / (a + b + 2)) / 0.5**3
    assert math.exp(log_e_value([2, 1], None, 100)) == pytest.approx(by_hand)


@pytest.mark.slow
def test_daily_looks_at_an_honest_split_seldom_alarm() -> None:
    rng = np.random.default_rng(7)
    alarms = chi_alarms = 0
    for _ in range(1000):
        days = rng.binomial(1000, 0.5, 60)
        looks = np.column_stack([1000 - days, days]).cumsum(axis=0)
        alarms += sequential_p(looks.tolist()) < 0.05
        chi_alarms += min(sample_ratio_p(look) for look in looks.tolist()) < 0.05
    assert alarms <= 50
    assert chi_alarms > 250  # what looking daily at the other test would do


def test_a_loss_of_a_tenth_is_found() -> None:
    assert sequential_p([[3_700, 3_330]]) < 0.001
    with pytest.raises(ValueError, match="no look"):
        sequential_p([])
