"""What the Verdict page keeps: made once for forty people, and never shown after something has changed."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from dashboard.conftest import signals

from signals.dashboard import standup
from signals.dashboard.standup import Asked, project_in
from signals.dashboard.subject import signal_of
from signals.memo import Memo
from signals.review import Review

RELEASE = "all-agree"


@pytest.fixture
def project(example: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("SIGNALS_STORE", raising=False)
    folder = tmp_path / "copy"
    shutil.copytree(example, folder)
    return folder


def shown(folder: Path) -> standup.Standup:
    asked = Asked(project_in(folder), RELEASE)
    return asked.at_hand() or asked.explained(asked.verdict())


def test_the_verdict_comes_first_and_its_explanation_after_it(project: Path) -> None:
    asked = Asked(project_in(project), RELEASE)
    assert asked.at_hand() is None
    first = asked.verdict()
    assert first.memo.explained is None
    assert first.memo.word == "SHIP"
    assert asked.at_hand() is None, "without its explanation it is not whole"
    whole = asked.explained(first)
    assert whole.memo.explained is not None
    assert asked.at_hand() is whole


def test_nothing_is_kept_when_policy_decision_or_evidence_changes(project: Path, root: Path) -> None:
    before = shown(project)
    assert shown(project) is before
    words = ("decide", RELEASE, "ship", "--by", "jo", "--because", "once more")
    assert signals(project, *words, root=root).returncode == 0
    decided = shown(project)
    assert len(decided.memo.decisions) == len(before.memo.decisions) + 1
    policy = project / "hierarchy.yaml"
    policy.write_text(policy.read_text(encoding="utf-8") + "\n# another text\n", encoding="utf-8")
    assert shown(project).memo.policy_hash != before.memo.policy_hash
    same = shown(project)
    (project / "data" / "exports" / "thumbs_daily").rename(project / "data" / "exports" / "gone")
    signals(project, "pull", "--source", "thumbs-daily", root=root)  # fails, and a verdict says so
    assert shown(project) is not same


def test_forty_who_ask_at_once_get_one_answer(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    real = Review.memo

    def counted(found: Review, *, explained: bool = True) -> Memo:
        made.append(explained)
        return real(found, explained=explained)

    monkeypatch.setattr(Review, "memo", counted)
    with ThreadPoolExecutor(8) as pool:
        seen = list(pool.map(lambda _: shown(project), range(40)))
    assert len({id(one.memo) for one in seen}) == 1
    assert made.count(True) == 1


def test_a_project_is_read_again_when_its_text_changes(project: Path) -> None:
    assert project_in(project) is project_in(project)
    sources = project / "data" / "sources.yaml"
    sources.write_text(
        sources.read_text(encoding="utf-8").replace("owner: reply-team", "owner: others"), encoding="utf-8"
    )
    assert {release.owner for release in project_in(project).releases} >= {"others"}


def test_the_sentence_belongs_to_the_signal_that_it_tells_of(project: Path) -> None:
    loaded = project_in(project)
    told = {name: signal_of(Asked(loaded, name).verdict().found.verdict) for name in ("tuesday-small", "tone-v6")}
    assert told == {"tuesday-small": "conversion", "tone-v6": "panel"}
