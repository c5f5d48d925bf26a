"""When a wearer wants no nudges."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "not_now",
        sa.Column("wearer_id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("start_ns", sa.BigInteger, nullable=False),
        sa.Column("end_ns", sa.BigInteger, nullable=False),
        sa.ForeignKeyConstraint(
            ["wearer_id"], ["wearer.id"], ondelete="CASCADE", name="fk_not_now_wearer_id"
        ),
        sa.PrimaryKeyConstraint("wearer_id", name="pk_not_now"),
    )
