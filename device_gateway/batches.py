"""What goes into the outbox, and what it knows of a sensor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from contracts.gatt import Position
from contracts.imu import ImuScale
from contracts.messages import MESSAGE_VERSION, ImuMessage
from device_gateway.clock import DeviceClock

#: What a message takes beside its readings, about.
MESSAGE_BYTES: Final = 200


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch that has no number yet: what an ImuMessage says beside outbox and seq."""

    t0_ns: int
    period_ns: int
    rate_hz: float
    scale: ImuScale
    readings: bytes
    lost_before: int
    clock_error_ns: int
    end: bool = False

    @property
    def count(self) -> int:
        """How many samples."""
        return len(self.readings) // 12

    def message(self, outbox: str, seq: int) -> ImuMessage:
        """The message that carries this batch."""
        return ImuMessage(
            v=MESSAGE_VERSION,
            outbox=outbox,
            seq=seq,
            t0_ns=self.t0_ns,
            period_ns=self.period_ns,
            rate_hz=self.rate_hz,
            accel_range_g=self.scale.accel_range_g,
            gyro_range_deg_s=self.scale.gyro_range_deg_s,
            samples=self.readings,
            lost_before=self.lost_before,
            clock_error_ns=self.clock_error_ns,
            end=self.end,
        )


@dataclass(frozen=True, slots=True)
class Append:
    """What one commit adds for one sensor: batches, and where its log is taken up to with them."""

    sensor: str
    batches: Sequence[Batch]
    position: Position
    ended: bool
    clock: DeviceClock

    @property
    def size(self) -> int:
        """About the bytes that it takes up."""
        return sum(len(batch.readings) + MESSAGE_BYTES for batch in self.batches)


@dataclass(frozen=True, slots=True)
class SensorState:
    """What the outbox knows of a sensor. ``position`` is None for one that was never read."""

    sensor: str
    last_seq: int = 0
    stored_seq: int = 0
    position: Position | None = None
    ended: bool = False
    clock: DeviceClock | None = None
    received: int = 0
    lost: int = 0

    @property
    def waiting_batches(self) -> int:
        """Batches that analytics has not stored yet."""
        return self.last_seq - self.stored_seq
