"""A recording at a rate of one's choosing, for sensors that sample at another than it was taken at."""

from __future__ import annotations

from contracts.errors import Reason, RecordingError
from contracts.imu import ImuSamples
from firmware_sim.resampling import integrated
from firmware_sim.source import SourceChunk


class ResampledSource:
    """Samples of one sensor from ``start_ns``, tick 0, integrated to ``rate_hz``, faster or slower.

    RecordingError where ``name`` covers no tick.
    """

    def __init__(self, samples: ImuSamples, start_ns: int, rate_hz: float, name: str) -> None:
        self.rate_hz = rate_hz
        self._ticks, self._si = integrated(samples, start_ns, rate_hz)
        if not self._ticks.size:
            raise RecordingError(
                Reason.BAD_RECORDING,
                f"{name} holds too few samples for {rate_hz:g} Hz.",
                hint="Give a longer recording, or leave this placement out of its manifest.",
            )
        self.end_tick = int(self._ticks[-1]) + 1

    def read(self, start_tick: int, stop_tick: int) -> SourceChunk:
        """The samples of ticks [start_tick, stop_tick)."""
        first, last = self._ticks.searchsorted((start_tick, stop_tick))
        return SourceChunk(self._ticks[first:last], self._si[first:last])
