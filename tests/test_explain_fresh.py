"""An explanation that is kept is never older than what it follows from, and never of two states of the store."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from decided_kit import decided_then
from sqlalchemy import delete

from signals.explain import MEANWHILE, _key, _memory, _Pairs, explain
from signals.lookup import Lookup
from signals.model import Explanation, canonical, plain
from signals.pull import pull
from signals.review import load, review, store_of
from signals.store.tables import estimate
from tests.track_kit import make

RELEASE = "r12"  # its judge is flat, its experiment lost, and eleven independent releases came before it


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fresh") / "project"
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("SIGNALS_STORE", raising=False)
        make(folder, releases=14)
        _asked(folder)
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The project with a store that keeps the explanation."""
    monkeypatch.delenv("SIGNALS_STORE", raising=False)
    return Path(shutil.copytree(made, tmp_path / "project"))


def _asked(folder: Path) -> Explanation:
    """As another process would be told: nothing is in memory."""
    _memory.kept.clear()
    return review(RELEASE, load(folder)).explanation


def _anew(folder: Path) -> Explanation:
    """The same with nothing kept in the store either."""
    _forget(folder)
    return _asked(folder)


def _forget(folder: Path) -> None:
    with store_of(load(folder)).database.write("test") as connection:
        connection.execute(delete(estimate))


def _construct(found: Explanation) -> str:
    return canonical(plain([one for row in found.reconciliation for one in row.causes if one.name == "construct"]))


def _edit(folder: Path, pattern: str, by: str, file: str = "sources.yaml") -> None:
    path = folder / "data" / file
    text, times = re.subn(pattern, by, path.read_text())
    assert times
    path.write_text(text)


def _decide(folder: Path, later: timedelta) -> None:
    then = review("r04", load(folder))
    made = review("r04", load(folder), as_of=then.verdict.as_of + later)
    decided_then(made, {"call": made.verdict.call})


CHANGES: dict[str, Callable[[Path], None]] = {
    "a past release is open again": lambda folder: _edit(folder, r"(id: r05.*?), as_of: [^}]*}", r"\1}"),
    "two past releases are of one family": lambda folder: _edit(folder, r"(id: r0[56].*?)}", r"\1, family: z}"),
    "a past release is judged before its evidence came": lambda folder: _edit(
        folder, r"(id: r05.*as_of: )[\d-]+", r"\g<1>2025-03-18"
    ),
    "a past release was decided before its evidence came": lambda folder: _decide(folder, timedelta(days=-5)),
}


@pytest.mark.parametrize("what", CHANGES)
def test_what_past_releases_say_is_never_stale(folder: Path, what: str) -> None:
    before = _asked(folder)
    assert before.reconciliation
    CHANGES[what](folder)
    told = _asked(folder)
    assert canonical(plain(told)) == canonical(plain(_anew(folder)))
    assert _construct(told) != _construct(before)


def test_what_was_decided_later_changes_nothing_of_a_moment_before(folder: Path) -> None:
    before = _asked(folder)
    _decide(folder, timedelta(days=900))
    assert canonical(plain(_asked(folder))) == canonical(plain(before))
    assert canonical(plain(_anew(folder))) == canonical(plain(before))
    _decide(folder, timedelta(days=-5))  # it is the newest decision of two
    earlier = _construct(_asked(folder))
    assert earlier != _construct(before)
    _decide(folder, timedelta(days=900))
    assert _construct(_asked(folder)) == earlier


def test_new_evidence_of_a_past_release_counts_at_once(folder: Path) -> None:
    before = _asked(folder)
    _edit(folder, r"(,r3b,0\.)\d", r"\g<1>9", "golden.csv")
    project = load(folder)
    pull(project, store_of(project))
    told = _asked(folder)
    assert canonical(plain(told)) == canonical(plain(_anew(folder)))
    assert _construct(told) != _construct(before)


def test_another_store_with_as_many_pulls_is_another_store(folder: Path, tmp_path: Path) -> None:
    _memory.kept.clear()
    here = explain(replace(review(RELEASE, load(folder)).subject, moving=True))
    there = Path(shutil.copytree(folder, tmp_path / "other", ignore=shutil.ignore_patterns("*.db*")))
    _edit(there, r"(,r3b,0\.)\d", r"\g<1>9", "golden.csv")
    project = load(there)
    pull(project, store_of(project))
    told = explain(replace(review(RELEASE, project).subject, moving=True))  # what is in memory is of the other one
    assert _construct(told) != _construct(here)
    assert canonical(plain(told)) == canonical(plain(_anew(there)))


def test_a_release_with_the_same_arms_is_no_past_release_of_this_one(folder: Path) -> None:
    before = _asked(folder)
    again = (
        "{id: early, kind: prompt, control: r12a, candidate: r12b, started: 2025-06-01, as_of: 2025-06-30T08:00:00Z}"
    )
    _edit(folder, r"releases:\n", f"releases:\n  - {again}\n")
    assert _construct(_anew(folder)) == _construct(before)


def test_a_family_of_candidates_counts_at_once_while_time_moves_on(folder: Path) -> None:
    subject = replace(review(RELEASE, load(folder)).subject, moving=True)
    assert _key(subject) != _key(replace(subject, family=2))


def test_numbers_of_a_pair_are_of_the_family_of_the_release(folder: Path) -> None:
    subject = replace(review(RELEASE, load(folder)).subject, family=3)
    pairs = _Pairs(subject)
    assert {pairs._evidence(name).family for name in ("judge", "conversion")} == {3}  # type: ignore[union-attr]  # it is there


def test_a_pull_between_verdict_and_explanation_mixes_nothing(folder: Path) -> None:
    project = load(folder)
    _forget(folder)
    old = review(RELEASE, project)
    # Another day, and the number that votes stays what it was: it could be taken for the evidence of the verdict.
    _edit(folder, r"(r12[ab],200000,\d+),2025-06-29", r"\1,2025-06-28", "orders.csv")
    pull(project, store_of(project))
    _memory.kept.clear()
    told = old.explanation
    assert told.notes == (MEANWHILE,)
    assert told.reconciliation == ()
    assert told.stability == review(RELEASE, project).explanation.stability
    new = review(RELEASE, project).explanation
    assert MEANWHILE not in new.notes
    assert new.reconciliation
    # Nothing of it was kept: at the old evidence again, the old explanation is made anew.
    _edit(folder, r"(r12[ab],200000,\d+),2025-06-28", r"\1,2025-06-29", "orders.csv")
    pull(project, store_of(project))
    assert _asked(folder).reconciliation


def test_numbers_that_were_measured_after_a_pull_are_not_filed_under_the_evidence_before(folder: Path) -> None:
    project = load(folder)
    _forget(folder)
    early = Lookup(project, store_of(project))
    _edit(folder, r"(r12b,200000,)\d+", r"\g<1>61000", "orders.csv")
    pull(project, store_of(project))
    old = review(RELEASE, project)
    release, moment = old.verdict.release, old.verdict.as_of
    numbers, evidence = early.of(early.wanted(old.policy.signals), release, moment, 1)
    assert evidence == old.verdict.evidence_hash  # of what was measured, not what was looked up
    assert _Pairs(replace(old.subject, lookup=early, numbers=numbers)).reconciled() == ()
