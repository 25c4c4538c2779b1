"""The ``url:`` + ``query:`` input of the table connector: streamed through SQLAlchemy, read-only.

Rows go to a CSV file in the read's own scratch folder, so that a query and a file take the same path from there on.
"""

from __future__ import annotations

import csv
import re
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from signals.connectors.duck import attach
from signals.connectors.env import scrub, secrets
from signals.connectors.paths import input_files
from signals.model import Project, SignalsError, Source

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import URL, Engine

BATCH = 10_000
READS = re.compile(
    r"^\s*(?:--[^\n]*\n\s*|/\*.*?\*/\s*)*\(*\s*(?:select|with|values|table|from)\b", re.IGNORECASE | re.DOTALL
)


def query_to_csv(source: Source, written: Source, project: Project, target: Path) -> None:
    """Run the query and write its rows, header first.

    Args:
        source: With its variables filled in.
        written: As it stands in sources.yaml: says which texts are secret.
        project: Says where the folder of relative database files is.
        target: The CSV file to write.

    Raises:
        SignalsError: When the URL cannot be used, the database cannot be reached or the query fails. Secrets are
            masked.
    """
    try:
        _query_to_csv(source, project, target)
    except SignalsError as error:
        hidden = _hidden(source, written)
        raise SignalsError(tuple(replace(one, what=scrub(one.what, hidden)) for one in error.problems)) from None


def _query_to_csv(source: Source, project: Project, target: Path) -> None:
    query = str(source.options["query"]).strip().rstrip(";")
    place = {"file": str(project.sources_path), "line": source.line}
    if not READS.match(query):
        raise SignalsError(f"source {source.name!r}: `query:` must be a SELECT", "It may only read", **place)
    if str(source.options["url"]).startswith("duckdb:"):
        _from_duckdb(source, project, query, target)
        return
    with _errors(source, place):
        engine = _engine(source, project)
        try:
            _copy(engine, query, target)
        finally:
            engine.dispose()


def _hidden(source: Source, written: Source) -> tuple[str, ...]:
    """What may stand in no message: what variables gave to URL and query, and the password as the driver sees it."""
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        password = make_url(str(source.options["url"])).password
    except ArgumentError:
        password = None
    from_variables = secrets(written.options["url"], written.options["query"])
    return (*from_variables, *([str(password)] if password else []))


def _copy(engine: Engine, query: str, target: Path) -> None:
    postgres = engine.dialect.name == "postgresql"
    # A query may hold % and : of its own; it is sent as it is, and its rows come in batches.
    asis = {"stream_results": True, "yield_per": BATCH, "no_parameters": True}
    with engine.connect().execution_options(**({"postgresql_readonly": True} if postgres else {})) as connection:
        if postgres:
            # The server's zone decides which day a timestamp falls on inside the query.
            connection.exec_driver_sql("SET TIME ZONE 'UTC'")
        result = connection.exec_driver_sql(query, execution_options=asis)
        with target.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(result.keys())
            for batch in result.partitions(BATCH):
                writer.writerows([[_cell(value) for value in row] for row in batch])
        connection.rollback()


def _from_duckdb(source: Source, project: Project, query: str, target: Path) -> None:
    """A DuckDB file: opened by DuckDB itself, read-only, with no way out to other files."""
    import duckdb

    text = str(source.options["url"]).removeprefix("duckdb:").removeprefix("///")
    file = input_files(_at(source, text), project, key="database")[0]
    try:
        with attach(file.path) as connection:
            connection.execute("SET lock_configuration = true")
            result = connection.execute(query)
            with target.open("w", encoding="utf-8", newline="") as stream:
                writer = csv.writer(stream)
                writer.writerow([column[0] for column in result.description or ()])
                while batch := result.fetchmany(BATCH):
                    writer.writerows([[_cell(value) for value in row] for row in batch])
    except duckdb.Error as error:
        first = str(error).strip().splitlines()[0][:300]
        raise SignalsError(f"source {source.name!r}: {first}", "Check `query:` and the file", file=file.name) from None


def _engine(source: Source, project: Project) -> Engine:
    from sqlalchemy import create_engine, make_url
    from sqlalchemy.pool import NullPool

    url = make_url(str(source.options["url"]))
    if url.get_backend_name() == "sqlite":
        url = _readonly_sqlite(url, source, project)
    arguments: dict[str, Any] = {}
    if url.get_backend_name() == "postgresql" and "connect_timeout" not in url.query:
        arguments["connect_timeout"] = 10
    return create_engine(url, poolclass=NullPool, connect_args=arguments, hide_parameters=True)


def _readonly_sqlite(url: URL, source: Source, project: Project) -> URL:
    """SQLite would create a file that does not exist, and would write: ask for neither."""
    file = input_files(_at(source, url.database or ""), project, key="database")[0]
    return url.set(database=f"file:{quote(str(file.path))}", query={"mode": "ro", "uri": "true"})


def _at(source: Source, path: str) -> Source:
    return replace(source, options={**source.options, "database": path})


def _cell(value: Any) -> Any:
    """One value as CSV text that the table reader understands."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, (bytes, memoryview)):
        return bytes(value).hex()
    if isinstance(value, float):
        return repr(value)
    return value


@contextmanager
def _errors(source: Source, place: dict[str, Any]) -> Iterator[None]:
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError, OperationalError, SQLAlchemyError

    what = f"source {source.name!r}"
    try:
        yield
    except (NoSuchModuleError, ModuleNotFoundError) as error:
        driver = str(error).splitlines()[0]
        remedy = "Install the database's driver, such as signals-verdict[postgres]"
        raise SignalsError(f"{what}: {driver}", remedy, **place) from None
    except ArgumentError:
        remedy = "Write it as dialect://user:password@host/database"
        raise SignalsError(f"{what}: `url:` is not a database URL", remedy, **place) from None
    except OperationalError as error:
        first = str(error.orig).strip().splitlines()[0][:300]
        remedy = "Check the host, the credentials and that the database is up; or the table that the query names"
        raise SignalsError(f"{what}: the database cannot be read: {first}", remedy, **place) from None
    except SQLAlchemyError as error:
        cause = getattr(error, "orig", None) or error
        first = str(cause).strip().splitlines()[0][:300]
        raise SignalsError(f"{what}: the query failed: {first}", "Check `query:`", **place) from None
