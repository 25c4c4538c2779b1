"""Small makers of releases, signals and evidence."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from signals.model import Evidence, Margin, Metric, Release, Signal

RELEASE = Release("r1", "prompt", "old", "new", date(2026, 11, 1))
AS_OF = datetime(2026, 11, 20, 9, tzinfo=UTC)


def margin(value: float) -> Margin:
    return Margin(value, False, str(value))


def signal(kind: Any, **fields: Any) -> Signal:
    made: dict[str, Any] = {"name": "s", "kind": kind, "question": "?", "better": "higher", "confidence": 0.95}
    if kind == "experiment":
        made["metric"] = Metric("converted", "proportion")
    made.update(fields)
    return Signal(**made)


def evidence(**fields: Any) -> Evidence:
    return Evidence(RELEASE, **fields)


def measured(numbers: Any, name: str) -> float | None:
    return {measure.name: measure.value for measure in numbers.measures}[name]
