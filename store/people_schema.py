"""Tables of accounts and of what belongs to people, beside those of store.registry_schema.

What is about a wearer goes with the wearer's row. Looks do not hang on it: the audit may speak of a
wearer that never was.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from store.registry_schema import metadata


def _wearer(*, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(
        "wearer",
        sa.String(64),
        sa.ForeignKey("wearer.wearer", ondelete="CASCADE"),
        nullable=nullable,
    )


#: ``login_key`` is the login without regard to case; ``roles`` are words by commas.
account: Final = sa.Table(
    "account",
    metadata,
    sa.Column("account", sa.String(64), primary_key=True),
    sa.Column("login", sa.Text, nullable=False),
    sa.Column("login_key", sa.Text, nullable=False, unique=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("roles", sa.Text, nullable=False),
    sa.Column(
        "wearer", sa.String(64), sa.ForeignKey("wearer.wearer", ondelete="SET NULL"), unique=True
    ),
    sa.Column("disabled", sa.Boolean, nullable=False),
    sa.Column("must_change", sa.Boolean, nullable=False),
    sa.Column("subject", sa.Text, nullable=False, index=True),
    sa.Column("password_hash", sa.Text, nullable=False),
)

sign_in: Final = sa.Table(
    "sign_in",
    metadata,
    sa.Column("token_hash", sa.String(64), primary_key=True),
    sa.Column(
        "account",
        sa.String(64),
        sa.ForeignKey("account.account", ondelete="CASCADE"),
        nullable=False,
        index=True,
    ),
    sa.Column("created_ns", sa.BigInteger, nullable=False),
    sa.Column("seen_ns", sa.BigInteger, nullable=False),
    sa.Column("expires_ns", sa.BigInteger, nullable=False),
)

attempts: Final = sa.Table(
    "attempts",
    metadata,
    sa.Column("name_hash", sa.String(64), primary_key=True),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("locked_until_ns", sa.BigInteger, nullable=False),
    sa.Column("at_ns", sa.BigInteger, nullable=False),
)

access_grant: Final = sa.Table(
    "access_grant",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    _wearer(),
    sa.Column("account", sa.String(64), nullable=False, index=True),
    sa.Column("start_ns", sa.BigInteger, nullable=False),
    sa.Column("end_ns", sa.BigInteger),
    sa.UniqueConstraint("wearer", "account", "start_ns"),
)

consent: Final = sa.Table(
    "consent",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    _wearer(),
    sa.Column("kind", sa.String(32), nullable=False),
    sa.Column("version", sa.String(32), nullable=False),
    sa.Column("given_ns", sa.BigInteger, nullable=False),
    sa.Column("withdrawn_ns", sa.BigInteger),
    sa.UniqueConstraint("wearer", "kind", "given_ns"),
)

look: Final = sa.Table(
    "look",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("at_ns", sa.BigInteger, nullable=False),
    sa.Column("account", sa.String(64), nullable=False),
    sa.Column("act", sa.String(32), nullable=False),
    sa.Column("wearer", sa.String(64)),
    sa.Column("allowed", sa.Boolean, nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Index(None, "wearer", "at_ns"),
)

pain: Final = sa.Table(
    "pain",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    _wearer(),
    sa.Column("at_ns", sa.BigInteger, nullable=False),
    sa.Column("region", sa.String(64), nullable=False),
    sa.Column("score", sa.Integer, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.UniqueConstraint("wearer", "at_ns", "region"),
)

therapy_session: Final = sa.Table(
    "therapy_session",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    _wearer(),
    sa.Column("at_ns", sa.BigInteger, nullable=False),
    sa.Column("account", sa.String(64), nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.UniqueConstraint("wearer", "at_ns"),
)

focus_edit: Final = sa.Table(
    "focus_edit",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    _wearer(),
    sa.Column("rule", sa.String(64), nullable=False),
    sa.Column("account", sa.String(64), nullable=False),
    sa.Column("at_ns", sa.BigInteger, nullable=False),
    sa.Column("verdict", sa.String(16), nullable=False),
    sa.Column("place", sa.Integer),
    sa.Column("note", sa.Text, nullable=False),
    sa.UniqueConstraint("wearer", "rule"),
)

errand: Final = sa.Table(
    "errand",
    metadata,
    sa.Column("errand", sa.String(64), primary_key=True),
    sa.Column("kind", sa.String(16), nullable=False),
    _wearer(),
    sa.Column("account", sa.String(64), nullable=False),
    sa.Column("asked_ns", sa.BigInteger, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("state", sa.String(16), nullable=False, index=True),
    sa.Column("done_ns", sa.BigInteger),
    sa.Column("result", sa.Text, nullable=False),
)

receipt: Final = sa.Table(
    "receipt",
    metadata,
    sa.Column("receipt", sa.String(64), primary_key=True),
    sa.Column("asked_ns", sa.BigInteger, nullable=False),
    sa.Column("erased_ns", sa.BigInteger, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
)

#: Figures of weeks as they were first shown. No row is about anybody.
team_week: Final = sa.Table(
    "team_week",
    metadata,
    sa.Column("week", sa.String(8), primary_key=True),
    sa.Column("simulated", sa.Boolean, primary_key=True),
    sa.Column("made_ns", sa.BigInteger, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
)
