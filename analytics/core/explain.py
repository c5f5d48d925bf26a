"""Why a second was called what it was, in plain words with the angles that decided."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from contracts.doubts import listed
from contracts.records import Frame
from contracts.vocabulary import Posture, Quality

#: From this confidence on nothing else is worth naming.
SURE: Final = 0.9
#: An inclination to the side that is less is not worth naming.
ASIDE_DEG: Final = 3.0

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
        return ", ".join([*said, *_aside(self.lateral_deg)])


@dataclass(frozen=True, slots=True)
class Centres:
    """What each posture is expected to look like; ``own``: the rounded one is the wearer's own pose."""

    of: Mapping[Posture, Centre]
    own: bool


def explain(frame: Frame, centres: Centres | None) -> str:
    """Why a frame was called what it was, in a few sentences for a person.

    ``centres``: of the calibration that the frame was under; None where they are no longer known.
    """
    if frame.quality is Quality.UNCALIBRATED:
        return "The sensors are not calibrated on this wearer yet, so no posture is named."
    if frame.posture is Posture.UNKNOWN:
        return f"No posture is named for this second.{_doubts(frame)}"
    if centres is None:
        return f"{_angles(frame)}: {_LIKE[frame.posture]}.{_doubts(frame)}"
    own = frame.posture is Posture.ROUNDED and centres.own
    name = "your own rounded pose" if own else _LIKE[frame.posture]
    said = f"{_angles(frame)}: most like {name} ({centres.of[frame.posture].words()})"
    if frame.confidence < SURE:
        other = _nearest_other(frame, centres)
        said += f", or else {_LIKE[other]} ({centres.of[other].words()})"
    return f"{said}.{_one_sensor(frame)}{_doubts(frame)}"


def _nearest_other(frame: Frame, centres: Centres) -> Posture:
    others = {p: c.away_deg(frame) for p, c in centres.of.items() if p is not frame.posture}
    return min(others, key=lambda posture: others[posture])


def _angles(frame: Frame) -> str:
    parts = []
    if frame.thorax_flexion_deg is not None:
        parts.append(f"the upper trunk is {_sagittal(frame.thorax_flexion_deg)}")
    if frame.pelvis_flexion_deg is not None:
        verb = "" if parts else "is "
        parts.append(f"the lower trunk {verb}{_sagittal(frame.pelvis_flexion_deg)}")
    angles = ", ".join([*parts, *_aside(frame.lateral_deg)])
    return f"{angles[:1].upper()}{angles[1:]}"


def _one_sensor(frame: Frame) -> str:
    bent = frame.posture in (Posture.ROUNDED, Posture.FORWARD_LEAN)
    if not bent or None not in (frame.thorax_flexion_deg, frame.pelvis_flexion_deg):
        return ""
    return " One sensor cannot tell rounding from leaning at the hip for sure."


def _sagittal(angle_deg: float) -> str:
    if round(angle_deg) == 0:
        return "upright"
    return f"{abs(angle_deg):.0f}° {'forward' if angle_deg > 0 else 'back'}"


def _aside(angle_deg: float | None) -> list[str]:
    if angle_deg is None or abs(angle_deg) < ASIDE_DEG:
        return []
    return [f"{abs(angle_deg):.0f}° to the {'right' if angle_deg > 0 else 'left'}"]


def _doubts(frame: Frame) -> str:
    said = ""
    if frame.missing:
        said += f" {listed(frame.missing)} sent little or nothing."
    if frame.suspect:
        said += f" Less sure, since something is wrong with {listed(frame.suspect)}."
    return said
