"""Simulated sensors of other makes on the virtual air, heard and read with bumble's own central."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from bumble import hci
from bumble.core import UUID, AdvertisingData
from bumble.device import Advertisement, Device, DeviceConfiguration, Peer
from bumble.gatt import Characteristic

from contracts.units import NS_PER_S
from firmware_sim.air import Air, VirtualController
from firmware_sim.makes import MAKES, DeviceConfig
from firmware_sim.makes.device import Advertised
from firmware_sim.makes.dot import CONTROL, MEASURE, MEDIUM
from firmware_sim.makes.movesense import COMMAND, DATA
from firmware_sim.makes.peripheral import MakePeripheral, advertisement
from firmware_sim.makes.thingy import CONFIG, RAW
from firmware_sim.makes.witmotion import NOTIFY, WRITE
from firmware_sim.peripheral import SensorHost, static_address
from firmware_sim.source import ConstantSource
from tests.firmware_sim.bluetooth import run, until

READING = (9.80665, 0.0, 0.0, 0.0, 0.0, 0.0)


def raise_it(error: BaseException) -> None:
    raise error


@asynccontextmanager
async def on_air(make: str) -> AsyncIterator[tuple[MakePeripheral, Device]]:
    """A sensor of a make, and a central that hears it."""
    air = Air()
    config = DeviceConfig("174630000192", time.time_ns() - 10 * NS_PER_S)
    device = MAKES[make](config, lambda rate_hz: ConstantSource(READING, rate_hz))
    peripheral = MakePeripheral(device, air, clock_ns=time.time_ns, failed=raise_it)
    host = SensorHost()
    host.controller = VirtualController("central", air)
    central = Device(
        config=DeviceConfiguration(name="central", address=hci.Address("F0:F1:F2:F3:F4:F5")),
        host=host,
    )
    await peripheral.start()
    await central.power_on()
    try:
        yield peripheral, central
    finally:
        await peripheral.stop()
        await central.power_off()


async def heard(central: Device) -> Advertisement:
    loop = asyncio.get_running_loop()
    first: asyncio.Future[Advertisement] = loop.create_future()
    central.on(Device.EVENT_ADVERTISEMENT, lambda one: first.done() or first.set_result(one))
    await central.start_scanning()
    found = await first
    await central.stop_scanning()
    return found


#: Flags 06, then service, maker and name, each with its length and kind before it.
ADVERTISEMENTS = {
    "witmotion": "0201060b09" + b"WT901BLE68".hex(),
    "dot": "02010603ff86080c09" + b"Movella DOT".hex(),
    "thingy": "020106110742007 4a9ff52 109b 3349 359b 0001 68ef".replace(" ", "")
    + "0709"
    + b"Thingy".hex(),
    "movesense": "0201060303f3fd1709" + b"Movesense 174630000192".hex(),
}


@pytest.mark.parametrize("make", MAKES)
def test_it_advertises_what_the_real_one_does(make: str) -> None:
    async def listening() -> None:
        async with on_air(make) as (peripheral, central):
            found = await heard(central)
            assert found.address == static_address(peripheral.serial)
            assert bytes(found.data).hex() == ADVERTISEMENTS[make]

    run(listening())


def test_an_advertisement_never_grows_too_long() -> None:
    data = advertisement(Advertised("N" * 40, ("ef680100-9b35-4933-9b10-52ffa9740042",)))
    assert len(data) == 31
    fields = AdvertisingData.from_bytes(data)
    assert fields.get(AdvertisingData.Type.COMPLETE_LOCAL_NAME) == "N" * 8


#: What is written to make each stream, where it notifies, and how long a notification is.
STREAMING = {
    "witmotion": ([(WRITE, "ffaa6988b5"), (WRITE, "ffaa030900")], NOTIFY, {80}),
    "dot": ([(MEASURE, "010115")], MEDIUM, {28}),
    "thingy": ([], RAW, {18}),
    "movesense": ([(COMMAND, "0163" + b"/Meas/IMU9/104".hex())], DATA, {4, 244, 2 + 292 - 242}),
}


@pytest.mark.parametrize("make", MAKES)
def test_it_streams_what_a_central_asked_for_and_again_after_a_break(make: str) -> None:
    writes, notifies, lengths = STREAMING[make]

    async def reading() -> None:
        async with on_air(make) as (peripheral, central):
            for connections in (1, 2):
                values = await twelve(peripheral, central, notifies, writes)
                assert {len(value) for value in values} <= lengths
                assert peripheral.connections == connections

    run(reading())


async def twelve(
    peripheral: MakePeripheral, central: Device, notifies: str, writes: list[tuple[str, str]]
) -> list[bytes]:
    """The first dozen of notifications of a connection that is ended again."""
    connection = await central.connect(static_address(peripheral.serial))
    peer = Peer(connection)
    await peer.request_mtu(247)
    await peer.discover_services()
    await peer.discover_characteristics()
    values: list[bytes] = []
    await only(peer, notifies).subscribe(values.append)
    for uuid, value in writes:
        await only(peer, uuid).write_value(bytes.fromhex(value), with_response=True)
    await until(lambda: len(values) >= 12)
    assert peripheral.connected
    await connection.disconnect()
    await until(lambda: not peripheral.connected)
    return values


def only(peer: Peer, uuid: str) -> Characteristic[bytes]:
    (found,) = peer.get_characteristics_by_uuid(UUID(uuid))
    return found  # type: ignore[no-any-return]


def test_a_stopped_sensor_is_gone() -> None:
    counts: dict[str, int] = defaultdict(int)

    async def stopping() -> None:
        async with on_air("thingy") as (peripheral, central):
            connection = await central.connect(static_address(peripheral.serial))
            connection.on("disconnection", lambda _: counts.update(gone=1))
            await peripheral.stop()
            await until(lambda: counts["gone"] == 1)
            assert not peripheral.connected

    run(stopping())


@pytest.mark.parametrize(("make", "uuid"), [("dot", CONTROL), ("thingy", CONFIG)])
def test_settings_can_be_read(make: str, uuid: str) -> None:
    async def reading() -> None:
        async with on_air(make) as (peripheral, central):
            peer = Peer(await central.connect(static_address(peripheral.serial)))
            await peer.discover_services()
            await peer.discover_characteristics()
            value = await only(peer, uuid).read_value()
            assert value == peripheral.firmware.read(uuid, time.time_ns())

    run(reading())
