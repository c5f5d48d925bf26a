"""Live, what a sensor sends is taken once a frame: as soon as all of it is there, and not in pieces."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

import numpy as np
import pytest
from bleak import BleakClient

from contracts.gatt import Position, SamplePacket
from contracts.imu import DEFAULT_SCALE
from contracts.records import FRAME_NS
from contracts.units import NS_PER_S, NS_PER_US
from device_gateway.assembly import Assembler
from device_gateway.batches import Append
from device_gateway.clock import Anchor, DeviceClock
from device_gateway.control import Control
from device_gateway.intake import Intake
from device_gateway.link import MANY_ARRIVED, Link
from device_gateway.writer import Writer

#: A whole UTC second; the sensor's clock was 0 a quarter of a second before it.
FRAME_START_NS = 1_790_000_000 * NS_PER_S
PERIOD_NS = 20_000_000
LONG_S = 3600.0


def packet(sequence: int, count: int = 10) -> bytearray:
    made = SamplePacket(
        sequence=sequence,
        device_us=sequence * PERIOD_NS // NS_PER_US,
        period_ns=PERIOD_NS,
        lost_before=0,
        epoch=1,
        scale=DEFAULT_SCALE,
        samples=np.zeros((count, 6), dtype=np.int16),
    )
    return bytearray(made.to_bytes())


def link_at(now_ns: int) -> Link:
    client = cast("BleakClient", None)
    link = Link(client, Control(client, lambda: now_ns), lambda *_: None)
    link.clocks = {1: DeviceClock(1).with_anchor(Anchor(0, FRAME_START_NS - FRAME_NS // 4, 1000))}
    link.assembler, link.period_ns, link.paused = Assembler(Position(1, 0)), PERIOD_NS, False
    return link


class Disk:
    """A writer whose commits are kept."""

    def __init__(self) -> None:
        self.appends: list[Append] = []

    async def append(self, append: Append) -> None:
        self.appends.append(append)

    @property
    def counts(self) -> list[int]:
        return [sum(batch.count for batch in append.batches) for append in self.appends]


def intake_of(link: Link, disk: Disk, clock_ns: Callable[[], int]) -> Intake:
    """Nobody looks at what it saw, and nothing is sent ahead."""
    return Intake("PL-1", link, cast("Writer", disk), clock_ns, lambda *_: None, lambda *_: None)


async def until(done: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not done():
            await asyncio.sleep(0.001)


async def settled() -> None:
    """All that was woken has run."""
    for _ in range(50):
        await asyncio.sleep(0)


def test_a_frame_is_committed_with_the_first_sample_behind_its_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("device_gateway.intake.FRAME_LINGER_S", LONG_S)
    now_ns = FRAME_START_NS + FRAME_NS + 1  # the host is past the frame's end: every packet is news

    async def scene() -> list[int]:
        disk, link = Disk(), link_at(now_ns)
        intake = intake_of(link, disk, lambda: now_ns)
        running = asyncio.create_task(intake.run())
        link.on_arrival(packet(0, 15))  # up to 50 ms into the frame
        await until(lambda: disk.counts == [15])
        link.on_arrival(packet(15, 40))
        await settled()
        link.on_arrival(packet(55, 7))
        await settled()
        assert disk.counts == [15]
        link.on_arrival(packet(62, 1))  # 10 ms before the end: the frame's last
        await settled()
        assert disk.counts == [15]
        link.on_arrival(packet(63, 1))
        await until(lambda: len(disk.counts) == 2)
        running.cancel()
        return disk.counts

    assert asyncio.run(scene()) == [15, 49]


def test_what_does_not_come_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("device_gateway.intake.FRAME_LINGER_S", 0.01)
    monkeypatch.setattr("device_gateway.intake.COMMIT_INTERVAL_S", 0.01)
    now_ns = FRAME_START_NS + FRAME_NS + 1

    async def scene() -> list[int]:
        disk, link = Disk(), link_at(now_ns)
        intake = intake_of(link, disk, lambda: now_ns)
        running = asyncio.create_task(intake.run())
        link.on_arrival(packet(0))
        await until(lambda: disk.counts == [10])
        link.on_arrival(packet(10))
        await until(lambda: disk.counts == [10, 10])
        running.cancel()
        return disk.counts

    asyncio.run(scene())


def test_of_a_sensor_without_a_log_no_frame_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("device_gateway.intake.FRAME_LINGER_S", LONG_S)
    monkeypatch.setattr("device_gateway.intake.COMMIT_INTERVAL_S", 0.01)
    monkeypatch.setattr(Control, "keeps_log", False)

    async def scene() -> None:
        disk, link = Disk(), link_at(FRAME_START_NS)
        intake = intake_of(link, disk, lambda: FRAME_START_NS)
        running = asyncio.create_task(intake.run())
        for number in range(3):
            link.on_arrival(packet(10 * number))
            await until(lambda: sum(disk.counts) == 10 * (number + 1))  # noqa: B023 - at once
        running.cancel()

    asyncio.run(scene())


def test_packets_wake_nobody_before_the_frame_ends_unless_they_are_many() -> None:
    async def scene() -> None:
        link = link_at(FRAME_START_NS)
        later_s = asyncio.get_running_loop().time() + LONG_S
        gathering = asyncio.create_task(link.gather(later_s, later_s, lambda: False))
        await settled()
        for number in range(MANY_ARRIVED - 1):
            link.on_arrival(packet(10 * number))
        assert not link.news.is_set()
        await settled()
        assert len(link.arrived) == MANY_ARRIVED - 1
        link.on_arrival(packet(10 * (MANY_ARRIVED - 1)))
        await settled()
        assert not link.arrived
        assert link.assembler.waiting_samples == 10 * MANY_ARRIVED
        gathering.cancel()

    asyncio.run(scene())


def test_a_hole_ends_the_wait() -> None:
    async def scene() -> bool:
        link = link_at(FRAME_START_NS)
        later_s = asyncio.get_running_loop().time() + LONG_S
        gathering = asyncio.create_task(link.gather(0.0, later_s, lambda: False))
        await settled()
        link.on_arrival(packet(5))
        async with asyncio.timeout(60):
            return await gathering

    assert not asyncio.run(scene())
