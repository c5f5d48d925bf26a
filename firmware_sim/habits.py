"""Days of other people than the usual simulated client: what they do, how much of it rounded, how deep.

Made of the same moves as :mod:`firmware_sim.scenario`, and like there invented but plausible.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

import numpy as np

from contracts.vocabulary import Activity, Posture
from firmware_sim.scenario import (
    RISING,
    ROUNDED,
    UPRIGHT,
    WALKING,
    Move,
    Pose,
    calibrating,
    carry,
    drive,
    reach,
    recline,
    sideways,
    turning,
    walk,
)

#: How long somebody stays in one posture at a desk, on average, where half of the time is rounded.
HELD_S: Final = 320.0
#: Seconds in which somebody sinks into rounding, from and to.
SINKING_S: Final = (60.0, 180.0)
#: And in which they sit up again.
RISING_S: Final = (2.0, 4.0)
#: On one's feet without a step; slumped there the trunk curls as much as it does on a chair.
STANDING: Final = WALKING._replace(walking=0.0)
STANDING_SLUMP: Final = STANDING._replace(curl_deg=STANDING.curl_deg + ROUNDED.curl_deg)
#: Of the minutes at a desk: the chance that the next thing is to reach, to lean aside, to lean back.
OTHERWISE: Final = 0.3


class Doing(StrEnum):
    """What part of a day is about."""

    DESK = "desk"
    MEETING = "meeting"
    WALK = "walk"
    CARRY = "carry"
    DRIVE = "drive"
    STAND = "stand"


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a day: it takes a random time between two numbers of minutes."""

    doing: Doing
    low_min: float
    high_min: float


@dataclass(frozen=True, slots=True)
class Habit:
    """What somebody does over and over. ``rounded``: the share of seated time, 0.02 to 0.9.

    ``depth``: how far the thorax curls in it against the usual one, 0.5 to 1.5; ``rolled``: how far the
    pelvis rolls back, 0.5 to 3.
    """

    parts: tuple[Part, ...]
    rounded: float = 0.45
    depth: float = 1.0
    rolled: float = 1.0

    def __post_init__(self) -> None:
        likely = (
            0.02 <= self.rounded <= 0.9 and 0.5 <= self.depth <= 1.5 and 0.5 <= self.rolled <= 3
        )
        if not self.parts or not likely:
            raise ValueError(f"nobody lives like {self}")

    @property
    def slump(self) -> Pose:
        """The usual slump on a chair."""
        return ROUNDED._replace(
            pelvis_deg=ROUNDED.pelvis_deg * self.rolled, curl_deg=ROUNDED.curl_deg * self.depth
        )


def habit_day(rng: np.random.Generator, habit: Habit) -> Iterator[Move]:
    """An endless day of such a person, from the calibration on."""
    yield from calibrating(habit.slump)
    yield from turning(_round_and_round(rng, habit))


def _round_and_round(rng: np.random.Generator, habit: Habit) -> Iterator[Move]:
    while True:
        for part in habit.parts:
            yield from _part(rng, habit, part)


def _part(rng: np.random.Generator, habit: Habit, part: Part) -> Iterator[Move]:
    low_min, high_min = part.low_min, part.high_min
    match part.doing:
        case Doing.WALK:
            yield from walk(rng, low_min, high_min)
        case Doing.CARRY:
            yield from carry(rng, low_min, high_min)
        case Doing.DRIVE:
            yield from drive(rng, low_min, high_min)
        case Doing.STAND:
            yield from _standing(rng, habit, rng.uniform(low_min, high_min) * 60.0)
        case Doing.DESK:
            length_s = rng.uniform(low_min, high_min) * 60.0
            yield from _seated(rng, habit, length_s, Activity.TYPING, 1.0)
        case Doing.MEETING:
            length_s = rng.uniform(low_min, high_min) * 60.0
            yield from _seated(rng, habit, length_s, Activity.SITTING, 0.0)


def _seated(
    rng: np.random.Generator, habit: Habit, length_s: float, activity: Activity, typing: float
) -> Iterator[Move]:
    """Upright and rounded in turn, in the habit's proportion, now and then something else."""
    upright = UPRIGHT._replace(typing=typing)
    slump = habit.slump._replace(
        curl_deg=habit.slump.curl_deg * rng.uniform(0.95, 1.1), typing=typing
    )
    otherwise = (reach, sideways)
    left_s = length_s
    while left_s > 0.0:
        moves = list(_in_turn(rng, habit, activity, upright, slump))
        if rng.random() < OTHERWISE:
            moves += otherwise[int(rng.integers(len(otherwise)))](rng, activity, typing)
        elif rng.random() < OTHERWISE / 2:
            moves += recline(rng, activity)
        left_s -= sum(move.reach_s + move.hold_s for move in moves)
        yield from moves


def _standing(rng: np.random.Generator, habit: Habit, length_s: float) -> Iterator[Move]:
    """Get up, stand, slumped for half as much of the time as on a chair, and sit down again."""
    yield Move(1.3, 0.0, RISING, None, Activity.STANDING)
    half = replace(habit, rounded=max(0.02, habit.rounded / 2))
    left_s = length_s
    while left_s > 0.0:
        moves = list(_in_turn(rng, half, Activity.STANDING, STANDING, STANDING_SLUMP))
        left_s -= sum(move.reach_s + move.hold_s for move in moves)
        yield from moves
    yield Move(1.3, 0.0, RISING, None, Activity.STANDING)
    yield Move(1.5, 10.0, UPRIGHT, Posture.UPRIGHT, Activity.SITTING)


def _in_turn(
    rng: np.random.Generator, habit: Habit, activity: Activity, upright: Pose, slump: Pose
) -> Iterator[Move]:
    """Upright, sinking, rounded, upright again: times around the mean, in the habit's proportion."""
    rounded_s = HELD_S * 2.0 * habit.rounded * rng.gamma(2.0, 0.5)
    upright_s = HELD_S * 2.0 * (1.0 - habit.rounded) * rng.gamma(2.0, 0.5)
    sinking_s = float(rng.uniform(*SINKING_S))
    yield Move(1.5, upright_s, upright, Posture.UPRIGHT, activity)
    yield Move(sinking_s, max(5.0, rounded_s - sinking_s / 2), slump, Posture.ROUNDED, activity)
    yield Move(float(rng.uniform(*RISING_S)), 12.0, upright, Posture.UPRIGHT, activity)
