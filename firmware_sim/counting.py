"""A source whose every sample tells which tick it is, to follow samples through all that happens."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from contracts.imu import AXES, ImuScale
from firmware_sim.source import SourceChunk, Ticks

#: The accelerometer's x and y hold 15 bits of the tick each.
_BITS: Final = 15
_LOW: Final = (1 << _BITS) - 1


class CountingSource:
    """Endless; ``scale`` is the one that the firmware quantises with."""

    end_tick = None

    def __init__(self, rate_hz: float, scale: ImuScale) -> None:
        self.rate_hz = rate_hz
        self._per_lsb = scale.per_lsb()

    def read(self, start_tick: int, stop_tick: int) -> SourceChunk:
        """The ticks themselves, as readings."""
        ticks = np.arange(start_tick, stop_tick, dtype=np.int64)
        raw = np.zeros((ticks.size, len(AXES)))
        raw[:, 0], raw[:, 1] = ticks & _LOW, ticks >> _BITS
        return SourceChunk(ticks, raw * self._per_lsb)


def counted_ticks(samples: NDArray[np.int16]) -> Ticks:
    """The ticks that samples (n, 6) of a :class:`CountingSource` tell, (n,)."""
    low = samples[:, 0].astype(np.int64)
    ticks: Ticks = low | samples[:, 1].astype(np.int64) << _BITS
    return ticks
