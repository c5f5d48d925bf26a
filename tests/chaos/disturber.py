"""Commits the faults of a schedule on a site, and sees when it works again from end to end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from contracts.units import NS_PER_S
from plumbline.fleet import now_ns
from tests.chaos.faults import STORE, WAYS, Fault, Kind, Way
from tests.chaos.proxy import Proxy
from tests.chaos.site import LOOK_S, SERVER, Site

#: Faults until all must have recovered before there are more: else, on a slow machine, they would fall
#: on what is down already.
HEAP: Final = 6
#: A machine under load is slow, not wrong: so long may nothing move before it counts as stuck.
PATIENCE_S: Final = 100.0
KILLED: Final = {
    Kind.SENSORS: "sensors",
    Kind.GATEWAY: "gateway",
    Kind.BROKER: "broker",
    Kind.ANALYTICS: "analytics",
    Kind.SERVER_KILLED: SERVER,
}
#: What switches mischief on, and what counts it.
MISCHIEF: Final = {
    Kind.DOUBLE: ("double", "doubled"),
    Kind.REORDER: ("reorder", "reordered"),
}


@dataclass
class Done:
    """A fault that was committed. Times in s from the first; None where it has not recovered."""

    fault: Fault
    at_s: float
    lifted_s: float = 0.0
    lifted_ns: int = 0
    recovered_s: float | None = None


class Disturber:
    """Commits the faults of a schedule, one after another's start, and sees when all is well again."""

    def __init__(self, site: Site, tell: Callable[[str], None]) -> None:
        self._site = site
        self._tell = tell
        self._began_s = time.monotonic()
        self.done: list[Done] = []

    async def run(self, faults: list[Fault], *, to_the_end: bool) -> None:
        """Commit them, in heaps; returns when all are lifted.

        ``to_the_end``: also where no sensor is worn any more and all is in, which nothing disturbs.
        """
        for start in range(0, len(faults), HEAP):
            if not to_the_end and await self._site.complete():
                return
            async with asyncio.TaskGroup() as tasks:
                for fault in faults[start : start + HEAP]:
                    await asyncio.sleep(fault.gap_s)
                    done = Done(fault, self._now_s())
                    self.done.append(done)
                    self._tell(f"{done.at_s:7.1f} s  {fault}")
                    tasks.create_task(self._commit(done))
            if start + HEAP < len(faults):
                await self.until_recovered(PATIENCE_S)

    async def until_recovered(self, limit_s: float) -> None:
        """Wait until all faults that were committed are recovered from, for a while at most."""
        await self._site.until(self._all_recovered, limit_s)

    def all_in(self) -> None:
        """Everything is in the store: what was not seen to recover has."""
        for done in self.done:
            if done.recovered_s is None and done.lifted_ns:
                done.recovered_s = self._now_s()

    async def watch(self) -> None:
        """Look for ever who has recovered."""
        while True:
            await self._look()
            await asyncio.sleep(LOOK_S)

    def _now_s(self) -> float:
        return time.monotonic() - self._began_s

    def _all_recovered(self) -> bool:
        return all(done.recovered_s is not None for done in self.done)

    async def _look(self) -> None:
        waiting = [done for done in self.done if done.lifted_ns and done.recovered_s is None]
        if not waiting:
            return
        asked_ns = now_ns()
        end_ns = asked_ns if await self._site.complete() else await self._site.frames_end_ns()
        for done in waiting:
            if done.lifted_ns <= end_ns:
                done.recovered_s = self._now_s()

    async def _commit(self, done: Done) -> None:
        await self._act(done.fault)
        done.lifted_s, done.lifted_ns = self._now_s(), now_ns()

    async def _act(self, fault: Fault) -> None:
        site = self._site
        match fault.kind:
            case Kind.LINK:
                serials = sorted(site.serials)
                site.parts["sensors"].tell(f"lose {serials[fault.number % len(serials)]}")
            case Kind.CUT:
                await self._cut(site.proxies[fault.target], fault)
            case Kind.DELAY:
                site.proxies[fault.target].slow_s = fault.size
                await asyncio.sleep(fault.lasts_s)
                site.proxies[fault.target].quicken()
            case Kind.DISK:
                await site.fill_disk(fault.lasts_s)
            case Kind.CLOCK:
                await site.step_clock(int(fault.size * NS_PER_S), fault.lasts_s)
            case Kind.DOUBLE | Kind.REORDER:
                await self._meddle(fault)
            case Kind.SERVER_STOPPED:
                await site.stop(SERVER, fault.lasts_s)
            case Kind.SERVER_HUNG:
                await self._hang(site.proxies[STORE], fault.lasts_s)
            case _:
                await site.kill(KILLED[fault.kind], fault.lasts_s)

    async def _cut(self, proxy: Proxy, fault: Fault) -> None:
        """Cut in the middle of what passes next; where nothing does, what is there."""
        proxy.cut_within(proxy.there if fault.onward else proxy.back)
        if not await self._site.until(lambda: not proxy.armed):
            proxy.disarm()
            proxy.refusing = True
            proxy.cut()
        await asyncio.sleep(fault.lasts_s)
        proxy.refusing = False

    async def _hang(self, proxy: Proxy, lasts_s: float) -> None:
        """Hang the server, so long after it was asked something."""
        with self._site.parts[SERVER].hung():
            before = proxy.pieces
            await self._site.until(lambda: proxy.pieces > before)
            await asyncio.sleep(lasts_s)

    async def _meddle(self, fault: Fault) -> None:
        """Double or reorder until it has happened."""
        connection, onward = WAYS[Way(fault.target)]
        proxy = self._site.proxies[connection]
        meddling = proxy.there if onward else proxy.back
        switch, count = MISCHIEF[fault.kind]
        before = getattr(meddling, count)
        setattr(meddling, switch, True)
        await asyncio.sleep(fault.lasts_s)
        await self._site.until(lambda: getattr(meddling, count) > before)
        setattr(meddling, switch, False)
