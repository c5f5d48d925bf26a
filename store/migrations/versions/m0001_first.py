"""The first tables: wearers, who wears which sensor where, calibrations, settings."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables, and the one row of ``revision``."""
    made = op.create_table(
        "revision",
        sa.Column("id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("value", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_revision"),
    )
    op.bulk_insert(made, [{"id": 1, "value": 0}])
    op.create_table(
        "wearer",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("wearer", sa.String(64), nullable=False),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("timezone", sa.String(64), nullable=False),
        sa.Column("simulated", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_wearer"),
        sa.UniqueConstraint("wearer", name="uq_wearer_wearer"),
    )
    _assignment()
    _calibration()
    op.create_table(
        "posture_settings",
        sa.Column("wearer_id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("wearer_id", name="pk_posture_settings"),
        _belongs_to_wearer("posture_settings"),
    )


def _assignment() -> None:
    op.create_table(
        "assignment",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("sensor", sa.String(64), nullable=False),
        sa.Column("wearer_id", sa.Integer, nullable=False),
        sa.Column("placement", sa.String(16), nullable=False),
        sa.Column("start_ns", sa.BigInteger, nullable=False),
        sa.Column("end_ns", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="pk_assignment"),
        sa.UniqueConstraint("sensor", "start_ns", name="uq_assignment_sensor_start_ns"),
        _belongs_to_wearer("assignment"),
    )
    op.create_index("ix_assignment_wearer_id", "assignment", ["wearer_id"])


def _calibration() -> None:
    op.create_table(
        "calibration",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("wearer_id", sa.Integer, nullable=False),
        sa.Column("effective_ns", sa.BigInteger, nullable=False),
        sa.Column("upright_start_ns", sa.BigInteger, nullable=False),
        sa.Column("upright_end_ns", sa.BigInteger, nullable=False),
        sa.Column("rounded_start_ns", sa.BigInteger),
        sa.Column("rounded_end_ns", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="pk_calibration"),
        sa.UniqueConstraint(
            "wearer_id", "effective_ns", name="uq_calibration_wearer_id_effective_ns"
        ),
        _belongs_to_wearer("calibration"),
    )


def _belongs_to_wearer(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["wearer_id"], ["wearer.id"], name=f"fk_{table}_wearer_id", ondelete="CASCADE"
    )
