"""Nordic Thingy:52: fixed point in every notification, one sample each, no time.

Source: Nordic Thingy:52 firmware documentation 2.2.0, motion service (docs/profiles.md).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from contracts.checks import check_range
from contracts.errors import DecodeError, Reason
from contracts.gatt import BATTERY_LEVEL_UUID
from contracts.imu import ImuScale
from contracts.units import INT16_MAX, INT16_MIN
from device_gateway.profiles.decoding import WithoutMotor, battery_level, checked
from device_gateway.profiles.port import Profile, Read, Readings, Step, Subscribe, Write


def _uuid(number: int) -> str:
    return f"ef68{number:04x}-9b35-4933-9b10-52ffa9740042"


#: What it advertises; the motion service 0400 is found only once it is connected.
ADVERTISED_UUID: Final = _uuid(0x0100)
CONFIG_UUID: Final = _uuid(0x0401)
RAW_UUID: Final = _uuid(0x0406)

#: Accelerometer, gyroscope, compass: int16 of g / 1024, of deg/s / 32 and of µT / 16.
RAW: Final = struct.Struct("<9h")
#: Pedometer, temperature and compass intervals in ms, motion processing in Hz, wake on motion.
CONFIG: Final = struct.Struct("<HHHHB")
FASTEST_HZ: Final = 200
FACTORY_CONFIG: Final = (500, 500, 500, 200, 1)

_SCALE: Final = ImuScale(accel_range_g=16, gyro_range_deg_s=1000)
#: From the sensor's fixed point to int16 of the scale: 2 for the accelerometer, 1.024 for the gyroscope.
_FACTORS: Final = np.array(
    [32768 / 1024 / _SCALE.accel_range_g] * 3 + [32768 / 32 / _SCALE.gyro_range_deg_s] * 3
)


class ThingyCodec(WithoutMotor):
    """One connection to a Thingy:52."""

    def __init__(self, rate_hz: float) -> None:
        self.rate_hz = rate_hz
        self.battery_percent: int | None = None
        self._wanted_hz = rate_hz
        self._config: tuple[int, ...] | None = None

    def opening(self) -> Iterator[Step]:
        """Set the rate where it is another, subscribe: that starts it.

        What is set is kept in flash, so it is written only if it differs, all else as it was.
        """
        yield Read(CONFIG_UUID)
        if self._config is None or self.rate_hz != self._wanted_hz:
            pedometer, temperature, compass, _, wake = self._config or FACTORY_CONFIG
            wanted = CONFIG.pack(pedometer, temperature, compass, round(self._wanted_hz), wake)
            yield Write(CONFIG_UUID, wanted)
            yield Read(CONFIG_UUID)
        yield Read(BATTERY_LEVEL_UUID)
        yield Subscribe(BATTERY_LEVEL_UUID)
        yield Subscribe(RAW_UUID)

    def closing(self) -> Sequence[Step]:
        """Nothing: it stops with the link."""
        return ()

    def on_value(self, uuid: str, value: bytes) -> Readings | None:
        """A sample, the battery's level or the settings."""
        checked(value, "Thingy")
        if uuid == RAW_UUID:
            _check_length(value, RAW, "sample")
            fixed = np.frombuffer(value, dtype="<i2", count=6).reshape(1, 6)
            scaled = np.clip(np.rint(fixed * _FACTORS), INT16_MIN, INT16_MAX)
            return Readings(scaled.astype(np.int16))
        if uuid == BATTERY_LEVEL_UUID:
            self.battery_percent = battery_level(value, "Thingy")
        elif uuid == CONFIG_UUID:
            _check_length(value, CONFIG, "configuration")
            config = CONFIG.unpack(value)
            check_range("motion processing of a Thingy in Hz", config[3], 1, FASTEST_HZ)
            self._config, self.rate_hz = config, float(config[3])
        return None


def _check_length(value: bytes, layout: struct.Struct, what: str) -> None:
    if len(value) != layout.size:
        raise DecodeError(
            Reason.BAD_LENGTH, f"a Thingy's {what} has {len(value)} bytes, not {layout.size}."
        )


PROFILE: Final = Profile(
    name="thingy",
    title="Nordic Thingy:52",
    services=frozenset({ADVERTISED_UUID}),
    # what its motion chip's 200 Hz can be divided to
    rates_hz=(5.0, 10.0, 20.0, 25.0, 40.0, 50.0, 100.0, 200.0),
    scale=_SCALE,
    codec=ThingyCodec,
    serial_prefix="THINGY-",
)
