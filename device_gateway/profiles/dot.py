"""Movella (formerly Xsens) DOT: a time and floats in every notification, one sample each.

Source: Movella DOT BLE Service Specification, XD0506P revision C (docs/profiles.md). Of the payload
modes, 21 (rate quantities) is the shortest that carries what the accelerometer and gyroscope say.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from contracts.checks import check_range
from contracts.errors import DecodeError, Reason
from contracts.imu import ImuScale
from device_gateway.profiles.decoding import (
    WithoutMotor,
    WrappedCounter,
    battery_level,
    checked,
    from_floats,
    lost_between,
)
from device_gateway.profiles.port import Profile, Read, Readings, Step, Subscribe, Write


def _uuid(number: int) -> str:
    return f"1517{number:04x}-4947-11e9-8646-d663bd873d93"


DEVICE_CONTROL_UUID: Final = _uuid(0x1002)
CONTROL_UUID: Final = _uuid(0x2001)
MEDIUM_UUID: Final = _uuid(0x2003)
BATTERY_UUID: Final = _uuid(0x3001)

RATE_QUANTITIES: Final = 21
START: Final = bytes((1, 1, RATE_QUANTITIES))
STOP: Final = bytes((1, 0, RATE_QUANTITIES))
#: u32 µs, then acceleration in m/s² and rate of turn in deg/s, floats.
PAYLOAD: Final = struct.Struct("<I6f")
#: The characteristic's own length: a sensor may fill a payload up with zeros to here.
MEDIUM_BYTES: Final = 40
#: u8 visit index first; at 24 the u16 output rate; between and behind what is none of our business.
DEVICE_CONTROL_BYTES: Final = 32
RATE_AT: Final = 24
FASTEST_HZ: Final = 120  # for recordings on board; live 60 is the most
VISIT_RATE: Final = 0x10  # bit 4: only the rate of what is written is to be taken


class DotCodec(WithoutMotor):
    """One connection to a DOT."""

    def __init__(self, rate_hz: float) -> None:
        self.rate_hz = rate_hz
        self.battery_percent: int | None = None
        self._wanted_hz = rate_hz
        self._control: bytes | None = None
        self._clock = WrappedCounter(1, "DOT")

    def opening(self) -> Iterator[Step]:
        """Stop, set the rate where it is another, subscribe, start.

        The rate cannot be set while it measures, and is kept in flash: it is written only if it differs.
        """
        yield Write(CONTROL_UUID, STOP)
        yield Read(DEVICE_CONTROL_UUID)
        if self._control is None or self.rate_hz != self._wanted_hz:
            yield Write(DEVICE_CONTROL_UUID, self._with_rate())
            yield Read(DEVICE_CONTROL_UUID)
        yield Read(BATTERY_UUID)
        yield Subscribe(BATTERY_UUID)
        yield Subscribe(MEDIUM_UUID)
        yield Write(CONTROL_UUID, START)

    def closing(self) -> Sequence[Step]:
        """Stop measuring: no document says that the end of the link does."""
        return (Write(CONTROL_UUID, STOP),)

    def on_value(self, uuid: str, value: bytes) -> Readings | None:
        """A sample, the battery's level or the settings."""
        checked(value, "DOT")
        if uuid == MEDIUM_UUID:
            return self._on_sample(value)
        if uuid == BATTERY_UUID:
            self.battery_percent = battery_level(value, "DOT")
        elif uuid == DEVICE_CONTROL_UUID:
            self._on_settings(value)
        return None

    def _on_sample(self, value: bytes) -> Readings:
        if not PAYLOAD.size <= len(value) <= MEDIUM_BYTES or any(value[PAYLOAD.size :]):
            raise DecodeError(
                Reason.BAD_LENGTH,
                f"a DOT sent {len(value)} bytes that are no payload of mode {RATE_QUANTITIES}.",
            )
        floats = np.frombuffer(value, dtype="<f4", offset=4, count=6).reshape(1, 6)
        samples = from_floats(PROFILE.scale, floats[:, :3], floats[:, 3:], "DOT")
        device_us, step_us = self._clock.step_to(int.from_bytes(value[:4], "little"))
        return Readings(samples, device_us, lost_between(step_us, 1, self.rate_hz))

    def _on_settings(self, value: bytes) -> None:
        if len(value) != DEVICE_CONTROL_BYTES:
            raise DecodeError(
                Reason.BAD_LENGTH,
                f"a DOT's settings have {len(value)} bytes, not {DEVICE_CONTROL_BYTES}.",
            )
        rate_hz = int.from_bytes(value[RATE_AT : RATE_AT + 2], "little")
        check_range("rate_hz of a DOT", rate_hz, 1, FASTEST_HZ)
        self._control = value
        self.rate_hz = float(rate_hz)

    def _with_rate(self) -> bytes:
        """The settings with the wanted rate; only that is marked to be taken."""
        settings = bytearray(self._control or bytes(DEVICE_CONTROL_BYTES))
        settings[0] = VISIT_RATE
        settings[RATE_AT : RATE_AT + 2] = round(self._wanted_hz).to_bytes(2, "little")
        return bytes(settings)


PROFILE: Final = Profile(
    name="dot",
    title="Movella DOT",
    services=frozenset(),  # it advertises its name and the maker's number, no service
    rates_hz=(1.0, 4.0, 10.0, 12.0, 15.0, 20.0, 30.0, 60.0),
    scale=ImuScale(accel_range_g=16, gyro_range_deg_s=2000),
    codec=DotCodec,
    name_starts=("Movella DOT", "Movella Dot", "Xsens DOT", "Xsens Dot"),
    serial_prefix="DOT-",
)
