"""Evidence out of the store: one release's two arms, with a count of everything that was left out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Table,
    and_,
    bindparam,
    func,
    literal,
    or_,
    select,
    union_all,
)

from signals.model import (
    EmbeddingSample,
    Evidence,
    FeedbackCell,
    ItemScore,
    MixShare,
    OutcomeCell,
    Preference,
    QuantileCell,
    Rating,
    Release,
    RoutedCell,
    SourceNote,
    digest,
)
from signals.store.contents import Content, faults, moment
from signals.store.records import SHAPES
from signals.store.tables import pull

YIELD = 5_000

# Built once: a release is read for every signal, and thirty past releases beside it.
_SOURCES: BindParameter[Any] = bindparam("sources", expanding=True)
_SORTS = union_all(
    *(
        select(literal(kind.__name__)).where(select(literal(1)).where(shape.table.c.source.in_(_SOURCES)).exists())
        for kind, shape in SHAPES.items()
    )
)
"""Which sorts of records some sources hold."""


def evidence(
    connection: Connection,
    release: Release,
    sources: Sequence[str],
    human_sources: Sequence[str],
    until: datetime | None,
) -> Evidence:
    """See ``Store.evidence``."""
    names = sorted(set(sources))
    held = contents(connection, names)
    everything = sorted({*sources, *human_sources})
    # Most sources hold one sort of records, and building a question takes longer than having no answer.
    sorts = set(connection.execute(_SORTS, {"sources": everything}).scalars())

    def read(kind: type[Any], of: Sequence[str] = names) -> tuple[Any, ...]:
        shape = SHAPES[kind]
        if kind.__name__ not in sorts:
            return ()
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
        routed=read(RoutedCell),
        feedback=read(FeedbackCell),
        mix=read(MixShare),
        vectors=read(EmbeddingSample),
        human=read(Rating, sorted(set(human_sources))) if human_sources else (),
        set_aside=faults(held.values(), release),
        sources=tuple(
            SourceNote(
                name=name,
                connector=one.row["connector"],
                pulled_at=one.row["started"],
                content=one.row["content"],
                rows_read=one.row["rows_read"],
                rows_kept=one.row["rows_kept"],
                own_rows=one.own_rows(release),
                units=sum(part.rows for key, part in one.own_parts(release) if key),  # a traffic mix names no arm
            )
            for name, one in held.items()
        ),
    )


def evidence_hash(
    connection: Connection,
    held: Mapping[str, Content],
    release: Release,
    sources: Sequence[str],
    human_sources: Sequence[str],
    until: datetime | None,
) -> str:
    """See ``Store.evidence_hash``; ``held`` are the contents of at least these sources."""
    hashed: dict[str, Any] = {}
    for role, names in (("sources", sources), ("human", human_sources)):
        hashed[role] = {name: held[name].own(release) if name in held else None for name in set(names)}
    everything = sorted({*sources, *human_sources})
    if until is not None and cuts(held, release, everything, until):
        # Named by the last evidence that stays: any two moments between the same two records see the same.
        hashed["until"] = _last_before(connection, release, everything, until)
    return digest(hashed)


def cuts(held: Mapping[str, Content], release: Release, sources: Iterable[str], until: datetime) -> bool:
    """Whether the store holds evidence of the release from after ``until``."""
    lasts = (part.last for name in sources if name in held for _, part in held[name].own_parts(release))
    return any(last is not None and last > until for last in lasts)


def contents(connection: Connection, sources: Sequence[str]) -> dict[str, Content]:
    """Per source, in the order of names, what the pull brought that the store holds now."""
    newest = (
        select(func.max(pull.c.id))
        .where(pull.c.source.in_(sources), pull.c.status == "changed")
        .group_by(pull.c.source)
    )
    rows = connection.execute(select(pull).where(pull.c.id.in_(newest)).order_by(pull.c.source)).mappings()
    return {row["source"]: Content(dict(row)) for row in rows}


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
        return or_(
            *(
                and_(table.c.left == left, table.c.right == right)
                for control, candidate in release.pairs
                for left, right in ((control, candidate), (candidate, control))
            )
        )
    if "vector" in table.c:  # a vector may name its window only, and then a reading finds the two windows itself
        return table.c.variant.in_(("", *release.variants))
    return table.c.variant.in_(release.variants) if "variant" in table.c else None


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
            found.append(last if isinstance(last, datetime) else moment(last))
    return max(found).isoformat() if found else None
