"""What kind of table a file is: by its ending, held against its first and last bytes."""

from __future__ import annotations

import io
from pathlib import PurePath
from typing import IO

from signals.connectors.compressed import ENDINGS, open_packed
from signals.connectors.paths import InputFile
from signals.model import SignalsError

DELIMITED = {".csv": ",", ".tsv": "\t"}
LINES = (".jsonl", ".ndjson", ".json")
KINDS = (*DELIMITED, *LINES, ".parquet", ".xlsx")
MARKS = {b"PAR1": "Parquet", b"PK\x03\x04": "zip"}
EXPECTED = {".parquet": "Parquet", ".xlsx": "zip"}


def ending_of(file: InputFile, otherwise: str | None = None) -> str:
    """The ending of the file's name, without ``.gz`` and the like: one of ``KINDS``.

    Args:
        file: Plain or packed.
        otherwise: What a name without any ending of these means.

    Raises:
        SignalsError: When the ending is not known.
    """
    kind = PurePath(file.plain).suffix
    if kind in KINDS:
        return kind
    if otherwise is not None:
        return otherwise
    known = f"Known are {', '.join(KINDS)}, and each of them packed ({', '.join(ENDINGS)})"
    raise SignalsError(f"no table ends in {PurePath(file.name).suffix!r}", known, file=file.name)


def check_inside(file: InputFile, kind: str) -> None:
    """Hold an unpacked file's bytes against the kind that its name says.

    Raises:
        SignalsError: When the file holds something else, nothing, or half of itself.
    """
    head, tail, size = _ends(file)
    if not size:
        raise SignalsError("is empty (0 bytes)", "Export it again", file=file.name)
    expected = EXPECTED.get(kind, "text")
    found = MARKS.get(head, "text")
    if found != expected:
        ending = "".join(PurePath(file.name).suffixes[-2:]) if file.plain != PurePath(file.name).name.lower() else kind
        remedy = "Name the file after what it holds, or export it again"
        raise SignalsError(f"ends in {ending} but is {found} inside", remedy, file=file.name)
    if expected == "Parquet" and (tail != b"PAR1" or size < 12):
        raise SignalsError("is half-written Parquet: its end is missing", "Export it again", file=file.name)


def _ends(file: InputFile) -> tuple[bytes, bytes, int]:
    """First and last four bytes, and the size."""
    try:
        with file.path.open("rb") as stream:
            head = stream.read(4)
            size = stream.seek(0, io.SEEK_END)
            stream.seek(max(0, size - 4))
            return head, stream.read(4), size
    except OSError as error:
        raise SignalsError(f"cannot be read: {error.strerror}", file=file.name) from None


def open_binary(file: InputFile) -> IO[bytes]:
    """The file's bytes, unpacked when they are packed, whatever its name."""
    return open_packed(file)


def open_text(file: InputFile) -> IO[str]:
    """The file's UTF-8 text without a byte-order mark."""
    return io.TextIOWrapper(open_binary(file), encoding="utf-8-sig", newline="")


def not_utf8(file: InputFile) -> SignalsError:
    """The error that names the line and byte that are not UTF-8."""
    remedy = "Save the file as UTF-8"
    with open_binary(file) as stream:
        for number, line in enumerate(stream, 1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                what = f"is not UTF-8 text: byte {error.start + 1} of the line is {line[error.start]:#04x}"
                return SignalsError(what, remedy, file=file.name, line=number)
    return SignalsError("is not UTF-8 text", remedy, file=file.name)
