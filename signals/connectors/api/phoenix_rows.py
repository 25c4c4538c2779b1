"""What Phoenix says: runs of experiments, spans, and the annotations on both.

Paths of ``map:`` and ``where:`` lead into a row of what belongs together: ``run``, its ``experiment`` and its
``example``; ``span`` and ``root``, the first span of its trace; and for what people said ``annotation``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from signals.connectors.jsonfile import ID_NAMES, dig, moment, scalar
from signals.connectors.lines import content_hash
from signals.model import Source

Row = Mapping[str, Any]
KINDS = ("LLM", "CODE", "HUMAN")
JUDGE = ("judge_version", "model", "prompt_version")
VARIANTS = (
    "experiment.metadata.variant",
    "experiment.name",
    "span.attributes.metadata.variant",
    "root.attributes.metadata.variant",
)
THUMBS: Mapping[str, bool] = {
    "thumbs-up": True, "thumbs_up": True, "up": True, "true": True, "👍": True,
    "thumbs-down": False, "thumbs_down": False, "down": False, "false": False, "👎": False,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Note:
    """One annotation, of a run (given by an experiment's evaluator) or of a span or trace.

    Attributes:
        row: As the tool wrote it.
        name: What was judged.
        kind: LLM, CODE or HUMAN; ``kinds:`` goes first.
        score: A number, or None.
        label: A word, or None.
        error: Whether the evaluator failed.
        at: When it was given, or given anew: posting it again replaces it.
        id: The tool's; empty for those of runs, which have none.
    """

    row: Row
    name: str
    kind: str
    score: Any
    label: str | None
    error: bool
    at: datetime | None
    id: str

    @property
    def value(self) -> Any:
        """The score, else the label."""
        return self.label if self.score is None else self.score

    @property
    def opinion(self) -> Any:
        """True and false for thumbs, whatever numbers stand beside them; else the value."""
        thumb = THUMBS.get((self.label or "").lower())
        return self.value if thumb is None else thumb

    @property
    def who(self) -> str | None:
        """Who said it: the identifier that it was posted under, or who was signed in to the tool's own pages.

        Of what came through the API, ``user_id`` is the owner of the key and not who had the opinion.
        """
        signed_in = scalar(self.row.get("user_id")) if self.row.get("source") == "APP" else None
        return signed_in or scalar(self.row.get("identifier"))


def note(row: Row, source: Source) -> Note | None:
    """An annotation; None for what has no name."""
    name = scalar(row.get("name"))
    if name is None:
        return None
    result = row.get("result") if "result" in row else row
    result = result if isinstance(result, Mapping) else {}
    kinds = source.options.get("kinds") or {}
    written = row.get("updated_at") or row.get("created_at") or row.get("end_time") or row.get("start_time")
    return Note(
        row=row,
        name=name,
        kind=str(kinds.get(name) or row.get("annotator_kind") or ""),
        score=result.get("score"),
        label=scalar(result.get("label")),
        error=bool(row.get("error")),
        at=moment(scalar(written), source, "an annotation"),
        id=str(row.get("id") or ""),
    )


def judge(one: Note, experiment: Row) -> tuple[tuple[str, str], ...]:
    """What tells this judge from others: nothing when the tool says no more than a name."""
    told = {key: scalar(dig(one.row.get("metadata"), key)) for key in JUDGE}
    told["identifier"] = scalar(one.row.get("identifier"))
    told["experiment"] = scalar(dig(experiment, "metadata.judge_version")) if not told["judge_version"] else None
    return tuple((key, value) for key, value in told.items() if value)


def joined(*, run: Row | None = None, experiment: Row | None = None, example: Row | None = None,
           span: Row | None = None, root: Row | None = None) -> dict[str, Any]:  # fmt: skip
    """What belongs together, as paths lead into it."""
    return {"run": run or {}, "experiment": experiment or {}, "example": example or {},
            "span": span or {}, "root": root or {}}  # fmt: skip


def variant_of(row: Row) -> str | None:
    """Which variant the answer is of, when neither ``map:`` nor ``variant:`` says so."""
    return next((found for path in VARIANTS if (found := scalar(dig(row, path)))), None)


def item_of(row: Row, names: Mapping[str, str]) -> str | None:
    """The item: what the example's metadata call so, else the example; of other spans a name or their whole input.

    Args:
        row: What belongs together.
        names: Of examples that have one, by the example's id.
    """
    if row["run"]:
        example = scalar(row["run"].get("example_id"))
        return names.get(str(example), example)
    for place in ("span", "root"):
        metadata = dig(row[place], "attributes.metadata")
        found = next((text for key in ID_NAMES if (text := scalar(_inside(row[place], metadata, key)))), None)
        if found:
            return found
    said = asked(row)
    return None if said is None else f"input {content_hash(json.dumps(said, sort_keys=True))}"


def _inside(span: Row, metadata: Any, key: str) -> Any:
    """The server flattens attributes: ``metadata.item_id`` is one key."""
    return dig(metadata, key) if isinstance(metadata, Mapping) else dig(span, f"attributes.metadata.{key}")


def asked(row: Row) -> Any:
    """What was asked."""
    if row["run"]:
        return row["run"].get("input") or row["example"].get("input")
    return dig(row["span"], "attributes.input.value")


def length(row: Row) -> float | None:
    """Characters of the answer, when it is a text."""
    said = row["run"].get("output") if row["run"] else dig(row["span"], "attributes.output.value")
    return float(len(said)) if isinstance(said, str) else None


def failed(row: Row) -> bool:
    """Whether the application failed: a run says so itself, and its evaluators judge it all the same."""
    if row["run"]:
        return bool(row["run"].get("error"))
    return "ERROR" in (row["span"].get("status_code"), row["root"].get("status_code"))


def trace_of(span: Row) -> str | None:
    """The id of a span's trace."""
    return scalar(dig(span, "context.trace_id"))


def span_id(span: Row) -> str | None:
    """The id of a span."""
    return scalar(dig(span, "context.span_id"))


def opened(span: Row) -> dict[str, Any]:
    """A span whose metadata can be looked into: some clients write them as JSON text."""
    attributes = span.get("attributes")
    text = attributes.get("metadata") if isinstance(attributes, Mapping) else None
    if isinstance(attributes, Mapping) and isinstance(text, str):
        try:
            return {**span, "attributes": {**attributes, "metadata": json.loads(text)}}
        except (ValueError, RecursionError):
            pass
    return dict(span)
