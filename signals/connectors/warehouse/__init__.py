"""Exposures and outcomes where they are: a warehouse (or DuckDB over files) aggregates, and moments come back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from signals.connectors.api.spool import forget
from signals.connectors.base import Tally
from signals.connectors.entries import check_common, check_recoding
from signals.connectors.env import resolved
from signals.connectors.paths import files_fingerprint
from signals.connectors.shapes import check_map, metric_name
from signals.connectors.warehouse.definition import Definition, definition_of
from signals.model import INCOMPLETE, Problem, Project, Record, SignalsError, Source
from signals.strictyaml import Document, Loc

if TYPE_CHECKING:
    from signals.connectors.options import Entry
    from signals.connectors.warehouse.engines import Engine
    from signals.connectors.warehouse.query import Query

MAX_VARIANTS = 1000
SURELY_SOME = 1000
"""Of so many units at least one must have an outcome."""


class Warehouse:
    """A/B exposures and outcomes in a warehouse, a DuckDB file, or Parquet, CSV and JSON lines files."""

    name = "warehouse"
    shapes: tuple[str, ...] = ("outcome",)

    def entry(self) -> type[Entry]:
        """The model of its entry in sources.yaml."""
        from signals.connectors.options import WarehouseEntry

        return WarehouseEntry

    def check(self, source: Source, document: Document, loc: Loc) -> tuple[Problem, ...]:
        """What is wrong with the source's own keys."""
        from signals.connectors.warehouse.checking import problems

        found = check_common(source, document, loc) + problems(source, document, loc)
        found += check_map(document, loc, source.map, (), ("cluster",))
        found += check_recoding(source, document, loc, ("variant",))
        return tuple(found)

    def fingerprint(self, source: Source, project: Project) -> str | None:
        """Hash of the files' names and contents; None for a database, which only asking it would tell."""
        if "url" in source.options:
            return None
        from signals.connectors.warehouse.engines import named_files

        found = named_files(resolved(source, project), project)
        return files_fingerprint([file for files in found.values() for file in files])

    def forget(self, source: Source, project: Project) -> None:
        """Throw away what ``reread:`` keeps of earlier days."""
        forget(source, project)

    def read(self, source: Source, project: Project, tally: Tally) -> Iterator[Record]:
        """Every cell of the source.

        Raises:
            SignalsError: For whatever keeps the source from being read; secrets are masked.
        """
        from signals.connectors.warehouse.engines import open_engine

        filled = resolved(source, project)
        with open_engine(filled, source, project) as engine:
            if "moments" in filled.options:
                from signals.connectors.warehouse.given import given_cells

                yield from given_cells(filled, engine, tally)
            else:
                yield from _cells(filled, project, engine, tally)
        if not tally.rows_read and "moments" not in filled.options:
            what = f"source {source.name!r}: there are no exposures"
            remedy = "Check the table, and `where:`" if definition_of(filled).exposures.where else "Check the table"
            raise SignalsError(what, remedy, file=str(project.sources_path), line=source.line)
        if tally.rows_read and not tally.rows_kept and all(one.why == INCOMPLETE for one in tally.entries if one.rows):
            what = f"source {source.name!r}: no window has ended yet: all {tally.rows_read:,} rows are of later units"
            remedy = "Pull again when one has; or is the outcome's table older than its exposures? See `until:`"
            raise SignalsError(what, remedy, file=str(project.sources_path), line=source.line)
        tally.require_rows(source, str(project.sources_path))


def _cells(source: Source, project: Project, engine: Engine, tally: Tally) -> Iterator[Record]:
    from signals.connectors.warehouse import coding, moments, query
    from signals.connectors.warehouse.kept import by_day

    definition = definition_of(source)
    zone, dialect = source.timezone, engine.dialect
    overview, faults = query.counted(definition, engine.table, dialect, zone)
    counts = engine.rows(overview)
    own = definition.rows_are_units  # then the query itself says what is wrong with which row
    seen: Counter[str] = Counter()
    for row in counts:
        if row["v"] is not None and (own or row["bad"] == query.GOOD):
            seen[row["v"]] += int(row["rows"])
    _not_too_many(seen, definition, source, engine)
    faulty = [row for row in counts if row["bad"] != query.GOOD]
    for row in faulty if not (own and seen) else ():
        tally.rows_read += int(row["rows"])
        tally.set_aside(faults[row["bad"] - 1], row["v"], int(row["rows"]))
    if not seen:
        return
    cutoff = None
    if definition.outcome.window is not None:
        tally.looked_for(INCOMPLETE)
        cutoff = _cutoff(definition, engine, zone)
    variants = coding.Variants.of(seen, components(project))
    labels = None
    if dialect == "duckdb" and not own:
        dimensions = range(len(definition.segments))
        labels = coding.Labels.of(tuple(row[f"s{place}"] for place in dimensions) for row in counts)

    clean = not faulty and dialect == "duckdb"  # a table that others write to may get a faulty row meanwhile

    def build(measured: bool, days: query.Days | None) -> Query:
        asked = definition if measured else replace(definition, measures=())
        return query.build(asked, engine.table, dialect, zone, variants, cutoff, days, labels, clean=clean)

    made = build(True, None)
    engine.read_only()
    names = variants.names

    def ask(what: Query) -> list[dict[str, Any]]:
        every = {"bad": query.GOOD, "w": None, "low_rows": 0}
        found = [{**every, "rows": row["units"], **row} for row in engine.rows(what.table)]
        found = [{**row, "v": names.get(row["v"]), "w": names.get(row["w"])} for row in found]
        return [{**row, **labels.named(row["code"])} for row in found] if labels else found

    if definition.one_row_per_unit:
        engine.verify_one_row_per_unit(made.units, source.name)
    found = by_day(source, project, build, ask) if "reread" in source.options else ask(made)
    _not_all_nothing(found, definition, source, engine)
    yield from moments.cells(found, made, metric_name(source), tally, f"source {source.name!r}")


def _not_all_nothing(found: list[dict[str, Any]], definition: Definition, source: Source, engine: Engine) -> None:
    """Two tables that do not fit look like an experiment in which nothing ever happens."""
    relation = definition.outcome.relation
    good = [row for row in found if row["bad"] == 0]
    units = sum(int(row["units"]) for row in good)
    if relation is None or units < SURELY_SOME or any(row["least"] or row["most"] or row.get("lost_y") for row in good):
        return
    what = f"source {source.name!r}: of {units:,} units none has an outcome in {relation.label}"
    raise SignalsError(what, "Do both tables spell units alike? Check `where:`, `window:` and `value:`", **engine.place)


def _not_too_many(seen: Counter[str], definition: Definition, source: Source, engine: Engine) -> None:
    if len(seen) > MAX_VARIANTS:
        few = ", ".join(repr(name) for name, _ in seen.most_common(3))
        what = f"source {source.name!r}: column {definition.variant!r} holds {len(seen):,} variants, such as {few}"
        raise SignalsError(what, "Name the column of the variant, or one experiment in `where:`", **engine.place)


def components(project: Project) -> list[list[str]]:
    """Variants that releases compare, put together where they share one: a chain of releases is one component."""
    found: list[set[str]] = []
    for release in project.releases:
        arms = set(release.arms)
        near = [one for one in found if one & arms]
        found = [one for one in found if not one & arms] + [arms.union(*near)]
    return sorted(sorted(one) for one in found)


def _cutoff(definition: Definition, engine: Engine, zone: str | None) -> datetime:
    """The day (UTC) from which on windows have not all ended: before it, every unit's outcome is there in full."""
    from signals.connectors.warehouse import query
    from signals.connectors.warehouse.exposures import FIRST_TIME

    now = datetime.now(UTC).replace(tzinfo=None)
    # A denominator may look further ahead than the outcome, or have a table that lags behind: both must be there.
    measures = [one for one in definition.measures if one.before is None]
    longest = max(one.window for one in measures if one.window is not None)
    if definition.until is not None:
        loaded = datetime.fromisoformat(definition.until)
        loaded = loaded.astimezone(UTC).replace(tzinfo=None) if loaded.tzinfo else loaded
    else:
        loaded = now  # A clock that runs ahead must not call windows complete that still run.
        for relation, at in sorted({query.clock(definition, one) for one in measures}, key=str):
            found: Any = engine.rows(query.newest(relation, at, engine.table, engine.dialect, zone))[0]["t"]
            loaded = min(found.replace(tzinfo=None) if found is not None else FIRST_TIME, loaded)
    return (loaded - timedelta(seconds=longest)).replace(hour=0, minute=0, second=0, microsecond=0)
