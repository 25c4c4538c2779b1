"""Readings and the verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal, get_args

from signals.model.evidence import SetAside, SourceNote
from signals.model.numbers import Estimate, Interval
from signals.model.release import Call, Release
from signals.model.signal import SignalKind

State = Literal["win", "loss", "flat", "unclear", "untrusted", "missing"]
Status = Literal["pass", "warn", "fail", "unknown"]
Reason = Literal[
    "decided", "guardrail", "needs-data", "untrusted", "missing-signal", "conflict", "cannot-evaluate",
    "ship-requires", "otherwise",
]  # fmt: skip
Role = Literal["decides", "agrees", "overruled", "silent", "silenced"]

STATES: tuple[State, ...] = get_args(State)


@dataclass(frozen=True)
class Check:
    """One named test of whether evidence may be believed."""

    name: str
    status: Status
    value: float | None
    threshold: float | None
    why: str
    sort: Literal["validity", "maturity"] = "validity"
    required: bool = False  # the policy asks for it
    detail: str = ""  # what the number was made from: "50,012 and 48,604 units against an even split"
    low: float | None = None  # its 95 % interval, where it has one
    high: float | None = None


@dataclass(frozen=True)
class SegmentReading:
    """One segment, oriented: positive is good."""

    name: str
    share: float
    effect: float | None
    low: float | None
    high: float | None
    benefit: Interval
    adjusted: Interval
    margin: float | None
    refused: str | None = None
    shrunk: Interval | None = None  # the benefit, drawn towards the other segments as far as they agree


@dataclass(frozen=True)
class Reading:
    """Effect, interval, state, checks and segments of one signal for one release."""

    signal: str
    kind: SignalKind
    question: str
    state: State
    why: str  # one clause: why this state
    effect: float | None
    low: float | None
    high: float | None
    benefit: Interval
    unit: str
    better: Literal["higher", "lower"]
    margin: float | None
    confidence: float
    method: str
    n_control: int
    n_candidate: int
    counted: str
    non_inferior: bool | None
    material: bool | None
    p_value: float | None
    power: float | None
    mde: float | None
    age: float | None  # seconds since the last evidence
    voting: str
    estimates: Mapping[str, Estimate]
    checks: Mapping[str, Check]
    segments: tuple[SegmentReading, ...]
    set_aside: tuple[SetAside, ...]
    sources: tuple[SourceNote, ...]
    as_of: datetime | None  # the last evidence
    warnings: tuple[str, ...] = ()
    rate_per_day: float | None = None
    components: Mapping[str, float] = field(default_factory=dict)
    owner: str = ""
    equivalent: bool | None = None  # the whole interval is inside the margin, on both sides

    @property
    def n(self) -> int:
        """How many items both arms share (judge, panel), or how many units or responses they have together."""
        paired = self.kind in ("judge", "panel")
        return min(self.n_control, self.n_candidate) if paired else self.n_control + self.n_candidate


@dataclass(frozen=True)
class TraceRow:
    """What one row of the hierarchy did."""

    rule: str  # hierarchy[0], kinds.distillation.hierarchy[1]
    signal: str
    state: State
    says: Call | None  # None: it lets the next row speak
    role: Role
    why: str
    moved_by: str | None = None  # the override that moved it here


@dataclass(frozen=True)
class RuleOutcome:
    """A guardrail or a ship requirement, evaluated. ``holds`` is None when a fact is unknown."""

    id: str
    rule: str
    condition: str
    holds: bool | None
    call: Call | None
    because: str
    why: str  # the comparisons with the numbers seen
    unknown: tuple[str, ...] = ()  # the facts that do not exist


@dataclass(frozen=True)
class Need:
    """A way out of a HOLD: what evidence, how much of it, by when, from whom.

    ``then`` is what a planned amount would do, after the claim that begins ``why``: ``would, in 80 % of cases, if there
    is none``. It is a plan for one signal; whether it settles the call is another question (``Collection``).
    """

    signal: str
    what: str
    why: str
    amount: int | None = None
    unit: str = ""
    by: date | None = None
    owner: str = ""
    then: str = ""


@dataclass(frozen=True)
class Verdict:
    """The call plus everything that explains it: a pure function of policy, readings, release and as-of time."""

    release: Release
    call: Call
    reason: Reason
    decided_by: str | None  # a signal, a guardrail's id, or None
    rule: str
    because: str
    sentence: str
    readings: Mapping[str, Reading]
    trace: tuple[TraceRow, ...]
    overruled: tuple[str, ...]
    guardrails: tuple[RuleOutcome, ...]
    ship_requires: tuple[RuleOutcome, ...]
    overrides: tuple[RuleOutcome, ...]
    needs: tuple[Need, ...]
    policy_name: str
    policy_hash: str
    evidence_hash: str
    as_of: datetime
