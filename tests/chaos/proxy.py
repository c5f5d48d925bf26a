"""A TCP proxy between two parts, through which their connections are cut and held up."""

from __future__ import annotations

import asyncio
import contextlib
from random import Random
from typing import Final

from tests.chaos.mischief import Meddling, Mischief

PIECE_BYTES: Final = 16_384
HOST: Final = "127.0.0.1"


class Proxy:
    """Listens on ``port`` for one part and connects to ``target_port`` of the other.

    ``mqtt``: they speak MQTT, so that messages can be meddled with: ``there`` on their way to the
    target, ``back`` from it.
    """

    def __init__(self, target_port: int, random: Random, *, mqtt: bool = False) -> None:
        self.port = 0
        self.slow_s = 0.0
        self.refusing = False
        self.cuts = 0
        self.pieces = 0
        self.there, self.back = Meddling(), Meddling()
        self._target_port = target_port
        self._random = random
        self._mqtt = mqtt
        self._armed: Meddling | None = None
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._eased = asyncio.Event()

    async def start(self) -> None:
        """Listen on a free port."""
        self._server = await asyncio.start_server(self._serve, HOST, 0)
        self.port = int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Hang up on everyone and stop to listen."""
        self.cut()
        if self._server is not None:
            self._server.close()
        for task in list(self._open):
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    @property
    def connected(self) -> int:
        """How many connections go through it now."""
        return len(self._writers) // 2

    def cut(self) -> None:
        """Break every connection; what was on its way is lost."""
        self.cuts += self.connected
        for writer in list(self._writers):
            writer.transport.abort()

    def cut_within(self, direction: Meddling) -> None:
        """Break every connection in the middle of the next piece that goes ``there`` or ``back``, and
        refuse new ones."""
        self._armed = direction

    @property
    def armed(self) -> bool:
        """Whether that is yet to come."""
        return self._armed is not None

    def disarm(self) -> None:
        """Nothing came: no cut."""
        self._armed = None

    def quicken(self) -> None:
        """No more holding up."""
        self.slow_s = 0.0
        self._eased.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._open.add(task)
            task.add_done_callback(self._open.discard)
        self._writers.add(writer)
        far: asyncio.StreamWriter | None = None
        try:
            if self.refusing:
                return
            far_reader, far = await asyncio.open_connection(HOST, self._target_port)
            self._writers.add(far)
            await self._both_ways(reader, writer, far_reader, far)
        except OSError:
            return
        finally:
            for end in (writer, far):
                if end is not None:
                    self._writers.discard(end)
                    end.transport.abort()

    async def _both_ways(
        self,
        near_reader: asyncio.StreamReader,
        near: asyncio.StreamWriter,
        far_reader: asyncio.StreamReader,
        far: asyncio.StreamWriter,
    ) -> None:
        ways = [(near_reader, far, self.there), (far_reader, near, self.back)]
        jobs = set()
        for reader, writer, direction in ways:
            mischief = Mischief(self._random, direction) if self._mqtt else None
            jobs.add(asyncio.create_task(self._carry(reader, writer, direction, mischief)))
            if mischief is not None:
                jobs.add(asyncio.create_task(_release(mischief, direction, writer)))
        try:
            await asyncio.wait(jobs, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for job in jobs:
                job.cancel()
            await asyncio.gather(*jobs, return_exceptions=True)

    async def _carry(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        direction: Meddling,
        mischief: Mischief | None,
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(PIECE_BYTES):
                if self.slow_s:
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self._slow(), self.slow_s)
                passed = data if mischief is None else mischief.feed(data)
                if self._armed is direction:
                    writer.write(passed[: len(passed) // 2])
                    self._armed, self.refusing = None, True
                    self.cut()
                    return
                self.pieces += 1
                writer.write(passed)
                await writer.drain()

    async def _slow(self) -> None:
        self._eased.clear()
        await self._eased.wait()


async def _release(mischief: Mischief, direction: Meddling, writer: asyncio.StreamWriter) -> None:
    """Let go of what is held when the trouble ends."""
    while True:
        await asyncio.sleep(0.1)
        if not (direction.double or direction.reorder) and (held := mischief.release()):
            writer.write(held)
