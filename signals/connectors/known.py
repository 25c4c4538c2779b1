"""Keys that a read has met before, in memory that does not grow with them."""

from __future__ import annotations

import sqlite3

from signals.connectors.lines import record_id
from signals.model import SignalsError

AT_HAND = 100_000
"""Keys held in memory, some 15 MB; with more of them all go to a temporary file."""
CACHE = 8_192
"""Kilobytes of that file that stay in memory."""


class Known:
    """How often each key was met. A key is told by a 128-bit digest, as a record is by its id."""

    def __init__(self, at_hand: int | None = None) -> None:
        self._base: sqlite3.Connection | None = None
        self._at_hand = AT_HAND if at_hand is None else at_hand
        self._here: dict[bytes, int] = {}

    def __del__(self) -> None:
        """Let go of the file, if there is one."""
        if self._base is not None:
            self._base.close()

    def times(self, key: bytes) -> int:
        """How often the key was met so far."""
        if self._base is None:
            return self._here.get(key, 0)
        found = self._base.execute("SELECT n FROM known WHERE k = ?", (key,)).fetchone()
        return int(found[0]) if found else 0

    def meet(self, key: bytes) -> int:
        """Count the key, and say how often it was met before.

        Raises:
            SignalsError: When the disk has no room for the file.
        """
        if self._base is None:
            before = self._here.get(key, 0)
            if before or len(self._here) < self._at_hand:
                self._here[key] = before + 1
                return before
            self._base = _file(self._here)
            self._here = {}
        try:
            if self._base.execute("INSERT OR IGNORE INTO known VALUES (?, 1)", (key,)).rowcount:
                return 0
            before = self.times(key)
            self._base.execute("UPDATE known SET n = n + 1 WHERE k = ?", (key,))
        except sqlite3.OperationalError as error:
            raise _full(error) from None
        return before


def key_of(*parts: object) -> bytes:
    """The key of some parts; of the id of a record, see ``bytes.fromhex``."""
    return bytes.fromhex(record_id(*parts))


def _file(keys: dict[bytes, int]) -> sqlite3.Connection:
    # Without a name SQLite makes a temporary file that nobody else sees and that is gone in any case. Pulls may end a
    # read from another thread than began it.
    base = sqlite3.connect("", isolation_level=None, check_same_thread=False)
    try:
        for setting in ("journal_mode = OFF", "synchronous = OFF", f"cache_size = -{CACHE}"):
            base.execute(f"PRAGMA {setting}")
        base.execute("CREATE TABLE known (k BLOB PRIMARY KEY, n INT) WITHOUT ROWID")
        base.execute("BEGIN")
        base.executemany("INSERT INTO known VALUES (?, ?)", sorted(keys.items()))
    except sqlite3.OperationalError as error:
        base.close()
        raise _full(error) from None
    return base


def _full(error: sqlite3.OperationalError) -> SignalsError:
    return SignalsError(f"the temporary folder cannot hold what was read: {error}", "Make room, or set SQLITE_TMPDIR")
