"""Whose recordings are played at once, and what of it the registry has to know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

from contracts.recording import open_recording
from contracts.settings import PostureSettings
from contracts.units import NS_PER_S
from contracts.vocabulary import Placement
from firmware_sim.fleet import SimulatedSensor, recording_fleet, serial_number
from plumbline.enrol import MARGIN_NS, with_margin
from plumbline.fleet import KIT, calibration_of, duration_s
from store import open_registry
from store.ports import Assignment, Wearer

#: Distance of a recording's first and last sample from the border of a second: where a clock that is
#: estimated anew moves one sample over it, there would be a frame more or less. And from the middle:
#: a sensor has measured a second of which it has half.
CLEAR_S: Final = 0.1
#: Postures are held for 30 s in the recordings: shorter episodes than by default are more of them.
SETTINGS: Final = PostureSettings(episode_s=10.0)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody whose recording is played."""

    wearer: str
    recording: Path
    seed: int

    @property
    def prefix(self) -> str:
        """What the serial numbers of this person's sensors begin with."""
        return f"PL-{self.wearer}"

    def serials(self) -> dict[str, Placement]:
        """The sensors that are worn."""
        return {serial_number(self.prefix, placement): placement for placement in KIT}

    def sensors(self, start_ns: int) -> list[SimulatedSensor]:
        """The sensors, switched on at ``start_ns``: the same for the same person, however often."""
        recording = open_recording(self.recording)
        fleet = recording_fleet(
            recording, start_ns=start_ns, serial_prefix=self.prefix, seed=self.seed
        )
        return [sensor for sensor in fleet if sensor.placement in KIT]

    def duration_s(self) -> float:
        """How long the recording is."""
        return duration_s(open_recording(self.recording))


def choose(data_dir: Path, seed: int, count: int) -> list[Person]:
    """Different people, at their desks and in cars."""
    folders = sorted(
        path for kind in ("sitting", "driving") for path in data_dir.glob(f"recordings/{kind}-*")
    )
    chosen = Random(seed).sample(folders, count)
    return [
        Person(f"chaos-{number}", folder, seed + number) for number, folder in enumerate(chosen)
    ]


def start_before(people: Sequence[Person], at_ns: int, live_s: float) -> int:
    """When to switch the sensors on so that the last ``live_s`` of the shortest are still to come."""
    shortest_s = min(person.duration_s() for person in people)
    whole_ns = (at_ns - round((shortest_s - live_s) * NS_PER_S)) // NS_PER_S * NS_PER_S
    ends_s = [duration % 1.0 for duration in map(Person.duration_s, people)]
    for offset_s in (hundredth / 100 for hundredth in range(100)):
        if all(_is_clear(part_s + offset_s) for part_s in (0.0, *ends_s)):
            return whole_ns + round(offset_s * NS_PER_S)
    return whole_ns + NS_PER_S // 4


def _is_clear(time_s: float) -> bool:
    return CLEAR_S <= time_s % 0.5 <= 0.5 - CLEAR_S


def register(registry_url: str, people: Sequence[Person], start_ns: int) -> None:
    """Enter the people, their sensors and when they were calibrated."""
    registry = open_registry(registry_url)
    try:
        for person in people:
            registry.put_wearer(Wearer(person.wearer, person.recording.name))
            registry.set_settings(person.wearer, SETTINGS)
            for serial, placement in person.serials().items():
                registry.assign(Assignment(serial, person.wearer, placement, start_ns - MARGIN_NS))
            plan = calibration_of(open_recording(person.recording), start_ns)
            if plan is not None:
                registry.add_calibration(person.wearer, with_margin(plan, start_ns))
    finally:
        registry.close()
