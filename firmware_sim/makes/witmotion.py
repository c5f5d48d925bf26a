"""A WitMotion BWT901BLE5.0: frames of 20 bytes, and registers that are written when unlocked."""

from __future__ import annotations

import struct
from typing import ClassVar, Final

import numpy as np

from contracts.units import DEG_PER_RAD, NS_PER_S, STANDARD_GRAVITY_M_S2
from firmware_sim.makes.device import Advertised, Attribute, Device, DeviceConfig
from firmware_sim.source import SourceAt, SourceChunk

_BASE: Final = "-0000-1000-8000-00805f9a34fb"
SERVICE: Final = "0000ffe5" + _BASE
NOTIFY: Final = "0000ffe4" + _BASE
WRITE: Final = "0000ffe9" + _BASE

COMMAND: Final = struct.Struct("<2sBH")
SAVE, RATE, READ, BATTERY, KEY = 0x00, 0x03, 0x27, 0x64, 0x69
UNLOCKED_BY: Final = 0xB588
UNLOCKED_S: Final = 10
CODES: Final = {0x05: 5.0, 0x06: 10.0, 0x07: 20.0, 0x08: 50.0, 0x09: 100.0, 0x0B: 200.0}
FRAME_BYTES: Final = 20
#: Units of a g, of a deg/s and of a degree.
PER_G, PER_DEG_S, PER_DEG = 32768 / 16, 32768 / 2000, 32768 / 180
#: Notifications come about this often: two frames each at 50 Hz, four at 100 Hz.
NOTIFICATIONS_HZ: Final = 25
#: Voltages of a charge, hundredths of a volt: the makers' table, its lower bounds.
CENTIVOLTS: Final = (
    (100, 400), (90, 394), (75, 388), (60, 383), (50, 380), (40, 378),
    (30, 374), (20, 371), (15, 369), (10, 351), (5, 341), (0, 330),
)  # fmt: skip


class WitMotion(Device):
    """Streams as soon as it is subscribed to; at 10 Hz until it is told otherwise."""

    SERVICES: ClassVar = {SERVICE: (Attribute(NOTIFY, notify=True), Attribute(WRITE, write=True))}
    DEFAULT_RATE_HZ: ClassVar = 10.0

    def __init__(self, config: DeviceConfig, sources: SourceAt) -> None:
        super().__init__(config, sources)
        self.saves = 0  # times that the flash was written
        self._code = 0x06
        self._unlocked_until_ns = 0

    @property
    def advertised(self) -> Advertised:
        """Its name; no service."""
        return Advertised("WT901BLE68")

    def write(self, uuid: str, value: bytes, true_ns: int) -> None:
        """``FF AA register low high``."""
        if uuid != WRITE or len(value) != COMMAND.size or value[:2] != b"\xff\xaa":
            return
        _, register, argument = COMMAND.unpack(value)
        if register == KEY and argument == UNLOCKED_BY:
            self._unlocked_until_ns = true_ns + UNLOCKED_S * NS_PER_S
        elif register == READ:
            self._answer(NOTIFY, self._registers(argument, true_ns))
        elif true_ns < self._unlocked_until_ns:
            self._on_setting(register, argument, true_ns)

    def _on_setting(self, register: int, argument: int, true_ns: int) -> None:
        if register == SAVE:
            self.saves += 1
        elif register == RATE and argument in CODES:
            self._code = argument
            self._set_rate(CODES[argument])
            self._look_again(true_ns)

    def _registers(self, first: int, true_ns: int) -> bytes:
        charge = self.battery_percent(true_ns)
        known = {
            RATE: self._code,
            BATTERY: next(volts for percent, volts in CENTIVOLTS if charge >= percent),
        }
        values = [known.get(number, 0) for number in range(first, first + 8)]
        return struct.pack("<BBH8H", 0x55, 0x71, first, *values)

    def _wants_to_stream(self) -> bool:
        return NOTIFY in self._subscribed

    def _together(self) -> int:
        return max(1, round(self.rate_hz / NOTIFICATIONS_HZ))

    def _encoded(self, chunk: SourceChunk) -> list[tuple[str, bytes, int]]:
        force_g = chunk.si[:, :3] / STANDARD_GRAVITY_M_S2
        tilt_deg = np.zeros_like(force_g)
        x, y, z = force_g.T
        tilt_deg[:, 0] = np.arctan2(y, z) * DEG_PER_RAD
        tilt_deg[:, 1] = np.arctan2(-x, np.hypot(y, z)) * DEG_PER_RAD
        turn_deg_s = chunk.si[:, 3:] * DEG_PER_RAD
        numbers = np.concatenate(
            [force_g * PER_G, turn_deg_s * PER_DEG_S, tilt_deg * PER_DEG], axis=1
        )
        whole = np.clip(np.rint(numbers), -32768, 32767).astype(int).tolist()
        frames = [struct.pack("<BB9h", 0x55, 0x61, *row) for row in whole]
        room = max(1, self.max_value_bytes // FRAME_BYTES)
        parts = [frames[start : start + room] for start in range(0, len(frames), room)]
        return [(NOTIFY, b"".join(part), len(part)) for part in parts]
