"""Which way is forward for each sensor, however it sits: from turns, sway and the printed mounting.

'Up' at the wearer's neutral is known; what is sought is the level direction towards the back. Level
directions are complex numbers here, the real part along one level axis, the imaginary part along the
next. Squared they say a line whose two ends are alike, and squares of several findings are added up,
each by its weight: one over the square of its error in radians.

- **Turns**: bending forward turns 'up' towards the back. A slump bends the upper trunk forward in all of
  29 recorded people (T4 by 15 to 35°), and T12 too (6 to 30°); the neck and the pelvis may go either
  way, which still gives the line. A bend at the hip turns every sensor forward.
- **Sway**: while a pose is held, the lower trunk turns to and fro about its left-right axis more than
  about its front-back axis. The upper trunk does not: breathing turns it as much. The neck does a little.
- **The printed mounting**: x towards the head, z towards the back, where the sensor can sit so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.core.axes import SegmentAxes, Vector
from contracts.errors import CalibrationError, Reason
from contracts.units import DEG_PER_RAD, RAD_PER_DEG
from contracts.vocabulary import Placement

#: How far to the side a held pose lies by chance: over the size of a turn, its direction's error.
TURN_ERROR_RAD: Final = 3.0 * RAD_PER_DEG
#: Weight of a sway whose anisotropy² / (1 - anisotropy²) is 1; at an anisotropy of 0.5 it is right
#: within 10°, as seen at L5 in 29 people.
SWAY_WEIGHT: Final = 100.0
PRINTED_ERROR_RAD: Final = 8.0 * RAD_PER_DEG
#: A line that is less well known than this says nothing.
MAX_ERROR_RAD: Final = 30.0 * RAD_PER_DEG
#: A turn that is smaller does not say which way is forward; all turns of T4 were 14° or more.
MIN_TURN: Final = float(np.sin(5.0 * RAD_PER_DEG))
CLEAR_TURN: Final = float(np.sin(10.0 * RAD_PER_DEG))
#: The printed z axis has to stand at least this far off the vertical to say which way is forward.
MIN_LEVEL: Final = float(np.sin(20.0 * RAD_PER_DEG))
#: Turns and sway within the first of the printed mounting are the same as it; within the second it is
#: the sensor's own place, a little turned on the body; beyond the third they contradict it.
SAME_DEG: Final = 20.0
AGREEING_DEG: Final = 45.0
CONTRADICTING_DEG: Final = 60.0
STRAIGHT_BACK_DEG: Final = 160.0
#: Nothing else tells: a sensor turned in the plane of the skin still has its printed face outwards.
FACE_OUT_LOG_ODDS: Final = 3.0

#: Placements that a slump surely bends forward; those whose sway at rest has no direction; and those that
#: go their own way when the trunk bends, to look ahead: their sway only adds to a turn.
BENT_BY_A_SLUMP: Final = (Placement.T4, Placement.STERNUM, Placement.T12)
UPPER_TRUNK: Final = (Placement.T4, Placement.STERNUM)
LOOKING_AHEAD: Final = (Placement.C7, Placement.HEAD)

#: How a sensor that sits as printed may be tilted at upright: its left-right axis so far off level, and
#: its z axis from so far down to so far up. 29 people's were up by 12 to 47° at T4, 23 to 68° at C7, -15
#: to 16° at T12 and -8 to 33° at L5.
PRINTED_ROLL_DEG: Final = 25.0
#: A calibration is refused for its mounting only where sensors are as level as all of 29
#: people's were (13°): those turned at random seldom are.
SURELY_LEVEL_DEG: Final = 14.0
PRINTED_TILT_DEG: Final = {
    Placement.T4: (0.0, 60.0),
    Placement.C7: (0.0, 75.0),
    Placement.T12: (-30.0, 30.0),
    Placement.L5: (-25.0, 50.0),
}
OTHER_TILT_DEG: Final = (-45.0, 60.0)

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Held:
    """What a session's windows show: (3,) unit 'up' by pose and placement, and the sway.

    ``sway``: (3, 3) covariance of the turn rate while poses are held, in any unit. ``rounded`` and
    ``bend`` are empty where they were not held.
    """

    upright: Mapping[Placement, Vector]
    rounded: Mapping[Placement, Vector] = field(default_factory=dict)
    bend: Mapping[Placement, Vector] = field(default_factory=dict)
    sway: Mapping[Placement, Matrix] = field(default_factory=dict)


def axes_of(held: Held) -> dict[Placement, SegmentAxes]:
    """Axes at the upright pose, of each placement for which something says which way is forward.

    CalibrationError where poses contradict each other or the mounting, or where nothing says it of the
    sensor that matters most.
    """
    findings = {placement: _Findings.of(placement, held) for placement in held.upright}
    leading = next((findings[p] for p in BENT_BY_A_SLUMP if p in findings), None)
    if leading is not None:
        _check_turns(leading, held, findings)
        _check_mounting(leading, findings)
    trust = _Trust.in_view_of(leading)
    found = {placement: _axes(finding, trust) for placement, finding in findings.items()}
    axes = {placement: own for placement, own in found.items() if own is not None}
    wanted = next(iter(findings)) if leading is None else leading.placement
    if wanted not in axes:
        raise CalibrationError(
            Reason.CALIBRATION_CONTRADICTORY,
            f"nothing says which way is forward for {wanted}: it lies flat or does not sit as printed, "
            "and no pose turns it clearly.",
            hint="Sit upright, then let go into a clear slump or bend forward at the hip, and "
            "calibrate again.",
        )
    return axes


@dataclass(frozen=True, slots=True)
class _Findings:
    """What is known of one sensor's direction to the back, in its own level plane."""

    placement: Placement
    plane: SegmentAxes  # the real part is along its back, the imaginary part along its left
    rounded: complex  # turn from upright, the sine of its angle long; 0 where not held
    bend: complex
    sway: complex  # a line with its weight
    printed: complex  # a direction; 0 where z is too near the vertical
    sits_as_printed: bool  # as far as 'up' can tell

    @classmethod
    def of(cls, placement: Placement, held: Held) -> _Findings:
        up = held.upright[placement]
        plane = SegmentAxes.of(up, np.eye(3)[int(np.argmin(np.abs(up)))])
        printed = _level(plane, np.array([0.0, 0.0, 1.0]))
        rounded, bend = (_level(plane, poses.get(placement)) for poses in (held.rounded, held.bend))
        turned = abs(rounded) >= MIN_TURN or abs(bend) >= MIN_TURN
        swaying = turned if placement in LOOKING_AHEAD else placement not in UPPER_TRUNK
        sway = held.sway.get(placement) if swaying else None
        return cls(
            placement,
            plane,
            rounded,
            bend,
            0j if sway is None else _sway_line(plane, sway),
            printed / abs(printed) if abs(printed) >= MIN_LEVEL else 0j,
            _sits_as_printed(placement, up),
        )

    @property
    def line(self) -> complex:
        """What turns and sway together say of the line from front to back."""
        return (self.rounded**2 + self.bend**2) / TURN_ERROR_RAD**2 + self.sway

    @property
    def clear(self) -> bool:
        """Whether they say enough."""
        return abs(self.line) >= 1.0 / MAX_ERROR_RAD**2

    @property
    def forward_turn(self) -> complex:
        """The turns that surely were forward; 0 where there are none."""
        least = CLEAR_TURN if self.placement in LOOKING_AHEAD else MIN_TURN
        turns = (self.bend, self.rounded if self.placement in BENT_BY_A_SLUMP else 0j)
        return sum((turn for turn in turns if abs(turn) >= least), 0j)

    @property
    def off_printed_deg(self) -> float:
        """How far the turns that surely were forward are off the printed mounting; 180 without one."""
        return _apart_deg(self.forward_turn, self.printed) if self.printed else 180.0

    @property
    def surely_printed(self) -> bool:
        """Whether it is level and its sway, which no pose can mislead, is not against the mounting."""
        roll_deg = abs(float(np.arcsin(self.plane.up[1]))) * DEG_PER_RAD
        unclear = abs(self.sway) < 1.0 / MAX_ERROR_RAD**2
        sways = unclear or _apart_deg(self.sway, self.printed**2) <= 2 * AGREEING_DEG
        return self.sits_as_printed and roll_deg <= SURELY_LEVEL_DEG and sways

    def printed_within(self, limit_deg: float) -> bool:
        """Whether the printed z axis lies so near the line, whichever end."""
        return bool(self.printed) and _apart_deg(self.line, self.printed**2) <= 2 * limit_deg

    def axes(self, line: complex, towards: complex, log_odds: float = np.inf) -> SegmentAxes:
        """Axes with their back along ``line``, at the end that is nearer to ``towards``."""
        back = complex(np.sqrt(line / abs(line)))
        if (back * towards.conjugate()).real < 0:
            back = -back
        level = self.plane.back * back.real + self.plane.left * back.imag
        return SegmentAxes.of(self.plane.up, level, front_log_odds=log_odds)


@dataclass(frozen=True, slots=True)
class _Trust:
    """What the sensor that a slump surely bends forward shows of how the wearer mounts sensors."""

    as_printed: bool
    face_out: bool

    @classmethod
    def in_view_of(cls, leading: _Findings | None) -> _Trust:
        if leading is None or not leading.forward_turn:
            return cls(as_printed=True, face_out=True)
        agrees = leading.off_printed_deg <= AGREEING_DEG
        return cls(as_printed=agrees and leading.sits_as_printed, face_out=agrees)


def _axes(finding: _Findings, trust: _Trust) -> SegmentAxes | None:
    """The axes that turns, sway and, as far as it is trusted, the printed mounting give together."""
    own, printed = finding.line, finding.printed
    forward = finding.forward_turn
    if not finding.clear:
        if not forward and trust.as_printed and printed:
            return finding.axes(printed**2, printed)
        if forward and finding.sits_as_printed and finding.off_printed_deg <= CONTRADICTING_DEG:
            return finding.axes(own + printed**2 / PRINTED_ERROR_RAD**2, printed)
        return None
    # where the wearer turned for it, that was right more often than together with the mounting
    turned = finding.rounded or finding.bend
    if not turned and finding.sits_as_printed and finding.printed_within(SAME_DEG):
        own += printed**2 / PRINTED_ERROR_RAD**2
    if forward:
        return finding.axes(own, forward)
    if trust.as_printed and finding.sits_as_printed and finding.printed_within(AGREEING_DEG):
        return finding.axes(own, printed)
    if trust.face_out and finding.printed_within(AGREEING_DEG):
        return finding.axes(own, printed, FACE_OUT_LOG_ODDS)
    return finding.axes(own, finding.rounded or printed or 1 + 0j, 0.0)


def _check_turns(leading: _Findings, held: Held, findings: Mapping[Placement, _Findings]) -> None:
    bent = max(findings.values(), key=lambda finding: abs(finding.bend))
    turns = (
        ("rounded", leading, leading.rounded, leading.placement in held.rounded),
        ("bend", bent, bent.bend, leading.placement in held.bend),
    )
    for name, finding, turn, was_held in turns:
        if was_held and abs(turn) < MIN_TURN:
            raise CalibrationError(
                Reason.CALIBRATION_CONTRADICTORY,
                f"{finding.placement} turns by {_angle_deg(turn):.0f}° from upright to the {name} pose: "
                "they are the same.",
                hint="Sit upright first, then let go into your usual slump or bend forward, and "
                "calibrate again.",
            )
    if abs(leading.rounded) >= CLEAR_TURN and abs(leading.bend) >= CLEAR_TURN:
        apart_deg = _apart_deg(leading.rounded, leading.bend)
        if apart_deg > CONTRADICTING_DEG:
            raise CalibrationError(
                Reason.CALIBRATION_CONTRADICTORY,
                f"the slump and the bend turn {leading.placement} {apart_deg:.0f}° apart; both go "
                "forward.",
                hint="Let go forward into your usual slump, bend forward, and calibrate again.",
            )


def _check_mounting(leading: _Findings, findings: Mapping[Placement, _Findings]) -> None:
    """Refuse a slump to the back or side of a wearer whose sensors all sit as printed.

    Any mounting can look like that by chance, which is why every sensor has to agree; a single one is
    only held to it where the wearer went straight back.
    """
    if not leading.forward_turn or not leading.printed or abs(leading.bend) >= MIN_TURN:
        return
    off_deg = leading.off_printed_deg
    limit_deg = CONTRADICTING_DEG if len(findings) > 1 else STRAIGHT_BACK_DEG
    if off_deg > limit_deg and all(f.surely_printed for f in findings.values()):
        raise CalibrationError(
            Reason.CALIBRATION_CONTRADICTORY,
            f"{leading.placement} turned {off_deg:.0f}° off forward from upright to rounded, as it is "
            "mounted.",
            hint="Let go forward into your usual slump. If the sensor is on the wrong way round, mount "
            "it as printed, or bend forward in the calibration too.",
        )


def _sits_as_printed(placement: Placement, up: Vector) -> bool:
    low_deg, high_deg = PRINTED_TILT_DEG.get(placement, OTHER_TILT_DEG)
    tilt_deg = float(np.arctan2(up[2], up[0])) * DEG_PER_RAD
    roll_deg = abs(float(np.arcsin(up[1]))) * DEG_PER_RAD
    return roll_deg <= PRINTED_ROLL_DEG and low_deg <= tilt_deg <= high_deg


def _level(plane: SegmentAxes, vector: Vector | None) -> complex:
    """The level part of a (3,) vector; 0 of none."""
    if vector is None:
        return 0j
    return complex(float((vector * plane.back).sum()), float((vector * plane.left).sum()))


def _sway_line(plane: SegmentAxes, sway: Matrix) -> complex:
    """The line across the level axis that a sensor turns about most, by how much more it does."""
    level = np.stack([plane.back, plane.left])
    turns = level @ sway @ level.T
    total = float(turns[0, 0] + turns[1, 1])
    if total <= 0.0:
        return 0j
    anisotropy = complex(turns[0, 0] - turns[1, 1], 2.0 * turns[0, 1]) / total
    share = min(abs(anisotropy), 0.99)
    if share == 0.0:
        return 0j
    return -anisotropy / abs(anisotropy) * SWAY_WEIGHT * share**2 / (1.0 - share**2)


def _apart_deg(one: complex, other: complex) -> float:
    return abs(float(np.angle(one * other.conjugate()))) * DEG_PER_RAD


def _angle_deg(turn: complex) -> float:
    return float(np.arcsin(min(1.0, abs(turn)))) * DEG_PER_RAD
