"""Rows of Langfuse in one form, whichever version of its API gave them: the third one's.

Paths of ``map:`` and ``where:`` lead into a score that has beside it ``experiment``, the item of an experiment that its
trace is of, and ``trace``, what is known of its trace.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from signals.connectors.api.paging import Row
from signals.connectors.jsonfile import ID_NAMES, dig, scalar

SCORES = ("NUMERIC", "BOOLEAN", "CATEGORICAL")  # TEXT and CORRECTION are words about an answer, and grade nothing
OF_TRACE = (
    "name",
    "userId",
    "sessionId",
    "release",
    "version",
    "tags",
    "metadata",
    "environment",
    "level",
    "timestamp",
)


def score_row(row: Row) -> dict[str, Any]:
    """A score as version 3 gives it; version 2 has flat ids, 1 and 0, and the category in another place."""
    found = dict(row)
    if "subject" not in found:
        found["subject"] = _subject(found)
    kind = found.get("dataType")
    if "stringValue" in found and kind != "NUMERIC":
        text = found.pop("stringValue")
        found["value"] = str(text).lower() == "true" if kind == "BOOLEAN" and text is not None else text
    if kind == "BOOLEAN" and found.get("value") in (0, 1):
        found["value"] = bool(found["value"])
    return found


def _subject(row: Row) -> dict[str, Any] | None:
    trace = scalar(row.get("traceId"))
    if scalar(row.get("observationId")):
        return {"kind": "observation", "id": row["observationId"], "traceId": trace}
    for kind, key in (("trace", "traceId"), ("session", "sessionId"), ("experiment", "datasetRunId")):
        if scalar(row.get(key)):
            return {"kind": kind, "id": row[key]}
    return None


def trace_of(score: Row) -> str | None:
    """The trace that a score is about, or about a part of."""
    return scalar(dig(score, "subject.traceId")) or (
        scalar(dig(score, "subject.id")) if dig(score, "subject.kind") == "trace" else None
    )


def trace_row(row: Row) -> dict[str, Any]:
    """A trace, from its first observation (API of version 4) or from the list of traces (older ones)."""
    found = {name: row.get(name) for name in OF_TRACE}
    found["id"] = row.get("traceId") or row.get("id")
    found["name"] = row.get("traceName") or row.get("name")
    found["timestamp"] = row.get("startTime") or row.get("timestamp")
    return found


def joined(score: Row, item: Row | None, trace: Row | None) -> dict[str, Any]:
    """The score with its experiment's item and its trace beside it."""
    own = score.get("trace")
    known = {**(own if isinstance(own, Mapping) else {}), **(trace or {})}
    return {**score, "experiment": dict(item or {}), "trace": known}


def item_of(row: Row) -> str | None:
    """The item: of the experiment, else what the score's metadata calls one."""
    found = scalar(dig(row, "experiment.experimentItemId"))
    return found or next((text for name in ID_NAMES if (text := scalar(dig(row.get("metadata"), name)))), None)


def variant_of(row: Row) -> str | None:
    """The variant: the experiment's name."""
    return scalar(dig(row, "experiment.experimentName"))


def failed(row: Row) -> bool:
    """Whether the application failed."""
    return "ERROR" in (dig(row, "experiment.level"), dig(row, "trace.level"))
