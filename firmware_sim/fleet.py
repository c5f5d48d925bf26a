"""Sensors that one person wears, ready to be put on the air."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np

from contracts.errors import Reason, SettingError
from contracts.recording import Recording, read_samples
from contracts.settings import CalibrationPlan
from contracts.units import NS_PER_S
from contracts.vocabulary import Activity, Placement, Posture
from firmware_sim.battery import Battery
from firmware_sim.body import Body
from firmware_sim.clock import DeviceClock
from firmware_sim.epochs import AnyFirmware
from firmware_sim.faulted import faulted_clock, faulted_firmware
from firmware_sim.faults import FaultPlan
from firmware_sim.firmware import FirmwareConfig
from firmware_sim.imu_model import BodySource, ImuErrors
from firmware_sim.player import RecordingSource
from firmware_sim.resampled import ResampledSource
from firmware_sim.scenario import Move, Scenario, calibration_plan, working_day
from firmware_sim.source import SampleSource, SourceAt

#: Crystals of wearables are within ± 20 ppm at room temperature (typical data sheets).
MAX_FLEET_DRIFT_PPM: Final = 20.0
#: The battery's charge when a wearer sets out.
CHARGE_PERCENT: Final = (85.0, 100.0)
WORKDAY_RATE_HZ: Final = 50.0
#: A wearer needs this long to switch all sensors on.
MAX_SWITCH_ON_S: Final = 1
#: From chance to what a client does all day.
DayOf = Callable[[np.random.Generator], Iterator[Move]]
#: Longest day that may wait in the log: what a flash log must hold.
MAX_HOURS: Final = 24


@dataclass(frozen=True, slots=True)
class SimulatedSensor:
    """A sensor as the air takes it: its serial number, where it is worn, and its firmware.

    ``bonds``: it speaks to one gateway only, encrypted (:mod:`firmware_sim.bonding`).
    """

    serial: str
    placement: Placement
    firmware: AnyFirmware
    bonds: bool = False


@dataclass(frozen=True, slots=True)
class WornSensor:
    """A sensor of any make before it is one: where, its clock, what it feels, its battery's charge."""

    placement: Placement
    clock: DeviceClock
    sources: SourceAt
    charge_percent: float


def recording_fleet(
    recording: Recording,
    *,
    start_ns: int,
    serial_prefix: str,
    seed: int,
    clock_drift_ppm: dict[Placement, float] | None = None,
    plan: FaultPlan = FaultPlan.EMPTY,
) -> list[SimulatedSensor]:
    """A sensor a placement of a recording, switched on at ``start_ns`` (true UTC), off at its end.

    ``clock_drift_ppm`` sets the drift of a placement's clock; the others get one by ``seed``.
    ``plan`` happens to what the sensors measure and to the sensors themselves, from ``start_ns`` on.
    RecordingError where it cannot be played.
    """
    worn = worn_in_recording(
        recording, start_ns=start_ns, seed=seed, clock_drift_ppm=clock_drift_ppm
    )
    return [
        _sensor(one, RecordingSource(recording, one.placement), serial_prefix, plan, start_ns)
        for one in worn
    ]


def worn_in_recording(
    recording: Recording,
    *,
    start_ns: int,
    seed: int,
    clock_drift_ppm: dict[Placement, float] | None = None,
    lead_s: int = 0,
    tail_s: int = 0,
) -> list[WornSensor]:
    """What :func:`recording_fleet` puts into sensors, for those that sample at rates of their own.

    They are on from ``lead_s`` before the recording begins to ``tail_s`` after its end, also where one of
    them was recorded for less long; its wearer holds still then.
    """
    rng = np.random.default_rng(seed)
    tails_s = _tails_s(recording, tail_s)
    worn = []
    for placement in recording.placements:
        power_on_ns = start_ns - lead_s * NS_PER_S
        clock = _clock(rng, power_on_ns, (clock_drift_ppm or {}).get(placement))
        sources = partial(_resampled, recording, placement, lead_s, tails_s[placement])
        worn.append(WornSensor(placement, clock, sources, _charge(rng)))
    return worn


def _tails_s(recording: Recording, tail_s: int) -> dict[Placement, int]:
    """How long each sensor is on after its own end, for all to be on ``tail_s`` after the last one's."""
    if not tail_s:
        return dict.fromkeys(recording.placements, 0)
    ends_ns = {p: int(read_samples(recording, p).utc_ns[-1]) for p in recording.placements}
    last_ns = max(ends_ns.values())
    return {p: tail_s - (end_ns - last_ns) // NS_PER_S for p, end_ns in ends_ns.items()}


@dataclass(frozen=True, slots=True)
class TruthSpan:
    """What the simulated client held and did in [start_ns, end_ns), UTC."""

    start_ns: int
    end_ns: int
    posture: Posture
    activity: Activity


class WorkdayTruth:
    """What there is to know of a simulated day: its calibration, and what was really done."""

    def __init__(self, scenario: Scenario, start_ns: int, hours: float) -> None:
        self.start_ns = start_ns
        self.hours = hours
        self.calibration: CalibrationPlan = calibration_plan(start_ns)
        self._scenario = scenario

    def spans(self, start_ns: int, end_ns: int) -> list[TruthSpan]:
        """The truth of [start_ns, end_ns), UTC, in time order; gaps are transitions."""
        start_s = max(0.0, (start_ns - self.start_ns) / NS_PER_S)
        end_s = (end_ns - self.start_ns) / NS_PER_S
        return [
            TruthSpan(
                self.start_ns + round(span.start_s * NS_PER_S),
                self.start_ns + round(span.end_s * NS_PER_S),
                span.posture,
                span.activity,
            )
            for span in self._scenario.truth(start_s, end_s)
        ]

    def day(self) -> list[TruthSpan]:
        """The truth of the hours that were asked for."""
        return self.spans(self.start_ns, self.start_ns + round(self.hours * 3600 * NS_PER_S))


def workday_fleet(
    *,
    start_ns: int,
    hours: float,
    placements: Sequence[Placement],
    seed: int,
    serial_prefix: str,
    rate_hz: float = WORKDAY_RATE_HZ,
    moves: DayOf = working_day,
    plan: FaultPlan = FaultPlan.EMPTY,
) -> tuple[list[SimulatedSensor], WorkdayTruth]:
    """The sensors of a simulated client whose day starts at ``start_ns`` (true UTC), and its truth.

    After ``hours`` the day goes on, live. ``plan`` happens to what the sensors measure and to the
    sensors themselves, from ``start_ns`` on. SettingError as :func:`worn_on_workday` raises it.
    """
    worn, truth = worn_on_workday(
        start_ns=start_ns, hours=hours, placements=placements, seed=seed, moves=moves, plan=plan
    )
    sensors = [_sensor(one, one.sources(rate_hz), serial_prefix, plan, start_ns) for one in worn]
    return sensors, truth


def worn_on_workday(
    *,
    start_ns: int,
    hours: float,
    placements: Sequence[Placement],
    seed: int,
    moves: DayOf = working_day,
    plan: FaultPlan = FaultPlan.EMPTY,
) -> tuple[list[WornSensor], WorkdayTruth]:
    """What :func:`workday_fleet` puts into sensors, for those that sample at rates of their own.

    ``moves`` is what the client does; of ``plan`` the clocks' drift is in it. Sensors are switched on one after the other within MAX_SWITCH_ON_S. SettingError without a
    placement, or with hours that are none.
    """
    if not placements or len(set(placements)) != len(placements) or not 0 < hours <= MAX_HOURS:
        raise SettingError(
            Reason.BAD_SETTING,
            f"{hours:g} hours with {len(placements)} sensors cannot be simulated.",
            hint=f"Give one placement or more, each once, and up to {MAX_HOURS} hours.",
        )
    day, sway, hardware = (
        np.random.default_rng(child) for child in np.random.SeedSequence(seed).spawn(3)
    )
    scenario = Scenario(day, moves(day))
    body = Body(scenario, sway)
    worn = []
    for placement in placements:
        switched_on_ns = start_ns + int(hardware.integers(MAX_SWITCH_ON_S * NS_PER_S))
        clock = _clock(hardware, switched_on_ns, None)
        clock = faulted_clock(clock, plan.of(str(placement)), start_ns)
        sources = partial(
            _felt,
            body,
            placement,
            start_ns,
            clock,
            ImuErrors.drawn(hardware, placement),
            int(hardware.integers(2**32)),
        )
        worn.append(WornSensor(placement, clock, sources, _charge(hardware)))
    return worn, WorkdayTruth(scenario, start_ns, hours)


def serial_number(prefix: str, placement: Placement) -> str:
    """The serial number of the sensor at a placement."""
    return f"{prefix}-{placement.value}"


def _clock(rng: np.random.Generator, power_on_ns: int, drift_ppm: float | None) -> DeviceClock:
    """A clock with the drift that is given, or else a crystal's."""
    drawn_ppm = float(rng.uniform(-MAX_FLEET_DRIFT_PPM, MAX_FLEET_DRIFT_PPM))
    return DeviceClock(power_on_ns, drawn_ppm if drift_ppm is None else drift_ppm)


def _charge(rng: np.random.Generator) -> float:
    return float(rng.uniform(*CHARGE_PERCENT))


def _resampled(
    recording: Recording, placement: Placement, lead_s: int, tail_s: int, rate_hz: float
) -> SampleSource:
    samples = read_samples(recording, placement)
    name = f"{placement} of {recording.folder}"
    return ResampledSource(samples, recording.start_ns, rate_hz, name, lead_s=lead_s, tail_s=tail_s)


def _felt(
    body: Body,
    placement: Placement,
    start_ns: int,
    clock: DeviceClock,
    errors: ImuErrors,
    seed: int,
    rate_hz: float,
) -> SampleSource:
    return BodySource(
        body, placement, rate_hz=rate_hz, start_ns=start_ns, clock=clock, errors=errors, seed=seed
    )


def _sensor(
    worn: WornSensor, source: SampleSource, serial_prefix: str, plan: FaultPlan, start_ns: int
) -> SimulatedSensor:
    serial = serial_number(serial_prefix, worn.placement)
    config = FirmwareConfig(
        serial=serial,
        power_on_ns=worn.clock.power_on_ns,
        clock_drift_ppm=worn.clock.drift_ppm,
        synced_at_power_on=True,
        battery=Battery(worn.charge_percent),
    )
    mine = plan.of(serial, str(worn.placement))
    clock = faulted_clock(worn.clock, mine, start_ns)
    firmware = faulted_firmware(config, source, clock, mine, start_ns)
    return SimulatedSensor(serial, worn.placement, firmware)
