"""The gateway's radio on bumble, against a simulator over TCP: what goes wrong, and what is left."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import pytest
from bleak.backends.device import BLEDevice
from bleak.exc import BleakError, BleakGATTProtocolError

from contracts import gatt
from contracts.errors import RadioError, Reason, SettingError
from device_gateway.radio import Advertisement, adapter, open_radio
from firmware_sim.peripheral import static_address
from tests.firmware_sim.bluetooth import bench, connected, find, run, sensor, simulator, until

ABSENT = Advertisement("", None, 0, BLEDevice("F0:00:00:00:00:01", None, static_address("absent")))


@pytest.mark.parametrize(
    "spec",
    ["", "bluetooth", "tcp", "tcp:", "tcp:host", "tcp:host:0", "tcp:host:99999", "usb:", "hci0"],
)
def test_unknown_radio_is_refused(spec: str) -> None:
    with pytest.raises(SettingError, match="no radio") as refused:
        open_radio(spec)
    assert refused.value.reason is Reason.BAD_SETTING
    assert "usb:0" in refused.value.hint


@pytest.mark.parametrize("spec", ["tcp:127.0.0.1:1", "serial:/dev/no-such-port,1000000", "usb:0"])
def test_radio_that_is_not_there_says_so(spec: str) -> None:
    async def work() -> None:
        async with open_radio(spec):
            pass

    with pytest.raises(RadioError, match="no Bluetooth controller") as refused:
        run(work())
    assert refused.value.reason is Reason.RADIO_UNREACHABLE
    assert refused.value.hint


@pytest.mark.parametrize("greeting", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n"])
def test_what_is_no_controller_is_refused(greeting: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapter, "POWER_ON_TIMEOUT_S", 0.2)

    closed = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting)
        await reader.read()  # until the radio gives up
        writer.close()
        closed.set()

    async def work() -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        try:
            with pytest.raises(RadioError, match="does not behave") as refused:
                async with open_radio(f"tcp:127.0.0.1:{port}"):
                    pass
        finally:
            await closed.wait()
            server.close()
        assert refused.value.reason is Reason.RADIO_UNREACHABLE

    run(work())


def test_scan_hears_only_the_service_and_each_sensor_once() -> None:
    async def work() -> None:
        async with bench([sensor("S-1"), sensor("S-2")]) as (radio, heard):
            assert [one.name for one in heard] == ["S-1", "S-2"]
            assert len({one.address for one in heard}) == 2
            assert all(-100 < one.rssi_dbm < 0 for one in heard)
            assert await radio.scan(0.3, gatt.BATTERY_SERVICE_UUID) == []

    run(work())


def test_services_are_those_of_the_native_profile() -> None:
    async def work() -> None:
        async with bench([sensor("S")]) as (radio, [heard]):
            async with connected(radio, heard) as listener:
                services = listener.client.services
                properties = {
                    one.uuid: set(one.properties) for one in services.characteristics.values()
                }
                assert properties[gatt.STREAM_UUID] == {"notify"}
                assert properties[gatt.LOG_UUID] == {"notify"}
                assert properties[gatt.CONTROL_UUID] == {"write", "indicate"}
                control = services.get_characteristic(gatt.CONTROL_UUID)
                assert control is not None
                assert control.service_uuid == gatt.SERVICE_UUID
                assert control.max_write_without_response_size == 244
                cccd = control.get_descriptor("00002902-0000-1000-8000-00805f9b34fb")
                assert cccd is not None
                assert await listener.client.read_gatt_descriptor(cccd) == b"\x02\x00"
                assert listener.client.name == "S"

    run(work())


def test_stop_notify_stops() -> None:
    async def work() -> None:
        async with bench([sensor("S", waiting=100)]) as (radio, [heard]):
            async with connected(radio, heard) as listener:
                await listener.client.stop_notify(gatt.LOG_UUID)
                await listener.start()
                await listener.ask(gatt.Opcode.STATUS)
                assert not listener.packets


def test_refusals_of_the_sensor_come_as_what_they_are() -> None:
    async def work() -> None:
        async with bench([sensor("S")]) as (radio, [heard]):
            async with connected(radio, heard) as listener:
                for uuid in (gatt.STREAM_UUID, gatt.CONTROL_UUID):
                    with pytest.raises(BleakGATTProtocolError, match="Read Not Permitted"):
                        await listener.client.read_gatt_char(uuid)
                with pytest.raises(BleakGATTProtocolError, match="Write Not Permitted"):
                    await listener.client.write_gatt_char(gatt.SERIAL_NUMBER_UUID, b"mine", True)
                assert await listener.client.read_gatt_char(gatt.SERIAL_NUMBER_UUID) == b"S"

    run(work())


def test_connect_to_nobody_times_out_and_the_next_works() -> None:
    async def work() -> None:
        async with bench([sensor("S", waiting=100)]) as (radio, [heard]):
            called: list[str] = []
            for _ in range(3):
                absent = radio.client(ABSENT, lambda: called.append("x"), timeout_s=0.1)
                with pytest.raises(TimeoutError, match="No connection"):
                    await absent.connect()
                assert not absent.is_connected
            async with connected(radio, heard) as listener:
                await listener.start()
                await until(lambda: listener.samples >= 100)
            assert not called

    run(work())


def test_cancelled_connect_leaves_nothing_behind() -> None:
    async def work() -> None:
        async with simulator([sensor("S")]) as running:
            radio: Any = open_radio(running.spec)
            async with radio:
                [heard] = await find(radio, 1)
                device = radio._adapter.device
                for turn in range(12):  # at every moment of it
                    client = radio.client(heard, lambda: None)
                    connecting = asyncio.create_task(client.connect())
                    for _ in range(turn * 4):
                        await asyncio.sleep(0)
                    connecting.cancel()
                    with contextlib.suppress(asyncio.CancelledError):
                        await connecting
                        await client.disconnect()
                    assert not client.is_connected
                    await until(lambda: not device.connections)
                async with connected(radio, heard):
                    assert len(device.connections) == 1

    run(work())


def test_connection_that_nobody_waits_for_is_dropped() -> None:
    async def work() -> None:
        async with simulator([sensor("S")]) as running:
            radio: Any = open_radio(running.spec)
            async with radio:
                [heard] = await find(radio, 1)
                device = radio._adapter.device
                await device.connect_le(heard.device.details, timeout=5)
                await until(lambda: not device.connections)
                async with connected(radio, heard):
                    pass

    run(work())


def test_pending_connect_of_somebody_else_does_not_block_for_ever() -> None:
    """Whatever left it there, the attempt that meets it clears it away for the next."""

    async def work() -> None:
        async with simulator([sensor("S")]) as running:
            radio: Any = open_radio(running.spec)
            async with radio:
                [heard] = await find(radio, 1)
                stray = asyncio.create_task(
                    radio._adapter.device.connect_le(static_address("absent"), timeout=None)
                )
                await until(lambda: radio._adapter.device.le_connecting)
                with pytest.raises(BleakError, match="did not take"):
                    await radio.client(heard, lambda: None).connect()
                await asyncio.wait({stray})
                assert stray.exception() is not None
                async with connected(radio, heard):
                    pass

    run(work())


def test_scan_and_connect_take_turns() -> None:
    async def work() -> None:
        async with bench([sensor("S-1"), sensor("S-2")]) as (radio, heard):
            clients = [radio.client(one, lambda: None) for one in heard]
            scan, *_ = await asyncio.gather(
                radio.scan(0.5, gatt.SERVICE_UUID), *(client.connect() for client in clients)
            )
            assert len(scan) == 2  # both advertised still: the connects waited
            assert all(client.is_connected for client in clients)
            assert await radio.scan(0.3, gatt.SERVICE_UUID) == []  # connected sensors are silent
            for client in clients:
                await client.disconnect()

    run(work())


def test_disconnect_is_told_once_and_the_client_connects_again() -> None:
    async def work() -> None:
        async with bench([sensor("S", waiting=50)]) as (radio, [heard]):
            told: list[str] = []
            client = radio.client(heard, lambda: told.append("gone"))
            for turn in range(3):
                await client.connect()
                await client.connect()  # already is
                assert client.mtu_size == 247
                await client.disconnect()
                await client.disconnect()  # already is not
                assert len(told) == turn + 1
                with pytest.raises(BleakError):
                    await client.read_gatt_char(gatt.SERIAL_NUMBER_UUID)

    run(work())


def test_request_that_waits_when_the_link_goes_fails_as_a_lost_link() -> None:
    async def work() -> None:
        gone = asyncio.Event()
        async with simulator([sensor("S")]) as running:
            radio: Any = open_radio(running.spec)
            async with radio:
                [heard] = await find(radio, 1)
                client = radio.client(heard, gone.set)
                await client.connect()
                reading = asyncio.create_task(client.read_gatt_char(gatt.SERIAL_NUMBER_UUID))
                await asyncio.sleep(0)
                running.stop.set()
                with pytest.raises(BleakError):
                    await reading
                    await client.read_gatt_char(gatt.SERIAL_NUMBER_UUID)
                await gone.wait()

    run(work())


def test_lost_transport_ends_every_client_and_the_radio_opens_again() -> None:
    async def work() -> None:
        async with simulator([sensor("S-1"), sensor("S-2"), sensor("S-3")]) as running:
            radio: Any = open_radio(running.spec)
            async with radio:
                heard = await find(radio, 3)
                told: list[str | None] = []
                for one in heard[:2]:
                    await radio.client(one, lambda name=one.name: told.append(name)).connect()
                waiting = asyncio.create_task(radio.client(ABSENT, lambda: None).connect())
                await asyncio.sleep(0.1)
                radio._adapter._transport.sink.transport.abort()
                with pytest.raises((RadioError, BleakError)):
                    await waiting
                await until(lambda: len(told) == 2)
                assert sorted(map(str, told)) == ["S-1", "S-2"]
                with pytest.raises(RadioError, match="is gone") as lost:
                    await radio.scan(5, gatt.SERVICE_UUID)
                assert lost.value.reason is Reason.RADIO_UNREACHABLE
            async with open_radio(running.spec) as again:
                assert len(await find(again, 3)) == 3

    run(work())


def test_radio_that_is_not_open_says_so() -> None:
    async def work() -> None:
        radio = open_radio("tcp:127.0.0.1:1")
        with pytest.raises(RadioError, match="not open"):
            await radio.scan(0.1, gatt.SERVICE_UUID)
        with pytest.raises(RadioError, match="not open"):
            radio.client(ABSENT, lambda: None)

    run(work())


def test_closing_the_radio_frees_its_sensors() -> None:
    async def work() -> None:
        async with simulator([sensor("S")]) as running:
            for _ in range(2):
                async with open_radio(running.spec) as radio:
                    gone = asyncio.Event()
                    client = radio.client((await find(radio, 1))[0], gone.set)
                    await client.connect()
                await gone.wait()

    run(work())


def test_two_gateways_share_the_air() -> None:
    async def work() -> None:
        async with simulator([sensor("S-1", waiting=200), sensor("S-2", waiting=200)]) as running:
            async with open_radio(running.spec) as left, open_radio(running.spec) as right:
                one, two = await find(left, 2)
                async with connected(left, one) as first, connected(right, two) as second:
                    await first.start()
                    await second.start()
                    await until(lambda: first.samples >= 200 and second.samples >= 200)
                    first.assert_gapless()
                    second.assert_gapless()

    run(work())
