from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from reading_kit import AS_OF, evidence, measured, signal
from scipy import stats as scipy_stats

from signals.model import ItemScore, Numbers
from signals.readings import measure, read
from signals.words import number

EARLY, LATE = datetime(2026, 6, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)


def score(item: int, arm: str, value: float, judge: str = "j1", number: int = 0, **fields: Any) -> ItemScore:
    name = f"{item}{arm}{judge}{number}"
    return ItemScore(name, f"i{item:03d}", arm, "quality", value, fingerprint=judge, repeat=number, **fields)


def both(values: np.ndarray, judge: str = "j1", number: int = 0, **fields: Any) -> tuple[ItemScore, ...]:
    return tuple(
        score(item, arm, float(value), judge, number, **fields)
        for item, pair in enumerate(values)
        for arm, value in zip(("old", "new"), pair, strict=True)
    )


def of(*scores: ItemScore) -> Numbers:
    return measure(signal("judge"), evidence(scores=scores))


def why(numbers: Numbers, name: str) -> str:
    return {one.name: one.why for one in numbers.measures}[name].replace("−", "-")


VALUES = np.random.default_rng(1).uniform(0.2, 0.9, (40, 2))
CATALOGUED = (
    "min_items", "paired", "same_judge", "independent_judge", "max_error_rate", "coverage", "min_effective_items",
    "human_agreement", "max_mix_shift",
    "min_overlap", "label_balance_p", "judge_bias_p", "judge_drift_p", "max_length_bias", "max_ceiling",
    "max_golden_age", "max_duplicates", "max_leaked", "max_set_aside", "heterogeneity_p", "max_reversals",
)  # fmt: skip


def test_every_check_of_a_judge_is_measured_once() -> None:
    for scores in ((), both(VALUES)):
        names = [one.name for one in of(*scores).measures]
        assert sorted(names) == sorted(CATALOGUED)


def test_what_the_source_does_not_say_is_unknown_with_a_reason() -> None:
    numbers = of(*both(VALUES))
    for name in ("max_length_bias", "max_golden_age", "max_duplicates", "max_leaked", "judge_drift_p"):
        assert measured(numbers, name) is None
        assert why(numbers, name)


# --- drift ----------------------------------------------------------------------------------------------------------


def test_drift_between_versions_on_anchors() -> None:
    rng = np.random.default_rng(2)
    gaps = rng.normal(0.05, 0.05, 15)
    anchors = tuple(score(k, "old", float(VALUES[k, 0] + gap), "j0", at=EARLY) for k, gap in enumerate(gaps))
    numbers = of(*both(VALUES, "j1", at=LATE), *anchors)
    # j1 is the newer, so the gap is minus what was added to the older one.
    oracle = scipy_stats.ttest_1samp(-gaps, 0)
    assert measured(numbers, "judge_drift_p") == pytest.approx(oracle.pvalue)
    assert f"j1 minus j0 on 15 outputs: {-gaps.mean():+.3g}" in why(numbers, "judge_drift_p")
    # The anchors are no fault of the comparison, and no part of it.
    assert measured(numbers, "same_judge") == 1
    assert numbers.estimates["raw"].effect == pytest.approx((VALUES[:, 1] - VALUES[:, 0]).mean())
    assert read(signal("judge"), numbers, AS_OF).checks["judge_drift_p"].status == "warn"


def test_both_outputs_of_an_item_are_one_observation_of_drift() -> None:
    rng = np.random.default_rng(3)
    shift = rng.normal(0.0, 0.1, 40)[:, None]
    numbers = of(*both(VALUES, "j0", at=EARLY), *both(VALUES + shift, "j1", at=LATE))
    assert measured(numbers, "judge_drift_p") == pytest.approx(scipy_stats.ttest_1samp(shift[:, 0], 0).pvalue)


def test_a_jury_does_not_drift_and_is_shown_one_by_one() -> None:
    numbers = of(*both(VALUES, "j0", at=EARLY), *both(0.9 * VALUES[:, ::-1], "j1", at=EARLY))
    assert measured(numbers, "judge_drift_p") is None
    assert "jury" in why(numbers, "judge_drift_p")
    one, other = numbers.estimates["judge:j0"], numbers.estimates["judge:j1"]
    assert (0.9 * one.low, 0.9 * one.high) == pytest.approx((-other.high, -other.low))  # type: ignore[operator]
    raw = numbers.estimates["raw"]
    assert raw.effect == pytest.approx((one.effect + other.effect) / 2)  # type: ignore[operator]
    assert "mean of 2 judges, taken as these very ones (fixed)" in raw.method


def test_without_times_the_name_tells_which_is_newer() -> None:
    shifted = VALUES + np.random.default_rng(4).normal(0.1, 0.05, (40, 1))
    assert "v2 minus v1 on 80 outputs: +0.09" in why(of(*both(VALUES, "v1"), *both(shifted, "v2")), "judge_drift_p")


def test_the_newest_version_is_held_against_the_one_before() -> None:
    rng = np.random.default_rng(9)
    versions = [both(VALUES + rng.normal(0, 0.01, (40, 1)), f"v{k}") for k in (1, 2, 3)]
    few = both(VALUES[:4], "v4")  # eight outputs are too few anchors
    assert why(of(*versions[0], *versions[1], *versions[2], *few), "judge_drift_p").startswith("v3 minus v2 on 80")
    assert why(of(*versions[0], *few), "judge_drift_p").startswith("fewer than 10 outputs")


def test_a_constant_shift_is_certain_drift_and_none_is_none() -> None:
    assert measured(of(*both(VALUES, "v1"), *both(VALUES, "v2")), "judge_drift_p") == 1
    steps = np.tile([0.25, 0.5], (40, 1))
    assert measured(of(*both(steps, "v1"), *both(steps + 0.25, "v2")), "judge_drift_p") == 0


def test_a_rubric_per_item_is_no_second_version() -> None:
    numbers = of(*(replace(one, fingerprint=f"rubric {one.item}") for one in both(VALUES)))
    assert measured(numbers, "judge_drift_p") is None
    assert not [name for name in numbers.estimates if name.startswith("judge:")]


# --- the golden set -------------------------------------------------------------------------------------------------


def test_length_bias_and_the_effect_at_equal_length() -> None:
    rng = np.random.default_rng(5)
    longer = rng.normal(100, 50, 40)
    values = np.stack([np.full(40, 0.3), 0.3 + 0.002 * longer + rng.normal(0, 0.02, 40)], axis=1)
    scores = tuple(
        replace(one, length=200.0 + (longer[int(one.item[1:])] if one.variant == "new" else 0.0))
        for one in both(values)
    )
    numbers = of(*scores)
    d = values[:, 1] - values[:, 0]
    assert measured(numbers, "max_length_bias") == pytest.approx(scipy_stats.spearmanr(d, longer).statistic)
    at_equal = scipy_stats.linregress(longer, d).intercept
    told = number(at_equal, "pp", signed=True)
    assert f"at equal length its effect would be {told} instead of" in why(numbers, "max_length_bias")
    assert read(signal("judge"), numbers, AS_OF).checks["max_length_bias"].status == "warn"
    turned = of(*(replace(one, variant="old" if one.variant == "new" else "new") for one in scores))
    assert measured(turned, "max_length_bias") == pytest.approx(measured(numbers, "max_length_bias"))
    assert measured(of(*scores[:20]), "max_length_bias") is None


def test_ceiling() -> None:
    top = np.array([[1.0, 1.0]] * 30 + [[0.0, 1.0]] * 5 + [[0.5, 0.5]] * 5)
    assert measured(of(*both(top)), "max_ceiling") == pytest.approx(30 / 40)
    assert measured(of(*both(5 * top)), "max_ceiling") == pytest.approx(30 / 40)
    assert measured(of(*both(0.9 * top)), "max_ceiling") == 0  # a score of .9 is not the top of 0..1


def test_age_of_the_median_item() -> None:
    made = [LATE - timedelta(days=10 * k) for k in range(41)]
    scores = tuple(replace(one, made=made[int(one.item[1:])], at=LATE) for one in both(VALUES))
    numbers = of(*scores)
    assert measured(numbers, "max_golden_age") == pytest.approx(200 * 86_400)
    assert read(signal("judge"), numbers, AS_OF).checks["max_golden_age"].status == "pass"
    assert measured(of(*(replace(one, at=None) for one in scores)), "max_golden_age") is None


def test_duplicates_of_another_cluster() -> None:
    def content(one: ItemScore) -> str:
        return f"c{min(int(one.item[1:]), 35)}"  # 35 to 39 ask the same

    scores = tuple(replace(one, content=content(one)) for one in both(VALUES))
    assert measured(of(*scores), "max_duplicates") == pytest.approx(5 / 40)
    together = tuple(replace(one, cluster="same" if content(one) == "c35" else "") for one in scores)
    assert measured(of(*together), "max_duplicates") == 0


def test_leaked_items() -> None:
    scores = tuple(replace(one, leaked={0: True, 1: False, 2: False}.get(int(one.item[1:]))) for one in both(VALUES))
    numbers = of(*scores)
    assert measured(numbers, "max_leaked") == pytest.approx(1 / 3)
    assert "known of 3 of 40 items" in why(numbers, "max_leaked")
    assert read(signal("judge"), numbers, AS_OF).checks["max_leaked"].status == "warn"


def test_the_effect_without_what_leaked_stands_beside() -> None:
    """Learnt by heart: the ten leaked items gain 0.5 and the others nothing on the whole."""
    rng = np.random.default_rng(10)
    values = np.stack([np.full(40, 0.3), 0.3 + rng.normal(0, 0.05, 40)], axis=1)
    values[:10, 1] = 0.8
    scores = tuple(replace(one, leaked=int(one.item[1:]) < 10 or None) for one in both(values))
    numbers = of(*scores)
    rest = values[10:, 1] - values[10:, 0]
    oracle = scipy_stats.ttest_1samp(rest, 0).confidence_interval(0.95)
    without = numbers.estimates["not_leaked"]
    assert (without.effect, without.n_control) == (pytest.approx(rest.mean()), 30)
    assert (without.low, without.high) == pytest.approx((oracle.low, oracle.high))
    whole = float((values[:, 1] - values[:, 0]).mean())
    told = f"without them the raw effect is {number(float(rest.mean()), 'pp', signed=True)}"
    assert told.replace("−", "-") in why(numbers, "max_leaked")
    assert why(numbers, "max_leaked").endswith(f"instead of {number(whole, 'pp', signed=True)}")
    # The number that votes is the one that was asked for: leaks are told, not cut out in silence.
    assert numbers.estimates["raw"].effect == pytest.approx(whole)
    for share in (0, 40):
        all_or_none = of(*(replace(one, leaked=int(one.item[1:]) < share) for one in both(values)))
        assert "not_leaked" not in all_or_none.estimates
        assert "without" not in why(all_or_none, "max_leaked")


# --- the raw estimate -----------------------------------------------------------------------------------------------


def test_repeats_give_components_for_planning() -> None:
    rng = np.random.default_rng(6)
    truth = rng.normal(0, 0.1, (300, 2))
    runs = [both(0.5 + truth + rng.normal(0, 0.05, truth.shape), number=k) for k in range(3)]
    numbers = of(*(one for run in runs for one in run))
    assert numbers.components["item"] == pytest.approx(0.02, rel=0.3)
    assert numbers.components["repeat"] == pytest.approx(0.005, rel=0.2)
    assert of(*runs[0]).components == {}
    clustered = of(*(replace(one, cluster=f"c{int(one.item[1:]) // 3}") for run in runs for one in run))
    assert clustered.components == {}  # between items of a cluster and between clusters are two things


def test_components_of_a_jury_with_repeats() -> None:
    """Two judges of two repeats each leave a quarter of the noise of one repeat in an item's mean."""
    rng = np.random.default_rng(8)
    truth = 0.5 + rng.normal(0, 0.1, (300, 2))
    scores = [
        one
        for judge in ("j0", "j1")
        for k in range(2)
        for one in both(truth + rng.normal(0, 0.1, truth.shape), judge, number=k)
    ]
    found = of(*scores).components
    assert found["repeat"] == pytest.approx(0.02, rel=0.15)
    assert found["item"] == pytest.approx(0.02, rel=0.2)


def test_few_changes_and_lopsided_differences_warn() -> None:
    same = np.tile([1.0, 1.0], (60, 1))
    same[:4, 1] = 0.0
    assert "only 4 items changed: the interval may be wider" in of(*both(same)).estimates["raw"].warnings[0]
    soft = np.tile([0.5, 0.5], (60, 1))
    soft[:4, 1] = [0.4, 0.3, 0.1, 0.2]
    assert "only 4 items changed: the interval may be too narrow" in of(*both(soft)).estimates["raw"].warnings[0]
    skewed = np.tile([0.1, 0.1], (60, 1))
    skewed[:, 1] += np.random.default_rng(7).exponential(0.05, 60)
    assert "few items make most" in of(*both(skewed)).estimates["raw"].warnings[0]
    assert of(*both(VALUES)).estimates["raw"].warnings == ()


def test_one_giant_cluster_warns() -> None:
    scores = tuple(replace(one, cluster=f"c{max(0, int(one.item[1:]) - 20)}") for one in both(VALUES))
    assert any("one cluster holds" in warning for warning in of(*scores).estimates["raw"].warnings)


def test_segments_bring_their_checks_and_the_worst() -> None:
    plans = ["a", "b", "c", "d"]
    scores = tuple(replace(one, segment=(("plan", plans[int(one.item[1:]) % 4]),)) for one in both(VALUES))
    numbers = measure(signal("judge", segments=("plan",)), evidence(scores=scores))
    assert [one.name for one in numbers.segments] == [f"plan={plan}" for plan in plans]
    assert measured(numbers, "heterogeneity_p") is not None
    assert "worst_segment" in numbers.estimates
