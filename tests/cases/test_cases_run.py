"""One run: where it writes, and what it holds the verdict against."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from signals.cases.case import Right, Setting
from signals.cases.run import run, written
from signals.cases.suite import find
from signals.model import SignalsError
from signals.pull import pull
from signals.review import load, review, store_of


def test_made_up_evidence_never_reaches_the_store_that_people_work_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGNALS_STORE", f"sqlite:///{tmp_path / 'theirs.db'}")
    made = run(find("11"), Setting(2), tmp_path / "project")
    assert not (tmp_path / "theirs.db").exists()
    assert (tmp_path / "project" / "data" / "signals.db").stat().st_size > 0
    assert made.review.explanation.stability is not None  # the store is there when it is asked again


def test_a_run_says_what_the_ordinary_path_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The store that is laid in place changes nothing: a migrated one gives the same verdict and evidence."""
    monkeypatch.delenv("SIGNALS_STORE", raising=False)
    case = find("11")
    made = run(case, Setting(3), tmp_path / "run")
    written(case, Setting(3), tmp_path / "by-hand")
    project = load(tmp_path / "by-hand")
    pull(project, store_of(project))
    found = review(case.release, project).verdict
    # Readings also say when their sources were pulled, so numbers and checks are compared.
    for name, reading in found.readings.items():
        ours = made.verdict.readings[name]
        assert (reading.estimates, reading.checks, reading.state) == (ours.estimates, ours.checks, ours.state)
    assert (found.sentence, found.trace, found.evidence_hash) == (
        made.verdict.sentence, made.verdict.trace, made.verdict.evidence_hash,
    )  # fmt: skip


@pytest.mark.parametrize("occupied", ["file", "folder"])
def test_nothing_is_written_over(occupied: str, tmp_path: Path) -> None:
    place = tmp_path / "place"
    if occupied == "file":
        place.write_text("mine")
    else:
        place.mkdir()
        (place / "mine.txt").write_text("mine")
    with pytest.raises(SignalsError, match="not an empty folder"):
        written(find("3"), Setting(), place)
    assert (place if occupied == "file" else place / "mine.txt").read_text() == "mine"


def test_every_group_of_reasons_has_to_be_met_by_one_of_its_members(tmp_path: Path) -> None:
    made = run(find("11"), Setting(1), tmp_path / "project")
    there, gone = "check:panel.max_age", "guardrail:nowhere"
    for groups, right in (
        (((there, gone),), True),
        (((there,), (gone,)), False),
        (((gone,),), False),
        ((), True),
    ):
        assert replace(made, right=Right(("hold",), groups)).right_reason is right
    assert made.right_call
    assert not replace(made, right=Right(("ship", "rollback"))).right_call
