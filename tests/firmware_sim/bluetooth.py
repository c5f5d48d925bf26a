"""Helpers of the Bluetooth tests: a simulator on a free port, a client that keeps what it is sent."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from bleak import BleakClient

from contracts import gatt
from contracts.vocabulary import Placement
from device_gateway.radio import Advertisement, Radio, open_radio
from firmware_sim.peripheral import Peripheral
from firmware_sim.service import run_simulator
from tests.firmware_sim.log_firmware import LogFirmware

T = TypeVar("T")

#: Far more than anything takes: what waits longer hangs.
PATIENCE_S = 60.0


@dataclass
class Sensor:
    """What the simulator is given."""

    serial: str
    firmware: Any
    placement: Placement = Placement.T4
    bonds: bool = False


def sensor(
    serial: str, *, waiting: int = 1000, rate_hz: float = 50.0, bonds: bool = False
) -> Sensor:
    """A sensor with ``waiting`` samples in its log, which goes on sampling from now."""
    return Sensor(serial, LogFirmware(waiting, time.time_ns(), rate_hz), bonds=bonds)


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a test's coroutine, and fail rather than hang."""

    async def bounded() -> T:
        async with asyncio.timeout(PATIENCE_S):
            return await work

    return asyncio.run(bounded())


async def until(condition: Callable[[], bool]) -> None:
    """Wait until ``condition`` holds; the test's own time-out ends a wait for nothing."""
    while not condition():
        await asyncio.sleep(0.005)


@dataclass
class Running:
    """A simulator that runs in this process."""

    spec: str
    reports: list[dict[str, Any]]
    stop: asyncio.Event
    task: asyncio.Task[None]


@contextlib.asynccontextmanager
async def simulator(
    sensors: Sequence[Any],
    listen: str = "tcp:127.0.0.1:0",
    *,
    open_air: bool = False,
    placed: Callable[[Sequence[Peripheral]], None] = lambda _: None,
) -> AsyncIterator[Running]:
    """A running simulator. Stops it at the end."""
    loop = asyncio.get_running_loop()
    address: asyncio.Future[str] = loop.create_future()
    stop, reports = asyncio.Event(), list[dict[str, Any]]()
    task = asyncio.create_task(
        run_simulator(
            sensors,
            listen=listen,
            clock_ns=time.time_ns,
            report=reports.append,
            stop=stop,
            ready=address.set_result,
            open_air=open_air,
            placed=placed,
        )
    )
    await asyncio.wait({task, address}, return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        task.result()
    try:
        yield Running(address.result(), reports, stop, task)
    finally:
        stop.set()
        await task


async def find(radio: Radio, count: int) -> list[Advertisement]:
    """Scan until ``count`` sensors were heard at once; sorted by name."""
    found: list[Advertisement] = []
    while len(found) < count:
        found = await radio.scan(0.3, gatt.SERVICE_UUID)
    return sorted(found, key=lambda one: one.name or "")


@dataclass
class Listener:
    """A connected client and what it was sent."""

    client: BleakClient
    packets: list[tuple[str, gatt.SamplePacket]] = field(default_factory=list)
    replies: asyncio.Queue[gatt.Reply] = field(default_factory=asyncio.Queue)

    @classmethod
    async def on(cls, client: BleakClient) -> Listener:
        """Subscribe to all that the sensor has to say."""
        listener = cls(client)
        await client.start_notify(gatt.CONTROL_UUID, listener._on_reply)
        await client.start_notify(gatt.STREAM_UUID, listener._on_packet)
        await client.start_notify(gatt.LOG_UUID, listener._on_packet)
        return listener

    @property
    def samples(self) -> int:
        """How many samples came."""
        return sum(packet.count for _, packet in self.packets)

    async def ask(self, opcode: int, arguments: bytes = b"", token: int = 7) -> gatt.Reply:
        """A command and its reply."""
        command = gatt.Command(opcode, token, arguments)
        await self.client.write_gatt_char(gatt.CONTROL_UUID, command.to_bytes(), response=True)
        return await self.replies.get()

    async def start(self, sequence: int = 0) -> gatt.Reply:
        """Ask for everything from ``sequence`` on."""
        return await self.ask(gatt.Opcode.START, gatt.Position(1, sequence).to_bytes())

    def assert_gapless(self, first: int = 0) -> None:
        """Every sample from ``first`` on came exactly once, in order, the log before the live ones."""
        expected, live = first, False
        for uuid, packet in self.packets:
            assert packet.sequence == expected
            assert packet.from_log == (uuid == gatt.LOG_UUID)
            assert not (live and packet.from_log)
            wanted = [tick & 0xFFFF for tick in range(expected, packet.next_sequence)]
            assert [int(value) & 0xFFFF for value in packet.samples[:, 0]] == wanted
            expected, live = packet.next_sequence, not packet.from_log

    def _on_reply(self, _: object, value: bytearray) -> None:
        self.replies.put_nowait(gatt.Reply.from_bytes(bytes(value)))

    def _on_packet(self, characteristic: Any, value: bytearray) -> None:
        self.packets.append((characteristic.uuid, gatt.SamplePacket.from_bytes(bytes(value))))


@contextlib.asynccontextmanager
async def connected(
    radio: Radio, advertisement: Advertisement, on_disconnect: Callable[[], None] = lambda: None
) -> AsyncIterator[Listener]:
    """A connected and subscribed client. Disconnects at the end."""
    client = radio.client(advertisement, on_disconnect)
    await client.connect()
    try:
        yield await Listener.on(client)
    finally:
        await client.disconnect()


@contextlib.asynccontextmanager
async def bench(sensors: Sequence[Sensor]) -> AsyncIterator[tuple[Radio, list[Advertisement]]]:
    """A simulator, a radio on it, and what it hears."""
    async with simulator(sensors) as running, open_radio(running.spec) as radio:
        yield radio, await find(radio, len(sensors))


def together(*work: Awaitable[T]) -> Awaitable[list[T]]:
    """All at once."""
    return asyncio.gather(*work)
