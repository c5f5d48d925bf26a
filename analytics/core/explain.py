"""Why a second was called what it was, in plain words with the angles that decided."""

from __future__ import annotations

from analytics.core.postures import Boundaries
from contracts.records import Frame
from contracts.vocabulary import Placement, Posture, Quality


def explain(frame: Frame, boundaries: Boundaries) -> str:
    """One or two sentences for a person. Boundaries: those the frame was classified with."""
    thorax, pelvis = frame.thorax_flexion_deg, frame.pelvis_flexion_deg
    if frame.posture is Posture.UNKNOWN or (thorax is None and pelvis is None):
        return _unknown(frame)
    parts = []
    if thorax is not None:
        parts.append(f"the upper trunk is {_sagittal(thorax)}")
    if pelvis is not None:
        parts.append(f"the lower trunk {_sagittal(pelvis)}")
    angles = " and ".join(parts)
    reason = _reason(frame, boundaries)
    return f"{angles[0].upper()}{angles[1:]}; {reason}.{_missing(frame.missing)}"


def _reason(frame: Frame, boundaries: Boundaries) -> str:
    curl = frame.trunk_flexion_deg
    match frame.posture:
        case Posture.RECLINED:
            return f"the trunk as a whole is back by more than {boundaries.reclined_deg:.0f}°: reclined"
        case Posture.LEFT_LEAN | Posture.RIGHT_LEAN:
            side = "left" if frame.posture is Posture.LEFT_LEAN else "right"
            by = "" if frame.lateral_deg is None else f" by {abs(frame.lateral_deg):.0f}°"
            return f"it leans to the {side}{by}, beyond the boundary of {boundaries.lean_deg:.0f}°"
        case Posture.ROUNDED if curl is None:
            return (
                f"beyond your boundary of {boundaries.tilt_deg:.0f}°: rounded, or leaning at the hip, "
                "which one sensor cannot tell apart"
            )
        case Posture.ROUNDED:
            return f"a curl of {curl:.0f}°, your boundary is {boundaries.curl_deg:.0f}°: rounded"
        case Posture.FORWARD_LEAN if curl is not None:
            return (
                f"a curl of {curl:.0f}°, below your boundary of {boundaries.curl_deg:.0f}°: "
                "the whole trunk leans forward at the hip"
            )
        case Posture.FORWARD_LEAN:
            return f"below your boundary of {boundaries.tilt_deg:.0f}°: leaning forward"
        case _:
            return f"within {boundaries.bent_deg:.0f}° of your own upright"


def _unknown(frame: Frame) -> str:
    if frame.quality is Quality.UNCALIBRATED:
        return "The sensors are not calibrated on this wearer yet, so no posture is named."
    return f"No posture is named for this second.{_missing(frame.missing)}"


def _sagittal(angle_deg: float) -> str:
    if abs(angle_deg) < 0.5:
        return "upright"
    return f"{abs(angle_deg):.0f}° {'forward' if angle_deg > 0 else 'back'}"


def _missing(missing: tuple[Placement, ...]) -> str:
    if not missing:
        return ""
    return f" Less sure, since {' and '.join(missing)} sent little or nothing."
