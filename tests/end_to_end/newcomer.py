"""Somebody new: an account made on the command line, two sensors on the air that nobody wears, all services.

The sensors are on a simulated person who sits upright and slumps in turns, from a recording that is played
live; whoever presses Start at the right moment has them hold the calibration's poses.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import numpy as np

from contracts.imu import ImuSamples
from contracts.recording import Manifest, write_recording
from contracts.units import NS_PER_S
from contracts.vocabulary import Activity, Placement, Posture
from firmware_sim.body import Body
from firmware_sim.clock import DeviceClock
from firmware_sim.imu_model import BodySource, ImuErrors
from firmware_sim.scenario import ROUNDED, UPRIGHT, Move, Scenario
from plumbline.demo import Demo, DemoChoice, own_store
from plumbline.demo_folder import DemoFolder
from plumbline.enrol import Enrolled
from plumbline.fleet import KIT, FleetChoice, build_fleet, now_ns, start_for
from plumbline.settings import Settings
from store.ports import Wearer
from tests.dashboard import screenshots
from tests.end_to_end.demo_run import plumbline

RATE_HZ = 50.0
LENGTH_S = 600.0
#: Upright, then the usual slump, over and over; what the wizard asks for fits where Start is pressed
#: START_S into a turn, towards the end of a slump: upright from 6 to 14 s later, the slump from 18 to 26 s,
#: each some seconds later still where the page takes its time.
HELD_S, REACH_S = 13.0, 1.0
TURN_S = 2.0 * (HELD_S + REACH_S)
START_S = 23.5


@dataclass(frozen=True)
class Newcomer:
    """What the tests know of them, and where the services are."""

    login: str
    password: str
    wearer: str
    url: str
    store_url: str
    registry_url: str
    sensors: dict[Placement, str]
    start_ns: int

    def at_start(self) -> bool:
        """Whether now is the moment to press Start."""
        since_s = (now_ns() - self.start_ns) / NS_PER_S
        return since_s > 0 and START_S <= since_s % TURN_S < START_S + 0.5


def record(folder: Path) -> Path:
    """The person's movements as a recording, without a calibration."""
    moves = [
        Move(REACH_S, HELD_S, UPRIGHT, Posture.UPRIGHT, Activity.SITTING),
        Move(REACH_S, HELD_S, ROUNDED, Posture.ROUNDED, Activity.SITTING),
    ]
    rng = np.random.default_rng(5)
    body = Body(Scenario(rng, cycle(moves)), rng)
    ticks = round(LENGTH_S * RATE_HZ)
    samples = {}
    for number, placement in enumerate(KIT):
        source = BodySource(
            body,
            placement,
            rate_hz=RATE_HZ,
            start_ns=0,
            clock=DeviceClock(0, 0.0),
            errors=ImuErrors.drawn(rng, placement),
            seed=number,
        )
        times_ns = np.arange(ticks, dtype=np.int64) * round(NS_PER_S / RATE_HZ)
        si = source.read(0, ticks).si.astype(np.float32)
        samples[placement] = ImuSamples(times_ns, si, RATE_HZ, ended=True)
    manifest = Manifest(format=1, name="newcomer", sample_rate_hz=RATE_HZ, sensors={})
    return write_recording(folder, manifest, samples).folder


def account(data: Path, login: str, *more: str) -> dict[str, str]:
    """An account as whoever holds the machine makes it; what was printed."""
    done = plumbline("account", "add", login, "--json", "--data", data, *more)
    assert done.returncode == 0, done.stderr
    printed = json.loads(done.stdout)
    assert isinstance(printed, dict)
    return printed


@contextmanager
def newcomer(folder: Path, recording: Path, store_url: str = "") -> Iterator[Newcomer]:
    """All services run, as the demo starts them; the sensors begin to sample some seconds from now.

    ``store_url``: the series store; empty: SQLite in the folder.
    """
    data = folder / "data"
    choice = DemoChoice(recording=recording, live=True, headless=True)
    settings = own_store(Settings(), data).model_copy(update={"store_url": store_url})
    demo_folder = DemoFolder(data)
    made = account(
        data, "alma", "--role", "client", "--name", "Alma Berg", "--new-wearer",
        "--timezone", "Europe/Berlin",
    )  # fmt: skip
    start_ns = start_for(recording, 0.0, live=True, at_ns=now_ns())
    fleet_choice = FleetChoice(recording, 0.0, ",".join(KIT), start_ns, "PL-77", 1)
    fleet = build_fleet(fleet_choice, start_ns)
    plan = Enrolled(Wearer(made["wearer"], "", simulated=True), fleet, fleet_choice, start_ns)
    try:
        with (
            Demo(settings, choice, demo_folder, plan, threading.Event()),
            screenshots.served(
                settings.series_url, settings.people_url, folder / "dashboard.log"
            ) as url,
        ):
            yield Newcomer(
                made["login"], made["password"], made["wearer"], url,
                settings.series_url, settings.people_url,
                {s.placement: s.serial for s in fleet.sensors}, start_ns,
            )  # fmt: skip
    finally:
        demo_folder.close()
