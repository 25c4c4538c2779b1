"""Several questions to one moment of the store: a replay asks thousands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, bindparam, func, select

from signals.model import Numbers, Release
from signals.store import numbers, reading, tables
from signals.store.contents import Content

# Built once: a replay asks it thousands of times.
_ESTIMATE = select(tables.estimate.c.numbers).where(
    *(tables.estimate.c[name] == bindparam(name) for name in ("release", "signal", "evidence_hash", "definition_hash"))
)


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

    def last_attempts(self, sources: Sequence[str]) -> dict[str, tuple[str, str]]:
        """Status and error of the newest pull of each source, failed or not."""
        newest = select(func.max(tables.pull.c.id)).where(tables.pull.c.source.in_(sources))
        columns = (tables.pull.c.source, tables.pull.c.status, tables.pull.c.error)
        rows = self.connection.execute(
            select(*columns).where(tables.pull.c.id.in_(newest.group_by(tables.pull.c.source)))
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
        key = {"release": release_id, "signal": signal, "evidence_hash": evidence_hash,
               "definition_hash": definition_hash}  # fmt: skip
        text = self.connection.execute(_ESTIMATE, key).scalar()
        return numbers.load(text) if text is not None else None
