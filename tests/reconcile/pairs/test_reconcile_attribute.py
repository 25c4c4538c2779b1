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
from signals.reconcile.pairs.attribute import Expected, attribute
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
    # Its error is that of the slope times 5, and of the judge's number less what the slope passes on.
    half = math.sqrt((5 * 0.05) ** 2 + (0.8 * 0.1) ** 2) * 1.959963984540054
    assert got["construct"].part.high - 4.0 == pytest.approx(half)  # type: ignore[union-attr, operator]  # it has one


def test_a_history_that_is_refused_is_a_row_without_a_part() -> None:
    history = Correction("construct", "", "", "3 past releases; 10 are needed", "record more")
    got = rows(diagnosed(pair_numbers(side("judge", [0.08], [[0.001]]), side("conversion", [0.0])), history=history))
    assert got["construct"].refused.startswith("3 past")
    assert got["construct"].part is None
