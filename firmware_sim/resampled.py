"""A recording at a rate of one's choosing, for sensors that sample at another than it was taken at.

The movement is integrated (:mod:`firmware_sim.resampling`). A glitch is no movement: where a sensor
read nonsense once, the simulated one does so once too, at its nearest tick.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from contracts.errors import Reason, RecordingError
from contracts.imu import AXES, ImuSamples, SISamples
from firmware_sim.resampling import integrated
from firmware_sim.source import SourceChunk, tick_of

#: A reading that is so far from both its neighbours, on the same side, is a glitch: no body moves like
#: that. Real sensors give single ones of 1520 deg/s and of 12 g.
GLITCH: Final = np.array([30.0] * 3 + [4.0] * 3)  # m/s² and rad/s, AXES

#: The posture at a recording's start and end is the mean of so much of it.
HELD_S: Final = 1.0


class ResampledSource:
    """Samples of one sensor from ``start_ns``, integrated to ``rate_hz``, faster or slower.

    Tick 0 is ``lead_s`` before that; until it begins its wearer holds still as at its start, and for
    ``tail_s`` after it as at its end. RecordingError where ``name`` covers no tick.
    """

    def __init__(
        self,
        samples: ImuSamples,
        start_ns: int,
        rate_hz: float,
        name: str,
        *,
        lead_s: int = 0,
        tail_s: int = 0,
    ) -> None:
        self.rate_hz = rate_hz
        glitches = glitches_in(samples.si)
        moved = ImuSamples(samples.utc_ns, _without(samples.si, glitches), samples.rate_hz)
        ticks, self._si = integrated(moved, start_ns, rate_hz)
        if not ticks.size:
            raise RecordingError(
                Reason.BAD_RECORDING,
                f"{name} holds too few samples for {rate_hz:g} Hz.",
                hint="Give a longer recording, or leave this placement out of its manifest.",
            )
        at = ticks.searchsorted(tick_of(samples.utc_ns[glitches] - start_ns, rate_hz))
        self._si[np.minimum(at, ticks.size - 1)] = samples.si[glitches]
        self._ticks = ticks + round(lead_s * rate_hz)
        last = int(self._ticks[-1])
        self.end_tick = last + 1 + round(tail_s * rate_hz)
        self._begin = int(self._ticks[0]) if lead_s else 0  # the first that is not held
        self._end = last + 1
        held = max(1, round(HELD_S * rate_hz))
        self._before, self._after = self._held(self._si[:held]), self._held(self._si[-held:])

    def read(self, start_tick: int, stop_tick: int) -> SourceChunk:
        """The samples of ticks [start_tick, stop_tick)."""
        first, last = self._ticks.searchsorted((start_tick, stop_tick))
        parts = [
            _still(self._before, start_tick, min(stop_tick, self._begin)),
            SourceChunk(self._ticks[first:last], self._si[first:last]),
            _still(self._after, max(start_tick, self._end), stop_tick),
        ]
        found = [part for part in parts if part.ticks.size]
        if len(found) == 1:
            return found[0]
        return SourceChunk(
            np.concatenate([part.ticks for part in parts]),
            np.concatenate([part.si for part in parts]),
        )

    def _held(self, si: NDArray[np.float64]) -> NDArray[np.float64]:
        """What the sensor reads (6,) on somebody who holds still as in ``si``: no turn but its own bias."""
        bias = np.median(self._si[:, 3:], axis=0)  # nobody turns one way for half of the time
        mean = si[:, :3].mean(axis=0)
        most = np.linalg.norm(si[:, :3], axis=1).mean()  # of a mean of turned vectors it is less
        gravity = mean * (most / max(float(np.linalg.norm(mean)), 1e-9))
        held: NDArray[np.float64] = np.concatenate([gravity, bias])
        return held


def _still(reading: NDArray[np.float64], start: int, stop: int) -> SourceChunk:
    """One reading at every tick."""
    ticks = np.arange(start, stop, dtype=np.int64)
    return SourceChunk(ticks, np.broadcast_to(reading, (ticks.size, len(AXES))))


def glitches_in(si: SISamples) -> NDArray[np.intp]:
    """Which of (n, 6) readings are glitches; neither the first nor the last can be told to be one."""
    step = np.diff(si, axis=0)
    before, after = step[:-1], step[1:]
    far = (np.abs(before) > GLITCH) & (np.abs(after) > GLITCH) & (before * after < 0)
    return np.flatnonzero(far.any(axis=1)) + 1


def _without(si: SISamples, glitches: NDArray[np.intp]) -> SISamples:
    """The readings with the mean of the two neighbours in place of each glitch."""
    mended = si.copy()
    mended[glitches] = 0.5 * (si[glitches - 1] + si[glitches + 1])
    return mended
