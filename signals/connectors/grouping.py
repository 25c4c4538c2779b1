"""Rows to units, units to clusters: what must be grouped before it can be counted, and what cannot count."""

from __future__ import annotations

from signals.connectors.base import Tally
from signals.connectors.cells import Cells
from signals.connectors.units import GOOD, OPEN, WAITING, Clean, Fault, arm_pairs, empty_fault, exclude_both_arms
from signals.model import INCOMPLETE, Project

DIFFERS = "covariate differs between the rows of a unit (it must be one number, known before the start)"
LATE = "covariate was measured after exposure"
TWO_CLUSTERS = "unit is in two clusters"
EMPTY = {
    "y": "write 0 for a unit without the outcome",
    "x": "write 0 for a unit without any",
    "d": "write 0 for a unit without any",
}
MEASURED = {"y": "value", "x": "covariate", "d": "denominator"}
"""The columns that hold numbers, and the fields that they come from."""


def measured(cells: Cells) -> list[str]:
    """The columns that hold numbers in this source."""
    return [column for column, field in MEASURED.items() if cells.has(field)]


def empty_faults(cells: Cells) -> list[Fault]:
    """The faults of an empty outcome, which an open window excuses."""
    return [empty_fault(MEASURED[column], column, EMPTY[column]) for column in measured(cells) if column != "x"]


def group_units(view: Clean, project: Project, tally: Tally, cutoff: int | None) -> str:
    """Group rows by unit within variant and leave out what cannot count; the name of the resulting view."""
    cells = view.cells
    connection = cells.rows.connection
    good = [f"sum(CASE WHEN bad = {GOOD} THEN {column} END) AS {column}" for column in measured(cells) if column != "x"]
    if cells.has("covariate"):
        good += [f"{side}(CASE WHEN bad < 0 THEN x END) AS x{name}" for side, name in (("min", ""), ("max", "_high"))]
    if cells.has("covariate_at"):
        good.append("max(CASE WHEN bad < 0 THEN xus END) AS xus")
    if cells.has("cluster"):
        good += [f"{side}(CASE WHEN bad < 0 THEN c END) AS c{name}" for side, name in (("min", ""), ("max", "_high"))]
    if view.dimensions:
        good.append(f"{view.first_segment()} AS s")
    before = "true"
    for number, fault in enumerate(empty_faults(cells)):
        good.append(f"count(*) FILTER (bad = {WAITING} AND {before} AND {fault.test}) AS w{number}")
        before = f"NOT {fault.test}"
    still = f"WHEN bad = {GOOD} AND us >= {cutoff} THEN {OPEN}" if cutoff is not None else ""
    connection.execute(
        f"""
        CREATE TEMP TABLE grouped AS SELECT * REPLACE (CASE {still} WHEN true THEN bad END AS bad) FROM (
            SELECT CASE WHEN bad < 0 THEN {GOOD} ELSE bad END AS bad, v, CASE WHEN bad < 0 THEN u END AS u,
                count(*) AS rows, min(us) AS us, {", ".join(good)}
            FROM clean GROUP BY ALL
        )
        """  # noqa: S608  (our own names)
    )
    if cutoff is not None:
        _past_waiting(cells, tally)
    arm_pairs(cells, project)
    if cells.has("cluster"):
        _leave_out_strays(cells, tally)
    key = "c" if cells.has("cluster") else "u"
    tally.rows_read += exclude_both_arms(cells, tally, "grouped", key)
    connection.execute(f"DELETE FROM grouped WHERE bad < 0 AND ({key}, v) IN (SELECT ({key}, v) FROM crossed)")  # noqa: S608  (ours)
    if cells.has("covariate"):
        _leave_out(cells, tally, DIFFERS, f"bad = {GOOD} AND x <> x_high")
    if cells.has("covariate_at"):
        _leave_out(cells, tally, LATE, f"bad = {GOOD} AND xus >= us")
    _leave_out(cells, tally, INCOMPLETE, f"bad = {OPEN}", fault=False)
    columns = ["bad", "v", "u", *(["c"] if cells.has("cluster") else []), "rows", "us", *measured(cells)]
    columns += view.unpack_segment("s")
    connection.execute(f"CREATE TEMP VIEW units AS SELECT {', '.join(columns)} FROM grouped")  # noqa: S608  (our own names)
    return "units"


def _past_waiting(cells: Cells, tally: Tally) -> None:
    """Rows without an outcome, of units whose window has ended, are faults after all."""
    connection = cells.rows.connection
    for number, fault in enumerate(empty_faults(cells)):
        found = connection.execute(
            f"SELECT v, sum(w{number}), CAST(min(u) AS VARCHAR) FROM grouped "  # noqa: S608  (numbers)
            f"WHERE bad = {GOOD} AND w{number} > 0 GROUP BY v ORDER BY v"
        ).fetchall()
        for variant, rows, unit in found:
            tally.set_aside(fault.why, variant, int(rows), example=f"unit {unit!r} in {cells.label}")
            tally.rows_read += int(rows)
        connection.execute(f"UPDATE grouped SET rows = rows - w{number} WHERE bad = {GOOD}")  # noqa: S608  (numbers)
    connection.execute(f"DELETE FROM grouped WHERE bad = {GOOD} AND rows = 0")  # noqa: S608  (a number)


def _leave_out(cells: Cells, tally: Tally, why: str, test: str, *, fault: bool = True) -> None:
    """Set aside the units of ``grouped`` that a test is true of."""
    connection = cells.rows.connection
    found = connection.execute(
        f"SELECT v, count(*), sum(rows) FROM grouped WHERE {test} GROUP BY v ORDER BY v"  # noqa: S608  (our own names)
    ).fetchall()
    for variant, units, rows in found:
        if fault:
            tally.set_aside(why, variant, int(rows), example=f"{units:,} units")
        else:
            tally.set_aside(why, variant, int(rows), fault=False, units=units)
        tally.rows_read += int(rows)
    connection.execute(f"DELETE FROM grouped WHERE {test}")  # noqa: S608  (our own names)


def _leave_out_strays(cells: Cells, tally: Tally) -> None:
    """Set aside units of two clusters: of one variant, or of the two arms of a release."""
    cells.rows.connection.execute(
        """
        CREATE TEMP TABLE strays AS SELECT DISTINCT u, unnest([a, b]) AS v FROM (
            SELECT a, b, u FROM grouped
            JOIN (SELECT a, b FROM pairs UNION SELECT DISTINCT v, v FROM grouped) ON v = a OR v = b
            WHERE bad < 0 GROUP BY a, b, u HAVING min(c) <> max(c_high)
        )
        """
    )
    _leave_out(cells, tally, TWO_CLUSTERS, "bad < 0 AND (u, v) IN (SELECT (u, v) FROM strays)")


def sum_clusters(view: Clean) -> str:
    """Sum units by cluster within variant; the name of the resulting table.

    Without a denominator of its own a cluster has as many as it has units. It keeps the segment of its first unit. Its
    sum cannot be split by day, so it says nothing of earlier moments than the newest unit of the source: that is the
    time of every cluster, in both arms.
    """
    cells = view.cells
    d = "sum(d)" if cells.has("denominator") else "CAST(count(*) AS DOUBLE)"
    sums = ["sum(y) AS y", f"{d} AS d", *(["sum(x) AS x"] if cells.has("covariate") else [])]
    if view.dimensions:
        sums.append(f"{view.first_segment()} AS s")
    newest = f"(SELECT max(us) FROM units WHERE bad = {GOOD}) AS us"  # noqa: S608  (a number)
    columns = ["bad", "v", "rows", "members", newest, "y", "d", *(["x"] if cells.has("covariate") else [])]
    columns += view.unpack_segment("s")
    cells.rows.connection.execute(
        f"""
        CREATE TEMP TABLE clusters AS SELECT {", ".join(columns)} FROM (
            SELECT bad, v, CASE WHEN bad < 0 THEN c END AS c, sum(rows) AS rows, count(*) AS members,
                {", ".join(sums)}
            FROM units GROUP BY bad, v, c
        )
        """  # noqa: S608  (our own names)
    )
    return "clusters"
