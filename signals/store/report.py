"""What one pull did, and what the store needs of a tally."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, Protocol

from signals.model import SetAside, SignalsError, Source


class Tally(Protocol):
    """Counts kept while a source is read (the connectors' ``Tally`` is one)."""

    rows_read: int
    rows_kept: int  # rows that ended in a record

    def set_aside(self, why: str, variant: str | None = None, rows: int = 1, fault: bool = True) -> None:
        """Count rows that do not become records."""

    @property
    def entries(self) -> tuple[SetAside, ...]:
        """What was set aside so far."""


@dataclass(frozen=True)
class PullReport:
    """One pull of one source. ``new``, ``changed``, ``removed`` and ``unchanged`` count records.

    ``status``: ``changed`` when the evidence differs from what the store held (or is the first), ``unchanged`` when
    it is the same, ``failed`` when nothing was stored (``error`` says why).
    """

    source: str
    signal: str
    connector: str
    status: Literal["changed", "unchanged", "failed"]
    definition: str  # hash of how the source is read
    started: datetime
    seconds: float
    checked: datetime  # when the source was last found to be like this
    fingerprint: str | None = None  # hash of the input; None when it cannot be known before reading
    content: str | None = None  # hash of the records kept and of what was set aside
    rows_read: int = 0
    rows_kept: int = 0  # rows that ended in a record: one may give several records, and many may give one cell
    records: int = 0
    set_aside: tuple[SetAside, ...] = ()
    new: int = 0
    changed: int = 0
    removed: int = 0
    unchanged: int = 0
    first_at: datetime | None = None  # oldest and newest evidence
    last_at: datetime | None = None
    error: str | None = None


def failed_report(source: Source, definition: str, started: datetime, error: str) -> PullReport:
    """The report of a pull that stored nothing. Passwords in addresses are left out."""
    now = datetime.now(UTC)
    said = re.sub(r"(://[^/\s:@]*):[^/\s@]*@", r"\1:***@", error)
    seconds = (now - started).total_seconds()
    return PullReport(
        source.name, source.signal, source.connector, "failed", definition, started, seconds, now, error=said
    )


class StoreError(SignalsError):
    """The store itself failed: unreachable, not writable, full, locked, damaged."""


class PulledMeanwhileError(SignalsError):
    """Another process stored other evidence of the same source while this one was reading."""

    def __init__(self, source: str) -> None:
        super().__init__(f"source {source!r} was pulled by another process at the same time", "Pull again")
