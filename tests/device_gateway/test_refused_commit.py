"""A commit that the disk refuses leaves no hole: nothing behind it is taken on the same reading."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import numpy as np
import pytest
from bleak import BleakClient

from contracts.errors import DiskError, Reason
from contracts.gatt import Position, SamplePacket
from contracts.imu import DEFAULT_SCALE
from device_gateway.assembly import Assembler, Outcome
from device_gateway.batches import Append
from device_gateway.clock import Anchor, DeviceClock
from device_gateway.control import Control
from device_gateway.intake import Intake, Seen
from device_gateway.link import Link
from device_gateway.writer import Writer

NOW_NS = 1_790_000_000_000_000_000
PERIOD_NS = 20_000_000


def packet(sequence: int, count: int = 10) -> SamplePacket:
    return SamplePacket(
        sequence=sequence,
        device_us=sequence * PERIOD_NS // 1000,
        period_ns=PERIOD_NS,
        lost_before=0,
        epoch=1,
        scale=DEFAULT_SCALE,
        samples=np.zeros((count, 6), dtype=np.int16),
    )


def test_an_assembler_that_gave_up_takes_and_gives_nothing() -> None:
    assembler = Assembler(Position(1, 0))
    assert assembler.add(packet(0)) is Outcome.TAKEN
    assembler.give_up()
    assert assembler.add(packet(10)) is Outcome.IGNORED
    assert assembler.waiting_samples == 0
    assert assembler.take(flush=True).runs == ()


class RefusingOnce:
    """A writer whose disk is full at the first commit only."""

    def __init__(self) -> None:
        self.appends: list[Append] = []
        self.refused = 0

    async def append(self, append: Append) -> None:
        if not self.refused:
            self.refused += 1
            raise DiskError(Reason.DISK_FULL, "full")
        self.appends.append(append)


@pytest.mark.parametrize("behind", [1, 5])
def test_nothing_behind_a_refused_commit_is_committed(
    behind: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("device_gateway.intake.COMMIT_INTERVAL_S", 0.005)
    monkeypatch.setattr("device_gateway.intake.BACKLOG_LINGER_S", 0.01)

    async def scene() -> RefusingOnce:
        writer = RefusingOnce()
        client = cast("BleakClient", None)
        link = Link(client, Control(client, lambda: NOW_NS), lambda *_: None)
        clock = DeviceClock(1).with_anchor(Anchor(0, NOW_NS - 10**9, 1000))
        link.clocks, link.paused = {1: clock}, False
        link.assembler = Assembler(Position(1, 0))
        no_room = asyncio.Event()

        def seen(_link: Any, what: Seen) -> None:
            if what.no_room:
                no_room.set()
                for index in range(behind):  # what the sensor sent before it heard of it
                    link.on_arrival(bytearray(packet(10 * (index + 1)).to_bytes()))

        intake = Intake("PL-1", link, cast("Writer", writer), lambda: NOW_NS, seen, lambda *_: None)
        link.on_arrival(bytearray(packet(0).to_bytes()))
        running = asyncio.create_task(intake.run())
        async with asyncio.timeout(60):
            await no_room.wait()
            for _ in range(20):
                await asyncio.sleep(0.01)
        running.cancel()
        return writer

    writer = asyncio.run(scene())
    assert writer.refused == 1
    assert writer.appends == []
