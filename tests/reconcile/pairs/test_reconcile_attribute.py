"""Pairs of sides made by hand: what is attributed to what."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signals.model import Cause, Correction, PairNumbers, Reconciliation
from signals.reconcile.pairs.attribute import Expected, attribute, holm
from signals.reconcile.pairs.pair import pair_numbers
from signals.stats.shapley import weights
from tests.reconcile.pairs.pair_kit import reading, side, signal

floats = st.floats(-0.5, 0.5, allow_subnormal=False)


def diagnosed(numbers: PairNumbers, **more: object) -> Reconciliation:
    """A judge against an experiment, both with a margin of 0.01."""
    signals = {"judge": signal("judge"), "conversion": signal("conversion", "experiment", metric=None)}
    readings = {
        "judge": reading("judge", numbers.values[0]),
        "conversion": reading("conversion", numbers.values[-1], "experiment", "loss"),
    }
    return attribute(numbers, signals, readings, **more)  # type: ignore[arg-type]  # history


def rows(found: Reconciliation) -> dict[str, Cause]:
    return {row.name if not row.signal else f"{row.name} {row.signal}": row for row in found.causes}


# --- Shapley values -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("k", [0, 1, 2, 3, 4])
def test_values_are_averages_over_all_orders(k: int) -> None:
    values = np.random.default_rng(k).normal(size=2**k)
    expected = np.zeros(k)
    orders = list(permutations(range(k)))
    for order in orders:
        mask = 0
        for one in order:
            expected[one] += values[mask] - values[mask | 1 << one]
            mask |= 1 << one
    assert weights(k) @ values == pytest.approx(expected / len(orders), abs=1e-12)
    assert (weights(k) @ values).sum() == pytest.approx(values[0] - values[-1], abs=1e-12)


def test_a_correction_that_does_nothing_takes_nothing() -> None:
    values = np.array([0.3, 0.3, 0.1, 0.1])  # the first bit changes nothing
    assert weights(2) @ values == pytest.approx([0.0, 0.2])


# --- pairs ----------------------------------------------------------------------------------------------------------


@given(st.lists(floats, min_size=4, max_size=4), st.lists(floats, min_size=2, max_size=2), st.floats(1e-4, 0.1))
def test_parts_add_up_to_the_gap(ours: list[float], theirs: list[float], error: float) -> None:
    rng = np.random.default_rng(7)
    numbers = pair_numbers(
        side("judge", ours, (error * rng.normal(size=(30, 4))).tolist(), ("population", "judge_bias"), df=29.0),
        side("conversion", theirs, (error * rng.normal(size=(5, 2))).tolist(), ("timing",)),
    )
    found = diagnosed(numbers)
    parts = [row.part.value for row in found.causes if row.counts and row.part and row.part.value is not None]
    assert math.fsum(parts) == pytest.approx(found.gap.value, abs=1e-9)
    assert found.gap.value == pytest.approx(100.0 * (ours[0] - theirs[0]))
    # What no correction takes away is what is left when all of them are made.
    rest = next(row for row in found.causes if row.name == "unexplained").part
    if not rows(found)["unexplained"].evidence:
        assert rest is not None
        assert rest.value == pytest.approx(100.0 * (ours[3] - theirs[1]), abs=1e-9)


@given(st.lists(floats, min_size=4, max_size=4), st.lists(floats, min_size=4, max_size=4))
def test_the_order_of_corrections_changes_nothing(ours: list[float], theirs: list[float]) -> None:
    swapped = [0, 2, 1, 3]
    error = np.random.default_rng(3).normal(size=(12, 4)) * 0.01
    one = pair_numbers(
        side("judge", ours, error.tolist(), ("population", "judge_bias")),
        side("conversion", theirs, None, ("timing", "value")),
    )
    two = pair_numbers(
        side("judge", [ours[k] for k in swapped], error[:, swapped].tolist(), ("judge_bias", "population")),
        side("conversion", [theirs[k] for k in swapped], None, ("value", "timing")),
    )
    first, second = rows(diagnosed(one)), rows(diagnosed(two))
    for name, row in first.items():
        assert row.part is not None
        assert second[name].part is not None
        assert row.part.value == pytest.approx(second[name].part.value, abs=1e-9)  # type: ignore[union-attr]  # just seen
        assert row.blamed == second[name].blamed


def test_clusters_that_both_sides_share_move_both() -> None:
    rng = np.random.default_rng(5)
    moves = rng.normal(size=(40, 1)) * 0.002
    names = [("item", k) for k in range(40)]
    shared = pair_numbers(
        side("judge", [0.08], moves.tolist(), names=names), side("panel", [0.01], moves.tolist(), names=names)
    )
    apart = pair_numbers(side("judge", [0.08], moves.tolist()), side("panel", [0.01], moves.tolist()))
    variance = float((moves**2).sum())
    assert shared.covariance == pytest.approx(np.full((2, 2), variance))
    assert np.asarray(apart.covariance) == pytest.approx(np.diag([variance, variance]))
    assert shared.correlation == pytest.approx(1.0)
    assert apart.correlation == 0.0


def test_the_second_side_is_explained_by_what_is_put_on_it() -> None:
    # Conversion is -2 pp early and 0 among later users: timing explains 2 of the 3 pp that it lies below the judge.
    numbers = pair_numbers(
        side("judge", [0.01], [[0.0005]]), side("conversion", [-0.02, 0.0], [[0.0005, 0.0], [0.0, 0.0005]], ("timing",))
    )
    found = rows(diagnosed(numbers))
    timing = found["timing conversion"]
    assert timing.part is not None
    assert timing.part.value == pytest.approx(2.0)  # in margins of 1 pp
    assert timing.share == pytest.approx(2 / 3)
    assert timing.quantity is not None
    assert timing.quantity.value == pytest.approx(0.02)  # in conversion's own unit
    assert timing.blamed
    assert found["unexplained"].part.value == pytest.approx(1.0)  # type: ignore[union-attr]  # it has one


def test_lower_is_better_turns_the_signs() -> None:
    numbers = pair_numbers(side("judge", [-0.08, -0.01], [[0.001, 0.001]], ("population",)), side("conversion", [0.0]))
    signals = {"judge": signal("judge", better="lower"), "conversion": signal("conversion", "experiment")}
    readings = {
        "judge": reading("judge", 0.08, better="lower", effect=-0.08),
        "conversion": reading("conversion", 0.0, "experiment", "flat"),
    }
    found = attribute(numbers, signals, readings)
    assert found.start.value == pytest.approx(8.0)
    assert rows(found)["population judge"].quantity.value == pytest.approx(0.07)  # type: ignore[union-attr]  # it has one


def test_what_is_not_told_from_chance_is_noise() -> None:
    errors = [[0.05, 0.0, 0.0, 0.0], [0.0, 0.05, 0.0, 0.0], [0.0, 0.0, 0.05, 0.0], [0.0, 0.0, 0.0, 0.05]]
    numbers = pair_numbers(
        side("judge", [0.03, 0.02, 0.02, 0.01], errors, ("population", "judge_bias")), side("conversion", [0.0])
    )
    found = diagnosed(numbers)
    noise = rows(found)["noise"]
    assert noise.blamed
    assert noise.share == pytest.approx(1.0)
    assert not any(row.blamed for row in found.causes if row.name != "noise")
    assert all(row.share is None for row in found.causes if row.name != "noise")


def test_parts_that_are_no_chance_together_are_not_called_noise() -> None:
    # Two parts of 2 standard errors each, one error: neither passes Holm alone, their sum is far from 0.
    errors = [[0.02, 0.01, 0.01, 0.0], [0.0, 0.008, -0.008, 0.0]]
    numbers = pair_numbers(
        side("judge", [0.05, 0.025, 0.025, 0.0], errors, ("population", "judge_bias")), side("conversion", [0.0])
    )
    found = diagnosed(numbers)
    assert not rows(found)["population judge"].blamed
    unexplained, noise = rows(found)["unexplained"], rows(found)["noise"]
    assert "population and judge bias" in unexplained.evidence
    assert unexplained.share == pytest.approx(1.0)
    assert noise.part is not None
    assert noise.part.value == 0.0
    assert not noise.blamed


def test_without_a_margin_there_is_no_common_scale() -> None:
    numbers = pair_numbers(side("judge", [0.08, 0.01], [[0.001, 0.001]], ("population",)), side("conversion", [0.0]))
    signals = {"judge": signal("judge"), "conversion": signal("conversion", "experiment", margin=None)}
    readings = {
        "judge": reading("judge", 0.08),
        "conversion": reading("conversion", 0.0, "experiment", "flat", margin=None),
    }
    found = attribute(numbers, signals, readings)
    assert "conversion has no margin" in found.refused
    assert found.unit == ""
    assert [row.name for row in found.causes] == ["population"]
    assert found.causes[0].quantity is not None
    assert found.causes[0].part is None
    assert found.causes[0].share is None


def test_judge_and_panel_share_their_own_scale() -> None:
    numbers = pair_numbers(side("judge", [1.4], [[0.01]]), side("panel", [-1.2], [[0.01]]))
    signals = {"judge": signal("judge", margin=None), "panel": signal("panel", "panel", margin=None)}
    readings = {
        "judge": reading("judge", 1.4, unit="points", margin=None),
        "panel": reading("panel", -1.2, "panel", "loss", unit="points", margin=None),
    }
    found = attribute(numbers, signals, readings)
    assert found.unit == "points"
    assert found.gap.value == pytest.approx(2.6)


def test_refused_corrections_are_told_with_their_remedy() -> None:
    one = replace(
        side("judge", [0.08], [[0.001]]), refused=(Correction("judge_bias", "judge", "", "no grades", "grade 20"),)
    )
    found = diagnosed(pair_numbers(one, side("conversion", [0.0])))
    assert rows(found)["judge_bias judge"].remedy == "grade 20"
    assert rows(found)["judge_bias judge"].part is None


def test_identical_numbers_are_a_gap_of_nothing() -> None:
    names = [("item", k) for k in range(9)]
    moves = [[0.1 * k] for k in range(9)]
    found = diagnosed(
        pair_numbers(side("judge", [0.3], moves, names=names), side("conversion", [0.3], moves, names=names))
    )
    assert found.gap.value == 0.0
    assert all(row.share is None for row in found.causes)
    assert not any(row.blamed for row in found.causes if row.name != "noise")


# --- what past releases explain -------------------------------------------------------------------------------------


def test_past_releases_take_their_part_of_the_rest() -> None:
    numbers = pair_numbers(
        side("judge", [0.08, 0.05], [[0.001, 0.0], [0.0, 0.001]], ("population",)), side("conversion", [0.0], [[0.001]])
    )
    history = Expected(0.0, 0.2, ((0.0, 0.0), (0.0, 0.0025)), None, "14 past releases")
    found = diagnosed(numbers, history=history)
    got = rows(found)
    # Corrected, the judge says +5 margins; past releases let one expect +1 of conversion, which says 0.
    assert got["construct"].part.value == pytest.approx(4.0)  # type: ignore[union-attr]  # it has one
    assert got["unexplained"].part.value == pytest.approx(1.0)  # type: ignore[union-attr]  # it has one
    parts = [row.part.value for row in found.causes if row.counts and row.part and row.part.value is not None]
    assert math.fsum(parts) == pytest.approx(8.0, abs=1e-9)
    # Its error is that of the slope times 5, and of the judge's number less what the slope passes on; that the slope is
    # in doubt where the number may be instead counts too. Half a million draws of slope and numbers agree to 1 %.
    half = math.sqrt((5 * 0.05) ** 2 + (0.8 * 0.1) ** 2 + (0.05 * 0.1) ** 2) * 1.959963984540054
    assert got["construct"].part.high - 4.0 == pytest.approx(half)  # type: ignore[union-attr, operator]  # it has one


def test_a_history_that_is_refused_is_a_row_without_a_part() -> None:
    history = Correction("construct", "", "", "3 past releases; 10 are needed", "record more")
    got = rows(diagnosed(pair_numbers(side("judge", [0.08], [[0.001]]), side("conversion", [0.0])), history=history))
    assert got["construct"].refused.startswith("3 past")
    assert got["construct"].part is None


def test_what_past_releases_cannot_share_out_is_not_called_noise() -> None:
    # Eighty standard errors apart. The line is so unsure that neither what it explains nor what it leaves is told from
    # chance; its error is in both, with opposite signs, and gone in their sum.
    numbers = pair_numbers(side("judge", [0.08], [[0.001]]), side("conversion", [0.0], [[0.0001]]))
    history = Expected(0.0, 0.5, ((0.0, 0.0), (0.0, 4.0)), 12.0, "14 past releases")
    got = rows(diagnosed(numbers, history=history))
    assert not got["construct"].blamed
    assert not got["unexplained"].blamed
    assert not got["noise"].blamed
    assert got["noise"].part.value == 0.0  # type: ignore[union-attr]  # it has one
    rest = got["unexplained"]
    assert rest.counts
    assert rest.share == pytest.approx(1.0)
    assert rest.part.value == pytest.approx(8.0)  # type: ignore[union-attr]  # it has one
    half = math.hypot(0.1, 0.01) * 1.959963984540054
    assert rest.part.high - 8.0 == pytest.approx(half)  # type: ignore[union-attr, operator]  # it has one


@given(
    st.lists(floats, min_size=2, max_size=2), st.floats(-5, 5), st.floats(-3, 3), st.floats(0, 4), st.floats(1e-4, 0.05)
)
def test_parts_add_up_whatever_past_releases_say(
    ours: list[float], intercept: float, slope: float, doubt: float, error: float
) -> None:
    numbers = pair_numbers(
        side("judge", ours, [[error, 0.0], [0.0, error]], ("population",)), side("conversion", [0.01], [[error]])
    )
    history = Expected(intercept, slope, ((doubt, 0.0), (0.0, doubt)), 9.0, "11 past releases")
    found = diagnosed(numbers, history=history)
    counted = [row.part for row in found.causes if row.counts]
    assert math.fsum(part.value for part in counted if part) == pytest.approx(found.gap.value, abs=1e-9)  # type: ignore[misc]  # all have one
    got = rows(found)
    construct, rest = got["construct"].quantity, got["unexplained"].quantity
    assert construct is not None
    assert rest is not None
    assert construct.value + rest.value == pytest.approx(100.0 * (ours[1] - 0.01), abs=1e-9)  # type: ignore[operator]  # both


# --- numbers without an error ---------------------------------------------------------------------------------------


def test_errors_that_cancel_but_for_their_last_digits_are_none() -> None:
    # Judge and panel said the same of every item, computed along different ways.
    rng = np.random.default_rng(9)
    moves = rng.normal(size=(60, 1)) * 0.01
    names = [("item", k) for k in range(60)]
    again = moves * (1.0 + rng.choice([-2.2e-16, 0.0, 2.2e-16], size=(60, 1)))
    same = diagnosed(
        pair_numbers(
            side("judge", [0.3], moves.tolist(), names=names),
            side("conversion", [0.1 + 0.2], again.tolist(), names=names),
        )
    )
    assert not any(row.blamed for row in same.causes if row.name != "noise")
    assert "nothing in the evidence varies" in rows(same)["noise"].evidence
    assert (same.gap.value, same.gap.low) == (0.0, None)
    # A constant apart: every item says so, and no interval can be made of it.
    apart = diagnosed(
        pair_numbers(
            side("judge", [0.32], moves.tolist(), names=names), side("conversion", [0.3], again.tolist(), names=names)
        )
    )
    assert apart.gap.value == pytest.approx(2.0)
    assert apart.gap.low is apart.gap.high is None
    assert rows(apart)["noise"].part.value == 0.0  # type: ignore[union-attr]  # it has one
    assert apart.story


def test_a_correction_that_changes_nothing_without_error_is_not_told_from_chance() -> None:
    numbers = pair_numbers(
        side("judge", [0.08, 0.08], [[0.01, 0.01]], ("population",)), side("conversion", [0.0], [[0.01]])
    )
    row = rows(diagnosed(numbers))["population judge"]
    assert (row.part.value, row.part.low, row.part.high, row.p_value) == (0.0, None, None, 1.0)  # type: ignore[union-attr]  # it has one
    assert not row.blamed


# --- one unit, two scales -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "judge, panel, same",
    [
        ((1.0, 5.0), (1.0, 5.0), True),
        ((1.0, 5.0), (2.0, 4.0), True),  # people may use half of it
        ((1.0, 10.0), (1.0, 5.0), False),
        ((1.0, 5.0), (1.0, 10.0), False),
        (None, (1.0, 5.0), True),  # another unit: it is looked at elsewhere
    ],
)
def test_points_of_two_scales_are_not_subtracted(
    judge: tuple[float, float] | None, panel: tuple[float, float], same: bool
) -> None:
    numbers = pair_numbers(
        replace(side("judge", [1.5], [[0.01]]), grades=judge, judge=True),
        replace(side("panel", [-0.4], [[0.01]]), grades=panel),
    )
    signals = {"judge": signal("judge"), "panel": signal("panel", "panel")}
    readings = {
        "judge": reading("judge", 1.5, unit="points", margin=0.2),
        "panel": reading("panel", -0.4, "panel", "loss", unit="points", margin=0.1),
    }
    found = attribute(numbers, signals, readings)
    assert (found.unit, found.gap.value) == (("points", 1.9) if same else ("margins", pytest.approx(11.5)))
    bare = attribute(numbers, signals, {**readings, "panel": replace(readings["panel"], margin=None)})
    assert bare.unit == ("points" if same else "")
    assert bare.refused.startswith("" if same else "the two grade on different scales, and panel has no margin")


def test_of_two_judges_each_is_the_measure_of_the_other() -> None:
    def one_scale(first: tuple[float, float], second: tuple[float, float]) -> bool:
        sides = [replace(side(name, [1.0]), grades=given, judge=True) for name, given in (("a", first), ("b", second))]
        return pair_numbers(*sides).one_scale

    assert one_scale((1.0, 5.0), (1.0, 5.0))
    assert not one_scale((1.0, 5.0), (2.0, 4.0))
    assert not one_scale((2.0, 4.0), (1.0, 5.0))


@pytest.mark.parametrize("kind", ["experiment", "feedback", "judge"])
def test_signals_of_the_same_users_say_what_independence_hides(kind: str) -> None:
    numbers = pair_numbers(side("cost", [0.05], [[0.006]]), side("conversion", [0.0], [[0.004]]))
    signals = {"cost": signal("cost", kind), "conversion": signal("conversion", "experiment")}
    readings = {
        "cost": reading("cost", 0.05, kind),
        "conversion": reading("conversion", 0.0, "experiment", "flat"),
    }
    told = rows(attribute(numbers, signals, readings))["noise"].evidence
    # 5 pp over sqrt(0.6² + 0.4²) and over 0.6 + 0.4.
    assert told.startswith("the gap is 6.9 standard errors wide")
    assert ("both may count the same users: at worst 5.0" in told) == (kind != "judge")


# --- how chance is told ---------------------------------------------------------------------------------------------


def test_adjusted_p_values_are_those_of_holm() -> None:
    assert holm([0.01, 0.04, 0.03, 0.5]) == pytest.approx([0.04, 0.09, 0.09, 0.5])  # 4, then 3, 2 and 1 hypotheses
    assert holm([0.9, 0.4]) == pytest.approx([0.9, 0.8])
    assert holm([0.4, 0.35]) == pytest.approx([0.7, 0.7])  # never below that of a smaller p
    assert holm([0.6, 0.6]) == [1.0, 1.0]


def test_a_cause_is_blamed_where_its_adjusted_p_says_so() -> None:
    errors = [[0.01, 0.0, 0.0, 0.0], [0.0, 0.01, 0.0, 0.0], [0.0, 0.0, 0.01, 0.0], [0.0, 0.0, 0.0, 0.01]]
    for size in np.linspace(0.0, 0.2, 41):
        found = diagnosed(
            pair_numbers(
                side("judge", [size, size / 2, 0.01, 0.0], errors, ("population", "judge_bias")),
                side("conversion", [0.0]),
            )
        )
        for row in found.causes:
            if row.name != "noise" and row.part is not None:
                assert row.p_adjusted is not None
                assert row.p_value is not None
                assert row.p_adjusted >= row.p_value
                assert row.blamed == (row.p_adjusted <= 0.05)


def test_chance_is_tested_as_a_sum_beside_the_parts() -> None:
    # Parts of 0.5, 0.5 and 1 margins whose sum, 2, has an error of 1: its own interval misses 0.
    errors = [[0.01, 0.0075, 0.0075, 0.005]]
    numbers = pair_numbers(
        side("judge", [0.02, 0.015, 0.015, 0.01], errors, ("population", "judge_bias")), side("conversion", [0.0])
    )
    noise = rows(diagnosed(numbers))["noise"]
    assert noise.part is not None
    assert noise.part.low is not None
    assert noise.part.low > 0.0
    assert noise.p_value == pytest.approx(0.0455, abs=1e-4)
    assert noise.p_adjusted == pytest.approx(4 * 0.0455, abs=1e-3)  # of three parts and their sum
