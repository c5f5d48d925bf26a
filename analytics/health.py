"""What is known of each sensor: the gateway's latest word, and what analytics has taken of it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from analytics.feeding import Piece
from contracts.errors import DecodeError, Reason
from contracts.messages import GatewayStatus, SensorStatus
from contracts.records import SensorHealth
from store.ports import StreamKey

OFFLINE = "offline"
UNKNOWN = "unknown"
Key = tuple[str, str]  # gateway, sensor


class HealthBook:
    """Sensor health by gateway and sensor, with the rows that changed since they were last taken."""

    def __init__(self, rows: Iterable[SensorHealth], max_sensors: int) -> None:
        self._rows: dict[Key, SensorHealth] = {(row.gateway, row.sensor): row for row in rows}
        self._changed: set[Key] = set()
        self._max_sensors = max_sensors

    def status(self, gateway: str, sensor: str, status: SensorStatus) -> None:
        """The gateway's word on a sensor. DecodeError where there are too many sensors."""
        key = (gateway, sensor)
        if key not in self._rows and len(self._rows) >= self._max_sensors:
            raise DecodeError(Reason.BAD_COUNT, f"over {self._max_sensors} sensors.")
        self._update(
            key,
            at_ns=status.at_ns,
            state=status.state,
            battery_percent=status.battery_percent,
            rssi_dbm=status.rssi_dbm,
            profile=status.profile,
            firmware=status.firmware,
            received=status.received,
            backlog=status.backlog,
            backlog_total=status.backlog_total,
            outbox_batches=status.outbox_batches,
            clock_error_ns=status.clock_error_ns,
            reason=status.reason,
        )

    def gateway(self, gateway: str, status: GatewayStatus, now_ns: int) -> None:
        """A gateway that is gone takes its sensors out of sight."""
        if status.state != OFFLINE:
            return
        for key in [key for key in self._rows if key[0] == gateway]:
            if self._rows[key].state != OFFLINE:
                self._update(key, at_ns=now_ns, state=OFFLINE, reason="gateway offline")

    def fed(self, pieces: Sequence[Piece], late: int) -> None:
        """Pieces of one stream went into a pipeline; ``late`` of their samples came too late."""
        last = pieces[-1]
        key = (last.stream.gateway, last.stream.sensor)
        row = self._row(key)
        lost = sum(piece.message.lost_before for piece in pieces if piece.start == 0)
        last_ns = max(p.end_ns - p.message.period_ns if p else p.t0_ns for p in pieces)
        self._update(
            key,
            stored_seq=last.message.seq,
            stored_samples=row.stored_samples + sum(map(len, pieces)),
            lost_samples=row.lost_samples + lost,
            late_samples=row.late_samples + late,
            last_sample_ns=max(last_ns, row.last_sample_ns or last_ns),
        )

    def misdated(self, piece: Piece) -> None:
        """A piece was let go because a clock was wrong when it was made: late, all of it."""
        key = (piece.stream.gateway, piece.stream.sensor)
        row, count = self._row(key), piece.stop - piece.start
        self._update(
            key,
            stored_samples=row.stored_samples + count,
            late_samples=row.late_samples + count,
        )

    def unworn(self, stream: StreamKey, count: int) -> None:
        """Samples that were nobody's were let go."""
        if count:
            key = (stream.gateway, stream.sensor)
            self._update(key, unworn_samples=self._row(key).unworn_samples + count)

    def take_changed(self) -> list[SensorHealth]:
        """Rows that changed since the last call."""
        rows = [self._rows[key] for key in sorted(self._changed)]
        self._changed.clear()
        return rows

    @property
    def changed(self) -> bool:
        """Whether any row waits to be taken."""
        return bool(self._changed)

    def rows(self) -> list[SensorHealth]:
        """All rows."""
        return list(self._rows.values())

    def _row(self, key: Key) -> SensorHealth:
        row = self._rows.get(key)
        if row is None:
            return SensorHealth(gateway=key[0], sensor=key[1], at_ns=0, state=UNKNOWN)
        return row

    def _update(self, key: Key, **values: object) -> None:
        self._rows[key] = msgspec.structs.replace(self._row(key), **values)
        self._changed.add(key)
