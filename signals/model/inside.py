"""One signal of one release in depth: what stands behind its reading, beyond what a verdict needs."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

from signals.model.numbers import Estimate, Interval
from signals.model.plain import digest
from signals.model.verdict import Check, Need, Reading, TraceRow

Band = Literal["any-time", "one look", "planned looks"]
"""What an interval of a course holds for: at every day at once, at one day chosen beforehand, or at the looks."""

Pull = Literal["fine", "failed", "never"]


def check_anchor(name: str) -> str:
    """Where a check stands on the signal's page: ``check-sample_ratio_p``."""
    return f"check-{_slug(name)}"


def segment_anchor(name: str) -> str:
    """Where a segment stands on the signal's page: ``segment-plan=enterprise``."""
    return f"segment-{_slug(name)}"


def _slug(name: str) -> str:
    """The name as it may stand in an address; with a hash of it where characters had to go."""
    kept = "".join(sign if sign.isascii() and (sign.isalnum() or sign in "_=.-") else "-" for sign in name)[:80]
    return kept if kept == name else f"{kept}-{digest(name).removeprefix('sha256:')[:8]}"


@dataclass(frozen=True)
class DayPoint:
    """The estimate that votes, as it would have been had the evidence ended with this day (UTC)."""

    day: date
    estimate: Estimate


@dataclass(frozen=True)
class Course:
    """How the estimate came about, day by day; without points ``why_not`` says why.

    Attributes:
        points: In order of days; each is cumulative, so the last is that of the reading.
        band: What the intervals hold for.
        why_not: Why there is no course.
        days: How many days have evidence; more than there are points when some are left out.
    """

    points: tuple[DayPoint, ...] = ()
    band: Band = "one look"
    why_not: str = ""
    days: int = 0


@dataclass(frozen=True)
class NamedEstimate:
    """One of the estimates that stand side by side; with ``why_not`` one that there is none of."""

    name: str
    votes: bool
    estimate: Estimate | None
    why_not: str = ""


@dataclass(frozen=True)
class SegmentView:
    """One segment: its own benefit, drawn towards the others, and with bounds that hold for all segments at once.

    All three are oriented: positive is good. ``anchor`` names it in an address.
    """

    name: str
    anchor: str
    share: float
    n_control: int
    n_candidate: int
    raw: Interval
    shrunk: Interval | None
    adjusted: Interval
    margin: float | None
    refused: str | None = None


@dataclass(frozen=True)
class CheckView:
    """One check with what it means and what to do about it; ``anchor`` names it in an address."""

    check: Check
    anchor: str
    meaning: str
    remedy: str


@dataclass(frozen=True)
class SourceView:
    """A source that feeds the signal and how its last pull went; ``rows`` are those about this release."""

    name: str
    connector: str
    pull: Pull
    pulled_at: datetime | None
    rows_read: int = 0
    rows_kept: int = 0
    rows: int = 0
    content: str = ""
    error: str = ""


@dataclass(frozen=True)
class ItemGap:
    """One item that judge and people both have under both variants, on the judge's scale."""

    item: str
    judge: float  # candidate minus control
    people: float
    raters: int
    segment: tuple[tuple[str, str], ...] = ()

    @property
    def gap(self) -> float:
        """Judge minus people."""
        return self.judge - self.people


@dataclass(frozen=True)
class Confusion:
    """How often which word of the judge met which word of the people.

    ``counts`` has one row per entry of ``judge`` and one column per entry of ``people``. ``alike`` says whether a word
    means the same from both: a judge's 1 of 0 to 1 is not a person's 1 of 1 to 5.
    """

    what: str
    judge: tuple[str, ...]
    people: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    alike: bool

    @property
    def total(self) -> int:
        """How many were compared."""
        return sum(map(sum, self.counts))

    @property
    def same(self) -> int | None:
        """How many got the same word from both; None where equal words do not mean the same."""
        if not self.alike:
            return None
        return sum(
            self.counts[row][column]
            for row, one in enumerate(self.judge)
            for column, other in enumerate(self.people)
            if one == other
        )


@dataclass(frozen=True)
class PeopleView:
    """A judge held against people, item by item.

    Attributes:
        agreement: Their rank correlation over outputs, as the check measured it.
        items: Those that both have, the largest gaps first; at most ``SHOWN_ITEMS``.
        compared: How many items both have.
        raters: How many people graded them.
        confusion: By direction of the effect, and by grade where both use few.
        why_not: Why items cannot be compared.
    """

    agreement: Check | None
    items: tuple[ItemGap, ...] = ()
    compared: int = 0
    raters: int = 0
    confusion: tuple[Confusion, ...] = ()
    why_not: str = ""


@dataclass(frozen=True)
class RaterView:
    """One rater of a panel.

    Attributes:
        rater: As the source names them.
        items: How many they answered for both arms.
        difference: Mean of their answers, candidate minus control or net preference; each item counts once.
        agreement: Rank correlation of their grades with the mean of the others' on the same outputs.
        shared: On how many outputs that is.
        straight: Whether they gave one grade to nearly everything while others did not; None: too few to look at.
        repeats: Outputs that they answered more than once.
        same: Of these, how many they answered alike each time.
        gold: Items with a known right answer that they answered.
        right: Of these, how many rightly.
    """

    rater: str
    items: int
    difference: float | None
    agreement: float | None
    shared: int
    straight: bool | None
    repeats: int = 0
    same: int = 0
    gold: int = 0
    right: int = 0


@dataclass(frozen=True)
class Step:
    """Something to do next; ``about`` is the check or the source that asks for it, or empty."""

    about: str
    text: str


@dataclass(frozen=True)
class Depth:
    """What is computed from evidence, and not from stored numbers: the slow part of a view."""

    course: Course = field(default_factory=Course)
    absent: tuple[tuple[str, str], ...] = ()  # estimates that there are none of, and why
    people: PeopleView | None = None  # judges only
    raters: tuple[RaterView, ...] | None = None  # panels only


@dataclass(frozen=True)
class SignalView:
    """One signal of one release in depth.

    Attributes:
        release: Its id.
        signal: The signal's name.
        reading: The verdict's own.
        ranks: What its rows of the hierarchy did.
        estimates: Side by side, the one that votes first.
        segments: Of the estimate that votes.
        checks: Worst first.
        sources: All that feed the signal, those without evidence of this release too.
        needs: What the verdict asks of this signal.
        steps: What to do next, in order; empty when nothing is wanting.
        course: By day.
        people: For a judge.
        raters: For a panel.
    """

    release: str
    signal: str
    reading: Reading
    ranks: tuple[TraceRow, ...]
    estimates: tuple[NamedEstimate, ...]
    segments: tuple[SegmentView, ...]
    checks: tuple[CheckView, ...]
    sources: tuple[SourceView, ...]
    needs: tuple[Need, ...]
    steps: tuple[Step, ...]
    course: Course
    people: PeopleView | None = None
    raters: tuple[RaterView, ...] | None = None
