"""The policy's file on disk: as it stands, and how another text takes its place at one stroke."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from signals.model import SignalsError

BOM = b"\xef\xbb\xbf"
LEFT = ".saving"
ABANDONED = 60.0  # seconds after which a half-made file is nobody's: its process was stopped


@dataclass(frozen=True)
class Standing:
    """A file as it was when it was looked at; ``text`` and ``hash`` are None when there is none."""

    path: Path
    text: str | None
    hash: str | None
    marked: bool = False  # begins with a byte-order mark, which is no part of the text

    def in_style(self, text: str) -> str:
        """The text with this file's line ends: editors in a browser know only one kind."""
        plain = "" if self.text is None else self.text.replace("\r\n", "")
        windows = self.text is not None and "\r\n" in self.text and "\n" not in plain
        return text.replace("\n", "\r\n") if windows and "\r" not in text else text


def text_hash(text: str) -> str:
    """The identity of a text, as a policy has it."""
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def standing(path: Path) -> Standing:
    """Look at the file.

    Raises:
        SignalsError: When something is there that is not readable text.
    """
    from signals.strictyaml import read_text

    if not path.exists():
        return Standing(path, None, None)
    text = read_text(path)
    with path.open("rb") as file:
        marked = file.read(len(BOM)) == BOM
    return Standing(path, text, text_hash(text), marked)


def prepare(file: Standing, text: str) -> Path:
    """Write the text, safe on disk, into a new file beside the old one (where a link leads, if it is one).

    Raises:
        SignalsError: When the file or its folder may not be written, or the disk is full.
    """
    real = _real(file)
    try:
        _sweep(real)
        if real.exists() and not os.access(real, os.W_OK):
            raise PermissionError(13, "it is read-only")
        handle, name = tempfile.mkstemp(prefix=f".{real.name}.", suffix=LEFT, dir=real.parent)
        ready = Path(name)
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write((BOM if file.marked else b"") + text.encode())
                stream.flush()
                os.fsync(stream.fileno())
            _like(ready, real)
        except BaseException:
            discard(ready)
            raise
    except OSError as error:
        raise _refused(file, error) from None
    return ready


def put_in_place(ready: Path, file: Standing) -> None:
    """Let the new file take the place of the old one: everybody sees the one or the other, whole.

    Raises:
        SignalsError: When the folder does not allow it.
    """
    real = _real(file)
    try:
        ready.replace(real)
        if os.name == "posix":  # elsewhere a folder cannot be opened
            folder = os.open(real.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
    except OSError as error:
        raise _refused(file, error) from None


def discard(ready: Path | None) -> None:
    """Remove a new file that did not take the old one's place."""
    if ready is not None:
        with contextlib.suppress(OSError):
            ready.unlink(missing_ok=True)


def _real(file: Standing) -> Path:
    """Where a link leads: the link itself stays."""
    return Path(os.path.realpath(file.path))


def _like(ready: Path, old: Path) -> None:
    """Give the new file the old one's rights, and its owner where we may."""
    if not old.exists():
        ready.chmod(0o644)
        return
    was = old.stat()
    ready.chmod(stat.S_IMODE(was.st_mode))
    now = ready.stat()
    if hasattr(os, "chown") and (now.st_uid, now.st_gid) != (was.st_uid, was.st_gid):
        with contextlib.suppress(PermissionError):
            os.chown(ready, was.st_uid, was.st_gid)


def _sweep(real: Path) -> None:
    """Remove what stopped processes left."""
    for old in real.parent.glob(f".{real.name}.*{LEFT}"):
        with contextlib.suppress(OSError):
            if time.time() - old.stat().st_mtime > ABANDONED:
                old.unlink()


def _refused(file: Standing, error: OSError) -> SignalsError:
    what = f"{file.path}: cannot be written: {error.strerror or error}"
    return SignalsError(what, "Check the rights of the file and its folder")
