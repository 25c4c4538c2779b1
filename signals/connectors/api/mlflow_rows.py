"""What a trace of MLflow says: paths of ``map:`` and ``where:`` lead into a trace that has its run beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from signals.connectors.jsonfile import ID_NAMES, dig, moment, scalar
from signals.connectors.lines import content_hash
from signals.model import Source

Trace = Mapping[str, Any]
JUDGES = ("LLM_JUDGE", "AI_JUDGE")  # the second one was written by older versions
SAID_BY = ("mlflow.assessment.scorerDigest", "judge_version")
VARIANTS = ("tags.variant", "run.tags.variant", "run.info.run_name")


def source_run(trace: Trace) -> str | None:
    """The id of the run that a trace belongs to."""
    metadata = trace.get("trace_metadata")
    return scalar(metadata.get("mlflow.sourceRun")) if isinstance(metadata, Mapping) else None


def run_row(run: Mapping[str, Any] | None) -> dict[str, Any]:
    """What stands beside a trace as ``run``: the run's info, and its tags and parameters by name."""
    data = run.get("data") if run else None
    data = data if isinstance(data, Mapping) else {}
    info = run.get("info") if run else None
    named = {part: _by_name(data.get(part)) for part in ("tags", "params")}
    return {"info": info if isinstance(info, Mapping) else {}, **named}


def _by_name(pairs: Any) -> dict[str, Any]:
    found = pairs if isinstance(pairs, list) else []
    return {str(pair["key"]): pair.get("value") for pair in found if isinstance(pair, Mapping) and "key" in pair}


def variant_of(trace: Trace) -> str | None:
    """Which variant made the trace, when neither ``map:`` nor ``variant:`` says so."""
    return next((found for path in VARIANTS if (found := scalar(dig(trace, path)))), None)


def item_of(trace: Trace, name: str | None) -> str | None:
    """The item: a tag, else a hash of the whole input; None when the input is cut."""
    if name is not None:
        return scalar(dig(trace.get("tags"), name))
    asked = inputs(trace)
    return None if asked is None else f"input {content_hash(json.dumps(asked, sort_keys=True))}"


def item_tag(trace: Trace) -> str | None:
    """The tag that names the item, when there is one."""
    tags = trace.get("tags")
    return next((name for name in ID_NAMES if isinstance(tags, Mapping) and scalar(tags.get(name))), None)


def inputs(trace: Trace) -> Any:
    """What the trace was asked; None when it was not kept, or only its beginning."""
    return _whole(dig(trace.get("trace_metadata"), "mlflow.traceInputs"))


def output_length(trace: Trace) -> float | None:
    """Characters of the answer, when it is a text that was kept whole."""
    said = _whole(dig(trace.get("trace_metadata"), "mlflow.traceOutputs"))
    return float(len(said)) if isinstance(said, str) else None


def _whole(text: Any) -> Any:
    """The value that a metadata text spells: long ones are cut off, and then they spell nothing."""
    try:
        return json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        return None


def failed(trace: Trace) -> bool:
    """Whether the run of the application failed."""
    return str(trace.get("state")) == "ERROR"


def unfinished(trace: Trace) -> bool:
    """Whether there is no answer yet."""
    return str(trace.get("state")) == "IN_PROGRESS"


@dataclass(frozen=True, slots=True)
class Assessment:
    """One assessment that is a feedback: expectations are the right answers and no opinions."""

    id: str
    name: str
    kind: str  # LLM_JUDGE, CODE, HUMAN
    who: str | None
    value: Any
    error: bool
    valid: bool
    overrides: bool
    said_by: tuple[tuple[str, str], ...]  # what the metadata says of the judge
    at: datetime | None

    @property
    def digest(self) -> str:
        """The tool's own hash of the scorer."""
        return dict(self.said_by).get(SAID_BY[0], "")


def assessments(trace: Trace, source: Source) -> list[Assessment]:
    """The feedbacks of a trace, oldest first."""
    given = trace.get("assessments")
    found = [_assessment(one, source) for one in (given if isinstance(given, Sequence) else []) if _is_feedback(one)]
    return sorted(found, key=lambda one: (one.at is None, str(one.at), one.id))


def _is_feedback(one: Any) -> bool:
    return isinstance(one, Mapping) and isinstance(one.get("feedback"), Mapping) and bool(one.get("assessment_name"))


def _assessment(one: Mapping[str, Any], source: Source) -> Assessment:
    feedback = one["feedback"]
    said_by = one.get("source")
    said_by = said_by if isinstance(said_by, Mapping) else {}
    metadata = one.get("metadata")
    metadata = metadata if isinstance(metadata, Mapping) else {}
    return Assessment(
        id=str(one.get("assessment_id") or ""),
        name=str(one["assessment_name"]),
        kind=str(said_by.get("source_type") or ""),
        who=scalar(said_by.get("source_id")),
        value=feedback.get("value"),
        error=bool(feedback.get("error")),
        valid=one.get("valid") is not False,
        overrides=bool(one.get("overrides")),
        said_by=tuple((key, str(metadata[key])) for key in SAID_BY if metadata.get(key)),
        at=moment(scalar(one.get("create_time")), source, "a trace"),
    )
