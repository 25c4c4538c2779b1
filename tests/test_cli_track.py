"""``signals track``: readable at 100 columns, refusals said, JSON for programs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from signals.cli import cli
from signals.model import Project
from tests.track_kit import make


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Project:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("SIGNALS_STORE", raising=False)
        return make(tmp_path_factory.mktemp("many") / "project", releases=26, drift=5.0, after=14)


@pytest.fixture
def run() -> Any:
    def command(folder: Path, *words: str) -> Result:
        return CliRunner().invoke(cli, ["track", *words, "--project", str(folder)], catch_exceptions=False)

    return command


@pytest.fixture
def track(run: Any, many: Project, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.delenv("SIGNALS_STORE", raising=False)
    return lambda *words: run(many.root, *words)


@pytest.fixture
def example(run: Any, root: Path, demo_store: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("SIGNALS_STORE", demo_store)
    return lambda *words: run(root, *words)


def test_the_record_reads_at_a_hundred_columns(track: Any, example: Any) -> None:
    for words in ((), ("--signal", "judge"), ("--signal", "conversion")):
        for command in (track, example):
            text = command(*words).stdout
            assert max(map(len, text.splitlines())) <= 100, text
            assert "  \n" not in text


def test_shares_correlations_alarm_and_policy_are_there(track: Any) -> None:
    text = " ".join(track().stdout.split())
    assert "Track record of many 24 past releases" in text
    assert "ALARM: judge has promised more than conversion delivered since r1" in text
    assert "In brackets the 95 % CI of the share." in text
    assert "conversion and judge 24 +0." in text
    assert "when nothing changes it sounds in at most 4.9 % of records of 50 releases" in text
    assert "turned out bad, the policy stops" in text
    assert "r25: it is still open" in text
    assert "r01: it shares its control" in text


def test_the_example_refuses_and_says_what_is_missing(example: Any) -> None:
    text = " ".join(example().stdout.split())
    assert "[synthetic data]" in text
    assert "Missing: the outcome of" in text
    assert "Shares take 10 releases with a known outcome" in text
    assert "are not followed: 9 past releases have both, and it takes 10." in text
    assert "ALARM" not in text


def test_what_the_counts_leave_out_is_said_and_no_column_is_empty(example: Any) -> None:
    text = example("--signal", "judge").stdout
    words = " ".join(text.split())
    assert (
        "Left out of the 10 past releases: the 2 that judge decided itself and tuesday-small, which no signal" in words
    )
    table = text.split("the signal that decided said")[1].split("Left out")[0]
    assert sum(int(line.split()[-1]) for line in table.splitlines()[2:] if line.strip()) == 10 - 2 - 1
    assert "gap, margins\n" in text
    assert " sum" not in text
    # One of the five declares that its outcome is unknown.
    assert "`outcome: good` or `bad` in sources.yaml; 5 past releases have neither" in " ".join(
        example().stdout.split()
    )


def test_one_signal_in_full(track: Any) -> None:
    text = track("--signal", "judge").stdout
    assert "judge said  the signal that decided said  releases" in text
    assert "sum (limit 4.59)" in text
    assert text.count("alarm\n") >= 1
    assert "conversion and judge" in text
    assert "conversion and thumbs" not in text


def test_json_is_for_programs(track: Any) -> None:
    data = json.loads(track("--json").stdout)
    assert (data["policy"], data["releases"], data["needed"]) == ("many", 24, 10)
    assert data["record"]["harms_stopped"]["of"] > 0
    judge = json.loads(track("--json", "--signal", "judge").stdout)["signals"]
    assert [one["signal"] for one in judge] == ["judge"]
    assert judge[0]["gap"]["alarm"]["over"] == 50


def test_a_signal_that_is_not_there_is_a_mistake(track: Any) -> None:
    result = track("--signal", "jugde")
    assert result.exit_code == 2
    assert "no signal is called 'jugde'. Did you mean 'judge'?" in result.output


def test_a_project_without_releases_says_so(
    run: Any, tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SIGNALS_STORE", raising=False)
    (tmp_path / "data").mkdir()
    (tmp_path / "hierarchy.yaml").write_text((root / "hierarchy.yaml").read_text())
    (tmp_path / "data" / "sources.yaml").write_text("store: sqlite:///s.db\nreleases: []\nsources: {}\n")
    result = run(tmp_path)
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "Track record of release-week",
        "There is no past release yet, and it takes 10.",
    ]
