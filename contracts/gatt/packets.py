"""Samples, as they come on ``stream`` and ``log``."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntFlag
from functools import lru_cache
from typing import ClassVar, Final

import numpy as np

from contracts.checks import check_range
from contracts.errors import DecodeError, InvariantError, Reason
from contracts.gatt.layout import check_header_length
from contracts.gatt.profile import (
    GYRO_RANGE_UNIT_DEG_S,
    MAX_DEVICE_US,
    MAX_PERIOD_NS,
    MIN_PERIOD_NS,
    PROTOCOL_VERSION,
)
from contracts.imu import ImuScale, Int16Samples

#: What fits a 512-byte attribute value, the longest that ATT allows.
MAX_PACKET_SAMPLES: Final = 40


class PacketFlag(IntFlag):
    """Bits of a sample packet's flags byte; the others are reserved and must be zero."""

    LOG = 0x01  # recorded while nobody listened
    END = 0x02  # the sensor stopped sampling after the last of these (switched off, on the charger)
    AHEAD = 0x04  # sampled while earlier ones are still being sent: comes again in its turn


RESERVED_FLAGS: Final = 0xF8
# A packet comes ten times a second from each sensor: what is the same in all is made once.
_LOG: Final = int(PacketFlag.LOG)
_END: Final = int(PacketFlag.END)
_AHEAD: Final = int(PacketFlag.AHEAD)
_READING: Final = np.dtype("<i2")
_scale_of: Final = lru_cache(maxsize=64)(ImuScale)


@dataclass(frozen=True)
class SamplePacket:
    """A notification on ``stream`` or ``log``: a header of 28 bytes, then count × 6 × int16.

    ==== ==== =====================================================================
    at   type what
    ==== ==== =====================================================================
    0    u8   version, 1
    1    u8   flags (PacketFlag)
    2    u8   count of samples, 0 to 40 (0 only together with END)
    3    u8   accelerometer full scale in g: 2, 4, 8 or 16
    4    u32  sequence of the first sample
    8    u64  device time of the first sample, µs
    16   u32  sample period, ns of the device clock
    20   u32  samples that the sensor lost directly before the first one
    24   u16  epoch of the device clock
    26   u8   gyroscope full scale in units of 125 deg/s: 1, 2, 4, 8 or 16
    27   u8   reserved, 0
    28   i16  ax ay az gx gy gz of each sample, sensor axes
    ==== ==== =====================================================================
    """

    HEADER: ClassVar[struct.Struct] = struct.Struct("<BBBBIQIIHBB")
    SAMPLE_BYTES: ClassVar[int] = 12

    sequence: int
    device_us: int
    period_ns: int
    lost_before: int
    epoch: int
    scale: ImuScale
    samples: Int16Samples  # (count, 6)
    from_log: bool = False
    end: bool = False
    ahead: bool = False

    @property
    def count(self) -> int:
        """How many samples the packet carries."""
        return len(self.samples)

    @property
    def next_sequence(self) -> int:
        """The sequence that the next packet starts at if the sensor loses nothing in between."""
        return self.sequence + self.count

    def to_bytes(self) -> bytes:
        """The notification's value. InvariantError where there are more samples than a packet takes."""
        if self.count > MAX_PACKET_SAMPLES:
            raise InvariantError(f"{self.count} samples do not fit a packet.")
        header = self.HEADER.pack(
            PROTOCOL_VERSION,
            packet_flags(from_log=self.from_log, end=self.end, ahead=self.ahead),
            self.count,
            self.scale.accel_range_g,
            self.sequence,
            self.device_us,
            self.period_ns,
            self.lost_before,
            self.epoch,
            self.scale.gyro_range_deg_s // GYRO_RANGE_UNIT_DEG_S,
            0,
        )
        return header + np.ascontiguousarray(self.samples, dtype="<i2").tobytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> SamplePacket:
        """The packet in a notification's value. DecodeError where the layout does not allow it."""
        check_header_length(data, cls.HEADER.size, "sample packet")
        (
            version,
            flags,
            count,
            accel_g,
            sequence,
            device_us,
            period_ns,
            lost,
            epoch,
            gyro,
            zero,
        ) = cls.HEADER.unpack_from(data)
        _check_version(version)
        if flags & RESERVED_FLAGS or zero:
            raise DecodeError(Reason.BAD_FIELD, "reserved bits of a sample packet are set.")
        ahead = bool(flags & _AHEAD)
        if ahead and flags & (_LOG | _END):
            raise DecodeError(Reason.BAD_FIELD, "a sample packet is ahead of the log and of it.")
        end = bool(flags & _END)
        if count > MAX_PACKET_SAMPLES or (count == 0 and not end):
            raise DecodeError(Reason.BAD_COUNT, f"a sample packet says {count} samples.")
        expected = cls.HEADER.size + count * cls.SAMPLE_BYTES
        if len(data) != expected:
            raise DecodeError(
                Reason.BAD_LENGTH,
                f"a sample packet of {count} samples has {len(data)} bytes, not {expected}.",
            )
        check_range("period_ns", period_ns, MIN_PERIOD_NS, MAX_PERIOD_NS)
        check_range("device_us", device_us, 0, MAX_DEVICE_US)
        if sequence + count > 2**32 or lost > sequence:
            raise DecodeError(
                Reason.OUT_OF_RANGE, f"sequence {sequence} with {lost} lost before it."
            )
        samples = np.frombuffer(data, dtype=_READING, offset=cls.HEADER.size).reshape(count, 6)
        return cls(
            sequence=sequence,
            device_us=device_us,
            period_ns=period_ns,
            lost_before=lost,
            epoch=epoch,
            scale=_scale_of(accel_g, gyro * GYRO_RANGE_UNIT_DEG_S),
            samples=samples.astype(np.int16, copy=False),
            from_log=bool(flags & _LOG),
            end=end,
            ahead=ahead,
        )


def packet_flags(*, from_log: bool, end: bool, ahead: bool) -> int:
    """The flags byte."""
    flags = PacketFlag.LOG if from_log else PacketFlag(0)
    if end:
        flags |= PacketFlag.END
    return (flags | PacketFlag.AHEAD if ahead else flags).value


def samples_per_packet(att_mtu: int) -> int:
    """How many samples a notification carries at an ATT MTU (a notification's value is MTU − 3)."""
    room = (att_mtu - 3 - SamplePacket.HEADER.size) // SamplePacket.SAMPLE_BYTES
    return max(0, min(MAX_PACKET_SAMPLES, room))


def _check_version(version: int) -> None:
    if version != PROTOCOL_VERSION:
        raise DecodeError(
            Reason.BAD_VERSION,
            f"packet version {version}; this gateway speaks version {PROTOCOL_VERSION}.",
            hint="Update the gateway or the sensor's firmware.",
        )
