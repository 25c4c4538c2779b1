"""The ``table`` connector: any file or query whose rows are one of the shapes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from signals.connectors.base import Tally
from signals.connectors.entries import check_common, check_recoding
from signals.connectors.env import resolved
from signals.connectors.paths import files_fingerprint, input_files
from signals.connectors.presets import check_preset, check_stages, preset_of
from signals.connectors.routes import check_routes
from signals.connectors.shapes import SHAPES, Shape, check_map, segment_dimensions
from signals.model import Problem, Project, Record, SignalsError, Source
from signals.strictyaml import Document, Loc, suggest

if TYPE_CHECKING:
    from signals.connectors.cells import Cells
    from signals.connectors.options import Entry

ONLY_FOR = {
    "grain": ("outcome",),
    "empty": ("outcome",),
    "scale": ("item_score", "rating", "outcome"),
    "metric": ("outcome", "outcome_counts"),
    "window": ("outcome", "outcome_counts"),
    "quantile": ("outcome",),
    "scorer": ("item_score",),
    "scorer_version": ("item_score",),
    "wide": ("item_score", "rating", "preference"),
    "shown": ("feedback",),
    "exposure": ("outcome",),
}

ABOUT_ONE = ("at", "error", "repeat", "attempt", "length", "content", "made", "leaked", "expected", "predicted")
"""Fields that the names of columns cannot spell."""
NEEDS = {"covariate_at": ("at", "covariate")}
"""Fields that say nothing without others."""


class Table:
    """CSV, TSV, JSON lines, Parquet and XLSX files, globs of them, or a database query."""

    name = "table"
    shapes: tuple[str, ...] = tuple(SHAPES)

    def entry(self) -> type[Entry]:
        """The model of its entry in sources.yaml."""
        from signals.connectors.options import TableEntry

        return TableEntry

    def check(self, source: Source, document: Document, loc: Loc) -> tuple[Problem, ...]:
        """What is wrong with the source's keys: shape, fields, input."""
        problems = check_common(source, document, loc) + self._check_input(source, document, loc)
        shape = SHAPES.get(str(source.options["shape"]))
        if shape is None:
            what = f"unknown shape {source.options['shape']!r}"
            return (*problems, document.problem((*loc, "shape"), what, suggest(str(source.options["shape"]), SHAPES)))
        for key, shapes in ONLY_FOR.items():
            if key in source.options and shape.name not in shapes:
                what = f"`{key}:` is not for shape {shape.name}"
                problems.append(document.problem((*loc, key), what, f"It is for {', '.join(shapes)}", key=True))
        problems += self._check_fields(source, shape, document, loc)
        return (*problems, *check_preset(source, document, loc), *check_stages(source, document, loc))

    @staticmethod
    def _check_input(source: Source, document: Document, loc: Loc) -> list[Problem]:
        given = [key for key in ("path", "url") if key in source.options]
        if len(given) != 1:
            what = "needs `path:` or `url:`" if not given else "has both `path:` and `url:`"
            return [document.problem(loc, f"source {source.name!r} {what}", "Give one of them", key=True)]
        if ("query" in source.options) != ("url" in source.options):
            what = f"source {source.name!r}: `url:` and `query:` go together"
            return [document.problem(loc, what, "Give both, or `path:`", key=True)]
        return [
            document.problem((*loc, key), f"`{key}:` is for files", "Leave it out", key=True)
            for key in ("sheet", "delimiter")
            if key in source.options and "url" in source.options
        ]

    @staticmethod
    def _check_fields(source: Source, shape: Shape, document: Document, loc: Loc) -> list[Problem]:
        wide = dict(source.options.get("wide") or {})
        problems: list[Problem] = []
        named = [field for field in shape.fields if field not in (shape.graded, *ABOUT_ONE)]
        if any(field not in named for field in wide):
            wrong = next(field for field in wide if field not in named)
            what = f"`wide:` cannot spread {wrong!r}"
            problems.append(document.problem((*loc, "wide"), what, suggest(wrong, named), key=True))
        elif len(wide) > 1 and len({frozenset(one) if isinstance(one, dict) else id(one) for one in wide.values()}) > 1:
            what = "`wide:` takes one field, or several that say the label of the same columns"
            remedy = "Write FIELD: {COLUMN: LABEL, …} for each, with the same columns"
            problems.append(document.problem((*loc, "wide"), what, remedy, key=True))
        problems += [
            document.problem((*loc, "wide", field), f"`wide:` names no column for {field}", "Name them", key=True)
            for field, columns in wide.items()
            if not columns
        ]
        given = {*wide, *([shape.graded] if wide and shape.graded else [])}
        for field in sorted(given & set(source.map)):
            what = f"map.{field} is given by `wide:` already"
            problems.append(document.problem((*loc, "map", field), what, "Leave it out of `map:`", key=True))
        required = tuple(field for field in shape.required if field not in given)
        problems += check_map(document, loc, source.map, required, shape.fields, segments=shape.segments)
        if shape.one_of and not any(all(name in source.map for name in names) for names in shape.one_of):
            either = ", or ".join(" and ".join(names) for names in shape.one_of)
            problems.append(document.problem((*loc, "map"), f"map: give {either}", key=True))
        problems += [
            document.problem(
                (*loc, "map", field), f"map.{field} needs map.{need} too", f"Add `{need}: COLUMN`", key=True
            )
            for field, needs in NEEDS.items()
            for need in needs
            if field in source.map and need not in source.map and field in shape.fields
        ]
        if "quantile" in source.options and shape.name == "outcome" and source.options.get("grain") != "unit":
            why = "rows of a unit would be summed, and a quantile of sums is another number"
            remedy = "Give one row per unit and add `grain: unit`, or aggregate in a query"
            problems.append(
                document.problem((*loc, "quantile"), f"`quantile:` needs `grain: unit`: {why}", remedy, key=True)
            )
        problems += check_routes(source, shape, document, loc)
        when = "day" if shape.name == "outcome_counts" else "at"
        if "window" in source.options and when in shape.fields and when not in source.map:
            what = f"`window:` needs map.{when}: without times nobody can know whose window has ended"
            problems.append(document.problem((*loc, "window"), what, f"Add `{when}: COLUMN` to `map:`", key=True))
        if shape.name == "traffic_mix" and not segment_dimensions(source.map):
            problems.append(
                document.problem((*loc, "map"), "map: no segment.NAME", "Add `segment.plan: COLUMN`", key=True)
            )
        return problems + check_recoding(source, document, loc, shape.fields)

    def fingerprint(self, source: Source, project: Project) -> str | None:
        """Hash of the files' names and contents; None for a query."""
        if "url" in source.options:
            return None
        return files_fingerprint(input_files(resolved(source, project), project))

    def read(self, source: Source, project: Project, tally: Tally) -> Iterator[Record]:
        """Every record of the source."""
        from signals.connectors.cells import Cells, used_columns
        from signals.connectors.enough import with_enough
        from signals.connectors.staging import staged
        from signals.connectors.tabular import open_rows

        filled = resolved(source, project)
        shape = SHAPES[str(filled.options["shape"])]
        # Counts are few and thumbs may need their order; outcomes are many and need neither order nor row numbers.
        numbered = bool(filled.options.get("once")) or (
            shape.name != "outcome"
            and (shape.name != "feedback" or ("response" in filled.map and "at" not in filled.map))
        )
        preset = preset_of(filled)
        sparse, otherwise = (preset.sparse, preset.otherwise) if preset else (False, None)
        columns = used_columns(filled)

        def records(little: bool) -> Iterator[Record]:
            with open_rows(
                filled, source, project, columns, numbered=numbered, sparse=sparse, otherwise=otherwise, little=little
            ) as rows:
                yield from _records(staged(Cells(filled, shape, rows), tally), project, tally)
                tally.require_rows(source, rows.names[0] if len(rows.names) == 1 else str(project.sources_path))

        yield from with_enough(records, tally)


def _records(cells: Cells, project: Project, tally: Tally) -> Iterator[Record]:
    from signals.connectors import counts, outcomes, people, samples, scores, thumbs

    shape = cells.shape.name
    if shape == "item_score":
        return scores.item_scores(cells, tally)
    if shape == "rating":
        return people.ratings(cells, tally)
    if shape == "preference":
        return people.preferences(cells, tally)
    if shape == "outcome":
        return outcomes.outcomes(cells, project, tally)
    if shape == "outcome_counts":
        return counts.outcome_counts(cells, tally)
    if shape == "feedback":
        return thumbs.feedback(cells, project, tally)
    if shape == "feedback_counts":
        return thumbs.feedback_counts(cells, tally)
    if shape == "traffic_mix":
        return samples.traffic_mix(cells, tally)
    if shape == "embedding":
        return samples.embeddings(cells, tally)
    raise SignalsError(f"source {cells.source.name!r}: unknown shape {shape!r}", suggest(shape, SHAPES))
