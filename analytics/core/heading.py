"""What is expected of a wearer who held no slump: which way is forward is known by some degrees only.

Sensors are put on by hand, and nobody bends quite straight: who bends forward seems to lean to a side a
little as well. Only a slump in the calibration is forward by definition; without, expectations get wider.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from analytics.core.posture_model import Expected
from contracts.units import RAD_PER_DEG
from contracts.vocabulary import Placement

#: How far the printed z axis was off the back, as a standard deviation: 1.48 times the median of 29 people.
PRINTED_OFF_DEG: Final = {
    Placement.C7: 8.0,
    Placement.T4: 9.0,
    Placement.T12: 6.0,
    Placement.L5: 3.0,
}


def without_slump(
    expected: tuple[Expected, ...], placements: Sequence[Placement]
) -> tuple[Expected, ...]:
    """Expectations of these placements' inclinations, flexions first, with that error.

    Those of one sensor alone stay as they are: it tells sides by nothing else.
    """
    if len(placements) < 2:
        return expected
    return tuple(_wider(posture, placements) for posture in expected)


def _wider(posture: Expected, placements: Sequence[Placement]) -> Expected:
    """An error of the heading by e turns (flexion, lateral) by e, to the first order."""
    covariance_deg2 = posture.covariance_deg2.copy()
    m = len(placements)
    for column, placement in enumerate(placements):
        turned = np.zeros(2 * m)
        turned[column] = -posture.mean_deg[m + column]
        turned[m + column] = posture.mean_deg[column]
        off_rad = PRINTED_OFF_DEG[placement] * RAD_PER_DEG
        covariance_deg2 += np.outer(turned, turned) * off_rad**2
    return Expected(posture.mean_deg, covariance_deg2)
