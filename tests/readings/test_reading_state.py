from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reading_kit import AS_OF, margin, signal

from signals.checks import CATALOGUE, checks_of
from signals.model import Estimate, Margin, Measure, Numbers, SegmentEstimate
from signals.readings import read

GOOD = {
    "sample_ratio_p": 0.4, "min_units": 5000, "full_weeks": 2, "both_arms": 0.0, "max_set_aside": 0.0,
}  # fmt: skip


def numbers(low: float | None, high: float | None, measures: dict[str, float | None] = {}, **fields: Any) -> Numbers:  # noqa: B006 - read only
    effect = None if low is None or high is None else (low + high) / 2
    se = None if low is None or high is None else (high - low) / 2 / 1.959964
    made: dict[str, Any] = {
        "effect": effect, "low": low, "high": high, "method": "m", "confidence": 0.95, "se": se or None, "p_value": 0.5,
        "control": 0.2, "candidate": 0.2, "n_control": 100, "n_candidate": 100,
    }  # fmt: skip
    made.update(fields)
    found = {**GOOD, **measures}
    return Numbers(
        "s", "experiment", "pp", "raw", {"raw": Estimate(**made)},
        tuple(Measure(name, value, "because") for name, value in found.items()), last_at=AS_OF - timedelta(days=2),
    )  # fmt: skip


@pytest.mark.parametrize(
    "low, high, state",
    [
        (0.001, 0.02, "win"),
        (-0.02, -0.001, "loss"),
        (-0.004, 0.004, "flat"),
        (-0.01, 0.02, "unclear"),
        (-0.006, 0.001, "unclear"),
        (0.0, 0.001, "flat"),  # touching zero is not above it
        (-0.005, 0.001, "unclear"),  # touching the margin is not inside it
        (0.0001, 0.0002, "win"),  # small, but above zero
    ],
)
def test_state_from_the_interval(low: float, high: float, state: str) -> None:
    found = read(signal("experiment", margin=margin(0.005)), numbers(low, high), AS_OF)
    assert found.state == state
    mirrored = read(signal("experiment", margin=margin(0.005), better="lower"), numbers(-high, -low), AS_OF)
    assert mirrored.state == state
    assert (mirrored.benefit.low, mirrored.benefit.high) == (low, high)
    assert (mirrored.effect, mirrored.low) == (-(low + high) / 2, -high)  # the effect keeps the signal's own sign


@given(st.floats(-1, 1), st.floats(0, 1), st.floats(0.001, 0.5))
def test_win_and_flat_are_non_inferior_loss_is_not_a_win_for_the_other_side(low: float, width: float, m: float) -> None:
    higher = read(signal("experiment", margin=margin(m)), numbers(low, low + width), AS_OF)
    assert higher.non_inferior == (low > -m)
    if higher.state in ("win", "flat"):
        assert higher.non_inferior
    opposite = {"win": "loss", "loss": "win"}
    lower = read(signal("experiment", margin=margin(m), better="lower"), numbers(low, low + width), AS_OF)
    assert lower.state == opposite.get(higher.state, higher.state)


def test_without_a_margin_nothing_is_flat_nor_non_inferior() -> None:
    found = read(signal("experiment"), numbers(-0.0001, 0.0001), AS_OF)
    assert (found.state, found.non_inferior, found.material, found.power) == ("unclear", None, None, None)
    assert "no margin" in found.why
    assert found.mde is not None


def test_relative_margin_is_of_the_control_level() -> None:
    relative = signal("experiment", margin=Margin(0.02, True, "2%"))
    assert read(relative, numbers(-0.003, 0.003), AS_OF).margin == pytest.approx(0.004)
    assert read(relative, numbers(-0.003, 0.003, control=-0.2), AS_OF).margin == pytest.approx(0.004)
    assert read(relative, numbers(-0.003, 0.003, control=0.0), AS_OF).margin is None


def test_material() -> None:
    s = signal("experiment", margin=margin(0.005))
    assert read(s, numbers(0.006, 0.01), AS_OF).material is True
    assert read(s, numbers(-0.02, -0.006), AS_OF).material is True
    assert read(s, numbers(0.001, 0.01), AS_OF).material is False


def test_missing() -> None:
    s = signal("experiment", margin=margin(0.005), trust={"sample_ratio_p": 0.001})
    nothing = read(s, None, AS_OF)
    assert (nothing.state, nothing.why) == ("missing", "no evidence for this release")
    assert {check.status for check in nothing.checks.values()} == {"unknown"}
    one_arm = read(s, numbers(None, None, n_candidate=0), AS_OF)
    assert (one_arm.state, one_arm.why) == ("missing", "no evidence for the candidate arm")
    assert read(s, numbers(None, None, n_control=0, n_candidate=0), AS_OF).why == "no evidence for this release"


def test_refused_interval_is_untrusted_with_its_reason() -> None:
    found = read(signal("experiment", margin=margin(1)), numbers(None, None, refused="too few events"), AS_OF)
    assert (found.state, found.why) == ("untrusted", "too few events")
    assert (found.non_inferior, found.power, found.mde) == (None, None, None)


@pytest.mark.parametrize(
    "value, state, status", [(0.0086, "untrusted", "fail"), (None, "untrusted", "unknown"), (0.02, "loss", "pass")]
)
def test_required_validity(value: float | None, state: str, status: str) -> None:
    s = signal("experiment", margin=margin(0.005), trust={"sample_ratio_p": 0.01})
    found = read(s, numbers(-0.02, -0.01, {"sample_ratio_p": value}), AS_OF)
    assert (found.state, found.checks["sample_ratio_p"].status) == (state, status)
    assert found.checks["sample_ratio_p"].required
    if value == 0.0086:
        assert found.why == "sample ratio p 0.0086 is below 0.01"
    if value is None:
        assert found.why == "sample ratio p is not known: because"
    assert found.effect == pytest.approx(-0.015)  # shown all the same


@pytest.mark.parametrize(
    "bounds, state", [((0.01, 0.02), "unclear"), ((-0.001, 0.001), "unclear"), ((-0.02, -0.01), "loss")]
)
@pytest.mark.parametrize("weeks", [0.0, None])
def test_required_maturity_lets_a_loss_stand(bounds: tuple[float, float], state: str, weeks: float | None) -> None:
    s = signal("experiment", margin=margin(0.005), trust={"full_weeks": 1})
    found = read(s, numbers(*bounds, {"full_weeks": weeks}), AS_OF)
    assert found.state == state
    if state == "unclear":
        assert "full weeks" in found.why


def test_checks_that_nobody_asked_for_only_warn() -> None:
    s = signal("experiment", margin=margin(0.005))
    found = read(s, numbers(0.01, 0.02, {"sample_ratio_p": 1e-9, "both_arms": None}), AS_OF)
    assert found.state == "win"
    assert found.checks["sample_ratio_p"].status == "warn"
    assert found.checks["sample_ratio_p"].threshold == 0.001
    assert found.checks["both_arms"].status == "unknown"
    weeks = found.checks["full_weeks"]
    assert (weeks.status, weeks.threshold, weeks.value) == ("pass", None, 2)
    assert "no threshold is set" in weeks.why


def test_age() -> None:
    s = signal("experiment", trust={"max_age": 86_400.0})
    old = read(s, numbers(0.01, 0.02), AS_OF)
    assert (old.age, old.checks["max_age"].value, old.state) == (2 * 86_400, 2 * 86_400, "untrusted")
    assert old.why == "age 2 days is above 24 h"
    assert read(s, numbers(0.01, 0.02), AS_OF - timedelta(days=3)).age == 0
    timeless = read(s, replace(numbers(0.01, 0.02), last_at=None), AS_OF)
    assert (timeless.age, timeless.state) == (None, "untrusted")
    assert timeless.why == "age is not known: the evidence has no times"


def test_every_check_of_the_kind_is_there_and_no_other() -> None:
    found = read(signal("experiment"), numbers(0.01, 0.02), AS_OF)
    assert set(found.checks) == {spec.name for spec in checks_of("experiment")}
    assert len(CATALOGUE) > len(found.checks)


def test_a_limit_missed_by_a_hair_does_not_read_as_equal() -> None:
    s = signal("experiment", trust={"max_set_aside": 0.02})
    found = read(s, numbers(0.01, 0.02, {"max_set_aside": 0.02001}), AS_OF)
    assert found.why == "set aside 0.02001 is above 2.0 %"


def test_power_and_mde_from_the_stored_error() -> None:
    found = read(signal("experiment", margin=margin(0.0028015852)), numbers(-0.00196, 0.00196, se=0.001), AS_OF)
    assert found.power == pytest.approx(0.8, abs=1e-3)
    assert found.mde == pytest.approx(0.0028, abs=1e-5)


def test_segments_are_oriented_with_their_own_margin() -> None:
    part = SegmentEstimate("plan=pro", 0.3, 50, 50, 0.01, 0.002, 0.018, -0.001, 0.021, control=0.5)
    s = signal("experiment", better="lower", margin=Margin(0.02, True, "2%"))
    (one,) = read(s, replace(numbers(0.01, 0.02), segments=(part,)), AS_OF).segments
    assert one.margin == pytest.approx(0.01)
    assert (one.benefit.value, one.benefit.low, one.benefit.high) == (-0.01, -0.018, -0.002)
    assert (one.adjusted.low, one.adjusted.high) == (-0.021, 0.001)
    assert (one.effect, one.low) == (0.01, 0.002)


def test_reading_stored_numbers_imports_no_statistics() -> None:
    code = (
        "import sys; from signals.readings import read, measure; import signals.readings.state;"
        "sys.exit(bool({'numpy', 'scipy', 'pandas', 'statsmodels'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
