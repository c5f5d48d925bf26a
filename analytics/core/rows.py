"""Rows of sums, one a whole UTC second of one sensor: the only thing kept of the samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from contracts.units import NS_PER_S

# Columns of the sums of a second, in this order. All vectors are in sensor axes.
#: Unit 'up', acceleration (m/s²), turn rate (rad/s), and the length of the acceleration.
UP_X, UP_Y, UP_Z, ACC_X, ACC_Y, ACC_Z, GYRO_X, GYRO_Y, GYRO_Z, MAG = range(10)
#: Square of that length, and the products of the turn rate's axes.
ACC_SQ = 10
GYRO_XX, GYRO_XY, GYRO_XZ, GYRO_YY, GYRO_YZ, GYRO_ZZ = range(11, 17)
#: Squares of the changes of acceleration, turn rate and the length over CHANGE_S, whatever the rate; and
#: of the length's step from sample to sample. None over a gap.
ACC_CHANGE_SQ, GYRO_CHANGE_SQ, MAG_CHANGE_SQ, MAG_STEP_SQ = range(17, 21)
#: How many samples have all six readings exactly as the one before; and how many have an axis that
#: reads exactly as the one before far out, as at the end of a range. None over a gap.
SAME, RAILED = range(21, 23)
SUMS: Final = 23
#: The sampling period of the slowest sensors whose changes are compared with others'.
CHANGE_S: Final = 1 / 25


def change_samples(rate_hz: float) -> int:
    """How many samples back CHANGE_S is, at least one."""
    return max(1, round(rate_hz * CHANGE_S))


@dataclass(frozen=True, slots=True, eq=False)
class SecondRows:
    """Rows in time order: ``second`` (n,) int64 UTC s, ``count`` (n,) samples, ``rate_hz`` (n,)
    nominal, ``sums`` (n, SUMS).
    """

    second: NDArray[np.int64]
    count: NDArray[np.int32]
    rate_hz: NDArray[np.float64]
    sums: NDArray[np.float64]

    def __len__(self) -> int:
        return int(self.second.size)

    def slice(self, start: int, stop: int | None = None) -> SecondRows:
        """Rows [start, stop)."""
        return SecondRows(
            self.second[start:stop],
            self.count[start:stop],
            self.rate_hz[start:stop],
            self.sums[start:stop],
        )

    @classmethod
    def concat(cls, parts: list[SecondRows]) -> SecondRows:
        """The parts one after another."""
        if len(parts) == 1:
            return parts[0]
        if not parts:
            return cls(
                np.empty(0, np.int64), np.empty(0, np.int32), np.empty(0), np.empty((0, SUMS))
            )
        return cls(
            np.concatenate([p.second for p in parts]),
            np.concatenate([p.count for p in parts]),
            np.concatenate([p.rate_hz for p in parts]),
            np.concatenate([p.sums for p in parts]),
        )

    def state(self) -> tuple[bytes, bytes, bytes, bytes]:
        """The rows as bytes."""
        return (
            self.second.tobytes(),
            self.count.tobytes(),
            self.rate_hz.tobytes(),
            self.sums.tobytes(),
        )

    @classmethod
    def from_state(cls, state: tuple[bytes, bytes, bytes, bytes]) -> SecondRows:
        """The rows that :meth:`state` was taken of."""
        second, count, rate_hz, sums = state
        return cls(
            np.frombuffer(second, np.int64),
            np.frombuffer(count, np.int32),
            np.frombuffer(rate_hz, np.float64),
            np.frombuffer(sums, np.float64).reshape(-1, SUMS),
        )


def sums_by_second(
    utc_ns: NDArray[np.int64], values: NDArray[np.float64], rate_hz: float
) -> SecondRows:
    """Rows of (n,) samples, n ≥ 1, of ``values`` (SUMS, n)."""
    first, last = int(utc_ns[0]) // NS_PER_S, int(utc_ns[-1]) // NS_PER_S
    if last == first:
        second, starts = np.array([first], np.int64), np.zeros(1, np.intp)
    elif last - first <= utc_ns.size:
        second = np.arange(first, last + 1, dtype=np.int64)
        starts = utc_ns.searchsorted(second * NS_PER_S)
        filled = _lengths(starts, utc_ns.size) > 0
        second, starts = second[filled], starts[filled]
    else:  # long silences: fewer samples than seconds
        every = utc_ns // NS_PER_S
        starts = np.flatnonzero(np.diff(every, prepend=-1))
        second = every[starts]
    sums = np.ascontiguousarray(np.add.reduceat(values, starts, axis=1).T)
    count = _lengths(starts, utc_ns.size)
    return SecondRows(second, count, np.full(second.size, rate_hz), sums)


def _lengths(starts: NDArray[np.intp], end: int) -> NDArray[np.int32]:
    lengths = np.empty(starts.size, np.int32)
    lengths[-1] = end - starts[-1]
    np.subtract(starts[1:], starts[:-1], out=lengths[:-1], casting="same_kind")
    return lengths


def merge_split_seconds(parts: list[SecondRows]) -> list[SecondRows]:
    """Parts in which a second that was worked on in two (the rate changed within) is one row."""
    merged: list[SecondRows] = []
    for part in parts:
        split = bool(merged) and merged[-1].second[-1] == part.second[0]
        if split:
            merged[-1].count[-1] += part.count[0]
            merged[-1].sums[-1] += part.sums[0]
        rest = part.slice(1) if split else part
        if len(rest):
            merged.append(rest)
    return merged
