"""Opens the files (or the query) of a table source as one DuckDB view with the columns that the source uses.

Text files are read as text, so that nothing is guessed from a sample; Parquet keeps its types. Names of columns never
reach SQL unquoted, and each file's header is read here first: a duplicate or missing column is known by its file.
"""

from __future__ import annotations

import glob
import itertools
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from signals.connectors.columns import CHOSEN, parts_of, sql_of
from signals.connectors.compressed import ENDINGS
from signals.connectors.duck import connect, literal, translated
from signals.connectors.filekind import LINES, check_inside, ending_of
from signals.connectors.paths import InputFile, input_files
from signals.connectors.spreadsheet import sheet_to_csv
from signals.connectors.sql import query_to_csv
from signals.connectors.tableparts import Input, Part, occurs, read_part
from signals.connectors.unpacking import Joined, is_packed, join_lines, unpack
from signals.model import Project, SignalsError, Source
from signals.strictyaml import suggest

if TYPE_CHECKING:
    import duckdb

WIDE_NAME, WIDE_VALUE = "wide_name", "wide_value"


@dataclass(frozen=True)
class Rows:
    """The open source: a view ``rows`` with one column per used column, ``f`` (file) and, if asked for, ``r`` (row)."""

    connection: duckdb.DuckDBPyConnection
    alias: dict[str, str]  # their column -> name in the view
    types: dict[str, str]  # their column -> DuckDB type
    names: list[str]  # file names by ``f``
    first_row: list[int]  # what to add to ``r`` to get the row as people count it in that file
    joined: Sequence[Joined | None] = ()  # of the files that are several written after each other

    def place(self, file: int, row: int | None = None) -> str:
        """The file's name, and the row as a text editor or spreadsheet shows it."""
        if row is None:
            return self.names[file]
        joined = self.joined[file] if self.joined else None
        name, number = joined.row(row) if joined else (self.names[file], row + self.first_row[file])
        return f"{name} row {number}"


@contextmanager
def open_rows(
    source: Source,
    written: Source,
    project: Project,
    columns: Sequence[str],
    *,
    numbered: bool,
    sparse: bool = False,
    otherwise: str | None = None,
    little: bool = False,
) -> Iterator[Rows]:
    """Open the source's columns.

    Args:
        source: With its variables filled in.
        written: The source as it stands in sources.yaml.
        project: Says where files are.
        columns: Their names of the columns to read.
        numbered: Whether the view needs row numbers (costs order, so only for sources that are read row by row).
        sparse: Whether a file of JSON lines may lack a column that another file has, as exports of events do.
        otherwise: The kind of files whose names do not end in a known one.
        little: Whether text files are read in little memory.

    Raises:
        TooLittleError: When that is not enough.
        SignalsError: For whatever keeps the source from being read.
    """
    with tempfile.TemporaryDirectory(prefix="signals-") as folder:
        scratch = Path(folder).resolve()
        inputs = _inputs(source, written, project, scratch, otherwise)
        names = {str(one.file.path): one.file.name for one in inputs}
        joined = {str(one.file.path): one.joined for one in inputs if one.joined}
        fallback = inputs[0].file.name if len(inputs) == 1 else f"source {source.name!r}"
        little = little and all(one.kind != ".parquet" for one in inputs)
        connection = connect(scratch, [one.file.path for one in inputs], little=little)
        try:
            with translated(names, fallback, joined):
                connection.execute(CHOSEN)
                parts = [read_part(connection, one, source, columns, sparse=sparse) for one in inputs]
                yield _view(connection, parts, columns, _wide(source), numbered)
        finally:
            connection.close()


def _inputs(source: Source, written: Source, project: Project, scratch: Path, otherwise: str | None) -> list[Input]:
    """The files to read: unpacked first where they are packed, written out as CSV where they are no text or Parquet."""
    if "url" in source.options:
        target = scratch / "query.csv"
        query_to_csv(source, written, project, target)
        return [Input(InputFile(target, f"source {source.name!r}", written=True), ".csv")]
    found = [(file, ending_of(file, otherwise)) for file in input_files(source, project)]
    inputs: list[Input] = []
    # The members of an archive that hold lines are one table: there may be thousands, one per hour.
    for (_, joins), group in itertools.groupby(
        found, lambda one: (one[0].path, bool(one[0].member) and one[1] in LINES)
    ):
        if joins:
            files = [file for file, _ in group]
            target = scratch / f"joined{len(inputs)}.jsonl"
            joined = join_lines(files, target)
            inputs.append(
                Input(InputFile(target, files[0].name if len(files) == 1 else files[0].outer), ".jsonl", joined)
            )
        else:
            start = len(inputs)
            inputs += [_plain(file, kind, source, scratch / f"file{start + n}") for n, (file, kind) in enumerate(group)]
    return inputs


def _plain(file: InputFile, kind: str, source: Source, target: Path) -> Input:
    """The file as DuckDB can read it; ``target`` is where to write it, without an ending."""
    if is_packed(file):
        unpacked = target.with_name(target.name + kind)
        unpack(file, unpacked)
        file = replace(file, path=unpacked, member=None)
    check_inside(file, kind)
    if glob.has_magic(str(file.path)) or file.path.suffix.lower() in ENDINGS:
        # DuckDB would take *, ? and [ in a file's name for a pattern, and .gz for a promise: a link has a plain name.
        link = target.with_name(target.name + kind)
        link.symlink_to(file.path)
        file = replace(file, path=link)
    if kind == ".xlsx":
        sheet = target.with_name(target.name + ".csv")
        sheet_to_csv(file, source.options.get("sheet"), sheet)
        return Input(replace(file, path=sheet, written=True), ".csv")
    return Input(file, kind)


def _wide(source: Source) -> list[str]:
    """The columns that become rows; lists of columns and tables of labels both give them in order."""
    return list(dict.fromkeys(column for columns in (source.options.get("wide") or {}).values() for column in columns))


def _view(
    connection: duckdb.DuckDBPyConnection,
    parts: list[Part],
    columns: Sequence[str],
    wide: Sequence[str],
    numbered: bool,
) -> Rows:
    """Create the view ``rows`` over all parts: one row per row, or per cell of the ``wide`` columns."""
    alias = {column: f"k{number}" for number, column in enumerate(columns)}
    selects = []
    for number, part in enumerate(parts):
        found = {}
        for column in columns:
            twice = next((name for name in (column, *parts_of(column)) if name in part.repeated), None)
            if twice is not None:
                raise SignalsError(f"has two columns named {twice!r}", "Rename one of them", file=part.name)
            sql = sql_of(column, part.columns, part.json)
            if sql is None:
                raise SignalsError(f"has no column {column!r}", suggest(column, part.columns), file=part.name)
            found[column] = sql
        fields = [f"{found[column]} AS {alias[column]}" for column in columns]
        row = ["row_number() OVER () AS r"] if numbered else []
        selects.append(f"SELECT {', '.join([*fields, f'{number} AS f', *row])} FROM {part.reader}")  # noqa: S608  (quoted)
    for column in columns:  # at least one file must have it
        everywhere = all(column in part.absent for part in parts)
        if everywhere and not any(occurs(connection, part.columns[column], part.reader) for part in parts):
            known = [name for part in parts for name in part.columns if name not in columns]
            raise SignalsError(f"has no column {column!r}", suggest(column, known), file=parts[0].name)
    everything = " UNION ALL ".join(selects)
    if wide:
        names = ", ".join(literal(column) for column in wide)
        values = ", ".join(f"CAST({alias[column]} AS VARCHAR)" for column in wide)
        unnested = f"unnest([{names}]) AS {WIDE_NAME}, unnest([{values}]) AS {WIDE_VALUE}"
        everything = f"SELECT *, {unnested} FROM ({everything})"  # noqa: S608  (quoted)
    connection.execute(f"CREATE TEMP VIEW rows AS {everything}")
    described = {row[0]: str(row[1]) for row in connection.execute("DESCRIBE SELECT * FROM rows").fetchall()}
    types = {column: described[alias[column]] for column in columns}
    called, first_row = [part.name for part in parts], [part.first_row for part in parts]
    return Rows(connection, alias, types, called, first_row, [part.joined for part in parts])
