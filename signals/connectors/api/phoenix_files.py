"""Saved answers of Phoenix's REST API, told apart by what they hold.

A run's scores stand in the answer of ``/json`` (or ``/csv``), which does not say of which experiment it is; that is in
the answer of ``/runs``. The two are put together by example, repetition and start.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from signals.connectors.api.phoenix_book import example_name, run_name
from signals.connectors.api.phoenix_csv import csv_runs
from signals.connectors.api.phoenix_rows import span_id
from signals.connectors.api.spool import Spool
from signals.connectors.jsonfile import dig, load_json, moment, scalar
from signals.connectors.paths import InputFile
from signals.model import SignalsError, Source

REMEDY = "Save the answers of the REST API as they are: experiments/ID, experiments/ID/json and /runs, spans"
CSV = ".csv"

Key = tuple[str, int, str]
Row = Mapping[str, Any]


@dataclass
class _Found:
    """What the files hold, each thing once: where two files have it, the newer one counts."""

    source: Source
    runs: dict[Key, dict[str, Any]] = field(default_factory=dict)
    files: dict[Key, str] = field(default_factory=dict)  # where a run was read first
    owners: dict[Key, Row] = field(default_factory=dict)  # the run in the list that names its experiment
    experiments: dict[str, Row] = field(default_factory=dict)
    examples: dict[str, Row] = field(default_factory=dict)
    spans: dict[str, Row] = field(default_factory=dict)
    notes: dict[tuple[str, str], Row] = field(default_factory=dict)
    pages: dict[str, tuple[int, int, str]] = field(default_factory=dict)  # pages of a list, last ones, a file


def fill(spool: Spool, files: Iterable[InputFile], source: Source) -> None:
    """Read every file.

    Raises:
        SignalsError: For a file that is no such answer, a list whose last page is missing, runs of which no file says
            the experiment, or annotations of spans that no file has.
    """
    found = _Found(source)
    last = ""
    for file in sorted(files, key=_is_csv):  # JSON first: it tells texts from objects
        last = file.name
        if _is_csv(file):
            for run, metadata in csv_runs(file):
                _add_run(found, run, file)
                name = example_name("", run["example_id"])
                found.examples.setdefault(name, {"id": run["example_id"], "metadata": metadata})
        else:
            _add_file(found, load_json(file), file)
    for what, (pages, ended, name) in sorted(found.pages.items()):
        if not ended:
            said = f"says that more {what} follow, and so does every other of the {pages} pages"
            raise SignalsError(said, "Save the answers with the following cursors too", file=name)
    _own(found)
    _complete(found, last)
    _store(found, spool)


def _is_csv(file: InputFile) -> bool:
    return file.plain.endswith(CSV)


def _add_file(found: _Found, data: Any, file: InputFile) -> None:
    """One JSON answer: a list of rows, or one thing, with or without ``data`` around it."""
    inside = data.get("data") if isinstance(data, Mapping) and "data" in data else data
    if isinstance(inside, Mapping) and isinstance(inside.get("examples"), list):
        version = inside.get("version_id")
        for example in inside["examples"]:
            name = scalar(example.get("id")) if isinstance(example, Mapping) else None
            if name is None:
                raise SignalsError("`examples` holds something that is no example", REMEDY, file=file.name)
            found.examples[example_name(version, name)] = example
            found.examples[example_name("", name)] = example
        return
    rows = [inside] if isinstance(inside, Mapping) else inside
    if not isinstance(rows, list):
        raise SignalsError("is no answer of Phoenix", REMEDY, file=file.name)
    kinds = {_add_row(found, row, file) for row in rows}
    for what in kinds if isinstance(data, Mapping) and isinstance(inside, list) else ():
        pages, ended, _ = found.pages.get(what, (0, 0, ""))
        found.pages[what] = pages + 1, ended + (not data.get("next_cursor")), file.name


def _add_row(found: _Found, row: Any, file: InputFile) -> str:
    """Keep one row; what it is."""
    if not isinstance(row, Mapping):
        raise SignalsError("is no answer of Phoenix: it holds something that is no object", REMEDY, file=file.name)
    if isinstance(row.get("annotations"), list) and scalar(row.get("example_id")):
        _add_run(found, row, file)
        return "runs"
    if scalar(row.get("experiment_id")) and scalar(row.get("dataset_example_id")):
        found.owners[_key(row, row["dataset_example_id"], file)] = row
        return "runs of an experiment"
    if span_id(row):
        found.spans[str(span_id(row))] = row
        return "spans"
    if "annotator_kind" in row and scalar(row.get("id")):
        for kind, target in (("annotation", "span_id"), ("trace_annotation", "trace_id")):
            if scalar(row.get(target)):
                _newer(found.notes, (kind, str(row["id"])), row)
                return "annotations"
        return "annotations of sessions"  # about no one answer
    if scalar(row.get("dataset_id")) and "repetitions" in row and scalar(row.get("id")):
        _newer(found.experiments, str(row["id"]), row)
        return "experiments"
    raise SignalsError("is no answer of Phoenix with runs, spans or annotations", REMEDY, file=file.name)


def _newer(rows: dict[Any, Row], key: Any, row: Row) -> None:
    if key not in rows or str(rows[key].get("updated_at")) <= str(row.get("updated_at")):
        rows[key] = row


def _key(run: Row, example: Any, file: InputFile) -> Key:
    repetition = run.get("repetition_number")
    start = scalar(run.get("start_time"))
    if not isinstance(repetition, int) or isinstance(repetition, bool) or repetition < 1 or start is None:
        raise SignalsError("holds a run without a repetition number or a start", REMEDY, file=file.name)
    return str(example), repetition, start


def _add_run(found: _Found, run: Row, file: InputFile) -> None:
    """A run with its scores; of two exports of it the one that knows more counts."""
    if not all(isinstance(one, Mapping) for one in run["annotations"]):
        raise SignalsError("`annotations` holds something that is no annotation", REMEDY, file=file.name)
    key = _key(run, run["example_id"], file)
    found.files.setdefault(key, file.name)
    if key not in found.runs or _edited(found.runs[key]) < _edited(run):
        found.runs[key] = dict(run)


def _edited(run: Row) -> tuple[str, int]:
    ends = [str(one.get("end_time")) for one in run["annotations"]]
    return max(ends, default=""), len(ends)


def _own(found: _Found) -> None:
    """Give each run its experiment; runs whose scores are in no file are still the answers that people rated."""
    for key, owner in found.owners.items():
        if key not in found.runs:
            found.runs[key] = {**owner, "example_id": owner["dataset_example_id"], "annotations": []}
        found.runs[key]["experiment_id"] = owner["experiment_id"]
    for key, run in found.runs.items():
        run.setdefault("experiment_id", f"of {found.files.get(key, '')}")


def _complete(found: _Found, last: str) -> None:
    """A run whose experiment is not there has no variant, unless the source says where that stands."""
    source = found.source
    if not (found.runs or found.spans):
        raise SignalsError(f"source {source.name!r}: none of its files holds runs or spans", REMEDY, file=last)
    told = "variant" in source.options or "variant" in source.map
    lost = [key for key, run in found.runs.items() if str(run["experiment_id"]) not in found.experiments]
    if lost and not told:
        where = found.files.get(lost[0], last)
        remedy = "Save the answers of experiments/ID and experiments/ID/runs too, or write `variant: NAME`"
        what = f"holds runs, and no file says of which experiment they are ({len(lost)} in all)"
        raise SignalsError(what, remedy, file=where)
    traces = {str(dig(span, "context.trace_id")) for span in found.spans.values()}
    away = [
        name
        for (kind, _), row in found.notes.items()
        for name in [str(row["span_id"] if kind == "annotation" else row["trace_id"])]
        if name not in (found.spans if kind == "annotation" else traces)
    ]
    if away:
        what = f"source {source.name!r}: annotations name {len(set(away))} spans or traces that no file has"
        remedy = f"Save the answers of projects/NAME/spans too (such as {min(away)})"
        raise SignalsError(what, remedy, file=last)


def _store(found: _Found, spool: Spool) -> None:
    for name, one in found.experiments.items():
        spool.add("experiment", name, one)
    for name, one in found.examples.items():
        spool.add("example", name, one)
    for run in found.runs.values():
        spool.add("run", run_name(run), run)
    starts: dict[str, Any] = {}
    for name, span in sorted(found.spans.items()):
        at = moment(scalar(span.get("start_time")), found.source, "a span")
        starts[name] = at
        starts.setdefault(str(dig(span, "context.trace_id")), at)
        spool.add("span", name, span, at)
    for (kind, name), row in found.notes.items():
        target = str(row["span_id"] if kind == "annotation" else row["trace_id"])
        spool.add(kind, f"{target} {name}", row, starts.get(target))
