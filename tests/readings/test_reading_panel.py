from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from panel_kit import grades, preference, rating, several
from reading_kit import AS_OF, evidence, margin, measured, signal

from signals.model import Preference, canonical
from signals.readings import measure, read


def test_grades_of_both_arms() -> None:
    ratings = grades()
    numbers = measure(signal("panel"), evidence(ratings=tuple(ratings)))
    raw = numbers.estimates["raw"]
    mean = {arm: np.mean([one.value for one in ratings if one.variant == arm]) for arm in ("old", "new")}
    assert raw.effect == pytest.approx(mean["new"] - mean["old"])
    assert (raw.control, raw.candidate) == pytest.approx((mean["old"], mean["new"]))
    assert (raw.n_control, raw.n_candidate, numbers.unit, numbers.counted) == (30, 30, "points", "items")
    assert set(numbers.components) == {"item", "rater", "residual"}
    assert (measured(numbers, "min_items"), measured(numbers, "min_raters"), measured(numbers, "paired")) == (30, 4, 1)
    assert numbers.rate_per_day == pytest.approx(3.0)
    assert 0 < measured(numbers, "agreement") < 1  # type: ignore[operator]
    assert read(signal("panel", margin=margin(0.1)), numbers, AS_OF).state == "win"


def test_only_the_latest_attempt_counts_even_when_it_withdraws() -> None:
    ratings = grades()
    plain = measure(signal("panel"), evidence(ratings=tuple(ratings))).estimates["raw"]
    older = [rating(one.item, one.rater, one.variant, 1.0, attempt=0) for one in ratings[:10]]
    with_older = measure(signal("panel"), evidence(ratings=(*older, *ratings)))
    assert with_older.estimates["raw"].effect == plain.effect
    assert [(e.rows, e.fault) for e in with_older.set_aside if "superseded" in e.why] == [(10, False)]
    withdrawn = rating("0", "r0", "new", None, attempt=2, status="skipped")
    numbers = measure(signal("panel"), evidence(ratings=(*ratings, withdrawn)))
    whys = {entry.why: entry.rows for entry in numbers.set_aside}
    assert whys == {
        "superseded by a later attempt": 1,
        "not submitted: skipped": 1,
        "the rater graded one arm of the item only": 1,
    }


def test_raters_who_each_saw_one_arm_are_refused() -> None:
    ratings = [one for one in grades(raters=6) if (one.variant == "old") == (one.rater in ("r0", "r1", "r2"))]
    reading = read(signal("panel"), measure(signal("panel"), evidence(ratings=tuple(ratings))), AS_OF)
    assert reading.state == "untrusted"
    assert "have each rater grade both" in reading.why
    assert reading.checks["paired"].value == 0


def test_dimensions_need_a_choice() -> None:
    ratings = [
        rating(i, f"r{r}", arm, float(1 + (i + r + (arm == "new")) % 5), dimension=dimension)
        for i in range(10)
        for r in range(3)
        for arm in ("old", "new")
        for dimension in ("clear", "true")
    ]
    reading = read(signal("panel"), measure(signal("panel"), evidence(ratings=tuple(ratings))), AS_OF)
    assert reading.state == "untrusted"
    assert "clear, true" in reading.why
    chosen = measure(signal("panel", dimension="clear"), evidence(ratings=tuple(ratings)))
    assert chosen.estimates["raw"].low is not None
    assert sum(entry.rows for entry in chosen.set_aside) == 60
    absent = read(
        signal("panel", dimension="kind"),
        measure(signal("panel", dimension="kind"), evidence(ratings=tuple(ratings))),
        AS_OF,
    )
    assert absent.state == "missing"


def test_preferences_follow_the_candidate_whatever_its_side() -> None:
    rng = np.random.default_rng(5)
    answers, values = [], []
    for i in range(60):
        for r in range(3):
            left = str(rng.choice(["old", "new"]))
            choice = str(rng.choice(["left", "right", "tie"], p=[0.5, 0.3, 0.2]))
            answers.append(preference(i, f"r{r}", choice, left))
            chosen = {"left": left, "right": "new" if left == "old" else "old", "tie": ""}[choice]
            values.append({"new": 1, "old": -1, "": 0}[chosen])
    numbers = measure(signal("panel"), evidence(preferences=tuple(answers)))
    raw = numbers.estimates["raw"]
    assert raw.effect == pytest.approx(np.mean(values))
    assert (numbers.unit, raw.n_control, raw.control) == ("net preference", 60, None)
    mirrored = [
        Preference(
            a.record, a.item, a.rater, a.right, a.left, {"left": "right", "right": "left", "tie": "tie"}[a.choice]
        )  # type: ignore[index,arg-type]
        for a in answers
    ]
    assert measure(signal("panel"), evidence(preferences=tuple(mirrored))).estimates["raw"] == raw


def test_preferences_between_other_versions_are_set_aside() -> None:
    answers = [preference(i, f"r{r}", "left" if (i + r) % 3 else "tie") for i in range(12) for r in range(3)]
    stranger = Preference("x", "1", "r1", "new", "older", "left")
    numbers = measure(signal("panel"), evidence(preferences=(*answers, stranger)))
    assert [(e.rows, e.why, e.fault) for e in numbers.set_aside] == [
        (1, "the pair is not control and candidate", False)
    ]
    assert numbers.estimates["raw"].effect == pytest.approx(
        -np.mean([(i + r) % 3 > 0 for i in range(12) for r in range(3)])
    )


def test_one_opinion_per_rater_when_both_orders_were_shown() -> None:
    once = [preference(i, f"r{r}", "right" if (i + r) % 3 else "tie") for i in range(12) for r in range(3)]
    # The second order contradicts the first for everyone: always the same side, so no preference at all.
    twice = [
        preference(a.item, a.rater, "right" if a.choice == "right" else "tie", left="new") for a in once
    ]  # fmt: skip
    numbers = measure(signal("panel"), evidence(preferences=(*once, *twice)))
    raw = numbers.estimates["raw"]
    assert raw.effect is None or raw.effect == pytest.approx(0)
    assert raw.refused == "the differences are all equal, so their uncertainty cannot be estimated"


def test_grades_and_choices_do_not_mix() -> None:
    numbers = measure(signal("panel"), evidence(ratings=tuple(grades()), preferences=(preference(1, "r1", "left"),)))
    assert "different scales" in read(signal("panel"), numbers, AS_OF).why


def test_segments_of_items() -> None:
    ratings = [replace(one, segment=(("plan", "pro" if int(one.item) % 3 else "free"),)) for one in grades()]
    numbers = measure(signal("panel", segments=("plan", "locale")), evidence(ratings=tuple(ratings)))
    free, pro = numbers.segments
    assert [(one.name, one.n_control) for one in (free, pro)] == [("plan=free", 10), ("plan=pro", 20)]
    assert pro.share == pytest.approx(2 / 3)
    assert pro.adjusted_low < pro.low < pro.effect < pro.high < pro.adjusted_high  # type: ignore[operator]
    assert pro.control == pytest.approx(
        np.mean([one.value for one in ratings if one.variant == "old" and int(one.item) % 3])
    )
    assert any("'locale'" in warning for warning in numbers.estimates["raw"].warnings)


def test_one_rater_is_untrusted_and_nobody_is_missing() -> None:
    alone = read(signal("panel"), measure(signal("panel"), evidence(ratings=tuple(grades(raters=1)))), AS_OF)
    assert (alone.state, alone.checks["min_raters"].status) == ("untrusted", "warn")
    assert "one rater" in alone.why
    assert read(signal("panel"), measure(signal("panel"), evidence()), AS_OF).state == "missing"
    half = tuple(one for one in grades() if one.variant == "new")
    found = read(signal("panel"), measure(signal("panel"), evidence(ratings=half)), AS_OF)
    assert (found.state, found.why) == ("missing", "no evidence for the control arm")


def test_fixed_raters_speak_for_themselves_only() -> None:
    apart = [
        rating(i, f"r{r}", arm, 3.0 + (arm == "new") * (0.4 + 0.8 * r) + ((7 * i + 3 * r) % 5) / 5)
        for i in range(50)
        for r in range(3)
        for arm in ("old", "new")
    ]
    apart = [
        rating(one.item, one.rater, one.variant, one.value + (0.5 if one.variant == "new" and int(one.item) % 2 else 0))  # type: ignore[operator]
        for one in apart
    ]
    sample = measure(signal("panel"), evidence(ratings=tuple(apart)))
    rule = measure(signal("panel", raters="fixed"), evidence(ratings=tuple(apart)))
    assert read(signal("panel"), sample, AS_OF).state == "unclear"
    assert any("every rater's mean is above 0" in warning for warning in sample.estimates["raw"].warnings)
    assert read(signal("panel"), rule, AS_OF).state == "win"
    assert rule.estimates["raw"].effect == pytest.approx(sample.estimates["raw"].effect)
    assert "3 raters fixed" in rule.estimates["raw"].method
    assert any("these 3 raters only" in warning for warning in rule.estimates["raw"].warnings)
    assert signal("panel").definition_hash() != signal("panel", raters="fixed").definition_hash()


def test_order_of_records_changes_nothing_and_numbers_can_be_stored() -> None:
    ratings = tuple(grades())
    forward = measure(signal("panel"), evidence(ratings=ratings))
    assert canonical(measure(signal("panel"), evidence(ratings=ratings[::-1]))) == canonical(forward)


def test_dimensions_stand_beside_the_one_that_votes() -> None:
    ratings = tuple(several())
    unnamed = measure(signal("panel"), evidence(ratings=ratings))
    assert unnamed.estimates["raw"].refused is not None
    assert set(unnamed.estimates) == {"raw", "dimension:clear", "dimension:true"}
    named = measure(signal("panel", dimension="true"), evidence(ratings=ratings))
    assert set(named.estimates) == {"raw", "superiority", "dimension:clear"}
    alone = tuple(one for one in ratings if one.dimension == "true")
    only = measure(signal("panel"), evidence(ratings=alone))
    assert named.estimates["raw"] == only.estimates["raw"] == unnamed.estimates["dimension:true"]
    assert named.estimates["dimension:clear"] == unnamed.estimates["dimension:clear"]
    assert unnamed.estimates["dimension:clear"].high < 0 < only.estimates["raw"].low  # type: ignore[operator]
    assert read(signal("panel"), unnamed, AS_OF).state == "untrusted"
    assert "names none" in read(signal("panel"), unnamed, AS_OF).checks["agreement"].why


def test_a_dimension_of_choices_beside_grades_has_its_own_unit() -> None:
    choices = tuple(
        preference(i, f"r{r}", "right" if (i + r) % 3 else "left", dimension="overall")
        for i in range(30)
        for r in range(4)
    )
    both = evidence(ratings=tuple(one for one in several() if one.dimension == "true"), preferences=choices)
    numbers = measure(signal("panel", dimension="true"), both)
    assert (numbers.unit, numbers.estimates["dimension:overall"].unit) == ("points", "net preference")
    assert numbers.estimates["raw"].low is not None
    turned = measure(signal("panel", dimension="overall"), both)
    assert (turned.unit, turned.estimates["dimension:true"].unit) == ("net preference", "points")


def test_superiority_counts_who_is_better_and_not_by_how_much() -> None:
    ratings = grades(items=40)
    by_points = measure(signal("panel"), evidence(ratings=tuple(ratings)))
    stretched = [replace(one, value=one.value**3) for one in ratings]  # type: ignore[operator]
    s = signal("panel", estimate="superiority", margin=margin(0.1))
    numbers = measure(s, evidence(ratings=tuple(stretched)))
    found = numbers.estimates["superiority"]
    value = {(one.item, one.rater, one.variant): one.value for one in ratings}
    signs = [np.sign(value[i, r, "new"] - value[i, r, "old"]) for i, r, arm in value if arm == "old"]
    assert found.effect == pytest.approx(np.mean(signs))
    assert found == replace(by_points.estimates["superiority"], unit="")
    assert (numbers.voting, numbers.unit, numbers.estimates["raw"].unit) == ("superiority", "net preference", "points")
    assert by_points.estimates["superiority"].unit == "net preference"
    assert found.method.startswith("share better minus share worse")
    assert -1 <= found.low < found.effect < found.high <= 1  # type: ignore[operator]
    assert read(s, numbers, AS_OF).state == "win"
    swapped = tuple(replace(one, variant={"old": "new", "new": "old"}[one.variant]) for one in stretched)
    turned = measure(s, evidence(ratings=swapped)).estimates["superiority"]
    assert (turned.low, turned.high) == pytest.approx((-found.high, -found.low))  # type: ignore[operator]


def test_superiority_of_choices_is_what_they_say() -> None:
    answers = tuple(preference(i, f"r{r}", "right" if (i + r) % 3 else "tie") for i in range(40) for r in range(4))
    s = signal("panel", estimate="superiority")
    numbers = measure(s, evidence(preferences=answers))
    assert numbers.estimates["superiority"] == measure(signal("panel"), evidence(preferences=answers)).estimates["raw"]


def test_an_estimate_that_panels_do_not_have_is_refused() -> None:
    numbers = measure(signal("panel", estimate="corrected"), evidence(ratings=tuple(grades())))
    assert numbers.estimates["corrected"].refused is not None
    assert read(signal("panel", estimate="corrected"), numbers, AS_OF).state == "untrusted"


def test_items_of_one_rater_each_speak_through_their_raters() -> None:
    ratings = [one for one in grades(items=120, raters=12) if int(one.item) % 12 == int(one.rater[1:])]
    numbers = measure(signal("panel"), evidence(ratings=tuple(ratings)))
    assert "CRV3 over raters, t(11)" in numbers.estimates["raw"].method
    assert "only 12 raters: how much raters differ is known roughly" in numbers.estimates["raw"].warnings
    assert measured(numbers, "agreement") is None


def test_ten_raters_who_overlap_are_enough_and_nine_are_not() -> None:
    rng = np.random.default_rng(8)
    for raters, warned in ((9, True), (14, False)):
        some = [
            rating(i, f"r{r}", arm, float(round(3 + gain * (arm == "new") + rng.normal())))
            for i, gain in enumerate(rng.normal(0, 1, 40))
            for r in range(raters)
            for arm in ("old", "new")
        ]
        found = measure(signal("panel"), evidence(ratings=tuple(some)))
        assert any("known roughly" in one for one in found.estimates["raw"].warnings) == warned


def test_nearly_all_choices_alike_warn() -> None:
    answers = [preference(i, f"r{r}", "left" if i < 4 and r else "right") for i in range(60) for r in range(12)]
    raw = measure(signal("panel"), evidence(preferences=tuple(answers))).estimates["raw"]
    assert any("4 items with another one" in warning for warning in raw.warnings)
    assert raw.high < 1  # type: ignore[operator]


def test_order_of_records_does_not_change_choices_either() -> None:
    rng = np.random.default_rng(2)
    answers = tuple(
        preference(i, f"r{r}", str(rng.choice(["left", "right", "tie"])), left)
        for i in range(30)
        for r in range(5)
        for left in ("old", "new")
    )
    numbers = canonical(measure(signal("panel"), evidence(preferences=answers)))
    assert numbers == canonical(measure(signal("panel"), evidence(preferences=answers[::-1])))


def test_planning_parts_give_back_the_variance_with_holes() -> None:
    """Items, raters and residual as the way out of a HOLD uses them."""
    ratings = [one for one in grades(items=60, raters=12) if (int(one.item) + int(one.rater[1:])) % 4 == 0]
    numbers = measure(signal("panel"), evidence(ratings=tuple(ratings)))
    parts = numbers.components
    raw = numbers.estimates["raw"]
    assert parts["item"] / 60 + parts["rater"] / 12 + parts["residual"] / 720 == pytest.approx(raw.se**2)  # type: ignore[operator]
