"""A process of the sensors' benchmark: sensors that sample fast for a while, and then stop."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path
from typing import Any, Final

import numpy as np

from contracts.imu import AXES
from contracts.vocabulary import Placement
from firmware_sim.firmware import Firmware, FirmwareConfig
from firmware_sim.fleet import SimulatedSensor
from firmware_sim.service import run_simulator
from firmware_sim.source import SourceChunk
from plumbline.fleet import now_ns
from plumbline.run import run_async
from plumbline.stats import StatsFile

RATE_HZ: Final = 200.0


class _SwayingSource:
    """A body that sways by the tick until ``seconds`` are over: the cheapest that is not all the same."""

    rate_hz = RATE_HZ

    def __init__(self, seconds: float) -> None:
        self.end_tick: int | None = round(seconds * RATE_HZ)

    def read(self, start_tick: int, stop_tick: int) -> SourceChunk:
        """A reading of each tick."""
        ticks = np.arange(start_tick, stop_tick, dtype=np.int64)
        si = np.zeros((ticks.size, len(AXES)))
        si[:, 0] = 9.8
        si[:, 3] = 0.1 * np.sin(ticks / RATE_HZ)
        return SourceChunk(ticks, si)


def serial_numbers(sensors: int) -> list[str]:
    """The serial numbers of so many sensors."""
    return [f"FAST-{number:02d}" for number in range(sensors)]


def main() -> None:
    """``python -m plumbline.bench_air SENSORS SECONDS --stats FILE``."""
    parser = argparse.ArgumentParser()
    parser.add_argument("sensors", type=int)
    parser.add_argument("seconds", type=float)
    parser.add_argument("--stats", type=Path)
    chosen = parser.parse_args()
    write, address = StatsFile(chosen.stats), {"listen": ""}
    start_ns = now_ns()
    sensors = [
        SimulatedSensor(
            serial,
            Placement.T4,
            Firmware(FirmwareConfig(serial, start_ns), _SwayingSource(chosen.seconds)),
        )
        for serial in serial_numbers(chosen.sensors)
    ]

    def report(counts: dict[str, Any]) -> None:
        if address["listen"]:
            write({**counts, **address})

    async def service(stop: asyncio.Event) -> None:
        await run_simulator(
            sensors,
            listen="tcp:127.0.0.1:0",
            clock_ns=now_ns,
            report=report,
            stop=stop,
            ready=lambda listening: address.update(listen=listening),
        )

    run_async(service)


if __name__ == "__main__":
    main()
