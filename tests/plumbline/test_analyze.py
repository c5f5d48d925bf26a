"""What ``plumbline analyze`` says of a recording."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from analytics.validation.mounting import turned
from contracts.recording import open_recording, read_samples, write_recording
from contracts.vocabulary import Placement
from plumbline.analyze import AnalyzeChoice, run_analyze


def shown(folder: Path, sensors: str, capsys: pytest.CaptureFixture[str]) -> tuple[str, Any]:
    """What is printed of a recording, and the same as JSON."""
    run_analyze(AnalyzeChoice(recordings=(folder,), sensors=sensors))
    said = " ".join(capsys.readouterr().out.split())
    run_analyze(AnalyzeChoice(recordings=(folder,), sensors=sensors, as_json=True))
    (found,) = json.loads(capsys.readouterr().out)
    return said, found


def test_a_refused_calibration_is_said_with_its_reason(
    data_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "reclined"
    shutil.copytree(data_dir / "recordings" / "sitting-04", folder)
    manifest = json.loads((folder / "recording.json").read_text())
    manifest["calibration"] = {"upright": [34.0, 60.0], "rounded": [2.0, 28.0]}
    (folder / "recording.json").write_text(json.dumps(manifest))
    said, found = shown(folder, "T4,L5", capsys)
    assert "calibration refused: T4 turned 17" in said
    assert "Let go forward into your usual slump" in said
    assert found["calibrated"] is False
    assert found["samples_in_frames"] == found["samples"]
    assert len(found["calibrations_refused"]) == 1
    assert found["calibration_notes"] == []


def test_a_sensor_that_a_calibration_leaves_out_is_named(
    data_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recording = open_recording(data_dir / "recordings" / "sitting-04")
    held = recording.manifest.calibration
    kept = {
        p: turned(read_samples(recording, p), "random 1", "sitting-04", p)
        for p in (Placement.T4, Placement.L5)
    }
    late = kept[Placement.L5].slice(2000, len(kept[Placement.L5]))
    write_recording(tmp_path / "r", recording.manifest, {**kept, Placement.L5: late})
    assert open_recording(tmp_path / "r").manifest.calibration == held
    said, found = shown(tmp_path / "r", "T4,L5", capsys)
    assert "calibration accepted without L5" in said
    assert found["calibrated"] is True
    assert len(found["calibration_notes"]) == 1
