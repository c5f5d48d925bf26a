"""A sensor that turned on the body: it turns by itself, suddenly, and stays so.

Whoever moves a part of the trunk moves the rest of it, if only a little, and takes a second or two.
A strap that slips turns one sensor at once while the wearer's others feel nothing. So a lone turn
counts as a slip where

- the sensor turns by 8° or more and is still there 12 s later;
- the other sensors of the trunk neither move with it nor turn meanwhile;
- it was sudden: θ² / ∫ω² dt, which is 0.7 of a smooth turn's duration, is at most 0.9 s; or it was so
  sudden that the gyroscope missed it.

One that turns back to where it was within ten minutes was a reach, or has been put right. Between two
neighbours that stay still a vertebra cannot turn, so there a slow turn counts too. With no other sensor
only a turn counts that is quicker than a trunk and out of rest. A head may turn alone, and is left out;
a neck may nod, and has to turn further. What cannot be told from a body that moves is not called a slip:
a slow turn with two sensors, one while the wearer moves, one about the long axis.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from analytics.core.axes import Vector, between_deg
from analytics.core.joining import SecondTable
from analytics.core.motion import mean_square
from analytics.core.rows import ACC_Z, GYRO_X, RAILED, SAME, UP_X
from contracts.units import RAD_PER_DEG
from contracts.vocabulary import Placement

#: What is kept of the last seconds is in every snapshot: half as long as it would be in float64.
Array = NDArray[np.float32]
Flags = NDArray[np.bool_]

#: Seconds looked at, of which the one at SHOWS shows the turn and the last one is when it is decided.
LOOK_S: Final = 19
SHOWS: Final = 6
_BEFORE, _TURNING, _AFTER, _LATER = slice(0, 4), slice(4, 9), slice(9, 13), slice(15, 19)
#: Seconds of the turn for each second before it.
_PER_TURNING: Final = 5 / 4
#: A turn shows when 'down' has changed by this much in two seconds.
SHOWING_DEG: Final = 5.0
MIN_TURN_DEG: Final = 8.0
MIN_NECK_TURN_DEG: Final = 20.0
MIN_LONELY_TURN_DEG: Final = 15.0
#: A sensor that turned by less in two seconds, and at a lower rate, does not move: nine of ten seconds
#: of seated people sway by less than 1.4 deg/s.
STILL_DEG: Final = 3.0
QUIET_RAD_S: Final = 3.0 * RAD_PER_DEG
#: Longest θ² / ∫ω² dt of a slip, and of one without another sensor. No turn within the seconds looked
#: at gives as much as MISSED_S, unless the gyroscope missed it.
SUDDEN_S: Final = 0.9
LONELY_SUDDEN_S: Final = 0.25
MISSED_S: Final = 5.0
#: Part of the turn that has to be there soon after and later.
STAYING_SHARE: Final = 0.5
#: Another sensor stays if it turns by less than either meanwhile, and feels less than either of the
#: turn: this many times its sway before, or this part of the turning sensor's mean ω².
OTHERS_DEG: Final = 2.0
OTHERS_SHARE: Final = 0.15
SWAY_TIMES: Final = 4.0
FELT_SHARE: Final = 0.05
#: A lone turn that ends this near to where the sensor was before another one, not long ago, undoes it.
BACK_DEG: Final = 5.0
BACK_WITHIN_S: Final = 600
MAX_LEFT: Final = 4
#: A second counts with this part of its samples, fewer than that part of them frozen or cut off.
FULL_SHARE: Final = 0.8
USELESS_SHARE: Final = 0.25

#: Placements that may move without the trunk, and those between two neighbours.
_NECK: Final = (Placement.HEAD, Placement.C7)
_BETWEEN: Final = {
    Placement.T4: (Placement.C7, Placement.T12),
    Placement.T12: (Placement.T4, Placement.L5),
}
#: What is kept of a second and placement: unit 'up', unit 'down', ∫ω² dt, whether it is full, and
#: whether a turn of this sensor alone shows.
_UP, _DOWN, _ENERGY, _FULL, _SHOWN = slice(0, 3), slice(3, 6), 6, 7, 8
_KEPT: Final = 9
_NO_ENERGY: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Slip:
    """A sensor (by its column) slipped in the second ``turned_s``; known from ``row`` of a table on.

    ``back``: it turned back to where it was before, and is to be believed again.
    """

    row: int
    column: int
    turned_s: int
    back: bool = False


class SlipDetector:
    """Seconds in, slips out, 12 s after they show."""

    def __init__(self, placements: tuple[Placement, ...]) -> None:
        """``placements``: those worn, in the order of the tables' columns."""
        self.placements = placements
        self._second = np.full(LOOK_S, -1, np.int64)
        self._kept = np.zeros((LOOK_S, len(placements), _KEPT), np.float32)
        self._trunk = np.array([p not in _NECK for p in placements])
        # 'up' before the last lone turns of each sensor, with the second of the turn
        self._left: list[list[tuple[int, Vector]]] = [[] for _ in placements]

    def update(self, table: SecondTable) -> list[Slip]:
        """The slips that are known from a second of a non-empty table on, in time order."""
        second = np.concatenate([self._second, table.second])
        known = np.concatenate([self._kept, _values_of(table)])
        known[LOOK_S:, :, _SHOWN] = _shows_alone(second, known, self._trunk)
        # from the second that is decided on for the first new row to that for the last
        shown: Array = known[SHOWS : SHOWS + 1 + len(table), :, _SHOWN]
        starts: Flags = (shown[1:] > 0) & (shown[:-1] == 0)
        found = []
        for row, column in np.argwhere(starts).tolist():
            first, last = row + 1, row + LOOK_S
            if int(second[last] - second[first]) == LOOK_S - 1:
                found += self._judge(
                    row, column, int(second[first + SHOWS]), known[first : last + 1]
                )
        self._second, self._kept = second[-LOOK_S:].copy(), known[-LOOK_S:].copy()
        return found

    def _judge(self, row: int, column: int, turned_s: int, look: Array) -> list[Slip]:
        """What a lone turn was, of (LOOK_S, placements, …) of what is kept: a slip, its end, or nothing.

        Who reaches for something and sits back again has turned back to where he was.
        """
        if np.min(look[:, column, _FULL]) <= 0:
            return []  # a sensor that lost samples meanwhile may have no pose before or after
        before, later = (_pose(look[part, column]) for part in (_BEFORE, _LATER))
        left = [turn for turn in self._left[column] if turned_s - turn[0] <= BACK_WITHIN_S]
        back = any(_turn_deg(pose, later) < BACK_DEG for _, pose in left)
        slipped = self._slipped(_without_bias(look), column)
        self._left[column] = [] if back and slipped else [*left, (turned_s, before)][-MAX_LEFT:]
        return [Slip(row, column, turned_s, back)] if slipped else []

    def _slipped(self, look: Array, column: int) -> bool:
        """Whether the sensor turned by itself, suddenly, and stays so."""
        own = look[:, column]
        there: Flags = np.min(look[:, :, _FULL], axis=0) > 0
        others = [c for c in self._others(column) if there[c]]
        if not there[column] or not (others or _at_rest(own)):
            return False
        before, after, later = (_pose(own[part]) for part in (_BEFORE, _AFTER, _LATER))
        soon_deg, later_deg = _turn_deg(before, after), _turn_deg(before, later)
        turn_deg = max(soon_deg, later_deg)
        # without a gyroscope's word 'up' takes seconds to follow, 'down' does not
        downs = (_pose(own[part], _DOWN) for part in (_BEFORE, _AFTER))
        soon_deg = max(soon_deg, _turn_deg(*downs))
        if min(soon_deg, later_deg) < STAYING_SHARE * turn_deg:
            return False
        energy = float(own[_TURNING, _ENERGY].sum())  # ∫ω² dt, rad²/s
        still = [c for c in np.flatnonzero(there).tolist() if _stays(look[:, c], turn_deg, energy)]
        if not set(others) <= set(still):
            return False
        placement = self.placements[column]
        held = {self.placements[c] for c in still}.issuperset(_BETWEEN.get(placement, Placement))
        longest_s = np.inf if held else SUDDEN_S if others else LONELY_SUDDEN_S
        duration_s = (turn_deg * RAD_PER_DEG) ** 2 / max(energy, _NO_ENERGY)
        sudden = duration_s <= longest_s or duration_s >= MISSED_S
        return sudden and turn_deg >= _least_turn_deg(placement, alone=not others)

    def _others(self, column: int) -> list[int]:
        """Columns of the sensors that feel it where the trunk moves; a neck only where it is the rest."""
        others = [c for c in range(len(self.placements)) if c != column]
        return [c for c in others if self.placements[c] not in _NECK] or others

    def state(self) -> dict[str, Any]:
        """All there is to know to go on, as plain values."""
        return {
            "second": self._second.tobytes(),
            "kept": {p.value: self._kept[:, c].tobytes() for c, p in enumerate(self.placements)},
            "left": {
                p.value: [(turned_s, pose.tolist()) for turned_s, pose in self._left[c]]
                for c, p in enumerate(self.placements)
            },
        }

    def load(self, state: dict[str, Any]) -> None:
        """Go on from :meth:`state`; placements worn since start anew."""
        self._second = np.frombuffer(state["second"], np.int64)
        for column, placement in enumerate(self.placements):
            if placement.value in state["kept"]:
                kept = np.frombuffer(state["kept"][placement.value], np.float32)
                self._kept[:, column] = kept.reshape(LOOK_S, _KEPT)
                left = state["left"][placement.value]
                self._left[column] = [(turned_s, np.array(pose)) for turned_s, pose in left]


def _values_of(table: SecondTable) -> Array:
    """(n, placements, _KEPT) of what is kept; zero where there is no sample."""
    values = np.zeros((len(table), len(table.placements), _KEPT), np.float32)
    directions = values[:, :, : _DOWN.stop].reshape(*table.count.shape, 2, 3)
    directions[:] = _unit(table.sums[:, :, UP_X : ACC_Z + 1].reshape(directions.shape))
    values[:, :, _ENERGY] = mean_square(table.sums, table.count, GYRO_X)
    full = (table.count > 0) & (table.count >= FULL_SHARE * table.rate_hz)
    # what froze or was cut off jumps when it comes back, and readings of nothing have no direction
    full &= table.sums[:, :, SAME] + table.sums[:, :, RAILED] < USELESS_SHARE * table.count
    full &= np.all(np.any(directions, axis=3), axis=2)
    values[:, :, _FULL] = full
    return values


def _shows_alone(second: NDArray[np.int64], known: Array, trunk: Flags) -> Flags:
    """(n, placements) whether that sensor and no other has turned in the last two seconds."""
    now, then = known[LOOK_S:], known[LOOK_S - 2 : -2]
    there = (now[:, :, _FULL] > 0) & (then[:, :, _FULL] > 0)
    there &= (second[LOOK_S:] - second[LOOK_S - 2 : -2] == 2)[:, None]
    products = now[:, :, _DOWN] * then[:, :, _DOWN]
    cosine = products[:, :, 0] + products[:, :, 1] + products[:, :, 2]
    moves = there & (
        (cosine < np.cos(STILL_DEG * RAD_PER_DEG))
        | (now[:, :, _ENERGY] > QUIET_RAD_S**2)
        | (known[LOOK_S - 1 : -1, :, _ENERGY] > QUIET_RAD_S**2)
    )
    turned = there & (cosine < np.cos(SHOWING_DEG * RAD_PER_DEG))
    alone: Flags = turned & ((moves & trunk).sum(axis=1) <= 1)[:, None]
    return alone


def _without_bias(look: Array) -> Array:
    """What is kept, less the turn rate that was there all the time before: bias is no movement."""
    unbiased = look.copy()
    energy = unbiased[:, :, _ENERGY]
    np.maximum(energy - energy[_BEFORE].min(axis=0), 0.0, out=energy)
    return unbiased


def _at_rest(own: Array) -> bool:
    """Whether a sensor was quiet before and after its turn."""
    quiet_sq = QUIET_RAD_S**2
    return bool(
        (own[_BEFORE, _ENERGY] < quiet_sq).all() and (own[_AFTER, _ENERGY] < quiet_sq).all()
    )


def _stays(other: Array, turn_deg: float, energy: float) -> bool:
    """Whether another sensor did not move when the one turned, nor much since."""
    before, after, later = (_pose(other[part]) for part in (_BEFORE, _AFTER, _LATER))
    sway, felt = float(other[_BEFORE, _ENERGY].sum()), float(other[_TURNING, _ENERGY].sum())
    return (
        felt <= max(SWAY_TIMES * sway * _PER_TURNING, FELT_SHARE * energy)
        and _turn_deg(before, after) < max(OTHERS_DEG, OTHERS_SHARE * turn_deg)
        and _turn_deg(before, later) < max(STILL_DEG, STAYING_SHARE * turn_deg)
    )


def _least_turn_deg(placement: Placement, *, alone: bool) -> float:
    if placement is Placement.HEAD:
        return float(np.inf)
    if placement is Placement.C7:
        return MIN_NECK_TURN_DEG
    return MIN_LONELY_TURN_DEG if alone else MIN_TURN_DEG


def _pose(seconds: Array, of: slice = _UP) -> Vector:
    total: Vector = seconds[:, of].sum(axis=0, dtype=np.float64)
    return total


def _unit(total: Vector) -> Vector:
    length = np.sqrt(total[..., 0] ** 2 + total[..., 1] ** 2 + total[..., 2] ** 2)
    scaled: Vector = total / np.where(length > 0, length, 1.0)[..., None]
    return scaled


def _turn_deg(one: Vector, other: Vector) -> float:
    """The angle between two poses; none where one points nowhere."""
    return between_deg(one, other) if one.any() and other.any() else 0.0
