"""Opens the files (or the query) of a table source as one DuckDB view with the columns that the source uses.

Text files are read as text, so that nothing is guessed from a sample; Parquet keeps its types. Names of columns never
reach SQL unquoted, and each file's header is read here first: a duplicate or missing column is known by its file.
"""

from __future__ import annotations

import csv
import glob
import gzip
import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from signals.connectors.duck import connect, identifier, literal, translated
from signals.connectors.filekind import DELIMITED, LINES, kind_of, not_utf8, open_text
from signals.connectors.paths import InputFile, input_files
from signals.connectors.spreadsheet import sheet_to_csv
from signals.connectors.sql import query_to_csv
from signals.model import Project, SignalsError, Source
from signals.strictyaml import suggest

if TYPE_CHECKING:
    import duckdb

PEEK_LINES = 1000
MAX_HEADER = 1 << 20
MAX_LINE = 1 << 24
WIDE_NAME, WIDE_VALUE = "wide_name", "wide_value"


@dataclass(frozen=True)
class Rows:
    """The open source: a view ``rows`` with one column per used column, ``f`` (file) and, if asked for, ``r`` (row)."""

    connection: duckdb.DuckDBPyConnection
    alias: dict[str, str]  # their column -> name in the view
    types: dict[str, str]  # their column -> DuckDB type
    names: list[str]  # file names by ``f``
    first_row: list[int]  # what to add to ``r`` to get the row as people count it in that file

    def place(self, file: int, row: int | None = None) -> str:
        """The file's name, and the row as a text editor or spreadsheet shows it."""
        return self.names[file] if row is None else f"{self.names[file]} row {row + self.first_row[file]}"


@dataclass(frozen=True)
class _Part:
    """One file, ready to be read: its columns and the SQL that reads them."""

    name: str
    columns: dict[str, str]  # their column -> SQL expression over ``reader``
    repeated: frozenset[str]
    reader: str
    first_row: int


@contextmanager
def open_rows(
    source: Source, written: Source, project: Project, columns: Sequence[str], *, numbered: bool
) -> Iterator[Rows]:
    """Open the source's columns.

    Args:
        source: With its variables filled in.
        written: The source as it stands in sources.yaml.
        project: Says where files are.
        columns: Their names of the columns to read.
        numbered: Whether the view needs row numbers (costs order, so only for sources that are read row by row).

    Raises:
        SignalsError: For whatever keeps the source from being read.
    """
    with tempfile.TemporaryDirectory(prefix="signals-") as folder:
        scratch = Path(folder).resolve()
        inputs = _inputs(source, written, project, scratch)
        names = {str(file.path): file.name for file in inputs}
        fallback = inputs[0].name if len(inputs) == 1 else f"source {source.name!r}"
        connection = connect(scratch, [file.path for file in inputs])
        try:
            with translated(names, fallback):
                parts = [_part(connection, file, source, columns) for file in inputs]
                yield _view(connection, parts, columns, _wide(source), numbered)
        finally:
            connection.close()


def _inputs(source: Source, written: Source, project: Project, scratch: Path) -> list[InputFile]:
    """The files to read; what is no text or Parquet file is written out as CSV first, under its own name."""
    if "url" in source.options:
        target = scratch / "query.csv"
        query_to_csv(source, written, project, target)
        return [InputFile(target, f"source {source.name!r}", written=True)]
    inputs = []
    for number, file in enumerate(input_files(source, project)):
        kind = kind_of(file)
        if kind == ".xlsx":
            target = scratch / f"sheet{number}.csv"
            sheet_to_csv(file, source.options.get("sheet"), target)
            inputs.append(InputFile(target, file.name, written=True))
        elif glob.has_magic(str(file.path)):
            # DuckDB would take *, ? and [ in a file's name for a pattern: read it through a link with a plain name.
            packed = ".gz" if file.name.lower().endswith(".gz") else ""
            plain = scratch / f"file{number}{kind}{packed}"
            plain.symlink_to(file.path)
            inputs.append(InputFile(plain, file.name))
        else:
            inputs.append(file)
    return inputs


def _part(connection: duckdb.DuckDBPyConnection, file: InputFile, source: Source, columns: Sequence[str]) -> _Part:
    kind = ".csv" if file.written else kind_of(file)
    if kind == ".parquet":
        return _parquet(connection, file)
    if kind in LINES:
        return _lines(connection, file, columns)
    delimiter = "," if file.written else str(source.options.get("delimiter") or DELIMITED[kind])
    return _delimited(file, delimiter)


def _delimited(file: InputFile, delimiter: str) -> _Part:
    try:
        with open_text(file) as stream:
            header = next(
                csv.reader(iter(lambda: stream.readline(MAX_HEADER), ""), delimiter=delimiter, strict=True), []
            )
    except UnicodeDecodeError:
        raise not_utf8(file) from None
    except (csv.Error, EOFError, gzip.BadGzipFile, OSError) as error:
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
    return _Part(file.name, columns, repeated, reader, first_row=1)


def _lines(connection: duckdb.DuckDBPyConnection, file: InputFile, columns: Sequence[str]) -> _Part:
    """JSON lines. A column is a key of the object, or a dotted path into nested objects."""
    keys: dict[str, None] = {}
    nested: dict[str, None] = {}
    try:
        with open_text(file) as stream:
            lines = iter(lambda: stream.readline(MAX_LINE), "")
            for number, line in zip(range(1, PEEK_LINES + 1), lines, strict=False):
                if line.strip():
                    _note_keys(line, number, file, keys, nested)
    except UnicodeDecodeError:
        raise not_utf8(file) from None
    except (EOFError, OSError) as error:
        raise SignalsError(f"cannot be read: {error}", "Half-written? Export it again", file=file.name) from None
    wanted = {column: column if column in keys else column.partition(".")[0] for column in columns}
    fields = {
        key: "JSON" if any(wanted[c] == key and c != key for c in columns) else "VARCHAR" for key in wanted.values()
    }
    # A key that the first lines lack may still come later: DuckDB reads what is absent as NULL, so look once.
    declared = ", ".join(f"{literal(key)}: '{kind}'" for key, kind in fields.items())
    reader = f"read_json({literal(str(file.path))}, format='newline_delimited', columns={{{declared}}})"
    expressions = {}
    for column, key in wanted.items():
        if column == key:
            expressions[column] = identifier(key)
        else:
            steps = "".join(f'."{step}"' for step in column[len(key) + 1 :].replace('"', "").split("."))
            expressions[column] = f"({identifier(key)} ->> {literal('$' + steps)})"
        if column not in keys and column not in nested:
            seen = connection.execute(f"SELECT count({expressions[column]}) FROM {reader}").fetchone()  # noqa: S608  (quoted)
            if not seen or not seen[0]:
                del expressions[column]
    return _Part(file.name, {**dict.fromkeys([*keys, *nested], ""), **expressions}, frozenset(), reader, first_row=0)


def _note_keys(line: str, number: int, file: InputFile, keys: dict[str, None], nested: dict[str, None]) -> None:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        remedy = "One JSON object per line; half-written? Export it again"
        raise SignalsError("is not valid JSON here", remedy, file=file.name, line=number) from None
    if not isinstance(row, dict):
        raise SignalsError("holds no JSON object here", "One JSON object per line", file=file.name, line=number)
    for key, value in row.items():
        keys[key] = None
        if isinstance(value, dict):
            nested.update((f"{key}.{inner}", None) for inner in value)


def _parquet(connection: duckdb.DuckDBPyConnection, file: InputFile) -> _Part:
    reader = f"read_parquet({literal(str(file.path))})"
    with translated({str(file.path): file.name}, file.name):
        described = connection.execute(f"DESCRIBE SELECT * FROM {reader}").fetchall()  # noqa: S608  (quoted)
    return _Part(file.name, {row[0]: identifier(row[0]) for row in described}, frozenset(), reader, first_row=0)


def _wide(source: Source) -> list[str]:
    return [column for columns in (source.options.get("wide") or {}).values() for column in columns]


def _view(
    connection: duckdb.DuckDBPyConnection,
    parts: list[_Part],
    columns: Sequence[str],
    wide: Sequence[str],
    numbered: bool,
) -> Rows:
    """Create the view ``rows`` over all parts: one row per row, or per cell of the ``wide`` columns."""
    alias = {column: f"k{number}" for number, column in enumerate(columns)}
    selects = []
    for number, part in enumerate(parts):
        for column in columns:
            if column in part.repeated:
                raise SignalsError(f"has two columns named {column!r}", "Rename one of them", file=part.name)
            if not part.columns.get(column):
                raise SignalsError(f"has no column {column!r}", suggest(column, part.columns), file=part.name)
        fields = [f"{part.columns[column]} AS {alias[column]}" for column in columns]
        row = ["row_number() OVER () AS r"] if numbered else []
        selects.append(f"SELECT {', '.join([*fields, f'{number} AS f', *row])} FROM {part.reader}")  # noqa: S608  (quoted)
    everything = " UNION ALL ".join(selects)
    if wide:
        names = ", ".join(literal(column) for column in wide)
        values = ", ".join(f"CAST({alias[column]} AS VARCHAR)" for column in wide)
        unnested = f"unnest([{names}]) AS {WIDE_NAME}, unnest([{values}]) AS {WIDE_VALUE}"
        everything = f"SELECT *, {unnested} FROM ({everything})"  # noqa: S608  (quoted)
    connection.execute(f"CREATE TEMP VIEW rows AS {everything}")
    described = {row[0]: str(row[1]) for row in connection.execute("DESCRIBE SELECT * FROM rows").fetchall()}
    types = {column: described[alias[column]] for column in columns}
    return Rows(connection, alias, types, [part.name for part in parts], [part.first_row for part in parts])
