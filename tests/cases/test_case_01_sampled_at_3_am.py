"""Case 1: the same four points, from a night and from all hours."""

from __future__ import annotations

from pathlib import Path

import pytest

from signals.cases.c01_sampled_at_3_am import CASE, HEDGED, REQUESTS
from signals.cases.case import Setting
from signals.cases.naive import calls
from signals.cases.run import run
from signals.explain import diagnoses


def test_a_night_is_not_a_week(tmp_path: Path) -> None:
    found = run(CASE, Setting(1), tmp_path)
    assert (found.call, found.right_reason) == ("rollback", True)
    judge = found.verdict.readings["judge"]
    assert judge.state == "win"
    assert judge.effect == pytest.approx(0.04, abs=0.015)
    people = {name: judge.estimates[name].high or 0.0 for name in ("reweighted", "value_weighted")}
    assert max(people.values()) < 0.0  # the same items, weighted as the traffic is: worse
    assert judge.checks["coverage"].value == pytest.approx(1.0 - REQUESTS["enterprise"])
    assert any("55.0 % of value (plan=enterprise)" in one for one in judge.estimates["value_weighted"].warnings)
    blamed = [one for pair in diagnoses(found.review.subject) for one in pair.causes if one.blamed]
    weighed = next(one for one in blamed if (one.name, one.signal) == ("population", "judge"))
    assert weighed.quantity is not None
    assert (weighed.quantity.low or 0.0) < 0.04 + HEDGED < (weighed.quantity.high or 0.0)  # what the night made of it
    naive = calls(found.verdict)
    assert (naive["majority"], naive["judge only"]) == ("ship", "ship")


def test_the_twin_has_the_same_four_points_and_ships(tmp_path: Path) -> None:
    found = run(CASE, Setting(1, strength=0.0), tmp_path)
    assert (found.call, found.right_reason, found.accused) == ("ship", True, frozenset())
    judge = found.verdict.readings["judge"]
    assert judge.effect == pytest.approx(0.04, abs=0.015)
    assert judge.checks["coverage"].value == 1.0
    assert judge.estimates["reweighted"].effect == pytest.approx(judge.effect, abs=0.005)


def test_with_few_users_it_waits(tmp_path: Path) -> None:
    found = run(CASE, Setting(1, size=0.1), tmp_path)
    assert (found.call, found.right_reason) == ("hold", True)
