"""What ``plumbline analyze`` says of a recording."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from plumbline.analyze import AnalyzeChoice, run_analyze


def test_a_refused_calibration_is_said_with_its_reason(
    data_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = data_dir / "recordings" / "sitting-17"  # the neck turns away in the rounded window
    run_analyze(AnalyzeChoice(recordings=(folder,), sensors="C7"))
    said = " ".join(capsys.readouterr().out.split())
    assert "calibration refused: C7 turned 164° off forward" in said
    assert "calibrate both poses again" in said

    run_analyze(AnalyzeChoice(recordings=(folder,), sensors="C7", as_json=True))
    (found,) = json.loads(capsys.readouterr().out)
    assert found["calibrated"] is False
    assert found["samples_in_frames"] == found["samples"]
    assert len(found["calibrations_refused"]) == 1
