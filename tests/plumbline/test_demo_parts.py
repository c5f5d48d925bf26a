"""The demo's pure parts: counts at the hops, plans, margins, kept calibration, what is shown."""

from __future__ import annotations

import io
import json
import stat
import threading
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from contracts.errors import DiskError, PlumblineError, RecordingError, SettingError
from contracts.imu import ImuSamples, regular_times_ns
from contracts.recording import Manifest, open_recording, write_recording
from contracts.settings import MAX_CALIBRATION_SESSION_NS, CalibrationPlan
from contracts.units import NS_PER_S
from contracts.vocabulary import Placement
from plumbline.bench_backlog import BacklogWatch
from plumbline.bench_live import delay_figures
from plumbline.demo import Demo, DemoChoice, show_backlog
from plumbline.demo_accounts import DemoAccount
from plumbline.demo_folder import DemoFolder
from plumbline.demo_keep import note_calibration
from plumbline.demo_view import Summary, SyncProgress, focus_seconds, show_summary
from plumbline.disk import writable_folder
from plumbline.enrol import MARGIN_NS, with_margin
from plumbline.fleet import (
    calibration_of,
    duration_s,
    parse_placements,
    start_for,
    whole_second_before,
)
from plumbline.procfs import usage
from plumbline.stats import StatsFile, read_stats
from plumbline.tally import Hops, count_hops

START_NS = 1_790_000_000 * NS_PER_S


def hops(recorded: int, received: int, stored: int, in_frames: int, ended: bool = True) -> Hops:
    return Hops(recorded, received, stored, in_frames, ended=ended)


def test_counts_are_those_of_this_runs_sensors() -> None:
    sim = {"sensors": {"A": {"recorded": 5, "lost": 1, "ended": True}, "B": {"recorded": 7}}}
    gateway = {"sensors": {"A": {"received": 4}, "old": {"received": 1000}}}
    analytics = {
        "sensors": {"A": {"samples": 3, "late": 1}, "old": {"samples": 1000}},
        "wearers": {"w": {"frame_samples": 2}, "old": {"frame_samples": 1000}},
    }
    assert count_hops(["A", "B"], "w", sim, gateway, analytics) == Hops(12, 4, 3, 2, 1, 1)
    assert count_hops(["A"], "w", sim, {}, {}).ended
    assert count_hops(["A"], "w", {}, {}, {}) == Hops()


def test_only_equal_counts_are_complete() -> None:
    assert hops(5, 5, 5, 5).complete()
    assert not hops(5, 5, 5, 5, ended=False).complete()
    assert not hops(0, 0, 0, 0).complete()


@given(st.lists(st.integers(0, 4), min_size=4, max_size=4), st.integers(1, 4))
def test_nothing_missing_means_every_hop_has_all(counts: list[int], waiting: int) -> None:
    found = hops(*counts).missing(waiting)
    if not found:
        assert min(counts) >= waiting
    if counts == [waiting] * 4:
        assert found == []


def test_what_is_missing_is_said_hop_by_hop() -> None:
    said = "; ".join(hops(1000, 900, 800, 700).missing(1000))
    assert "received 900 of 1,000" in said
    assert "frames hold 700 of 1,000" in said
    assert "too many" in "".join(hops(5, 6, 6, 6).missing(5))


@pytest.mark.parametrize("session_s", [60, 597, 600])
def test_a_plan_is_in_force_before_the_first_sample(session_s: int) -> None:
    end_ns = START_NS + session_s * NS_PER_S
    plan = CalibrationPlan(effective_ns=START_NS, upright_ns=(end_ns - 10 * NS_PER_S, end_ns))
    earlier = with_margin(plan, START_NS)
    assert earlier.upright_ns == plan.upright_ns
    spare_ns = MAX_CALIBRATION_SESSION_NS - session_s * NS_PER_S
    assert plan.effective_ns - earlier.effective_ns == min(MARGIN_NS, spare_ns)
    assert with_margin(plan, START_NS - NS_PER_S) == plan


def recording(folder: Path, seconds: int = 70, start_utc_ns: int | None = None) -> Path:
    count = seconds * 50
    samples = ImuSamples(
        regular_times_ns(start_utc_ns or 0, NS_PER_S // 50, count),
        np.zeros((count, 6), dtype=np.float32),
        50.0,
        ended=True,
    )
    manifest = Manifest(
        format=1,
        name="made",
        sample_rate_hz=50.0,
        sensors={},
        calibration={"upright": (2.0, 28.5), "rounded": (34.0, 60.0)},
        start_utc_ns=start_utc_ns,
    )
    write_recording(folder, manifest, {Placement.T4: samples})
    return folder


def test_a_recordings_windows_move_to_where_it_is_played(tmp_path: Path) -> None:
    plan = calibration_of(open_recording(recording(tmp_path)), START_NS)
    assert plan is not None
    assert plan.effective_ns == START_NS
    assert plan.upright_ns == (START_NS + 2 * NS_PER_S, START_NS + 28_500_000_000)
    assert plan.rounded_ns == (START_NS + 34 * NS_PER_S, START_NS + 60 * NS_PER_S)


def test_a_kept_recording_gets_the_windows_that_were_in_force(tmp_path: Path) -> None:
    kept = recording(tmp_path, start_utc_ns=START_NS - NS_PER_S)
    plan = CalibrationPlan(
        effective_ns=START_NS,
        upright_ns=(START_NS + 2 * NS_PER_S, START_NS + 12 * NS_PER_S),
        bend_ns=(START_NS + 20 * NS_PER_S, START_NS + 30 * NS_PER_S),
    )
    note_calibration(kept, plan)
    assert open_recording(kept).manifest.calibration == {
        "upright": (3.0, 13.0),
        "forward_lean": (21.0, 31.0),
    }
    again = calibration_of(open_recording(kept), START_NS - NS_PER_S)
    assert again is not None
    assert again.windows == plan.windows
    note_calibration(kept, None)


def test_the_start_is_a_whole_second_at_which_all_waits_now(tmp_path: Path) -> None:
    at_ns = START_NS + 123_456_789
    folder = recording(tmp_path)
    length_s = duration_s(open_recording(folder))
    start_ns = start_for(folder, 8.0, live=False, at_ns=at_ns)
    assert start_ns % NS_PER_S == 0
    assert start_ns + round(length_s * NS_PER_S) < at_ns
    assert start_for(None, 8.0, live=False, at_ns=at_ns) == START_NS - 8 * 3600 * NS_PER_S
    assert start_for(folder, 8.0, live=True, at_ns=at_ns) > at_ns
    assert whole_second_before(at_ns, 0.0) == START_NS


def test_a_recording_without_samples_cannot_be_played(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="no samples"):
        duration_s(open_recording(recording(tmp_path, seconds=0)))


def test_placements_by_name() -> None:
    assert parse_placements("T4, L5,T4") == (Placement.T4, Placement.L5)
    with pytest.raises(SettingError, match="knee"):
        parse_placements("T4,knee")


def test_the_folder_is_held_by_one_and_left_tidy(tmp_path: Path) -> None:
    root = tmp_path / 'data "with" a näme'
    folder = DemoFolder(root)
    with pytest.raises(PlumblineError, match="Another demo"):
        DemoFolder(root)
    folder.write_secret()
    assert stat.S_IMODE(folder.secret_file.stat().st_mode) == 0o600
    settings = {"data_dir": str(root), "broker_port": 7, "allow": ["a", "b"], "broker_wait_s": 1.5}
    folder.write_settings(settings)
    assert tomllib.loads(folder.settings_file.read_text(encoding="utf-8")) == settings
    folder.write_accounts([{"role": "client", "login": "c", "password": "p"}])
    assert stat.S_IMODE(folder.accounts_file.stat().st_mode) == 0o600
    folder.write_run({"pids": {}})
    folder.stats("sim").write_text("{}", encoding="utf-8")
    folder.close()
    assert sorted(path.name for path in root.iterdir()) == [".lock", "logs"]
    DemoFolder(root).close()


def test_a_folder_that_cannot_be_written_is_said() -> None:
    with pytest.raises(DiskError, match="cannot be") as caught:
        writable_folder(Path("/proc/plumbline"))
    assert "--data" in caught.value.hint


def test_counters_are_written_whole_and_read_back(tmp_path: Path) -> None:
    path = tmp_path / "stats.json"
    assert read_stats(path) == {}
    write = StatsFile(path)
    write({"sensors": {"a": {"received": 1}}})
    assert read_stats(path)["sensors"] == {"a": {"received": 1}}
    path.write_bytes(b"[1, 2")
    assert read_stats(path) == {}
    StatsFile(None)({"x": 1})
    StatsFile(tmp_path / "absent" / "stats.json")({"x": 1})  # said once, and no reason to stop


def summary(missing: tuple[str, ...] = ()) -> Summary:
    return Summary(
        wearer="demo-001",
        hops=Hops(1000, 900, 800, 700, late=0, lost=3, ended=True),
        waiting=1000,
        frames=10,
        episodes=2,
        focus_areas={"upper-thoracic": 90.0},
        took_s=1.0,
        dashboard="http://127.0.0.1:8501",
        restarts={"gateway": 0},
        missing=missing,
        accounts=(DemoAccount("client", "demo-client", "[b]k7mp-xq3r"),),
    )


def test_the_summary_says_what_there_is_and_what_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    out = io.StringIO()
    show_summary(Console(file=out, width=120), summary(("all of it",)), as_json=False)
    said = out.getvalue()
    for words in ("1,000", "900", "lost 3 more", "not a diagnosis", "Missing: all", "[b]k7mp-xq3r"):
        assert words in said
    show_summary(Console(file=out), summary(), as_json=True)
    found = json.loads(capsys.readouterr().out)
    assert found["hops"]["received"] == 900
    assert found["missing"] == []


def test_while_it_goes_on_no_more_came_in_than_there_is() -> None:
    """What the parts report is read at moments half a second apart."""
    told = replace(summary(), hops=Hops(1402, 1427, 1427, 1360))
    out = io.StringIO()
    show_summary(Console(file=out, width=120), told, as_json=False)
    assert "402" not in out.getvalue()
    assert out.getvalue().count(" 427 ") == 3


class CutShort:
    """A demo that was stopped while its backlog came in."""

    def wait_for_backlog(self, show: object) -> None:
        del show

    def wait_for_dashboard(self) -> None:
        del self

    def summary(self, took_s: float) -> Summary:
        return replace(summary(("all of it",)), took_s=took_s)


@pytest.mark.parametrize("stopped", [True, False])
def test_what_was_stopped_is_not_said_to_go_on(stopped: bool) -> None:
    out, stop = io.StringIO(), threading.Event()
    if stopped:
        stop.set()
    demo, choice = cast("Demo", CutShort()), DemoChoice()
    show_backlog(demo, choice, Console(file=out, width=120), stop, 0.0)
    assert "Missing: all of it" in out.getvalue()
    assert ("It goes on live" in out.getvalue()) is not stopped


def test_progress_moves_with_the_samples() -> None:
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=120)
    with SyncProgress(console, quiet=False) as progress:
        progress.show(Hops(), 0)
        progress.show(Hops(recorded=1000, received=500, in_frames=250), 1000)
    said = out.getvalue()
    assert "Sensors → gateway" in said
    assert "50.0 %" in said
    assert "25.0 %" in said


def test_no_episodes_no_focus() -> None:
    assert focus_seconds([]) == {}


def test_stages_are_timed_by_when_they_have_what_waited() -> None:
    watch = BacklogWatch(0.0)
    watch(Hops(), {})
    watch(Hops(recorded=100, received=50), {})
    assert watch.done_s == {}
    watch(Hops(recorded=120, received=110, stored=100, in_frames=90), {})
    assert set(watch.done_s) == {"gateway", "analytics"}
    watch(Hops(recorded=130, received=130, stored=130, in_frames=100), {})
    assert watch.waiting == 100
    assert watch.done_s["gateway"] <= watch.done_s["store"]


def test_delays_in_figures() -> None:
    assert delay_figures(np.array([])) == {"frames": 0}
    figures = delay_figures(np.full(10, 0.25))
    assert figures["first sample of a frame to the store s"]["p99"] == pytest.approx(1.25)


def test_a_process_has_used_something() -> None:
    import os

    own = usage(os.getpid())
    if own is None:
        pytest.skip("this system has no /proc")
    assert own.peak_mb > 1
    assert usage(2**22 + 1) is None
