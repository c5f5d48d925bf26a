"""Sensors that no longer sit where they were calibrated: changed places, or poses no trunk takes.

Two sensors have changed places where, for 30 s in a row (60 s of neighbours), each fits the other's calibrated upright and
neither its own: it is within 15° and half of what the two uprights are apart of the other's, and
further than three quarters of that from its own. That takes a wearer who is upright for a while, and
uprights at least 16° apart; sensors whose axes agree cannot be told from one another.

A pose is impossible where, for 60 s, the trunk is curled or to a side by a third more than any of 29
seated people for a second. Then the sensor further from its own upright is
doubted, which need not be the one that slipped. Who lies takes poses of all kinds and is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from analytics.core.angles import mean_up
from analytics.core.axes import SegmentAxes, between_deg, dot
from analytics.core.joining import SecondTable
from analytics.core.runs import follows, run_length
from contracts.units import DEG_PER_RAD, RAD_PER_DEG
from contracts.vocabulary import LOWER_PLACEMENTS, UPPER_PLACEMENTS, Placement

Flags = NDArray[np.bool_]
Degrees = NDArray[np.float64]

SWAPPED_AFTER_S: Final = 30
#: Of two sensors other than the best upper and lower one: they lean alike, and with sensors that sit
#: anyhow one of 700 such pairs fits by chance for half of this while its wearer leans.
NEIGHBOURS_AFTER_S: Final = 60
MIN_APART_DEG: Final = 16.0
SWAPPED_WITHIN_DEG: Final = 15.0
OWN_SHARE: Final = 0.75

IMPOSSIBLE_AFTER_S: Final = 60
#: Of 29 seated people the least and the greatest curl (T4 against L5) were -24° and 55°, the greatest
#: difference sideways 28°, the furthest to a side 35° (T4) and 29° (L5).
LEAST_CURL_DEG: Final = -32.0
GREATEST_CURL_DEG: Final = 73.0
MAX_SIDE_DIFFERENCE_DEG: Final = 37.0
MAX_SIDE_DEG: Final = 47.0
#: From here on a trunk lies rather than sits.
LYING_DEG: Final = 60.0

Axes = Mapping[Placement, SegmentAxes]


@dataclass(frozen=True, slots=True, eq=False)
class Misplaced:
    """(n, placements) each: the sensors that have changed places, and those that point impossibly."""

    swapped: Flags
    impossible: Flags


class PlacementWatch:
    """Seconds and the calibrated axes in; which sensors do not sit where they were calibrated out."""

    def __init__(self, placements: tuple[Placement, ...]) -> None:
        """``placements``: those worn, in the order of the tables' columns."""
        self.placements = placements
        self._previous_s = -1
        self._swapped_s: dict[str, int] = {}
        self._impossible_s: dict[str, int] = {}

    def forget(self) -> None:
        """Begin anew, under another calibration."""
        self._swapped_s, self._impossible_s = {}, {}

    def update(self, table: SecondTable, axes: Axes) -> Misplaced:
        """Each second of a non-empty table under one calibration."""
        connected = follows(table.second, self._previous_s)
        self._previous_s = int(table.second[-1])
        swapped, impossible = np.zeros((2, len(table), len(self.placements)), np.bool_)
        ups = {p: mean_up(table, c) for c, p in enumerate(self.placements) if p in axes}
        if _all_near(ups, axes):
            self.forget()
            return Misplaced(swapped, impossible)
        away_deg = {p: _away_deg(up, axes[p]) for p, up in ups.items()}
        upper = next((p for p in UPPER_PLACEMENTS if p in ups), None)
        lower = next((p for p in LOWER_PLACEMENTS if p in ups), None)
        for one, other in combinations(ups, 2):
            fits = _fit_each_other(ups, axes, away_deg, one, other)
            after_s = SWAPPED_AFTER_S if {one, other} == {upper, lower} else NEIGHBOURS_AFTER_S
            found = self._lasts(self._swapped_s, f"{one}-{other}", fits, connected, after_s)
            swapped[:, self.placements.index(one)] |= found
            swapped[:, self.placements.index(other)] |= found
        for placement, flags in _impossible(ups, axes, away_deg, upper, lower).items():
            found = self._lasts(
                self._impossible_s, placement.value, flags, connected, IMPOSSIBLE_AFTER_S
            )
            impossible[:, self.placements.index(placement)] |= found
        return Misplaced(swapped, impossible & ~swapped)

    def _lasts(
        self, runs_s: dict[str, int], name: str, flag: Flags, connected: Flags, after_s: int
    ) -> Flags:
        length = run_length(flag, connected, runs_s.get(name, 0))
        runs_s[name] = int(length[-1])
        lasting: Flags = length >= after_s
        return lasting

    def state(self) -> dict[str, Any]:
        """All there is to know to go on, as plain values."""
        return {
            "previous_s": self._previous_s,
            "swapped_s": self._swapped_s,
            "impossible_s": self._impossible_s,
        }

    def load(self, state: dict[str, Any]) -> None:
        """Go on from :meth:`state`."""
        self._previous_s = state["previous_s"]
        self._swapped_s = dict(state["swapped_s"])
        self._impossible_s = dict(state["impossible_s"])


def _all_near(ups: Mapping[Placement, Degrees], axes: Axes) -> bool:
    """Whether all sensors are so near their uprights all the time that nothing can be wrong."""
    near = np.cos(OWN_SHARE * MIN_APART_DEG * RAD_PER_DEG)
    return all(bool((dot(up, axes[p].up) > near).all()) for p, up in ups.items())


def _away_deg(up: Degrees, axes: SegmentAxes) -> Degrees:
    """How far (n, 3) 'up' is from the calibrated upright; NaN where there is no sample."""
    away_deg: Degrees = np.arccos(np.clip(dot(up, axes.up), -1.0, 1.0)) * DEG_PER_RAD
    return away_deg


def _fit_each_other(
    ups: Mapping[Placement, Degrees],
    axes: Axes,
    away_deg: Mapping[Placement, Degrees],
    one: Placement,
    other: Placement,
) -> Flags:
    apart_deg = between_deg(axes[one].up, axes[other].up)
    if apart_deg < MIN_APART_DEG:
        return np.zeros(len(ups[one]), np.bool_)
    within_deg = min(SWAPPED_WITHIN_DEG, apart_deg / 2)
    fits: Flags = _away_deg(ups[one], axes[other]) < within_deg
    fits &= _away_deg(ups[other], axes[one]) < within_deg
    fits &= away_deg[one] > OWN_SHARE * apart_deg
    fits &= away_deg[other] > OWN_SHARE * apart_deg
    return fits


def _impossible(
    ups: Mapping[Placement, Degrees],
    axes: Axes,
    away_deg: Mapping[Placement, Degrees],
    upper: Placement | None,
    lower: Placement | None,
) -> dict[Placement, Flags]:
    """Flags by placement, of one upper and one lower sensor or the one there is of them."""
    trunk = [p for p in (upper, lower) if p is not None]
    sits = np.ones(len(ups[trunk[0]]) if trunk else 0, np.bool_)
    for placement in trunk:
        sits &= ~(away_deg[placement] >= LYING_DEG)
    side_deg = {p: axes[p].lateral_deg(ups[p]) for p in trunk}
    flags = {p: sits & (np.abs(side_deg[p]) > MAX_SIDE_DEG) for p in trunk}
    if upper is None or lower is None:
        return flags
    side = np.abs(side_deg[upper]), np.abs(side_deg[lower])
    if axes[upper].two_fold or axes[lower].two_fold:
        odd: Flags = np.abs(side[0] - side[1]) > MAX_SIDE_DIFFERENCE_DEG
        upper_further = side[0] > side[1]
    else:
        curl_deg = axes[upper].flexion_deg(ups[upper]) - axes[lower].flexion_deg(ups[lower])
        aside = np.abs(side_deg[upper] - side_deg[lower]) > MAX_SIDE_DIFFERENCE_DEG
        odd = aside | (curl_deg < LEAST_CURL_DEG) | (curl_deg > GREATEST_CURL_DEG)
        upper_further = np.where(aside, side[0] > side[1], away_deg[upper] > away_deg[lower])
    flags[upper] |= sits & odd & upper_further
    flags[lower] |= sits & odd & ~upper_further
    return flags
