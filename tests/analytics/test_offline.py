"""Recordings through the pipeline, and the Parquet files that come of it."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from analytics.comparing import episode_differences, frame_differences
from analytics.offline import Choice, analyze, calibrations_of
from analytics.service import load_focus_table
from analytics.tables import episode_table, frame_table, write_table
from contracts.errors import DiskError, RecordingError, SettingError
from contracts.recording import open_recording
from contracts.settings import PostureSettings
from contracts.units import NS_PER_S
from contracts.vocabulary import Placement

KIT = Choice(placements=(Placement.T4, Placement.L5), focus_table=load_focus_table())


def copy_of(data_dir: Path, folder: Path, **changes: object) -> Path:
    """A recording with a changed recording.json, and without its truth."""
    shutil.copytree(data_dir / "recordings" / "sitting-04", folder)
    (folder / "truth.csv").unlink()
    manifest = folder / "recording.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | changes))
    return folder


def test_every_sample_is_in_a_frame_and_losses_are_gaps(data_dir: Path) -> None:
    analysis = analyze(open_recording(data_dir / "recordings" / "sitting-21"), KIT)
    assert int(analysis.frames.samples.sum()) == sum(analysis.samples.values())
    assert analysis.lost[Placement.L5] > 0
    assert analysis.frames.missing.any()


def test_truth_is_never_read_and_the_start_moves_only_the_times(
    data_dir: Path, tmp_path: Path
) -> None:
    original = analyze(open_recording(data_dir / "recordings" / "sitting-04"), KIT)
    start_ns = 1_790_000_000 * NS_PER_S
    moved = analyze(open_recording(copy_of(data_dir, tmp_path / "r", start_utc_ns=start_ns)), KIT)
    moved.frames.start_ns[:] -= start_ns
    assert frame_differences(moved.frames, original.frames) == []
    assert len(moved.episodes) == len(original.episodes) > 0
    assert frame_table(moved).column("posture") == frame_table(original).column("posture")


def test_differences_are_named(data_dir: Path) -> None:
    recording = open_recording(data_dir / "recordings" / "sitting-04")
    kit = analyze(recording, KIT)
    other = analyze(recording, Choice(placements=(Placement.T4,)))
    assert any("samples differs in" in text for text in frame_differences(kit.frames, other.frames))
    assert episode_differences(kit.episodes, ()) == [f"{len(kit.episodes)} episodes against 0."]


def test_the_shortest_episode_is_a_choice(data_dir: Path) -> None:
    recording = open_recording(data_dir / "recordings" / "sitting-04")
    short = Choice(placements=KIT.placements, settings=PostureSettings(episode_s=10.0))
    assert len(analyze(recording, short).episodes) > len(analyze(recording, KIT).episodes)


def test_several_recordings_are_one_file_with_seconds_from_each_start(
    data_dir: Path, tmp_path: Path
) -> None:
    names = ("sitting-04", "sitting-07")
    found = [analyze(open_recording(data_dir / "recordings" / name), KIT) for name in names]
    write_table(tmp_path / "frames.parquet", [frame_table(analysis) for analysis in found])
    write_table(tmp_path / "episodes.parquet", [episode_table(analysis) for analysis in found])
    frames = pq.read_table(tmp_path / "frames.parquet").to_pylist()
    assert {row["recording"] for row in frames} == set(names)
    first = [row for row in frames if row["recording"] == names[0]]
    assert [row["t_s"] for row in first] == [float(s) for s in range(len(first))]
    assert first[40]["posture"] in {"upright", "rounded"}
    assert first[40]["head_flexion_deg"] is None
    assert first[40]["trunk_flexion_deg"] == float(found[0].frames.trunk_flexion_deg[40])
    episodes = pq.read_table(tmp_path / "episodes.parquet").to_pylist()
    assert len(episodes) == sum(len(analysis.episodes) for analysis in found)
    for row in episodes:
        assert 0 <= row["start_s"] < row["end_s"] < 480
        assert row["focus_front"]
        assert row["focus_back"]


def test_a_recording_without_calibration_is_analysed_without(
    data_dir: Path, tmp_path: Path
) -> None:
    recording = open_recording(copy_of(data_dir, tmp_path / "r", calibration={}))
    analysis = analyze(recording, KIT)
    assert calibrations_of(recording) == analysis.calibrations == ()
    assert set(frame_table(analysis).column("quality").to_pylist()) == {"uncalibrated"}


def test_windows_late_in_a_recording_hold_from_there_on(data_dir: Path, tmp_path: Path) -> None:
    late = {"upright": [1000.0, 1010.0], "rounded": [1020.0, 1030.0]}
    recording = open_recording(copy_of(data_dir, tmp_path / "r", calibration=late))
    (plan,) = calibrations_of(recording)
    assert plan.effective_ns == 1000 * NS_PER_S


def test_every_pose_that_a_recording_names_is_used(data_dir: Path, tmp_path: Path) -> None:
    held = {
        "upright": [2.0, 28.0],
        "rounded": [34.0, 60.0],
        "forward_lean": [66.0, 90.0],
        "standing": [100.0, 110.0],
        "reclined": [120.0, 130.0],
    }
    recording = open_recording(copy_of(data_dir, tmp_path / "r", calibration=held))
    (plan,) = calibrations_of(recording)
    assert list(plan.windows) == ["upright", "rounded", "bend", "standing"]
    assert plan.bend_ns == (66 * NS_PER_S, 90 * NS_PER_S)
    assert plan.standing_ns == (100 * NS_PER_S, 110 * NS_PER_S)


def test_refusals_say_what_is_wrong(data_dir: Path, tmp_path: Path) -> None:
    recording = open_recording(data_dir / "recordings" / "sitting-04")
    with pytest.raises(SettingError, match="no sensor head"):
        analyze(recording, Choice(placements=(Placement.HEAD,)))
    short = open_recording(copy_of(data_dir, tmp_path / "r", calibration={"upright": [0, 1]}))
    with pytest.raises(SettingError, match="upright window"):
        analyze(short, KIT)
    folder = copy_of(data_dir, tmp_path / "holed")
    table = pq.read_table(folder / "L5.parquet").drop_columns(["gz"])
    pq.write_table(table, folder / "L5.parquet")
    with pytest.raises(RecordingError, match="no column gz"):
        analyze(open_recording(folder), KIT)


def test_a_file_that_cannot_be_written_is_said_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(DiskError, match="cannot be written"):
        write_table(tmp_path / "none" / "f.parquet", [pa.table({"x": [1]})])
    (tmp_path / "taken").mkdir()
    with pytest.raises(DiskError, match="cannot be written"):
        write_table(tmp_path / "taken", [pa.table({"x": [1]})])
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_each_frame_of_a_table_explains_itself(data_dir: Path) -> None:
    analysis = analyze(open_recording(data_dir / "recordings" / "sitting-04"), KIT)
    table = frame_table(analysis)
    said = dict(zip(table["t_s"].to_pylist(), table["explanation"].to_pylist(), strict=True))
    assert "most like your own upright" in said[10.0]
    assert "most like your own rounded pose" in said[45.0]
    replaced = replace(analysis, calibrations=(), centres=None)
    assert set(replaced.explanations()).isdisjoint(said.values())
