"""Statements on the reminders of a SQLite series file: what was decided, and what is learned of it later."""

from __future__ import annotations

import sqlite3
from typing import Final

from store import rows
from store.ports import WearerRows

_COLUMNS: Final = ", ".join(rows.NUDGE_COLUMNS)
#: What the row does not say of what was learned later stays as it was.
_PUT: Final = (
    f"INSERT INTO nudge (wearer, {_COLUMNS})"  # noqa: S608
    f" VALUES ({', '.join('?' * (len(rows.NUDGE_COLUMNS) + 1))})"
    " ON CONFLICT (wearer, at_s, kind) DO UPDATE SET held_for_s = excluded.held_for_s,"
    " given = excluded.given, kept_back = excluded.kept_back,"
    " felt_why = CASE WHEN excluded.felt IS NULL THEN felt_why ELSE excluded.felt_why END,"
    " felt = coalesce(excluded.felt, felt),"
    " held_s = CASE WHEN excluded.after IS NULL THEN held_s ELSE excluded.held_s END,"
    " upright_after_s = CASE WHEN excluded.after IS NULL THEN upright_after_s"
    " ELSE excluded.upright_after_s END,"
    " after = coalesce(excluded.after, after)"
)
#: Of a wearer's number, from a second on and before another.
GET: Final = (
    f"SELECT {_COLUMNS} FROM nudge"  # noqa: S608
    " WHERE wearer = ? AND at_s >= ? AND at_s < ? ORDER BY at_s, kind"
)


def put(connection: sqlite3.Connection, number: int, new: WearerRows) -> None:
    """Nudges, then what was learned of them: a fact of a nudge that is nowhere changes nothing."""
    connection.executemany(_PUT, [(number, *rows.nudge_row(nudge)) for nudge in new.nudges])
    at = "WHERE wearer = ? AND at_s = ? AND kind = ?"
    connection.executemany(
        f"UPDATE nudge SET felt = ?, felt_why = ? {at}",  # noqa: S608
        [(f.felt, f.why, number, rows.whole_second(f.at_ns), f.kind.value) for f in new.felt],
    )
    connection.executemany(
        f"UPDATE nudge SET after = ?, upright_after_s = ?, held_s = ? {at}",  # noqa: S608
        [
            (s.after.value, s.upright_after_s, s.held_s, number, rows.whole_second(s.at_ns), s.kind)
            for s in new.sequels
        ],
    )
