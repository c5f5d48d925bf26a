"""Runs simulated sensors on a virtual air that other programs reach over TCP."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

import structlog

from contracts.errors import Fault, PlumblineError, Reason, SettingError
from contracts.units import NS_PER_S
from firmware_sim.air import Air
from firmware_sim.dongles import DongleListener
from firmware_sim.faults import FaultPlan
from firmware_sim.faulty_air import play_faults, set_conditions
from firmware_sim.makes.fleet import MakeSensor
from firmware_sim.makes.peripheral import MakePeripheral
from firmware_sim.peripheral import Peripheral

if TYPE_CHECKING:
    from firmware_sim.fleet import SimulatedSensor

    AnySensor = SimulatedSensor | MakeSensor

log = structlog.get_logger(__name__)

REPORT_INTERVAL_S: Final = 0.5
LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")


async def run_simulator(
    sensors: Sequence[AnySensor],
    *,
    listen: str,
    clock_ns: Callable[[], int],
    report: Callable[[dict[str, Any]], None],
    stop: asyncio.Event,
    ready: Callable[[str], None],
    placed: Callable[[Sequence[Peripheral]], None] = lambda _: None,
    open_air: bool = False,
    plan: FaultPlan = FaultPlan.EMPTY,
    start_ns: int | None = None,
) -> None:
    """Put ``sensors`` on the air and serve ``listen`` ("tcp:127.0.0.1:PORT", 0: any) until ``stop``.

    ``ready`` is told the address that is really listened on, once every sensor advertises; ``placed``
    is shown the native sensors before that, for who means to disturb their links. ``open_air`` allows an
    address that other machines reach, for a network that is itself closed to others. ``report``
    gets the counts of every sensor about twice a second, and once more at the end. ``plan`` happens to
    the air, its second 0 at ``start_ns`` (true UTC; None: now). SettingError for a bad ``listen``, PORT_IN_USE where somebody else has the port; a defect of a firmware is raised.
    """
    host, port = _parse_listen(listen, open_air)
    failure: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    def failed(error: BaseException) -> None:
        if not failure.done():
            failure.set_exception(error)

    air = Air()
    peripherals = [
        peripheral_of(sensor, air, clock_ns=clock_ns, failed=failed) for sensor in sensors
    ]
    named = [
        ((sensor.serial, str(sensor.placement)), one.controller)
        for sensor, one in zip(sensors, peripherals, strict=True)
    ]
    began_ns = clock_ns() if start_ns is None else start_ns
    set_conditions(plan, named, lambda: (clock_ns() - began_ns) / NS_PER_S)
    listener = await _listen(air, host, port)
    playing = asyncio.create_task(
        play_faults(plan, named, [listener], start_ns=began_ns, clock_ns=clock_ns)
    )
    try:
        for peripheral in peripherals:
            # What waits in the flash log of a day away is much: made before anyone is told.
            await asyncio.to_thread(peripheral.firmware.advance, clock_ns())
            await peripheral.start()
        placed([one for one in peripherals if isinstance(one, Peripheral)])
        ready(f"tcp:{host}:{listener.port}")
        await _report_until(sensors, clock_ns, report, stop, failure)
    finally:
        playing.cancel()
        for peripheral in peripherals:
            await peripheral.stop()
        await listener.close()
        failure.cancel()
        report(snapshot(sensors))


def peripheral_of(
    sensor: AnySensor,
    air: Air,
    *,
    clock_ns: Callable[[], int],
    failed: Callable[[BaseException], None],
) -> Peripheral | MakePeripheral:
    """The Bluetooth side of a sensor of any make."""
    if isinstance(sensor, MakeSensor):
        return MakePeripheral(sensor.firmware, air, clock_ns=clock_ns, failed=failed)
    return Peripheral(
        sensor.serial,
        sensor.firmware,
        air,
        clock_ns=clock_ns,
        failed=failed,
        bonds=sensor.bonds,
    )


async def _report_until(
    sensors: Sequence[AnySensor],
    clock_ns: Callable[[], int],
    report: Callable[[dict[str, Any]], None],
    stop: asyncio.Event,
    failure: asyncio.Future[Any],
) -> None:
    stopping: asyncio.Future[Any] = asyncio.ensure_future(stop.wait())
    try:
        while not stopping.done():
            for sensor in sensors:  # those that no one is connected to go on recording
                sensor.firmware.advance(clock_ns())
            report(snapshot(sensors))
            await asyncio.wait(
                {stopping, failure},
                timeout=REPORT_INTERVAL_S,
                return_when=asyncio.FIRST_COMPLETED,
            )
            if failure.done():
                failure.result()
    finally:
        stopping.cancel()


def snapshot(sensors: Sequence[AnySensor]) -> dict[str, Any]:
    """The counts of every sensor by serial: samples recorded, lost, sent, kept, and whether it ended."""
    return {
        "sensors": {
            sensor.serial: {
                "placement": str(sensor.placement),
                "recorded": sensor.firmware.stats.recorded,
                "lost": sensor.firmware.stats.lost,
                "sent": sensor.firmware.stats.sent,
                "kept": sensor.firmware.stats.kept,
                "ended": sensor.firmware.stats.ended,
            }
            for sensor in sensors
        }
    }


def _parse_listen(listen: str, open_air: bool) -> tuple[str, int]:
    scheme, _, rest = listen.partition(":")
    host, _, port = rest.rpartition(":")
    host = host.strip("[]")
    if scheme != "tcp" or not port.isdecimal() or int(port) > 0xFFFF:
        raise SettingError(
            Reason.BAD_SETTING,
            f"The simulator cannot listen on {listen!r}.",
            hint="Give tcp:127.0.0.1:PORT; port 0 takes any free one.",
        )
    if not host or (host not in LOOPBACK and not open_air):
        raise SettingError(
            Reason.BAD_SETTING,
            f"The simulator listens on this machine only, not on {host!r}.",
            hint="Give tcp:127.0.0.1:PORT: the virtual air has no encryption and no password.",
        )
    return host, int(port)


async def _listen(air: Air, host: str, port: int) -> DongleListener:
    try:
        return await DongleListener.open(air, host, port)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise PlumblineError(
                Reason.RADIO_UNREACHABLE,
                f"The simulator cannot listen on {host}:{port}: {error.strerror}.",
                hint="Give another address to listen on.",
                fault=Fault.MACHINE,
            ) from error
        raise PlumblineError(
            Reason.PORT_IN_USE,
            f"Port {port} on {host} is in use.",
            hint="Stop the program that has it, or give another port (0 takes any free one).",
            fault=Fault.MACHINE,
        ) from error
