"""Case 2: the known outcomes look better than before, and there are none from where the requests went."""

from __future__ import annotations

from pathlib import Path

from signals.cases.c02_router_cannot_see import CASE
from signals.cases.case import Setting
from signals.cases.naive import calls
from signals.cases.run import run


def test_an_open_loop_and_a_proud_router_are_no_verdict(tmp_path: Path) -> None:
    found = run(CASE, Setting(3), tmp_path)
    assert (found.right_call, found.right_reason) == (True, True)
    quality = found.verdict.readings["quality"]
    assert found.verdict.reason == "untrusted"
    assert quality.benefit.low is not None
    assert quality.benefit.low > 0.0  # what is known says better: that is the trap
    known, proud = quality.checks["outcome_known"], quality.checks["max_overconfidence"]
    assert known.value is not None
    assert 0.05 < known.value < 0.12
    assert "route small" in known.detail
    assert "route small" in proud.detail
    assert calls(found.verdict)["A/B only"] == "ship"


def test_the_twin_ships_and_accuses_nobody(tmp_path: Path) -> None:
    found = run(CASE, Setting(3, strength=0.0), tmp_path)
    assert (found.right_call, found.right_reason, found.accused) == (True, True, frozenset())
    known = found.verdict.readings["quality"].checks["outcome_known"].value
    assert known is not None
    assert known > 0.9
