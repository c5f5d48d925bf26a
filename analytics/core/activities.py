"""What the wearer does, as far as the trunk can tell, second by second.

=============  ====================================================================================
walking        the trunk is shaken by more than 0.6 m/s² at a step's 1 to 5 Hz
driving        the trunk has vibrated faster than 5 Hz, as a vehicle does, for 8 s
lying          upper and lower trunk are 60° or more off upright, and quiet
not_worn       every worn sensor has been stiller than a breathing person for five minutes
sitting        the trunk is quiet; standing still is not told from it
unknown        anything else
=============  ====================================================================================

What the client or an agent marked goes before all of it, with its source. What a second says of itself
never changes later: labels that need time (driving, not_worn) begin when that time has passed.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from analytics.core.angles import mean_up
from analytics.core.axes import dot
from analytics.core.calibration import Calibration
from analytics.core.joining import SecondTable
from analytics.core.motion import mean_square
from analytics.core.results import ContextMark
from analytics.core.rows import (
    ACC_X,
    GYRO_X,
    GYRO_Y,
    GYRO_Z,
    MAG,
    MAG_STEP_SQ,
)
from analytics.core.runs import follows, run_length, trailing_sums
from contracts.units import DEG_PER_RAD, NS_PER_S
from contracts.vocabulary import (
    ACTIVITIES,
    ACTIVITY_SOURCES,
    LOWER_PLACEMENTS,
    UPPER_PLACEMENTS,
    Activity,
    ActivitySource,
    Placement,
)

#: Seconds that a label looks back on.
WINDOW_S: Final = 4
WALKING_SHAKE_M_S2: Final = 0.6
QUIET_SHAKE_M_S2: Final = 0.4
#: A car shakes a trunk by 0.23 m/s² and more, a still person by less than 0.1.
DRIVING_SHAKE_M_S2: Final = 0.12
DRIVING_AFTER_S: Final = 8
MAX_STEP_HZ: Final = 5.0
LYING_COSINE: Final = 0.5
#: 95 % of seconds of seated people are above 0.3 deg/s at T4; a sensor on a table is below 0.1.
STILL_GYRO_RAD_S: Final = 0.12 / DEG_PER_RAD
NOT_WORN_AFTER_S: Final = 300
MAX_MARKS: Final = 64

_MOTION_ORDER: Final = (*UPPER_PLACEMENTS, *reversed(LOWER_PLACEMENTS), Placement.HEAD)
_CODE: Final = {activity: code for code, activity in enumerate(ACTIVITIES)}
_SOURCE: Final = {source: code for code, source in enumerate(ACTIVITY_SOURCES)}

Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Activities:
    """Codes of ACTIVITIES and ACTIVITY_SOURCES, (n,) each."""

    activity: NDArray[np.uint8]
    source: NDArray[np.uint8]


class ActivityDetector:
    """Seconds in, activities out."""

    def __init__(self) -> None:
        self._previous_s = -1
        self._carried = np.zeros((4, WINDOW_S - 1))
        self._still_s = 0
        self._vibrates_s = 0
        self._marks: list[ContextMark] = []

    def mark(self, mark: ContextMark) -> None:
        """An activity as the client or an agent says; holds for seconds not yet labelled."""
        self._marks = [*self._marks, mark][-MAX_MARKS:]

    def update(self, table: SecondTable, calibration: Calibration | None) -> Activities:
        """The activity of each second of a non-empty table."""
        connected = follows(table.second, self._previous_s)
        count, var, step_sq, rate_hz = _shake(table)
        windows, self._carried = trailing_sums(
            np.stack([count, var * count, step_sq * count, rate_hz * count]),
            connected,
            self._carried,
        )
        shake_sq, jerk_sq, rate = windows[1:] / np.maximum(windows[0], 1.0)
        # of a vibration at f, sampled at r: (mean squared step) = 2 var (1 - cos(2π f / r))
        slow = jerk_sq < 2.0 * shake_sq * (
            1.0 - np.cos(2 * np.pi * MAX_STEP_HZ / np.maximum(rate, 1))
        )
        still = run_length(_still(table), connected, self._still_s)
        activity = np.full(len(table), _CODE[Activity.UNKNOWN], np.uint8)
        quiet = shake_sq < QUIET_SHAKE_M_S2**2
        activity[quiet] = _CODE[Activity.SITTING]
        vibrates = (shake_sq > DRIVING_SHAKE_M_S2**2) & ~slow
        vibrates_s = run_length(vibrates, connected, self._vibrates_s)
        activity[vibrates_s >= DRIVING_AFTER_S] = _CODE[Activity.DRIVING]
        activity[(shake_sq > WALKING_SHAKE_M_S2**2) & slow] = _CODE[Activity.WALKING]
        activity[quiet & _lying(table, calibration)] = _CODE[Activity.LYING]
        activity[still >= NOT_WORN_AFTER_S] = _CODE[Activity.NOT_WORN]
        source = np.where(
            activity == _CODE[Activity.UNKNOWN],
            _SOURCE[ActivitySource.NONE],
            _SOURCE[ActivitySource.TRUNK],
        ).astype(np.uint8)
        self._apply_marks(table.second, activity, source)
        self._previous_s = int(table.second[-1])
        self._still_s, self._vibrates_s = int(still[-1]), int(vibrates_s[-1])
        return Activities(activity, source)

    def _apply_marks(
        self,
        second: NDArray[np.int64],
        activity: NDArray[np.uint8],
        source: NDArray[np.uint8],
    ) -> None:
        worn = activity != _CODE[Activity.NOT_WORN]
        marks = sorted(self._marks, key=lambda m: m.start_ns)
        for mark, following in zip_longest(marks, marks[1:]):
            if mark.activity is Activity.UNKNOWN:
                continue
            end_ns = mark.end_ns if following is None else following.start_ns
            if mark.end_ns is not None and following is not None:
                end_ns = min(mark.end_ns, following.start_ns)
            inside: Flags = worn & (second * NS_PER_S >= mark.start_ns)
            if end_ns is not None:
                inside &= second * NS_PER_S < end_ns
            activity[inside] = _CODE[mark.activity]
            source[inside] = _SOURCE[mark.source]
        self._marks = _still_needed(marks, int(second[-1]) * NS_PER_S)

    def state(self) -> dict[str, Any]:
        """All there is to know to go on, as plain values."""
        return {
            "previous_s": self._previous_s,
            "carried": self._carried.tobytes(),
            "still_s": self._still_s,
            "vibrates_s": self._vibrates_s,
            "marks": [msgspec.to_builtins(m) for m in self._marks],
        }

    def load(self, state: dict[str, Any]) -> None:
        """Go on from :meth:`state`."""
        self._previous_s = state["previous_s"]
        self._carried = np.frombuffer(state["carried"]).reshape(4, WINDOW_S - 1)
        self._still_s = state["still_s"]
        self._vibrates_s = state["vibrates_s"]
        self._marks = [msgspec.convert(m, ContextMark) for m in state["marks"]]


def _still_needed(marks: list[ContextMark], now_ns: int) -> list[ContextMark]:
    """Marks without those that ended, or that a later one replaced, before ``now_ns``."""
    kept = []
    for mark, following in zip_longest(marks, marks[1:]):
        replaced = following is not None and following.start_ns <= now_ns
        ended = mark.end_ns is not None and mark.end_ns <= now_ns
        if not (replaced or ended):
            kept.append(mark)
    return kept


def _shake(
    table: SecondTable,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Samples, variance of |a|, its mean squared step, and rate, of the best placement there is."""
    size = len(table)
    count, rate_hz = np.zeros(size), np.zeros(size)
    var, step_sq = np.zeros(size), np.zeros(size)
    for placement in reversed(_MOTION_ORDER):
        if placement not in table.placements:
            continue
        column = table.placements.index(placement)
        own = table.count[:, column].astype(np.float64)
        there = own > 0
        n = np.maximum(own, 1.0)
        mean = table.sums[:, column, MAG] / n
        square = mean_square(table.sums[:, column], table.count[:, column], ACC_X)
        own_var = np.maximum(square - mean * mean, 0.0)
        count = np.where(there, own, count)
        var = np.where(there, own_var, var)
        step_sq = np.where(there, table.sums[:, column, MAG_STEP_SQ] / n, step_sq)
        rate_hz = np.where(there, table.rate_hz[:, column], rate_hz)
    return count, var, step_sq, rate_hz


def _still(table: SecondTable) -> Flags:
    """(n,) whether no sensor turns by more than a table's noise, its constant bias aside."""
    n = np.maximum(table.count, 1).astype(np.float64)
    means = [table.sums[:, :, axis] / n for axis in (GYRO_X, GYRO_Y, GYRO_Z)]
    bias_sq = means[0] * means[0] + means[1] * means[1] + means[2] * means[2]
    moving = mean_square(table.sums, table.count, GYRO_X) - bias_sq > STILL_GYRO_RAD_S**2
    still: Flags = np.logical_not(np.any(moving, axis=1))
    return still


def _lying(table: SecondTable, calibration: Calibration | None) -> Flags:
    """(n,) whether every trunk sensor there is points 60° or more off upright.

    Without a calibration the printed mounting (x towards the head) stands for upright.
    """
    off, upright = np.zeros((2, len(table)), np.bool_)
    for column, placement in enumerate(table.placements):
        if placement is Placement.HEAD:
            continue
        up = mean_up(table, column)
        axes = None if calibration is None else calibration.axes.get(placement)
        along = up[:, 0] if axes is None else dot(up, axes.up)
        off |= along < LYING_COSINE
        upright |= along >= LYING_COSINE
    result: Flags = off & ~upright
    return result
