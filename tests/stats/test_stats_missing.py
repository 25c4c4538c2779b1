from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from signals.model import Moments
from signals.stats.difference import RefusedError
from signals.stats.missing import Bounds, from_counts, imbens_manski, lee, manski, tipping
from signals.stats.moments import from_arrays

Counts = tuple[int, int, int]


def arm(counts: Counts) -> Moments:
    """Rows of single answers, as a source without users has them."""
    y, d, x = counts
    ups, answered = np.zeros(x), np.zeros(x)
    ups[:y], answered[:d] = 1.0, 1.0
    return from_arrays(ups, np.ones(x), answered)


def test_counts_are_their_rows() -> None:
    found, want = from_counts(30, 50, 200), arm((30, 50, 200))
    for name in ("n", "mean", "m2", "x_mean", "x_m2", "xy", "d_mean", "d_m2", "yd", "xd"):
        assert getattr(found, name) == pytest.approx(getattr(want, name), abs=1e-9), name


def test_manski_against_every_answer_the_silent_could_give() -> None:
    control, candidate = (2, 5, 8), (3, 4, 7)
    effects = [
        (candidate[0] + sum(mine)) / candidate[2] - (control[0] + sum(theirs)) / control[2]
        for mine in itertools.product((0, 1), repeat=candidate[2] - candidate[1])
        for theirs in itertools.product((0, 1), repeat=control[2] - control[1])
    ]
    found = manski(arm(candidate), arm(control), 0.95)
    assert (found.least, found.most) == pytest.approx((min(effects), max(effects)))
    assert found.low < found.least < found.most < found.high


def trimmed(candidate: Counts, control: Counts) -> tuple[float, float]:
    """Bounds of the difference per response by leaving out rows of the arm that responds more; equal numbers shown."""
    (y1, d1, _), (y0, d0, _) = candidate, control
    keep = min(d1, d0)

    def ends(y: int, d: int) -> tuple[float, float]:
        rows = np.sort(np.r_[np.ones(y), np.zeros(d - y)])
        return float(rows[:keep].mean()), float(rows[d - keep :].mean())

    (least1, most1), (least0, most0) = ends(y1, d1), ends(y0, d0)
    return least1 - most0, most1 - least0


@given(st.integers(12, 60), st.integers(12, 60), st.integers(12, 60), st.integers(12, 60), st.integers(10, 200))
def test_lee_is_trimming_of_rows(y1: int, down1: int, y0: int, down0: int, silent: int) -> None:
    shown = max(y1 + down1, y0 + down0) + silent
    candidate, control = (y1, y1 + down1, shown), (y0, y0 + down0, shown)
    found = lee(arm(candidate), arm(control), 0.95)
    assert (found.least, found.most) == pytest.approx(trimmed(candidate, control), abs=1e-9)
    assert found.low < found.least + 1e-9
    assert found.most - 1e-9 < found.high
    back = lee(arm(control), arm(candidate), 0.95)
    assert (back.least, back.most) == pytest.approx((-found.most, -found.least), abs=1e-9)
    if candidate[1] != control[1]:  # a tie is broken one way
        assert (back.low, back.high) == pytest.approx((-found.high, -found.low), abs=1e-9)
    wider = lee(arm(candidate), arm(control), 0.99)
    assert wider.low < found.low < found.high < wider.high


def test_lee_against_the_bootstrap() -> None:
    """Errors by resampling users, with trimming by the formula: the interval's allowance is of the same size."""
    rng = np.random.default_rng(8)

    def people(n: int, respond: float, like: float) -> tuple[Any, ...]:
        x = 1 + rng.poisson(5, n)
        d = rng.binomial(x, rng.beta(8 * respond, 8 * (1 - respond), n))
        return rng.binomial(d, rng.beta(4 * like, 4 * (1 - like), n)), d, x

    control, candidate = people(3_000, 0.3, 0.2), people(2_500, 0.36, 0.75)

    def ends(pair: list[tuple[Any, ...]]) -> tuple[float, float]:
        (y0, d0, x0), (y1, d1, x1) = (tuple(float(column.sum()) for column in one) for one in pair)
        share = 1 - (d0 / x0) / (d1 / x1)
        like = y1 / d1
        least, most = max(0.0, (like - share) / (1 - share)), min(1.0, like / (1 - share))
        return least - y0 / d0, most - y0 / d0

    draws = []
    for _ in range(1_000):
        picked = [rng.integers(0, len(one[0]), len(one[0])) for one in (control, candidate)]
        draws.append(
            ends(
                [tuple(column[rows] for column in one) for one, rows in zip((control, candidate), picked, strict=True)]
            )
        )
    errors = np.std(draws, axis=0)
    found = lee(
        from_arrays(candidate[0], candidate[2], candidate[1]), from_arrays(control[0], control[2], control[1]), 0.95
    )
    assert (found.least, found.most) == pytest.approx(ends([control, candidate]))
    # The set is many errors wide: one-sided allowance at either end.
    allowance = [found.least - found.low, found.high - found.most]
    assert allowance == pytest.approx(list(1.645 * errors), rel=0.06)


def test_critical_value_between_one_sided_and_two_sided() -> None:
    assert imbens_manski(0.0, 1.0, 0.95) == pytest.approx(norm.ppf(0.975))
    assert imbens_manski(50.0, 1.0, 0.95) == pytest.approx(norm.ppf(0.95))
    middle = imbens_manski(1.0, 1.0, 0.95)
    assert norm.cdf(middle + 1.0) - norm.cdf(-middle) == pytest.approx(0.95)
    assert imbens_manski(1.0, 0.0, 0.95) == pytest.approx(norm.ppf(0.975))


def turns(candidate: Counts, control: Counts, flipped: int) -> bool:
    (y1, d1, x1), (y0, d0, _) = candidate, control
    lead = y1 / d1 - y0 / d0
    moved = y1 / d1 - np.sign(lead) * flipped / x1 - y0 / d0
    return bool(moved * lead < -1e-12)


@given(st.data())
def test_tipping_by_counting_up(data: st.DataObject) -> None:
    d1, d0 = data.draw(st.integers(1, 40)), data.draw(st.integers(1, 40))
    candidate = (data.draw(st.integers(0, d1)), d1, d1 + data.draw(st.integers(1, 60)))
    control = (data.draw(st.integers(0, d0)), d0, 100)
    if candidate[0] * d0 == control[0] * d1:
        with pytest.raises(RefusedError, match="no sign"):
            tipping(candidate, control)
        return
    found = tipping(candidate, control)
    silent = candidate[2] - d1
    with_lead = candidate[0] if candidate[0] * d0 > control[0] * d1 else d1 - candidate[0]
    possible = [k for k in range(silent * with_lead // d1 + 1) if turns(candidate, control, k)]
    assert found.silent == silent
    assert found.needed == (possible[0] if possible else None)
    assert found.share == (possible[0] / silent if possible else 1.0)


def test_refusals() -> None:
    with pytest.raises(RefusedError, match="more responses than answers"):
        from_counts(10, 50, 40)
    with pytest.raises(RefusedError, match="no answer was shown"):
        from_counts(0, 0, 0)
    with pytest.raises(RefusedError, match="too few to trim"):
        lee(arm((5, 50, 100)), arm((20, 50, 100)), 0.95)
    with pytest.raises(RefusedError, match="nobody is silent"):
        tipping((1, 2, 2), (1, 3, 5))
    with pytest.raises(RefusedError, match="no responses"):
        tipping((0, 0, 2), (1, 3, 5))


def covers(found: Bounds, truth: float) -> bool:
    return found.low <= truth <= found.high


@pytest.mark.slow
def test_lee_covers_when_nobody_else_responds() -> None:
    """Then the set is a point, and the direction of trimming is a matter of chance."""
    rng = np.random.default_rng(9)
    inside = 0
    for _ in range(1_500):
        arms = []
        for _arm in range(2):
            d = int(rng.binomial(1_000, 0.3))
            arms.append(from_counts(int(rng.binomial(d, 0.7)), d, 1_000))
        inside += covers(lee(arms[0], arms[1], 0.95), 0.0)
    assert inside / 1_500 >= 0.94
