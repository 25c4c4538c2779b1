"""Why signals disagree, how sure a call is, and what would settle it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from signals.model.numbers import Interval
from signals.model.release import Call

CauseName = Literal[
    "population", "value", "judge_bias", "response", "timing", "construct", "noise", "unexplained",
]  # fmt: skip
"""What a disagreement can come from; ``noise`` is chance, ``unexplained`` what no correction takes away."""

CAUSES: tuple[CauseName, ...] = get_args(CauseName)


@dataclass(frozen=True)
class Correction:
    """One thing that may be wrong with a signal's number, and what putting it right needs.

    Attributes:
        cause: What it would be.
        signal: Whose number it corrects.
        evidence: One clause: what the correction was made from.
        refused: Why it cannot be made; empty when it can.
        remedy: Which evidence would allow it.
    """

    cause: CauseName
    signal: str
    evidence: str = ""
    refused: str = ""
    remedy: str = ""


@dataclass(frozen=True)
class Carrier:
    """An item that carries much of the judge's bias: what judge and people said of it, candidate minus control."""

    item: str
    judge: float
    people: float
    share: float  # of the bias over all items that people graded; the shares of all items sum to 1


@dataclass(frozen=True)
class ErrorSample:
    """A part of the errors of a pair's numbers that its own sample tells: items of a segment, graded items, raters.

    Attributes:
        df: Degrees of freedom that the sample has; None: known.
        covariance: Of the numbers, shape (n, n), at the level at which degrees of freedom are combined (Satterthwaite):
            for raters one standard error above the estimate, which is most confident just where it is too low.
    """

    df: float | None
    covariance: tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class PairNumbers:
    """What the evidence says of the gap between two signals: stored, and independent of margins, ranks and states.

    The vector of ``values`` is: the first signal's effect as it votes; for each correction what it takes away from the
    gap, in the unit of its own signal (of the first signal's effect: what the correction takes off it; of the second's:
    what the correction puts on it); the second signal's effect as it votes.

    Attributes:
        signal: Whose number is to be explained.
        against: The signal that it is held against.
        corrections: Those that can be applied together, the first signal's first.
        values: Shape (1 + corrections + 1,), in the signals' own units (candidate minus control).
        covariance: Sampling covariance of ``values``, shape (n, n).
        df: Degrees of freedom of each value's error, shape (n,); None is a normal error.
        refused: Corrections that cannot be made, with what would allow them.
        carriers: Items that carry the judge's bias, the heaviest first.
        samples: Which samples the errors come from, where a side has several; else ``df`` says all.
        one_scale: Whether a unit that both signals share means the same: grades in points may be of two scales.
    """

    signal: str
    against: str
    corrections: tuple[Correction, ...]
    values: tuple[float, ...]
    covariance: tuple[tuple[float, ...], ...]
    df: tuple[float | None, ...]
    refused: tuple[Correction, ...] = ()
    carriers: tuple[Carrier, ...] = ()
    samples: tuple[ErrorSample, ...] = ()
    one_scale: bool = True

    @property
    def correlation(self) -> float:
        """Of the sampling errors of the two signals' effects as they vote."""
        spread = (self.covariance[0][0] * self.covariance[-1][-1]) ** 0.5
        return max(-1.0, min(1.0, self.covariance[0][-1] / spread)) if spread > 0.0 else 0.0


@dataclass(frozen=True)
class Cause:
    """One row of a diagnosis.

    Attributes:
        name: Which cause.
        signal: Whose number it is about; empty for noise, construct and the unexplained rest, which are the pair's.
        quantity: What the correction takes away, in ``unit``, as benefit (positive is good); None when refused.
        unit: Of the quantity: the signal's own, or that of the pair.
        part: Of the gap, on the pair's scale. The parts of the causes with ``counts`` sum to the gap.
        share: The part as a share of the gap; None when the gap is 0 or the cause is not told from chance.
        p_value: Of no such cause; None where nothing was tested. Of noise: that everything which is not told from
            chance by itself sums to 0, also where that sum stands under ``unexplained``.
        blamed: Told from chance, all causes of the pair taken together (Holm).
        counts: Whether ``part`` is a summand of the gap as drawn. A cause that is not told from chance does not count
            by itself: its part is in that of ``noise``.
        evidence: One clause: what the number was made from.
        refused: Why there is no number.
        remedy: Which evidence would allow one.
        p_adjusted: ``p_value`` with all parts of the pair, and the sum under noise, taken together: this is what must
            not exceed 1 - confidence. Intervals are each part's alone, so one may miss 0 where this does not pass.
    """

    name: CauseName
    signal: str
    quantity: Interval | None = None
    unit: str = ""
    part: Interval | None = None
    share: float | None = None
    p_value: float | None = None
    blamed: bool = False
    counts: bool = False
    evidence: str = ""
    refused: str = ""
    remedy: str = ""
    p_adjusted: float | None = None


@dataclass(frozen=True)
class Reconciliation:
    """The diagnosis of one contradicting pair.

    Attributes:
        signal: The signal whose number is to be explained: the overruled one, else the louder one.
        against: The one that it is held against: the one that decides, where it is of the pair.
        said: "win" against "loss", in this order.
        unit: Of start, end, gap and parts: ``margins``, or the unit that both signals share. Empty when there is no
            common scale (``refused`` says why); quantities then stand in their own units, and nothing is apportioned.
        start: The first signal's benefit on that scale.
        end: The second's.
        gap: start - end, with its interval.
        causes: In a fixed order: causes by signal, then construct, noise, unexplained.
        carriers: Items that carry the judge's bias.
        story: One paragraph to read aloud.
        refused: Why nothing is apportioned; empty when it is.
    """

    signal: str
    against: str
    said: tuple[str, str]
    unit: str
    start: Interval
    end: Interval
    gap: Interval
    causes: tuple[Cause, ...]
    carriers: tuple[Carrier, ...] = ()
    story: str = ""
    refused: str = ""


@dataclass(frozen=True)
class Stability:
    """How often each call is made when the evidence is drawn anew from the sampling distribution of the readings.

    Attributes:
        calls: Share of draws by call; they sum to 1.
        draws: How many.
        fixed: What was held as it is: checks, signals without an interval.
        correlated: Pairs of signals whose errors were drawn together, with the correlation.
    """

    calls: Mapping[Call, float]
    draws: int
    fixed: tuple[str, ...] = ()
    correlated: tuple[tuple[str, str, float], ...] = ()


@dataclass(frozen=True)
class Flip:
    """The nearest value of one fact that makes another call, everything else staying as it is.

    Attributes:
        fact: Full name (``conversion.benefit``, ``judge.human_agreement``), or a state that a check would make.
        now: Its value; None when it does not exist.
        at: The boundary: the call changes at this value or just past it.
        to: The other call.
        direction: On which side of ``at`` the other call lies.
        past: A value just past ``at``, at which the engine was seen to make the other call.
        inside: Whether ``at`` lies inside the fact's own interval, for a bound inside the interval that it bounds; None
            when it has none. An end of the interval is not inside.
        words: One clause for the standup.
        far: Whether it is too far-fetched to argue about.
        at_end: Whether ``at`` is an end of that interval, but for rounding. A signal that says nothing wins or loses
            just when its interval has left 0: with an effect of 0 that is at its interval's end, whatever was measured.
    """

    fact: str
    now: float | str | bool | None
    at: float | str | bool
    to: Call
    direction: Literal["above", "below", "is"]
    past: float | str | bool
    inside: bool | None = None
    words: str = ""
    far: bool = False
    at_end: bool = False


@dataclass(frozen=True)
class Collection:
    """More evidence that could be collected, and what it would be worth.

    Attributes:
        signal: Whose.
        what: "12,000 more users", "80 more items".
        amount: How many.
        unit: Of the amount.
        days: At the current rate; None when no rate is known.
        cost: As the policy's ``costs:`` price it; None without a price.
        currency: Of the cost.
        before: Share of the draws on the likeliest settled call now. A HOLD that only waits for evidence is not
            settled, however often it is drawn, so this can be far below the stability of a HOLD.
        after: The same after it, as it is to be expected.
        settles: Whether ``after`` reaches the level at which a call counts as settled.
        why: Sentences: which call it would be, and what that rests on.
    """

    signal: str
    what: str
    amount: int
    unit: str
    days: float | None
    cost: float | None
    currency: str
    before: float
    after: float
    settles: bool
    why: str

    @property
    def gain(self) -> float:
        """Expected change in stability."""
        return self.after - self.before


@dataclass(frozen=True)
class Explanation:
    """What stands beside a verdict: why the signals disagree, how sure the call is, what would settle it.

    ``unsettled`` says why no collection is proposed although the call is a HOLD or a shaky one; empty otherwise.
    """

    reconciliation: tuple[Reconciliation, ...] = ()
    stability: Stability | None = None
    flips: tuple[Flip, ...] = ()
    collections: tuple[Collection, ...] = ()
    unsettled: str = ""
    notes: tuple[str, ...] = field(default=())
