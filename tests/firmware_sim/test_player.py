from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from contracts import gatt
from contracts.errors import RecordingError
from contracts.gatt import Opcode, Position
from contracts.imu import ImuSamples
from contracts.recording import Manifest, Recording, open_recording, read_samples, write_recording
from contracts.units import NS_PER_S
from contracts.vocabulary import Placement
from firmware_sim.fleet import recording_fleet
from firmware_sim.player import RecordingSource

T0 = 1_700_000_000 * NS_PER_S


def recording_of(
    folder: Path, times_ns: list[int], rate_hz: float = 50.0, start_ns: int = 0
) -> Recording:
    times = np.array(times_ns, dtype=np.int64)
    si = np.zeros((times.size, 6), dtype=np.float32)
    si[:, 0] = 9.8
    si[:, 1] = np.arange(times.size) / 10
    manifest = Manifest(
        format=1, name="r", sample_rate_hz=rate_hz, sensors={}, start_utc_ns=start_ns or None
    )
    return write_recording(folder, manifest, {Placement.T4: ImuSamples(times, si, rate_hz)})


def test_holes_are_lost_ticks_and_the_last_row_is_the_end(tmp_path: Path) -> None:
    ms = 1_000_000
    recording = recording_of(tmp_path, [0, 20 * ms, 61 * ms, 99 * ms])
    source = RecordingSource(recording, Placement.T4)
    assert source.end_tick == 6
    chunk = source.read(0, 6)
    assert chunk.ticks.tolist() == [0, 1, 3, 5]
    np.testing.assert_allclose(chunk.si[:, 1], [0.0, 0.1, 0.2, 0.3])
    assert source.read(1, 4).ticks.tolist() == [1, 3]
    assert source.read(2, 3).ticks.tolist() == []


def test_a_recording_with_a_date_is_played_from_its_start(tmp_path: Path) -> None:
    recording = recording_of(tmp_path, [T0 + 40_000_000, T0 + 60_000_000], start_ns=T0)
    assert RecordingSource(recording, Placement.T4).read(0, 4).ticks.tolist() == [2, 3]


def test_samples_of_a_clock_a_little_fast_keep_a_tick_each(tmp_path: Path) -> None:
    times_ns = [round(tick * 19_990_000) for tick in range(3000)]  # 500 ppm fast
    source = RecordingSource(recording_of(tmp_path, times_ns), Placement.T4)
    assert source.read(0, 3000).ticks.tolist() == list(range(3000))


def test_a_rate_that_is_not_the_recordings_is_refused(tmp_path: Path) -> None:
    recording = recording_of(tmp_path, [tick * 10_000_000 for tick in range(1000)])
    with pytest.raises(RecordingError, match="50 Hz") as caught:
        RecordingSource(recording, Placement.T4)
    assert "sample_rate_hz" in caught.value.hint


def test_an_empty_recording_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="no samples"):
        RecordingSource(recording_of(tmp_path, []), Placement.T4)


@pytest.mark.parametrize(
    ("name", "lost"),
    [
        ("sitting-04", {"C7": 0, "T4": 0, "T12": 0, "L5": 0}),
        ("sitting-07", {"C7": 0, "T4": 398, "T12": 400, "L5": 400}),
        ("sitting-21", {"C7": 182, "T4": 0, "T12": 2, "L5": 2310}),
    ],
)
def test_a_real_recording_comes_out_of_the_sensors_as_it_was(
    data_dir: Path, name: str, lost: dict[str, int]
) -> None:
    recording = open_recording(data_dir / "recordings" / name)
    fleet = recording_fleet(recording, start_ns=T0, serial_prefix="PL-9", seed=3)
    assert [s.serial for s in fleet] == [f"PL-9-{p}" for p in ("C7", "T4", "T12", "L5")]
    drifts = [s.firmware.config.clock_drift_ppm for s in fleet]
    assert len(set(drifts)) == len(drifts)
    for sensor in fleet:
        original = read_samples(recording, sensor.placement)
        now_ns = T0 + 600 * NS_PER_S
        begin = gatt.Command(Opcode.START, 1, Position(1, 0).to_bytes()).to_bytes()
        sensor.firmware.handle(begin, now_ns)
        packets = []
        while (sent := sensor.firmware.next_notification(18)) is not None:
            packets.append(gatt.SamplePacket.from_bytes(sent.value))
        assert sum(p.lost_before for p in packets) == lost[sensor.placement]
        assert sensor.firmware.stats.lost == lost[sensor.placement]
        assert [p.end for p in packets] == [False] * (len(packets) - 1) + [True]
        ticks = np.concatenate([np.arange(p.sequence, p.next_sequence) for p in packets])
        np.testing.assert_array_equal(ticks, np.rint(original.utc_ns / 20_000_000))
        raw = np.concatenate([p.samples for p in packets])
        lsb = packets[0].scale.per_lsb()
        assert (np.abs(raw * lsb - original.si) <= lsb * 0.5001).all()
