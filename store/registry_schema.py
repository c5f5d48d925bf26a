"""Tables of the registry, as SQLAlchemy sees them; store/migrations brings a database to them.

Later migrations add roles, grants, notes, consents and the audit beside these.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

#: Names that do not depend on the database, so that a migration can speak of a constraint.
metadata: Final = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

#: One row: a number that every change makes greater.
revision: Final = sa.Table(
    "revision",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("value", sa.BigInteger, nullable=False),
)

wearer: Final = sa.Table(
    "wearer",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("wearer", sa.String(64), nullable=False, unique=True),
    sa.Column("label", sa.Text, nullable=False),
    sa.Column("timezone", sa.String(64), nullable=False),
    sa.Column("simulated", sa.Boolean, nullable=False),
)

assignment: Final = sa.Table(
    "assignment",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("sensor", sa.String(64), nullable=False),
    sa.Column("wearer_id", sa.ForeignKey("wearer.id", ondelete="CASCADE"), nullable=False),
    sa.Column("placement", sa.String(16), nullable=False),
    sa.Column("start_ns", sa.BigInteger, nullable=False),
    sa.Column("end_ns", sa.BigInteger),
    sa.UniqueConstraint("sensor", "start_ns"),
    sa.Index(None, "wearer_id"),
)

calibration: Final = sa.Table(
    "calibration",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("wearer_id", sa.ForeignKey("wearer.id", ondelete="CASCADE"), nullable=False),
    sa.Column("effective_ns", sa.BigInteger, nullable=False),
    sa.Column("upright_start_ns", sa.BigInteger, nullable=False),
    sa.Column("upright_end_ns", sa.BigInteger, nullable=False),
    sa.Column("rounded_start_ns", sa.BigInteger),
    sa.Column("rounded_end_ns", sa.BigInteger),
    sa.Column("bend_start_ns", sa.BigInteger),
    sa.Column("bend_end_ns", sa.BigInteger),
    sa.Column("standing_start_ns", sa.BigInteger),
    sa.Column("standing_end_ns", sa.BigInteger),
    sa.UniqueConstraint("wearer_id", "effective_ns"),
)

#: A sensor's samples from before are nobody's: whoever wore it was erased. Says nothing of whom.
released: Final = sa.Table(
    "released",
    metadata,
    sa.Column("sensor", sa.String(64), primary_key=True),
    sa.Column("before_ns", sa.BigInteger, nullable=False),
)

#: What services cannot do now. No setting: it leaves ``revision`` as it is.
notice: Final = sa.Table(
    "notice",
    metadata,
    sa.Column("service", sa.String(64), primary_key=True),
    sa.Column("reason", sa.String(64), nullable=False),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("since_ns", sa.BigInteger, nullable=False),
)

#: ``body`` is PostureSettings as JSON: a setting that is added needs no migration.
posture_settings: Final = sa.Table(
    "posture_settings",
    metadata,
    sa.Column(
        "wearer_id",
        sa.ForeignKey("wearer.id", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    ),
    sa.Column("body", sa.Text, nullable=False),
)

#: When a wearer wants no nudges, [start_ns, end_ns): the latest wish alone.
not_now: Final = sa.Table(
    "not_now",
    metadata,
    sa.Column(
        "wearer_id",
        sa.ForeignKey("wearer.id", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    ),
    sa.Column("start_ns", sa.BigInteger, nullable=False),
    sa.Column("end_ns", sa.BigInteger, nullable=False),
)
