"""The series store in one SQLite file: one process writes, any number read.

Write-ahead logging lets readers go on while a commit is under way; each sees whole commits. A commit
is on the disk when it returns (``synchronous = FULL``), because the gateway forgets what it was told
is stored.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final

import msgspec

from contracts.errors import Reason, StoreError
from contracts.records import (
    CalibrationOutcome,
    Episode,
    FrameBlock,
    Nudge,
    Rollup,
    SensorHealth,
)
from contracts.units import NS_PER_S
from store import rows, series_schema, sqlite_nudges
from store.claim import claim
from store.ports import Checkpoint, Commit, StreamKey, WearerRows, WearerSummary
from store.sqlite_erasing import STEP_ROWS, erase_rows
from store.sqlite_errors import translated

#: How long a statement waits for another process's commit before it gives up.
BUSY_TIMEOUT_MS: Final = 10_000
_MINUTE: Final = 0
_DAY: Final = 1

_COLUMNS: Final = ", ".join(rows.FRAME_COLUMNS)
_PUT_FRAME: Final = (
    f"INSERT OR REPLACE INTO frame (wearer, {_COLUMNS})"  # noqa: S608 - names of our own
    f" VALUES ({', '.join('?' * (len(rows.FRAME_COLUMNS) + 1))})"
)
_GET_FRAMES: Final = (
    f"SELECT {_COLUMNS} FROM frame WHERE wearer = ? AND start_s >= ? AND start_s < ?"  # noqa: S608
    " ORDER BY start_s"
)
_GET_LAST_FRAME: Final = (
    f"SELECT {_COLUMNS} FROM frame WHERE wearer = ? ORDER BY start_s DESC LIMIT 1"  # noqa: S608
)
_GET_LAST_FRAMES: Final = (
    f"SELECT w.wearer, {_COLUMNS} FROM wearer AS w JOIN frame ON frame.wearer = w.id"  # noqa: S608
    " AND start_s = (SELECT max(start_s) FROM frame WHERE frame.wearer = w.id)"
    " WHERE w.wearer IN (SELECT value FROM json_each(?))"
)
#: First and last by the key's own order: the least and greatest of a run need no scan.
_GET_WEARERS: Final = """
    SELECT wearer,
           (SELECT min(start_s) FROM frame WHERE frame.wearer = w.id) AS first_s,
           (SELECT max(start_s) FROM frame WHERE frame.wearer = w.id) AS last_s,
           (SELECT count(*) FROM frame WHERE frame.wearer = w.id)
    FROM wearer AS w WHERE first_s IS NOT NULL ORDER BY last_s DESC, wearer
"""
_GET_DAYS_OF: Final = """
    SELECT w.wearer, start_s, body FROM wearer AS w JOIN rollup ON rollup.wearer = w.id
    WHERE w.wearer IN (SELECT value FROM json_each(?)) AND span = ? AND start_s >= ? AND start_s < ?
    ORDER BY w.wearer, start_s
"""
_GET_CALIBRATIONS_OF: Final = """
    SELECT w.wearer, body FROM wearer AS w JOIN calibration ON calibration.wearer = w.id
    WHERE w.wearer IN (SELECT value FROM json_each(?)) ORDER BY w.wearer, effective_ns
"""
#: What a wearer's rows are, by kind: where they lie.
_KINDS: Final = {
    "frames": "frame WHERE wearer = ?",
    "minutes": f"rollup WHERE wearer = ? AND span = {_MINUTE}",
    "days": f"rollup WHERE wearer = ? AND span = {_DAY}",
    "episodes": "episode WHERE wearer = ?",
    "nudges": "nudge WHERE wearer = ?",
    "ahead": "ahead WHERE wearer = ?",
    "calibrations": "calibration WHERE wearer = ?",
    "snapshots": "snapshot WHERE wearer = ?",
}


class SqliteSeriesStore:
    """:class:`store.ports.SeriesStore` in the SQLite file at ``path``.

    May be used from several threads, one statement at a time. ``read_only`` never writes and wants
    the file to be there. StoreError or DiskError where the file cannot serve.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self._path = path
        self._lock = threading.RLock()
        self._claim: IO[bytes] | None = None
        self._connection = _connect(path, read_only=read_only)

    def claim(self) -> None:
        if self._claim is None:
            self._claim = claim(self._path)

    def commit(self, commit: Commit) -> None:
        with self._writing() as connection:
            for wearer in commit.wearers:
                self._put_wearer_rows(connection, wearer)
            connection.executemany(
                "INSERT OR REPLACE INTO health (gateway, sensor, body) VALUES (?, ?, ?)",
                [(h.gateway, h.sensor, rows.health_body(h)) for h in commit.health],
            )
            connection.executemany(
                "INSERT OR REPLACE INTO cursor (gateway, sensor, outbox, seq) VALUES (?, ?, ?, ?)",
                [(k.gateway, k.sensor, k.outbox, seq) for k, seq in commit.cursors.items()],
            )

    def checkpoint(self) -> Checkpoint:
        with self._reading() as connection:
            snapshots = dict(
                connection.execute(
                    "SELECT wearer.wearer, body FROM snapshot JOIN wearer ON wearer.id = snapshot.wearer"
                ).fetchall()
            )
            cursors = {
                StreamKey(gateway, sensor, outbox): seq
                for gateway, sensor, outbox, seq in connection.execute(
                    "SELECT gateway, sensor, outbox, seq FROM cursor"
                )
            }
        return Checkpoint(snapshots, cursors)

    def wearers(self) -> list[WearerSummary]:
        return [
            WearerSummary(wearer, first_s * NS_PER_S, last_s * NS_PER_S, frames)
            for wearer, first_s, last_s, frames in self._fetch(_GET_WEARERS)
        ]

    def frames(self, wearer: str, start_ns: int, end_ns: int) -> FrameBlock:
        found = self._fetch(
            _GET_FRAMES, self._find_wearer(wearer), _ceil_second(start_ns), _ceil_second(end_ns)
        )
        return rows.frames_of_rows(found)

    def latest_frame(self, wearer: str) -> FrameBlock:
        found = self._fetch(_GET_LAST_FRAME, self._find_wearer(wearer))
        return rows.frames_of_rows(found)

    def latest_frames(self, wearers: Collection[str]) -> dict[str, FrameBlock]:
        found = self._fetch(_GET_LAST_FRAMES, _names(wearers))
        return {wearer: rows.frames_of_rows([tuple(frame)]) for wearer, *frame in found}

    def ahead(self, wearer: str) -> FrameBlock:
        number = self._find_wearer(wearer)
        found = self._fetch("SELECT body FROM ahead WHERE wearer = ?", number)
        with self._decoding():
            return FrameBlock.from_rows(rows.ahead_of_body(body) for (body,) in found)

    def minutes(self, wearer: str, start_ns: int, end_ns: int) -> list[Rollup]:
        return self._rollups(wearer, _MINUTE, start_ns, end_ns)

    def days(self, wearer: str, start_ns: int, end_ns: int) -> list[Rollup]:
        return self._rollups(wearer, _DAY, start_ns, end_ns)

    def days_of(
        self, wearers: Collection[str], start_ns: int, end_ns: int
    ) -> dict[str, list[Rollup]]:
        interval_s = (_ceil_second(start_ns), _ceil_second(end_ns))
        found: dict[str, list[Rollup]] = {}
        with self._decoding():
            for wearer, start_s, body in self._fetch(
                _GET_DAYS_OF, _names(wearers), _DAY, *interval_s
            ):
                found.setdefault(wearer, []).append(rows.rollup_of_body(start_s, body))
        return found

    def episodes(self, wearer: str, start_ns: int, end_ns: int) -> list[Episode]:
        found = self._fetch(
            "SELECT body FROM episode WHERE wearer = ? AND start_ns < ? AND end_ns > ?"
            " ORDER BY start_ns",
            self._find_wearer(wearer),
            end_ns,
            start_ns,
        )
        with self._decoding():
            return [rows.episode_of_body(body) for (body,) in found]

    def nudges(self, wearer: str, start_ns: int, end_ns: int) -> list[Nudge]:
        found = self._fetch(
            sqlite_nudges.GET,
            self._find_wearer(wearer),
            _ceil_second(start_ns),
            _ceil_second(end_ns),
        )
        with self._decoding():
            return [rows.nudge_of_row(row) for row in found]

    def calibrations(self, wearer: str) -> list[CalibrationOutcome]:
        found = self._fetch(
            "SELECT body FROM calibration WHERE wearer = ? ORDER BY effective_ns",
            self._find_wearer(wearer),
        )
        with self._decoding():
            return [rows.calibration_of_body(body) for (body,) in found]

    def calibrations_of(self, wearers: Collection[str]) -> dict[str, list[CalibrationOutcome]]:
        found: dict[str, list[CalibrationOutcome]] = {}
        with self._decoding():
            for wearer, body in self._fetch(_GET_CALIBRATIONS_OF, _names(wearers)):
                found.setdefault(wearer, []).append(rows.calibration_of_body(body))
        return found

    def health(self) -> list[SensorHealth]:
        found = self._fetch("SELECT body FROM health ORDER BY gateway, sensor")
        with self._decoding():
            return [rows.health_of_body(body) for (body,) in found]

    def prune_frames(self, before_ns: int) -> int:
        before_s = _ceil_second(before_ns)
        with self._writing() as connection:
            ids = connection.execute("SELECT id FROM wearer").fetchall()
            return sum(
                connection.execute(
                    "DELETE FROM frame WHERE wearer = ? AND start_s < ?", (number, before_s)
                ).rowcount
                for (number,) in ids
            )

    def count_rows(self, wearer: str) -> dict[str, int]:
        number = self._find_wearer(wearer)
        with self._reading() as connection:
            return {
                kind: int(
                    connection.execute(f"SELECT count(*) FROM {there}", (number,)).fetchone()[0]  # noqa: S608
                )
                for kind, there in _KINDS.items()
            }

    def erase_some(self, wearer: str) -> int:
        number = self._find_wearer(wearer)
        # Erased means overwritten: no page of the file keeps what was deleted.
        self._fetch("PRAGMA secure_delete = ON")
        try:
            with self._writing() as connection:
                erased = erase_rows(connection, number, STEP_ROWS)
        finally:
            self._fetch("PRAGMA secure_delete = OFF")
        if not erased:
            self._cut_log(wearer)
        return erased

    def _cut_log(self, wearer: str) -> None:
        ((busy, *_),) = self._fetch("PRAGMA wal_checkpoint(TRUNCATE)")
        if busy:
            raise StoreError(
                Reason.STORE_UNREACHABLE,
                f"{wearer} is erased, but a reader keeps the log of {self._path} in use, which may "
                "still hold what was there.",
                hint="End what reads the store for long (a backup, an export), then erase again.",
            )

    def close(self) -> None:
        with self._lock, translated(self._path):
            self._connection.close()
            if self._claim is not None:
                self._claim.close()
                self._claim = None

    def _put_wearer_rows(self, connection: sqlite3.Connection, new: WearerRows) -> None:
        number = self._number_wearer(connection, new.wearer)
        connection.executemany(_PUT_FRAME, ((number, *row) for row in rows.frame_rows(new.frames)))
        connection.executemany(
            "INSERT OR REPLACE INTO rollup (wearer, span, start_s, body) VALUES (?, ?, ?, ?)",
            [
                (number, span, rows.whole_second(rollup.start_ns), rows.rollup_body(rollup))
                for span, rollups in ((_MINUTE, new.minutes), (_DAY, new.days))
                for rollup in rollups
            ],
        )
        connection.executemany(
            "INSERT OR REPLACE INTO episode (wearer, start_ns, end_ns, body) VALUES (?, ?, ?, ?)",
            [(number, e.start_ns, e.end_ns, rows.episode_body(e)) for e in new.episodes],
        )
        sqlite_nudges.put(connection, number, new)
        connection.executemany(
            "INSERT OR REPLACE INTO calibration (wearer, effective_ns, body) VALUES (?, ?, ?)",
            [(number, c.effective_ns, rows.calibration_body(c)) for c in new.calibrations],
        )
        if len(new.ahead):
            connection.execute(
                "INSERT OR REPLACE INTO ahead (wearer, body) VALUES (?, ?)",
                (number, rows.ahead_body(new.ahead)),
            )
        if new.snapshot is not None:
            connection.execute(
                "INSERT OR REPLACE INTO snapshot (wearer, body) VALUES (?, ?)",
                (number, new.snapshot),
            )

    def _number_wearer(self, connection: sqlite3.Connection, wearer: str) -> int:
        connection.execute("INSERT OR IGNORE INTO wearer (wearer) VALUES (?)", (wearer,))
        (number,) = connection.execute(
            "SELECT id FROM wearer WHERE wearer = ?", (wearer,)
        ).fetchone()
        return int(number)

    def _find_wearer(self, wearer: str) -> int:
        found = self._fetch("SELECT id FROM wearer WHERE wearer = ?", wearer)
        return int(found[0][0]) if found else -1

    def _rollups(self, wearer: str, span: int, start_ns: int, end_ns: int) -> list[Rollup]:
        found = self._fetch(
            "SELECT start_s, body FROM rollup"
            " WHERE wearer = ? AND span = ? AND start_s >= ? AND start_s < ? ORDER BY start_s",
            self._find_wearer(wearer),
            span,
            _ceil_second(start_ns),
            _ceil_second(end_ns),
        )
        with self._decoding():
            return [rows.rollup_of_body(start_s, body) for start_s, body in found]

    def _fetch(self, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        with self._lock, translated(self._path):
            return self._connection.execute(statement, parameters).fetchall()

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._lock, translated(self._path):
            self._connection.execute("BEGIN")
            try:
                yield self._connection
            finally:
                if self._connection.in_transaction:  # an error may have ended it
                    self._connection.execute("COMMIT")

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._lock, translated(self._path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                # A full disk may have rolled back already.
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    @contextmanager
    def _decoding(self) -> Iterator[None]:
        try:
            yield
        except (msgspec.MsgspecError, ValueError) as error:
            raise StoreError(
                Reason.STORE_CORRUPT,
                f"The store {self._path} holds a row that cannot be read: {error}.",
                hint="Put back a copy, or move the file away to begin anew.",
            ) from error


def _connect(path: Path, *, read_only: bool) -> sqlite3.Connection:
    if read_only and not path.is_file():
        raise StoreError(
            Reason.STORE_UNREACHABLE,
            f"The store {path} is not there.",
            hint="Start plumbline analytics (or plumbline demo) first, or check the path.",
        )
    with translated(path):
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode={'ro' if read_only else 'rwc'}",
            uri=True,
            isolation_level=None,
            check_same_thread=False,
            timeout=BUSY_TIMEOUT_MS / 1000,
        )
        try:
            if read_only:
                series_schema.check_current(connection, path)
            else:
                series_schema.prepare(connection, path)
        except BaseException:
            connection.close()
            raise
    return connection


def _ceil_second(time_ns: int) -> int:
    return -(-time_ns // NS_PER_S)


def _names(wearers: Collection[str]) -> str:
    """Wearers as one parameter, whatever they are called and however many there are."""
    return msgspec.json.encode(sorted(set(wearers))).decode()
