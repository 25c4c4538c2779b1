from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from reading_kit import AS_OF, evidence, margin, measured, signal
from scipy import stats as scipy_stats

from signals.model import ItemScore, MixShare, Rating, canonical
from signals.readings import measure, read
from signals.stats.ranks import spearman


def score(item: object, variant: str, value: float | None, **fields: Any) -> ItemScore:
    made: dict[str, Any] = {"scorer": "quality", "fingerprint": "judge-1"}
    made.update(fields)
    if value is None:
        made.setdefault("error", "judge_error")
    number = made.pop("number", 0)
    return ItemScore(
        f"{item}/{variant}/{made['scorer']}/{made['fingerprint']}/{number}", str(item), variant, value=value, **made
    )


def both(values: list[tuple[float, float]], **fields: Any) -> tuple[ItemScore, ...]:
    return tuple(
        score(item, arm, value, **fields)
        for item, pair in enumerate(values)
        for arm, value in zip(("old", "new"), pair, strict=True)
    )


GRADED = [(3.0, 4.0), (2.0, 2.5), (5.0, 4.0), (1.0, 3.0), (4.0, 4.5), (2.0, 4.0)]


def test_graded_scores_are_the_paired_t() -> None:
    numbers = measure(signal("judge"), evidence(scores=both(GRADED)))
    raw = numbers.estimates["raw"]
    interval = scipy_stats.ttest_rel([b for _, b in GRADED], [a for a, _ in GRADED]).confidence_interval(0.95)
    assert (raw.low, raw.high) == pytest.approx((interval.low, interval.high))
    assert (raw.control, raw.candidate) == pytest.approx((17 / 6, 22 / 6))
    assert (raw.n_control, raw.n_candidate, raw.df) == (6, 6, 5)
    assert (numbers.unit, numbers.counted, numbers.voting) == ("points", "items", "raw")
    assert any("rough" in warning for warning in raw.warnings)


def test_arms_swapped_flips_the_sign() -> None:
    one = measure(signal("judge"), evidence(scores=both(GRADED))).estimates["raw"]
    other = measure(signal("judge"), evidence(scores=both([(b, a) for a, b in GRADED]))).estimates["raw"]
    assert (other.effect, other.low, other.high) == pytest.approx((-one.effect, -one.high, -one.low))  # type: ignore[operator]


def test_pass_fail_gets_the_score_interval() -> None:
    values = [(0.0, 1.0)] * 12 + [(1.0, 0.0)] * 2 + [(1.0, 1.0)] * 36
    numbers = measure(signal("judge"), evidence(scores=both(values)))
    raw = numbers.estimates["raw"]
    assert "Tango" in raw.method
    assert raw.effect == pytest.approx(0.2)
    assert (raw.control, raw.candidate) == pytest.approx((38 / 50, 48 / 50))
    assert (raw.low, raw.high) == pytest.approx((0.0611, 0.3447), abs=1e-4)
    assert numbers.unit == "pp"


def test_pass_fail_in_clusters_or_with_repeats_does_not() -> None:
    values = [(0.0, 1.0)] * 12 + [(1.0, 0.0)] * 2 + [(1.0, 1.0)] * 36
    clustered = tuple(
        score(item, arm, value, cluster=f"c{item % 20}")
        for item, pair in enumerate(values)
        for arm, value in zip(("old", "new"), pair, strict=True)
    )
    assert "CRV3 over 20 clusters" in measure(signal("judge"), evidence(scores=clustered)).estimates["raw"].method
    repeated = (*both(values), *both(values, repeat=1, number=1))
    raw = measure(signal("judge"), evidence(scores=repeated)).estimates["raw"]
    assert "CRV3 over items" in raw.method
    assert raw.n_control == 50  # a repeat is not an item


def test_repeats_are_averaged_before_pairing() -> None:
    scores = (
        score("a", "old", 1.0), score("a", "new", 0.0), score("a", "new", 1.0, number=1, repeat=1),
        score("b", "old", 0.0), score("b", "new", 0.25),
    )  # fmt: skip
    raw = measure(signal("judge"), evidence(scores=scores)).estimates["raw"]
    assert raw.effect == pytest.approx((-0.5 + 0.25) / 2)


def test_a_judge_version_of_one_arm_does_not_count() -> None:
    scores = (
        *both(GRADED),
        *(score(item, "old", 4.0) for item in range(6, 40)),
        *(score(item, "new", 5.0, fingerprint="judge-2") for item in range(6, 40)),
    )
    numbers = measure(signal("judge"), evidence(scores=scores))
    assert numbers.estimates["raw"].n_control == 6
    assert measured(numbers, "same_judge") == 0
    assert [(entry.rows, entry.variant) for entry in numbers.set_aside if "judge version" in entry.why] == [
        (34, "new"),
        (34, "old"),
    ]
    assert not any(entry.fault for entry in numbers.set_aside)
    reading = read(signal("judge", trust={"same_judge": 1.0}), numbers, AS_OF)
    assert reading.state == "untrusted"
    assert "68 scores by a judge version" in reading.why


def test_a_rubric_per_item_is_still_one_judge_per_item() -> None:
    """promptfoo bakes the rubric into the fingerprint; an item that one arm lacks says nothing of the judge."""
    scores = tuple(replace(one, fingerprint=f"rubric-{one.item}") for one in both(GRADED))
    numbers = measure(signal("judge"), evidence(scores=(*scores, score(99, "old", 3.0, fingerprint="rubric-99"))))
    assert measured(numbers, "same_judge") == 1
    assert numbers.estimates["raw"].n_control == 6


def test_a_source_that_names_no_judge_is_not_trusted_to_have_one() -> None:
    numbers = measure(signal("judge"), evidence(scores=both(GRADED, fingerprint="")))
    assert measured(numbers, "same_judge") is None
    reading = read(signal("judge", trust={"same_judge": 1.0}), numbers, AS_OF)
    assert reading.state == "untrusted"
    assert "scorer_version" in reading.why


def test_no_common_judge_gives_no_number() -> None:
    scores = tuple(score(i, arm, 1.0 * i, fingerprint=arm) for i in range(40) for arm in ("old", "new"))
    numbers = measure(signal("judge"), evidence(scores=scores))
    raw = numbers.estimates["raw"]
    assert (raw.effect, raw.low, raw.n_control) == (None, None, 40)
    assert measured(numbers, "same_judge") == 0
    reading = read(signal("judge", margin=margin(0.1)), numbers, AS_OF)
    assert (reading.state, reading.why) == ("untrusted", "the two arms were scored by different judge versions")


def test_two_judges_of_both_arms_are_averaged_within_items() -> None:
    scores = (*both(GRADED), *both([(b, a) for a, b in GRADED], fingerprint="judge-2"))
    numbers = measure(
        signal("judge"), evidence(scores=(*scores, score(77, "old", 1.0), score(77, "new", 9.0, fingerprint="judge-2")))
    )
    assert measured(numbers, "same_judge") == 0  # because of item 77
    assert measured(numbers, "min_items") == 6  # item 77 has no judge that scored both of its outputs
    assert measured(numbers, "paired") == pytest.approx(6 / 7)


def test_errors_are_not_scores() -> None:
    values: list[tuple[float | None, float | None]] = [(3.0, 4.0), (2.0, None), (None, 3.0), (1.0, 2.5), (2.0, None)]
    numbers = measure(signal("judge"), evidence(scores=both(values)))  # type: ignore[arg-type]
    assert measured(numbers, "max_error_rate") == pytest.approx(2 / 5)
    assert measured(numbers, "min_items") == 2
    assert measured(numbers, "paired") == pytest.approx(2 / 5)
    assert numbers.estimates["raw"].effect == pytest.approx(1.25)
    assert measured(numbers, "max_set_aside") == pytest.approx(3 / 10)
    assert {(entry.why, entry.variant, entry.rows) for entry in numbers.set_aside} == {
        ("no score: judge error", "old", 1),
        ("no score: judge error", "new", 2),
        ("item was scored in one arm only", "old", 2),
        ("item was scored in one arm only", "new", 1),
    }


def test_what_was_skipped_on_purpose_did_not_fail() -> None:
    scores = (*both(GRADED), *(score(f"s{i}", "new", None, error="skipped") for i in range(6)))
    numbers = measure(signal("judge"), evidence(scores=scores))
    assert measured(numbers, "max_error_rate") == 0
    assert measured(numbers, "paired") == pytest.approx(6 / 12)  # but it is not there either


def test_an_arm_of_errors_only_is_missing_evidence() -> None:
    values: list[tuple[float | None, float | None]] = [(3.0, None)] * 5
    numbers = measure(signal("judge"), evidence(scores=both(values)))  # type: ignore[arg-type]
    reading = read(signal("judge"), numbers, AS_OF)
    assert (reading.state, reading.why) == ("missing", "no usable score for new")
    assert measured(numbers, "max_error_rate") == 1


def test_several_scorers_need_a_choice() -> None:
    scores = (*both(GRADED), *both([(b, a) for a, b in GRADED], scorer="tone"))
    numbers = measure(signal("judge"), evidence(scores=scores))
    reading = read(signal("judge"), numbers, AS_OF)
    assert reading.state == "untrusted"
    assert "quality, tone" in reading.why
    chosen = measure(signal("judge", scorer="tone"), evidence(scores=scores))
    assert chosen.estimates["raw"].effect == pytest.approx(-5 / 6)
    assert sum(entry.rows for entry in chosen.set_aside) == 12
    absent = read(
        signal("judge", scorer="speed"), measure(signal("judge", scorer="speed"), evidence(scores=scores)), AS_OF
    )
    assert absent.state == "untrusted"
    assert "quality, tone" in absent.why


def test_disjoint_items_are_untrusted_not_missing() -> None:
    scores = (*(score(i, "old", 1.0) for i in range(9)), *(score(i + 100, "new", 2.0) for i in range(9)))
    reading = read(signal("judge"), measure(signal("judge"), evidence(scores=scores)), AS_OF)
    assert (reading.state, reading.why) == ("untrusted", "no item was scored in both arms")
    assert reading.checks["paired"].value == 0


@pytest.mark.parametrize("asked", ["reweighted", "corrected"])
def test_raw_never_votes_in_another_name(asked: Any) -> None:
    s = signal("judge", estimate=asked, margin=margin(0.1))
    numbers = measure(s, evidence(scores=both(GRADED * 20)))
    reading = read(s, numbers, AS_OF)
    assert (reading.state, reading.voting, reading.effect) == ("untrusted", asked, None)
    assert {"reweighted": "traffic mix", "corrected": "no human ratings"}[asked] in reading.why
    assert numbers.estimates["raw"].low is not None


def human(outputs: dict[tuple[str, str], float], **fields: Any) -> tuple[Rating, ...]:
    return tuple(
        Rating(f"{item}{arm}{fields}", item, fields.get("rater", "ann"), arm, value, fields.get("dimension", ""),
               fields.get("status", "submitted"), fields.get("attempt", 1))
        for (item, arm), value in outputs.items()
    )  # fmt: skip


def test_human_agreement() -> None:
    rng = np.random.default_rng(1)
    values = [(float(a), float(b)) for a, b in rng.integers(1, 6, (15, 2))]
    outputs = {(str(i), arm): v for i, pair in enumerate(values) for arm, v in zip(("old", "new"), pair, strict=True)}
    people = {output: float(value + rng.normal(0, 1.5)) for output, value in outputs.items()}
    oracle = scipy_stats.spearmanr([outputs[o] for o in outputs], [people[o] for o in outputs]).statistic
    scores = both(values)
    found = measured(measure(signal("judge"), evidence(scores=scores, human=human(people))), "human_agreement")
    assert found == pytest.approx(oracle)
    # Withdrawn, skipped and superseded ratings say nothing; a second dimension is averaged in.
    noise = (
        *human(dict.fromkeys(outputs, 99.0), status="skipped", rater="bob"),
        *human({output: float(-v) for output, v in people.items()}, attempt=0),
        *human(people, dimension="tone"),
    )
    again = measured(
        measure(signal("judge"), evidence(scores=scores, human=(*human(people), *noise))), "human_agreement"
    )
    assert again == pytest.approx(oracle)


def test_the_error_of_human_agreement_is_over_items_and_their_clusters() -> None:
    rng = np.random.default_rng(2)
    values = [(float(a), float(b)) for a, b in rng.integers(1, 6, (40, 2))]
    outputs = {(str(i), arm): v for i, pair in enumerate(values) for arm, v in zip(("old", "new"), pair, strict=True)}
    people = {output: float(value + rng.normal(0, 1.5)) for output, value in outputs.items()}

    def found(scores: Any) -> Any:
        numbers = measure(signal("judge"), evidence(scores=tuple(scores), human=human(people)))
        return next(one for one in numbers.measures if one.name == "human_agreement")

    order = sorted(outputs)
    for clusters in ({item: item for item, _ in order}, {item: str(int(item) // 4) for item, _ in order}):
        scores = [replace(one, cluster=clusters[one.item] if len(set(clusters.values())) < 40 else "")
                  for one in both(values)]  # fmt: skip
        oracle = spearman(
            [outputs[one] for one in order], [people[one] for one in order], [clusters[item] for item, _ in order]
        )
        assert oracle is not None
        assert (found(scores).value, found(scores).se) == pytest.approx((oracle.value, oracle.se))


def test_human_agreement_of_few_outputs_is_unknown() -> None:
    people = human({(str(i), "old"): float(i) for i in range(6)})
    numbers = measure(signal("judge"), evidence(scores=both(GRADED), human=people))
    assert measured(numbers, "human_agreement") is None
    reading = read(signal("judge", trust={"human_agreement": 0.5}), numbers, AS_OF)
    assert (reading.state, reading.checks["human_agreement"].status) == ("untrusted", "unknown")
    assert "20 are needed" in reading.why


def test_coverage_of_the_newest_traffic() -> None:
    pro, free = (("plan", "pro"),), (("plan", "free"),)
    scores = both(GRADED, segment=(("locale", "de"), ("plan", "pro")))
    mix = (
        MixShare("1", pro, 0.6, window="2026-10"), MixShare("2", free, 0.4, window="2026-10"),
        MixShare("3", pro, 0.9, window="2026-09"), MixShare("4", free, 0.1, window="2026-09"),
    )  # fmt: skip
    assert measured(measure(signal("judge"), evidence(scores=scores, mix=mix)), "coverage") == pytest.approx(0.6)
    assert measured(measure(signal("judge"), evidence(scores=scores)), "coverage") is None


def test_segments_of_items() -> None:
    scores = (
        *both(GRADED, segment=(("plan", "pro"),)),
        *(
            score(f"x{i}", arm, v, segment=(("plan", "free"),))
            for i, pair in enumerate(GRADED * 2)
            for arm, v in zip(("old", "new"), pair, strict=True)
        ),
    )
    numbers = measure(signal("judge", segments=("plan",)), evidence(scores=scores))
    free, pro = numbers.segments
    assert (free.name, pro.name) == ("plan=free", "plan=pro")
    assert (free.share, pro.share) == pytest.approx((2 / 3, 1 / 3))
    assert pro.adjusted_low < pro.low < pro.effect < pro.high < pro.adjusted_high  # type: ignore[operator]


def test_times_order_and_storage() -> None:
    early, late = datetime(2026, 11, 2, tzinfo=UTC), datetime(2026, 11, 9, tzinfo=UTC)
    scores = (*both(GRADED, at=early), score("z", "old", 2.0, at=late), score("z", "new", 2.0, at=late))
    forward = measure(signal("judge"), evidence(scores=scores))
    assert (forward.first_at, forward.last_at) == (early, late)
    assert canonical(measure(signal("judge"), evidence(scores=scores[::-1]))) == canonical(forward)
