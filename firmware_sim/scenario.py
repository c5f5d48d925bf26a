"""What a simulated client does all day: a seeded, endless chain of moves, with its own ground truth.

The day begins with a calibration (upright, then rounded, both seated), goes on at a desk, where the
posture drifts into rounding over minutes and is corrected from time to time, and repeats a half day of
desk, meetings, ways on foot, carrying and driving for as long as anyone asks.

Durations and depths are invented but plausible; the flexion of a rounded back (some 28° of thorax
against pelvis) is what the recorded sitters show, and standing straightens the lumbar spine by the
12 to 24° that sitting flexes it (PMID 26476893).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from contracts.settings import CalibrationPlan
from contracts.units import NS_PER_S, RAD_PER_DEG
from contracts.vocabulary import Activity, Posture


class Pose(NamedTuple):
    """Where the trunk is and what shakes it. Degrees, forward and right positive; gains 0 to 1."""

    pelvis_deg: float = 0.0  # flexion against the vertical
    curl_deg: float = 0.0  # flexion of the thorax against the pelvis
    neck_deg: float = 0.0  # flexion of the neck against the thorax
    lateral_deg: float = 0.0
    heading_deg: float = 0.0  # turned to the left; adds up over the day
    typing: float = 0.0
    walking: float = 0.0
    driving: float = 0.0


UPRIGHT: Final = Pose()
ROUNDED: Final = Pose(pelvis_deg=-6.0, curl_deg=28.0, neck_deg=8.0)
LEANING: Final = Pose(pelvis_deg=24.0, curl_deg=3.0, neck_deg=-8.0)
RECLINED: Final = Pose(pelvis_deg=-17.0, curl_deg=-3.0, neck_deg=6.0)
SIDEWAYS: Final = Pose(curl_deg=3.0, lateral_deg=16.0)
RISING: Final = Pose(pelvis_deg=32.0, curl_deg=4.0)
WALKING: Final = Pose(pelvis_deg=11.0, curl_deg=-13.0, walking=1.0)
CARRYING: Final = Pose(pelvis_deg=11.0, curl_deg=-8.0, walking=0.8)
DRIVING: Final = Pose(pelvis_deg=-6.0, curl_deg=6.0, driving=1.0)

#: Windows of the calibration, seconds from the start.
UPRIGHT_WINDOW_S: Final = (3.0, 18.0)
ROUNDED_WINDOW_S: Final = (22.0, 37.0)
#: A move has left its old posture at a fifth of the way and arrived at four fifths; in between there
#: is no truth. A minimum-jerk move is there at these parts of its time.
LEFT_SHARE: Final = 0.3266
ARRIVED_SHARE: Final = 1.0 - LEFT_SHARE


@dataclass(frozen=True, slots=True)
class Move:
    """Go to ``pose`` within ``reach_s``, then stay for ``hold_s``. No posture: in passing, no truth."""

    reach_s: float
    hold_s: float
    pose: Pose
    posture: Posture | None
    activity: Activity


@dataclass(frozen=True, slots=True)
class TruthInterval:
    """What the wearer held and did in [start_s, end_s), seconds from the start."""

    start_s: float
    end_s: float
    posture: Posture
    activity: Activity


@dataclass(frozen=True, slots=True, eq=False)
class Moves:
    """Moves as columns, by start: (k,) s, and poses (k, 8), angles in rad, to go from and to."""

    start_s: NDArray[np.float64]
    reach_s: NDArray[np.float64]
    source: NDArray[np.float64]
    target: NDArray[np.float64]


class Scenario:
    """A client's day by ``rng``; made as far as it is asked for, the same however it is asked."""

    def __init__(self, rng: np.random.Generator, upcoming: Iterator[Move] | None = None) -> None:
        """``upcoming``: an endless day of another kind than :func:`working_day`."""
        self._upcoming = working_day(rng) if upcoming is None else upcoming
        self._moves: list[Move] = []
        self._starts_s: list[float] = []
        self._end_s = 0.0
        self._columns: Moves | None = None

    def moves(self, until_s: float) -> Moves:
        """All moves that begin before ``until_s``, at least, and the one that follows."""
        if self._extend(until_s) or self._columns is None:
            target = np.array([move.pose for move in self._moves], dtype=np.float64)
            target[:, : Pose._fields.index("typing")] *= RAD_PER_DEG
            self._columns = Moves(
                np.array(self._starts_s),
                np.array([move.reach_s for move in self._moves]),
                np.vstack([target[:1], target[:-1]]),
                target,
            )
        return self._columns

    def truth(self, start_s: float, end_s: float) -> list[TruthInterval]:
        """The truth of [start_s, end_s), in time order, cut to it; gaps are transitions."""
        self._extend(end_s)
        found: list[TruthInterval] = []
        for index in range(len(self._moves) - 1):
            interval = self._truth_of(index)
            if interval is not None:
                found.append(interval)
        cut = (
            TruthInterval(max(i.start_s, start_s), min(i.end_s, end_s), i.posture, i.activity)
            for i in _joined(found)
        )
        return [i for i in cut if i.start_s < i.end_s]

    def _extend(self, until_s: float) -> bool:
        """Make moves until one begins at ``until_s`` or later; whether any was missing."""
        grown = False
        while not self._starts_s or self._starts_s[-1] < until_s:
            move = next(self._upcoming)
            self._moves.append(move)
            self._starts_s.append(self._end_s)
            self._end_s += move.reach_s + move.hold_s
            grown = True
        return grown

    def _truth_of(self, index: int) -> TruthInterval | None:
        move, following = self._moves[index], self._moves[index + 1]
        if move.posture is None:
            return None
        return TruthInterval(
            self._starts_s[index] + (ARRIVED_SHARE * move.reach_s if index else 0.0),
            self._starts_s[index + 1] + LEFT_SHARE * following.reach_s,
            move.posture,
            move.activity,
        )


def _joined(intervals: list[TruthInterval]) -> Iterator[TruthInterval]:
    """Neighbours of the same truth as one, over the short move between them."""
    held: TruthInterval | None = None
    for interval in intervals:
        if held is not None and (held.posture, held.activity) == (
            interval.posture,
            interval.activity,
        ):
            held = TruthInterval(held.start_s, interval.end_s, held.posture, held.activity)
            continue
        if held is not None:
            yield held
        held = interval
    if held is not None:
        yield held


def calibration_plan(start_ns: int) -> CalibrationPlan:
    """The calibration that a day which starts at ``start_ns`` (UTC) begins with."""

    def window(window_s: tuple[float, float]) -> tuple[int, int]:
        return start_ns + round(window_s[0] * NS_PER_S), start_ns + round(window_s[1] * NS_PER_S)

    return CalibrationPlan(
        effective_ns=start_ns,
        upright_ns=window(UPRIGHT_WINDOW_S),
        rounded_ns=window(ROUNDED_WINDOW_S),
    )


def working_day(rng: np.random.Generator) -> Iterator[Move]:
    """An endless day: the calibration, a first quarter of an hour at the desk, then half days."""
    yield from calibrating(ROUNDED)
    yield from _drift(rng, Activity.TYPING, typing=1.0, quick=True)
    yield from _desk(rng, 10.0, 15.0)
    yield from turning(_half_days(rng))


def calibrating(slump: Pose) -> tuple[Move, ...]:
    """What a day begins with: upright, the usual slump, upright."""
    return (
        Move(0.0, 19.0, UPRIGHT, Posture.UPRIGHT, Activity.SITTING),
        Move(2.0, 17.0, slump, Posture.ROUNDED, Activity.SITTING),
        Move(2.0, 20.0, UPRIGHT, Posture.UPRIGHT, Activity.SITTING),
    )


def turning(moves: Iterator[Move]) -> Iterator[Move]:
    """The moves with their headings added up: each turns on from where the last one looked."""
    heading_deg = 0.0
    for move in moves:
        heading_deg += move.pose.heading_deg
        yield replace(move, pose=move.pose._replace(heading_deg=heading_deg))


def _half_days(rng: np.random.Generator) -> Iterator[Move]:
    while True:
        for stretch, low_min, high_min in _HALF_DAY:
            yield from stretch(rng, low_min, high_min)


def _desk(rng: np.random.Generator, low_min: float, high_min: float) -> Iterator[Move]:
    """At the desk: typing, slipping into rounding, now and then reaching for something."""
    yield from _seated(rng, rng.uniform(low_min, high_min) * 60.0, Activity.TYPING, typing=1.0)


def _meeting(rng: np.random.Generator, low_min: float, high_min: float) -> Iterator[Move]:
    """Sitting without a keyboard."""
    yield from _seated(rng, rng.uniform(low_min, high_min) * 60.0, Activity.SITTING, typing=0.0)


def _seated(
    rng: np.random.Generator, length_s: float, activity: Activity, typing: float
) -> Iterator[Move]:
    total_s = 0.0
    while total_s < length_s:
        chance = rng.random()
        if chance < 0.5:
            moves = list(_drift(rng, activity, typing))
        elif chance < 0.75:
            moves = list(reach(rng, activity, typing))
        elif chance < 0.88:
            moves = list(sideways(rng, activity, typing))
        else:
            moves = list(recline(rng, activity))
        total_s += sum(move.reach_s + move.hold_s for move in moves)
        yield from moves


def _drift(
    rng: np.random.Generator, activity: Activity, typing: float, *, quick: bool = False
) -> Iterator[Move]:
    """Upright for a while, slowly rounded, held so, then sat up again."""
    depth, pelvis = rng.uniform(0.95, 1.2), rng.uniform(0.6, 1.4)
    slump = ROUNDED._replace(
        pelvis_deg=ROUNDED.pelvis_deg * pelvis, curl_deg=ROUNDED.curl_deg * depth, typing=typing
    )
    slide_s = 60.0 if quick else rng.uniform(60.0, 300.0)
    hold_s = 150.0 if quick else rng.uniform(45.0, 420.0)
    upright = UPRIGHT._replace(typing=typing)
    yield Move(1.5, 20.0 if quick else rng.uniform(40.0, 240.0), upright, Posture.UPRIGHT, activity)
    yield Move(slide_s, hold_s, slump, Posture.ROUNDED, activity)
    yield Move(rng.uniform(1.2, 3.0), rng.uniform(15.0, 60.0), upright, Posture.UPRIGHT, activity)


def reach(rng: np.random.Generator, activity: Activity, typing: float) -> Iterator[Move]:
    """Bend at the hip for something on the desk, a second or two, and sit up again."""
    depth = rng.uniform(0.9, 1.4)
    bent = LEANING._replace(pelvis_deg=LEANING.pelvis_deg * depth)
    upright = UPRIGHT._replace(typing=typing)
    yield Move(1.2, rng.uniform(1.0, 4.0), bent, Posture.FORWARD_LEAN, activity)
    yield Move(1.2, rng.uniform(20.0, 90.0), upright, Posture.UPRIGHT, activity)


def sideways(rng: np.random.Generator, activity: Activity, typing: float) -> Iterator[Move]:
    """On one armrest."""
    right = rng.random() < 0.5
    side = SIDEWAYS._replace(lateral_deg=SIDEWAYS.lateral_deg * (1.0 if right else -1.0))
    posture = Posture.RIGHT_LEAN if right else Posture.LEFT_LEAN
    upright = UPRIGHT._replace(typing=typing)
    yield Move(1.5, rng.uniform(10.0, 60.0), side, posture, activity)
    yield Move(1.5, rng.uniform(20.0, 60.0), upright, Posture.UPRIGHT, activity)


def recline(rng: np.random.Generator, activity: Activity) -> Iterator[Move]:
    """Against the backrest, hands off the keys."""
    del activity  # whoever leans back does not type
    yield Move(2.0, rng.uniform(30.0, 150.0), RECLINED, Posture.RECLINED, Activity.SITTING)
    yield Move(2.0, rng.uniform(10.0, 30.0), UPRIGHT, Posture.UPRIGHT, Activity.SITTING)


def _on_foot(
    rng: np.random.Generator, length_s: float, pose: Pose, activity: Activity
) -> Iterator[Move]:
    """Rise, go, turning a corner now and then, and sit down again."""
    yield Move(1.3, 0.0, RISING, None, activity)
    left_s = length_s
    while left_s > 0.0:
        straight_s = float(rng.uniform(8.0, 40.0))
        turned = pose._replace(heading_deg=float(rng.uniform(-90.0, 90.0)))
        yield Move(1.5, straight_s, turned, Posture.UPRIGHT, activity)
        left_s -= straight_s
    yield Move(1.3, 0.0, RISING, None, activity)
    yield Move(1.5, 10.0, UPRIGHT, Posture.UPRIGHT, Activity.SITTING)


def walk(rng: np.random.Generator, low_min: float, high_min: float) -> Iterator[Move]:
    """Some minutes on foot."""
    yield from _on_foot(rng, rng.uniform(low_min, high_min) * 60.0, WALKING, Activity.WALKING)


def carry(rng: np.random.Generator, low_min: float, high_min: float) -> Iterator[Move]:
    """Some minutes on foot with both arms full."""
    yield from _on_foot(rng, rng.uniform(low_min, high_min) * 60.0, CARRYING, Activity.CARRYING)


def drive(rng: np.random.Generator, low_min: float, high_min: float) -> Iterator[Move]:
    """At the wheel, sinking into the seat in the course of it."""
    length_s = rng.uniform(low_min, high_min) * 60.0
    sunk = ROUNDED._replace(pelvis_deg=-9.0, driving=1.0)
    yield Move(4.0, length_s * 0.4, DRIVING, Posture.UPRIGHT, Activity.DRIVING)
    yield Move(length_s * 0.25, length_s * 0.3, sunk, Posture.ROUNDED, Activity.DRIVING)
    yield Move(3.0, 30.0, DRIVING, Posture.UPRIGHT, Activity.DRIVING)
    yield Move(4.0, 10.0, UPRIGHT, Posture.UPRIGHT, Activity.SITTING)


_Stretch = Callable[[np.random.Generator, float, float], Iterator[Move]]
#: What a half day is made of: a stretch, and how many minutes it takes, from and to.
_HALF_DAY: Final[tuple[tuple[_Stretch, float, float], ...]] = (
    (walk, 2.0, 4.0),
    (_desk, 25.0, 40.0),
    (walk, 1.0, 3.0),
    (_meeting, 15.0, 30.0),
    (carry, 1.0, 2.0),
    (_desk, 25.0, 40.0),
    (walk, 6.0, 12.0),
    (drive, 15.0, 25.0),
    (walk, 1.0, 2.0),
    (_desk, 30.0, 50.0),
)
