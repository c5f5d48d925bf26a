"""``plumbline bench makes``: a recorded person through a simulated sensor of each make, the whole way.

Bluetooth and gateway in fast time (:mod:`plumbline.fast_play`), then MQTT, analytics and store as they
are. What is in the store is compared, second by second, with ``plumbline analyze`` on the recording
itself: what differs is the make's rate, its quantisation, and how its time is known.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

from analytics.offline import Choice, analyze
from analytics.service import load_focus_table
from contracts.broker import BrokerAddress
from contracts.errors import Reason, SettingError
from contracts.recording import Recording, open_recording, read_samples, write_recording
from contracts.records import FrameBlock
from contracts.units import NS_PER_S
from contracts.vocabulary import Placement
from firmware_sim.fleet import worn_in_recording
from firmware_sim.makes import MAKES
from firmware_sim.makes.fleet import MakeSensor
from plumbline.bench_site import SITE, BenchSite, own_data
from plumbline.enrol import MARGIN_NS, with_margin
from plumbline.fast_play import Played, hand_over, play
from plumbline.fleet import calibration_of, now_ns, sensors_of_make
from plumbline.ports import LOOPBACK
from store import open_registry, open_series
from store.ports import Assignment, Wearer

#: The recording that is played where no other is named, in the folder of recordings.
RECORDING: Final = "sitting-04"
WEARER: Final = "demo-001"
#: Asked of every make; each takes the nearest that it has.
RATE_HZ: Final = 50.0
SEED: Final = 1
#: Switched on so long before the recording begins and off so long after; the wearer holds still then.
LEAD_S: Final = 30
TAIL_S: Final = 10
#: It ended so long ago by the clock of the machine.
AGO_S: Final = 60
#: Below it two postures are about as likely, and a hundredth of a degree may decide.
DOUBTFUL: Final = 0.65
_EVER_NS: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class MakesChoice:
    """What to play. ``seconds`` None: all of it; ``placements`` none: all that were recorded."""

    recording: Path
    makes: Sequence[str] = tuple(MAKES)
    placements: tuple[Placement, ...] = ()
    seconds: float | None = None


def measure_makes(folder: Path, choice: MakesChoice) -> dict[str, Any]:
    """The figures by make. SettingError for an unknown one; RecordingError where it cannot be played."""
    recording = _cut(choice, folder / "recording")
    wanted = analyze(recording, Choice(focus_table=load_focus_table())).frames
    figures = {}
    for make in choice.makes:
        own = folder / make
        own.mkdir()
        figures[make] = _through(make, recording, wanted, own)
    return figures


def _cut(choice: MakesChoice, folder: Path) -> Recording:
    """The part of a recording that is played, as a recording."""
    whole = open_recording(choice.recording)
    places = choice.placements or tuple(whole.placements)
    samples = {place: read_samples(whole, place) for place in places}
    if choice.seconds is not None:
        end_ns = whole.start_ns + round(choice.seconds * NS_PER_S)
        samples = {
            place: one.slice(0, int(one.utc_ns.searchsorted(end_ns)))
            for place, one in samples.items()
        }
    manifest = msgspec.structs.replace(whole.manifest, sensors={})
    return write_recording(folder, manifest, samples)


def _through(make: str, recording: Recording, wanted: FrameBlock, folder: Path) -> dict[str, Any]:
    """One make's figures."""
    if make not in MAKES:
        raise SettingError(Reason.BAD_SETTING, f"No make {make[:40]!r} is simulated.")
    length_ns = int(wanted.start_ns[-1]) + NS_PER_S
    start_ns = (now_ns() - length_ns) // NS_PER_S * NS_PER_S - AGO_S * NS_PER_S
    worn = worn_in_recording(recording, start_ns=start_ns, seed=SEED, lead_s=LEAD_S, tail_s=TAIL_S)
    sensors = sensors_of_make(make, worn, f"PL-{make}")
    _enrol(folder, recording, sensors, start_ns)
    began_s = time.perf_counter()
    with tempfile.TemporaryDirectory(dir=_quick_folder(folder)) as outbox_folder:
        outbox = Path(outbox_folder) / "outbox.sqlite"
        played = play(sensors, start_ns, outbox, site=SITE, rate_hz=RATE_HZ)
        played_s = time.perf_counter() - began_s
        with BenchSite(folder) as site:
            site.start_analytics(folder)
            hand_over(outbox, site=SITE, broker=BrokerAddress(LOOPBACK, site.port))
    store = open_series(own_data(folder).series_url, read_only=True)
    try:
        frames = store.frames(WEARER, 0, _EVER_NS)
    finally:
        store.close()
    return (
        agreement(frames, wanted, start_ns)
        | _counts(sensors, played)
        | {"fast play s": round(played_s, 1)}
    )


def _quick_folder(folder: Path) -> Path:
    """Where an outbox need not last: in memory, if the system has a place for that."""
    memory = Path("/dev/shm")  # noqa: S108 - a folder of its own is made in it
    return memory if memory.is_dir() else folder


def _enrol(
    folder: Path, recording: Recording, sensors: Sequence[MakeSensor], start_ns: int
) -> None:
    registry = open_registry(own_data(folder).people_url)
    try:
        registry.put_wearer(Wearer(WEARER, "A recorded person"))
        for one in sensors:
            begin_ns = start_ns - LEAD_S * NS_PER_S - MARGIN_NS
            registry.assign(Assignment(one.serial, WEARER, one.placement, begin_ns))
        calibration = calibration_of(recording, start_ns)
        if calibration is not None:
            registry.add_calibration(WEARER, with_margin(calibration, start_ns))
    finally:
        registry.close()


def agreement(stored: FrameBlock, wanted: FrameBlock, start_ns: int) -> dict[str, Any]:
    """How far frames from ``start_ns`` on agree with those of the recording, whose times are from 0.

    A second that is in one and not in the other counts as another posture.
    """
    _, one, other = np.intersect1d(stored.start_ns - start_ns, wanted.start_ns, return_indices=True)
    same = stored.posture[one] == wanted.posture[other]
    doubtful = np.maximum(stored.confidence[one], wanted.confidence[other]) < DOUBTFUL
    seconds = len(wanted)
    return {
        "seconds": seconds,
        "seconds missing": seconds - int(one.size),
        "same posture %": round(100.0 * float(same.sum()) / seconds, 2),
        "same posture, or doubtful in both, %": round(
            100.0 * float((same | doubtful).sum()) / seconds, 2
        ),
    }


def _counts(sensors: Sequence[MakeSensor], played: Played) -> dict[str, Any]:
    said = [played.said[one.serial] for one in sensors]
    return {
        "samples sent": sum(one.firmware.stats.sent for one in sensors),
        "samples received": sum(one.received for one in said),
        "connections": sum(played.connections.values()),
        "clock error ms at most": round(max(one.clock_error_ns or 0 for one in said) / 1e6, 2),
    }
