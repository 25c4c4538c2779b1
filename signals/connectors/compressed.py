"""Packed files: gzip, Zstandard, bzip2 and xz, told by their first bytes whatever they are called.

Everything is unpacked as a stream, checked to the end (checksums, lengths, a proper end) and bounded: a file that
unpacks to a thousand times its size is refused, and memory does not grow with the file.
"""

from __future__ import annotations

import bz2
import io
import lzma
import re
import struct
import zlib
from collections.abc import Callable
from pathlib import PurePath
from typing import IO, Any, Protocol

from signals.connectors.paths import InputFile
from signals.model import SignalsError

CHUNK = 1 << 16
SMALL = 1 << 9
"""Bytes given to Zstandard at once: its Python reader cannot limit what comes out, some 30 MB at the very worst."""
MEMORY = 1 << 28
"""Bytes that xz may ask for: its dictionary is written into the file."""
RATIO, FREELY = 1000, 1 << 28
"""How many times its size a file may unpack to, and how many bytes it may in any case."""

ENDINGS = (".gz", ".gzip", ".zst", ".zstd", ".bz2", ".xz", ".zip")
MARKS = {
    "gzip": re.compile(rb"\x1f\x8b\x08"),
    "Zstandard": re.compile(rb"\x28\xb5\x2f\xfd"),
    "bzip2": re.compile(rb"BZh[1-9](?:1AY&SY|\x17rE8P\x90)"),
    "xz": re.compile(rb"\xfd7zXZ\x00"),
}
HEAD = 10
"""Bytes that tell."""
AGAIN = "Half-written or damaged? Get it again"


class Decoder(Protocol):
    """One packed stream: what Python's ``BZ2Decompressor`` is."""

    @property
    def eof(self) -> bool:
        """Whether the stream has ended properly."""
        ...

    @property
    def needs_input(self) -> bool:
        """Whether nothing more comes out without more going in."""
        ...

    @property
    def unused_data(self) -> bytes:
        """What came after the end."""
        ...

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """At most so many bytes."""
        ...


class Zlib:
    """zlib's object in the manner of the others."""

    def __init__(self, window: int) -> None:
        self._object = zlib.decompressobj(window)

    @property
    def eof(self) -> bool:
        return self._object.eof

    @property
    def needs_input(self) -> bool:
        return not self._object.unconsumed_tail and not self.eof

    @property
    def unused_data(self) -> bytes:
        return self._object.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._object.decompress(self._object.unconsumed_tail + data, max_length)


class Zstd:
    """Zstandard's object, fed in small pieces."""

    def __init__(self) -> None:
        import zstandard

        self._object = zstandard.ZstdDecompressor().decompressobj()
        self._waiting = b""
        self._error = zstandard.ZstdError

    @property
    def eof(self) -> bool:
        return bool(self._object.eof)

    @property
    def needs_input(self) -> bool:
        return not self._waiting and not self.eof

    @property
    def unused_data(self) -> bytes:
        return bytes(self._object.unused_data) + self._waiting

    def decompress(self, data: bytes, max_length: int) -> bytes:  # noqa: ARG002  (bounded by what goes in)
        data = self._waiting + data
        piece, self._waiting = data[:SMALL], data[SMALL:]
        try:
            return bytes(self._object.decompress(piece))
        except self._error as error:
            raise ValueError(str(error)) from None


DECODERS: dict[str, Callable[[], Decoder]] = {
    "gzip": lambda: Zlib(31),
    "Zstandard": Zstd,
    "bzip2": bz2.BZ2Decompressor,
    "xz": lambda: lzma.LZMADecompressor(memlimit=MEMORY),
}
FAULTS = (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError, MemoryError, struct.error)


class Unpacked(io.RawIOBase):
    """The bytes of one or more packed streams after each other. Raises SignalsError where they are damaged."""

    def __init__(self, raw: IO[bytes], kind: str, make: Callable[[], Decoder], size: int, name: str) -> None:
        self._raw, self._kind, self._make, self._name = raw, kind, make, name
        self._limit = max(FREELY, RATIO * size)
        self._decoder: Decoder | None = None
        self._ready = memoryview(b"")
        self._rest = b""
        self._given = self._streams = 0

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        self._raw.close()
        super().close()

    def readinto(self, buffer: object) -> int:
        target = memoryview(buffer).cast("B")  # type: ignore[arg-type]  # a writable buffer
        if not self._ready:
            try:
                self._ready = memoryview(self._next())
            except FAULTS as error:
                raise damaged(self._name, self._kind, error) from None
        count = min(len(target), len(self._ready))
        target[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count

    def _next(self) -> bytes:
        """The next bytes; empty at the proper end."""
        while True:
            if self._decoder is None or self._decoder.eof:
                if self._decoder is not None:
                    self._rest, self._decoder = self._decoder.unused_data, None
                if not self._begins():
                    return b""
                self._decoder = self._make()
                self._streams += 1
            data = b""
            if self._rest:
                data, self._rest = self._rest, b""
            elif self._decoder.needs_input:
                data = self._raw.read(CHUNK)
                if not data:
                    raise EOFError("it ends too early")
            found = self._decoder.decompress(data, CHUNK)
            if found:
                self._given += len(found)
                if self._given > self._limit:
                    what = f"unpacks to more than {self._limit:,} bytes, {RATIO:,} times its size"
                    raise SignalsError(what, "If it is sound, unpack it yourself", file=self._name)
                return found

    def _begins(self) -> bool:
        """Whether another stream follows; zeros that pad the end are left out, as tools do."""
        while True:
            if not self._rest:
                self._rest = self._raw.read(CHUNK)
            if not self._rest:
                return False
            if self._streams:
                self._rest = self._rest.lstrip(b"\0")
            if self._rest:
                return True


def damaged(name: str, kind: str, error: BaseException) -> SignalsError:
    """The one error of a packed file that cannot be read to its end."""
    if isinstance(error, OSError) and error.strerror:
        return SignalsError(f"cannot be read: {error.strerror}", file=name)
    if isinstance(error, EOFError):
        return SignalsError(f"cannot be read: its {kind} packing ends too early", AGAIN, file=name)
    why = (str(error).strip().splitlines() or ["it asks for too much memory"])[0][:200]
    return SignalsError(f"cannot be read: its {kind} packing is damaged: {why}", AGAIN, file=name)


def packing(head: bytes) -> str | None:
    """How a file that begins like this is packed; None when it is not, or is a zip."""
    return next((kind for kind, mark in MARKS.items() if mark.match(head)), None)


def plain_name(name: str) -> str:
    """The last part of a file's name without the endings of packing, in lower case."""
    last = PurePath(name).name.lower()
    while PurePath(last).suffix in ENDINGS:
        last = last[: -len(PurePath(last).suffix)]
    return last


def open_packed(file: InputFile) -> IO[bytes]:
    """The file's bytes as a stream, unpacked when they are packed.

    Raises:
        SignalsError: When it cannot be opened, here or later while it is read, or when it is damaged or unpacks to
            far too much.
    """
    from signals.connectors.archives import open_member

    try:
        stream: io.BufferedReader[Any] = file.path.open("rb")
        size = file.path.stat().st_size
    except OSError as error:
        raise SignalsError(f"cannot be read: {error.strerror}", file=file.name) from None
    try:
        if file.member is not None:
            stream, size = open_member(stream, file)
        kind = packing(stream.peek(HEAD)[:HEAD])
        if kind is not None:
            stream = io.BufferedReader(Unpacked(stream, kind, DECODERS[kind], size, file.name), CHUNK)
            _once(stream, file)
    except BaseException:
        stream.close()
        raise
    return stream


def _once(stream: io.BufferedReader[Any], file: InputFile) -> None:
    if packing(stream.peek(HEAD)[:HEAD]):
        raise SignalsError("is packed twice", "Unpack it once", file=file.name)
