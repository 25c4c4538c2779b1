"""The tables, as SQLAlchemy Core sees them. ``migrations/`` creates them; a test holds the two equal.

Text sorts by its bytes on both engines (``COLLATE "C"`` on PostgreSQL), so that records come back in one order
everywhere and sums of floats have the same last bit.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Dialect,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.types import TypeDecorator

VERSION_TABLE = "signals_version"
REVISIONS = ("0001", "0002", "0003", "0004", "0005", "0006", "0007")
"""Every migration this version knows, oldest first; the last one is where a store should be."""


class UtcTime(TypeDecorator[datetime]):
    """A moment: kept in UTC, given back in UTC with its zone. A time without a zone is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no zone")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


TEXT = Text().with_variant(Text(collation="C"), "postgresql")
ID = BigInteger().with_variant(Integer(), "sqlite")  # only INTEGER counts up by itself on SQLite

metadata = MetaData()


def _text(name: str, *, key: bool = False, null: bool = False) -> Column[Any]:
    return Column(name, TEXT, primary_key=key, nullable=null)


def _added_text(name: str, default: str) -> Column[Any]:
    """A text column that came later: rows of earlier versions hold the default."""
    return Column(name, TEXT, nullable=False, server_default=default)


def _number(name: str) -> Column[Any]:
    return Column(name, Double, nullable=True)


def _count(name: str, *, null: bool = False) -> Column[Any]:
    return Column(name, BigInteger, nullable=null)


def _time(name: str, *, null: bool = False) -> Column[Any]:
    return Column(name, UtcTime, nullable=null)


def _digest() -> Column[Any]:
    return Column("digest", LargeBinary, nullable=False)  # sha256 of the row: what changed since the last pull


def _moments() -> list[Column[Any]]:
    return [
        _count("n"),
        Column("mean", Double, nullable=False),
        Column("m2", Double, nullable=False),
        *(_number(name) for name in ("x_mean", "x_m2", "xy", "d_mean", "d_m2", "yd", "xd", "m3")),
    ]


# --- evidence -------------------------------------------------------------------------------------------------------

item_score = Table(
    "item_score", metadata,
    _text("source", key=True), _text("record", key=True), _text("item"), _text("variant"), _text("scorer"),
    _number("value"), _text("error", null=True), _text("fingerprint"), _count("repeat"), _text("cluster"),
    _text("segment"), _time("at", null=True), _number("length"), _added_text("content", ""), _time("made", null=True),
    Column("leaked", Boolean, nullable=True), _digest(),
    Index("item_score_variant", "source", "variant"),
    sqlite_with_rowid=False,
)  # fmt: skip

rating = Table(
    "rating", metadata,
    _text("source", key=True), _text("record", key=True), _text("item"), _text("rater"), _text("variant"),
    _number("value"), _text("dimension"), _text("status"), _count("attempt"), _text("segment"), _time("at", null=True),
    _number("expected"), _digest(),
    Index("rating_variant", "source", "variant"),
    sqlite_with_rowid=False,
)  # fmt: skip

preference = Table(
    "preference", metadata,
    _text("source", key=True), _text("record", key=True), _text("item"), _text("rater"), _text("left"),
    _text("right"), _text("choice", null=True), _text("dimension"), _text("status"), _count("attempt"),
    _text("segment"), _time("at", null=True), _text("expected", null=True), _digest(),
    sqlite_with_rowid=False,
)  # fmt: skip

# `day` is ISO text, empty when the source has no times: a key column cannot be null.
outcome_moments = Table(
    "outcome_moments", metadata,
    _text("source", key=True), _text("metric", key=True), _text("variant", key=True), _text("segment", key=True),
    _text("day", key=True), *_moments(), _number("least"), _number("most"), _added_text("counted", "units"),
    _count("members", null=True), _digest(),
    sqlite_with_rowid=False,
)  # fmt: skip

# `lows` and `highs` hold doubles, in the order of QUANTILE_STEPS.
outcome_quantile = Table(
    "outcome_quantile", metadata,
    _text("source", key=True), _text("metric", key=True), _text("variant", key=True), _text("segment", key=True),
    Column("quantile", Double, primary_key=True), _count("n"), Column("value", Double, nullable=False),
    Column("lows", LargeBinary, nullable=False), Column("highs", LargeBinary, nullable=False), _time("at", null=True),
    _text("counted"), _digest(),
    sqlite_with_rowid=False,
)  # fmt: skip

outcome_routed = Table(
    "outcome_routed", metadata,
    _text("source", key=True), _text("metric", key=True), _text("variant", key=True), _text("route", key=True),
    Column("tenth", BigInteger, primary_key=True, autoincrement=False), _count("n"), _count("known"),
    *(Column(name, Double, nullable=False) for name in (
        "realised", "predicted", "spread", "chance", "score", "score_spread")),
    _time("at", null=True), _digest(),
    sqlite_with_rowid=False,
)  # fmt: skip

feedback_moments = Table(
    "feedback_moments", metadata,
    _text("source", key=True), _text("variant", key=True), _text("segment", key=True), _text("day", key=True),
    _count("impressions", null=True), Column("users_known", Boolean, nullable=False), _number("top_user_share"),
    *_moments(), _digest(),
    sqlite_with_rowid=False,
)  # fmt: skip

traffic_mix = Table(
    "traffic_mix", metadata,
    _text("source", key=True), _text("record", key=True), _text("segment"), Column("share", Double, nullable=False),
    _number("value_share"), _text("window"), _digest(),
    sqlite_with_rowid=False,
)  # fmt: skip

embedding_sample = Table(
    "embedding_sample", metadata,
    _text("source", key=True), _text("record", key=True), _text("variant"),
    Column("vector", LargeBinary, nullable=False), _text("window"), _text("item"), _time("at", null=True), _digest(),
    _added_text("model", ""),
)  # fmt: skip

# --- numbers and provenance -----------------------------------------------------------------------------------------

estimate = Table(
    "estimate", metadata,
    _text("release", key=True), _text("signal", key=True), _text("evidence_hash", key=True),
    _text("definition_hash", key=True), _text("numbers"), _time("at"),
)  # fmt: skip

release = Table(
    "release", metadata,
    _text("id", key=True), _text("kind"), _text("control"), _text("candidate"),
    Column("started", Date, nullable=False), _text("owner"), _time("as_of", null=True),
    Column("synthetic", Boolean, nullable=False), Column("listed", Boolean, nullable=False), _number("split"),
    _added_text("family", ""), _added_text("outcome", "unknown"),
)  # fmt: skip

pull = Table(
    "pull", metadata,
    Column("id", ID, primary_key=True, autoincrement=True),
    _text("source"), _text("signal"), _text("connector"), _text("status"), _text("fingerprint", null=True),
    _text("definition"), _text("content", null=True), _count("rows_read"), _count("rows_kept"), _count("records"),
    _text("set_aside"), _text("parts"), _count("new"), _count("changed"), _count("removed"), _count("unchanged"),
    _time("first_at", null=True), _time("last_at", null=True), _time("started"), _number("seconds"), _time("checked"),
    _text("error", null=True),
    Index("pull_source", "source", "status", "id"),
)  # fmt: skip

policy = Table(
    "policy", metadata,
    _text("hash", key=True), _text("name"), _text("text"), _text("note"), _text("by"), _time("at"), _text("entry"),
)  # fmt: skip

policy_version = Table(
    "policy_version", metadata,
    Column("number", ID, primary_key=True, autoincrement=False),
    _text("hash"), _text("parent", null=True), _text("by"), _text("because"), _time("at"),
    Column("weakens", Boolean, nullable=False), _text("entry"),
)  # fmt: skip

verdict = Table(
    "verdict", metadata,
    _text("hash", key=True), _text("release"), _text("policy_hash"), _text("evidence_hash"), _text("call"),
    _text("body"), _time("as_of"), _time("at"),
    Index("verdict_release", "release", "at"),
)  # fmt: skip

decision = Table(
    "decision", metadata,
    Column("id", ID, primary_key=True, autoincrement=True),
    _text("release"), _text("call"), _text("recommended"), _text("by"), _text("because"), _time("at"),
    _text("verdict_hash"), _text("policy_hash"), _text("second"), _text("entry"), _added_text("token", ""),
    Index("decision_release", "release"), Index("decision_token", "token"),
)  # fmt: skip

override = Table(
    "override", metadata,
    Column("id", ID, primary_key=True, autoincrement=False),
    _text("decision"), _text("release"), _text("call"), _text("recommended"), _text("verdict_hash"), _text("by"),
    _text("second"), _text("because"), _time("at"), _time("until", null=True), _time("follow_up", null=True),
    _text("entry"),
    UniqueConstraint("decision", name="override_decision"),
)  # fmt: skip

decision_outcome = Table(
    "decision_outcome", metadata,
    Column("id", ID, primary_key=True, autoincrement=False),
    _text("decision"), _text("outcome"), _text("by"), _text("because"), _time("at"), _text("token"), _text("entry"),
    Index("decision_outcome_decision", "decision"),
)  # fmt: skip

# What was told to which address: one row per release, changed as it goes; no part of the record.
notice = Table(
    "notice", metadata,
    _text("address", key=True), _text("release", key=True), _text("shown"), _text("sent", null=True),
    _text("sent_id", null=True), _time("sent_at", null=True), _count("tries"), _text("error", null=True),
    _time("tried_at", null=True), _text("claim", null=True), _time("claimed_at", null=True),
    Column("again", Boolean, nullable=False),
)  # fmt: skip

# `at` is text here: its exact spelling is part of what is hashed.
audit = Table(
    "audit", metadata,
    Column("id", ID, primary_key=True, autoincrement=False),
    _text("at"), _text("kind"), _text("body"), _text("prev"), _text("hash"),
    UniqueConstraint("prev", name="audit_prev"), UniqueConstraint("hash", name="audit_hash"),
)  # fmt: skip
