"""A recording at a rate of one's choosing, for sensors that sample at another than it was taken at."""

from __future__ import annotations

import numpy as np

from contracts.errors import Reason, RecordingError
from contracts.imu import AXES, ImuSamples
from firmware_sim.resampling import integrated
from firmware_sim.source import SourceChunk


class ResampledSource:
    """Samples of one sensor from ``start_ns``, integrated to ``rate_hz``, faster or slower.

    Tick 0 is ``lead_s`` before that; until it begins, its first reading is held. RecordingError where
    ``name`` covers no tick.
    """

    def __init__(
        self, samples: ImuSamples, start_ns: int, rate_hz: float, name: str, lead_s: int = 0
    ) -> None:
        self.rate_hz = rate_hz
        ticks, self._si = integrated(samples, start_ns, rate_hz)
        self._ticks = ticks + round(lead_s * rate_hz)
        if not self._ticks.size:
            raise RecordingError(
                Reason.BAD_RECORDING,
                f"{name} holds too few samples for {rate_hz:g} Hz.",
                hint="Give a longer recording, or leave this placement out of its manifest.",
            )
        self.end_tick = int(self._ticks[-1]) + 1
        self._held = int(self._ticks[0]) if lead_s else 0  # ticks before it that are held

    def read(self, start_tick: int, stop_tick: int) -> SourceChunk:
        """The samples of ticks [start_tick, stop_tick)."""
        first, last = self._ticks.searchsorted((start_tick, stop_tick))
        played = SourceChunk(self._ticks[first:last], self._si[first:last])
        if start_tick >= self._held:
            return played
        held = np.arange(start_tick, min(stop_tick, self._held), dtype=np.int64)
        still = np.broadcast_to(self._si[0], (held.size, len(AXES)))
        return SourceChunk(np.concatenate([held, played.ticks]), np.concatenate([still, played.si]))
