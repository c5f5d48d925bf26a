"""From seconds or minutes to the few marks a browser should draw: run lengths and binned means.

Time is cut into cells of one width. A cell that nobody measured is not there, and a run never
crosses it: gaps stay gaps.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from contracts.records import FRAME_NS, FrameBlock, Rollup
from contracts.units import NS_PER_S
from contracts.vocabulary import ACTIVITIES, POSTURES, Activity, Posture

MINUTE_NS: Final = 60 * NS_PER_S
#: Marks one lane may send to the browser.
MAX_RUNS: Final = 400
#: Points the angle line may have.
MAX_POINTS: Final = 480
_CELLS_S: Final = (1, 2, 5, 10, 15, 30, 60, 120, 300)

K = TypeVar("K", Posture, Activity)


@dataclass(frozen=True, slots=True)
class Run:
    """The same value throughout [start_ns, end_ns)."""

    start_ns: int
    end_ns: int
    value: Posture | Activity


@dataclass(frozen=True, slots=True)
class Point:
    """Mean angle of a cell, at its middle. Points of one ``stretch`` are joined by a line."""

    at_ns: int
    deg: float
    stretch: int


@dataclass(frozen=True)
class Cells:
    """Worn time in cells of ``width_ns``: starts (n,) ascending, codes (n,), angle (n,) or NaN."""

    width_ns: int
    start_ns: NDArray[np.int64]
    posture: NDArray[np.int64]
    activity: NDArray[np.int64]
    flexion_deg: NDArray[np.float64]


def cells_of_minutes(minutes: Sequence[Rollup]) -> Cells:
    """Each minute by its most frequent posture and activity; minutes not worn are left out."""
    worn = [m for m in minutes if m.worn_s > 0]
    return Cells(
        MINUTE_NS,
        np.array([m.start_ns for m in worn], dtype=np.int64),
        np.array(
            [POSTURES.index(most(m.posture_s, Posture.UNKNOWN)) for m in worn], dtype=np.int64
        ),
        np.array([ACTIVITIES.index(_worn_activity(m)) for m in worn], dtype=np.int64),
        np.array(
            [np.nan if (v := m.mean_trunk_flexion_deg) is None else v for m in worn],
            dtype=np.float64,
        ),
    )


def _worn_activity(minute: Rollup) -> Activity:
    worn: dict[Activity, int] = {
        a: s for a, s in minute.activity_s.items() if a is not Activity.NOT_WORN
    }
    return most(worn, Activity.UNKNOWN)


def cells_of_frames(frames: FrameBlock) -> Cells:
    """Each second as it is; seconds not worn are left out. The trunk angle, else the thorax's."""
    worn = frames.activity != ACTIVITIES.index(Activity.NOT_WORN)
    angle = frames.trunk_flexion_deg
    if not np.isfinite(angle).any():
        angle = frames.thorax_flexion_deg
    return Cells(
        FRAME_NS,
        frames.start_ns[worn],
        frames.posture[worn].astype(np.int64),
        frames.activity[worn].astype(np.int64),
        angle[worn],
    )


def posture_runs(cells: Cells) -> list[Run]:
    """Runs of posture, at most MAX_RUNS: where there would be more, the cells are made wider."""
    return _runs(cells.start_ns, cells.width_ns, cells.posture, POSTURES.__getitem__)


def activity_runs(cells: Cells) -> list[Run]:
    """Runs of activity, at most MAX_RUNS."""
    return _runs(cells.start_ns, cells.width_ns, cells.activity, ACTIVITIES.__getitem__)


def _runs(
    start_ns: NDArray[np.int64],
    width_ns: int,
    codes: NDArray[np.int64],
    value_of: Callable[[int], Posture | Activity],
) -> list[Run]:
    bounds = _boundaries(start_ns, codes, width_ns)
    for wider_s in _CELLS_S:
        if len(bounds) - 1 <= MAX_RUNS:
            break
        if wider_s * NS_PER_S > width_ns:
            width_ns = wider_s * NS_PER_S
            start_ns, codes = _widen(start_ns, codes, width_ns)
            bounds = _boundaries(start_ns, codes, width_ns)
    runs = [
        Run(int(start_ns[i]), int(start_ns[j - 1]) + width_ns, value_of(int(codes[i])))
        for i, j in itertools.pairwise(bounds)
    ]
    return runs[-MAX_RUNS:]


def _boundaries(starts: NDArray[np.int64], values: NDArray[np.int64], step_ns: int) -> list[int]:
    if not starts.size:
        return [0]
    breaks = np.flatnonzero((np.diff(starts) != step_ns) | (np.diff(values) != 0)) + 1
    return [0, *(int(b) for b in breaks), int(starts.size)]


def _widen(
    start_ns: NDArray[np.int64], codes: NDArray[np.int64], wide_ns: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Cells of ``wide_ns`` by their most frequent code."""
    bins, which = np.unique(start_ns // wide_ns, return_inverse=True)
    counts = np.zeros((bins.size, int(codes.max(initial=0)) + 1), dtype=np.int64)
    np.add.at(counts, (which, codes), 1)
    return bins * wide_ns, counts.argmax(axis=1)


def trace(cells: Cells) -> list[Point]:
    """The angle as a line of at most about MAX_POINTS means, broken where nothing was measured."""
    known = np.isfinite(cells.flexion_deg)
    at_ns, deg = cells.start_ns[known], cells.flexion_deg[known]
    if not at_ns.size:
        return []
    span_ns = int(at_ns[-1] - at_ns[0]) + cells.width_ns
    widths_ns = [cells.width_ns, *(s * NS_PER_S for s in _CELLS_S if s * NS_PER_S > cells.width_ns)]
    width_ns = next((w for w in widths_ns if span_ns / w <= MAX_POINTS), widths_ns[-1])
    bins, which = np.unique(at_ns // width_ns, return_inverse=True)
    means = np.bincount(which, weights=deg) / np.bincount(which)
    stretch = np.concatenate(([0], np.cumsum(np.diff(bins) > 1)))
    middle = bins * width_ns + width_ns // 2
    return [
        Point(int(t), round(float(v), 1), int(s))
        for t, v, s in zip(middle, means, stretch, strict=True)
    ][-2 * MAX_POINTS :]


def most(seconds: Mapping[K, int], nothing: K) -> K:
    """The key with most seconds, the first of equals; ``nothing`` where there are none."""
    best = max(seconds, key=lambda k: seconds[k], default=nothing)
    return best if seconds.get(best, 0) > 0 else nothing


def gaps(runs: Sequence[Run], start_ns: int, end_ns: int) -> list[tuple[int, int]]:
    """What of [start_ns, end_ns) no run covers."""
    found, at_ns = [], start_ns
    for run in runs:
        if run.start_ns > at_ns:
            found.append((at_ns, min(run.start_ns, end_ns)))
        at_ns = max(at_ns, run.end_ns)
    if at_ns < end_ns:
        found.append((at_ns, end_ns))
    return [(a, b) for a, b in found if a < b]
