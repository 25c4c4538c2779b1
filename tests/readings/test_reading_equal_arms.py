"""Both arms exactly equal: no wrong number, no false reason, no remedy that mends nothing."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from panel_kit import preference, rating
from reading_kit import AS_OF, evidence, margin, signal

from signals.checks import BY_NAME
from signals.model import Evidence, FeedbackCell, ItemScore, Metric, Moments, OutcomeCell, Reading, Signal
from signals.readings import measure, read
from signals.stats.moments import from_arrays

DAYS = [date(2026, 11, 2) + timedelta(days=k) for k in range(14)]
AT = datetime(2026, 11, 19, tzinfo=UTC)


def seen(asked: Signal, found: Evidence) -> Reading:
    return read(asked, measure(asked, found), AS_OF)


def judge(**trust: float) -> Signal:
    return signal("judge", margin=margin(0.1), segments=("plan",), trust={"max_reversals": 0.0} | trust)


def scores(values: list[float], repeats: int = 1) -> tuple[ItemScore, ...]:
    """Each item in both arms; with repeats around the value, in another order in every other arm."""
    found = []
    for i, value in enumerate(values):
        for arm in ("old", "new"):
            off = [0.1 * (k - (repeats - 1) / 2) for k in range(repeats)]
            for k, by in enumerate(off if arm == "old" or i % 2 else off[::-1]):
                made = (f"{i}/{arm}/{k}", str(i), arm, "q", value + by)
                found.append(ItemScore(*made, repeat=k, segment=(("plan", f"p{i % 3}"),), at=AT, length=100.0 + i))
    return tuple(found)


def grades(value: Any) -> tuple[Any, ...]:
    return tuple(
        rating(i, f"r{k}", arm, float(value(i)), at=AT, segment=(("plan", f"p{i % 3}"),))
        for i in range(60) for k in range(3) for arm in ("old", "new")
    )  # fmt: skip


def outcomes(values: list[float], metric: str, **fields: Any) -> tuple[Signal, Evidence]:
    asked = signal(
        "experiment", margin=margin(0.02), segments=("plan",), metric=Metric("m", metric),  # type: ignore[arg-type]
        trust={"max_reversals": 0.0}, **fields,
    )  # fmt: skip
    ends = min(values), max(values)
    cells = tuple(
        OutcomeCell("", arm, (("plan", plan),), day, from_arrays(np.array(values * (2 + k % 3))), *ends)
        for k, day in enumerate(DAYS) for plan in "ab" for arm in ("old", "new")
    )  # fmt: skip
    return asked, evidence(outcomes=cells)


def test_a_judge_that_passes_the_same_items_is_flat_and_trusted() -> None:
    found = seen(judge(max_length_bias=0.5), evidence(scores=scores([float(i % 3 > 0) for i in range(120)])))
    assert (found.state, found.effect) == ("flat", 0.0)
    assert found.checks["max_reversals"].status == "pass"
    assert found.low is not None
    assert found.low < -0.02  # the interval is not of zero width


@pytest.mark.parametrize("repeats", [1, 3])
def test_a_judge_that_grades_alike_has_no_interval_and_says_so(repeats: int) -> None:
    found = seen(judge(), evidence(scores=scores([0.3 + 0.01 * i for i in range(40)], repeats)))
    assert (found.state, found.low, found.checks["max_reversals"].value) == ("untrusted", None, 0.0)
    assert found.why == "all paired differences are equal, so their uncertainty cannot be estimated"


def test_a_shift_that_is_the_same_on_every_item_has_no_interval() -> None:
    both = tuple(
        ItemScore(f"{i}/{arm}", str(i), arm, "q", 1.1 * (i % 7) + 0.2 * (arm == "new")) for i in range(60)
        for arm in ("old", "new")
    )  # fmt: skip
    assert seen(judge(), evidence(scores=both)).low is None


def test_judge_and_people_who_agree_on_every_item_show_no_bias() -> None:
    asked = signal("judge", margin=margin(0.1), human_scale=(1, 5), trust={"judge_bias_p": 0.05})
    made = evidence(scores=scores([float(i % 3 > 0) for i in range(60)]), human=grades(lambda i: 1 + i % 5))
    check = seen(asked, made).checks["judge_bias_p"]
    assert (check.status, check.value) == ("pass", 1.0)
    assert "same difference on all 60 items" in check.detail


@pytest.mark.parametrize("metric, values", [("proportion", [0.0, 1.0, 1.0]), ("mean", [1.1, 2.3, 3.7])])
@pytest.mark.parametrize("looks", ["fixed", "continuous"])
def test_an_experiment_with_equal_arms_is_believed(metric: str, values: list[float], looks: str) -> None:
    found = seen(*outcomes(values * 10, metric, looks=looks))
    assert (found.state in ("flat", "unclear"), found.checks["max_reversals"].value) == (True, 0.0)


@pytest.mark.parametrize("value", [0.1, 0.7, 19.99])
@pytest.mark.parametrize("looks", ["fixed", "continuous"])
def test_an_outcome_that_is_always_the_same_has_no_interval(value: float, looks: str) -> None:
    """What rounding leaves of no spread is no spread: an interval of 1e-18 would call it flat."""
    found = seen(*outcomes([value] * 40, "mean", looks=looks))
    assert (found.state, found.low) == ("untrusted", None)
    assert "no spread" in found.why


def test_an_outcome_proportional_to_its_denominator_has_no_interval() -> None:
    d = np.random.default_rng(3).integers(1, 900, 400).astype(float)
    cells = tuple(OutcomeCell("", arm, (), None, from_arrays(d * 0.1, d=d)) for arm in ("old", "new"))
    asked = signal("experiment", margin=margin(0.02), metric=Metric("m", "ratio"))
    assert seen(asked, evidence(outcomes=cells)).low is None


def test_a_covariate_that_is_the_outcome_leaves_no_interval() -> None:
    y = np.random.default_rng(4).normal(7, 2, 300)
    cells = tuple(OutcomeCell("", arm, (), None, from_arrays(3.3 * y, x=y)) for arm in ("old", "new"))
    numbers = measure(signal("experiment", metric=Metric("m", "mean")), evidence(outcomes=cells))
    refused = [one.refused for name, one in numbers.estimates.items() if one.refused]
    assert refused == ["the covariate explains the outcome entirely"]


def test_thumbs_that_are_equal_are_believed() -> None:
    cells = tuple(
        FeedbackCell(arm, (("plan", plan),), None, 4_000, False, Moments(500, 0.6, 120.0, d_mean=1.0, d_m2=0.0, yd=0.0))
        for plan in "ab" for arm in ("old", "new")
    )  # fmt: skip
    asked = signal("feedback", margin=margin(0.1), segments=("plan",), trust={"max_reversals": 0.0})
    assert (seen(asked, evidence(feedback=cells)).state, seen(asked, evidence(feedback=cells)).effect) == ("flat", 0.0)


def panel(**trust: float) -> Signal:
    return signal("panel", margin=margin(0.1), segments=("plan",), trust={"max_reversals": 0.0} | trust)


def test_a_panel_whose_grades_are_equal_in_both_arms_agrees_and_has_no_interval() -> None:
    found = seen(panel(agreement=0.4), evidence(ratings=grades(lambda i: 1 + i % 5)))
    assert (found.checks["agreement"].value, found.checks["max_reversals"].value) == (1.0, 0.0)
    assert found.why == "the differences are all equal, so their uncertainty cannot be estimated"


def test_agreement_on_one_grade_for_everything_is_not_known_and_says_why() -> None:
    found = seen(panel(agreement=0.4), evidence(ratings=grades(lambda _: 3)))
    why = "all grades of what was rated twice are equal, so agreement cannot be told from chance"
    assert why in found.checks["agreement"].why
    assert why in {
        one.why for one in measure(panel(), evidence(ratings=grades(lambda _: 3))).measures if one.name == "ac2"
    }
    alone = tuple(one for one in grades(lambda _: 3) if one.rater == "r0")
    assert "no output was rated twice" in seen(panel(agreement=0.4), evidence(ratings=alone)).checks["agreement"].why


def test_ties_only_are_an_effect_of_zero_without_an_interval() -> None:
    ties = tuple(preference(i, f"r{k}", "tie") for i in range(60) for k in range(3))
    found = seen(panel(), evidence(preferences=ties))
    assert (found.effect, found.low) == (0.0, None)
    assert "choices of what was compared twice are equal" in found.checks["agreement"].why


@pytest.mark.parametrize(
    "check, known, absent",
    [
        ("max_reversals", "another mix of segments", "Declare `segments:`"),
        ("agreement", "Clarify the instructions", "Have several raters grade the same outputs"),
        ("max_length_bias", "answers of like length", "Map `length`"),
        ("min_items", "Score more items", "Score more items"),
    ],
)
def test_what_has_no_number_gets_a_remedy_that_brings_one(check: str, known: str, absent: str) -> None:
    spec = BY_NAME[check]
    assert known in spec.todo(known=True)
    assert absent in spec.todo(known=False)
