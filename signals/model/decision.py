"""What people did with a verdict: three records, each with its entry in the audit chain.

The *recommendation* is the verdict as it stood, known by the hash of its text. The *decision* is what people did. Where
the two differ, an *override* says why, who agreed, and until when. How a decision turned out is told later, as often as
more is known: each *outcome* is a record too, and the newest counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

from signals.model.release import Call

Turned = Literal["good", "bad"]
TURNED: tuple[Turned, ...] = get_args(Turned)


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
    number: int = 0  # what people call it by; 0 until it is recorded
    token: str = ""  # of the form it was typed into: the same form counts once

    @property
    def override(self) -> bool:
        """Whether people decided otherwise than the verdict."""
        return self.call != self.recommended


@dataclass(frozen=True)
class Override:
    """Why people went against a recommendation, who agreed, and when it is to be looked at again.

    One of ``until`` and ``follow_up`` is set: after ``until`` it holds no longer; at ``follow_up`` it is looked at.
    """

    decision: str  # entry of the decision in the audit chain
    release: str
    call: Call
    recommended: Call
    verdict_hash: str  # of the recommendation that it goes against
    by: str
    second: str
    because: str
    at: datetime
    until: datetime | None = None
    follow_up: datetime | None = None
    entry: str = ""  # its own hash in the audit chain

    @property
    def due(self) -> datetime | None:
        """The moment from which on it has run out, or is to be followed up."""
        return self.until or self.follow_up


@dataclass(frozen=True)
class DecisionOutcome:
    """How a decision turned out, as somebody saw it, with the evidence in words."""

    decision: str  # entry of the decision in the audit chain
    outcome: Turned
    by: str
    because: str
    at: datetime
    entry: str = ""  # its own hash in the audit chain
    token: str = ""  # as ``Decision.token``
