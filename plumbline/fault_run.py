"""One day of faults, run in fast time: simulated sensors, virtual air and whole gateways in one loop.

The outboxes are the real ones, on disk; analytics is left out, so that an outbox keeps all that it was
given. At the end every sample that reached a sensor's log is looked for in them.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Final

from bumble.device import Connection, Device

from contracts.broker import BrokerAddress
from contracts.errors import InvariantError, RadioError
from contracts.imu import DEFAULT_SCALE
from contracts.vocabulary import Placement
from device_gateway.config import GatewayConfig
from device_gateway.outbox import Outbox
from device_gateway.profiles import PROFILES, Profile
from device_gateway.radio import HciRadio
from device_gateway.radio.keys import KeyFile
from device_gateway.service import run_gateway
from device_gateway.streaming import address_id
from device_gateway.uplink import GatewayParts
from firmware_sim.battery import Battery
from firmware_sim.clock import DeviceClock
from firmware_sim.counting import CountingSource
from firmware_sim.dongles import LocalPort
from firmware_sim.fast_time import BEGIN_NS, clock_ns, run_fast
from firmware_sim.faulted import faulted_clock, faulted_firmware
from firmware_sim.faults import FaultPlan, Span
from firmware_sim.firmware import FirmwareConfig
from firmware_sim.fleet import SimulatedSensor, serial_number
from firmware_sim.makes import MAKES, DeviceConfig
from firmware_sim.makes.fleet import MakeSensor
from firmware_sim.makes.peripheral import MakePeripheral
from firmware_sim.peripheral import Peripheral, static_address
from firmware_sim.simulation import Simulation
from plumbline.fault_account import Account, StreamAccount, account, stream_account
from plumbline.fault_days import OTHER_MAKE_AT, BondReset, Day, Visit
from plumbline.fault_times import safe_spans
from plumbline.fault_witness import Watched, Witness, day_s
from plumbline.unanswered import unheard

if TYPE_CHECKING:
    from firmware_sim.service import AnySensor

#: Coarse, so that a day is quick; what is handed over is the same at any rate.
RATE_HZ: Final = 1.0
#: What is asked of other makes: their slowest, and of a WitMotion the rate that it has before it is asked,
#: so that a tick of it is the same all day.
MAKE_RATES_HZ: Final = {"dot": 1.0, "movesense": 13.0, "witmotion": 10.0}
PLACEMENTS: Final = (Placement.T4, Placement.L5)
#: A disk is mostly quick and now and then is not.
COMMIT_S: Final = (0.002, 0.002, 0.005, 0.02, 0.5)
#: A supervisor starts a gateway again that could not start, as without an adapter.
RESTART_S: Final = 2.0
_SITE: Final = "bench"
_PREFIX: Final = "PL"


@dataclass(frozen=True, slots=True)
class DayResult:
    """One day's end: native sensors by serial, those without a log by the id that gateways give them.

    ``rival``: what the other gateway did, on days that have one.
    """

    day: Day
    accounts: dict[str, Account]
    witness: Witness
    streams: dict[str, StreamAccount] = field(default_factory=dict)
    rival: Witness = field(default_factory=Witness)


def run_day(day: Day, folder: Path) -> DayResult:
    """Run a day with its outboxes in ``folder``."""
    chance = Random(day.seed)
    sensors = [_sensor(place, day, chance) for place in PLACEMENTS]
    ours = _Gateway("ours", folder, day, chance)
    rival = _Gateway("rival", folder, day, chance) if day.rival else None
    run_fast(
        _live(day, sensors, ours, rival),
        thread_work_s=lambda: chance.choice(COMMIT_S),
    )
    gateways = [ours] if rival is None else [ours, rival]
    witnesses = [gateway.witness for gateway in gateways]
    result = DayResult(day, {}, ours.witness, rival=rival.witness if rival else Witness())
    with contextlib.ExitStack() as opened:
        outboxes = [opened.enter_context(gateway.outbox()) for gateway in gateways]
        for sensor in sensors:
            if isinstance(sensor, MakeSensor):
                stream = _stream(day, sensor, outboxes, witnesses)
                result.streams[known_as(sensor)] = stream
            else:
                untimed = sum(witness.unplaced.get(sensor.serial, 0) for witness in witnesses)
                result.accounts[sensor.serial] = account(sensor, outboxes, untimed)
    return result


def _stream(
    day: Day, sensor: MakeSensor, outboxes: Sequence[Outbox], witnesses: Sequence[Witness]
) -> StreamAccount:
    """The account of a sensor without a log."""
    name = known_as(sensor)
    mine = day.plan.of(str(sensor.placement))
    safe = [
        span
        for witness, visits in zip(witnesses, (day.visits, day.rival), strict=False)
        for span in safe_spans([s for s in witness.steps if s.sensor == name], visits, mine)
    ]
    return stream_account(sensor, name, outboxes, safe, 3600.0 * day.hours)


def known_as(sensor: AnySensor) -> str:
    """The id that gateways give a sensor."""
    if isinstance(sensor, SimulatedSensor):
        return sensor.serial
    make = next(name for name, made in MAKES.items() if isinstance(sensor.firmware, made))
    address = static_address(sensor.serial).to_string(with_type_qualifier=False)
    return address_id(_profile(make), address)


def _profile(make: str) -> Profile:
    return next(profile for profile in PROFILES if profile.name == make)


def _sensor(place: Placement, day: Day, chance: Random) -> AnySensor:
    drift_ppm = chance.uniform(-20.0, 20.0)
    battery = Battery(100.0, life_h=100.0)
    serial = serial_number(_PREFIX, place)
    if day.other_make and place == OTHER_MAKE_AT:
        scale = _profile(day.other_make).scale
        config = DeviceConfig(serial, BEGIN_NS, drift_ppm, battery)
        device = MAKES[day.other_make](config, lambda rate_hz: CountingSource(rate_hz, scale))
        return MakeSensor(serial, place, device)
    return native_sensor(place, day.plan, drift_ppm, battery=battery, bonds=day.bonded)


def native_sensor(
    place: Placement,
    plan: FaultPlan,
    drift_ppm: float = 0.0,
    *,
    battery: Battery,
    bonds: bool = False,
) -> SimulatedSensor:
    """A native sensor that counts, as a plan has it."""
    serial = serial_number(_PREFIX, place)
    mine = plan.of(serial, str(place))
    clock = DeviceClock(BEGIN_NS, drift_ppm)
    config = FirmwareConfig(
        serial=serial,
        power_on_ns=BEGIN_NS,
        clock_drift_ppm=drift_ppm,
        synced_at_power_on=True,
        battery=battery,
    )
    source = CountingSource(RATE_HZ, DEFAULT_SCALE)
    firmware = faulted_firmware(
        config, source, faulted_clock(clock, mine, BEGIN_NS), mine, BEGIN_NS
    )
    return SimulatedSensor(serial, place, firmware, bonds=bonds)


class _Gateway:
    """A gateway with an outbox, keys and a port of its own, at work in visits."""

    def __init__(self, name: str, folder: Path, day: Day, chance: Random) -> None:
        self.witness = Witness()
        self.keys = KeyFile(folder / f"{name}-keys.json")
        self.port: LocalPort | None = None
        self._chance = chance
        self._config = GatewayConfig(
            site=_SITE,
            gateway=name,
            radio="local",
            broker=BrokerAddress("127.0.0.1", 1883),
            outbox_path=folder / f"{name}.db",
            keys_path=folder / f"{name}-keys.json",
            stream_rate_hz=MAKE_RATES_HZ.get(day.other_make, RATE_HZ),
        )

    def outbox(self) -> Outbox:
        """Its outbox, while it is not at work."""
        return Outbox(self._config.outbox_path, cap_bytes=self._config.outbox_cap_bytes)

    async def attend(self, visits: Sequence[Visit], simulation: Simulation) -> None:
        """Be at work in every visit, to the end of the last one."""
        port = self.port = simulation.port()

        def look() -> None:
            self.witness.at_end = dict(self.witness.states)
            self.witness.links_at_gateway = port.links
            self.witness.linked_sensors = tuple(
                p.serial for p in simulation.peripherals if p.connected
            )

        for visit in visits:
            await asyncio.sleep(max(0.0, visit.start_s - day_s()))
            await self._visit(visit, port, look)

    async def _visit(self, visit: Visit, port: LocalPort, look: Callable[[], None]) -> None:
        """At work to the visit's end, and started again where it could not start."""
        while (left_s := visit.end_s - day_s()) > RESTART_S:
            stop = asyncio.Event()
            gateway = asyncio.ensure_future(
                run_gateway(
                    self._config,
                    clock_ns=clock_ns,
                    report=unheard,
                    stop=stop,
                    parts=self._parts(port),
                )
            )
            await asyncio.wait({gateway}, timeout=left_s)
            look()
            if not gateway.done():
                gateway.cancel() if visit.killed else stop.set()
            with contextlib.suppress(asyncio.CancelledError, RadioError):
                await gateway
            await asyncio.sleep(min(RESTART_S, max(0.0, visit.end_s - day_s())))

    def _parts(self, port: LocalPort) -> GatewayParts:
        def watched(config: GatewayConfig, outbox: Outbox, **_: object) -> Watched:
            del config
            return Watched(self.witness, outbox)

        radio = HciRadio("local", port.open, self._config.keys_path)
        return GatewayParts(radio=radio, uplink=watched, random=self._chance)


async def _live(day: Day, sensors: list[AnySensor], ours: _Gateway, rival: _Gateway | None) -> None:
    async with Simulation(sensors, start_ns=BEGIN_NS, plan=day.plan) as simulation:
        beside = []
        if day.reset is not None:
            beside.append(asyncio.create_task(_reset(day.reset, simulation, ours.keys)))
        if rival is not None:
            for sensor, peripheral in zip(sensors, simulation.peripherals, strict=True):
                _note_links(str(sensor.placement), peripheral, rival)
            beside.append(asyncio.create_task(rival.attend(day.rival, simulation)))
        await ours.attend(day.visits, simulation)
        await asyncio.gather(*beside)


def _note_links(place: str, peripheral: Peripheral | MakePeripheral, rival: _Gateway) -> None:
    """Note when the rival has a sensor's link: ours cannot have it then."""

    def on_connection(connection: Connection) -> None:
        if rival.port is None or connection.peer_address != rival.port.address:
            return
        since_s = day_s()
        connection.on(
            Connection.EVENT_DISCONNECTION,
            lambda _: rival.witness.held.append((place, Span(since_s, day_s()))),
        )

    peripheral.device.on(Device.EVENT_CONNECTION, on_connection)


async def _reset(reset: BondReset, simulation: Simulation, keys: KeyFile) -> None:
    """Somebody presses a sensor's button for long, and later has our gateway forget its bond."""
    peripheral = simulation.peripheral(reset.sensor)
    if not isinstance(peripheral, Peripheral) or peripheral.bonding is None:
        raise InvariantError(f"There is no bond of {reset.sensor} to reset.")
    await asyncio.sleep(reset.at_s - day_s())
    peripheral.bonding.reset()
    await asyncio.sleep(reset.forgotten_s - day_s())
    keys.forget(peripheral.serial)
