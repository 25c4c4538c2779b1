"""Evidence out of the store: one release's two arms, with a count of everything that was left out."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, and_, func, or_, select

from signals.model import (
    Evidence,
    FeedbackCell,
    ItemScore,
    MixShare,
    OutcomeCell,
    Preference,
    QuantileCell,
    Rating,
    Release,
    SetAside,
    SourceNote,
    digest,
)
from signals.store.records import SHAPES
from signals.store.tables import pull

YIELD = 5_000


def evidence(
    connection: Connection,
    release: Release,
    sources: Sequence[str],
    human_sources: Sequence[str],
    until: datetime | None,
) -> Evidence:
    """See ``Store.evidence``."""
    names = sorted(set(sources))
    pulls = _contents(connection, names)

    def read(kind: type[Any], of: Sequence[str] = names) -> tuple[Any, ...]:
        shape = SHAPES[kind]
        wanted = _of(shape.table, of, until)
        arms = _is_arms(shape.table, release)
        found = (
            select(*(shape.table.c[name] for name in shape.columns))
            .where(wanted, *(() if arms is None else (arms,)))
            .order_by(*shape.table.primary_key.columns)
            .execution_options(yield_per=YIELD)
        )
        return tuple(shape.record(row) for row in connection.execute(found))

    return Evidence(
        release=release,
        scores=read(ItemScore),
        ratings=read(Rating),
        preferences=read(Preference),
        outcomes=read(OutcomeCell),
        quantiles=read(QuantileCell),
        feedback=read(FeedbackCell),
        mix=read(MixShare),
        human=read(Rating, sorted(set(human_sources))) if human_sources else (),
        set_aside=_faults(pulls, release),
        sources=tuple(
            SourceNote(
                name=name,
                connector=row["connector"],
                pulled_at=row["started"],
                content=row["content"],
                rows_read=row["rows_read"],
                rows_kept=row["rows_kept"],
                own_rows=_own_rows(row, release),
            )
            for name, row in pulls.items()
        ),
    )


def evidence_hash(
    connection: Connection,
    release: Release,
    sources: Sequence[str],
    human_sources: Sequence[str],
    until: datetime | None,
) -> str:
    """See ``Store.evidence_hash``."""
    hashed: dict[str, Any] = {}
    for role, names in (("sources", sources), ("human", human_sources)):
        pulls = _contents(connection, sorted(set(names)))
        hashed[role] = {name: _own_content(pulls[name], release) if name in pulls else None for name in set(names)}
    everything = sorted({*sources, *human_sources})
    if until is not None and cuts(connection, release, everything, until):
        # Named by the last evidence that stays: any two moments between the same two records see the same.
        hashed["until"] = _last_before(connection, release, everything, until)
    return digest(hashed)


def cuts(connection: Connection, release: Release, sources: Sequence[str], until: datetime) -> bool:
    """Whether the store holds evidence of the release from after ``until``."""
    return any(
        part["last"] and _moment(part["last"]) > until
        for row in _contents(connection, sources).values()
        for part in _own_parts(row, release)
    )


def elsewhere(connection: Connection, release: Release, sources: Sequence[str]) -> dict[tuple[str, ...], int]:
    """See ``Store.elsewhere``."""
    found: Counter[tuple[str, ...]] = Counter()
    for row in _contents(connection, sources).values():
        for part in json.loads(row["parts"]):
            if not _is_own(tuple(part["key"]), release):
                found[tuple(part["key"])] += part["rows"]
    return {key: rows for key, rows in found.items() if rows}


def _is_own(key: tuple[str, ...], release: Release) -> bool:
    """Whether records of this variant, or pair of variants, are about the release; what names no variant always is."""
    if len(key) == 2:
        return key == tuple(sorted(release.arms))
    return not key or key[0] in release.arms


def _own_parts(row: dict[str, Any], release: Release) -> list[dict[str, Any]]:
    return [part for part in json.loads(row["parts"]) if _is_own(tuple(part["key"]), release)]


def _own_rows(row: dict[str, Any], release: Release) -> int:
    """Of the rows that the pull kept, those about the release: in proportion, as a cell may hold many rows."""
    units = sum(part["rows"] for part in json.loads(row["parts"]))
    own = sum(part["rows"] for part in _own_parts(row, release))
    return round(row["rows_kept"] * own / units) if units else 0


def _own_content(row: dict[str, Any], release: Release) -> list[Any]:
    """What a reading of the release can see of a pull: its records, what was set aside of it, how much it is."""
    parts = [[part["key"], part["content"]] for part in _own_parts(row, release)]
    return [parts, _faults({"": row}, release), _own_rows(row, release)]


def _moment(text: str) -> datetime:
    """A time, or the start of a day (UTC)."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _contents(connection: Connection, sources: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Per source, the pull that brought what the store holds now."""
    newest = (
        select(func.max(pull.c.id))
        .where(pull.c.source.in_(sources), pull.c.status == "changed")
        .group_by(pull.c.source)
    )
    rows = connection.execute(select(pull).where(pull.c.id.in_(newest)).order_by(pull.c.source)).mappings()
    return {row["source"]: dict(row) for row in rows}


def _of(table: Table, sources: Sequence[str], until: datetime | None) -> ColumnElement[bool]:
    mine = table.c.source.in_(sources)
    if until is None:
        return mine
    if "day" in table.c:  # empty when the source has no times, which sorts first
        return and_(mine, table.c.day <= until.astimezone(UTC).date().isoformat())
    if "at" in table.c:
        return and_(mine, or_(table.c.at.is_(None), table.c.at <= until))
    return mine


def _is_arms(table: Table, release: Release) -> ColumnElement[bool] | None:
    """The condition that a row is about this release; None for what is about no variant."""
    if "left" in table.c:
        control, candidate = release.arms
        return or_(
            and_(table.c.left == control, table.c.right == candidate),
            and_(table.c.left == candidate, table.c.right == control),
        )
    return table.c.variant.in_(release.arms) if "variant" in table.c else None


def _faults(pulls: dict[str, dict[str, Any]], release: Release) -> tuple[SetAside, ...]:
    """What the pulls set aside, of the arms or of no variant in particular; same reasons are summed."""
    rows: Counter[tuple[str, str | None, bool]] = Counter()
    units: Counter[tuple[str, str | None, bool]] = Counter()
    whole: set[tuple[str, str | None, bool]] = set()  # the reasons that set whole units aside
    for row in pulls.values():
        for entry in json.loads(row["set_aside"]):
            if entry["variant"] is None or entry["variant"] in release.arms:
                key = entry["why"], entry["variant"], entry["fault"]
                rows[key] += entry["rows"]
                of = entry.get("units")  # absent from what earlier versions stored, whose rows were units
                whole |= set() if of is None else {key}
                units[key] += entry["rows"] if of is None else of
    return tuple(
        SetAside(count, why, variant, fault, units[why, variant, fault] if (why, variant, fault) in whole else None)
        for (why, variant, fault), count in sorted(rows.items(), key=lambda one: (-one[1], one[0][0], one[0][1] or ""))
    )


def _last_before(connection: Connection, release: Release, sources: Sequence[str], until: datetime) -> str | None:
    """The newest evidence not after ``until``, as text; None when nothing is left."""
    found: list[datetime] = []
    for shape in SHAPES.values():
        table = shape.table
        column = table.c.day if "day" in table.c else table.c.at if "at" in table.c else None
        if column is None:
            continue
        arms = _is_arms(table, release)
        mine = [_of(table, sources, until), *(() if arms is None else (arms,))]
        last = connection.execute(select(func.max(column)).where(*mine)).scalar()
        if last:
            found.append(last if isinstance(last, datetime) else _moment(last))
    return max(found).isoformat() if found else None
