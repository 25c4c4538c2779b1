"""Do a panel's raters agree with each other, with themselves and with what is known?"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from panel_kit import DAY, grades, preference, rating, several
from reading_kit import AS_OF, evidence, margin, measured, signal

from signals.checks import checks_of
from signals.model import Rating
from signals.readings import measure, read


def test_agreement_has_a_lower_bound_and_a_second_opinion() -> None:
    numbers = measure(signal("panel"), evidence(ratings=tuple(grades(items=60))))
    low, alpha = measured(numbers, "agreement_low"), measured(numbers, "agreement")
    assert 0 < low < alpha < 1  # type: ignore[operator]
    assert alpha < measured(numbers, "ac2") < 1  # type: ignore[operator]
    error = {one.name: one.se for one in numbers.measures}
    # The interval is of t with 59 degrees of freedom on the logarithm of 1 - alpha.
    log_error = np.log((1 - low) / (1 - alpha)) / 2.0009954  # type: ignore[operator]  # as above
    assert error["agreement"] == pytest.approx((1 - alpha) * log_error)  # type: ignore[operator]  # as above
    assert error["agreement_low"] == pytest.approx((1 - low) * log_error)  # type: ignore[operator]  # as above
    asked = signal("panel", trust={"agreement_low": 0.99})
    assert read(asked, numbers, AS_OF).state == "untrusted"
    few = measure(signal("panel"), evidence(ratings=tuple(grades(items=12))))
    assert measured(few, "agreement_low") is None
    assert measured(few, "agreement") is not None
    assert {one.se for one in few.measures} == {None}
    why = {one.name: one.why for one in few.measures}["agreement_low"]
    assert why == "12 items were rated twice; at least 20 are needed for an interval"


def test_scales_for_gwets_coefficient() -> None:
    def ac2(ratings: list[Rating]) -> Any:
        return {one.name: one for one in measure(signal("panel"), evidence(ratings=tuple(ratings))).measures}["ac2"]

    some = grades(items=40)
    assert "ordinal weights" in ac2(some).why
    fine = [replace(one, value=one.value * 20) for one in some]  # type: ignore[operator]
    assert ac2(fine).value == pytest.approx(ac2(some).value)  # 20, 40 ... 100 is a scale of five grades
    sliders = [replace(one, value=20 * one.value + int(one.item) % 3) for one in some]  # type: ignore[operator]
    assert "quadratic weights" in ac2(sliders).why
    assert ac2([replace(one, value=one.value + 0.25) for one in some]).value is None  # type: ignore[operator]
    assert ac2([replace(one, value=one.value * 1000 + int(one.item)) for one in some]).value is None  # type: ignore[operator]


def test_a_rater_who_gives_one_grade_is_named() -> None:
    lazy = [replace(one, value=4.0) if one.rater == "r1" else one for one in grades(effect=1.5)]
    numbers = measure(signal("panel"), evidence(ratings=tuple(lazy)))
    assert measured(numbers, "max_straight_lining") == 0.25
    check = read(signal("panel"), numbers, AS_OF).checks["max_straight_lining"]
    assert check.status == "warn"
    assert {one.name: one.why for one in numbers.measures}["max_straight_lining"] == "1 of 4 raters: r1"
    assert measured(measure(signal("panel"), evidence(ratings=tuple(grades(1.5)))), "max_straight_lining") == 0


def test_a_rater_who_always_takes_the_left_is_a_straight_line() -> None:
    rng = np.random.default_rng(1)
    answers = [
        preference(
            i, f"r{r}", "left" if r == 2 else str(rng.choice(["left", "right"])), str(rng.choice(["old", "new"]))
        )
        for i in range(30)
        for r in range(5)
    ]
    numbers = measure(signal("panel"), evidence(preferences=tuple(answers)))
    assert {one.name: one.why for one in numbers.measures}["max_straight_lining"] == "1 of 5 raters: r2"


def test_self_consistency_looks_at_earlier_attempts() -> None:
    ratings = grades()
    assert measured(measure(signal("panel"), evidence(ratings=tuple(ratings))), "self_consistency") is None
    again = [replace(one, record=f"{one.record}/2", attempt=2) for one in ratings[:40]]
    same = measure(signal("panel"), evidence(ratings=(*ratings, *again)))
    assert measured(same, "self_consistency") == 1.0
    moved = [replace(one, value=1 + (one.value + i) % 5) for i, one in enumerate(again)]  # type: ignore[operator]
    other = measure(signal("panel"), evidence(ratings=(*ratings, *moved)))
    assert measured(other, "self_consistency") < 0.4  # type: ignore[operator]
    skipped = [replace(one, value=None, status="skipped", attempt=1, record=f"{one.record}/0") for one in ratings]
    later = [replace(one, attempt=2) for one in ratings]
    assert measured(measure(signal("panel"), evidence(ratings=(*skipped, *later))), "self_consistency") is None


def test_choices_in_both_orders_show_consistency_and_order() -> None:
    rng = np.random.default_rng(4)
    fair, biased = [], []
    for i in range(40):
        for r in range(6):
            likes = "new" if rng.random() < 0.6 else "old"
            for left in ("old", "new"):
                fair.append(preference(i, f"r{r}", "left" if likes == left else "right", left))
                seduced = rng.random() < 0.3
                biased.append(preference(i, f"r{r}", "left" if seduced or likes == left else "right", left))
    one = measure(signal("panel"), evidence(preferences=tuple(fair)))
    other = measure(signal("panel"), evidence(preferences=tuple(biased)))
    assert measured(one, "self_consistency") == 1.0
    assert measured(other, "self_consistency") < 0.9  # type: ignore[operator]
    assert measured(one, "order_bias_p") is None  # no answer depends on the order: no spread to test against
    assert measured(other, "order_bias_p") < 0.001  # type: ignore[operator]
    assert read(signal("panel"), other, AS_OF).checks["order_bias_p"].status == "warn"
    why = {one.name: one.why for one in other.measures}["order_bias_p"]
    assert why.startswith("the candidate does better when it is shown first")
    always = [replace(one, choice="left") for one in fair if one.left == "old"]
    whys = {one.name: one for one in measure(signal("panel"), evidence(preferences=tuple(always))).measures}
    assert "always came first" in whys["order_bias_p"].why


def test_order_of_grades_is_read_from_their_times() -> None:
    rng = np.random.default_rng(5)
    start = {(i, r): bool(rng.random() < 0.5) for i in range(30) for r in range(4)}

    def timed(bonus: float) -> tuple[Rating, ...]:
        found = []
        for one in grades():
            candidate_first = start[int(one.item), int(one.rater[1:])]
            is_first = candidate_first == (one.variant == "new")
            at = DAY + timedelta(hours=int(one.item), minutes=0 if is_first else 5)
            found.append(replace(one, at=at, value=one.value + bonus * is_first))  # type: ignore[operator]
        return tuple(found)

    plain, biased = (measure(signal("panel"), evidence(ratings=timed(bonus))) for bonus in (0.0, 1.0))
    assert measured(plain, "order_bias_p") > 0.05  # type: ignore[operator]
    assert measured(biased, "order_bias_p") < 0.01  # type: ignore[operator]
    why = {one.name: one.why for one in biased.measures}["order_bias_p"]
    assert why.startswith("the candidate does better when it is shown first")


def test_gold_items_test_raters_and_do_not_count() -> None:
    ratings = grades()
    plain = measure(signal("panel"), evidence(ratings=tuple(ratings)))
    gold = [
        rating(f"gold{k}", f"r{r}", arm, 4.0 if k < 6 - r else 4.6, expected=4.0)
        for k in range(6)
        for r in range(3)
        for arm in ("old", "new")
    ]
    gold += [rating("gold9", "r3", "old", 1.0, expected=4.0)]  # too few to judge him by
    numbers = measure(signal("panel"), evidence(ratings=(*ratings, *gold)))
    assert numbers.estimates == plain.estimates
    assert measured(numbers, "gold_accuracy") == pytest.approx(8 / 12)
    assert {one.name: one.why for one in numbers.measures}["gold_accuracy"] == "rater r2, of 12 gold answers"
    assert read(signal("panel"), numbers, AS_OF).checks["gold_accuracy"].status == "warn"
    assert sum(entry.rows for entry in numbers.set_aside if entry.why.startswith("gold item")) == len(gold)
    assert measured(numbers, "max_set_aside") == measured(plain, "max_set_aside")
    assert measured(plain, "gold_accuracy") is None
    bare = [rating("gold1", "r3", arm, 4.0 if arm == "new" else 1.0) for arm in ("old", "new")]
    assert measure(signal("panel"), evidence(ratings=(*ratings, *gold, *bare))).estimates == plain.estimates
    near = [replace(one, value=4.5) for one in gold]
    assert measured(measure(signal("panel"), evidence(ratings=tuple(near))), "gold_accuracy") == 1.0


def test_gold_choices() -> None:
    answers = [preference(i, f"r{r}", "right" if (i + r) % 3 else "left") for i in range(30) for r in range(4)]
    gold = [preference(f"g{k}", "r1", "left" if k % 2 else "tie", expected="left") for k in range(10)]
    numbers = measure(signal("panel"), evidence(preferences=(*answers, *gold)))
    assert measured(numbers, "gold_accuracy") == 0.5
    assert measured(numbers, "min_items") == 30


def test_every_check_of_panels_is_measured() -> None:
    numbers = measure(signal("panel"), evidence(ratings=tuple(grades())))
    expected = {spec.name for spec in checks_of("panel") if not spec.past} - {"max_age", "last_pull"}
    assert {one.name for one in numbers.measures} == expected
    empty = measure(signal("panel"), evidence())
    assert {one.name for one in empty.measures} == expected
    two = measure(signal("panel"), evidence(ratings=tuple(several())))
    assert {one.name for one in two.measures} == expected


def test_when_every_item_is_gold_nothing_is_left_and_it_says_so() -> None:
    ratings = tuple(replace(one, expected=4.0) for one in grades())
    reading = read(signal("panel"), measure(signal("panel"), evidence(ratings=ratings)), AS_OF)
    assert (reading.state, reading.why.partition(":")[0]) == ("missing", "every item has an expected answer")


def test_agreement_carries_its_interval_to_the_reading() -> None:
    asked = signal("panel", margin=margin(0.1), trust={"agreement": 0.2})
    checks = read(asked, measure(asked, evidence(ratings=tuple(grades(items=60)))), AS_OF).checks
    alpha, bound, other = checks["agreement"], checks["agreement_low"], checks["ac2"]
    assert alpha.low == bound.value
    assert alpha.value is not None
    assert alpha.low is not None
    assert alpha.high is not None
    # As far above as below on the logarithm of 1 - alpha.
    assert (1 - alpha.high) * (1 - alpha.low) == pytest.approx((1 - alpha.value) ** 2)
    assert (bound.low, other.low is not None) == (None, True)
    assert f"95 % interval {other.low:.2f} to {other.high:.2f}" in other.detail
