"""What is under review, and the calls that a review may come to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, get_args

Call = Literal["ship", "hold", "rollback"]
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

Outcome = Literal["good", "bad", "unknown"]

CALLS: tuple[Call, ...] = get_args(Call)
RELEASE_KINDS: tuple[ReleaseKind, ...] = get_args(ReleaseKind)
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
SEVERITY: Mapping[Call, int] = {"ship": 0, "hold": 1, "rollback": 2}


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
    outcome: Outcome = "unknown"  # how it turned out, seen later: what a replay of a policy is held against

    @property
    def arms(self) -> tuple[str, str]:
        """(control, candidate)."""
        return (self.control, self.candidate)
