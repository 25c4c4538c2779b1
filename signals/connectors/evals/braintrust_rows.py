"""Rows of Braintrust's files: results of ``Eval``, or events (spans) of an experiment, in JSON or JSON lines."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from signals.connectors.jsonfile import ID_NAMES, dig, load_json, scalar
from signals.connectors.jsonlines import json_lines
from signals.connectors.lines import content_hash
from signals.connectors.paths import InputFile
from signals.model import SignalsError

LINES = (".jsonl", ".ndjson")
LISTS = ("results", "events", "data")  # of Eval, of /v1/experiment/ID/fetch, of /btql
EVENT = ("root_span_id", "span_id", "_xact_id")
SCORER = "score"  # type of the span that a scorer runs in


@dataclass(frozen=True, slots=True)
class Row:
    """A result or an event.

    Attributes:
        data: As written; of a result with the run's ``summary`` beside it.
        file: Where it was read.
        line: Of the file, where rows are lines.
    """

    data: Mapping[str, Any]
    file: InputFile
    line: int | None

    @property
    def event(self) -> bool:
        """Whether it is an event of an experiment, and no result of ``Eval``."""
        return any(key in self.data for key in EVENT)

    @property
    def root(self) -> bool:
        """Whether it is the span of a case, and not of a step or a scorer inside of it."""
        said = self.data.get("is_root")
        return said if isinstance(said, bool) else not self.data.get("span_parents")

    @property
    def experiment(self) -> str:
        """Id of the experiment."""
        return scalar(self.data.get("experiment_id")) or ""

    @property
    def key(self) -> str:
        """What all versions of one event share."""
        return f"{self.experiment}/{scalar(self.data.get('id')) or self.span}"

    @property
    def trace(self) -> str:
        """What all spans of one case share."""
        return f"{self.experiment}/{scalar(self.data.get('root_span_id')) or ''}"

    @property
    def span(self) -> str:
        """Id of the span."""
        return scalar(self.data.get("span_id")) or ""

    @property
    def version(self) -> int:
        """Of an event: the larger one is the newer one."""
        said = scalar(self.data.get("_xact_id")) or ""
        return int(said) if said.isdecimal() and len(said) < 30 else 0

    @property
    def created(self) -> str:
        """When the event was made, as written."""
        return scalar(self.data.get("created")) or ""

    @property
    def failed(self) -> bool:
        """Whether the run of the case failed. An exception that was written as JSON is often an empty object."""
        return self.data.get("error") not in (None, "", False)

    @property
    def scores(self) -> Mapping[str, Any]:
        """Scores that stand on the row itself, by name."""
        said = self.data.get("scores")
        return said if isinstance(said, Mapping) else {}

    @property
    def broken(self) -> frozenset[str]:
        """Scorers that raised an error, by the names of their functions."""
        said = dig(self.data, "metadata.scorer_errors")
        return frozenset(said) if isinstance(said, Mapping) else frozenset()

    @property
    def content(self) -> str:
        """Hash of the case's input, which is what Braintrust itself pairs cases by; empty when there is none."""
        asked = self.data.get("input")
        return content_hash(json.dumps(asked, sort_keys=True, ensure_ascii=False)) if asked is not None else ""

    @property
    def named(self) -> str | None:
        """Path of the item's id in the metadata."""
        meta = self.data.get("metadata")
        if not isinstance(meta, Mapping):
            return None
        return next((f"metadata.{name}" for name in ID_NAMES if name in meta and scalar(meta[name])), None)

    @property
    def item(self) -> str | None:
        """What the case is: an id in its metadata, else that of its row in the data set, else its input."""
        if self.named:
            return scalar(dig(self.data, self.named))
        of = dig(self.data, "origin.id") if dig(self.data, "origin.object_type") in (None, "dataset") else None
        found = scalar(self.data.get("dataset_record_id")) or scalar(of)
        return found or (f"input {self.content}" if self.content else None)

    @property
    def place(self) -> str:
        """Where it was read, for examples."""
        return self.file.name if self.line is None else f"{self.file.name}:{self.line}"


def rows_of(file: InputFile) -> Iterator[Row]:
    """The rows of a file, in its order; JSON lines one by one.

    Raises:
        SignalsError: When the file cannot be read, or holds something else.
    """
    if file.plain.endswith(LINES):
        for line, data in json_lines(file):
            yield _checked(Row(data, file, line))
        return
    whole = load_json(file)
    if isinstance(whole, Mapping):
        rows = next((whole[key] for key in LISTS if isinstance(whole.get(key), list)), None)
        said = whole.get("summary")
    else:
        rows, said = whole, None
    if not isinstance(rows, list):
        what = "is neither a result of Braintrust's Eval nor a page of events: it has no `results`, `events` or `data`"
        raise SignalsError(what, "Write what Eval() returns as JSON, or save the experiment's events", file=file.name)
    summary = {"summary": said} if isinstance(said, Mapping) else {}
    for data in rows:
        if not isinstance(data, Mapping):
            raise SignalsError("holds something among its rows that is no row", "Export it again", file=file.name)
        row = _checked(Row(data, file, None))
        yield row if row.event else Row({**summary, **data}, file, None)


def _checked(row: Row) -> Row:
    if not row.event and not ("input" in row.data and "scores" in row.data):
        what = "is neither a result of Braintrust's Eval nor an event of an experiment: it has no `input` and `scores`"
        raise SignalsError(what, "Export it again", file=row.file.name, line=row.line)
    return row
