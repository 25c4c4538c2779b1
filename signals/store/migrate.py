"""Bring a store to the tables of this version: looked at first without a lock, changed under one.

Alembic is imported only when there is something to change: an up-to-date store opens in a few milliseconds.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, exc, text

from signals.model import SignalsError
from signals.store.engine import Database, use_write_ahead_log
from signals.store.tables import REVISIONS, VERSION_TABLE

MIGRATIONS = Path(__file__).parent / "migrations"


def bring_up_to_date(database: Database) -> None:
    """Migrate when needed. Of several processes that open a fresh store at once, one does and the others wait.

    Raises:
        SignalsError: When the store cannot be reached or written, or was written by a newer version.
    """
    with database.explained(), database.engine.connect() as connection:
        if database.sqlite:
            use_write_ahead_log(connection)
        with connection.begin():
            current = version(connection)
        if _is_current(current, database.label):
            return
        with database.writing(connection, "migrate"):
            # Somebody may have migrated while we waited for the lock.
            if not _is_current(version(connection), database.label):
                _upgrade(connection, database.label)


def version(connection: Connection) -> str | None:
    """The store's revision; None for an empty database."""
    if connection.dialect.name == "sqlite":
        found = connection.execute(text("SELECT 1 FROM sqlite_master WHERE name = :name"), {"name": VERSION_TABLE})
    else:
        found = connection.execute(text("SELECT 1 WHERE to_regclass(:name) IS NOT NULL"), {"name": VERSION_TABLE})
    if found.first() is None:
        return None
    row = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).first()  # noqa: S608 - a constant
    return str(row[0]) if row else None


def _is_current(current: str | None, label: str) -> bool:
    if current is not None and current not in REVISIONS:
        raise SignalsError(
            f"the store {label} was written by a newer version of signals (tables {current}, known here: "
            f"{REVISIONS[-1]})",
            "Upgrade signals, or name another store",
        )
    return current == REVISIONS[-1]


def _upgrade(connection: Connection, label: str) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    # Alembic joins the transaction that is already open, so its statements commit with ours or not at all.
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except (exc.OperationalError, exc.ProgrammingError) as error:
        if "already exists" not in str(error.orig):
            raise
        said = " ".join(str(error.orig).split())
        raise SignalsError(
            f"the store {label} already holds other tables: {said}", "Give signals a database or schema of its own"
        ) from None
