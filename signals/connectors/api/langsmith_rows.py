"""Rows of LangSmith in one form, whichever version of its API gave them.

Paths of ``map:`` and ``where:`` lead into a run that has beside it ``experiment`` (or the project) that it is of,
``example``, the one of the dataset that it answers, and, where people are read, ``feedback``, what was said.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from signals.connectors.api.paging import Row
from signals.connectors.jsonfile import ID_NAMES, dig, scalar

JUDGES = ("model", "auto_eval", "evaluator")
"""What the source of a feedback is called when an evaluator gave it: in code, on the server, and in older papers."""
PEOPLE = "app"  # somebody who was signed in
SAID_BY = ("judge_version", "evaluator_version", "model")
PENDING = "pending"


def run_row(row: Row) -> dict[str, Any]:
    """A run with the names of version 2: there the status is in capitals, and metadata stand by themselves."""
    found = dict(row)
    metadata = row.get("metadata")
    found["metadata"] = metadata if isinstance(metadata, Mapping) else _metadata(row)
    found["status"] = (scalar(row.get("status")) or "").lower()
    found["project_id"] = scalar(row.get("project_id")) or scalar(row.get("session_id"))
    return found


def experiment_row(session: Row | None) -> dict[str, Any]:
    """An experiment or a project, which are the same thing there: a session."""
    row = session or {}
    dataset = scalar(row.get("reference_dataset_id"))
    return {"id": row.get("id"), "name": row.get("name"), "dataset": dataset, "metadata": _metadata(row)}


def _metadata(row: Row) -> Mapping[str, Any]:
    found = dig(row.get("extra"), "metadata")
    return found if isinstance(found, Mapping) else {}


def item_of(run: Row) -> str | None:
    """The item: the example of the dataset, else what the run's metadata call one."""
    found = scalar(run.get("reference_example_id"))
    return found or next((text for name in ID_NAMES if (text := scalar(dig(run.get("metadata"), name)))), None)


def variant_of(run: Row) -> str | None:
    """The variant: the name of the experiment or project."""
    return scalar(dig(run.get("experiment"), "name"))


def failed(run: Row) -> bool:
    """Whether the application failed."""
    return run.get("status") == "error" or run.get("error") not in (None, "", False)


def unfinished(run: Row) -> bool:
    """Whether there is no answer yet."""
    return run.get("status") == PENDING and not failed(run)


def output_length(run: Row) -> float | None:
    """Characters of the answer, when it is one text."""
    said = run.get("outputs")
    texts = list(said.values()) if isinstance(said, Mapping) else []
    return float(len(texts[0])) if len(texts) == 1 and isinstance(texts[0], str) else None


def giver(feedback: Row) -> str:
    """Who said it: ``judge``, ``person``, or ``api``, which may be anybody.

    Pairwise evaluators write ``api``, too; like all evaluators they name the run that they were.
    """
    kind = scalar(dig(feedback, "feedback_source.type"))
    if kind in JUDGES or (kind != PEOPLE and dig(feedback, "feedback_source.metadata.__run")):
        return "judge"
    return "person" if kind == PEOPLE else "api"


def judge_of(feedback: Row) -> tuple[tuple[str, str], ...]:
    """What LangSmith says of a judge: next to nothing. What its evaluator says of itself, when it says it."""
    told = {"source": dig(feedback, "feedback_source.type")}
    told |= {key: dig(feedback, f"feedback_source.metadata.{key}") for key in SAID_BY}
    if feedback.get("comparative_experiment_id"):
        told["comparison"] = "true"  # which of two is better is another question than how good one is
    return tuple((key, text) for key, value in told.items() if (text := scalar(value)) is not None)


def value_of(feedback: Row) -> Any:
    """The score; what stands in the place of a number when there is none: a category."""
    score = feedback.get("score")
    return feedback.get("value") if score is None else score


def erred(feedback: Row) -> bool:
    """Whether this is the trace that an evaluator left which broke: no score, and an error."""
    return feedback.get("error") is True or dig(feedback, "extra.error") is True
