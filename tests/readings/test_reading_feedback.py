from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pytest
from reading_kit import AS_OF, evidence, margin, measured, signal
from scipy.stats import t

from signals.model import FeedbackCell, Moments, canonical
from signals.readings import measure, read
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


def by_user(candidate: tuple[Any, Any], control: tuple[Any, Any]) -> tuple[float, float, float, float]:
    """Difference of two ratios, its 95 % interval and p-value from single users' numbers: residuals, spelled out."""
    rates, parts = [], []
    for y, d in (candidate, control):
        rate = y.sum() / d.sum()
        effective = d.sum() ** 2 / (d**2).sum()
        rates.append(rate)
        parts.append((((y - rate * d) ** 2).sum() / d.sum() ** 2 / (1 - 1 / effective), effective - 1))
    se = sum(part for part, _ in parts) ** 0.5
    df = se**4 / sum(part**2 / df for part, df in parts)
    effect = rates[0] - rates[1]
    half = t.ppf(0.975, df) * se
    return effect, effect - half, effect + half, 2 * t.sf(abs(effect) / se, df)


def test_per_response_by_user() -> None:
    (old, (y0, d0, _)), (new, (y1, d1, _)) = users(1, "old", 0.6), users(2, "new", 0.7)
    numbers = measure(signal("feedback"), evidence(feedback=(old, new)))
    one = numbers.estimates["per_response"]
    want = by_user((y1, d1), (y0, d0))
    assert (one.effect, one.low, one.high) == pytest.approx(want[:3])
    assert (one.n_control, one.n_candidate, one.n_effective) == (d0.sum(), d1.sum(), 800)
    assert (numbers.voting, numbers.unit, numbers.counted) == ("per_response", "pp", "responses")
    assert measured(numbers, "min_responses") == min(d0.sum(), d1.sum())


def test_per_impression_by_user_and_who_votes() -> None:
    (old, (y0, d0, x0)), (new, (y1, d1, x1)) = users(1, "old", 0.6, respond=0.3), users(2, "new", 0.6, respond=0.45)
    s = signal("feedback", estimate="per_impression", margin=margin(0.01))
    numbers = measure(s, evidence(feedback=(old, new)))
    one = numbers.estimates["per_impression"]
    assert (one.low, one.high) == pytest.approx(by_user((y1, x1), (y0, x0))[1:3])
    assert read(s, numbers, AS_OF).effect == one.effect
    shift = by_user((d1, x1), (d0, x0))[3]
    assert measured(numbers, "response_rate_shift_p") == pytest.approx(shift)
    assert shift < 1e-6


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


def why(numbers: Any, name: str) -> str:
    return {measure.name: measure.why for measure in numbers.measures}[name]


def test_floods_are_measured() -> None:
    (old, (_, d0, _)), (_, (y1, d1, x1)) = users(1, "old", 0.6), users(2, "new", 0.6)
    d1, y1, x1 = np.r_[d1, 400], np.r_[y1, 400], np.r_[x1, 400]
    loud = FeedbackCell("new", (), None, int(x1.sum()), True, from_arrays(y1, x1, d1), float(400 / d1.sum()))
    calm = FeedbackCell("old", (), None, old.impressions, True, old.moments, float(d0.max() / d0.sum()))
    numbers = measure(signal("feedback"), evidence(feedback=(calm, loud)))
    assert measured(numbers, "max_user_share") == pytest.approx(400 / d1.sum())
    assert measured(numbers, "min_effective_share") == pytest.approx(d1.sum() / (d1**2).sum())
    assert "by one user of new" in why(numbers, "max_user_share")
    checks = read(signal("feedback"), numbers, AS_OF).checks
    assert (checks["max_user_share"].status, checks["min_effective_share"].status) == ("warn", "warn")
    unknown = measure(signal("feedback"), evidence(feedback=(counts("old", 30, 50, 400), counts("new", 30, 50, 400))))
    assert measured(unknown, "max_user_share") is measured(unknown, "min_effective_share") is None
    assert why(unknown, "max_user_share") == "users are not known"


def test_how_many_silent_turn_the_sign() -> None:
    cells = counts("old", 300, 500, 5_000), counts("new", 364, 520, 6_000)  # 60 % and 70 %
    numbers = measure(signal("feedback"), evidence(feedback=cells))
    # A tenth of 6,000 answers levels the arms; one more turns the sign.
    assert measured(numbers, "tipping_share") == pytest.approx(601 / 5_480)
    assert why(numbers, "tipping_share") == (
        "if 601 of the candidate's 5,480 silent answers went against its responders and the rest were like them, "
        "the sign would turn"
    )
    sure = counts("old", 50, 500, 550), counts("new", 470, 500, 550)
    numbers = measure(signal("feedback"), evidence(feedback=sure))
    assert (measured(numbers, "tipping_share"), "even if all" in why(numbers, "tipping_share")) == (1.0, True)
    blind = measure(signal("feedback"), evidence(feedback=(counts("old", 5, 9, None), counts("new", 6, 9, None))))
    assert (measured(blind, "tipping_share"), why(blind, "tipping_share")) == (
        None, "the source does not know how many answers were shown",
    )  # fmt: skip


def test_bounds_stand_beside_and_never_vote() -> None:
    cells = counts("old", 300, 500, 5_000), counts("new", 364, 520, 5_000)
    numbers = measure(signal("feedback", segments=("plan",)), evidence(feedback=cells))
    worst, best = 364 / 5_000 - 4_800 / 5_000, 4_844 / 5_000 - 300 / 5_000
    manski, lee = numbers.estimates["manski"], numbers.estimates["lee"]
    assert manski.effect is lee.effect is None
    assert manski.low < worst < best < manski.high  # type: ignore[operator]
    assert f"{100 * worst:+.2f} to {100 * best:+.2f} pp" in manski.method.replace("−", "-")
    # 20 more respond: at best all of them are down and go, at worst all are up.
    assert f"{100 * (344 / 500 - 0.6):+.2f} to {100 * (364 / 500 - 0.6):+.2f} pp" in lee.method
    assert any("users are not known" in warning for warning in lee.warnings)
    assert numbers.voting == "per_response"
    blind = measure(signal("feedback"), evidence(feedback=(counts("old", 30, 50, 400), counts("new", 30, 50, None))))
    for name in ("manski", "lee"):
        assert blind.estimates[name].refused == "the source does not know how many answers were shown"


def test_few_people_warn() -> None:
    (old, _), (new, _) = users(1, "old", 0.6, n=25), users(2, "new", 0.6, n=25)
    one = measure(signal("feedback"), evidence(feedback=(old, new))).estimates["per_response"]
    assert any("stand behind the rarer answer" in warning for warning in one.warnings)
    (old, _), (new, _) = users(1, "old", 0.6), users(2, "new", 0.6)
    assert not measure(signal("feedback"), evidence(feedback=(old, new))).estimates["per_response"].warnings
    once = np.ones(300)
    rare = [
        FeedbackCell(arm, (), None, None, True, from_arrays(np.r_[np.zeros(k), once[k:]], d=once))
        for arm, k in (("old", 3), ("new", 5))
    ]
    few = measure(signal("feedback"), evidence(feedback=tuple(rare))).estimates["per_response"]
    assert few.warnings == ("3 of the rarer answer in an arm: with so few the interval may be wider than needed",)


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


def test_what_was_shown_is_kept_for_the_releases_to_come() -> None:
    """In all and by declared segment, both arms together; nothing where one cell does not know it."""
    pro, free = (("plan", "pro"),), (("plan", "free"),)
    cells = [
        counts("old", 60, 100, 1_000, segment=pro), counts("new", 70, 110, 1_200, segment=pro),
        counts("old", 30, 50, 400, segment=free), counts("new", 30, 50, 500), counts("other", 3, 5, 900, segment=free),
    ]  # fmt: skip
    found = measure(signal("feedback", segments=("plan",)), evidence(feedback=tuple(cells))).components
    assert found == {"shown": 3_100.0, "shown plan=pro": 2_200.0, "shown plan=free": 400.0, "shown plan=(none)": 500.0}
    assert measure(signal("feedback"), evidence(feedback=tuple(cells))).components == {"shown": 3_100.0}
    blind = [*cells, counts("old", 5, 9, None, segment=pro)]
    assert measure(signal("feedback", segments=("plan",)), evidence(feedback=tuple(blind))).components == {}
