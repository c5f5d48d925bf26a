"""Which simulated sensors are played: a recording's or those of a simulated client's day."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from analytics.offline import calibrations_of
from contracts.errors import Reason, RecordingError, SettingError
from contracts.recording import Recording, open_recording, read_samples
from contracts.settings import CalibrationPlan
from contracts.units import NS_PER_S
from contracts.vocabulary import Placement, is_id

if TYPE_CHECKING:
    from firmware_sim.fleet import SimulatedSensor

#: A recording is over this long before it is played, so that all of it waits in the flash log.
OVER_SINCE_S: Final = 5.0
#: A recording that is played live starts this long after the demo, when everything is up.
LIVE_START_S: Final = 5.0


#: A day that is played live has no hours behind it, yet is a day.
SHORTEST_HOURS: Final = 0.01
#: What a client wears.
KIT: Final = (Placement.T4, Placement.L5)


@dataclass(frozen=True, slots=True)
class FleetChoice:
    """What to play. ``start_ns`` None: the start for which ``hours``, or the recording, wait now."""

    recording: Path | None
    hours: float
    placements: str
    start_ns: int | None
    serial_prefix: str
    seed: int


@dataclass(frozen=True)
class Fleet:
    """Sensors to put on the air, and when their wearer was calibrated. ``finite``: they end."""

    sensors: Sequence[SimulatedSensor]
    calibration: CalibrationPlan | None
    finite: bool


def build_fleet(choice: FleetChoice, at_ns: int) -> Fleet:
    """The sensors of a choice. RecordingError, SettingError where it cannot be played."""
    start_ns = choice.start_ns
    if start_ns is None:
        start_ns = start_for(choice.recording, choice.hours, live=False, at_ns=at_ns)
    if choice.recording is not None:
        from firmware_sim.fleet import recording_fleet

        recording = open_recording(choice.recording)
        sensors = recording_fleet(
            recording, start_ns=start_ns, serial_prefix=choice.serial_prefix, seed=choice.seed
        )
        return Fleet(sensors, calibration_of(recording, start_ns), finite=True)
    from firmware_sim.fleet import workday_fleet

    placements = parse_placements(choice.placements)
    sensors, truth = workday_fleet(
        start_ns=start_ns,
        hours=max(choice.hours, SHORTEST_HOURS),
        placements=placements,
        seed=choice.seed,
        serial_prefix=choice.serial_prefix,
    )
    return Fleet(sensors, truth.calibration, finite=False)


def start_for(recording: Path | None, hours: float, *, live: bool, at_ns: int) -> int:
    """UTC ns, a whole second, at which to switch the sensors on so that what is wanted waits."""
    if live:
        return whole_second_before(at_ns, -LIVE_START_S)
    if recording is None:
        return whole_second_before(at_ns, hours * 3600.0)
    return whole_second_before(at_ns, duration_s(open_recording(recording)) + OVER_SINCE_S)


def duration_s(recording: Recording) -> float:
    """Seconds from a recording's start to its last sample. RecordingError where it has none."""
    ends_ns = [
        int(samples.utc_ns[-1]) - recording.start_ns
        for samples in (read_samples(recording, place) for place in recording.placements)
        if len(samples)
    ]
    if not ends_ns:
        raise RecordingError(Reason.BAD_RECORDING, f"{recording.folder} holds no samples.")
    return max(ends_ns) / NS_PER_S


def calibration_of(recording: Recording, start_ns: int) -> CalibrationPlan | None:
    """A recording's calibration windows in UTC, as played from ``start_ns``; None without upright."""
    manifest = msgspec.structs.replace(recording.manifest, start_utc_ns=start_ns)
    plans = calibrations_of(replace(recording, manifest=manifest))
    return plans[0] if plans else None


def parse_placements(text: str) -> tuple[Placement, ...]:
    """``"T4,L5"`` → placements, each once. SettingError for a name that is none."""
    names = dict.fromkeys(part.strip() for part in text.split(",") if part.strip())
    for name in names:
        if name not in set(Placement):
            raise SettingError(
                Reason.BAD_SETTING,
                f"{name[:80]!r} is no placement.",
                hint=f"Placements are {', '.join(Placement)}.",
            )
    return tuple(Placement(name) for name in names)


def parse_worn(pairs: tuple[str, ...]) -> dict[str, Placement]:
    """``("PL-1=T4",)`` → which sensor sits where. SettingError for anything else."""
    worn: dict[str, Placement] = {}
    for pair in pairs:
        serial, _, place = pair.partition("=")
        if not is_id(serial) or place not in set(Placement):
            raise SettingError(
                Reason.BAD_SETTING,
                f"worn cannot be used: {pair[:80]!r} is not SERIAL=PLACEMENT.",
                hint=f"Placements are {', '.join(Placement)}.",
            )
        worn[serial] = Placement(place)
    return worn


def whole_second_before(time_ns: int, seconds: float) -> int:
    """The last whole UTC second at least ``seconds`` before ``time_ns``."""
    return (time_ns - round(seconds * NS_PER_S)) // NS_PER_S * NS_PER_S


def now_ns() -> int:
    """UTC in ns by this machine's clock."""
    return time.time_ns()
