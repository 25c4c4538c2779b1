"""The first tables: evidence, numbers, provenance, and the append-only audit chain."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def _kinds() -> tuple[Any, Any]:
    """(text, identity number) as the engine at hand spells them."""
    text = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    return text, sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create everything."""
    _evidence()
    _provenance()
    _append_only()


def _evidence() -> None:
    text, _ = _kinds()

    def words(*names: str) -> list[sa.Column[Any]]:
        return [sa.Column(name, text, nullable=False) for name in names]

    def numbers(*names: str) -> list[sa.Column[Any]]:
        return [sa.Column(name, sa.Double(), nullable=True) for name in names]

    def counts(*names: str, null: bool = False) -> list[sa.Column[Any]]:
        return [sa.Column(name, sa.BigInteger(), nullable=null) for name in names]

    def at() -> sa.Column[Any]:
        return sa.Column("at", sa.DateTime(timezone=True), nullable=True)

    def digest() -> sa.Column[Any]:
        return sa.Column("digest", sa.LargeBinary(), nullable=False)

    def moments() -> list[sa.Column[Any]]:
        certain: list[sa.Column[Any]] = [sa.Column(name, sa.Double(), nullable=False) for name in ("mean", "m2")]
        return [*counts("n"), *certain, *numbers("x_mean", "x_m2", "xy", "d_mean", "d_m2", "yd", "xd")]

    op.create_table(
        "item_score",
        *words("source", "record", "item", "variant", "scorer"), *numbers("value"),
        sa.Column("error", text, nullable=True), *words("fingerprint"), *counts("repeat"),
        *words("cluster", "segment"), at(), digest(),
        sa.PrimaryKeyConstraint("source", "record"), sqlite_with_rowid=False,
    )  # fmt: skip
    op.create_index("item_score_variant", "item_score", ["source", "variant"])
    op.create_table(
        "rating",
        *words("source", "record", "item", "rater", "variant"), *numbers("value"), *words("dimension", "status"),
        *counts("attempt"), *words("segment"), at(), digest(),
        sa.PrimaryKeyConstraint("source", "record"), sqlite_with_rowid=False,
    )  # fmt: skip
    op.create_index("rating_variant", "rating", ["source", "variant"])
    op.create_table(
        "preference",
        *words("source", "record", "item", "rater", "left", "right"), sa.Column("choice", text, nullable=True),
        *words("dimension", "status"), *counts("attempt"), *words("segment"), at(), digest(),
        sa.PrimaryKeyConstraint("source", "record"), sqlite_with_rowid=False,
    )  # fmt: skip
    op.create_table(
        "outcome_moments",
        *words("source", "metric", "variant", "segment", "day"), *moments(), digest(),
        sa.PrimaryKeyConstraint("source", "metric", "variant", "segment", "day"), sqlite_with_rowid=False,
    )  # fmt: skip
    op.create_table(
        "feedback_moments",
        *words("source", "variant", "segment", "day"), *counts("impressions", null=True),
        sa.Column("users_known", sa.Boolean(), nullable=False), *numbers("top_user_share"), *moments(), digest(),
        sa.PrimaryKeyConstraint("source", "variant", "segment", "day"), sqlite_with_rowid=False,
    )  # fmt: skip
    op.create_table(
        "traffic_mix",
        *words("source", "record", "segment"), sa.Column("share", sa.Double(), nullable=False),
        *numbers("value_share"), *words("window"), digest(),
        sa.PrimaryKeyConstraint("source", "record"), sqlite_with_rowid=False,
    )  # fmt: skip
    op.create_table(
        "embedding_sample",
        *words("source", "record", "variant"), sa.Column("vector", sa.LargeBinary(), nullable=False),
        *words("window", "item"), at(), digest(),
        sa.PrimaryKeyConstraint("source", "record"),
    )  # fmt: skip


def _provenance() -> None:
    text, identity = _kinds()

    def words(*names: str, null: bool = False) -> list[sa.Column[Any]]:
        return [sa.Column(name, text, nullable=null) for name in names]

    def counts(*names: str) -> list[sa.Column[Any]]:
        return [sa.Column(name, sa.BigInteger(), nullable=False) for name in names]

    def time(name: str, *, null: bool = False) -> sa.Column[Any]:
        return sa.Column(name, sa.DateTime(timezone=True), nullable=null)

    op.create_table(
        "estimate",
        *words("release", "signal", "evidence_hash", "definition_hash", "numbers"), time("at"),
        sa.PrimaryKeyConstraint("release", "signal", "evidence_hash", "definition_hash"),
    )  # fmt: skip
    op.create_table(
        "release",
        *words("id", "kind", "control", "candidate"), sa.Column("started", sa.Date(), nullable=False),
        *words("owner"), time("as_of", null=True), sa.Column("synthetic", sa.Boolean(), nullable=False),
        sa.Column("listed", sa.Boolean(), nullable=False), sa.PrimaryKeyConstraint("id"),
    )  # fmt: skip
    op.create_table(
        "pull",
        sa.Column("id", identity, primary_key=True, autoincrement=True),
        *words("source", "signal", "connector", "status"), *words("fingerprint", null=True), *words("definition"),
        *words("content", null=True), *counts("rows_read", "rows_kept", "records"), *words("set_aside", "parts"),
        *counts("new", "changed", "removed", "unchanged"), time("first_at", null=True), time("last_at", null=True),
        time("started"), sa.Column("seconds", sa.Double(), nullable=True), time("checked"),
        *words("error", null=True),
    )  # fmt: skip
    op.create_index("pull_source", "pull", ["source", "status", "id"])
    op.create_table(
        "policy", *words("hash", "name", "text", "note", "by"), time("at"), *words("entry"),
        sa.PrimaryKeyConstraint("hash"),
    )  # fmt: skip
    op.create_table(
        "verdict", *words("hash", "release", "policy_hash", "evidence_hash", "call", "body"), time("as_of"), time("at"),
        sa.PrimaryKeyConstraint("hash"),
    )  # fmt: skip
    op.create_index("verdict_release", "verdict", ["release", "at"])
    op.create_table(
        "decision",
        sa.Column("id", identity, primary_key=True, autoincrement=True),
        *words("release", "call", "recommended", "by", "because"), time("at"),
        *words("verdict_hash", "policy_hash", "second", "entry"),
    )  # fmt: skip
    op.create_index("decision_release", "decision", ["release"])
    op.create_table(
        "audit",
        sa.Column("id", identity, primary_key=True, autoincrement=False),
        *words("at", "kind", "body", "prev", "hash"),
        sa.UniqueConstraint("prev", name="audit_prev"), sa.UniqueConstraint("hash", name="audit_hash"),
    )  # fmt: skip


def _append_only() -> None:
    """Refuse changes to the audit chain and to decisions; the chain itself shows what gets past this."""
    if op.get_bind().dialect.name == "sqlite":
        for table in ("audit", "decision"):
            for change in ("UPDATE", "DELETE"):
                op.execute(
                    f"CREATE TRIGGER {table}_no_{change.lower()} BEFORE {change} ON {table} "
                    f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
                )
            # INSERT OR REPLACE deletes the old row without asking the DELETE trigger.
            op.execute(
                f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} "  # noqa: S608 - one of two constants
                f"WHEN EXISTS (SELECT 1 FROM {table} WHERE id = NEW.id) "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )
        op.execute(
            "CREATE TRIGGER audit_no_fork BEFORE INSERT ON audit "
            "WHEN EXISTS (SELECT 1 FROM audit WHERE prev = NEW.prev OR hash = NEW.hash) "
            "BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END"
        )
        return
    op.execute(
        "CREATE FUNCTION signals_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$"
    )
    for table in ("audit", "decision"):
        op.execute(
            f"CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION signals_append_only()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION signals_append_only()"
        )
