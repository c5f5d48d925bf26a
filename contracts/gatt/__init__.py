"""The native GATT profile, byte by byte. All numbers little-endian. See docs/gatt.md.

Pure codecs: bytes in, values out, or a :class:`~contracts.errors.DecodeError`.

A sensor is a log with a cursor. It numbers its sampling ticks (``sequence``, one a period, lost ones
included), keeps every sample in flash, and sends from the position it was asked for: what is old on
``log``, as fast as the link takes it, and what is new on ``stream``. Nothing is forgotten before the
gateway says ``ERASE``, so a link or a gateway may die at any moment.

The device clock counts µs and survives a reboot. When it loses its count (flat battery), the sensor
begins a new ``epoch``: sequence and clock start again from zero. A position is (epoch, sequence).
"""

from contracts.gatt.control import (
    MAX_CONTROL_BYTES,
    REPLY_BIT,
    Command,
    HapticPulse,
    Opcode,
    Position,
    Reply,
    ReplyStatus,
    ranges_to_bytes,
    read_period_ns,
    read_ranges,
    read_u16,
    read_u64,
    read_utc_us,
    u16,
    u32,
    u64,
)
from contracts.gatt.packets import (
    MAX_PACKET_SAMPLES,
    RESERVED_FLAGS,
    PacketFlag,
    SamplePacket,
    packet_flags,
    samples_per_packet,
)
from contracts.gatt.profile import (
    BATTERY_LEVEL_UUID,
    BATTERY_SERVICE_UUID,
    CONTROL_UUID,
    DEVICE_INFORMATION_UUID,
    FIRMWARE_REVISION_UUID,
    GYRO_RANGE_UNIT_DEG_S,
    LOG_UUID,
    MANUFACTURER_NAME_UUID,
    MAX_DEVICE_US,
    MAX_PERIOD_NS,
    MIN_PERIOD_NS,
    MODEL_NUMBER_UUID,
    PROTOCOL_VERSION,
    SERIAL_NUMBER_UUID,
    SERVICE_UUID,
    STREAM_UUID,
)
from contracts.gatt.results import (
    SensorStatus,
    SyncInfo,
)

__all__ = [
    "BATTERY_LEVEL_UUID",
    "BATTERY_SERVICE_UUID",
    "CONTROL_UUID",
    "DEVICE_INFORMATION_UUID",
    "FIRMWARE_REVISION_UUID",
    "GYRO_RANGE_UNIT_DEG_S",
    "LOG_UUID",
    "MANUFACTURER_NAME_UUID",
    "MAX_CONTROL_BYTES",
    "MAX_DEVICE_US",
    "MAX_PACKET_SAMPLES",
    "MAX_PERIOD_NS",
    "MIN_PERIOD_NS",
    "MODEL_NUMBER_UUID",
    "PROTOCOL_VERSION",
    "REPLY_BIT",
    "RESERVED_FLAGS",
    "SERIAL_NUMBER_UUID",
    "SERVICE_UUID",
    "STREAM_UUID",
    "Command",
    "HapticPulse",
    "Opcode",
    "PacketFlag",
    "Position",
    "Reply",
    "ReplyStatus",
    "SamplePacket",
    "SensorStatus",
    "SyncInfo",
    "packet_flags",
    "ranges_to_bytes",
    "read_period_ns",
    "read_ranges",
    "read_u16",
    "read_u64",
    "read_utc_us",
    "samples_per_packet",
    "u16",
    "u32",
    "u64",
]
