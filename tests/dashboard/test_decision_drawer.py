"""The memo of one decision, and what the list says of all: what they show is what was decided on."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from signals.dashboard import decision_drawer, decision_rows
from signals.decisions import log
from signals.model import Project, canonical, digest
from signals.policy import verdict_json
from signals.review import load, record, review, store_of
from signals.standing import Stale


@pytest.fixture
def project(example: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A copy of the example that a test may write to."""
    monkeypatch.delenv("SIGNALS_STORE", raising=False)
    return load(Path(shutil.copytree(example, tmp_path / "project")))


def test_the_memo_of_an_earlier_decision_does_not_show_a_later_one(project: Project) -> None:
    first = record(review("all-agree", project), "ship", "Cy", "the first of two")
    record(review("all-agree", project), "ship", "Cy", "the second of two")
    one = next(one for one in log(project) if one.decision == first)
    memo = decision_drawer.memo_then(project, one)
    assert memo.decisions[0].because == "the first of two"
    assert "the second of two" not in [row.because for row in memo.decisions]
    assert memo.verdict_hash == first.verdict_hash


def test_a_memo_is_of_the_hash_that_it_prints_or_prints_none(project: Project) -> None:
    first, verdict = record(review("all-agree", project), "ship", "Cy", "in full"), review("all-agree", project).verdict
    told, store = verdict_json(verdict), store_of(project)  # without its explanation, as an older version told it
    place = (verdict.release.id, verdict.policy_hash, verdict.evidence_hash, verdict.call)
    store.put_verdict(*place, canonical(told), verdict.as_of)
    made = store.decide(replace(first, because="with fewer words", verdict_hash=digest(told), entry="", number=0))
    one = next(one for one in log(project) if one.decision == made)
    assert one.stale is None
    assert decision_drawer.memo_then(project, one).verdict_hash == ""


def test_a_memo_that_cannot_be_made_is_a_file_that_says_why(project: Project) -> None:
    one = log(project)[0]
    gone = replace(one, decision=replace(one.decision, release="<gone>"))
    for ending in (".md", ".html"):
        told = decision_drawer.written(project, gone, ending)
        assert isinstance(told, str)
        assert f"The memo of decision {one.decision.number} cannot be made" in told
        assert "no release is called" in told
        assert ("<gone>" in told) == (ending == ".md")


def test_what_was_not_looked_at_is_not_counted_as_current(project: Project) -> None:
    (one,) = log(project, look=False)
    shown = (replace(one, stale=Stale("hold", "ship"), looked=True),)
    assert "1 stale among the 1 shown" in decision_rows.counts((one, one), 2, shown)
    assert "1 stale<" in decision_rows.counts(shown, 1, shown)
