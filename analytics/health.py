"""What is known of each sensor: the gateway's latest word, and what analytics has taken of it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from analytics.feeding import Piece
from analytics.readings import readings_of
from contracts.errors import DecodeError, Reason
from contracts.messages import GatewayStatus, ImuMessage, SensorStatus
from contracts.records import SensorHealth
from contracts.units import NS_PER_S
from store.ports import StreamKey

OFFLINE = "offline"
UNKNOWN = "unknown"
#: What was sampled within this of now is live: it also says when the sensor was last heard.
LIVE_NS: Final = 10 * NS_PER_S
Key = tuple[str, str]  # gateway, sensor


class HealthBook:
    """Sensor health by gateway and sensor, with the rows that changed since they were last taken."""

    def __init__(self, rows: Iterable[SensorHealth], max_sensors: int) -> None:
        self._rows: dict[Key, SensorHealth] = {(row.gateway, row.sensor): row for row in rows}
        self._changed: set[Key] = set()
        self._heard: dict[Key, tuple[ImuMessage, int]] = {}  # the newest batch, and when it came
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

    def heard(self, gateway: str, sensor: str, message: ImuMessage, now_ns: int) -> None:
        """A batch came, whether or not it can be fed yet, also of a sensor that nobody wears.

        The newest tells what the sensor reads, not what waited longest in its log.
        """
        key = (gateway, sensor)
        known = self._heard.get(key)
        if known is not None and message.t0_ns < known[0].t0_ns <= now_ns + LIVE_NS:
            return
        if key in self._rows or known is not None or self._has_room():
            self._heard[key] = (message, now_ns)

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
        self._read_heard()
        rows = [self._rows[key] for key in sorted(self._changed)]
        self._changed.clear()
        return rows

    @property
    def changed(self) -> bool:
        """Whether any row waits to be taken."""
        return bool(self._changed or self._heard)

    @property
    def reads(self) -> bool:
        """Whether what a sensor reads waits to be taken."""
        return bool(self._heard)

    def rows(self) -> list[SensorHealth]:
        """All rows."""
        return list(self._rows.values())

    def _read_heard(self) -> None:
        """Only of the newest batch of each sensor, and only when a row is to be written."""
        for key, (message, now_ns) in self._heard.items():
            readings = readings_of(message)
            if readings is None:
                continue
            last_ns = self._row(key).last_sample_ns
            heard_ns = message.t0_ns + (message.count - 1) * message.period_ns
            if last_ns is not None and heard_ns < last_ns and abs(now_ns - last_ns) <= LIVE_NS:
                continue
            if abs(now_ns - heard_ns) <= LIVE_NS:
                last_ns = max(heard_ns, last_ns or heard_ns)
            self._update(
                key,
                mean_acc_m_s2=readings.mean_acc_m_s2,
                turning_rad_s=readings.turning_rad_s,
                last_sample_ns=last_ns,
            )
        self._heard.clear()

    def _has_room(self) -> bool:
        return len(self._rows.keys() | self._heard.keys()) < self._max_sensors

    def _row(self, key: Key) -> SensorHealth:
        row = self._rows.get(key)
        if row is None:
            return SensorHealth(gateway=key[0], sensor=key[1], at_ns=0, state=UNKNOWN)
        return row

    def _update(self, key: Key, **values: object) -> None:
        self._rows[key] = msgspec.structs.replace(self._row(key), **values)
        self._changed.add(key)
