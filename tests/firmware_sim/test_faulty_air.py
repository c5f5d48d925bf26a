"""A fault plan on the air, in fast time: what arrives, when, and who is to be heard."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from contracts import gatt
from contracts.errors import DecodeError, RadioError, SettingError
from contracts.gatt import Opcode, SamplePacket
from contracts.imu import DEFAULT_SCALE
from contracts.units import NS_PER_S
from contracts.vocabulary import Placement
from device_gateway.radio import HciRadio
from firmware_sim.counting import CountingSource, counted_ticks
from firmware_sim.dongles import MAX_DONGLES
from firmware_sim.fast_time import BEGIN_NS, clock_ns, run_fast
from firmware_sim.faults import (
    AdapterGone,
    AnyFault,
    Corruption,
    Delay,
    Drop,
    FaultPlan,
    Loss,
    OutOfRange,
    SlowLink,
)
from firmware_sim.firmware import Firmware, FirmwareConfig
from firmware_sim.fleet import SimulatedSensor
from firmware_sim.simulation import Simulation

RATE_HZ = 10.0


def now_s() -> float:
    return (clock_ns() - BEGIN_NS) / NS_PER_S


@dataclass
class Heard:
    """What a listener got: packets with their times, garbage, and when the link broke."""

    packets: list[tuple[float, SamplePacket]] = field(default_factory=list)
    garbage: int = 0
    broken_s: list[float] = field(default_factory=list)

    @property
    def ticks(self) -> list[int]:
        samples = [packet.samples for _, packet in self.packets]
        return counted_ticks(np.concatenate(samples)).tolist() if samples else []

    def take(self, _: object, value: bytearray) -> None:
        try:
            self.packets.append((now_s(), SamplePacket.from_bytes(bytes(value))))
        except DecodeError:
            self.garbage += 1


def simulated(*faults: AnyFault, seed: int = 1, begin_ns: int = BEGIN_NS) -> Simulation:
    config = FirmwareConfig(serial="PL-T4", power_on_ns=begin_ns)
    firmware = Firmware(config, CountingSource(RATE_HZ, DEFAULT_SCALE))
    sensors = [SimulatedSensor("PL-T4", Placement.T4, firmware)]
    return Simulation(sensors, start_ns=begin_ns, plan=FaultPlan(seed=seed, faults=faults))


async def listen(radio: HciRadio, heard: Heard) -> None:
    """Connect to the one sensor and have it send all from tick 0."""
    (advertisement,) = await radio.scan(1.0, gatt.SERVICE_UUID)
    client = radio.client(advertisement, lambda: heard.broken_s.append(now_s()))
    await client.connect()
    await client.start_notify(gatt.CONTROL_UUID, lambda *_: None)
    await client.start_notify(gatt.LOG_UUID, heard.take)
    await client.start_notify(gatt.STREAM_UUID, heard.take)
    start = gatt.Command(Opcode.START, 1, gatt.Position(1, 0).to_bytes()).to_bytes()
    await client.write_gatt_char(gatt.CONTROL_UUID, start, response=True)


def hear(*faults: AnyFault, until_s: float, seed: int = 1) -> tuple[Heard, Simulation]:
    """A listener's first ``until_s`` of a sensor with such faults."""

    async def main() -> tuple[Heard, Simulation]:
        heard = Heard()
        async with (
            simulated(*faults, seed=seed) as simulation,
            HciRadio("local", simulation.port().open) as radio,
        ):
            await listen(radio, heard)
            await asyncio.sleep(until_s - now_s())
            return heard, simulation

    return run_fast(main())


def test_without_faults_every_sample_comes_once_in_order() -> None:
    heard, _ = hear(until_s=30.05)
    assert heard.ticks == list(range(300))


def test_what_is_lost_and_damaged_is_what_the_plan_says_and_nothing_else() -> None:
    loss = Loss(at_s=10.0, lasts_s=10.0, share=0.5)
    cut = Corruption(at_s=30.0, lasts_s=10.0, share=0.5)
    heard, simulation = hear(loss, cut, until_s=60.0)
    (air,) = simulation.conditions
    assert air.lost_on_purpose > 10
    assert air.damaged_on_purpose > 10
    assert heard.garbage == air.damaged_on_purpose
    missing = set(range(599)) - set(heard.ticks)
    assert len(missing) == 2 * (air.lost_on_purpose + air.damaged_on_purpose)  # two a packet
    assert all(100 <= tick <= 200 or 298 <= tick <= 400 for tick in missing)


def test_a_slow_link_carries_so_much_and_loses_nothing() -> None:
    slow = SlowLink(at_s=0.0, lasts_s=60.0, bytes_per_s=200.0)
    heard, simulation = hear(slow, until_s=60.0)
    sent = simulation.peripherals[0].firmware.stats.sent
    # HCI, L2CAP and ATT are 12 bytes around each.
    on_the_air = sum(12 + len(packet.to_bytes()) for _, packet in heard.packets)
    assert 0.9 * 60 * 200 < on_the_air <= 60 * 200
    assert heard.ticks == list(range(len(heard.ticks)))
    assert len(heard.ticks) < sent  # the rest is in the sensor's buffers
    later, _ = hear(slow, until_s=90.0)
    assert later.ticks == list(range(900))


def test_a_flipped_bit_is_one_bit() -> None:
    heard, simulation = hear(
        Corruption(at_s=0.0, lasts_s=60.0, share=1.0, how="flip"), until_s=60.0
    )
    (air,) = simulation.conditions
    assert heard.garbage + len(heard.packets) == air.damaged_on_purpose > 250


def test_the_same_seed_gives_the_same_run_and_another_one_another() -> None:
    loss = Loss(at_s=0.0, lasts_s=60.0, share=0.3)
    runs = [hear(loss, until_s=60.0, seed=seed)[0] for seed in (5, 5, 6)]
    assert runs[0].packets[-1][0] == runs[1].packets[-1][0]
    assert runs[0].ticks == runs[1].ticks != runs[2].ticks


def test_a_delay_delays_and_never_reorders() -> None:
    heard, _ = hear(Delay(at_s=10.0, lasts_s=10.0, delay_s=1.0, jitter_s=2.0), until_s=60.0)
    assert heard.ticks == list(range(600))
    lags_s = {
        round(at_s - packet.next_sequence / RATE_HZ, 1)
        for at_s, packet in heard.packets
        if 11.0 < packet.sequence / RATE_HZ < 19.0
    }
    assert min(lags_s) >= 0.9
    assert max(lags_s) <= 3.1
    after = [at_s - p.next_sequence / RATE_HZ for at_s, p in heard.packets if p.sequence > 240]
    assert max(after) < 0.1


def test_what_is_under_way_when_the_link_breaks_never_arrives() -> None:
    heard, _ = hear(Delay(at_s=5.0, lasts_s=60.0, delay_s=3.0), Drop(at_s=20.0), until_s=60.0)
    assert heard.broken_s == [pytest.approx(20.0)]
    assert max(heard.ticks) < 171


def test_out_of_range_nobody_hears_it_and_then_again() -> None:
    async def main() -> tuple[list[int], Heard]:
        heard = Heard()
        async with (
            simulated(OutOfRange(at_s=10.0, lasts_s=100.0)) as simulation,
            HciRadio("local", simulation.port().open) as radio,
        ):
            await listen(radio, heard)
            counts = []
            for at_s in (50.0, 108.0, 112.0):
                await asyncio.sleep(at_s - now_s())
                counts.append(len(await radio.scan(1.5, gatt.SERVICE_UUID)))
            return counts, heard

    counts, heard = run_fast(main())
    assert counts == [0, 0, 1]
    assert heard.broken_s == [pytest.approx(10.0)]


def test_a_pulled_dongle_ends_its_radio_and_holds_no_link() -> None:
    async def main() -> None:
        async with simulated(AdapterGone(at_s=10.0, lasts_s=5.0)) as simulation:
            port = simulation.port()
            heard = Heard()
            async with HciRadio("local", port.open) as radio:
                await listen(radio, heard)
                assert port.links == 1
                await asyncio.sleep(11.0 - now_s())
                assert port.links == 0
                await refused(lambda: radio.scan(1.0, gatt.SERVICE_UUID))
                await refused(HciRadio("local", port.open).__aenter__)
            await asyncio.sleep(16.0 - now_s())
            async with HciRadio("local", port.open) as again:
                await refused(HciRadio("local", port.open).__aenter__)  # it is taken
                assert len(await again.scan(1.0, gatt.SERVICE_UUID)) == 1

    async def refused(what: Callable[[], Awaitable[Any]]) -> None:
        with pytest.raises(RadioError):
            await what()

    run_fast(main())


def test_nobody_pays_for_an_advertiser_that_nobody_listens_to() -> None:
    async def main() -> tuple[int, int]:
        async with simulated() as simulation:
            controller = simulation.peripherals[0].controller
            sent: list[float] = []
            send = controller.send_advertising_pdu

            def counted(pdu: Any) -> None:
                sent.append(now_s())
                send(pdu)

            controller.send_advertising_pdu = counted  # type: ignore[method-assign]
            await asyncio.sleep(3600.0)
            alone = len(sent)
            async with HciRadio("local", simulation.port().open) as radio:
                assert len(await radio.scan(1.0, gatt.SERVICE_UUID)) == 1
            return alone, len(sent) - alone

    alone, scanned = run_fast(main())
    assert alone <= 1
    assert scanned in (6, 7)  # every 160 ms, as before


def test_a_plan_for_somebody_else_is_refused() -> None:
    async def main() -> None:
        async with simulated(Drop(at_s=1.0, sensor="C7")):
            pass

    with pytest.raises(SettingError, match="C7"):
        run_fast(main())


def test_over_tcp_too_there_is_no_dongle_while_it_is_out() -> None:
    async def main() -> list[bytes]:
        async with simulated(begin_ns=clock_ns()) as simulation:
            address = await simulation.listen()
            host, port = address.removeprefix("tcp:").split(":")
            (listener,) = simulation._listeners
            read = []
            for _ in range(2):
                listener.pull_out()
                reader, writer = await asyncio.open_connection(host, int(port))
                try:
                    read.append(await reader.read())
                except ConnectionResetError:
                    read.append(b"")
                writer.close()
            listener.put_in()
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(bytes.fromhex("01030c00"))  # HCI reset
            read.append(await reader.read(7))
            writer.close()
            assert len(listener.streams) <= MAX_DONGLES
            return read

    assert asyncio.run(main()) == [b"", b"", bytes.fromhex("040e0401030c00")]
