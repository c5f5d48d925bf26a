"""A simulated wearer as a file: what they wear, for how long, and what they do. Pure.

A day begins with the calibration of :func:`firmware_sim.scenario.calibrating`; then come the moves or the
habit of the file, or else the usual working day.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Final

import msgspec
import numpy as np

from contracts.errors import Reason, SettingError
from contracts.vocabulary import Activity, Placement, Posture
from firmware_sim.habits import Doing, Habit, Part, habit_day
from firmware_sim.scenario import ROUNDED, Move, Pose, calibrating, turning, working_day

MAX_SCENARIO_BYTES: Final = 256 * 1024
MAX_MOVES: Final = 2000
MAX_PARTS: Final = 100
#: After the last move the wearer stays as they are, a move an hour.
_STAY_S: Final = 3600.0

Degrees = Annotated[float, msgspec.Meta(ge=-180.0, le=180.0)]
Gain = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]
HoldS = Annotated[float, msgspec.Meta(ge=0.0, le=86400.0)]
Minutes = Annotated[float, msgspec.Meta(gt=0.0, le=1440.0)]
Seed = Annotated[int, msgspec.Meta(ge=0, le=2**32 - 1)]


class MoveEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Go to a pose within ``reach_s``, then stay for ``hold_s``; :class:`Pose` says what its fields are."""

    posture: Posture
    activity: Activity = Activity.SITTING
    reach_s: Annotated[float, msgspec.Meta(ge=0.1, le=3600.0)] = 2.0
    hold_s: HoldS
    pelvis_deg: Degrees = 0.0
    curl_deg: Degrees = 0.0
    neck_deg: Degrees = 0.0
    lateral_deg: Degrees = 0.0
    heading_deg: Degrees = 0.0
    typing: Gain = 0.0
    walking: Gain = 0.0
    driving: Gain = 0.0

    @property
    def move(self) -> Move:
        """The move that it stands for."""
        pose = Pose(**{name: getattr(self, name) for name in Pose._fields})
        return Move(self.reach_s, self.hold_s, pose, self.posture, self.activity)


class PartEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of a habit's round: it takes a time between two numbers of minutes."""

    doing: Doing
    low_min: Minutes
    high_min: Minutes


class HabitEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What somebody does over and over; :class:`firmware_sim.habits.Habit` says what the shares are."""

    parts: Annotated[tuple[PartEntry, ...], msgspec.Meta(min_length=1, max_length=MAX_PARTS)]
    rounded: Annotated[float, msgspec.Meta(ge=0.02, le=0.9)] = 0.45
    depth: Annotated[float, msgspec.Meta(ge=0.5, le=1.5)] = 1.0
    rolled: Annotated[float, msgspec.Meta(ge=0.5, le=3.0)] = 1.0

    @property
    def habit(self) -> Habit:
        """The habit that it stands for."""
        parts = tuple(Part(one.doing, one.low_min, one.high_min) for one in self.parts)
        return Habit(parts, self.rounded, self.depth, self.rolled)


class ScenarioFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A wearer. ``moves`` or ``habit``, or neither for the usual day; ``hours`` wait in the logs."""

    seed: Seed = 1
    hours: Annotated[float, msgspec.Meta(gt=0.0, le=24.0)] = 1.0
    rate_hz: Annotated[float, msgspec.Meta(ge=1.0, le=1000.0)] = 50.0
    placements: Annotated[tuple[Placement, ...], msgspec.Meta(min_length=1, max_length=6)] = (
        Placement.T4,
        Placement.L5,
    )
    moves: Annotated[tuple[MoveEntry, ...], msgspec.Meta(max_length=MAX_MOVES)] = msgspec.field(
        name="move", default=()
    )
    habit: HabitEntry | None = None

    def day(self, rng: np.random.Generator) -> Iterator[Move]:
        """The wearer's endless day."""
        if self.moves:
            return self._told()
        return working_day(rng) if self.habit is None else habit_day(rng, self.habit.habit)

    def _told(self) -> Iterator[Move]:
        yield from calibrating(ROUNDED)
        yield from turning(entry.move for entry in self.moves)
        last = self.moves[-1].move
        while True:
            yield Move(1.0, _STAY_S, last.pose, last.posture, last.activity)


def decode_scenario(data: bytes, *, toml: bool) -> ScenarioFile:
    """The wearer in a file's bytes, TOML or JSON. SettingError, with the place, where it is none."""
    if len(data) > MAX_SCENARIO_BYTES:
        raise _refused(f"it has {len(data):,} bytes, and at most {MAX_SCENARIO_BYTES:,} are read")
    decode = msgspec.toml.decode if toml else msgspec.json.decode
    try:
        scenario = decode(data, type=ScenarioFile)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise _refused(str(error)[:300].rstrip(".")) from None
    if scenario.moves and scenario.habit is not None:
        raise _refused("it has both moves and a habit")
    if len(set(scenario.placements)) != len(scenario.placements):
        raise _refused("a placement is given twice")
    if any(
        part.low_min > part.high_min for part in (scenario.habit.parts if scenario.habit else ())
    ):
        raise _refused("a part of the habit has a low_min above its high_min")
    return scenario


def _refused(why: str) -> SettingError:
    return SettingError(
        Reason.BAD_SETTING,
        f"The scenario cannot be read: {why}.",
        hint="docs/simulator.md shows every field of one.",
    )
