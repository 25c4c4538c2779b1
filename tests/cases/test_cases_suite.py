"""Every case of the book: its files, its policy, its story, and one run of it and of its twin."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from signals.cases.case import Case, Setting
from signals.cases.run import right_of, run
from signals.cases.suite import MODULES, cases, find, story_of
from signals.model import SignalsError
from signals.starter import preset_file

EVERY = cases()
HEADINGS = (
    "## What happened",
    "## What the signals said",
    "## What a naive reader does",
    "## What Signals says",
    "## The lines that caught it",
    "## The clean twin",
    "## Run it",
    "## What it does not see",
)
MEANT_TO_FAIL = {"untended": {"panel-weekly"}}
"""Sources whose failing is the case."""

each = pytest.mark.parametrize("case", EVERY, ids=lambda case: case.slug)


def tree(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_numbers_and_names_are_in_order_and_used_once() -> None:
    numbers = [case.number for case in EVERY]
    assert numbers == sorted(set(numbers))
    assert [int(module[1:3]) for module in MODULES] == numbers
    assert len({case.slug for case in EVERY}) == len(EVERY)


@pytest.mark.parametrize("name", ["3", "03", "tuesday-standup", "03-tuesday-standup", " Tuesday-Standup "])
def test_a_case_is_found_by_number_and_name(name: str) -> None:
    assert find(name).number == 3


def test_an_unknown_case_is_told_with_the_nearest() -> None:
    with pytest.raises(SignalsError, match="Did you mean 'tuesday-standup'"):
        find("tuesday-standups")


@each
def test_the_same_seed_writes_the_same_files(case: Case, tmp_path: Path) -> None:
    """And its twin is the same release: other numbers in the same files."""
    for name, setting in (("a", Setting(5)), ("b", Setting(5)), ("twin", Setting(5, 0.0))):
        case.write(tmp_path / name, setting)
    first, twin = tree(tmp_path / "a"), tree(tmp_path / "twin")
    assert first == tree(tmp_path / "b")
    assert first != twin
    assert first.keys() == twin.keys()
    assert first["data/sources.yaml"] == twin["data/sources.yaml"]


@each
def test_a_case_runs_a_preset_as_it_is_or_its_story_says_why_not(case: Case, tmp_path: Path) -> None:
    preset = preset_file(case.policy).read_text(encoding="utf-8")
    for name, strength in (("faulty", 1.0), ("twin", 0.0)):
        case.write(tmp_path / name, Setting(1, strength))
        own = (tmp_path / name / "hierarchy.yaml").read_text(encoding="utf-8")
        if own != preset:
            assert "policy of its own" in story_of(case).read_text(encoding="utf-8")


@each
def test_the_story_is_there_and_built_like_the_others(case: Case) -> None:
    lines = story_of(case).read_text(encoding="utf-8").splitlines()
    assert lines[0] == f"# {case.number:02d}. {case.title}"
    assert tuple(line for line in lines if line.startswith("## ")) == HEADINGS


@each
@pytest.mark.parametrize("strength", [1.0, 0.0], ids=["faulty", "twin"])
def test_one_run_is_right(case: Case, strength: float, tmp_path: Path) -> None:
    made = run(case, Setting(1, strength), tmp_path / "project")
    assert {one.source for one in made.pulled if one.status == "failed"} <= MEANT_TO_FAIL.get(case.slug, set())
    assert made.verdict.as_of == made.verdict.release.as_of, "a case is judged at its own moment"
    assert made.verdict.release.synthetic
    assert made.call in made.right.calls
    assert made.right_reason, made.seen
    if strength == 0.0:
        assert made.right is case.clean
        assert not made.accused


def test_what_is_right_depends_on_strength_and_size() -> None:
    case = find("3")
    assert right_of(case, Setting(1, 0.0, 0.1)) is case.clean
    assert right_of(case, Setting(1, 1.0, 0.1)) is case.early
    assert right_of(case, Setting(1, 0.4, 1.0)) is case.wrong


@each
def test_the_casebook_lists_it(case: Case, root: Path) -> None:
    page = (root / "docs" / "casebook.md").read_text(encoding="utf-8")
    assert f"[{case.title}](cases/{case.story}) | {case.fault} |" in page, "python -m benchmarks.casebook --write"
