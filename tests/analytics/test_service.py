"""The service on a real broker and a real store, with recordings of real people."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from contracts.records import Episode, FrameBlock
from contracts.units import NS_PER_S
from contracts.vocabulary import Placement
from store import open_series
from tests.analytics.gateways import (
    OutboxGateway,
    batches,
    calibration_plan,
    read_recording,
)
from tests.analytics.services import SENSORS, WEARER, ServiceProcess, config_for, enrol, running
from tests.brokers import MosquittoBroker

ALL = (0, 2**62)


def start_ns() -> int:
    """A whole second, so long ago that the recording is over."""
    return (time.time_ns() // NS_PER_S - 7200) * NS_PER_S


def outboxes_of(folder: Path, begin_ns: int, batch_s: float) -> dict[str, list]:
    samples = read_recording(folder, tuple(SENSORS))
    return {
        SENSORS[placement]: batches(samples[placement], begin_ns, batch_s=batch_s)
        for placement in SENSORS
    }


def stored(folder: Path) -> tuple[FrameBlock, list[Episode]]:
    store = open_series(f"sqlite:{folder}/series.sqlite", read_only=True)
    found = store.frames(WEARER, *ALL), store.episodes(WEARER, *ALL)
    store.close()
    return found


def assert_same(one: FrameBlock, other: FrameBlock) -> None:
    assert len(one) == len(other)
    for name in FrameBlock.__dataclass_fields__:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


@pytest.fixture
def sitting(data_dir: Path) -> Path:
    return data_dir / "recordings" / "sitting-04"


def test_every_sample_of_a_recording_is_in_a_frame(
    sitting: Path, tmp_path: Path, mosquitto_broker: MosquittoBroker
) -> None:
    begin_ns = start_ns()
    enrol(tmp_path, begin_ns, calibration_plan(sitting, begin_ns))
    outboxes = outboxes_of(sitting, begin_ns, 1.0)
    gateway = OutboxGateway(mosquitto_broker.port, outboxes)
    with running(tmp_path, config_for(mosquitto_broker.port)) as reports:
        gateway.publish_all()
        gateway.wait_stored()
    gateway.close()
    frames, episodes = stored(tmp_path)
    sent = sum(message.count for box in outboxes.values() for message in box)
    assert frames.samples.sum() == sent
    assert episodes
    assert not any(episode.ongoing for episode in episodes)
    assert reports[-1]["wearers"][WEARER]["samples_in"] == sent
    assert reports[-1]["rejected"] == 0
