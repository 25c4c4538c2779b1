"""The ``phoenix`` connector: what evaluators and people said, from an Arize Phoenix server or from its saved answers.

An evaluator still runs over a run that failed, and what it says counts in the tool's own means; here it never does.
Evaluators that are plain functions are filed under CODE, also when a model is inside: ``kinds:`` says what they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from signals.connectors.api.access import bearer, secret
from signals.connectors.api.client import client
from signals.connectors.api.keys import check_server, require_rows
from signals.connectors.api.phoenix_book import Book
from signals.connectors.api.phoenix_fetch import fetch, is_id
from signals.connectors.api.phoenix_files import fill
from signals.connectors.api.phoenix_said import outputs, sayings
from signals.connectors.api.spool import Spool, forget, spooled, unspooled
from signals.connectors.base import Tally
from signals.connectors.entries import check_common, check_recoding
from signals.connectors.env import VARIABLE, resolved
from signals.connectors.evals import judged
from signals.connectors.paths import files_fingerprint, input_files
from signals.connectors.said import records
from signals.connectors.shapes import check_map
from signals.model import Problem, Project, Record, Source
from signals.strictyaml import Document, Loc

if TYPE_CHECKING:
    from signals.connectors.options import Entry

PER_MINUTE = 600
FIELDS = {
    "item_score": judged.FIELDS,
    "rating": ("item", "variant", "rater"),
    "feedback": ("variant", "user"),
}
ONLY_FOR = {"scale": "rating", "impressions": "feedback", "scorer_version": "item_score", "spans": "item_score"}
ASKED = ("dataset", "experiments", "project", "spans")
"""Keys that decide what the server is asked for."""


class Phoenix:
    """An Arize Phoenix server, or saved answers of its REST API."""

    name = "phoenix"
    shapes: tuple[str, ...] = ("item_score", "rating", "feedback")

    def entry(self) -> type[Entry]:
        """The model of its entry in sources.yaml."""
        from signals.connectors.options import PhoenixEntry

        return PhoenixEntry

    def check(self, source: Source, document: Document, loc: Loc) -> tuple[Problem, ...]:
        """What is wrong with the source's keys."""
        options, shape = source.options, str(source.options["shape"])
        problems = check_common(source, document, loc)
        problems += check_server(source, document, loc, secret=("token",), own=ASKED)
        problems += check_map(document, loc, source.map, (), FIELDS[shape])
        problems += check_recoding(source, document, loc, (*FIELDS[shape], "value"))
        for key, only in ONLY_FOR.items():
            if key in options and shape != only:
                what = f"`{key}:` is for shape {only}"
                problems.append(document.problem((*loc, key), what, "Leave it out", key=True))
        if "url" in options and not {"dataset", "experiments", "project"} & set(options):
            what = f"source {source.name!r} does not say what to read"
            remedy = "Add `dataset:` (experiments and their runs) or `project:` (spans of an application)"
            problems.append(document.problem(loc, what, remedy, key=True))
        if "url" in options and "dataset" not in options:
            problems += [
                document.problem(
                    (*loc, "experiments"), f"{name!r} is no id of an experiment", "Name its `dataset:` too"
                )
                for name in options.get("experiments") or ()
                if not is_id(name, "Experiment") and not VARIABLE.search(name)
            ]
        if options.get("variant") and "variant" in source.map:
            what = "the variant is said twice: by `variant:` and in `map:`"
            problems.append(document.problem((*loc, "variant"), what, "Keep one of them", key=True))
        return tuple(problems)

    def fingerprint(self, source: Source, project: Project) -> str | None:
        """Hash of the files' names and contents; None for a server."""
        if "url" in source.options:
            return None
        return files_fingerprint(input_files(resolved(source, project), project))

    def forget(self, source: Source, project: Project) -> None:
        """Throw away what earlier pulls kept of the server's answers."""
        forget(source, project)

    def read(self, source: Source, project: Project, tally: Tally) -> Iterator[Record]:
        """Every judgement as an ``ItemScore``, every rating as a ``Rating``, or thumbs as cells."""
        filled = resolved(source, project)
        shape = str(filled.options["shape"])
        with _spool(filled, source, project) as spool:
            book = Book(spool, filled)
            if shape == "item_score":
                yield from judged.item_scores(outputs(book, tally), filled, tally, thing="run or span")
            else:
                without = () if shape == "rating" or "user" in filled.map else ("user",)
                yield from records(sayings(book, tally), shape, filled, project, tally, without=without)
        require_rows(tally, filled, project, "Check `dataset:`, `experiments:`, `project:` and `shape:`")


def _spool(filled: Source, written: Source, project: Project) -> AbstractContextManager[Spool]:
    if "path" in filled.options:
        files = input_files(filled, project)
        return unspooled(lambda spool: fill(spool, files, filled))
    about = {key: filled.options.get(key) for key in ("url", "shape", "reread", *ASKED)}
    token = secret(filled, "token")

    def ask(spool: Spool) -> None:
        with client(filled, written, project, headers=bearer(token) if token else {}, per_minute=PER_MINUTE) as api:
            fetch(api, filled, spool)

    return spooled(filled, project, {"connector": "phoenix", **about}, ask)
