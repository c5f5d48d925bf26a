"""Group commit: what comes from all sensors while one commit runs is the next commit."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Final

import structlog

from contracts.errors import DiskError, Reason
from device_gateway.batches import Append, SensorState
from device_gateway.outbox import Outbox

log = structlog.get_logger(__name__)

#: How long word of what is stored may wait for a commit that happens anyway.
STORED_LINGER_S: Final = 1.0
#: From the beginning of one commit to the next: live, the frames of all sensors end at one time, and those
#: that are whole within this of each other are one commit.
COMMIT_GAP_S: Final = 0.05


class Writer:
    """Commits to the outbox in a worker thread, one at a time. ``committed`` is told of each commit."""

    def __init__(self, outbox: Outbox, committed: Callable[[dict[str, SensorState]], None]) -> None:
        self._outbox = outbox
        self._committed = committed
        self._appends: list[tuple[Append, asyncio.Future[None]]] = []
        self._stored: dict[str, int] = {}
        self._waiting_bytes = 0
        self._woken = asyncio.Event()
        self._freed = asyncio.Event()
        self._busy = asyncio.Lock()
        self._warned = False
        self._stopping = False

    async def append(self, append: Append) -> None:
        """Returns once ``append`` is on disk. DiskError, DISK_FULL at the cap, where it is not."""
        if not self._outbox.fits(append.size, self._waiting_bytes):
            raise DiskError(
                Reason.DISK_FULL,
                f"The outbox {self._outbox.path} has reached its cap"
                f"{', with the recording that it keeps' if self._outbox.keeps else ''}.",
                hint="Stop the gateway, which writes the recording, and go on without or with another."
                if self._outbox.keeps
                else "Start analytics, or raise the cap; the sensors keep their logs meanwhile.",
            )
        self._waiting_bytes += append.size
        done = asyncio.get_running_loop().create_future()
        self._appends.append((append, done))
        self._woken.set()
        await done

    async def room(self) -> None:
        """Returns once the outbox is well below its cap."""
        while not self._outbox.roomy:
            self._freed.clear()
            await self._freed.wait()

    def stored(self, sensor: str, seq: int) -> None:
        """Analytics has stored all of a sensor up to ``seq``: forget it with one of the next commits."""
        self._stored[sensor] = max(seq, self._stored.get(sensor, 0))

    async def run(self) -> None:
        """Commit until :meth:`stop`, and then once more. Never to be cancelled within a commit."""
        while not self._stopping:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(STORED_LINGER_S):
                    await self._woken.wait()
            self._woken.clear()
            next_s = asyncio.get_running_loop().time() + COMMIT_GAP_S
            await self.flush()
            if not self._stopping:
                await asyncio.sleep(next_s - asyncio.get_running_loop().time())
        await self.flush()

    def stop(self) -> None:
        """Let :meth:`run` end once all that was handed in is committed."""
        self._stopping = True
        self._woken.set()

    async def flush(self) -> None:
        """Commit what waits now. After it, the outbox's states hold all that was ever handed in."""
        async with self._busy:
            appends, self._appends = self._appends, []
            stored, self._stored = self._stored, {}
            try:
                if appends or stored:
                    await self._commit(appends, stored)
            finally:  # counted until they are in the outbox, or refused
                self._waiting_bytes -= sum(append.size for append, _ in appends)

    async def _commit(
        self, appends: list[tuple[Append, asyncio.Future[None]]], stored: dict[str, int]
    ) -> None:
        try:
            changed = await asyncio.to_thread(
                self._outbox.write, [append for append, _ in appends], stored
            )
        except DiskError as error:
            for sensor, seq in stored.items():
                self.stored(sensor, seq)
            for _, done in appends:
                if not done.done():
                    done.set_exception(error)
            level = log.debug if self._warned else log.warning
            level("outbox.commit_failed", reason=error.reason, message=error.message)
            self._warned = True
            return
        self._warned = False
        self._committed(changed)
        self._freed.set()
        for _, done in appends:
            if not done.done():
                done.set_result(None)
