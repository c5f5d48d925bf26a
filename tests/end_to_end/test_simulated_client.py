"""The simulated client's day comes back from the flash log and goes on live."""

from __future__ import annotations

import os
import signal
from dataclasses import fields
from pathlib import Path
from urllib.request import urlopen

import pytest

from analytics.comparing import episode_differences, frame_differences
from contracts.records import FrameBlock
from plumbline.ports import free_port
from tests.end_to_end.demo_run import alive, analysed, demo, store_of, wait_until

pytestmark = pytest.mark.end_to_end

RATE_HZ, SENSORS = 50, 2
ALWAYS = (0, 2**63 - 1)
LEFT_BEHIND = {
    *("plumbline.sqlite", "plumbline.sqlite.lock", "registry.sqlite"),
    *("outbox.sqlite", "outbox.sqlite.lock", "outbox.sqlite.reserve", "logs", ".lock"),
}


def waiting(hours: float) -> int:
    """Samples in the flash logs of both sensors, about."""
    return round(hours * 3600 * RATE_HZ * SENSORS)


def test_half_an_hour_is_in_the_store_and_has_episodes(tmp_path: Path) -> None:
    flags = ("--hours", "0.5", "--headless", "--until-done")
    with demo(tmp_path / "data", *flags) as running:
        status, summary, said = running.finish()
    assert status == 0, said
    assert summary["waiting"] >= waiting(0.5) * 0.99
    assert summary["hops"]["in_frames"] >= summary["waiting"]
    assert summary["missing"] == []
    assert summary["frames"] >= 1790
    assert summary["episodes"] >= 1
    assert summary["focus_areas"]


@pytest.mark.parametrize("victim", ["gateway", "analytics"])
def test_a_kill_in_the_middle_loses_and_doubles_nothing(victim: str, tmp_path: Path) -> None:
    data, keep = tmp_path / "data", tmp_path / "kept"
    hours = 2.0
    flags = ("--hours", hours, "--headless", "--until-done", "--keep", keep)
    with demo(data, *flags) as running:
        wait_until(lambda: running.received() > 0, "the first samples", running.process)
        done = running.in_frames() if victim == "analytics" else running.received()
        running.kill(victim)
        assert done < waiting(hours), "the kill came too late to be in the middle"
        status, summary, said = running.finish()
    assert status == 0, said
    assert summary["restarts"][victim] == 1
    assert summary["missing"] == []
    with store_of(data) as store:
        stored = store.frames(summary["wearer"], *ALWAYS)
        episodes = store.episodes(summary["wearer"], *ALWAYS)
    assert int(stored.samples.sum()) >= summary["waiting"]
    kept = analysed(keep)
    # It was live when it ended: the very last seconds are in the recording only.
    end_ns = int(stored.start_ns[-1])
    assert frame_differences(before(stored, end_ns), before(kept.frames, end_ns)) == []
    ended = [[e for e in found if e.end_ns < end_ns] for found in (episodes, kept.episodes)]
    assert episode_differences(*ended) == []


def before(frames: FrameBlock, end_ns: int) -> FrameBlock:
    """The frames that start before a time."""
    inside = frames.start_ns < end_ns
    return FrameBlock(**{f.name: getattr(frames, f.name)[inside] for f in fields(FrameBlock)})


def test_ctrl_c_leaves_nothing_but_the_data_folder(tmp_path: Path) -> None:
    port = free_port()
    data = tmp_path / "data"
    with demo(data, "--hours", "0.05", "--dashboard-port", port) as running:
        wait_until(lambda: "dashboard" in running.run.get("pids", {}), "all", running.process)

        def served() -> bool:
            try:
                with urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=5) as answer:
                    return bool(answer.status == 200)
            except OSError:
                return False

        wait_until(served, "the dashboard", running.process)
        pids = list(running.run["pids"].values())
        assert len(pids) == 5
        running.process.send_signal(signal.SIGINT)
        status, _, said = running.finish()
    assert status == 0, said
    assert "Traceback" not in said
    assert not [pid for pid in pids if alive(pid)]
    left = {path.name.removesuffix("-wal").removesuffix("-shm") for path in data.iterdir()}
    assert left <= LEFT_BEHIND


def test_killing_the_demo_leaves_no_process(tmp_path: Path) -> None:
    with demo(tmp_path / "data", "--hours", "0.05", "--headless") as running:
        wait_until(lambda: len(running.run.get("pids", {})) == 4, "all", running.process)
        pids = list(running.run["pids"].values())
        os.kill(running.process.pid, signal.SIGKILL)
        for pid in pids:
            wait_until(lambda pid=pid: not alive(pid), "the children to follow")


def test_a_second_run_is_another_wearer(tmp_path: Path) -> None:
    data = tmp_path / "data"
    wearers = []
    for _ in range(2):
        with demo(data, "--hours", "0.02", "--headless", "--until-done") as running:
            status, summary, said = running.finish()
        assert status == 0, said
        wearers.append(summary["wearer"])
    assert wearers == ["demo-001", "demo-002"]
