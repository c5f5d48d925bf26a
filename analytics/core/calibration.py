"""A calibration session to segment axes in each sensor's own axes, and the wearer's own poses.

The upright window says where the segment's axis points. The printed mounting (x towards the head, z
towards the back) says which way is forward, refined by the turn from upright to rounded where that is
clear: bending forward turns a trunk segment about its own left-right axis.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from analytics.core.axes import SegmentAxes, Vector, unit
from analytics.core.joining import SecondTable
from analytics.core.poses import PoseTemplate, held_poses
from contracts.errors import CalibrationError, Reason
from contracts.settings import CalibrationPlan
from contracts.units import DEG_PER_RAD, RAD_PER_DEG
from contracts.vocabulary import UPPER_PLACEMENTS, Placement

#: A rounded window that turns the upper trunk by less says nothing about rounding.
MIN_ROUNDED_TURN_DEG: Final = 5.0
#: From this turn on its direction is trusted more than the printed mounting, up to MAX_YAW.
CLEAR_TURN_DEG: Final = 10.0
MAX_YAW_DEG: Final = 25.0
#: A turn further off the printed forward direction contradicts it.
CONTRADICTING_YAW_DEG: Final = 60.0
#: The printed z axis has to stand at least this far off the vertical to say which way is forward.
MIN_AXIS_ANGLE_DEG: Final = 20.0


RoundedTemplate = PoseTemplate


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """What one accepted session gave, by placement, for those that had data.

    ``axes`` are those of the seated neutral, ``standing`` those of the standing one (empty where it was
    not held). ``rounded`` and ``bend`` are the wearer's own poses where they were held. ``session_ns``
    is the plan's effective and complete time: which session this is.
    """

    axes: Mapping[Placement, SegmentAxes] = field(default_factory=dict)
    rounded: PoseTemplate | None = None
    bend: PoseTemplate | None = None
    standing: Mapping[Placement, SegmentAxes] = field(default_factory=dict)
    session_ns: tuple[int, int] = (0, 0)

    @property
    def two_fold(self) -> tuple[Placement, ...]:
        """Placements whose front and back are not told apart by the calibration."""
        return tuple(p for p, axes in self.axes.items() if axes.two_fold)

    def state(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "axes": {p.value: axes.state() for p, axes in self.axes.items()},
            "rounded": None if self.rounded is None else self.rounded.state(),
            "bend": None if self.bend is None else self.bend.state(),
            "standing": {p.value: axes.state() for p, axes in self.standing.items()},
            "session_ns": self.session_ns,
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Calibration:
        """The calibration that :meth:`state` was taken of."""

        def axes(kept: dict[str, Any]) -> dict[Placement, SegmentAxes]:
            return {Placement(name): SegmentAxes.from_state(row) for name, row in kept.items()}

        def pose(kept: dict[str, Any] | None) -> PoseTemplate | None:
            return None if kept is None else PoseTemplate.from_state(kept)

        return cls(
            axes(state["axes"]),
            pose(state["rounded"]),
            pose(state["bend"]),
            axes(state["standing"]),
            (int(state["session_ns"][0]), int(state["session_ns"][1])),
        )


def calibrate(plan: CalibrationPlan, table: SecondTable) -> Calibration:
    """The calibration that ``plan``'s windows in ``table`` give.

    CalibrationError where a window has too little data, the wearer moved, or the poses contradict the
    mounting.
    """
    upright = held_poses(table, plan.upright_ns, "upright")
    rounded = None if plan.rounded_ns is None else held_poses(table, plan.rounded_ns, "rounded")
    bend = None if plan.bend_ns is None else held_poses(table, plan.bend_ns, "bend")
    standing = {} if plan.standing_ns is None else held_poses(table, plan.standing_ns, "standing")
    # only the upper trunk surely bends forward in a slump: the neck may bend back, the pelvis either way
    bending = next((p for p in UPPER_PLACEMENTS if p in upright), None)
    axes = {}
    for placement, pose in upright.items():
        turned = rounded.get(placement) if rounded and placement is bending else None
        axes[placement] = _axes(placement, pose, turned)
    return Calibration(
        axes,
        None if rounded is None else _rounded(axes, rounded),
        None if bend is None else PoseTemplate.of(bend, axes),
        {p: axes[p].at(pose) for p, pose in standing.items() if p in axes},
        (plan.effective_ns, plan.complete_ns),
    )


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
    back = unit(back)
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


def _rounded(
    axes: Mapping[Placement, SegmentAxes], poses: Mapping[Placement, Vector]
) -> PoseTemplate | None:
    """The rounded pose; None where no worn placement can say that the trunk rounded."""
    rounded = PoseTemplate.of(poses, axes)
    if not any(p in rounded.up for p in UPPER_PLACEMENTS):
        return None
    if rounded.thorax_flexion_deg < MIN_ROUNDED_TURN_DEG:
        raise CalibrationError(
            Reason.CALIBRATION_CONTRADICTORY,
            f"the upper trunk bends {rounded.thorax_flexion_deg:.0f}° from upright to rounded; "
            "a slump bends it forward.",
            hint="Sit upright first, then let go into your usual slump, and calibrate again.",
        )
    return rounded
