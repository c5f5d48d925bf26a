"""Activities of people who were not in the fit, and what the fit gives."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from sklearn.metrics import f1_score

from analytics.core.pipeline import Pipeline, PipelineConfig
from analytics.core.results import Output
from analytics.core.shipped import shipped_activities
from analytics.fitting.activities import activity_model_toml, fit_activities
from analytics.validation.truth import read_truth, true_codes
from contracts.errors import RecordingError
from contracts.imu import ImuSamples
from contracts.recording import open_recording, read_samples
from contracts.vocabulary import ACTIVITIES, Activity, Placement

PEOPLE = ("activity-1", "activity-2", "activity-3", "activity-4", "activity-5")
TOLD = (
    Activity.SITTING,
    Activity.STANDING,
    Activity.WALKING,
    Activity.STAIRS,
    Activity.LYING,
)
CODES = [ACTIVITIES.index(activity) for activity in TOLD]


@cache
def config_without(data_dir: Path, person: str) -> PipelineConfig:
    others = [data_dir / "recordings" / name for name in PEOPLE if name != person]
    return PipelineConfig(placements=(Placement.STERNUM,), activity_model=fit_activities(others))


def samples_of(data_dir: Path, person: str) -> ImuSamples:
    return read_samples(open_recording(data_dir / "recordings" / person), Placement.STERNUM)


def said_of(config: PipelineConfig, samples: ImuSamples) -> np.ndarray:
    pipeline = Pipeline(config)
    output = Output.concat([pipeline.update(Placement.STERNUM, samples), pipeline.finish()])
    return output.frames.activity


def true_of(data_dir: Path, person: str) -> np.ndarray:
    start_ns = np.arange(2100, dtype=np.int64) * 10**9
    inside, _, activity = true_codes(read_truth(data_dir / "recordings" / person), start_ns)
    assert inside.all()
    return activity


def test_people_who_were_not_in_the_fit(data_dir: Path) -> None:
    true = np.concatenate([true_of(data_dir, person) for person in PEOPLE])
    said = np.concatenate(
        [said_of(config_without(data_dir, p), samples_of(data_dir, p)) for p in PEOPLE]
    )
    by_activity = f1_score(true, said, labels=CODES, average=None)
    assert by_activity.mean() > 0.96
    assert by_activity.min() > 0.95


@pytest.mark.parametrize(("person", "seed"), [("activity-1", 1), ("activity-4", 2)])
def test_however_the_sensor_sits_without_calibration(
    data_dir: Path, person: str, seed: int
) -> None:
    config, samples = config_without(data_dir, person), samples_of(data_dir, person)
    turn = Rotation.random(random_state=seed).as_matrix().T
    turned = np.concatenate([samples.si[:, :3] @ turn, samples.si[:, 3:] @ turn], axis=1)
    rotated = ImuSamples(samples.utc_ns, turned.astype(np.float32), samples.rate_hz, samples.ended)
    right = said_of(config, rotated) == true_of(data_dir, person)
    assert right.mean() > 0.97


def test_at_twice_the_rate_the_same_is_said(data_dir: Path) -> None:
    config, samples = config_without(data_dir, "activity-4"), samples_of(data_dir, "activity-4")
    middle_ns = (samples.utc_ns[:-1] + samples.utc_ns[1:]) // 2
    si = np.empty((2 * len(samples) - 1, 6), np.float32)
    si[::2], si[1::2] = samples.si, samples.si[:-1]  # each reading twice
    times_ns = np.empty(len(si), np.int64)
    times_ns[::2], times_ns[1::2] = samples.utc_ns, middle_ns
    doubled = said_of(config, ImuSamples(times_ns, si, 50.0, ended=True))
    assert (doubled == said_of(config, samples)).mean() > 0.97


def test_cut_second_by_second_or_anyhow_the_same_is_said(data_dir: Path) -> None:
    config, samples = config_without(data_dir, "activity-2"), samples_of(data_dir, "activity-2")
    part = samples.slice(280 * 25, 980 * 25)
    whole = said_of(config, part)
    random = np.random.default_rng(4)
    pipeline, at, pieces = Pipeline(config), 0, []
    while at < len(part):
        stop = at + int(random.integers(1, 400))
        pieces.append(pipeline.update(Placement.STERNUM, part.slice(at, stop)))
        at = stop
        if random.random() < 0.2:
            pipeline = Pipeline.restore(pipeline.snapshot(), config)
    pieces.append(pipeline.finish())
    assert Output.concat(pieces).frames.activity.tolist() == whole.tolist()
    assert {ACTIVITIES[code].value for code in set(whole.tolist())} >= {
        "sitting", "standing", "lying", "stairs",
    }  # fmt: skip


def test_the_shipped_model_is_the_fit_of_all(data_dir: Path) -> None:
    folders = [data_dir / "recordings" / person for person in PEOPLE]
    text = activity_model_toml(fit_activities(folders))
    assert text == activity_model_toml(shipped_activities())
    assert text == activity_model_toml(fit_activities(folders[::-1]))


def test_without_people_who_did_both_there_is_no_fit(data_dir: Path) -> None:
    with pytest.raises(RecordingError, match="sternum") as caught:
        fit_activities([data_dir / "recordings" / "sitting-04"])
    assert "truth.csv" in str(caught.value.hint)
