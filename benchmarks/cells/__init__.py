"""The grid of the coverage table: one file per kind of evidence, each with its ``CELLS``.

A cell is one situation (sizes, rates, skew, clusters) and one interval. Its ``simulate`` draws evidence with a known
truth, asks the product's own code for the interval, and says what came of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from signals.model import Estimate

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Run:
    """What one simulated data set came to. ``covered`` and ``width`` are None when the interval was refused."""

    covered: bool | None
    width: float | None
    flagged: bool  # refused, or printed with a warning or a check that warns


@dataclass(frozen=True)
class Cell:
    """One situation. ``any_time``: the interval promises at least its level over all looks, not exactly it."""

    interval: str  # what the table groups by: "experiment, proportion, one look"
    situation: str  # "0.1 % v 0.1 %, 2,000 per arm"
    simulate: Callable[[np.random.Generator], Run]
    any_time: bool = False


def outcome(estimate: Estimate, truth: float, *, flagged: bool = False) -> Run:
    """A run of one estimate against the truth."""
    if estimate.low is None or estimate.high is None:
        return Run(None, None, flagged=True)
    return Run(estimate.low <= truth <= estimate.high, estimate.high - estimate.low, flagged or bool(estimate.warnings))
