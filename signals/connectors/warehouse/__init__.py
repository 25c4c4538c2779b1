"""Exposures and outcomes where they are: a warehouse (or DuckDB over files) aggregates, and moments come back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
        filled = resolved(source, project)
        if "moments" in filled.options:
            from signals.connectors.warehouse.engines import open_engine
            from signals.connectors.warehouse.given import given_cells

            with open_engine(filled, source, project) as engine:
                yield from given_cells(filled, engine, tally)
        else:
            yield from _cells(filled, source, project, tally)
        if not tally.rows_read and "moments" not in filled.options:
            what = f"source {source.name!r}: there are no exposures"
            remedy = "Check the table, and `where:`" if definition_of(filled).exposures.where else "Check the table"
            raise SignalsError(what, remedy, file=str(project.sources_path), line=source.line)
        if tally.rows_read and not tally.rows_kept and all(one.why == INCOMPLETE for one in tally.entries if one.rows):
            what = f"source {source.name!r}: no window has ended yet: all {tally.rows_read:,} rows are of later units"
            remedy = "Pull again when one has; or is the outcome's table older than its exposures? See `until:`"
            raise SignalsError(what, remedy, file=str(project.sources_path), line=source.line)
        tally.require_rows(source, str(project.sources_path))


def _cells(source: Source, written: Source, project: Project, tally: Tally) -> Iterator[Record]:
    from signals.connectors.warehouse import moments
    from signals.connectors.warehouse.answers import answer

    found, definition = answer(source, written, project), definition_of(source)
    if definition.outcome.window is not None:
        tally.looked_for(INCOMPLETE)
    for why, variant, rows in found.faulty:
        tally.rows_read += rows
        tally.set_aside(why, variant, rows)
    _not_all_nothing(found.rows, definition, source, project)
    if found.query is not None:
        yield from moments.cells(found.rows, found.query, metric_name(source), tally, f"source {source.name!r}")


def _not_all_nothing(
    found: Sequence[Mapping[str, Any]], definition: Definition, source: Source, project: Project
) -> None:
    """Two tables that do not fit look like an experiment in which nothing ever happens."""
    relation = definition.outcome.relation
    good = [row for row in found if row["bad"] == 0]
    units = sum(int(row["units"]) for row in good)
    if relation is None or units < SURELY_SOME or any(row["least"] or row["most"] or row.get("lost_y") for row in good):
        return
    what = f"source {source.name!r}: of {units:,} units none has an outcome in {relation.label}"
    remedy = "Do both tables spell units alike? Check `where:`, `window:` and `value:`"
    raise SignalsError(what, remedy, file=str(project.sources_path), line=source.line)
