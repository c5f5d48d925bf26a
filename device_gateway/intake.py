"""From the packets of a link to batches in the outbox, in groups."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from contracts.errors import DiskError, RadioError, Reason
from contracts.gatt import Position, SensorStatus
from contracts.records import FRAME_NS
from contracts.units import NS_PER_S
from device_gateway.assembly import Assembler, Taken
from device_gateway.batches import Append, Batch, SensorState
from device_gateway.link import Link
from device_gateway.placing import place_runs
from device_gateway.writer import Writer

log = structlog.get_logger(__name__)

#: At most so often a commit of what is no whole frame: it bounds the fsyncs.
COMMIT_INTERVAL_S: Final = 0.2
#: Live, samples of a sensor that keeps them meanwhile are committed once a frame, with the first sample
#: behind its end: nobody can do anything with less of it. What has not come so long after the end is not
#: waited for: a packet of a fifth of a second, and the link's delay.
FRAME_LINGER_S: Final = 0.3
#: In a backlog, a run that does not fill up is committed after this.
BACKLOG_LINGER_S: Final = 1.0
#: Samples older than this are a backlog: their runs may fill up before they are committed.
BACKLOG_LAG_S: Final = 2.0
#: A hole that is still there after as many questions is no accident of the link.
MAX_HOLES: Final = 5


@dataclass(frozen=True, slots=True)
class Seen:
    """A turn of the intake. ``lag_s``: the age of the newest sample committed, None where none was."""

    hole: bool = False
    no_room: str = ""
    lag_s: float | None = None
    unplaced: int = 0


class Intake:
    """Takes what arrives on ``link`` to the outbox; ``seen`` is told after each turn.

    ``show`` is given what the sensor sends ahead of its log, as soon as it is here.
    """

    def __init__(
        self,
        sensor: str,
        link: Link,
        writer: Writer,
        clock_ns: Callable[[], int],
        seen: Callable[[Link, Seen], None],
        show: Callable[[str, Sequence[Batch]], None],
    ) -> None:
        self._sensor = sensor
        self._link = link
        self._writer = writer
        self._clock_ns = clock_ns
        self._seen = seen
        self._show = show
        self._live = False
        self._reached_ns = 0  # the end of what was committed, UTC
        self._committed_s = 0.0
        self._flushed_s = 0.0

    async def run(self) -> None:
        """Until the link ends. RadioError where the sensor never fills a hole."""
        link = self._link
        flows = False
        while True:
            if not flows:
                wait_s = BACKLOG_LINGER_S if link.assembler.waiting_samples else None
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(wait_s):
                        await link.news.wait()
            whole = await link.gather(*self._next_commit_s(), self._has_frame)
            if ahead := link.ahead.take(link.clocks, now_ns=self._clock_ns()):
                self._show(self._sensor, ahead)
            taken = self._take(flush=not whole)
            seen = await self._commit(taken) if taken.runs else Seen()
            flows = self._live and bool(taken.runs)  # more comes soon: nobody need look for it
            if not whole and not seen.no_room:
                seen = self._note_hole(seen)
            self._seen(link, seen)

    def _next_commit_s(self) -> tuple[float, float]:
        """From when on a packet is looked at, and when to commit at the latest. The loop's time."""
        soonest_s = self._committed_s + COMMIT_INTERVAL_S
        if not self._live or not self._link.control.keeps_log:  # what it lost, nobody has
            return soonest_s, soonest_s
        left_ns = min(FRAME_NS, self._frame_end_ns() - self._clock_ns())
        frame_end_s = asyncio.get_running_loop().time() + left_ns / NS_PER_S
        return frame_end_s, max(soonest_s, frame_end_s + FRAME_LINGER_S)

    def _frame_end_ns(self) -> int:
        """The end of the frame, a whole UTC second, in which the last sample committed is."""
        last_ns = self._reached_ns - self._link.period_ns
        return (last_ns // FRAME_NS + 1) * FRAME_NS

    def _has_frame(self) -> bool:
        """Whether what waits goes on behind the end of the frame; analytics then has all of it."""
        if not self._live:
            return False
        waiting_ns = (self._link.assembler.waiting_samples - 1) * self._link.period_ns
        return self._reached_ns + waiting_ns >= self._frame_end_ns()

    def _take(self, *, flush: bool) -> Taken:
        now_s = asyncio.get_running_loop().time()
        if flush or self._live or now_s - self._flushed_s > BACKLOG_LINGER_S:
            self._flushed_s = now_s
            flush = True
        taken = self._link.assembler.take(flush=flush)
        if taken.runs:
            self._committed_s = now_s
        return taken

    def _note_hole(self, seen: Seen) -> Seen:
        link = self._link
        link.holes += 1
        log.debug("sensor.hole", sensor=self._sensor, after=link.assembler.next)
        if link.holes > MAX_HOLES:
            raise RadioError(
                Reason.LINK_LOST,
                "The sensor leaves out samples that it says it keeps.",
                hint="Update its firmware.",
            )
        return Seen(hole=True, lag_s=seen.lag_s, unplaced=seen.unplaced)

    async def _commit(self, taken: Taken) -> Seen:
        link = self._link
        now_ns = self._clock_ns()
        placed = place_runs(taken.runs, link.control.corrected(link.clocks), now_ns=now_ns)
        batches, clocks, unplaced = placed.batches, placed.clocks, placed.unplaced
        clock = clocks.get(taken.position.epoch, clocks[max(clocks)])
        if unplaced:
            log.warning("sensor.time_unknown", sensor=self._sensor, samples=unplaced)
        try:
            await self._writer.append(
                Append(self._sensor, batches, taken.position, taken.ended, clock)
            )
        except DiskError as error:
            link.pause()
            link.assembler.give_up()
            return Seen(no_room=error.message, unplaced=unplaced)
        link.clocks = clocks
        link.erase_to = taken.position
        link.holes = 0
        if not batches:
            return Seen(unplaced=unplaced)
        last = batches[-1]
        self._reached_ns = last.t0_ns + last.count * last.period_ns
        lag_s = (now_ns - self._reached_ns) / NS_PER_S
        self._live = lag_s < BACKLOG_LAG_S
        return Seen(lag_s=lag_s, unplaced=unplaced)


def assembler_after(state: SensorState, status: SensorStatus, *, keeps_log: bool) -> Assembler:
    """What takes packets of a sensor from where the last commit ended."""
    position = state.position
    if position is not None and status.next < position:
        if keeps_log:  # of the others every connection does
            log.warning("sensor.counts_anew", sensor=state.sensor)
        position = None
    if position is None:
        return Assembler(Position(status.oldest.epoch, 0), keeps_log=keeps_log)
    return Assembler(position, resumed=True, ended=state.ended, keeps_log=keeps_log)
