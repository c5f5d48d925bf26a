"""What is left in a simulated sensor's cell. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from contracts.units import NS_PER_S


@dataclass(frozen=True, slots=True)
class Battery:
    """A cell that empties evenly: ``charge_percent`` at power on, all of it in ``life_h`` hours."""

    charge_percent: float = 100.0
    life_h: float = 60.0

    def percent(self, device_ns: int) -> int:
        """What is left after a time of the device clock."""
        used = device_ns / NS_PER_S / 3600.0 / self.life_h * 100.0
        return max(0, min(100, round(self.charge_percent - used)))


FULL: Final = Battery()


@dataclass(frozen=True, slots=True)
class DyingBattery(Battery):
    """A cell that goes flat before its time: from ``fades_ns`` to ``flat_ns`` of the device clock."""

    fades_ns: int = 0
    flat_ns: int = 1

    def percent(self, device_ns: int) -> int:
        """What is left after a time of the device clock."""
        left = (self.flat_ns - device_ns) / (self.flat_ns - self.fades_ns)
        return round(Battery.percent(self, device_ns) * max(0.0, min(1.0, left)))
