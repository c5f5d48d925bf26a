"""What a sensor answers: how it samples, and how its clock was set."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import ClassVar

from contracts.checks import check_range, check_utc_ns
from contracts.errors import DecodeError, Reason
from contracts.gatt.control import Position
from contracts.gatt.layout import check_exact_length
from contracts.gatt.profile import (
    GYRO_RANGE_UNIT_DEG_S,
    MAX_DEVICE_US,
    MAX_PERIOD_NS,
    MIN_PERIOD_NS,
)
from contracts.imu import ImuScale
from contracts.units import NS_PER_US


@dataclass(frozen=True, slots=True)
class SensorStatus:
    """Result of STATUS, 40 bytes: where the log starts and ends, and how the sensor samples.

    ==== ==== ==================================================
    0    u64  device time now, µs
    8    u16  epoch now
    10   u16+u32 position of the oldest sample kept
    16   u16+u32 position of the next sample to be taken
    22   u32  sample period, ns
    26   u8   accelerometer full scale, g
    27   u8   gyroscope full scale × 125 deg/s
    28   u32  samples kept
    32   u32  samples that a full log has overwritten, ever
    36   u8   battery, percent
    37   u8   1 while sampling
    38   u16  reserved, 0
    ==== ==== ==================================================
    """

    LAYOUT: ClassVar[struct.Struct] = struct.Struct("<QHHIHIIBBIIBBH")

    device_us: int
    epoch: int
    oldest: Position
    next: Position
    period_ns: int
    scale: ImuScale
    kept: int
    overwritten: int
    battery_percent: int
    sampling: bool

    def to_bytes(self) -> bytes:
        return self.LAYOUT.pack(
            self.device_us,
            self.epoch,
            self.oldest.epoch,
            self.oldest.sequence,
            self.next.epoch,
            self.next.sequence,
            self.period_ns,
            self.scale.accel_range_g,
            self.scale.gyro_range_deg_s // GYRO_RANGE_UNIT_DEG_S,
            self.kept,
            self.overwritten,
            self.battery_percent,
            int(self.sampling),
            0,
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> SensorStatus:
        check_exact_length(data, cls.LAYOUT.size, "status")
        (
            us,
            epoch,
            oe,
            os_,
            ne,
            ns,
            period_ns,
            accel_g,
            gyro,
            kept,
            lost,
            battery,
            sampling,
            zero,
        ) = cls.LAYOUT.unpack(data)
        check_range("period_ns", period_ns, MIN_PERIOD_NS, MAX_PERIOD_NS)
        check_range("device_us", us, 0, MAX_DEVICE_US)
        check_range("battery_percent", battery, 0, 100)
        if sampling > 1 or zero:
            raise DecodeError(Reason.BAD_FIELD, "reserved bits of a status are set.")
        oldest, upcoming = Position(oe, os_), Position(ne, ns)
        if ne != epoch or upcoming < oldest:
            raise DecodeError(
                Reason.BAD_FIELD, f"a log from {oldest} to {upcoming} in epoch {epoch} cannot be."
            )
        return cls(
            device_us=us,
            epoch=epoch,
            oldest=oldest,
            next=upcoming,
            period_ns=period_ns,
            scale=ImuScale(accel_g, gyro * GYRO_RANGE_UNIT_DEG_S),
            kept=kept,
            overwritten=lost,
            battery_percent=battery,
            sampling=bool(sampling),
        )


@dataclass(frozen=True, slots=True)
class SyncInfo:
    """Result of SYNC_INFO, 32 bytes: the first and the last SET_TIME of an epoch.

    u64 device µs and u64 UTC µs of the first, then of the last. All zero: the time was never set.
    With these a gateway that never met the sensor before places a day of log in UTC.
    """

    LAYOUT: ClassVar[struct.Struct] = struct.Struct("<QQQQ")

    first_device_us: int
    first_utc_us: int
    last_device_us: int
    last_utc_us: int

    @property
    def known(self) -> bool:
        """Whether the time was ever set in this epoch."""
        return self.last_utc_us != 0

    def to_bytes(self) -> bytes:
        return self.LAYOUT.pack(
            self.first_device_us, self.first_utc_us, self.last_device_us, self.last_utc_us
        )

    @classmethod
    def from_bytes(cls, data: bytes, *, now_ns: int | None = None) -> SyncInfo:
        """DecodeError where a UTC is not believable, or the last time was set before the first."""
        check_exact_length(data, cls.LAYOUT.size, "sync info")
        info = cls(*cls.LAYOUT.unpack(data))
        if info == cls(0, 0, 0, 0):
            return info
        check_range("first_device_us", info.first_device_us, 0, info.last_device_us)
        check_range("last_device_us", info.last_device_us, 0, MAX_DEVICE_US)
        check_utc_ns("first_utc_us in ns", info.first_utc_us * NS_PER_US, now_ns=now_ns)
        check_utc_ns("last_utc_us in ns", info.last_utc_us * NS_PER_US, now_ns=now_ns)
        return info
