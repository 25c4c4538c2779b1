"""``signals cases``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from signals.cases.suite import cases
from signals.cli import cli


def call(*words: str) -> Result:
    return CliRunner().invoke(cli, ["cases", *words], catch_exceptions=False)


def test_list_names_every_case_with_what_is_right_of_it() -> None:
    text = call("list").output
    for case in cases():
        assert f"{case.number:>2}  {case.slug}: {case.title}" in text
    assert [row["number"] for row in json.loads(call("list", "--json").output)] == [one.number for one in cases()]


def test_run_tells_the_whole_way_from_evidence_to_what_others_would_say(tmp_path: Path) -> None:
    memo, kept = tmp_path / "memo.md", tmp_path / "kept"
    result = call("run", "11", "--memo", str(memo), "--keep", str(kept))
    assert result.exit_code == 0
    for part in ("11. The debt nobody tickets", "golden-set", "NO VERDICT YET (HOLD)", "judge only", "that is right"):
        assert part in result.output
    assert result.output.index("golden-set") < result.output.index("NO VERDICT") < result.output.index("judge only")
    assert "NO VERDICT YET" in memo.read_text(encoding="utf-8")
    assert (kept / "data" / "sources.yaml").is_file()


def test_run_as_json_is_one_document(tmp_path: Path) -> None:
    found = json.loads(call("run", "untended", "--json", "--strength", "0").stdout)
    assert (found["call"], found["right_call"], found["wrong_accusations"]) == ("ship", True, [])
    assert found["verdict"]["call"] == "ship"
    assert set(found["naive"]) >= {"judge only", "A/B only"}


def test_show_writes_a_project_that_the_ordinary_commands_work_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SIGNALS_STORE", raising=False)
    folder = tmp_path / "case"
    assert call("show", "11", str(folder)).exit_code == 0
    assert (folder / "STORY.md").read_text(encoding="utf-8").startswith("# 11.")
    assert not (folder / "data" / "signals.db").exists(), "nothing is pulled yet"
    at = ["--project", str(folder)]
    assert CliRunner().invoke(cli, ["pull", *at]).exit_code == 2, "the weekly panel export is broken"
    verdict = CliRunner().invoke(cli, ["verdict", "answers-v9", *at])
    assert verdict.exit_code == 10
    assert "panel cannot be trusted" in verdict.output
    debt = CliRunner().invoke(cli, ["debt", *at]).output
    for owed in ("Failing source · panel-weekly", "Golden set · judge", "Nobody owns the signal panel"):
        assert owed in debt


def test_show_writes_over_nothing(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    result = call("show", "3", str(tmp_path))
    assert result.exit_code == 2
    assert "not an empty folder" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("run", "untendet"), "Did you mean 'untended'"),
        (("run", "3", "--memo", "memo.xyz"), "cannot write .xyz"),
        (("run", "3", "--strength", "2"), "0<=x<=1"),
        (("bench", "--case", "13"), "no case is called '13'"),
    ],
)
def test_mistakes_are_told_in_one_line(words: tuple[str, ...], says: str) -> None:
    result = call(*words)
    assert result.exit_code == 2
    assert says in result.stderr
    assert "Traceback" not in result.stderr


def test_bench_counts_and_gives_the_same_as_text_and_json() -> None:
    found = json.loads(call("bench", "--case", "11", "--seeds", "1", "--processes", "1", "--json").stdout)
    assert [(row["strength"], row["right_call"]["hits"], row["right_call"]["of"]) for row in found] == [
        (1.0, 1, 1),
        (0.0, 1, 1),
    ]
    assert found[0]["naive"]["A/B only"]["of"] == 0
