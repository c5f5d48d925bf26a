"""Inclinations beyond what the model's people showed, brought back to what they mean.

People were asked to slump and to lean once, some degrees each; in daily life they go further. More of the
own rounded pose (bent further above, rolled back further below) is rounded all the same, and a deeper bend
at the hip is still one. The numbers that were fitted would find neither like anything.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

#: Where the whole trunk is bent further than this, what both ends share counts no more.
DEEP_BEND_DEG: Final = 25.0
#: A pelvis that is rolled back is a slump only where the upper trunk is bent by this part of the own one.
BENT_SHARE: Final = 0.6

Degrees = NDArray[np.float64]


def brought_back(
    thorax_deg: Degrees, pelvis_deg: Degrees, own_deg: tuple[float, float] | None
) -> tuple[Degrees, Degrees]:
    """(n,) flexion of upper and lower trunk, beyond the wearer's own rounded pose ``own_deg`` (upper,
    lower) moved back to it as far as the curl is beyond that pose's, and deep bends made shallower.
    """
    thorax, pelvis = thorax_deg, pelvis_deg
    shared = np.maximum(np.minimum(thorax_deg, pelvis_deg) - DEEP_BEND_DEG, 0.0)
    if shared.any():
        thorax, pelvis = thorax_deg - shared, pelvis_deg - shared
    if own_deg is None:
        return thorax, pelvis
    own_thorax, own_pelvis = own_deg
    curled = np.maximum(thorax - pelvis - (own_thorax - own_pelvis), 0.0)
    if not curled.any():
        return thorax, pelvis
    bent_further = np.minimum(np.maximum(thorax - own_thorax, 0.0), curled)
    rolled_back = np.minimum(np.maximum(own_pelvis - pelvis, 0.0), curled - bent_further)
    rolled_back = np.where(thorax >= BENT_SHARE * own_thorax, rolled_back, 0.0)
    return thorax - bent_further, pelvis + rolled_back
