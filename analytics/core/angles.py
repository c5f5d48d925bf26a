"""Calibrated 'up' vectors to the angles of :mod:`contracts.records`, one row a second.

Every angle is rounded to 0.01° here, before anything is decided on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from analytics.core.calibration import Calibration
from analytics.core.directions import Directions
from analytics.core.joining import SecondTable
from contracts.vocabulary import LOWER_PLACEMENTS, UPPER_PLACEMENTS, Placement

Degrees = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Angles:
    """Columns of (n,) degrees, NaN where there is none; names as in the records.

    ``flexion_of`` and ``lateral_of`` are each placement's own, as its axes give them whatever way a
    two-fold one faces, and ``pelvis_lateral_deg``: they stay within the core, where postures are told
    by them.
    """

    thorax_flexion_deg: Degrees
    pelvis_flexion_deg: Degrees
    trunk_flexion_deg: Degrees
    lateral_deg: Degrees
    head_flexion_deg: Degrees
    lower_thoracic_deg: Degrees
    pelvis_lateral_deg: Degrees
    flexion_of: Mapping[Placement, Degrees] = field(default_factory=dict)
    lateral_of: Mapping[Placement, Degrees] = field(default_factory=dict)

    @property
    def rounding_deg(self) -> Degrees:
        """How far the trunk is rounded: its curl, or where there is no lower sensor its tilt."""
        return _first_of(self.trunk_flexion_deg, self.thorax_flexion_deg)

    def facing(self, sign: Mapping[Placement, Degrees]) -> Angles:
        """The same seconds with the angles of two-fold placements times their (n,) ``sign``."""
        if not sign:
            return self
        flexion = {
            p: own * sign[p] + 0.0 if p in sign else own for p, own in self.flexion_of.items()
        }
        lateral = {
            p: own * sign[p] + 0.0 if p in sign else own for p, own in self.lateral_of.items()
        }
        turned = _composed(flexion, lateral, np.full(self.lateral_deg.size, np.nan))
        return replace(turned, flexion_of=self.flexion_of, lateral_of=self.lateral_of)


def angles_of(
    table: SecondTable,
    calibration: Calibration | None,
    on_feet: NDArray[np.bool_] | None = None,
) -> Angles:
    """The angles of each second; all NaN without a calibration.

    ``on_feet`` (n,): seconds that are held against the standing neutral, where there is one.
    """
    none = np.full(len(table), np.nan)
    if calibration is None:
        return _composed({}, {}, none)
    seen = Directions.of(table, calibration.axes)
    flexion_deg, lateral_deg = seen.flexion_deg, seen.lateral_deg
    if calibration.standing and on_feet is not None and on_feet.any():
        flexion_deg, lateral_deg = flexion_deg.copy(), lateral_deg.copy()
        for row, (column, placement) in enumerate(zip(seen.columns, seen.placements, strict=True)):
            standing = calibration.standing.get(placement)
            if standing is not None:
                up = table.up[:, column].T
                flexion_deg[row] = np.where(on_feet, standing.flexion_deg(up), flexion_deg[row])
                lateral_deg[row] = np.where(on_feet, standing.lateral_deg(up), lateral_deg[row])
    flexion_deg, lateral_deg = centidegrees(flexion_deg), centidegrees(lateral_deg)
    return _composed(
        dict(zip(seen.placements, flexion_deg, strict=True)),
        dict(zip(seen.placements, lateral_deg, strict=True)),
        none,
    )


def _composed(
    flexion: Mapping[Placement, Degrees], lateral: Mapping[Placement, Degrees], none: Degrees
) -> Angles:
    """The angles of the records from each placement's own."""
    thorax = _first(flexion, UPPER_PLACEMENTS, none)
    pelvis = _first(flexion, LOWER_PLACEMENTS, none)
    head = _first(flexion, (Placement.HEAD, Placement.C7), none)
    t4, t12, l5 = (flexion.get(p, none) for p in (Placement.T4, Placement.T12, Placement.L5))
    return Angles(
        thorax_flexion_deg=thorax,
        pelvis_flexion_deg=pelvis,
        trunk_flexion_deg=_difference(thorax, pelvis, none),
        lateral_deg=_first(lateral, UPPER_PLACEMENTS, none),
        head_flexion_deg=_difference(head, t4, none),
        lower_thoracic_deg=_difference(t12, l5, none),
        pelvis_lateral_deg=_first(lateral, LOWER_PLACEMENTS, none),
        flexion_of=flexion,
        lateral_of=lateral,
    )


def _difference(one: Degrees, other: Degrees, none: Degrees) -> Degrees:
    return none if one is none or other is none else centidegrees(one - other)


def centidegrees(angle: Degrees) -> Degrees:
    """Angles as multiples of 0.01°."""
    rounded: Degrees = angle.round(2)
    rounded += 0.0  # no negative zero
    return rounded


def _first(
    angle: Mapping[Placement, Degrees], order: tuple[Placement, ...], none: Degrees
) -> Degrees:
    """Second by second the angle of the first placement of ``order`` that has one."""
    chosen = none
    for placement in reversed(order):
        if placement in angle:
            chosen = _first_of(angle[placement], chosen)
    return chosen


def _first_of(one: Degrees, other: Degrees) -> Degrees:
    missing = np.isnan(one)
    return np.where(missing, other, one) if missing.any() else one
