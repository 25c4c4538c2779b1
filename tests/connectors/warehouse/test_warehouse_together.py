"""Sources that differ in their outcome only: one query answers all of them, and each as if it were alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from signals.connectors import Tally, get
from signals.connectors.batch import Batch, within
from signals.connectors.warehouse.engines import Engine
from signals.model import Project, SignalsError

from .test_warehouse_files import FORTNIGHT, WEEK, parquet
from .warehouse_kit import ENTRY, assert_same, moments, project, shop, units_of

OUTCOMES = {"orders": "value: amount", "items": "value: qty, per_unit: any", "baskets": "per_unit: count"}
JOINED = "".join(
    ENTRY.format(exposures="exposures.parquet", orders="orders.parquet")
    .replace("\n  orders:", f"\n  {name}:")
    .replace("at: ts, value: amount, window", f"at: ts, {keys}, window")
    .rstrip()
    for name, keys in OUTCOMES.items()
)
UNITS = """
  {name}:
    signal: conversion
    connector: warehouse
    exposures: {{table: units.parquet, unit: u, variant: v, at: t}}
    outcome: {{value: {name}}}
    covariate: {{value: x}}
    map: {{segment.plan: plan}}
    {grain}
"""


def units(folder: Path, **changes: list[Any]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    (folder / "data").mkdir(exist_ok=True)
    n = 200
    columns = {
        "u": list(range(n)), "v": ["control", "candidate"] * (n // 2), "plan": ["free", "pro", None, ""] * (n // 4),
        "converted": [i % 3 == 0 for i in range(n)], "revenue": [round(1.37 * (i % 7), 2) for i in range(n)],
        "clicks": [i % 5 for i in range(n)], "x": [float(i % 11) for i in range(n)],
    }  # fmt: skip
    table = pa.table(columns | changes)
    times = pa.array([1_772_400_000_000_000 + i * 4_000_000_000 for i in range(n)], pa.timestamp("us", tz="UTC"))
    pq.write_table(table.append_column("t", times), folder / "data" / "units.parquet")


def three(folder: Path, grain: str = "grain: unit", **other: str) -> Project:
    entries = {name: UNITS.format(name=name, grain=grain) for name in ("converted", "revenue", "clicks")}
    return project(folder, "".join(entries[name] + other.get(name, "") for name in entries))


Told = tuple[list[Any], tuple[Any, ...], int, int]


def each(of: Project, batch: Batch | None = None) -> dict[str, Told | str]:
    """What each source gives, or says is wrong: in one batch, or each in one of its own."""
    found: dict[str, Told | str] = {}
    for source in of.sources:
        tally = Tally()
        with within(batch or Batch((source,))):
            try:
                cells = list(get("warehouse").read(source, of, tally))
            except SignalsError as error:
                found[source.name] = str(error)
                continue
        found[source.name] = (cells, tally.entries, tally.rows_read, tally.rows_kept)
    return found


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the engine was asked, as it was asked."""
    import ibis

    seen: list[str] = []
    rows = Engine.rows

    def noted(self: Engine, expression: Any) -> list[dict[str, Any]]:
        seen.append(str(ibis.to_sql(expression)))
        return rows(self, expression)

    monkeypatch.setattr(Engine, "rows", noted)
    return seen


@pytest.mark.parametrize("grain", ["grain: unit", ""])
def test_one_query_answers_all(tmp_path: Path, asked: list[str], grain: str) -> None:
    units(tmp_path)
    of = three(tmp_path, grain)
    alone = each(of)
    before = len(asked)
    assert each(of, Batch(of.sources)) == alone
    assert len(asked) - before == before / 3
    means = [[cell.moments.mean for cell in found[0]] for found in alone.values()]
    assert means[0] != means[1] != means[2]  # they are three numbers, not one three times


def test_joined_outcomes_are_measured_by_one_join(tmp_path: Path, asked: list[str]) -> None:
    parquet(tmp_path / "data", shop())
    of = project(tmp_path, JOINED + "\n")
    alone = each(of)
    before = len(asked)
    found = each(of, Batch(of.sources))
    assert found == alone
    assert len(asked) - before == before / 3
    assert_same(found["orders"][0], moments(units_of(shop(), window=WEEK, before=FORTNIGHT)))
    lost = {name: sum(one.rows for one in told[1] if "not a number" in one.why) for name, told in found.items()}
    assert lost["orders"] > 0 == lost["baskets"]  # rows that hold no number are lost to the sum, not to the count


def test_an_outcome_that_some_rows_lack_is_no_outcome_lost_to_the_others(tmp_path: Path) -> None:
    units(tmp_path, revenue=[None, *(1.0 for _ in range(199))])
    of = three(tmp_path)
    found = each(of, Batch(of.sources))
    assert found == each(of)
    kept = {name: told[3] for name, told in found.items()}
    assert kept == {"converted": 200, "revenue": 199, "clicks": 200}


def test_labels_that_are_written_in_two_ways_are_one_cell(tmp_path: Path) -> None:
    units(tmp_path)  # its plans hold None and an empty text
    cells, *_ = each(three(tmp_path))["converted"]
    keys = [(cell.variant, cell.segment, cell.day) for cell in cells]
    assert len(set(keys)) == len(keys)
    empty = sum(cell.moments.n for cell in cells if dict(cell.segment)["plan"] == "(empty)")
    assert empty == 100


def test_a_unit_on_two_rows_is_refused_by_name(tmp_path: Path) -> None:
    units(tmp_path, u=[5, *range(1, 200)])
    of = three(tmp_path)
    said = each(of, Batch(of.sources))
    assert all("unit 5 is on several rows (1 too many)" in str(one) for one in said.values())


def test_one_that_cannot_be_read_says_so_and_stops_no_other(tmp_path: Path) -> None:
    units(tmp_path, revenue=["a", *("b" for _ in range(199))])
    of = three(tmp_path)
    found = each(of, Batch(of.sources))
    assert "'revenue' is string, no number" in str(found["revenue"])
    assert found == each(of)


@pytest.mark.parametrize(
    "change", ["    where: {plan: free}", "    values: {variant: {control: candidate}}", "    timezone: UTC"]
)
def test_what_is_asked_otherwise_is_asked_apart(tmp_path: Path, asked: list[str], change: str) -> None:
    units(tmp_path)
    of = three(tmp_path, revenue=change + "\n")
    each(of, Batch(of.sources))
    # The two that are alike, and the other; two texts that became one variant are grouped again.
    assert len(asked) == (3 if "values" in change else 2)
    assert each(of, Batch(of.sources)) == each(of)


def test_a_file_that_changes_between_two_sources_is_read_for_each(tmp_path: Path) -> None:
    units(tmp_path)
    of = three(tmp_path)
    batch = Batch(of.sources)
    with within(batch):
        list(get("warehouse").read(of.sources[0], of, Tally()))
        units(tmp_path, clicks=[9] * 200)
        cells = list(get("warehouse").read(of.sources[2], of, Tally()))
    assert {cell.moments.mean for cell in cells} == {9.0}


def test_a_file_outside_stays_outside_for_the_source_that_may_not_look_there(tmp_path: Path) -> None:
    outside = tmp_path / "elsewhere"
    outside.mkdir()
    units(outside)
    of = three(tmp_path, revenue="    allow_outside: true\n")
    (tmp_path / "data" / "units.parquet").symlink_to(outside / "data" / "units.parquet")
    found = each(of, Batch(of.sources))
    assert isinstance(found["revenue"], tuple)
    assert "outside" in str(found["converted"])


def test_a_source_that_asks_again_makes_them_look_again() -> None:
    batch, made = Batch(()), []

    def make() -> dict[str, int]:
        made.append(len(made))
        return {"a": made[-1], "b": made[-1]}

    assert [batch.answer("key", name, make) for name in ("a", "b", "a", "b")] == [0, 0, 1, 1]
    assert batch.answer("other", "c", dict) is None
    assert [batch.once("hash", lambda: made.append(0) or "x") for _ in range(3)] == ["x"] * 3
    assert len(made) == 3
