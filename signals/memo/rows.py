"""The rows of a memo: frozen, plain text, in a fixed order. Every form of the memo, and the page, draws from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from signals.memo.forest import Forest
from signals.memo.phrases import NEUTRAL_MARK, STATUS_MARKS, STATUS_ORDER
from signals.memo.waterfall import Waterfall
from signals.model import Call, Role, Status


@dataclass(frozen=True)
class ReadingLine:
    """One signal's numbers in words; a number that does not exist is an en dash."""

    signal: str
    kind: str
    question: str
    state: str
    why: str
    effect: str
    interval: str  # with its level: "95 % CI −0.9 to +0.2 pp"
    relative: str  # "+2.1 % of control (−0.3 % to +4.6 %)", or empty
    margin: str
    better: str
    n: str
    p: str
    power: str
    mde: str
    non_inferior: str
    age: str
    method: str
    voting: str
    others: tuple[str, ...]  # estimates that do not vote
    warnings: tuple[str, ...]
    owner: str


@dataclass(frozen=True)
class HeardLine:
    """What one row of the hierarchy said, and what became of it."""

    role: Role
    tag: str
    signal: str
    state: str
    says: Call | None
    why: str
    rule: str
    moved_by: str
    overruled: bool  # its state pointed to another call than the verdict's, heard or not


@dataclass(frozen=True)
class RuleLine:
    """A guardrail, an override or a requirement for shipping: what it asked and what came out."""

    sort: str  # "guardrail", "override", "ship requirement"
    id: str
    outcome: str
    call: Call | None
    condition: str
    because: str
    why: str
    spoke: bool  # it changed something, or could not be evaluated


@dataclass(frozen=True)
class CheckLine:
    """One check: its number against its threshold."""

    signal: str
    name: str
    title: str
    status: Status
    number: str
    why: str
    detail: str  # what its number was made from
    told: str  # number and reason, to stand after title and status
    sort: str
    required: bool
    limited: bool  # it was held against a threshold
    remedy: str

    @property
    def neutral(self) -> bool:
        """Whether it is neither good nor bad: the policy does not ask for it, and it has no number or no limit."""
        return not self.required and (self.status == "unknown" or (self.status == "pass" and not self.limited))

    @property
    def mark(self) -> str:
        """The sign of its status; a tick only where a number was held against a limit."""
        return NEUTRAL_MARK if self.neutral else STATUS_MARKS[self.status]

    @property
    def outcome(self) -> str:
        """Its status in one word or two."""
        return "no limit" if self.neutral and self.status == "pass" else self.status


@dataclass(frozen=True)
class SegmentLine:
    """One segment of one signal; the adjusted interval holds for all its segments at once."""

    signal: str
    name: str
    share: str
    effect: str
    interval: str
    adjusted: str  # oriented: positive is good
    shrunk: str  # oriented too
    refused: str


@dataclass(frozen=True)
class NeedLine:
    """A way out of a HOLD."""

    signal: str
    what: str
    why: str
    by: str
    owner: str


@dataclass(frozen=True)
class SetAsideLine:
    """Rows that do not count, and why."""

    signal: str
    rows: str
    why: str
    variant: str
    fault: bool


@dataclass(frozen=True)
class SourceLine:
    """Where a signal's evidence came from."""

    signal: str
    name: str
    connector: str
    pulled: str
    content: str
    rows: str


@dataclass(frozen=True)
class DecisionLine:
    """What people did with the verdict."""

    call: Call
    recommended: Call
    override: bool
    by: str
    second: str
    because: str
    at: str
    other_policy: str  # the short hash of the policy it was decided under, when that is not this memo's
    entry: str
    number: str = ""  # "no. 12", or empty
    due: str = ""  # "holds until 1 Dec 2026", "to be followed up on …", or empty
    override_entry: str = ""  # the override's own entry in the audit chain
    turned: str = ""  # "good", "bad", or empty while nobody said
    turned_by: str = ""  # who said so, and when
    turned_because: str = ""
    turned_entry: str = ""
    stale: tuple[str, ...] = ()  # what has changed since


CausePlace = Literal["part", "inside", "gap", "refused"]
"""Whether a row adds up to the gap with the others, is inside the sum above it, is the gap, or has no number."""


@dataclass(frozen=True)
class CauseLine:
    """One row of a diagnosis. What does not exist is an en dash."""

    cause: str
    place: CausePlace
    value: str  # of the gap, without the pair's unit; where the pair has none, in the signal's own
    within: str  # its interval; empty without
    share: str
    p: str  # with all parts of the pair taken together
    outcome: str  # told from chance, or not, or not known; empty inside a sum, and of the gap
    why: str  # the number in its signal's own unit and what it was made from, or what would allow one

    @property
    def part(self) -> str:
        """The value with its interval."""
        return f"{self.value} ({self.within})" if self.within else self.value


@dataclass(frozen=True)
class CarrierLine:
    """An item that carries much of a judge's bias."""

    item: str
    judge: str
    people: str
    share: str


@dataclass(frozen=True)
class PairLine:
    """Why two signals disagree."""

    title: str  # "judge (win) against conversion (loss)"
    story: str
    refused: str
    plot: Waterfall | None
    measured: str  # what the values of the causes are: "of the gap, margins"
    causes: tuple[CauseLine, ...]
    carriers: tuple[CarrierLine, ...]  # empty where no bias is told from chance, or an earlier pair has the same ones
    biased: str  # whose bias they carry


@dataclass(frozen=True)
class FlipLine:
    """A fact that would make another call."""

    words: str
    to: Call
    inside: str  # whether that value is in the fact's own interval; empty when it has none
    far: bool  # too far-fetched to stand in the open


@dataclass(frozen=True)
class CollectionLine:
    """More evidence, and what it would be worth."""

    signal: str
    what: str
    price: str  # time and money; empty when neither is known
    worth: str
    why: str


@dataclass(frozen=True)
class Explained:
    """Why the signals disagree, how sure the call is, and what would settle it."""

    pairs: tuple[PairLine, ...]
    first: str  # in place of pairs why there are none, before them that the deciding signal is of none
    not_known: str  # what could not be looked at in any pair, and what would allow it
    steadiness: str  # empty when it was not computed
    held: tuple[str, ...]  # what the redraws left as it is
    flips: tuple[FlipLine, ...]  # the most plausible first
    collections: tuple[CollectionLine, ...]
    unsettled: str
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Memo:
    """A verdict in words. Same verdict, policy and decisions: same memo."""

    release: str
    kind: str
    control: str
    candidate: str
    started: str
    owner: str
    synthetic: bool
    call: Call
    word: str
    decides: bool  # False: NO VERDICT YET
    sentence: str
    decided_by: str
    unheard: tuple[str, ...]  # ranked signals, untrusted or missing, that the sentence does not explain
    readings: tuple[ReadingLine, ...]
    plot: Forest
    heard: tuple[HeardLine, ...]
    rules: tuple[RuleLine, ...]
    checks: tuple[CheckLine, ...]
    segments: tuple[SegmentLine, ...]
    needs: tuple[NeedLine, ...]
    set_aside: tuple[SetAsideLine, ...]
    sources: tuple[SourceLine, ...]
    not_assessed: tuple[str, ...]
    decisions: tuple[DecisionLine, ...]
    policy_name: str
    policy_file: str
    policy_hash: str
    policy_text: str
    evidence_hash: str
    as_of: str
    as_of_exact: str
    explained: Explained | None = None  # None: nobody asked why
    verdict_hash: str = ""  # of the verdict as JSON; empty when it was not given
    audit_head: str = ""  # newest entry of the audit chain when the memo was written; empty when nothing is in it
    dated: str = ""  # the newest moment in the memo, exact: as-of time or decision

    @property
    def troubled(self) -> tuple[CheckLine, ...]:
        """Checks that did not pass, worst first, without those that nothing was held against."""
        return tuple(line for line in self.checks if line.status != "pass" and not line.neutral)

    @property
    def neutral(self) -> tuple[CheckLine, ...]:
        """Checks that nothing was held against; those without a number last."""
        return tuple(line for line in self.checks if line.neutral)

    @property
    def check_counts(self) -> tuple[tuple[Status, int], ...]:
        """How many checks have each status, worst first, without the zeros and without the neutral ones."""
        weighed = [line.status for line in self.checks if not line.neutral]
        counts = [(status, weighed.count(status)) for status in STATUS_ORDER]
        return tuple((status, number_of) for status, number_of in counts if number_of)

    @property
    def overruled(self) -> tuple[HeardLine, ...]:
        """The signals whose state pointed to another call, each once: heard and not followed, or not heard at all."""
        return tuple({line.signal: line for line in reversed(self.heard) if line.overruled}.values())[::-1]
