"""Calibrated wearers and seconds of angles, made up, for tests of what postures are told by."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from analytics.core.angles import Angles, centidegrees
from analytics.core.axes import SegmentAxes
from analytics.core.calibration import Calibration
from analytics.core.poses import PoseTemplate
from contracts.vocabulary import Placement

NAN = float("nan")
UPRIGHT_AXES = SegmentAxes(np.array([1.0, 0, 0]), np.array([0, 0, 1.0]), np.array([0, 1.0, 0]))
TWO_FOLD_AXES = SegmentAxes.of(UPRIGHT_AXES.up, UPRIGHT_AXES.back, front_log_odds=0.0)
#: A slump as most people's: the upper trunk bends, the pelvis stays or rolls back a little.
SLUMP = {Placement.C7: 20.0, Placement.T4: 24.0, Placement.T12: 16.0, Placement.L5: 2.0}


def calibrated(
    *placements: Placement,
    slump: Mapping[Placement, float] | None = SLUMP,
    two_fold: tuple[Placement, ...] = (),
    session_ns: tuple[int, int] = (0, 60),
) -> Calibration:
    """A wearer of ``placements`` with this flexion in the own rounded pose; None: none was held."""
    axes = {p: TWO_FOLD_AXES if p in two_fold else UPRIGHT_AXES for p in placements}
    rounded = None
    if slump is not None:
        flexion = {p: slump.get(p, slump[Placement.T4]) for p in placements}
        rounded = PoseTemplate({}, flexion, dict.fromkeys(placements, 0.0))
    return Calibration(axes, rounded, session_ns=session_ns)


def angles_at(
    flexion: Mapping[Placement, list[float]], lateral: Mapping[Placement, list[float]] | None = None
) -> Angles:
    """Seconds with these inclinations of each placement; lateral ones are 0 where not given."""
    size = len(next(iter(flexion.values())))
    sides = lateral or {}
    flexion_of = {p: centidegrees(np.array(v, np.float64)) for p, v in flexion.items()}
    lateral_of = {
        p: centidegrees(
            np.where(np.isnan(v), NAN, np.array(sides.get(p, [0.0] * size), np.float64))
        )
        for p, v in flexion_of.items()
    }
    none = np.full(size, NAN)
    thorax = flexion_of.get(Placement.T4, flexion_of.get(Placement.C7, none))
    pelvis = flexion_of.get(Placement.L5, none)
    side = lateral_of.get(Placement.T4, none)
    return Angles(
        thorax,
        pelvis,
        centidegrees(thorax - pelvis),
        side,
        none,
        none,
        none,
        flexion_of,
        lateral_of,
    )
