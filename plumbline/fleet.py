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
    from firmware_sim.faults import FaultPlan
    from firmware_sim.fleet import SimulatedSensor, WornSensor
    from firmware_sim.makes.fleet import MakeSensor

#: A recording is over this long before it is played, so that all of it waits in the flash log.
OVER_SINCE_S: Final = 5.0
#: A recording that is played live starts this long after the demo, when everything is up.
LIVE_START_S: Final = 5.0
#: With sensors that keep no log it starts later, since what is sampled before all is up is lost; and
#: they are switched on so long before, since a gateway gives up a sensor that sends nothing.
STREAM_START_S: Final = 15.0
LEAD_S: Final = 60
#: A day that is played live has no hours behind it, yet is a day.
SHORTEST_HOURS: Final = 0.01
#: What a client wears.
KIT: Final = (Placement.T4, Placement.L5)
#: The make that keeps a log; the others only stream, so that nothing can wait in them.
NATIVE: Final = "native"


@dataclass(frozen=True, slots=True)
class FleetChoice:
    """What to play. ``start_ns`` None: the start for which ``hours``, or the recording, wait now.

    ``make``: NATIVE, or a name in :data:`firmware_sim.makes.MAKES`. ``scenario``: a file that says what is
    worn and done, instead of ``hours``, ``placements`` and ``seed``; ``faults``: one that says what goes
    wrong, of which another make takes what happens on the air. ``bonds``: the sensors are native ones
    fresh from the box, and speak to one gateway only.
    """

    recording: Path | None
    hours: float
    placements: str
    start_ns: int | None
    serial_prefix: str
    seed: int
    make: str = NATIVE
    scenario: Path | None = None
    faults: Path | None = None
    bonds: bool = False


@dataclass(frozen=True)
class Fleet:
    """Sensors to put on the air, and when their wearer was calibrated. ``finite``: they end.

    ``start_ns``: true UTC at which the wearer's day began, None where the sensors go by another.
    """

    sensors: Sequence[SimulatedSensor | MakeSensor]
    calibration: CalibrationPlan | None
    finite: bool
    start_ns: int | None = None


def build_fleet(choice: FleetChoice, at_ns: int) -> Fleet:
    """The sensors of a choice. RecordingError, SettingError where it cannot be played."""
    fleet = _played(choice, at_ns)
    return (
        replace(fleet, sensors=[_bonding(one) for one in fleet.sensors]) if choice.bonds else fleet
    )


def _bonding(sensor: SimulatedSensor | MakeSensor) -> SimulatedSensor:
    from firmware_sim.fleet import SimulatedSensor

    if not isinstance(sensor, SimulatedSensor):
        raise SettingError(
            Reason.BAD_SETTING,
            "Sensors of other makes do not bond.",
            hint="Give --bonds without --make.",
        )
    return replace(sensor, bonds=True)


def _played(choice: FleetChoice, at_ns: int) -> Fleet:
    start_ns = start_of(choice, at_ns)
    if choice.scenario is not None:
        return _of_scenario(choice, choice.scenario, start_ns)
    if choice.make != NATIVE:
        return replace(_of_make(choice, start_ns), start_ns=start_ns)
    from firmware_sim.fleet import recording_fleet, workday_fleet

    plan = plan_of(choice)
    if choice.recording is not None:
        recording = open_recording(choice.recording)
        sensors = recording_fleet(
            recording,
            start_ns=start_ns,
            serial_prefix=choice.serial_prefix,
            seed=choice.seed,
            plan=plan,
        )
        calibration = calibration_of(recording, start_ns)
        return Fleet(sensors, calibration, finite=True, start_ns=start_ns)
    sensors, truth = workday_fleet(
        start_ns=start_ns,
        hours=max(choice.hours, SHORTEST_HOURS),
        placements=parse_placements(choice.placements),
        seed=choice.seed,
        serial_prefix=choice.serial_prefix,
        plan=plan,
    )
    return Fleet(sensors, truth.calibration, finite=False, start_ns=start_ns)


def plan_of(choice: FleetChoice) -> FaultPlan:
    """What goes wrong with the sensors of a choice. SettingError for a file that is no plan."""
    from firmware_sim.faults import FaultPlan
    from firmware_sim.plan_files import read_plan

    return FaultPlan.EMPTY if choice.faults is None else read_plan(choice.faults)


def start_of(choice: FleetChoice, at_ns: int) -> int:
    """UTC ns at which the sensors of a choice are switched on, so that what is wanted waits now."""
    if choice.start_ns is not None:
        return choice.start_ns
    if choice.scenario is not None:
        from firmware_sim.plan_files import read_scenario

        return start_for(None, read_scenario(choice.scenario).hours, live=False, at_ns=at_ns)
    live = choice.make != NATIVE and choice.recording is not None
    return start_for(choice.recording, choice.hours, live=live, at_ns=at_ns, make=choice.make)


def _of_scenario(choice: FleetChoice, file: Path, start_ns: int) -> Fleet:
    """The wearer of a scenario's file."""
    from firmware_sim.fleet import workday_fleet
    from firmware_sim.plan_files import read_scenario

    if choice.recording is not None or choice.make != NATIVE:
        raise SettingError(
            Reason.BAD_SETTING,
            "A scenario is neither a recording nor worn in sensors of another make.",
            hint="Give --scenario without --recording and --make.",
        )
    told = read_scenario(file)
    sensors, truth = workday_fleet(
        start_ns=start_ns,
        hours=told.hours,
        placements=told.placements,
        seed=told.seed,
        serial_prefix=choice.serial_prefix,
        rate_hz=told.rate_hz,
        moves=told.day,
        plan=plan_of(choice),
    )
    return Fleet(sensors, truth.calibration, finite=False, start_ns=start_ns)


def _of_make(choice: FleetChoice, start_ns: int) -> Fleet:
    """The same in sensors of another make, by the ids that the gateway gives them."""
    from firmware_sim.fleet import worn_in_recording, worn_on_workday

    if choice.recording is not None:
        recording = open_recording(choice.recording)
        worn = worn_in_recording(recording, start_ns=start_ns, seed=choice.seed, lead_s=LEAD_S)
        sensors = sensors_of_make(choice.make, worn, choice.serial_prefix)
        return Fleet(sensors, calibration_of(recording, start_ns), finite=True)
    worn, truth = worn_on_workday(
        start_ns=start_ns,
        hours=max(choice.hours, SHORTEST_HOURS),
        placements=parse_placements(choice.placements),
        seed=choice.seed,
    )
    sensors = sensors_of_make(choice.make, worn, choice.serial_prefix)
    return Fleet(sensors, truth.calibration, finite=False)


def sensors_of_make(make: str, worn: Sequence[WornSensor], serial_prefix: str) -> list[MakeSensor]:
    """Sensors of a make, by the ids that the gateway gives them. SettingError for an unknown make."""
    from device_gateway.profiles import PROFILES
    from device_gateway.streaming import address_id
    from firmware_sim.makes.fleet import make_fleet
    from firmware_sim.peripheral import static_address

    sensors = make_fleet(make, worn, serial_prefix)
    (profile,) = (one for one in PROFILES if one.name == make)
    return [
        replace(one, serial=address_id(profile, static_address(one.serial).to_string(False)))
        for one in sensors
    ]


def start_for(
    recording: Path | None, hours: float, *, live: bool, at_ns: int, make: str = NATIVE
) -> int:
    """UTC ns, a whole second, at which to switch the sensors on so that what is wanted waits."""
    if live:
        return whole_second_before(at_ns, -LIVE_START_S if make == NATIVE else -STREAM_START_S)
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
