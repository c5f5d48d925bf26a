"""A Nordic Thingy:52: its raw motion data in fixed point, and its motion configuration."""

from __future__ import annotations

import struct
from typing import ClassVar, Final

import numpy as np

from contracts.units import DEG_PER_RAD, STANDARD_GRAVITY_M_S2
from firmware_sim.makes.device import (
    BATTERY_LEVEL,
    BATTERY_SERVICE,
    Advertised,
    Attribute,
    Device,
    DeviceConfig,
)
from firmware_sim.source import SourceAt, SourceChunk


def _uuid(short: str) -> str:
    return f"ef68{short}-9b35-4933-9b10-52ffa9740042"


NAME, CONFIG, RAW = (_uuid(one) for one in ("0101", "0401", "0406"))
CONFIGURATION: Final = struct.Struct("<4HB")
#: What the firmware takes: pedometer, temperature and compass ms, motion Hz, wake on motion.
LIMITS: Final = ((100, 5000), (100, 5000), (100, 1000), (5, 200), (0, 1))
FACTORY: Final = (500, 500, 500, 200, 1)
#: Fractional bits of the fixed point: 1/1024 g, 1/32 deg/s.
PER_G, PER_DEG_S = 2**10, 2**5


class Thingy(Device):
    """Streams as soon as its raw data are subscribed to. Its compass always shows the same field."""

    SERVICES: ClassVar = {
        _uuid("0100"): (Attribute(NAME, read=True),),
        _uuid("0400"): (
            Attribute(CONFIG, read=True, write=True),
            Attribute(RAW, notify=True),
        ),
        BATTERY_SERVICE: (Attribute(BATTERY_LEVEL, read=True, notify=True),),
    }
    DEFAULT_RATE_HZ: ClassVar = 200.0

    def __init__(self, config: DeviceConfig, sources: SourceAt) -> None:
        super().__init__(config, sources)
        self.saves = 0  # times that the flash was written
        self._configuration = FACTORY

    @property
    def advertised(self) -> Advertised:
        """Its configuration service: the motion service would not fit beside the name."""
        return Advertised("Thingy", (_uuid("0100"),))

    def read(self, uuid: str, true_ns: int) -> bytes:
        """Name, motion configuration or battery level."""
        if uuid == NAME:
            return b"Thingy"
        if uuid == CONFIG:
            return CONFIGURATION.pack(*self._configuration)
        return super().read(uuid, true_ns)

    def write(self, uuid: str, value: bytes, true_ns: int) -> None:
        """Motion configuration; one beyond the limits is not taken."""
        if uuid != CONFIG or len(value) != CONFIGURATION.size:
            return
        wanted = CONFIGURATION.unpack(value)
        if all(low <= one <= high for one, (low, high) in zip(wanted, LIMITS, strict=True)):
            self.saves += 1
            self._configuration = wanted
            self._set_rate(float(wanted[3]))
            self._look_again(true_ns)

    def _wants_to_stream(self) -> bool:
        return RAW in self._subscribed

    def _encoded(self, chunk: SourceChunk) -> list[tuple[str, bytes, int]]:
        (row,) = chunk.si
        force = row[:3] / STANDARD_GRAVITY_M_S2 * PER_G
        turn = row[3:] * DEG_PER_RAD * PER_DEG_S
        fixed = np.clip(np.rint(np.concatenate([force, turn])), -32768, 32767)
        return [(RAW, struct.pack("<9h", *fixed.astype(int).tolist(), 320, 0, -640), 1)]
