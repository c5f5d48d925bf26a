"""A calibration session to segment axes in each sensor's own axes, and the wearer's own poses.

The upright window says where the segment's axis points; :mod:`analytics.core.forward` finds which way is
forward, whatever way the sensor sits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from analytics.core.axes import SegmentAxes, Vector, between_deg
from analytics.core.forward import Held, axes_of
from analytics.core.joining import SecondTable
from analytics.core.poses import PoseTemplate, held_poses, sway_of
from contracts.errors import CalibrationError, Reason
from contracts.settings import CalibrationPlan
from contracts.vocabulary import UPPER_PLACEMENTS, Placement

#: Standing and sitting upright differ by less; more, and one of the two was not upright.
MAX_NEUTRAL_TURN_DEG: Final = 45.0


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

    CalibrationError where a window has too little data, the wearer moved, or the poses contradict each
    other or the mounting.
    """
    poses = {name: held_poses(table, window, name) for name, window in plan.windows.items()}
    upright, rounded, bend = poses["upright"], poses.get("rounded", {}), poses.get("bend", {})
    sway = sway_of(table, list(plan.windows.values()))
    axes = axes_of(Held(upright, rounded, bend, sway))
    standing = poses.get("standing", {})
    _check_neutrals(upright, standing)
    return Calibration(
        axes,
        _rounded(rounded, axes),
        PoseTemplate.of(bend, axes) if bend else None,
        {p: axes[p].at(pose) for p, pose in standing.items() if p in axes},
        (plan.effective_ns, plan.complete_ns),
    )


def _rounded(
    poses: Mapping[Placement, Vector], axes: Mapping[Placement, SegmentAxes]
) -> PoseTemplate | None:
    """The rounded pose; None where no worn placement can say that the trunk rounded."""
    rounded = PoseTemplate.of(poses, axes)
    return rounded if any(p in rounded.up for p in UPPER_PLACEMENTS) else None


def _check_neutrals(
    seated: Mapping[Placement, Vector], standing: Mapping[Placement, Vector]
) -> None:
    for placement in seated.keys() & standing.keys():
        turn_deg = between_deg(seated[placement], standing[placement])
        if turn_deg > MAX_NEUTRAL_TURN_DEG:
            raise CalibrationError(
                Reason.CALIBRATION_CONTRADICTORY,
                f"{placement} turns by {turn_deg:.0f}° from sitting to standing upright; a back does not.",
                hint="Check that no strap slipped while you got up, and calibrate again.",
            )
