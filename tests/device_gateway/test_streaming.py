"""Sensors that only stream, through the whole gateway: real GATT over the air, outbox and broker."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from contracts import gatt, topics
from contracts.imu import DEFAULT_SCALE
from contracts.messages import GatewayCommand
from device_gateway.makes import conversation_with, make_of
from device_gateway.outbox import Outbox
from device_gateway.profiles import dot, witmotion
from device_gateway.radio import open_radio
from device_gateway.streaming import address_id
from firmware_sim.air import Air
from firmware_sim.counting import CountingSource, counted_ticks
from firmware_sim.dongles import DongleListener
from firmware_sim.makes import MAKES, DeviceConfig
from firmware_sim.makes.device import Attribute
from firmware_sim.makes.peripheral import MakePeripheral
from firmware_sim.makes.witmotion import WitMotion
from firmware_sim.peripheral import Peripheral, static_address
from tests.brokers import MosquittoBroker
from tests.device_gateway.analyst import GATEWAY, SITE, Analyst, analyst
from tests.device_gateway.counting import counting_sensor
from tests.device_gateway.test_gateway import configured, gateway, quick_scans, state_of, until

__all__ = ["quick_scans"]  # a fixture

S_NS = 1_000_000_000
POWER_ON_NS = time.time_ns() - 100 * S_NS


def id_of(profile: Any, serial: str) -> str:
    return address_id(profile, static_address(serial).to_string(with_type_qualifier=False))


WIT, DOT = id_of(witmotion.PROFILE, "W"), id_of(dot.PROFILE, "D")


@dataclass
class Place:
    """An air with a WitMotion, a DOT and a native sensor, and who connected to which."""

    spec: str = ""
    connected: dict[str, int] = field(default_factory=dict)
    peripherals: dict[str, Any] = field(default_factory=dict)


@asynccontextmanager
async def place() -> AsyncIterator[Place]:
    made, air = Place(), Air()
    listener = await DongleListener.open(air, "127.0.0.1", 0)
    made.spec = f"tcp:127.0.0.1:{listener.port}"

    def failed(error: BaseException) -> None:
        raise error

    for serial, make in (("W", "witmotion"), ("D", "dot")):
        device = MAKES[make](
            DeviceConfig(serial, POWER_ON_NS, clock_drift_ppm=50.0),
            lambda rate_hz: CountingSource(rate_hz, DEFAULT_SCALE),
        )
        made.peripherals[serial] = MakePeripheral(device, air, clock_ns=time.time_ns, failed=failed)
    native = counting_sensor("N", waiting=200, end=False)
    made.peripherals["N"] = Peripheral(
        "N", native.firmware, air, clock_ns=time.time_ns, failed=failed
    )
    for serial, one in made.peripherals.items():
        made.connected[serial] = 0

        def count(_: object, serial: str = serial) -> None:
            made.connected[serial] += 1

        one.device.on("connection", count)
        await one.start()
    try:
        yield made
    finally:
        for one in made.peripherals.values():
            await one.stop()
        await listener.close()


def check_stream(analytics: Analyst, sensor: str, rate_hz: float) -> None:
    """No sample twice, none left out in silence, times that follow the samples."""
    batches = analytics.batches[sensor]
    ticks = [counted_ticks(batch.raw()) for batch in batches]
    times_ns = [batch.to_samples().utc_ns for batch in batches]
    for before, after, batch in zip(ticks, ticks[1:], batches[1:], strict=False):
        assert (np.diff(after) == 1).all()
        assert after[0] - before[-1] == 1 + batch.lost_before
    every_ns = np.concatenate(times_ns)
    assert (np.diff(every_ns) > 0).all()
    truth_ns = POWER_ON_NS + np.concatenate(ticks) * (S_NS / rate_hz)
    assert abs(every_ns - truth_ns).max() < S_NS // 2
    assert all(batch.clock_error_ns > 0 for batch in batches)


def test_makes_that_stream_go_live_beside_the_native_one(
    mosquitto_broker: MosquittoBroker, tmp_path: Path
) -> None:
    async def run(analytics: Analyst) -> None:
        async with place() as here:
            config = configured(tmp_path, here.spec, mosquitto_broker.port, stream_rate_hz=55.0)
            async with gateway(config) as counts:
                await until(lambda: all(state_of(counts, s) == "live" for s in (WIT, DOT, "N")))
                await until(lambda: min(analytics.received(s) for s in (WIT, DOT)) > 300)
                makes = {s: analytics.statuses[s].profile for s in (WIT, DOT, "N")}
                assert makes == {WIT: "witmotion", DOT: "dot", "N": "native"}
                assert analytics.statuses[WIT].backlog == 0
        check_stream(analytics, WIT, 50.0)
        check_stream(analytics, DOT, 60.0)

    with analyst(mosquitto_broker.port) as analytics:
        asyncio.run(run(analytics))


def test_a_stream_that_broke_goes_on_in_an_epoch_of_its_own(
    mosquitto_broker: MosquittoBroker, tmp_path: Path
) -> None:
    async def run(analytics: Analyst) -> None:
        async with place() as here:
            config = configured(tmp_path, here.spec, mosquitto_broker.port, allow=(DOT,))
            async with gateway(config) as counts:
                await until(lambda: state_of(counts, DOT) == "live")
                here.peripherals["D"].controller.lose_links()
                await until(lambda: state_of(counts, DOT) != "live")
                await until(lambda: state_of(counts, DOT) == "live")
                before = analytics.received(DOT)
                await until(lambda: analytics.received(DOT) > before + 60)
        times_ns = np.concatenate([b.to_samples().utc_ns for b in analytics.batches[DOT]])
        assert (np.diff(times_ns) > 0).all()
        assert sum(batch.lost_before for batch in analytics.batches[DOT]) == 0
        assert here.connected == {"W": 0, "D": 2, "N": 0}

    with analyst(mosquitto_broker.port) as analytics:
        asyncio.run(run(analytics))


def test_without_room_the_stream_is_stopped_and_what_it_sent_meanwhile_is_said_to_be_lost(
    mosquitto_broker: MosquittoBroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("device_gateway.sensor.ROOM_INTERVAL_S", 0.1)
    full = []
    fits = Outbox.fits
    monkeypatch.setattr(
        Outbox, "fits", lambda self, size, waiting: not full and fits(self, size, waiting)
    )

    async def run(analytics: Analyst) -> None:
        async with place() as here:
            config = configured(tmp_path, here.spec, mosquitto_broker.port, allow=(DOT,))
            async with gateway(config) as counts:
                await until(lambda: state_of(counts, DOT) == "live")
                full.append(True)
                await until(lambda: state_of(counts, DOT) == "holding")
                full.clear()
                await until(lambda: state_of(counts, DOT) == "live")
                before = analytics.received(DOT)
                await until(lambda: analytics.received(DOT) > before + 60)
            assert here.connected["D"] == 1
        batches = analytics.batches[DOT]
        ticks = np.concatenate([counted_ticks(batch.raw()) for batch in batches])
        said = sum(batch.lost_before for batch in batches)
        # what it did not even sample while it was stopped, nobody can count
        assert 1 <= said <= ticks[-1] - ticks[0] + 1 - ticks.size
        assert (np.diff(ticks) > 0).all()
        assert (np.diff(np.concatenate([b.to_samples().utc_ns for b in batches])) > 0).all()

    with analyst(mosquitto_broker.port) as analytics:
        asyncio.run(run(analytics))


@pytest.mark.parametrize(("listed", "serial"), [(WIT, "W"), ("N", "N")])
def test_who_is_not_on_the_list_is_not_connected(
    mosquitto_broker: MosquittoBroker, tmp_path: Path, listed: str, serial: str
) -> None:
    async def run() -> None:
        async with place() as here:
            config = configured(tmp_path, here.spec, mosquitto_broker.port, allow=(listed, "x"))
            async with gateway(config) as counts:
                await until(lambda: state_of(counts, listed) == "live")
            assert here.connected == {one: int(one == serial) for one in ("W", "D", "N")}

    asyncio.run(run())


def test_a_rate_that_the_make_has_is_taken_and_a_pulse_refused(
    mosquitto_broker: MosquittoBroker, tmp_path: Path
) -> None:
    async def run(analytics: Analyst) -> None:
        async def asked(action: str, rate_hz: float = 50.0) -> bool:
            name = f"{action}-{rate_hz:g}"
            command = GatewayCommand(id=name, action=action, sensor=DOT, rate_hz=rate_hz)
            analytics.publish(topics.command(SITE, GATEWAY), command.encode())
            await until(lambda: name in {reply.id for reply in analytics.replies})
            return next(reply.ok for reply in analytics.replies if reply.id == name)

        async with place() as here:
            config = configured(tmp_path, here.spec, mosquitto_broker.port, allow=(DOT,))
            async with gateway(config) as counts:
                await until(lambda: state_of(counts, DOT) == "live")
                assert not await asked("haptic")
                assert not await asked("rate", 200.0)
                assert await asked("rate", 30.0)
                await until(lambda: round(analytics.batches[DOT][-1].rate_hz) == 30)
        assert here.connected["D"] == 1

    with analyst(mosquitto_broker.port) as analytics:
        asyncio.run(run(analytics))


class Told(WitMotion):
    """A sensor that says its serial number, and may refuse to change its rate."""

    SERVICES: ClassVar = WitMotion.SERVICES | {
        gatt.DEVICE_INFORMATION_UUID: (
            Attribute(gatt.SERIAL_NUMBER_UUID, read=True),
            Attribute(gatt.FIRMWARE_REVISION_UUID, read=True),
        )
    }
    serial = b"WT-0007"

    def read(self, uuid: str, true_ns: int) -> bytes:
        return self.serial if uuid == gatt.SERIAL_NUMBER_UUID else b"2.1" * 60


@pytest.mark.parametrize(
    ("serial", "name"), [(b"WT-0007\0", "WT-0007"), (b"no id!", WIT), (b"\xff\xfe", WIT)]
)
def test_a_serial_number_is_the_name_where_it_can_be_one(
    serial: bytes, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Told, "serial", serial)
    monkeypatch.setitem(MAKES, "witmotion", Told)

    async def run() -> None:
        async with place() as here, open_radio(here.spec) as radio:
            heard = []
            while not heard:
                heard = [one for one in await radio.scan(0.3) if make_of(one) == "witmotion"]
            client = radio.client(heard[0], lambda: None)
            await client.connect()
            talk = conversation_with(client, heard[0], clock_ns=time.time_ns, stream_rate_hz=50.0)
            identity = await talk.open()
            assert identity.serial == name
            assert identity.firmware == ("2.1" * 60)[:64]
            await client.disconnect()

    asyncio.run(run())
