"""A recording played live through simulated sensors of other makes, without waiting for it.

Such sensors keep no log, so a recording of eight minutes would take eight minutes. Here the sensors, the
virtual air and the whole gateway live in one event loop whose time jumps to the next thing to be done:
every notification goes over GATT and HCI at its own moment, only that nobody sleeps in between. What the
gateway committed to its outbox then goes to analytics over a real broker, in real time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from contracts.broker import BrokerAddress
from contracts.errors import InvariantError
from contracts.messages import SensorStatus
from contracts.units import NS_PER_S
from device_gateway.config import GatewayConfig
from device_gateway.radio import HciRadio
from device_gateway.service import run_gateway
from device_gateway.uplink import GatewayParts
from firmware_sim.air import Air
from firmware_sim.dongles import LocalPort
from firmware_sim.fast_time import clock_ns, run_fast
from firmware_sim.makes.fleet import MakeSensor
from firmware_sim.makes.peripheral import MakePeripheral
from plumbline.unanswered import Unanswered, unheard

GATEWAY: Final = "gateway-1"
#: The gateway has found and opened its sensors long before the recording begins.
BEFORE_S: Final = 20
#: After the last sample: what is under way gets committed.
AFTER_S: Final = 5.0
LOOK_S: Final = 1.0
#: How often to look whether all is handed over, in real time.
HANDED_LOOK_S: Final = 0.05


@dataclass(frozen=True, slots=True)
class Played:
    """What the gateway said of each sensor when the last sample was over, and what became of the links."""

    said: Mapping[str, SensorStatus]
    connections: Mapping[str, int]


class _Nowhere(Unanswered):
    """A way up that is not there yet. Notes what is said of sensors."""

    def __init__(self) -> None:
        super().__init__()
        self.said: dict[str, SensorStatus] = {}

    def status(self, sensor: str, status: SensorStatus) -> None:
        """Note it."""
        self.said[sensor] = status


def play(
    sensors: Sequence[MakeSensor], start_ns: int, outbox: Path, *, site: str, rate_hz: float
) -> Played:
    """Play sensors that are on before ``start_ns`` to their end, into an outbox."""
    config = _config(outbox, site, BrokerAddress("127.0.0.1", 1883), rate_hz)
    return run_fast(_playing(sensors, config), begin_ns=start_ns - BEFORE_S * NS_PER_S)


def hand_over(outbox: Path, *, site: str, broker: BrokerAddress) -> None:
    """Send what waits in an outbox, as a gateway with no sensor in reach, until all is stored."""
    asyncio.run(_handing_over(_config(outbox, site, broker, 50.0)))


def _config(outbox: Path, site: str, broker: BrokerAddress, rate_hz: float) -> GatewayConfig:
    return GatewayConfig(
        site=site,
        gateway=GATEWAY,
        radio="local",
        broker=broker,
        outbox_path=outbox,
        stream_rate_hz=rate_hz,
    )


async def _playing(sensors: Sequence[MakeSensor], config: GatewayConfig) -> Played:
    air = Air()
    failures: list[BaseException] = []
    peripherals = {
        one.serial: MakePeripheral(one.firmware, air, clock_ns=clock_ns, failed=failures.append)
        for one in sensors
    }
    for peripheral in peripherals.values():
        await peripheral.start()
    uplink, stop = _Nowhere(), asyncio.Event()
    parts = GatewayParts(
        radio=HciRadio("local", LocalPort(air).open), uplink=lambda *_, **__: uplink
    )
    gateway = asyncio.create_task(
        run_gateway(config, clock_ns=clock_ns, report=unheard, stop=stop, parts=parts)
    )
    try:
        while not all(one.firmware.stats.ended for one in sensors):
            await _look(gateway, LOOK_S)
        await _look(gateway, AFTER_S)
        connections = {serial: one.connections for serial, one in peripherals.items()}
        return Played(dict(uplink.said), connections)
    finally:
        stop.set()
        await gateway
        for peripheral in peripherals.values():
            await peripheral.stop()
        if failures:
            raise failures[0]


async def _handing_over(config: GatewayConfig) -> None:
    stop = asyncio.Event()
    counts: dict[str, Any] = {}
    parts = GatewayParts(radio=HciRadio("local", LocalPort(Air()).open))
    gateway = asyncio.create_task(
        run_gateway(config, clock_ns=clock_ns, report=counts.update, stop=stop, parts=parts)
    )
    try:
        while not _all_stored(counts):
            await _look(gateway, HANDED_LOOK_S)
    finally:
        stop.set()
        await gateway


def _all_stored(counts: Mapping[str, Any]) -> bool:
    sensors = counts.get("sensors", {}).values()
    return bool(sensors) and all(one["stored_seq"] == one["last_seq"] for one in sensors)


async def _look(gateway: asyncio.Task[None], seconds: float) -> None:
    """Wait, but not for a gateway that has ended."""
    done, _ = await asyncio.wait({gateway}, timeout=seconds)
    if done:
        gateway.result()
        raise InvariantError("The gateway ended before its sensors did.")
