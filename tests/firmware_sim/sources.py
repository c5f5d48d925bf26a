"""Sources whose every sample tells which tick it is."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from contracts.imu import ImuScale
from firmware_sim.source import SourceChunk

SCALE = ImuScale(8, 1000)


class NumberedSource:
    """The accelerometer counts ticks: ax the low and ay the high 15 bits; ``holes`` are lost."""

    def __init__(
        self, rate_hz: float = 50.0, end_tick: int | None = None, holes: Collection[int] = ()
    ) -> None:
        self.rate_hz = rate_hz
        self.end_tick = end_tick
        self._holes = np.array(sorted(holes), dtype=np.int64)

    def read(self, start_tick: int, stop_tick: int) -> SourceChunk:
        assert start_tick < stop_tick
        assert self.end_tick is None or stop_tick <= self.end_tick
        ticks = np.arange(start_tick, stop_tick, dtype=np.int64)
        ticks = ticks[~np.isin(ticks, self._holes)]
        raw = np.zeros((ticks.size, 6), dtype=np.int16)
        raw[:, 0], raw[:, 1] = ticks & 0x7FFF, ticks >> 15
        return SourceChunk(ticks, raw * SCALE.per_lsb())


def numbers(samples: np.ndarray) -> list[int]:
    """The ticks that samples of a NumberedSource tell."""
    return (samples[:, 0].astype(np.int64) | samples[:, 1].astype(np.int64) << 15).tolist()
