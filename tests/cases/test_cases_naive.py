"""The naive readers, on readings whose numbers are made up for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

import pytest

from signals.cases.naive import READERS, ab_only, calls, judge_only, loudest, majority, pooled, score
from signals.model import Estimate, Reading, TraceRow, Verdict


class Made:
    """As much of a verdict as a naive reader looks at."""

    def __init__(self, readings: Mapping[str, Reading], heard: tuple[str, ...] = ()) -> None:
        self.readings = readings
        self.trace = tuple(TraceRow("", name, "flat", None, "silent", "") for name in heard)


def reading(kind: str, effect: float | None, se: float | None, margin: float | None = 0.01, **more: Any) -> Reading:
    raw = Estimate(effect, None, None, "", 0.95, se=se)
    fields: dict[str, Any] = dict.fromkeys(Reading.__dataclass_fields__)
    fields |= {"kind": kind, "margin": margin, "better": "higher", "estimates": {"raw": raw}, "state": "untrusted"}
    return Reading(**(fields | more))


def verdict(readings: Mapping[str, Reading], heard: tuple[str, ...] = ()) -> Verdict:
    return cast("Verdict", Made(readings, heard))


STANDUP = {
    "conversion": reading("experiment", -0.006, 0.001, 0.005),
    "panel": reading("panel", 0.0, 0.02, 0.1),
    "judge": reading("judge", 0.08, 0.01, 0.02),
    "thumbs": reading("feedback", 0.0005, 0.001, 0.01),
}


def test_the_standup_is_read_five_ways() -> None:
    """Loudest: judge at 4 margins against 1.2. Majority: one up, one down. Pooled: (-6 + 0 + 8 + 0.5) / 2 = 1.25."""
    assert calls(verdict(STANDUP)) == {
        "loudest number": "ship",
        "majority": "hold",
        "pooled z": "hold",
        "A/B only": "rollback",
        "judge only": "ship",
    }


def test_trust_is_not_looked_at_and_the_raw_number_is() -> None:
    raw = reading("judge", 0.05, 0.01)
    corrected = replace(raw, effect=-0.2, low=-0.3, high=-0.1, state="loss", voting="corrected")
    assert judge_only(verdict({"judge": corrected})) == "ship"
    assert loudest(verdict({"judge": corrected})) == "ship"


def test_where_lower_is_better_a_rise_is_harm() -> None:
    cost = reading("experiment", 0.05, 0.01, better="lower")
    assert score(cost) == pytest.approx(-5.0)
    for reader in (loudest, majority, pooled, ab_only):
        assert reader(verdict({"cost": cost})) == "rollback"


def test_the_95_percent_line_is_where_it_belongs() -> None:
    for z, call in ((1.95, "hold"), (1.97, "ship"), (-1.95, "hold"), (-1.97, "rollback")):
        assert ab_only(verdict({"a": reading("experiment", z * 0.01, 0.01)})) == call


def test_pooled_adds_up_what_no_signal_says_alone() -> None:
    """Four times z = 1 is Stouffer 2: significant together, and to no majority."""
    four = {name: reading("feedback", 0.01, 0.01) for name in "abcd"}
    assert pooled(verdict(four)) == "ship"
    assert majority(verdict(four)) == "hold"


def test_the_main_metric_is_the_one_that_the_policy_ranks_first() -> None:
    two = {"cost": reading("experiment", 1.0, 0.1), "quality": reading("experiment", -1.0, 0.1)}
    assert ab_only(verdict(two)) == "ship"
    assert ab_only(verdict(two, ("quality",))) == "rollback"


def test_the_signal_named_judge_speaks_before_other_judges() -> None:
    two = {"audit": reading("judge", -1.0, 0.1), "judge": reading("judge", 1.0, 0.1)}
    assert judge_only(verdict(two, ("audit", "judge"))) == "ship"
    assert judge_only(verdict({"audit": two["audit"]}, ("audit",))) == "rollback"
    assert judge_only(verdict({"judge": reading("panel", 1.0, 0.1)})) is None, "a panel that is called judge is none"


@pytest.mark.parametrize("name", READERS)
def test_who_has_nothing_to_read_says_nothing(name: str) -> None:
    assert READERS[name](verdict({})) is None
    assert READERS[name](verdict({"drift": reading("drift", None, None)})) is None
    bare = reading("experiment", None, None, estimates={})
    assert READERS[name](verdict({"a": bare, "judge": reading("judge", None, None, estimates={})})) is None
