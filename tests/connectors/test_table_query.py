"""Rows from a database: read-only, and with nothing secret in a message."""

from __future__ import annotations

import sqlite3

import duckdb
import pytest

OUTCOME = {"shape": "outcome", "map": {"unit": "i", "variant": "v", "value": "y", "at": "t"}}
QUERY = "SELECT * FROM facts WHERE note LIKE 'a%' -- only these"


@pytest.fixture
def facts(desk):
    with sqlite3.connect(desk.data / "facts.db") as connection:
        connection.execute("CREATE TABLE facts (i INTEGER, v TEXT, y REAL, t TEXT, note TEXT)")
        rows = [
            (1, "control", 1.5, "2026-11-10T01:00:00Z", "a:b"),
            (1, "control", 2, "2026-11-10T02:00:00Z", "a"),
            (2, "candidate", None, "2026-11-10T02:00:00Z", "a"),
            (3, "candidate", 4, "2026-11-10T02:00:00Z", "b"),
        ]
        connection.executemany("INSERT INTO facts VALUES (?, ?, ?, ?, ?)", rows)
    connection.close()
    return desk


def test_sqlite(facts):
    [cell] = facts.read(url="sqlite:///facts.db", query=QUERY, **OUTCOME)
    assert (cell.variant, cell.moments.n, cell.moments.mean, str(cell.day)) == ("control", 1, 3.5, "2026-11-10")
    assert facts.tally.rows_read == 3


def test_sqlite_is_not_created_nor_written(facts):
    assert "no such file data/nothing.db" in facts.fails(url="sqlite:///nothing.db", query=QUERY, **OUTCOME)
    assert not (facts.data / "nothing.db").exists()
    assert "must be a SELECT" in facts.fails(url="sqlite:///facts.db", query="DELETE FROM facts", **OUTCOME)
    sneaky = "WITH x AS (SELECT 1) INSERT INTO facts SELECT 9, 'control', 1, '2026-11-10T02:00:00Z', 'a'"
    assert "readonly database" in facts.fails(url="sqlite:///facts.db", query=sneaky, **OUTCOME)
    (facts.root / "out.db").write_bytes((facts.data / "facts.db").read_bytes())
    assert "lies outside data" in facts.fails(url="sqlite:///../out.db", query=QUERY, **OUTCOME)


def test_duckdb(desk):
    with duckdb.connect(str(desk.data / "w.duckdb")) as connection:
        columns = "1 AS i, 'control' AS v, true AS y, TIMESTAMPTZ '2026-11-10 01:00:00Z' AS t"
        connection.execute(f"CREATE TABLE f AS SELECT {columns}")
    [cell] = desk.read(url="duckdb:///w.duckdb", query="SELECT * FROM f;", **OUTCOME)
    assert (cell.moments.n, str(cell.day)) == (1, "2026-11-10")
    desk.write("other.csv", "a\n1\n")
    message = desk.fails(url="duckdb:///w.duckdb", query=f"SELECT * FROM '{desk.data}/other.csv'", **OUTCOME)
    assert message.startswith("data/w.duckdb: ")
    assert "Catalog Error" in message or "disabled" in message


def test_errors_hide_secrets(facts, monkeypatch):
    monkeypatch.setenv("DB", "postgresql+psycopg://reader:hunter22@127.0.0.1:1/nowhere")
    message = facts.fails(url="${DB}", query=QUERY, **OUTCOME)
    assert "the database cannot be read" in message
    assert "sources.yaml:" in message
    assert "hunter22" not in message
    monkeypatch.setenv("DB", "no url at all hunter22")
    message = facts.fails(url="${DB}", query=QUERY, **OUTCOME)
    assert "is not a database URL" in message
    assert "hunter22" not in message
    assert "nosuch" in facts.fails(url="nosuch://x:hunter22@y/z", query=QUERY, **OUTCOME)


def test_errors_of_the_query(facts):
    entry = {"url": "sqlite:///facts.db", **OUTCOME}
    assert "no such table: fact" in facts.fails(**entry, query="SELECT * FROM fact")
    assert "has no column 'y'" in facts.fails(**entry, query="SELECT i, v, t FROM facts")
    assert "0 rows" in facts.fails(**entry, query="SELECT * FROM facts WHERE i = 9")


def test_a_missing_variable_stops_only_its_source(facts, monkeypatch):
    from signals import connectors
    from signals.connectors import Tally
    from signals.model import SignalsError
    from signals.project import load_project

    monkeypatch.delenv("NO_SUCH_URL", raising=False)
    facts.sources(
        one={"signal": "s", "connector": "table", "url": "${NO_SUCH_URL}", "query": QUERY, **OUTCOME},
        two={
            "signal": "s",
            "connector": "table",
            "url": "${NO_SUCH_URL:-sqlite:///facts.db}",
            "query": QUERY,
            **OUTCOME,
        },
    )
    project = load_project(facts.root)
    one, two = project.sources
    table = connectors.get("table")
    assert len(list(table.read(two, project, Tally()))) == 1
    assert table.fingerprint(two, project) is None
    with pytest.raises(SignalsError) as caught:
        list(table.read(one, project, Tally()))
    [problem] = caught.value.problems
    lines = (facts.data / "sources.yaml").read_text().splitlines()
    assert lines[problem.line - 1][problem.column - 1 :].startswith("${NO_SUCH_URL}")
    assert "NO_SUCH_URL is not set" in str(problem)


@pytest.mark.postgres
def test_postgresql_is_read_in_utc_and_cannot_be_written(desk, postgres_server):
    import psycopg

    with psycopg.connect(f"{postgres_server}/postgres", autocommit=True) as connection:
        connection.execute("CREATE SCHEMA shop")
        connection.execute("CREATE TABLE shop.facts (i int, v text, y numeric, t timestamptz)")
        connection.execute("INSERT INTO shop.facts VALUES (1, 'control', 1.5, '2026-11-10 23:30:00-08')")
        connection.execute("INSERT INTO shop.facts VALUES (2, 'candidate', 'NaN', now())")
        body = "DELETE FROM shop.facts RETURNING i"
        connection.execute(f"CREATE FUNCTION shop.purge() RETURNS SETOF int LANGUAGE sql AS '{body}'")
        connection.execute("ALTER ROLE signals SET timezone = 'America/Los_Angeles'")
    url = f"{postgres_server}/postgres"
    try:
        [cell] = desk.read(url=url, query="SELECT * FROM shop.facts", **OUTCOME)
        assert (cell.moments.n, cell.moments.mean, str(cell.day)) == (1, 1.5, "2026-11-11")
        assert [(entry.rows, entry.variant) for entry in desk.tally.entries] == [(1, "candidate")]
        with_delete = "WITH gone AS (DELETE FROM shop.facts RETURNING *) SELECT * FROM gone"
        assert "the query failed" in desk.fails(url=url, query=with_delete, **OUTCOME)
        assert "read-only" in desk.fails(url=url, query="SELECT * FROM shop.purge()", **OUTCOME)
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT count(*) FROM shop.facts").fetchone() == (2,)
    finally:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("ALTER ROLE signals RESET timezone")
            connection.execute("DROP SCHEMA shop CASCADE")
