"""Outcomes per unit, or per cluster of units, as cells of mergeable moments. Python sees groups, never rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import date

from signals.connectors.aggregate import Group, groups
from signals.connectors.base import Tally
from signals.connectors.cells import LAST_YEAR, Cells
from signals.connectors.distinct import all_distinct
from signals.connectors.grouping import EMPTY, LATE, MEASURED, empty_faults, group_units, measured, sum_clusters
from signals.connectors.lines import EMPTY_SEGMENT
from signals.connectors.quantiles import quantile_cells
from signals.connectors.routes import ROUTED, forecast_columns, forecast_faults, routed_cells
from signals.connectors.shapes import metric_name
from signals.connectors.units import (
    DAY,
    GOOD,
    OPEN,
    UNKNOWN,
    WAITING,
    Clean,
    Fault,
    clean,
    empty_fault,
    number_columns,
    number_faults,
)
from signals.model import (
    INCOMPLETE,
    UNKNOWN_OUTCOME,
    OutcomeCell,
    Project,
    QuantileCell,
    RoutedCell,
    SignalsError,
)

DAY_MICROS = 86_400_000_000


def outcomes(cells: Cells, project: Project, tally: Tally) -> Iterator[OutcomeCell | QuantileCell | RoutedCell]:
    """User-level rows as moments per variant, segment and first day (UTC).

    Rows of a unit are summed first (value and denominator), unless ``grain: unit`` says that there is one row per
    unit, which is verified. The covariate is one number per unit. A unit whose segment changes keeps its first. With
    ``cluster``, the units of a cluster are summed in turn, and the cells count clusters, all of them on the day of the
    newest unit.
    """
    at_once = cells.source.options.get("grain") == "unit"
    cutoff = _cutoff(cells)
    if cutoff is not None:
        tally.looked_for(INCOMPLETE)
    if cells.source.options.get("empty") == "unknown":
        tally.looked_for(UNKNOWN_OUTCOME)
    view = _clean(cells, cutoff, at_once=at_once)
    if at_once:
        _verify_grain(cells)
    if at_once and not cells.has("cluster"):
        units = whole = "clean"
    else:
        units = whole = group_units(view, project, tally, cutoff)
        if cells.has("cluster"):
            whole = sum_clusters(view)
    yield from _cells(view, whole, tally)
    if "quantile" in cells.source.options:
        yield from quantile_cells(view, units, metric_name(cells.source))
    if any(cells.has(field) for field in ROUTED):
        yield from routed_cells(view)


def _cutoff(cells: Cells) -> int | None:
    """From which moment on a unit's window has not ended by the end of the source's last day; None without one."""
    window = cells.source.options.get("window")
    if window is None:
        return None
    micros, _ = cells.micros("at")
    last = cells.rows.connection.execute(
        f"SELECT max(us) FROM (SELECT {micros} AS us FROM rows WHERE {cells.where()}) WHERE {_in_time('us')}"  # noqa: S608  (quoted)
    ).fetchone()
    if not last or last[0] is None:
        return 0
    last_day = last[0] // DAY_MICROS * DAY_MICROS
    return int((last_day - round(window * 1e6)) // DAY_MICROS + 1) * DAY_MICROS


def _in_time(column: str) -> str:
    """Whether microseconds are a time that counts."""
    return f"{column} BETWEEN 0 AND {LAST_YEAR}"


def _clean(cells: Cells, cutoff: int | None, *, at_once: bool) -> Clean:
    """The view ``clean``; at ``grain: unit`` a row is a unit: its window and covariate can be judged at once."""
    columns: dict[str, str] = {"u": cells.native("unit")}
    faults = [Fault("unit is empty", "u IS NULL", "unit")]
    if cells.has("cluster"):
        columns["c"] = cells.native("cluster")
        faults.append(Fault("cluster is empty", "c IS NULL", "cluster"))
    unknown = cells.source.options.get("empty") == "unknown"
    empty = [fault for fault in empty_faults(cells) if not (unknown and fault.field == "value")]
    for column in measured(cells):
        field = MEASURED[column]
        columns |= number_columns(cells, field, column)
        # Before the window has ended, an outcome may be empty: that is looked at last.
        if (cutoff is None and not (unknown and column == "y")) or column == "x":
            faults.append(empty_fault(field, column, EMPTY[column]))
        faults += number_faults(field, column)
    scale = cells.source.options.get("scale")
    if scale:
        low, high = scale
        faults.append(
            Fault(f"value is outside the scale {low:g} to {high:g}", f"NOT y BETWEEN {low!r} AND {high!r}", "value")
        )
    columns |= forecast_columns(cells)
    faults += forecast_faults(cells)
    codes, last = {}, []
    if cutoff is not None:
        codes = {OPEN: f"us >= {cutoff}"} if at_once else {WAITING: " OR ".join(fault.test for fault in empty)}
        last = empty if at_once else []
    if unknown:
        codes[UNKNOWN] = "y_none"  # after the open windows: what may still come is not unknown
    if at_once and cells.has("covariate_at"):
        last = [Fault(LATE, "xus >= us", "covariate_at"), *last]
    return clean(cells, columns, faults, last, codes)


def _verify_grain(cells: Cells) -> None:
    """Refuse units that are on several rows, whatever else is wrong with the rows."""
    connection = cells.rows.connection
    if all_distinct(connection, "SELECT u FROM clean"):
        return
    twice = connection.execute(
        "SELECT CAST(min(u) AS VARCHAR), count(*) FROM "
        "(SELECT u FROM clean WHERE u IS NOT NULL GROUP BY u HAVING count(*) > 1)"
    ).fetchone()
    if twice and twice[1]:
        otherwise = "If not, leave `grain:` out: the rows of a unit are then summed"
        if "quantile" in cells.source.options:
            otherwise = "If not, aggregate to one row per unit: a quantile of sums is another number"
        raise SignalsError(
            f"`grain: unit` does not hold: unit {twice[0]!r} is on several rows ({twice[1]:,} such units)",
            f"Was the same export matched twice? {otherwise}",
            file=cells.label,
        )


def _cells(view: Clean, table: str, tally: Tally) -> Iterator[OutcomeCell]:
    """The one grouped scan: good rows by variant, segment and day, others by fault and variant."""
    cells = view.cells
    timed, clustered = cells.has("at"), table == "clusters"
    covariate, denominator = cells.has("covariate"), cells.has("denominator") or clustered
    numbers = [*measured(cells), *(["d"] if clustered and not cells.has("denominator") else [])]
    columns = [
        "bad", "v", "1 AS rows" if table == "clean" else "rows", *(["members"] if clustered else []),
        *(f"CASE WHEN bad = {GOOD} THEN {name} END AS {name}" for name in numbers), *view.segment_columns,
        f"CASE WHEN bad = {GOOD} THEN {DAY} END AS day",
    ]  # fmt: skip
    found = _good_first(view) if table == "clean" else None
    if found is None:
        found = groups(
            cells.rows.connection,
            f"SELECT {', '.join(columns)} FROM {table}",  # noqa: S608  (our own names)
            ["bad", "v", "day", *view.segment_columns],
            ["sum(rows)", *(["sum(members)"] if clustered else [])],
            covariate=covariate,
            denominator=denominator,
            summed=table != "clean",
            whole=_whole(cells),
            file=cells.label,
        )
    tally.rows_read += sum(int(group.extra[0]) for group in found)
    faulty: Counter[tuple[int, str | None]] = Counter()
    for group in found:
        if group.keys[0] >= 0:
            faulty[group.keys[0], group.keys[1]] += int(group.extra[0])
    view.count(tally, [(bad, variant, rows) for (bad, variant), rows in faulty.items()])
    for group in found:
        bad, variant, day, *labels = group.keys
        rows = int(group.extra[0])
        if bad in (OPEN, UNKNOWN):
            why = INCOMPLETE if bad == OPEN else UNKNOWN_OUTCOME
            tally.set_aside(why, variant, rows, fault=False, units=rows)
        if bad != GOOD or group.moments is None:
            continue
        tally.rows_kept += rows
        when: date | None = day if timed else None
        yield OutcomeCell(
            metric_name(cells.source), variant, view.segment(labels), when, group.moments, group.least, group.most,
            counted="clusters" if clustered else "units", members=int(group.extra[1]) if clustered else None,
        )  # fmt: skip


def _good_first(view: Clean) -> list[Group] | None:
    """The groups that ``_cells`` asks for, of Parquet: good rows in one scan, others only where there are any.

    A scan that masks no column keeps Parquet's dictionaries, which takes a third less. None for text files, which would
    be read twice, and where an empty label meets the word that stands for it.
    """
    cells = view.cells
    if all(kind == "VARCHAR" for kind in cells.rows.types.values()):
        return None
    connection = cells.rows.connection
    keys = ["v", "day", *view.segment_columns]
    columns = ["key_v AS v", f"{DAY} AS day", *(f"key_{name} AS {name}" for name in view.segment_columns)]
    good = groups(
        connection,
        f"SELECT {', '.join([*columns, *measured(cells)])} FROM clean WHERE bad = {GOOD}",  # noqa: S608  (our own names)
        keys,
        ["count(*)"],
        covariate=cells.has("covariate"),
        denominator=cells.has("denominator"),
        summed=False,
        whole=_whole(cells),
        file=cells.label,
    )
    named = [
        replace(group, keys=(GOOD, *group.keys[:2], *(label or EMPTY_SEGMENT for label in group.keys[2:])))
        for group in good
    ]
    if len({group.keys for group in named}) < len(named):
        return None
    every = connection.execute("SELECT count(*) FROM clean").fetchone()
    if every is None or every[0] == sum(group.extra[0] for group in named):
        return named
    others = connection.execute(
        f"SELECT bad, v, count(*) FROM clean WHERE bad <> {GOOD} GROUP BY ALL ORDER BY ALL"  # noqa: S608  (our own names)
    ).fetchall()
    none = [None] * (1 + len(view.segment_columns))
    return [*named, *(Group((bad, variant, *none), (rows,), None) for bad, variant, rows in others)]


def _whole(cells: Cells) -> list[str]:
    return [column for column in measured(cells) if cells.whole(MEASURED[column])]
