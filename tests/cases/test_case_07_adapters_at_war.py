"""Case 7: the average rises, two skills fall to the level of the base model, and no rule looks at the average alone."""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path

import pytest

from signals.cases.c07_adapters_at_war import AT_WAR, CASE, SKILLS
from signals.cases.case import Setting
from signals.cases.naive import calls
from signals.cases.run import run


@pytest.mark.parametrize("seed", [1, 2])
def test_two_skills_collapse_while_the_average_rises(seed: int, tmp_path: Path) -> None:
    found = run(CASE, Setting(seed), tmp_path)
    judge = found.verdict.readings["judge"]
    assert found.right_call
    assert found.right_reason
    assert not found.accused
    assert judge.state == "win"
    worse = {one.name.partition("=")[2] for one in judge.segments if (one.adjusted.high or 0.0) < -0.03}
    assert worse == set(AT_WAR)
    assert {one.name.partition("=")[2] for one in judge.segments} == set(SKILLS)
    assert found.verdict.overruled[-1] == "judge"
    naive = calls(found.verdict)
    assert (naive["judge only"], naive["pooled z"]) == ("ship", "ship")


def test_the_twin_ships(tmp_path: Path) -> None:
    found = run(CASE, Setting(1, strength=0.0), tmp_path)
    assert (found.right_call, found.right_reason, found.accused) == (True, True, frozenset())
    assert found.verdict.readings["judge"].checks["heterogeneity_p"].status == "pass"


def test_at_half_strength_it_is_not_shipped_either(tmp_path: Path) -> None:
    assert run(CASE, Setting(1, strength=0.5), tmp_path).call != "ship"


def test_a_skill_that_the_candidate_did_not_answer_does_not_pass_silently(tmp_path: Path) -> None:
    """The twin, with one skill's answers of the candidate lost: few enough that no check of the whole fails."""
    from signals.pull import pull
    from signals.review import load, review, store_of

    CASE.write(tmp_path, Setting(1, strength=0.0))
    path = tmp_path / "data" / "exports" / "judge_scores.csv"
    head, *rows = list(csv.reader(path.read_text(encoding="utf-8").splitlines()))
    skills: dict[str, int] = defaultdict(int)
    kept = []
    for row in rows:
        skills[row[1]] += row[1] == "sql" and row[2] == "one-adapter-each"
        small = row[1] == "sql" and skills["sql"] > 12  # twelve items of sql are left, in one arm
        if not small and not (row[1] == "sql" and row[2] == "composed-v1"):
            kept.append(row)
    path.write_text("\n".join(",".join(row) for row in (head, *kept)) + "\n", encoding="utf-8")
    project = load(tmp_path)
    pull(project, store_of(project))
    verdict = review(CASE.release, project).verdict
    assert verdict.readings["judge"].checks["paired"].status == "pass"
    assert [one.name for one in verdict.readings["judge"].segments if one.refused] == ["skill=sql"]
    assert (verdict.call, verdict.reason) == ("hold", "cannot-evaluate")
