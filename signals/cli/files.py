"""Writing a file for somebody: at one stroke, with a word on the terminal when it takes a while."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread

from signals.model import SignalsError

PATIENCE = 1.0  # seconds before somebody at a terminal is told what takes so long


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file so that who reads it sees the old one or the new one, whole; a pipe or device is written into.

    Raises:
        SignalsError: The place cannot be written; what was there stays as it was.
    """
    try:
        if path.exists() and not path.is_file():
            path.write_bytes(content)
            return
        real = Path(os.path.realpath(path))  # a link stays, and the file it leads to is replaced
        descriptor, name = tempfile.mkstemp(prefix=f".{real.name[:100]}.", dir=real.parent)
        ready = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            ready.chmod(real.stat().st_mode & 0o7777 if real.exists() else _usual_rights())
            ready.replace(real)
        except BaseException:
            ready.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise SignalsError(f"{path}: cannot be written: {error.strerror}", "Choose another place") from None


def _usual_rights() -> int:
    """What a new file gets here; a temporary one is for its owner alone."""
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


@contextlib.contextmanager
def announced(what: str) -> Iterator[None]:
    """Say on stderr what is being done, when it takes more than a second and somebody is looking; then take it away."""
    done = Event()

    def tell() -> None:
        if not done.wait(PATIENCE):
            sys.stderr.write(f"\r{what} …\033[K")
            sys.stderr.flush()
            done.wait()
            sys.stderr.write("\r\033[K")
            sys.stderr.flush()

    teller = Thread(target=tell, daemon=True) if sys.stderr.isatty() else None
    if teller:
        teller.start()
    try:
        yield
    finally:
        done.set()
        if teller:
            teller.join()
