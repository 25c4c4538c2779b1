"""Rows that must be looked at together before they are read: statuses, copies, what was shown, who was exposed."""

from __future__ import annotations

from dataclasses import replace

from signals.connectors.base import Tally
from signals.connectors.cells import Cells, once_columns, plain_text
from signals.connectors.presets import preset_of
from signals.connectors.tabular import WIDE_NAME, WIDE_VALUE
from signals.model import SignalsError

KEYS = ("keep", "once", "shown", "exposure")
VARIANT, VALUE = "the variant of the exposure", "the value of the event"
SILENT = "value is empty (an event that says nothing is no answer that was shown)"
NEVER = "the unit was never exposed"
BEFORE = "before the unit's first exposure"
OURS = ("stage_v", "stage_y", "stage_s")
SLASHES = r"^\d{1,2}[/.]\d{1,2}[/.]\d{2,4}"


def is_staged(cells: Cells) -> bool:
    """Whether any of this is asked for."""
    return preset_of(cells.source) is not None or any(cells.source.options.get(key) is not None for key in KEYS)


def staged(cells: Cells, tally: Tally) -> Cells:
    """The source with only the rows that count; those that do not are set aside with their reasons.

    After ``where``: rows whose status ``keep`` does not name; copies of a row, by ``once`` (the earliest counts); for
    feedback, events without a value unless they are ``shown``; for outcomes with ``exposure``, what units did that
    were not exposed, or not yet. An outcome's variant is that of its unit's first exposure, and an exposure's value
    is 0.

    Raises:
        SignalsError: When it cannot be told which number of a time is the day.
    """
    if not is_staged(cells):
        return cells
    _ask_for_days(cells)
    connection = cells.rows.connection
    connection.execute(f"CREATE TEMP TABLE stage AS {_stage(cells)}")
    connection.execute("DROP TABLE staged")
    names = {number: why for number, why in enumerate(_reasons(cells)) if why}
    row = "r" if once_columns(cells.source) else "NULL"
    found = connection.execute(
        f"SELECT stage_why, stage_v, count(*), min([f, {row}]), min(stage_s) FROM stage WHERE stage_why >= 0 "  # noqa: S608  (ours)
        "GROUP BY stage_why, stage_v ORDER BY ALL"
    ).fetchall()
    for number, variant, rows, place, status in found:
        tally.rows_read += rows
        where = cells.rows.place(*place)
        example = f"{status[:40]!r} in {where}" if number == 0 and status else where
        tally.set_aside(names[number], variant, rows, fault=names[number] == SILENT, example=example)
    kept = "SELECT * FROM stage WHERE stage_why < 0"
    connection.execute("DROP VIEW rows")
    connection.execute(f"CREATE TEMP VIEW rows AS {kept}")
    if not _rewrites(cells):
        return replace(cells, source=replace(cells.source, where={}))
    values = {key: item for key, item in cells.source.values.items() if isinstance(item, dict)}
    source = replace(
        cells.source,
        where={},
        map={**cells.source.map, "variant": VARIANT, "value": VALUE},
        values={key: item for key, item in values.items() if key not in ("variant", "value")},
    )
    alias = {**cells.rows.alias, VARIANT: "stage_v", VALUE: "stage_y"}
    types = {**cells.rows.types, VARIANT: "VARCHAR", VALUE: "VARCHAR"}
    return replace(cells, source=source, rows=replace(cells.rows, alias=alias, types=types))


def _rewrites(cells: Cells) -> bool:
    """Whether values and variants are no longer those of the row itself."""
    return bool(cells.source.options.get("exposure") or cells.source.options.get("shown"))


def _reasons(cells: Cells) -> list[str]:
    """Why rows are set aside, by number; empty where there is nothing to look for."""
    options = cells.source.options
    keep = "; ".join(
        f"{column} is none of {', '.join(str(one) for one in (wanted if isinstance(wanted, list) else [wanted]))}"
        for column, wanted in (options.get("keep") or {}).items()
    )
    once = f"the same row again (same {', '.join(once_columns(cells.source))})" if options.get("once") else ""
    return [keep, once, SILENT, NEVER, BEFORE]


def _stage(cells: Cells) -> str:
    """SQL: the rows after ``where`` with ``stage_why``, the number of the reason why one does not count, or -1."""
    connection = cells.rows.connection
    connection.execute(f"CREATE TEMP TABLE selected AS {_selected(cells)}")
    if cells.source.options.get("exposure"):
        connection.execute(f"CREATE TEMP TABLE staged AS {_exposed(cells)}")
        connection.execute("DROP TABLE selected")
    else:
        connection.execute("ALTER TABLE selected RENAME TO staged")
    # Copies are looked for last: of a user's orders the earliest one after the exposure counts, not the earliest.
    copy = _copies(cells)
    order = " ORDER BY f, r" if copy != "false" else ""
    known = {row[0] for row in connection.execute("DESCRIBE staged").fetchall()}
    mapped = [cells.rows.alias[column] for column in cells.source.map.values()]
    kept = [name for name in dict.fromkeys([*mapped, WIDE_NAME, WIDE_VALUE, "f", "r", *OURS]) if name in known]
    return f"SELECT {', '.join(kept)}, CASE WHEN {copy} THEN 1 ELSE stage_w END AS stage_why FROM staged{order}"  # noqa: S608  (quoted)


def _exposed(cells: Cells) -> str:
    """SQL: the selected rows, with the variants of exposures, and what came before them or without any."""
    unit = cells.text("unit")
    cells.rows.connection.execute(
        f"CREATE TEMP TABLE first_exposure AS SELECT {unit} AS stage_u, min(stage_us) AS first_us, "  # noqa: S608  (quoted)
        "arg_min(stage_v, (stage_us, stage_v)) AS first_v FROM selected WHERE stage_x AND stage_w < 0 AND "
        f"stage_us IS NOT NULL AND stage_v IS NOT NULL AND {unit} IS NOT NULL GROUP BY 1"
    )
    # What has no unit or no time is left to the shape, which says so.
    return (
        "SELECT selected.* REPLACE (CASE WHEN stage_x OR first_v IS NULL THEN stage_v ELSE first_v END AS stage_v, "  # noqa: S608  (quoted)
        "CASE WHEN stage_x THEN '0' ELSE stage_y END AS stage_y, "
        f"CASE WHEN stage_w >= 0 THEN stage_w WHEN stage_x OR {unit} IS NULL OR stage_us IS NULL THEN -1 "
        "WHEN first_us IS NULL THEN 3 WHEN stage_us < first_us THEN 4 ELSE -1 END AS stage_w) "
        f"FROM selected LEFT JOIN first_exposure ON {unit} = stage_u"
    )


def _selected(cells: Cells) -> str:
    """SQL: the rows of the source, with what they say and the first reason why one does not count."""
    options = cells.source.options
    value = cells.text("value") if cells.has("value") else "CAST(NULL AS VARCHAR)"
    micros = cells.micros("at")[0] if cells.has("at") else "CAST(NULL AS BIGINT)"
    variant = cells.text("variant") if cells.has("variant") else "CAST(NULL AS VARCHAR)"
    told = "true"
    shown, exposed = _event(cells, "shown"), _event(cells, "exposure")
    if cells.shape.name == "feedback" and (preset_of(cells.source) is not None or options.get("shown")):
        # A row without a thumb would be an answer that was shown: events say so only when they are meant to.
        told = f"({shown} OR nullif(lower({value}), 'nan') IS NOT NULL)"
        value = f"CASE WHEN {shown} THEN NULL ELSE {value} END"
    keep = cells.matches(options.get("keep") or {})
    status = next((cells.rows.alias[column] for column in options.get("keep") or ()), "NULL")
    return (
        f"SELECT *, {variant} AS stage_v, {micros} AS stage_us, {exposed} AS stage_x, {value} AS stage_y, "  # noqa: S608  (cells quotes everything)
        f"CAST({status} AS VARCHAR) AS stage_s, CASE WHEN NOT coalesce({keep}, false) THEN 0 "
        f"WHEN NOT coalesce({told}, false) THEN 2 ELSE -1 END AS stage_w "
        f"FROM rows WHERE ({cells.where()}) OR {shown} OR {exposed}"
    )


def _event(cells: Cells, key: str) -> str:
    """SQL: whether a row is such an event; ``where`` holds for it but for the columns that name the event."""
    event = cells.source.options.get(key)
    if not event:
        return "false"
    others = {column: wanted for column, wanted in cells.source.where.items() if column not in event}
    return f"coalesce({cells.matches(event)} AND {cells.matches(others)}, false)"


def _copies(cells: Cells) -> str:
    """SQL: whether a row is a copy of an earlier one that counts. Most exports have few: only their keys are sorted."""
    columns = once_columns(cells.source)
    if not columns:
        return "false"
    keys = [plain_text(cells.rows.alias[column], cells.rows.types[column]) for column in columns]
    good = " AND ".join(
        ["stage_w < 0", *(f"{key} IS NOT NULL" for key in keys)]
    )  # without an id none can be told apart
    row = ["f", "r"]
    if cells.source.options.get("wide"):
        keys.append(WIDE_NAME)
        row.append(WIDE_NAME)
    if cells.source.options.get("exposure"):  # exposures to two variants are no copies, whatever tells rows apart
        keys.append("CASE WHEN stage_x THEN coalesce(stage_v, '') ELSE '' END")
    key, place = (_struct(parts) for parts in (keys, row))
    connection = cells.rows.connection
    connection.execute(
        f"CREATE TEMP TABLE twice AS SELECT {key} AS k FROM staged WHERE {good} GROUP BY ALL HAVING count(*) > 1"  # noqa: S608  (quoted)
    )
    connection.execute(
        f"CREATE TEMP TABLE copies AS SELECT k FROM (SELECT {place} AS k, row_number() OVER "  # noqa: S608  (quoted)
        f"(PARTITION BY {key} ORDER BY stage_us NULLS LAST, f, r) AS n FROM staged "
        f"WHERE {good} AND {key} IN (SELECT k FROM twice)) WHERE n > 1"
    )
    found = connection.execute("SELECT count(*) FROM copies").fetchone()
    return f"({place} IN (SELECT k FROM copies))" if found and found[0] else "false"  # noqa: S608  (our own names)


def _struct(parts: list[str]) -> str:
    """SQL: several values as one, of which a subquery can be asked."""
    return f"struct_pack({', '.join(f'k{number} := {part}' for number, part in enumerate(parts))})"


def _ask_for_days(cells: Cells) -> None:
    """Refuse times such as 03/04/2026 until the source says how they are written."""
    preset = preset_of(cells.source)
    if preset is None or not preset.slashes or not cells.has("at") or not _is_default(cells):
        return
    text = cells.text("at")
    found = cells.rows.connection.execute(
        f"SELECT f, {text} FROM rows WHERE regexp_matches({text}, '{SLASHES}') LIMIT 1"  # noqa: S608  (cells quotes everything)
    ).fetchone()
    if found:
        what = (
            f"column {cells.source.map['at']!r} holds times such as {found[1][:40]!r}: is the day or the month first?"
        )
        remedy = 'Add `times: "%m/%d/%Y %H:%M:%S"` (month first) or `times: "%d/%m/%Y %H:%M:%S"` (day first)'
        raise SignalsError(what, remedy, file=cells.rows.place(found[0]))


def _is_default(cells: Cells) -> bool:
    preset = preset_of(cells.source)
    return preset is not None and cells.source.options.get("times") == preset.keys.get("times")
