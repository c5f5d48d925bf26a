"""Caps on what the registry keeps of people, and the words in which it refuses."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from contracts.checks import check_id, check_range
from contracts.errors import DecodeError, Reason, SettingError

MAX_ACCOUNTS: Final = 20_000
MAX_LOGIN: Final = 200
MAX_NAME: Final = 200
MAX_NOTE: Final = 500
MAX_PAIN_NOTE: Final = 280
MAX_DETAIL: Final = 200
#: Browsers signed in to one account; the oldest goes.
MAX_SIGN_INS: Final = 20
#: Names under which sign-ins failed of late; the oldest goes.
MAX_ATTEMPTS: Final = 10_000
#: Grants of one wearer in force at once; and ended ones, withdrawn consents, kept as history: the oldest go.
MAX_GRANTS: Final = 100
MAX_ENDED_GRANTS: Final = 2_000
MAX_WITHDRAWN_CONSENTS: Final = 2_000
MAX_PAIN_TAPS: Final = 20_000
MAX_SESSIONS: Final = 2_000
MAX_FOCUS_EDITS: Final = 100
#: Entries of the audit: years of a clinic. The oldest go.
MAX_LOOKS: Final = 1_000_000
#: Weeks of many people that are kept as they were made, ten years; the oldest go.
MAX_TEAM_WEEKS: Final = 520
MAX_TEAM_BODY: Final = 1_024
#: Errands of one kind and wearer that wait; and finished ones that are kept to be read.
MAX_WAITING_ERRANDS: Final = 4
MAX_FINISHED_ERRANDS: Final = 20
MAX_ERRAND_BODY: Final = 4_096
MAX_ERRAND_RESULT: Final = 262_144


def check_text(name: str, text: str, limit: int) -> None:
    """SettingError where ``text`` is longer than ``limit`` characters."""
    if len(text) > limit:
        raise SettingError(
            Reason.TOO_LONG,
            f"The {name} has {len(text)} characters; {limit} are the most.",
            hint="Shorten it.",
        )


def check_number(name: str, value: int, low: int, high: int) -> None:
    """SettingError where ``value`` is outside [low, high]."""
    try:
        check_range(name, value, low, high)
    except DecodeError as error:
        raise SettingError(error.reason, error.message) from None


def check_ids(**ids: str) -> None:
    """SettingError where a value is no id."""
    for field, value in ids.items():
        try:
            check_id(field, value)
        except DecodeError as error:
            raise SettingError(error.reason, error.message) from None


def check_room(
    connection: sa.Connection, of: sa.ColumnElement[bool], table: sa.Table, most: int, what: str
) -> None:
    """SettingError where ``table`` holds ``most`` rows of a kind already."""
    count = sa.select(sa.func.count()).select_from(table).where(of)
    if int(connection.execute(count).scalar_one()) >= most:
        raise SettingError(
            Reason.TOO_LONG,
            f"There are {most:,} {what} already, which is the most.",
            hint="Remove some first.",
        )


def keep_latest(
    connection: sa.Connection, of: sa.ColumnElement[bool], by: sa.Column[int], most: int
) -> None:
    """Forget all but the ``most`` latest rows of a kind, by the time in the column ``by``."""
    table = by.table
    kept = sa.select(table.c.id).where(of).order_by(by.desc(), table.c.id.desc()).limit(most)
    connection.execute(sa.delete(table).where(of, table.c.id.not_in(kept)))


def check_wearer(connection: sa.Connection, wearer: str) -> None:
    """SettingError where the registry has no such wearer."""
    table = sa.table("wearer", sa.column("wearer"))
    if (
        connection.execute(sa.select(table.c.wearer).where(table.c.wearer == wearer)).first()
        is None
    ):
        raise SettingError(
            Reason.MISSING,
            f"There is no wearer {wearer[:64]!r} in the registry.",
            hint="Add the wearer first.",
        )
