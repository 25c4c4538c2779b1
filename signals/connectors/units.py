"""User-level rows in SQL: cleaned by one view, grouped once. Python sees groups, never rows.

``clean`` has one row per input row: variant ``v``, time ``us``, segments ``s0..`` (both also as ``key_..``, see
``Cells.key``), the caller's own columns, and
``bad``: the number of the first fault that applies; ``GOOD`` when there is none, or one of the two codes of a window.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from signals.connectors.base import Tally
from signals.connectors.cells import LAST_YEAR, Cells, zone_fault
from signals.connectors.duck import literal
from signals.connectors.lines import EMPTY_SEGMENT
from signals.connectors.shapes import segment_dimensions
from signals.model import BOTH_ARMS, INCOMPLETE, Project, Segment

GOOD, WAITING, OPEN, UNKNOWN = -1, -2, -3, -4
"""Codes of ``bad``. Waiting: nothing is wrong but that the outcome is empty. Open: the unit's window has not ended.
Unknown: nobody learned the outcome, and nobody will.
"""

NO_ZONE = " has no zone"
TIMES = {"at": "us", "covariate_at": "xus"}
"""Fields that hold times, and the columns of ``clean`` that hold their microseconds."""
DAY = "CAST(make_timestamp(us) AS DATE)"


@dataclass(frozen=True)
class Fault:
    """A reason to set a row aside: its SQL test over the columns of ``clean``, and the field that offends."""

    why: str
    test: str
    field: str


def empty_fault(field: str, column: str, remedy: str) -> Fault:
    """The fault of an empty numeric field."""
    return Fault(f"{field} is empty ({remedy})", f"{column}_none", field)


def number_faults(field: str, column: str) -> list[Fault]:
    """The other faults of a numeric field; ``column`` holds its DOUBLE and ``{column}_none`` its emptiness."""
    return [
        Fault(f"{field} is not a number", f"{column} IS NULL AND NOT {column}_none", field),
        Fault(f"{field} is NaN or infinite", f"NOT isfinite({column})", field),
    ]


def number_columns(cells: Cells, field: str, column: str) -> dict[str, str]:
    """The columns that ``number_faults`` looks at."""
    return {column: cells.number(field), f"{column}_none": cells.empty(field)}


@dataclass(frozen=True)
class Clean:
    """The view ``clean`` of an open source."""

    cells: Cells
    faults: tuple[Fault, ...]
    dimensions: tuple[str, ...]

    @property
    def segment_columns(self) -> list[str]:
        """``s0``, ``s1`` …, one per dimension."""
        return [f"s{number}" for number in range(len(self.dimensions))]

    def segment(self, labels: Sequence[str]) -> Segment:
        """The labels of one group as a segment."""
        return tuple(zip(self.dimensions, labels, strict=True))

    def first_segment(self) -> str:
        """SQL, over grouped rows of ``clean``: struct of the segment labels of the earliest row.

        Ties (and sources without times) take the smallest labels, so that the order of rows changes nothing.
        """
        return f"min(row(us, {', '.join(self.segment_columns)}))"

    def unpack_segment(self, struct: str) -> list[str]:
        """SQL that takes ``first_segment`` apart into ``s0``, ``s1`` …."""
        return [f"struct_extract_at({struct}, {n + 2}) AS s{n}" for n in range(len(self.dimensions))]

    def count(self, tally: Tally, groups: Iterable[tuple[int, str | None, int]]) -> None:
        """Put groups of bad rows (fault, variant, rows) into the tally, each reason with its first example.

        Raises:
            SignalsError: When times have no zone and the source declares none.
        """
        for number, variant, rows in sorted(groups, key=lambda group: (group[0], group[1] or "")):
            fault = self.faults[number]
            found = self.cells.rows.connection.execute(
                f"SELECT f, t_{fault.field} FROM clean WHERE bad = {number} LIMIT 1"  # noqa: S608  (our own names)
            ).fetchone()
            where, text = (self.cells.rows.place(found[0]), found[1]) if found else ("", None)
            if fault.why.endswith(NO_ZONE):
                raise zone_fault(self.cells.source.map[fault.field], where, text or "")
            tally.set_aside(fault.why, variant, rows, example=f"{text[:40]!r} in {where}" if text else where)


def clean(
    cells: Cells,
    columns: Mapping[str, str],
    faults: Sequence[Fault],
    last: Sequence[Fault] = (),
    codes: Mapping[int, str] | None = None,
) -> Clean:
    """Create the view ``clean``.

    Args:
        cells: The open source.
        columns: Name in the view -> SQL over ``rows``.
        faults: In the order in which they are looked for, those of variant and time aside.
        last: Those to look for after the times.
        codes: Codes of rows that are neither good nor faulty -> their tests, looked for between times and ``last``.
    """
    dimensions = segment_dimensions(cells.source.map)
    every = [Fault("variant is empty", "v IS NULL", "variant"), *faults]
    times: dict[str, str] = {"us": "CAST(NULL AS BIGINT)"}
    for field, column in TIMES.items():
        if not cells.has(field):
            continue
        micros, naive = cells.micros(field)
        times |= {column: micros, f"{column}_naive": naive, f"{column}_none": cells.empty(field)}
        every += [
            Fault(f"{field}{NO_ZONE}", f"{column}_naive", field),
            Fault(f"{field} is empty", f"{column}_none", field),
            Fault(f"{field} is not a time", f"{column} IS NULL OR NOT {column} BETWEEN 0 AND {LAST_YEAR}", field),
        ]
    tests = [(fault.test, number) for number, fault in enumerate(every)]
    tests += [(test, code) for code, test in (codes or {}).items()]
    tests += [(fault.test, len(every) + number) for number, fault in enumerate(last)]
    inner = {
        "f": "f",
        "v": cells.text("variant"),
        **times,
        **columns,
        **{f"t_{field}": cells.text(field) for field in cells.shape.fields if cells.has(field)},
        **{
            f"s{number}": f"coalesce({cells.text(f'segment.{name}')}, {literal(EMPTY_SEGMENT)})"
            for number, name in enumerate(dimensions)
        },
        "key_v": cells.key("variant"),
        **{f"key_s{number}": cells.key(f"segment.{name}") for number, name in enumerate(dimensions)},
    }
    selected = ", ".join(f"{sql} AS {name}" for name, sql in inner.items())
    cases = " ".join(f"WHEN {test} THEN {number}" for test, number in tests)
    cells.rows.connection.execute(
        f"CREATE TEMP VIEW clean AS SELECT *, CASE {cases} ELSE {GOOD} END AS bad "  # noqa: S608  (cells quotes everything)
        f"FROM (SELECT {selected} FROM rows WHERE {cells.where()})"
    )
    return Clean(cells, (*every, *last), dimensions)


def arm_pairs(cells: Cells, project: Project) -> None:
    """Create the table ``pairs`` (a, b): the two arms of each declared release."""
    connection = cells.rows.connection
    connection.execute("CREATE TEMP TABLE pairs (a VARCHAR, b VARCHAR)")
    pairs = sorted({pair for release in project.releases for pair in release.pairs})
    if pairs:
        values = ", ".join(f"({literal(a)}, {literal(b)})" for a, b in pairs)
        connection.execute(f"INSERT INTO pairs VALUES {values}")  # noqa: S608  (quoted)


def exclude_both_arms(cells: Cells, tally: Tally, table: str, key: str = "u") -> int:
    """Create the table ``crossed`` (key, v): units of ``table`` (v, bad, rows, key) that both arms of a release saw.

    Such a unit counts in neither arm; the tally says how many rows of how many units that is in each. One whose window
    is open in both is counted as incomplete. Returns the rows. ``pairs`` must be there; the key may name a cluster,
    which then is the unit.
    """
    connection = cells.rows.connection
    connection.execute(
        f"""
        CREATE TEMP TABLE crossed AS
        WITH arms AS (SELECT a AS v FROM pairs UNION SELECT b FROM pairs),
        -- Hardly any unit has several variants: those are found first, and looked at closely then.
        several AS (
            SELECT {key}, list(DISTINCT v) AS vs FROM {table}
            WHERE bad < 0 AND v IN (SELECT v FROM arms) AND {key} IN (
                SELECT {key} FROM {table} WHERE bad < 0 GROUP BY {key} HAVING min(v) <> max(v)
            )
            GROUP BY {key} HAVING count(DISTINCT v) > 1
        )
        SELECT DISTINCT {key}, unnest([a, b]) AS v FROM several, pairs
        WHERE list_contains(vs, a) AND list_contains(vs, b)
        """  # noqa: S608  (our own names)
    )
    counts = connection.execute(
        f"""
        SELECT v, still, CASE WHEN still THEN count(*) ELSE count(DISTINCT {key}) END, sum(rows) FROM (
            SELECT v, {key}, rows, bool_and(bad = {OPEN}) OVER (PARTITION BY {key}) AS still
            FROM {table} JOIN crossed USING ({key}, v) WHERE bad < 0
        ) GROUP BY v, still ORDER BY v, still
        """  # noqa: S608  (our own names)
    ).fetchall()
    for variant, still, units, rows in counts:
        tally.set_aside(INCOMPLETE if still else BOTH_ARMS, variant, int(rows), fault=not still, units=units)
    return sum(int(count[3]) for count in counts)
