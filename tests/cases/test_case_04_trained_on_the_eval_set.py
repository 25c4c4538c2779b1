"""Case 4: a fine average over one plan that collapsed, and a tuning set in which that plan hardly exists."""

from __future__ import annotations

from pathlib import Path

from signals.cases.c04_trained_on_the_eval_set import ADMIN, CASE
from signals.cases.case import Setting
from signals.cases.naive import calls
from signals.cases.run import run


def test_the_plan_is_seen_behind_the_average_and_the_set_is_not_believed(tmp_path: Path) -> None:
    found = run(CASE, Setting(3), tmp_path)
    assert (found.right_call, found.right_reason, found.accused) == (True, True, frozenset())
    quality, offline = found.verdict.readings["quality"], found.verdict.readings["offline"]
    assert quality.non_inferior  # the average holds
    worse = [one.name for one in quality.segments if one.adjusted.high is not None and one.adjusted.high < -0.03]
    assert worse == [f"plan={ADMIN}"]
    assert (offline.estimates["raw"].candidate or 0.0) > 0.94
    assert offline.state == "untrusted"
    assert f"plan={ADMIN}" in offline.checks["max_mix_shift"].detail
    naive = calls(found.verdict)
    assert naive["loudest number"] == "ship"


def test_the_twin_ships_and_accuses_nobody(tmp_path: Path) -> None:
    found = run(CASE, Setting(3, strength=0.0), tmp_path)
    assert (found.right_call, found.right_reason, found.accused) == (True, True, frozenset())
    assert found.verdict.readings["offline"].checks["max_mix_shift"].value == 0.0
