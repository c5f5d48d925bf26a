"""Plays a recording: its readings as they were taken, no noise added, its holes as lost ticks."""

from __future__ import annotations

from typing import Final

import numpy as np

from contracts.errors import Reason, RecordingError
from contracts.recording import Recording, read_samples
from contracts.vocabulary import Placement
from firmware_sim.source import SourceChunk, Ticks, tick_of

#: How far samples may lie from the ticks of the rate that the recording gives before it is refused.
MAX_SLIP_S: Final = 1.0


class RecordingSource:
    """One placement of a recording, from its start to its last sample.

    Every sample keeps its own tick: the one nearest to its time, or the next where two would share
    one (the recorder's clock was a little fast). RecordingError where the folder cannot be read, holds
    no sample, or has more of them than its rate allows.
    """

    def __init__(self, recording: Recording, placement: Placement) -> None:
        samples = read_samples(recording, placement)
        if not len(samples):
            raise RecordingError(
                Reason.BAD_RECORDING,
                f"{recording.folder} holds no samples of {placement}.",
                hint="Give a recording that does, or leave this placement out of its manifest.",
            )
        self.rate_hz = samples.rate_hz
        self._ticks = _ticks(
            samples.utc_ns - recording.start_ns, self.rate_hz, recording, placement
        )
        self._si = samples.si
        self.end_tick = int(self._ticks[-1]) + 1

    def read(self, start_tick: int, stop_tick: int) -> SourceChunk:
        """The recorded samples of ticks [start_tick, stop_tick)."""
        first, last = np.searchsorted(self._ticks, (start_tick, stop_tick))
        return SourceChunk(self._ticks[first:last], self._si[first:last])


def _ticks(offset_ns: Ticks, rate_hz: float, recording: Recording, placement: Placement) -> Ticks:
    nearest = tick_of(offset_ns, rate_hz)
    order = np.arange(nearest.size)
    ticks: Ticks = np.maximum.accumulate(nearest - order) + order
    if (ticks - nearest).max() > MAX_SLIP_S * rate_hz:
        raise RecordingError(
            Reason.BAD_RECORDING,
            f"{recording.folder} holds more samples of {placement} than {rate_hz:g} Hz allows.",
            hint="Correct sample_rate_hz in recording.json.",
        )
    return ticks
