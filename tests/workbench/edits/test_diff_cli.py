"""``signals policy diff`` as a person and as a commit hook use it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from signals.cli import cli


@pytest.fixture
def old(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The shipped policy, alone in a folder that is no project."""
    monkeypatch.setenv("SIGNALS_PROJECT", str(tmp_path))
    path = tmp_path / "hierarchy.yaml"
    path.write_text((root / "hierarchy.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    return path


def edited(old: Path, before: str, after: str) -> Path:
    text = old.read_text(encoding="utf-8")
    assert before in text
    path = old.with_name("edited.yaml")
    path.write_text(text.replace(before, after, 1), encoding="utf-8")
    return path


def diff(*words: str | Path) -> Result:
    return CliRunner().invoke(cli, ["policy", "diff", *map(str, words)])


def test_a_weakening_without_a_reason_is_held(old: Path) -> None:
    new = edited(old, "human_agreement >= 0.5", "human_agreement >= 0.45")
    result = diff(old, new)
    assert result.exit_code == 2
    assert result.stderr.splitlines() == ["This weakens protection and needs a reason: add --because TEXT."]
    assert result.stdout.startswith("--- ")
    assert "\nWeakens protection.\nSHIP instead of HOLD in " in result.stdout
    for blank in ("", "  "):
        assert diff(old, new, "--because", blank).exit_code == 2


def test_a_weakening_with_a_reason_passes(old: Path) -> None:
    result = diff(old, edited(old, "margin: 0.5pp", "margin: 1pp"), "--because", "half a point is noise here")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.rstrip().endswith("Because: half a point is noise here")


def test_a_strengthening_needs_no_reason(old: Path) -> None:
    result = diff(old, edited(old, "otherwise: hold", "otherwise: rollback"))
    assert (result.exit_code, result.stderr) == (0, "")
    assert "ROLLBACK instead of HOLD" in result.stdout


def test_without_b_it_is_the_projects_file(old: Path) -> None:
    new = edited(old, "otherwise: hold", "otherwise: ship")
    assert "HOLD instead of SHIP" in diff(new).stdout
    assert diff(old).stdout.strip() == "Decides every situation as before."


def test_json_has_it_all(old: Path) -> None:
    result = diff(old, edited(old, "otherwise: hold", "otherwise: ship"), "--json", "--because", "a trial")
    assert result.exit_code == 0
    found = json.loads(result.stdout, parse_constant=lambda word: pytest.fail(f"{word} is not JSON"))
    assert (found["weakens"], found["strengthens"], found["same"], found["because"]) == (True, False, False, "a trial")
    first = found["changes"][0]
    assert (first["before"], first["after"], first["weakens"], first["by"]) == (
        "hold", "ship", True, ["otherwise", "otherwise"],
    )  # fmt: skip
    assert first["count"] == round(first["share"] * first["total"])
    assert first["example"]["conversion.state"]
    assert found["text"].startswith("---")


def test_a_long_diff_is_shortened(old: Path) -> None:
    text = old.read_text(encoding="utf-8")
    new = old.with_name("long.yaml")
    new.write_text(text + "".join(f"# line {number}\n" for number in range(90)), encoding="utf-8")
    lines = diff(old, new).stdout.splitlines()
    assert lines[40].startswith("… and ")
    assert lines[-1] == "Decides every situation as before."


def test_what_cannot_be_read_is_one_line(old: Path) -> None:
    for words in ((old.with_name("none.yaml"),), (old, "v99")):
        result = diff(*words)
        assert result.exit_code == 2
        assert len(result.stderr.strip().splitlines()) == 1
    broken = edited(old, "otherwise: hold", "otherwise: maybe")
    assert "edited.yaml:" in diff(old, broken).stderr


def test_versions_of_the_project_are_named_by_number(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from signals.review import load
    from signals.versions import current, save

    folder = old.parent
    monkeypatch.setenv("SIGNALS_STORE", f"sqlite:///{folder / 'signals.db'}")
    (folder / "data").mkdir()
    (folder / "data" / "sources.yaml").write_text(
        "store: ${SIGNALS_STORE}\nreleases: []\nsources: {}\n", encoding="utf-8"
    )
    text, base = current(load(folder))
    looser = text.replace("margin: 0.5pp", "margin: 1pp", 1)
    save(load(folder), looser, base=base, by="ada", because="half a point is noise here")
    result = diff("v1")
    assert result.exit_code == 2
    assert "Weakens: conversion: margin from 0.5pp to 1pp" in result.stdout
    assert "--- hierarchy.yaml (v1)" in result.stdout
    assert diff("v2").stdout.strip() == "Decides every situation as before."
    assert diff("v2", "v1").exit_code == 0
