"""Why a second was called what it was, in plain words with the angles that decided."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from contracts.records import Frame
from contracts.vocabulary import Placement, Posture, Quality

#: From this confidence on nothing else is worth naming.
SURE: Final = 0.9

_LIKE: Final = {
    Posture.UPRIGHT: "your own upright",
    Posture.ROUNDED: "rounded",
    Posture.FORWARD_LEAN: "leaning forward at the hip",
    Posture.RECLINED: "reclined",
    Posture.LEFT_LEAN: "leaning to the left",
    Posture.RIGHT_LEAN: "leaning to the right",
}


@dataclass(frozen=True, slots=True)
class Centre:
    """What a posture is expected to look like in one wearer; None where no sensor says it."""

    thorax_deg: float | None
    pelvis_deg: float | None
    lateral_deg: float | None

    def away_deg(self, frame: Frame) -> float:
        """How far a frame is from it, over the angles that both have."""
        pairs = (
            (self.thorax_deg, frame.thorax_flexion_deg),
            (self.pelvis_deg, frame.pelvis_flexion_deg),
            (self.lateral_deg, frame.lateral_deg),
        )
        steps: list[float] = [
            one - other for one, other in pairs if one is not None and other is not None
        ]
        return math.sqrt(sum(step * step for step in steps))

    def words(self) -> str:
        """The angles, for a person."""
        upper = None if self.thorax_deg is None else _sagittal(self.thorax_deg)
        lower = None if self.pelvis_deg is None else _sagittal(self.pelvis_deg)
        if upper is not None and lower is not None:
            said = [upper] if upper == lower else [f"{upper} above", f"{lower} below"]
        else:
            said = [angle for angle in (upper, lower) if angle is not None]
        if self.lateral_deg is not None and abs(self.lateral_deg) >= 3.0:
            said.append(_sideways(self.lateral_deg))
        return ", ".join(said)


@dataclass(frozen=True, slots=True)
class Centres:
    """What each posture is expected to look like; ``own``: the rounded one is the wearer's own pose."""

    of: Mapping[Posture, Centre]
    own: bool


def explain(frame: Frame, centres: Centres | None) -> str:
    """One to three sentences for a person. ``centres``: of the calibration that the frame was under."""
    thorax, pelvis = frame.thorax_flexion_deg, frame.pelvis_flexion_deg
    angles = _angles(frame)
    if not angles or frame.posture is Posture.UNKNOWN or centres is None:
        return _unknown(frame, angles)
    name = _LIKE[frame.posture]
    if frame.posture is Posture.ROUNDED and centres.own:
        name = "your own rounded pose"
    centre = centres.of[frame.posture]
    said = f"{angles}: nearest to {name} ({centre.words()})"
    other = _nearest_other(frame, centres)
    if frame.confidence < SURE and other is not None:
        said += f", less to {_LIKE[other]} ({centres.of[other].words()})"
    return f"{said}.{_alone(frame, thorax, pelvis)}{_doubts(frame)}"


def _nearest_other(frame: Frame, centres: Centres) -> Posture | None:
    others = {p: c.away_deg(frame) for p, c in centres.of.items() if p is not frame.posture}
    return min(others, key=lambda posture: others[posture], default=None)


def _angles(frame: Frame) -> str:
    parts = []
    if frame.thorax_flexion_deg is not None:
        parts.append(f"the upper trunk is {_sagittal(frame.thorax_flexion_deg)}")
    if frame.pelvis_flexion_deg is not None:
        parts.append(f"the lower trunk {_sagittal(frame.pelvis_flexion_deg)}")
    if frame.lateral_deg is not None and abs(frame.lateral_deg) >= 3.0:
        parts.append(_sideways(frame.lateral_deg))
    angles = ", ".join(parts)
    return f"{angles[:1].upper()}{angles[1:]}"


def _alone(frame: Frame, thorax: float | None, pelvis: float | None) -> str:
    bent = frame.posture in (Posture.ROUNDED, Posture.FORWARD_LEAN)
    if not bent or (thorax is not None and pelvis is not None):
        return ""
    return " One sensor cannot tell rounding from leaning at the hip for sure."


def _unknown(frame: Frame, angles: str) -> str:
    if frame.quality is Quality.UNCALIBRATED:
        return "The sensors are not calibrated on this wearer yet, so no posture is named."
    if angles and frame.posture is not Posture.UNKNOWN:
        return f"{angles}: {_LIKE[frame.posture]}.{_doubts(frame)}"
    return f"No posture is named for this second.{_doubts(frame)}"


def _sagittal(angle_deg: float) -> str:
    if abs(angle_deg) < 0.5:
        return "upright"
    return f"{abs(angle_deg):.0f}° {'forward' if angle_deg > 0 else 'back'}"


def _sideways(angle_deg: float) -> str:
    return f"{abs(angle_deg):.0f}° to the {'right' if angle_deg > 0 else 'left'}"


def _doubts(frame: Frame) -> str:
    said = ""
    if frame.missing:
        said += f" Less sure, since {_names(frame.missing)} sent little or nothing."
    if frame.suspect:
        said += f" Less sure, since something is wrong with {_names(frame.suspect)}."
    return said


def _names(placements: tuple[Placement, ...]) -> str:
    return " and ".join(placements)
