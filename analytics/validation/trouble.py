"""Straps that slip and sensors that change places, simulated on top of real recordings.

The truth about them is made here: nobody's strap slipped while the studies were recorded.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from scipy.spatial.transform import Rotation

from analytics.core.axes import between_deg
from analytics.core.calibration import calibrate
from analytics.core.joining import Joiner, SecondTable
from analytics.core.trouble import Troubles, TroubleWatch
from contracts.imu import ImuSamples
from contracts.settings import CalibrationPlan
from contracts.units import NS_PER_S, RAD_PER_DEG
from contracts.vocabulary import Placement

#: Axes that a sensor is turned about, in its printed axes.
AXES: Final = {
    "forward": (0.0, 1.0, 0.0),
    "back": (0.0, -1.0, 0.0),
    "left": (0.0, 0.0, 1.0),
    "right": (0.0, 0.0, -1.0),
    "round the trunk": (1.0, 0.0, 0.0),
}
TURNS_DEG: Final = (10.0, 15.0, 20.0, 30.0, 40.0)
#: 0: between one sample and the next, which no gyroscope feels.
DURATIONS_S: Final = (0.0, 0.3, 0.6, 1.0, 1.5, 2.0)
#: Recorded time that a simulated slip leaves before the end.
AFTER_S: Final = 25
#: Recorded time between the calibration's end and the earliest slip.
BEFORE_S: Final = 8


@dataclass(frozen=True, slots=True)
class Slip:
    """The sensor at ``placement`` turns by ``turn_deg`` about one of AXES, from ``at_ns`` on."""

    placement: Placement
    axis: str
    turn_deg: float
    duration_s: float
    at_ns: int


@dataclass(frozen=True, slots=True)
class SlipOutcome:
    """What was said of a slip. ``found``: it, after it; ``false``: another sensor, or before it."""

    slip: Slip
    found: bool
    false: bool


@dataclass(frozen=True, slots=True)
class SwapOutcome:
    """What was said of two sensors that had changed places.

    ``apart_deg``: between their calibrated uprights. ``named``: that they were swapped; ``doubted``:
    that, or that one of them had slipped.
    """

    apart_deg: float
    named: bool
    doubted: bool


def slipped(samples: ImuSamples, slip: Slip) -> ImuSamples:
    """The samples of a sensor that slips: smoothly, and its gyroscope feels it."""
    axis = np.array(AXES[slip.axis])
    turn = slip.turn_deg * RAD_PER_DEG
    since_s = (samples.utc_ns - slip.at_ns) / NS_PER_S
    if slip.duration_s > 0:
        part = np.clip(since_s / slip.duration_s, 0.0, 1.0)
        angle = turn * part**3 * (10 - 15 * part + 6 * part**2)
        rate = turn * 30 * (part * (1 - part)) ** 2 / slip.duration_s
    else:
        angle, rate = np.where(since_s >= 0, turn, 0.0), np.zeros(len(since_s))
    # a sensor that turns one way sees the world turn the other way
    seen = Rotation.from_rotvec(-angle[:, None] * axis)
    si = samples.si.astype(np.float64)
    turned = np.concatenate(
        [seen.apply(si[:, :3]), seen.apply(si[:, 3:]) + rate[:, None] * axis], axis=1
    )
    return replace(samples, si=turned.astype(np.float32))


def slips_of(
    recording: str, placements: Sequence[Placement], start_ns: int, end_ns: int
) -> list[Slip]:
    """A slip of each turn, duration and placement at some moment of [start_ns, end_ns).

    Axes and moments depend on the recording's name only.
    """
    random = np.random.default_rng(zlib.crc32(recording.encode()))
    axes = list(AXES)
    return [
        Slip(
            placement,
            axes[int(random.integers(len(axes)))],
            turn_deg,
            duration_s,
            int(random.integers(start_ns, end_ns)),
        )
        for placement in placements
        for turn_deg in TURNS_DEG
        for duration_s in DURATIONS_S
    ]


class Rehearsal:
    """One recording on which troubles are tried, as analysed with ``samples`` of some sensors."""

    def __init__(self, samples: Mapping[Placement, ImuSamples], plan: CalibrationPlan) -> None:
        """CalibrationError where the recording's own calibration is refused."""
        self._samples = dict(samples)
        self._placements = tuple(samples)
        self._table = _table_of(self._samples)
        self._calibration = calibrate(plan, self._table)
        self.start_ns = plan.complete_ns + BEFORE_S * NS_PER_S
        self.end_ns = int(self._table.second[-1]) * NS_PER_S - AFTER_S * NS_PER_S

    @property
    def seconds(self) -> int:
        """Of the recording."""
        return len(self._table)

    @property
    def false_alarms(self) -> int:
        """Seconds of the recording as it is that are called slipped or swapped."""
        troubles = self._troubles(self._table)
        return int((troubles.slipped | troubles.swapped).any(axis=1).sum())

    def slip(self, slip: Slip) -> SlipOutcome:
        """What is said where one sensor slips."""
        column = self._placements.index(slip.placement)
        own = _table_of({slip.placement: slipped(self._samples[slip.placement], slip)})
        table = self._with({column: (own, 0)})
        troubles = self._troubles(table)
        said = troubles.slipped | troubles.swapped
        after = table.second >= slip.at_ns // NS_PER_S
        others = np.delete(said, column, axis=1)
        return SlipOutcome(
            slip,
            found=bool(said[after, column].any()),
            false=bool(said[~after].any() or others.any()),
        )

    def swap(self, one: Placement, other: Placement, from_ns: int) -> SwapOutcome:
        """What is said where two sensors have changed places from ``from_ns`` on."""
        first, second = self._placements.index(one), self._placements.index(other)
        now = self._table.second >= from_ns // NS_PER_S
        order = np.arange(len(self._placements))
        order[[first, second]] = second, first
        table = self._with({})
        table.count[now] = table.count[now][:, order]
        table.sums[now] = table.sums[now][:, order]
        table.rate_hz[now] = table.rate_hz[now][:, order]
        troubles = self._troubles(table)
        axes = self._calibration.axes
        named = bool(troubles.swapped.any())
        return SwapOutcome(
            apart_deg=between_deg(axes[one].up, axes[other].up),
            named=named,
            doubted=named or bool(troubles.slipped.any()),
        )

    def _with(self, columns: Mapping[int, tuple[SecondTable, int]]) -> SecondTable:
        """The table with some columns taken from others, of the same seconds."""
        table = self._table
        copy = SecondTable(
            table.placements,
            table.second,
            table.count.copy(),
            table.sums.copy(),
            table.rate_hz.copy(),
        )
        for column, (other, at) in columns.items():
            rows = np.searchsorted(table.second, other.second)
            copy.count[rows, column] = other.count[:, at]
            copy.sums[rows, column] = other.sums[:, at]
            copy.rate_hz[rows, column] = other.rate_hz[:, at]
        return copy

    def _troubles(self, table: SecondTable) -> Troubles:
        return TroubleWatch(self._placements).update(table, self._calibration)


def _table_of(samples: Mapping[Placement, ImuSamples]) -> SecondTable:
    joiner = Joiner(tuple(samples))
    for placement, its in samples.items():
        joiner.add(placement, its)
    table = joiner.close(everything=True)
    if table is None:
        raise ValueError("a recording without samples")
    return table
