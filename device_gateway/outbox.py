"""The outbox: what the gateway has taken from sensors and analytics has not stored yet, on disk.

One SQLite file a gateway. A transaction holds batches, the position in the sensor's log and the
sensor's clock together, so that a restart goes on exactly where the last commit ended. ``synchronous``
is FULL: after a commit the sensor is told to erase, so a commit must survive a power cut too. That
costs one fsync a commit, which is why callers commit groups (see :mod:`device_gateway.writer`).

All methods block; one thread at a time may call them.
"""

from __future__ import annotations

import contextlib
import secrets
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, Self

import msgspec

from contracts.errors import DiskError, InvariantError, Reason
from contracts.gatt import Position
from contracts.messages import MAX_BATCH_SAMPLES, ImuMessage
from device_gateway.batches import Append, SensorState
from device_gateway.clock import DeviceClock
from device_gateway.disk import corrupt, disk_errors, lock
from device_gateway.reserve import Reserve

SCHEMA_VERSION: Final = 1
#: About 40 days of two sensors at 50 Hz; a small single-board computer has room for it.
DEFAULT_CAP_BYTES: Final = 4 * 2**30
#: How long another program that looks into the file may hold it up.
BUSY_TIMEOUT_S: Final = 5.0
MAX_CLOCK_BYTES: Final = 4096
#: What is forgotten at once on a full disk. Where SQLite overwrites what it deletes (as Debian builds
#: it), its log takes as much: well within the reserve.
STEP_BYTES: Final = 2 * 2**20
STEP_BATCHES: Final = 2048

_SCHEMA: Final = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE sensor (
    id INTEGER PRIMARY KEY,
    sensor TEXT NOT NULL UNIQUE,
    last_seq INTEGER NOT NULL DEFAULT 0,
    stored_seq INTEGER NOT NULL DEFAULT 0,
    kept_from_seq INTEGER,
    epoch INTEGER,
    sequence INTEGER,
    ended INTEGER NOT NULL DEFAULT 0,
    clock BLOB,
    received INTEGER NOT NULL DEFAULT 0,
    lost INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE batch (
    sensor INTEGER NOT NULL REFERENCES sensor (id),
    seq INTEGER NOT NULL,
    payload BLOB NOT NULL,
    PRIMARY KEY (sensor, seq)
) STRICT;
"""
_TABLES: Final = frozenset({"meta", "sensor", "batch"})


class Outbox:
    """An open outbox. DiskError wherever the disk is full, read-only or failing."""

    def __init__(self, path: Path, *, cap_bytes: int, keep: str | None = None) -> None:
        """Open or create ``path``. ``keep`` names a recording: what it is made of outlives storage.

        DiskError(DISK_ERROR) also where another gateway has the file.
        """
        self.path = path
        self._cap_bytes = cap_bytes
        self._lock = lock(path)
        try:
            with disk_errors(path):
                self._db = _connect(path)
                # Reads see committed batches only, also while a commit runs in another thread.
                self._reader = _open(path)
                self.outbox_id = self._meta("outbox_id")
                self._set_keep(keep)
                (used_bytes,) = self._db.execute(
                    "SELECT coalesce(sum(length(payload)), 0) FROM batch"
                ).fetchone()
        except BaseException:
            self._lock.close()
            raise
        self._bytes = int(used_bytes)
        self._keeps = keep is not None
        self._numbers: dict[str, int] = {}  # of sensors in _states
        self._states = {state.sensor: state for state in self._read_states()}
        self._reserve = Reserve(path.with_name(path.name + ".reserve"))
        self._reserve.hold()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._reader.close()
        self._db.close()
        self._lock.close()

    @property
    def used_bytes(self) -> int:
        """Bytes of the batches kept."""
        return self._bytes

    def fits(self, size: int, waiting_bytes: int = 0) -> bool:
        """Whether ``size`` bytes more stay under the cap; where nothing is kept any group does."""
        kept_bytes = self._bytes + waiting_bytes
        return kept_bytes == 0 or kept_bytes + size <= self._cap_bytes

    @property
    def keeps(self) -> bool:
        """Whether a recording is being kept: what analytics has stored stays here too."""
        return self._keeps

    @property
    def roomy(self) -> bool:
        """Whether a sensor that was held off may go on: well below the cap, so as not to flap."""
        return self._bytes <= self._cap_bytes // 2

    def sensors(self) -> list[SensorState]:
        """Every sensor ever read."""
        return list(self._states.values())

    def state(self, sensor: str) -> SensorState:
        """What is known of a sensor, as of the last commit."""
        return self._states.get(sensor, SensorState(sensor))

    def write(
        self, appends: Sequence[Append], stored: dict[str, int] | None = None
    ) -> dict[str, SensorState]:
        """Add and forget in one commit; the new state of every sensor concerned.

        ``stored``: the seq that analytics has stored, by sensor. On an error nothing was added; what
        is stored may have been forgotten, since that is what makes room on a full disk.
        """
        try:
            changed = self._commit(appends, stored or {})
        except DiskError as error:
            if error.reason is not Reason.DISK_FULL or not stored:
                raise
            changed = self._make_room(stored)
            if appends:
                changed |= self._commit(appends, {})
        if stored:
            self._reserve.hold()
        return changed

    def _commit(self, appends: Sequence[Append], stored: dict[str, int]) -> dict[str, SensorState]:
        changed: dict[str, SensorState] = {}
        freed = added = 0
        with disk_errors(self.path), self._transaction():
            for sensor, seq in stored.items():
                state = self.state(sensor)
                if state.stored_seq < seq <= state.last_seq:
                    freed += self._forget(state, seq)
                    changed[sensor] = _replace(state, stored_seq=seq)
            for append in appends:
                state = changed.get(append.sensor, self.state(append.sensor))
                changed[append.sensor], size = self._append(state, append)
                added += size
        self._bytes += added - freed
        self._states |= changed
        return changed

    def read(
        self, sensor: str, after_seq: int, *, max_bytes: int, max_batches: int
    ) -> list[tuple[int, bytes]]:
        """(seq, payload) of batches after ``after_seq``, in order: one at least, if there is any."""
        found: list[tuple[int, bytes]] = []
        size = 0
        with disk_errors(self.path):
            rows = self._reader.execute(
                "SELECT seq, payload FROM batch WHERE sensor ="
                " (SELECT id FROM sensor WHERE sensor = ?) AND seq > ? ORDER BY seq LIMIT ?",
                (sensor, after_seq, max_batches),
            )
            for seq, payload in rows:
                if found and size + len(payload) > max_bytes:
                    break
                found.append((seq, payload))
                size += len(payload)
        return found

    def kept(self, sensor: str) -> Iterator[ImuMessage]:
        """Every batch of the recording that is being kept, in order, one at a time."""
        with disk_errors(self.path):
            row = self._reader.execute(
                "SELECT id, kept_from_seq FROM sensor WHERE sensor = ?", (sensor,)
            ).fetchone()
        seq = -1 if row is None else (row[1] or 1) - 1
        while row is not None:
            with disk_errors(self.path):
                found = self._reader.execute(
                    "SELECT seq, payload FROM batch WHERE sensor = ? AND seq > ? ORDER BY seq LIMIT 1",
                    (row[0], seq),
                ).fetchone()
            if found is None:
                return
            seq = found[0]
            yield ImuMessage.decode(found[1], now_ns=None)

    def _append(self, state: SensorState, append: Append) -> tuple[SensorState, int]:
        number = self._sensor_number(append.sensor)
        seq, size = state.last_seq, 0
        for batch in append.batches:
            if not 0 <= batch.count <= MAX_BATCH_SAMPLES:
                raise InvariantError(f"a batch of {batch.count} samples came to the outbox.")
            seq += 1
            payload = batch.message(self.outbox_id, seq).encode()
            size += len(payload)
            self._db.execute("INSERT INTO batch VALUES (?, ?, ?)", (number, seq, payload))
        after = _replace(
            state,
            last_seq=seq,
            position=append.position,
            ended=append.ended,
            clock=append.clock,
            received=state.received + sum(batch.count for batch in append.batches),
            lost=state.lost + sum(batch.lost_before for batch in append.batches),
        )
        self._db.execute(
            "UPDATE sensor SET last_seq = ?, epoch = ?, sequence = ?, ended = ?, clock = ?,"
            " received = ?, lost = ? WHERE id = ?",
            (
                after.last_seq,
                append.position.epoch,
                append.position.sequence,
                int(append.ended),
                msgspec.msgpack.encode(append.clock),
                after.received,
                after.lost,
                number,
            ),
        )
        return after, size

    def _forget(self, state: SensorState, seq: int) -> int:
        number = self._sensor_number(state.sensor)
        self._db.execute("UPDATE sensor SET stored_seq = ? WHERE id = ?", (seq, number))
        if self._keeps:
            return 0
        where = "WHERE sensor = ? AND seq <= ?"
        (freed,) = self._db.execute(
            f"SELECT coalesce(sum(length(payload)), 0) FROM batch {where}",  # noqa: S608 - a constant
            (number, seq),
        ).fetchone()
        self._db.execute(f"DELETE FROM batch {where}", (number, seq))  # noqa: S608 - a constant
        return int(freed)

    def _make_room(self, stored: dict[str, int]) -> dict[str, SensorState]:
        """Forget on a full disk: with the reserve, and in steps whose log fits into it."""
        self._reserve.release()
        self._fold()
        changed: dict[str, SensorState] = {}
        for step in self._steps(stored):
            changed |= self._commit((), step)
            self._fold()
        return changed

    def _steps(self, stored: dict[str, int]) -> Iterator[dict[str, int]]:
        """What is stored, cut so that no step forgets more than STEP_BYTES or one batch."""
        for sensor, last_seq in stored.items():
            after_seq = self.state(sensor).stored_seq
            while rows := self.read(
                sensor, after_seq, max_bytes=STEP_BYTES, max_batches=STEP_BATCHES
            ):
                after_seq = min(last_seq, rows[-1][0])
                yield {sensor: after_seq}
                if after_seq == last_seq:
                    break

    def _fold(self) -> None:
        """Write the log back into the file and give its room back to the disk."""
        with disk_errors(self.path):
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def _sensor_number(self, sensor: str) -> int:
        if sensor in self._numbers:
            return self._numbers[sensor]
        self._db.execute(
            "INSERT INTO sensor (sensor) VALUES (?) ON CONFLICT (sensor) DO NOTHING", (sensor,)
        )
        (number,) = self._db.execute("SELECT id FROM sensor WHERE sensor = ?", (sensor,)).fetchone()
        if sensor in self._states:  # committed: it will not be rolled back
            self._numbers[sensor] = int(number)
        return int(number)

    def _set_keep(self, keep: str | None) -> None:
        """Go on with the recording that was being kept, or let it go and begin the one named."""
        if self._meta("keep") == (keep or ""):
            return
        with self._transaction():
            self._db.execute("UPDATE meta SET value = ? WHERE name = 'keep'", (keep or "",))
            self._db.execute("UPDATE sensor SET kept_from_seq = last_seq + 1")
            self._db.execute(
                "DELETE FROM batch WHERE seq <= (SELECT stored_seq FROM sensor WHERE id = batch.sensor)"
            )

    def _meta(self, name: str) -> str:
        (value,) = self._db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return str(value)

    def _read_states(self) -> Iterator[SensorState]:
        with disk_errors(self.path):
            rows = self._db.execute(
                "SELECT sensor, last_seq, stored_seq, epoch, sequence, ended, clock, received, lost"
                " FROM sensor"
            ).fetchall()
        for sensor, last_seq, stored_seq, epoch, sequence, ended, clock, received, lost in rows:
            yield SensorState(
                sensor,
                last_seq,
                stored_seq,
                None if epoch is None else Position(epoch, sequence),
                bool(ended),
                None if clock is None else _decode_clock(self.path, clock),
                received,
                lost,
            )

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise


def _replace(state: SensorState, **changes: object) -> SensorState:
    values = {name: getattr(state, name) for name in SensorState.__slots__}
    return SensorState(**(values | changes))


def _decode_clock(path: Path, data: bytes) -> DeviceClock:
    try:
        return msgspec.msgpack.decode(data[:MAX_CLOCK_BYTES], type=DeviceClock)
    except msgspec.MsgspecError as error:
        raise corrupt(path, str(error)) from None


def _open(path: Path) -> sqlite3.Connection:
    # Commits run in a worker thread while the gateway goes on; the writer sees to one at a time.
    return sqlite3.connect(
        path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
    )


def _connect(path: Path) -> sqlite3.Connection:
    db = _open(path)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("BEGIN IMMEDIATE")
        _create_or_check(path, db)
        db.execute("COMMIT")
    except BaseException:
        db.close()
        raise
    return db


def _create_or_check(path: Path, db: sqlite3.Connection) -> None:
    (version,) = db.execute("PRAGMA user_version").fetchone()
    tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if (version == 0 and tables) or (version == SCHEMA_VERSION and not tables >= _TABLES):
        raise corrupt(path, "it is a database of something else")
    if version == 0:
        for statement in _SCHEMA.split(";"):
            db.execute(statement)
        db.executemany(
            "INSERT INTO meta VALUES (?, ?)",
            [("outbox_id", secrets.token_hex(8)), ("keep", "")],
        )
        db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    elif version != SCHEMA_VERSION:
        raise DiskError(
            Reason.BAD_VERSION,
            f"The outbox {path} has format {version}; this gateway knows {SCHEMA_VERSION}.",
            hint="Run the Plumbline version that wrote it until it is empty.",
        )
