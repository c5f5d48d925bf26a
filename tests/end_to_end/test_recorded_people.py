"""A recorded person's movement goes in at the Bluetooth end and comes out in the store."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analytics.comparing import store_differences
from contracts.records import Episode
from contracts.units import NS_PER_S
from contracts.vocabulary import POSTURES, Posture
from tests.end_to_end.demo_run import analysed, demo, store_of, wait_until

pytestmark = pytest.mark.end_to_end

ALWAYS = (0, 2**63 - 1)
#: Subjects 7 and 21 lost samples for a long time.
PEOPLE = ("sitting-04", "sitting-07", "sitting-21", "sitting-12", "sitting-18", "sitting-28")
SAME_POSTURE = 0.995
#: Below it two postures are about as likely, and a hundredth of a degree may decide.
DOUBTFUL = 0.65


def arrived(status: int, summary: dict[str, Any], said: str) -> None:
    """The demo ended well, with the same count at every hop."""
    assert status == 0, said
    hops = summary["hops"]
    counts = {hops[name] for name in ("recorded", "received", "stored", "in_frames")}
    assert len(counts) == 1, hops
    assert hops["recorded"] > 0
    assert hops["ended"]
    assert hops["late"] == 0
    assert summary["missing"] == []


def kept_equals_store(data: Path, wearer: str, keep: Path) -> None:
    """What the gateway kept gives, offline, exactly what is in the store."""
    with store_of(data) as store:
        assert store_differences(store, wearer, analysed(keep)) == []


def original_gives_the_same(data: Path, wearer: str, original: Path, start_ns: int) -> None:
    """The recording before int16 and the sensor's clock gives the same postures and episodes."""
    wanted = analysed(original)
    with store_of(data) as store:
        frames = store.frames(wearer, *ALWAYS)
        episodes = store.episodes(wearer, *ALWAYS)
    assert (frames.start_ns - start_ns).tolist() == wanted.frames.start_ns.tolist()
    same = frames.posture == wanted.frames.posture
    doubtful = np.maximum(frames.confidence, wanted.frames.confidence) < DOUBTFUL
    assert (same | doubtful).mean() >= SAME_POSTURE
    assert doubtful.mean() < 0.2
    assert len(episodes) == len(wanted.episodes)
    for one, other in zip(episodes, wanted.episodes, strict=True):
        close(one, other, start_ns)


def close(one: Episode, other: Episode, start_ns: int) -> None:
    """Two episodes are the same within a second."""
    assert one.pattern == other.pattern
    assert abs(one.start_ns - start_ns - other.start_ns) <= NS_PER_S
    assert abs(one.end_ns - start_ns - other.end_ns) <= NS_PER_S


@pytest.mark.parametrize("name", PEOPLE)
def test_a_person_arrives_whole(name: str, data_dir: Path, tmp_path: Path) -> None:
    original = data_dir / "recordings" / name
    data, keep = tmp_path / "data", tmp_path / "kept"
    flags = ("--recording", original, "--keep", keep, "--headless", "--until-done")
    with demo(data, *flags) as running:
        wait_until(lambda: running.run, "run.json", running.process)
        start_ns = int(running.run["start_ns"])
        status, summary, said = running.finish()
    arrived(status, summary, said)
    wanted = analysed(original)
    assert summary["hops"]["recorded"] == sum(wanted.samples.values())
    kept_equals_store(data, summary["wearer"], keep)
    original_gives_the_same(data, summary["wearer"], original, start_ns)
    losses_show(data, summary["wearer"], sum(wanted.lost.values()), original)


def losses_show(data: Path, wearer: str, lost: int, original: Path) -> None:
    """Where the sensors lost samples, the frames say so and are not bridged in silence."""
    rate_hz, worn = 50, 4
    with store_of(data) as store:
        frames = store.frames(wearer, *ALWAYS)
    span = int(frames.start_ns[-1] - frames.start_ns[0]) // NS_PER_S
    short = int(np.maximum(0, rate_hz * worn - frames.samples).sum())
    absent = (span + 1 - len(frames)) * rate_hz * worn
    assert short + absent >= lost
    if lost < rate_hz * worn:
        return
    assert (frames.missing != 0).any() or absent, original
    hollow = frames.posture[frames.samples == 0]
    assert all(POSTURES[code] is Posture.UNKNOWN for code in hollow)


@pytest.mark.parametrize("victim", ["gateway", "analytics", "broker", "sim"])
def test_a_killed_process_changes_nothing(victim: str, data_dir: Path, tmp_path: Path) -> None:
    original = data_dir / "recordings" / "sitting-04"
    data, keep = tmp_path / "data", tmp_path / "kept"
    flags = ("--recording", original, "--keep", keep, "--headless", "--until-done")
    with demo(data, *flags) as running:
        wait_until(lambda: running.received() > 0, "the first samples", running.process)
        start_ns = int(running.run["start_ns"])
        running.kill(victim)
        status, summary, said = running.finish()
    arrived(status, summary, said)
    assert summary["restarts"][victim] == 1
    kept_equals_store(data, summary["wearer"], keep)
    original_gives_the_same(data, summary["wearer"], original, start_ns)
