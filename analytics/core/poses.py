"""Poses that a wearer was asked to hold: where each sensor's 'up' was, and how still it was held."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from analytics.core.axes import SegmentAxes, Vector, dot, unit
from analytics.core.joining import SecondTable
from analytics.core.motion import turn_covariance
from analytics.core.rows import UP_X, UP_Z
from contracts.errors import CalibrationError, Reason
from contracts.settings import MAX_POSE_SPREAD_DEG
from contracts.units import DEG_PER_RAD, NS_PER_S
from contracts.vocabulary import LOWER_PLACEMENTS, UPPER_PLACEMENTS, Placement

MIN_WINDOW_SECONDS: Final = 5


@dataclass(frozen=True, slots=True, eq=False)
class PoseTemplate:
    """A pose of the wearer's own, by placement: unit 'up' in sensor axes, and the angles it has
    against the seated neutral, as given by that placement's axes (of a two-fold one: so or both with
    the other sign).
    """

    up: Mapping[Placement, Vector]
    flexion_deg: Mapping[Placement, float]
    lateral_deg: Mapping[Placement, float]

    @classmethod
    def of(
        cls, poses: Mapping[Placement, Vector], axes: Mapping[Placement, SegmentAxes]
    ) -> PoseTemplate:
        """Held 'up' vectors as angles in ``axes``; placements without axes are left out."""
        up = {p: pose for p, pose in poses.items() if p in axes}
        flexion = {p: float(axes[p].flexion_deg(pose[None])[0]) for p, pose in up.items()}
        lateral = {p: float(axes[p].lateral_deg(pose[None])[0]) for p, pose in up.items()}
        return cls(
            up,
            {p: round(angle, 2) for p, angle in flexion.items()},
            {p: round(angle, 2) for p, angle in lateral.items()},
        )

    @property
    def thorax_flexion_deg(self) -> float:
        """Flexion of the upper trunk. LookupError where it was not worn."""
        return next(self.flexion_deg[p] for p in UPPER_PLACEMENTS if p in self.flexion_deg)

    @property
    def pelvis_flexion_deg(self) -> float | None:
        """Flexion of the lower trunk, where it was worn."""
        return next((self.flexion_deg[p] for p in LOWER_PLACEMENTS if p in self.flexion_deg), None)

    def away_deg(self, placement: Placement, up: Vector) -> Vector:
        """How far (n, 3) unit 'up' vectors of a placement are from the pose, whatever its axes."""
        return np.arccos(np.clip(dot(up, self.up[placement]), -1.0, 1.0)) * DEG_PER_RAD

    def state(self) -> dict[str, Any]:
        """Plain values."""
        return {
            p.value: [*up.tolist(), self.flexion_deg[p], self.lateral_deg[p]]
            for p, up in self.up.items()
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> PoseTemplate:
        """The pose that :meth:`state` was taken of."""
        values = {Placement(name): row for name, row in state.items()}
        return cls(
            {p: np.array(row[:3]) for p, row in values.items()},
            {p: row[3] for p, row in values.items()},
            {p: row[4] for p, row in values.items()},
        )


def held_poses(
    table: SecondTable, window_ns: tuple[int, int], name: str
) -> dict[Placement, Vector]:
    """The held 'up' of each placement that has data: the middle of its seconds, by component.

    CalibrationError where the wearer moved, or no sensor has ``MIN_WINDOW_SECONDS`` of data.
    """
    poses: dict[Placement, Vector] = {}
    for column, placement in enumerate(table.placements):
        full = seconds_of(table, column, window_ns)
        if int(full.sum()) < MIN_WINDOW_SECONDS:
            continue
        up = table.sums[full, column, UP_X : UP_Z + 1] / table.count[full, column, None]
        poses[placement] = _held(up, placement, name)
    if not poses:
        raise CalibrationError(
            Reason.CALIBRATION_TOO_SHORT,
            f"the {name} window has less than {MIN_WINDOW_SECONDS} s of data of any sensor.",
            hint="Check that the sensors are on and hold the pose for at least 10 s.",
        )
    return poses


def seconds_of(table: SecondTable, column: int, window_ns: tuple[int, int]) -> NDArray[np.bool_]:
    """Which (n,) seconds lie in a window and have at least half of a placement's samples."""
    middle_ns = table.second * NS_PER_S + NS_PER_S // 2
    inside: NDArray[np.bool_] = (middle_ns >= window_ns[0]) & (middle_ns < window_ns[1])
    inside &= table.count[:, column] * 2 >= table.rate_hz[:, column]
    inside &= table.count[:, column] > 0
    return inside


def sway_of(
    table: SecondTable, windows_ns: Sequence[tuple[int, int]]
) -> dict[Placement, NDArray[np.float64]]:
    """(3, 3) covariance of the turn rate within the seconds of the windows, by placement.

    Each second counts alike: it is divided by its own trace, so that one movement does not outweigh a
    minute of holding still.
    """
    sway: dict[Placement, NDArray[np.float64]] = {}
    for column, placement in enumerate(table.placements):
        inside = np.zeros(len(table), np.bool_)
        for window_ns in windows_ns:
            inside |= seconds_of(table, column, window_ns)
        if not inside.any():
            continue
        rate = turn_covariance(table.sums[inside, column], table.count[inside, column])
        total = rate[:, 0, 0] + rate[:, 1, 1] + rate[:, 2, 2]
        moved = total > 0.0
        if moved.any():
            sway[placement] = (rate[moved] / total[moved, None, None]).mean(axis=0)
    return sway


def _held(up: Vector, placement: Placement, name: str) -> Vector:
    pose = unit(_middle(up))
    cosine = np.clip(dot(up, pose) / np.sqrt((up * up).sum(axis=1)), -1.0, 1.0)
    spread_deg = float(_middle(np.arccos(cosine))) * DEG_PER_RAD
    if spread_deg > MAX_POSE_SPREAD_DEG:
        raise CalibrationError(
            Reason.CALIBRATION_MOVED,
            f"{placement} moved by {spread_deg:.0f}° in the {name} window.",
            hint="Hold the pose still for 10 s and try again.",
        )
    return pose


def _middle(values: Vector) -> Vector:
    """The median of (n, …) values, n ≥ 1; NumPy's own takes many times as long for so few."""
    ordered, size = np.sort(values, axis=0), len(values)
    middle: Vector = (ordered[(size - 1) // 2] + ordered[size // 2]) / 2
    return middle
