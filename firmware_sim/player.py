"""Plays a recording: its readings as they were taken, no noise added, its holes as lost ticks.

One that is faster than wearables send is first integrated to the kit's rate, as firmware does it.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from contracts.errors import Reason, RecordingError
from contracts.imu import ImuSamples
from contracts.recording import Recording, read_samples
from contracts.vocabulary import Placement
from firmware_sim.resampling import integrated
from firmware_sim.source import Readings, SourceChunk, Ticks, tick_of

#: How far samples may lie from the ticks of the rate that the recording gives before it is refused.
MAX_SLIP_S: Final = 1.0
#: Recordings up to this rate are played as they are; a faster one at SENT_HZ.
FASTEST_HZ: Final = 100.0
SENT_HZ: Final = 50.0


class SamplesSource:
    """Samples of one sensor from ``start_ns``, tick 0, to the last of them.

    Every sample keeps its own tick: the one nearest to its time, or the next where two would share
    one (the recorder's clock was a little fast). Samples faster than FASTEST_HZ are integrated to
    SENT_HZ (:mod:`firmware_sim.resampling`). RecordingError where ``name`` has no sample, or has more
    of them than its rate allows.
    """

    def __init__(self, samples: ImuSamples, start_ns: int, name: str) -> None:
        self.rate_hz = samples.rate_hz
        self._ticks: Ticks
        self._si: Readings
        if samples.rate_hz > FASTEST_HZ:
            self.rate_hz = SENT_HZ
            self._ticks, self._si = integrated(samples, start_ns, SENT_HZ)
        else:
            self._ticks = _ticks(samples.utc_ns - start_ns, self.rate_hz, name)
            self._si = samples.si
        if not self._ticks.size:
            raise RecordingError(
                Reason.BAD_RECORDING,
                f"{name} holds no samples.",
                hint="Give a recording that does, or leave this placement out of its manifest.",
            )
        self.end_tick = int(self._ticks[-1]) + 1

    def read(self, start_tick: int, stop_tick: int) -> SourceChunk:
        """The recorded samples of ticks [start_tick, stop_tick)."""
        first, last = np.searchsorted(self._ticks, (start_tick, stop_tick))
        return SourceChunk(self._ticks[first:last], self._si[first:last])


class RecordingSource(SamplesSource):
    """One placement of a recording, from the recording's start to its last sample.

    RecordingError where the folder cannot be read, and as :class:`SamplesSource` raises it.
    """

    def __init__(self, recording: Recording, placement: Placement) -> None:
        samples = read_samples(recording, placement)
        super().__init__(samples, recording.start_ns, f"{placement} of {recording.folder}")


def _ticks(offset_ns: Ticks, rate_hz: float, name: str) -> Ticks:
    if not offset_ns.size:
        return offset_ns
    nearest = tick_of(offset_ns, rate_hz)
    order = np.arange(nearest.size)
    ticks: Ticks = np.maximum.accumulate(nearest - order) + order
    if (ticks - nearest).max() > MAX_SLIP_S * rate_hz:
        raise RecordingError(
            Reason.BAD_RECORDING,
            f"{name} holds more samples than {rate_hz:g} Hz allows.",
            hint="Correct sample_rate_hz in recording.json.",
        )
    return ticks
