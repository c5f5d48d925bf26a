"""THE property: cuts, interleaving, snapshots and restarts do not change what comes out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.core.pipeline import Pipeline, PipelineConfig
from analytics.core.results import Output
from analytics.validation.mounting import AS_RECORDED, turned
from contracts.imu import ImuSamples
from contracts.recording import open_recording, read_samples
from contracts.settings import PostureSettings
from contracts.vocabulary import Placement
from tests.analytics.core.bodies import (
    Hold,
    focus_table,
    plan,
    run,
    same,
    samples_of,
    without,
)

T4, L5, T12 = Placement.T4, Placement.L5, Placement.T12
DAY = (
    Hold(15),
    Hold(15, 25, -3),
    Hold(12),
    Hold(20, 26, -2),
    Hold(4, 5, 0),
    Hold(30, 24, -4),
    Hold(9, 18, 17),
    Hold(9, 5, 0, 18),
    Hold(15, 0, 0, 0, 1.5, 2.0),
    Hold(15, 0, 0, 0, 0.4, 11.0),
    Hold(14, -20, -25),
    Hold(20, 26, -3),
)
SENSORS = {
    T4: without(samples_of(DAY, T4), (70.3, 70.9), (100.2, 103.7)),
    L5: without(samples_of(DAY, L5), (81.1, 83.0), (100.5, 103.5)),
}
CONFIG = PipelineConfig(
    placements=(T4, L5),
    calibrations=(plan((2, 12), (17, 28)), plan((31.4, 40.0), None, at_s=31.2)),
    settings=PostureSettings(
        episode_s=10, nudge_after_s=15, nudge_pause_s=0, nudge_good_again=True, break_after_s=300
    ),
    timezone="Asia/Kathmandu",
    focus_table=focus_table(),
)
WHOLE = run(CONFIG, SENSORS)


def replay(
    config: PipelineConfig,
    sensors: dict[Placement, ImuSamples],
    choices: np.random.Generator,
    *,
    mean_samples: float,
    restore_share: float,
) -> Output:
    """The same samples in random pieces, sensors in turns, restored from a snapshot now and then."""
    pipeline = Pipeline(config)
    outputs = []
    at = dict.fromkeys(sensors, 0)
    while left := [p for p in sensors if at[p] < len(sensors[p])]:
        placement = left[int(choices.integers(len(left)))]
        stop = at[placement] + 1 + int(choices.exponential(mean_samples))
        outputs.append(pipeline.update(placement, sensors[placement].slice(at[placement], stop)))
        at[placement] = stop
        if choices.random() < restore_share:
            pipeline = Pipeline.restore(pipeline.snapshot(), config)
    outputs.append(pipeline.finish())
    return Output.concat(outputs)


def test_the_synthetic_day_holds_what_can_be_cut_wrongly() -> None:
    assert len(WHOLE.frames) == 178 - 2  # a gap of both sensors
    assert len({e.start_ns for e in WHOLE.episodes}) >= 2
    assert WHOLE.nudges
    assert WHOLE.sequels
    assert [c.accepted for c in WHOLE.calibrations] == [True, True]
    assert len(set(WHOLE.frames.posture.tolist())) >= 5
    assert len(set(WHOLE.frames.activity.tolist())) >= 2


@settings(max_examples=25)
@given(
    seed=st.integers(0, 2**32 - 1),
    mean_samples=st.sampled_from([1.5, 7.0, 49.0, 230.0, 2000.0]),
    restore_share=st.sampled_from([0.0, 0.02, 0.2]),
)
def test_any_cut_interleaving_and_restore_gives_the_same(
    seed: int, mean_samples: float, restore_share: float
) -> None:
    choices = np.random.default_rng(seed)
    pieces = replay(
        CONFIG, SENSORS, choices, mean_samples=mean_samples, restore_share=restore_share
    )
    assert same(pieces, WHOLE)


def test_one_sample_at_a_time_is_the_same() -> None:
    short = {p: s.slice(0, 2600) for p, s in SENSORS.items()}
    pieces = replay(CONFIG, short, np.random.default_rng(3), mean_samples=0.01, restore_share=0.0)
    assert same(pieces, run(CONFIG, short))


@pytest.mark.parametrize(
    ("name", "mounting"),
    [
        ("sitting-21", AS_RECORDED),
        ("driving-12", AS_RECORDED),
        ("sitting-09", "random 1"),
        ("driving-12", "random 1"),
    ],
)
def test_a_real_recording_cut_anyhow_is_the_same(data_dir: Path, name: str, mounting: str) -> None:
    recording = open_recording(data_dir / "recordings" / name)
    sensors = {p: turned(read_samples(recording, p), mounting, name, p) for p in (T4, L5)}
    config = PipelineConfig(
        placements=(T4, L5),
        calibrations=(plan((2, 28), (34, 60)),),
        settings=PostureSettings(episode_s=20),
        focus_table=focus_table(),
    )
    shifted = {
        p: ImuSamples(s.utc_ns + plan((2, 28), None).effective_ns, s.si, s.rate_hz, s.ended)
        for p, s in sensors.items()
    }
    whole = run(config, shifted)
    for seed, mean_samples in ((1, 10.0), (2, 400.0)):
        choices = np.random.default_rng(seed)
        pieces = replay(config, shifted, choices, mean_samples=mean_samples, restore_share=0.01)
        assert same(pieces, whole)
