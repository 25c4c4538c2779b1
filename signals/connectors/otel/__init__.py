"""The ``otel`` connector: evaluation events of OpenTelemetry's conventions for generative AI, joined to their spans."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from signals.connectors import said
from signals.connectors.base import Tally
from signals.connectors.entries import check_common, check_recoding
from signals.connectors.env import resolved
from signals.connectors.evals.judged import FIELDS as OF_ITEMS
from signals.connectors.evals.judged import item_scores
from signals.connectors.otel.documents import Event, Span, read
from signals.connectors.otel.events import outputs
from signals.connectors.otel.people import ratings, thumbs
from signals.connectors.otel.spans import SIDES, Spans
from signals.connectors.paths import InputFile, files_fingerprint, input_files
from signals.connectors.shapes import check_map
from signals.model import Problem, Project, Record, Source
from signals.strictyaml import Document, Loc

if TYPE_CHECKING:
    from signals.connectors.options import Entry

REQUIRED = {"item_score": ("item",), "rating": ("item", "rater"), "feedback": ()}
OPTIONAL = {
    "item_score": (*OF_ITEMS, "value", "scorer_version"),
    "rating": ("value", "variant"),
    "feedback": ("value", "user", "variant"),
}
ONLY_FOR = {"scorer_version": "item_score", "scale": "rating", "impressions": "feedback", "shown": "feedback"}
ROOTS = ("event.", "span.", "root.", "scope.", "resource.")
LEADS = "Paths begin with event., span., root., scope. or resource."


class Otel:
    """OTLP/JSON files with ``gen_ai.evaluation.result`` events, and the spans that they judge."""

    name = "otel"
    shapes: tuple[str, ...] = ("item_score", "rating", "feedback")

    def entry(self) -> type[Entry]:
        """The model of its entry in sources.yaml."""
        from signals.connectors.options import OtelEntry

        return OtelEntry

    def check(self, source: Source, document: Document, loc: Loc) -> tuple[Problem, ...]:
        """What is wrong with the source's keys."""
        shape = str(source.options["shape"])
        fields = tuple(dict.fromkeys((*REQUIRED[shape], *OPTIONAL[shape])))
        stated = bool(source.options.get("variant"))
        required = REQUIRED[shape] if stated else (*REQUIRED[shape], "variant")
        problems = check_common(source, document, loc)
        problems += check_map(document, loc, source.map, required, fields)
        problems += check_recoding(source, document, loc, tuple(dict.fromkeys((*fields, "value"))))
        if stated and "variant" in source.map:
            what = "the variant is said twice: by `variant:` and in `map:`"
            problems.append(document.problem((*loc, "variant"), what, "Keep one of them", key=True))
        for key, only in ONLY_FOR.items():
            if key in source.options and shape != only:
                what = f"`{key}:` is for shape {only}"
                problems.append(document.problem((*loc, key), what, "Leave it out", key=True))
        if shape != "rating" and isinstance(source.options.get("metric"), list):
            what = f"shape {shape} reads one evaluation, and `metric:` lists several"
            problems.append(document.problem((*loc, "metric"), what, "Give each a source of its own", key=True))
        problems += _check_paths(source, document, loc)
        if shape == "feedback" and source.options.get("impressions") is not False:
            problems += _check_shown(source, document, loc)
        return tuple(problems)

    def fingerprint(self, source: Source, project: Project) -> str | None:
        """Hash of the files' names and contents."""
        return files_fingerprint(input_files(resolved(source, project), project))

    def read(self, source: Source, project: Project, tally: Tally) -> Iterator[Record]:
        """Every event as an ``ItemScore`` or a ``Rating``, or thumbs as cells.

        The files are read twice: events may come before the spans that they judge.
        """
        filled = resolved(source, project)
        files = input_files(filled, project)
        holding: dict[str, InputFile] = {}  # files with events
        with tempfile.TemporaryDirectory(prefix="signals-") as folder, closing(Spans(Path(folder), filled)) as spans:
            spans.fill(_spans(files, holding))
            yield from self._records(_events(holding.values()), filled, project, spans, tally)
        tally.require_rows(filled, files[0].name if len(files) == 1 else str(project.sources_path))

    @staticmethod
    def _records(
        events: Iterator[Event], source: Source, project: Project, spans: Spans, tally: Tally
    ) -> Iterator[Record]:
        shape = str(source.options["shape"])
        if shape == "item_score":
            yield from item_scores(outputs(events, source, spans, tally), source, tally, thing="event")
        elif shape == "rating":
            yield from said.records(ratings(events, source, spans, tally), "rating", source, project, tally)
        else:
            shown = source.options.get("impressions") is not False
            without = () if "user" in source.map else ("user",)
            sayings = thumbs(events, source, spans, tally, shown=shown)
            yield from said.records(sayings, "feedback", source, project, tally, without=without)


def _spans(files: list[InputFile], holding: dict[str, InputFile]) -> Iterator[Span]:
    for file in files:
        for record in read(file):
            if isinstance(record, Span):
                yield record
            else:
                holding[file.name] = file


def _events(files: Iterable[InputFile]) -> Iterator[Event]:
    for file in files:
        for record in read(file, again=True):
            if isinstance(record, Event):
                yield record


def _check_paths(source: Source, document: Document, loc: Loc) -> Iterator[Problem]:
    """Paths must lead somewhere."""
    for key in ("map", "where"):
        for field, wanted in getattr(source, key).items():
            path = wanted if key == "map" else field
            if not path.startswith(ROOTS):
                yield document.problem((*loc, key, field), f"{path!r} leads nowhere", LEADS, key=key == "where")
    for path in source.options.get("shown") or {}:
        if not path.startswith("span."):
            what = f"{path!r} is no path into a span"
            yield document.problem((*loc, "shown", path), what, "Begin it with span.", key=True)


def _check_shown(source: Source, document: Document, loc: Loc) -> Iterator[Problem]:
    """What is said of answers that nobody rated can only lead into their spans."""
    for field, path in source.map.items():
        if field != "value" and path.startswith(ROOTS) and not path.startswith(SIDES):
            what = f"map.{field} reads {path!r}, which answers that nobody rated do not have"
            remedy = "Read it from the span (such as span.resource.attributes.NAME), or set `impressions: false`"
            yield document.problem((*loc, "map", field), what, remedy)
    for path in source.where:
        if path.startswith("resource."):
            what = f"where.{path} selects thumbs, and not the answers that were shown"
            yield document.problem((*loc, "where", path), what, f"Write span.{path}, which selects both", key=True)
