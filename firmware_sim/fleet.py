"""Sensors that one person wears, ready to be put on the air."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from contracts.recording import Recording
from contracts.vocabulary import Placement
from firmware_sim.firmware import Battery, Firmware, FirmwareConfig
from firmware_sim.player import RecordingSource
from firmware_sim.source import SampleSource

#: Crystals of wearables are within ± 20 ppm at room temperature (typical data sheets).
MAX_FLEET_DRIFT_PPM: Final = 20.0
#: The battery's charge when a wearer sets out.
CHARGE_PERCENT: Final = (85.0, 100.0)


@dataclass(frozen=True, slots=True)
class SimulatedSensor:
    """A sensor as the air takes it: its serial number, where it is worn, and its firmware."""

    serial: str
    placement: Placement
    firmware: Firmware


def recording_fleet(
    recording: Recording,
    *,
    start_ns: int,
    serial_prefix: str,
    seed: int,
    clock_drift_ppm: dict[Placement, float] | None = None,
) -> list[SimulatedSensor]:
    """A sensor a placement of a recording, switched on at ``start_ns`` (true UTC), off at its end.

    ``clock_drift_ppm`` sets the drift of a placement's clock; the others get one by ``seed``.
    RecordingError where it cannot be played.
    """
    rng = np.random.default_rng(seed)
    return [
        _sensor(
            RecordingSource(recording, placement),
            placement,
            start_ns=start_ns,
            serial_prefix=serial_prefix,
            rng=rng,
            clock_drift_ppm=(clock_drift_ppm or {}).get(placement),
        )
        for placement in recording.placements
    ]


def serial_number(prefix: str, placement: Placement) -> str:
    """The serial number of the sensor at a placement."""
    return f"{prefix}-{placement.value}"


def _sensor(
    source: SampleSource,
    placement: Placement,
    *,
    start_ns: int,
    serial_prefix: str,
    rng: np.random.Generator,
    clock_drift_ppm: float | None,
) -> SimulatedSensor:
    drift_ppm = float(rng.uniform(-MAX_FLEET_DRIFT_PPM, MAX_FLEET_DRIFT_PPM))
    charge_percent = float(rng.uniform(*CHARGE_PERCENT))
    serial = serial_number(serial_prefix, placement)
    config = FirmwareConfig(
        serial=serial,
        power_on_ns=start_ns,
        clock_drift_ppm=drift_ppm if clock_drift_ppm is None else clock_drift_ppm,
        synced_at_power_on=True,
        battery=Battery(charge_percent),
    )
    return SimulatedSensor(serial, placement, Firmware(config, source))
