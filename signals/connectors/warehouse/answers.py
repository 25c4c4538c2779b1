"""What a warehouse says of a source. Sources that differ in their outcome only are answered by one query for all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from signals.connectors.batch import current
from signals.connectors.env import resolved
from signals.connectors.paths import as_it_is
from signals.connectors.warehouse.aggregates import of_outcome
from signals.connectors.warehouse.definition import Definition, definition_of
from signals.model import Project, SignalsError, Source, digest

if TYPE_CHECKING:
    from signals.connectors.warehouse.engines import Engine
    from signals.connectors.warehouse.exposures import Fault
    from signals.connectors.warehouse.query import Days, Query

MAX_VARIANTS = 1000
MOST = 12
"""Outcomes of one query."""


@dataclass(frozen=True)
class Answer:
    """The rows of the grouped query, what they mean, and rows of the exposures that were left out before it.

    There is no query when no row has a variant.
    """

    rows: Sequence[Mapping[str, Any]]
    query: Query | None
    faulty: tuple[tuple[str, str | None, int], ...]  # why, variant, rows

    def of_outcome(self, place: int) -> Answer:
        """The answer to the outcome of that place."""
        query = self.query.of_outcome(place) if self.query is not None else None
        return replace(self, rows=[of_outcome(row, place) for row in self.rows], query=query)


def answer(source: Source, written: Source, project: Project) -> Answer:
    """The answer to one source: of a query of its own, or of one that answers other sources of the pull as well.

    Args:
        source: With its variables filled in.
        written: As it stands in sources.yaml.
        project: Releases say which variants are compared.

    Raises:
        SignalsError: For whatever keeps the source from being read.
    """
    batch = current()
    group = _alike(source, batch.sources, project) if batch is not None else []
    if batch is not None and len(group) > 1:
        # Whatever keeps them from being read together, each says by itself what is wrong with it.
        make = partial(_together, group, source, written, project)
        found: Answer | None = batch.answer(_key(source, project), source.name, make)
        if found is not None:
            return found
    with _opened(source, written, project) as engine:
        found = _asked(definition_of(source), source, project, engine)
    assert found is not None  # noqa: S101  (one outcome cannot lack what another has)
    return found


def _alike(source: Source, others: Sequence[Source], project: Project) -> list[Source]:
    """The sources that one query answers, this one among them, with their variables filled in; in the order given."""
    key, found = _key(source, project), []
    for other in others:
        if other.connector == source.connector:
            with suppress(SignalsError):  # it is told when that source is read
                filled = resolved(other, project)
                if _key(filled, project) == key:
                    found.append(filled)
    place = next((place for place, other in enumerate(found) if other.name == source.name), None)
    return [] if place is None else found[place // MOST * MOST :][:MOST]


def _key(source: Source, project: Project) -> str:
    """Hash of everything but the outcome: sources that agree in it can be measured together.

    What files there are, and how they are at this moment, is part of it: a file that changes between the looks of two
    sources is read for each.
    """
    options = source.options
    if "moments" in options or "reread" in options:
        return source.name
    files: list[Any] = []
    if "url" not in options:
        from signals.connectors.warehouse.engines import named_files

        try:
            files = [as_it_is(file.path) for some in named_files(source, project).values() for file in some]
        except OSError:  # gone a moment ago: reading it says so
            return source.name
    outcome = {name: value for name, value in options["outcome"].items() if name not in ("value", "per_unit")}
    same = {name: value for name, value in options.items() if name not in ("outcome", "metric")}
    about = {
        "options": same, "outcome": outcome, "map": source.map, "where": source.where, "values": source.values,
        "timezone": source.timezone, "asked": repr(definition_of(source).without_outcome), "files": files,
    }  # fmt: skip
    return digest(about)


def _together(group: Sequence[Source], source: Source, written: Source, project: Project) -> dict[str, Answer]:
    """The answers to all of a group, by the name of the source; none when they cannot be had by one query."""
    first, *others = [definition_of(one) for one in group]
    with suppress(SignalsError), _opened(source, written, project) as engine:
        found = _asked(first.with_outcomes(others), source, project, engine)
        if found is not None:
            return {one.name: found.of_outcome(place) for place, one in enumerate(group)}
    return {}


def _opened(source: Source, written: Source, project: Project) -> AbstractContextManager[Engine]:
    from signals.connectors.warehouse.engines import open_engine

    return open_engine(source, written, project)


def _asked(definition: Definition, source: Source, project: Project, engine: Engine) -> Answer | None:
    """The answer to a definition; None when rows lack one of several outcomes, so that the others count more rows."""
    from signals.connectors.warehouse import scans

    cutoff = None
    if definition.outcome.window is not None:
        cutoff = _cutoff(definition, engine, source.timezone)
    if not definition.rows_are_units or definition.cluster is not None:
        return _grouped(definition, source, project, engine, cutoff)
    build = partial(scans.direct, definition, engine.table, engine.dialect, source.timezone, cutoff)
    made = build(as_written=engine.dialect == "duckdb")
    engine.read_only()
    found = engine.verified_rows(made.table, made.units, made.ids, source.name)
    keys = ["bad", "v", "day", *(f"s{place}" for place in range(len(made.dimensions)))]
    if len({tuple(row.get(key) for key in keys) for row in found}) < len(found):
        made = build()
        found = engine.rows(made.table)
    _not_too_many({row["v"] for row in found if row["v"] is not None}, definition, source, engine)
    if _lacks_one_of_several(definition, made.faults, {row["bad"] for row in found}):
        return None
    rows = [{**row, "w": None, "rows": row["units"], "low_rows": 0} for row in found]
    return Answer(rows, made, ())


def _grouped(
    definition: Definition, source: Source, project: Project, engine: Engine, cutoff: datetime | None
) -> Answer | None:
    """The answer where rows are grouped by unit or cluster first: a look at what is there, then the query."""
    from signals.connectors.warehouse import coding, query, scans
    from signals.connectors.warehouse.kept import by_day

    zone, dialect = source.timezone, engine.dialect
    overview, faults = scans.counted(definition, engine.table, dialect, zone)
    counts = engine.rows(overview)
    own = definition.rows_are_units  # then the query itself says what is wrong with which row
    seen: Counter[str] = Counter()
    for row in counts:
        if row["v"] is not None and (own or row["bad"] == query.GOOD):
            seen[row["v"]] += int(row["rows"])
    _not_too_many(seen, definition, source, engine)
    if _lacks_one_of_several(definition, faults, {row["bad"] for row in counts}):
        return None
    bad = [row for row in counts if row["bad"] != query.GOOD]
    faulty = () if own and seen else tuple((faults[row["bad"] - 1].why, row["v"], int(row["rows"])) for row in bad)
    if not seen:
        return Answer((), None, faulty)
    variants = coding.Variants.of(seen, components(project))
    labels = None
    if dialect == "duckdb" and not own:
        dimensions = range(len(definition.segments))
        labels = coding.Labels.of(tuple(row[f"s{place}"] for place in dimensions) for row in counts)
    clean = not bad and dialect == "duckdb"  # a table that others write to may get a faulty row meanwhile

    def build(measured: bool, days: Days | None) -> Query:
        asked = definition if measured else replace(definition, measures=())
        return query.build(asked, engine.table, dialect, zone, variants, cutoff, days, labels, clean=clean)

    made = build(True, None)
    engine.read_only()
    names = variants.names

    def ask(what: Query) -> list[dict[str, Any]]:
        found = [{**row, "v": names.get(row["v"]), "w": names.get(row["w"])} for row in engine.rows(what.table)]
        return [{**row, **labels.named(row["code"])} for row in found] if labels else found

    if definition.one_row_per_unit:
        engine.verify_one_row_per_unit(made.units, made.ids, source.name)
    return Answer(by_day(source, project, build, ask) if "reread" in source.options else ask(made), made, faulty)


def _lacks_one_of_several(definition: Definition, faults: Sequence[Fault], codes: Collection[int]) -> bool:
    """Whether there are rows without a number of one outcome, where several are asked for."""
    several = len(definition.outcomes) > 1
    return several and any(code > 0 and faults[code - 1].place is not None for code in codes)


def _not_too_many(seen: Collection[str], definition: Definition, source: Source, engine: Engine) -> None:
    if len(seen) > MAX_VARIANTS:
        few = ", ".join(repr(name) for name in sorted(seen)[:3])
        what = f"source {source.name!r}: column {definition.variant!r} holds {len(seen):,} variants, such as {few}"
        raise SignalsError(what, "Name the column of the variant, or one experiment in `where:`", **engine.place)


def components(project: Project) -> list[list[str]]:
    """Variants that releases compare, put together where they share one: a chain of releases is one component."""
    found: list[set[str]] = []
    for release in project.releases:
        arms = set(release.variants)
        near = [one for one in found if one & arms]
        found = [one for one in found if not one & arms] + [arms.union(*near)]
    return sorted(sorted(one) for one in found)


def _cutoff(definition: Definition, engine: Engine, zone: str | None) -> datetime:
    """The day (UTC) from which on windows have not all ended: before it, every unit's outcome is there in full."""
    from signals.connectors.warehouse import scans
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
        for relation, at in sorted({scans.clock(definition, one) for one in measures}, key=str):
            found: Any = engine.rows(scans.newest(relation, at, engine.table, engine.dialect, zone))[0]["t"]
            loaded = min(found.replace(tzinfo=None) if found is not None else FIRST_TIME, loaded)
    return (loaded - timedelta(seconds=longest)).replace(hour=0, minute=0, second=0, microsecond=0)
