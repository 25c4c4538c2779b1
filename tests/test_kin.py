"""``kin:`` of sources.yaml: read strictly, and an edit of it is seen by the next verdict."""

from __future__ import annotations

from pathlib import Path

import pytest

from signals.model import ModelFamily, SignalsError
from signals.project import load_project
from signals.pull import pull
from signals.review import review, store_of

SOURCES = """\
releases:
  - {id: r, kind: model, control: teacher, candidate: student, started: 2026-11-10, as_of: 2026-11-17T09:00:00Z}
sources:
  golden: {signal: judge, connector: table, path: golden.csv, shape: item_score, map: {item: item, variant: arm,
    value: score, scorer_version: judge, at: at}}
"""
POLICY = """\
schema: 1
name: p
signals:
  judge: {kind: judge, question: "?", better: higher, margin: 2pp, trust: {independent_judge: true}}
hierarchy: [{signal: judge, win: ship, loss: rollback}]
"""
KIN = "kin:\n  house: [teacher, student*]\n  vendor: [judge-5]\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    (tmp_path / "hierarchy.yaml").write_text(POLICY)
    rows = [
        f"i{k},{arm},{(7 * k + (4 if arm == 'student' else 0)) % 10 / 10},judge-5,2026-11-16T09:00:00Z"
        for k in range(40)
        for arm in ("teacher", "student")
    ]
    (tmp_path / "data" / "golden.csv").write_text("item,arm,score,judge,at\n" + "\n".join(rows) + "\n")
    return tmp_path


def said(folder: Path, kin: str) -> tuple[str, float | None, str]:
    (folder / "data" / "sources.yaml").write_text(kin + SOURCES)
    reading = review("r", folder).verdict.readings["judge"]
    check = reading.checks["independent_judge"]
    return check.status, check.value, reading.state


def test_every_edit_of_kin_is_measured_again(folder: Path) -> None:
    (folder / "data" / "sources.yaml").write_text(SOURCES)
    project = load_project(folder)
    pull(project, store_of(project))
    assert said(folder, "") == ("unknown", None, "untrusted")
    status, value, state = said(folder, KIN)
    assert (status, value) == ("pass", 1.0)
    assert state != "untrusted"
    assert said(folder, KIN.replace("judge-5", "judge-*")) == ("pass", 1.0, state)
    assert said(folder, KIN.replace("student*", "student*, judge-5")) == ("fail", 0.0, "untrusted")
    assert said(folder, KIN.replace("judge-5", "judge-4")) == ("unknown", None, "untrusted")
    assert said(folder, KIN) == ("pass", 1.0, state)


def test_it_is_read_strictly(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUR_JUDGE", "judge-9")
    (folder / "data" / "sources.yaml").write_text("kin:\n  a: ['${OUR_JUDGE}', b-*]\n" + SOURCES)
    assert load_project(folder).kin == (ModelFamily("a", ("judge-9", "b-*")),)
    for written, places in (
        ("kin:\n  a: [x]\n  b: []\n  c: x\n  d: [1]\n  e: ['']\n", [(3, 3), (4, 3), (5, 3), (6, 3)]),
        ("kin:\n  a: [x]\n  b: [x, '${NO_SUCH}']\n", [(3, 11)]),
        ("kin: [x]\n", [(1, 6)]),
        ("kins:\n  a: [x]\n", [(1, 1)]),
    ):
        (folder / "data" / "sources.yaml").write_text(written + SOURCES)
        with pytest.raises(SignalsError) as caught:
            load_project(folder)
        assert [(one.line, one.column) for one in caught.value.problems] == places
