"""The engines: connected through Ibis, told that days are UTC, and never asked to write.

``DuckDB`` reads files by default and is shut in like every other read of ours: it opens nothing but the source's files.
"""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from signals.connectors.cells import ZONED_NANOS
from signals.connectors.distinct import all_distinct
from signals.connectors.duck import attach, connect, identifier, literal, translated
from signals.connectors.env import scrub, secrets
from signals.connectors.paths import InputFile, input_files
from signals.connectors.sql import READS
from signals.connectors.warehouse.definition import Relation
from signals.model import Problem, Project, SignalsError, Source
from signals.strictyaml import suggest

if TYPE_CHECKING:
    import ibis

EXTRA = "Install signals-verdict[warehouse]"
FILES = {
    ".parquet": "read_parquet",
    ".csv": "read_csv",
    ".tsv": "read_csv",
    ".jsonl": "read_json",
    ".ndjson": "read_json",
}
SCHEMES = ("postgres", "snowflake", "bigquery", "databricks", "trino", "clickhouse", "pyspark")
SESSION = {
    "postgres": "SET TIME ZONE 'UTC'",
    "snowflake": "ALTER SESSION SET TIMEZONE = 'UTC'",
    "databricks": "SET TIME ZONE 'UTC'",
}
"""What a session is told so that a day is a UTC day; Ibis tells DuckDB and Spark, the others convert in the query."""

QUIET, ONE_AT_A_TIME = Lock(), Lock()
MAX_ROWS = 1_000_000


@dataclass(frozen=True)
class Engine:
    """An open warehouse. ``dialect`` is Ibis' name of it; ``files``: whether it is DuckDB over files."""

    backend: Any
    dialect: str
    place: dict[str, Any]
    opened: Callable[[Relation], ibis.Table]
    files: bool = False

    def table(self, relation: Relation) -> ibis.Table:
        """The relation, unfiltered.

        Raises:
            SignalsError: When there is none of that name, or the query is no SELECT.
        """
        if relation.query is not None and not READS.match(relation.query):
            raise SignalsError("`query:` must be a SELECT", "It may only read", **self.place)
        if relation.query is not None and self.dialect != "duckdb":
            _one_statement(relation.query, self.dialect, self.place)
        return self.opened(relation)

    def rows(self, expression: ibis.Table) -> list[dict[str, Any]]:
        """The rows of an expression: few, as everything is grouped first."""
        if self.dialect == "duckdb":  # it takes every core by itself: two at once would only take memory twice
            with ONE_AT_A_TIME:
                return _rows(expression)
        if self.dialect != "pyspark":
            return _rows(expression)
        # Spark warns of every pandas of today on every answer; Ibis makes no use of what it warns of. What is to be
        # ignored is set for all threads of the process: two that set it at once would undo each other.
        with QUIET, warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            warnings.simplefilter("ignore", UserWarning)
            return _rows(expression)

    def verified_rows(
        self, expression: ibis.Table, units: ibis.Table, ids: ibis.Table, source: str
    ) -> list[dict[str, Any]]:
        """The rows of an expression; see ``verify_one_row_per_unit``. Files are looked at for both at the same time.

        Raises:
            SignalsError: When units are on several rows.
        """
        if not self.files:
            self.verify_one_row_per_unit(units, ids, source)
            return self.rows(expression)
        with ThreadPoolExecutor(1) as beside:
            distinct = beside.submit(self._all_distinct, ids)
            found = self.rows(expression)
            if not distinct.result():
                self._count_units(units, source)
            return found

    def verify_one_row_per_unit(self, units: ibis.Table, ids: ibis.Table, source: str) -> None:
        """Refuse units that are on several rows.

        Args:
            units: Rows with the unit ``u`` and the code ``bad``.
            ids: The unit ``u`` of all rows.
            source: For the message.

        Raises:
            SignalsError: With one such unit.
        """
        if self.dialect != "duckdb" or not self._all_distinct(ids):
            self._count_units(units, source)

    def _count_units(self, units: ibis.Table, source: str) -> None:
        kept = units.filter(units.bad <= 0)
        counted = kept.agg(rows=kept.u.count(), units=kept.u.nunique())
        found = self.rows(counted)[0]
        if found["rows"] == found["units"]:
            return
        several = kept.group_by("u").agg(rows=kept.count()).filter(lambda row: row.rows > 1).order_by("u").limit(1)
        unit = self.rows(several)[0]["u"]
        twice = found["rows"] - found["units"]
        raise SignalsError(
            f"source {source!r}: `grain: unit` does not hold: unit {unit!r} is on several rows ({twice:,} too many)",
            "Is the table loaded twice? If not, leave `grain:` out and give the outcome a table of its own",
            **self.place,
        )

    def _all_distinct(self, ids: ibis.Table) -> bool:
        """A fast yes, where DuckDB reads the rows itself."""
        import ibis

        # Faulty rows too: to look for them would cost more, and a unit that is twice because of them is counted next.
        rows = ibis.to_sql(ids, dialect="duckdb")
        connection = self.backend.con.cursor() if self.files else self.backend.con
        return all_distinct(connection, str(rows))

    def read_only(self) -> None:
        """From here on the session can only read; before, Ibis makes a temporary view to learn a query's columns."""
        if self.dialect == "postgres":
            self.backend.raw_sql("SET default_transaction_read_only = on").close()


def _one_statement(query: str, dialect: str, place: dict[str, Any]) -> None:
    """Refuse a second statement: some drivers would run it, and only the first was looked at."""
    if ";" not in query.strip().rstrip(";"):
        return
    from sqlglot import exp, parse
    from sqlglot.errors import SqlglotError

    try:
        found = [
            one
            for one in parse(query, read={"pyspark": "spark"}.get(dialect, dialect))
            if one is not None and not isinstance(one, exp.Semicolon)
        ]
    except (SqlglotError, RecursionError):
        found = []
    if len(found) != 1:
        raise SignalsError("`query:` holds several statements", "Give one SELECT", **place)


def _rows(expression: ibis.Table) -> list[dict[str, Any]]:
    found = expression.limit(MAX_ROWS + 1).to_pyarrow()
    if found.num_rows > MAX_ROWS:
        what = f"the answer has more than {MAX_ROWS:,} rows, one for each variant, segment and day"
        raise SignalsError(what, "Do the columns of the variant and of the segments hold few values?")
    answer: list[dict[str, Any]] = found.to_pylist()
    return answer


@contextmanager
def open_engine(source: Source, written: Source, project: Project) -> Iterator[Engine]:
    """The engine of a source.

    Args:
        source: With its variables filled in.
        written: As it stands in sources.yaml: says which texts are secret.
        project: Says where files are.

    Raises:
        SignalsError: When Ibis is not installed, the engine cannot be reached, or whatever it says. Secrets are masked.
    """
    place = {"file": str(project.sources_path), "line": source.line}
    try:
        import ibis
    except ImportError:
        raise SignalsError(f"source {source.name!r}: reading a warehouse needs Ibis", EXTRA, **place) from None
    hidden = _hidden(str(written.options.get("url", "")), str(source.options.get("url", "")))
    with _translated(source, place, hidden):
        if "url" not in source.options:
            with _files(source, project, place) as engine:
                yield engine
        elif str(source.options["url"]).startswith("duckdb:"):
            with _duckdb(source, project, place) as engine:
                yield engine
        else:
            backend = ibis.connect(_url(source, place))
            try:
                if statement := SESSION.get(backend.name):
                    backend.raw_sql(statement)
                yield Engine(backend, backend.name, place, lambda relation: _relation(backend, relation, place))
            finally:
                if backend.name != "pyspark":  # a Spark session is the process's own: others may be in it
                    backend.disconnect()


def _url(source: Source, place: dict[str, Any]) -> str:
    """The address as Ibis spells it, which cannot be another kind of thing that Ibis would open, such as a file.

    Raises:
        SignalsError: When it is no address of a warehouse. Nothing of it is told: a part may be a password.
    """
    url = str(source.options["url"])
    scheme, mark, rest = url.partition("://")
    name = scheme.partition("+")[0].lower()  # SQLAlchemy writes dialect+driver
    name = "postgres" if name == "postgresql" else name
    if not mark or name not in SCHEMES:
        known = ", ".join(["duckdb://", "postgresql://", *(f"{one}://" for one in SCHEMES[1:])])
        raise SignalsError(f"source {source.name!r}: `url:` is no address of a warehouse", f"Known: {known}", **place)
    try:
        parts = urlsplit(f"{name}://{rest}")
        parts.port  # noqa: B018  (it raises when that is no number)
    except ValueError:
        what = f"source {source.name!r}: `url:` cannot be read"
        remedy = "In a password write / as %2F, ? as %3F, # as %23, @ as %40, : as %3A and % as %25"
        raise SignalsError(what, remedy, **place) from None
    user, at, host = parts.netloc.rpartition("@")
    # Ibis would take a plus for a space, as in a form.
    return f"{name}://{user.replace('+', '%2B')}{at}{host}{rest[len(parts.netloc) :]}"


def _hidden(written: str, url: str) -> tuple[str, ...]:
    """What no message may hold: what variables give to the address, and its password as written and as meant."""
    found = set(secrets(written))
    with suppress(ValueError):
        found.add(urlsplit(url).password or "")
    found |= {unquote(text) for text in found}
    return tuple(sorted(filter(None, found), key=len, reverse=True))


def named_files(source: Source, project: Project) -> dict[str, list[InputFile]]:
    """The files by what the parts of the source call them: paths and globs in place of tables.

    Raises:
        SignalsError: When nothing matches, or a file lies outside the folder.
    """
    parts = [part for part in source.options.values() if isinstance(part, Mapping)]
    patterns = sorted({str(part["table"]) for part in parts if part.get("table") is not None})
    return {pattern: input_files(_at(source, pattern), project, key="table") for pattern in patterns}


@contextmanager
def _files(source: Source, project: Project, place: dict[str, Any]) -> Iterator[Engine]:
    import ibis

    found = named_files(source, project)
    names = {str(file.path): file.name for files in found.values() for file in files}
    with tempfile.TemporaryDirectory(prefix="signals-") as folder, translated(names, f"source {source.name!r}"):
        connection = connect(Path(folder).resolve(), [Path(path) for path in names], lock=False)
        try:
            backend = ibis.duckdb.from_connection(connection)
            connection.execute("SET lock_configuration = true")
            for number, (pattern, files) in enumerate(found.items()):
                reader = _reader([str(file.path) for file in files], pattern, place)
                # The database is in memory and ours alone; a second connection to it must see the view, too.
                connection.execute(f"CREATE VIEW files{number} AS {_in_micros(connection, reader)}")
            views = {pattern: f"files{number}" for number, pattern in enumerate(found)}

            opened = partial(_view, backend, views)
            yield Engine(backend, "duckdb", place, opened, files=True)
        finally:
            connection.close()


def _view(backend: Any, views: Mapping[str, str], relation: Relation) -> ibis.Table:
    return backend.table(views[str(relation.table)])


def _reader(paths: list[str], pattern: str, place: dict[str, Any]) -> str:
    kinds = {Path(path.removesuffix(".gz")).suffix.lower() for path in paths}
    kind = next(iter(kinds))
    if len(kinds) > 1 or kind not in FILES:
        wrong = f"{pattern!r} names files of several kinds" if len(kinds) > 1 else f"{pattern!r} is no table"
        raise SignalsError(wrong, f"Name files of one of the kinds {', '.join(FILES)}", **place)
    # Every row is looked at before a type is taken for granted: an id that is a number in the first rows only would
    # stop the read half way.
    guess = "" if kind == ".parquet" else ", sample_size=-1"
    return f"{FILES[kind]}([{', '.join(literal(path) for path in paths)}]{guess})"


def _in_micros(connection: Any, reader: str) -> str:
    """SELECT of everything, times in nanoseconds (as pandas writes them) cut to microseconds: Ibis knows no others."""
    described = connection.execute(f"DESCRIBE SELECT * FROM {reader}").fetchall()  # noqa: S608  (quoted)
    nanos = [identifier(row[0]) for row in described if row[1] == ZONED_NANOS]
    cut = ", ".join(f"CAST(make_timestamp(epoch_ns({name}) // 1000) AS TIMESTAMPTZ) AS {name}" for name in nanos)
    return f"SELECT * {f'REPLACE ({cut})' if nanos else ''} FROM {reader}"  # noqa: S608  (quoted)


@contextmanager
def _duckdb(source: Source, project: Project, place: dict[str, Any]) -> Iterator[Engine]:
    """A DuckDB file, read-only, with no way out to other files."""
    import ibis

    text = str(source.options["url"]).removeprefix("duckdb:").removeprefix("///")
    file = input_files(_at(source, text), project, key="table")[0]
    with translated({str(file.path): file.name}, file.name):
        connection = attach(file.path)
        try:
            backend = ibis.duckdb.from_connection(connection)
            connection.execute("SET lock_configuration = true")
            made = count()

            def opened(relation: Relation) -> ibis.Table:
                if relation.query is None:
                    return _relation(backend, relation, place)
                # Ibis learns a query's columns by a call that DuckDB 2 no longer has: a view tells them too.
                name = f"query{next(made)}"
                if len(connection.extract_statements(relation.query)) != 1:
                    raise SignalsError("`query:` holds several statements", "Give one SELECT", **place)
                connection.execute(f"CREATE TEMP VIEW {name} AS {relation.query.strip().rstrip(';')}")
                return backend.table(name)

            yield Engine(backend, "duckdb", place, opened)
        finally:
            connection.close()


def _at(source: Source, path: str) -> Source:
    return replace(source, options={**source.options, "table": path})


def _relation(backend: Any, relation: Relation, place: dict[str, Any]) -> ibis.Table:
    """A table by its dotted name, as dbt and people write it, or a query."""
    from ibis.common.exceptions import TableNotFound

    if relation.table is None:
        return backend.sql(str(relation.query).strip().rstrip(";"))
    *home, name = relation.table.split(".")
    try:
        return backend.table(name, database=".".join(home) or None)
    except TableNotFound:
        if backend.name == "duckdb":  # Ibis lists tables by a call that DuckDB 2 no longer has
            listed = "SELECT table_schema || '.' || table_name FROM information_schema.tables"
            there = [row[0].removeprefix("main.") for row in backend.con.execute(listed).fetchall()]
        else:
            there = [".".join([*home, one]) for one in backend.list_tables(database=".".join(home) or None)]
        raise SignalsError(f"there is no table {relation.table!r}", suggest(relation.table, there), **place) from None


def _placed(problem: Problem, what: str, place: dict[str, Any], hidden: tuple[str, ...]) -> Problem:
    """The problem without secrets; one that names no file is at the source's entry."""
    told = scrub(problem.what, hidden)
    if problem.file not in ("", place["file"]):
        return replace(problem, what=told)
    return replace(problem, what=told if what in told else f"{what}: {told}", **place)


@contextmanager
def _translated(source: Source, place: dict[str, Any], hidden: tuple[str, ...]) -> Iterator[None]:
    """Whatever Ibis or a driver raises, in one line. What our own code or Python itself raises is a bug and stays."""
    what = f"source {source.name!r}"
    try:
        yield
    except SignalsError as error:
        raise SignalsError(tuple(_placed(one, what, place, hidden) for one in error.problems)) from None
    except ImportError as error:
        if (error.name or "").startswith("signals"):
            raise
        remedy = f"{EXTRA} and the database's own driver"
        raise SignalsError(f"{what}: {scrub(str(error).splitlines()[0], hidden)}", remedy, **place) from None
    except Exception as error:
        theirs = type(error).__module__.partition(".")[0]
        if theirs in ("builtins", "signals") and not isinstance(error, OSError):
            raise
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        first = scrub((lines or [type(error).__name__])[0][:300], hidden)
        remedy = "Check `url:`, the names of tables and columns, and that the database is up"
        raise SignalsError(f"{what}: {first}", remedy, **place) from None
