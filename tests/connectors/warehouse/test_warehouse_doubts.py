"""What a doubting reader asked of the warehouse connector: each of these once gave a wrong number or a traceback."""

from __future__ import annotations

import math
import threading
import warnings
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from signals.connectors.warehouse import engines
from signals.connectors.warehouse.engines import Engine
from signals.model import INCOMPLETE, SignalsError

from .test_warehouse_files import parquet
from .warehouse_kit import ENTRY, Shop, by_key, project, read, shop

DAY0 = datetime(2026, 3, 1, 6, tzinfo=UTC)


def said(folder: Path, entry: str) -> str:
    """The one line that reading the entry ends with."""
    with pytest.raises(SignalsError) as caught:
        read(project(folder, entry))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def exposed(*users: tuple[int, str, datetime]) -> list[tuple[object, ...]]:
    return [(user, variant, at, "free", f"team-{user}", "x") for user, variant, at in users]


# --- nothing left ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("grain", ["", "    grain: unit\n"])
@pytest.mark.parametrize(
    ("row", "why"),
    [
        ((1, None, DAY0, "free", "t", "x"), "variant is empty"), ((None, "", DAY0, "free", "t", "x"), "unit is empty"),
        ((1, "control", None, "free", "t", "x"), "at is empty"),
        ((1, "control", DAY0, "free", "t", "another"), "there are no exposures. Check the table, and `where:`"),
    ],
)  # fmt: skip
def test_exposures_of_which_none_can_be_used(tmp_path: Path, row: tuple[object, ...], why: str, grain: str) -> None:
    parquet(tmp_path / "data", Shop([row], shop().orders))
    entry = ENTRY.format(exposures="exposures.parquet", orders="orders.parquet")
    if grain:
        entry = (
            entry[: entry.index("    outcome:")].replace("ts, where", "ts, where") + grain + "    outcome: {value: n}\n"
        )
        add_number(tmp_path / "data" / "exposures.parquet")
    assert why in said(tmp_path, entry)


def add_number(path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    pq.write_table(table.append_column("n", pa.array([1.0] * table.num_rows)), path)


def test_the_first_week_of_an_experiment_is_told_as_that(tmp_path: Path) -> None:
    orders = [(1, DAY0 + timedelta(days=2), 5.0, 1, "paid")]
    parquet(tmp_path / "data", Shop(exposed((1, "control", DAY0), (2, "candidate", DAY0)), orders))
    entry = ENTRY.format(exposures="exposures.parquet", orders="orders.parquet").replace(', until: "2026-06-01"', "")
    assert "no window has ended yet: all 2 rows are of later units" in said(tmp_path, entry)


def test_an_answer_beyond_all_measure_is_not_brought_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parquet(tmp_path / "data", shop(1, 50))
    monkeypatch.setattr(engines, "MAX_ROWS", 20)
    entry = ENTRY.format(exposures="exposures.parquet", orders="orders.parquet")
    assert "the answer has more than 20 rows" in said(tmp_path, entry.replace("plan: plan", "user: user_id"))


@pytest.mark.postgres
def test_rows_that_come_while_others_are_read(
    postgres_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import psycopg

    url = f"{postgres_server}/postgres"
    monkeypatch.setenv("NOW", url)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS coming")
        connection.execute("CREATE TABLE coming (u int, v text, t timestamptz, y float8)")
        connection.execute("INSERT INTO coming SELECT i, 'control', '2026-03-01', 1 FROM generate_series(1, 9) i")
    asked = Engine.rows

    def rows(self: Engine, expression: Any) -> list[dict[str, Any]]:
        found = asked(self, expression)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("INSERT INTO coming VALUES (91, 'new', '2026-03-01', 5), (92, 'control', NULL, 5)")
            connection.execute("INSERT INTO coming VALUES (93, 'control', '2026-03-01', NULL)")
        return found

    monkeypatch.setattr(Engine, "rows", rows)
    entry = """
  orders:
    signal: conversion
    connector: warehouse
    url: ${NOW}
    exposures: {table: coming, unit: u, variant: v, at: t}
    outcome: {value: y}
"""
    cells, tally = read(project(tmp_path, entry))
    assert [(cell.variant, cell.moments.n, cell.moments.mean) for cell in cells] == [("control", 9, 1.0)]
    told = [(one.why, one.rows, one.fault) for one in tally.entries]
    assert told == [("variant is new: it came while the exposures were read", 1, False)]


# --- windows of denominators -----------------------------------------------------------------------------------------


def test_a_denominator_that_looks_further_ahead_has_to_be_complete_too(tmp_path: Path) -> None:
    seen = exposed((1, "control", DAY0), (2, "candidate", DAY0), (3, "control", DAY0 + timedelta(days=5)))
    orders = [(user, DAY0 + timedelta(days=day), 5.0, 1, "paid") for user in (1, 2, 3) for day in range(5, 9)]
    parquet(tmp_path / "data", Shop(seen, orders))
    entry = ENTRY.format(exposures="exposures.parquet", orders="orders.parquet").replace("window: 7d", "window: 1d")
    entry = entry.replace('until: "2026-06-01"', 'until: "2026-03-09T12:00:00Z"')
    assert sum(cell.moments.n for cell in read(project(tmp_path, entry))[0]) == 3
    cells, tally = read(project(tmp_path, entry + "    denominator: {table: orders.parquet, value: qty, window: 7d}\n"))
    assert {cell.day for cell in cells} == {DAY0.date()}
    assert {one.variant: one.units for one in tally.entries if one.why == INCOMPLETE and one.rows} == {"control": 1}


def test_a_denominator_in_a_table_that_lags_behind_has_to_be_there(tmp_path: Path) -> None:
    seen = exposed((1, "control", DAY0), (2, "candidate", DAY0), (3, "control", DAY0 + timedelta(days=5)))
    orders = [(user, DAY0 + timedelta(days=day), 5.0, 1, "paid") for user in (1, 2, 3) for day in range(9)]
    parquet(tmp_path / "data", Shop(seen, [row for row in orders if row[1] < DAY0 + timedelta(days=4)]))
    (tmp_path / "data" / "orders.parquet").rename(tmp_path / "data" / "visits.parquet")
    parquet(tmp_path / "data", Shop(seen, orders))
    entry = ENTRY.format(exposures="exposures.parquet", orders="orders.parquet").replace("window: 7d", "window: 1d")
    entry = entry.replace(', until: "2026-06-01"', "")
    assert sum(cell.moments.n for cell in read(project(tmp_path, entry))[0]) == 3
    entry += "    denominator: {table: visits.parquet, unit: user_id, at: ts, value: qty}\n"
    cells, _ = read(project(tmp_path, entry))
    assert {cell.day for cell in cells} == {DAY0.date()}


# --- clusters --------------------------------------------------------------------------------------------------------


def test_open_units_of_clusters_are_counted_one_by_one(tmp_path: Path) -> None:
    late = [(user, "control", DAY0 + timedelta(days=9)) for user in range(10, 15)]
    parquet(tmp_path / "data", Shop(exposed((1, "control", DAY0), (2, "candidate", DAY0), *late), shop().orders))
    entry = ENTRY.format(exposures="exposures.parquet", orders="orders.parquet").replace(
        "map: {", "map: {cluster: team, "
    )
    _, tally = read(project(tmp_path, entry.replace('"2026-06-01"', '"2026-03-12"')))
    assert {one.variant: one.units for one in tally.entries if one.why == INCOMPLETE and one.rows} == {"control": 5}


# --- addresses -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "secret"),
    [
        ("postgresql://u:${PASSWORD}@127.0.0.1:1/db", "pa/ss@wo:rd"), ("${PASSWORD}", "sesame"),
        ("postgresql://u:${PASSWORD}@127.0.0.1:1/db", "se?same#x"), ("mysqlx://u:${PASSWORD}@127.0.0.1:1/d", "sesame"),
        ("${PASSWORD}", "postgresql://u:sesame@127.0.0.1:99999/db"), ("${PASSWORD}", "postgresql://u:sesame@[::1/db"),
        ("${PASSWORD}", "/etc/sesame.parquet"), ("${PASSWORD}", "sqlite:///sesame.db"),
        ("${PASSWORD}", "https://u:sesame@h/x.parquet"), ("${PASSWORD}", "postgresql://sesame@127.0.0.1:1/db?wrong=1"),
    ],
)  # fmt: skip
def test_an_address_that_cannot_be_used_is_one_line_without_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, secret: str
) -> None:
    monkeypatch.setenv("PASSWORD", secret)
    entry = ENTRY.format(exposures="e", orders="o").replace(
        "connector: warehouse", f'connector: warehouse\n    url: "{url}"'
    )
    text = said(tmp_path, entry)
    assert not any(part in text for part in ("sesame", "pa/ss", "'pa'", "'se'", "wo:rd", "same#"))


def test_a_second_statement_is_refused_before_anything_is_asked() -> None:
    engine = Engine(None, "postgres", {}, lambda relation: pytest.fail(str(relation)))
    from signals.connectors.warehouse.definition import Relation

    for query in ("SELECT 1; DROP TABLE x", "SELECT ';' AS a; DROP TABLE x -- y", "SELECT 1 /* ; */; SELECT 2"):
        with pytest.raises(SignalsError, match="holds several statements"):
            engine.table(Relation(None, query))
    taken = Engine(None, "postgres", {}, lambda relation: relation)
    for query in ("SELECT 1;", "SELECT ';' AS a -- ; b", "SELECT 1 ; ; "):
        assert taken.table(Relation(None, query)) == Relation(None, query)


def test_what_is_ignored_in_one_thread_stays_told_in_others(tmp_path: Path) -> None:
    rows = shop(1, 30)
    parquet(tmp_path / "data", rows)
    of = project(tmp_path, ENTRY.format(exposures="exposures.parquet", orders="orders.parquet"))
    read(of)  # what is imported for the first time may set filters of its own
    before = list(warnings.filters)
    found: list[object] = []
    threads = [threading.Thread(target=lambda: found.append(by_key(read(of)[0]))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert all(one == found[0] for one in found)
    assert list(warnings.filters) == before


# --- SQL of one's own ------------------------------------------------------------------------------------------------

OWN = """
  orders:
    signal: conversion
    connector: warehouse
    url: duckdb:///own.duckdb
    moments:
      query: SELECT variant, plan, count(*) AS units, avg(y) AS mean, var_pop(y) AS variance FROM u GROUP BY ALL
"""


def test_values_rename_what_a_query_gives(tmp_path: Path) -> None:
    import duckdb

    (tmp_path / "data").mkdir()
    with duckdb.connect(str(tmp_path / "data" / "own.duckdb")) as connection:
        connection.execute(
            "CREATE TABLE u AS SELECT i % 2 AS variant, 'p' || (i % 3) AS plan, i AS y FROM range(60) t(i)"
        )
    text = OWN + '    values: {variant: {"0": control, "1": candidate}, segment.plan: {p0: free}}\n'
    cells, _ = read(project(tmp_path, text))
    assert {(cell.variant, dict(cell.segment)["plan"]) for cell in cells} == {
        (arm, plan) for arm in ("control", "candidate") for plan in ("free", "p1", "p2")
    }
    assert " free twice" in said(tmp_path, text.replace("{p0: free}", "{p0: free, p1: free}"))
    assert "`map:` is not for `moments:`" in said(tmp_path, OWN + "    map: {segment.plan: plan}\n")
    assert "`where:` is not for `moments:`" in said(tmp_path, OWN + "    where: {plan: p0}\n")


# --- reread ----------------------------------------------------------------------------------------------------------


def test_a_kept_day_on_the_edge_of_what_is_read_again_goes_when_its_units_go(tmp_path: Path) -> None:
    days = [(user, ("control", "candidate")[user % 2], DAY0 + timedelta(days=user)) for user in range(8)]
    entry = ENTRY.format(exposures="exposures.parquet", orders="orders.parquet").replace(
        "    map:", "    reread: 36h\n    map:"
    )
    parquet(tmp_path / "data", Shop(exposed(*days), shop().orders))
    assert {cell.day for cell in read(project(tmp_path, entry))[0]} == {at.date() for _, _, at in days}
    # The newest day is the 8th: 36 hours before it is noon of the 6th, whose units are gone since.
    gone = date(2026, 3, 6)
    parquet(tmp_path / "data", Shop(exposed(*(one for one in days if one[2].date() != gone)), shop().orders))
    cells, _ = read(project(tmp_path, entry))
    assert {cell.day for cell in cells} == {at.date() for _, _, at in days} - {gone}


# --- PostgreSQL ------------------------------------------------------------------------------------------------------


@pytest.mark.postgres
def test_what_postgres_alone_has(postgres_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import psycopg

    with psycopg.connect(f"{postgres_server}/postgres", autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS doubts")
        connection.execute("CREATE DATABASE doubts")
    url = f"{postgres_server}/doubts"
    monkeypatch.setenv("DOUBTS", url)
    units = [f"00000000-0000-0000-0000-00000000000{number}" for number in range(6)]
    plans = ["50%", "o'x", '\\ü"%s', None, "50%", "o'x"]
    amounts = ["1.5", "NaN", "Infinity", "2", "3", None]
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            'CREATE TABLE "Exp" ("User Id" uuid, "va""r" text, "T s" timestamp, plan text, won boolean, n int)'
        )
        connection.execute('CREATE TABLE "Ord.ers" ("User Id" uuid, ts timestamp, amount numeric)')
        connection.execute('CREATE VIEW orders AS SELECT * FROM "Ord.ers"')
        for number, unit in enumerate(units):
            seen = (unit, ("control", "candidate")[number % 2], "2026-03-01 01:00", plans[number], number < 3, number)
            connection.execute('INSERT INTO "Exp" VALUES (%s, %s, %s, %s, %s, %s)', seen)
            connection.execute('INSERT INTO "Ord.ers" VALUES (%s, %s, %s)', (unit, "2026-03-02", amounts[number]))
        far = "INSERT INTO \"Ord.ers\" VALUES (%s, 'infinity', 1), (%s, '-infinity', 1)"
        connection.execute(far, (units[0], units[1]))
    entry = """
  orders:
    signal: conversion
    connector: warehouse
    url: ${DOUBTS}
    timezone: UTC
    exposures: {table: Exp, unit: User Id, variant: 'va"r', at: T s}
    outcome: {table: orders, at: ts, value: amount, window: 72h, until: "2026-06-01"}
    map: {segment.plan: plan}
"""
    cells, tally = read(project(tmp_path, entry))
    sums: dict[tuple[str, str], float] = defaultdict(float)
    for number, plan in enumerate(plans):
        value = float(amounts[number] or "nan")
        sums[("control", "candidate")[number % 2], plan or "(empty)"] += value if math.isfinite(value) else 0.0
    found = {(cell.variant, dict(cell.segment)["plan"]): cell.moments.n * cell.moments.mean for cell in cells}
    assert found == pytest.approx(dict(sums))
    assert sum(one.rows for one in tally.entries if "or not a number" in one.why) == 3
    one, _ = read(project(tmp_path, entry.replace("at: T s}", "at: T s, where: {plan: ['50%', \"o'x\"]}}")))
    assert sum(cell.moments.n for cell in one) == 4

    inside = entry[: entry.index("    outcome:")] + "    grain: unit\n    outcome: {value: won}\n"
    cells, _ = read(project(tmp_path, inside))
    assert {cell.variant: cell.moments.mean for cell in cells} == pytest.approx({"control": 2 / 3, "candidate": 1 / 3})
    any_of = entry.replace("value: amount,", "value: amount, per_unit: any,")
    assert {cell.most for cell in read(project(tmp_path, any_of))[0]} == {0.0, 1.0}

    own = entry[: entry.index("    timezone:")] + (
        "    moments:\n      query: |\n"
        '        SELECT "va""r" AS variant, count(*) AS units, avg(n) AS mean, var_pop(n) AS variance\n'
        '        FROM "Exp" GROUP BY 1\n'
    )
    cells, _ = read(project(tmp_path, own))
    assert {cell.variant: cell.moments.mean for cell in cells} == pytest.approx({"control": 2.0, "candidate": 3.0})
    own = own.replace("GROUP BY 1", 'GROUP BY 1; DROP TABLE "Exp"')
    assert "holds several statements" in said(tmp_path, own)
    assert read(project(tmp_path, inside))
