"""The warehouse connector over files: what counts, what does not, and what it says of the rest."""

from __future__ import annotations

import csv
import math
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from signals.model import BOTH_ARMS, INCOMPLETE, SignalsError

from .warehouse_kit import ENTRY, EXPOSURES, ORDERS, Shop, assert_same, by_key, moments, project, read, shop, units_of

WEEK, FORTNIGHT = 7 * 86_400.0, 14 * 86_400.0


def parquet(folder: Path, rows: Shop) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder.mkdir(parents=True, exist_ok=True)
    when = pa.timestamp("us", tz="UTC")
    kinds = [
        (
            "exposures",
            EXPOSURES,
            rows.exposures,
            [pa.int64(), pa.string(), when, pa.string(), pa.string(), pa.string()],
        ),
        ("orders", ORDERS, rows.orders, [pa.int64(), when, pa.float64(), pa.int32(), pa.string()]),
    ]
    for name, columns, values, types in kinds:
        arrays = [pa.array([row[i] for row in values], type=kind) for i, kind in enumerate(types)]
        pq.write_table(pa.table(arrays, names=list(columns)), folder / f"{name}.parquet")


@pytest.fixture
def files(tmp_path: Path) -> Path:
    parquet(tmp_path / "data", shop())
    return tmp_path


def test_moments_are_those_counted_by_hand(files: Path) -> None:
    cells, tally = read(project(files, ENTRY.format(exposures="exposures.parquet", orders="orders.parquet")))
    assert_same(cells, moments(units_of(shop(), window=WEEK, before=FORTNIGHT)))
    assert {cell.metric for cell in cells} == {"conversion"}
    assert sum(cell.moments.n for cell in cells) < tally.rows_kept < tally.rows_read


@pytest.mark.parametrize("seed", range(2, 8))
def test_moments_are_those_counted_by_hand_whatever_the_rows(tmp_path: Path, seed: int) -> None:
    rows = shop(seed, users=80)
    parquet(tmp_path / "data", rows)
    cells, _ = read(project(tmp_path, ENTRY.format(exposures="exposures.parquet", orders="orders.parquet")))
    assert_same(cells, moments(units_of(rows, window=WEEK, before=FORTNIGHT)))


def test_every_row_is_accounted_for(files: Path) -> None:
    _, tally = read(project(files, ENTRY.format(exposures="exposures.parquet", orders="orders.parquet")))
    mine = [row for row in shop().exposures if row[-1] == "x"]
    assert tally.rows_read == len(mine)
    aside = {}
    for entry in tally.entries:
        aside.setdefault(entry.why, []).append(entry)
    assert [entry.rows for entry in aside["unit is empty"]] == [1]
    assert [entry.rows for entry in aside["variant is empty"]] == [1]
    assert [entry.rows for entry in aside["at is empty"]] == [1]
    arms: dict[int, set[str]] = {}
    for user, variant, at, *_ in mine:
        if None not in (user, variant, at) and variant != "holdout":
            arms.setdefault(user, set()).add(variant)
    crossed = {user for user, both in arms.items() if len(both) == 2}
    assert crossed
    for entry in aside[BOTH_ARMS]:
        assert entry.units == len(crossed)
        assert entry.rows == sum(1 for row in mine if row[0] in crossed and row[1] == entry.variant and row[2])
    assert {entry.variant for entry in aside[BOTH_ARMS]} == {"control", "candidate"}
    exposed = tally.rows_kept + sum(entry.rows for entry in tally.entries if "is empty, or not" not in entry.why)
    assert exposed == tally.rows_read


def test_rows_without_a_number_are_told_and_count_as_nothing(files: Path) -> None:
    _, tally = read(project(files, ENTRY.format(exposures="exposures.parquet", orders="orders.parquet")))
    lost = [
        entry for entry in tally.entries if entry.why.startswith("outcome in orders.parquet is empty, or not a number")
    ]
    bad = [row for row in shop().orders if row[2] is None or not math.isfinite(row[2])]
    assert 0 < sum(entry.rows for entry in lost if entry.variant != "holdout") <= len(bad)


def test_reading_twice_gives_the_same_bits(files: Path) -> None:
    of = project(files, ENTRY.format(exposures="exposures.parquet", orders="orders.parquet"))
    assert read(of)[0] == read(of)[0]


def test_the_order_of_rows_changes_nothing(files: Path) -> None:
    of = project(files, ENTRY.format(exposures="exposures.parquet", orders="orders.parquet"))
    before, _ = read(of)
    rows = shop()
    parquet(files / "data", Shop(rows.exposures[::-1], sorted(rows.orders, key=str)))
    assert read(of)[0] == before


def test_csv_files_give_the_same(files: Path) -> None:
    for name, columns, values in (("exposures", EXPOSURES, shop().exposures), ("orders", ORDERS, shop().orders)):
        with (files / "data" / f"{name}.csv").open("w", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(columns)
            writer.writerows([["" if cell is None else cell for cell in row] for row in values])
    cells, _ = read(project(files, ENTRY.format(exposures="exposures.csv", orders="orders.csv")))
    assert_same(cells, moments(units_of(shop(), window=WEEK, before=FORTNIGHT)))


def test_only_whole_windows_count(files: Path) -> None:
    entry = ENTRY.format(exposures="exposures.parquet", orders="orders.parquet")
    of = project(files, entry.replace('"2026-06-01"', '"2026-03-12T06:00:00Z"'))
    cells, tally = read(of)
    # Loaded until the 12th, 6:00: who came before the 5th, 6:00 has had a week; days are kept whole.
    end = datetime(2026, 3, 5, tzinfo=UTC)
    every = units_of(shop(), window=WEEK, before=FORTNIGHT)
    assert_same(cells, moments([unit for unit in every if unit[2] < end]))
    late = sum(entry.units or 0 for entry in tally.entries if entry.why == INCOMPLETE)
    assert late >= len([unit for unit in every if unit[2] >= end])


def test_without_until_the_newest_outcome_says_how_far_the_table_goes(files: Path) -> None:
    entry = ENTRY.format(exposures="exposures.parquet", orders="orders.parquet").replace(', until: "2026-06-01"', "")
    loaded = datetime(2026, 3, 14, 12, tzinfo=UTC)
    rows = Shop(shop().exposures, [row for row in shop().orders if row[1] < loaded])
    parquet(files / "data", rows)
    cells, _ = read(project(files, entry))
    newest = max(row[1] for row in rows.orders)
    end = (newest - timedelta(days=7)).replace(hour=0, minute=0, second=0, microsecond=0)
    every = units_of(rows, window=WEEK, before=FORTNIGHT)
    kept = [unit for unit in every if unit[2] < end]
    assert 0 < len(kept) < len(every)
    assert_same(cells, moments(kept))


def test_a_clock_that_runs_ahead_completes_no_window(files: Path) -> None:
    rows = shop()
    now = datetime.now(UTC)
    fresh = [
        (user, variant, now - timedelta(days=2), "free", "t", "x")
        for user, variant in ((1, "control"), (2, "candidate"))
    ]
    ahead = (1, now + timedelta(days=300), 5.0, 1, "paid")
    parquet(files / "data", Shop([*fresh, *rows.exposures], [ahead, *rows.orders]))
    entry = ENTRY.format(exposures="exposures.parquet", orders="orders.parquet").replace(', until: "2026-06-01"', "")
    cells, _ = read(project(files, entry))
    assert max(cell.day for cell in cells if cell.day) < (now - timedelta(days=7)).date() + timedelta(days=1)


def test_per_unit_any_and_count(files: Path) -> None:
    entry = ENTRY.format(exposures="exposures.parquet", orders="orders.parquet")
    every = units_of(shop(), window=WEEK, before=FORTNIGHT)
    cells, _ = read(project(files, entry.replace("value: amount, window", "value: amount, per_unit: any, window")))
    assert {(cell.least, cell.most) for cell in cells} <= {(0.0, 0.0), (0.0, 1.0), (1.0, 1.0)}
    assert round(sum(cell.moments.n * cell.moments.mean for cell in cells)) == sum(1 for unit in every if unit[3] > 0)
    cells, _ = read(project(files, entry.replace("value: amount, window", "per_unit: count, window")))
    orders = round(sum(cell.moments.n * cell.moments.mean for cell in cells))
    assert orders > sum(1 for unit in every if unit[3] > 0)
    bare, _ = read(project(files, entry.replace("value: amount, window", "window")))
    assert bare == cells


def test_a_denominator(files: Path) -> None:
    entry = ENTRY.format(exposures="exposures.parquet", orders="orders.parquet")
    cells, _ = read(project(files, entry + "    denominator: {table: orders.parquet, value: qty}\n"))
    rows = shop()
    orders = [(u, t, None if a is None or not math.isfinite(a) else float(q), q, e) for u, t, a, q, e in rows.orders]
    wanted = units_of(Shop(rows.exposures, orders), window=WEEK, before=FORTNIGHT)
    both = moments(wanted)
    for key, cell in by_key(cells).items():
        # An order whose amount is no number still has a quantity.
        assert cell.moments.d_mean is not None
        assert cell.moments.d_mean >= both[key]["mean"] - 1e-9
        assert cell.moments.yd is not None
        assert cell.moments.xd is not None


def test_clusters_are_summed_and_crossed_ones_left_out(files: Path) -> None:
    rows = shop()
    arm = {f"team-{number}": ("control" if number % 2 else "candidate") for number in range(40)}
    exposures = [
        (user, arm[team] if variant in arm.values() and team != "team-7" else variant, at, plan, team, experiment)
        for user, variant, at, plan, team, experiment in rows.exposures
    ]
    parquet(files / "data", Shop(exposures, rows.orders))
    entry = ENTRY.format(exposures="exposures.parquet", orders="orders.parquet")
    cells, tally = read(
        project(files, entry.replace("map: {", "map: {cluster: team, ").replace("segment.plan: plan", ""))
    )
    arms = [cell for cell in cells if cell.variant != "holdout"]
    assert {cell.counted for cell in cells} == {"clusters"}
    assert sum(cell.moments.n for cell in arms) == 39
    crossed = {entry.variant: entry.units for entry in tally.entries if entry.why == BOTH_ARMS}
    assert crossed == {"control": 1, "candidate": 1}
    units = [
        unit for unit in units_of(Shop(exposures, rows.orders), window=WEEK, before=FORTNIGHT) if unit[0] != "holdout"
    ]
    for cell in arms:
        mine = [unit for unit in units if unit[0] == cell.variant]
        assert cell.members is not None
        assert math.isclose(cell.moments.n * cell.moments.mean, sum(unit[3] for unit in mine), rel_tol=0.2)
        assert cell.moments.d_mean is not None
        assert round(cell.moments.d_mean * cell.moments.n) == cell.members


UNITS = """
  orders:
    signal: conversion
    connector: warehouse
    grain: unit
    exposures: {table: units.parquet, unit: user_id, variant: variation, at: ts}
    outcome: {value: amount}
    covariate: {value: before}
    map: {segment.plan: plan}
"""


def write_units(folder: Path, rows: list[tuple[object, ...]], unit: str = "int64") -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    types = [
        pa.type_for_alias(unit),
        pa.string(),
        pa.timestamp("us", tz="UTC"),
        pa.float64(),
        pa.float64(),
        pa.string(),
    ]
    names = ["user_id", "variation", "ts", "amount", "before", "plan"]
    arrays = [pa.array([row[i] for row in rows], type=kind) for i, kind in enumerate(types)]
    folder.mkdir(exist_ok=True)
    pq.write_table(pa.table(arrays, names=names), folder / "units.parquet")


def unit_rows() -> list[tuple[object, ...]]:
    every = units_of(shop(), window=WEEK, before=FORTNIGHT)
    return [(n, variant, at, y, x, plan[0]) for n, (variant, plan, at, y, x) in enumerate(every)]


@pytest.mark.parametrize("kind", ["int64", "string"])
def test_one_row_per_unit(tmp_path: Path, kind: str) -> None:
    rows = [(str(row[0]) if kind == "string" else row[0], *row[1:]) for row in unit_rows()]
    write_units(tmp_path / "data", rows, kind)
    cells, tally = read(project(tmp_path, UNITS))
    assert_same(cells, moments(units_of(shop(), window=WEEK, before=FORTNIGHT)))
    assert tally.rows_kept == tally.rows_read == len(rows)


@pytest.mark.parametrize("kind", ["int64", "string"])
def test_one_row_per_unit_is_verified(tmp_path: Path, kind: str) -> None:
    rows = [(str(row[0]) if kind == "string" else row[0], *row[1:]) for row in unit_rows()]
    write_units(tmp_path / "data", [*rows, rows[7]], kind)
    with pytest.raises(
        SignalsError, match=r"`grain: unit` does not hold: unit '?7'? is on several rows \(1 too many\)"
    ):
        read(project(tmp_path, UNITS))


def test_a_unit_without_an_outcome_is_no_zero(tmp_path: Path) -> None:
    rows = unit_rows()
    write_units(tmp_path / "data", [(*row[:3], None, *row[4:]) if row[0] == 3 else row for row in rows])
    cells, tally = read(project(tmp_path, UNITS))
    assert sum(cell.moments.n for cell in cells) == len(rows) - 1
    assert [(entry.why, entry.rows) for entry in tally.entries] == [("outcome is empty, or not a number", 1)]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("value: amount", "value: amuont"), "orders.parquet has no column 'amuont'"),
        (("unit: user_id, variant", "unit: usr_id, variant"), "exposures.parquet has no column 'usr_id'"),
        (("value: amount", "value: event"), "column 'event' is string, no number"),
        (("at: ts, where: {experiment", "at: plan, where: {experiment"), "column 'plan' is string, no time"),
        (
            ("unit: user_id, at", "unit: event, at"),
            "'event' in orders.parquet is string, and the exposures' unit is int64",
        ),
        (("exposures.parquet", "nowhere.parquet"), "no such file data/nowhere.parquet"),
        (("exposures.parquet", "sources.yaml"), "'sources.yaml' is no table"),
    ],
)
def test_mistakes_are_one_line(files: Path, change: tuple[str, str], message: str) -> None:
    entry = ENTRY.format(exposures="exposures.parquet", orders="orders.parquet").replace(*change, 1)
    with pytest.raises(SignalsError) as caught:
        read(project(files, entry))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


OUTCOME = "table: orders.parquet, unit: user_id, at: ts, value: amount, window: 7d, where: {event: paid}"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ((", before: 14d", ""), "`covariate:` needs `before:`"),
        (("    outcome:", "    outcom:"), "outcom"),
        ((", at: ts, where: {experiment", ", where: {experiment"), "`exposures:` needs `at:`"),
        ((OUTCOME, "value: plan, window: 7d"), "`window:` of `outcome:` needs a table"),
        (("exposures.parquet", "../exposures.parquet"), "leaves the folder of this file"),
        (("segment.plan", "sgment.plan"), "unknown field 'sgment.plan'"),
        (("unit: user_id, at: ts", "unit: user_id"), "`outcome:` needs `at:`"),
        (('"2026-06-01"', '"soon"'), "`until:` is no time: 'soon'"),
        (("    map:", "    timezone: Europe/Berlin\n    map:"), "knows `timezone: UTC` only"),
        (("{table: orders.parquet, unit", "{query: SELECT 1, unit"), "`query:` needs `url:`"),
    ],
)  # fmt: skip
def test_mistakes_in_the_entry_are_told_at_their_line(tmp_path: Path, change: tuple[str, str], message: str) -> None:
    entry = ENTRY.format(exposures="exposures.parquet", orders="orders.parquet").replace(*change, 1)
    with pytest.raises(SignalsError) as caught:
        project(tmp_path, entry)
    assert message in str(caught.value)
    assert "sources.yaml:" in str(caught.value)


def test_times_without_a_zone_need_one(files: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = files / "data" / "exposures.parquet"
    table = pq.read_table(path)
    pq.write_table(table.set_column(2, "ts", table["ts"].cast(pa.timestamp("us"))), path)
    entry = ENTRY.format(exposures="exposures.parquet", orders="orders.parquet")
    with pytest.raises(SignalsError, match="column 'ts' holds times without a zone"):
        read(project(files, entry))
    cells, _ = read(project(files, entry.replace("    map:", "    timezone: UTC\n    map:")))
    assert_same(cells, moments(units_of(shop(), window=WEEK, before=FORTNIGHT)))


def test_variants_are_recoded(files: Path) -> None:
    entry = ENTRY.format(exposures="exposures.parquet", orders="orders.parquet")
    cells, _ = read(project(files, entry + "    values: {variant: {candidate: B}, segment.plan: {free: none}}\n"))
    assert {cell.variant for cell in cells} == {"control", "B", "holdout"}
    assert {label for cell in cells for _, label in cell.segment} >= {"none", "pro"}


EVENTS = """
  orders:
    signal: conversion
    connector: warehouse
    exposures: {table: units.parquet, unit: user_id, variant: variation, at: ts}
    outcome: {value: amount}
    covariate: {value: before}
    map: {segment.plan: plan}
"""


def test_events_in_one_table_are_summed_by_unit(tmp_path: Path) -> None:
    rows = unit_rows()
    later = [(*row[:2], row[2] + timedelta(hours=5), 3.0, row[4], "later") for row in rows if row[0] % 3 == 0]
    write_units(tmp_path / "data", [*later, *rows])
    cells, tally = read(project(tmp_path, EVENTS))
    every = units_of(shop(), window=WEEK, before=FORTNIGHT)
    assert_same(cells, moments([(*unit[:3], unit[3] + 3.0 * (n % 3 == 0), unit[4]) for n, unit in enumerate(every)]))
    assert tally.rows_kept == len(rows) + len(later)


def test_a_covariate_that_differs_between_the_rows_of_a_unit_is_none(tmp_path: Path) -> None:
    rows = unit_rows()
    write_units(tmp_path / "data", [*rows, (*rows[5][:4], 77.7, rows[5][5])])
    cells, tally = read(project(tmp_path, EVENTS))
    assert sum(cell.moments.n for cell in cells) == len(rows) - 1
    told = [(entry.why, entry.rows, entry.units) for entry in tally.entries]
    assert told == [
        ("covariate differs between the rows of a unit (it must be one number, known before the start)", 2, 1)
    ]


def test_times_in_nanoseconds_are_read(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    write_units(tmp_path / "data", unit_rows())
    path = tmp_path / "data" / "units.parquet"
    table = pq.read_table(path)
    pq.write_table(table.set_column(2, "ts", table["ts"].cast(pa.timestamp("ns", tz="UTC"))), path)
    wanted = moments(units_of(shop(), window=WEEK, before=FORTNIGHT))
    assert_same(read(project(tmp_path, UNITS))[0], wanted)
    by_table = """
  orders: {signal: conversion, connector: table, shape: outcome, grain: unit, path: units.parquet,
    map: {unit: user_id, variant: variation, value: amount, covariate: before, at: ts, segment.plan: plan}}
"""
    assert_same(read(project(tmp_path, by_table))[0], wanted)


def test_a_filter_that_can_match_nothing_is_told(files: Path) -> None:
    entry = ENTRY.format(exposures="exposures.parquet", orders="orders.parquet")
    with pytest.raises(SignalsError, match=r"`where:` compares 'abc' with column 'user_id', which holds numbers"):
        read(project(files, entry.replace("where: {experiment: x}", "where: {user_id: abc}")))


def test_tables_that_do_not_fit_are_no_experiment_without_outcomes(tmp_path: Path) -> None:
    parquet(tmp_path / "data", shop(users=1200))
    entry = ENTRY.format(exposures="exposures.parquet", orders="orders.parquet")
    with pytest.raises(SignalsError, match=r"units none has an outcome in orders.parquet"):
        read(project(tmp_path, entry.replace("event: paid", "event: payed")))


def test_a_covariate_of_the_same_value_is_put_together_alike(files: Path) -> None:
    entry = ENTRY.format(exposures="exposures.parquet", orders="orders.parquet")
    cells, _ = read(project(files, entry.replace("value: amount, window", "value: amount, per_unit: any, window")))
    before = [unit for unit in units_of(shop(), window=WEEK, before=FORTNIGHT) if unit[4] > 0]
    assert sum(round(cell.moments.n * (cell.moments.x_mean or 0.0)) for cell in cells) == len(before)


def test_labels_that_are_too_many_for_numbers_give_the_same(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from signals.connectors.warehouse import coding

    entry = ENTRY.format(exposures="exposures.parquet", orders="orders.parquet")
    of = project(files, entry.replace("segment.plan: plan", "segment.plan: plan, segment.team: team"))
    # 40 teams and 5 plans are few enough to be told apart, and their combinations to be numbered.
    assert coding.Labels.of([(f"plan-{n % 5}", f"team-{n}") for n in range(40)])
    assert coding.Labels.of([(f"plan-{n % 5}", f"team-{n}") for n in range(60)]) is None
    coded, _ = read(of)
    monkeypatch.setattr(coding, "MOST_LABELS", 0)
    assert read(of)[0] == coded
    assert_same(coded, moments(units_of(shop(), window=WEEK, before=FORTNIGHT, labels=("plan", "team"))))
