"""What a sensor samples while its log comes in: shown at once, and kept in its turn."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from contracts import gatt, topics
from contracts.broker import BrokerAddress
from contracts.gatt import Opcode, ReplyStatus, SamplePacket
from contracts.imu import DEFAULT_SCALE
from contracts.messages import ImuMessage
from contracts.units import NS_PER_MS, NS_PER_S
from contracts.vocabulary import Placement
from device_gateway.ahead import MAX_WAITING, AheadOfLog
from device_gateway.batches import Batch
from device_gateway.clock import Anchor, DeviceClock
from device_gateway.config import GatewayConfig
from device_gateway.outbox import Outbox
from device_gateway.publisher import MAX_AHEAD, Publisher
from device_gateway.radio import HciRadio
from device_gateway.service import run_gateway
from device_gateway.uplink import GatewayParts
from firmware_sim.counting import CountingSource, counted_ticks
from firmware_sim.fast_time import BEGIN_NS, clock_ns, run_fast
from firmware_sim.faults import AnyFault, Drop, FaultPlan, SlowLink
from firmware_sim.firmware import Firmware, FirmwareConfig
from firmware_sim.fleet import SimulatedSensor
from firmware_sim.simulation import Simulation
from plumbline.unanswered import Unanswered, unheard
from tests.brokers import MosquittoBroker
from tests.device_gateway.analyst import Analyst, analyst
from tests.device_gateway.counting import counting_sensor
from tests.device_gateway.test_gateway import configured, gateway, quick_scans, until
from tests.firmware_sim.bluetooth import simulator

__all__ = ["quick_scans"]  # a fixture

RATE_HZ = 50.0
PERIOD_NS = 20_000_000
WAITED_S = 600.0
DAY_S = 86_000.0  # a full log would overwrite its oldest
DAY_RATE_HZ = 5.0  # so that it takes seconds
#: A log of ten minutes takes some 13 s of it.
SLOW = SlowLink(at_s=0.0, lasts_s=86400.0, bytes_per_s=30_000.0)
SLOWER = SlowLink(at_s=0.0, lasts_s=86400.0, bytes_per_s=15_000.0)


@dataclass
class Looking(Unanswered):
    """Whoever looks: what came ahead, and how long after it was sampled."""

    batches: list[Batch] = field(default_factory=list)
    delays_s: list[float] = field(default_factory=list)
    states: list[tuple[float, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def ahead(self, sensor: str, batches: Sequence[Batch]) -> None:
        assert sensor == "PL-T4"
        self.batches += batches
        for batch in batches:
            taken_ns = batch.t0_ns + (batch.count - 1) * batch.period_ns
            self.delays_s.append((clock_ns() - taken_ns) / NS_PER_S)

    def status(self, sensor: str, status: Any) -> None:
        if not self.states or self.states[-1][1] != status.state:
            self.states.append(((clock_ns() - BEGIN_NS) / NS_PER_S, status.state))


def counted(batches: Sequence[Batch | ImuMessage]) -> dict[int, int]:
    """Time of each tick that batches tell, ns; each tick once."""
    found: dict[int, int] = {}
    for batch in batches:
        readings = batch.readings if isinstance(batch, Batch) else batch.samples
        raw = np.frombuffer(readings, "<i2").reshape(-1, 6)
        for index, tick in enumerate(counted_ticks(raw).tolist()):
            assert tick not in found
            found[tick] = batch.t0_ns + index * batch.period_ns
    return found


class KnowsNothingOfIt(Firmware):
    """A sensor of an earlier firmware."""

    def handle(self, command: bytes, true_ns: int) -> bytes:
        if command[0] != Opcode.START_AHEAD:
            return super().handle(command, true_ns)
        return gatt.Reply(command[0], command[1], ReplyStatus.UNKNOWN_COMMAND).to_bytes()


def run(
    folder: Path,
    *faults: AnyFault,
    until_s: float,
    make: Callable[..., Firmware] = Firmware,
    waited_s: float = WAITED_S,
    rate_hz: float = RATE_HZ,
) -> tuple[Looking, dict[int, int]]:
    """A gateway that meets a sensor with ``waited_s`` in its log; what was shown, and what was kept."""
    config = FirmwareConfig(
        serial="PL-T4", power_on_ns=BEGIN_NS - round(waited_s * NS_PER_S), synced_at_power_on=True
    )
    firmware = make(config, CountingSource(rate_hz, DEFAULT_SCALE))
    sensor = SimulatedSensor("PL-T4", Placement.T4, firmware)
    outbox = folder / "outbox.db"
    settings = GatewayConfig(
        site="t",
        gateway="g",
        radio="local",
        broker=BrokerAddress("127.0.0.1", 1883),
        outbox_path=outbox,
    )

    async def main() -> Looking:
        looking, stop = Looking(), asyncio.Event()
        plan = FaultPlan(faults=faults)
        async with Simulation([sensor], start_ns=BEGIN_NS, plan=plan) as simulation:
            parts = GatewayParts(
                radio=HciRadio("local", simulation.port().open), uplink=lambda *_, **__: looking
            )
            running = asyncio.ensure_future(
                run_gateway(settings, clock_ns=clock_ns, report=unheard, stop=stop, parts=parts)
            )
            await asyncio.sleep(until_s)
            stop.set()
            await running
        return looking

    looking = run_fast(main())
    with Outbox(outbox, cap_bytes=2**30) as kept:
        rows = kept.read("PL-T4", 0, max_bytes=2**30, max_batches=10_000)
        return looking, counted([ImuMessage.decode(data, now_ns=None) for _, data in rows])


def test_live_data_keeps_its_delay_while_a_log_comes_in_and_nothing_is_kept_twice(
    tmp_path: Path,
) -> None:
    looking, kept = run(tmp_path, SLOW, until_s=60.0)
    assert sorted(kept) == list(range(len(kept)))
    assert len(kept) > (WAITED_S + 55.0) * RATE_HZ
    shown = counted(looking.batches)
    assert list(shown) == sorted(shown)
    live_s = next(at_s for at_s, state in looking.states if state == "live")
    begun_s = next(at_s for at_s, state in looking.states if state == "syncing")
    assert live_s - begun_s > 10.0
    # All that was sampled from the command on, until the log had come up: none left out, none later.
    assert list(shown) == list(range(min(shown), max(shown) + 1))
    first_s, last_s = (tick / RATE_HZ - WAITED_S for tick in (min(shown), max(shown)))
    assert begun_s - 0.1 < first_s < begun_s + 1.0
    assert live_s - 1.5 < last_s < live_s + 0.5
    # Of the last sample: 0.2 s in the sensor, 16 packets in its queue (0.13 s on this link), 0.2 s here.
    assert max(looking.delays_s) < 0.6
    # As it is dated when its turn comes.
    assert max(abs(shown[tick] - kept[tick]) for tick in shown) < 5 * NS_PER_MS


def test_a_broken_link_goes_on_where_it_was_with_the_log_and_ahead_of_it(tmp_path: Path) -> None:
    drops = [Drop(at_s=5.0), Drop(at_s=9.0)]
    looking, kept = run(tmp_path, SLOW, *drops, until_s=90.0)
    assert sorted(kept) == list(range(len(kept)))
    shown = counted(looking.batches)
    assert list(shown) == sorted(shown)
    ticks = np.array(list(shown))
    assert (np.diff(ticks) > 1).sum() == 2  # what was sampled without a link comes with the log
    assert max(looking.delays_s) < 0.6


def test_a_day_comes_in_with_breaks_while_live_data_keeps_its_delay(tmp_path: Path) -> None:
    breaks = [Drop(at_s=at_s) for at_s in (60.0, 200.0, 333.0)]
    looking, kept = run(
        tmp_path, SLOWER, *breaks, until_s=600.0, waited_s=DAY_S, rate_hz=DAY_RATE_HZ
    )
    assert sorted(kept) == list(range(len(kept)))
    assert len(kept) > (DAY_S + 590.0) * DAY_RATE_HZ
    assert looking.states[-2][1] == "live"
    live_s = looking.states[-2][0]
    assert live_s > 400.0
    shown = counted(looking.batches)
    ticks = np.array(list(shown))
    assert (np.diff(ticks) > 0).all()
    assert (np.diff(ticks) > 1).sum() == len(breaks)
    assert len(ticks) > 0.95 * live_s * DAY_RATE_HZ
    assert max(looking.delays_s) < 0.6


def test_a_sensor_that_cannot_send_ahead_is_read_in_order(tmp_path: Path) -> None:
    looking, kept = run(tmp_path, SLOW, until_s=60.0, make=KnowsNothingOfIt)
    assert looking.batches == []
    assert sorted(kept) == list(range(len(kept)))
    assert looking.states[-2][1] == "live"


def packet(sequence: int, count: int = 10, *, epoch: int = 1) -> SamplePacket:
    return SamplePacket(
        sequence=sequence,
        device_us=sequence * 20_000,
        period_ns=PERIOD_NS,
        lost_before=0,
        epoch=epoch,
        scale=DEFAULT_SCALE,
        samples=np.zeros((count, 6), np.int16),
        ahead=True,
    )


CLOCK = DeviceClock(1).with_anchor(Anchor(0, BEGIN_NS, 1000))


def test_batches_ahead_follow_one_another_and_leave_the_logs_clock_alone() -> None:
    ahead, now_ns = AheadOfLog(), BEGIN_NS + 3600 * NS_PER_S
    clock = msgspec.structs.replace(CLOCK, cursor_device_ns=0, cursor_utc_ns=BEGIN_NS)
    ahead.add(packet(100_000, 40))
    (first,) = ahead.take({1: clock}, now_ns=now_ns)
    assert ahead.take({1: clock}, now_ns=now_ns) == []
    ahead.add(packet(100_040, 40))
    # Another anchor meanwhile, which says 3 ms less: no batch begins before the end of the last.
    (second,) = ahead.take({1: replace_anchor(clock, BEGIN_NS - 3 * NS_PER_MS)}, now_ns=now_ns)
    end_ns = first.t0_ns + first.count * first.period_ns
    assert 0 <= second.t0_ns - end_ns < NS_PER_MS
    ahead.add(packet(100_090, 40))
    (third,) = ahead.take({1: clock}, now_ns=now_ns)
    assert third.lost_before == 10


def test_a_frame_is_one_batch() -> None:
    ahead, now_ns = AheadOfLog(), BEGIN_NS + 3600 * NS_PER_S
    found = []
    for number in range(40):
        ahead.add(packet(100_015 + 10 * number))
        found += ahead.take({1: CLOCK}, now_ns=now_ns)
    assert [batch.count for batch in found] == [10, 30, 50, 50, 50, 50, 50, 50, 50]
    ends_ns = [batch.t0_ns + batch.count * batch.period_ns for batch in found]
    assert all((end_ns - BEGIN_NS) % NS_PER_S == 5 * PERIOD_NS for end_ns in ends_ns[1:])


@pytest.mark.parametrize(("sequence", "epoch"), [(2**32 - 10, 1), (100_000, 7)])
def test_nonsense_once_does_not_end_it(sequence: int, epoch: int) -> None:
    ahead, now_ns = AheadOfLog(), BEGIN_NS + 3600 * NS_PER_S
    ahead.add(packet(100_000, 40))
    assert ahead.take({1: CLOCK}, now_ns=now_ns)
    ahead.add(packet(sequence, epoch=epoch))
    ahead.take({1: CLOCK}, now_ns=now_ns)
    found = []
    for number in range(1, 10):
        ahead.add(packet(100_000 + 40 * number, 40))
        found += ahead.take({1: CLOCK}, now_ns=now_ns)
    assert sum(batch.count for batch in found) >= 7 * 40


def test_a_host_that_is_set_back_is_believed_at_once() -> None:
    ahead, now_ns = AheadOfLog(), BEGIN_NS + 3600 * NS_PER_S
    ahead.add(packet(100_000, 40))
    ahead.take({1: CLOCK}, now_ns=now_ns)
    back = replace_anchor(CLOCK, BEGIN_NS - 1800 * NS_PER_S)
    ahead.add(packet(100_040, 40))
    (batch,) = ahead.take({1: back}, now_ns=now_ns - 1800 * NS_PER_S)
    assert batch.t0_ns == BEGIN_NS + 200 * NS_PER_S + 800 * NS_PER_MS


def test_what_never_makes_a_frame_is_capped() -> None:
    ahead, now_ns = AheadOfLog(), BEGIN_NS + 3600 * NS_PER_S
    waited = []
    for number in range(300):  # all of them say the same time
        ahead.add(at_one_time(packet(100_000 + 40 * number, 40)))
        ahead.take({1: CLOCK}, now_ns=now_ns)
        waited.append(ahead._assembler.waiting_samples)
    assert max(waited) < MAX_WAITING


def at_one_time(one: SamplePacket) -> SamplePacket:
    return replace(one, device_us=2_000_000_000)


def replace_anchor(clock: DeviceClock, utc_ns: int) -> DeviceClock:
    return msgspec.structs.replace(clock, knots=(Anchor(0, utc_ns, 1000),))


@pytest.mark.parametrize(
    "clocks", [{}, {1: DeviceClock(1)}, {1: replace_anchor(CLOCK, BEGIN_NS + 2 * 86400 * NS_PER_S)}]
)
def test_without_a_time_nothing_is_shown(clocks: dict[int, DeviceClock]) -> None:
    ahead = AheadOfLog()
    ahead.add(packet(100))
    assert ahead.take(clocks, now_ns=BEGIN_NS + 60 * NS_PER_S) == []


def test_it_is_published_beside_the_batches_and_never_acknowledged(
    mosquitto_broker: MosquittoBroker, tmp_path: Path
) -> None:
    sensor = counting_sensor("S", waiting=200_000, end=False)
    heard: list[ImuMessage] = []

    async def scene(analytics: Analyst) -> None:
        async with simulator([sensor]) as air:
            async with gateway(configured(tmp_path, air.spec, mosquitto_broker.port)):
                await until(lambda: bool(heard))
                await until(lambda: analytics.received("S") > 200_000)

    with analyst(mosquitto_broker.port) as analytics:

        def on_ahead(_: object, __: object, message: Any) -> None:
            heard.append(ImuMessage.decode(message.payload, now_ns=None))

        analytics.client.message_callback_add(topics.ahead("+", "+", "S"), on_ahead)
        asyncio.run(scene(analytics))
        assert [message.seq for message in heard] == list(range(1, len(heard) + 1))
        ticks = [value for b in analytics.batches["S"] for value in b.raw()[:, 0].tolist()]
        assert len(ticks) == analytics.received("S")


def test_what_nobody_takes_is_dropped_oldest_first(tmp_path: Path) -> None:
    batch = Batch(BEGIN_NS, PERIOD_NS, 50.0, DEFAULT_SCALE, bytes(120), 0, 0)

    async def scene() -> list[int]:
        config = replace(configured(tmp_path, "tcp:127.0.0.1:1", 1), outbox_path=tmp_path / "o.db")
        with Outbox(config.outbox_path, cap_bytes=2**20) as outbox:
            publisher = Publisher(
                config,
                outbox,
                clock_ns=clock_ns,
                stored=lambda *_: None,
                command=lambda _: asyncio.sleep(0),
            )
            publisher.ahead("S", [batch])  # not connected: nobody to tell
            publisher.state = "connected"
            for _ in range(MAX_AHEAD + 10):
                publisher.ahead("S", [batch])
            return [ImuMessage.decode(payload, now_ns=None).seq for _, payload in publisher._ahead]

    assert asyncio.run(scene()) == list(range(11, MAX_AHEAD + 11))
