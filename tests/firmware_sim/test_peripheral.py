"""A simulated sensor as a gateway sees it, over real GATT, L2CAP, HCI and TCP."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from bleak.exc import BleakGATTProtocolError, BleakGATTProtocolErrorCode
from bumble.core import UUID, AdvertisingData
from bumble.gatt_client import Client as GattClient
from hypothesis import given
from hypothesis import strategies as st

from contracts import gatt
from device_gateway.radio import open_radio
from firmware_sim import peripheral
from firmware_sim.air import Air
from firmware_sim.dongles import DongleListener
from firmware_sim.peripheral import Peripheral, advertisement, static_address
from tests.firmware_sim.bluetooth import (
    Listener,
    Sensor,
    bench,
    connected,
    find,
    run,
    sensor,
    simulator,
    until,
)
from tests.firmware_sim.log_firmware import LogFirmware

SERIALS = st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True)


@given(SERIALS)
def test_advertisement_and_scan_response_fit_and_name_the_sensor(serial: str) -> None:
    data, response = advertisement(serial)
    assert len(data) <= 31
    assert len(response) <= 31
    heard = AdvertisingData.from_bytes(data)
    assert heard.get(AdvertisingData.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS) == [
        UUID(gatt.SERVICE_UUID)
    ]
    short = heard.get(AdvertisingData.SHORTENED_LOCAL_NAME)
    assert short is not None
    assert serial.startswith(short)
    name = AdvertisingData.from_bytes(response).get(AdvertisingData.COMPLETE_LOCAL_NAME)
    assert name == serial[:29]


def test_advertisement_golden_bytes() -> None:
    data, response = advertisement("PL-0001-T4")
    assert data.hex() == (
        "020106"  # flags: general discoverable, no BR/EDR
        "110721626d756c701e9c1b4ed1b001004c50"  # the native service
        "0908504c2d303030312d"  # as much of the name as fits
    )
    assert response.hex() == "0b09504c2d303030312d5434"


@given(SERIALS)
def test_address_is_random_static_and_stays(serial: str) -> None:
    address = static_address(serial)
    assert address.is_static
    assert address == static_address(serial)


def test_says_who_it_is() -> None:
    async def work() -> None:
        async with bench([sensor("PL-0001-T4")]) as (radio, [heard]):
            assert heard.name == "PL-0001-T4"
            assert heard.address == static_address("PL-0001-T4").to_string(False)
            async with connected(radio, heard) as listener:
                client = listener.client
                assert client.mtu_size == 247
                assert await client.read_gatt_char(gatt.SERIAL_NUMBER_UUID) == b"PL-0001-T4"
                assert await client.read_gatt_char(gatt.MODEL_NUMBER_UUID) == b"PL-SIM"
                assert await client.read_gatt_char(gatt.MANUFACTURER_NAME_UUID) == b"Plumbline"
                assert await client.read_gatt_char(gatt.FIRMWARE_REVISION_UUID) == b"1.0.0"
                assert await client.read_gatt_char(gatt.BATTERY_LEVEL_UUID) == bytes([87])

    run(work())


def test_replies_to_commands_by_indication() -> None:
    async def work() -> None:
        async with bench([sensor("S", waiting=321)]) as (radio, [heard]):
            async with connected(radio, heard) as listener:
                reply = await listener.ask(gatt.Opcode.STATUS, token=0x5A)
                assert (reply.opcode, reply.token) == (gatt.Opcode.STATUS, 0x5A)
                assert gatt.SensorStatus.from_bytes(reply.result).next.sequence >= 321
                unknown = await listener.ask(0x77)
                assert unknown.status is gatt.ReplyStatus.UNKNOWN_COMMAND
                assert not listener.packets

    run(work())


def test_log_comes_once_in_order_and_goes_on_live() -> None:
    async def work() -> None:
        async with bench([sensor("S", waiting=20_000, rate_hz=200)]) as (radio, [heard]):
            async with connected(radio, heard) as listener:
                await listener.start()
                await until(lambda: any(not packet.from_log for _, packet in listener.packets))
                behind = listener.samples
                await until(lambda: listener.samples >= behind + 200)
                await listener.ask(gatt.Opcode.STOP)
                listener.assert_gapless()
                live = [packet for _, packet in listener.packets if not packet.from_log]
                assert all(packet.count <= 10 for packet in live)
                full = [packet.count for _, packet in listener.packets if packet.from_log]
                assert set(full[:-1]) == {gatt.samples_per_packet(247)}

    run(work())


def test_reconnect_goes_on_where_asked() -> None:
    async def work() -> None:
        async with simulator([sensor("S", waiting=5000)]) as running:
            async with open_radio(running.spec) as radio:
                for first in (0, 1234):
                    [heard] = await find(radio, 1)
                    async with connected(radio, heard) as listener:
                        await listener.start(first)
                        await until(lambda got=listener: got.samples > 3000)
                        listener.assert_gapless(first)

    run(work())


def test_sends_nothing_before_both_characteristics_are_subscribed() -> None:
    async def work() -> None:
        one = sensor("S", waiting=500)
        async with bench([one]) as (radio, [heard]):
            client = radio.client(heard, lambda: None)
            await client.connect()
            got: list[bytearray] = []
            await client.start_notify(gatt.LOG_UUID, lambda _, value: got.append(value))
            start = gatt.Command(gatt.Opcode.START, 0, gatt.Position(1, 0).to_bytes())
            await client.write_gatt_char(gatt.CONTROL_UUID, start.to_bytes(), response=True)
            await client.read_gatt_char(gatt.MODEL_NUMBER_UUID)  # a round trip later: still nothing
            assert not got
            assert one.firmware.stats.sent == 0
            await client.start_notify(gatt.STREAM_UUID, lambda _, value: got.append(value))
            await until(lambda: one.firmware.stats.sent >= 500)
            await client.disconnect()

    run(work())


@pytest.mark.parametrize(("att_mtu", "samples"), [(64, 2), (247, 18), (517, 40)])
def test_packets_fill_the_mtu_that_was_agreed(att_mtu: int, samples: int) -> None:
    """517 needs three packets on the air for one notification."""

    async def work() -> None:
        air = Air()
        firmware: Any = LogFirmware(4000, time.time_ns())
        one = Peripheral("S", firmware, air, clock_ns=time.time_ns, failed=_raise, att_mtu=att_mtu)
        await one.start()
        listener = await DongleListener.open(air, "127.0.0.1", 0)
        async with open_radio(f"tcp:127.0.0.1:{listener.port}") as radio:
            [heard] = await find(radio, 1)
            async with connected(radio, heard) as client:
                assert client.client.mtu_size == att_mtu
                await client.start()
                await until(lambda: client.samples >= 4000)
                client.assert_gapless()
                assert client.packets[0][1].count == samples
        await one.stop()
        await listener.close()

    run(work())


def test_two_sensors_at_once_keep_apart() -> None:
    async def work() -> None:
        sensors = [sensor("S-1", waiting=6000), sensor("S-2", waiting=9000)]
        async with bench(sensors) as (radio, heard):
            async with connected(radio, heard[0]) as one, connected(radio, heard[1]) as two:
                await one.start()
                await two.start(100)
                await until(lambda: one.samples >= 6000 and two.samples >= 8900)
                one.assert_gapless()
                two.assert_gapless(100)

    run(work())


def test_a_gateway_that_does_not_read_holds_the_sensor_up() -> None:
    """The log stays in flash: nothing in between grows without bound."""

    async def work() -> None:
        one = sensor("S", waiting=3_000_000)
        async with simulator([one]) as running:
            radio: Any = open_radio(running.spec)
            async with radio:
                [heard] = await find(radio, 1)
                async with connected(radio, heard) as listener:
                    await listener.start()
                    stream = radio._adapter._transport.sink.transport
                    stream.pause_reading()
                    sent = -1
                    while sent != one.firmware.stats.sent:  # until the pipe is full
                        sent = one.firmware.stats.sent
                        await asyncio.sleep(0.3)
                    assert sent < 2_000_000
                    stream.resume_reading()
                    await until(lambda: listener.samples > sent)
                    listener.assert_gapless()

    run(work())


def test_replies_that_nobody_confirms_are_capped(monkeypatch: pytest.MonkeyPatch) -> None:
    async def work() -> None:
        async with bench([sensor("S")]) as (radio, [heard]):
            async with connected(radio, heard) as listener:
                monkeypatch.setattr(GattClient, "send_confirmation", lambda *_: None)
                command = gatt.Command(gatt.Opcode.STATUS, 1).to_bytes()
                with pytest.raises(BleakGATTProtocolError) as refused:
                    for _ in range(peripheral.MAX_PENDING_REPLIES + 2):
                        await listener.client.write_gatt_char(
                            gatt.CONTROL_UUID, command, response=True
                        )
                assert refused.value.code is BleakGATTProtocolErrorCode.INSUFFICIENT_RESOURCE

    run(work())


def test_a_defect_of_the_firmware_ends_the_simulator() -> None:
    class Broken(LogFirmware):
        def next_notification(self, max_samples: int) -> Any:
            raise ZeroDivisionError(max_samples)

    async def work() -> None:
        async with simulator([Sensor("S", Broken(5, time.time_ns()))]) as running:
            async with open_radio(running.spec) as radio:
                [heard] = await find(radio, 1)
                client = radio.client(heard, lambda: None)
                await client.connect()
                await Listener.on(client)
                await asyncio.wait({running.task})

    with pytest.raises(ZeroDivisionError):
        run(work())


def _raise(error: BaseException) -> None:
    raise error
