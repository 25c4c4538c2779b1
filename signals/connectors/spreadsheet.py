"""One sheet of an Excel workbook, written out as CSV so that it takes the path of every other table."""

from __future__ import annotations

import csv
import zipfile
from datetime import datetime, time
from pathlib import Path
from typing import Any

from signals.connectors.paths import InputFile
from signals.model import SignalsError
from signals.strictyaml import suggest

MAX_UNPACKED = 1 << 30


def sheet_to_csv(file: InputFile, sheet: str | None, target: Path) -> None:
    """Write the sheet's cell values (formulas as last computed), header first.

    Args:
        file: The workbook.
        sheet: Its sheet, the first one when None.
        target: The CSV file to write.

    Raises:
        SignalsError: When the file is damaged or too large, or has no such sheet.
    """
    import openpyxl
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        with zipfile.ZipFile(file.path) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
        if size > MAX_UNPACKED:
            raise SignalsError(f"unpacks to {size:,} bytes", "Export CSV or Parquet instead", file=file.name)
        book = openpyxl.load_workbook(file.path, read_only=True, data_only=True)
    except (zipfile.BadZipFile, InvalidFileException, KeyError, OSError, ValueError, SyntaxError) as error:
        raise SignalsError(
            f"cannot be read as .xlsx: {error}", "Half-written? Export it again", file=file.name
        ) from None
    try:
        if sheet is not None and sheet not in book.sheetnames:
            raise SignalsError(f"has no sheet {sheet!r}", suggest(sheet, book.sheetnames), file=file.name)
        page = book[sheet] if sheet is not None else book.worksheets[0]
        with target.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream)
            width = 0
            for row in page.iter_rows(values_only=True):
                cells = [_cell(value) for value in row]
                while cells and cells[-1] == "" and (not width or len(cells) > width):
                    cells.pop()
                if not width:
                    width = len(cells)
                if any(cell != "" for cell in cells):
                    writer.writerow(cells + [""] * (width - len(cells)))
            if not width:
                raise SignalsError("the sheet is empty", "Check `sheet:`", file=file.name)
    finally:
        book.close()


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
