"""A crowd for benchmarks: simulated wearers of T4 and L5, in the registry and as MQTT messages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from contracts import topics
from contracts.imu import DEFAULT_SCALE, ImuSamples, period_ns_of, regular_times_ns
from contracts.messages import MESSAGE_VERSION, ImuMessage
from contracts.settings import CalibrationPlan
from contracts.units import NS_PER_S
from contracts.vocabulary import Placement
from firmware_sim.body import Body
from firmware_sim.clock import DeviceClock
from firmware_sim.imu_model import BodySource, ImuErrors
from firmware_sim.scenario import ROUNDED_WINDOW_S, UPRIGHT_WINDOW_S, Scenario
from plumbline.enrol import MARGIN_NS
from plumbline.fleet import KIT
from store import open_registry
from store.ports import Assignment, Wearer

RATE_HZ: Final = 50.0
SEED: Final = 1
#: So many people are simulated; in a larger crowd several wearers move alike.
PEOPLE: Final = 4
GATEWAY: Final = "bench"
OUTBOX: Final = "bench-outbox"
#: A message is the topic and the payload.
Message = tuple[str, bytes]


@dataclass(frozen=True, slots=True)
class Crowd:
    """``wearers`` people from ``start_ns``, a whole UTC second, on, for ``seconds``."""

    wearers: int
    seconds: int
    start_ns: int
    site: str

    @property
    def names(self) -> list[str]:
        """The wearers' ids."""
        return [f"wearer-{number:03d}" for number in range(self.wearers)]

    @property
    def messages(self) -> int:
        """How many messages there are: one a sensor-second."""
        return self.wearers * len(KIT) * self.seconds

    def enrol(self, registry_url: str) -> None:
        """Enter the wearers with their sensors and a calibration at their start."""
        registry = open_registry(registry_url)
        try:
            for name in self.names:
                registry.put_wearer(Wearer(name, name, timezone="UTC", simulated=True))
                for place in KIT:
                    assignment = Assignment(
                        sensor_of(name, place), name, place, self.start_ns - MARGIN_NS
                    )
                    registry.assign(assignment)
                registry.add_calibration(name, calibration_at(self.start_ns))
        finally:
            registry.close()

    def by_second(self) -> Iterator[list[Message]]:
        """The messages of each second of everybody, as gateways would send them live."""
        people = [self._batches(person) for person in range(min(self.wearers, PEOPLE))]
        sensors = [
            (topics.imu(self.site, GATEWAY, sensor_of(name, place)), people[number % PEOPLE][place])
            for number, name in enumerate(self.names)
            for place in KIT
        ]
        for second in range(self.seconds):
            yield [(topic, batches[second]) for topic, batches in sensors]

    def _batches(self, person: int) -> dict[Placement, list[bytes]]:
        """A person's payloads, one a sensor-second."""
        worn = person_samples(person, self.seconds, self.start_ns)
        a_second = round(RATE_HZ)
        return {
            place: [
                self._batch(raw[second * a_second : (second + 1) * a_second].tobytes(), second)
                for second in range(self.seconds)
            ]
            for place, samples in worn.items()
            for raw in [DEFAULT_SCALE.quantise(samples.si)]
        }

    def _batch(self, readings: bytes, second: int) -> bytes:
        return ImuMessage(
            v=MESSAGE_VERSION,
            outbox=OUTBOX,
            seq=second + 1,
            t0_ns=self.start_ns + second * NS_PER_S,
            period_ns=period_ns_of(RATE_HZ),
            rate_hz=RATE_HZ,
            accel_range_g=DEFAULT_SCALE.accel_range_g,
            gyro_range_deg_s=DEFAULT_SCALE.gyro_range_deg_s,
            samples=readings,
        ).encode()


def sensor_of(wearer: str, place: Placement) -> str:
    """The serial number of a wearer's sensor."""
    return f"{wearer}-{place.value}"


def calibration_at(start_ns: int) -> CalibrationPlan:
    """The calibration with which a simulated client's day begins."""
    upright, rounded = (
        (start_ns + round(first_s * NS_PER_S), start_ns + round(last_s * NS_PER_S))
        for first_s, last_s in (UPRIGHT_WINDOW_S, ROUNDED_WINDOW_S)
    )
    return CalibrationPlan(
        effective_ns=start_ns - MARGIN_NS, upright_ns=upright, rounded_ns=rounded
    )


def person_samples(person: int, seconds: float, start_ns: int) -> dict[Placement, ImuSamples]:
    """What T4 and L5 read of the first ``seconds`` of a simulated client's day."""
    count = round(seconds * RATE_HZ)
    rng = np.random.default_rng(SEED + person)
    body = Body(Scenario(rng), rng)
    return {place: _samples(body, place, count, start_ns, rng) for place in KIT}


def _samples(
    body: Body, place: Placement, count: int, start_ns: int, rng: np.random.Generator
) -> ImuSamples:
    source = BodySource(
        body,
        place,
        rate_hz=RATE_HZ,
        start_ns=start_ns,
        clock=DeviceClock(start_ns, 0.0),
        errors=ImuErrors.drawn(rng, place),
        seed=SEED,
    )
    si = source.read(0, count).si.astype(np.float32)
    times_ns = regular_times_ns(start_ns, period_ns_of(RATE_HZ), count)
    return ImuSamples(times_ns, si, RATE_HZ, ended=True)
