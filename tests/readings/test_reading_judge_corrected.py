from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from reading_kit import AS_OF, evidence, margin, measured, signal
from scipy import stats as scipy_stats

from signals.model import ItemScore, Rating, canonical
from signals.readings import measure, read
from signals.readings.common import Tray
from signals.readings.judged import sort_out
from signals.readings.labels import labels_of
from signals.stats.calibrate import corrected_mean

N, GRADED = 200, 80


def outputs(seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """(judge, people), both in 0..1, shape (items, 2): the judge likes the candidate .1 more than people do."""
    rng = np.random.default_rng(seed)
    hard = rng.uniform(0.3, 0.6, N)
    people = np.stack([hard, hard + 0.05], axis=1) + rng.normal(0, 0.05, (N, 2))
    judge = people + np.array([0.0, 0.1]) + rng.normal(0, 0.03, (N, 2))
    return judge, people


JUDGE, PEOPLE = outputs()


def scores(judge: np.ndarray, **fields: Any) -> tuple[ItemScore, ...]:
    return tuple(
        ItemScore(f"{k}{arm}", f"i{k:04d}", arm, "quality", float(value), fingerprint="j", **fields)
        for k, pair in enumerate(judge)
        for arm, value in zip(("old", "new"), pair, strict=True)
    )


def ratings(people: np.ndarray, rater: str = "ann", start: int = 0, **fields: Any) -> tuple[Rating, ...]:
    return tuple(
        Rating(f"{rater}{k}{arm}{fields}", f"i{k + start:04d}", rater, arm, float(value), **fields)
        for k, pair in enumerate(people)
        for arm, value in zip(("old", "new"), pair, strict=True)
    )


def ask(**fields: Any) -> Any:
    return signal("judge", estimate="corrected", margin=margin(0.02), **fields)


def test_corrected_by_people() -> None:
    numbers = measure(ask(), evidence(scores=scores(JUDGE), human=ratings(PEOPLE[:GRADED])))
    found = numbers.estimates["corrected"]
    f, h = JUDGE[:, 1] - JUDGE[:, 0], PEOPLE[:, 1] - PEOPLE[:, 0]
    want = corrected_mean(f, [float(x) if k < GRADED else None for k, x in enumerate(h)], range(N), 0.95)
    assert (found.low, found.high) == pytest.approx((want.difference.low, want.difference.high))
    assert found.candidate - found.control == pytest.approx(found.effect)  # type: ignore[operator]
    assert 0.04 < found.effect < 0.06 < 0.13 < numbers.estimates["raw"].effect  # type: ignore[operator]
    assert "corrected by 1 rater on 80 of 200 items" in found.method
    people = numbers.estimates["human"]
    interval = scipy_stats.ttest_1samp(h[:GRADED], 0).confidence_interval(0.95)
    assert (people.low, people.high) == pytest.approx((interval.low, interval.high))
    assert people.high - people.low > found.high - found.low  # type: ignore[operator]
    bias = numbers.estimates["judge_bias"]
    assert bias.effect == pytest.approx((f - h)[:GRADED].mean())
    assert bias.low > 0.05  # type: ignore[operator]
    assert measured(numbers, "min_overlap") == GRADED
    reading = read(ask(), numbers, AS_OF)
    assert (reading.state, reading.effect) == ("win", found.effect)


def test_raters_are_averaged_within_themselves() -> None:
    # Bob is harsh, but as harsh on both; Carl graded one output only, and says nothing where others graded both.
    harsh = ratings(PEOPLE[:GRADED] - 0.3, "bob")
    half = tuple(one for one in ratings(PEOPLE[:GRADED] * 0, "carl") if one.variant == "old")
    alone = measure(ask(), evidence(scores=scores(JUDGE), human=ratings(PEOPLE[:GRADED])))
    more = measure(
        ask(human_scale=(-1.0, 1.0)),
        evidence(scores=scores(JUDGE), human=(*ratings(PEOPLE[:GRADED]), *harsh, *half)),
    )
    assert more.estimates["human"].effect == pytest.approx(alone.estimates["human"].effect / 2)  # type: ignore[operator]
    three = measure(
        ask(),
        evidence(
            scores=scores(JUDGE),
            human=tuple(
                replace(one, rater=name, record=f"{name}{one.record}")
                for name in ("x", "y", "z")
                for one in ratings(PEOPLE[:GRADED])
            ),
        ),
    )
    assert any("one rater" in warning for warning in alone.estimates["corrected"].warnings)
    assert not any("one rater" in warning for warning in more.estimates["corrected"].warnings)
    assert "3 raters" in three.estimates["corrected"].method
    assert "2 raters" in more.estimates["corrected"].method


def test_the_latest_attempt_counts() -> None:
    first = ratings(PEOPLE[:GRADED] * 0 + 0.5, attempt=1)
    numbers = measure(ask(), evidence(scores=scores(JUDGE), human=(*ratings(PEOPLE[:GRADED], attempt=2), *first)))
    plain = measure(ask(), evidence(scores=scores(JUDGE), human=ratings(PEOPLE[:GRADED])))
    assert numbers.estimates["corrected"] == plain.estimates["corrected"]


def test_grades_on_another_scale_need_a_declared_one() -> None:
    stars = 1 + 4 * PEOPLE[:GRADED]
    numbers = measure(ask(), evidence(scores=scores(JUDGE), human=ratings(stars)))
    reading = read(ask(), numbers, AS_OF)
    assert reading.state == "untrusted"
    assert "declare human_scale" in reading.why
    assert measured(numbers, "min_overlap") == GRADED  # how many they graded does not depend on the scale
    mapped = measure(ask(human_scale=(1.0, 5.0)), evidence(scores=scores(JUDGE), human=ratings(stars)))
    plain = measure(ask(), evidence(scores=scores(JUDGE), human=ratings(PEOPLE[:GRADED])))
    assert mapped.estimates["corrected"].effect == pytest.approx(plain.estimates["corrected"].effect)
    narrow = measure(ask(human_scale=(1.0, 2.0)), evidence(scores=scores(JUDGE), human=ratings(stars)))
    assert "outside human_scale" in str(narrow.estimates["corrected"].refused)


@pytest.mark.parametrize("better", ["higher", "lower"])
@pytest.mark.parametrize("estimate", ["corrected", "raw"])
def test_grades_that_run_the_other_way_are_turned_around(better: str, estimate: str) -> None:
    """Mirrored stars of a panel with the other ``better`` say of the judge what the stars themselves say."""
    stars = np.round(1.0 + 4.0 * PEOPLE[:GRADED])
    twice = (*ratings(stars), *ratings(np.clip(stars + 1.0, 1.0, 5.0)[::2], "bob"))
    other = tuple(replace(one, value=6.0 - float(one.value or 0.0)) for one in twice)
    ways = {"human_scale": (1.0, 5.0), "better": better, "estimate": estimate}
    plain = measure(signal("judge", **ways), evidence(scores=scores(JUDGE), human=twice))
    turned = measure(signal("judge", people="mirrored", **ways), evidence(scores=scores(JUDGE), human=other))
    assert plain.estimates.keys() == turned.estimates.keys() >= {"human", "judge_bias", "corrected"}
    for name, one in plain.estimates.items():
        also = turned.estimates[name]
        for part in ("effect", "low", "high", "se", "control", "candidate", "p_value"):
            assert getattr(also, part) == pytest.approx(getattr(one, part), abs=1e-12), (name, part)
    assert turned.components == pytest.approx(plain.components)
    for measure_, also_ in zip(plain.measures, turned.measures, strict=True):
        assert also_.value == pytest.approx(measure_.value, abs=1e-12), measure_.name
        assert (also_.low, also_.high) == pytest.approx((measure_.low, measure_.high)), measure_.name
    assert "turned around" in turned.estimates["human"].method
    seen = []
    for asked, given in ((signal("judge", **ways), twice), (signal("judge", people="mirrored", **ways), other)):
        whole = evidence(scores=scores(JUDGE), human=given)
        seen.append(labels_of(asked, whole, sort_out(asked, whole, Tray()).items, "pp").cells)
    assert [one[:2] for one in seen[1]] == [one[:2] for one in seen[0]]
    assert [one[2] for one in seen[1]] == pytest.approx([one[2] for one in seen[0]])
    # Without turning them, the same people are against the judge.
    wrong = measure(signal("judge", **ways), evidence(scores=scores(JUDGE), human=other))
    assert (measured(wrong, "human_agreement") or 0.0) < 0.0 < (measured(turned, "human_agreement") or 0.0)


def test_grades_that_cannot_be_turned_around_correct_nothing() -> None:
    stars = np.round(1.0 + 4.0 * PEOPLE[:GRADED])
    mixed = measure(
        signal("judge", people="mixed", human_scale=(1.0, 5.0)), evidence(scores=scores(JUDGE), human=ratings(stars))
    )
    assert not {"corrected", "human", "judge_bias"} & mixed.estimates.keys()
    assert measured(mixed, "human_agreement") is None
    assert measured(mixed, "min_overlap") == GRADED
    points = measure(
        signal("judge", people="mirrored", estimate="corrected"),
        evidence(scores=scores(1.0 + 4.0 * JUDGE), human=ratings(6.0 - stars)),
    )
    assert "record both the same way round" in str(points.estimates["corrected"].refused)
    assert (measured(points, "human_agreement") or 0.0) > 0.5  # ranks need no scale


def test_points() -> None:
    judge, stars = (1 + 4 * JUDGE).round(), (1 + 4 * PEOPLE[:GRADED]).round()
    numbers = measure(ask(), evidence(scores=scores(judge), human=ratings(stars)))
    assert numbers.unit == "points"
    assert numbers.estimates["corrected"].low is not None
    votes = measure(ask(), evidence(scores=scores(judge), human=ratings((PEOPLE[:GRADED] > 0.45).astype(float))))
    assert "different scales" in str(votes.estimates["corrected"].refused)
    hundred = measure(ask(), evidence(scores=scores(judge), human=ratings(100 * PEOPLE[:GRADED])))
    assert "different scales" in str(hundred.estimates["corrected"].refused)
    declared = measure(ask(human_scale=(1.0, 5.0)), evidence(scores=scores(judge), human=ratings(stars)))
    assert "not in 0..1" in str(declared.estimates["corrected"].refused)


def test_one_of_several_questions() -> None:
    human = (*ratings(PEOPLE[:GRADED], dimension="tone"), *ratings(1 - PEOPLE[:GRADED], dimension="length"))
    given = evidence(scores=scores(JUDGE), human=human)
    numbers = measure(ask(), given)
    assert "several questions (length, tone)" in str(numbers.estimates["corrected"].refused)
    assert "human" not in numbers.estimates
    chosen = measure(ask(dimension="tone"), given)
    assert 0.04 < chosen.estimates["corrected"].effect < 0.06  # type: ignore[operator]
    assert measured(chosen, "human_agreement") > 0.5  # type: ignore[operator]
    absent = measure(ask(dimension="style"), given)
    assert "not asked for 'style'" in str(absent.estimates["corrected"].refused)


@pytest.mark.parametrize(
    "labelled, why", [(0, "no human ratings"), (19, "19 items under both variants; 20 are needed")]
)
def test_too_few_labels_are_refused(labelled: int, why: str) -> None:
    given = evidence(scores=scores(JUDGE), human=ratings(PEOPLE[:labelled]))
    reading = read(ask(), measure(ask(), given), AS_OF)
    assert (reading.state, reading.effect) == ("untrusted", None)
    assert why in reading.why
    assert set(measure(signal("judge"), given).estimates) == {"raw"}


def test_grades_of_one_arm_correct_nothing() -> None:
    half = tuple(one for one in ratings(PEOPLE[:GRADED]) if one.variant == "old")
    numbers = measure(ask(), evidence(scores=scores(JUDGE), human=half))
    assert "no item under both variants" in str(numbers.estimates["corrected"].refused)
    assert measured(numbers, "min_overlap") == 0


def test_stratified_by_the_first_segment_with_labels_enough() -> None:
    judge = JUDGE.copy()
    judge[::2, 1] += 0.2
    made = tuple(
        replace(one, segment=(("few", "x" if one.item < "i0010" else "y"), ("plan", "ab"[int(one.item[1:]) % 2])))
        for one in scores(judge)
    )
    numbers = measure(ask(segments=("few", "plan")), evidence(scores=made, human=ratings(PEOPLE[:GRADED])))
    found = numbers.estimates["corrected"]
    assert "stratified by plan" in found.method
    whole = measure(ask(), evidence(scores=made, human=ratings(PEOPLE[:GRADED]))).estimates["corrected"]
    assert "stratified" not in whole.method
    assert found.high - found.low < 0.9 * (whole.high - whole.low)  # type: ignore[operator]
    assert found.candidate - found.control == pytest.approx(found.effect)  # type: ignore[operator]


def pass_fail(seed: int, rates: tuple[float, float], others: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    people = rng.random((N, 2)) < np.array([rates] * GRADED + [others] * (N - GRADED))
    judge = np.where(people, rng.random((N, 2)) < 0.95, rng.random((N, 2)) < 0.1)
    return judge.astype(float), people.astype(float)


def test_labels_from_another_population() -> None:
    judge, people = pass_fail(2, (0.2, 0.8), (0.7, 0.7))
    numbers = measure(ask(), evidence(scores=scores(judge), human=ratings(people[:GRADED])))
    assert measured(numbers, "label_balance_p") < 0.001  # type: ignore[operator]
    found = numbers.estimates["corrected"]
    assert "Rogan-Gladen" in found.method
    assert "Rogan-Gladen" in found.warnings[0]
    assert found.effect == numbers.estimates["rogan_gladen"].effect
    assert found.effect == pytest.approx((people[:, 1] - people[:, 0]).mean(), abs=0.1)
    # Graded scores have no error rates: then the warning stands alone.
    soft = measure(ask(), evidence(scores=scores(judge * 0.9), human=ratings(people[:GRADED])))
    assert "PPI++" in soft.estimates["corrected"].method
    assert "may not carry over" in soft.estimates["corrected"].warnings[0]


def test_label_balance_is_welch() -> None:
    numbers = measure(ask(), evidence(scores=scores(JUDGE), human=ratings(PEOPLE[:GRADED])))
    f = JUDGE[:, 1] - JUDGE[:, 0]
    oracle = scipy_stats.ttest_ind(f[:GRADED], f[GRADED:], equal_var=False).pvalue
    assert measured(numbers, "label_balance_p") == pytest.approx(oracle)
    everything = measure(ask(), evidence(scores=scores(JUDGE), human=ratings(PEOPLE)))
    assert measured(everything, "label_balance_p") == 1


def test_hardly_any_change_falls_back_on_people() -> None:
    judge, people = pass_fail(3, (0.95, 0.95), (0.95, 0.95))
    people[:, 1] = people[:, 0]
    people[:3, 1] = 1 - people[:3, 0]
    numbers = measure(ask(), evidence(scores=scores(judge), human=ratings(people[:GRADED])))
    found = numbers.estimates["corrected"]
    assert "Tango" in found.method
    assert "only 3 items: graded items alone" in found.warnings[0]
    assert (found.low, found.high) == (numbers.estimates["human"].low, numbers.estimates["human"].high)


def test_arms_swapped_and_order() -> None:
    given = evidence(scores=scores(JUDGE), human=ratings(PEOPLE[:GRADED]))
    turned = evidence(scores=scores(JUDGE[:, ::-1]), human=ratings(PEOPLE[:GRADED, ::-1]))
    for name in ("corrected", "human", "judge_bias"):
        one, other = (measure(ask(), some).estimates[name] for some in (given, turned))
        assert (other.effect, other.low, other.high) == pytest.approx((-one.effect, -one.high, -one.low))  # type: ignore[operator]
    shuffled = evidence(scores=given.scores[::-1], human=given.human[::-1])
    assert canonical(measure(ask(), shuffled)) == canonical(measure(ask(), given))


def test_raters_are_a_sample_as_they_are_in_a_panel() -> None:
    rng = np.random.default_rng(8)
    tastes = {f"r{k:02}": taste for k, taste in enumerate(rng.normal(0, 0.05, 12))}
    given: tuple[Rating, ...] = ()
    for rater, taste in tastes.items():
        noise = rng.normal(0, 0.02, (GRADED, 2))
        given += ratings(PEOPLE[:GRADED] + np.array([0.0, taste]) + noise, rater)
    found = measure(ask(), evidence(scores=scores(JUDGE), human=given)).estimates
    panel = measure(signal("panel", margin=margin(0.02)), evidence(ratings=given)).estimates["raw"]
    people = found["human"]
    assert (people.effect, people.low, people.high) == pytest.approx((panel.effect, panel.low, panel.high), abs=4e-4)
    assert "raters random" in found["corrected"].method
    assert not found["corrected"].warnings
    # The judge knows nothing of the raters: it can help with the items only.
    assert 0.9 * people.se < found["corrected"].se < people.se  # type: ignore[operator]
    few = tuple(one for one in given if one.rater < "r04")
    assert "only 4 raters" in measure(ask(), evidence(scores=scores(JUDGE), human=few)).estimates["human"].warnings[-1]


def test_a_judge_that_sees_more_than_people_warns() -> None:
    numbers = measure(
        signal("judge", margin=margin(0.02)), evidence(scores=scores(JUDGE), human=ratings(PEOPLE[:GRADED]))
    )
    assert measured(numbers, "judge_bias_p") == numbers.estimates["judge_bias"].p_value
    assert read(signal("judge", margin=margin(0.02)), numbers, AS_OF).checks["judge_bias_p"].status == "warn"
    fair = measure(signal("judge"), evidence(scores=scores(PEOPLE), human=ratings(PEOPLE[:GRADED])))
    assert measured(fair, "judge_bias_p") == 1.0
    assert measured(measure(signal("judge"), evidence(scores=scores(JUDGE))), "judge_bias_p") is None
