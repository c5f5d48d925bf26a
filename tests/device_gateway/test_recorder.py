from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from contracts.errors import DiskError
from contracts.recording import open_recording, read_samples
from contracts.vocabulary import Placement
from device_gateway.batches import Append
from device_gateway.outbox import Outbox
from device_gateway.recorder import write_kept_recording
from tests.device_gateway.samples import START_NS, append, batch

PLACEMENTS = {"S": Placement.T4, "T": Placement.L5, "never": Placement.C7}


def test_the_recording_is_what_went_into_the_outbox(tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    with Outbox(tmp_path / "o.db", cap_bytes=2**26, keep=str(folder)) as outbox:
        for _ in range(30):
            outbox.write([append(outbox, batches=2, count=1500)], {"S": outbox.state("S").last_seq})
        first = append(outbox, sensor="T").clock
        ended = [batch(0, 100), batch(150, 100, lost=50), batch(250, 0, end=True)]
        outbox.write([Append("T", ended, append(outbox).position, True, first)])
        write_kept_recording(outbox, PLACEMENTS, folder, source="test")
        wanted = [m.to_samples() for m in outbox.kept("S")]
    recording = open_recording(folder)
    assert recording.placements == (Placement.T4, Placement.L5)
    assert recording.start_ns == START_NS // 10**9 * 10**9
    assert recording.manifest.sample_rate_hz == 50.0
    samples = read_samples(recording, Placement.T4)
    np.testing.assert_array_equal(samples.utc_ns, np.concatenate([w.utc_ns for w in wanted]))
    np.testing.assert_array_equal(samples.si, np.concatenate([w.si for w in wanted]))
    lossy = read_samples(recording, Placement.L5)
    assert len(lossy) == 200
    assert np.diff(lossy.utc_ns).max() == 51 * 20_000_000


def test_stopping_again_replaces_the_folder_whole(tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    for times in (1, 2):
        with Outbox(tmp_path / "o.db", cap_bytes=2**26, keep=str(folder)) as outbox:
            outbox.write([append(outbox, count=100)], {"S": times})
            write_kept_recording(outbox, PLACEMENTS, folder, source="test")
        samples = read_samples(open_recording(folder), Placement.T4)
        assert len(samples) == 100 * times
    assert {file.name for file in folder.iterdir()} == {"recording.json", "T4.parquet"}


def test_nothing_kept_is_no_recording(tmp_path: Path) -> None:
    with Outbox(tmp_path / "o.db", cap_bytes=2**26, keep="x") as outbox:
        assert write_kept_recording(outbox, PLACEMENTS, tmp_path / "x", source="") is None
    assert not (tmp_path / "x").exists()


def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with Outbox(tmp_path / "o.db", cap_bytes=2**26, keep="x") as outbox:
        outbox.write([append(outbox)])
        with pytest.raises(DiskError, match="cannot be written"):
            write_kept_recording(outbox, PLACEMENTS, tmp_path / "file" / "x", source="")
        assert len(list(outbox.kept("S"))) == 1
