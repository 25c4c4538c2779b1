from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pytest
from reading_kit import AS_OF, evidence, margin, measured, signal

from signals.model import FeedbackCell, Moments, canonical
from signals.readings import measure, read
from signals.stats.means import ratio_difference
from signals.stats.moments import from_arrays
from signals.stats.proportion import score_interval


def counts(variant: str, positives: int, responses: int, impressions: int | None, **fields: Any) -> FeedbackCell:
    """As a source without users gives it: each response is a unit."""
    p = positives / responses
    moments = Moments(responses, p, responses * p * (1 - p), d_mean=1.0, d_m2=0.0, yd=0.0)
    return FeedbackCell(variant, fields.get("segment", ()), fields.get("day"), impressions, False, moments)


def users(
    seed: int, variant: str, like: float, n: int = 400, respond: float = 0.3, shown: bool = True
) -> tuple[FeedbackCell, Any]:
    rng = np.random.default_rng(seed)
    x = rng.integers(1, 12, n)
    d = rng.binomial(x, respond)
    y = rng.binomial(d, np.clip(rng.normal(like, 0.2, n), 0, 1))
    moments = from_arrays(y, x if shown else None, d)
    cell = FeedbackCell(variant, (), date(2026, 11, 2), int(x.sum()) if shown else None, True, moments)
    return cell, (y, d, x)


def test_per_response_by_user() -> None:
    (old, (y0, d0, _)), (new, (y1, d1, _)) = users(1, "old", 0.6), users(2, "new", 0.7)
    numbers = measure(signal("feedback"), evidence(feedback=(old, new)))
    one = numbers.estimates["per_response"]
    want = ratio_difference(from_arrays(y1, d=d1), from_arrays(y0, d=d0), 0.95)
    assert (one.effect, one.low, one.high) == pytest.approx((want.effect, want.low, want.high))
    assert (one.n_control, one.n_candidate, one.n_effective) == (d0.sum(), d1.sum(), 800)
    assert (numbers.voting, numbers.unit, numbers.counted) == ("per_response", "pp", "responses")
    assert measured(numbers, "min_responses") == min(d0.sum(), d1.sum())


def test_per_impression_by_user_and_who_votes() -> None:
    (old, (y0, d0, x0)), (new, (y1, d1, x1)) = users(1, "old", 0.6, respond=0.3), users(2, "new", 0.6, respond=0.45)
    s = signal("feedback", estimate="per_impression", margin=margin(0.01))
    numbers = measure(s, evidence(feedback=(old, new)))
    one = numbers.estimates["per_impression"]
    want = ratio_difference(from_arrays(y1, d=x1), from_arrays(y0, d=x0), 0.95)
    assert (one.low, one.high) == pytest.approx((want.low, want.high))
    assert read(s, numbers, AS_OF).effect == one.effect
    shift = ratio_difference(from_arrays(d1, d=x1), from_arrays(d0, d=x0), 0.95)
    assert measured(numbers, "response_rate_shift_p") == pytest.approx(shift.p_value)
    assert shift.p_value < 1e-6


def test_counts_without_users() -> None:
    cells = counts("old", 300, 500, 5000), counts("new", 350, 520, 5100)
    numbers = measure(signal("feedback"), evidence(feedback=cells))
    per_response, per_shown = numbers.estimates["per_response"], numbers.estimates["per_impression"]
    want, shown = score_interval(350, 520, 300, 500, 0.95), score_interval(350, 5100, 300, 5000, 0.95)
    assert (per_response.low, per_response.high) == pytest.approx((want.low, want.high))
    assert (per_shown.low, per_shown.high) == pytest.approx((shown.low, shown.high))
    assert any("users are not known" in warning for warning in per_response.warnings)
    assert measured(numbers, "response_rate_shift_p") == pytest.approx(
        score_interval(520, 5100, 500, 5000, 0.95).p_value
    )


def test_unknown_impressions_are_not_zero() -> None:
    cells = counts("old", 300, 500, 5000), counts("new", 350, 520, None)
    s = signal("feedback", estimate="per_impression", trust={"response_rate_shift_p": 0.01})
    numbers = measure(s, evidence(feedback=cells))
    assert numbers.estimates["per_response"].low is not None
    assert measured(numbers, "response_rate_shift_p") is None
    reading = read(s, numbers, AS_OF)
    assert (reading.state, reading.checks["response_rate_shift_p"].status) == ("untrusted", "unknown")
    unasked = read(signal("feedback", estimate="per_impression"), numbers, AS_OF)
    assert (unasked.state, unasked.why) == ("untrusted", "the source does not know how many answers were shown")


def test_more_responses_than_impressions_is_refused() -> None:
    numbers = measure(signal("feedback"), evidence(feedback=(counts("old", 30, 50, 40), counts("new", 30, 50, 60))))
    assert numbers.estimates["per_impression"].refused == "there are more responses than answers shown"
    assert measured(numbers, "response_rate_shift_p") is None


def test_one_flood_is_one_user() -> None:
    rng = np.random.default_rng(4)
    d = np.r_[rng.integers(1, 3, 200), 300]
    y = np.r_[rng.binomial(d[:-1], 0.5), 300]
    flood = FeedbackCell("new", (), None, None, True, from_arrays(y, d=d), top_user_share=300 / d.sum())
    calm_d = rng.integers(1, 3, 201)
    calm = FeedbackCell("old", (), None, None, True, from_arrays(rng.binomial(calm_d, 0.5), d=calm_d), 0.01)
    one = measure(signal("feedback"), evidence(feedback=(calm, flood))).estimates["per_response"]
    naive = score_interval(y.sum(), d.sum(), 100, 201, 0.95)
    assert one.high - one.low > 2 * (naive.high - naive.low)  # type: ignore[operator]
    assert any("one user gave 5" in warning and "new" in warning for warning in one.warnings)
    assert not any("to old" in warning for warning in one.warnings)


def test_near_the_edge_the_interval_is_not_narrow() -> None:
    d = np.full(50, 4)
    perfect = FeedbackCell("new", (), None, None, True, from_arrays(d, d=d))
    same = FeedbackCell("old", (), None, None, True, from_arrays(d, d=d))
    one = measure(signal("feedback"), evidence(feedback=(same, perfect))).estimates["per_response"]
    want = score_interval(50, 50, 50, 50, 0.95)  # 200 responses of 50 users count as 50
    assert (one.low, one.high) == pytest.approx((want.low, want.high))


def test_segments_and_order() -> None:
    pro, free = (("plan", "pro"),), (("plan", "free"),)
    cells = (
        counts("old", 30, 50, 400, segment=pro), counts("new", 20, 50, 400, segment=pro),
        counts("old", 80, 150, 900, segment=free), counts("new", 90, 150, 900, segment=free),
    )  # fmt: skip
    s = signal("feedback", segments=("plan",))
    numbers = measure(s, evidence(feedback=cells))
    assert canonical(measure(s, evidence(feedback=cells[::-1]))) == canonical(numbers)
    assert [(one.name, one.share) for one in numbers.segments] == [("plan=free", 0.75), ("plan=pro", 0.25)]
    want = score_interval(20, 50, 30, 50, 0.95)
    assert numbers.segments[1].low == pytest.approx(want.low)


def test_missing_and_unsupported() -> None:
    assert read(signal("feedback"), measure(signal("feedback"), evidence()), AS_OF).state == "missing"
    half = measure(signal("feedback"), evidence(feedback=(counts("old", 30, 50, 400),)))
    assert read(signal("feedback"), half, AS_OF).why == "no evidence for the candidate arm"


@pytest.mark.slow
def test_coverage_when_users_respond_often_and_alike() -> None:
    rng = np.random.default_rng(21)
    inside = naive = 0
    for _ in range(600):
        cells, sums = [], []
        for variant in ("old", "new"):
            d = rng.geometric(0.25, 250)
            y = rng.binomial(d, rng.beta(1.5, 1, 250))
            cells.append(FeedbackCell(variant, (), None, None, True, from_arrays(y, d=d)))
            sums += [int(y.sum()), int(d.sum())]
        one = measure(signal("feedback"), evidence(feedback=tuple(cells))).estimates["per_response"]
        inside += one.low <= 0 <= one.high  # type: ignore[operator]
        wrong = score_interval(sums[2], sums[3], sums[0], sums[1], 0.95)
        naive += wrong.low <= 0 <= wrong.high
    assert 0.925 <= inside / 600 <= 0.975
    assert naive / 600 < 0.85
