from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reading_kit import AS_OF, evidence, signal

from signals.model import Estimate, FeedbackCell, Interval, Measure, Moments, canonical
from signals.readings import measure, read
from signals.readings.common import estimate, refusal
from signals.readings.segments import Segmented, segmented
from signals.stats.difference import from_se
from signals.stats.shrink import heterogeneity, shrink

Part = tuple[dict[str, str], float, float]
"""(values of the dimensions, effect, standard error; an error of 0 means that the interval is refused)."""


def effect(control: Sequence[Part], candidate: Sequence[Part], confidence: float, parts: int) -> Estimate:
    """The mean over the candidate's parts, as if they were of equal size."""
    del control, parts
    value = float(np.mean([part[1] for part in candidate]))
    error = float(np.sqrt(sum(part[2] ** 2 for part in candidate))) / len(candidate)
    if not error:
        return refusal("no spread", confidence, (10, 10), levels=(0.0, value))
    return estimate(from_se(value, error, confidence), "", confidence, (10, 30))


def told(parts: Sequence[Part], whole: float | None = 0.1, **fields: Any) -> Segmented:
    asked = signal(
        "experiment", **{"segments": tuple(dict.fromkeys(name for part in parts for name in part[0]))} | fields
    )
    return segmented(
        asked, Estimate(whole, None, None, "", 0.95), parts, parts, lambda part, name: part[0].get(name), effect
    )


def plans(effects: Sequence[float], errors: Sequence[float] | float = 1.0) -> list[Part]:
    each = [errors] * len(effects) if isinstance(errors, float) else errors
    return [({"plan": f"p{k}"}, one, error) for k, (one, error) in enumerate(zip(effects, each, strict=True))]


def by_name(found: Segmented) -> dict[str, Measure]:
    return {one.name: one for one in found.measures}


def test_every_segment_has_its_three_intervals() -> None:
    effects, errors = [0.5, -2.0, 1.0, 0.2], [1.0, 0.5, 2.0, 1.0]
    found = told(plans(effects, errors))
    want = shrink(effects, errors, 0.95)
    for one, value, error, drawn in zip(found.segments, effects, errors, want, strict=True):
        plain, joint = from_se(value, error, 0.95), from_se(value, error, 1 - 0.05 / 4)
        assert (one.low, one.high) == pytest.approx((plain.low, plain.high))
        assert (one.adjusted_low, one.adjusted_high) == pytest.approx((joint.low, joint.high))
        assert one.shrunk is not None
        assert (one.shrunk.value, one.shrunk.low) == pytest.approx((drawn.value, drawn.low))
    assert [one.share for one in found.segments] == [0.25] * 4


@pytest.mark.parametrize(("better", "name", "k"), [("higher", "plan=p1", 1), ("lower", "plan=p2", 2)])
def test_the_worst_is_the_least_benefit(better: str, name: str, k: int) -> None:
    effects = [0.5, -2.0, 3.0, 0.2]
    one = told(plans(effects, 0.5), better=better).worst["worst_segment"]
    want = shrink(effects, [0.5] * 4, 0.95)[k]
    assert f"worst of 4 segments: {name};" in one.method
    assert (one.effect, one.low, one.high) == pytest.approx((want.value, want.low, want.high))
    assert (one.n_control, one.n_candidate) == (10, 30)
    assert one.warnings == ()  # they clearly differ


def test_the_noisiest_segment_is_not_called_the_worst() -> None:
    one = told(plans([1.0, 1.1, -1.0, -1.2, 0.9], [0.2, 0.2, 0.2, 5.0, 0.2])).worst["worst_segment"]
    assert "plan=p2" in one.method


def test_the_worst_over_all_dimensions() -> None:
    by_plan, by_locale = [1.0, 2.0, 3.0], [1.5, -4.0, 2.0]
    parts: list[Part] = [
        ({"plan": f"p{i}", "locale": f"l{j}", "client": "app" if i else "web"}, mine + theirs, 0.1)
        for i, mine in enumerate(by_plan)
        for j, theirs in enumerate(by_locale)
    ]
    one = told(parts).worst["worst_segment"]
    assert "worst of 6 segments: locale=l1;" in one.method
    means = [2.0 + theirs for theirs in by_locale]
    want = shrink(means, [0.1 / 3**0.5] * 3, 0.95)[1]
    assert (one.effect, one.low, one.high) == pytest.approx((want.value, want.low, want.high))
    # A dimension of two segments says too little of how much they differ.
    assert any("2 of 8 segments cannot be ranked" in warning for warning in one.warnings)


def test_no_visible_difference_warns() -> None:
    (alike,) = told(plans([0.1, -0.2, 0.3, 0.0])).worst["worst_segment"].warnings
    assert alike.startswith("no difference between the segments is visible (heterogeneity p 0.9")
    effects = [-2.0, 2.0, 0.0, 0.9]
    assert 0.001 < heterogeneity(effects, [1.0] * 4).p_value < 0.05
    (perhaps,) = told(plans(effects)).worst["worst_segment"].warnings
    assert "may differ by less than half an error" in perhaps


def test_many_looks_warn() -> None:
    effects = [0.5, -2.0, 3.0, 0.2]
    (often,) = told(plans(effects, 0.2), looks="continuous").worst["worst_segment"].warnings
    assert "single look" in often
    assert told(plans(effects, 0.2), looks="fixed").worst["worst_segment"].warnings == ()


def test_segments_without_an_interval_are_named() -> None:
    found = told(plans([0.5, -2.0, 3.0, -7.0], [0.5, 0.5, 0.5, 0.0]))
    one = found.worst["worst_segment"]
    assert "worst of 3 segments: plan=p1;" in one.method
    assert any("1 of 4 segments cannot be ranked" in warning for warning in one.warnings)
    assert (found.segments[3].shrunk, found.segments[3].refused) == (None, "no spread")
    two = told(plans([0.5, -2.0]))
    assert (two.worst, [one.shrunk for one in two.segments]) == ({}, [None, None])


def test_heterogeneity_is_corrected_for_dimensions() -> None:
    first, second = [1.0, -1.0, 0.5], [4.0, -2.0]
    one = by_name(told(plans(first)))["heterogeneity_p"]
    assert one.value == pytest.approx(heterogeneity(first, [1.0] * 3).p_value)
    assert one.why.startswith("plan: Q 2.2 over 3 segments (2 df), I² 8 %")

    parts: list[Part] = [({"plan": f"p{k}", "half": "a"}, value, 1.0) for k, value in enumerate(first)]
    parts += [({"half": "b", "plan": "p9"}, second[1], 1.0)]

    both = told(parts)
    single = min(
        heterogeneity([*first, -2.0], [1.0] * 4).p_value, heterogeneity([0.5 / 3, -2.0], [3**-0.5, 1.0]).p_value
    )
    assert by_name(both)["heterogeneity_p"].value == pytest.approx(2 * single)


def test_reversals_are_named_with_numbers() -> None:
    turned = by_name(told(plans([-0.1, -0.2]), whole=0.3))["max_reversals"]
    assert (turned.value, turned.why) == (1.0, "+30 pp together, but plan=p0 -10 pp, plan=p1 -20 pp")
    for effects, whole in (([-0.1, 0.2], 0.3), ([0.1, 0.2], 0.3), ([-0.1, 0.0], 0.3)):
        assert by_name(told(plans(effects), whole=whole))["max_reversals"].value == 0.0
    assert by_name(told(plans([0.1, 0.2]), whole=None))["max_reversals"].value is None


@pytest.mark.parametrize(
    "effects, whole, count",
    [
        ([0.0, 0.0], 0.0, 0.0),  # both arms are equal: nothing is turned
        ([0.1, -0.1], 0.0, 0.0),
        ([0.1, 0.0], 0.0, 0.0),
        ([0.1, 0.2], 0.0, 1.0),  # Simpson's own example: it is in every part and vanishes in the whole
        ([-0.1, -0.2], 0.0, 1.0),
        ([0.0, 0.0], 0.1, 0.0),
    ],
)
def test_no_effect_has_no_reversal_unless_every_segment_has_one(
    effects: list[float], whole: float, count: float
) -> None:
    assert by_name(told(plans(effects), whole=whole))["max_reversals"].value == count


def test_rounding_is_no_reversal() -> None:
    whole = Estimate(5.6e-17, None, None, "", 0.95, control=0.3, candidate=0.3)
    parts = plans([-5.6e-17, -1.1e-16])

    def alike(control: Sequence[Part], candidate: Sequence[Part], confidence: float, parts: int) -> Estimate:
        return Estimate(candidate[0][1], None, None, "", confidence, control=0.3, candidate=0.3)

    asked = signal("experiment", segments=("plan",))
    found = segmented(asked, whole, parts, parts, lambda part, name: part[0].get(name), alike)
    assert by_name(found)["max_reversals"].value == 0.0


def test_both_measures_are_always_there() -> None:
    found = told([])
    assert (found.segments, found.worst) == ((), {})
    assert [(one.name, one.value, one.why) for one in found.measures] == [
        ("heterogeneity_p", None, "the signal declares no segments"),
        ("max_reversals", None, "the signal declares no segments"),
    ]
    lacking = told([({}, 1.0, 1.0)], segments=("plan",))
    assert {one.why for one in lacking.measures} == {"the evidence has none of the declared segments"}
    alone = told(plans([1.0]))
    assert {one.value for one in alone.measures} == {None}


def test_an_inflated_interval_stays_inflated() -> None:
    """A t or always-valid interval is wider than its standard error says; shrinking must not take that away."""

    def wide(control: Sequence[Part], candidate: Sequence[Part], confidence: float, parts: int) -> Estimate:
        plain = effect(control, candidate, confidence, parts)
        half = 2 * (plain.high - plain.effect)  # type: ignore[operator]
        return Estimate(plain.effect, plain.effect - half, plain.effect + half, "", confidence, se=plain.se)  # type: ignore[operator]

    parts = plans([0.5, -2.0, 1.0])
    asked = signal("experiment", segments=("plan",))
    found = segmented(
        asked, Estimate(0.1, None, None, "", 0.95), parts, parts, lambda part, name: part[0].get(name), wide
    )
    want = shrink([0.5, -2.0, 1.0], [2.0] * 3, 0.95)
    assert [one.shrunk.low for one in found.segments] == pytest.approx([one.low for one in want])  # type: ignore[union-attr]


@given(st.lists(st.floats(-3, 3), min_size=3, max_size=6), st.randoms(use_true_random=False))
def test_order_of_the_evidence_does_not_matter(effects: list[float], shuffle: Any) -> None:
    parts = plans(effects)
    mixed = parts[:]
    shuffle.shuffle(mixed)
    assert canonical(told(mixed)) == canonical(told(parts))


def cell(variant: str, plan: str, positives: int, responses: int) -> FeedbackCell:
    p = positives / responses
    moments = Moments(responses, p, responses * p * (1 - p), d_mean=1.0, d_m2=0.0, yd=0.0)
    return FeedbackCell(variant, (("plan", plan),), None, None, False, moments)


def test_simpson_from_evidence_to_checks() -> None:
    """The classic: worse in both, better together, because the candidate has the easy cases."""
    cells = (
        cell("old", "easy", 93, 100), cell("new", "easy", 810, 900),
        cell("old", "hard", 630, 900), cell("new", "hard", 65, 100),
    )  # fmt: skip
    asked = signal("feedback", segments=("plan",))
    numbers = measure(asked, evidence(feedback=cells))
    reading = read(asked, numbers, AS_OF)
    check = reading.checks["max_reversals"]
    assert reading.effect is not None
    assert reading.effect > 0.1
    assert (check.status, check.value) == ("warn", 1.0)
    why = {one.name: one.why for one in numbers.measures}["max_reversals"]
    assert "plan=easy −3 pp" in why
    assert "plan=hard −5 pp" in why


def test_the_reading_orients_what_is_drawn_to_the_others() -> None:
    cells = tuple(
        cell(arm, plan, 500 + shift * (arm == "new"), 1_000)
        for arm in ("old", "new")
        for plan, shift in (("a", 30), ("b", 60), ("c", -20))
    )
    up, down = (
        read(asked, measure(asked, evidence(feedback=cells)), AS_OF)
        for asked in (signal("feedback", segments=("plan",), better=better) for better in ("higher", "lower"))
    )
    for one, other in zip(up.segments, down.segments, strict=True):
        assert one.shrunk is not None
        assert one.shrunk.low is not None
        assert one.shrunk.high is not None
        assert one.shrunk.value is not None
        assert other.shrunk == Interval(-one.shrunk.value, -one.shrunk.high, -one.shrunk.low)
    assert "plan=c" in up.estimates["worst_segment"].method
    assert "plan=b" in down.estimates["worst_segment"].method
