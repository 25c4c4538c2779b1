from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signals.stats.alarm import ALLOWANCE, alarm_chance, limit_for, watch

GAPS = st.lists(st.integers(-1000, 1000), unique=True, min_size=1, max_size=40)


def peaks(gaps: np.ndarray) -> np.ndarray:
    """Greatest sum of each row, in another way than the module computes it."""
    total = top = np.zeros(len(gaps))
    for place in range(1, gaps.shape[1]):
        n = place + 1
        below = (gaps[:, :place] < gaps[:, place : place + 1]).sum(axis=1)
        total = np.maximum(0.0, total + (below - place / 2.0) / np.sqrt((n**2 - 1) / 12.0) - ALLOWANCE)
        top = np.maximum(top, total)
    return top


@pytest.mark.parametrize("limit", [1.0, 1.8, 2.4])
def test_the_chance_over_every_order_of_seven(limit: float) -> None:
    exact = float((peaks(np.array(list(permutations(range(7))), dtype=float)) >= limit).mean())
    assert exact - 1e-12 <= alarm_chance(limit, 7) <= exact + 0.02


@pytest.mark.parametrize("draw", ["normal", "cauchy", "errors of other sizes"])
def test_it_sounds_as_often_as_it_says_whatever_the_gaps_look_like(draw: str) -> None:
    rng = np.random.default_rng(5)
    shape = (20_000, 50)
    gaps = {
        "normal": rng.normal(size=shape),
        "cauchy": rng.standard_cauchy(shape),
        "errors of other sizes": rng.normal(size=shape) * np.exp(rng.normal(size=shape)),
    }[draw]
    sounded = float((peaks(gaps) >= limit_for(0.05, 50)).mean())
    assert 0.044 <= sounded <= 0.0535  # three standard errors about 4.9 %


def test_the_limit_is_the_least_that_keeps_the_rate() -> None:
    for rate, over in ((0.05, 50), (0.025, 50), (0.01, 20)):
        limit = limit_for(rate, over)
        assert alarm_chance(limit, over) <= rate < alarm_chance(limit - 0.01, over)


@given(GAPS)
def test_the_sum_is_that_of_the_ranks(gaps: list[int]) -> None:
    found = watch(gaps)
    assert max(found.path) == pytest.approx(float(peaks(np.array([gaps], dtype=float))[0]))
    assert len(found.path) == len(gaps)
    assert (found.at is None) == (max(found.path) < found.limit)


@given(GAPS)
def test_only_the_order_of_the_gaps_counts(gaps: list[int]) -> None:
    assert watch(gaps).path == watch([3.0 * one**3 - 7.0 for one in gaps]).path


@given(GAPS)
def test_two_sides_are_the_gap_and_its_mirror(gaps: list[int]) -> None:
    both, mirror = watch(gaps, sides=2), watch([-one for one in gaps], sides=2)
    assert both.path == mirror.path
    assert (both.at, both.since) == (mirror.at, mirror.since)
    assert both.limit == limit_for(0.025, 50)


@given(st.lists(st.integers(0, 3), max_size=60))
def test_equal_gaps_never_bring_an_alarm_forward(gaps: list[int]) -> None:
    """Ties broken upwards, release by release, give a sum at least as large."""
    apart = [gap + place * 1e-6 for place, gap in enumerate(gaps)]
    assert all(one <= other + 1e-12 for one, other in zip(watch(gaps).path, watch(apart).path, strict=True))
    assert max(watch([1.0] * 60).path) == 0.0


def test_a_gap_that_opens_is_found_and_dated() -> None:
    rng = np.random.default_rng(2)
    gaps = np.concatenate([rng.normal(size=18), rng.normal(4.0, 1.0, 12)])
    found = watch(gaps.tolist())
    assert found.at is not None
    assert 18 < found.at <= 25
    assert found.since is not None
    assert 16 <= found.since <= 19
    assert found.rising
    assert found.still
    shrunk = watch((-gaps).tolist(), sides=2)
    assert (shrunk.at is not None, shrunk.rising) == (True, False)
    assert watch((-gaps).tolist()).at is None  # one side looks only for a gap that grows


def test_the_chance_that_is_stated_grows_with_the_record() -> None:
    rng = np.random.default_rng(3)
    short, long = watch(rng.normal(size=12).tolist()), watch(rng.normal(size=120).tolist())
    assert (short.over, long.over) == (50, 120)
    assert short.chance <= 0.05 < long.chance < 0.15
    assert short.limit == long.limit


def test_an_alarm_that_is_over_says_so() -> None:
    rng = np.random.default_rng(6)
    gaps = [*rng.normal(size=20), *rng.normal(5, 1, 10), *rng.normal(-5, 1, 15)]
    found = watch(gaps)
    assert found.at is not None
    assert not found.still


def test_nonsense_is_an_error() -> None:
    for words in ({"sides": 3}, {"rate": 0.0}, {"over": 1}):
        with pytest.raises(ValueError, match="one or two sides"):
            watch([1.0], **words)
    with pytest.raises(ValueError, match="not finite"):
        watch([float("nan")])
    assert watch([]).at is None
    assert not watch([]).still
