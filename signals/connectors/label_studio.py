"""The ``label_studio`` connector: people's ratings and pairwise choices from Label Studio's JSON export.

The full JSON is needed: the other formats leave out skipped annotations. Times of imported annotations are those of the
import. ``ground_truth`` marks every imported annotation and is not read: the right answer of a gold item comes from a
field of its task.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, cast

from signals.connectors.base import Tally
from signals.connectors.entries import check_common, check_recoding
from signals.connectors.env import resolved
from signals.connectors.jsonfile import dig, id_like, load_json, moment, paths_of, recoded, scalar, selected
from signals.connectors.lines import EMPTY_SEGMENT, record_id
from signals.connectors.paths import InputFile, files_fingerprint, input_files
from signals.connectors.shapes import check_map, segment_dimensions
from signals.model import Preference, Problem, Project, Rating, Record, Segment, SignalsError, Source
from signals.strictyaml import Document, Loc, suggest

if TYPE_CHECKING:
    from signals.connectors.options import Entry

FIELDS = {
    "rating": ("item", "variant", "rater", "expected"),
    "preference": ("item", "left", "right", "rater", "expected"),
}
GRADED = {"rating": "value", "preference": "choice"}
DEFAULTS = {"variant": "data.variant", "left": "data.left_variant", "right": "data.right_variant"}
SIDES = ("left", "right", "tie")
RECODE = "Recode it in `values:`"


@dataclass(frozen=True)
class _Note:
    """One annotation with what its task says about it."""

    file: InputFile
    texts: Mapping[str, str]  # item, rater, and variant or left and right
    segment: Segment
    at: datetime | None
    order: int
    cancelled: bool
    said: Mapping[str, list[str]]  # question -> answers that could be a grade
    expected: float | str | None = None  # the right answer of a gold item

    @property
    def place(self) -> str:
        """File and task, for examples."""
        return f"{self.texts['item']} by rater {self.texts['rater']} in {self.file.name}"


class LabelStudio:
    """Label Studio's JSON export (``exportType=JSON``)."""

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
        problems += check_map(document, loc, source.map, (), FIELDS[shape])
        problems += check_recoding(source, document, loc, (*FIELDS[shape], GRADED[shape]))
        for key, only in (("empty", "preference"), ("scale", "rating")):
            if key in source.options and shape != only:
                what = f"`{key}:` is for shape {only}"
                problems.append(document.problem((*loc, key), what, "Leave it out", key=True))
        return tuple(problems)

    def fingerprint(self, source: Source, project: Project) -> str | None:
        """Hash of the files' names and contents."""
        return files_fingerprint(input_files(resolved(source, project), project))

    def read(self, source: Source, project: Project, tally: Tally) -> Iterator[Record]:
        """Every annotation as a ``Rating`` per question, or as a ``Preference``."""
        filled = resolved(source, project)
        files = input_files(filled, project)
        notes = [note for file in files for note in _notes(file, filled, tally)]
        notes.sort(key=lambda note: (note.at is None, note.at or 0, note.order))
        questions = _questions(notes, filled)
        if "expected" in filled.map and len(questions) > 1:
            what = f"source {source.name!r}: map.expected answers one question, and the form has several"
            raise SignalsError(what, f"Choose one with `dimension:`. {suggest('', questions)}", file=files[0].name)
        if filled.options["shape"] == "rating":
            yield from _ratings(notes, questions, filled, tally)
        else:
            yield from _preferences(notes, questions, filled, tally)
        tally.require_rows(filled, files[0].name if len(files) == 1 else str(project.sources_path))


def _notes(file: InputFile, source: Source, tally: Tally) -> Iterator[_Note]:
    tasks = load_json(file)
    if not isinstance(tasks, list) or not all(isinstance(task, Mapping) for task in tasks):
        raise SignalsError(
            "is not a Label Studio JSON export: it is no list of tasks", "Export as JSON", file=file.name
        )
    if tasks and not any("annotations" in task for task in tasks):
        remedy = "Export as JSON, not JSON-MIN: the short form leaves out skipped annotations"
        raise SignalsError("is not the full Label Studio JSON: its tasks have no annotations", remedy, file=file.name)
    needed = [name for name in FIELDS[str(source.options["shape"])] if name not in ("rater", "expected")]
    paths = {name: source.map.get(name) or DEFAULTS.get(name) or _default_item(tasks, file) for name in needed}
    labels = {key: path for key, path in source.map.items() if key.startswith("segment.") or key == "expected"}
    _check_paths(tasks, {**paths, **labels}, file)
    for task in tasks:
        if not _selected(task, source):
            continue
        shared = {name: _text(task, paths[name], source, name) for name in needed}
        segment = tuple(
            (name, _text(task, source.map[f"segment.{name}"], source, f"segment.{name}") or EMPTY_SEGMENT)
            for name in segment_dimensions(source.map)
        )
        gold = _expected(task, source, file)
        annotations = task.get("annotations") or []
        for annotation in annotations if isinstance(annotations, list) else [annotations]:
            tally.rows_read += 1
            if not isinstance(annotation, Mapping):
                tally.set_aside("annotation is no object", example=f"task {task.get('id')} in {file.name}")
                continue
            texts = {**shared, "rater": _rater(annotation, source)}
            empty = next((name for name, text in texts.items() if text is None), None)
            if empty is not None:
                tally.set_aside(
                    f"{empty} is empty", texts.get("variant"), example=f"task {task.get('id')} in {file.name}"
                )
                continue
            yield _Note(
                file,
                cast("dict[str, str]", texts),
                segment,
                moment(scalar(annotation.get("created_at")), source, file.name),
                _number(annotation.get("id")),
                bool(annotation.get("was_cancelled")),
                _said(annotation),
                gold,
            )


def _expected(task: Mapping[str, Any], source: Source, file: InputFile) -> float | str | None:
    """The right answer of a gold item, in the words of the answers; None for all other items."""
    path = source.map.get("expected")
    said = scalar(_find(task, path)) if path else None
    if said is None:
        return None
    shape = str(source.options["shape"])
    found = _grade(recoded(said, source, "expected", None) or said, source, shape)
    scale = source.options.get("scale")
    if found is None or (isinstance(found, float) and scale and not scale[0] <= found <= scale[1]):
        what = f"task {task.get('id')}: {path!r} (map.expected) holds {said[:40]!r}, which is no {GRADED[shape]}"
        remedy = f"The scale runs from {scale[0]:g} to {scale[1]:g}" if found is not None and scale else RECODE
        raise SignalsError(what, remedy, file=file.name)
    return found


def _check_paths(tasks: list[Any], paths: Mapping[str, str], file: InputFile) -> None:
    for name, path in paths.items():
        if tasks and not any(_find(task, path) is not None for task in tasks):
            known = [known for task in tasks[:20] for known in paths_of({"data": task.get("data")})]
            what = f"no task has {path!r} (map.{name})"
            raise SignalsError(what, suggest(path, set(known)), file=file.name)


def _find(task: Mapping[str, Any], path: str) -> Any:
    """The value at a path of the task; a bare name is looked for in its data too."""
    found = dig(task, path) if path.startswith(("data.", "meta.")) else dig(task.get("data"), path)
    return found if found is not None else dig(task, path)


def _text(task: Mapping[str, Any], path: str, source: Source, field: str) -> str | None:
    return recoded(scalar(_find(task, path)), source, field, None)


def _selected(task: Mapping[str, Any], source: Source) -> bool:
    data = task.get("data")
    return selected({**(data if isinstance(data, Mapping) else {}), **task}, source)


def _default_item(tasks: list[Any], file: InputFile) -> str:
    key = id_like(tasks[0].get("data")) if tasks else "item_id"
    if key is None:
        raise SignalsError(
            "tasks carry nothing that names their item", "Add `item: data.NAME` to `map:`", file=file.name
        )
    return f"data.{key}"


def _rater(annotation: Mapping[str, Any], source: Source) -> str | None:
    """The rater's id: ``completed_by`` is a number, or an object in some editions. The e-mail is a last resort."""
    path = source.map.get("rater")
    who = dig(annotation, path) if path else annotation.get("completed_by")
    if isinstance(who, Mapping):
        who = who.get("id") if who.get("id") is not None else who.get("email")
    return recoded(scalar(who), source, "rater", None)


def _number(value: Any) -> int:
    return value if isinstance(value, int) else 0


def _said(annotation: Mapping[str, Any]) -> dict[str, list[str]]:
    """The answers of an annotation by question; several choices of one question are several answers."""
    said: dict[str, list[str]] = {}
    results = annotation.get("result")
    for result in results if isinstance(results, list) else []:
        value = result.get("value") if isinstance(result, Mapping) else None
        name = scalar(result.get("from_name")) if isinstance(result, Mapping) else None
        if name is None or not isinstance(value, Mapping):
            continue
        found = next((value[key] for key in ("rating", "number", "selected", "choices") if key in value), None)
        answers = [scalar(part) for part in (found if isinstance(found, list) else [found])]
        said.setdefault(name, []).extend(answer for answer in answers if answer is not None)
    return said


def _questions(notes: list[_Note], source: Source) -> list[str]:
    """The questions of the form that grade: ``dimension:``, else those whose every answer is a grade."""
    shape = str(source.options["shape"])
    answers: dict[str, bool] = {}
    for note in notes:
        for name, said in note.said.items():
            answers[name] = answers.get(name, True) and all(_grade(part, source, shape) is not None for part in said)
    wanted = source.options.get("dimension")
    if wanted is not None:
        if notes and wanted not in answers:
            remedy = suggest(wanted, answers) or "Nobody answered any question"
            raise SignalsError(
                f"source {source.name!r}: no annotation answers {wanted!r}", remedy, file=notes[0].file.name
            )
        return [wanted]
    found = sorted(name for name, graded in answers.items() if graded)
    if notes and not found and answers:
        what = f"source {source.name!r}: no question has answers that are a {GRADED[shape]}"
        raise SignalsError(what, f"Name it with `dimension:`. {suggest('', answers)}", file=notes[0].file.name)
    if shape == "preference" and len(found) > 1:
        what = f"source {source.name!r}: several questions compare"
        raise SignalsError(what, f"Choose one with `dimension:`. {suggest('', found)}", file=notes[0].file.name)
    return found or [""]


def _grade(text: str, source: Source, shape: str) -> float | str | None:
    """An answer as a number (rating) or a side (preference); None when it is neither."""
    ours = recoded(text, source, GRADED[shape], GRADED[shape])
    if ours is None:
        return None
    if shape == "preference":
        return ours.lower() if ours.lower() in SIDES else None
    try:
        value = float(ours)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _ratings(notes: list[_Note], questions: list[str], source: Source, tally: Tally) -> Iterator[Rating]:
    scale = source.options.get("scale")
    attempts: dict[tuple[str, ...], int] = {}
    for note in notes:
        tally.rows_read += len(questions) - 1  # a row is one question of one annotation
        for question in questions:
            said = [] if note.cancelled else note.said.get(question, [])
            grades = [_grade(part, source, "rating") for part in said]
            value = grades[0] if len(grades) == 1 else None
            variant = note.texts["variant"]
            why = None
            if len(said) > 1:
                why = "several answers to one question"
            elif said and value is None:
                why = "answer is not a number (recode it in `values:`)"
            elif isinstance(value, float) and scale and not scale[0] <= value <= scale[1]:
                why = f"value is outside the scale {scale[0]:g} to {scale[1]:g}"
            if why:
                tally.set_aside(why, variant, example=f"{said[0][:40]!r} of {note.place}")
                continue
            tally.rows_kept += 1
            status = "submitted" if said else "skipped"
            key = (note.texts["item"], note.texts["rater"], variant, question, status)
            attempts[key] = attempts.get(key, 0) + 1
            yield Rating(
                record_id(*key, attempts[key]), note.texts["item"], note.texts["rater"], variant,
                cast("float | None", value), dimension=question, status=status, attempt=attempts[key],
                segment=note.segment, at=note.at, expected=cast("float | None", note.expected),
            )  # fmt: skip


def _preferences(notes: list[_Note], questions: list[str], source: Source, tally: Tally) -> Iterator[Preference]:
    question, empty = questions[0], source.options.get("empty")
    attempts: dict[tuple[str, ...], int] = {}
    silent = [note for note in notes if not note.cancelled and not note.said.get(question)]
    if silent and empty is None:
        raise SignalsError(
            f"source {source.name!r}: {len(silent)} annotations have no choice (first: {silent[0].place})",
            "Say what that means: `empty: tie` or `empty: skip`",
            file=silent[0].file.name,
        )
    for note in notes:
        said = [] if note.cancelled else note.said.get(question, [])
        left, right = note.texts["left"], note.texts["right"]
        choice = _grade(said[0], source, "preference") if len(said) == 1 else None
        why = None
        if left == right:
            why = "left and right are the same variant"
        elif said and choice is None:
            why = "choice is none of left, right, tie (recode it in `values:`)"
        if why:
            tally.set_aside(why, example=note.place)
            continue
        if not said and not note.cancelled and empty == "tie":
            choice = "tie"
        status = "submitted" if choice else "skipped"
        key = (note.texts["item"], note.texts["rater"], left, right, question, status)
        attempts[key] = attempts.get(key, 0) + 1
        tally.rows_kept += 1
        yield Preference(
            record_id(*key, attempts[key]), note.texts["item"], note.texts["rater"], left, right,
            cast('Literal["left", "right", "tie"] | None', choice), dimension=question, status=status,
            attempt=attempts[key], segment=note.segment, at=note.at,
            expected=cast('Literal["left", "right", "tie"] | None', note.expected),
        )  # fmt: skip
