"""What is said on ``control``: commands and their arguments, replies."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar, Final

from contracts.checks import check_range, check_utc_ns
from contracts.errors import DecodeError, Reason
from contracts.gatt.layout import check_exact_length, check_header_length
from contracts.gatt.profile import (
    GYRO_RANGE_UNIT_DEG_S,
    MAX_DEVICE_US,
    MAX_PERIOD_NS,
    MIN_PERIOD_NS,
)
from contracts.imu import ImuScale
from contracts.units import NS_PER_US


class Opcode(IntEnum):
    """Commands written to ``control``; the reply's opcode is the command's with the top bit set."""

    START = 0x01
    STOP = 0x02
    SET_RATE = 0x03
    SET_RANGES = 0x04
    HAPTIC = 0x05
    SET_TIME = 0x06
    ERASE = 0x07
    STATUS = 0x08
    SYNC_INFO = 0x09
    START_AHEAD = 0x0A


class ReplyStatus(IntEnum):
    """What the sensor made of a command."""

    OK = 0
    UNKNOWN_COMMAND = 1
    BAD_ARGUMENT = 2
    BUSY = 3
    NO_SUCH_EPOCH = 4


REPLY_BIT: Final = 0x80
MAX_CONTROL_BYTES: Final = 64


@dataclass(frozen=True, slots=True)
class Position:
    """A place in the sensor's log: u16 epoch, u32 sequence. Ordered."""

    LAYOUT: ClassVar[struct.Struct] = struct.Struct("<HI")

    epoch: int
    sequence: int

    def to_bytes(self) -> bytes:
        return self.LAYOUT.pack(self.epoch, self.sequence)

    @classmethod
    def from_bytes(cls, data: bytes) -> Position:
        check_exact_length(data, cls.LAYOUT.size, "position")
        return cls(*cls.LAYOUT.unpack(data))

    def __lt__(self, other: Position) -> bool:
        return (self.epoch, self.sequence) < (other.epoch, other.sequence)

    def __le__(self, other: Position) -> bool:
        return (self.epoch, self.sequence) <= (other.epoch, other.sequence)


@dataclass(frozen=True, slots=True)
class Command:
    """A write to ``control``: u8 opcode, u8 token (echoed in the reply), then the arguments.

    Arguments: START, START_AHEAD and ERASE a Position (START: send from here; START_AHEAD: and ahead of
    that at once what is sampled meanwhile; ERASE: forget all before here); STOP, STATUS none; SET_RATE u32
    period in ns; SET_RANGES u8 g, u8 × 125 deg/s; HAPTIC a HapticPulse; SET_TIME u64 UTC in µs; SYNC_INFO
    u16 epoch.
    """

    opcode: int
    token: int
    arguments: bytes = b""

    def to_bytes(self) -> bytes:
        return bytes((self.opcode, self.token)) + self.arguments

    @classmethod
    def from_bytes(cls, data: bytes) -> Command:
        """Any opcode is let through: the sensor answers UNKNOWN_COMMAND to what it does not know."""
        _check_control_length(data, 2)
        return cls(data[0], data[1], bytes(data[2:]))


@dataclass(frozen=True, slots=True)
class Reply:
    """An indication on ``control``: u8 opcode | 0x80, u8 token, u8 status, then the result.

    Results, with status OK: STATUS a SensorStatus; SET_TIME u64 device time in µs at which the
    sensor took the command; SYNC_INFO a SyncInfo; the others none.
    """

    opcode: int
    token: int
    status: ReplyStatus
    result: bytes = b""

    def to_bytes(self) -> bytes:
        return bytes((self.opcode | REPLY_BIT, self.token, self.status)) + self.result

    @classmethod
    def from_bytes(cls, data: bytes) -> Reply:
        _check_control_length(data, 3)
        if not data[0] & REPLY_BIT:
            raise DecodeError(Reason.BAD_FIELD, f"opcode {data[0]:#04x} is not a reply's.")
        try:
            status = ReplyStatus(data[2])
        except ValueError:
            raise DecodeError(Reason.BAD_FIELD, f"unknown reply status {data[2]}.") from None
        return cls(data[0] & ~REPLY_BIT, data[1], status, bytes(data[3:]))


@dataclass(frozen=True, slots=True)
class HapticPulse:
    """Arguments of HAPTIC: u8 pattern (0 single, 1 double, 2 long), u8 strength %, u16 duration ms."""

    LAYOUT: ClassVar[struct.Struct] = struct.Struct("<BBH")
    MAX_DURATION_MS: ClassVar[int] = 2000

    pattern: int
    strength_percent: int
    duration_ms: int

    def to_bytes(self) -> bytes:
        return self.LAYOUT.pack(self.pattern, self.strength_percent, self.duration_ms)

    @classmethod
    def from_bytes(cls, data: bytes) -> HapticPulse:
        check_exact_length(data, cls.LAYOUT.size, "haptic pulse")
        pattern, strength, duration_ms = cls.LAYOUT.unpack(data)
        check_range("pattern", pattern, 0, 2)
        check_range("strength_percent", strength, 1, 100)
        check_range("duration_ms", duration_ms, 1, cls.MAX_DURATION_MS)
        return cls(pattern, strength, duration_ms)


def u64(value: int) -> bytes:
    """8 bytes, little-endian (SET_TIME's argument and result)."""
    return struct.pack("<Q", value)


def read_u64(data: bytes, what: str) -> int:
    """The u64 in exactly 8 bytes, at most MAX_DEVICE_US."""
    check_exact_length(data, 8, what)
    (value,) = struct.unpack("<Q", data)
    return int(check_range(what, value, 0, MAX_DEVICE_US))


def read_utc_us(data: bytes, *, now_ns: int | None = None) -> int:
    """SET_TIME's argument: a UTC in µs since 1970, from 2020 on."""
    utc_us = read_u64(data, "utc_us")
    check_utc_ns("utc_us in ns", utc_us * NS_PER_US, now_ns=now_ns)
    return utc_us


def u32(value: int) -> bytes:
    """4 bytes, little-endian (SET_RATE's argument)."""
    return struct.pack("<I", value)


def read_period_ns(data: bytes) -> int:
    """SET_RATE's argument: a period that a sensor may sample at."""
    check_exact_length(data, 4, "period")
    (value,) = struct.unpack("<I", data)
    return int(check_range("period_ns", value, MIN_PERIOD_NS, MAX_PERIOD_NS))


def ranges_to_bytes(scale: ImuScale) -> bytes:
    """SET_RANGES' argument."""
    return bytes((scale.accel_range_g, scale.gyro_range_deg_s // GYRO_RANGE_UNIT_DEG_S))


def read_ranges(data: bytes) -> ImuScale:
    """SET_RANGES' argument: full scales that exist."""
    check_exact_length(data, 2, "ranges")
    return ImuScale(data[0], data[1] * GYRO_RANGE_UNIT_DEG_S)


def u16(value: int) -> bytes:
    """2 bytes, little-endian (SYNC_INFO's argument)."""
    return struct.pack("<H", value)


def read_u16(data: bytes, what: str) -> int:
    """The u16 in exactly 2 bytes."""
    check_exact_length(data, 2, what)
    return int(struct.unpack("<H", data)[0])


def _check_control_length(data: bytes, minimum: int) -> None:
    check_header_length(data, minimum, "control message")
    if len(data) > MAX_CONTROL_BYTES:
        raise DecodeError(Reason.TOO_LONG, f"a control message of {len(data)} bytes is too long.")
