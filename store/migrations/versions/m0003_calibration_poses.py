"""Calibrations may hold a bend forward and a standing neutral."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_COLUMNS = ("bend_start_ns", "bend_end_ns", "standing_start_ns", "standing_end_ns")


def upgrade() -> None:
    """Add the columns; calibrations that there are have neither."""
    with op.batch_alter_table("calibration") as table:
        for name in _COLUMNS:
            table.add_column(sa.Column(name, sa.BigInteger))
