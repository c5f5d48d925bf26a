"""A simulated wearer for the tests of other people's code: sensors on an air, and the truth beside them.

:class:`ServedAir` runs in a thread of its own, in real time, for code in any loop or process: it is
reached over TCP. :class:`FastAir` runs the code under test in its own loop, in time that jumps.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from contracts.errors import Reason, SettingError
from contracts.units import NS_PER_S
from contracts.vocabulary import Placement
from firmware_sim.epochs import EpochFirmware
from firmware_sim.fast_time import BEGIN_NS, clock_ns, run_fast
from firmware_sim.faults import AnyFault, FaultPlan
from firmware_sim.firmware_words import TakenSamples
from firmware_sim.fleet import SimulatedSensor, TruthSpan, WorkdayTruth, workday_fleet
from firmware_sim.peripheral import static_address
from firmware_sim.plan_files import read_plan, read_scenario
from firmware_sim.scenario_files import ScenarioFile
from firmware_sim.simulation import Simulation

T = TypeVar("T")

#: Enough for a calibration and a first slump; more only takes longer to make.
FEW_HOURS: Final = 0.05
ONE_SENSOR: Final = ScenarioFile(hours=FEW_HOURS, placements=(Placement.T4,))
SERIAL_PREFIX: Final = "PL"
#: An air is up within a second or two; a day that waits in its logs takes longer to make.
UP_TIMEOUT_S: Final = 120.0

AnyPlan = FaultPlan | Sequence[AnyFault] | Path | str | None
AnyScenario = ScenarioFile | Path | str | None


def plan_of(given: AnyPlan) -> FaultPlan:
    """A plan, from its faults, or from the file of a path. SettingError where it is none."""
    if given is None:
        return FaultPlan.EMPTY
    if isinstance(given, FaultPlan):
        return given
    return (
        read_plan(Path(given)) if isinstance(given, (Path, str)) else FaultPlan(faults=tuple(given))
    )


def scenario_of(given: AnyScenario) -> ScenarioFile:
    """A scenario, or the one in the file of a path; None: a few minutes of a working day."""
    if given is None:
        return ScenarioFile(hours=FEW_HOURS)
    return given if isinstance(given, ScenarioFile) else read_scenario(Path(given))


@dataclass(slots=True)
class Worn:
    """A simulated wearer: sensors, and what they really did from ``start_ns`` (true UTC) on."""

    sensors: Sequence[SimulatedSensor]
    truth: WorkdayTruth
    start_ns: int
    plan: FaultPlan
    lost_on_purpose: dict[str, int] = field(default_factory=dict)
    damaged_on_purpose: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, scenario: AnyScenario, plan: AnyPlan, *, now_ns: int) -> Worn:
        """The wearer of a scenario whose hours wait at ``now_ns``."""
        told, faults = scenario_of(scenario), plan_of(plan)
        start_ns = now_ns - round(told.hours * 3600) * NS_PER_S
        sensors, truth = workday_fleet(
            start_ns=start_ns,
            hours=told.hours,
            placements=told.placements,
            seed=told.seed,
            serial_prefix=SERIAL_PREFIX,
            rate_hz=told.rate_hz,
            moves=told.day,
            plan=faults,
        )
        return cls(sensors, truth, start_ns, faults)

    @property
    def serials(self) -> tuple[str, ...]:
        """The sensors' serial numbers, in the order of the scenario's placements."""
        return tuple(sensor.serial for sensor in self.sensors)

    def taken(self, name: str) -> list[TakenSamples]:
        """Every sample that reached the log of a sensor, given by serial or placement, by epoch."""
        firmware = self.sensor(name).firmware
        epochs = firmware.epochs if isinstance(firmware, EpochFirmware) else (firmware,)
        return [epoch.taken() for epoch in epochs]

    def sensor(self, name: str) -> SimulatedSensor:
        """The sensor with a serial or at a placement. SettingError where there is none."""
        for sensor in self.sensors:
            if name in (sensor.serial, sensor.placement):
                return sensor
        raise SettingError(Reason.BAD_SETTING, f"No sensor {name[:64]!r} is simulated.")

    def address(self, name: str) -> str:
        """The Bluetooth address of a sensor, given by serial or placement."""
        return static_address(self.sensor(name).serial).to_string(with_type_qualifier=False)

    def simulation(self) -> Simulation:
        """The sensors on an air of the running loop, for as long as the context lasts."""
        return Simulation(self.sensors, start_ns=self.start_ns, plan=self.plan)

    def note(self, simulation: Simulation) -> None:
        """Remember what the air lost and damaged."""
        for serial, air in zip(self.serials, simulation.conditions, strict=True):
            self.lost_on_purpose[serial] = air.lost_on_purpose
            self.damaged_on_purpose[serial] = air.damaged_on_purpose


class ServedAir:
    """A wearer on an air that listens on TCP, in real time, while the context lasts.

    ``radio`` is where, as the gateway's ``--radio`` takes it. What is asked of the wearer is asked in the
    air's own thread.
    """

    def __init__(self, scenario: AnyScenario = None, plan: AnyPlan = None) -> None:
        self.radio = ""
        self._wearer = Worn.of(scenario, plan, now_ns=clock_ns())
        self._up = threading.Event()
        self._failure: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._run, name="simulated-air", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._up.wait(UP_TIMEOUT_S):
            raise TimeoutError(f"The simulated air was not up within {UP_TIMEOUT_S:g} s.")
        self._raise_failure()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._loop is not None and self._stop is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        if error is None:
            self._raise_failure()

    @property
    def serials(self) -> tuple[str, ...]:
        """The sensors' serial numbers, in the order of the scenario's placements."""
        return self._wearer.serials

    def address(self, name: str) -> str:
        """The Bluetooth address of a sensor, given by serial or placement."""
        return self._wearer.address(name)

    def taken(self, name: str) -> list[TakenSamples]:
        """As :meth:`Worn.taken`, of now."""
        return self._ask(lambda: self._wearer.taken(name))

    def did(self) -> list[TruthSpan]:
        """What the wearer held and did from the start until now; gaps are transitions."""
        wearer = self._wearer
        return self._ask(lambda: wearer.truth.spans(wearer.start_ns, clock_ns()))

    def _ask(self, question: Callable[[], T]) -> T:
        if self._loop is None or not self._thread.is_alive():
            return question()

        async def answer() -> T:
            return question()

        return asyncio.run_coroutine_threadsafe(answer(), self._loop).result(UP_TIMEOUT_S)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:  # noqa: BLE001 - raised again where the context is
            self._failure = error
        finally:
            self._up.set()

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        async with self._wearer.simulation() as simulation:
            self.radio = await simulation.listen()
            self._up.set()
            await self._stop.wait()
            self._wearer.note(simulation)

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure


class FastAir:
    """A wearer on an air in fast time: :meth:`run` runs the code under test in the air's own loop."""

    def __init__(
        self, plan: AnyPlan = None, scenario: AnyScenario = None, *, now_ns: int = BEGIN_NS
    ) -> None:
        self._now_ns = now_ns
        self.wearer = Worn.of(scenario, plan, now_ns=now_ns)

    def run(self, work: Callable[[Simulation], Coroutine[Any, Any, T]]) -> T:
        """What ``work`` gives, of the simulation that it is handed. To be called once."""

        async def main() -> T:
            async with self.wearer.simulation() as simulation:
                try:
                    return await work(simulation)
                finally:
                    self.wearer.note(simulation)

        return run_fast(main(), begin_ns=self._now_ns)

    def did(self) -> list[TruthSpan]:
        """What the wearer held and did in the scenario's hours; gaps are transitions."""
        return self.wearer.truth.day()
