"""What a track record holds: nothing is computed here. A refusal says how many releases there are, and are needed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from signals.model import Call, Interval, Outcome, SignalKind, State
from signals.stats.alarm import Alarm


@dataclass(frozen=True)
class Rate:
    """How often something held: a share with its Wilson interval, or why there is none.

    Attributes:
        times: How often.
        of: Of how many.
        low: Lower bound of the share; None when refused, or when ``of`` is 0.
        high: Upper bound.
        have: Releases that could have counted.
        refused: Why no share is given.
    """

    times: int
    of: int
    have: int
    low: float | None = None
    high: float | None = None
    refused: str = ""


@dataclass(frozen=True)
class Counted:
    """One cell of a table: so many releases in which the signal was in ``state`` and the other thing in ``other``."""

    state: State
    other: str
    releases: int


@dataclass(frozen=True)
class LeftOut:
    """A release that does not count, and why."""

    release: str
    why: str


@dataclass(frozen=True)
class Pair:
    """How the true benefits of two signals, in margins, went together.

    Attributes:
        signal: The first.
        other: The second.
        releases: That gave both a number.
        correlation: Of the true benefits; Nones when refused.
        measured: Of the measured ones; None when refused.
        clamped: The estimate lay beyond ±1.
        shared: The two measure the same people or items, so that their errors may go together; the interval holds
            whatever they share.
        slope: Margins of ``other`` per margin of ``signal``; Nones when refused.
        refused: Why there is no correlation.
        no_line: Why there is no slope, where there is a correlation.
    """

    signal: str
    other: str
    releases: int
    correlation: Interval
    measured: float | None
    clamped: bool
    shared: bool
    slope: Interval
    refused: str
    no_line: str


@dataclass(frozen=True)
class GapTrend:
    """The gap between a signal's benefit and that of the outcome signal, in margins, from release to release.

    Attributes:
        signal: The proxy.
        against: The signal that the hierarchy asks first.
        releases: Ids, in order of their start.
        started: When each started.
        gaps: The proxy's benefit less the outcome's, in margins of each.
        slope: Change of the gap per release, with its interval; Nones when refused.
        p_value: Of no trend; None when refused.
        alarm: None when refused.
        refused: Why neither trend nor alarm is given.
        words: One sentence; also when refused.
    """

    signal: str
    against: str
    releases: tuple[str, ...]
    started: tuple[date, ...]
    gaps: tuple[float, ...]
    slope: Interval
    p_value: float | None
    alarm: Alarm | None
    refused: str
    words: str


@dataclass(frozen=True)
class SignalRecord:
    """How one signal did.

    Attributes:
        signal: Its name.
        kind: Its kind.
        owner: Who answers for it.
        states: Independent past releases by what it said; they sum to ``TrackRecord.releases``.
        heard: In how many it said something (neither untrusted nor missing).
        decided: In how many its row of the hierarchy decided.
        beside: Counts by its state and that of the signal that decided, over releases that another one decided.
        agreed: Of those of them in which both said win, loss or flat: how often the same.
        turned: Counts by its state and the outcome, unknown ones too.
        win_good: Of its wins with a known outcome, those that turned out good.
        loss_bad: Of its losses with a known outcome, those that turned out bad.
        right: Of both, those that it called right.
        gap: Trend of its gap to the outcome signal; None for that signal itself.
        words: What it comes to, one sentence each.
    """

    signal: str
    kind: SignalKind
    owner: str
    states: Mapping[State, int]
    heard: int
    decided: int
    beside: tuple[Counted, ...]
    agreed: Rate
    turned: tuple[Counted, ...]
    win_good: Rate
    loss_bad: Rate
    right: Rate
    gap: GapTrend | None
    words: tuple[str, ...]


@dataclass(frozen=True)
class PolicyRecord:
    """The policy's calls, and people's, against how releases turned out; all past releases, related ones too.

    Attributes:
        calls: Releases by (call of this policy as it is now, outcome).
        decided: Releases by (what people decided, outcome).
        harms_stopped: Of the releases that turned out bad, those that the policy does not ship.
        wins_shipped: Of those that turned out good, those that it ships.
        overridden: Of the releases that people decided, those that they decided otherwise than the verdict they saw.
        words: What it comes to, one sentence each.
    """

    calls: Mapping[tuple[Call, Outcome], int]
    decided: Mapping[tuple[Call, Outcome], int]
    harms_stopped: Rate
    wins_shipped: Rate
    overridden: Rate
    words: tuple[str, ...]


@dataclass(frozen=True)
class TrackRecord:
    """How each signal, and the policy, did over past releases.

    Attributes:
        policy: Its name.
        policy_hash: Its content hash.
        confidence: Of every interval, two-sided.
        needed: Releases below which nothing but counts is given.
        known: Past releases with readings.
        releases: Of them, those that share no evidence: what everything but the policy's record is made from.
        synthetic: Of these, those whose numbers are made up.
        outcomes: Of these, those with a known outcome.
        first: Start of the first of them; None without any.
        last: Start of the last.
        outcome_signal: The signal that the hierarchy asks first; None when the hierarchy has no row.
        signals: In the order of the hierarchy, then as declared.
        pairs: Every two signals, in the same order.
        record: The policy's own.
        left_out: Releases without readings, and those that share their evidence with another.
        undecided: Of the ``releases`` those that no signal decided.
        alarms: One sentence for each alarm that sounded.
        words: What the record as a whole comes to, and what is missing; one sentence each, the alarms last.
    """

    policy: str
    policy_hash: str
    confidence: float
    needed: int
    known: int
    releases: int
    synthetic: int
    outcomes: int
    first: date | None
    last: date | None
    outcome_signal: str | None
    signals: tuple[SignalRecord, ...]
    pairs: tuple[Pair, ...]
    record: PolicyRecord
    left_out: tuple[LeftOut, ...]
    undecided: tuple[str, ...]
    alarms: tuple[str, ...]
    words: tuple[str, ...]
