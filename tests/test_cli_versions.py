"""Versions and replay on the command line."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from versions_kit import EDITED, POLICY, project_in

from signals.cli import cli
from signals.model import Project
from signals.policyfile import text_hash


def run(*words: str) -> Result:
    return CliRunner().invoke(cli, list(words))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return project_in(tmp_path)


@pytest.fixture
def example(root: Path, demo_store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The bundled example over a copy of its store, in a folder whose policy may be edited."""
    copy = tmp_path / "demo.db"
    with sqlite3.connect(demo_store.removeprefix("sqlite:///")) as connection:
        connection.execute("VACUUM INTO ?", [str(copy)])
    (tmp_path / "data").mkdir()
    shutil.copy(root / "hierarchy.yaml", tmp_path)
    shutil.copy(root / "data" / "sources.yaml", tmp_path / "data")
    monkeypatch.setenv("SIGNALS_STORE", f"sqlite:///{copy}")
    monkeypatch.setenv("SIGNALS_PROJECT", str(tmp_path))
    return tmp_path


def edit(folder: Path, name: str = "hierarchy.yaml") -> Path:
    text = (folder / "hierarchy.yaml").read_text()
    assert "human_agreement >= 0.5," in text
    path = folder / name
    text = text.replace("human_agreement >= 0.5,", "human_agreement >= 0.6,")
    path.write_text(text.replace("judge.human_agreement: 0.5,", "judge.human_agreement: 0.6,"))
    return path


# --- versions -------------------------------------------------------------------------------------------------------


def test_save_and_log(project: Project) -> None:
    folder = str(project.root)
    assert "No version was saved yet" in run("policy", "log", "--project", folder).stdout
    draft = project.root / "draft.yaml"
    draft.write_text(EDITED)
    saved = run("policy", "save", str(draft), "--by", "Ann", "--because", "more\n\x1b[31mpeople", "--project", folder)
    assert saved.exit_code == 0, saved.output
    assert re.fullmatch(r"saved v2: sha256:[0-9a-f]{8}, audit entry sha256:[0-9a-f]{8}\n", saved.stdout)
    assert project.policy_path.read_text() == EDITED
    lines = run("policy", "log", "--project", folder).stdout.splitlines()
    assert lines[2].startswith("v2 ")
    assert "Ann" in lines[2]
    assert "+1 −1" in lines[2]
    assert lines[2].endswith("more [31mpeople")
    assert lines[3].startswith("v1 ")
    newest, first = json.loads(run("policy", "log", "--json", "--project", folder).stdout)
    assert (newest["number"], newest["by"], newest["added"], newest["removed"]) == (2, "Ann", 1, 1)
    assert (newest["parent"], newest["hash"]) == (first["hash"], text_hash(EDITED))
    assert (first["added"], first["removed"]) == (len(POLICY.splitlines()), 0)
    assert "text" not in newest
    assert run("audit", "verify", "--project", folder).exit_code == 0


def test_an_edit_by_hand_is_recorded_and_a_weakening_is_said(project: Project) -> None:
    words = ["policy", "save", "--by", "Ann", "--because", "why", "--project", str(project.root)]
    assert run(*words).stdout.startswith("saved v1:")
    project.policy_path.write_text(POLICY.replace("loss: rollback", "loss: hold"))
    assert "saved v2, which protects less than before: " in run(*words).stdout
    assert "weakens" in run("policy", "log", "--project", str(project.root)).stdout
    again = run(*words)
    assert again.exit_code == 2
    assert "nothing changed: this is v2 already" in again.output


def test_a_conflict_is_one_line_and_base_answers_it(project: Project) -> None:
    said = ["--by", "Ann", "--because", "why", "--project", str(project.root)]
    draft = project.root / "draft.yaml"
    draft.write_text(EDITED)
    assert run("policy", "save", str(draft), *said).exit_code == 0
    draft.write_text(POLICY.replace("# bob: 0", "# bob: 1"))
    old = run("policy", "save", str(draft), "--base", "v1", *said)
    assert old.exit_code == 2
    assert old.output.startswith("the policy changed since you began: v2 by Ann")
    assert len(old.output.strip().splitlines()) == 1
    assert project.policy_path.read_text() == EDITED
    assert run("policy", "save", str(draft), "--base", "v2", *said).stdout.startswith("saved v3")


@pytest.mark.parametrize(
    "words, says",
    [
        (["policy", "save", "--by", "Ann"], "because"),
        (["policy", "save", "--by", " ", "--because", "x"], "who saves it"),
        (["policy", "save", "nowhere.yaml", "--by", "Ann", "--because", "x"], "nowhere.yaml: no such file"),
        (["policy", "save", "--base", "v7", "--by", "Ann", "--because", "x"], "no version 'v7'"),
        (["policy", "replay", "v7"], "v7: no such file, and there is no version 'v7'"),
        (["policy", "replay", "data"], "data"),
    ],
)
def test_a_mistake_is_said_and_saves_nothing(project: Project, words: list[str], says: str) -> None:
    result = run(*words, "--project", str(project.root))
    assert result.exit_code == 2, result.output
    assert says in result.output
    assert json.loads(run("policy", "log", "--json", "--project", str(project.root)).stdout) == []


def test_a_policy_that_breaks_its_own_tests_is_not_put_in_force(example: Path) -> None:
    draft = edit(example, "draft.yaml")
    draft.write_text(draft.read_text().replace("judge.human_agreement: 0.6,", "judge.human_agreement: 0.5,"))
    before = (example / "hierarchy.yaml").read_bytes()
    result = run("policy", "save", str(draft), "--by", "Ann", "--because", "raters")
    assert result.exit_code == 2
    assert "of the policy's" in result.output
    assert "Change the rule, or the test with it" in result.output
    assert (example / "hierarchy.yaml").read_bytes() == before
    assert json.loads(run("policy", "log", "--json").stdout) == []


def test_any_verdict_under_any_version(example: Path) -> None:
    draft = edit(example, "draft.yaml")
    assert run("verdict", "search-v5").exit_code == 0
    assert run("policy", "save", str(draft), "--by", "Ann", "--because", "raters").exit_code == 0
    assert run("verdict", "search-v5").exit_code == 10
    for ref in ("v1", text_hash((example / "hierarchy.yaml").read_text())[:14], "v2", str(draft)):
        found = run("verdict", "search-v5", "--policy", ref, "--json")
        assert found.exit_code == (0 if ref == "v1" else 10), ref
    memo = example / "memo.md"
    assert run("memo", "search-v5", "-o", str(memo), "--policy", "v1").exit_code == 0
    assert "SHIP" in memo.read_text().splitlines()[0] or "SHIP" in memo.read_text()
    gone = run("verdict", "search-v5", "--policy", "v9")
    assert gone.exit_code == 2
    assert "Known: v1 to v2" in gone.output


# --- replay ---------------------------------------------------------------------------------------------------------


def test_replay_of_a_draft_says_which_past_release_flips(example: Path) -> None:
    result = run("policy", "replay", str(edit(example, "draft.yaml")))
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0].split("  ")[0] == "release"
    for word in ("people", "policy of then", "current policy", "this policy", "outcome"):
        assert word in lines[0]
    flipped = [line for line in lines if "flips" in line]
    assert len(flipped) == 1
    assert re.match(r"search-v5 +2026-07-20 +– +– +SHIP +HOLD +bad +flips SHIP to HOLD$", flipped[0])
    assert re.search(r"harms missed +1 +0\n", result.stdout)
    assert "search-v5 from SHIP to HOLD (a harm caught)" in " ".join(result.stdout.split())
    assert "days to verdict" not in result.stdout


def test_replay_as_json(example: Path) -> None:
    found = json.loads(run("policy", "replay", str(edit(example, "draft.yaml")), "--json").stdout)
    assert [one["as"] for one in found["policies"]] == ["this policy", "current policy"]
    rows = {row["release"]: row for row in found["releases"]}
    assert len(rows) == 10
    calls = [one["call"] for one in rows["search-v5"]["policies"]]
    assert (calls, rows["search-v5"]["outcome"], rows["search-v5"]["open"]) == (["hold", "ship"], "bad", False)
    assert rows["search-v5"]["policies"][0]["day"] is None
    assert found["summaries"][0]["missed_harms"] == 0
    assert found["sentence"].startswith("This policy decides 1 of 10 past releases otherwise than the current policy")


def test_replay_without_a_policy_compares_the_file_with_the_newest_version(example: Path) -> None:
    alone = run("policy", "replay")
    assert "current policy" in alone.stdout
    assert "this policy" not in alone.stdout
    assert run("policy", "save", "--by", "Ann", "--because", "first").exit_code == 0
    edit(example)
    result = run("policy", "replay")
    assert re.search(r"v1 +hierarchy.yaml +outcome", result.stdout.splitlines()[0])
    assert "otherwise than v1: search-v5" in " ".join(result.stdout.split())


def test_replay_of_days_counts_them(example: Path) -> None:
    result = run("policy", "replay", "--days")
    assert re.search(r"days to verdict +\d+\n", result.stdout)
    assert re.search(r"never decided +3\n", result.stdout)


def test_replay_over_an_empty_store_says_why_once(project: Project) -> None:
    path = project.sources_path
    listed = "".join(
        f"  - {{id: r{number}, kind: prompt, control: a, candidate: b, started: 2026-11-01}}\n" for number in range(2)
    )
    path.write_text(
        path.read_text().replace("sources: {}", f"releases:\n{listed}sources:\n")
        + "  s: {signal: done, connector: table, path: x.csv, shape: outcome_counts,\n"
        "      map: {variant: v, units: n, successes: s}}\n"
    )
    result = run("policy", "replay", "--project", str(project.root))
    assert result.exit_code == 0, result.output
    assert result.stdout.count("nothing was ever pulled") == 1
    assert "r0, r1: the store is empty" in result.stdout
    assert re.search(r"not replayed +2\n", result.stdout)


def test_replay_without_releases(project: Project) -> None:
    assert "No release is declared yet" in run("policy", "replay", "--project", str(project.root)).stdout
