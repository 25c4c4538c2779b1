"""The nouns of the house: frozen, typed, no I/O, and nothing of ours imported.

Units everywhere: proportions and effects on them are fractions (0.02 is 2 pp), durations are seconds, times are
timezone-aware UTC ``datetime`` objects. An *effect* is candidate minus control in the signal's own unit; a *benefit*
is the effect with its sign turned so that positive is good.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Literal, get_args

Call = Literal["ship", "hold", "rollback"]
State = Literal["win", "loss", "flat", "unclear", "untrusted", "missing"]
SignalKind = Literal["judge", "panel", "experiment", "feedback", "drift"]
ReleaseKind = Literal[
    "prompt",
    "model",
    "router",
    "distillation",
    "adapter",
    "merge",
    "decoding",
    "retrieval",
    "document",
    "watch",
]
Status = Literal["pass", "warn", "fail", "unknown"]
Reason = Literal[
    "decided", "guardrail", "needs-data", "untrusted", "missing-signal", "conflict", "cannot-evaluate",
    "ship-requires", "otherwise",
]  # fmt: skip
Role = Literal["decides", "agrees", "overruled", "silent", "silenced"]

CALLS: tuple[Call, ...] = get_args(Call)
STATES: tuple[State, ...] = get_args(State)
SIGNAL_KINDS: tuple[SignalKind, ...] = get_args(SignalKind)
RELEASE_KINDS: tuple[ReleaseKind, ...] = get_args(ReleaseKind)
SEVERITY: Mapping[Call, int] = {"ship": 0, "hold": 1, "rollback": 2}

Segment = tuple[tuple[str, str], ...]
"""Sorted (dimension, value) pairs, for example ``(("locale", "de"), ("plan", "pro"))``; ``()`` is everything."""


# --- mistakes -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, where it is, and what to do about it."""

    what: str
    remedy: str = ""
    file: str = ""
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        """Render as one line: ``file:line:column: what. Remedy``."""
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part not in ("", None))
        what = self.what.rstrip(". ")
        text = f"{what}. {self.remedy}" if self.remedy else what
        return " ".join((f"{place}: {text}" if place else text).split())


class SignalsError(Exception):
    """The caller's mistake: printed as one line per problem, without a traceback, exit code 2."""

    def __init__(self, what: str | Problem | tuple[Problem, ...], remedy: str = "", **place: Any) -> None:
        if isinstance(what, str):
            what = Problem(what, remedy, **place)
        self.problems: tuple[Problem, ...] = what if isinstance(what, tuple) else (what,)
        super().__init__("\n".join(str(problem) for problem in self.problems))


# --- what is under review -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Release:
    """A comparison under review: ``candidate`` against ``control`` (version ids, as the evidence names them)."""

    id: str
    kind: ReleaseKind
    control: str
    candidate: str
    started: date
    owner: str = ""
    as_of: datetime | None = None  # judge it as of this moment by default: a closed release, or an example
    synthetic: bool = False  # shown wherever its numbers are shown
    split: float | None = None  # the candidate's planned share of both arms' units; None: half
    family: str = ""  # releases of one family test several candidates at once and share the error rate

    @property
    def arms(self) -> tuple[str, str]:
        """(control, candidate)."""
        return (self.control, self.candidate)


# --- signals, as the policy declares them ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Metric:
    """What an experiment measures per unit."""

    name: str
    type: Literal["proportion", "mean", "ratio", "quantile"]
    quantile: float | None = None  # which one, for quantile metrics: 0.9


@dataclass(frozen=True)
class Margin:
    """The smallest benefit or harm worth acting on: ``0.5pp`` (absolute .005), ``2%`` (of control), ``0.1``."""

    value: float
    relative: bool
    text: str

    def absolute(self, control: float | None) -> float | None:
        """The margin in the signal's unit; None when it is relative and the control level is unknown or zero."""
        if not self.relative:
            return self.value
        return abs(control) * self.value if control else None


@dataclass(frozen=True)
class Signal:
    """A named stream of evidence, declared in the policy."""

    name: str
    kind: SignalKind
    question: str
    better: Literal["higher", "lower"]
    confidence: float
    margin: Margin | None = None
    metric: Metric | None = None  # experiments only
    looks: Literal["continuous", "fixed"] | tuple[date, ...] = "fixed"
    planned_units: int | None = None  # both arms together; tunes the always-valid interval
    estimate: Literal["raw", "reweighted", "corrected", "superiority", "per_response", "per_impression"] = "raw"
    scorer: str | None = None  # judge: which scorer of a run that has several
    dimension: str | None = None  # which question of a panel's form that has several; a judge is held against it
    human_scale: tuple[float, float] | None = None  # judge: people's lowest and highest grade, read as 0 and 1
    raters: Literal["random", "fixed"] = "random"  # panel: a sample of raters, or the very ones whose word is the rule
    segments: tuple[str, ...] = ()
    trust: Mapping[str, float] = field(default_factory=dict)  # check name -> threshold in base units
    owner: str = ""

    @property
    def sign(self) -> int:
        """+1 when higher is better, -1 when lower is."""
        return 1 if self.better == "higher" else -1

    def definition_hash(self) -> str:
        """Hash of the fields that change the numbers; margins, thresholds and ranks are not among them."""
        numbers = {
            "kind": self.kind, "confidence": self.confidence, "metric": plain(self.metric), "looks": plain(self.looks),
            "planned_units": self.planned_units, "estimate": self.estimate, "scorer": self.scorer,
            "dimension": self.dimension, "human_scale": self.human_scale, "raters": self.raters,
            "segments": self.segments, "better": self.better,
        }  # fmt: skip
        return digest(numbers)


BOTH_ARMS = "unit was seen in both arms"
"""The reason that connectors give for such units; the ``both_arms`` check counts by it."""

INCOMPLETE = "outcome window is not complete"
"""The reason that connectors give for units whose outcome may still come; ``outcome_complete`` counts by it."""

OTHER_RELEASES = "about the variants of other releases"
"""Why rows of a source that serves several releases do not count for one of them."""

# --- evidence -------------------------------------------------------------------------------------------------------

ScoreError = Literal["system_error", "judge_error", "judge_unparsed", "skipped"]


@dataclass(frozen=True, slots=True)
class ItemScore:
    """One score of one output; ``value`` is None exactly when ``error`` says why."""

    record: str  # unique within its source
    item: str
    variant: str
    scorer: str
    value: float | None
    error: ScoreError | None = None
    fingerprint: str = ""  # identity of the judge: name, model, rubric, threshold, tool version
    repeat: int = 0
    cluster: str = ""  # items of one cluster are not independent; empty: the item is its own cluster
    segment: Segment = ()
    at: datetime | None = None
    length: float | None = None  # of the scored output, in whatever the source counts (characters, tokens)
    content: str = ""  # hash of what the item asks; items with the same one are duplicates; empty: not known
    made: datetime | None = None  # when the item was written
    leaked: bool | None = None  # whether the item is known to be in a training set


@dataclass(frozen=True, slots=True)
class Rating:
    """One rater's grade of one output. ``value`` is None for a skipped or rejected one (``status`` says which)."""

    record: str
    item: str
    rater: str
    variant: str
    value: float | None
    dimension: str = ""
    status: str = "submitted"
    attempt: int = 1
    segment: Segment = ()
    at: datetime | None = None
    expected: float | None = None  # the right answer of a gold item


@dataclass(frozen=True, slots=True)
class Preference:
    """One rater's choice between two outputs, with the sides they were shown on."""

    record: str
    item: str
    rater: str
    left: str
    right: str
    choice: Literal["left", "right", "tie"] | None
    dimension: str = ""
    status: str = "submitted"
    attempt: int = 1
    segment: Segment = ()
    at: datetime | None = None
    expected: Literal["left", "right", "tie"] | None = None  # the right answer of a gold item


@dataclass(frozen=True, slots=True)
class Moments:
    """Mergeable moments of up to three numbers per unit: outcome y, covariate x, denominator d.

    ``mean`` and ``m2`` (sum of squared deviations from the mean) are of y; ``xy``, ``yd``, ``xd`` are sums of products
    of deviations, and ``m3`` is the sum of cubed deviations of y. Never raw sums of squares: those lose all precision
    when the mean is large.
    """

    n: int
    mean: float
    m2: float
    x_mean: float | None = None
    x_m2: float | None = None
    xy: float | None = None
    d_mean: float | None = None
    d_m2: float | None = None
    yd: float | None = None
    xd: float | None = None
    m3: float | None = None


@dataclass(frozen=True, slots=True)
class OutcomeCell:
    """Moments of one metric over the units of one variant, segment and first day."""

    metric: str
    variant: str
    segment: Segment
    day: date | None  # the unit's first day (UTC), so that cells add up; None when the source has no times
    moments: Moments
    least: float | None = None  # smallest and largest outcome of one unit; None when only counts are known
    most: float | None = None
    counted: Literal["units", "clusters", "counts"] = "units"  # what a unit of the moments is; counts: rows were counts
    members: int | None = None  # clusters: how many units the clusters of the cell hold


QUANTILE_STEPS: tuple[float, ...] = tuple(step / 4 for step in range(1, 33))
"""How many standard errors of the rank the stored order statistics of a quantile stand away from it: 0.25 to 8."""


@dataclass(frozen=True, slots=True)
class QuantileCell:
    """A quantile of one metric over the units of one variant and segment, with order statistics around it.

    Quantiles do not merge, so a source gives one cell for everything (``segment`` is ``()``) and one per value of each
    segment dimension. ``lows[k]`` is the order statistic of rank ``floor(n q - z_k sqrt(n q (1 - q)))``, ``highs[k]``
    that of rank ``ceil(n q + z_k sqrt(n q (1 - q))) + 1``, ``z_k = QUANTILE_STEPS[k]``; both stop where ranks end.
    """

    metric: str
    variant: str
    segment: Segment
    quantile: float
    n: int
    value: float
    lows: tuple[float, ...]
    highs: tuple[float, ...]
    at: datetime | None = None  # the newest unit's time: the cell says nothing of earlier moments
    counted: Literal["units", "clusters"] = "units"  # clusters: the units were randomised together


@dataclass(frozen=True, slots=True)
class FeedbackCell:
    """Per-user moments of thumbs: y = positives, d = responses, x = impressions of a user.

    When the source knows no users, each response is its own unit: n = responses, d_mean = 1. ``impressions`` is None
    when the source cannot know how many answers were shown.
    """

    variant: str
    segment: Segment
    day: date | None
    impressions: int | None
    users_known: bool
    moments: Moments
    top_user_share: float | None = None  # share of the cell's responses given by its loudest user


@dataclass(frozen=True, slots=True)
class MixShare:
    """Share of traffic (and of value) in one segment: what a golden set should look like."""

    record: str
    segment: Segment
    share: float
    value_share: float | None = None
    window: str = ""


@dataclass(frozen=True, slots=True)
class EmbeddingSample:
    """One vector, for drift."""

    record: str
    variant: str
    vector: tuple[float, ...]
    window: str = ""
    item: str = ""
    at: datetime | None = None


Record = ItemScore | Rating | Preference | OutcomeCell | QuantileCell | FeedbackCell | MixShare | EmbeddingSample


@dataclass(frozen=True)
class SetAside:
    """Rows that do not count, and why. ``variant`` is None when the fault is not one arm's."""

    rows: int
    why: str
    variant: str | None = None
    fault: bool = True  # False: nothing is wrong with the rows, they are about another comparison
    units: int | None = None  # how many units the rows are of, where whole units were set aside


@dataclass(frozen=True)
class SourceNote:
    """Where evidence came from."""

    name: str
    connector: str
    pulled_at: datetime
    content: str  # sha256 of what was read
    rows_read: int = 0
    rows_kept: int = 0
    own_rows: int = 0  # of the rows kept, those about this release's arms (in proportion to its units)


@dataclass(frozen=True)
class Evidence:
    """Everything one reading may look at: the records of one release's two arms for one signal."""

    release: Release
    scores: tuple[ItemScore, ...] = ()
    ratings: tuple[Rating, ...] = ()
    preferences: tuple[Preference, ...] = ()
    outcomes: tuple[OutcomeCell, ...] = ()
    quantiles: tuple[QuantileCell, ...] = ()
    feedback: tuple[FeedbackCell, ...] = ()
    mix: tuple[MixShare, ...] = ()
    human: tuple[Rating, ...] = ()  # for a judge: what panels said of the same outputs
    set_aside: tuple[SetAside, ...] = ()
    sources: tuple[SourceNote, ...] = ()
    family: int = 1  # how many candidates are tested at once in the release's family


# --- numbers: what is computed once and stored ----------------------------------------------------------------------


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
    """The number of one check, before any threshold; None when it cannot be computed (``why`` says so)."""

    name: str
    value: float | None
    why: str


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


# --- readings and the verdict ---------------------------------------------------------------------------------------


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
    """A way out of a HOLD: what evidence, how much of it, by when, from whom."""

    signal: str
    what: str
    why: str
    amount: int | None = None
    unit: str = ""
    by: date | None = None
    owner: str = ""


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


@dataclass(frozen=True)
class Decision:
    """What people did with a verdict: accepted it, or overrode it with a reason."""

    release: str
    call: Call
    recommended: Call  # what the verdict said
    by: str
    because: str
    at: datetime
    verdict_hash: str
    policy_hash: str
    second: str = ""
    entry: str = ""  # its hash in the audit chain

    @property
    def override(self) -> bool:
        """Whether people decided otherwise than the verdict."""
        return self.call != self.recommended


# --- where things are -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Source:
    """One entry of ``data/sources.yaml``."""

    name: str
    signal: str
    connector: str
    options: Mapping[str, Any]  # what the connector itself reads: path, url, query, shape, grain ...
    map: Mapping[str, str] = field(default_factory=dict)  # ours -> theirs
    where: Mapping[str, Any] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)  # recoding, theirs -> ours
    timezone: str | None = None
    line: int | None = None


@dataclass(frozen=True)
class Project:
    """A folder with ``hierarchy.yaml`` and ``data/``."""

    root: Path
    policy_path: Path
    sources_path: Path
    store_url: str
    releases: tuple[Release, ...]
    sources: tuple[Source, ...]


# --- plain data -----------------------------------------------------------------------------------------------------


def utc(moment: datetime) -> str:
    """ISO text of a moment in UTC, to the second: ``2026-11-17T09:00:00Z``."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def plain(value: Any) -> Any:
    """Dataclasses, tuples and times as JSON-ready data; NaN and infinities are refused by ``canonical``."""
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, (date, Path)):
        return str(value)
    return value


def canonical(value: Any) -> str:
    """The one JSON text of a value: sorted keys, no spaces, no NaN."""
    return json.dumps(plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest(value: Any) -> str:
    """``sha256:`` plus the hash of the canonical text."""
    return "sha256:" + hashlib.sha256(canonical(value).encode()).hexdigest()
