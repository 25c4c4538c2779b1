"""A DuckDB file, queries in place of tables, and moments that a query of one's own gives."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from signals.model import SignalsError

from .test_warehouse_files import FORTNIGHT, WEEK, parquet
from .warehouse_kit import ENTRY, assert_same, by_key, moments, project, read, shop, units_of


@pytest.fixture
def database(tmp_path: Path) -> Path:
    import duckdb

    parquet(tmp_path / "files", shop())
    (tmp_path / "data").mkdir()
    with duckdb.connect(str(tmp_path / "data" / "shop.duckdb")) as connection:
        connection.execute("CREATE SCHEMA facts")
        for name in ("exposures", "orders"):
            connection.execute(f"CREATE TABLE facts.{name} AS SELECT * FROM '{tmp_path}/files/{name}.parquet'")
    return tmp_path


WITH_URL = ENTRY.replace("connector: warehouse", "connector: warehouse\n    url: duckdb:///shop.duckdb")


def test_a_duckdb_file(database: Path) -> None:
    cells, _ = read(project(database, WITH_URL.format(exposures="facts.exposures", orders="facts.orders")))
    assert_same(cells, moments(units_of(shop(), window=WEEK, before=FORTNIGHT)))


def test_a_session_in_another_zone_changes_nothing(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "America/Los_Angeles")
    cells, _ = read(project(database, WITH_URL.format(exposures="facts.exposures", orders="facts.orders")))
    assert_same(cells, moments(units_of(shop(), window=WEEK, before=FORTNIGHT)))


def test_queries_in_place_of_tables(database: Path) -> None:
    text = WITH_URL.format(exposures="facts.exposures", orders="facts.orders")
    plain, _ = read(project(database, text))
    queried = text.replace("table: facts.exposures", "query: SELECT * FROM facts.exposures").replace(
        "table: facts.orders", "query: SELECT * FROM facts.orders"
    )
    assert read(project(database, queried))[0] == plain


def test_a_query_can_only_read(database: Path) -> None:
    text = WITH_URL.format(exposures="facts.exposures", orders="facts.orders")
    with pytest.raises(SignalsError, match="`query:` must be a SELECT"):
        read(project(database, text.replace("table: facts.exposures", "query: DELETE FROM facts.exposures")))


def test_no_file_beside_the_database_can_be_read(database: Path) -> None:
    text = WITH_URL.format(exposures="facts.exposures", orders="facts.orders")
    sneaky = text.replace("table: facts.exposures", f"query: SELECT * FROM '{database}/files/exposures.parquet'")
    with pytest.raises(SignalsError) as caught:
        read(project(database, sneaky))
    assert "\n" not in str(caught.value)


GIVEN = """
  orders:
    signal: conversion
    connector: warehouse
    url: duckdb:///shop.duckdb
    moments:
      query: |
        SELECT variation AS variant, CAST(timezone('UTC', ts) AS DATE) AS day, plan, count(*) AS units,
               avg(amount) AS mean, var_pop(amount) AS variance, min(amount) AS least, max(amount) AS most,
               avg(pre) AS covariate_mean, var_pop(pre) AS covariate_variance, covar_pop(amount, pre) AS covariance
        FROM units GROUP BY ALL
"""


@pytest.fixture
def counted(database: Path) -> Path:
    import duckdb

    units = units_of(shop(), window=WEEK, before=FORTNIGHT)
    with duckdb.connect(str(database / "data" / "shop.duckdb")) as connection:
        connection.execute("CREATE TABLE units (variation TEXT, plan TEXT, ts TIMESTAMPTZ, amount DOUBLE, pre DOUBLE)")
        connection.executemany(
            "INSERT INTO units VALUES (?, ?, ?, ?, ?)", [(v, plan[0], at, y, x) for v, plan, at, y, x in units]
        )
    return database


def test_moments_of_a_query_of_ones_own(counted: Path) -> None:
    cells, tally = read(project(counted, GIVEN))
    wanted = moments(units_of(shop(), window=WEEK, before=FORTNIGHT))
    found = by_key(cells)
    assert set(found) == set(wanted)
    assert tally.rows_kept == len(wanted)
    for key, numbers in wanted.items():
        m = found[key].moments
        assert m.n == numbers["n"]
        for name in ("mean", "m2", "x_mean", "x_m2", "xy"):
            assert math.isclose(getattr(m, name), numbers[name], rel_tol=1e-8, abs_tol=1e-7 * max(1, numbers["n"]))


def test_counts_of_yes_and_no_are_exact(counted: Path) -> None:
    text = GIVEN.replace("amount", "(amount > 0)::INT")
    cells, _ = read(project(counted, text))
    yes = sum(1 for unit in units_of(shop(), window=WEEK, before=FORTNIGHT) if unit[3] > 0)
    assert sum(round(cell.moments.n * cell.moments.mean) for cell in cells) == yes
    for cell in cells:
        assert cell.moments.m3 is not None
        positives = round(cell.moments.n * cell.moments.mean)
        assert cell.moments.m2 == positives * (cell.moments.n - positives) / cell.moments.n


TWICE = " UNION ALL SELECT 'control', DATE '2026-03-02', 'free', 5, 1, 1, 0, 2, 1, 1, 0"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("count(*) AS units", "count(*) AS users"), "the query gives no column 'units'"),
        (("var_pop(amount)", "-1.0"), "variance is -1: a variance is not negative"),
        (("covar_pop(amount, pre)", "1e9"), "covariance is 1e+09, which those variances do not allow"),
        ((", covar_pop(amount, pre) AS covariance", ""), "the query gives a covariate without 'covariance'"),
        (("count(*) AS units", "1.5 AS units"), "units is 1.5, no number of units"),
        (("avg(amount) AS mean", "'nan'::DOUBLE AS mean"), "mean is nan"),
        (("GROUP BY ALL", "GROUP BY ALL" + 2 * TWICE), "twice"),
        (("SELECT variation", "DROP TABLE units; SELECT variation"), "`query:` must be a SELECT"),
    ],
)  # fmt: skip
def test_moments_that_cannot_be_are_refused(counted: Path, change: tuple[str, str], message: str) -> None:
    with pytest.raises(SignalsError) as caught:
        read(project(counted, GIVEN.replace(*change, 1)))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_moments_go_with_nothing_else(tmp_path: Path) -> None:
    with pytest.raises(SignalsError, match="`grain:` is not for `moments:`"):
        project(tmp_path, GIVEN + "    grain: unit\n")
    with pytest.raises(SignalsError, match="`moments:` needs `url:`"):
        project(tmp_path, GIVEN.replace("    url: duckdb:///shop.duckdb\n", ""))


def test_two_sources_read_one_file_side_by_side(counted: Path) -> None:
    from signals.pull import pull
    from signals.store import open_store

    tables = WITH_URL.format(exposures="facts.exposures", orders="facts.orders").replace("  orders:", "  tables:", 1)
    rows = """
  rows: {signal: conversion, connector: table, shape: outcome_counts, url: "duckdb:///shop.duckdb",
    query: "SELECT variation, count(*) AS n, sum((amount > 0)::INT) AS yes FROM units GROUP BY 1",
    map: {variant: variation, units: n, successes: yes}}
"""
    of = project(counted, GIVEN + tables + rows)
    with open_store(f"sqlite:///{counted}/store.db") as store:
        for _ in range(3):
            assert [report.error for report in pull(of, store, full=True)] == [None, None, None]


def test_a_table_that_is_not_there(database: Path) -> None:
    text = WITH_URL.format(exposures="facts.exposure", orders="facts.orders")
    with pytest.raises(SignalsError, match=r"no table 'facts.exposure'. Did you mean 'facts.exposures'\?") as caught:
        read(project(database, text))
    assert "source 'orders'" in str(caught.value)
