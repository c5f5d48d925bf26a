"""Sensors that no longer sit where they were calibrated: changed places, or poses no trunk takes.

Two sensors have changed places where, for 30 s in a row (60 s of neighbours), each fits the other's
calibrated upright and neither its own: it is within 15° and half of what the two uprights are apart of
the other's, and further than three quarters of that from its own; and what the two show is no lean, which
turns a trunk's ends alike. That takes a wearer who is upright for a while, and uprights at least 16°
apart; sensors whose axes agree cannot be told from one another.

A pose is impossible where, for 60 s, the trunk is curled or to a side by a third more than any of 29
seated people for a second. Then the sensor further from its own upright is
doubted, which need not be the one that slipped. Who lies takes poses of all kinds and is left out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from analytics.core.axes import SegmentAxes, between_deg, dot
from analytics.core.directions import Directions, angle_deg
from analytics.core.joining import SecondTable
from analytics.core.runs import follows, run_length
from contracts.units import RAD_PER_DEG
from contracts.vocabulary import LOWER_PLACEMENTS, UPPER_PLACEMENTS, Placement

Flags = NDArray[np.bool_]

SWAPPED_AFTER_S: Final = 30
#: Of two sensors other than the best upper and lower one: they lean alike, and with sensors that sit
#: anyhow one of 700 such pairs fits by chance for half of this while its wearer leans.
NEIGHBOURS_AFTER_S: Final = 60
MIN_APART_DEG: Final = 16.0
SWAPPED_WITHIN_DEG: Final = 15.0
OWN_SHARE: Final = 0.75
#: Who leans can bring two sensors that sit anyhow to each other's uprights by chance: in 3,480 pairs of
#: turned sensors of 29 people 13 times for 20 s and more, turned by at most 17° against each other.
#: Swapped ones as printed turn against each other by 36° and more; no lean goes beyond LYING_DEG.
MOST_AGAINST_DEG: Final = 25.0

IMPOSSIBLE_AFTER_S: Final = 60
#: Of 29 seated people the least and the greatest curl (T4 against L5) were -24° and 55°, the greatest
#: difference sideways 28°, the furthest to a side 35° (T4) and 29° (L5).
LEAST_CURL_DEG: Final = -32.0
GREATEST_CURL_DEG: Final = 73.0
MAX_SIDE_DIFFERENCE_DEG: Final = 37.0
MAX_SIDE_DEG: Final = 47.0
#: No pose is impossible where the upper and the lower trunk are together no further off upright: neither
#: their curl nor a side can be more than that.
ALWAYS_POSSIBLE_DEG: Final = 30.0
#: From here on a trunk lies rather than sits.
LYING_DEG: Final = 60.0
#: So near to its own upright no sensor can be one that has changed places, nor a pose impossible.
_NEAR: Final = math.cos(OWN_SHARE * MIN_APART_DEG * RAD_PER_DEG)

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
        seen = Directions.of(table, axes)
        if (seen.along > _NEAR).all():
            self.forget()
            return Misplaced(swapped, impossible)
        upper = next((p for p in UPPER_PLACEMENTS if p in seen.placements), None)
        lower = next((p for p in LOWER_PLACEMENTS if p in seen.placements), None)
        fits = _fit_each_other(table, axes, seen)
        odd = _impossible(seen, axes, upper, lower)
        swapped_s, self._swapped_s = self._swapped_s, {}
        for (one, other), flags in fits.items():
            after_s = SWAPPED_AFTER_S if {one, other} == {upper, lower} else NEIGHBOURS_AFTER_S
            name = f"{one}-{other}"
            run_s = run_length(flags, connected, swapped_s.get(name, 0))
            self._swapped_s[name] = int(run_s[-1])
            columns = [self.placements.index(one), self.placements.index(other)]
            swapped[:, columns] |= (run_s >= after_s)[:, None]
        impossible_s, self._impossible_s = self._impossible_s, {}
        for placement, flags in odd.items():
            run_s = run_length(flags, connected, impossible_s.get(placement.value, 0))
            self._impossible_s[placement.value] = int(run_s[-1])
            impossible[:, self.placements.index(placement)] |= run_s >= IMPOSSIBLE_AFTER_S
        return Misplaced(swapped, impossible & ~swapped)

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


def _fit_each_other(
    table: SecondTable, axes: Axes, seen: Directions
) -> dict[tuple[Placement, Placement], Flags]:
    """(n,) flags of the pairs of which each fits the other's upright and neither its own."""
    if not ((seen.away_deg > OWN_SHARE * MIN_APART_DEG).sum(axis=0) > 1).any():
        return {}  # whoever has changed places is far from the own upright, and so is the other
    fits: dict[tuple[Placement, Placement], Flags] = {}
    for one, other in combinations(range(len(seen.placements)), 2):
        pair = seen.placements[one], seen.placements[other]
        apart_deg = between_deg(axes[pair[0]].up, axes[pair[1]].up)
        if apart_deg < MIN_APART_DEG:
            continue
        within_deg = min(SWAPPED_WITHIN_DEG, apart_deg / 2)
        flags: Flags = seen.away_deg[one] > OWN_SHARE * apart_deg
        flags &= seen.away_deg[other] > OWN_SHARE * apart_deg
        if flags.any():
            ups = (table.up[:, seen.columns[row]].T for row in (one, other))
            for up, others in zip(ups, reversed(pair), strict=True):
                flags &= angle_deg(dot(up, axes[others].up)) < within_deg
            two_fold = axes[pair[0]].two_fold or axes[pair[1]].two_fold
            fits[pair] = flags & ~_leans(seen, one, other, two_fold=two_fold)
    return fits


def _leans(seen: Directions, one: int, other: int, *, two_fold: bool) -> Flags:
    """(n,) whether the two rows lean alike, forward and to the side, whichever way they may face."""
    flexion_deg, lateral_deg = seen.flexion_deg, seen.lateral_deg
    furthest_deg = np.maximum(seen.away_deg[one], seen.away_deg[other])
    alike = np.zeros(furthest_deg.size, np.bool_)
    for sign in (1, -1) if two_fold else (1,):
        forward_deg = flexion_deg[one] - sign * flexion_deg[other]
        aside_deg = lateral_deg[one] - sign * lateral_deg[other]
        alike |= forward_deg**2 + aside_deg**2 <= MOST_AGAINST_DEG**2
    leans: Flags = alike & (furthest_deg <= LYING_DEG)
    return leans


def _impossible(
    seen: Directions, axes: Axes, upper: Placement | None, lower: Placement | None
) -> dict[Placement, Flags]:
    """Flags by placement, of one upper and one lower sensor or the one there is of them."""
    trunk = {p: seen.placements.index(p) for p in (upper, lower) if p is not None}
    away_deg = {p: seen.away_deg[row] for p, row in trunk.items()}
    if not np.any(sum(np.fmax(away, 0.0) for away in away_deg.values()) > ALWAYS_POSSIBLE_DEG):
        return {}
    sits = np.logical_and.reduce([~(away >= LYING_DEG) for away in away_deg.values()])
    side_deg = {p: seen.lateral_deg[row] for p, row in trunk.items()}
    flags = {p: sits & (np.abs(side) > MAX_SIDE_DEG) for p, side in side_deg.items()}
    if upper is None or lower is None:
        return flags
    side = np.abs(side_deg[upper]), np.abs(side_deg[lower])
    if axes[upper].two_fold or axes[lower].two_fold:
        odd: Flags = np.abs(side[0] - side[1]) > MAX_SIDE_DIFFERENCE_DEG
        upper_further = side[0] > side[1]
    else:
        curl_deg = seen.flexion_deg[trunk[upper]] - seen.flexion_deg[trunk[lower]]
        aside = np.abs(side_deg[upper] - side_deg[lower]) > MAX_SIDE_DIFFERENCE_DEG
        odd = aside | (curl_deg < LEAST_CURL_DEG) | (curl_deg > GREATEST_CURL_DEG)
        upper_further = np.where(aside, side[0] > side[1], away_deg[upper] > away_deg[lower])
    flags[upper] |= sits & odd & upper_further
    flags[lower] |= sits & odd & ~upper_further
    return flags
