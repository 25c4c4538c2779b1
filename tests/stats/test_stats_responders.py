"""Who responds: trends of rates against scipy, distances against hand and closed form, false alarms by simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from signals.stats.difference import RefusedError
from signals.stats.responders import Crowd, falling_p, moved


@given(st.integers(0, 200), st.integers(5, 30))
def test_a_falling_rate_against_a_one_sided_regression(seed: int, windows: int) -> None:
    rng = np.random.default_rng(seed)
    days = np.cumsum(rng.uniform(7, 30, windows))
    rates = 0.05 * np.exp(rng.normal(-0.0005, 0.001) * days + rng.normal(0.0, 0.1, windows))
    oracle = stats.linregress(days, np.log(rates), alternative="less")
    assert falling_p(days.tolist(), rates.tolist()) == pytest.approx(oracle.pvalue, rel=1e-6)


def test_a_rate_that_rises_is_no_fall() -> None:
    days = list(range(0, 280, 28))
    rates = [0.04 + 0.001 * place + 0.0005 * (place % 2) for place in range(10)]
    assert falling_p(days, rates) > 0.99
    assert falling_p(days, rates[::-1]) < 0.01


def test_a_rate_that_only_varies_is_rarely_called_falling() -> None:
    rng = np.random.default_rng(3)
    days = [28.0 * place for place in range(14)]
    found = [falling_p(days, np.exp(rng.normal(-3.0, 0.1, 14)).tolist()) for _ in range(1_000)]
    assert 0.03 < np.mean(np.array(found) < 0.05) < 0.07


@pytest.mark.parametrize(
    ("days", "rates"),
    [([0, 7, 14, 21], [0.1] * 4), ([0] * 6, [0.1] * 6), ([0, 7, 14, 21, 28], [0.1, 0.1, 0.0, 0.1, 0.1])],
)
def test_no_trend_is_made_up(days: list[float], rates: list[float]) -> None:
    with pytest.raises(RefusedError):
        falling_p(days, rates)


# --- the mix --------------------------------------------------------------------------------------------------------


def test_the_distance_is_the_share_that_would_have_to_be_others() -> None:
    found = moved(Crowd({"a": 500.0, "b": 500.0}), Crowd({"a": 800.0, "b": 200.0}))
    assert found.distance == pytest.approx(0.3)
    # Of two segments it is |difference of two shares|: 1.96 standard errors are not exceeded in 19 of 20 cases.
    assert found.noise == pytest.approx(1.96 * math.sqrt(0.25 / 1_000 + 0.25 / 1_000), rel=0.08)
    assert found.shift == pytest.approx(found.distance - found.noise)
    assert (found.segment, found.share, found.expected) == ("a", 0.8, 0.5)


def test_a_segment_that_has_gone_silent_counts() -> None:
    found = moved(Crowd({"a": 600.0, "b": 400.0}), Crowd({"a": 1_000.0}))
    assert found.distance == pytest.approx(0.4)


def test_chance_alone_rarely_looks_like_a_shift() -> None:
    rng = np.random.default_rng(5)
    mix = [0.6, 0.3, 0.1]
    shifts = []
    for _ in range(300):
        first, now = rng.multinomial(2_000, mix), rng.multinomial(400, mix)
        shifts.append(
            moved(Crowd(dict(zip("abc", map(float, first), strict=True))),
                  Crowd(dict(zip("abc", map(float, now), strict=True)))).shift
        )  # fmt: skip
    assert 0.02 < np.mean(np.array(shifts) > 0.0) < 0.09


def test_traffic_that_grows_elsewhere_is_no_shift_of_responders() -> None:
    first = Crowd({"de": 900.0, "fr": 100.0}, {"de": 9_000.0, "fr": 2_000.0})
    now = Crowd({"de": 900.0, "fr": 500.0}, {"de": 9_000.0, "fr": 10_000.0})
    assert moved(first, now).distance == pytest.approx(0.0, abs=1e-12)
    assert moved(Crowd(first.responses), Crowd(now.responses)).distance > 0.2
    # And a mix that stays as it was hides one, where traffic has moved.
    same = Crowd({"de": 900.0, "fr": 100.0}, {"de": 9_000.0, "fr": 10_000.0})
    assert moved(first, same).distance == pytest.approx(1_400 / 1_400 * (500 / 1_400 - 0.1))


def test_a_new_segment_is_taken_to_respond_as_all_did() -> None:
    first = Crowd({"de": 900.0, "fr": 100.0}, {"de": 9_000.0, "fr": 1_000.0})
    now = Crowd({"de": 900.0, "fr": 100.0, "it": 200.0}, {"de": 9_000.0, "fr": 1_000.0, "it": 2_000.0})
    assert moved(first, now).distance == pytest.approx(0.0, abs=1e-12)


def test_one_persons_many_responses_are_worth_less() -> None:
    first, now = {"a": 5_000.0, "b": 5_000.0}, {"a": 6_000.0, "b": 4_000.0}
    plain = moved(Crowd(first), Crowd(now))
    loud = moved(Crowd(first, worth=0.01), Crowd(now, worth=0.01))
    assert loud.noise == pytest.approx(10 * plain.noise, rel=0.1)
    assert plain.shift > 0.08
    assert loud.shift == 0.0


@pytest.mark.parametrize(
    ("first", "now"), [({"a": 5.0}, {"a": 9.0}), ({"a": 5.0, "b": 5.0}, {}), ({}, {"a": 5.0, "b": 5.0})]
)
def test_without_responders_there_is_no_shift(first: dict[str, float], now: dict[str, float]) -> None:
    with pytest.raises(RefusedError):
        moved(Crowd(first), Crowd(now))
