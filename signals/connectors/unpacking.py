"""Files unpacked into the folder of a read, for readers that need to see them on the disk."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from signals.connectors.compressed import HEAD, open_packed, packing
from signals.connectors.paths import InputFile
from signals.model import SignalsError

ROOM = 1 << 28
"""Bytes that unpacking leaves free on the disk."""


@dataclass(frozen=True)
class Joined:
    """Several files of lines written after each other: which of them a line or row of the whole is in."""

    parts: tuple[tuple[str, int, int], ...]  # name, lines and rows before it

    def line(self, number: int) -> tuple[str, int]:
        """Name and line of the file that holds a line of the whole, both from 1."""
        name, before, _ = max((part for part in self.parts if part[1] < number), key=lambda part: part[1])
        return name, number - before

    def row(self, number: int) -> tuple[str, int]:
        """Name and row of the file that holds a row of the whole, both from 1."""
        name, _, before = max((part for part in self.parts if part[2] < number), key=lambda part: part[1])
        return name, number - before


def is_packed(file: InputFile) -> bool:
    """Whether the file must be unpacked before it is what its name says.

    Raises:
        SignalsError: When it cannot be read.
    """
    if file.member is not None:
        return True
    try:
        with file.path.open("rb") as stream:
            return packing(stream.read(HEAD)) is not None
    except OSError as error:
        raise SignalsError(f"cannot be read: {error.strerror}", file=file.name) from None


def unpack(file: InputFile, target: Path) -> None:
    """Write the file's unpacked bytes.

    Raises:
        SignalsError: When it is damaged, or when the disk has no room for it.
    """
    with open_packed(file) as stream:
        _write(iter(lambda: stream.read(1 << 20), b""), target, "wb", file)


def join_lines(files: list[InputFile], target: Path) -> Joined:
    """Write the lines of all files after each other.

    Raises:
        SignalsError: As ``unpack``.
    """
    parts: list[tuple[str, int, int]] = []
    lines = rows = 0
    for file in files:
        parts.append((file.name, lines, rows))
        counts = [0, 0]
        with open_packed(file) as stream:
            _write(_counted(stream, counts), target, "ab", file)
        lines, rows = lines + counts[0], rows + counts[1]
    return Joined(tuple(parts))


def _counted(stream: IO[bytes], counts: list[int]) -> Iterator[bytes]:
    """The lines, the last one ended; counts lines and those that hold something."""
    end, filled = b"\n", False
    for number, piece in enumerate(iter(lambda: stream.readline(1 << 20), b"")):
        piece = piece.removeprefix(b"\xef\xbb\xbf") if number == 0 else piece  # noqa: PLW2901  (the same piece)
        filled = filled or bool(piece.strip())
        end = piece[-1:] or end
        if end == b"\n":
            counts[0] += 1
            counts[1] += filled
            filled = False
        yield piece
    if end != b"\n":
        counts[0] += 1
        counts[1] += filled
        yield b"\n"


def _write(pieces: Iterator[bytes], target: Path, mode: str, file: InputFile) -> None:
    written = ROOM
    try:
        with target.open(mode) as out:
            for piece in pieces:
                written += len(piece)
                if written >= ROOM >> 2:  # looked at again now and then
                    written = 0
                    free = shutil.disk_usage(target.parent).free
                    if free < ROOM:
                        raise _full(target, file, free)
                out.write(piece)
    except OSError:
        raise _full(target, file, shutil.disk_usage(target.parent).free) from None


def _full(target: Path, file: InputFile, free: int) -> SignalsError:
    what = f"does not fit on the disk when it is unpacked: {free // 1_000_000:,} MB are free in {target.parent.parent}"
    return SignalsError(what, "Make room, or set TMPDIR to a folder with more", file=file.name)
