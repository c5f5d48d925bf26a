"""The series store on InfluxDB 2, or 1.8 with Flux."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import Final, TypeVar

import msgspec
import numpy as np

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
from contracts.vocabulary import is_id
from store import rows
from store.influx_address import InfluxAddress
from store.influx_checkpoint import carry_forward, read_checkpoint
from store.influx_flux import (
    MAX_NS,
    MIN_NS,
    ONE_TABLE,
    PIVOT,
    PIVOT_EACH,
    TIMELESS,
    Columns,
    frames_of,
    keep,
    source,
    times_ns,
)
from store.influx_http import InfluxServer
from store.influx_kinds import find_kind
from store.influx_lease import Lease
from store.influx_lines import CommitLines, commit_lines, rollup_of_body
from store.influx_schema import check_schema, prepare, try_to_write
from store.influx_versions import Versions
from store.ports import Checkpoint, Commit, WearerSummary

_EVER: Final = (MIN_NS, MAX_NS)
_NO_BOUNDS: Final = ' |> drop(columns: ["_start", "_stop", "_measurement"])'
_FRAME_COLUMNS: Final = ' |> drop(columns: ["_start", "_stop", "_measurement", "wearer"])'
#: Measurements of a wearer in the kept bucket, by what :meth:`InfluxSeriesStore.count_rows` calls them.
_VERSIONED: Final = {
    "minutes": "minute",
    "days": "day",
    "episodes": "episode",
    "nudges": "nudge",
    "ahead": "ahead",
}
_PLAIN: Final = {"calibrations": ("calibration", "body"), "snapshots": ("snapshot", "parts")}
_Row = TypeVar("_Row")
_Raw = TypeVar("_Raw")


class InfluxSeriesStore:
    """:class:`store.ports.SeriesStore` on the server at ``address``.

    May be used from several threads. ``read_only`` never writes and wants the buckets to be there.
    SettingError for a token that cannot be read, StoreError where the server cannot serve.
    """

    def __init__(self, address: InfluxAddress, *, read_only: bool = False) -> None:
        self._address = address
        self._read_only = read_only
        self._lock = threading.RLock()
        self._claimed = False
        self._beside = ThreadPoolExecutor(1, thread_name_prefix="influx-kept")
        self._server = InfluxServer(address, read_only=read_only)
        try:
            self._kind = find_kind(self._server, address)
            ready = check_schema if read_only else prepare
            ready(self._server, self._kind, address)
        except BaseException:
            self._server.close()
            raise
        self._frames = self._kind.bucket(address.frames)
        self._kept = self._kind.bucket(address.kept)
        names = {"read": self._kept, "write": self._kept}
        self._versions = Versions(self._server, **names)
        self._lease = Lease(self._server, str(address), **names)

    @property
    def version(self) -> str:
        """The server's version."""
        return self._kind.version

    def claim(self) -> None:
        with self._lock:
            self._lease.take()
            if not self._claimed:  # also where the lease was taken and what follows it failed
                carry_forward(self._server, self._kind, self._address.kept, self._versions)
                self._claimed = True

    def commit(self, commit: Commit) -> None:
        with self._writing() as version:
            lines = commit_lines(commit, version)
            kept = self._beside.submit(self._write_kept, lines)
            try:
                self._server.write(self._frames, lines.frames)
            finally:
                wait([kept])
            # Nothing says where analytics stands before all that it stands on is on the disk.
            self._server.write_at_once(self._kept, kept.result())

    def checkpoint(self) -> Checkpoint:
        return read_checkpoint(self._server, self._kept)

    def wearers(self) -> list[WearerSummary]:
        first = self._by_wearer(" |> first()", "_time")
        last = self._by_wearer(" |> last()", "_time")
        count = self._by_wearer(" |> count()", "_value")
        found = [
            WearerSummary(wearer, _ns(first[wearer]), _ns(last[wearer]), int(count[wearer]))
            for wearer in first.keys() & last.keys() & count.keys()
        ]
        return sorted(found, key=lambda summary: (-summary.last_ns, summary.wearer))

    def frames(self, wearer: str, start_ns: int, end_ns: int) -> FrameBlock:
        start_ns, end_ns = _ceil_second_ns(start_ns), _ceil_second_ns(end_ns)
        if start_ns >= end_ns:
            return frames_of({})
        found = source(self._frames, start_ns, end_ns, _measurement="frame", wearer=wearer)
        return frames_of(self._server.ask(found + PIVOT + _FRAME_COLUMNS))

    def latest_frame(self, wearer: str) -> FrameBlock:
        start = source(self._frames, *_EVER, _measurement="frame", wearer=wearer, _field="angles")
        found = self._server.ask(start + " |> last()" + keep("_time"))
        if not found:
            return frames_of({})
        last_ns = _ns(found["_time"][0])
        return self.frames(wearer, last_ns, last_ns + 1)

    def latest_frames(self, wearers: Collection[str]) -> dict[str, FrameBlock]:
        names = sorted(filter(is_id, set(wearers)))
        if not names:
            return {}
        last = source(self._frames, MIN_NS, MAX_NS, _measurement="frame", wearer=names)
        rows_wanted = ONE_TABLE + PIVOT_EACH + _NO_BOUNDS
        found = _split(self._server.ask(last + " |> last()" + rows_wanted), "wearer")
        return {wearer: frames_of(_latest(columns)) for wearer, columns in found}

    def ahead(self, wearer: str) -> FrameBlock:
        kept = source(self._kept, *TIMELESS, _measurement="ahead", wearer=wearer, _field="body")
        found = self._server.ask(kept + " |> last()" + keep("_value"))
        return FrameBlock.from_rows(self._decoded(rows.ahead_of_body, found.get("_value", [])))

    def minutes(self, wearer: str, start_ns: int, end_ns: int) -> list[Rollup]:
        return self._rollups("minute", wearer, start_ns, end_ns)

    def days(self, wearer: str, start_ns: int, end_ns: int) -> list[Rollup]:
        return self._rollups("day", wearer, start_ns, end_ns)

    def days_of(
        self, wearers: Collection[str], start_ns: int, end_ns: int
    ) -> dict[str, list[Rollup]]:
        names = sorted(filter(is_id, set(wearers)))
        start_ns, end_ns = _ceil_second_ns(start_ns), _ceil_second_ns(end_ns)
        if not names or start_ns >= end_ns:
            return {}
        keys = {"_measurement": "day", "wearer": names, "_field": "body"}
        asked = source(self._kept, start_ns, end_ns, **keys) + keep("wearer", "_time", "_value")
        return {
            wearer: self._decoded(rollup_of_body, _by_second(columns))
            for wearer, columns in _split(self._server.ask(asked), "wearer")
        }

    def episodes(self, wearer: str, start_ns: int, end_ns: int) -> list[Episode]:
        last_ns = _ceil_second_ns(end_ns)
        ends = source(
            self._kept, MIN_NS, last_ns, _measurement="episode", wearer=wearer, _field="end_ns"
        )
        first = f"{ends} |> filter(fn: (r) => r._value > {start_ns}) |> first()"
        found = self._server.ask(first + keep("_time"))
        if not found:
            return []
        first_ns = _ns(found["_time"][0]) // NS_PER_S * NS_PER_S
        bodies = self._bodies("episode", wearer, first_ns, last_ns)
        episodes = self._decoded(rows.episode_of_body, bodies)
        return [e for e in episodes if e.start_ns < end_ns and e.end_ns > start_ns]

    def nudges(self, wearer: str, start_ns: int, end_ns: int) -> list[Nudge]:
        start_ns, end_ns = _ceil_second_ns(start_ns), _ceil_second_ns(end_ns)
        if start_ns >= end_ns:
            return []
        keys = {"_measurement": "nudge", "wearer": wearer, "_field": ("body", "felt", "after")}
        asked = source(self._kept, start_ns, end_ns, **keys)
        answer = self._server.ask(asked + keep("kind", "_field", "_time", "_value"))
        found = [
            nudge
            for _, of_kind in _split(answer, "kind")
            for nudge in self._decoded(_nudge_of_fields, _fields_by_second(of_kind))
        ]
        return sorted(found, key=lambda nudge: (nudge.at_ns, nudge.kind))

    def calibrations(self, wearer: str) -> list[CalibrationOutcome]:
        found = self._server.ask(
            source(self._kept, *_EVER, _measurement="calibration", wearer=wearer, _field="body")
            + keep("_time", "_value")
        )
        return self._decoded(rows.calibration_of_body, _by_time(found))

    def calibrations_of(self, wearers: Collection[str]) -> dict[str, list[CalibrationOutcome]]:
        names = sorted(filter(is_id, set(wearers)))
        if not names:
            return {}
        keys = {"_measurement": "calibration", "wearer": names, "_field": "body"}
        asked = source(self._kept, MIN_NS, MAX_NS, **keys) + keep("wearer", "_time", "_value")
        return {
            wearer: self._decoded(rows.calibration_of_body, _by_time(columns))
            for wearer, columns in _split(self._server.ask(asked), "wearer")
        }

    def health(self) -> list[SensorHealth]:
        last = source(self._kept, *TIMELESS, _measurement="health", _field="body") + " |> last()"
        found = self._server.ask(last + keep("_value"))
        latest = self._decoded(rows.health_of_body, found.get("_value", []))
        return sorted(latest, key=lambda health: (health.gateway, health.sensor))

    def prune_frames(self, before_ns: int) -> int:
        before_ns = _ceil_second_ns(before_ns)
        with self._writing():
            found = source(self._frames, MIN_NS, before_ns, _measurement="frame", _field="angles")
            pruned = self._count(found)
            if pruned:
                self._kind.delete(self._address.frames, 0, before_ns, _measurement="frame")
        return pruned

    def count_rows(self, wearer: str) -> dict[str, int]:
        frames = source(self._frames, *_EVER, wearer=wearer, _measurement="frame", _field="angles")
        counted = {"frames": self._count(frames)}
        # Versions of one row are one.
        whole_seconds = ' |> truncateTimeColumn(unit: 1s) |> unique(column: "_time")'
        for kind, name in _VERSIONED.items():
            kept = source(self._kept, *_EVER, wearer=wearer, _measurement=name, _field="body")
            counted[kind] = self._count(kept + whole_seconds)
        for kind, (name, field) in _PLAIN.items():
            kept = source(self._kept, *_EVER, wearer=wearer, _measurement=name, _field=field)
            counted[kind] = self._count(kept)
        return counted

    def erase_some(self, wearer: str) -> int:
        if not is_id(wearer):
            return 0
        with self._writing():
            erased = sum(self.count_rows(wearer).values())
            for bucket in (self._address.frames, self._address.kept):
                self._kind.delete(bucket, 0, MAX_NS, wearer=wearer)
        return erased

    def close(self) -> None:
        with self._lock:
            self._lease.release()
            self._beside.shutdown()
            self._server.close()

    def _write_kept(self, lines: CommitLines) -> list[str]:
        """Beside the frames, which do not wait for it; gives the lines that come after both."""
        self._server.write(self._kept, lines.kept)
        return list(lines.last)

    def _rollups(self, span: str, wearer: str, start_ns: int, end_ns: int) -> list[Rollup]:
        start_ns, end_ns = _ceil_second_ns(start_ns), _ceil_second_ns(end_ns)
        bodies = self._bodies(span, wearer, start_ns, end_ns)
        return self._decoded(rollup_of_body, bodies)

    def _bodies(self, measurement: str, wearer: str, start_ns: int, end_ns: int) -> list[str]:
        """The bodies of rows in the interval, each in its greatest version, in time order."""
        if start_ns >= end_ns:
            return []
        keys = {"_measurement": measurement, "wearer": wearer, "_field": "body"}
        rows_found = source(self._kept, start_ns, end_ns, **keys) + keep("_time", "_value")
        return _by_second(self._server.ask(rows_found))

    def _by_wearer(self, aggregate: str, column: str) -> dict[str, str]:
        found = source(self._frames, *_EVER, _measurement="frame", _field="angles")
        columns = self._server.ask(found + aggregate + keep("wearer", column))
        return dict(zip(columns.get("wearer", []), columns.get(column, []), strict=True))

    def _count(self, rows_found: str) -> int:
        found = self._server.ask(rows_found + " |> count()" + keep("_value"))
        return sum(map(int, found.get("_value", [])))

    def _decoded(self, decode: Callable[[_Raw], _Row], bodies: Iterable[_Raw]) -> list[_Row]:
        try:
            return [decode(body) for body in bodies]
        except msgspec.MsgspecError as error:
            raise StoreError(
                Reason.STORE_CORRUPT,
                f"The InfluxDB store {self._address} holds a row that cannot be read: {error}.",
                hint="Put back a backup of the server, or give another bucket-prefix.",
            ) from error

    @contextmanager
    def _writing(self) -> Iterator[int]:
        """Gives the version to write as; what fails within is in doubt and asks for another."""
        if self._read_only:
            raise StoreError(
                Reason.STORE_REFUSED,
                f"The InfluxDB store {self._address} cannot be written to: it was opened to read.",
            )
        with self._lock:
            self._lease.check()
            version = self._versions.current()
            try:
                yield version
            except StoreError:
                self._versions.doubt()
                raise


def reach(address: InfluxAddress) -> None:
    """Ask the server whether it lets us in and, where the store is there already, write.

    SettingError or StoreError where it does not. Makes and changes nothing.
    """
    server = InfluxServer(address)
    try:
        kind = find_kind(server, address)
        if kind.has(address.kept):
            try_to_write(server, kind, address)
    finally:
        server.close()


def _by_second(found: Columns) -> list[str]:
    return list(_latest_by_second(found).values())


def _latest_by_second(found: Columns) -> dict[int, str]:
    """Values in their greatest version by their second, in time order."""
    if not found:
        return {}
    times = times_ns(found["_time"])
    return {
        int(times[row]) // NS_PER_S: found["_value"][row]
        for row in np.argsort(times, kind="stable").tolist()
    }


def _fields_by_second(found: Columns) -> list[dict[str, str]]:
    """The fields of rows of one kind; what is a fact of no row is left out."""
    fields = {name: _latest_by_second(of_field) for name, of_field in _split(found, "_field")}
    return [
        {name: values[second] for name, values in fields.items() if second in values}
        for second in fields.get("body", {})
    ]


def _nudge_of_fields(fields: dict[str, str]) -> Nudge:
    nudge = rows.nudge_of_body(fields["body"])
    return rows.with_facts(nudge, fields.get("felt"), fields.get("after"))


def _split(found: Columns, name: str) -> Iterator[tuple[str, Columns]]:
    """The rows of an answer by a column's values, in their order."""
    cells = found.get(name, [])
    rows_of: dict[str, list[int]] = {}
    for row, cell in enumerate(cells):
        rows_of.setdefault(cell, []).append(row)
    for cell in sorted(rows_of):
        yield cell, {key: [column[r] for r in rows_of[cell]] for key, column in found.items()}


def _latest(found: Columns) -> Columns:
    """The row of the latest time alone: the last value of an angle may be of a frame before it."""
    row = int(times_ns(found["_time"]).argmax())
    return {key: [column[row]] for key, column in found.items()}


def _by_time(found: Columns) -> list[str]:
    if not found:
        return []
    order = np.argsort(times_ns(found["_time"]), kind="stable")
    return [found["_value"][row] for row in order.tolist()]


def _ns(time: str) -> int:
    return int(times_ns([time])[0])


def _ceil_second_ns(time_ns: int) -> int:
    return -(-time_ns // NS_PER_S) * NS_PER_S
