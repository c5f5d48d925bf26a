"""In which part of the body a rounded second is rounded, as far as the placements can say."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.core.angles import Angles
from contracts.vocabulary import Pattern

PATTERNS: Final = tuple(Pattern)
#: The curl, tilt or roll at which a pattern is as marked as the others are at theirs.
UPPER_THORACIC_DEG: Final = 12.0
FORWARD_HEAD_DEG: Final = 15.0
COLLAPSED_CHEST_DEG: Final = 12.0
LUMBAR_SLUMP_DEG: Final = 8.0


def patterns_of(angles: Angles) -> NDArray[np.uint8]:
    """Codes of PATTERNS (n,): the most marked one; UNSPECIFIED where none is marked at all.

    Upper-thoracic is the upper trunk's curl (or tilt) less the lower half's share in it; a lumbar slump
    is a pelvis rolled back under a flexed trunk.
    """
    lower_half = np.fmax(angles.lower_thoracic_deg, 0.0)
    marked = {
        Pattern.UPPER_THORACIC: (angles.rounding_deg - lower_half) / UPPER_THORACIC_DEG,
        Pattern.FORWARD_HEAD: angles.head_flexion_deg / FORWARD_HEAD_DEG,
        Pattern.COLLAPSED_CHEST: angles.lower_thoracic_deg / COLLAPSED_CHEST_DEG,
        Pattern.LUMBAR_SLUMP: -angles.pelvis_flexion_deg / LUMBAR_SLUMP_DEG,
    }
    columns = np.fmax(np.array(list(marked.values())), -np.inf)
    codes = np.array([PATTERNS.index(p) for p in marked], np.uint8)
    best: NDArray[np.uint8] = codes[columns.argmax(axis=0)]
    nothing = columns.max(axis=0) <= 0.0
    best[nothing] = PATTERNS.index(Pattern.UNSPECIFIED)
    return best
