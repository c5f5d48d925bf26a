"""Accounts, sign-ins, grants, consents, audit, pain, therapy sessions, focus edits, errands, receipts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the tables."""
    _accounts()
    _trust()
    _body()
    _errands()


def _belongs_to_wearer(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["wearer"], ["wearer.wearer"], name=f"fk_{table}_wearer_wearer", ondelete="CASCADE"
    )


def _accounts() -> None:
    op.create_table(
        "account",
        sa.Column("account", sa.String(64), nullable=False),
        sa.Column("login", sa.Text, nullable=False),
        sa.Column("login_key", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("roles", sa.Text, nullable=False),
        sa.Column("wearer", sa.String(64)),
        sa.Column("disabled", sa.Boolean, nullable=False),
        sa.Column("must_change", sa.Boolean, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("password_hash", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("account", name="pk_account"),
        sa.UniqueConstraint("login_key", name="uq_account_login_key"),
        sa.UniqueConstraint("wearer", name="uq_account_wearer"),
        sa.ForeignKeyConstraint(
            ["wearer"], ["wearer.wearer"], name="fk_account_wearer_wearer", ondelete="SET NULL"
        ),
    )
    op.create_index("ix_account_subject", "account", ["subject"])
    op.create_table(
        "sign_in",
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("account", sa.String(64), nullable=False),
        sa.Column("created_ns", sa.BigInteger, nullable=False),
        sa.Column("seen_ns", sa.BigInteger, nullable=False),
        sa.Column("expires_ns", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name="pk_sign_in"),
        sa.ForeignKeyConstraint(
            ["account"], ["account.account"], name="fk_sign_in_account_account", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_sign_in_account", "sign_in", ["account"])
    op.create_table(
        "attempts",
        sa.Column("name_hash", sa.String(64), nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("locked_until_ns", sa.BigInteger, nullable=False),
        sa.Column("at_ns", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("name_hash", name="pk_attempts"),
    )


def _trust() -> None:
    op.create_table(
        "access_grant",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("wearer", sa.String(64), nullable=False),
        sa.Column("account", sa.String(64), nullable=False),
        sa.Column("start_ns", sa.BigInteger, nullable=False),
        sa.Column("end_ns", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="pk_access_grant"),
        sa.UniqueConstraint(
            "wearer", "account", "start_ns", name="uq_access_grant_wearer_account_start_ns"
        ),
        _belongs_to_wearer("access_grant"),
    )
    op.create_index("ix_access_grant_account", "access_grant", ["account"])
    op.create_table(
        "consent",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("wearer", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("version", sa.String(32), nullable=False),
        sa.Column("given_ns", sa.BigInteger, nullable=False),
        sa.Column("withdrawn_ns", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="pk_consent"),
        sa.UniqueConstraint("wearer", "kind", "given_ns", name="uq_consent_wearer_kind_given_ns"),
        _belongs_to_wearer("consent"),
    )
    op.create_table(
        "look",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("at_ns", sa.BigInteger, nullable=False),
        sa.Column("account", sa.String(64), nullable=False),
        sa.Column("act", sa.String(32), nullable=False),
        sa.Column("wearer", sa.String(64)),
        sa.Column("allowed", sa.Boolean, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_look"),
    )
    op.create_index("ix_look_wearer_at_ns", "look", ["wearer", "at_ns"])


def _body() -> None:
    op.create_table(
        "pain",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("wearer", sa.String(64), nullable=False),
        sa.Column("at_ns", sa.BigInteger, nullable=False),
        sa.Column("region", sa.String(64), nullable=False),
        sa.Column("score", sa.Integer, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_pain"),
        sa.UniqueConstraint("wearer", "at_ns", "region", name="uq_pain_wearer_at_ns_region"),
        _belongs_to_wearer("pain"),
    )
    op.create_table(
        "therapy_session",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("wearer", sa.String(64), nullable=False),
        sa.Column("at_ns", sa.BigInteger, nullable=False),
        sa.Column("account", sa.String(64), nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_therapy_session"),
        sa.UniqueConstraint("wearer", "at_ns", name="uq_therapy_session_wearer_at_ns"),
        _belongs_to_wearer("therapy_session"),
    )
    op.create_table(
        "focus_edit",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("wearer", sa.String(64), nullable=False),
        sa.Column("rule", sa.String(64), nullable=False),
        sa.Column("account", sa.String(64), nullable=False),
        sa.Column("at_ns", sa.BigInteger, nullable=False),
        sa.Column("verdict", sa.String(16), nullable=False),
        sa.Column("place", sa.Integer),
        sa.Column("note", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_focus_edit"),
        sa.UniqueConstraint("wearer", "rule", name="uq_focus_edit_wearer_rule"),
        _belongs_to_wearer("focus_edit"),
    )


def _errands() -> None:
    op.create_table(
        "errand",
        sa.Column("errand", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("wearer", sa.String(64), nullable=False),
        sa.Column("account", sa.String(64), nullable=False),
        sa.Column("asked_ns", sa.BigInteger, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("done_ns", sa.BigInteger),
        sa.Column("result", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("errand", name="pk_errand"),
        _belongs_to_wearer("errand"),
    )
    op.create_index("ix_errand_state", "errand", ["state"])
    op.create_table(
        "receipt",
        sa.Column("receipt", sa.String(64), nullable=False),
        sa.Column("asked_ns", sa.BigInteger, nullable=False),
        sa.Column("erased_ns", sa.BigInteger, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("receipt", name="pk_receipt"),
    )
