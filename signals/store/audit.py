"""The audit chain: entries that each carry the hash of the one before.

A chain shows any later change to somebody who kept an earlier head: that is why memos print it. It cannot show that
the newest entries were cut off; a kept head, or a decision without its entry, does.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from signals.model import canonical, digest
from signals.store.tables import audit

GENESIS = "sha256:" + "0" * 64
LOCK = "audit"


def append(connection: Connection, kind: str, body: dict[str, Any], at: datetime | None = None) -> str:
    """Add an entry inside the caller's transaction, which holds the lock ``audit``; gives the entry's hash."""
    last = connection.execute(select(audit.c.id, audit.c.hash).order_by(audit.c.id.desc()).limit(1)).first()
    number, prev = (last.id + 1, last.hash) if last else (1, GENESIS)
    row = {"id": number, "at": spelled(at or datetime.now(UTC)), "kind": kind, "body": canonical(body), "prev": prev}
    row["hash"] = digest(row)
    connection.execute(insert(audit), row)
    return str(row["hash"])


def head(connection: Connection) -> str:
    """Hash of the newest entry."""
    found = connection.execute(select(audit.c.hash).order_by(audit.c.id.desc()).limit(1)).scalar()
    return str(found) if found else GENESIS


def spelled(moment: datetime) -> str:
    """A moment as entries spell it."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def text_hash(text: str) -> str:
    """``sha256:`` plus the hash of a text as it stands."""
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()
