"""Several questions to one moment of the store: a replay asks thousands."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, bindparam, func, select

from signals.model import Explanation, Numbers, PairNumbers, Release
from signals.store import audit, judges, numbers, reading, tables
from signals.store.contents import Content
from signals.store.judges import JudgeVersion

# Built once: a replay asks it thousands of times.
_ESTIMATE = select(tables.estimate.c.numbers).where(
    *(tables.estimate.c[name] == bindparam(name) for name in ("release", "signal", "evidence_hash", "definition_hash"))
)

EXPLANATION = "= explanation"
"""Stands where the name of a signal stands; no signal can be called so."""


class Look:
    """One open read transaction."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def newest_pull(self) -> int:
        """Number of the newest pull, failed ones too; 0 when there is none. Evidence changes only with it."""
        return int(self.connection.execute(select(func.max(tables.pull.c.id))).scalar() or 0)

    def contents(self, sources: Sequence[str]) -> dict[str, Content]:
        """See ``Store.contents``."""
        return reading.contents(self.connection, sources)

    def audit_head(self) -> str:
        """See ``Store.audit_head``."""
        return audit.head(self.connection)

    def last_attempts(self, sources: Sequence[str]) -> dict[str, tuple[str, str]]:
        """Status and error of the newest pull of each source, failed or not.

        The newest is told by when the source was last looked at: one that is found unchanged after a failure has no
        row of its own.
        """
        t = tables.pull.c
        newest = select(func.max(t.id)).where(t.source.in_(sources)).group_by(t.source, t.status)
        rows = self.connection.execute(
            select(t.source, t.status, t.error).where(t.id.in_(newest)).order_by(t.checked, t.id)
        )
        return {source: (status, error or "") for source, status, error in rows}

    def evidence_hash(
        self,
        release: Release,
        sources: Sequence[str],
        until: datetime | None = None,
        *,
        human_sources: Sequence[str] = (),
        held: Mapping[str, Content] | None = None,
    ) -> str:
        """See ``Store.evidence_hash``."""
        if held is None:
            held = self.contents(sorted({*sources, *human_sources}))
        return reading.evidence_hash(self.connection, held, release, sources, human_sources, until)

    def estimate(self, release_id: str, signal: str, evidence_hash: str, definition_hash: str) -> Numbers | None:
        """See ``Store.estimate``."""
        text = self._kept(release_id, signal, evidence_hash, definition_hash)
        return numbers.load(text) if text is not None else None

    def pair(self, release_id: str, signals: str, evidence_hash: str, definition_hash: str) -> PairNumbers | None:
        """See ``Store.pair``."""
        text = self._kept(release_id, signals, evidence_hash, definition_hash)
        return numbers.load_pair(text) if text is not None else None

    def explanation(self, release_id: str, evidence_hash: str, definition_hash: str) -> Explanation | None:
        """See ``Store.explanation``."""
        text = self._kept(release_id, EXPLANATION, evidence_hash, definition_hash)
        return numbers.load_explanation(text) if text is not None else None

    def _kept(self, release_id: str, signal: str, evidence_hash: str, definition_hash: str) -> str | None:
        key = {"release": release_id, "signal": signal, "evidence_hash": evidence_hash,
               "definition_hash": definition_hash}  # fmt: skip
        return self.connection.execute(_ESTIMATE, key).scalar()

    def judge_versions(self, sources: Sequence[str], until: datetime) -> tuple[JudgeVersion, ...]:
        """See ``judges.versions``."""
        return judges.versions(self.connection, sources, until)

    def anchors(
        self, sources: Sequence[str], scorer: str, old: Collection[str], new: Collection[str], until: datetime,
        variants: Collection[str] | None = None,
    ) -> int:  # fmt: skip
        """See ``judges.anchors``."""
        return judges.anchors(self.connection, sources, scorer, old, new, until, variants)
