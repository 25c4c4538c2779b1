"""JSON lines: one row after the other, whatever the file's size."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

from signals.connectors.filekind import open_binary
from signals.connectors.paths import InputFile
from signals.model import SignalsError

LONGEST = 64_000_000
"""Bytes of one line: a longer one is no row but a file of another kind."""


def json_lines(file: InputFile) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """The rows with their line numbers; empty lines are left out.

    Raises:
        SignalsError: When the file cannot be read or unpacked, is empty, or a line is no JSON object.
    """
    try:
        empty = True
        with open_binary(file) as stream:
            for number, raw in enumerate(iter(lambda: stream.readline(LONGEST), b""), 1):
                if raw.strip():
                    empty = False
                    yield number, _row(raw, number, file)
    except (OSError, EOFError, zlib.error) as error:
        raise SignalsError(f"cannot be read: {error}", "Export it again", file=file.name) from None
    if empty:
        raise SignalsError("is empty (0 rows)", "Export it again", file=file.name)


def _row(raw: bytes, number: int, file: InputFile) -> Mapping[str, Any]:
    try:
        row = json.loads(raw.decode("utf-8-sig" if number == 1 else "utf-8"))
    except UnicodeDecodeError as error:
        what = f"is not UTF-8 text: byte {error.start + 1} of the line is {raw[error.start]:#04x}"
        raise SignalsError(what, "Save the file as UTF-8", file=file.name, line=number) from None
    except json.JSONDecodeError as error:
        whole = raw.endswith(b"\n")
        what = f"is not valid JSON here: {error.msg}" if whole else "ends too early: half-written JSON"
        raise SignalsError(what, "Export it again", file=file.name, line=number, column=error.colno) from None
    except RecursionError:
        raise SignalsError("is nested too deeply", "Export it again", file=file.name, line=number) from None
    if not isinstance(row, Mapping):
        raise SignalsError("the line is no JSON object", "Export it again", file=file.name, line=number)
    return row
