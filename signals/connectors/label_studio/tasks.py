"""Tasks of Label Studio and what people said of them: one ``Note`` per annotation, wherever the tasks come from.

``ground_truth`` marks every imported annotation and is not read: the right answer of a gold item comes from a field of
its task. Drafts and predictions are nobody's word.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from signals.connectors.base import Tally
from signals.connectors.jsonfile import dig, id_like, load_json, moment, paths_of, recoded, scalar, selected
from signals.connectors.label_studio.grades import GRADED, RECODE, grade
from signals.connectors.lines import EMPTY_SEGMENT
from signals.connectors.paths import InputFile
from signals.connectors.shapes import segment_dimensions
from signals.model import Segment, SignalsError, Source
from signals.strictyaml import suggest

FIELDS = {
    "rating": ("item", "variant", "rater", "expected"),
    "preference": ("item", "left", "right", "rater", "expected"),
}
DEFAULTS = {"variant": "data.variant", "left": "data.left_variant", "right": "data.right_variant"}

Task = Mapping[str, Any]
Scale = tuple[float, float]


@dataclass(frozen=True)
class Batch:
    """Tasks that are read alike: those of one file, or of one project on a server.

    Attributes:
        name: Of the file or the project, for examples.
        tasks: May be gone through several times, each time in the same order.
        label: What messages begin with.
        place: File and line that messages point to.
        scales: Question -> the ends of its grades, as the project's form gives them. A file does not say.
    """

    name: str
    tasks: Iterable[Task]
    label: str
    place: Mapping[str, Any]
    scales: Mapping[str, Scale] = field(default_factory=dict)

    def error(self, what: str, remedy: str) -> SignalsError:
        """An error about these tasks."""
        return SignalsError(self.label + what, remedy, **self.place)


@dataclass(frozen=True)
class Note:
    """One annotation with what its task says about it."""

    batch: Batch
    texts: Mapping[str, str]  # item, rater, and variant or left and right
    segment: Segment
    at: datetime | None
    order: int
    cancelled: bool
    said: Mapping[str, list[str]]  # question -> answers that could be a grade
    expected: float | str | None = None  # the right answer of a gold item

    @property
    def place(self) -> str:
        """Item, rater and where, for examples."""
        return f"{self.texts['item']} by rater {self.texts['rater']} in {self.batch.name}"


def exported(file: InputFile) -> Batch:
    """The tasks of a file.

    Raises:
        SignalsError: When it is not the full JSON export.
    """
    tasks = load_json(file)
    batch = Batch(file.name, tasks, "", {"file": file.name})
    if not isinstance(tasks, list) or not all(isinstance(task, Mapping) for task in tasks):
        raise batch.error("is not a Label Studio JSON export: it is no list of tasks", "Export as JSON")
    if tasks and not any("annotations" in task for task in tasks):
        remedy = "Export as JSON, not JSON-MIN: the short form leaves out skipped annotations"
        raise batch.error("is not the full Label Studio JSON: its tasks have no annotations", remedy)
    return batch


def notes_of(batch: Batch, source: Source, tally: Tally) -> Iterator[Note]:
    """Every annotation of the selected tasks.

    Args:
        batch: The tasks.
        source: With its variables filled in.
        tally: Counts each annotation as a row, and those that cannot be used.

    Raises:
        SignalsError: For a path of ``map:`` that no task has, or a right answer that is no grade.
    """
    needed = [name for name in FIELDS[str(source.options["shape"])] if name not in ("rater", "expected")]
    paths = {name: source.map.get(name) or DEFAULTS.get(name) or _default_item(batch) for name in needed}
    labels = {key: path for key, path in source.map.items() if key.startswith("segment.") or key == "expected"}
    _check_paths(batch, {**paths, **labels})
    for task in batch.tasks:
        if not _selected(task, source):
            continue
        shared = {name: _text(task, paths[name], source, name) for name in needed}
        segment = tuple(
            (name, _text(task, source.map[f"segment.{name}"], source, f"segment.{name}") or EMPTY_SEGMENT)
            for name in segment_dimensions(source.map)
        )
        gold = _expected(task, source, batch)
        annotations = task.get("annotations") or []
        for annotation in annotations if isinstance(annotations, list) else [annotations]:
            tally.rows_read += 1
            place = f"task {task.get('id')} in {batch.name}"
            if not isinstance(annotation, Mapping):
                tally.set_aside("annotation is no object", example=place)
                continue
            texts = {**shared, "rater": _rater(annotation, source)}
            empty = next((name for name, text in texts.items() if text is None), None)
            if empty is not None:
                tally.set_aside(f"{empty} is empty", texts.get("variant"), example=place)
                continue
            yield Note(
                batch,
                cast("dict[str, str]", texts),
                segment,
                moment(scalar(annotation.get("created_at")), source, batch.place["file"]),
                _number(annotation.get("id")),
                bool(annotation.get("was_cancelled")),
                _said(annotation),
                gold,
            )


def _expected(task: Task, source: Source, batch: Batch) -> float | str | None:
    """The right answer of a gold item, in the words of the answers; None for all other items."""
    path = source.map.get("expected")
    said = scalar(_find(task, path)) if path else None
    if said is None:
        return None
    shape = str(source.options["shape"])
    found = grade(recoded(said, source, "expected", None) or said, source, shape)
    scale = source.options.get("scale")
    outside = isinstance(found, float) and scale is not None and not scale[0] <= found <= scale[1]
    if found is None or outside:
        what = f"task {task.get('id')}: {path!r} (map.expected) holds {said[:40]!r}, which is no {GRADED[shape]}"
        raise batch.error(what, f"The scale runs from {scale[0]:g} to {scale[1]:g}" if scale and outside else RECODE)
    return found


def _check_paths(batch: Batch, paths: Mapping[str, str]) -> None:
    """A path that no task has is a typo."""
    left, data = dict(paths), list[Any]()
    for task in batch.tasks:
        if len(data) < 20:
            data.append(task.get("data"))
        for name in [name for name, path in left.items() if _find(task, path) is not None]:
            del left[name]
        if not left:
            return
    for name, path in left.items() if data else ():
        known = {known for one in data for known in paths_of({"data": one})}
        raise batch.error(f"no task has {path!r} (map.{name})", suggest(path, known))


def _find(task: Task, path: str) -> Any:
    """The value at a path of the task; a bare name is looked for in its data too."""
    found = dig(task, path) if path.startswith(("data.", "meta.")) else dig(task.get("data"), path)
    return found if found is not None else dig(task, path)


def _text(task: Task, path: str, source: Source, field: str) -> str | None:
    return recoded(scalar(_find(task, path)), source, field, None)


def _selected(task: Task, source: Source) -> bool:
    data = task.get("data")
    return selected({**(data if isinstance(data, Mapping) else {}), **task}, source)


def _default_item(batch: Batch) -> str:
    first = min(batch.tasks, key=lambda task: _number(task.get("id")), default=None)  # an edit changes their order
    key = id_like(first.get("data")) if first is not None else "item_id"
    if key is None:
        raise batch.error("tasks carry nothing that names their item", "Add `item: data.NAME` to `map:`")
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
