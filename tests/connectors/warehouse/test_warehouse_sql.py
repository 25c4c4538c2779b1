"""The SQL that engines which cannot run here would be sent, held against files that were read and found right.

After a change that is meant: run this file with SIGNALS_REWRITE=1, and read the diff.
"""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from signals.connectors.warehouse import query, scans
from signals.connectors.warehouse.coding import Variants
from signals.connectors.warehouse.definition import Definition, Measure, Relation

GOLDEN = Path(__file__).parent / "sql"
DIALECTS = ("duckdb", "postgres", "databricks", "bigquery", "snowflake", "trino", "clickhouse")
TABLES: dict[str, dict[str, str]] = {
    "exposures": {
        "user_id": "int64",
        "variation": "string",
        "ts": "timestamp('UTC')",
        "plan": "string",
        "team": "string",
    },
    "orders": {"user_id": "int64", "ts": "timestamp('UTC')", "amount": "float64", "qty": "int32", "event": "string"},
    "units": {"user_id": "int64", "variation": "string", "day": "date", "converted": "boolean", "before": "float64"},
}
ORDERS = Relation("orders", None, (("event", ("paid", "renewed")),))
EVENTS = Definition(
    exposures=Relation("exposures", None), unit="user_id", variant="variation", at="ts", cluster=None,
    segments=(("plan", "plan"),),
    measures=(
        Measure("outcome", ORDERS, "user_id", "ts", "amount", 7 * 86_400.0),
        Measure("covariate", ORDERS, "user_id", "ts", "amount", None, 14 * 86_400.0),
        Measure("denominator", Relation("orders", None), "user_id", "ts", None, 7 * 86_400.0),
    ),
    one_row_per_unit=False, until=None, recode={"variant": {"B": "candidate"}},
)  # fmt: skip
UNITS = Definition(
    exposures=Relation("units", None), unit="user_id", variant="variation", at="day", cluster=None, segments=(),
    measures=(
        Measure("outcome", None, "user_id", "", "converted"), Measure("covariate", None, "user_id", "", "before"),
    ),
    one_row_per_unit=True, until=None, recode={},
)  # fmt: skip
CLUSTERS = Definition(
    exposures=Relation("exposures", None), unit="user_id", variant="variation", at="ts", cluster="team", segments=(),
    measures=(Measure("outcome", ORDERS, "user_id", "ts", "qty", None, None, "any"),),
    one_row_per_unit=False, until=None, recode={},
)  # fmt: skip


def sql_of(definition: Definition, dialect: str) -> str:
    import ibis

    def opened(relation: Relation) -> Any:
        return ibis.table(TABLES[str(relation.table)], name=relation.table)

    variants = Variants.of({"control": 5, "candidate": 5, "B": 4, "x": 1}, [["candidate", "control"]])
    cutoff = datetime(2026, 3, 8) if definition is EVENTS else None  # noqa: DTZ001
    zone = "UTC" if definition is UNITS else None
    if definition is UNITS:
        made = scans.direct(definition, opened, dialect, zone, None)
    else:
        made = query.build(definition, opened, dialect, zone, variants, cutoff)
    return str(ibis.to_sql(made.table, dialect=dialect)) + "\n"


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("name", ["events", "units", "clusters"])
def test_sql(name: str, dialect: str) -> None:
    found = sql_of({"events": EVENTS, "units": UNITS, "clusters": CLUSTERS}[name], dialect)
    file = GOLDEN / f"{name}.{dialect}.sql"
    if os.environ.get("SIGNALS_REWRITE"):
        file.parent.mkdir(exist_ok=True)
        file.write_text(found, encoding="utf-8")
    assert found == file.read_text(encoding="utf-8")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_sql_of_every_dialect_can_be_parsed_in_it(dialect: str) -> None:
    import sqlglot

    for definition in (EVENTS, UNITS, CLUSTERS):
        parsed = sqlglot.parse(sql_of(definition, dialect), read=dialect)
        assert len(parsed) == 1


@pytest.mark.parametrize("dialect", DIALECTS)
def test_moments_are_never_raw_sums_of_squares(dialect: str) -> None:
    text = sql_of(EVENTS, dialect).lower().replace("_", "")
    assert "varpop" in text
    assert "covarpop" in text
