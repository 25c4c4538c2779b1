"""What is under review, and the calls that a review may come to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
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
    """A comparison under review: ``candidate`` against ``control`` (version ids, as the evidence names them).

    A candidate that was made of several parents is compared with each of them: ``control`` is the first, and
    ``other_controls`` are the rest.
    """

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
    other_controls: tuple[str, ...] = ()  # beside ``control``, in the order of the file

    @property
    def arms(self) -> tuple[str, str]:
        """(control, candidate): of several controls only the first; ``pairs`` and ``variants`` have them all."""
        return (self.control, self.candidate)

    @property
    def controls(self) -> tuple[str, ...]:
        """Every control, the first one first."""
        return (self.control, *self.other_controls)

    @property
    def variants(self) -> tuple[str, ...]:
        """Every control and the candidate: whose evidence counts."""
        return (*self.controls, self.candidate)

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """(control, candidate) of every comparison."""
        return tuple((control, self.candidate) for control in self.controls)

    @property
    def against(self) -> str:
        """The controls as a sentence names them: ``a``, ``a and b``, ``a, b and c``."""
        *most, last = self.controls
        return f"{', '.join(most)} and {last}" if most else last

    def versus(self, control: str) -> Release:
        """The same release as if this control were its only one."""
        return replace(self, control=control, other_controls=())
