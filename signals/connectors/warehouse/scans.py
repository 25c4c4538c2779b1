"""Queries of one scan: what rows there are, how far a table goes, and the moments of rows that are units."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from signals.connectors.warehouse.aggregates import aggregates
from signals.connectors.warehouse.definition import Definition, Measure, Relation
from signals.connectors.warehouse.exposures import LAST_TIME, Exposures, Fault
from signals.connectors.warehouse.fields import column, utc
from signals.connectors.warehouse.query import GOOD, OPEN, Query

if TYPE_CHECKING:
    import ibis

    from signals.connectors.warehouse.exposures import Opened


def counted(
    definition: Definition, opened: Opened, dialect: str, zone: str | None
) -> tuple[ibis.Table, tuple[Fault, ...]]:
    """Rows of the exposures by fault ``bad``, variant ``v`` and (where it is of use) labels, and the faults' names."""
    rows, faults = Exposures(definition, opened, dialect, zone).rows()
    labels = [f"s{number}" for number in range(len(definition.segments))]
    numbered = dialect == "duckdb" and not definition.rows_are_units
    return rows.group_by(["bad", "v", *(labels if numbered else [])]).agg(rows=rows.count()), faults


def direct(
    definition: Definition,
    opened: Opened,
    dialect: str,
    zone: str | None,
    cutoff: datetime | None,
    *,
    as_written: bool = False,
) -> Query:
    """The query of rows that are units, and are in no clusters: one scan that tells faulty rows, too.

    See ``build``. With ``as_written`` texts are grouped before they are made labels, which DuckDB does much faster. Two
    that make one label (an empty one and none at all) then give two rows for it.
    """
    import ibis

    source = Exposures(definition, opened, dialect, zone)
    texts = as_written and source.all_texts()
    rows, faults = source.rows(as_written=texts)
    bad = rows.bad
    if cutoff is not None:
        waits = bad.isin([GOOD, *(number for number, fault in enumerate(faults, 1) if fault.excused)])
        still = waits & (rows.t >= ibis.literal(cutoff, type=rows.t.type()))
        bad = ibis.cases((still, OPEN), else_=bad).cast("int16")
    labels = [f"s{number}" for number in range(len(definition.segments))]
    keys = {"bad": bad, "v": rows.v, **{name: rows[name] for name in labels}}
    if definition.at is not None:
        keys["day"] = rows.t.date()
    numbers = [measure.column for measure in definition.measures]
    # DuckDB reads a column as it is faster, and infinity spoils only the sums of faulty rows; others stop at it.
    masked = () if dialect == "duckdb" else numbers
    kept = rows.mutate(**keys, **{name: (bad == GOOD).ifelse(rows[name], None) for name in masked})
    whole = source.whole()
    table = kept.group_by(list(keys)).agg(units=kept.count(), **aggregates(kept, numbers, whole, dialect))
    if texts:
        table = table.mutate(**source.named(table))
    ids = source.source.select(u=source.unit)
    return Query(table, rows, ids, faults, source.dimensions, whole, clustered=False, summed=False, lost=())


def clock(definition: Definition, measure: Measure) -> tuple[Relation, str]:
    """The table that a measure's rows are in, and its column of times; filters do not matter to how far it goes."""
    if measure.relation is None:
        return replace(definition.exposures, where=()), str(definition.at)
    return replace(measure.relation, where=()), measure.at


def newest(relation: Relation, at: str, opened: Opened, dialect: str, zone: str | None) -> ibis.Table:
    """One row: the last time in a table, whatever its rows are of: how far it is loaded."""
    found = opened(relation)
    time = utc(column(found, at, relation.label), at, zone, dialect)
    return found.select(t=time).filter(lambda row: row.t < LAST_TIME).agg(t=lambda row: row.t.max())
