"""Case 8: what nobody held against the paper looks better than ever."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from signals.cases.c08_silent_corruption import CASE
from signals.cases.case import Setting
from signals.cases.naive import calls
from signals.cases.run import run


def test_people_with_the_paper_in_hand_stop_it(tmp_path: Path) -> None:
    found = run(CASE, Setting(1), tmp_path)
    assert (found.call, found.right_reason) == ("rollback", True)
    readings = found.verdict.readings
    assert readings["audit"].effect == pytest.approx(-0.25, abs=0.06)
    states = [readings[name].state for name in ("judge", "handed_back", "failed")]
    assert states == ["win", "win", "flat"]
    assert "handed_back" in found.verdict.overruled
    naive = calls(found.verdict)
    assert (naive["A/B only"], naive["judge only"]) == ("ship", "ship")


def test_the_twin_ships_by_the_audit(tmp_path: Path) -> None:
    found = run(CASE, Setting(1, strength=0.0), tmp_path)
    assert (found.call, found.verdict.decided_by, found.accused) == ("ship", "audit", frozenset())


def test_the_audited_share_is_the_one_of_the_story(tmp_path: Path) -> None:
    CASE.write(tmp_path, Setting(1, size=3.0))
    with (tmp_path / "data" / "exports" / "audit.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for model, wrong in (("reader-v2", 0.05), ("reader-v3", 0.30)):
        shares = [1.0 - float(row["share_right"]) for row in rows if row["model"] == model]
        assert sum(shares) / len(shares) == pytest.approx(0.97 * wrong, abs=0.03)


def test_without_the_audit_nothing_ships(tmp_path: Path) -> None:
    """The faulty release as a team without auditors sees it: every number that it has is green."""
    from signals.pull import pull
    from signals.review import load, review, store_of

    CASE.write(tmp_path, Setting(1))
    path = tmp_path / "data" / "sources.yaml"
    text = path.read_text(encoding="utf-8")
    start, end = text.index("  audit:"), text.index("  handed-back:")
    path.write_text(text[:start] + text[end:], encoding="utf-8")
    project = load(tmp_path)
    pull(project, store_of(project))
    verdict = review(CASE.release, project).verdict
    assert (verdict.call, verdict.decided_by, verdict.reason) == ("hold", "audit", "missing-signal")
    assert set(calls(verdict).values()) == {"ship"}
