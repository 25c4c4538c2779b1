"""Readings, signals and sides that are made by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from signals.model import Correction, Interval, Margin, Reading, Signal
from signals.reconcile.sides.base import Side


def signal(name: str, kind: str = "judge", **more: Any) -> Signal:
    """A signal with a margin of 0.01."""
    given: dict[str, Any] = {
        "name": name, "kind": kind, "question": "", "better": "higher", "confidence": 0.95,
        "margin": Margin(0.01, False, "1pp"),
    }  # fmt: skip
    return Signal(**(given | more))


def reading(name: str, benefit: float, kind: str = "judge", state: str = "win", **more: Any) -> Reading:
    """A reading with this benefit, in pp, margin 0.01."""
    given: dict[str, Any] = {
        "signal": name, "kind": kind, "question": "", "state": state, "why": "", "effect": benefit,
        "low": benefit - 0.01,
        "high": benefit + 0.01, "benefit": Interval(benefit, benefit - 0.01, benefit + 0.01), "unit": "pp",
        "better": "higher", "margin": 0.01, "confidence": 0.95, "method": "", "n_control": 100, "n_candidate": 100,
        "counted": "items", "non_inferior": True, "material": True, "p_value": 0.01, "power": 0.8, "mde": 0.01,
        "age": 0.0, "voting": "raw", "estimates": {}, "checks": {}, "segments": (), "set_aside": (), "sources": (),
        "as_of": None,
    }  # fmt: skip
    return Reading(**(given | more))


def side(
    name: str,
    values: list[float],
    errors: list[list[float]] | None = None,
    causes: tuple[str, ...] = (),
    names: Sequence[object] | None = None,
    df: float | None = None,
) -> Side:
    """A side whose moves are the rows of ``errors``."""
    moves = np.asarray(errors if errors is not None else [[0.0] * len(values)], dtype=float)
    keys = names or [(name, k) for k in range(len(moves))]
    corrections = tuple(Correction(cause, name, f"{cause} of {name}") for cause in causes)  # type: ignore[arg-type]  # causes
    return Side(name, corrections, np.asarray(values, dtype=float), dict(zip(keys, moves, strict=True)), df)  # type: ignore[arg-type]  # any key
