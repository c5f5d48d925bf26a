"""SQLite's write-ahead log: readers and a writer do not wait for one another."""

from __future__ import annotations

import sqlite3
import time
from typing import Final

#: A log that a long reader let grow is cut back to this after a checkpoint.
LIMIT_BYTES: Final = 16 * 1024 * 1024
#: Changing to write-ahead logging ignores the busy timeout, so it is tried this often.
_TRIES: Final = 200
_PAUSE_S: Final = 0.05


def use_write_ahead_log(connection: sqlite3.Connection) -> None:
    """Keep the log beside the file from now on, whoever opens it; a commit is on the disk when it returns.

    sqlite3.OperationalError where another process keeps the file locked for ten seconds.
    """
    for left in reversed(range(_TRIES)):
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if left == 0 or error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
            time.sleep(_PAUSE_S)
        else:
            break
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(f"PRAGMA journal_size_limit = {LIMIT_BYTES}")
