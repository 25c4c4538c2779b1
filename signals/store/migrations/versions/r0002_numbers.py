"""What the estimators and checks need besides: third moments, quantiles, clusters, gold answers, planned splits.

What earlier versions stored keeps its rows: nothing is known of the new columns, and cells count units.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns and the table of quantiles."""
    text = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

    def words(*names: str) -> list[sa.Column[Any]]:
        return [sa.Column(name, text, nullable=False) for name in names]

    def number(name: str) -> sa.Column[Any]:
        return sa.Column(name, sa.Double(), nullable=True)

    def word(name: str, default: str) -> sa.Column[Any]:
        return sa.Column(name, text, nullable=False, server_default=default)

    def time(name: str) -> sa.Column[Any]:
        return sa.Column(name, sa.DateTime(timezone=True), nullable=True)

    added: dict[str, list[sa.Column[Any]]] = {
        "item_score": [
            number("length"), word("content", ""), time("made"), sa.Column("leaked", sa.Boolean(), nullable=True),
        ],
        "rating": [number("expected")],
        "preference": [sa.Column("expected", text, nullable=True)],
        "outcome_moments": [
            number("m3"), number("least"), number("most"), word("counted", "units"),
            sa.Column("members", sa.BigInteger(), nullable=True),
        ],
        "feedback_moments": [number("m3")],
        "release": [number("split"), word("family", "")],
    }  # fmt: skip
    for table, columns in added.items():
        for column in columns:
            op.add_column(table, column)
    op.create_table(
        "outcome_quantile",
        *words("source", "metric", "variant", "segment"),
        sa.Column("quantile", sa.Double(), nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False), sa.Column("value", sa.Double(), nullable=False),
        sa.Column("lows", sa.LargeBinary(), nullable=False), sa.Column("highs", sa.LargeBinary(), nullable=False),
        time("at"), *words("counted"), sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("source", "metric", "variant", "segment", "quantile"), sqlite_with_rowid=False,
    )  # fmt: skip
