"""The track record as plain data: what ``signals track --json`` prints."""

from __future__ import annotations

import math
from typing import Any

from signals.model import plain
from signals.track.record import TrackRecord


def track_json(found: TrackRecord, signal: str | None = None) -> dict[str, Any]:
    """Everything in the record; numbers are not rounded, what is not a finite number is null.

    Args:
        found: The record.
        signal: Only this signal, with the pairs that it is in.
    """
    body: dict[str, Any] = plain(
        {name: value for name, value in found.__dict__.items() if name not in ("record", "signals", "pairs")}
    )
    body["signals"] = [plain(one) for one in found.signals if signal in (None, one.signal)]
    body["pairs"] = [plain(one) for one in found.pairs if signal in (None, one.signal, one.other)]
    body["record"] = plain({**found.record.__dict__, "calls": {}, "decided": {}})
    for name, counts in (("calls", found.record.calls), ("decided", found.record.decided)):
        body["record"][name] = [
            {"call": call, "outcome": outcome, "releases": number} for (call, outcome), number in counts.items()
        ]
    clean: dict[str, Any] = _finite(body)
    return clean


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, (list, tuple)) else value
