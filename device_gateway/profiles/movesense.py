"""Movesense, over its GATT SensorData Protocol. Experimental: no such sensor was at hand.

Source: the maker's protocol specification, and layouts that others measured (docs/profiles.md). A
packet of samples is longer than a notification: it comes in two.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from contracts.errors import DecodeError, Reason
from contracts.gatt import BATTERY_LEVEL_UUID
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

WRITE_UUID: Final = "34800001-7185-4d5d-b431-630e7050e8f0"
NOTIFY_UUID: Final = "34800002-7185-4d5d-b431-630e7050e8f0"

SUBSCRIBE: Final = 1
UNSUBSCRIBE: Final = 2
RESPONSE: Final = 1
DATA: Final = 2
DATA_PART2: Final = 3
#: Ours to choose, not 0; what belongs to it comes back with it.
REFERENCE: Final = 99
REFUSED: Final = 400  # and above: the status of a response, as in HTTP

HEAD_BYTES: Final = 2  # what it is, the reference
TIME_BYTES: Final = 4  # u32 ms of the first sample
ROW_BYTES: Final = 3 * 3 * 4  # accelerometer, gyroscope, magnetometer: three floats each
#: 208 Hz sends 16 at a time; more would not even fit two notifications of the longest.
MAX_ROWS: Final = 24
MAX_PACKET_BYTES: Final = TIME_BYTES + MAX_ROWS * ROW_BYTES


class MovesenseCodec(WithoutMotor):
    """One connection to a Movesense sensor. It never says its rate: 404 and silence where it has none."""

    def __init__(self, rate_hz: float) -> None:
        self.rate_hz = rate_hz
        self.battery_percent: int | None = None
        self._part: bytes | None = None  # the first of two notifications
        self._clock = WrappedCounter(1000, "Movesense")

    def opening(self) -> Iterator[Step]:
        """Listen, then subscribe to the readings of all three instruments at a rate."""
        yield Subscribe(NOTIFY_UUID)
        yield Read(BATTERY_LEVEL_UUID)
        path = f"/Meas/IMU9/{round(self.rate_hz)}"
        yield Write(WRITE_UUID, bytes((SUBSCRIBE, REFERENCE)) + path.encode())

    def closing(self) -> Sequence[Step]:
        """Unsubscribe."""
        return (Write(WRITE_UUID, bytes((UNSUBSCRIBE, REFERENCE))),)

    def on_value(self, uuid: str, value: bytes) -> Readings | None:
        """Readings once a packet is whole. DecodeError also where the sensor refuses a command."""
        checked(value, "Movesense")
        if uuid == BATTERY_LEVEL_UUID:
            self.battery_percent = battery_level(value, "Movesense")
            return None
        if len(value) <= HEAD_BYTES or value[1] != REFERENCE:
            raise DecodeError(Reason.BAD_FIELD, "Movesense answers what was not asked.")
        kind, body = value[0], value[HEAD_BYTES:]
        first, self._part = self._part, None
        if kind == RESPONSE:
            _check_response(body)
            return None
        if kind == DATA_PART2 and first is not None:
            return self._on_packet(first + body)
        if kind != DATA:
            raise DecodeError(
                Reason.BAD_FIELD, f"Movesense sent {kind} where a packet of readings begins."
            )
        if _is_whole(body):
            return self._on_packet(body)
        self._part = body
        return None

    def _on_packet(self, packet: bytes) -> Readings:
        if not _is_whole(packet) or len(packet) > MAX_PACKET_BYTES:
            raise DecodeError(
                Reason.BAD_LENGTH, f"{len(packet)} bytes from Movesense are no packet of readings."
            )
        floats = np.frombuffer(packet, dtype="<f4", offset=TIME_BYTES).reshape(3, -1, 3)
        samples = from_floats(PROFILE.scale, floats[0], floats[1], "Movesense")
        device_us, step_us = self._clock.step_to(int.from_bytes(packet[:TIME_BYTES], "little"))
        return Readings(samples, device_us, lost_between(step_us, len(samples), self.rate_hz))


def _is_whole(packet: bytes) -> bool:
    """Whether these bytes are a time and rows; no first part is, at any MTU that sensors use."""
    rows, rest = divmod(len(packet) - TIME_BYTES, ROW_BYTES)
    return rows > 0 and rest == 0


def _check_response(body: bytes) -> None:
    status = int.from_bytes(body[:2], "little")
    if status >= REFUSED:
        raise DecodeError(
            Reason.SENSOR_REFUSED,
            f"Movesense refused with status {status}.",
            hint="After 429 take its battery out for a moment; else ask for another rate.",
        )


PROFILE: Final = Profile(
    name="movesense",
    title="Movesense",
    services=frozenset(),  # which it advertises changes with its firmware; the name does not
    rates_hz=(13.0, 26.0, 52.0, 104.0),
    scale=ImuScale(accel_range_g=16, gyro_range_deg_s=2000),
    codec=MovesenseCodec,
    name_starts=("Movesense ",),
    serial_prefix="MOVESENSE-",
    clock_step_us=1000,
    experimental=True,
)
