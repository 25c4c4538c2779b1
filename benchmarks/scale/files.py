"""Files of so many units, made by hashing row numbers: the same rows on every run of one DuckDB version.

``units.parquet`` has one row per unit. ``exposures.parquet`` and ``orders.parquet`` hold the same experiment as the
events that a product would log, and ``events.parquet`` holds both in one file, for reading without a join. All are
roughly in the order of time, with ids in no order.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

CONTROL, CANDIDATE = "prompt-v6", "prompt-v7"
SEGMENTS, DAYS = 20, 14
START = "2026-11-02T00:00:00Z"
UNITS, EVENTS, EXPOSURES, ORDERS = "units.parquet", "events.parquet", "exposures.parquet", "orders.parquet"
EVERY = 2_000  # beside so many units stands one that saw both arms, in the events only
IDS = {"number": "(i * 7919 + 104729) % {modulus}", "text": "md5(CAST(i AS VARCHAR))"}
"""Ids of units: one in ten of the whole numbers up to a limit, or texts."""

PEOPLE = """
CREATE MACRO draw(i, salt) AS ((hash(i * 64 + salt) >> 11) + 0.5) / 9007199254740992.0;
CREATE MACRO normal(i, salt) AS sqrt(-2 * ln(draw(i, salt))) * cos(2 * pi() * draw(i, salt + 32));
CREATE MACRO later(ts, days) AS ts + to_microseconds(CAST(days * 86400e6 AS BIGINT));
CREATE VIEW people AS
SELECT *,
    -- About one in ten buys: the candidate's people a little more often, those who bought before more often still.
    draw(i, 0) < 0.05 + 0.002 * treated + 0.04 * ln(1 + before) AS buys,
    round(exp(2.3 + 0.5 * ln(1 + before) + 0.8 * normal(i, 1)), 2) AS first,
    CASE WHEN draw(i, 2) < 0.2 THEN round(exp(2.0 + normal(i, 3)), 2) ELSE 0.0 END AS second
FROM (
    SELECT i, {unit} AS user_id, i % {both} = {every} AS crosser, CAST(draw(i, 4) < 0.5 AS INT) AS treated,
        CASE WHEN draw(i, 4) < 0.5 THEN '{candidate}' ELSE '{control}' END AS variation_id,
        later(TIMESTAMPTZ '{start}', (i / {people} * 0.99 + 0.00999 * draw(i, 5)) * {days}) AS ts,
        'plan-' || lpad(CAST(CAST(floor({segments} * pow(draw(i, 6), 1.5)) AS INT) AS VARCHAR), 2, '0') AS plan,
        CASE WHEN draw(i, 7) < 0.5 THEN round(exp(2 + normal(i, 8)), 2) ELSE 0.0 END AS before
    FROM range({people}) AS numbers(i)
);
"""
SEEN = """
SELECT i, user_id, CASE WHEN time = 3 AND treated = 1 THEN '{control}' WHEN time = 3 THEN '{candidate}'
        ELSE variation_id END AS variation_id,
    later(ts, [0.0, 0.3, 0.6, 0.9][time + 1] * (0.5 + 0.5 * draw(i, 2))) AS ts, plan, before
FROM (
    -- A fifth see it twice, some of them three times.
    SELECT *, unnest(CASE WHEN crosser THEN [0, 3] WHEN draw(i, 9) < 0.03 THEN [0, 1, 2]
        WHEN draw(i, 9) < 0.2 THEN [0, 1] ELSE [0] END) AS time
    FROM people
)
"""
BOUGHT = """
SELECT i, user_id, variation_id, later(ts, draw(i, 10) * [6.0, 6.9][time]) AS ts, plan, before,
    CAST(time = 1 AS TINYINT) AS converted, [first, second][time] AS revenue
FROM (SELECT *, unnest(CASE WHEN second > 0 THEN [1, 2] ELSE [1] END) AS time FROM people WHERE buys)
"""
QUERIES = {
    UNITS: """
SELECT user_id, variation_id, ts, plan, before, CAST(buys AS TINYINT) AS converted,
    CASE WHEN buys THEN first + second ELSE 0.0 END AS revenue
FROM people WHERE NOT crosser
""",
    EVENTS: f"""
SELECT user_id, variation_id, ts, plan, before, converted, revenue FROM (
    SELECT *, CAST(0 AS TINYINT) AS converted, 0.0 AS revenue FROM ({SEEN}) UNION ALL BY NAME FROM ({BOUGHT})
)
""",
    EXPOSURES: f"SELECT user_id, variation_id, ts, plan FROM ({SEEN})",
    # Among the orders: what people bought before they were exposed, and people who never were.
    ORDERS: f"""
SELECT user_id, ts, converted, revenue FROM ({BOUGHT})
UNION ALL
SELECT user_id, later(ts, -13 * draw(i, 11) - 0.01), 0, before FROM people WHERE before > 0
UNION ALL
SELECT {{stranger}}, later(TIMESTAMPTZ '{{start}}', 30.0 * i / {{strangers}}), 1, round(exp(2 + normal(i, 12)), 2)
FROM range({{strangers}}) AS numbers(i)
""",
}


@contextmanager
def opened(spill: Path, memory: str = "1GB", threads: int = 2) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database in memory that spills to a folder."""
    import duckdb

    connection = duckdb.connect(config={"memory_limit": memory, "temp_directory": str(spill), "threads": str(threads)})
    try:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("SET enable_progress_bar = false")
        yield connection
    finally:
        connection.close()


def make(folder: Path, rows: int, ids: str = "number", wanted: Sequence[str] = tuple(QUERIES)) -> None:
    """Write the wanted files that are not there yet, each under a passing name first."""
    missing = [name for name in wanted if not (folder / name).exists()]
    if not missing:
        return
    folder.mkdir(parents=True, exist_ok=True)
    people = rows + rows // EVERY
    modulus = 10 * people + 1
    words = {
        "unit": IDS[ids].format(modulus=modulus + (modulus % 7919 == 0)), "both": EVERY + 1, "every": EVERY,
        "people": people, "control": CONTROL, "candidate": CANDIDATE, "start": START, "days": DAYS,
        "segments": SEGMENTS, "strangers": max(1, rows // 20),
        "stranger": "-1 - i" if ids == "number" else "md5('stranger ' || i)",
    }  # fmt: skip
    with TemporaryDirectory() as spill, opened(Path(spill)) as connection:
        connection.execute(PEOPLE.format(**words))
        for name in missing:
            passing = folder / f"{name}.part"
            query = QUERIES[name].format(**words)
            connection.execute(f"COPY ({query}) TO '{passing}' (FORMAT parquet, COMPRESSION zstd)")
            passing.rename(folder / name)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--ids", choices=IDS, default="number")
    given = parser.parse_args()
    make(given.folder, given.rows, given.ids)


if __name__ == "__main__":
    main()
