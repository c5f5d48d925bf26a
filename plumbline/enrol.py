"""Simulated sensors get a wearer in the registry, as a person's sensors do."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import msgspec

from contracts.settings import MAX_CALIBRATION_SESSION_NS, CalibrationPlan
from contracts.units import NS_PER_S
from plumbline.fleet import NATIVE, Fleet, FleetChoice, build_fleet, start_of
from plumbline.zone import local_timezone
from store.ports import Assignment, Registry, Wearer

#: The mapped time of the first sample may lie a little before the sensor was switched on.
MARGIN_NS: Final = 5 * NS_PER_S
#: A simulation that is started again goes on with its day for so long; its flash logs hold a day.
GOES_ON_NS: Final = 24 * 3600 * NS_PER_S
_PREFIX: Final = "demo-"


@dataclass(frozen=True)
class Enrolled:
    """Who wears what: the wearer, the sensors, and what was chosen, with the start and the serials."""

    wearer: Wearer
    fleet: Fleet
    choice: FleetChoice
    start_ns: int


def enrol_new(registry: Registry, choice: FleetChoice, at_ns: int) -> Enrolled:
    """A new wearer ``demo-NNN`` with sensors of their own, assigned and calibrated.

    RecordingError, SettingError where the choice cannot be played.
    """
    number = len(registry.wearers()) + 1
    start_ns = start_of(choice, at_ns)
    choice = replace(choice, start_ns=start_ns, serial_prefix=f"PL-{number:03d}")
    fleet = build_fleet(choice, start_ns)
    name = choice.recording.name if choice.recording else "Simulated client"
    wearer = Wearer(
        f"{_PREFIX}{number:03d}",
        f"{name} ({number})",
        timezone=local_timezone(),
        simulated=choice.recording is None,
    )
    registry.put_wearer(wearer)
    for sensor in fleet.sensors:
        registry.assign(
            Assignment(sensor.serial, wearer.wearer, sensor.placement, start_ns - MARGIN_NS)
        )
    if fleet.calibration is not None:
        registry.add_calibration(wearer.wearer, with_margin(fleet.calibration, start_ns))
    return Enrolled(wearer, fleet, choice, start_ns)


def enrol_or_go_on(registry: Registry, choice: FleetChoice, at_ns: int) -> Enrolled:
    """The wearer of the last run where that began within a day, sensors as they were; else a new one.

    A simulator that crashed and is started again has the same samples in its flash logs. Sensors of
    other makes have none: there is nothing to go on with.
    """
    last = _last(registry, at_ns) if choice.make == NATIVE else None
    if last is None:
        return enrol_new(registry, choice, at_ns)
    wearer, worn = last
    start_ns = worn.start_ns + MARGIN_NS
    prefix = worn.sensor.removesuffix(f"-{worn.placement}")
    choice = replace(choice, start_ns=start_ns, serial_prefix=prefix)
    return Enrolled(wearer, build_fleet(choice, start_ns), choice, start_ns)


def with_margin(plan: CalibrationPlan, start_ns: int) -> CalibrationPlan:
    """A plan in force from the start, in force from a little before the first sample."""
    if plan.effective_ns != start_ns:
        return plan
    spare_ns = MAX_CALIBRATION_SESSION_NS - (plan.complete_ns - start_ns)
    return msgspec.structs.replace(plan, effective_ns=start_ns - min(MARGIN_NS, spare_ns))


def _last(registry: Registry, at_ns: int) -> tuple[Wearer, Assignment] | None:
    """The wearer of the last simulation, and one of their assignments, where it can go on."""
    for wearer in reversed(registry.wearers()):
        if not wearer.wearer.startswith(_PREFIX):
            continue
        worn = registry.assignments(wearer.wearer)
        if worn and at_ns - worn[0].start_ns < GOES_ON_NS:
            return wearer, worn[0]
        return None
    return None
