"""A small firmware for the tests of Bluetooth alone: a log of numbered samples and a cursor in it.

Each sample's six values are its sequence, cut to int16, so that a test can tell every one apart.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from contracts import gatt
from contracts.imu import ImuScale
from contracts.units import NS_PER_S

SCALE = ImuScale(8, 1000)
LIVE_SAMPLES = 10


@dataclass
class Notification:
    """What goes out, and on which characteristic."""

    is_log: bool
    value: bytes


@dataclass
class Stats:
    """The counts that the simulator reports."""

    recorded: int = 0
    lost: int = 0
    sent: int = 0
    kept: int = 0
    overwritten: int = 0
    ended: bool = False
    haptic_pulses: int = 0
    next_sequence: int = 0


@dataclass
class LogFirmware:
    """``waiting`` samples lie in the log at ``start_ns``; from then on one a period is taken."""

    waiting: int
    start_ns: int
    rate_hz: float = 50.0
    stats: Stats = field(default_factory=Stats)
    _cursor: int | None = None
    _taken: int = 0
    _connected_at: int = 0

    def __post_init__(self) -> None:
        self._period_ns = round(NS_PER_S / self.rate_hz)
        self._taken = self._connected_at = self.waiting

    def advance(self, true_ns: int) -> None:
        """Take the samples that are due."""
        self._taken = self.waiting + max(0, (true_ns - self.start_ns) // self._period_ns)
        self.stats.recorded = self.stats.next_sequence = self._taken

    def handle(self, command: bytes, true_ns: int) -> bytes:
        """START, STOP and STATUS; the rest is unknown."""
        self.advance(true_ns)
        request = gatt.Command.from_bytes(command)
        status, result = gatt.ReplyStatus.OK, b""
        match request.opcode:
            case gatt.Opcode.START:
                self._cursor = gatt.Position.from_bytes(request.arguments).sequence
                self._connected_at = self._taken
            case gatt.Opcode.STOP:
                self._cursor = None
            case gatt.Opcode.STATUS:
                result = self._status().to_bytes()
            case _:
                status = gatt.ReplyStatus.UNKNOWN_COMMAND
        return gatt.Reply(request.opcode, request.token, status, result).to_bytes()

    def _status(self) -> gatt.SensorStatus:
        return gatt.SensorStatus(
            device_us=self._taken * self._period_ns // 1000,
            epoch=1,
            oldest=gatt.Position(1, 0),
            next=gatt.Position(1, self._taken),
            period_ns=self._period_ns,
            scale=SCALE,
            kept=self._taken,
            overwritten=0,
            battery_percent=87,
            sampling=True,
        )

    def next_notification(self, max_samples: int) -> Notification | None:
        """The packet at the cursor, if it is due."""
        if self._cursor is None:
            return None
        is_log = self._cursor < self._connected_at
        if is_log:
            count = min(max_samples, self._connected_at - self._cursor)
        else:
            count = min(max_samples, LIVE_SAMPLES)
            if self._cursor + count > self._taken:
                return None
        packet = self._packet(self._cursor, count, is_log)
        self._cursor += count
        self.stats.sent += count
        return Notification(is_log, packet)

    def next_due_ns(self, max_samples: int) -> int | None:
        """When the next live packet is complete."""
        if self._cursor is None:
            return None
        last = self._cursor + min(max_samples, LIVE_SAMPLES)
        return self.start_ns + (last - self.waiting) * self._period_ns

    def disconnected(self) -> None:
        """Stop sending."""
        self._cursor = None

    def _packet(self, sequence: int, count: int, is_log: bool) -> bytes:
        ticks = np.arange(sequence, sequence + count, dtype=np.int64).astype(np.int16)
        return gatt.SamplePacket(
            sequence=sequence,
            device_us=sequence * self._period_ns // 1000,
            period_ns=self._period_ns,
            lost_before=0,
            epoch=1,
            scale=SCALE,
            samples=np.repeat(ticks[:, None], 6, axis=1),
            from_log=is_log,
        ).to_bytes()
