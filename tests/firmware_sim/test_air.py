"""The virtual air: what bumble's controller leaves out and a gateway's life depends on."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import pytest
from bumble import core, hci
from bumble.core import AdvertisingData
from bumble.device import Advertisement, Connection, Device, DeviceConfiguration
from bumble.host import Host

from contracts import gatt
from firmware_sim.air import Air, VirtualController
from firmware_sim.dongles import MAX_DONGLES, DongleListener
from firmware_sim.peripheral import Peripheral, static_address
from tests.firmware_sim.bluetooth import run, until
from tests.firmware_sim.log_firmware import LogFirmware

NOBODY = static_address("nobody")


def _raise(error: BaseException) -> None:
    raise error


@contextlib.asynccontextmanager
async def peripheral(air: Air, serial: str = "S", rssi_dbm: int = -71) -> AsyncIterator[Peripheral]:
    firmware = LogFirmware(10, time.time_ns())
    one = Peripheral(
        serial,
        firmware,  # type: ignore[arg-type]
        air,
        clock_ns=time.time_ns,
        failed=_raise,
        rssi_dbm=rssi_dbm,
    )
    await one.start()
    try:
        yield one
    finally:
        await one.stop()


async def central(air: Air, name: str = "central") -> tuple[Device, VirtualController]:
    controller = VirtualController(name, air)
    host = Host()
    host.controller = controller
    config = DeviceConfiguration(name=name, address=hci.Address.generate_static_address())
    device = Device(config=config, host=host)
    await device.power_on()
    return device, controller


async def advertisements(device: Device, count: int) -> list[Advertisement]:
    heard: list[Advertisement] = []
    device.on(Device.EVENT_ADVERTISEMENT, heard.append)
    await device.start_scanning()
    await until(lambda: len(heard) >= count)
    await device.stop_scanning()
    device.remove_listener(Device.EVENT_ADVERTISEMENT, heard.append)
    return heard


def reason_of(connection: Connection) -> asyncio.Future[int]:
    ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    connection.on(Connection.EVENT_DISCONNECTION, ended.set_result)
    return ended


def test_advertisement_comes_with_its_scan_response_once_and_as_loud_as_it_is() -> None:
    async def work() -> None:
        air = Air()
        async with peripheral(air, "PL-0001-T4", rssi_dbm=-71):
            device, _ = await central(air)
            heard = (await advertisements(device, 2))[-1]
            assert heard.rssi == -71
            assert heard.data.get(AdvertisingData.COMPLETE_LOCAL_NAME) == "PL-0001-T4"
            kind = AdvertisingData.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS
            assert len(heard.data.get_all(kind)) == 1
            assert heard.address == static_address("PL-0001-T4")

    run(work())


def test_cancelled_connect_is_forgotten() -> None:
    async def work() -> None:
        air = Air()
        async with peripheral(air) as one:
            device, controller = await central(air)
            for _ in range(3):
                with pytest.raises(core.TimeoutError):
                    await device.connect(NOBODY, timeout=0.05)
                assert controller.pending_le_connection is None
            connection = await device.connect(one.device.random_address, timeout=5)
            assert await connection.get_rssi() == -71
            with pytest.raises(hci.HCI_Error, match="COMMAND_DISALLOWED"):  # nothing to cancel
                await device.send_sync_command(hci.HCI_LE_Create_Connection_Cancel_Command())

    run(work())


def test_reset_ends_links_scan_and_pending_connect() -> None:
    async def work() -> None:
        air = Air()
        async with peripheral(air) as one:
            device, controller = await central(air)
            await device.connect(one.device.random_address)
            await until(lambda: one.connected)
            await device.start_scanning()
            await device.send_sync_command(hci.HCI_Reset_Command())
            assert not controller.le_connections
            assert not controller.le_scan_enable
            await until(lambda: not one.connected)
            again, _ = await central(air, "again")
            await again.connect(one.device.random_address, timeout=5)

    run(work())


def test_one_of_two_that_connect_at_once_wins_and_the_other_is_next() -> None:
    async def work() -> None:
        air = Air()
        async with peripheral(air) as one:
            address = one.device.random_address
            devices = [(await central(air, f"central-{n}"))[0] for n in range(2)]
            tasks = [asyncio.create_task(d.connect(address, timeout=None)) for d in devices]
            done, waiting = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            [winner] = done
            assert len(waiting) == 1
            assert len(one.controller.le_connections) == 1
            await winner.result().disconnect()
            await asyncio.wait(waiting)
            assert len(one.controller.le_connections) == 1

    run(work())


def test_lost_link_is_noticed_at_both_ends_as_a_time_out() -> None:
    async def work() -> None:
        air = Air()
        async with peripheral(air) as one:
            device, _ = await central(air)
            connection = await device.connect(one.device.random_address)
            await until(lambda: one.connected)
            ours = reason_of(connection)
            theirs = reason_of(next(iter(one.device.connections.values())))
            one.controller.lose_links()
            timed_out = hci.HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR
            assert [await ours, await theirs] == [timed_out, timed_out]
            await device.connect(one.device.random_address, timeout=5)

    run(work())


def test_both_ends_may_hang_up_at_the_same_moment() -> None:
    async def work() -> None:
        air = Air()
        async with peripheral(air) as one:
            device, controller = await central(air)
            for _ in range(3):
                connection = await device.connect(one.device.random_address, timeout=5)
                await until(lambda: one.connected)
                other = next(iter(one.device.connections.values()))
                await asyncio.gather(connection.disconnect(), other.disconnect())
                await until(lambda: not one.connected)
                assert not controller.le_connections
                assert not one.controller.le_connections

    run(work())


def test_sensor_that_is_switched_off_is_noticed() -> None:
    async def work() -> None:
        air = Air()
        device, controller = await central(air)
        async with peripheral(air) as one:
            ended = reason_of(await device.connect(one.device.random_address))
        assert await ended == hci.HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR
        assert set(air.controllers) == {controller}

    run(work())


async def _dongle(listener: DongleListener) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", listener.port)


def test_tcp_client_gets_a_controller_until_it_goes() -> None:
    async def work() -> None:
        air = Air()
        listener = await DongleListener.open(air, "127.0.0.1", 0)
        reader, writer = await _dongle(listener)
        writer.write(bytes.fromhex("01030c00"))  # HCI_Reset
        assert (await reader.readexactly(7)).hex() == "040e0401030c00"  # complete, success
        assert len(air.controllers) == 1
        writer.close()
        await until(lambda: not air.controllers)
        await listener.close()
        assert listener.port == 0

    run(work())


def test_tcp_client_that_speaks_no_hci_is_hung_up_on() -> None:
    async def work() -> None:
        air = Air()
        listener = await DongleListener.open(air, "127.0.0.1", 0)
        reader, writer = await _dongle(listener)
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            assert await reader.read() == b""
        await until(lambda: not air.controllers)
        writer.close()
        await listener.close()

    run(work())


def test_data_for_no_link_is_dropped() -> None:
    async def work() -> None:
        air = Air()
        listener = await DongleListener.open(air, "127.0.0.1", 0)
        reader, writer = await _dongle(listener)
        writer.write(bytes.fromhex("02230007000300040012ffff"))  # ACL data on a handle of no link
        writer.write(bytes.fromhex("01030c00"))
        assert (await reader.readexactly(7)).hex() == "040e0401030c00"
        writer.close()
        await listener.close()

    run(work())


def test_dongles_are_capped() -> None:
    async def work() -> None:
        air = Air()
        listener = await DongleListener.open(air, "127.0.0.1", 0)
        streams = [await _dongle(listener) for _ in range(MAX_DONGLES)]
        await until(lambda: len(air.controllers) == MAX_DONGLES)
        reader, writer = await _dongle(listener)
        with contextlib.suppress(ConnectionError):
            assert await reader.read() == b""
        assert len(air.controllers) == MAX_DONGLES
        for _, one in [*streams, (reader, writer)]:
            one.close()
        await listener.close()

    run(work())


def test_native_service_is_what_is_advertised() -> None:
    async def work() -> None:
        air = Air()
        async with peripheral(air):
            device, _ = await central(air)
            [uuid] = (await advertisements(device, 1))[0].data.get(
                AdvertisingData.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS
            ) or []
            assert uuid.to_hex_str("-").lower() == gatt.SERVICE_UUID

    run(work())
