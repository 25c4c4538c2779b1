"""Outcomes per unit, and outcomes that were already counted, as cells of mergeable moments."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import date

from signals.connectors.aggregate import aggregates, from_counts, merge, moments
from signals.connectors.base import Tally
from signals.connectors.cells import Cells
from signals.connectors.lines import EMPTY_SEGMENT
from signals.connectors.shapes import segment_dimensions
from signals.connectors.units import DAY, Clean, Fault, clean, exclude_both_arms, number_columns, number_faults
from signals.model import Moments, OutcomeCell, Project, Segment, SignalsError

WHOLE = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")
MAX_BITS = 1 << 28  # 32 MB a thread
DIFFERS = "covariate differs between the rows of a unit (it must be one number, known before the start)"


def metric_name(cells: Cells) -> str:
    """What the cells call their metric: the option ``metric``, else the signal that the source feeds."""
    return str(cells.source.options.get("metric") or cells.source.signal)


def outcomes(cells: Cells, project: Project, tally: Tally) -> Iterator[OutcomeCell]:
    """User-level rows as moments per variant, segment and first day (UTC).

    Rows of a unit are summed first (value and denominator), unless ``grain: unit`` says that there is one row per
    unit, which is verified. The covariate is one number per unit. A unit whose segment changes keeps its first.
    """
    columns = {"u": cells.native("unit"), **number_columns(cells, "value", "y")}
    faults = [
        Fault("unit is empty", "u IS NULL", "unit"),
        *number_faults("value", "y", "write 0 for a unit without the outcome"),
    ]
    scale = cells.source.options.get("scale")
    if scale:
        low, high = scale
        why = f"value is outside the scale {low:g} to {high:g}"
        faults.append(Fault(why, f"NOT y BETWEEN {low!r} AND {high!r}", "value"))
    for field, column in (("covariate", "x"), ("denominator", "d")):
        if cells.has(field):
            columns |= number_columns(cells, field, column)
            faults += number_faults(field, column, "write 0 for a unit without any")
    view = clean(cells, columns, faults)
    if cells.source.options.get("grain") == "unit":
        _verify_grain(cells)
        table = "clean"
    else:
        table = _units(view, project, tally)
    yield from _cells(view, table, tally)


def _verify_grain(cells: Cells) -> None:
    """Refuse units that are on several rows, whatever else is wrong with the rows."""
    connection = cells.rows.connection
    if _all_distinct(cells):
        return
    twice = connection.execute(
        "SELECT CAST(min(u) AS VARCHAR), count(*) FROM "
        "(SELECT u FROM clean WHERE u IS NOT NULL GROUP BY u HAVING count(*) > 1)"
    ).fetchone()
    if twice and twice[1]:
        raise SignalsError(
            f"`grain: unit` does not hold: unit {twice[0]!r} is on several rows ({twice[1]:,} such units)",
            "Leave `grain:` out to sum the rows of a unit, or repair the export",
            file=cells.label,
        )


def _all_distinct(cells: Cells) -> bool:
    """A fast yes for whole-number ids that lie close together: one bit per id instead of a table of all of them."""
    connection = cells.rows.connection
    described = connection.execute("DESCRIBE SELECT u FROM clean").fetchone()
    if not described or described[1] not in WHOLE:
        return False
    found = connection.execute("SELECT min(u), max(u), count(u) FROM clean").fetchone()
    if not found or not found[2] or found[1] - found[0] >= MAX_BITS:
        return False
    low, high, rows = (int(value) for value in found)
    counted = connection.execute(f"SELECT bit_count(bitstring_agg(u, {low}, {high})) FROM clean").fetchone()  # noqa: S608  (numbers)
    return counted is not None and counted[0] == rows


def _units(view: Clean, project: Project, tally: Tally) -> str:
    """Group rows by unit within variant, leave out units of both arms; the name of the resulting view."""
    cells = view.cells
    connection = cells.rows.connection
    good = [f"sum(CASE WHEN bad < 0 THEN {column} END) AS {column}" for column in ("y", "d") if _has(cells, column)]
    if _has(cells, "x"):
        good += ["min(CASE WHEN bad < 0 THEN x END) AS x", "max(CASE WHEN bad < 0 THEN x END) AS x_high"]
    if view.dimensions:
        good.append(f"{view.first_segment()} AS s")
    connection.execute(
        "CREATE TEMP TABLE grouped AS SELECT bad, v, CASE WHEN bad < 0 THEN u END AS u, count(*) AS rows, "  # noqa: S608  (ours)
        f"min(us) AS us, {', '.join(good)} FROM clean GROUP BY ALL"
    )
    tally.rows_read += exclude_both_arms(cells, project, tally, "grouped")
    if _has(cells, "x"):
        differing = connection.execute(
            "SELECT v, count(*), sum(rows) FROM grouped ANTI JOIN crossed USING (u, v) "
            "WHERE bad < 0 AND x <> x_high GROUP BY v ORDER BY v"
        ).fetchall()
        for variant, units, rows in differing:
            tally.set_aside(DIFFERS, variant, int(rows), example=f"{units:,} units")
            tally.rows_read += int(rows)
        connection.execute("DELETE FROM grouped WHERE bad < 0 AND x <> x_high")
    columns = [
        "bad",
        "v",
        "u",
        "rows",
        "us",
        *(c for c in ("y", "x", "d") if _has(cells, c)),
        *view.unpack_segment("s"),
    ]
    connection.execute(
        f"CREATE TEMP VIEW units AS SELECT {', '.join(columns)} FROM grouped ANTI JOIN crossed USING (u, v)"  # noqa: S608  (ours)
    )
    return "units"


def _has(cells: Cells, column: str) -> bool:
    return {"y": True, "x": cells.has("covariate"), "d": cells.has("denominator")}[column]


def _cells(view: Clean, table: str, tally: Tally) -> Iterator[OutcomeCell]:
    """The one grouped scan: good rows by variant, segment and day, bad rows by fault and variant."""
    cells = view.cells
    covariate, denominator, timed = cells.has("covariate"), cells.has("denominator"), cells.has("at")
    measured = [column for column in ("y", "x", "d") if _has(cells, column)]
    columns = [
        "bad", "v", "1 AS rows" if table == "clean" else "rows",
        *(f"CASE WHEN bad < 0 THEN {name} END AS {name}" for name in [*view.segment_columns, *measured]),
        f"CASE WHEN bad < 0 THEN {DAY} END AS day",
    ]  # fmt: skip
    keys = ", ".join(["bad", "v", "day", *view.segment_columns])
    groups = cells.rows.connection.execute(
        f"SELECT {keys}, sum(rows), {aggregates(covariate=covariate, denominator=denominator)} "  # noqa: S608  (our own names)
        f"FROM (SELECT {', '.join(columns)} FROM {table}) GROUP BY {keys} ORDER BY {keys}"
    ).fetchall()
    width = 3 + len(view.dimensions)
    bad = [(row[0], row[1], int(row[width])) for row in groups if row[0] >= 0]
    tally.rows_read += sum(int(row[width]) for row in groups)
    view.count(tally, bad)
    for row in groups:
        if row[0] >= 0:
            continue
        tally.rows_kept += int(row[width])
        day: date | None = row[2] if timed else None
        found = moments(row[width + 1 :], covariate=covariate, denominator=denominator, file=cells.label)
        yield OutcomeCell(metric_name(cells), row[1], view.segment(row[3:width]), day, found)


def outcome_counts(cells: Cells, tally: Tally) -> Iterator[OutcomeCell]:
    """Counted outcomes: units with successes, or with mean and sample standard deviation.

    Rows of one variant, segment and day are parts of it and are merged.
    """
    dimensions = segment_dimensions(cells.source.map)
    counted = cells.has("successes")
    fields = ("units", "successes") if counted else ("units", "mean", "sd")
    found: dict[tuple[str, Segment, date | None], Moments] = {}
    for place, variant, day_text, day, segment, numbers in counted_rows(cells, fields, dimensions):
        tally.rows_read += 1
        why = counted_fault(cells, variant, day_text, day, dict(zip(fields, numbers, strict=True)), counts=fields[:1])
        made = None
        if not why:
            why, made = _successes(numbers) if counted else _mean_sd(numbers)
        if why or made is None or variant is None:
            tally.set_aside(why or "", variant, example=place)
            continue
        tally.rows_kept += 1
        key = (variant, segment, day)
        found[key] = merge(found[key], made) if key in found else made
    for (variant, segment, day), made in sorted(
        found.items(), key=lambda item: (item[0][0], item[0][1], str(item[0][2]))
    ):
        if made.n:
            yield OutcomeCell(metric_name(cells), variant, segment, day, made)


def _successes(numbers: list[float | None]) -> tuple[str | None, Moments | None]:
    units, successes = (number or 0.0 for number in numbers)
    if successes != int(successes) or not 0 <= successes <= units:
        return "successes is not a whole number from 0 to units", None
    return None, from_counts(int(units), int(successes))


def _mean_sd(numbers: list[float | None]) -> tuple[str | None, Moments | None]:
    units, mean, sd = (number or 0.0 for number in numbers)
    if sd < 0:
        return "sd is negative", None
    return None, Moments(int(units), mean, sd * sd * max(units - 1, 0.0))


CountedRow = tuple[str, str | None, str | None, date | None, Segment, list[float | None]]


def counted_rows(cells: Cells, fields: tuple[str, ...], dimensions: tuple[str, ...]) -> Iterator[CountedRow]:
    """Rows of a table of counts: place, variant, day as text and as date, segment, and the numbers of ``fields``."""
    dated = cells.has("day")
    columns = [
        "f", "r", cells.text("variant"), cells.text("day") if dated else "NULL", cells.day("day") if dated else "NULL",
        *(f"coalesce({cells.text(f'segment.{name}')}, '{EMPTY_SEGMENT}')" for name in dimensions),
        *(cells.number(field) for field in fields),
    ]  # fmt: skip
    cursor = cells.rows.connection.execute(f"SELECT {', '.join(columns)} FROM rows WHERE {cells.where()}")  # noqa: S608  (quoted)
    split = 5 + len(dimensions)
    while batch := cursor.fetchmany(10_000):
        for row in batch:
            segment = tuple(zip(dimensions, row[5:split], strict=True))
            yield cells.rows.place(row[0], row[1]), row[2], row[3], row[4], segment, list(row[split:])


def counted_fault(
    cells: Cells,
    variant: str | None,
    day_text: str | None,
    day: date | None,
    numbers: dict[str, float | None],
    counts: tuple[str, ...],
) -> str | None:
    """The reason to set a row of counts aside: ``counts`` must be whole and not negative, the others finite."""
    if variant is None:
        return "variant is empty"
    if cells.has("day") and day is None:
        return "day is empty" if day_text is None else "day is not a date"
    for field, value in numbers.items():
        if value is None or not math.isfinite(value):
            return f"{field} is not a number"
        if field in counts and (value != int(value) or not 0 <= value < 2**53):
            return f"{field} is not a whole number of at least 0"
    return None
