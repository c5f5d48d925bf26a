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
import contextlib
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

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
from tests.chaos.disturber import HEAP, PATIENCE_S, Disturber, Done
from tests.chaos.faults import Fault, Kind, schedule
from tests.chaos.people import Person, choose, start_before
from tests.chaos.site import LOOK_S, Site
from tests.chaos.stores import StoreKind, StoreServer

#: After the last fault, all sensors are still worn so long, or until it is recovered from.
LIVE_AFTER_S: Final = 6.0
#: What it takes about until a heap of faults is recovered from, for the length of the live part.
CALM_S: Final = 10.0
#: On a busy machine it takes longer. The sensors are switched off when the faults are over.
SLACK: Final = 2.5
#: What of a recording is to wait in the flash log at the least.
MIN_WAITING_S: Final = 30.0
#: The rollups by kind of row.
ROLLUP_S: Final = {"minutes": 60, "days": 86_400}


@dataclass
class Result:
    """What a round came to."""

    seed: int
    broker: str
    store: StoreKind
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


async def run_round(
    folder: Path,
    data_dir: Path,
    *,
    seed: int,
    faults: int,
    people: int = 3,
    mosquitto: Path | None = None,
    influxd: Path | None = None,
    to_the_end: bool = False,
    tell: Callable[[str], None] = lambda _: None,
) -> Result:
    """A round of the bench in ``folder``, on the InfluxDB ``influxd`` or, where that is None, on SQLite.

    On a slow machine the recordings may be over, and all in, before all ``faults`` were committed:
    then the round ends, unless it goes on ``to_the_end``. TimeoutError where something never arrives.
    """
    committed = schedule(seed, faults, server=influxd is not None)
    who = choose(data_dir, seed, people)
    kind = StoreKind.SQLITE if influxd is None else StoreKind.INFLUX
    result = Result(seed, "mosquitto" if mosquitto else "amqtt", kind, who)
    shortest_s = min(person.duration_s() for person in who)
    worn_s = min(SLACK * live_s(committed), shortest_s - MIN_WAITING_S)
    start_ns = start_before(who, now_ns(), worn_s)
    async with contextlib.AsyncExitStack() as stack:
        server = None
        if influxd is not None:
            server = await stack.enter_async_context(StoreServer(influxd, folder / "server"))
        common: dict[str, Any] = {"seed": seed, "mosquitto": mosquitto, "server": server}
        site = Site(folder / "disturbed", who, start_ns, disturbed=True, **common)
        try:
            outbox = await _disturb(site, committed, result, to_the_end=to_the_end, tell=tell)
        finally:
            _note_site(result, site)
            site.close()
        common["off_ns"] = site.off_ns()
        behind = Site(folder / "behind", who, start_ns, outbox=outbox, **common)
        calm = Site(folder / "undisturbed", who, start_ns, **common)
        clock = time.monotonic()
        await _undisturbed(behind, calm)
        result.took_s["undisturbed"] = time.monotonic() - clock
        result.verdicts = await asyncio.to_thread(_compare, site, outbox, behind, calm)
    return result


async def _disturb(
    site: Site,
    faults: list[Fault],
    result: Result,
    *,
    to_the_end: bool,
    tell: Callable[[str], None],
) -> Path:
    """Commit the faults and wait until all has arrived; a copy of the outbox that this left."""
    clock = time.monotonic()
    async with site:
        await _until_flowing(site)
        disturber = Disturber(site, tell)
        result.done = disturber.done
        watching = asyncio.create_task(disturber.watch())
        try:
            await disturber.run(faults, to_the_end=to_the_end)
            await disturber.until_recovered(LIVE_AFTER_S)
            await site.switch_off()
            result.caught_up_s = await site.until_complete(PATIENCE_S)
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
        disturber.all_in()
    result.took_s["disturbed"] = time.monotonic() - clock
    return site.keep_outbox()


async def _undisturbed(*sites: Site) -> None:
    """Run sites side by side until all is in; where one fails, all are taken down."""

    async def run(site: Site) -> None:
        async with site:
            await site.until_complete(PATIENCE_S)

    tasks = [asyncio.create_task(run(site)) for site in sites]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _compare(disturbed: Site, outbox: Path, behind: Site, calm: Site) -> list[Verdict]:
    found, wanted, near = _rows(disturbed), _rows(behind), _rows(calm)
    judges = {
        kind: Nearly(near["frames"], found["frames"], ROLLUP_S.get(kind, 0)) for kind in found
    }
    return [
        *(compare(f"{kind}, exactly", wanted[kind], found[kind], exactly) for kind in found),
        compare_samples(_readings(calm, calm.keep_outbox()), _readings(disturbed, outbox)),
        *(compare(f"{kind}, nearly", near[kind], found[kind], judges[kind]) for kind in found),
    ]


def live_s(faults: list[Fault]) -> float:
    """How long the sensors are to be worn on an idle machine while the faults fall."""
    total_s = LIVE_AFTER_S
    for start in range(0, len(faults), HEAP):
        begun_s, lifted_s = 0.0, 0.0
        for fault in faults[start : start + HEAP]:
            begun_s += fault.gap_s
            lifted_s = max(lifted_s, begun_s + fault.lasts_s)
        total_s += lifted_s + CALM_S
    return total_s


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
    ways = [way for proxy in site.proxies.values() for way in (proxy.there, proxy.back)]
    result.doubled = sum(way.doubled for way in ways)
    result.reordered = sum(way.reordered for way in ways)
    result.refusals = site.refusals
    result.own_disk = site.disk is not None and site.disk.own


def _rows(site: Site) -> dict[str, Any]:
    store = site.store()
    try:
        return rows_of(store, [person.wearer for person in site.people])
    finally:
        store.close()


def _readings(site: Site, folder: Path) -> dict[str, Any]:
    with site.open_outbox(folder) as outbox:
        return {serial: taken(outbox.kept(serial)) for serial in site.serials}
