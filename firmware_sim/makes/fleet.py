"""Sensors of another make that one person wears, ready to be put on the air."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from contracts.errors import Reason, SettingError
from contracts.vocabulary import Placement
from firmware_sim.battery import Battery
from firmware_sim.fleet import WornSensor, serial_number
from firmware_sim.makes import MAKES, Device, DeviceConfig


@dataclass(frozen=True, slots=True)
class MakeSensor:
    """A sensor as the air takes it: its serial number, where it is worn, and the device."""

    serial: str
    placement: Placement
    firmware: Device


def make_fleet(make: str, worn: Sequence[WornSensor], serial_prefix: str) -> list[MakeSensor]:
    """A sensor of a make for each that is worn. SettingError where no such make is simulated."""
    if make not in MAKES:
        raise SettingError(
            Reason.BAD_SETTING,
            f"No make {make[:40]!r} is simulated.",
            hint=f"Choose one of: native, {', '.join(MAKES)}.",
        )
    return [_sensor(MAKES[make], one, serial_prefix) for one in worn]


def _sensor(make: type[Device], worn: WornSensor, serial_prefix: str) -> MakeSensor:
    serial = serial_number(serial_prefix, worn.placement)
    config = DeviceConfig(
        serial,
        worn.clock.power_on_ns,
        worn.clock.drift_ppm,
        Battery(worn.charge_percent),
    )
    return MakeSensor(serial, worn.placement, make(config, worn.sources))
