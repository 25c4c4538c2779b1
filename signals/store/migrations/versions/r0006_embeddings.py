"""Which model made each vector: vectors of two models cannot be compared.

What earlier versions stored keeps its rows: their model is not known.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    text = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    op.add_column("embedding_sample", sa.Column("model", text, nullable=False, server_default=""))
