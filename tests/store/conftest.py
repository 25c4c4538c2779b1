"""The same tests on both engines: SQLite files and PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from signals.store import Store, open_store

_numbers = count()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def fresh_url(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], str]:
    """A function that gives the address of another empty store each time."""
    if request.param == "sqlite":
        return lambda: f"sqlite:///{tmp_path / f'store{next(_numbers)}.db'}"
    address = request.getfixturevalue("postgres_server")

    def create() -> str:
        import psycopg

        name = f"store{next(_numbers)}"
        # A schema each: as apart as databases are, and made and thrown away in no time.
        with psycopg.connect(f"{address}/postgres", autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA {name}")
        return f"{address}/postgres?options=-csearch_path%3D{name}"

    return create


@pytest.fixture
def url(fresh_url: Callable[[], str]) -> str:
    """Address of an empty store."""
    return fresh_url()


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """An open store."""
    with open_store(url) as opened:
        yield opened
