"""Where a simulated sensor's readings come from: a body model, a recording, or a test's own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from contracts.imu import AXES
from contracts.units import NS_PER_S

Ticks = NDArray[np.int64]
Readings = NDArray[np.float64] | NDArray[np.float32]

#: Longest stretch that is read at once, so that a day never lies in memory as floats.
MAX_READ_TICKS = 60_000


@dataclass(frozen=True, slots=True, eq=False)
class SourceChunk:
    """Readings of a stretch of ticks: ``ticks`` (k,), ``si`` (k, 6) in m/s² and rad/s, sensor axes.

    A tick of the stretch that is not in ``ticks`` was lost by the sensor.
    """

    ticks: Ticks
    si: Readings


class SampleSource(Protocol):
    """Readings by sampling tick. The same ticks always read the same, however they are cut."""

    @property
    def rate_hz(self) -> float:
        """Sampling rate, by the sensor's own clock."""

    @property
    def end_tick(self) -> int | None:
        """The first tick that is never taken: the sensor is switched off there. None: endless."""

    def read(self, start_tick: int, stop_tick: int) -> SourceChunk:
        """The readings of ticks [start_tick, stop_tick), both within the source."""


#: What a wearer does, sampled at a rate: the same movement at every rate.
SourceAt = Callable[[float], SampleSource]


class ConstantSource:
    """A sensor that lies still and reads the same for ever: the plainest of sources."""

    end_tick = None

    def __init__(self, reading: tuple[float, float, float, float, float, float], rate_hz: float):
        self.rate_hz = rate_hz
        self._reading = np.array(reading)

    def read(self, start_tick: int, stop_tick: int) -> SourceChunk:
        """The one reading at every tick."""
        ticks = np.arange(start_tick, stop_tick, dtype=np.int64)
        return SourceChunk(ticks, np.broadcast_to(self._reading, (ticks.size, len(AXES))))


def tick_of(offset_ns: NDArray[np.int64], rate_hz: float) -> Ticks:
    """The sampling tick nearest to each time, ns from tick 0."""
    ticks: Ticks = np.rint(offset_ns * (rate_hz / NS_PER_S)).astype(np.int64)
    return ticks
