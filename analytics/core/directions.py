"""Where the sensors' 'up' points among the axes of the segments that they were calibrated for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.core.axes import SegmentAxes
from analytics.core.joining import SecondTable
from contracts.units import DEG_PER_RAD
from contracts.vocabulary import Placement

Components = NDArray[np.float64]
Degrees = NDArray[np.float64]

_MADE: Final = "directions"


@dataclass(frozen=True, eq=False)
class Directions:
    """Of m calibrated ``placements``, at their ``columns`` of the table: the parts of unit 'up' ``along``
    the calibrated upright, towards ``behind`` and to the ``left``, (m, n) each, NaN without a sample.
    """

    placements: tuple[Placement, ...]
    columns: tuple[int, ...]
    along: Components
    behind: Components
    left: Components

    @classmethod
    def of(cls, table: SecondTable, axes: Mapping[Placement, SegmentAxes]) -> Directions:
        """Of each second of a table; made once, however many stages ask for the same ``axes``."""
        known = table.made.get(_MADE)
        if known is not None and known[0] is axes:
            made: Directions = known[1]
            return made
        columns = tuple(c for c, p in enumerate(table.placements) if p in axes)
        placements = tuple(table.placements[c] for c in columns)
        own = [axes[p] for p in placements]
        three = np.array([[a.up for a in own], [a.back for a in own], [a.left for a in own]])
        three = three.reshape(3, len(own), 3, 1)
        x, y, z = table.up if len(own) == len(table.placements) else table.up[:, columns]
        # term by term: a BLAS product may differ with the number of rows
        parts = three[:, :, 0] * x + three[:, :, 1] * y + three[:, :, 2] * z
        table.made[_MADE] = (axes, made := cls(placements, columns, *parts))
        return made

    @cached_property
    def flexion_deg(self) -> Degrees:
        """(m, n) sagittal inclination, forward positive."""
        return np.arctan2(self.behind, self.along) * DEG_PER_RAD

    @cached_property
    def lateral_deg(self) -> Degrees:
        """(m, n) lateral inclination, right positive."""
        return np.arcsin(np.clip(self.left, -1.0, 1.0)) * DEG_PER_RAD

    @cached_property
    def away_deg(self) -> Degrees:
        """(m, n) how far 'up' is from the calibrated upright."""
        return angle_deg(self.along)


def angle_deg(cosine: Components) -> Degrees:
    """The angles whose cosines these are, whatever rounding has made of a 1."""
    angle: Degrees = np.arccos(np.clip(cosine, -1.0, 1.0)) * DEG_PER_RAD
    return angle
