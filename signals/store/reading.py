"""Evidence out of the store: one release's two arms, with a count of everything that was left out."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, and_, func, null, or_, select

from signals.model import (
    Evidence,
    FeedbackCell,
    ItemScore,
    MixShare,
    OutcomeCell,
    Preference,
    Rating,
    Release,
    SetAside,
    SourceNote,
    digest,
)
from signals.store.records import MAX_INT, SHAPES
from signals.store.tables import pull

NAMED = 5  # variants of other comparisons that are named; the rest are summed
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
        feedback=read(FeedbackCell),
        mix=read(MixShare),
        human=read(Rating, sorted(set(human_sources))) if human_sources else (),
        set_aside=(*_faults(pulls, release), *_elsewhere(connection, names, release, until)),
        sources=tuple(
            SourceNote(
                name=name,
                connector=row["connector"],
                pulled_at=row["started"],
                content=row["content"],
                rows_read=row["rows_read"],
                rows_kept=row["rows_kept"],
            )
            for name, row in pulls.items()
        ),
    )


def evidence_hash(
    connection: Connection, sources: Sequence[str], human_sources: Sequence[str], until: datetime | None
) -> str:
    """See ``Store.evidence_hash``."""
    parts: dict[str, Any] = {}
    for role, names in (("sources", sources), ("human", human_sources)):
        pulls = _contents(connection, sorted(set(names)))
        parts[role] = {name: pulls[name]["content"] if name in pulls else None for name in set(names)}
    everything = sorted({*sources, *human_sources})
    if until is not None and cuts(connection, everything, until):
        # Named by the last evidence that stays: any two moments between the same two records see the same.
        parts["until"] = _last_before(connection, everything, until)
    return digest(parts)


def cuts(connection: Connection, sources: Sequence[str], until: datetime) -> bool:
    """Whether the store holds evidence of these sources from after ``until``."""
    return any(row["last_at"] is not None and row["last_at"] > until for row in _contents(connection, sources).values())


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
    for row in pulls.values():
        for entry in json.loads(row["set_aside"]):
            if entry["variant"] is None or entry["variant"] in release.arms:
                rows[entry["why"], entry["variant"], entry["fault"]] += entry["rows"]
    return tuple(
        SetAside(count, why, variant, fault)
        for (why, variant, fault), count in sorted(rows.items(), key=lambda one: (-one[1], one[0][0], one[0][1] or ""))
    )


def _elsewhere(
    connection: Connection, sources: Sequence[str], release: Release, until: datetime | None
) -> tuple[SetAside, ...]:
    """Records of other comparisons, counted by variant: nothing is wrong with them."""
    variants: Counter[str] = Counter()
    pairs: Counter[tuple[str, str]] = Counter()
    for kind, shape in SHAPES.items():
        arms = _is_arms(shape.table, release)
        if arms is None or kind not in READ:
            continue
        by = [shape.table.c[name] for name in ("variant", "left", "right") if name in shape.table.c]
        # Cells are weighed here: the engines disagree on what a product or sum that is too large means.
        size = [shape.table.c.n, shape.table.c.d_mean] if shape.cells else [func.count(), null()]
        found = select(*size, *by).where(_of(shape.table, sources, until), ~arms)
        if not shape.cells:
            found = found.group_by(*by)
        for count, each, *names in connection.execute(found.execution_options(yield_per=YIELD)):
            if len(names) == 1:
                variants[names[0]] += _responses(count, each) if kind is FeedbackCell else count
            else:
                pairs[min(names), max(names)] += count
    alone = [(rows, f"variant {name} is neither arm", name) for name, rows in variants.items()]
    both = [(rows, f"variants {left} and {right} are not the two arms", None) for (left, right), rows in pairs.items()]
    ranked = sorted([*alone, *both], key=lambda one: (-one[0], one[1]))
    named = tuple(SetAside(rows, why, variant, fault=False) for rows, why, variant in ranked[:NAMED])
    rest = ranked[NAMED:]
    if not rest:
        return named
    what = "other variant is neither arm" if len(rest) == 1 else "other variants or pairs are not the arms"
    return (*named, SetAside(sum(rows for rows, *_ in rest), f"{len(rest)} {what}", fault=False))


def _responses(users: int, each: float | None) -> int:
    """Responses of a feedback cell: users times responses per user."""
    responses = users * (1.0 if each is None else each)
    return round(responses) if 0 <= responses < MAX_INT else users


READ = (ItemScore, Rating, Preference, OutcomeCell, FeedbackCell)


def _last_before(connection: Connection, sources: Sequence[str], until: datetime) -> str | None:
    """The newest evidence not after ``until``, as text; None when nothing is left."""
    found: list[datetime] = []
    for shape in SHAPES.values():
        table = shape.table
        column = table.c.day if "day" in table.c else table.c.at if "at" in table.c else None
        if column is None:
            continue
        last = connection.execute(select(func.max(column)).where(_of(table, sources, until))).scalar()
        if last:
            found.append(last if isinstance(last, datetime) else datetime.fromisoformat(last).replace(tzinfo=UTC))
    return max(found).isoformat() if found else None
