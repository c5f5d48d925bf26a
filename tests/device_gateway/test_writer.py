from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from contracts.errors import DiskError, Reason
from device_gateway.batches import SensorState
from device_gateway.outbox import Outbox
from device_gateway.writer import Writer
from tests.device_gateway.samples import append


def test_what_waits_together_is_one_commit(tmp_path: Path) -> None:
    told: list[dict[str, SensorState]] = []

    async def run() -> None:
        with Outbox(tmp_path / "o.db", cap_bytes=2**26) as outbox:
            writer = Writer(outbox, told.append)
            waiting = [
                asyncio.create_task(writer.append(append(outbox, sensor=sensor)))
                for sensor in "ABC"
            ]
            await asyncio.sleep(0)
            writer.stored("A", 1)
            await writer.flush()
            await asyncio.gather(*waiting)
            writer.stored("A", 1)
            await writer.flush()
            assert outbox.state("A").stored_seq == 1

    asyncio.run(run())
    assert [set(states) for states in told] == [{"A", "B", "C"}, {"A"}]


def test_a_stopped_writer_has_written_all(tmp_path: Path) -> None:
    async def run() -> None:
        with Outbox(tmp_path / "o.db", cap_bytes=2**26) as outbox:
            writer = Writer(outbox, lambda _: None)
            running = asyncio.create_task(writer.run())
            waiting = asyncio.create_task(writer.append(append(outbox)))
            await asyncio.sleep(0)
            writer.stop()
            await running
            await waiting
            assert outbox.state("S").last_seq == 1

    asyncio.run(run())


def test_groups_that_would_pass_the_cap_are_refused(tmp_path: Path) -> None:
    async def run() -> None:
        with Outbox(tmp_path / "o.db", cap_bytes=100_000) as outbox:
            writer = Writer(outbox, lambda _: None)
            first = asyncio.create_task(writer.append(append(outbox, count=8000)))
            await asyncio.sleep(0)
            with pytest.raises(DiskError) as raised:
                await writer.append(append(outbox, sensor="T", count=8000))
            assert raised.value.reason is Reason.DISK_FULL
            await writer.flush()
            await first
            room = asyncio.create_task(writer.room())
            await asyncio.sleep(0)
            assert not room.done()
            writer.stored("S", 1)
            await writer.flush()
            await room
            assert outbox.used_bytes == 0

    asyncio.run(run())


def test_a_disk_that_recovers_is_written_again(tmp_path: Path) -> None:
    async def run() -> None:
        with Outbox(tmp_path / "o.db", cap_bytes=2**26) as outbox:
            writer = Writer(outbox, lambda _: None)
            outbox._db.execute("PRAGMA query_only = 1")
            for _ in range(2):
                refused = asyncio.create_task(writer.append(append(outbox)))
                await asyncio.sleep(0)
                await writer.flush()
                with pytest.raises(DiskError):
                    await refused
            outbox._db.execute("PRAGMA query_only = 0")
            accepted = asyncio.create_task(writer.append(append(outbox)))
            await asyncio.sleep(0)
            await writer.flush()
            await accepted
            assert outbox.state("S").last_seq == 1

    asyncio.run(run())
