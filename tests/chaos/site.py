"""One site: the whole way in processes of their own, on loopback, with proxies between the parts."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import sqlite3
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any, Final, Self

from contracts.errors import StoreError
from contracts.gatt import Opcode
from contracts.units import NS_PER_S
from device_gateway.outbox import Outbox
from device_gateway.session import State
from plumbline.lifeline import Lifeline
from plumbline.ports import free_port
from plumbline.stats import read_stats
from plumbline.supervisor import log_tail
from plumbline.tally import Hops, count_hops
from store import open_series
from store.ports import SeriesStore
from tests.chaos import gateway_process, sensors_process
from tests.chaos.commands import (
    analytics_command,
    broker_command,
    environment,
    gateway_command,
    sensors_command,
)
from tests.chaos.faults import AIR, DOWNLINK, STORE, UPLINK
from tests.chaos.parts import REPOSITORY, Disk, Part
from tests.chaos.people import Person, register
from tests.chaos.proxy import HOST, Proxy
from tests.chaos.stores import Reader, StoreServer

SITE: Final = "chaos"
LOOK_S: Final = 0.1
#: A part that ended by itself is started again after this, as a service manager does.
RESTART_S: Final = 0.3
#: A server that serves no sooner does not serve.
START_S: Final = 60.0
#: Over this, something is broken that starting again does not mend.
MAX_DEATHS: Final = 60
#: A fault goes on until it is felt, but no longer than this: what is down already feels nothing.
BITE_S: Final = 15.0
OUTBOX: Final = "outbox.sqlite"
#: The store server's name among the parts. It is the round's and outlives the site.
SERVER: Final = "server"
ALWAYS: Final = (0, 2**63 - 1)


class Site:
    """The people's sensors, a gateway, a broker, analytics and a store, all new, in ``folder``.

    ``outbox``: a folder with the outbox to begin with. ``off_ns``: when its sensors are switched off. ``mosquitto``: the broker's program; amqtt
    where it is None. ``server``: the InfluxDB that it stores in; a SQLite file where it is None.
    ``disturbed``: with a disk of its own for the outbox, and the server as a part of it.
    """

    def __init__(
        self,
        folder: Path,
        people: Sequence[Person],
        start_ns: int,
        *,
        seed: int,
        mosquitto: Path | None = None,
        server: StoreServer | None = None,
        outbox: Path | None = None,
        off_ns: int | None = None,
        disturbed: bool = False,
    ) -> None:
        self.folder = folder
        self.people = tuple(people)
        self.serials = {s: p for person in people for s, p in person.serials().items()}
        self.start_ns = start_ns
        self._mosquitto = mosquitto
        self._lifeline = Lifeline()
        for name in ("logs", "run", "flash", "data"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        if off_ns is not None:
            (folder / "flash" / sensors_process.OFF).write_text(str(off_ns))
        self._outbox_folder = folder / "outbox"
        self.disk = Disk(self._outbox_folder) if disturbed else None
        self._outbox_folder.mkdir(exist_ok=True)
        if outbox is not None:
            for file in outbox.glob(f"{OUTBOX}*"):
                shutil.copy(file, self._outbox_folder)
            _acknowledge_nothing(self._outbox_folder / OUTBOX)
        self._broker_port, self._air_port = free_port(), free_port()
        random = Random(seed)
        self.proxies = {
            AIR: Proxy(self._air_port, random),
            UPLINK: Proxy(self._broker_port, random, mqtt=True),
            DOWNLINK: Proxy(self._broker_port, random, mqtt=True),
        }
        self._server = server
        if server is None:
            self.store_url = f"sqlite:{folder / 'data' / 'plumbline.sqlite'}"
        else:
            self.store_url = server.url(folder.name)
            self.proxies[STORE] = Proxy(server.port, random)
        self._reader = Reader(self.store_url)
        self.registry_url = f"sqlite:///{folder / 'data' / 'registry.sqlite'}"
        self._offset = folder / "run" / "offset"
        self.parts = {SERVER: server.part} if server is not None and disturbed else {}
        self.refusals = 0  # how often a full disk was felt
        self._keeper: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        register(self.registry_url, self.people, self.start_ns)
        await self._make_store()
        self.set_clock(0)
        for proxy in self.proxies.values():
            await proxy.start()
        self._make_parts()
        for name in ("sensors", "broker", "analytics"):
            self.parts[name].start()
        while not self.stats("sensors"):  # a gateway does not start without a radio
            await asyncio.sleep(LOOK_S)
            if self.parts["sensors"].process.poll() is not None:
                raise RuntimeError(log_tail(self.parts["sensors"].log))
        self.parts["gateway"].start()
        self._keeper = asyncio.create_task(self._keep())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        for name in ("gateway", "analytics", "sensors", "broker"):
            self.parts[name].held += 1
            await asyncio.to_thread(self.parts[name].stop)
        for proxy in self.proxies.values():
            await proxy.close()
        await asyncio.to_thread(self._reader.close)
        self._lifeline.close()

    def close(self) -> None:
        """Let go of the disk: what the outbox held is gone then."""
        if self.disk is not None:
            self.disk.close()

    # What is done to it

    def set_clock(self, offset_ns: int) -> None:
        """Put the gateway's clock off by so much from now on."""
        part = self._offset.with_suffix(".part")
        part.write_text(str(offset_ns))
        part.replace(self._offset)

    async def kill(self, name: str, down_s: float) -> None:
        """Kill a part, and start it again after a while."""
        await self._down(self.parts[name], self.parts[name].kill, down_s)

    async def stop(self, name: str, down_s: float) -> None:
        """Stop a part in order, and start it again after a while."""
        await self._down(self.parts[name], self.parts[name].stop, down_s)

    async def fill_disk(self, lasts_s: float) -> None:
        """Fill the outbox's disk for a while."""
        if self.disk is not None and self.disk.own:
            await asyncio.to_thread(self._empty_log)
            await asyncio.to_thread(self.disk.fill)
            await asyncio.sleep(lasts_s)
            await self.until(self.refusing)
            self.disk.free()
            return
        with self.parts["gateway"].without_room():
            await asyncio.sleep(lasts_s)
            await self.until(self.refusing)

    async def switch_off(self) -> None:
        """Switch all sensors off: what they recorded until then is all that is to arrive."""
        while self.off_ns() is None:
            self._check_kept()
            self.parts["sensors"].tell("off")
            await self.until(self.off_ns, BITE_S)

    async def step_clock(self, offset_ns: int, lasts_s: float) -> None:
        """Step the gateway's clock, have it look at a sensor's meanwhile, and step it back."""
        self.set_clock(offset_ns)
        before = self.clocks_set()
        for serial in self.serials:
            self.parts["sensors"].tell(f"lose {serial}")
        await self.until(lambda: self.clocks_set() > before)
        await asyncio.sleep(lasts_s)
        self.set_clock(0)

    async def until(self, true: Callable[[], object], limit_s: float = BITE_S) -> bool:
        """Wait until something is true, for a while at most; whether it is."""
        deadline_s = time.monotonic() + limit_s
        while not true():
            if time.monotonic() > deadline_s:
                return False
            await asyncio.sleep(LOOK_S)
        return True

    def refusing(self) -> bool:
        """Whether the gateway holds a sensor off for want of room."""
        sensors = self.stats("gateway").get("sensors", {})
        if any(sensor["state"] == State.HOLDING for sensor in sensors.values()):
            self.refusals += 1
            return True
        return False

    def clocks_set(self) -> int:
        """How often the gateway has set a sensor's clock."""
        word = f" {Opcode.SET_TIME.value:02x}"
        return sum(file.read_text().count(word) for file in (self.folder / "flash").glob("*.txt"))

    def off_ns(self) -> int | None:
        """When the sensors were switched off, UTC; None where they were not."""
        off = self.folder / "flash" / sensors_process.OFF
        return int(off.read_text()) if off.exists() else None

    async def _down(self, part: Part, end: Callable[[], object], down_s: float) -> None:
        part.held += 1
        await asyncio.to_thread(end)
        await asyncio.sleep(down_s)
        part.held -= 1
        if not part.held:
            part.start()

    def _empty_log(self) -> None:
        """Make the outbox's write-ahead log begin anew, so that the next commit needs room."""
        with (
            contextlib.suppress(sqlite3.Error),
            contextlib.closing(sqlite3.connect(self._outbox_folder / OUTBOX, timeout=2.0)) as db,
        ):
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    # What is seen of it

    def store(self) -> SeriesStore:
        """The store, to read."""
        return open_series(self.store_url, read_only=True)

    def stats(self, name: str) -> dict[str, Any]:
        """What a part last reported."""
        return read_stats(self._stats(name))

    def hops(self) -> Hops:
        """Samples at every hop, those in frames by the store."""
        reports = (self.stats(name) for name in ("sensors", "gateway", "analytics"))
        return count_hops(self.serials, "", *reports)

    async def frames_end_ns(self) -> int:
        """The end of the latest second that every wearer has a frame of; 0 where one has none."""

        def ask(store: SeriesStore) -> int:
            latest = [store.latest_frame(person.wearer) for person in self.people]
            return min(int(one.start_ns[-1]) + NS_PER_S if len(one) else 0 for one in latest)

        return await self._reader.ask(ask) or 0

    async def in_frames(self) -> int:
        """Samples in the frames that are in the store."""

        def ask(store: SeriesStore) -> int:
            return sum(int(store.frames(p.wearer, *ALWAYS).samples.sum()) for p in self.people)

        return await self._reader.ask(ask) or 0

    async def complete(self) -> bool:
        """Whether every sample that the sensors took, all of them switched off, is in the store."""
        hops = self.hops()
        if not hops.ended or not 0 < hops.recorded == hops.received == hops.stored:
            return False
        return await self.in_frames() == hops.recorded

    async def until_complete(self, limit_s: float) -> float:
        """Wait for that; how many seconds it took. TimeoutError says where samples are missing."""
        began_s = moved_s = time.monotonic()
        seen = (0, 0, 0)
        while not await self.complete():
            hops = self.hops()
            now = (hops.received, hops.stored, hops.recorded)
            if now != seen:
                seen, moved_s = now, time.monotonic()
            self._check_kept()
            if time.monotonic() - moved_s > limit_s:
                in_frames = await self.in_frames()
                raise TimeoutError(f"nothing moves any more: {hops}, {in_frames} in frames")
            await asyncio.sleep(LOOK_S)
        return time.monotonic() - began_s

    def keep_outbox(self) -> Path:
        """A copy of the outbox that outlives the disk, once the gateway has stopped."""
        kept = self.folder / "kept-outbox"
        kept.mkdir(exist_ok=True)
        for file in self._outbox_folder.glob(f"{OUTBOX}*"):
            if not file.name.endswith(".lock"):
                shutil.copy(file, kept)
        return kept

    def _keeps(self) -> str:
        """The name of the recording kept: the same for a copy of the outbox."""
        return str((REPOSITORY / "chaos-recording").resolve())

    def open_outbox(self, folder: Path) -> Outbox:
        """A copy of the outbox with all that was ever taken."""
        return Outbox(folder / OUTBOX, cap_bytes=2**40, keep=self._keeps())

    def _stats(self, name: str) -> Path:
        return self.folder / "run" / f"{name}.json"

    async def _make_store(self) -> None:
        """Make the store, so that it can be read from the beginning."""
        deadline_s = time.monotonic() + START_S
        made: SeriesStore | None = None
        while made is None:
            try:
                made = await asyncio.to_thread(open_series, self.store_url)
            except StoreError:  # a server that has only just been started
                if time.monotonic() > deadline_s:
                    raise
                await asyncio.sleep(LOOK_S)
        made.close()

    def _make_parts(self) -> None:
        run, broker_port = self.folder / "run", self.proxies[DOWNLINK].port
        sensors = sensors_process.Orders(
            [(p.wearer, str(p.recording), p.seed) for p in self.people],
            self.start_ns,
            f"tcp:{HOST}:{self._air_port}",
            str(self.folder / "flash"),
            str(self._stats("sensors")),
        )
        gateway = gateway_process.Orders(
            SITE,
            f"tcp:{HOST}:{self.proxies[AIR].port}",
            self.proxies[UPLINK].port,
            str(self._outbox_folder / OUTBOX),
            self._keeps(),
            str(self._offset),
            str(self._stats("gateway")),
        )
        store_url = self.store_url
        if self._server is not None:
            store_url = self._server.url(self.folder.name, self.proxies[STORE].port)
        commands = {
            "broker": broker_command(run, self._broker_port, self._mosquitto),
            "analytics": analytics_command(
                SITE,
                self.folder / "data",
                store_url=store_url,
                registry_url=self.registry_url,
                broker_port=broker_port,
                stats=self._stats("analytics"),
            ),
            "sensors": sensors_command(run / "sensors.orders", sensors),
            "gateway": gateway_command(run / "gateway.orders", gateway),
        }
        for name, command in commands.items():
            log, piped = self.folder / "logs" / f"{name}.log", name == "sensors"
            self.parts[name] = Part(
                name, command, log, environment(run), self._lifeline, piped=piped
            )

    def _check_kept(self) -> None:
        """RuntimeError where a part kept ending and was given up."""
        if self._keeper is not None and self._keeper.done():
            self._keeper.result()

    async def _keep(self) -> None:
        """Start again what ended by itself."""
        while True:
            await asyncio.sleep(LOOK_S)
            for part in list(self.parts.values()):
                process = part.process
                if part.held or process is None or process.poll() is None:
                    continue
                part.deaths.append(f"status {process.returncode}: {log_tail(part.log)}")
                if len(part.deaths) > MAX_DEATHS:
                    raise RuntimeError(f"{part.name} keeps ending: {part.deaths[-1]}")
                await asyncio.sleep(RESTART_S)
                if not part.held:
                    part.start()


def _acknowledge_nothing(outbox: Path) -> None:
    """Make all that an outbox kept wait for analytics again."""
    with contextlib.closing(sqlite3.connect(outbox)) as db:
        db.execute("UPDATE sensor SET stored_seq = 0")
        db.commit()
