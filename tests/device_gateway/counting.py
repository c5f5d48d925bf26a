"""Sensors whose samples count: x acceleration is the sampling tick, so that each can be told apart.

As a program, ``counting SPEC_FILE LISTEN SAMPLES [END]``, it puts two of them on a virtual air of its own.
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

import numpy as np

from contracts.imu import DEFAULT_SCALE
from contracts.vocabulary import Placement
from firmware_sim.firmware import Firmware, FirmwareConfig
from firmware_sim.fleet import SimulatedSensor
from firmware_sim.service import run_simulator
from firmware_sim.source import SourceChunk

MODULUS = 30_000
NS_PER_S = 1_000_000_000


class CountingSource:
    """Every ``lossy``-th stretch of 7 ticks is lost by the sensor; 0: none."""

    rate_hz = 50.0

    def __init__(self, end_tick: int | None, lossy: int = 0) -> None:
        self.end_tick = end_tick
        self._lossy = lossy

    def read(self, start_tick: int, stop_tick: int) -> SourceChunk:
        ticks = np.arange(start_tick, stop_tick, dtype=np.int64)
        ticks = ticks[~self.is_lost(ticks)]
        si = np.zeros((ticks.size, 6))
        si[:, 0] = (ticks % MODULUS) * DEFAULT_SCALE.per_lsb()[0]
        return SourceChunk(ticks, si)

    def is_lost(self, ticks: np.ndarray) -> np.ndarray:
        if not self._lossy:
            return np.zeros(ticks.size, bool)
        return (ticks // 7) % self._lossy == self._lossy - 1


def counting_sensor(
    serial: str, *, waiting: int, end: bool, lossy: int = 0, drift_ppm: float = 15.0
) -> SimulatedSensor:
    """A sensor with ``waiting`` ticks in its log; it then goes on, or has reached its ``end``."""
    behind_ns = waiting * NS_PER_S // 50 + (60 * NS_PER_S if end else 0)
    config = FirmwareConfig(
        serial=serial,
        power_on_ns=time.time_ns() - behind_ns,
        clock_drift_ppm=drift_ppm,
        synced_at_power_on=True,
    )
    source = CountingSource(waiting if end else None, lossy)
    return SimulatedSensor(serial, Placement.T4, Firmware(config, source))


def pair(samples: int, *, end: bool) -> list[SimulatedSensor]:
    """A sensor that loses samples and one with another clock."""
    return [
        counting_sensor("S-T4", waiting=samples, end=end, lossy=211),
        counting_sensor("S-L5", waiting=samples, end=end, drift_ppm=-40.0),
    ]


async def main(spec_file: str, listen: str, samples: str, end: str = "") -> None:
    """Run until killed."""
    sensors = pair(int(samples), end=bool(end))

    def ready(spec: str) -> None:
        part = Path(spec_file + ".part")
        part.write_text(spec)
        part.replace(spec_file)

    await run_simulator(
        sensors,
        listen=listen,
        clock_ns=time.time_ns,
        report=lambda _: None,
        stop=asyncio.Event(),
        ready=ready,
    )


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
