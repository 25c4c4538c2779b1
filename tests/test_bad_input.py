"""Bad input, end to end: one line that names file, place and remedy, exit code 2, and the store as it was."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from signals.cli import cli

POLICY = """\
schema: 1
name: tiny
signals:
  score: {kind: judge, question: Better?, better: higher, margin: 2pp}
  done: {kind: experiment, question: Done?, metric: {name: done, type: proportion}, better: higher, margin: 1pp}
hierarchy:
  - {signal: done, win: ship, loss: rollback}
  - {signal: score, when: score.n >= 2, win: ship}
otherwise: hold
"""

SOURCES = """\
store: sqlite:///data/signals.db
releases:
  - {id: r1, kind: prompt, control: a, candidate: b, started: 2026-11-01, as_of: 2026-11-10T00:00:00Z}
sources:
  scores:
    signal: score
    connector: table
    path: scores.csv
    shape: item_score
    map: {item: item, variant: variant, value: score, at: when}
  orders:
    signal: done
    connector: table
    path: orders.csv
    shape: outcome
    map: {unit: user, variant: variant, value: done}
"""

SCORES = "item,variant,score,when\n" + "".join(
    f"i{number},{variant},{0.5 + 0.01 * number + (0.05 if variant == 'b' else 0)},2026-11-05T10:00:00Z\n"
    for number in range(40)
    for variant in "ab"
)
ORDERS = "user,variant,done\n" + "".join(f"u{n},{'ab'[n % 2]},{int(n % 3 == 0)}\n" for n in range(400))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    (tmp_path / "hierarchy.yaml").write_text(POLICY)
    (tmp_path / "data" / "sources.yaml").write_text(SOURCES)
    (tmp_path / "data" / "scores.csv").write_text(SCORES)
    (tmp_path / "data" / "orders.csv").write_text(ORDERS)
    assert run(tmp_path, "pull").exit_code == 0
    return tmp_path


def run(project: Path, *words: str) -> Result:
    return CliRunner().invoke(cli, [*words, "--project", str(project)])


def evidence(project: Path) -> list[str]:
    """Everything the store keeps as evidence, as text."""
    with sqlite3.connect(project / "data" / "signals.db") as connection:
        tables = ("item_score", "rating", "preference", "outcome_moments", "outcome_quantile", "outcome_routed",
                  "feedback_moments", "traffic_mix")  # fmt: skip
        return [f"{table} {row}" for table in tables for row in connection.execute(f"select * from {table}")]


def in_scores(text: str, encoding: str = "utf-8") -> Callable[[Path], None]:
    return lambda project: (project / "data" / "scores.csv").write_bytes(text.encode(encoding))


def in_sources(old: str, new: str) -> Callable[[Path], None]:
    def edit(project: Path) -> None:
        path = project / "data" / "sources.yaml"
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))

    return edit


def half_parquet(project: Path) -> None:
    import duckdb

    path = project / "data" / "orders.parquet"
    duckdb.sql(f"copy (from '{project / 'data' / 'orders.csv'}') to '{path}' (format parquet)")
    path.write_bytes(path.read_bytes()[:-40])
    in_sources("orders.csv", "orders.parquet")(project)


def mixed_encodings(project: Path) -> None:
    path = project / "data" / "scores.csv"
    path.write_bytes(SCORES.encode() + "é1,a,0.5,2026-11-05T10:00:00Z\n".encode("latin-1"))


HEAD = "item,variant,score,when\n"
LAST = "2026-11-05T10:00:00Z\n"

REFUSED = {
    "missing file": (lambda project: (project / "data" / "scores.csv").unlink(), "scores.csv"),
    "wrong column": (in_scores(SCORES.replace("score,when", "scor,when")), "scor"),
    "text where numbers belong": (in_scores(HEAD + f"i1,a,good,{LAST}i1,b,bad,{LAST}"), "scores.csv"),
    "half-written Parquet": (half_parquet, "orders.parquet"),
    "mixed encodings": (mixed_encodings, "scores.csv"),
    "0 rows": (in_scores(HEAD), "0 rows"),
    "an empty file": (in_scores(""), "scores.csv"),
    "times without zone": (in_scores(SCORES.replace("00Z", "00")), "timezone"),
    "a scale from 1 to 0": (in_sources("shape: item_score", "shape: item_score\n    scale: [1, 0]"), "sources.yaml"),
    "a tab": (in_sources("    signal: score", "\tsignal: score"), "sources.yaml:"),
    "a key twice": (in_sources("    signal: score", "    signal: score\n    signal: score"), "sources.yaml:"),
    "an unknown key": (in_sources("    path: scores.csv", "    pth: scores.csv"), "'path'"),
    "an unknown connector": (
        in_sources("connector: table\n    path: scores", "connector: tabel\n    path: scores"),
        "table",
    ),
    "an unknown shape": (in_sources("shape: item_score", "shape: item_scores"), "item_score"),
    "a window without times": (in_sources("shape: outcome\n", "shape: outcome\n    window: 14d\n"), "needs map.at"),
    "a window that is no duration": (in_sources("shape: outcome\n", "shape: outcome\n    window: 14\n"), "14d or 36h"),
    "a quantile of ninety": (in_sources("shape: outcome\n", "shape: outcome\n    quantile: 90\n"), "such as 0.9"),
    "a covariate's time alone": (
        in_sources("value: done}", "value: done, at: w, covariate_at: w}"),
        "map.covariate too",
    ),
    "a split above one": (in_sources("candidate: b,", "candidate: b, split: 50,"), "between 0 and 1"),
    "outside the folder": (in_sources("path: scores.csv", "path: ../../scores.csv"), "allow_outside"),
    "an unreachable database": (
        in_sources("path: scores.csv", "url: postgresql://me:secret@127.0.0.1:9/none\n    query: select 1"),
        "127.0.0.1",
    ),
    "an unset variable": (in_sources("path: scores.csv", "path: ${NOT_SET_ANYWHERE}"), "NOT_SET_ANYWHERE"),
}


@pytest.mark.parametrize("fault", REFUSED)
def test_a_bad_source_is_one_line_and_the_store_stays(project: Path, fault: str) -> None:
    damage, says = REFUSED[fault]
    before = evidence(project)
    damage(project)
    result = run(project, "pull")
    assert result.exit_code == 2, result.output
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1, result.stderr
    assert says in lines[0]
    assert "secret" not in result.output
    assert "Traceback" not in result.output
    assert evidence(project) == before


@pytest.mark.parametrize(
    "fault, row, why",
    [
        ("NaN", "i99,a,NaN,", "nan or infinite"),
        ("infinity", "i99,a,inf,", "nan or infinite"),
        ("text in one row", "i99,a,good,", "not a number"),
        ("a record twice", "i1,a,0.9,", "duplicate"),
        ("no item", ",a,0.9,", "item"),
        ("no variant", "i99,,0.9,", "variant"),
    ],
)
def test_a_bad_row_is_set_aside_with_its_reason(project: Path, fault: str, row: str, why: str) -> None:
    in_scores(SCORES + row + LAST)(project)
    before = evidence(project)
    result = run(project, "pull", "--json")
    assert result.exit_code == 0, result.output
    assert '"rows_read": 81' in result.stdout
    assert why in result.stdout.lower(), fault
    assert evidence(project) == before


def test_a_byte_order_mark_is_not_part_of_the_first_column(project: Path) -> None:
    before = evidence(project)
    in_scores(SCORES, "utf-8-sig")(project)
    assert run(project, "pull").exit_code == 0
    assert evidence(project) == before


def test_a_variant_that_is_neither_arm_does_not_count(project: Path) -> None:
    before = run(project, "verdict", "r1", "--json").stdout
    in_scores(SCORES + f"i1,zz,0.0,{LAST}i2,zz,0.0,{LAST}")(project)
    assert run(project, "pull").exit_code == 0
    after = run(project, "verdict", "r1").stdout
    assert '"effect": 0.05' in before
    assert "+5.00 pp" in after
    assert "2 rows" in after


def test_too_many_rows_set_aside_make_the_reading_untrusted(project: Path) -> None:
    policy = project / "hierarchy.yaml"
    policy.write_text(policy.read_text().replace("margin: 2pp}", "margin: 2pp, trust: {max_set_aside: 5%}}"))
    in_scores(SCORES + "".join(f"x{n},a,NaN,{LAST}" for n in range(20)))(project)
    assert run(project, "pull").exit_code == 0
    result = run(project, "verdict", "r1", "--json")
    assert '"state": "untrusted"' in result.stdout
    assert "set aside 20.0 % is above 5.0 %" in result.stdout


@pytest.mark.parametrize(
    "old, new, says",
    [
        ("signal: done, win", "signal: don, win", "'done'"),
        ("score.n >= 2", "scor.n >= 2", "score"),
        ("score.n >= 2", "score.n >= 2pp", "hierarchy.yaml:8:"),
        ("score.n >= 2", "score.n => 2", "hierarchy.yaml:8:"),
        ("win: ship, loss", "wins: ship, loss", "'win'"),
        ("margin: 1pp", "margin: 1 apple", "hierarchy.yaml:5:"),
        ("otherwise: hold", "otherwise: wait", "hierarchy.yaml:9:"),
        ("otherwise: hold", "otherwise: hold\notherwise: ship", "hierarchy.yaml:10:"),
        ("schema: 1", "\tschema: 1", "hierarchy.yaml:1:1"),
    ],
)
def test_a_bad_policy_is_one_line_with_its_place(project: Path, old: str, new: str, says: str) -> None:
    path = project / "hierarchy.yaml"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))
    for words in (("policy", "check"), ("verdict", "r1")):
        result = run(project, *words)
        assert result.exit_code == 2, result.output
        assert len(result.stderr.strip().splitlines()) == 1, result.stderr
        assert says in result.stderr
        assert "hierarchy.yaml:" in result.stderr
        assert "Traceback" not in result.output


def test_an_unreachable_store_is_one_line(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    in_sources("store: sqlite:///data/signals.db", "store: postgresql://me:secret@127.0.0.1:9/none")(project)
    result = run(project, "verdict", "r1")
    assert result.exit_code == 2
    assert len(result.stderr.strip().splitlines()) == 1
    assert "secret" not in result.stderr
    assert "127.0.0.1" in result.stderr


def test_a_failed_pull_is_seen_in_the_verdict(project: Path) -> None:
    assert "last_pull" not in run(project, "verdict", "r1").stdout
    (project / "data" / "orders.csv").unlink()
    assert run(project, "pull").exit_code == 2
    told = run(project, "verdict", "r1").stdout
    assert "warn  done.last_pull" in told
    assert "the last pull of orders failed" in told
    policy = project / "hierarchy.yaml"
    policy.write_text(policy.read_text().replace("margin: 1pp}", "margin: 1pp, trust: {last_pull: true}}"))
    assert '"state": "untrusted"' in run(project, "verdict", "r1", "--json").stdout


def test_a_first_pull_that_fails_is_why_the_evidence_is_missing(project: Path) -> None:
    in_sources("signals.db", "another.db")(project)
    (project / "data" / "orders.csv").unlink()
    run(project, "pull")
    reading = json.loads(run(project, "verdict", "r1", "--json").stdout)["readings"]["done"]
    assert reading["state"] == "missing"
    assert "the last pull of orders failed" in reading["why"]


def test_an_arm_that_the_evidence_spells_otherwise_is_one_line(project: Path) -> None:
    in_sources("candidate: b", "candidate: B")(project)
    result = run(project, "verdict", "r1")
    assert result.exit_code == 2
    assert result.stderr.strip().endswith("spells it 'b'. Spell it as the evidence does")
