"""Saved versions of the policy: numbered, append-only, each with its entry in the audit chain."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Select, insert, select

from signals.model import plain
from signals.store import audit
from signals.store.tables import policy, policy_version


@dataclass(frozen=True)
class Version:
    """One saved version of the policy."""

    number: int  # 1 is the oldest
    hash: str  # of the text; a text that was reverted to has several numbers
    parent: str | None  # hash of the text that it was made from; None for the first
    by: str
    because: str
    at: datetime  # UTC, to the second
    weakens: bool  # protects less than its parent in some situation
    text: str
    entry: str = ""  # its hash in the audit chain


class VersionLog:
    """The versions inside one transaction that holds the lock ``audit``: what it reads stays so until it ends."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def newest(self) -> Version | None:
        """The version that was saved last."""
        return newest(self.connection)

    def add(self, text: str, name: str, *, parent: str | None, by: str, because: str, weakens: bool) -> Version:
        """Append a version. ``name`` is the policy's own name."""
        last = self.connection.execute(
            select(policy_version.c.number).order_by(policy_version.c.number.desc()).limit(1)
        ).scalar()
        at = datetime.now(UTC).replace(microsecond=0)
        hash_ = audit.text_hash(text)
        keep_text(self.connection, hash_, name, text, because, by)
        row: dict[str, Any] = {
            "number": (last or 0) + 1, "hash": hash_, "parent": parent, "by": by, "because": because, "at": at,
            "weakens": weakens,
        }  # fmt: skip
        entry = audit.append(self.connection, "version", plain(row), at)
        self.connection.execute(insert(policy_version), {**row, "entry": entry})
        return Version(**row, text=text, entry=entry)


def keep_text(connection: Connection, hash_: str, name: str, text: str, note: str, by: str) -> None:
    """Keep a policy's text with its audit entry, the first time that it is met; later times do nothing."""
    if connection.execute(select(policy.c.hash).where(policy.c.hash == hash_)).first():
        return
    now = datetime.now(UTC)
    said = {"hash": hash_, "name": name, "note": note, "by": by}
    entry = audit.append(connection, "policy", {**said, "text": audit.text_hash(text)}, now)
    connection.execute(insert(policy), {**said, "text": text, "at": now, "entry": entry})


def _wanted() -> Select[Any]:
    joined = policy_version.join(policy, policy.c.hash == policy_version.c.hash)
    return select(*policy_version.c, policy.c.text).select_from(joined).order_by(policy_version.c.number.desc())


def history(connection: Connection) -> tuple[Version, ...]:
    """Every version, newest first."""
    return tuple(Version(**row) for row in connection.execute(_wanted()).mappings())


def newest(connection: Connection) -> Version | None:
    """The version that was saved last."""
    row = connection.execute(_wanted().limit(1)).mappings().first()
    return Version(**row) if row else None
