"""Sensors whose earlier samples are nobody's, since who wore them was erased."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "released",
        sa.Column("sensor", sa.String(64), nullable=False),
        sa.Column("before_ns", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("sensor", name="pk_released"),
    )
