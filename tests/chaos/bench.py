"""The bench: a disturbed run, what it left processed undisturbed, and an undisturbed run; compared.

1. *Disturbed*: people's sensors are switched on so that part of their day waits and the rest comes
   live; the faults of a schedule fall; then all has to arrive.
2. *Behind the outbox*: the outbox that this run left, nothing of it acknowledged, goes undisturbed
   through a new gateway, broker and analytics into a new store. Whatever fell behind the outbox must
   not show at all: every row equal.
3. *Undisturbed*: the same sensors, from the start, all new. Every sample has to be in the disturbed
   run's outbox once, at nearly the same time; rows may differ by that, and by no more.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from contracts.units import NS_PER_S
from plumbline.fleet import now_ns
from tests.chaos.comparing import (
    Nearly,
    Verdict,
    compare,
    compare_samples,
    exactly,
    rows_of,
    taken,
)
from tests.chaos.faults import UPLINK, Fault, Kind, schedule
from tests.chaos.people import Person, choose, start_before
from tests.chaos.site import LOOK_S, Site

#: After the last fault, all sensors are still worn so long.
LIVE_AFTER_S: Final = 6.0
#: Faults until all must have recovered before there are more: else, on a slow machine, they would fall
#: on what is down already.
HEAP: Final = 6
#: What that waiting takes about, for the length of the live part; and what of a recording is to wait
#: in the flash log at the least.
CALM_S: Final = 10.0
MIN_WAITING_S: Final = 30.0
#: A machine under load is slow, not wrong: so long may nothing move before it counts as stuck.
PATIENCE_S: Final = 100.0
KILLED: Final = {
    Kind.SENSORS: "sensors",
    Kind.GATEWAY: "gateway",
    Kind.BROKER: "broker",
    Kind.ANALYTICS: "analytics",
}
#: The proxy's switch, and what it counts.
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


@dataclass
class Result:
    """What a round came to."""

    seed: int
    broker: str
    people: list[Person]
    done: list[Done] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    starts: dict[str, int] = field(default_factory=dict)
    deaths: dict[str, list[str]] = field(default_factory=dict)
    cuts: int = 0
    doubled: int = 0
    reordered: int = 0
    refusals: int = 0
    own_disk: bool = False
    caught_up_s: float = 0.0
    took_s: dict[str, float] = field(default_factory=dict)

    @property
    def good(self) -> bool:
        """Whether nothing is lost, doubled or different, and every fault was recovered from."""
        return all(verdict.good for verdict in self.verdicts) and all(
            done.recovered_s is not None for done in self.done
        )

    def recoveries(self) -> dict[Kind, list[float]]:
        """Seconds from the end of each fault until data taken after it was in the store."""
        found: dict[Kind, list[float]] = defaultdict(list)
        for done in self.done:
            if done.recovered_s is not None:
                found[done.fault.kind].append(done.recovered_s - done.lifted_s)
        return dict(found)


def worst_and_median(seconds: list[float]) -> tuple[float, float]:
    """What to say of recoveries."""
    return max(seconds), statistics.median(seconds)


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
            if not to_the_end and self._site.complete():
                return
            async with asyncio.TaskGroup() as tasks:
                for fault in faults[start : start + HEAP]:
                    await asyncio.sleep(fault.gap_s)
                    done = Done(fault, self._now_s())
                    self.done.append(done)
                    self._tell(f"{done.at_s:7.1f} s  {fault}")
                    tasks.create_task(self._commit(done))
            if start + HEAP < len(faults):
                await self._site.until(self._all_recovered, PATIENCE_S)

    def all_in(self) -> None:
        """Everything is in the store: what was not seen to recover has."""
        for done in self.done:
            if done.recovered_s is None and done.lifted_ns:
                done.recovered_s = self._now_s()

    async def watch(self) -> None:
        """Look for ever who has recovered."""
        while True:
            self._look()
            await asyncio.sleep(LOOK_S)

    def _now_s(self) -> float:
        return time.monotonic() - self._began_s

    def _all_recovered(self) -> bool:
        return all(done.recovered_s is not None for done in self.done)

    def _look(self) -> None:
        end_ns = now_ns() if self._site.complete() else self._site.frames_end_ns()
        for done in self.done:
            if done.recovered_s is None and 0 < done.lifted_ns <= end_ns:
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
                proxy = site.proxies[fault.target]
                await site.until(lambda: proxy.connected)
                proxy.refusing = True
                proxy.cut()
                await asyncio.sleep(fault.lasts_s)
                proxy.refusing = False
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
            case _:
                await site.kill(KILLED[fault.kind], fault.lasts_s)

    async def _meddle(self, fault: Fault) -> None:
        proxy = self._site.proxies[UPLINK]
        name, count = MISCHIEF[fault.kind]
        before = getattr(proxy, count)
        setattr(proxy, name, True)
        await asyncio.sleep(fault.lasts_s)
        await self._site.until(lambda: getattr(proxy, count) > before)
        setattr(proxy, name, False)


async def run_round(
    folder: Path,
    data_dir: Path,
    *,
    seed: int,
    faults: int,
    people: int = 3,
    mosquitto: Path | None = None,
    to_the_end: bool = False,
    tell: Callable[[str], None] = lambda _: None,
) -> Result:
    """A round of the bench in ``folder``. On a slow machine the recordings may be over, and all in,
    before all ``faults`` were committed: then the round ends, unless it goes on ``to_the_end``.

    TimeoutError where something never arrives.
    """
    committed = schedule(seed, faults)
    who = choose(data_dir, seed, people)
    result = Result(seed, "mosquitto" if mosquitto else "amqtt", who)
    wearers = [person.wearer for person in who]
    shortest_s = min(person.duration_s() for person in who)
    start_ns = start_before(who, now_ns(), min(live_s(committed), shortest_s - MIN_WAITING_S))
    common: dict[str, Any] = {"seed": seed, "mosquitto": mosquitto}

    clock = time.monotonic()
    site = Site(folder / "disturbed", who, start_ns, own_disk=True, **common)
    try:
        async with site:
            await _until_flowing(site)
            disturber = Disturber(site, tell)
            result.done = disturber.done
            watching = asyncio.create_task(disturber.watch())
            try:
                await disturber.run(committed, to_the_end=to_the_end)
                result.caught_up_s = await site.until_complete(PATIENCE_S)
            finally:
                watching.cancel()
                await asyncio.gather(watching, return_exceptions=True)
            disturber.all_in()
        outbox = site.keep_outbox()
    finally:
        _note_site(result, site)
        site.close()
    result.took_s["disturbed"] = time.monotonic() - clock
    found, readings = _rows(site, wearers), _readings(site, outbox)

    clock = time.monotonic()
    behind = Site(folder / "behind", who, start_ns, outbox=outbox, **common)
    calm = Site(folder / "undisturbed", who, start_ns, **common)
    async with behind, calm:
        await asyncio.gather(behind.until_complete(PATIENCE_S), calm.until_complete(PATIENCE_S))
    result.took_s["undisturbed"] = time.monotonic() - clock
    wanted, calm_rows = _rows(behind, wearers), _rows(calm, wearers)
    exact = [compare(f"{kind}, exactly", wanted[kind], found[kind], exactly) for kind in found]
    judge = Nearly(calm_rows["frames"])
    near = [compare(f"{kind}, nearly", calm_rows[kind], found[kind], judge) for kind in found]
    samples = compare_samples(_readings(calm, calm.keep_outbox()), readings)
    result.verdicts = [*exact, samples, *near]
    return result


def live_s(faults: list[Fault]) -> float:
    """How long the sensors are to be worn while the faults fall."""
    return sum(fault.gap_s for fault in faults) + CALM_S * (len(faults) // HEAP) + LIVE_AFTER_S


async def _until_flowing(site: Site) -> None:
    """Until the gateway has something of every sensor: before, there is nothing to disturb."""
    deadline_s = time.monotonic() + PATIENCE_S
    while True:
        sensors = site.stats("gateway").get("sensors", {})
        if all(sensors.get(serial, {}).get("received") for serial in site.serials):
            return
        if time.monotonic() > deadline_s:
            raise TimeoutError(f"nothing flows: {site.hops()}")
        await asyncio.sleep(LOOK_S)


def _note_site(result: Result, site: Site) -> None:
    result.starts = {name: part.starts for name, part in site.parts.items()}
    result.deaths = {name: part.deaths for name, part in site.parts.items() if part.deaths}
    result.cuts = sum(proxy.cuts for proxy in site.proxies.values())
    result.doubled = site.proxies[UPLINK].doubled
    result.reordered = site.proxies[UPLINK].reordered
    result.refusals = site.refusals
    result.own_disk = site.disk is not None and site.disk.own


def _rows(site: Site, wearers: list[str]) -> dict[str, Any]:
    store = site.store()
    try:
        return rows_of(store, wearers)
    finally:
        store.close()


def _readings(site: Site, folder: Path) -> dict[str, Any]:
    with site.open_outbox(folder) as outbox:
        return {serial: taken(outbox.kept(serial)) for serial in site.serials}
