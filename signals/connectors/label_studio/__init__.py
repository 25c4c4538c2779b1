"""The ``label_studio`` connector: people's ratings and pairwise choices, from Label Studio's JSON export or its server.

The full JSON is needed: the other formats leave out skipped annotations. Times of imported annotations are those of the
import.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from signals.connectors.api.keys import check_server, require_rows
from signals.connectors.api.spool import forget
from signals.connectors.base import Tally
from signals.connectors.entries import check_common, check_recoding
from signals.connectors.env import resolved
from signals.connectors.label_studio import server
from signals.connectors.label_studio.answers import preferences, questions_of, ratings, scales_of
from signals.connectors.label_studio.grades import GRADED
from signals.connectors.label_studio.tasks import FIELDS, Batch, exported, notes_of
from signals.connectors.paths import files_fingerprint, input_files
from signals.connectors.shapes import check_map
from signals.model import Problem, Project, Record, Source
from signals.strictyaml import Document, Loc

if TYPE_CHECKING:
    from signals.connectors.options import Entry

NEEDED = (
    ("project", "which project", "Add `project:` with the number in its address: /projects/12/data"),
    ("token", "how to sign in", "Add `token:` with a personal access token, as one ${VARIABLE}"),
)


class LabelStudio:
    """Label Studio's JSON export (``exportType=JSON``), or projects of a server."""

    name = "label_studio"
    shapes: tuple[str, ...] = ("rating", "preference")

    def entry(self) -> type[Entry]:
        """The model of its entry in sources.yaml."""
        from signals.connectors.options import LabelStudioEntry

        return LabelStudioEntry

    def check(self, source: Source, document: Document, loc: Loc) -> tuple[Problem, ...]:
        """What is wrong with the source's keys."""
        shape = str(source.options["shape"])
        problems = check_common(source, document, loc)
        problems += check_server(source, document, loc, secret=("token",), own=("project",))
        problems += check_map(document, loc, source.map, (), FIELDS[shape])
        problems += check_recoding(source, document, loc, (*FIELDS[shape], GRADED[shape]))
        for key, only in (("empty", "preference"), ("scale", "rating")):
            if key in source.options and shape != only:
                what = f"`{key}:` is for shape {only}"
                problems.append(document.problem((*loc, key), what, "Leave it out", key=True))
        for key, what, remedy in NEEDED:
            if "url" in source.options and key not in source.options:
                problems.append(document.problem(loc, f"source {source.name!r} does not say {what}", remedy, key=True))
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
        """Every annotation as a ``Rating`` per question, or as a ``Preference``."""
        filled = resolved(source, project)
        with _batches(filled, source, project) as batches:
            notes = [note for batch in batches for note in notes_of(batch, filled, tally)]
            notes.sort(key=lambda note: (note.at is None, note.at or 0, note.order))
            questions = questions_of(notes, filled)
            if filled.options["shape"] == "rating":
                scales = scales_of(questions, batches, filled)
                yield from ratings(notes, questions, scales, filled, tally)
            else:
                yield from preferences(notes, questions[0], filled, tally)
        if "url" in filled.options:
            require_rows(tally, filled, project, "Check `project:`, and that somebody has annotated it")
        else:
            tally.require_rows(filled, batches[0].name if len(batches) == 1 else str(project.sources_path))


def _batches(filled: Source, written: Source, project: Project) -> AbstractContextManager[list[Batch]]:
    if "url" in filled.options:
        return server.batches(filled, written, project)
    return nullcontext([exported(file) for file in input_files(filled, project)])
