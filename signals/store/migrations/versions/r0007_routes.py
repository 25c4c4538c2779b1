"""Requests that a router sent somewhere: what it expected of them and what became of them, by route."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table of routed cells."""
    text = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    sums = ("realised", "predicted", "spread", "chance", "score", "score_spread")
    op.create_table(
        "outcome_routed",
        *(sa.Column(name, text, primary_key=True) for name in ("source", "metric", "variant", "route")),
        sa.Column("tenth", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.Column("known", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.Double(), nullable=False) for name in sums),
        sa.Column("at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sqlite_with_rowid=False,
    )
