"""One sensor's samples to one row of sums a whole UTC second.

Samples wait until their second is complete and are then worked on in arrays. Sums are taken second by
second, so they are the same wherever the data was cut.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from analytics.core.gaps import Gaps
from analytics.core.motion import STEPPED, count_repeats, fill_in, nothing_before, sums_of
from analytics.core.orientation import OrientationFilter, repair_spikes
from analytics.core.rows import (
    ACC_X,
    ACC_Z,
    GYRO_X,
    GYRO_Z,
    UP_X,
    UP_Z,
    SecondRows,
    change_samples,
    merge_split_seconds,
    sums_by_second,
)
from contracts.imu import ImuSamples
from contracts.units import NS_PER_S

#: Samples worked on at once: what fits the cache, and bounds memory on a day in one batch.
BLOCK_SAMPLES: Final = 8192


@dataclass(frozen=True, slots=True, eq=False)
class _Chunk:
    utc_ns: NDArray[np.int64]
    si: NDArray[np.float32]
    rate_hz: float
    resumed: bool  # the sensor was switched off before these

    def rest(self, start: int) -> _Chunk:
        """Samples from ``start`` on, by themselves: a view would keep all of them in memory."""
        return _Chunk(
            self.utc_ns[start:].copy(),
            self.si[start:].copy(),
            self.rate_hz,
            self.resumed and start == 0,
        )

    def slice(self, start: int, stop: int) -> _Chunk:
        return _Chunk(
            self.utc_ns[start:stop], self.si[start:stop], self.rate_hz, self.resumed and start == 0
        )


class SecondReducer:
    """Samples of one sensor in, rows of complete seconds out."""

    def __init__(self) -> None:
        self.rate_hz = 0.0
        self.newest_ns = -1
        self.samples_in = 0
        self.late = 0
        self.lost = 0
        self._pending: list[_Chunk] = []
        self._filter: OrientationFilter | None = None
        self._last_ns = -1  # of the last sample worked on
        self._last_si = np.zeros(6, np.float32)  # as the sensor gave it
        self._last_values = nothing_before(1)  # of the last ones, cleaned
        self._ended = False  # the sensor was switched off after the last sample

    def add(self, samples: ImuSamples, closed_before_s: int) -> None:
        """Keep samples until :meth:`take`; what is out of order or in a closed second is late."""
        count = len(samples)
        self.samples_in += count
        if count:
            floor_ns = max(self.newest_ns + 1, closed_before_s * NS_PER_S)
            utc_ns, si = samples.utc_ns, samples.si
            if utc_ns[0] < floor_ns:
                first = int(np.searchsorted(utc_ns, floor_ns))
                self.late += first
                utc_ns, si = utc_ns[first:], si[first:]
            if utc_ns.size:
                self.newest_ns = int(utc_ns[-1])
                self.rate_hz = samples.rate_hz
                self._pending.append(_Chunk(utc_ns, si, samples.rate_hz, self._ended))
        if count or samples.ended:
            self._ended = samples.ended

    def take(self, before_s: int) -> SecondRows:
        """Rows of all seconds before ``before_s`` whose samples wait."""
        parts: list[SecondRows] = []
        while self._pending and int(self._pending[0].utc_ns[0]) < before_s * NS_PER_S:
            chunk = self._merge_first()
            cut = int(chunk.utc_ns.searchsorted(before_s * NS_PER_S))
            rest = chunk.rest(cut)
            self._pending = ([rest] if rest.utc_ns.size else []) + self._pending[1:]
            following = self._pending[0].si[0] if self._pending else None
            parts.extend(self._reduce(chunk, cut, following))
        return SecondRows.concat(merge_split_seconds(parts))

    def _merge_first(self) -> _Chunk:
        """The first waiting chunks, as far as rate and sensor go on unchanged, as one."""
        head = self._pending[0]
        same = 1
        while (
            same < len(self._pending)
            and self._pending[same].rate_hz == head.rate_hz
            and not self._pending[same].resumed
        ):
            same += 1
        if same > 1:
            first = self._pending[:same]
            merged = _Chunk(
                np.concatenate([c.utc_ns for c in first]),
                np.concatenate([c.si for c in first]),
                head.rate_hz,
                head.resumed,
            )
            self._pending = [merged, *self._pending[same:]]
        return self._pending[0]

    def _reduce(
        self, chunk: _Chunk, stop: int, following: NDArray[np.float32] | None
    ) -> Iterator[SecondRows]:
        """Rows of the chunk's first ``stop`` samples, block by block of whole seconds."""
        if self._filter is None or self._filter.rate_hz != chunk.rate_hz:
            self._filter = OrientationFilter(chunk.rate_hz)
        elif chunk.resumed:
            self._filter.restart()
        orientation = self._filter
        if chunk.resumed:
            self._last_ns = -1  # what a sensor that is off does not send is not lost
        start = 0
        while start < stop:
            end = _block_end(chunk.utc_ns, start, stop)
            after = chunk.si[end] if end < len(chunk.si) else following
            yield self._reduce_block(orientation, chunk.slice(start, end), after)
            start = end

    def _reduce_block(
        self, orientation: OrientationFilter, block: _Chunk, after: NDArray[np.float32] | None
    ) -> SecondRows:
        utc_ns, si = block.utc_ns, block.si
        first = self._last_ns < 0
        before = si[0] if first else self._last_si
        neighbours = np.concatenate([before[None], si, (si[-1] if after is None else after)[None]])
        clean = repair_spikes(neighbours)
        gaps = self._gaps(utc_ns, block.rate_hz)
        lag = change_samples(block.rate_hz)
        breaks = gaps.at
        if first or self._last_values.shape[1] != lag:
            self._last_values = nothing_before(lag)
            breaks = np.union1d([0], gaps.at)
        values = sums_of(clean)
        gyro, accel = values[GYRO_X : GYRO_Z + 1], values[ACC_X : ACC_Z + 1]
        values[UP_X : UP_Z + 1] = orientation.update(gyro, accel, gaps)
        self._last_values = fill_in(values, self._last_values, breaks)
        count_repeats(values, neighbours[:-1], breaks)
        self._last_ns, self._last_si = int(utc_ns[-1]), si[-1].copy()
        return sums_by_second(utc_ns, values, block.rate_hz)

    def _gaps(self, utc_ns: NDArray[np.int64], rate_hz: float) -> Gaps:
        """Where samples are missing; counts those as lost."""
        step_ns = np.empty(utc_ns.size, np.int64)
        step_ns[0] = utc_ns[0] - self._last_ns if self._last_ns >= 0 else 0
        np.subtract(utc_ns[1:], utc_ns[:-1], out=step_ns[1:])
        gaps = Gaps.of_steps(step_ns, rate_hz)
        self.lost += gaps.lost
        return gaps

    def state(self) -> dict[str, Any]:
        """All there is to know to go on, as plain values."""
        return {
            "rate_hz": self.rate_hz,
            "newest_ns": self.newest_ns,
            "samples_in": self.samples_in,
            "late": self.late,
            "lost": self.lost,
            "pending": [
                (c.utc_ns.tobytes(), c.si.tobytes(), c.rate_hz, c.resumed) for c in self._pending
            ],
            "filter": None if self._filter is None else self._filter.state(),
            "last_ns": self._last_ns,
            "last_si": self._last_si.tobytes(),
            "last_values": self._last_values.tobytes(),
            "ended": self._ended,
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> SecondReducer:
        """The reducer that :meth:`state` was taken of."""
        restored = cls()
        for name in ("rate_hz", "newest_ns", "samples_in", "late", "lost"):
            setattr(restored, name, state[name])
        restored._pending = [
            _Chunk(
                np.frombuffer(utc_ns, np.int64),
                np.frombuffer(si, np.float32).reshape(-1, 6),
                rate_hz,
                resumed,
            )
            for utc_ns, si, rate_hz, resumed in state["pending"]
        ]
        if state["filter"] is not None:
            restored._filter = OrientationFilter.from_state(state["filter"])
        restored._last_ns = state["last_ns"]
        restored._last_si = np.frombuffer(state["last_si"], np.float32)
        restored._last_values = np.frombuffer(state["last_values"]).reshape(STEPPED, -1)
        restored._ended = state["ended"]
        return restored


def _block_end(utc_ns: NDArray[np.int64], start: int, stop: int) -> int:
    """End of the next block: at most BLOCK_SAMPLES, unless one second holds more."""
    if stop - start <= BLOCK_SAMPLES:
        return stop
    second = int(utc_ns[start + BLOCK_SAMPLES]) // NS_PER_S
    end = start + int(np.searchsorted(utc_ns[start:stop], second * NS_PER_S))
    if end > start:
        return end
    return start + int(np.searchsorted(utc_ns[start:stop], (second + 1) * NS_PER_S))
