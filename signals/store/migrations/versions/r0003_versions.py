"""Versions of the policy with who, when and why; and how a past release turned out.

What earlier versions stored keeps its rows: of a release recorded then, the outcome is not known.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TABLE = "policy_version"


def upgrade() -> None:
    """Add the table of versions, append-only, and the outcome of a release."""
    text = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    identity = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        TABLE,
        sa.Column("number", identity, primary_key=True, autoincrement=False),
        sa.Column("hash", text, nullable=False),
        sa.Column("parent", text, nullable=True),
        sa.Column("by", text, nullable=False),
        sa.Column("because", text, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("weakens", sa.Boolean(), nullable=False),
        sa.Column("entry", text, nullable=False),
    )
    op.add_column("release", sa.Column("outcome", text, nullable=False, server_default="unknown"))
    _append_only()


def _append_only() -> None:
    """Refuse changes; the audit chain shows what gets past this."""
    if op.get_bind().dialect.name == "sqlite":
        for change in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {TABLE}_no_{change.lower()} BEFORE {change} ON {TABLE} "
                f"BEGIN SELECT RAISE(ABORT, '{TABLE} is append-only'); END"
            )
        # INSERT OR REPLACE deletes the old row without asking the DELETE trigger.
        op.execute(
            f"CREATE TRIGGER {TABLE}_no_replace BEFORE INSERT ON {TABLE} "  # noqa: S608 - a constant
            f"WHEN EXISTS (SELECT 1 FROM {TABLE} WHERE number = NEW.number) "
            f"BEGIN SELECT RAISE(ABORT, '{TABLE} is append-only'); END"
        )
        return
    op.execute(
        f"CREATE TRIGGER {TABLE}_no_change BEFORE UPDATE OR DELETE ON {TABLE} "
        "FOR EACH ROW EXECUTE FUNCTION signals_append_only()"
    )
    op.execute(
        f"CREATE TRIGGER {TABLE}_no_truncate BEFORE TRUNCATE ON {TABLE} "
        "FOR EACH STATEMENT EXECUTE FUNCTION signals_append_only()"
    )
