"""The native GATT profile, byte by byte. All numbers little-endian. See docs/gatt.md.

Pure codecs: bytes in, values out, or a :class:`~contracts.errors.DecodeError`.

A sensor is a log with a cursor. It numbers its sampling ticks (``sequence``, one a period, lost ones
included), keeps every sample in flash, and sends from the position it was asked for: what is old on
``log``, as fast as the link takes it, and what is new on ``stream``. Nothing is forgotten before the
gateway says ``ERASE``, so a link or a gateway may die at any moment.

The device clock counts µs and survives a reboot. When it loses its count (flat battery), the sensor
begins a new ``epoch``: sequence and clock start again from zero. A position is (epoch, sequence).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import ClassVar, Final

import numpy as np

from contracts.checks import check_range, check_utc_ns
from contracts.errors import DecodeError, InvariantError, Reason
from contracts.imu import MAX_RATE_HZ, MIN_RATE_HZ, ImuScale, Int16Samples
from contracts.units import NS_PER_S, NS_PER_US

SERVICE_UUID: Final = "504c0001-b0d1-4e1b-9c1e-706c756d6221"
STREAM_UUID: Final = "504c0002-b0d1-4e1b-9c1e-706c756d6221"
CONTROL_UUID: Final = "504c0003-b0d1-4e1b-9c1e-706c756d6221"
LOG_UUID: Final = "504c0004-b0d1-4e1b-9c1e-706c756d6221"
BATTERY_SERVICE_UUID: Final = "0000180f-0000-1000-8000-00805f9b34fb"
BATTERY_LEVEL_UUID: Final = "00002a19-0000-1000-8000-00805f9b34fb"
DEVICE_INFORMATION_UUID: Final = "0000180a-0000-1000-8000-00805f9b34fb"
SERIAL_NUMBER_UUID: Final = "00002a25-0000-1000-8000-00805f9b34fb"
FIRMWARE_REVISION_UUID: Final = "00002a26-0000-1000-8000-00805f9b34fb"
MANUFACTURER_NAME_UUID: Final = "00002a29-0000-1000-8000-00805f9b34fb"
MODEL_NUMBER_UUID: Final = "00002a24-0000-1000-8000-00805f9b34fb"

PROTOCOL_VERSION: Final = 1
MIN_PERIOD_NS: Final = round(NS_PER_S / MAX_RATE_HZ)
MAX_PERIOD_NS: Final = round(NS_PER_S / MIN_RATE_HZ)
#: 2⁵³ µs is 285 years: a device clock beyond it is a broken packet, and below it fits a float exactly.
MAX_DEVICE_US: Final = 2**53
GYRO_RANGE_UNIT_DEG_S: Final = 125
#: What fits a 512-byte attribute value, the longest that ATT allows.
MAX_PACKET_SAMPLES: Final = 40


class PacketFlag(IntFlag):
    """Bits of a sample packet's flags byte; the others are reserved and must be zero."""

    LOG = 0x01  # recorded while nobody listened
    END = 0x02  # the sensor stopped sampling after the last of these (switched off, on the charger)


RESERVED_FLAGS: Final = 0xFC


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
        flags = (PacketFlag.LOG if self.from_log else 0) | (PacketFlag.END if self.end else 0)
        header = self.HEADER.pack(
            PROTOCOL_VERSION,
            flags,
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
        _check_header_length(data, cls.HEADER.size, "sample packet")
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
        end = bool(flags & PacketFlag.END)
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
        samples = np.frombuffer(data, dtype="<i2", offset=cls.HEADER.size).reshape(count, 6)
        return cls(
            sequence=sequence,
            device_us=device_us,
            period_ns=period_ns,
            lost_before=lost,
            epoch=epoch,
            scale=ImuScale(accel_g, gyro * GYRO_RANGE_UNIT_DEG_S),
            samples=samples.astype(np.int16, copy=False),
            from_log=bool(flags & PacketFlag.LOG),
            end=end,
        )


def samples_per_packet(att_mtu: int) -> int:
    """How many samples a notification carries at an ATT MTU (a notification's value is MTU − 3)."""
    room = (att_mtu - 3 - SamplePacket.HEADER.size) // SamplePacket.SAMPLE_BYTES
    return max(0, min(MAX_PACKET_SAMPLES, room))


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
        _check_exact_length(data, cls.LAYOUT.size, "position")
        return cls(*cls.LAYOUT.unpack(data))

    def __lt__(self, other: Position) -> bool:
        return (self.epoch, self.sequence) < (other.epoch, other.sequence)

    def __le__(self, other: Position) -> bool:
        return (self.epoch, self.sequence) <= (other.epoch, other.sequence)


@dataclass(frozen=True, slots=True)
class Command:
    """A write to ``control``: u8 opcode, u8 token (echoed in the reply), then the arguments.

    Arguments: START and ERASE a Position (START: send from here; ERASE: forget all before here);
    STOP, STATUS none; SET_RATE u32 period in ns; SET_RANGES u8 g, u8 × 125 deg/s; HAPTIC a
    HapticPulse; SET_TIME u64 UTC in µs; SYNC_INFO u16 epoch.
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
        _check_exact_length(data, cls.LAYOUT.size, "status")
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
        _check_exact_length(data, cls.LAYOUT.size, "sync info")
        info = cls(*cls.LAYOUT.unpack(data))
        if info == cls(0, 0, 0, 0):
            return info
        check_range("first_device_us", info.first_device_us, 0, info.last_device_us)
        check_range("last_device_us", info.last_device_us, 0, MAX_DEVICE_US)
        check_utc_ns("first_utc_us in ns", info.first_utc_us * NS_PER_US, now_ns=now_ns)
        check_utc_ns("last_utc_us in ns", info.last_utc_us * NS_PER_US, now_ns=now_ns)
        return info


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
        _check_exact_length(data, cls.LAYOUT.size, "haptic pulse")
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
    _check_exact_length(data, 8, what)
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
    _check_exact_length(data, 4, "period")
    (value,) = struct.unpack("<I", data)
    return int(check_range("period_ns", value, MIN_PERIOD_NS, MAX_PERIOD_NS))


def ranges_to_bytes(scale: ImuScale) -> bytes:
    """SET_RANGES' argument."""
    return bytes((scale.accel_range_g, scale.gyro_range_deg_s // GYRO_RANGE_UNIT_DEG_S))


def read_ranges(data: bytes) -> ImuScale:
    """SET_RANGES' argument: full scales that exist."""
    _check_exact_length(data, 2, "ranges")
    return ImuScale(data[0], data[1] * GYRO_RANGE_UNIT_DEG_S)


def u16(value: int) -> bytes:
    """2 bytes, little-endian (SYNC_INFO's argument)."""
    return struct.pack("<H", value)


def read_u16(data: bytes, what: str) -> int:
    """The u16 in exactly 2 bytes."""
    _check_exact_length(data, 2, what)
    return int(struct.unpack("<H", data)[0])


def _check_version(version: int) -> None:
    if version != PROTOCOL_VERSION:
        raise DecodeError(
            Reason.BAD_VERSION,
            f"packet version {version}; this gateway speaks version {PROTOCOL_VERSION}.",
            hint="Update the gateway or the sensor's firmware.",
        )


def _check_header_length(data: bytes, size: int, what: str) -> None:
    if len(data) < size:
        raise DecodeError(
            Reason.TOO_SHORT, f"a {what} of {len(data)} bytes is shorter than {size}."
        )


def _check_exact_length(data: bytes, size: int, what: str) -> None:
    _check_header_length(data, size, what)
    if len(data) > size:
        raise DecodeError(Reason.TOO_LONG, f"a {what} of {len(data)} bytes is longer than {size}.")


def _check_control_length(data: bytes, minimum: int) -> None:
    _check_header_length(data, minimum, "control message")
    if len(data) > MAX_CONTROL_BYTES:
        raise DecodeError(Reason.TOO_LONG, f"a control message of {len(data)} bytes is too long.")
