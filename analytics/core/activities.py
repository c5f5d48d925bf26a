"""What the wearer does, as far as the trunk can tell, second by second.

=============  ====================================================================================
walking        the trunk is shaken by more than 0.6 m/s² at a step's 1 to 5 Hz, and turned
stairs         walking whose movement has become likelier to be of stairs
driving        the trunk has vibrated faster than 5 Hz, as a vehicle does, for 8 s, and within 6 s
lying          the trunk is 60° or more off upright (its lower part 70°), and quiet
not_worn       every worn sensor has been stiller than a living person for a minute
standing       the trunk is quiet and its movement has become likelier to be of standing
sitting        the trunk is quiet
unknown        anything else
=============  ====================================================================================

Standing and stairs are told by a small fitted model, of the placements that it was fitted for, and
followed over time. What the client or an agent marked goes before all of it, with its source. What a
second says of itself never changes later: labels that need time begin when that time has passed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from analytics.core.activity_model import ActivityModel
from analytics.core.beliefs import followed_odds
from analytics.core.calibration import Calibration
from analytics.core.directions import Directions
from analytics.core.joining import SecondTable
from analytics.core.marks import Marks
from analytics.core.motion import mean_of, mean_square
from analytics.core.movement import AT_REST, OTHER, WALKING, Movement, MovementReader
from analytics.core.results import ContextMark
from analytics.core.rows import ACC_X, GYRO_X, GYRO_Z, MAG, MAG_STEP_SQ
from analytics.core.runs import follows, hysteresis, run_length, trailing_sums
from analytics.core.trunk_motion import BestSensor
from analytics.core.uprightness import LYING_COSINE, Uprightness
from contracts.units import DEG_PER_RAD
from contracts.vocabulary import (
    ACTIVITIES,
    ACTIVITY_SOURCES,
    LOWER_PLACEMENTS,
    Activity,
    ActivitySource,
    Placement,
)

#: Seconds that the shake looks back on.
WINDOW_S: Final = 4
WALKING_SHAKE_M_S2: Final = 0.6
#: Hard heels shake a trunk faster than steps are, as a road does; but who takes steps turns by some
#: 20 deg/s besides, and who sits by less than 10, changes of posture included.
WALKING_TURN_RAD_S: Final = 15.0 / DEG_PER_RAD
QUIET_SHAKE_M_S2: Final = 0.4
#: A car shakes a trunk by 0.23 m/s² and more, a still person by less than 0.1.
DRIVING_SHAKE_M_S2: Final = 0.12
DRIVING_AFTER_S: Final = 8
#: Who shifts in a seat hides the road for up to 4 s (three of eight drivers), and has not got out.
DRIVING_BRIDGE_S: Final = 6
MAX_STEP_HZ: Final = 5.0
#: A sensor on a table is below 0.1 deg/s. Of 29 seated people the heart and the breath keep C7 and T4
#: above it but for 2 s in a row at most; L5 can be as still for as long as a posture was held.
STILL_GYRO_RAD_S: Final = 0.12 / DEG_PER_RAD
NOT_WORN_AFTER_S: Final = 60
#: With nothing at the upper trunk or the head.
NOT_WORN_BELOW_AFTER_S: Final = 300
#: How likely a sitting person stands, or a walking one is on stairs, a second later: while nothing
#: else is done, and while it is.
CHANGE: Final = 0.01
CHANGE_MEANWHILE: Final = 0.1
FORGOTTEN: Final = 0.5
#: Of 29 people who reclined on a seat one rolled the pelvis back by 63°: there lying begins at 70°.
LYING_BELOW_COSINE: Final = math.cos(70.0 / DEG_PER_RAD)

#: Rows that the shake needs of the seconds before.
_CARRIED: Final = 5

_CODE: Final = {activity: code for code, activity in enumerate(ACTIVITIES)}
_SOURCE: Final = {source: code for code, source in enumerate(ACTIVITY_SOURCES)}

Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Activities:
    """Codes of ACTIVITIES and ACTIVITY_SOURCES, (n,) each."""

    activity: NDArray[np.uint8]
    source: NDArray[np.uint8]


class ActivityDetector:
    """Seconds in, activities out."""

    def __init__(self, model: ActivityModel | None = None) -> None:
        self._previous_s = -1
        self._carried = np.zeros((_CARRIED, WINDOW_S - 1))
        self._still_s = 0
        self._above_still_s = 0
        self._vibrates_s = 0
        self._away_s = 0
        self._drove = False
        self._standing_odds = 1.0
        self._stairs_odds = 1.0
        self._movement = MovementReader(model or ActivityModel())
        self._uprightness: dict[Placement, Uprightness] = {}
        self._marks = Marks()

    def mark(self, mark: ContextMark) -> None:
        """An activity as the client or an agent says; holds for seconds not yet labelled."""
        self._marks.add(mark)

    def update(self, table: SecondTable, calibration: Calibration | None) -> Activities:
        """The activity of each second of a non-empty table."""
        connected = follows(table.second, self._previous_s)
        best = BestSensor.of(table)
        shake_sq, stepping = self._shake(best, connected)
        quiet = shake_sq < QUIET_SHAKE_M_S2**2
        walking = (shake_sq > WALKING_SHAKE_M_S2**2) & stepping
        vibrates = (shake_sq > DRIVING_SHAKE_M_S2**2) & ~stepping
        vibrates_s = run_length(vibrates, connected, self._vibrates_s)
        drives = self._drives(vibrates_s, connected)
        still = _still(table)
        still_s = run_length(still, connected, self._still_s)
        above_still = still & _above(table) if still.any() else still
        above_still_s = run_length(above_still, connected, self._above_still_s)
        kind = np.where(walking, WALKING, np.where(quiet, AT_REST, OTHER)).astype(np.int8)
        lying = _lying(table, calibration)
        movement = self._movement.update(
            best, kind, connected, table.placements, lying_is_asked=lying is None
        )
        if lying is None:
            lying = self._lying_by_itself(table.placements, best, kind, movement)
        standing, stairs = self._follow(kind, lying, connected, movement)

        activity = np.full(len(table), _CODE[Activity.UNKNOWN], np.uint8)
        activity[quiet] = _CODE[Activity.SITTING]
        activity[quiet & standing] = _CODE[Activity.STANDING]
        activity[walking] = _CODE[Activity.WALKING]
        activity[walking & stairs] = _CODE[Activity.STAIRS]
        activity[drives] = _CODE[Activity.DRIVING]
        activity[quiet & lying] = _CODE[Activity.LYING]
        not_worn = (above_still_s >= NOT_WORN_AFTER_S) | (still_s >= NOT_WORN_BELOW_AFTER_S)
        activity[not_worn] = _CODE[Activity.NOT_WORN]
        source = _sources(activity)
        self._marks.apply(table.second, activity, source)
        self._previous_s = int(table.second[-1])
        self._still_s, self._above_still_s = int(still_s[-1]), int(above_still_s[-1])
        self._vibrates_s = int(vibrates_s[-1])
        return Activities(activity, source)

    def _drives(self, vibrates_s: NDArray[np.int64], connected: Flags) -> Flags:
        """(n,) from DRIVING_AFTER_S of vibration on, until it was away for DRIVING_BRIDGE_S."""
        away_s = run_length(vibrates_s == 0, connected, self._away_s)
        drives = hysteresis(
            vibrates_s >= DRIVING_AFTER_S, away_s >= DRIVING_BRIDGE_S, connected, self._drove
        )
        self._away_s, self._drove = int(away_s[-1]), bool(drives[-1])
        return drives

    def _shake(self, best: BestSensor, connected: Flags) -> tuple[Floats, Flags]:
        """(n,) mean squared shake of the last seconds, and whether it can be that of steps."""
        count = best.count.astype(np.float64)
        n = np.maximum(count, 1.0)
        mean = best.sums[:, MAG] / n
        var = np.maximum(mean_square(best.sums, best.count, ACC_X) - mean * mean, 0.0)
        turn_sq = mean_square(best.sums, best.count, GYRO_X) * count
        step_sq = best.sums[:, MAG_STEP_SQ]
        windows, self._carried = trailing_sums(
            np.stack([count, var * count, step_sq, best.rate_hz * count, turn_sq]),
            connected,
            self._carried,
        )
        shake_sq, jerk_sq, rate, turn_sq = windows[1:] / np.maximum(windows[0], 1.0)
        # of a vibration at f, sampled at r: (mean squared step) = 2 var (1 - cos(2π f / r))
        ratio = 1.0 - np.cos(2 * np.pi * MAX_STEP_HZ / np.maximum(rate, 1))
        slow = jerk_sq < 2.0 * shake_sq * ratio
        stepping = (turn_sq > WALKING_TURN_RAD_S**2) & (shake_sq > WALKING_SHAKE_M_S2**2)
        return shake_sq, slow | stepping

    def _follow(
        self, kind: NDArray[np.int8], lying: Flags, connected: Flags, movement: Movement
    ) -> tuple[Flags, Flags]:
        """(n,) whether standing is likelier than sitting, and stairs likelier than walking."""
        upright = (kind == AT_REST) & ~lying
        change = np.where(upright, CHANGE, CHANGE_MEANWHILE)
        standing = followed_odds(
            self._standing_odds,
            np.where(connected, change, FORGOTTEN),
            np.where(upright, movement.standing, 0.0),
        )
        change = np.where(kind == WALKING, CHANGE, CHANGE_MEANWHILE)
        stairs = followed_odds(
            self._stairs_odds, np.where(connected, change, FORGOTTEN), movement.stairs
        )
        self._standing_odds, self._stairs_odds = float(standing[-1]), float(stairs[-1])
        return standing > 1.0, stairs > 1.0

    def _lying_by_itself(
        self,
        placements: tuple[Placement, ...],
        best: BestSensor,
        kind: NDArray[np.int8],
        movement: Movement,
    ) -> Flags:
        """(n,) whether the best sensor, which nobody calibrated, lies: by what it has shown so far."""
        lying = np.zeros(kind.size, np.bool_)
        directions = map(tuple, _directions(best).tolist())
        rows = zip(
            best.column.tolist(), best.count.tolist(), kind.tolist(), directions, strict=True
        )
        for row, (column, count, moved, up) in enumerate(rows):
            if count == 0 or moved == OTHER:
                continue
            known = self._uprightness.setdefault(placements[column], Uprightness())
            if moved == WALKING:
                known.walked(up)
            else:
                lying[row] = known.rested(up, float(movement.lying[row]))
        return lying

    def state(self) -> dict[str, Any]:
        """All there is to know to go on, as plain values."""
        return {
            "previous_s": self._previous_s,
            "carried": self._carried.tobytes(),
            "still_s": self._still_s,
            "above_still_s": self._above_still_s,
            "vibrates_s": self._vibrates_s,
            "away_s": self._away_s,
            "drove": self._drove,
            "standing_odds": self._standing_odds,
            "stairs_odds": self._stairs_odds,
            "movement": self._movement.state(),
            "uprightness": {p.value: u.state() for p, u in self._uprightness.items()},
            "marks": self._marks.state(),
        }

    def load(self, state: dict[str, Any]) -> None:
        """Go on from :meth:`state`."""
        self._previous_s = state["previous_s"]
        self._carried = np.frombuffer(state["carried"]).reshape(_CARRIED, WINDOW_S - 1)
        self._still_s = state["still_s"]
        self._above_still_s = state["above_still_s"]
        self._vibrates_s = state["vibrates_s"]
        self._away_s, self._drove = state["away_s"], state["drove"]
        self._standing_odds = state["standing_odds"]
        self._stairs_odds = state["stairs_odds"]
        self._movement.load(state["movement"])
        self._uprightness = {
            Placement(name): Uprightness.from_state(kept)
            for name, kept in state["uprightness"].items()
        }
        self._marks.load(state["marks"])


def _sources(activity: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(n,) the trunk's own word, or none where nothing is known."""
    unknown = activity == _CODE[Activity.UNKNOWN]
    trunk, none = _SOURCE[ActivitySource.TRUNK], _SOURCE[ActivitySource.NONE]
    return np.where(unknown, none, trunk).astype(np.uint8)


def _directions(best: BestSensor) -> Floats:
    """(n, 3) unit mean acceleration: 'up' at rest, and of many steps."""
    mean = mean_of(best.sums, best.count, ACC_X)
    length = np.sqrt((mean * mean).sum(axis=1))
    unit: Floats = mean / np.maximum(length, 1e-9)[:, None]
    return unit


def _still(table: SecondTable) -> Flags:
    """(n,) whether no sensor turns by more than a table's noise, its constant bias aside."""
    mean = table.sums[:, :, GYRO_X : GYRO_Z + 1] / np.maximum(table.count, 1)[:, :, None]
    mean *= mean
    bias_sq = mean[:, :, 0] + mean[:, :, 1] + mean[:, :, 2]
    moving = mean_square(table.sums, table.count, GYRO_X) - bias_sq > STILL_GYRO_RAD_S**2
    still: Flags = np.logical_not(np.any(moving, axis=1))
    return still


def _above(table: SecondTable) -> Flags:
    """(n,) whether a sensor at the upper trunk or the head is there."""
    columns = [k for k, p in enumerate(table.placements) if p not in LOWER_PLACEMENTS]
    there: Flags = np.any(table.count[:, columns] > 0, axis=1)
    return there


def _lying(table: SecondTable, calibration: Calibration | None) -> Flags | None:
    """(n,) whether every calibrated trunk sensor there is points 60° or more off upright, 70° below.

    None where no trunk sensor is calibrated.
    """
    if calibration is None:
        return None
    seen = Directions.of(table, calibration.axes)
    trunk = [row for row, p in enumerate(seen.placements) if p is not Placement.HEAD]
    if not trunk:
        return None
    along = seen.along[trunk] if len(trunk) < len(seen.placements) else seen.along
    below = [seen.placements[row] in LOWER_PLACEMENTS for row in trunk]
    limit = np.where(below, LYING_BELOW_COSINE, LYING_COSINE)[:, None]
    lying: Flags = np.any(along < limit, axis=0)
    if lying.any():
        lying &= ~np.any(along >= limit, axis=0)
    return lying
