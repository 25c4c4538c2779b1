"""What a server has handed out so far, kept beside the store until the pull has ended: a pull that dies goes on.

One small SQLite file per source, named after the source and made for this user alone, in a folder beside the store.

- Each page is written together with where the next one begins, in one transaction. A pull that dies (killed, a server
  that goes away) leaves the file; the next pull of the same source asks for the rest only. A file older than
  ``KEEP_SECONDS``, or made for other keys of the source (another address, project or filter), is thrown away; so is one
  whose place the server no longer knows.
- When the last page has come the rows are read from the file, in the order of their time and id, each id once. Then
  the file is deleted, whatever came of the rows: the next pull asks for everything again and sees every edit.
- With ``reread: 3d`` the file stays, and the next pull asks only for rows that are newer than the newest row of the
  last complete pull minus three days. What it gets replaces what was kept: rows of that stretch that the server no
  longer has are gone too. **An edit of an older row is not seen** until ``signals pull --full``, which throws the file
  away.
- Two processes that pull the same source do not share the file: the second one keeps its pages to itself.

What is kept is what the server said. Keys of the source that only say how to read it (``map``, ``where``, ``values``)
may change without asking again. Secrets are not kept.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from signals.connectors.api import client
from signals.connectors.api.client import StatusError, named
from signals.connectors.api.paging import Page, Row
from signals.model import Project, SignalsError, Source, digest

FORM = 1
KEEP_SECONDS = 6 * 3600.0
FOLDER = ".pages"

SCHEMA = """
CREATE TABLE pull (form INTEGER, key TEXT, number INTEGER, started REAL, ended INTEGER);
CREATE TABLE listing (name TEXT PRIMARY KEY, following TEXT, ended INTEGER, through REAL);
CREATE TABLE row (kind TEXT, id TEXT, at REAL, number INTEGER, body TEXT, PRIMARY KEY (kind, id)) WITHOUT ROWID;
"""

Pages = Callable[[str | None, datetime | None], Iterator[Page]]
"""Pages from a place on (None: the first), of rows since a time (None: all)."""


class Spool:
    """The rows of one source as they come. Rows have a kind, because a connector may need several lists."""

    def __init__(self, connection: sqlite3.Connection, reread: float | None) -> None:
        self._db, self._reread = connection, reread

    def gather(self, kind: str, pages: Pages, name: Callable[[Row], Any], at: Callable[[Row], datetime | None]) -> None:
        """Fetch one list to its end, or the rest of it.

        Args:
            kind: What the rows are. The list is known by it, too.
            pages: How to fetch.
            name: The id of a row.
            at: Its time, by which the server can be asked for the newest ones.

        Raises:
            SignalsError: When the server does not give the list; what came until then is kept.
        """
        following, ended, through = self._listing(kind)
        if ended:
            return
        since = None if self._reread is None or through is None else through - self._reread
        begin = None if since is None else datetime.fromtimestamp(since, UTC)
        try:
            for page in pages(following, begin):
                self._keep(kind, page, name, at)
        except StatusError as error:
            if following is None or error.status not in (400, 404, 410, 422):
                raise
            with self._db:  # the server has forgotten where we stopped
                mine = "DELETE FROM row WHERE kind = ? AND number = (SELECT number FROM pull)"
                self._db.execute(mine, (kind,))
            for page in pages(None, begin):
                self._keep(kind, page, name, at)
        self._end(kind, since)

    def add(self, kind: str, name: str, row: Row, at: datetime | None = None) -> None:
        """Keep one row that was asked for by itself, or read from a file."""
        with self._db:
            self._put(kind, name, row, at)

    def rows(self, kind: str) -> Iterator[dict[str, Any]]:
        """All rows, by time and then id; without a time last."""
        found = self._db.execute("SELECT body FROM row WHERE kind = ? ORDER BY at IS NULL, at, id", (kind,))
        for (body,) in found:
            yield json.loads(body)

    def row(self, kind: str, name: str) -> dict[str, Any] | None:
        """One row, None when it is not there."""
        found = self._db.execute("SELECT body FROM row WHERE kind = ? AND id = ?", (kind, name)).fetchone()
        return json.loads(found[0]) if found else None

    def fresh(self, kind: str, name: str) -> bool:
        """Whether this pull has that row already."""
        mine = "SELECT 1 FROM row WHERE kind = ? AND id = ? AND number = (SELECT number FROM pull)"
        return self._db.execute(mine, (kind, name)).fetchone() is not None

    def count(self, kind: str) -> int:
        """How many rows of a kind there are."""
        return int(self._db.execute("SELECT count(*) FROM row WHERE kind = ?", (kind,)).fetchone()[0])

    def again(self, kind: str) -> None:
        """Let the next ``gather`` ask for the whole list, whatever was kept of it."""
        with self._db:
            self._db.execute("UPDATE listing SET following = NULL, ended = 0, through = NULL WHERE name = ?", (kind,))

    # --- how it is kept -------------------------------------------------------------------------------------------

    def begin(self, key: str) -> None:
        """Go on with a pull that died, or begin a new one."""
        now = client.CLOCK.now()
        with self._db:
            known = self._db.execute("SELECT form, key, number, started, ended FROM pull").fetchone()
            if known and known[:2] == (FORM, key):
                _, _, number, started, ended = known
                if not ended and 0 <= now - started <= KEEP_SECONDS:
                    return
                if self._reread is not None:
                    self._db.execute("UPDATE pull SET number = ?, started = ?, ended = 0", (number + 1, now))
                    self._db.execute("UPDATE listing SET following = NULL, ended = 0")
                    return
            for table in ("pull", "listing", "row"):
                self._db.execute(f"DELETE FROM {table}")  # noqa: S608  (our own names)
            self._db.execute("INSERT INTO pull VALUES (?, ?, 1, ?, 0)", (FORM, key, now))

    def end(self) -> None:
        """Note that every list has come to its end."""
        with self._db:
            self._db.execute("UPDATE pull SET ended = 1")
            self._db.execute("UPDATE listing SET through = (SELECT max(at) FROM row WHERE kind = listing.name)")

    def _listing(self, kind: str) -> tuple[str | None, bool, float | None]:
        found = self._db.execute("SELECT following, ended, through FROM listing WHERE name = ?", (kind,)).fetchone()
        return (found[0], bool(found[1]), found[2]) if found else (None, False, None)

    def _keep(self, kind: str, page: Page, name: Callable[[Row], Any], at: Callable[[Row], datetime | None]) -> None:
        with self._db:
            for row in page.rows:
                said = name(row) if isinstance(row, Mapping) else None
                if said in (None, ""):
                    raise SignalsError(f"the server's list of {kind}s holds a row without an id", "Check `url:`")
                self._put(kind, str(said), row, at(row))
            self._db.execute(
                "INSERT INTO listing VALUES (?, ?, 0, NULL) "
                "ON CONFLICT (name) DO UPDATE SET following = excluded.following",
                (kind, page.following),
            )

    def _put(self, kind: str, name: str, row: Row, at: datetime | None) -> None:
        self._db.execute(
            "INSERT OR REPLACE INTO row VALUES (?, ?, ?, (SELECT number FROM pull), ?)",
            (kind, name, at.timestamp() if at else None, json.dumps(row, ensure_ascii=True)),
        )

    def _end(self, kind: str, since: float | None) -> None:
        """What the server no longer has is gone; so is everything older when all was asked for."""
        old = "DELETE FROM row WHERE kind = ? AND number < (SELECT number FROM pull)"
        with self._db:
            if since is None:
                self._db.execute(old, (kind,))
            else:
                self._db.execute(f"{old} AND (at IS NULL OR at >= ?)", (kind, since))
            self._db.execute("UPDATE listing SET ended = 1, following = NULL WHERE name = ?", (kind,))


@contextmanager
def spooled(
    source: Source, project: Project, about: Mapping[str, Any], fetch: Callable[[Spool], None]
) -> Iterator[Spool]:
    """The rows of a source, fetched to the end.

    Args:
        source: With its variables filled in; its ``reread:`` is in seconds.
        project: Says where the store is.
        about: Everything that decides what the server hands out, without secrets.
        fetch: Fetches every list.

    Raises:
        SignalsError: What ``fetch`` raises. What came until then is kept.
    """
    reread = source.options.get("reread")
    path = spool_path(source, project)
    shared = _opened(path)
    connection = shared or _private()
    done = False
    try:
        spool = Spool(connection, reread)
        spool.begin(digest({"about": dict(about)}))
        try:
            fetch(spool)
        except StatusError:
            raise
        except SignalsError as error:
            raise named(error, source, project) from None
        spool.end()
        done = True
        yield spool
    except sqlite3.Error as error:
        what = f"source {source.name!r}: what the server hands out cannot be kept in {path}: {error}"
        raise SignalsError(what, "Free some space on the disk, or delete the file") from None
    finally:
        connection.close()
        if done and reread is None and shared is not None:
            _delete(path)


@contextmanager
def unspooled(fill: Callable[[Spool], None]) -> Iterator[Spool]:
    """The same over rows that were read from files: nothing is kept."""
    connection = _private()
    try:
        spool = Spool(connection, None)
        spool.begin("")
        fill(spool)
        spool.end()
        yield spool
    finally:
        connection.close()


def spool_path(source: Source, project: Project) -> Path:
    """Where the pages of a source are kept: beside a SQLite store, else in the project's folder."""
    scheme, mark, rest = project.store_url.partition(":///")
    home = Path(rest.partition("?")[0]) if mark and scheme.partition("+")[0] == "sqlite" and rest else None
    folder = home.with_name(home.name + FOLDER) if home is not None else project.root / FOLDER
    plain = re.sub(r"[^A-Za-z0-9_-]+", "-", source.name)[:60]
    return folder / f"{plain}-{digest(source.name).removeprefix('sha256:')[:8]}.db"


def forget(source: Source, project: Project) -> None:
    """Throw away what is kept of a source, so that the next pull asks for everything."""
    _delete(spool_path(source, project))


def _delete(path: Path) -> None:
    for end in ("", "-journal"):
        with suppress(OSError):
            path.with_name(path.name + end).unlink()


def _opened(path: Path) -> sqlite3.Connection | None:
    """The file, locked for this process; None when another one holds it or it cannot be made."""
    try:
        if not path.parent.is_dir():
            path.parent.mkdir(mode=0o700, parents=True)
            (path.parent / ".gitignore").write_text("*\n")
        path.touch(mode=0o600)
        try:
            return _locked(path)
        except sqlite3.OperationalError:  # held by another process, or on a disk that cannot be written
            return None
        except sqlite3.DatabaseError:  # damaged: what it held can be fetched again
            _delete(path)
            path.touch(mode=0o600)
            return _locked(path)
    except (OSError, sqlite3.Error):
        return None


def _locked(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=0)
    try:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("BEGIN IMMEDIATE")
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'pull'").fetchone():
            for statement in SCHEMA.split(";"):
                connection.execute(statement)
        connection.commit()
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _private() -> sqlite3.Connection:
    """A file that goes with its connection."""
    connection = sqlite3.connect("")
    connection.executescript(SCHEMA)
    return connection
