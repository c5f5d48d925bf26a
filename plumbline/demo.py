"""``plumbline demo``: the whole way on one machine, in processes of their own, until Ctrl-C."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from rich.console import Console

from contracts.errors import PlumblineError, Reason
from contracts.recording import MANIFEST, open_recording
from contracts.records import FrameBlock
from plumbline.demo_accounts import DemoAccount, make_accounts
from plumbline.demo_folder import BROKER_USERNAME, DemoFolder
from plumbline.demo_keep import check_keep, note_calibration
from plumbline.demo_view import Summary, SyncProgress, focus_seconds, show_summary
from plumbline.disk import check_room
from plumbline.enrol import MARGIN_NS, Enrolled, enrol_new
from plumbline.fleet import KIT, NATIVE, FleetChoice, now_ns, start_for
from plumbline.ports import LOOPBACK, answers, check_port_free, free_port
from plumbline.run import stop_on_signal
from plumbline.settings import ENV_PREFIX, Settings
from plumbline.stats import read_stats
from plumbline.supervisor import READY_TIMEOUT_S, ChildSpec, Supervisor
from plumbline.tally import Hops, count_hops
from store import open_registry, open_series

POLL_S: Final = 0.1
RECOUNT_S: Final = 1.0
STARTING: Final = "Starting broker, analytics, simulated sensors and gateway."
#: Data stops flowing at its source first; who stores stops when nothing comes any more.
STOP_ORDER: Final = ("dashboard", "gateway", "sim", "analytics", "broker")


@dataclass(frozen=True, slots=True)
class DemoChoice:
    """What ``plumbline demo`` was asked to do."""

    recording: Path | None = None
    hours: float = 8.0
    live: bool = False
    seed: int = 1
    headless: bool = False
    until_done: bool = False
    keep: Path | None = None
    patience_s: float = 120.0
    as_json: bool = False
    make: str = NATIVE  # any other keeps no log: then all is live
    faults: Path | None = None  # what goes wrong, seconds from where the hours that wait begin


def run_demo(settings: Settings, choice: DemoChoice) -> None:
    """Run the demo to its end. PlumblineError(INCOMPLETE) where something that waited is missing."""
    settings = own_store(settings, settings.data_dir)
    stop = threading.Event()
    stop_on_signal(stop)
    if not choice.headless:
        check_port_free(settings.dashboard_host, settings.dashboard_port, "--dashboard-port")
    if choice.recording is not None:
        open_recording(choice.recording)  # said before anything is started
    check_keep(choice.keep)
    folder = DemoFolder(settings.data_dir)
    began_s = time.monotonic()
    console = Console(stderr=choice.as_json)
    if not choice.as_json:
        console.print(STARTING)
    try:
        plan = make_plan(settings, choice)
        with Demo(settings, choice, folder, plan, stop) as demo:
            summary = show_backlog(demo, choice, console, stop, began_s)
            while not choice.until_done and not stop.wait(POLL_S):
                demo.poll()
            if not choice.as_json:
                console.print(f"Stopping. What was measured stays in {settings.data_dir}.")
    finally:
        folder.close()
    if choice.until_done and summary.missing:
        check_room(folder.root)
        raise PlumblineError(
            Reason.INCOMPLETE,
            f"Not everything that waited is in the store: {'; '.join(summary.missing)}.",
            hint=f"The logs are in {folder.logs}.",
        )


def show_backlog(
    demo: Demo, choice: DemoChoice, console: Console, stop: threading.Event, began_s: float
) -> Summary:
    """Progress while what waited comes in, and the summary after it."""
    quiet = choice.as_json or not console.is_terminal
    with SyncProgress(console, quiet=quiet) as progress:
        demo.wait_for_backlog(progress.show)
    if stop.is_set() and choice.until_done:
        raise KeyboardInterrupt
    if not stop.is_set():
        demo.wait_for_dashboard()
    summary = demo.summary(time.monotonic() - began_s)
    show_summary(console, summary, as_json=choice.as_json)
    if not (choice.until_done or choice.as_json or stop.is_set()):
        end = "Open it in a browser and sign in. " if summary.dashboard else ""
        console.print(f"{end}It goes on live; Ctrl-C ends it.")
    return summary


def own_store(settings: Settings, folder: Path) -> Settings:
    """The settings with everything kept in ``folder``, whatever else they said."""
    kept = {"data_dir": folder, "store_url": "", "registry_url": "", "outbox": None}
    return settings.model_copy(update=kept)


def make_plan(settings: Settings, choice: DemoChoice) -> Enrolled:
    """A new wearer with sensors of their own, entered in the registry."""
    open_series(settings.series_url).close()  # a store that refuses is said before all is started
    registry = open_registry(settings.people_url)
    try:
        at_ns = now_ns()
        start_ns = start_for(
            choice.recording, choice.hours, live=choice.live, at_ns=at_ns, make=choice.make
        )
        fleet = FleetChoice(
            choice.recording,
            choice.hours,
            ",".join(KIT),
            start_ns,
            "PL",
            choice.seed,
            choice.make,
            faults=choice.faults,
        )
        return enrol_new(registry, fleet, at_ns)
    finally:
        registry.close()


def no_observer(_hops: Hops, _pids: Mapping[str, int]) -> None:
    """Nobody measures."""


class Demo:
    """One run of the demo. ``observe`` is told the counts and the process ids at every poll."""

    def __init__(
        self,
        settings: Settings,
        choice: DemoChoice,
        folder: DemoFolder,
        plan: Enrolled,
        stop: threading.Event,
        observe: Callable[[Hops, Mapping[str, int]], None] = no_observer,
    ) -> None:
        self._observe = observe
        self._accounts: tuple[DemoAccount, ...] = ()
        self._settings = settings
        self._choice = choice
        self._folder = folder
        self._plan = plan
        self._stop = stop
        self._serials = {sensor.serial: sensor.placement for sensor in plan.fleet.sensors}
        self._broker_port = free_port()
        self._radio = f"tcp:{LOOPBACK}:{free_port()}"
        self._supervisor = Supervisor(self._write_run)
        self._waiting = 0
        self._recounted, self._recount_s = 0, 0.0

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()

    def wait_for_backlog(
        self, show: Callable[[Hops, int], None] = lambda _hops, _waiting: None
    ) -> bool:
        """Until what waited is in; False where told to stop, or nothing has moved for too long.

        Before anything moves all are still starting, which takes its time on a busy machine.
        """
        starting_s = max(self._choice.patience_s, READY_TIMEOUT_S)
        seen, moved_s = 0, time.monotonic()
        while not self._stop.wait(POLL_S):
            hops = self.poll()
            if not self._waiting and not self._choice.live:
                self._waiting = hops.recorded
            show(hops, self._waiting)
            if self._done(hops):
                return True
            progress = hops.progress(self._waiting)
            patience_s = self._choice.patience_s if seen else starting_s
            if progress != seen:
                seen, moved_s = progress, time.monotonic()
            elif self._choice.until_done and time.monotonic() - moved_s > patience_s:
                return False
        return False

    def wait_for_dashboard(self) -> None:
        """Until the dashboard answers, so that its address is good when it is said."""
        while not (self._choice.headless or self._stop.wait(POLL_S)):
            self.poll()
            if answers(self._settings.dashboard_host, self._settings.dashboard_port):
                return

    def poll(self) -> Hops:
        """Look after the processes once; the counts as they are."""
        self._supervisor.poll(time.monotonic())
        hops = self._hops()
        self._observe(hops, self._supervisor.pids())
        return hops

    def _start(self) -> None:
        self._folder.write_secret()
        self._folder.write_settings(self._child_settings())
        if not self._choice.headless:
            wearer, start_ns = self._plan.wearer.wearer, self._plan.start_ns
            self._accounts = make_accounts(self._settings, wearer, start_ns)
            self._folder.write_accounts([asdict(account) for account in self._accounts])
        for name, arguments in self._commands().items():
            self._supervisor.start(self._spec(name, arguments))
            if name == "sim":  # the gateway needs its address, the others wait for one another
                self._supervisor.wait_ready(name, cancelled=self._stop.is_set)

    def _commands(self) -> dict[str, list[str]]:
        choice = self._plan.choice
        sim = [
            *("--listen", self._radio, "--start-ns", str(self._plan.start_ns)),
            *("--serial-prefix", choice.serial_prefix, "--seed", str(choice.seed)),
            *("--make", choice.make),
        ]
        if choice.faults is not None:
            sim += ["--faults", str(choice.faults.absolute())]
        if choice.recording is None:
            sim += ["--placements", choice.placements, "--hours", str(choice.hours)]
        else:
            sim += ["--recording", str(choice.recording.absolute())]
        commands = {"broker": [], "analytics": [], "sim": sim, "gateway": []}
        return commands if self._choice.headless else {**commands, "dashboard": []}

    def _child_settings(self) -> dict[str, object]:
        settings = self._settings
        worn = [f"{serial}={place.value}" for serial, place in self._serials.items()]
        shared: dict[str, object] = {
            "data_dir": str(self._folder.root),
            "store_url": settings.series_url,
            "registry_url": settings.people_url,
            "log_level": settings.log_level.value,
            "log_format": settings.log_format.value,
            "site": settings.site,
            "broker_host": LOOPBACK,
            "broker_port": self._broker_port,
            "broker_username": BROKER_USERNAME,
            "broker_password_file": str(self._folder.secret_file),
            "broker_wait_s": 30.0,
            "radio": self._radio,
            "allow": list(self._serials),
            "worn": worn,
            "dashboard_host": settings.dashboard_host,
            "dashboard_port": settings.dashboard_port,
        }
        if self._choice.keep is not None:
            shared["keep_recording"] = str(self._choice.keep.absolute())
        return shared

    def _spec(self, name: str, arguments: list[str]) -> ChildSpec:
        stats = self._folder.stats(name)
        command = (
            *(sys.executable, "-m", "plumbline", name),
            *("--config", str(self._folder.settings_file), "--stats", str(stats)),
            *arguments,
        )
        # What the user has set for other services must not reach the demo's own.
        environment = {
            variable: value
            for variable, value in os.environ.items()
            if not variable.upper().startswith(ENV_PREFIX)
        }
        return ChildSpec(name, command, self._folder.log(name), stats, environment)

    def _done(self, hops: Hops) -> bool:
        if self._choice.live:
            return not self._choice.until_done or hops.complete()
        if self._plan.fleet.finite:
            return hops.complete()
        waiting = self._waiting
        return waiting > 0 and min(hops.received, hops.stored, hops.in_frames) >= waiting

    def _hops(self) -> Hops:
        """The counts as reported. Analytics counts frames from its start, so after a restart we do."""
        reports = (read_stats(self._folder.stats(name)) for name in ("sim", "gateway", "analytics"))
        hops = count_hops(self._serials, self._plan.wearer.wearer, *reports)
        if not self._supervisor.restarts().get("analytics"):
            return hops
        now_s = time.monotonic()
        if now_s >= self._recount_s:
            self._recount_s = now_s + RECOUNT_S
            self._recounted = int(self._frames().samples.sum())
        return replace(hops, in_frames=self._recounted)

    def _frames(self) -> FrameBlock:
        store = open_series(self._settings.series_url, read_only=True)
        try:
            start_ns = self._plan.start_ns - MARGIN_NS
            return store.frames(self._plan.wearer.wearer, start_ns, now_ns() + MARGIN_NS)
        finally:
            store.close()

    def summary(self, took_s: float) -> Summary:
        """The run in figures, frames and episodes as they are in the store."""
        wearer = self._plan.wearer.wearer
        frames = self._frames()
        store = open_series(self._settings.series_url, read_only=True)
        try:
            episodes = store.episodes(wearer, self._plan.start_ns - MARGIN_NS, now_ns() + MARGIN_NS)
        finally:
            store.close()
        hops = replace(self._hops(), in_frames=int(frames.samples.sum()))
        waiting = hops.recorded if self._plan.fleet.finite else self._waiting
        return Summary(
            wearer=wearer,
            hops=hops,
            waiting=waiting,
            frames=len(frames),
            episodes=len(episodes),
            focus_areas=focus_seconds(episodes),
            took_s=took_s,
            dashboard=self._dashboard(),
            restarts=self._supervisor.restarts(),
            missing=tuple(hops.missing(waiting)),
            accounts=self._accounts,
        )

    def _dashboard(self) -> str:
        if self._choice.headless:
            return ""
        return f"http://{self._settings.dashboard_host}:{self._settings.dashboard_port}"

    def _write_run(self) -> None:
        self._folder.write_run(
            {
                "wearer": self._plan.wearer.wearer,
                "sensors": {serial: place.value for serial, place in self._serials.items()},
                "start_ns": self._plan.start_ns,
                "pids": self._supervisor.pids(),
                "restarts": self._supervisor.restarts(),
                "broker_port": self._broker_port,
                "radio": self._radio,
                "store_url": self._settings.series_url,
                "registry_url": self._settings.people_url,
                "dashboard": self._dashboard(),
            }
        )

    def _close(self) -> None:
        self._supervisor.stop(STOP_ORDER)
        self._supervisor.close()
        if self._choice.keep is not None and (self._choice.keep / MANIFEST).is_file():
            note_calibration(self._choice.keep, self._plan.fleet.calibration)
