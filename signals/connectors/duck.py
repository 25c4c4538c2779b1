"""One DuckDB connection per read: UTC, modest, offline, and able to open nothing but the source's own files."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from signals.connectors.compressed import open_packed
from signals.connectors.paths import InputFile
from signals.model import SignalsError

if TYPE_CHECKING:
    import duckdb

    from signals.connectors.unpacking import Joined

MEMORY = "2GB"  # beyond it DuckDB spills to the temporary folder
LITTLE, FEW = "180MB", 2
"""Memory and threads for text files: a thread that reads JSON lines holds 32 MB whatever the lines are, and rows that
must be held go to the temporary folder, so that the size of a file does not matter."""
CSV_LINE = re.compile(r"CSV Error on Line: (\d+)")
CSV_FILE = re.compile(r"^\s*file = (.+)$", re.MULTILINE)
JSON_PLACE = re.compile(r'file "(.+?)", (?:at byte \d+ )?in (?:line|record/value) (\d+)')


class TooLittleError(SignalsError):
    """DuckDB may not take as much memory as it needs: not all that it holds can go to the temporary folder."""


def identifier(name: str) -> str:
    """A column name, quoted: safe whatever it holds."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A string, quoted: DuckDB knows no escapes inside plain quotes but the doubled quote."""
    return "'" + text.replace("'", "''") + "'"


def connect(
    scratch: Path, allowed: Sequence[Path], *, lock: bool = True, little: bool = False
) -> duckdb.DuckDBPyConnection:
    """A private in-memory database that may read ``allowed`` and write to ``scratch`` only.

    Args:
        scratch: A folder of this read.
        allowed: Files.
        lock: Without it the caller has something to set before it locks the configuration itself.
        little: Whether to keep to ``LITTLE`` memory, as befits text files.
    """
    import duckdb

    connection = duckdb.connect(
        config={
            "threads": str(min(FEW if little else 8, os.cpu_count() or 1)),
            "memory_limit": LITTLE if little else MEMORY,
            "temp_directory": str(scratch / "spill"),
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "allow_community_extensions": "false",
        }
    )
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET enable_progress_bar = false")
    connection.execute(f"SET allowed_paths = [{', '.join(literal(str(path)) for path in allowed)}]")
    connection.execute(f"SET allowed_directories = [{literal(str(scratch) + '/')}]")
    connection.execute("SET enable_external_access = false")
    if lock:
        connection.execute("SET lock_configuration = true")
    return connection


def attach(file: Path) -> duckdb.DuckDBPyConnection:
    """A connection that reads a DuckDB file: in UTC, read-only, with no way out to other files.

    The file is attached to a database of the connection's own: two connections to the file itself would share one, and
    sources are read side by side. The caller locks the configuration.
    """
    import duckdb

    connection = duckdb.connect(config={"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"})
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(f"ATTACH {literal(str(file))} AS held (READ_ONLY)")
    connection.execute("USE held")
    connection.execute("SET enable_external_access = false")
    return connection


@contextmanager
def translated(names: Mapping[str, str], fallback: str, joined: Mapping[str, Joined] | None = None) -> Iterator[None]:
    """Turn DuckDB's errors into one line with the file's own name, the line, and what to do."""
    import duckdb

    try:
        yield
    except duckdb.OutOfMemoryException as error:
        if "temp_directory" in str(error) or "No space" in str(error):  # the disk is full
            raise explain(str(error), names, fallback, joined) from None
        what = f"needs more memory than {MEMORY} to read: {str(error).strip().splitlines()[0][:200]}"
        raise TooLittleError(what, "Split it, or aggregate it in a query", file=fallback) from None
    except duckdb.Error as error:
        raise explain(str(error), names, fallback, joined) from None


def explain(
    message: str, names: Mapping[str, str], fallback: str, joined: Mapping[str, Joined] | None = None
) -> SignalsError:
    """The SignalsError that says what a DuckDB message means for the file at hand.

    Args:
        message: DuckDB's.
        names: What people call the files, by the paths that DuckDB knows.
        fallback: What to call the input when the message names no file.
        joined: The files that are several written after each other, by their paths.
    """
    file, line = fallback, None
    csv_line, csv_file, json_place = CSV_LINE.search(message), CSV_FILE.search(message), JSON_PLACE.search(message)
    if json_place:
        path = json_place.group(1)
        line = _bad_json_line(path) or int(json_place.group(2))
        file = names.get(path, fallback)
        if joined and path in joined:
            file, line = joined[path].line(line)
        return SignalsError("is not valid JSON here", "Half-written? Export it again", file=file, line=line)
    if csv_file and any(mark in message for mark in ("unterminated quote", "reached an invalid state")):
        path = csv_file.group(1).strip()
        mixed = _mixed_ends(path)
        if mixed:
            first_end, other_end, line = mixed
            what = f"mixes {first_end} and {other_end} line ends, first here"
            return SignalsError(what, "Save it with one kind", file=names.get(path, fallback), line=line)
    if csv_line:
        line = int(csv_line.group(1))
        file = names.get(csv_file.group(1).strip(), fallback) if csv_file else fallback
        for mark, what, remedy in CSV_FAULTS:
            if mark in message:
                found = re.search(r"Expected Number of Columns: (\d+) Found: (\d+)", message)
                counts = f" ({found.group(2)} instead of {found.group(1)})" if found else ""
                return SignalsError(what + counts, remedy, file=file, line=line)
    first = message.strip().splitlines()[0]
    for path, name in names.items():
        first = first.replace(path, name)
    first = re.sub(r"^\w[\w ]* Error: ", "", first)
    return SignalsError(f"cannot be read: {first[:300]}", "Half-written or damaged? Export it again", file=file)


def _bad_json_line(path: str) -> int | None:
    """The first line that is no JSON: DuckDB counts within the block that it was reading."""
    with open_packed(InputFile(Path(path), path)) as stream:
        for number, line in enumerate(stream, 1):
            try:
                if line.strip():
                    json.loads(line)
            except (ValueError, RecursionError):
                return number
    return None


def _mixed_ends(path: str) -> tuple[str, str, int] | None:
    """The line end of a CSV file's first line, the first other one outside quotes, and its line; None without one.

    Nothing is looked for beyond a quote that is out of place: what is inside quotes cannot be told from then on.
    """
    first, quoted, number = b"", False, 1
    with open_packed(InputFile(Path(path), path)) as stream:
        for line in stream:
            for found in CSV_MARK.finditer(line):
                mark, start, end = found.group(), found.start(), found.end()
                if not mark.startswith(b'"'):
                    first = first or mark
                    if mark != first and not quoted:
                        return LINE_ENDS[first], LINE_ENDS[mark], number
                    number += 1
                elif len(mark) % 2:  # doubled quotes change nothing
                    if (line[end : end + 1] if quoted else line[max(0, start - 1) : start]).isalnum():
                        return None
                    quoted = not quoted
    return None


CSV_MARK = re.compile(rb'"+|\r\n|\r|\n')
LINE_ENDS = {b"\r\n": "Windows (CRLF)", b"\n": "Unix (LF)", b"\r": "old Mac (CR)"}
CSV_FAULTS = (
    ("Invalid unicode", "is not UTF-8 text here", "Save the file as UTF-8"),
    ("Expected Number of Columns", "has another number of columns here", "Quote cells that hold the delimiter"),
    ("unterminated quote", "has a quote here that never ends", "Half-written? Export it again"),
    ("Maximum line size", "has a line that is too long here", "Leave long texts out of the export"),
)
