"""Weeks of many people as they were made: figures that are shown once never change."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "team_week",
        sa.Column("week", sa.String(8), nullable=False),
        sa.Column("simulated", sa.Boolean, nullable=False),
        sa.Column("made_ns", sa.BigInteger, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("week", "simulated", name="pk_team_week"),
    )
