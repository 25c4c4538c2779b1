"""Numbers: what is computed once from evidence, and stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from signals.model.evidence import SetAside, SourceNote
from signals.model.signal import SignalKind


@dataclass(frozen=True)
class Interval:
    """A number with its bounds; None where it was refused."""

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Estimate:
    """One effect with its interval, or the reason why there is none (``refused``)."""

    effect: float | None
    low: float | None
    high: float | None
    method: str
    confidence: float
    se: float | None = None
    df: float | None = None
    p_value: float | None = None
    control: float | None = None  # level of the arm, in the signal's unit
    candidate: float | None = None
    n_control: int = 0
    n_candidate: int = 0
    n_effective: float | None = None
    warnings: tuple[str, ...] = ()
    refused: str | None = None
    relative: Interval | None = None  # of the control level: 0.02 is 2 % more
    unit: str = ""  # when it is not the reading's own


@dataclass(frozen=True)
class Measure:
    """The number of one check, before any threshold; None when it cannot be computed (``why`` says so).

    ``se`` is its standard error over samples of items, where that is known; the call is then drawn anew with it.
    ``low`` and ``high`` are its 95 % interval, where it has one.
    """

    name: str
    value: float | None
    why: str
    se: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class SegmentEstimate:
    """One segment's effect; ``adjusted`` bounds hold for all segments at once."""

    name: str  # "plan=enterprise"
    share: float
    n_control: int
    n_candidate: int
    effect: float | None
    low: float | None
    high: float | None
    adjusted_low: float | None
    adjusted_high: float | None
    control: float | None = None
    refused: str | None = None
    shrunk: Interval | None = None  # drawn towards the others as far as they agree; None when it cannot be


@dataclass(frozen=True)
class Numbers:
    """All numbers of a reading: what the store keeps. State and check status are derived from it in microseconds."""

    signal: str
    kind: SignalKind
    unit: str  # "pp", "points", "net preference", or the metric's name
    voting: str  # which of ``estimates`` votes
    estimates: Mapping[str, Estimate]
    measures: tuple[Measure, ...] = ()
    segments: tuple[SegmentEstimate, ...] = ()
    set_aside: tuple[SetAside, ...] = ()
    sources: tuple[SourceNote, ...] = ()
    first_at: datetime | None = None
    last_at: datetime | None = None
    counted: str = "units"  # what n counts: users, items, responses
    rate_per_day: float | None = None  # of ``counted``, both arms together
    components: Mapping[str, float] = field(default_factory=dict)  # variance parts, for planning
