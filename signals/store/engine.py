"""One engine for SQLite and PostgreSQL: how to connect, how to begin, and what a failure means to its reader.

SQLite: write-ahead log, so that readers never wait; a writer begins with ``BEGIN IMMEDIATE``, so that it waits for
another writer at the start instead of failing in the middle. PostgreSQL: readers see one snapshot
(``REPEATABLE READ``); writers of one thing (a source, the audit chain) queue on an advisory lock that ends with their
transaction.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, Connection, Engine, Table, create_engine, event, exc, make_url, text

from signals.model import SignalsError
from signals.store.report import StoreError

if TYPE_CHECKING:
    from sqlalchemy.dialects.sqlite import Insert

BUSY_SECONDS = 60
LOCK_CLASS = 0x5349474E  # first half of every advisory lock of ours


class Database:
    """An engine plus the words for it in messages (never with a password)."""

    def __init__(self, url: str, base: Path | None = None) -> None:
        parsed = _parse(url)
        self.sqlite = parsed.get_backend_name() == "sqlite"
        # Threads of one process take turns here: SQLite's own waiting gives up after ``BUSY_SECONDS``.
        self._turn = threading.RLock() if self.sqlite else nullcontext()
        self.engine: Engine
        if self.sqlite:
            path = Path(parsed.database or "")
            path = base / path if base is not None else path
            self.path: Path | None = path
            self.label = str(path)
            self.engine = _sqlite(parsed.set(database=str(path)), path)
        else:
            self.path = None
            self.label = f"postgresql://{parsed.host or 'local socket'}:{parsed.port or 5432}/{parsed.database or ''}"
            self.engine = _postgresql(parsed)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that sees one moment of the store and changes nothing."""
        with self.explained(), self.engine.connect() as connection:
            if not self.sqlite:
                connection = connection.execution_options(  # noqa: PLW2901 - the same connection, with options
                    isolation_level="REPEATABLE READ", postgresql_readonly=True
                )
            with connection.begin():
                yield connection

    @contextmanager
    def write(self, lock: str) -> Iterator[Connection]:
        """A transaction that holds ``lock`` from its first statement (SQLite has one lock for everything)."""
        with self.explained(), self.engine.connect() as connection, self.writing(connection, lock):
            yield connection

    @contextmanager
    def writing(self, connection: Connection, lock: str) -> Iterator[None]:
        """The same over a connection that is already open (it may hold temporary tables)."""
        connection.execution_options(write=True)
        try:
            with self._turn, connection.begin():
                if not self.sqlite:
                    lock_now(connection, lock)
                yield
        finally:
            connection.execution_options(write=False)

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Turn what the engine says when it is unreachable, full, locked or broken into one line with a remedy."""
        try:
            yield
        except exc.DBAPIError as error:
            explained = explain(error, self.label, sqlite=self.sqlite)
            if explained is None:
                raise
            raise explained from None


def lock_now(connection: Connection, name: str) -> None:
    """Wait for the advisory lock of this name; PostgreSQL lets it go when the transaction ends."""
    number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big", signed=True)
    connection.execute(text("SELECT pg_advisory_xact_lock(:class, :number)"), {"class": LOCK_CLASS, "number": number})


def _parse(url: str) -> URL:
    forms = "Write `store: sqlite:///data/signals.db` or `store: postgresql://user@host/database`"
    try:
        parsed = make_url(url)
        backend = parsed.drivername.split("+")[0]
    except (exc.ArgumentError, ValueError):
        # The text is not repeated: it may hold a password in a place that cannot be recognised.
        raise SignalsError("the store's address is not a database URL", forms) from None
    if backend == "postgres" or parsed.drivername == "postgresql":
        return parsed.set(drivername="postgresql+psycopg")
    if backend not in ("sqlite", "postgresql"):
        raise SignalsError(f"the store cannot be a {backend!r} database", forms)
    if backend == "sqlite" and parsed.query:
        raise SignalsError("a SQLite store takes no options", "Leave out everything from the `?` on")
    if backend == "sqlite" and (parsed.database or ":memory:") == ":memory:":
        raise SignalsError("a store in memory forgets everything when the command ends", forms)
    return parsed


def _sqlite(url: URL, path: Path) -> Engine:
    if path.is_dir():
        raise SignalsError(f"the store {path} is a folder", "Name a file in it: sqlite:///data/signals.db")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SignalsError(
            f"the store's folder {path.parent} cannot be made: {error.strerror}", "Choose another place for `store:`"
        ) from None
    try:
        engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS})
    except exc.ArgumentError as error:
        raise SignalsError(f"the store's address is not a SQLite URL: {str(error).splitlines()[0]}") from None

    @event.listens_for(engine, "connect")
    def connect(raw: Any, _record: Any) -> None:
        # Python's driver would begin transactions by itself, and not before CREATE TABLE; `begin` below does it.
        raw.isolation_level = None
        cursor = raw.cursor()
        for pragma in (f"busy_timeout={BUSY_SECONDS * 1000}", "foreign_keys=ON", "synchronous=NORMAL"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        write = connection.get_execution_options().get("write", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    return engine


def _postgresql(url: URL) -> Engine:
    waiting = {} if "connect_timeout" in url.query else {"connect_timeout": 10}
    try:
        return create_engine(url, pool_pre_ping=True, connect_args=waiting)
    except ImportError:
        raise SignalsError(
            "the store is a PostgreSQL database and its driver is not installed",
            "Run: pip install 'signals-verdict[postgres]'",
        ) from None
    except exc.ArgumentError as error:
        raise SignalsError(f"the store's address is not usable: {str(error).splitlines()[0]}") from None


def use_write_ahead_log(connection: Connection) -> None:
    """Switch a SQLite file to its write-ahead log, once for all; must not be inside a transaction.

    The switch needs the file alone and does not wait for it, so several processes opening a fresh store at once
    have to take turns by trying again. A file system that cannot do it keeps the old journal: as right,
    but slower.
    """
    raw = connection.connection.driver_connection
    assert raw is not None  # noqa: S101 - a checked-out connection has one
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            if raw.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
                raw.execute("PRAGMA journal_mode=WAL").fetchone()
        except connection.dialect.loaded_dbapi.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return


SQLITE_REASONS = (
    ("not a database", "is not a SQLite database", "Name another file in `store:`, or move this one away"),
    ("malformed", "is damaged", "Restore it from a backup, or move it away and pull again"),
    ("locked", f"is busy: another process has been writing for {BUSY_SECONDS} s", "Try again"),
    ("readonly", "cannot be written", "Check the rights of the file and its folder"),
    ("unable to open", "cannot be opened", "Check that the folder exists and that you may write to it"),
    ("full", "has no room: the disk is full", "Free some space and try again"),
    ("disk i/o", "cannot be read or written: disk error", "Check the disk, and that the file is on a local one"),
)


def explain(error: exc.DBAPIError, label: str, *, sqlite: bool) -> StoreError | None:
    """The one line for a failure that is not a mistake of ours; None when it may be one."""
    said = " ".join(str(error.orig).split())
    if sqlite:
        for sign, what, remedy in SQLITE_REASONS:
            if sign in said.lower():
                return StoreError(f"the store {label} {what}", remedy)
        return None
    state = getattr(error.orig, "sqlstate", None)
    if state == "42501" or "permission denied" in said:
        return StoreError(f"the store {label} refuses: {said}", "Ask for the right to create and write its tables")
    if error.connection_invalidated or isinstance(error, exc.OperationalError) or "connection option" in said:
        return StoreError(
            f"the store {label} cannot be reached: {said}", "Check that the server runs and that `store:` names it"
        )
    return None


def upsert(table: Table, *, sqlite: bool) -> Insert:
    """An INSERT that knows ON CONFLICT: both engines have it, each in a dialect that takes time to import."""
    if sqlite:
        from sqlalchemy.dialects.sqlite import insert
    else:
        from sqlalchemy.dialects.postgresql import insert  # type: ignore[assignment]  # the same methods
    return insert(table)
