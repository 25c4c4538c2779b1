"""Case 12: better than every parent on average, worse than the best one on two tasks; one parent alone hides it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from signals.cases.c12_merged_by_weight import CASE, LOST, MERGED, PARENTS
from signals.cases.case import Setting
from signals.cases.naive import calls
from signals.cases.run import run
from signals.pull import pull
from signals.review import load, review, store_of


@pytest.mark.parametrize("seed", [1, 2])
def test_it_is_held_against_the_best_parent_of_every_task(seed: int, tmp_path: Path) -> None:
    found = run(CASE, Setting(seed), tmp_path)
    judge = found.verdict.readings["judge"]
    assert found.right_call
    assert found.right_reason
    assert not found.accused
    assert judge.state == "win"
    assert all((judge.estimates[f"versus {parent}"].low or 0.0) > 0.0 for parent in PARENTS)
    worse = {one.name.partition("=")[2] for one in judge.segments if (one.adjusted.high or 0.0) < -0.03}
    assert worse == set(LOST)
    assert calls(found.verdict)["judge only"] == "ship"
    assert found.verdict.release.variants == (*PARENTS, MERGED)


def test_the_twin_ships(tmp_path: Path) -> None:
    found = run(CASE, Setting(1, strength=0.0), tmp_path)
    assert (found.right_call, found.right_reason, found.accused) == (True, True, frozenset())


def test_against_the_first_parent_alone_the_same_policy_ships(tmp_path: Path) -> None:
    CASE.write(tmp_path, Setting(1))
    path = tmp_path / "data" / "sources.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("controls: [chat-v4, code-v2] ", "control: chat-v4 "), encoding="utf-8")
    project = load(tmp_path)
    assert project.releases[0].controls == ("chat-v4",)
    pull(project, store_of(project))
    found = review(CASE.release, project)
    assert found.verdict.call == "ship"
    # The evidence of the other parent is named as what does not count.
    assert any(one.variant == "code-v2" for one in found.verdict.readings["judge"].set_aside)


def test_every_parent_is_named_wherever_the_release_is(tmp_path: Path) -> None:
    from signals.inside import inside
    from signals.memo import markdown
    from signals.policy import verdict_json
    from signals.terminal import verdict_text

    found = run(CASE, Setting(1), tmp_path).review
    text = verdict_text(found.verdict, found.explanation)
    assert "merged-v1 against chat-v4 and code-v2" in text
    assert "judge, versus code-v2: " in text
    assert found.memo().control == "chat-v4 and code-v2"
    assert "versus chat-v4: +" in markdown(found.memo())
    assert set(verdict_json(found.verdict)["readings"]["judge"]["estimates"]) >= {"versus chat-v4", "versus code-v2"}
    view = inside(found, "judge")
    assert {"versus chat-v4", "versus code-v2"} <= {one.name for one in view.estimates}
    assert "several controls" in view.course.why_not


def test_what_is_about_one_control_is_said_to_be_missing(tmp_path: Path) -> None:
    explanation = run(CASE, Setting(1), tmp_path).review.explanation
    assert (explanation.stability, explanation.reconciliation, explanation.collections) == (None, (), ())
    assert any("several controls" in note for note in explanation.notes)
    assert explanation.flips  # follow from the rules and the bounds alone


def test_another_control_is_other_evidence_and_comes_back_from_the_store(tmp_path: Path) -> None:
    found = run(CASE, Setting(1), tmp_path)
    project = found.review.project
    store = store_of(project)
    release = project.releases[0]
    assert store.releases() == (release,)
    alone = replace(release, other_controls=())
    sources = [source.name for source in project.sources]
    assert store.evidence_hash(release, sources) != store.evidence_hash(alone, sources)
    assert {one.variant for one in store.evidence(release, sources).scores} == set(release.variants)
    assert {one.variant for one in store.evidence(alone, sources).scores} == set(alone.arms)
    keys = {review(CASE.release, project).verdict.evidence_hash, found.verdict.evidence_hash}
    assert len(keys) == 1
