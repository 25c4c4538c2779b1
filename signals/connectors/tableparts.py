"""One file of a table: its columns, and the SQL that reads them."""

from __future__ import annotations

import csv
import json
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from signals.connectors.columns import first_filled, object_at, parts_of, roots_of
from signals.connectors.duck import identifier, literal, translated
from signals.connectors.filekind import DELIMITED, LINES, not_utf8, open_text
from signals.connectors.paths import InputFile
from signals.connectors.unpacking import Joined
from signals.model import SignalsError, Source

if TYPE_CHECKING:
    import duckdb

PEEK_LINES = 1000
MAX_HEADER = 1 << 20
MAX_LINE = 1 << 24


@dataclass(frozen=True)
class Input:
    """One file as it is read: plain, and of a kind that DuckDB knows."""

    file: InputFile
    kind: str
    joined: Joined | None = None  # which files it is made of, when it is made of several


@dataclass(frozen=True)
class Part:
    """One file, ready to be read: its columns and the SQL that reads them."""

    name: str
    columns: dict[str, str]  # their column -> SQL expression over ``reader``
    repeated: frozenset[str]
    reader: str
    first_row: int
    joined: Joined | None = None
    json: dict[str, str] = field(default_factory=dict)  # their column -> SQL, of columns that hold objects
    absent: frozenset[str] = frozenset()  # columns that its first lines do not have


def read_part(
    connection: duckdb.DuckDBPyConnection, one: Input, source: Source, columns: Sequence[str], *, sparse: bool
) -> Part:
    """The file's columns, and how DuckDB reads it.

    Args:
        connection: What will read it.
        one: The file.
        source: Says what delimits its cells.
        columns: Those that are wanted.
        sparse: Whether a file of JSON lines may lack some of them.

    Raises:
        SignalsError: When its header, or the first of its lines, cannot be read.
    """
    if one.kind == ".parquet":
        return _parquet(connection, one.file)
    if one.kind in LINES:
        return _lines(connection, one, columns, sparse=sparse)
    delimiter = "," if one.file.written else str(source.options.get("delimiter") or DELIMITED[one.kind])
    return _delimited(one.file, delimiter)


def _delimited(file: InputFile, delimiter: str) -> Part:
    try:
        with open_text(file) as stream:
            header = next(
                csv.reader(iter(lambda: stream.readline(MAX_HEADER), ""), delimiter=delimiter, strict=True), []
            )
    except UnicodeDecodeError:
        raise not_utf8(file) from None
    except (csv.Error, OSError) as error:
        raise SignalsError(
            f"header cannot be read: {error}", "Half-written? Export it again", file=file.name, line=1
        ) from None
    if not any(header):
        raise SignalsError("has no header", "The first line must name the columns", file=file.name, line=1)
    if len(header) == 1 and delimiter == ",":
        for other, name in ((";", ";"), ("\t", "\\t")):
            if other in header[0]:
                remedy = f'Set `delimiter: "{name}"`'
                raise SignalsError(
                    f"has one column: it seems to be delimited by {name!r}", remedy, file=file.name, line=1
                )
    header = [name.strip() for name in header]
    fields = ", ".join(f"'c{number}': 'VARCHAR'" for number in range(len(header)))
    reader = (
        f"read_csv({literal(str(file.path))}, auto_detect=false, header=true, delim={literal(delimiter)}, "
        f"quote='\"', escape='\"', columns={{{fields}}})"
    )
    columns = {name: f"c{number}" for number, name in reversed(list(enumerate(header)))}
    repeated = frozenset(name for name in header if header.count(name) > 1)
    return Part(file.name, columns, repeated, reader, first_row=1)


def _lines(connection: duckdb.DuckDBPyConnection, one: Input, columns: Sequence[str], *, sparse: bool) -> Part:
    """JSON lines. A column is a key of the object, or a dotted path into nested objects.

    A key that no line has is no column of the file, unless the source is ``sparse``.
    """
    file = one.file
    keys: dict[str, None] = {}
    nested: dict[str, None] = {}
    try:
        with open_text(file) as stream:
            lines = iter(lambda: stream.readline(MAX_LINE), "")
            for number, line in zip(range(1, PEEK_LINES + 1), lines, strict=False):
                if line.strip():
                    _note_keys(line, number, one, keys, nested)
    except UnicodeDecodeError:
        raise not_utf8(file) from None
    except OSError as error:
        raise SignalsError(f"cannot be read: {error}", "Half-written? Export it again", file=file.name) from None
    roots = _apart({column: roots_of(column, keys) for column in columns}, keys, file)
    paths = {key for found in roots.values() for key, path in found if path}
    kinds = {key: "JSON" if key in paths else "VARCHAR" for found in roots.values() for key, _ in found}
    # A key that the first lines lack may still come later: DuckDB reads what is absent as NULL, so look once.
    declared = ", ".join(f"{literal(key)}: '{kind}'" for key, kind in kinds.items())
    reader = f"read_json({literal(str(file.path))}, format='newline_delimited', columns={{{declared}}})"

    def sql(key: str, path: str) -> str:
        if path:
            return object_at(identifier(key), path)
        return f"({identifier(key)} ->> '$')" if key in paths else identifier(key)

    found = {column: first_filled([sql(*root) for root in roots[column]]) or "NULL" for column in columns}
    absent = frozenset(c for c in columns if not {c, *parts_of(c)} & {*keys, *nested})
    if not sparse:
        found = {c: text for c, text in found.items() if c not in absent or occurs(connection, text, reader)}
        absent = frozenset()
    known = {**dict.fromkeys([*keys, *nested], ""), **found}
    return Part(file.name, known, frozenset(), reader, first_row=0, joined=one.joined, absent=absent)


def _apart(
    roots: dict[str, list[tuple[str, str]]], keys: Collection[str], file: InputFile
) -> dict[str, list[tuple[str, str]]]:
    """Without keys that DuckDB cannot tell from others: it takes Status and status for one. Those that occur stay."""
    named = [key for found in roots.values() for key, _ in found]
    taken: dict[str, str] = {}
    for key in sorted(dict.fromkeys(named), key=lambda key: key not in keys):  # stable: the first that occurs
        taken.setdefault(key.lower(), key)
    for key in dict.fromkeys(named):
        other = taken[key.lower()]
        if other != key and key in keys:
            what = f"has two columns that differ in case only: {other!r} and {key!r}"
            raise SignalsError(what, "Rename one of them", file=file.name)
    return {column: [root for root in found if taken[root[0].lower()] == root[0]] for column, found in roots.items()}


def occurs(connection: duckdb.DuckDBPyConnection, sql: str, reader: str) -> bool:
    """Whether any row holds it."""
    return bool(connection.execute(f"SELECT 1 FROM {reader} WHERE {sql} IS NOT NULL LIMIT 1").fetchall())  # noqa: S608  (quoted)


def _note_keys(line: str, number: int, one: Input, keys: dict[str, None], nested: dict[str, None]) -> None:
    name, number = one.joined.line(number) if one.joined else (one.file.name, number)
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        remedy = "One JSON object per line; half-written? Export it again"
        raise SignalsError("is not valid JSON here", remedy, file=name, line=number) from None
    if not isinstance(row, dict):
        raise SignalsError("holds no JSON object here", "One JSON object per line", file=name, line=number)
    for key, value in row.items():
        keys[key] = None
        if isinstance(value, str) and value.startswith("{"):  # an object written as text
            with suppress(ValueError, RecursionError):
                value = json.loads(value)  # noqa: PLW2901  (the same cell, read)
        if isinstance(value, dict):
            nested.update((f"{key}.{inner}", None) for inner in value)


def _parquet(connection: duckdb.DuckDBPyConnection, file: InputFile) -> Part:
    reader = f"read_parquet({literal(str(file.path))})"
    with translated({str(file.path): file.name}, file.name):
        described = connection.execute(f"DESCRIBE SELECT * FROM {reader}").fetchall()  # noqa: S608  (quoted)
    header = {row[0]: identifier(row[0]) for row in described}
    json = {row[0]: f"to_json({header[row[0]]})" for row in described if str(row[1]).startswith(("STRUCT", "MAP"))}
    return Part(file.name, header, frozenset(), reader, first_row=0, json=json)
