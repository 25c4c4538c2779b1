"""What is printed of pulls: tables that fit, reasons that count, progress that is rewritten in place."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from signals.cli import cli
from signals.cli.progress import Board
from signals.model import FeedbackCell, ItemScore, Moments, OutcomeCell, SetAside
from signals.pull import Step
from signals.store import PullReport
from signals.terminal_pulls import first_records, fitted, pull_table, would_change

NOW = datetime(2026, 11, 17, 9, tzinfo=UTC)
REPORT = PullReport("golden-set-of-the-assistant", "conversion", "table", "changed", "", NOW, 12.34, NOW)
FULL = replace(
    REPORT, rows_read=1_234_567, rows_kept=1_234_000, records=1_234_000, new=1_200_000, changed=34_000, removed=12,
    set_aside=(SetAside(7, "few"), SetAside(500, "item is empty (first: row 3)", "v6"), SetAside(40, "some"),
               SetAside(20, "more"), SetAside(0, "none of these", fault=False)),
)  # fmt: skip


@pytest.mark.parametrize("columns", [80, 120])
def test_the_table_fits_the_terminal(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    failed = replace(REPORT, source="orders", status="failed", error="no such file")
    text = pull_table([FULL, failed, replace(REPORT, source="panel", status="unchanged", rows_read=3, rows_kept=3)])
    assert max(len(line) for line in text.splitlines()) <= columns
    head = text.splitlines()[0]
    assert ("signal" in head) == (columns == 120)
    row = next(line for line in text.splitlines() if line.startswith("golden"))
    assert [cell for cell in row.split() if "," in cell] == ["1,234,567", "1,234,000", "1,200,000", "34,000"]
    assert ("golden-set-of-the-assistant" in row) == (columns == 120)
    assert re.search(r"^orders .*failed +– +–", text, re.MULTILINE)
    assert "3 sources: 1 changed, 1 the same as last time, 1 failed." in " ".join(text.split())


def test_the_main_reasons_come_first_and_the_rest_is_counted() -> None:
    lines = pull_table([FULL]).splitlines()
    reasons = [line.strip() for line in lines[lines.index("Set aside:") + 1 :]]
    name = "golden-set-of-the-assistant"
    assert reasons == [
        f"{name}: 500 rows: item is empty (first: row 3) (v6)", f"{name}: 40 rows: some", f"{name}: 20 rows: more",
        f"{name}: 7 rows for 1 more reason",
    ]  # fmt: skip
    assert "Set aside:" not in pull_table([REPORT])


def test_rows_about_a_release_are_told_by_source() -> None:
    other = replace(REPORT, source="panel")
    text = pull_table([FULL, other], own={FULL.source: 240}, release="prompt-v7")
    assert "Rows about prompt-v7: golden-set-of-the-assistant 240; nothing in panel." in " ".join(text.split())
    assert "Rows about prompt-v7: none." in pull_table([other], own={}, release="prompt-v7")


def test_a_dry_run_says_that_nothing_was_stored() -> None:
    text = pull_table([FULL, replace(REPORT, status="unchanged")], dry=True)
    assert "Dry run, nothing was stored. 2 sources: 1 would change, 1 the same as last time." in (
        " ".join(text.split())
    )
    assert would_change(FULL) == "1,200,000 new, 34,000 changed, 12 removed, 0 unchanged"


def test_first_records_leave_out_what_none_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    scores = [
        ItemScore("a", "t1", "v6", "s", 0.5, segment=(("plan", "pro"),), at=NOW),
        ItemScore("b", "t1", "v7", "s", None, "system_error"),
    ]
    lines = first_records({"ItemScore": scores}).splitlines()
    assert lines[0] == "first scores:"
    assert lines[1].split() == ["item", "variant", "scorer", "value", "error", "segment", "at"]
    assert lines[3].split() == ["t1", "v6", "s", "0.5", "–", "plan=pro", "2026-11-17", "09:00"]
    assert lines[4].split() == ["t1", "v7", "s", "–", "system_error", "–", "–"]
    cell = OutcomeCell("c", "v6", (), date(2026, 11, 10), Moments(10, -0.25, 1.0, x_mean=2.0, x_m2=1.0, xy=0.0))
    assert first_records({"OutcomeCell": [cell]}).splitlines()[1].split() == [
        "metric", "variant", "day", "units", "mean", "covariate",
    ]  # fmt: skip
    alone = FeedbackCell("v6", (), None, 90, False, Moments(30, 0.5, 1.0, d_mean=1.0, d_m2=0.0, yd=0.0))
    assert first_records({"FeedbackCell": [alone]}).splitlines()[1].split() == [
        "variant", "impressions", "responses", "positive",
    ]  # fmt: skip
    people = first_records({"FeedbackCell": [replace(alone, users_known=True)]})
    assert people.splitlines()[1].split("  ")[-1] == "responses each"


def test_names_cannot_steer_the_terminal() -> None:
    score = ItemScore("a", "t\x1b[31m1", "v\u202e6", "s", 0.5, segment=(("plan", "\x07"),))
    text = first_records({"ItemScore": [score]}) + pull_table([replace(FULL, source="a\x1b[2J")])
    assert not set(text) & {"\x1b", "\u202e", "\x07"}


def test_cells_are_cut_only_as_far_as_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    text = fitted(("a", "b"), [("x" * 50, "y" * 50)])
    assert {len(line) for line in text.splitlines()[1:]} == {60}
    assert text.splitlines()[2] == "x" * 28 + "…  " + "y" * 28 + "…"
    assert fitted(("a", "b"), [("x", "y")]).splitlines()[2] == "x  y"


# --- progress -------------------------------------------------------------------------------------------------------


class Screen(io.StringIO):
    """A terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("signals.cli.progress.EVERY", 0.0)


def drawn(screen: Screen) -> list[str]:
    """The lines of the last drawing."""
    last = re.split(r"\r(?:\x1b\[\d+A)?", screen.getvalue())[-1]
    return [line.replace("\x1b[K", "") for line in last.replace("\x1b[J", "").splitlines()]


@pytest.mark.usefixtures("quick")
def test_each_source_has_a_line_that_is_rewritten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("LINES", "24")
    screen = Screen()
    board = Board(["golden", "panel"], screen)
    board(Step("golden", "looks"))
    assert drawn(screen) == ["… golden  looking for changes  0 s", "· panel   waiting"]
    board(Step("panel", "reads", 20_000))
    board(Step("golden", "done", 40, replace(REPORT, status="changed")))
    assert drawn(screen) == ["✓ golden  40 records, changed  0 s", "… panel   20,000 records  0 s"]
    board(Step("panel", "done", 0, replace(REPORT, status="failed")))
    assert drawn(screen)[1] == "✗ panel   failed  0 s"
    assert screen.getvalue().count("\x1b[2A") == 3  # after the first drawing always up to the same place
    board.close(keep=False)
    assert screen.getvalue().endswith("\r\x1b[2A\x1b[J")


@pytest.mark.usefixtures("quick")
def test_a_small_terminal_shows_those_at_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    monkeypatch.setenv("LINES", "6")
    screen = Screen()
    names = [f"source-{number:02}" for number in range(12)]
    board = Board(names, screen)
    for name in names[:3]:
        board(Step(name, "done", 1, REPORT))
    for name in names[3:6]:
        board(Step(name, "looks"))
    lines = drawn(screen)
    assert lines == [*(f"… {name}  looking for chan" for name in names[3:6]), "3 done, 6 waiting"]


def test_nothing_is_drawn_where_nobody_looks() -> None:
    stream = io.StringIO()
    board = Board(["golden"], stream)
    board(Step("golden", "looks"))
    board.close(keep=True)
    assert stream.getvalue() == ""
    assert board.steps["golden"] is not None


# --- as a command ---------------------------------------------------------------------------------------------------

SOURCES = """
releases:
  - {id: r1, kind: prompt, control: old, candidate: new, started: 2026-11-10}
sources:
  golden: {signal: judge, connector: table, path: golden.csv, shape: item_score, map: {item: i, variant: v, value: s}}
  panel: {signal: panel, connector: table, path: nowhere.csv, shape: rating,
          map: {item: i, rater: r, variant: v, value: s}}
"""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.delenv("SIGNALS_STORE", raising=False)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "sources.yaml").write_text(SOURCES)
    rows = "".join(f"t{n},{arm},{n % 2}\n" for n in range(30) for arm in ("old", "new", "other"))
    (tmp_path / "data" / "golden.csv").write_text(f"i,v,s\n{rows},old,1\n")

    def invoke(*words: str) -> Result:
        return CliRunner().invoke(cli, [*words, "--project", str(tmp_path)], catch_exceptions=False)

    return invoke


def test_pull_tells_what_it_did_and_fails_by_its_sources(run, tmp_path: Path) -> None:
    dry = run("pull", "--dry-run")
    assert dry.exit_code == 2
    assert "golden (table, for judge): 90 new, 0 changed, 0 removed, 0 unchanged\nfirst scores:\n" in dry.stdout
    assert "Dry run, nothing was stored. 2 sources: 1 would change, 1 failed." in dry.stdout
    assert "no such file" in dry.stderr
    assert not (tmp_path / "data" / "signals.db").exists()
    found = json.loads(run("pull", "--dry-run", "--json").stdout)
    assert [one["status"] for one in found] == ["changed", "failed"]
    assert [one["item"] for one in found[0]["first"]["ItemScore"]] == ["t0", "t0", "t0"]
    assert not (tmp_path / "data" / "signals.db").exists()

    first = run("pull", "--release", "r1")
    assert first.exit_code == 2
    assert "Rows about r1: golden 60; nothing in panel." in first.stdout
    assert re.search(r"golden +judge +91 +90 +1 +90 +– +– +[\d.]+ s", first.stdout)
    assert "golden: 1 row: " in first.stdout
    assert first.stderr.count("no such file") == 1
    as_json = json.loads(run("pull", "--release", "r1", "--json").stdout)
    assert [(one["source"], one["of_release"]) for one in as_json] == [("golden", 60), ("panel", 0)]
    assert run("pull", "--release", "r2").exit_code == 2
    assert "unknown release 'r2'. Known: r1" in run("pull", "--release", "r2").stderr
    again = run("pull", "--dry-run", "--source", "golden")
    assert again.exit_code == 0
    assert "golden (table, for judge): 0 new, 0 changed, 0 removed, 90 unchanged" in again.stdout
