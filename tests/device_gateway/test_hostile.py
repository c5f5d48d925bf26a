"""Sensors that misbehave: what is right of what they say arrives once, and nothing hangs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import pytest
from bumble import hci
from structlog.testing import capture_logs

from contracts import gatt
from contracts.gatt import Opcode
from contracts.vocabulary import Placement
from device_gateway import sensor as session
from device_gateway.service import run_gateway
from firmware_sim import peripheral
from firmware_sim.firmware_words import Notification
from tests.brokers import MosquittoBroker
from tests.device_gateway.analyst import Analyst, analyst
from tests.device_gateway.counting import MODULUS, counting_sensor
from tests.device_gateway.test_gateway import configured, gateway, state_of, until
from tests.firmware_sim.bluetooth import simulator

WAITING = 3000


@pytest.fixture(autouse=True)
def quick_scans(monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulated sensors advertise ten times a second."""
    monkeypatch.setattr("device_gateway.service.SCAN_S", 0.3)
    monkeypatch.setattr("device_gateway.service.SCAN_PAUSE_S", 0.05)
    monkeypatch.setattr("device_gateway.service.RADIO_MOST_S", 0.5)


@dataclass
class Meddled:
    """A sensor with somebody between its firmware and its radio.

    ``before`` gives what goes out ahead of each notification; ``reply`` what becomes of each reply.
    """

    serial: str
    inner: Any
    before: Callable[[bytes], Iterator[bytes]] = lambda _: iter(())
    reply: Callable[[bytes], bytes] = lambda value: value
    placement: Placement = Placement.T4
    bonds: bool = False
    _queue: list[Notification] = field(default_factory=list)

    @property
    def firmware(self) -> Any:
        return self

    def handle(self, command: bytes, true_ns: int) -> bytes:
        return self.reply(self.inner.handle(command, true_ns))

    def next_notification(self, max_samples: int) -> Notification | None:
        if not self._queue:
            true = self.inner.next_notification(max_samples)
            if true is None:
                return None
            false = [Notification(true.is_log, value) for value in self.before(true.value)]
            self._queue = [*false, true]
        return self._queue.pop(0)

    def disconnected(self) -> None:
        self._queue.clear()
        self.inner.disconnected()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


def ended(serial: str = "S", *, waiting: int = WAITING) -> Any:
    return counting_sensor(serial, waiting=waiting, end=True).firmware


def lies(value: bytes) -> Iterator[bytes]:
    """Of every kind that a decoder refuses."""
    yield b""
    yield value[:-1]
    yield value[: gatt.SamplePacket.HEADER.size]
    yield bytes([9]) + value[1:]  # another version
    yield value[:2] + bytes([255]) + value[3:]  # another count
    yield Random(len(value)).randbytes(200)


def repeats(value: bytes) -> Iterator[bytes]:
    """What comes, twice; and something from long ago."""
    packet = gatt.SamplePacket.from_bytes(value)
    yield value
    yield value
    if packet.sequence > 100:
        yield rewritten(value, packet.sequence - 100)


def rewritten(value: bytes, sequence: int) -> bytes:
    return value[:4] + sequence.to_bytes(4, "little") + value[8:]


@pytest.mark.parametrize("before", [lies, repeats])
def test_what_is_right_arrives_once(
    before: Callable[[bytes], Iterator[bytes]], mosquitto_broker: MosquittoBroker, tmp_path: Path
) -> None:
    async def run(analytics: Analyst) -> None:
        sensors = [Meddled("S", ended(), before)]
        async with simulator(sensors) as air:
            async with gateway(configured(tmp_path, air.spec, mosquitto_broker.port)) as counts:
                await until(lambda: state_of(counts, "S") == "ended")
                await until(lambda: bool(analytics.batches) and analytics.batches["S"][-1].end)

    with analyst(mosquitto_broker.port) as analytics:
        asyncio.run(run(analytics))
        assert analytics.values("S") == [tick % MODULUS for tick in range(WAITING)]


def test_a_hole_that_is_never_filled_and_a_sensor_of_nothing_but_garbage_leave_the_others_alone(
    mosquitto_broker: MosquittoBroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "SILENCE_S", 1.0)

    class Gappy(Meddled):
        def next_notification(self, max_samples: int) -> Notification | None:
            true = self.inner.next_notification(max_samples)
            if true is None or gatt.SamplePacket.from_bytes(true.value).sequence < 500:
                return true
            return self.inner.next_notification(max_samples)

    class Garbled(Meddled):
        def next_notification(self, max_samples: int) -> Notification | None:
            true = self.inner.next_notification(max_samples)
            return None if true is None else Notification(true.is_log, b"\xff" + true.value[1:])

    live = counting_sensor("GARBLED", waiting=100, end=False).firmware
    sensors = [
        Gappy("GAPPY", ended("GAPPY")),
        Garbled("GARBLED", live, placement=Placement.T12),
        Meddled("S", ended(), placement=Placement.L5),
    ]
    reasons: dict[str, set[str]] = {"GAPPY": set(), "GARBLED": set()}

    async def run(analytics: Analyst) -> None:
        async with simulator(sensors) as air:
            async with gateway(configured(tmp_path, air.spec, mosquitto_broker.port)) as counts:

                def heard_of_both() -> bool:
                    for serial, said in reasons.items():
                        if serial in analytics.statuses:
                            said.add(analytics.statuses[serial].reason)
                    return all(any(said) for said in reasons.values())

                await until(heard_of_both)
                await until(lambda: state_of(counts, "S") == "ended")
                await until(lambda: analytics.received("S") == WAITING)

    with analyst(mosquitto_broker.port) as analytics:
        asyncio.run(run(analytics))
        assert any("leaves out samples" in reason for reason in reasons["GAPPY"])
        assert any("no new sample" in reason for reason in reasons["GARBLED"])
        first = analytics.values("GAPPY")
        assert first == list(range(len(first)))  # what came before the hole, once


def test_a_reply_that_is_garbled_or_for_another_is_no_reply(
    mosquitto_broker: MosquittoBroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("device_gateway.control.REPLY_TIMEOUT_S", 0.3)
    monkeypatch.setattr("device_gateway.session.BACKOFF_FIRST_S", 0.01)
    spoilt: set[int] = set()

    def reply(value: bytes) -> bytes:
        """The first of every kind is spoilt: a connection lost at every step of preparing."""
        if value[0] in spoilt:
            return value
        spoilt.add(value[0])
        return b"\0" if len(spoilt) % 2 else bytes((value[0], value[1] ^ 0x55)) + value[2:]

    async def run(analytics: Analyst) -> None:
        async with simulator([Meddled("S", ended(), reply=reply)]) as air:
            async with gateway(configured(tmp_path, air.spec, mosquitto_broker.port)):
                await until(lambda: analytics.received("S") == WAITING)

    with analyst(mosquitto_broker.port) as analytics:
        asyncio.run(run(analytics))
        steps = (Opcode.STATUS, Opcode.SYNC_INFO, Opcode.SET_TIME, Opcode.STOP, Opcode.START_AHEAD)
        assert spoilt >= {step | gatt.REPLY_BIT for step in steps}
        assert analytics.values("S") == [tick % MODULUS for tick in range(WAITING)]


def test_a_sensor_too_many_is_spoken_of(
    mosquitto_broker: MosquittoBroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("device_gateway.service.SCAN_PAUSE_CALM_S", 0.2)
    first = counting_sensor("FIRST", waiting=200, end=False)
    later = counting_sensor("LATER", waiting=200, end=False)

    async def run(analytics: Analyst) -> None:
        async with simulator([first, later]) as air:
            config = configured(tmp_path, air.spec, mosquitto_broker.port, max_links=1)
            async with gateway(config) as counts:
                await until(lambda: counts.get("without_link") == 1)
                await until(lambda: "all 1 are in use" in analytics.gateway[-1].reason)
                await until(lambda: [s["state"] for s in counts["sensors"].values()] == ["live"])

    with analyst(mosquitto_broker.port) as analytics:
        asyncio.run(run(analytics))


def test_a_sensor_that_comes_back_under_another_address_is_read_on(
    mosquitto_broker: MosquittoBroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "REFUSED_WAIT_S", 3600.0)
    addresses = iter((1, 2))

    def address(_: str) -> hci.Address:
        return hci.Address(bytes(5) + bytes([0xC0 + next(addresses)]), 1)

    monkeypatch.setattr(peripheral, "static_address", address)
    inner = counting_sensor("S", waiting=WAITING, end=False).firmware

    async def run(analytics: Analyst) -> None:
        stop = asyncio.Event()
        async with simulator([Meddled("S", inner)]) as air:
            port = int(air.spec.rpartition(":")[2])
            config = configured(tmp_path, air.spec, mosquitto_broker.port)
            counts: dict[str, Any] = {"sensors": {}}
            task = asyncio.create_task(
                run_gateway(config, clock_ns=time.time_ns, report=counts.update, stop=stop)
            )
            await until(lambda: state_of(counts, "S") == "live")
        await until(lambda: state_of(counts, "S") != "live")
        before = analytics.received("S")
        async with simulator([Meddled("S", inner)], f"tcp:127.0.0.1:{port}"):
            await until(lambda: state_of(counts, "S") == "live")
            await until(lambda: analytics.received("S") > before + 50)
            await until(lambda: analytics.statuses["S"].state == "live")
            stop.set()
            await task
        ticks = analytics.values("S")
        assert ticks == [tick % MODULUS for tick in range(len(ticks))]

    with analyst(mosquitto_broker.port) as analytics:
        asyncio.run(run(analytics))


def test_a_sensor_without_a_placement_is_said_to_be_left_out_of_the_recording(
    mosquitto_broker: MosquittoBroker, tmp_path: Path
) -> None:
    async def run(analytics: Analyst) -> None:
        sensors = [Meddled("S", ended()), Meddled("U", ended("U"), placement=Placement.L5)]
        async with simulator(sensors) as air:
            config = configured(
                tmp_path,
                air.spec,
                mosquitto_broker.port,
                keep_recording=tmp_path / "kept",
                placements={"S": Placement.T4},
            )
            async with gateway(config) as counts:
                await until(lambda: all(state_of(counts, s) == "ended" for s in "SU"))
                await until(lambda: "U" in analytics.statuses)
                await until(lambda: "left out" in analytics.statuses["U"].reason)

    with analyst(mosquitto_broker.port) as analytics, capture_logs() as logs:
        asyncio.run(run(analytics))
    left_out = [entry for entry in logs if entry["event"] == "recording.sensor_left_out"]
    assert {entry["sensor"] for entry in left_out} == {"U"}
    assert sorted(path.name for path in (tmp_path / "kept").iterdir()) == [
        "T4.parquet",
        "recording.json",
    ]
