"""One Bluetooth link to a sensor: what is up while it is up, and how it is taken down."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, Final

import structlog
from bleak import BleakClient
from bleak.exc import BleakError

from contracts.errors import DecodeError, PlumblineError
from contracts.gatt import Position, SamplePacket
from contracts.units import NS_PER_S
from device_gateway.ahead import AheadOfLog
from device_gateway.assembly import Assembler, Outcome
from device_gateway.clock import DeviceClock
from device_gateway.conversation import Conversation

log = structlog.get_logger(__name__)

#: Packets that arrived while a commit held things up: 20 MB. What does not fit is a hole, and asked for
#: again.
MAX_ARRIVED: Final = 65_536
#: So many are looked at even where nobody waits for them yet: a hole in a backlog shows early, and no
#: turn of the event loop grows long.
MANY_ARRIVED: Final = 64
DISCONNECT_TIMEOUT_S: Final = 5.0
#: A sensor that answers at all does so well within a second; one that does not is left as it is: it
#: keeps its log, and stops to send when the link goes.
HALT_TIMEOUT_S: Final = 2.0
#: Erasing frees the sensor's flash; losing one costs nothing, and a day's log needs few. Each is as much
#: work as a second of samples.
ERASE_INTERVAL_S: Final = 30.0
#: How often it is asked whether the sensor's clock is to be looked at.
LOOK_CHECK_S: Final = 2.0


class Link:
    """A connection that is being made, or is up. ``failed`` is told when one of its tasks fails."""

    def __init__(
        self,
        client: BleakClient,
        control: Conversation,
        failed: Callable[[Link, Exception], None],
    ) -> None:
        self.client = client
        self.control = control
        self.assembler = Assembler(Position(0, 0))
        self.ahead = AheadOfLog()
        self.clocks: dict[int, DeviceClock] = {}
        self.arrived: deque[bytearray | SamplePacket] = deque()
        self.news = asyncio.Event()
        self._calm_until_s = 0.0  # the loop's time before which a packet more wakes nobody
        self.untidy = False  # what is safe is to be forgotten soon, not now and then
        self.paused = True  # until the sensor was asked: what comes now was not asked for
        self._now_s = asyncio.get_running_loop().time
        self.heard_s = self._now_s()
        self.erase_to: Position | None = None
        self._erased: Position | None = None
        self._erase_s = self.heard_s + ERASE_INTERVAL_S
        self.holes = 0
        self.garbage = 0
        self.next_known = 0
        self.next_known_s = 0.0
        self.period_ns = NS_PER_S
        self.backlog_total = 0
        self.halting: asyncio.Task[None] | None = None
        self._failed = failed
        self._cancelled = False
        self._tasks: set[asyncio.Task[None]] = set()

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run ``work`` while the link is up; what it raises of the expected kind fails the link."""
        task = asyncio.get_running_loop().create_task(self._guard(work))
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    async def _guard(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except (PlumblineError, BleakError, TimeoutError, OSError) as error:
            self._failed(self, error)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """What a Bluetooth stack lets slip must not leave a session behind that does nothing."""
        self._tasks.discard(task)
        if task.cancelled():
            if not self._cancelled:
                self._failed(self, BleakError("its work was cancelled by the Bluetooth stack"))
        elif (error := task.exception()) is not None:
            log.error("sensor.defect", exc_info=error)
            self._failed(self, RuntimeError(f"unexpected {error!r}"))

    def on_arrival(self, value: bytearray | SamplePacket) -> None:
        """A packet, or its bytes."""
        if not self.paused and len(self.arrived) < MAX_ARRIVED:
            self.arrived.append(value)
            if len(self.arrived) >= MANY_ARRIVED or self._now_s() >= self._calm_until_s:
                self.news.set()

    def assemble(self) -> bool:
        """Take what arrived. False where a hole came up and the sensor is to be asked again."""
        while self.arrived:
            value = self.arrived.popleft()
            try:
                packet = (
                    value
                    if isinstance(value, SamplePacket)
                    else SamplePacket.from_bytes(bytes(value))
                )
            except DecodeError as error:
                level = log.debug if self.garbage else log.warning
                level("sensor.bad_packet", reason=error.reason, message=error.message)
                self.garbage += 1
                continue
            if packet.ahead:  # no sign that the log goes on
                self.ahead.add(packet)
                continue
            outcome = self.assembler.add(packet)
            if outcome is Outcome.HOLE:
                self.pause()
                return False
            if outcome is Outcome.TAKEN:  # garbage and repetitions are no sign of life
                self.heard_s = self._now_s()
        return True

    async def gather(self, calm_s: float, until_s: float, enough: Callable[[], bool]) -> bool:
        """:meth:`assemble` what arrives until it is ``enough``, or ``until_s``, or a hole comes up.

        Times are the loop's. Up to ``calm_s`` packets may pile up: to wake for each costs more than to
        take it.
        """
        alarm = asyncio.get_running_loop().call_at(until_s, self.news.set)
        try:
            while True:
                self.news.clear()
                if not self.assemble():
                    return False
                if enough() or self._now_s() >= until_s:
                    return True
                self._calm_until_s = calm_s
                await self.news.wait()
        finally:
            self._calm_until_s = 0.0
            alarm.cancel()

    def pause(self) -> None:
        """Take nothing until the sensor was asked again."""
        self.paused = True
        self.arrived.clear()

    async def ask(self) -> None:
        """Have the sensor send from the first sample that is missing."""
        self.pause()
        await self.control.stop()
        safe = self.erase_to or self.assembler.known_safe
        if safe is not None:  # so that what is kept is what is missing
            await self.control.erase(safe)
        status = await self.control.status()
        position = self.assembler.resume(status.oldest)
        self.next_known = status.next.sequence
        self.next_known_s = asyncio.get_running_loop().time()
        self.period_ns = status.period_ns
        if position.epoch == status.epoch:
            self.backlog_total = max(self.backlog_total, self.next_known - position.sequence)
        self.arrived.clear()
        self.paused = False
        self.heard_s = asyncio.get_running_loop().time()
        await self.control.start(position)

    def backlog(self, *, sampling: bool) -> int:
        """About how many samples the sensor has that were not taken yet; none where it keeps none."""
        if not self.control.keeps_log:
            return 0
        taken_s = asyncio.get_running_loop().time() - self.next_known_s if sampling else 0.0
        upcoming = self.next_known + int(taken_s * NS_PER_S / self.period_ns)
        return max(0, upcoming - self.assembler.next.sequence)

    async def tidy_up(self) -> None:
        """Soon, and where it is time: have the sensor forget what is safe, and look at its clock."""
        await asyncio.sleep(LOOK_CHECK_S)
        due = self.untidy or self._now_s() >= self._erase_s
        self.untidy = False
        if due and self.erase_to is not None and self.erase_to != self._erased:
            await self.control.erase(self.erase_to)
            self._erased, self._erase_s = self.erase_to, self._now_s() + ERASE_INTERVAL_S
        await self.control.look(doubted=any(clock.doubts for clock in self.clocks.values()))

    async def halt(self) -> None:
        """Ask the sensor to send nothing and to forget what is safe, if it still answers."""
        self.pause()
        try:
            await self.control.stop()
            if self.erase_to is not None:
                await self.control.erase(self.erase_to)
        except (PlumblineError, BleakError, OSError) as error:
            log.debug("sensor.halt_failed", error=str(error))

    def cancel(self) -> None:
        """End all work on the link but a halt under way."""
        self._cancelled = True
        for task in self._tasks:
            if task is not self.halting:
                task.cancel()

    async def close(self) -> None:
        """Take the link down, and leave no slot of the adapter behind."""
        if self.halting is not None:
            await asyncio.wait({self.halting}, timeout=HALT_TIMEOUT_S)
        with contextlib.suppress(BleakError, TimeoutError, OSError):
            async with asyncio.timeout(DISCONNECT_TIMEOUT_S):
                await self.client.disconnect()
        for task in tuple(self._tasks):
            task.cancel()
