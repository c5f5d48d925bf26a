"""A Movella DOT: payload mode 21, with a time of µs that wraps; settings that are kept."""

from __future__ import annotations

import struct
from typing import ClassVar, Final

from contracts.units import DEG_PER_RAD, NS_PER_US
from firmware_sim.makes.device import Advertised, Attribute, Device, DeviceConfig
from firmware_sim.source import SourceAt, SourceChunk


def _uuid(short: str) -> str:
    return f"1517{short}-4947-11e9-8646-d663bd873d93"


CONTROL, MEASURE, MEDIUM, BATTERY = (_uuid(one) for one in ("1002", "2001", "2003", "3001"))
MOVELLA: Final = 2182
#: Acceleration and rate of turn, 28 bytes; the modes with angles or quaternions are not simulated.
RATE_QUANTITIES: Final = 21
LIVE_HZ: Final = (1, 4, 10, 12, 15, 20, 30, 60)
SETTINGS: Final = struct.Struct("<BBBBBBBB16sHB5s")
RATE_BIT: Final = 0x10
TAG: Final = b"Movella DOT"


class Dot(Device):
    """Streams once it was told to measure. A lost link does not end that, which is the harder case."""

    SERVICES: ClassVar = {
        _uuid("1000"): (Attribute(CONTROL, read=True, write=True),),
        _uuid("2000"): (
            Attribute(MEASURE, read=True, write=True),
            Attribute(MEDIUM, notify=True),
        ),
        _uuid("3000"): (Attribute(BATTERY, read=True, notify=True),),
    }
    DEFAULT_RATE_HZ: ClassVar = 60.0

    def __init__(self, config: DeviceConfig, sources: SourceAt) -> None:
        super().__init__(config, sources)
        self.saves = 0  # times that the flash was written
        self._mode = 5
        self._measuring = False

    @property
    def advertised(self) -> Advertised:
        """Its name and the maker's number; no service."""
        return Advertised(TAG.decode(), company=MOVELLA)

    def read(self, uuid: str, true_ns: int) -> bytes:
        """Settings, whether it measures, or the battery: percent and whether it is charged."""
        if uuid == CONTROL:
            tag = TAG.ljust(16, b"\0")
            rate = round(self.rate_hz)
            return SETTINGS.pack(0, 0, 0, 10, 0, 30, 0, len(TAG), tag, rate, 0, bytes(5))
        if uuid == MEASURE:
            return bytes((1, self._measuring, self._mode))
        return bytes((self.battery_percent(true_ns), 0))

    def write(self, uuid: str, value: bytes, true_ns: int) -> None:
        """Start or stop, or, while it does not measure, the rate."""
        if uuid == MEASURE and len(value) == 3 and value[0] == 1:
            self._measuring = value[1] == 1
            if self._measuring:
                self._mode = value[2]
            self._look_again(true_ns)
        elif uuid == CONTROL and len(value) == SETTINGS.size and not self._measuring:
            visit, *_, rate, _, _ = SETTINGS.unpack(value)
            if visit & RATE_BIT and rate in LIVE_HZ:
                self.saves += 1
                self._set_rate(float(rate))

    def _wants_to_stream(self) -> bool:
        return self._measuring and self._mode == RATE_QUANTITIES and MEDIUM in self._subscribed

    def _encoded(self, chunk: SourceChunk) -> list[tuple[str, bytes, int]]:
        (tick,), (row,) = chunk.ticks.tolist(), chunk.si.tolist()
        time_us = self._time_ns(tick) // NS_PER_US % 2**32
        turn_deg_s = [rate * DEG_PER_RAD for rate in row[3:]]
        return [(MEDIUM, struct.pack("<I6f", time_us, *row[:3], *turn_deg_s), 1)]
