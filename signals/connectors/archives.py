"""Zip archives: which files are in them, and the bytes of each, checked against the directory."""

from __future__ import annotations

import bz2
import functools
import io
import itertools
import struct
import zipfile
import zlib
from collections.abc import Callable
from fnmatch import fnmatchcase
from pathlib import Path, PurePath
from typing import IO, Any

from signals.connectors.compressed import (
    AGAIN,
    CHUNK,
    FAULTS,
    FREELY,
    RATIO,
    Decoder,
    Unpacked,
    Zlib,
    Zstd,
    damaged,
    plain_name,
)
from signals.connectors.paths import InputFile
from signals.model import SignalsError
from signals.strictyaml import suggest

MAX_MEMBERS = 100_000
ZIP = (b"PK\x03\x04", b"PK\x05\x06")
OWN = {"[Content_Types].xml", "header.json", "_journal/start.json"}
"""Entries that say that a zip is itself a document: a workbook, an evaluation log."""
DOCUMENTS = (".xlsx", ".eval")
LOCAL_HEADER = struct.Struct("<4s22xHH")
METHODS: dict[int, Callable[[], Decoder] | None] = {
    zipfile.ZIP_STORED: None, zipfile.ZIP_DEFLATED: lambda: Zlib(-15),
    zipfile.ZIP_BZIP2: bz2.BZ2Decompressor, 93: Zstd,
}  # fmt: skip
"""How a member of a zip may be packed; None: not at all."""


class _Member(io.RawIOBase):
    """The bytes of a zip's member: as many as the directory says, with the checksum that it says."""

    def __init__(self, raw: IO[bytes], info: zipfile.ZipInfo, name: str) -> None:
        self._raw, self._info, self._name = raw, info, name
        self._size, self._sum = 0, 0

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        self._raw.close()
        super().close()

    def readinto(self, buffer: object) -> int:
        target = memoryview(buffer).cast("B")  # type: ignore[arg-type]  # a writable buffer
        data = self._raw.read(len(target))
        self._size += len(data)
        self._sum = zlib.crc32(data, self._sum)
        over = self._size > self._info.file_size
        if over or (not data and len(target) and (self._size, self._sum) != (self._info.file_size, self._info.CRC)):
            raise damaged(self._name, "zip", ValueError("its length or checksum is not what the directory says"))
        target[: len(data)] = data
        return len(data)


class _Part(io.RawIOBase):
    """So many bytes of a file."""

    def __init__(self, raw: IO[bytes], size: int) -> None:
        self._raw, self._left = raw, size

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        self._raw.close()
        super().close()

    def readinto(self, buffer: object) -> int:
        target = memoryview(buffer).cast("B")  # type: ignore[arg-type]  # a writable buffer
        data = self._raw.read(min(len(target), self._left))
        self._left -= len(data)
        target[: len(data)] = data
        return len(data)


def open_member(stream: io.BufferedReader[Any], file: InputFile) -> tuple[io.BufferedReader[Any], int]:
    """The unpacked bytes of a member, and its packed size.

    Args:
        stream: The open archive.
        file: The member.

    Raises:
        SignalsError: When there is no such member, or it cannot be unpacked.
    """
    info = _read(file)[1].get(str(file.member))
    if info is None:
        raise SignalsError("the archive has no such member", AGAIN, file=file.name)
    if info.flag_bits & 1:
        raise SignalsError("is encrypted", "Unpack it yourself", file=file.name)
    if info.compress_type not in METHODS:
        what = f"is packed by method {info.compress_type} of zip, which cannot be read"
        raise SignalsError(what, "Unpack it yourself", file=file.name)
    try:
        stream.seek(info.header_offset)
        signature, name, extra = LOCAL_HEADER.unpack(stream.read(LOCAL_HEADER.size))
        stream.seek(name + extra, 1)
    except FAULTS as error:
        raise damaged(file.name, "zip", error) from None
    if signature != ZIP[0]:
        raise damaged(file.name, "zip", ValueError("a member is not where the directory says"))
    inner: io.BufferedReader[Any] = io.BufferedReader(_Part(stream, info.compress_size), CHUNK)
    make = METHODS[info.compress_type]
    if make is not None:
        inner = io.BufferedReader(Unpacked(inner, "zip", make, info.compress_size, file.name), CHUNK)
    checked: io.BufferedReader[Any] = io.BufferedReader(_Member(inner, info, file.name), CHUNK)
    if checked.peek(4)[:4] in ZIP and not plain_name(file.name).endswith(DOCUMENTS):
        raise SignalsError("is a zip archive inside a zip archive", "Unpack it once", file=file.name)
    return checked, info.compress_size


def is_zip(file: InputFile) -> bool:
    """Whether the file is a zip archive of files, and no document of its own that happens to be one."""
    if plain_name(file.name).endswith(DOCUMENTS) or file.member is not None:
        return False
    try:
        with file.path.open("rb") as stream:
            if stream.read(4) not in ZIP:
                return False
    except OSError as error:
        raise SignalsError(f"cannot be read: {error.strerror}", file=file.name) from None
    return not OWN & {info.filename for info in directory(file)}


def directory(file: InputFile) -> tuple[zipfile.ZipInfo, ...]:
    """What is in a zip archive.

    Raises:
        SignalsError: When its directory, which is at its end, cannot be read.
    """
    return _read(file)[0]


Directory = tuple[tuple[zipfile.ZipInfo, ...], dict[str, zipfile.ZipInfo]]


def _read(file: InputFile) -> Directory:
    try:
        state = file.path.stat()
        return _directory(file.path, state.st_size, state.st_mtime_ns)
    except (*FAULTS, zipfile.BadZipFile, NotImplementedError) as error:
        cut = EOFError() if isinstance(error, zipfile.BadZipFile) else error
        raise damaged(file.outer, "zip", cut) from None


@functools.lru_cache(maxsize=4)
def _directory(path: Path, _size: int, _time: int) -> Directory:
    """All entries in their order, and by their names."""
    with zipfile.ZipFile(path) as archive:
        infos = tuple(archive.infolist())
    return infos, {info.filename: info for info in infos}


def members(file: InputFile, wanted: str | None = None) -> list[InputFile]:
    """The files of a zip archive, sorted by name; folders and what file managers add are left out.

    Args:
        file: The archive.
        wanted: A pattern that their names match.

    Raises:
        SignalsError: When the archive is damaged, holds far too many files, one name twice, or none that is wanted.
    """
    inside = [info for info in directory(file) if _counts(info)]
    names = sorted(info.filename for info in inside)
    if len(names) > MAX_MEMBERS:
        raise SignalsError(f"holds {len(names):,} files", f"At most {MAX_MEMBERS:,} are read", file=file.name)
    whole, packed = sum(info.file_size for info in inside), file.path.stat().st_size
    if whole > max(FREELY, RATIO * packed) or sum(info.compress_size for info in inside) > packed:
        what = f"holds {whole:,} bytes in {packed:,}: more than its parts can be"
        raise SignalsError(what, "If it is sound, unpack it yourself", file=file.name)
    twice = next((one for one, after in itertools.pairwise(names) if one == after), None)
    if twice:
        raise SignalsError(f"holds two files named {twice[:80]!r}", "Which one counts? Pack it again", file=file.name)
    found = [name for name in names if wanted is None or name == wanted or fnmatchcase(name, wanted)]
    if not found:
        what = "holds no file" if not names or wanted is None else f"holds no file that matches {wanted!r}"
        raise SignalsError(what, suggest(wanted or "", names) if names else "Export it again", file=file.name)
    for name in found:
        if any(ord(char) < 32 for char in name):
            raise SignalsError("holds a file with a control character in its name", "Pack it again", file=file.name)
    return [InputFile(file.path, f"{file.name}/{name}", member=name) for name in found]


def _counts(info: zipfile.ZipInfo) -> bool:
    parts = PurePath(info.filename).parts
    return not info.is_dir() and bool(parts) and "__MACOSX" not in parts and not parts[-1].startswith(".")
