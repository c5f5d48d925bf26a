"""A recorded person's sensors as gateways send them, and what the store must hold at the end."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from analytics.comparing import store_differences
from analytics.offline import Analysis, Choice, analyze
from analytics.service import load_focus_table
from contracts.imu import ImuSamples
from contracts.messages import ImuMessage
from contracts.recording import Manifest, open_recording, write_recording
from contracts.units import NS_PER_S
from store import open_series
from tests.analytics.gateways import batches, calibration_plan, read_recording
from tests.analytics.services import SENSORS, WEARER, enrol

Outboxes = dict[str, list[ImuMessage]]


class Session:
    """A recorded person's sensors in front of a wearer of the test's registry."""

    def __init__(
        self, folder: Path, recording: Path, *, batch_s: float, series_url: str = ""
    ) -> None:
        self.folder = folder
        self.series_url = series_url or f"sqlite:{folder}/series.sqlite"
        self.recording = recording
        # A whole second, so long ago that the recording is over.
        self.start_ns = (time.time_ns() // NS_PER_S - 7200) * NS_PER_S
        samples = read_recording(recording, tuple(SENSORS))
        self.outboxes: Outboxes = {
            sensor: batches(samples[placement], self.start_ns, batch_s=batch_s)
            for placement, sensor in SENSORS.items()
        }
        enrol(folder, self.start_ns, calibration_plan(recording, self.start_ns))

    @property
    def sent(self) -> int:
        return sum(message.count for box in self.outboxes.values() for message in box)

    def analysis(self) -> Analysis:
        """What `plumbline analyze` finds in a recording of the very samples that were sent."""
        manifest = open_recording(self.recording).manifest
        kept = Manifest(
            format=1,
            name="kept",
            sample_rate_hz=manifest.sample_rate_hz,
            sensors={},
            calibration=manifest.calibration,
            start_utc_ns=self.start_ns,
        )
        samples = {p: _whole(self.outboxes[sensor]) for p, sensor in SENSORS.items()}
        recording = write_recording(self.folder / "kept", kept, samples)
        return analyze(recording, Choice(focus_table=load_focus_table()))

    def check(self) -> None:
        """The store holds every sample once, and exactly what the offline analysis gives."""
        self.check_rows()
        store = open_series(self.series_url, read_only=True)
        cursors = {key.sensor: seq for key, seq in store.checkpoint().cursors.items()}
        assert cursors == {sensor: box[-1].seq for sensor, box in self.outboxes.items()}
        store.close()

    def check_rows(self) -> None:
        """The wearer's rows are exactly that; what the store holds of others does not matter."""
        store = open_series(self.series_url, read_only=True)
        analysis = self.analysis()
        assert analysis.episodes
        assert store_differences(store, WEARER, analysis) == []
        frames = store.frames(WEARER, 0, 2**62)
        assert int(frames.samples.sum()) == self.sent
        store.close()


def _whole(box: list[ImuMessage]) -> ImuSamples:
    parts = [message.to_samples() for message in box]
    return ImuSamples(
        np.concatenate([p.utc_ns for p in parts]),
        np.concatenate([p.si for p in parts]),
        parts[0].rate_hz,
        ended=True,
    )
