"""One sheet of an Excel workbook, written out as CSV so that it takes the path of every other table."""

from __future__ import annotations

import csv
import zipfile
import zlib
from collections.abc import Iterable
from datetime import datetime, time
from pathlib import Path
from typing import Any

from signals.connectors.paths import InputFile
from signals.model import SignalsError
from signals.strictyaml import suggest

MAX_UNPACKED = 1 << 30
DAMAGED = (zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, SyntaxError, LookupError, TypeError,
           AttributeError, ArithmeticError, NotImplementedError)  # fmt: skip
"""What openpyxl and what it stands on raise over a damaged workbook: it checks nothing before it reads."""


def sheet_to_csv(file: InputFile, sheet: str | None, target: Path) -> None:
    """Write the sheet's cell values (formulas as last computed), header first.

    Args:
        file: The workbook.
        sheet: Its sheet, the first one when None.
        target: The CSV file to write.

    Raises:
        SignalsError: When the file is damaged or too large, or has no such sheet.
    """
    try:
        _copy(file, sheet, target)
    except DAMAGED as error:
        what = f"cannot be read as .xlsx: {type(error).__name__}: {str(error)[:200]}"
        raise SignalsError(what, "Half-written or damaged? Export it again", file=file.name) from None


def _copy(file: InputFile, sheet: str | None, target: Path) -> None:
    import openpyxl

    with zipfile.ZipFile(file.path) as archive:
        size = sum(entry.file_size for entry in archive.infolist())
    if size > MAX_UNPACKED:
        raise SignalsError(f"unpacks to {size:,} bytes", "Export CSV or Parquet instead", file=file.name)
    book = openpyxl.load_workbook(file.path, read_only=True, data_only=True)
    try:
        if sheet is not None and sheet not in book.sheetnames:
            raise SignalsError(f"has no sheet {sheet!r}", suggest(sheet, book.sheetnames), file=file.name)
        if not book.worksheets:
            raise SignalsError("has no sheet with cells", "Export it again", file=file.name)
        page = book[sheet] if sheet is not None else book.worksheets[0]
        with target.open("w", encoding="utf-8", newline="") as stream:
            if not _write_rows(page.iter_rows(values_only=True), csv.writer(stream)):
                raise SignalsError("the sheet is empty", "Check `sheet:`", file=file.name)
    finally:
        book.close()


def _write_rows(rows: Iterable[tuple[Any, ...]], writer: Any) -> bool:
    """Write the rows as wide as the first one that holds anything; empty rows are left out."""
    width = 0
    for row in rows:
        cells = [_cell(value) for value in row]
        while cells and cells[-1] == "" and (not width or len(cells) > width):
            cells.pop()
        width = width or len(cells)
        if any(cell != "" for cell in cells):
            writer.writerow(cells + [""] * (width - len(cells)))
    return bool(width)


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, time):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer():
        return int(value)  # Excel stores every number as a float: 7.0 is the id 7
    return value
