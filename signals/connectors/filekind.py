"""What kind of table a file is: by its ending, held against its first and last bytes."""

from __future__ import annotations

import gzip
import io
from pathlib import Path
from typing import IO, cast

from signals.connectors.paths import InputFile
from signals.model import SignalsError

DELIMITED = {".csv": ",", ".tsv": "\t"}
LINES = (".jsonl", ".ndjson")
KINDS = (*DELIMITED, *LINES, ".parquet", ".xlsx")
MARKS = {b"PAR1": "Parquet", b"PK\x03\x04": "zip", b"\x1f\x8b": "gzip"}
EXPECTED = {".parquet": "Parquet", ".xlsx": "zip"}


def kind_of(file: InputFile) -> str:
    """The file's ending without ``.gz``, in lower case: one of ``KINDS``.

    Raises:
        SignalsError: When the ending is not known, or the file holds something else, nothing, or half of itself.
    """
    suffixes = [suffix.lower() for suffix in Path(file.name).suffixes]
    packed = suffixes[-1:] == [".gz"]
    kind = (suffixes[:-1] if packed else suffixes)[-1:]
    if not kind or kind[0] not in KINDS or (packed and kind[0] in EXPECTED):
        known = f"Known are {', '.join(KINDS)}, .csv.gz, .tsv.gz and .jsonl.gz"
        raise SignalsError(f"no table ends in {Path(file.name).suffix!r}", known, file=file.name)
    head, tail, size = _ends(file)
    if not size:
        raise SignalsError("is empty (0 bytes)", "Export it again", file=file.name)
    expected = "gzip" if packed else EXPECTED.get(kind[0], "text")
    found = MARKS.get(head) or MARKS.get(head[:2]) or "text"
    if found != expected:
        remedy = "Name the file after what it holds, or export it again"
        raise SignalsError(f"ends in {''.join(suffixes[-2:])} but is {found} inside", remedy, file=file.name)
    if expected == "Parquet" and (tail != b"PAR1" or size < 12):
        raise SignalsError("is half-written Parquet: its end is missing", "Export it again", file=file.name)
    return kind[0]


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
    """The file's bytes, unpacked when its name ends in .gz."""
    if file.path.name.lower().endswith(".gz"):
        return cast("IO[bytes]", gzip.open(file.path, "rb"))
    return file.path.open("rb")


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
