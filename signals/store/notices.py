"""What was told to which address: each piece of news is sent by one process, and a failed delivery is remembered.

A sender first claims an address and a release, in a transaction; then it sends, outside of one; then it notes how that
went. Whoever finds a claim leaves a mark instead, so that the sender looks once more. A sender that was killed lets its
claim run out; what it may have sent is sent again under the same id, by which receivers tell doubles.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Connection, select, update

from signals.store.engine import Database, upsert
from signals.store.tables import notice

LEASE = timedelta(minutes=10)
"""How long a claim holds: longer than any delivery may take."""


@dataclass(frozen=True)
class Notice:
    """What an address knows about a release, and what went wrong since."""

    address: str  # a hash: addresses of chats are secrets
    release: str
    shown: str  # the receiver as messages name it
    sent: str | None  # the news that arrived last; None when none did
    sent_id: str | None
    sent_at: datetime | None
    tries: int  # deliveries that failed since then
    error: str | None  # why it is not told yet: of the last delivery, or why none was tried; None: nothing is owed
    tried_at: datetime | None


@dataclass(frozen=True)
class Claim:
    """The right to tell an address about a release, and what it was told last."""

    address: str
    release: str
    token: str
    sent: str | None
    sent_id: str | None


class Notices:
    """The table of notices in one store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> tuple[Notice, ...]:
        """Every notice, by receiver and release."""
        names = ("address", "release", "shown", "sent", "sent_id", "sent_at", "tries", "error", "tried_at")
        wanted = select(*(notice.c[name] for name in names)).order_by(notice.c.shown, notice.c.release)
        with self._database.read() as connection:
            return tuple(Notice(**row) for row in connection.execute(wanted).mappings())

    def claim(
        self, address: str, release: str, shown: str, news: str, now: datetime
    ) -> Claim | Literal["same", "busy"]:
        """Ask to tell an address some news.

        Returns:
            The claim; ``same`` when the address knows these news; ``busy`` when another process is telling it, which
            will look once more before it ends.
        """
        key = {"address": address, "release": release}
        with self._database.write("notice") as connection:
            row = self._row(connection, key)
            if row is not None and row["claim"] is not None and row["claimed_at"] > now - LEASE:
                self._set(connection, key, again=True)
                return "busy"
            if row is not None and row["sent"] == news:
                # Nothing is owed any more: what could not be told has been taken back.
                self._set(connection, key, shown=shown, tries=0, error=None, claim=None, again=False)
                return "same"
            token = secrets.token_hex(8)
            values = {"shown": shown, "claim": token, "claimed_at": now, "again": False}
            fresh = upsert(notice, sqlite=self._database.sqlite).values(**key, tries=0, **values)
            connection.execute(fresh.on_conflict_do_update(index_elements=list(key), set_=values))
            return Claim(address, release, token, row["sent"] if row else None, row["sent_id"] if row else None)

    def arrived(self, claim: Claim, news: str, id_: str, now: datetime) -> bool:
        """Note that the news arrived; whether somebody wanted to send in the meantime."""
        return self._settle(claim, sent=news, sent_id=id_, sent_at=now, tries=0, error=None, tried_at=now)

    def failed(self, claim: Claim, error: str, now: datetime) -> bool:
        """Note that the news did not arrive; whether somebody wanted to send in the meantime."""
        return self._settle(claim, tries=notice.c.tries + 1, error=error, tried_at=now)

    def known(self, claim: Claim) -> bool:
        """Give a claim back, since the address knows the news; whether somebody wanted to send in the meantime."""
        return self._settle(claim, tries=0, error=None)

    def drop(self, claim: Claim, error: str | None = None) -> None:
        """Give a claim back without having tried; ``error`` says why, when news are owed."""
        self._settle(claim, **({} if error is None else {"error": error}))

    def missed(self, address: str, release: str, shown: str, news: str | None, error: str) -> None:
        """Note that an address was not told, and that no delivery was tried.

        Args:
            address: Its hash.
            release: About which release.
            shown: The receiver as messages name it.
            news: What it should be told; None when that is not known.
            error: Why it was not tried.
        """
        key = {"address": address, "release": release}
        with self._database.write("notice") as connection:
            row = self._row(connection, key)
            if row is not None and news is not None and row["sent"] == news:
                return  # another process has told it
            values = {"shown": shown, "error": error}
            fresh = upsert(notice, sqlite=self._database.sqlite).values(**key, tries=0, again=False, **values)
            connection.execute(fresh.on_conflict_do_update(index_elements=list(key), set_=values))

    def _settle(self, claim: Claim, **values: Any) -> bool:
        key = {"address": claim.address, "release": claim.release}
        with self._database.write("notice") as connection:
            row = self._row(connection, key)
            if row is None or row["claim"] != claim.token:  # it ran out, and another process took it over
                return False
            self._set(connection, key, **values, claim=None, claimed_at=None, again=False)
            return bool(row["again"])

    @staticmethod
    def _row(connection: Connection, key: dict[str, str]) -> dict[str, Any] | None:
        wanted = select(notice).where(*(notice.c[name] == value for name, value in key.items()))
        row = connection.execute(wanted).mappings().first()
        return dict(row) if row else None

    @staticmethod
    def _set(connection: Connection, key: dict[str, str], **values: Any) -> None:
        where = (notice.c[name] == value for name, value in key.items())
        connection.execute(update(notice).where(*where).values(**values))


def now() -> datetime:
    """The moment, in whole seconds UTC."""
    return datetime.now(UTC).replace(microsecond=0)
