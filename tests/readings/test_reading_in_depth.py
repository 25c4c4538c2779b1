"""What stands behind a judge and a panel: item by item, rater by rater."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from readings.panel_kit import grades, preference, rating
from readings.reading_kit import evidence, signal
from scipy.stats import spearmanr

from signals.model import Evidence, ItemScore, MixShare, Rating
from signals.readings import measure
from signals.readings.judge_people import SHOWN_ITEMS, absent, people_of
from signals.readings.panel_raters import raters_of

AT = datetime(2026, 11, 3, 12, tzinfo=UTC)


def score(item: object, arm: str, value: float) -> ItemScore:
    return ItemScore(f"{item}{arm}", str(item), arm, "j", value, fingerprint="v1", at=AT, segment=(("plan", "free"),))


def pass_fail() -> Evidence:
    """Forty items: the judge passes every candidate; of the first ten, people pass three in the candidate's arm."""
    scores = [score(k, arm, float(arm == "new")) for k in range(40) for arm in ("old", "new")]
    human = [
        rating(k, f"r{r}", arm, float(arm == "new" and k < 3))
        for k in range(10)
        for r in range(2)
        for arm in ("old", "new")
    ]
    return evidence(scores=tuple(scores), human=tuple(human))


def test_items_where_judge_and_people_differ_come_first_with_their_raters() -> None:
    given = pass_fail()
    lonely = rating(9, "r2", "new", 0.0)  # graded one output only: not behind the item's number
    found = people_of(signal("judge"), replace(given, human=(*given.human, lonely)))
    assert (found.compared, found.raters) == (10, 2)
    assert [(one.item, one.judge, one.people, one.raters) for one in found.items[:2]] == [
        ("3", 1.0, 0.0, 2), ("4", 1.0, 0.0, 2),
    ]  # fmt: skip
    assert {one.raters for one in found.items} == {2}
    assert {one.item for one in found.items[-3:]} == {"0", "1", "2"}
    assert found.items[-1].gap == 0.0
    assert found.items[0].segment == (("plan", "free"),)


def test_a_table_of_scores_and_grades_counts_every_grade() -> None:
    directions, by_grade = people_of(signal("judge"), pass_fail()).confusion
    assert (by_grade.judge, by_grade.people) == (("0", "1"), ("0", "1"))
    # The control's outputs: 20 grades of 0 under scores of 0. The candidate's: 14 zeros and 6 ones under scores of 1.
    assert by_grade.counts == ((20, 0), (14, 6))
    assert (by_grade.total, by_grade.same) == (40, 26)
    assert directions.counts == ((3, 7, 0), (0, 0, 0), (0, 0, 0))
    assert directions.same == 3


def test_where_lower_is_better_the_directions_turn() -> None:
    lower = people_of(signal("judge", better="lower"), pass_fail()).confusion[0]
    assert lower.counts == ((0, 0, 0), (0, 0, 0), (0, 7, 3))


def test_a_scale_of_its_own_is_not_called_the_same() -> None:
    given = pass_fail()
    stars = tuple(replace(one, value=1.0 + 4.0 * (one.value or 0.0)) for one in given.human)
    found = people_of(signal("judge", human_scale=(1.0, 5.0)), replace(given, human=stars))
    assert found.items[0].people == 0.0
    assert found.items[-1].people == 1.0
    assert found.confusion[1].people == ("1", "5")
    assert found.confusion[1].same is None


def test_many_different_scores_are_no_categories() -> None:
    given = pass_fail()
    fine = tuple(replace(one, value=round((one.value or 0.0) * 0.5 + k / 200, 4)) for k, one in enumerate(given.scores))
    assert [one.what[:5] for one in people_of(signal("judge"), replace(given, scores=fine)).confusion] == ["items"]


def test_only_the_largest_gaps_are_listed() -> None:
    given = pass_fail()
    everyone = tuple(rating(k, "r0", arm, 0.0) for k in range(40) for arm in ("old", "new"))
    found = people_of(signal("judge"), replace(given, human=everyone))
    assert found.compared == 40
    assert len(found.items) == SHOWN_ITEMS


def test_without_grades_it_says_why_not() -> None:
    given = replace(pass_fail(), human=())
    assert people_of(signal("judge"), given).why_not == "no human ratings of these outputs"
    assert dict(absent(signal("judge"), given)) == {
        "reweighted": "the traffic mix is not known: declare a source of shape traffic_mix",
        "corrected": "no human ratings of these outputs",
    }


def test_too_few_grades_give_no_corrected_estimate_and_a_mix_a_reweighted_one() -> None:
    mix = (MixShare("a", (("plan", "free"),), 1.0),)
    given = pass_fail()
    given = replace(
        given, mix=mix, scores=tuple(replace(one, value=0.0) if one.item == "39" else one for one in given.scores)
    )
    judge = signal("judge")
    assert dict(absent(judge, given)) == {"corrected": "people graded 10 items under both variants; 20 are needed"}
    assert set(measure(judge, given).estimates) & {"reweighted", "corrected"} == {"reweighted"}


def test_raters_one_by_one() -> None:
    rows = grades(items=30, raters=3)
    flat = [rating(k, "straight", arm, 3.0) for k in range(30) for arm in ("old", "new")]
    again = [rating(0, "r1", "old", 4.0, attempt=2), rating(1, "r1", "old", rows[6].value, attempt=2)]
    gold = [Rating(f"g{k}", f"g{k}", "r0", "old", float(value), expected=4.0) for k, value in enumerate((4, 4, 2))]
    found = {one.rater: one for one in raters_of(signal("panel"), evidence(ratings=(*rows, *flat, *again, *gold)))}
    assert list(found) == ["r0", "r1", "r2", "straight"]
    assert [one.straight for one in found.values()] == [False, False, False, True]
    assert (found["r0"].gold, found["r0"].right) == (3, 2)
    assert found["r1"].repeats == 2
    assert found["straight"].difference == 0.0
    assert found["straight"].agreement is None  # one grade for everything has no ranks
    mine = {(one.item, one.variant): one.value for one in rows if one.rater == "r2"}
    assert found["r2"].items == 30
    gaps = [mine[str(k), "new"] - mine[str(k), "old"] for k in range(30)]  # type: ignore[operator]  # all have values
    assert found["r2"].difference == pytest.approx(np.mean(gaps))


def test_agreement_is_the_rank_correlation_with_the_mean_of_the_others() -> None:
    rows = grades(items=12, raters=3)
    found = {one.rater: one for one in raters_of(signal("panel"), evidence(ratings=tuple(rows)))}
    by_output = {(one.item, one.variant, one.rater): one.value for one in rows}
    outputs = sorted({key[:2] for key in by_output})
    own = [by_output[*output, "r0"] for output in outputs]
    rest = [(by_output[*output, "r1"] + by_output[*output, "r2"]) / 2 for output in outputs]  # type: ignore[operator]
    assert found["r0"].agreement == pytest.approx(spearmanr(own, rest).statistic)
    assert found["r0"].shared == 24


def test_choices_have_raters_too() -> None:
    chosen = [preference(k, f"r{r}", ("right", "left", "tie")[(k + r) % 3]) for k in range(12) for r in range(3)]
    both_ways = [preference(0, "r0", "left", left="new")]  # the other order, and the candidate again
    found = {one.rater: one for one in raters_of(signal("panel"), evidence(preferences=(*chosen, *both_ways)))}
    assert [one.items for one in found.values()] == [12, 12, 12]
    assert found["r1"].difference == pytest.approx(0.0)
    assert (found["r0"].repeats, found["r0"].same) == (1, 1)


def test_few_answers_are_not_looked_at() -> None:
    found = raters_of(signal("panel"), evidence(ratings=tuple(grades(items=3, raters=2))))
    assert [(one.straight, one.agreement, one.shared) for one in found] == [(None, None, 6), (None, None, 6)]
    assert raters_of(signal("panel"), evidence()) == ()
