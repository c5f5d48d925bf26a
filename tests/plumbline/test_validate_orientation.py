"""Optical trials through the simulated sensor's packets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contracts.errors import Reason, RecordingError
from contracts.imu import DEFAULT_SCALE, ImuSamples, regular_times_ns
from contracts.units import NS_PER_S
from plumbline import validate_orientation
from plumbline.validate_orientation import (
    TRUTH_COLUMNS,
    at_ticks,
    orientation_figures,
    read_trial,
    through_packets,
)


def test_the_given_trials_are_within_a_degree(data_dir: Path) -> None:
    figures = orientation_figures(data_dir)
    assert [f.trial[:2] for f in figures] == ["02", "10", "16", "25", "30"]
    assert all(f.scored_s > 50 and f.rate_hz == 50.0 for f in figures)
    packets, picked, full_rate = (
        np.mean([getattr(f, name) for f in figures])
        for name in ("packets_deg", "picked_deg", "full_rate_deg")
    )
    assert full_rate < packets < 0.75 < picked < 0.9
    assert max(f.packets_deg for f in figures) < 1.6


def trial(path: Path, rows: int = 900, **columns: np.ndarray) -> Path:
    """A sensor at rest, x upwards, at 300 Hz, as a trial's file."""
    table = {name: np.zeros(rows) for name in ("ay", "az", "gx", "gy", "gz")}
    table |= {"t_s": np.arange(rows) / 300, "ax": np.full(rows, 9.81)}
    half = np.sqrt(0.5)  # turned by -90° about y, x points up
    table |= dict(
        zip(TRUTH_COLUMNS[:3], [np.full(rows, v) for v in (half, 0.0, -half)], strict=True)
    )
    table |= {"gt_qz": np.zeros(rows), "movement": np.ones(rows)} | columns
    path.parent.mkdir(exist_ok=True)
    pq.write_table(pa.table({name: v for name, v in table.items() if v.size}), path)
    return path


def test_a_sensor_at_rest_is_right_to_the_rounding_of_its_readings(tmp_path: Path) -> None:
    trial(tmp_path / "orientation" / "rest.parquet")
    (figures,) = orientation_figures(tmp_path)
    assert (figures.trial, round(figures.full_rate_hz, 3)) == ("rest", 300.0)
    assert figures.scored_s == pytest.approx(3.0, abs=0.1)
    assert max(figures.packets_deg, figures.picked_deg, figures.full_rate_deg) < 0.01


def test_a_trial_turned_from_its_truth_is_that_much_off(tmp_path: Path) -> None:
    half = np.full(900, np.radians(-85.0) / 2)  # by 5° less
    path = tmp_path / "orientation" / "off.parquet"
    trial(path, gt_qw=np.cos(half), gt_qy=np.sin(half))
    (figures,) = orientation_figures(tmp_path)
    assert figures.packets_deg == pytest.approx(5.0, abs=0.01)


def test_packets_bring_every_tick_as_int16(tmp_path: Path) -> None:
    times_ns = regular_times_ns(0, NS_PER_S // 50, 100)
    si = np.random.default_rng(1).normal(0, 3, (100, 6)).astype(np.float32)
    sent = through_packets(ImuSamples(times_ns, si, 50.0))
    assert sent.utc_ns.tolist() == times_ns.tolist()
    np.testing.assert_array_equal(sent.si, DEFAULT_SCALE.to_si(DEFAULT_SCALE.quantise(si)))
    samples, _ = read_trial(trial(tmp_path / "a.parquet"))
    assert at_ticks(samples, 50.0).utc_ns.tolist() == regular_times_ns(0, 20_000_000, 150).tolist()


def test_no_folder_no_figures(tmp_path: Path) -> None:
    assert orientation_figures(tmp_path) == []


def test_a_file_that_is_no_trial_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="gt_qz") as missing:
        read_trial(trial(tmp_path / "a.parquet", gt_qz=np.empty(0)))
    assert missing.value.reason is Reason.MISSING_COLUMN
    with pytest.raises(RecordingError, match="increase"):
        read_trial(trial(tmp_path / "b.parquet", t_s=np.zeros(900)))
    (tmp_path / "c.parquet").write_bytes(b"none")
    with pytest.raises(RecordingError, match="cannot be read") as damaged:
        read_trial(tmp_path / "c.parquet")
    assert damaged.value.reason is Reason.BAD_RECORDING


def test_the_caps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = trial(tmp_path / "orientation" / "a.parquet")
    monkeypatch.setattr(validate_orientation, "MAX_ROWS", 899)
    with pytest.raises(RecordingError, match="899 rows"):
        read_trial(path)
    monkeypatch.setattr(validate_orientation, "MAX_TRIALS", 0)
    with pytest.raises(RecordingError, match="0 trials"):
        orientation_figures(tmp_path)
