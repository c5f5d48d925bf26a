"""One day of faults, run in fast time: simulated sensors, virtual air and a whole gateway in one loop.

The outbox is the real one, on disk; analytics is left out, so that the outbox keeps all that it was
given. At the end every sample that reached a sensor's log is looked for in it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final

import numpy as np

from contracts.broker import BrokerAddress
from contracts.errors import RadioError
from contracts.imu import DEFAULT_SCALE
from contracts.messages import ImuMessage, SensorStatus
from contracts.units import NS_PER_S
from contracts.vocabulary import Placement
from device_gateway.config import GatewayConfig
from device_gateway.outbox import Outbox
from device_gateway.radio import HciRadio
from device_gateway.service import run_gateway
from device_gateway.uplink import GatewayParts
from firmware_sim.battery import Battery
from firmware_sim.clock import DeviceClock
from firmware_sim.counting import CountingSource, counted_ticks
from firmware_sim.epochs import AnyFirmware, EpochFirmware
from firmware_sim.fast_time import BEGIN_NS, clock_ns, run_fast
from firmware_sim.faulted import faulted_clock, faulted_firmware
from firmware_sim.faults import FaultPlan
from firmware_sim.firmware import Firmware, FirmwareConfig
from firmware_sim.fleet import SimulatedSensor
from firmware_sim.simulation import Simulation
from firmware_sim.source import Ticks
from plumbline.fault_days import Day, Visit
from plumbline.unanswered import Unanswered, unheard

#: Coarse, so that a day is quick; what is handed over is the same at any rate.
RATE_HZ: Final = 1.0
PLACEMENTS: Final = (Placement.T4, Placement.L5)
#: A disk is mostly quick and now and then is not.
COMMIT_S: Final = (0.002, 0.002, 0.005, 0.02, 0.5)
#: A supervisor starts a gateway again that could not start, as without an adapter.
RESTART_S: Final = 2.0
_SITE: Final = "bench"
_NONE: Final[Ticks] = np.empty(0, np.int64)


@dataclass(frozen=True, slots=True)
class Step:
    """A session's state from a time on, s from the day's start."""

    at_s: float
    sensor: str
    state: str


@dataclass(slots=True)
class Witness:
    """What a day's sessions did, and how they were when the last visit ended."""

    steps: list[Step] = field(default_factory=list)
    states: dict[str, str] = field(default_factory=dict)
    unplaced: dict[str, int] = field(default_factory=dict)  # said by gateways that have ended
    at_end: dict[str, str] = field(default_factory=dict)
    links_at_gateway: int = 0
    linked_sensors: tuple[str, ...] = ()


class _NoBroker(Unanswered):
    """Analytics that never answers. It notes what sessions do."""

    def __init__(self, witness: Witness, outbox: Outbox) -> None:
        super().__init__()
        self._witness = witness
        self._outbox = outbox
        self._unplaced_before = dict(witness.unplaced)

    def status(self, sensor: str, status: SensorStatus) -> None:
        """Note a change, and what could not be placed in time."""
        unplaced = status.dropped - self._outbox.state(sensor).lost
        before = self._unplaced_before.get(sensor, 0)
        self._witness.unplaced[sensor] = before + unplaced
        if self._witness.states.get(sensor) != status.state:
            self._witness.states[sensor] = status.state
            at_s = (clock_ns() - BEGIN_NS) / NS_PER_S
            self._witness.steps.append(Step(at_s, sensor, status.state))


@dataclass(frozen=True, slots=True)
class Account:
    """What became of one sensor's samples over a day, in samples."""

    recorded: int  # reached its log
    found: int  # in the outbox
    twice: int
    invented: int  # in the outbox, and never recorded
    overwritten: int  # a full log gave them up before anyone read them
    untimed: int  # of an epoch that nobody ever gave a time
    counted_untimed: int  # by the gateway
    missing: int  # neither in the outbox nor still in the log, overwritten or untimed
    lost: int  # never recorded, or overwritten: ticks up to the last one in the outbox
    counted_lost: int  # by the gateway


@dataclass(frozen=True, slots=True)
class DayResult:
    """One day's end."""

    day: Day
    accounts: dict[str, Account]
    witness: Witness


def run_day(day: Day, folder: Path) -> DayResult:
    """Run a day with its outbox in ``folder``."""
    chance = Random(day.seed)
    sensors = [_sensor(place, day.plan, chance) for place in PLACEMENTS]
    witness = Witness()
    config = GatewayConfig(
        site=_SITE,
        gateway=_SITE,
        radio="local",
        broker=BrokerAddress("127.0.0.1", 1883),
        outbox_path=folder / "outbox.db",
    )
    run_fast(
        _live(day, sensors, config, witness, chance),
        thread_work_s=lambda: chance.choice(COMMIT_S),
    )
    with Outbox(config.outbox_path, cap_bytes=config.outbox_cap_bytes) as outbox:
        accounts = {
            sensor.serial: account(sensor, outbox, witness.unplaced.get(sensor.serial, 0))
            for sensor in sensors
        }
    return DayResult(day, accounts, witness)


def _sensor(place: Placement, plan: FaultPlan, chance: Random) -> SimulatedSensor:
    serial = f"PL-{place}"
    mine = plan.of(serial, str(place))
    clock = DeviceClock(BEGIN_NS, chance.uniform(-20.0, 20.0))
    config = FirmwareConfig(
        serial=serial,
        power_on_ns=BEGIN_NS,
        clock_drift_ppm=clock.drift_ppm,
        synced_at_power_on=True,
        battery=Battery(100.0, life_h=100.0),
    )
    source = CountingSource(RATE_HZ, DEFAULT_SCALE)
    firmware = faulted_firmware(
        config, source, faulted_clock(clock, mine, BEGIN_NS), mine, BEGIN_NS
    )
    return SimulatedSensor(serial, place, firmware)


async def _live(
    day: Day,
    sensors: list[SimulatedSensor],
    config: GatewayConfig,
    witness: Witness,
    chance: Random,
) -> None:
    async with Simulation(sensors, start_ns=BEGIN_NS, plan=day.plan) as simulation:
        port = simulation.port()

        def no_broker(config: GatewayConfig, outbox: Outbox, **_: object) -> _NoBroker:
            del config
            return _NoBroker(witness, outbox)

        def parts() -> GatewayParts:
            radio = HciRadio("local", port.open)
            return GatewayParts(radio=radio, uplink=no_broker, random=chance)

        def look() -> None:
            witness.at_end = dict(witness.states)
            witness.links_at_gateway = port.links
            witness.linked_sensors = tuple(p.serial for p in simulation.peripherals if p.connected)

        for visit in day.visits:
            await asyncio.sleep(max(0.0, visit.start_s - simulation.now_s()))
            await _visit(visit, config, parts, simulation.now_s, look)


async def _visit(
    visit: Visit,
    config: GatewayConfig,
    parts: Callable[[], GatewayParts],
    now_s: Callable[[], float],
    look: Callable[[], None],
) -> None:
    """The gateway at work, started again where it could not start, to the visit's end."""
    while (left_s := visit.end_s - now_s()) > RESTART_S:
        stop = asyncio.Event()
        gateway = asyncio.ensure_future(
            run_gateway(config, clock_ns=clock_ns, report=unheard, stop=stop, parts=parts())
        )
        await asyncio.wait({gateway}, timeout=left_s)
        look()
        if not gateway.done():
            gateway.cancel() if visit.killed else stop.set()
        with contextlib.suppress(asyncio.CancelledError, RadioError):
            await gateway
        await asyncio.sleep(min(RESTART_S, max(0.0, visit.end_s - now_s())))


def account(sensor: SimulatedSensor, outbox: Outbox, counted_untimed: int) -> Account:
    """What became of a sensor's samples."""
    epochs = _epochs(sensor.firmware)
    recorded = np.concatenate([_counts(epoch) for epoch in epochs])
    untimed = np.concatenate([_NONE, *(_counts(epoch) for epoch in epochs if not epoch.timed)])
    found = _in_outbox(sensor.serial, outbox)
    unique, counts = np.unique(found, return_counts=True)
    read = recorded <= unique[-1] if len(unique) else np.zeros(len(recorded), bool)
    gone = np.setdiff1d(np.setdiff1d(recorded[read], unique), untimed)
    overwritten = min(len(gone), sensor.firmware.stats.overwritten)
    state = outbox.state(sensor.serial)
    return Account(
        recorded=len(recorded),
        found=len(found),
        twice=int((counts - 1).sum()),
        invented=len(np.setdiff1d(unique, recorded)),
        overwritten=overwritten,
        untimed=len(np.setdiff1d(untimed, unique)),
        counted_untimed=counted_untimed,
        missing=len(gone) - overwritten,
        lost=overwritten + sum(_lost_ticks(e, unique) for e in epochs if e.timed),
        counted_lost=state.lost,
    )


def _lost_ticks(epoch: Firmware, found: Ticks) -> int:
    """Ticks of an epoch that the sensor lost before the last one of it that was found."""
    taken = epoch.taken()
    known = np.isin(counted_ticks(taken.samples), found)
    if not known.any():
        return 0
    last = int(np.flatnonzero(known)[-1])
    return int(taken.sequences[last]) - last


def _epochs(firmware: AnyFirmware) -> Sequence[Firmware]:
    return firmware.epochs if isinstance(firmware, EpochFirmware) else (firmware,)


def _counts(epoch: Firmware) -> Ticks:
    """The counts of all samples that reached a log."""
    return counted_ticks(epoch.taken().samples)


def _in_outbox(serial: str, outbox: Outbox) -> Ticks:
    pieces = [_NONE]
    after = 0
    while rows := outbox.read(serial, after, max_bytes=2**22, max_batches=4096):
        for seq, payload in rows:
            message = ImuMessage.decode(payload, now_ns=None)
            raw = np.frombuffer(message.samples, "<i2").reshape(-1, 6)
            pieces.append(counted_ticks(raw))
            after = seq
    return np.concatenate(pieces)
