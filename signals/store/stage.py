"""Records in temporary tables of a connection, before they count: what they come to is known before anything is stored.

Staging goes in batches, so that memory stays flat, and reading a slow source holds no lock.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Index,
    Integer,
    MetaData,
    Table,
    delete,
    exists,
    func,
    insert,
    literal,
    null,
    select,
    text,
)

from signals.model import FeedbackCell, OutcomeCell, QuantileCell, Record, RoutedCell, SignalsError, Source, plain
from signals.store.engine import Database
from signals.store.records import MAX_INT, SHAPES, RefusedError, Shape
from signals.store.report import Tally
from signals.store.tables import TEXT

BATCH = 5_000
DUPLICATE = "record appears more than once; the first one counts"


@dataclass
class Stage:
    """Temporary tables, one per kind of record that turned up."""

    tables: dict[type[Any], Table] = field(default_factory=dict)
    meta: MetaData = field(default_factory=MetaData)
    rows: int = 0
    lost: int = 0  # rows that the store itself set aside

    def table(self, connection: Connection, kind: type[Any]) -> Table:
        if kind not in self.tables:
            shape = SHAPES[kind]
            columns = [Column(c.name, c.type, nullable=True) for c in shape.table.columns if c.name != "source"]
            number = BigInteger().with_variant(Integer(), "sqlite")
            name = f"staged_{shape.table.name}"
            made = Table(name, self.meta, Column("seq", number, primary_key=True, autoincrement=False), *columns,
                         prefixes=["TEMPORARY"])  # fmt: skip
            made.create(connection, checkfirst=False)
            self.tables[kind] = made
        return self.tables[kind]

    def drop(self, connection: Connection) -> None:
        for made in self.tables.values():
            # Named with care: without the schema a table of that name in the store itself could be meant.
            schema = "temp" if connection.dialect.name == "sqlite" else "pg_temp"
            connection.execute(text(f"DROP TABLE IF EXISTS {schema}.{made.name}"))


@contextmanager
def staged(
    database: Database, source: Source, records: Iterable[Record], tally: Tally
) -> Iterator[tuple[Connection, Stage, dict[str, Any]]]:
    """The records in temporary tables of a connection, and what they come to."""
    stage = Stage()
    with database.explained(), database.engine.connect() as connection:
        try:
            for kind, rows in _batches(records, tally, stage):
                with connection.begin():
                    made = stage.table(connection, kind)
                    connection.execute(
                        insert(made), [{"seq": stage.rows + number, **row} for number, row in enumerate(rows)]
                    )
                    stage.rows += len(rows)
            with connection.begin():
                report = _settle(connection, stage, source, tally)
            yield connection, stage, report
        finally:
            # After a failure the connection may be unusable; its temporary tables then went with it.
            if not connection.invalidated and stage.tables:
                connection.rollback()
                with connection.begin():
                    stage.drop(connection)


def _batches(records: Iterable[Record], tally: Tally, stage: Stage) -> Iterator[tuple[type[Any], list[dict[str, Any]]]]:
    """Rows by kind of record, at most ``BATCH`` at a time; records that cannot be stored are set aside."""
    stream = iter(records)
    while chunk := list(islice(stream, BATCH)):
        rows: dict[type[Any], list[dict[str, Any]]] = {}
        for record in chunk:
            shape = SHAPES[type(record)]
            try:
                rows.setdefault(type(record), []).append(shape.row(record))
            except RefusedError as refused:
                variant = getattr(record, "variant", None)
                rows_lost = _lost(record)
                tally.set_aside(f"record cannot be stored: {refused}", _printable(variant), rows_lost)
                stage.lost += rows_lost
        yield from ((kind, batch) for kind, batch in rows.items() if batch)


def _lost(record: Record) -> int:
    """How many units (of a cell) or rows a record stands for that no other one of its source does."""
    if isinstance(record, (QuantileCell, RoutedCell)):
        return 0
    if isinstance(record, OutcomeCell):
        return record.moments.n if record.members is None else record.members
    return record.moments.n if isinstance(record, FeedbackCell) else 1


def _printable(variant: str | None) -> str | None:
    """The variant's name, unless it is the very thing that cannot be stored."""
    if variant is None:
        return None
    return variant if variant.isprintable() else None


def _settle(connection: Connection, stage: Stage, source: Source, tally: Tally) -> dict[str, Any]:
    """Drop duplicates from the stage and sum it up: counts, first and last time, content hash. Takes no lock."""
    hasher = hashlib.sha256()
    times: list[datetime] = []
    parts: dict[tuple[str, ...], _Part] = {}
    records = 0
    for kind, made in sorted(stage.tables.items(), key=lambda entry: entry[1].name):
        shape = SHAPES[kind]
        Index(f"{made.name}_key", *(made.c[key] for key in shape.keys)).create(connection)
        if connection.dialect.name == "postgresql":
            connection.execute(text(f"ANALYZE {made.name}"))
        stage.lost += _drop_duplicates(connection, made, shape, source, tally)
        times += _span(connection, made)
        hasher.update(shape.table.name.encode())
        for row_digest, key, rows, at in _summaries(connection, made, shape):
            hasher.update(row_digest)
            parts.setdefault(key, _Part()).add(shape.table.name, row_digest, rows, at)
            records += 1
    entries = sorted(tally.entries, key=lambda entry: (entry.variant or "", entry.why, entry.rows, entry.fault))
    # What was set aside and how much was read are evidence too: checks and notes show them.
    set_aside = json.dumps(plain(entries), ensure_ascii=True)
    hasher.update(f"{set_aside} {tally.rows_read} {tally.rows_kept}".encode())
    return {
        "content": f"sha256:{hasher.hexdigest()}",
        "rows_read": tally.rows_read,
        "rows_kept": max(0, tally.rows_kept - stage.lost),
        "records": records,
        "set_aside": set_aside,
        "parts": json.dumps([parts[key].plain(key) for key in sorted(parts)], ensure_ascii=True),
        "first_at": min(times, default=None),
        "last_at": max(times, default=None),
        "error": None,
    }


class _Part:
    """What the records of one variant (or pair of variants, or of none) come to."""

    def __init__(self) -> None:
        self.hasher, self.rows, self.last = hashlib.sha256(), 0, ""

    def add(self, table: str, row_digest: bytes, rows: int, at: str) -> None:
        self.hasher.update(table.encode())
        self.hasher.update(row_digest)
        self.rows += rows
        self.last = max(self.last, at)

    def plain(self, key: tuple[str, ...]) -> dict[str, Any]:
        return {"key": key, "content": self.hasher.hexdigest(), "rows": self.rows, "last": self.last}


def _summaries(connection: Connection, made: Table, shape: Shape) -> Iterator[tuple[bytes, tuple[str, ...], int, str]]:
    """Per staged row, by digest: digest, variant or pair, units that it stands for, time or day ('' without)."""
    about = [made.c[name] for name in ("variant", "left", "right") if name in made.c]
    when = made.c.day if "day" in made.c else made.c.at if "at" in made.c else literal("", TEXT)
    size: list[ColumnElement[Any]] = [literal(0 if shape.again else 1), null()]
    if shape.cells and not shape.again:
        units = func.coalesce(made.c.members, made.c.n) if "members" in made.c else made.c.n
        size = [units, made.c.d_mean if "impressions" in made.c else null()]
    found = select(made.c.digest, when, *size, *about).order_by(made.c.digest).execution_options(yield_per=BATCH)
    for row_digest, at, count, each, *names in connection.execute(found):
        moment = at.astimezone(UTC).isoformat() if isinstance(at, datetime) else at or ""
        # A record without a variant (a vector that names its window only) is about every release.
        yield row_digest, tuple(sorted(name for name in names if name)), _units(count, each), moment


def _units(units: int, each: float | None) -> int:
    """Units of a record; of a feedback cell its responses: users times responses per user."""
    responses = units * (1.0 if each is None else each)
    return round(responses) if 0 <= responses < MAX_INT else units


def _drop_duplicates(connection: Connection, made: Table, shape: Shape, source: Source, tally: Tally) -> int:
    earlier = made.alias("earlier")
    repeated = exists().where(earlier.c.seq < made.c.seq, *(earlier.c[key] == made.c[key] for key in shape.keys))
    if shape.cells:
        first = connection.execute(select(*(made.c[key] for key in shape.keys)).where(repeated).limit(1)).first()
        if first is not None:
            raise SignalsError(
                f"source {source.name!r} gives the cell {' / '.join(str(part) for part in first if part)} twice",
                "Group the rows so that each variant, segment and day comes once",
            )
        return 0
    variant = made.c.variant if "variant" in made.c else literal(None, TEXT)
    counted = select(variant, func.count()).where(repeated).group_by(variant)
    found = connection.execute(counted).all()
    for name, rows in found:
        tally.set_aside(DUPLICATE, name, rows)
    if found:
        connection.execute(delete(made).where(repeated))
    return sum(rows for _, rows in found)


def _span(connection: Connection, made: Table) -> list[datetime]:
    """First and last time of the staged rows; a cell counts as midnight UTC of its day."""
    if "day" in made.c:
        days = connection.execute(select(func.min(made.c.day), func.max(made.c.day)).where(made.c.day != "")).one()
        return [datetime.fromisoformat(day).replace(tzinfo=UTC) for day in days if day]
    if "at" in made.c:
        return [at for at in connection.execute(select(func.min(made.c.at), func.max(made.c.at))).one() if at]
    return []
