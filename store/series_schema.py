"""Tables of the SQLite series file, and how an older file becomes one of this version.

Numbers are kept as SQLite packs them best: seconds, codes and hundredths as integers of one to four
bytes, a missing angle as NULL. Frames are one B-tree in the order they are read in, so a wearer's
day is one run of pages.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Final

from contracts.errors import Reason, StoreError
from store.sqlite_log import use_write_ahead_log

#: Marks a file as ours ("PLMB"), so that somebody else's database is never written to.
APPLICATION_ID: Final = 0x504C4D42

_FIRST: Final = """
CREATE TABLE wearer (
    id INTEGER PRIMARY KEY,
    wearer TEXT NOT NULL UNIQUE
) STRICT;
CREATE TABLE frame (
    wearer INTEGER NOT NULL,
    start_s INTEGER NOT NULL,
    posture INTEGER NOT NULL,
    activity INTEGER NOT NULL,
    activity_source INTEGER NOT NULL,
    confidence_percent INTEGER NOT NULL,
    quality INTEGER NOT NULL,
    samples INTEGER NOT NULL,
    missing INTEGER NOT NULL,
    thorax_flexion_cdeg INTEGER,
    pelvis_flexion_cdeg INTEGER,
    trunk_flexion_cdeg INTEGER,
    lateral_cdeg INTEGER,
    head_flexion_cdeg INTEGER,
    lower_thoracic_cdeg INTEGER,
    PRIMARY KEY (wearer, start_s)
) STRICT, WITHOUT ROWID;
CREATE TABLE rollup (
    wearer INTEGER NOT NULL,
    span INTEGER NOT NULL,
    start_s INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (wearer, span, start_s)
) STRICT, WITHOUT ROWID;
CREATE TABLE episode (
    wearer INTEGER NOT NULL,
    start_ns INTEGER NOT NULL,
    end_ns INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (wearer, start_ns)
) STRICT, WITHOUT ROWID;
CREATE TABLE health (
    gateway TEXT NOT NULL,
    sensor TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (gateway, sensor)
) STRICT, WITHOUT ROWID;
CREATE TABLE snapshot (
    wearer INTEGER PRIMARY KEY,
    body BLOB NOT NULL
) STRICT;
CREATE TABLE cursor (
    gateway TEXT NOT NULL,
    sensor TEXT NOT NULL,
    outbox TEXT NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (gateway, sensor, outbox)
) STRICT, WITHOUT ROWID;
"""

_CALIBRATIONS: Final = """
CREATE TABLE calibration (
    wearer INTEGER NOT NULL,
    effective_ns INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (wearer, effective_ns)
) STRICT, WITHOUT ROWID;
"""

_SUSPECTS: Final = """
ALTER TABLE frame ADD COLUMN suspect INTEGER NOT NULL DEFAULT 0;
"""

_NUDGES: Final = """
CREATE TABLE nudge (
    wearer INTEGER NOT NULL,
    at_s INTEGER NOT NULL,
    kind TEXT NOT NULL,
    held_for_s INTEGER NOT NULL,
    given INTEGER NOT NULL,
    PRIMARY KEY (wearer, at_s, kind)
) STRICT, WITHOUT ROWID;
"""

#: A reminder that was not given was one of a backlog, before there were other reasons.
_NUDGE_FACTS: Final = """
ALTER TABLE nudge ADD COLUMN kept_back TEXT;
ALTER TABLE nudge ADD COLUMN felt INTEGER;
ALTER TABLE nudge ADD COLUMN felt_why TEXT NOT NULL DEFAULT '';
ALTER TABLE nudge ADD COLUMN after TEXT;
ALTER TABLE nudge ADD COLUMN upright_after_s INTEGER;
ALTER TABLE nudge ADD COLUMN held_s INTEGER;
UPDATE nudge SET kept_back = 'backlog' WHERE given = 0;
"""

_AHEAD: Final = """
CREATE TABLE ahead (
    wearer INTEGER PRIMARY KEY,
    body TEXT NOT NULL
) STRICT;
"""

#: Script n takes a file from version n to n + 1. Append only; a released script never changes.
MIGRATIONS: Final = (_FIRST, _CALIBRATIONS, _SUSPECTS, _NUDGES, _NUDGE_FACTS, _AHEAD)
VERSION: Final = len(MIGRATIONS)


def prepare(connection: sqlite3.Connection, path: Path) -> None:
    """Make a new file, or bring an older one forward; harmless when several processes do so at once."""
    check(connection, path)
    use_write_ahead_log(connection)
    if _version(connection) == VERSION:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        # Another process may have done it while this one waited for the lock.
        for script in MIGRATIONS[_version(connection) :]:
            for statement in script.split(";\n"):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def check(connection: sqlite3.Connection, path: Path) -> None:
    """StoreError where the file is somebody else's, or a later version's."""
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    if tables and application != APPLICATION_ID:
        raise StoreError(
            Reason.STORE_CORRUPT,
            f"{path} is a database of another program.",
            hint="Give another path for the store.",
        )
    version = _version(connection)
    if version > VERSION:
        raise StoreError(
            Reason.STORE_SCHEMA,
            f"{path} was written by a later Plumbline (schema {version}, known is {VERSION}).",
            hint="Run the later version; a downgrade would lose data.",
        )


def check_current(connection: sqlite3.Connection, path: Path) -> None:
    """For readers, who change nothing: StoreError where the file is not of this version."""
    check(connection, path)
    version = _version(connection)
    if version < VERSION:
        raise StoreError(
            Reason.STORE_SCHEMA,
            f"{path} is not ready (schema {version}, wanted is {VERSION}).",
            hint="Start plumbline analytics once: it makes the store or brings it up to date.",
        )


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])
