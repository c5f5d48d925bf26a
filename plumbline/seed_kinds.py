"""The kinds of people of a simulated clinic, and which days of each are computed for the library."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from firmware_sim.habits import Doing, Habit, Part
from plumbline.seed_days import DayWish

_DESK: Final = Part(Doing.DESK, 25.0, 45.0)
_MEETING: Final = Part(Doing.MEETING, 15.0, 35.0)
_WALK: Final = Part(Doing.WALK, 2.0, 5.0)
_ERRAND: Final = Part(Doing.WALK, 6.0, 12.0)
_CARRY: Final = Part(Doing.CARRY, 1.0, 3.0)
_COMMUTE: Final = Part(Doing.DRIVE, 20.0, 35.0)
_STAND: Final = Part(Doing.STAND, 15.0, 30.0)

#: What each kind does over and over.
KINDS: Final = {
    "desk": Habit((_WALK, _DESK, _WALK, _MEETING, _CARRY, _DESK, _ERRAND)),
    "commuter": Habit(
        (_COMMUTE, _WALK, _DESK, _WALK, _MEETING, _DESK, _ERRAND, _DESK, _WALK), rolled=1.3
    ),
    "standing-desk": Habit((_DESK, _WALK, _STAND, _MEETING, _WALK, _STAND), depth=0.9),
    "low-back": Habit((_DESK, _WALK, _DESK, _MEETING, _WALK, _CARRY), depth=0.75, rolled=2.6),
    "on-feet": Habit((_ERRAND, _STAND, _CARRY, _MEETING, _ERRAND, _STAND, _DESK), depth=0.95),
    "driver": Habit(
        (_WALK, _COMMUTE, _MEETING, _WALK, _COMMUTE, _CARRY, _COMMUTE, _DESK), rolled=1.8
    ),
    "deep-slump": Habit((_DESK, _DESK, _WALK, _MEETING, _DESK, _CARRY), depth=1.25),
}
#: Shares of seated time rounded, one computed day each: from a very good day to a bad one.
SHARES: Final = (0.06, 0.18, 0.3, 0.42, 0.56, 0.72)
#: Of each kind, after those: taken off before noon, forgotten at once, a strap that slipped, and worn
#: for an hour or so.
TAKEN_OFF, FORGOTTEN, SLIPPED, HARDLY = range(len(SHARES), len(SHARES) + 4)
_USUAL_SHARE: Final = 0.42
#: Long enough to be calibrated, and for some minutes more.
SHORTEST_H: Final = 0.05
LUNCH_H: Final = 0.52


def wishes(seed: int, kinds: int, hours: float) -> list[DayWish]:
    """The days to compute for the first so many kinds; a whole day is about ``hours`` long."""
    return [
        wish
        for number, kind in enumerate(list(KINDS)[:kinds])
        for wish in _of_kind(kind, seed + number, hours)
    ]


def _of_kind(kind: str, seed: int, hours: float) -> list[DayWish]:
    habit = KINDS[kind]
    whole = [
        DayWish(
            kind,
            seed,
            variant,
            replace(habit, rounded=share),
            hours * (0.85 + 0.05 * (variant * 2 % 7)),
            away_h=_lunch(hours) if variant % 2 else (),
        )
        for variant, share in enumerate(SHARES)
    ]
    usual = replace(habit, rounded=_USUAL_SHARE)
    return [
        *whole,
        DayWish(kind, seed, TAKEN_OFF, usual, hours * 0.45),
        DayWish(kind, seed, FORGOTTEN, usual, max(hours * 0.04, SHORTEST_H)),
        DayWish(kind, seed, SLIPPED, usual, hours * 0.9, slip_h=hours * 0.4),
        DayWish(kind, seed, HARDLY, usual, hours * 0.13),
    ]


def _lunch(hours: float) -> tuple[tuple[float, float], ...]:
    """The sensors lie on the table at noon, for a tenth of the day."""
    return ((hours * LUNCH_H, hours * (LUNCH_H + 0.1)),)
