"""A pull into the store: records are staged beside it, then merged in one short write transaction.

Whatever stops it (a bad file, a killed process) leaves the store as it was.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Table,
    and_,
    bindparam,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
)

from signals.model import Record, SetAside, Source
from signals.store.engine import Database, upsert
from signals.store.records import SHAPES, Shape
from signals.store.report import PulledMeanwhileError, PullReport, Tally
from signals.store.stage import Stage, staged
from signals.store.tables import TEXT, pull


@dataclass(frozen=True)
class _Counts:
    new: int = 0
    changed: int = 0
    removed: int = 0
    unchanged: int = 0

    def __add__(self, other: _Counts) -> _Counts:
        mine, theirs = self.__dict__, other.__dict__
        return _Counts(**{name: mine[name] + theirs[name] for name in mine})


def apply(
    database: Database,
    source: Source,
    fingerprint: str | None,
    definition: str,
    records: Iterable[Record],
    tally: Tally,
) -> PullReport:
    """Make the store hold exactly these records for this source. See ``Store.apply``."""
    started, clock = datetime.now(UTC), time.perf_counter()
    with database.read() as connection:
        before = last_success(connection, source.name)
    with (
        staged(database, source, records, tally) as (connection, stage, report),
        database.writing(connection, f"source {source.name}"),
    ):
        now = last_success(connection, source.name)
        if now and (before is None or now["id"] != before["id"]) and now["content"] != report["content"]:
            raise PulledMeanwhileError(source.name)
        counts = _merge(connection, stage, source.name)
        row = {
            "source": source.name, "signal": source.signal, "connector": source.connector,
            "status": _status(now, report, counts), "fingerprint": fingerprint,
            "definition": definition, "started": started, "seconds": time.perf_counter() - clock,
            "checked": started, **report, **counts.__dict__,
        }  # fmt: skip
        connection.execute(insert(pull), row)
    return report_of(row)


def compare(database: Database, source: Source, records: Iterable[Record], tally: Tally) -> PullReport:
    """What ``apply`` would do. See ``Store.compare``."""
    started, clock = datetime.now(UTC), time.perf_counter()
    with staged(database, source, records, tally) as (connection, stage, report), connection.begin():
        now = last_success(connection, source.name)
        counts = _Counts()
        for kind, shape in SHAPES.items():
            counts += _differences(connection, stage.tables.get(kind), shape, source.name)
    row = {
        "source": source.name, "signal": source.signal, "connector": source.connector,
        "status": _status(now, report, counts), "fingerprint": None, "definition": "", "started": started,
        "seconds": time.perf_counter() - clock, "checked": started, **report, **counts.__dict__,
    }  # fmt: skip
    return report_of(row)


def _status(last: dict[str, Any] | None, report: dict[str, Any], counts: _Counts) -> str:
    differs = counts.new or counts.changed or counts.removed
    return "unchanged" if last is not None and last["content"] == report["content"] and not differs else "changed"


def _merge(connection: Connection, stage: Stage, source: str) -> _Counts:
    """Insert what is new, update what differs, delete what is gone; rows that are the same are not touched."""
    whole = _Counts()
    on_sqlite = connection.dialect.name == "sqlite"
    for kind, shape in SHAPES.items():
        table, made = shape.table, stage.tables.get(kind)
        mine = table.c.source == source
        if made is None:
            whole += _Counts(removed=connection.execute(delete(table).where(mine)).rowcount)
            continue
        counts = _differences(connection, made, shape, source)
        whole += counts
        match, gone = _match(made, shape, source)
        if counts.removed:
            connection.execute(delete(table).where(gone))
        if not (counts.new or counts.changed):
            continue
        differs = made.c.digest != table.c.digest
        names = [*shape.columns, "digest"]
        wanted = (
            select(bindparam("source", source, type_=TEXT), *(made.c[name] for name in names))
            .select_from(made.outerjoin(table, and_(mine, match)))
            .where(or_(table.c.source.is_(None), differs))
        )
        put = upsert(table, sqlite=on_sqlite).from_select(["source", *names], wanted)
        rest = [name for name in names if name not in shape.keys]
        connection.execute(
            put.on_conflict_do_update(
                index_elements=["source", *shape.keys], set_={name: put.excluded[name] for name in rest}
            )
        )
    return whole


def _match(made: Table, shape: Shape, source: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """That a staged and a stored row are the same record, and that a stored row is not among the staged ones."""
    match = and_(*(made.c[key] == shape.table.c[key] for key in shape.keys))
    return match, and_(shape.table.c.source == source, ~exists().where(match).correlate(shape.table))


def _differences(connection: Connection, made: Table | None, shape: Shape, source: str) -> _Counts:
    """How the staged rows of one kind (None: there are none) differ from the stored ones. Takes no lock."""
    table = shape.table
    mine = table.c.source == source
    if made is None:
        stored = select(func.count()).select_from(table).where(mine)
        return _Counts(removed=connection.execute(stored).scalar_one())
    match, gone = _match(made, shape, source)
    joined = select(func.count()).select_from(made.join(table, and_(mine, match)))
    known = connection.execute(joined).scalar_one()
    edited = connection.execute(joined.where(made.c.digest != table.c.digest)).scalar_one()
    staged = connection.execute(select(func.count()).select_from(made)).scalar_one()
    removed = connection.execute(select(func.count()).select_from(table).where(gone)).scalar_one()
    return _Counts(staged - known, edited, removed, known - edited)


# --- the log of pulls -----------------------------------------------------------------------------------------------


def last_success(connection: Connection, source: str) -> dict[str, Any] | None:
    """The newest pull of a source that was stored."""
    found = connection.execute(
        select(pull).where(pull.c.source == source, pull.c.status != "failed").order_by(pull.c.id.desc()).limit(1)
    ).mappings()
    row = found.first()
    return dict(row) if row else None


def report_of(row: dict[str, Any]) -> PullReport:
    """The report of a row of ``pull``."""
    values = {name: value for name, value in row.items() if name not in ("id", "parts")}
    values["set_aside"] = tuple(SetAside(**entry) for entry in json.loads(row["set_aside"]))
    return PullReport(**values)
