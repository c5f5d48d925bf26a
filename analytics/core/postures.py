"""Angles to postures, by rules that can be said in a sentence.

With the flexion of upper and lower trunk, T and P, and the wearer's own rounded pose, in this order:

1. **reclined**: the trunk as a whole, (T + P) / 2, is back by ``reclined_deg`` or more.
2. **left/right lean**: T's lateral inclination, plus a third of the pelvis's, is beyond the boundary.
3. **rounded**: T is bent forward, the curl T - P is at least 0.65 of the personal rounded curl, and the
   pelvis has not tipped forward beyond ``hip_bend_deg`` (that is a bend at the hip, not a slump).
4. **forward_lean**: T is bent forward without that curl: the trunk came along from the hip.
5. **upright**: none of these.

The boundaries move with the settings: the personal ones in proportion to ``rounded_warn_deg`` against
its default. Without a rounded window the curl is held against ``rounded_warn_deg`` itself. With no lower
sensor T alone is held against it: rounding and leaning at the hip cannot be told apart then, which the
confidence says. With no upper sensor only reclining and leaning sideways are told.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.core.angles import Angles
from analytics.core.calibration import RoundedTemplate
from analytics.core.runs import hysteresis
from contracts.settings import PostureSettings
from contracts.vocabulary import POSTURES, Posture

#: Part of the personal rounded curl (or tilt, with no lower sensor) from which a second is rounded.
ROUNDED_SHARE: Final = 0.65
#: Bent forward begins at this part of ``rounded_warn_deg``.
BENT_SHARE: Final = 0.6
#: With a rounded window the forward axis is known well enough for a boundary this much nearer.
LEAN_SHARE: Final = 0.6
PELVIS_LATERAL_SHARE: Final = 0.3
#: The least personal curl a boundary is made of: less is within the error of measurement.
MIN_CURL_DEG: Final = 4.0
#: A hip bend begins this far beyond the pelvis of the personal rounded pose, where that is further.
HIP_BEYOND_ROUNDED_DEG: Final = 12.0
#: How sure a rule is at its nearest boundary, and from SURE_MARGIN_DEG on: what it was worth on 29
#: recorded people (docs/algorithms.md).
BOUNDARY_CONFIDENCE: Final = 0.6
SURE_CONFIDENCE: Final = 0.98
SURE_MARGIN_DEG: Final = 5.0
#: Most that is said where one sensor has to stand for two: of bending forward, and of all else.
ONE_SENSOR_BENT_CONFIDENCE: Final = 0.55
ONE_SENSOR_CONFIDENCE: Final = 0.9

CODE: Final = {posture: code for code, posture in enumerate(POSTURES)}
_DEFAULT: Final = PostureSettings()

Degrees = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Boundaries:
    """What the rules compare with, in degrees, of one wearer, calibration and settings."""

    bent_deg: float
    curl_deg: float
    tilt_deg: float  # for the upper trunk where there is no lower sensor
    stay_share: float  # once rounded, boundaries are this much lower
    lean_deg: float
    reclined_deg: float
    hip_bend_deg: float

    @classmethod
    def of(cls, settings: PostureSettings, rounded: RoundedTemplate | None) -> Boundaries:
        """The boundaries that settings and the personal rounded pose give."""
        warn_deg = settings.rounded_warn_deg
        strictness = warn_deg / _DEFAULT.rounded_warn_deg
        curl_deg = tilt_deg = warn_deg
        lean_deg, hip_bend_deg = settings.lean_deg, settings.hip_bend_deg
        if rounded is not None:
            tilt_deg = ROUNDED_SHARE * strictness * rounded.thorax_flexion_deg
            lean_deg *= LEAN_SHARE
            if rounded.pelvis_flexion_deg is not None:
                own_hip_deg = rounded.pelvis_flexion_deg + HIP_BEYOND_ROUNDED_DEG
                hip_bend_deg = max(hip_bend_deg, own_hip_deg)
                own_deg = rounded.thorax_flexion_deg - rounded.pelvis_flexion_deg
                curl_deg = ROUNDED_SHARE * strictness * max(own_deg, MIN_CURL_DEG)
        return cls(
            bent_deg=BENT_SHARE * warn_deg,
            curl_deg=curl_deg,
            tilt_deg=max(tilt_deg, BENT_SHARE * warn_deg),
            stay_share=1.0 - settings.hysteresis_deg / warn_deg,
            lean_deg=lean_deg,
            reclined_deg=settings.reclined_deg,
            hip_bend_deg=hip_bend_deg,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Postures:
    """Codes of POSTURES (n,) and how sure, 0 to 1 in steps of 0.01 (n,)."""

    posture: NDArray[np.uint8]
    confidence: NDArray[np.float64]


def classify(
    angles: Angles, boundaries: Boundaries, connected: Flags, was_rounded: bool
) -> Postures:
    """The posture of each second. ``was_rounded``: the second before the first was rounded."""
    thorax, pelvis = angles.thorax_flexion_deg, angles.pelvis_flexion_deg
    upper, lower = ~np.isnan(thorax), ~np.isnan(pelvis)
    curl = np.where(lower, angles.trunk_flexion_deg, thorax)
    limit = np.where(lower, boundaries.curl_deg, boundaries.tilt_deg)
    back = -np.where(upper & lower, (thorax + pelvis) / 2, np.where(upper, thorax, pelvis))
    side = _side(angles)
    reclined = back >= boundaries.reclined_deg
    leaning = ~reclined & (np.abs(side) >= boundaries.lean_deg)
    upright_or_bent = upper & ~reclined & ~leaning
    bent = upright_or_bent & (thorax >= boundaries.bent_deg)
    stay = boundaries.stay_share
    hip_bend = lower & (pelvis >= boundaries.hip_bend_deg)
    staying = (
        upright_or_bent
        & ~hip_bend
        & (thorax >= stay * boundaries.bent_deg)
        & (curl >= stay * limit)
    )
    rounded = hysteresis(bent & ~hip_bend & (curl >= limit), ~staying, connected, was_rounded)
    posture = np.where(upper, CODE[Posture.UPRIGHT], CODE[Posture.UNKNOWN]).astype(np.uint8)
    posture[bent] = CODE[Posture.FORWARD_LEAN]
    posture[rounded] = CODE[Posture.ROUNDED]
    posture[leaning & (side < 0)] = CODE[Posture.LEFT_LEAN]
    posture[leaning & (side > 0)] = CODE[Posture.RIGHT_LEAN]
    posture[reclined] = CODE[Posture.RECLINED]
    known = upper | lower
    posture[~known] = CODE[Posture.UNKNOWN]
    margin = _margin(posture, thorax, curl, limit, back, np.abs(side), boundaries, stay)
    return Postures(posture, _confidence(posture, margin, upper, lower))


def _side(angles: Angles) -> Degrees:
    """Lateral inclination that decides on leaning sideways; 0 where there is none."""
    upper, lower = angles.lateral_deg, angles.pelvis_lateral_deg
    pelvis = np.where(np.isnan(lower), 0.0, lower)
    return np.where(np.isnan(upper), pelvis, upper + PELVIS_LATERAL_SHARE * pelvis)


def _margin(
    posture: NDArray[np.uint8],
    thorax: Degrees,
    curl: Degrees,
    limit: Degrees,
    back: Degrees,
    side: Degrees,
    boundaries: Boundaries,
    stay: float,
) -> Degrees:
    """Degrees to the nearest boundary that would have given another posture."""
    from_back = boundaries.reclined_deg - back
    from_side = boundaries.lean_deg - side
    not_otherwise = np.minimum(from_back, from_side)
    margin = np.minimum(not_otherwise, boundaries.bent_deg - thorax)
    is_forward = posture == CODE[Posture.FORWARD_LEAN]
    margin[is_forward] = np.minimum(
        not_otherwise, np.minimum(thorax - boundaries.bent_deg, limit - curl)
    )[is_forward]
    is_rounded = posture == CODE[Posture.ROUNDED]
    margin[is_rounded] = np.minimum(
        not_otherwise, np.minimum(thorax - stay * boundaries.bent_deg, curl - stay * limit)
    )[is_rounded]
    leans = (posture == CODE[Posture.LEFT_LEAN]) | (posture == CODE[Posture.RIGHT_LEAN])
    margin[leans] = np.minimum(from_back, -from_side)[leans]
    is_reclined = posture == CODE[Posture.RECLINED]
    margin[is_reclined] = -from_back[is_reclined]
    return margin


def _confidence(posture: NDArray[np.uint8], margin: Degrees, upper: Flags, lower: Flags) -> Degrees:
    """Grows with the distance from the boundary; less where a sensor that could tell is missing."""
    far = np.minimum(np.maximum(margin / SURE_MARGIN_DEG, 0.0), 1.0)
    sure = BOUNDARY_CONFIDENCE + (SURE_CONFIDENCE - BOUNDARY_CONFIDENCE) * far
    is_bent = (posture == CODE[Posture.ROUNDED]) | (posture == CODE[Posture.FORWARD_LEAN])
    cap = np.where(is_bent, ONE_SENSOR_BENT_CONFIDENCE, ONE_SENSOR_CONFIDENCE)
    sure = np.where(upper & lower, sure, np.minimum(sure, cap))
    sure[posture == CODE[Posture.UNKNOWN]] = 0.0
    rounded: Degrees = np.round(sure, 2)
    return rounded
