"""Simulated sensors on an air of this process, with a fault plan, for whoever has code to try on them.

The air belongs to the running event loop. Code in the same loop reaches it through a :class:`LocalPort`,
which bumble takes as a transport; other loops and processes through TCP.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Self

from contracts.errors import Reason, SettingError
from contracts.units import NS_PER_S
from firmware_sim.air import Air
from firmware_sim.dongles import DongleListener, LocalPort
from firmware_sim.fast_time import clock_ns as loop_clock_ns
from firmware_sim.faults import FaultPlan
from firmware_sim.faulty_air import Named, PlannedConditions, play_faults, set_conditions
from firmware_sim.makes.peripheral import MakePeripheral
from firmware_sim.peripheral import Peripheral
from firmware_sim.service import peripheral_of

if TYPE_CHECKING:
    from firmware_sim.service import AnySensor


class Simulation:
    """``sensors`` on the air while the context lasts. ``start_ns``: true UTC of the plan's second 0.

    SettingError, from ``async with``, for a plan that names a sensor there is not. What a firmware raises
    is raised at the end of the context.
    """

    def __init__(
        self,
        sensors: Sequence[AnySensor],
        *,
        start_ns: int,
        plan: FaultPlan = FaultPlan.EMPTY,
        clock_ns: Callable[[], int] = loop_clock_ns,
    ) -> None:
        self.sensors = tuple(sensors)
        self.plan = plan
        self.peripherals: list[Peripheral | MakePeripheral] = []
        self.conditions: list[PlannedConditions] = []
        self._start_ns = start_ns
        self._clock_ns = clock_ns
        self._ports: list[LocalPort | DongleListener] = []
        self._listeners: list[DongleListener] = []
        self._failures: list[BaseException] = []
        self._playing: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._air = Air()
        for sensor in self.sensors:
            peripheral = peripheral_of(
                sensor, self._air, clock_ns=self._clock_ns, failed=self._failures.append
            )
            self.peripherals.append(peripheral)
        named = self._named()
        self.conditions = set_conditions(self.plan, named, self.now_s)
        for peripheral in self.peripherals:
            peripheral.firmware.advance(self._clock_ns())
            await peripheral.start()
        self._playing = asyncio.create_task(
            play_faults(
                self.plan,
                named,
                self._ports,
                start_ns=self._start_ns,
                clock_ns=self._clock_ns,
            )
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._playing is not None:
            self._playing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._playing
        for peripheral in self.peripherals:
            await peripheral.stop()
        for listener in self._listeners:
            await listener.close()
        if self._failures:
            raise self._failures[0]

    def _named(self) -> list[Named]:
        return [
            ((sensor.serial, str(sensor.placement)), peripheral.controller)
            for sensor, peripheral in zip(self.sensors, self.peripherals, strict=True)
        ]

    def now_s(self) -> float:
        """Seconds since the plan's second 0."""
        return (self._clock_ns() - self._start_ns) / NS_PER_S

    def port(self) -> LocalPort:
        """A port for a dongle in this event loop: ``await port.open()`` is a bumble transport."""
        port = LocalPort(self._air)
        self._ports.append(port)
        return port

    async def listen(self, port: int = 0) -> str:
        """Serve dongles over TCP on this machine: the address, as ``tcp:127.0.0.1:PORT``."""
        listener = await DongleListener.open(self._air, "127.0.0.1", port)
        self._listeners.append(listener)
        self._ports.append(listener)
        return f"tcp:127.0.0.1:{listener.port}"

    def peripheral(self, name: str) -> Peripheral | MakePeripheral:
        """The sensor on the air with a serial or at a placement. SettingError where there is none."""
        for sensor, peripheral in zip(self.sensors, self.peripherals, strict=True):
            if name in (sensor.serial, sensor.placement):
                return peripheral
        raise SettingError(Reason.BAD_SETTING, f"No sensor {name[:64]!r} is simulated.")
