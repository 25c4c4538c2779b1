"""The nouns of the house: frozen, typed, no I/O, and nothing of ours imported.

Units everywhere: proportions and effects on them are fractions (0.02 is 2 pp), durations are seconds, times are
timezone-aware UTC ``datetime`` objects. An *effect* is candidate minus control in the signal's own unit; a *benefit*
is the effect with its sign turned so that positive is good.
"""

from __future__ import annotations

from signals.model.evidence import (
    BOTH_ARMS,
    INCOMPLETE,
    OTHER_RELEASES,
    QUANTILE_STEPS,
    EmbeddingSample,
    Evidence,
    FeedbackCell,
    ItemScore,
    MixShare,
    Moments,
    OutcomeCell,
    Preference,
    QuantileCell,
    Rating,
    Record,
    ScoreError,
    Segment,
    SetAside,
    SourceNote,
)
from signals.model.mistakes import Problem, SignalsError
from signals.model.numbers import Estimate, Interval, Measure, Numbers, SegmentEstimate
from signals.model.plain import canonical, digest, plain, utc
from signals.model.project import Project, Source
from signals.model.release import CALLS, OUTCOMES, RELEASE_KINDS, SEVERITY, Call, Outcome, Release, ReleaseKind
from signals.model.signal import SIGNAL_KINDS, Margin, Metric, Signal, SignalKind
from signals.model.verdict import (
    STATES,
    Check,
    Decision,
    Need,
    Reading,
    Reason,
    Role,
    RuleOutcome,
    SegmentReading,
    State,
    Status,
    TraceRow,
    Verdict,
)

__all__ = [
    "BOTH_ARMS",
    "CALLS",
    "INCOMPLETE",
    "OTHER_RELEASES",
    "OUTCOMES",
    "QUANTILE_STEPS",
    "RELEASE_KINDS",
    "SEVERITY",
    "SIGNAL_KINDS",
    "STATES",
    "Call",
    "Check",
    "Decision",
    "EmbeddingSample",
    "Estimate",
    "Evidence",
    "FeedbackCell",
    "Interval",
    "ItemScore",
    "Margin",
    "Measure",
    "Metric",
    "MixShare",
    "Moments",
    "Need",
    "Numbers",
    "Outcome",
    "OutcomeCell",
    "Preference",
    "Problem",
    "Project",
    "QuantileCell",
    "Rating",
    "Reading",
    "Reason",
    "Record",
    "Release",
    "ReleaseKind",
    "Role",
    "RuleOutcome",
    "ScoreError",
    "Segment",
    "SegmentEstimate",
    "SegmentReading",
    "SetAside",
    "Signal",
    "SignalKind",
    "SignalsError",
    "Source",
    "SourceNote",
    "State",
    "Status",
    "TraceRow",
    "Verdict",
    "canonical",
    "digest",
    "plain",
    "utc",
]
