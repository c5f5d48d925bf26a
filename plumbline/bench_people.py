"""Many people at the dashboard at once, each as their browser speaks to it, without the browser.

A person is a websocket with Streamlit's own protobuf messages: it opens pages by the navigation, and
runs a page's parts again as often as the page asks for. What a browser draws is not measured here.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import numpy as np
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import connect

from dashboard.entry.access import Act
from dashboard.entry.door import COOKIE
from plumbline.bench_clinic import SignedIn
from plumbline.bench_ratio import spread
from store.people_ports import Role

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

PATIENCE_S: Final = 120.0
MAX_MESSAGE_BYTES: Final = 64 * 1024 * 1024
#: What a person opens, one after another.
CLICKS: Final = {
    Role.CLIENT: (Act.TODAY, Act.WEEK, Act.BODY, Act.TODAY, Act.SENSORS, Act.DATA),
    Role.THERAPIST: (Act.CLIENTS, Act.REVIEW, Act.TODAY, Act.CLIENTS, Act.REVIEW, Act.WEEK),
}
_WHOLE_RUN: Final = ForwardMsg.FINISHED_SUCCESSFULLY
_PART_RUN: Final = ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY
_FAILED: Final = ForwardMsg.FINISHED_WITH_COMPILE_ERROR
_OVERTAKEN: Final = ForwardMsg.FINISHED_EARLY_FOR_RERUN


@dataclass(slots=True)
class Experience:
    """What people met: seconds of each click and of each part that ran again, and what went wrong."""

    clicks_s: dict[str, list[float]] = field(default_factory=dict)
    parts_s: list[float] = field(default_factory=list)
    overtaken: int = 0  # runs of a part that another run cut short: it comes again by its timer
    errors: list[str] = field(default_factory=list)

    def figures(self) -> dict[str, Any]:
        """All of it, as a benchmark tells it."""
        every = [s for seconds in self.clicks_s.values() for s in seconds]
        return {
            "clicks": len(every),
            "click s": spread(every),
            **{f"{act} median s": spread(s)["median"] for act, s in sorted(self.clicks_s.items())},
            "parts run again": len(self.parts_s),
            "part s": spread(self.parts_s or [0.0]),
            "parts overtaken": self.overtaken,
            "errors": len(self.errors),
        }


Pause = tuple[float, float]


def people_at_once(
    address: str, people: Sequence[SignedIn], pause_s: Pause, seed: int = 1
) -> Experience:
    """Everybody clicks through their pages at the same time, with pauses of a random length between.

    What they met, errors included.
    """
    experience = Experience()
    asyncio.run(_everybody(address, people, pause_s, seed, experience))
    return experience


async def _everybody(
    address: str, people: Sequence[SignedIn], pause_s: Pause, seed: int, experience: Experience
) -> None:
    async with asyncio.TaskGroup() as group:
        for number, person in enumerate(people):
            rng = np.random.default_rng((seed, number))
            group.create_task(_Person(address, person, rng, experience, pause_s).live())


class _Person:
    """One browser's tab."""

    def __init__(
        self,
        address: str,
        who: SignedIn,
        rng: np.random.Generator,
        experience: Experience,
        pause_s: Pause,
    ) -> None:
        self._address = address
        self._who = who
        self._rng = rng
        self._experience = experience
        self._pause_s = pause_s
        self._pages: dict[str, str] = {}  # path → hash
        self._shown = ""
        self._timers: dict[str, asyncio.Task[None]] = {}
        self._asked_s: dict[str, float] = {}  # by fragment
        self._done = asyncio.Event()
        self._socket: ClientConnection | None = None

    async def live(self) -> None:
        """Open the first page, then click on, with pauses."""
        parts = urlsplit(self._address)
        try:
            async with connect(
                f"ws://{parts.netloc}/_stcore/stream",
                subprotocols=["streamlit"],  # type: ignore[list-item]  # a new type of str
                additional_headers={"Cookie": f"{COOKIE}={self._who.token}"},
                origin=self._address,  # type: ignore[arg-type]  # likewise
                max_size=MAX_MESSAGE_BYTES,
            ) as self._socket:
                tasks = [asyncio.create_task(do) for do in (self._click_on(), self._hear())]
                try:
                    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                    for task in done:
                        task.result()  # or what went wrong in it
                finally:
                    self._stop_timers()
                    for task in tasks:
                        task.cancel()
        except (OSError, TimeoutError) as error:
            self._experience.errors.append(f"{type(error).__name__}: {error}")

    async def _click_on(self) -> None:
        # People do not press a key in the same instant.
        await asyncio.sleep(float(self._rng.uniform(0.0, self._pause_s[1])))
        for act in CLICKS[self._who.role]:
            await self._open(act)
            await asyncio.sleep(float(self._rng.uniform(*self._pause_s)))

    async def _open(self, act: Act) -> None:
        self._stop_timers()
        self._done.clear()
        started_s = time.perf_counter()
        await self._run(act)
        async with asyncio.timeout(PATIENCE_S):
            await self._done.wait()
        took_s = time.perf_counter() - started_s
        self._experience.clicks_s.setdefault(act.value, []).append(took_s)

    async def _run(self, act: Act | None = None, fragment: str = "") -> None:
        """Ask for a page, or for a part of the page that is shown."""
        message = BackMsg()
        state = message.rerun_script
        if act is not None:
            self._shown = self._pages.get(act.value, "")
            state.page_name = "" if self._shown else act.value
            state.query_string = f"client={_LOOKED_AT}" if _about_client(self._who, act) else ""
        state.page_script_hash = self._shown
        state.fragment_id = fragment
        state.is_auto_rerun = bool(fragment)
        state.context_info.url = self._address
        state.context_info.timezone = "Europe/Berlin"
        state.context_info.color_scheme = "light"
        if self._socket is not None:
            await self._socket.send(message.SerializeToString())

    async def _hear(self) -> None:
        if self._socket is None:
            return
        async for data in self._socket:
            message = ForwardMsg()
            message.ParseFromString(data if isinstance(data, bytes) else data.encode())
            self._take(message)

    def _take(self, message: ForwardMsg) -> None:
        match message.WhichOneof("type"):
            case "navigation":
                self._pages = {
                    p.url_pathname: p.page_script_hash for p in message.navigation.app_pages
                }
                self._shown = message.navigation.page_script_hash
            case "auto_rerun":
                self._keep_running(message.auto_rerun.fragment_id, message.auto_rerun.interval)
            case "delta":
                if message.delta.new_element.WhichOneof("type") == "exception":
                    self._experience.errors.append(message.delta.new_element.exception.message)
            case "session_event":
                if message.session_event.WhichOneof("type") == "script_compilation_exception":
                    self._experience.errors.append("the script does not compile")
            case "script_finished":
                parts = message.metadata.run.fragment_ids
                self._finished(message.script_finished, list(parts))

    def _finished(self, status: int, parts: list[str]) -> None:
        if status == _FAILED:
            self._experience.errors.append("a run failed")
        if status in (_WHOLE_RUN, _FAILED):
            self._asked_s.clear()
            self._done.set()
        elif status == _OVERTAKEN:
            lost = [self._asked_s.pop(part) for part in parts if part in self._asked_s]
            self._experience.overtaken += len(lost)
        elif status == _PART_RUN:
            now_s = time.perf_counter()
            asked = [self._asked_s.pop(part) for part in parts if part in self._asked_s]
            self._experience.parts_s += [now_s - asked_s for asked_s in asked]

    def _keep_running(self, fragment: str, every_s: float) -> None:
        if fragment not in self._timers:
            self._timers[fragment] = asyncio.create_task(self._repeat(fragment, every_s))

    async def _repeat(self, fragment: str, every_s: float) -> None:
        while True:
            await asyncio.sleep(every_s)
            self._asked_s.setdefault(fragment, time.perf_counter())
            await self._run(fragment=fragment)

    def _stop_timers(self) -> None:
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        self._asked_s.clear()


#: Whom the therapists look at.
_LOOKED_AT: Final = "sim-001"


def _about_client(who: SignedIn, act: Act) -> bool:
    return who.role is Role.THERAPIST and act is not Act.CLIENTS
