"""Opening a store: migrations, several processes at once, and everything that can be wrong with an address."""

from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import inspect, text
from store_kit import ROOT, child, count_rows, finish, put, scores

from signals.model import SignalsError
from signals.store import Store, StoreError, open_store
from signals.store.engine import Database
from signals.store.migrate import MIGRATIONS
from signals.store.tables import REVISIONS, VERSION_TABLE, metadata


def fails(url: str, *words: str) -> str:
    """The one line that opening gives."""
    with pytest.raises(SignalsError) as caught:
        open_store(url)
    line = str(caught.value)
    assert "\n" not in line
    for word in words:
        assert word in line
    return line


def test_migrations_make_exactly_the_tables_that_queries_use(store: Store) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with store.database.read() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE, "compare_type": True})
        assert compare_metadata(context, metadata) == []
        keys = inspect(connection)
        for table in metadata.tables.values():
            primary = keys.get_pk_constraint(table.name)["constrained_columns"]
            assert primary == [column.name for column in table.primary_key]


def test_known_revisions_are_those_of_the_scripts() -> None:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    scripts = ScriptDirectory.from_config(config)
    assert [script.revision for script in scripts.walk_revisions()][::-1] == list(REVISIONS)
    assert scripts.get_current_head() == REVISIONS[-1]


def test_an_up_to_date_store_opens_without_alembic_pydantic_or_numbers(url: str) -> None:
    with open_store(url) as store:
        put(store, scores(4))
    code = (
        "import sys; from signals.store import open_store; s = open_store(sys.argv[1]); s.last_pull('golden');"
        "from signals.model import Release; from datetime import date;"
        "r = Release('r', 'prompt', 'a', 'b', date(2026, 1, 1)); s.evidence_hash(r, ['golden']);"
        "s.estimate('r', 's', 'e', 'd');"
        "print(sorted({'alembic', 'pydantic', 'pandas', 'numpy', 'sqlalchemy.orm'} & set(sys.modules)))"
    )
    assert finish(child(code, url)).strip() == "[]"


def test_processes_that_open_a_fresh_store_at_once_migrate_it_once(url: str) -> None:
    code = (
        "import sys; from store_kit import *; from signals.store import open_store\n"
        "print('ready', flush=True); sys.stdin.readline()\n"
        "put(open_store(sys.argv[1]), scores(6), Source('source' + sys.argv[2], 'judge', 'table', {}))"
    )
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{Path(__file__).parent}"}
    children = [
        subprocess.Popen(
            [sys.executable, "-c", code, url, str(number)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, env=environment,
        )
        for number in range(5)
    ]  # fmt: skip
    for process in children:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in children:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in children:
        finish(process)
    with open_store(url) as store:
        assert count_rows(store) == 30


def test_a_migration_that_fails_leaves_nothing_behind(url: str) -> None:
    database = Database(url)
    with database.engine.connect() as connection, connection.begin():
        connection.execute(text("CREATE TABLE audit (mine INTEGER)"))
    fails(url, "already holds other tables", "audit", "of its own")
    with database.read() as connection:
        assert inspect(connection).get_table_names() == ["audit"]
    database.engine.dispose()


def test_a_newer_store_is_left_alone(url: str) -> None:
    with open_store(url) as store, store.database.write("test") as connection:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '0999'"))
    fails(url, "newer version of signals", "0999", "Upgrade signals")


def test_a_file_that_is_not_a_database(tmp_path: Path) -> None:
    path = tmp_path / "notes.db"
    path.write_text("dear diary " * 500)
    fails(f"sqlite:///{path}", str(path), "not a SQLite database")
    assert path.read_text() == "dear diary " * 500


def test_a_damaged_file(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    with open_store(f"sqlite:///{path}") as store:
        put(store, scores(50))
    raw = bytearray(path.read_bytes())
    raw[100:] = b"\xff" * (len(raw) - 100)
    path.write_bytes(raw)
    fails(f"sqlite:///{path}", str(path), "damaged", "backup")


def test_a_folder_in_place_of_the_file(tmp_path: Path) -> None:
    fails(f"sqlite:///{tmp_path}", "is a folder")


def test_a_file_in_place_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    fails(f"sqlite:///{tmp_path}/data/store.db", "cannot be")


def test_a_folder_that_may_not_be_written(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        # Root may write anywhere but there.
        fails("sqlite:////proc/signals/store.db", "/proc/signals", "cannot be made")
        return
    tmp_path.chmod(0o500)
    fails(f"sqlite:///{tmp_path}/store.db", "cannot be opened", "may write")


def test_missing_folders_are_made_and_relative_paths_start_at_the_base(tmp_path: Path) -> None:
    open_store("sqlite:///data/deep/store.db", tmp_path).close()
    path = tmp_path / "data" / "deep" / "store.db"
    with sqlite3.connect(path) as raw:
        assert raw.execute("PRAGMA journal_mode").fetchone() == ("wal",)


@pytest.mark.parametrize(
    "url, word",
    [
        ("data/signals.db", "not a database URL"),
        ("mysql://root@localhost/x", "'mysql'"),
        ("sqlite://", "memory"),
        ("sqlite:///:memory:", "memory"),
        ("sqlite:///file:x?uri=true", "no options"),
        ("postgresql://host:port/x", "not a database URL"),
    ],
)
def test_addresses_that_cannot_be_a_store(url: str, word: str) -> None:
    fails(url, word)


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_a_server_that_is_not_there_and_a_password_that_stays_secret(scheme: str) -> None:
    pytest.importorskip("psycopg")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))  # bound and not listening: refused at once
        port = probe.getsockname()[1]
        line = fails(f"{scheme}://me:s3cret@127.0.0.1:{port}/signals", "cannot be reached", f"127.0.0.1:{port}/signals")
    assert "s3cret" not in line


@pytest.mark.postgres
def test_a_database_that_does_not_exist(postgres_server: str) -> None:
    fails(f"{postgres_server}/nowhere", "cannot be reached", '"nowhere" does not exist')


@pytest.mark.postgres
def test_a_user_without_rights(postgres_server: str) -> None:
    import psycopg

    with psycopg.connect(f"{postgres_server}/postgres", autocommit=True) as connection:
        connection.execute("CREATE DATABASE closed")
        connection.execute("CREATE USER guest")
    fails(postgres_server.replace("signals@", "guest@") + "/closed", "refuses", "permission denied")


def test_a_missing_driver_names_the_extra() -> None:
    code = (
        "import sys; sys.modules['psycopg'] = None\n"
        "from signals.store import open_store; from signals.model import SignalsError\n"
        "try: open_store('postgresql://localhost/x')\n"
        "except SignalsError as error: print(error)"
    )
    assert "pip install 'signals-verdict[postgres]'" in finish(child(code))


def test_a_store_that_somebody_keeps_locked_is_busy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("signals.store.engine.BUSY_SECONDS", 1)
    path = tmp_path / "store.db"
    with open_store(f"sqlite:///{path}") as store:
        put(store, scores(2))
        holder = sqlite3.connect(path, isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        try:
            with pytest.raises(StoreError, match="busy"):
                put(store, scores(3))
            assert store.last_pull("golden") is not None  # readers never wait
        finally:
            holder.close()
        assert put(store, scores(3)).new == 1
