"""A Movesense sensor with its GATT SensorData Protocol: packets of readings in two notifications."""

from __future__ import annotations

import struct
from typing import ClassVar, Final

import numpy as np

from contracts.units import DEG_PER_RAD, NS_PER_MS
from firmware_sim.makes.device import (
    BATTERY_LEVEL,
    BATTERY_SERVICE,
    Advertised,
    Attribute,
    Device,
    DeviceConfig,
)
from firmware_sim.source import SourceAt, SourceChunk

_ROOT: Final = "-7185-4d5d-b431-630e7050e8f0"
SERVICE: Final = "34802252" + _ROOT
COMMAND: Final = "34800001" + _ROOT
DATA: Final = "34800002" + _ROOT
MEMBER_SERVICE: Final = "0000fdf3-0000-1000-8000-00805f9b34fb"

RATES_HZ: Final = (13, 26, 52, 104, 208)
#: Packets a second whatever the rate: 4 samples each were seen at 52 Hz, 8 at 104 Hz.
PACKETS_HZ: Final = 13
PATH: Final = b"/Meas/IMU9/"
OK, NOT_FOUND = 200, 404


class Movesense(Device):
    """Streams what was subscribed to by its path. One subscription at a time is simulated."""

    SERVICES: ClassVar = {
        SERVICE: (Attribute(COMMAND, write=True), Attribute(DATA, notify=True)),
        BATTERY_SERVICE: (Attribute(BATTERY_LEVEL, read=True, notify=True),),
    }
    DEFAULT_RATE_HZ: ClassVar = 52.0

    def __init__(self, config: DeviceConfig, sources: SourceAt) -> None:
        super().__init__(config, sources)
        self._reference: int | None = None

    @property
    def advertised(self) -> Advertised:
        """Its name with the serial number, and the service number of the makers' membership."""
        return Advertised(f"Movesense {self.config.serial[-12:]}", (MEMBER_SERVICE,))

    def write(self, uuid: str, value: bytes, true_ns: int) -> None:
        """Command, reference, and for a subscription the path."""
        if uuid != COMMAND or len(value) < 2:
            return
        command, reference = value[:2]
        status = NOT_FOUND
        if command == 1 and self._subscribes(value[2:].rstrip(b"\0")):
            self._reference, status = reference, OK
        elif command == 2 and reference == self._reference:
            self._reference, status = None, OK
        self._answer(DATA, struct.pack("<BBH", 1, reference, status))
        self._look_again(true_ns)

    def disconnected(self) -> None:
        """The link is gone: nothing is subscribed to any more."""
        super().disconnected()
        self._reference = None

    def _subscribes(self, path: bytes) -> bool:
        rate = path.removeprefix(PATH)
        if rate == path or rate not in [str(hz).encode() for hz in RATES_HZ]:
            return False
        self._set_rate(float(rate))
        return True

    def _wants_to_stream(self) -> bool:
        return self._reference is not None and DATA in self._subscribed

    def _together(self) -> int:
        return round(self.rate_hz / PACKETS_HZ)

    def _encoded(self, chunk: SourceChunk) -> list[tuple[str, bytes, int]]:
        """One packet of samples without a hole; others do not come about."""
        count = len(chunk.ticks)
        if count != self._together() or int(chunk.ticks[-1] - chunk.ticks[0]) != count - 1:
            self._lost += count
            return []
        time_ms = self._time_ns(int(chunk.ticks[0])) // NS_PER_MS % 2**32
        field_ut = np.tile([20.0, 0.0, -40.0], (count, 1))
        blocks = np.concatenate([chunk.si[:, :3], chunk.si[:, 3:] * DEG_PER_RAD, field_ut])
        packet = struct.pack("<I", time_ms) + blocks.astype("<f4").tobytes()
        room = self.max_value_bytes - 2
        first, rest = packet[:room], packet[room:]
        reference = self._reference or 0
        if not rest:
            return [(DATA, bytes((2, reference)) + first, count)]
        return [
            (DATA, bytes((2, reference)) + first, 0),
            (DATA, bytes((3, reference)) + rest, count),
        ]
