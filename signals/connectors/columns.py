"""What a source calls a column: a name, the first filled one of several, or a path into a cell that holds JSON."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from signals.connectors.duck import literal

OR = " | "
"""Between the names of several columns: the first that is filled counts."""
CHOSEN = """
CREATE TEMP MACRO pointer(k) AS '/' || replace(replace(k, '~', '~0'), '/', '~1');
CREATE TEMP MACRO ticked(x) AS list_filter(json_keys(x), lambda k: (x ->> pointer(k)) = 'true');
CREATE TEMP MACRO chosen(x) AS CASE
    WHEN json_type(x) = 'OBJECT' AND len(json_keys(x)) > 0
        AND len(list_filter(json_keys(x), lambda k: json_type(x, pointer(k)) <> 'BOOLEAN')) = 0
    THEN CASE len(ticked(x)) WHEN 0 THEN NULL WHEN 1 THEN ticked(x)[1] ELSE CAST(x AS VARCHAR) END
    ELSE x ->> '$' END
"""
"""What a form's JSON says was chosen: of ``{"1": false, "2": true}`` it is 2; nothing chosen is NULL."""


def parts_of(column: str) -> list[str]:
    """The columns that may hold it, each tried in turn."""
    return [part.strip() for part in column.split(OR)]


def sql_of(column: str, header: Mapping[str, str], json: Mapping[str, str] | None = None) -> str | None:
    """The SQL of a column of a table whose cells are text or plain values; None when the table has no such column.

    Args:
        column: Exactly a name of the header, or names joined by `` | ``, or a name with a dotted path behind it.
        header: Names of the table's columns, and the SQL of each.
        json: The SQL of those that hold objects, as JSON; other columns may hold JSON as text.
    """
    if header.get(column):
        return header[column]
    parts = parts_of(column)
    if len(parts) > 1:
        return first_filled([sql for part in parts if (sql := sql_of(part, header, json)) is not None])
    cut = column.rfind(".")
    while cut > 0:  # the longest name first: names may hold dots
        if header.get(column[:cut]):
            cell = (json or {}).get(column[:cut]) or f"TRY_CAST(CAST({header[column[:cut]]} AS VARCHAR) AS JSON)"
            return f"chosen({path_in(cell, column[cut + 1 :])})"
        cut = column.rfind(".", 0, cut)
    return None


def first_filled(sqls: Sequence[str]) -> str | None:
    """The first of these that is neither NULL nor blank; None when there are none."""
    if len(sqls) <= 1:
        return sqls[0] if sqls else None
    return "coalesce(" + ", ".join(f"nullif(trim(CAST({sql} AS VARCHAR)), '')" for sql in sqls) + ")"


def path_in(json: str, path: str) -> str:
    """The JSON at a dotted path; a number is a place in a list, from 0, and a key may hold dots itself."""
    steps = path.replace('"', "").split(".")
    walked = "$" + "".join(f"[{step}]" if step.isdecimal() else f'."{step}"' for step in steps)
    found = f"json_extract({json}, {literal(walked)})"
    for cut in range(1, len(steps)):  # keys that hold dots: all that is behind some step as one key
        key = ".".join(steps[cut - 1 :])
        before = "".join(f"[{step}]" if step.isdecimal() else f'."{step}"' for step in steps[: cut - 1])
        found = f"coalesce({found}, json_extract({json}, {literal(f'${before}.{chr(34)}{key}{chr(34)}')}))"
    return found


def object_at(column: str, path: str) -> str:
    """The text at a dotted path of a JSON column that may hold an object, or an object written as text."""
    opened = f"(CASE json_type({column}) WHEN 'VARCHAR' THEN TRY_CAST({column} ->> '$' AS JSON) ELSE {column} END)"
    return f"({path_in(opened, path)} ->> '$')"


def roots_of(column: str, keys: Collection[str]) -> list[tuple[str, str]]:
    """The keys of JSON lines that a column begins with, each with the path behind it (empty without one)."""
    if column in keys:
        return [(column, "")]
    parts = ((part, part.partition(".")) for part in parts_of(column))
    return [(part, "") if part in keys else (cut[0], cut[2]) for part, cut in parts]
