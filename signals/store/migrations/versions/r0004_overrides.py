"""Overrides and outcomes as records of their own; a form that is sent twice counts once.

Decisions of earlier versions keep their rows: those against a verdict have no override record, as nobody gave a date.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TABLES = ("override", "decision_outcome")


def upgrade() -> None:
    """Add both tables, append-only, and the token of a decision."""
    text = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    identity = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

    def words(*names: str) -> list[sa.Column[str]]:
        return [sa.Column(name, text, nullable=False) for name in names]

    def time(name: str, *, null: bool = False) -> sa.Column[object]:
        return sa.Column(name, sa.DateTime(timezone=True), nullable=null)

    op.add_column("decision", sa.Column("token", text, nullable=False, server_default=""))
    op.create_index("decision_token", "decision", ["token"])
    op.create_table(
        "override",
        sa.Column("id", identity, primary_key=True, autoincrement=False),
        *words("decision", "release", "call", "recommended", "verdict_hash", "by", "second", "because"), time("at"),
        time("until", null=True), time("follow_up", null=True), *words("entry"),
        sa.UniqueConstraint("decision", name="override_decision"),
    )  # fmt: skip
    op.create_table(
        "decision_outcome",
        sa.Column("id", identity, primary_key=True, autoincrement=False),
        *words("decision", "outcome", "by", "because"), time("at"), *words("token", "entry"),
    )  # fmt: skip
    op.create_index("decision_outcome_decision", "decision_outcome", ["decision"])
    for table in TABLES:
        _append_only(table)


def _append_only(table: str) -> None:
    """Refuse changes; the audit chain shows what gets past this."""
    if op.get_bind().dialect.name == "sqlite":
        for change in ("UPDATE", "DELETE"):
            op.execute(
                f'CREATE TRIGGER {table}_no_{change.lower()} BEFORE {change} ON "{table}" '
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )
        # INSERT OR REPLACE deletes the old row without asking the DELETE trigger.
        again = "id = NEW.id" + (" OR decision = NEW.decision" if table == "override" else "")
        op.execute(
            f'CREATE TRIGGER {table}_no_replace BEFORE INSERT ON "{table}" '  # noqa: S608 - one of two constants
            f'WHEN EXISTS (SELECT 1 FROM "{table}" WHERE {again}) '
            f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        )
        return
    op.execute(
        f'CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE ON "{table}" '
        "FOR EACH ROW EXECUTE FUNCTION signals_append_only()"
    )
    op.execute(
        f'CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON "{table}" '
        "FOR EACH STATEMENT EXECUTE FUNCTION signals_append_only()"
    )
