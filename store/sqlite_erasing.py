"""Erasing a wearer from the SQLite series file in bounded steps, so that nobody waits long for the lock."""

from __future__ import annotations

import sqlite3
from typing import Final

#: Rows that one step removes at most: some tens of milliseconds.
STEP_ROWS: Final = 10_000
#: Tables of a wearer by what orders their rows. Frames go last, the oldest first: who shows a wearer's
#: rows sees by the first frame that they go, and what was made of the frames is gone by then.
_KEYS: Final = {
    "snapshot": "wearer",
    "ahead": "wearer",
    "rollup": "span, start_s",
    "episode": "start_ns",
    "nudge": "at_s, kind",
    "calibration": "effective_ns",
    "frame": "start_s",
}


def erase_rows(connection: sqlite3.Connection, wearer: int, most: int) -> int:
    """Remove up to ``most`` rows of the wearer of that number, the wearer's own last; how many went.

    Within the transaction that ``connection`` has begun. 0 where nothing was left.
    """
    erased = 0
    for table, key in _KEYS.items():
        erased += connection.execute(
            f"DELETE FROM {table} WHERE wearer = ?1 AND ({key}) IN"  # noqa: S608 - names of our own
            f" (SELECT {key} FROM {table} WHERE wearer = ?1 ORDER BY {key} LIMIT ?2)",
            (wearer, most - erased),
        ).rowcount
        if erased == most:
            return erased
    connection.execute("DELETE FROM wearer WHERE id = ?", (wearer,))
    return erased
