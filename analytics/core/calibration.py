"""A calibration session to segment axes in each sensor's own axes, and the personal rounded pose.

The upright window says where the segment's axis points. The printed mounting (x towards the head, z
towards the back) says which way is forward, refined by the turn from upright to rounded where that is
clear: bending forward turns a trunk segment about its own left-right axis.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.ma
from numpy.typing import NDArray

from analytics.core.joining import SecondTable
from analytics.core.rows import UP_X, UP_Z
from contracts.errors import CalibrationError, Reason
from contracts.settings import CalibrationPlan
from contracts.units import DEG_PER_RAD, NS_PER_S, RAD_PER_DEG
from contracts.vocabulary import LOWER_PLACEMENTS, UPPER_PLACEMENTS, Placement

MIN_WINDOW_SECONDS: Final = 5
#: A pose is held when half of its seconds lie within this of their middle. Under a car's acceleration
#: the middle second is 3.2° off; a wearer who moves about goes beyond 10°.
MAX_SPREAD_DEG: Final = 5.0
#: A rounded window that turns the upper trunk by less says nothing about rounding.
MIN_ROUNDED_TURN_DEG: Final = 5.0
#: From this turn on its direction is trusted more than the printed mounting, up to MAX_YAW.
CLEAR_TURN_DEG: Final = 10.0
MAX_YAW_DEG: Final = 25.0
#: A turn further off the printed forward direction contradicts it.
CONTRADICTING_YAW_DEG: Final = 60.0
#: The printed z axis has to stand at least this far off the vertical to say which way is forward.
MIN_AXIS_ANGLE_DEG: Final = 20.0

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class SegmentAxes:
    """Unit vectors in sensor axes, at the wearer's upright: up, back (posterior) and left."""

    up: Vector
    back: Vector
    left: Vector

    def flexion_deg(self, up: Vector) -> Vector:
        """Sagittal inclination of (n, 3) 'up' vectors, forward positive."""
        return np.arctan2(dot(up, self.back), dot(up, self.up)) * DEG_PER_RAD

    def lateral_deg(self, up: Vector) -> Vector:
        """Lateral inclination of (n, 3) unit 'up' vectors, right positive."""
        return np.arcsin(np.clip(dot(up, self.left), -1.0, 1.0)) * DEG_PER_RAD


@dataclass(frozen=True, slots=True)
class RoundedTemplate:
    """The wearer's own rounded pose: flexion of the upper trunk, and of the lower where worn."""

    thorax_flexion_deg: float
    pelvis_flexion_deg: float | None


@dataclass(frozen=True, slots=True)
class Calibration:
    """Axes by placement, for those that had data; the rounded pose where a window was given."""

    axes: Mapping[Placement, SegmentAxes] = field(default_factory=dict)
    rounded: RoundedTemplate | None = None

    def state(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "axes": {
                p.value: np.concatenate([a.up, a.back, a.left]).tolist()
                for p, a in self.axes.items()
            },
            "rounded": None
            if self.rounded is None
            else [self.rounded.thorax_flexion_deg, self.rounded.pelvis_flexion_deg],
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Calibration:
        """The calibration that :meth:`state` was taken of."""
        axes = {}
        for name, values in state["axes"].items():
            up, back, left = np.array(values).reshape(3, 3)
            axes[Placement(name)] = SegmentAxes(up, back, left)
        rounded = None if state["rounded"] is None else RoundedTemplate(*state["rounded"])
        return cls(axes, rounded)


def calibrate(plan: CalibrationPlan, table: SecondTable) -> Calibration:
    """The calibration that ``plan``'s windows in ``table`` give.

    CalibrationError where a window has too little data, the wearer moved, or the poses contradict the
    mounting.
    """
    upright = _poses(table, plan.upright_ns, "upright")
    rounded = None if plan.rounded_ns is None else _poses(table, plan.rounded_ns, "rounded")
    # only the upper trunk surely bends forward in a slump: the neck may bend back, the pelvis either way
    bending = next((p for p in UPPER_PLACEMENTS if p in upright), None)
    axes = {}
    for placement, pose in upright.items():
        turned = rounded.get(placement) if rounded and placement is bending else None
        axes[placement] = _axes(placement, pose, turned)
    return Calibration(axes, None if rounded is None else _template(axes, rounded))


def dot(rows: Vector, axis: Vector) -> Vector:
    """(n, 3) · (3,) term by term: a BLAS product may differ with the number of rows."""
    products: Vector = rows[:, 0] * axis[0] + rows[:, 1] * axis[1] + rows[:, 2] * axis[2]
    return products


def _poses(table: SecondTable, window_ns: tuple[int, int], name: str) -> dict[Placement, Vector]:
    """The held 'up' of each placement: the middle of its seconds, component by component."""
    middle_ns = table.second * NS_PER_S + NS_PER_S // 2
    inside = (middle_ns >= window_ns[0]) & (middle_ns < window_ns[1])
    poses: dict[Placement, Vector] = {}
    for column, placement in enumerate(table.placements):
        full = inside & (table.count[:, column] * 2 >= table.rate_hz[:, column])
        full &= table.count[:, column] > 0
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


def _held(up: Vector, placement: Placement, name: str) -> Vector:
    pose = _unit(np.median(up, axis=0))
    cosine = np.clip(dot(up, pose) / np.sqrt((up * up).sum(axis=1)), -1.0, 1.0)
    spread_deg = float(np.median(np.arccos(cosine))) * DEG_PER_RAD
    if spread_deg > MAX_SPREAD_DEG:
        raise CalibrationError(
            Reason.CALIBRATION_MOVED,
            f"{placement} moved by {spread_deg:.0f}° in the {name} window.",
            hint="Hold the pose still for 10 s and try again.",
        )
    return pose


def _axes(placement: Placement, upright: Vector, rounded: Vector | None) -> SegmentAxes:
    """Axes from the upright pose and the printed mounting, turned to the rounded pose where clear."""
    printed_back = np.array([0.0, 0.0, 1.0])
    back = printed_back - upright * float(upright[2])
    if float(np.sqrt((back * back).sum())) < np.sin(MIN_AXIS_ANGLE_DEG * RAD_PER_DEG):
        raise CalibrationError(
            Reason.CALIBRATION_CONTRADICTORY,
            f"{placement} lies flat in the upright window: its z axis points up or down.",
            hint="Mount the sensor as printed on it, x towards the head, and calibrate again.",
        )
    back = _unit(back)
    left = np.cross(back, upright)
    if rounded is not None:
        back, left = _turned_forward(placement, back, left, rounded)
    return SegmentAxes(upright, back, left)


def _turned_forward(
    placement: Placement, back: Vector, left: Vector, rounded: Vector
) -> tuple[Vector, Vector]:
    forward, side = float((rounded * back).sum()), float((rounded * left).sum())
    turn_deg = float(np.arcsin(min(1.0, np.hypot(forward, side)))) * DEG_PER_RAD
    if turn_deg < MIN_ROUNDED_TURN_DEG:
        return back, left
    yaw_deg = float(np.arctan2(side, forward)) * DEG_PER_RAD
    if abs(yaw_deg) > CONTRADICTING_YAW_DEG:
        raise CalibrationError(
            Reason.CALIBRATION_CONTRADICTORY,
            f"{placement} turned {abs(yaw_deg):.0f}° off forward from upright to rounded.",
            hint="Check that the sensor sits as printed on it, then calibrate both poses again.",
        )
    if turn_deg < CLEAR_TURN_DEG:
        return back, left
    yaw = float(np.clip(yaw_deg, -MAX_YAW_DEG, MAX_YAW_DEG)) * RAD_PER_DEG
    cos, sin = float(np.cos(yaw)), float(np.sin(yaw))
    return back * cos + left * sin, left * cos - back * sin


def _template(
    axes: Mapping[Placement, SegmentAxes], rounded: Mapping[Placement, Vector]
) -> RoundedTemplate | None:
    """The rounded pose in degrees; None where no worn placement can say that the trunk rounded."""

    def flexion_deg(order: tuple[Placement, ...]) -> float | None:
        for placement in order:
            if placement in axes and placement in rounded:
                pose = rounded[placement][None]
                return round(float(axes[placement].flexion_deg(pose)[0]), 2)
        return None

    thorax_deg = flexion_deg(UPPER_PLACEMENTS)
    if thorax_deg is None:
        return None
    if thorax_deg < MIN_ROUNDED_TURN_DEG:
        raise CalibrationError(
            Reason.CALIBRATION_CONTRADICTORY,
            f"the upper trunk bends {thorax_deg:.0f}° from upright to rounded; a slump bends it forward.",
            hint="Sit upright first, then let go into your usual slump, and calibrate again.",
        )
    return RoundedTemplate(thorax_deg, flexion_deg(LOWER_PLACEMENTS))


def _unit(vector: Vector) -> Vector:
    unit: Vector = vector / float(np.sqrt((vector * vector).sum()))
    return unit
