"""Real people's recordings: what is said of them, pinned, and how often it is right."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from analytics.core.pipeline import PipelineConfig
from analytics.core.results import Output
from contracts.recording import open_recording, read_samples
from contracts.settings import CalibrationPlan, PostureSettings
from contracts.units import NS_PER_S
from contracts.vocabulary import ACTIVITIES, POSTURES, Placement, Posture
from tests.analytics.core.bodies import focus_table, latest, run

T4, L5 = Placement.T4, Placement.L5
KIT = (T4, L5)


def analysed(
    folder: Path, placements: tuple[Placement, ...] = KIT, *, episode_s: float = 60
) -> Output:
    """As a wearer who was calibrated in the windows that the recording names."""
    recording = open_recording(folder)
    windows = {
        name: (round(start_s * NS_PER_S), round(end_s * NS_PER_S))
        for name, (start_s, end_s) in recording.manifest.calibration.items()
    }
    plans = ()
    if windows:
        plans = (
            CalibrationPlan(
                effective_ns=0, upright_ns=windows["upright"], rounded_ns=windows.get("rounded")
            ),
        )
    config = PipelineConfig(
        placements=placements, calibrations=plans, focus_table=focus_table(),
        settings=PostureSettings(episode_s=episode_s),
    )  # fmt: skip
    return run(config, {p: read_samples(recording, p) for p in placements})


def truth(folder: Path) -> dict[int, tuple[str, str]]:
    """Posture and activity of each whole second that lies within an interval."""
    seconds = {}
    with (folder / "truth.csv").open() as file:
        for row in csv.DictReader(file):
            for s in range(int(np.ceil(float(row["start_s"]))), int(float(row["end_s"]))):
                seconds[s] = (row["posture"], row["activity"])
    return seconds


def confusion(folders: list[Path], placements: tuple[Placement, ...]) -> np.ndarray:
    """(truth, said) seconds, codes of POSTURES."""
    counts = np.zeros((len(POSTURES), len(POSTURES)), int)
    for folder in folders:
        frames = analysed(folder, placements).frames
        known = truth(folder)
        for s, said in zip((frames.start_ns // NS_PER_S).tolist(), frames.posture, strict=True):
            if s in known:
                counts[POSTURES.index(Posture(known[s][0])), said] += 1
    return counts


def accuracy(counts: np.ndarray) -> float:
    return float(np.trace(counts) / counts.sum())


def f1(counts: np.ndarray, posture: Posture) -> float:
    code = POSTURES.index(posture)
    return float(2 * counts[code, code] / (counts[code].sum() + counts[:, code].sum()))


def test_sitting_04_to_the_second(data_dir: Path) -> None:
    output = analysed(data_dir / "recordings" / "sitting-04", episode_s=30)
    named = Counter(POSTURES[code].value for code in output.frames.posture)
    assert dict(named) == PINNED_POSTURES
    episodes = latest(output.episodes).values()
    assert [
        (e.start_ns // NS_PER_S, e.end_ns // NS_PER_S, e.pattern.value, e.rounded_s)
        for e in episodes
    ] == PINNED_EPISODES
    assert int(output.frames.samples.sum()) == 47800
    assert output.calibrations[0].accepted


PINNED_POSTURES = {
    "upright": 95,
    "rounded": 96,
    "forward_lean": 96,
    "reclined": 64,
    "right_lean": 64,
    "left_lean": 63,
}
PINNED_EPISODES = [(31, 63, "upper_thoracic", 32), (223, 287, "upper_thoracic", 64)]


@pytest.mark.parametrize("name", ["sitting-07", "sitting-21"])
def test_losses_show_as_gaps_and_every_sample_is_in_a_frame(data_dir: Path, name: str) -> None:
    folder = data_dir / "recordings" / name
    recording = open_recording(folder)
    output = analysed(folder)
    times_ns = np.concatenate([read_samples(recording, p).utc_ns for p in KIT])
    assert output.frames.start_ns.tolist() == (np.unique(times_ns // NS_PER_S) * NS_PER_S).tolist()
    assert int(output.frames.samples.sum()) == times_ns.size
    gaps = np.diff(output.frames.start_ns) > NS_PER_S
    for episode in latest(output.episodes).values():
        inside = (output.frames.start_ns[:-1] >= episode.start_ns) & (
            output.frames.start_ns[:-1] < episode.end_ns - NS_PER_S
        )
        assert not (gaps & inside).any()


def test_six_postures_of_seated_people(data_dir: Path) -> None:
    counts = confusion(sorted((data_dir / "recordings").glob("sitting-*")), KIT)
    assert accuracy(counts) > 0.93
    assert f1(counts, Posture.ROUNDED) > 0.90
    assert f1(counts, Posture.UPRIGHT) > 0.95


def test_six_postures_in_a_car(data_dir: Path) -> None:
    folders = sorted((data_dir / "recordings").glob("driving-*"))
    counts = confusion(folders, KIT)
    assert accuracy(counts) > 0.96
    for folder in folders:
        activity = analysed(folder).frames.activity
        assert (activity == ACTIVITIES.index("driving")).mean() > 0.95


def test_upright_against_rounded_with_one_sensor(data_dir: Path) -> None:
    counts = confusion(sorted((data_dir / "recordings").glob("sitting-*")), (T4,))
    codes = [POSTURES.index(p) for p in (Posture.UPRIGHT, Posture.ROUNDED)]
    two = counts[np.ix_(codes, codes)]
    assert accuracy(two) > 0.998
