"""Postures that a second's inclinations rule out, however near the likeliest of the others is.

Likelihoods compare six postures of people; where a trunk goes far beyond all of them, the widest would be
named. Nobody leans to a side with no sensor on that side, reclines with the upper trunk bent forward, or
is merely rounded with the pelvis bent far forward.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.core.inclinations import Inclinations
from analytics.core.posture_model import CLASS, CLASSES
from contracts.vocabulary import Posture

#: Of 29 people reclining none bent the upper trunk as far forward.
RECLINED_MOST_THORAX_DEG: Final = 10.0

Flags = NDArray[np.bool_]
Degrees = NDArray[np.float64]


def ruled_out(
    seen: Inclinations,
    thorax_flexion_deg: Degrees,
    pelvis_flexion_deg: Degrees,
    hip_bend_deg: float,
) -> Flags:
    """(n, 6) which of CLASSES cannot be; an inclination that is missing rules nothing out."""
    barred = np.zeros((len(seen), len(CLASSES)), np.bool_)
    barred[:, CLASS[Posture.ROUNDED]] = pelvis_flexion_deg >= hip_bend_deg
    barred[:, CLASS[Posture.RECLINED]] = thorax_flexion_deg > RECLINED_MOST_THORAX_DEG
    left_deg, right_deg = _sides(seen)
    barred[:, CLASS[Posture.LEFT_LEAN]] = left_deg <= 0.0
    barred[:, CLASS[Posture.RIGHT_LEAN]] = right_deg <= 0.0
    return barred


def _sides(seen: Inclinations) -> tuple[Degrees, Degrees]:
    """(n,) how far the sensor that is furthest to the left, and to the right, is on that side."""
    m = len(seen.placements)
    left_deg, right_deg = np.full((2, len(seen)), np.nan)
    for column, placement in enumerate(seen.placements):
        lateral_deg = seen.degrees[:, m + column]
        either = placement in seen.chances  # nobody knows yet which side it leans to
        left_deg = np.fmax(left_deg, np.abs(lateral_deg) if either else -lateral_deg)
        right_deg = np.fmax(right_deg, np.abs(lateral_deg) if either else lateral_deg)
    return left_deg, right_deg
