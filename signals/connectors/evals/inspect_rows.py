"""Samples of Inspect logs as rows that paths lead into, and what they asked and were answered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from signals.connectors.evals.inspect_log import Log
from signals.connectors.evals.runs import flat
from signals.connectors.jsonfile import dig, scalar

BULK = ("events", "events_data", "messages", "attachments", "timelines")
"""What makes samples large and ``map:`` has no use for."""

ATTACHED = "attachment://"
SETTINGS = ("eval.model", "eval.task_args", "eval.model_generate_config", "eval.solver_args", "plan")


def about(log: Log) -> Mapping[str, Any]:
    """What a log says of all its samples, for their rows; what was edited later goes before what was written first."""
    tags = log.header.get("tags") or log.eval.get("tags")
    return {
        "eval": log.eval,
        "plan": _plan(log),
        "log": {
            "status": log.status,
            "metadata": log.header.get("metadata") or log.eval.get("metadata"),
            "tags": ", ".join(map(str, tags)) if isinstance(tags, list) else None,
        },
    }


def row(sample: Mapping[str, Any], said: Mapping[str, Any]) -> Mapping[str, Any]:
    """What paths of ``map:`` and ``where:`` lead into: the sample, and what its log says of all samples (``about``)."""
    slim = {name: value for name, value in sample.items() if name not in BULK}
    item = f"{said['eval'].get('task')}/{sample.get('id')}"
    return {**slim, **said, "log": {**said["log"], "item": item}}


def settings(said: Mapping[str, Any]) -> dict[str, str]:
    """What a run ran with: path to value."""
    return {name: value for path in SETTINGS for name, value in flat(dig(said, path), path)}


def _plan(log: Log) -> Mapping[str, Any]:
    """Solvers by name, with their parameters; a list has no paths."""
    found: dict[str, Any] = {}
    steps = dig(log.header, "plan.steps")
    for step in steps if isinstance(steps, list) else []:
        if isinstance(step, Mapping):
            name = base = scalar(step.get("solver")) or "solver"
            count = 2
            while name in found:
                name, count = f"{base}{count}", count + 1
            found[name] = step.get("params") or {}
    return found


def answer(sample: Mapping[str, Any]) -> str | None:
    """The output's text; None when there is none, or the run failed before it was whole."""
    text = dig(sample, "output.completion")
    return _attached(text, sample) if isinstance(text, str) and not sample.get("error") else None


def asked(sample: Mapping[str, Any]) -> Any:
    """What the sample asks: text, or messages without their ids, which are new in every run; and the choices."""
    said, choices = _attached(sample.get("input"), sample), sample.get("choices")
    return [said, choices] if choices else said


def _attached(value: Any, sample: Mapping[str, Any]) -> Any:
    """The value with its long texts, which a log keeps apart, and without the ids of messages."""
    if isinstance(value, str) and value.startswith(ATTACHED):
        return dig(sample.get("attachments"), value.removeprefix(ATTACHED)) or value
    if isinstance(value, list):
        return [_attached(one, sample) for one in value]
    if isinstance(value, Mapping):
        return {key: _attached(one, sample) for key, one in value.items() if key != "id"}
    return value
