"""Real people whose sensors sit anyhow: the axes that are found, the fronts that are told, the postures.

Samples of the recordings are turned in memory as if the sensors had sat so; truth is the same recording
as it was made, whose sensors sat as printed.
"""

from __future__ import annotations

import csv
import re
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from analytics.core.angles import angles_of
from analytics.core.axes import across, between_deg, unit
from analytics.core.calibration import Calibration, calibrate
from analytics.core.facing import POSES
from analytics.core.joining import Joiner, SecondTable
from analytics.core.pipeline import PipelineConfig
from analytics.core.results import Output
from analytics.offline import calibrations_of
from analytics.validation.mounting import AS_RECORDED, turned
from contracts.errors import CalibrationError, Reason
from contracts.imu import ImuSamples
from contracts.recording import Recording, open_recording, read_samples
from contracts.settings import CalibrationPlan
from contracts.units import NS_PER_S
from contracts.vocabulary import Placement
from tests.analytics.core.bodies import run

C7, T4, T12, L5 = Placement.C7, Placement.T4, Placement.T12, Placement.L5
ALL = (C7, T4, T12, L5)
KIT = (T4, L5)
RANDOM = "random 1"
SESSION_S = 62
OUTWARDS = ("upside down", "tilted 30° on the strap", "turned 30° round the trunk")


@cache
def folders(data_dir: Path, kind: str) -> list[Path]:
    found = sorted((data_dir / "recordings").glob(f"{kind}-*"))
    assert len(found) == {"sitting": 29, "driving": 8}[kind]
    return found


def session(
    recording: Recording, mounting: str, placements: tuple[Placement, ...] = ALL
) -> SecondTable:
    """The seconds of the calibration, the sensors mounted so."""
    joiner = Joiner(placements)
    for placement in placements:
        samples = read_samples(recording, placement)
        end = int(np.searchsorted(samples.utc_ns, recording.start_ns + SESSION_S * NS_PER_S))
        part = ImuSamples(samples.utc_ns[:end], samples.si[:end], samples.rate_hz, ended=True)
        joiner.add(placement, turned(part, mounting, recording.folder.name, placement))
    table = joiner.close(everything=True)
    assert table is not None
    return table


def calibrated(
    recording: Recording, mounting: str, placements: tuple[Placement, ...] = ALL
) -> Calibration:
    (plan,) = calibrations_of(recording)
    return calibrate(plan, session(recording, mounting, placements))


def off_deg(
    found: Calibration, true: Calibration, mounting: str, recording: Recording
) -> dict[Placement, float]:
    """How far each back that was found is off the one as recorded."""
    off = {}
    for placement, axes in found.axes.items():
        frame = np.zeros((3, 6), np.float32)
        frame[:, :3] = np.eye(3)
        samples = ImuSamples(np.arange(3), frame, 50.0)
        # row i is the sensor's view of recorded axis i: a view of 'back' comes back with it
        view = turned(samples, mounting, recording.folder.name, placement).si[:, :3]
        off[placement] = between_deg(unit(view @ axes.back), true.axes[placement].back)
    return off


@pytest.fixture(scope="module")
def random_offs(data_dir: Path) -> list[tuple[Calibration, dict[Placement, float]]]:
    offs = []
    for folder in folders(data_dir, "sitting"):
        recording = open_recording(folder)
        true, found = calibrated(recording, AS_RECORDED), calibrated(recording, RANDOM)
        offs.append((found, off_deg(found, true, RANDOM, recording)))
    return offs


def test_as_recorded_every_front_is_known(data_dir: Path) -> None:
    for folder in folders(data_dir, "driving"):
        found = calibrated(open_recording(folder), AS_RECORDED, KIT)
        assert set(found.axes) == set(KIT)
        assert found.two_fold == ()


def test_the_slump_finds_the_trunk_of_sensors_that_sit_anyhow(
    random_offs: list[tuple[Calibration, dict[Placement, float]]],
) -> None:
    assert all(set(off) == set(ALL) for _, off in random_offs)
    for placement, most_deg in ((T4, 2.0), (T12, 2.0)):
        offs = [off[placement] for _, off in random_offs]
        assert max(offs) < most_deg
        assert not any(placement in found.two_fold for found, _ in random_offs)


def test_sway_and_slump_find_the_lines_of_neck_and_pelvis(
    random_offs: list[tuple[Calibration, dict[Placement, float]]],
) -> None:
    for placement, most_deg in ((C7, 5.0), (L5, 1.0)):
        lines = [min(off[placement], 180.0 - off[placement]) for _, off in random_offs]
        assert max(lines) < most_deg
        assert all(placement in found.two_fold for found, _ in random_offs)


@pytest.mark.parametrize(
    ("placement", "median_deg", "most_deg"),
    [(C7, 8.0, 25.0), (T4, 8.0, 30.0), (T12, 6.0, 20.0), (L5, 4.0, 20.0)],
)
def test_what_people_show_agrees_with_how_their_sensors_were_put_on(
    data_dir: Path, placement: Placement, median_deg: float, most_deg: float
) -> None:
    offs = []
    for folder in folders(data_dir, "sitting"):
        axes = calibrated(open_recording(folder), AS_RECORDED).axes[placement]
        offs.append(between_deg(axes.back, across(np.array([0.0, 0.0, 1.0]), axes.up)))
    assert float(np.median(offs)) < median_deg
    assert max(offs) < most_deg


@pytest.mark.parametrize("mounting", OUTWARDS)
def test_sensors_that_face_outwards_have_the_right_front_at_once(
    data_dir: Path, mounting: str
) -> None:
    wrong = []
    for folder in folders(data_dir, "sitting")[::4]:
        recording = open_recording(folder)
        true, found = calibrated(recording, AS_RECORDED), calibrated(recording, mounting)
        offs = off_deg(found, true, mounting, recording)
        wrong += [(folder.name, placement) for placement, off in offs.items() if off > 20.0]
    # the one neck of 29 that bends back in a slump
    assert set(wrong) <= {("sitting-17", C7)}


def held_angles(folder: Path, placements: tuple[Placement, ...]) -> dict[Placement, np.ndarray]:
    """(k, 3) place in POSES' rows, flexion and lateral inclination to the right of poses held 30 s."""
    recording = open_recording(folder)
    joiner = Joiner(placements)
    for placement in placements:
        joiner.add(placement, read_samples(recording, placement))
    table = joiner.close(everything=True)
    assert table is not None
    (plan,) = calibrations_of(recording)
    angles = angles_of(table, calibrate(plan, table))
    second = table.second - recording.start_ns // NS_PER_S
    rows: dict[Placement, list[tuple[float, float, float]]] = {p: [] for p in placements}
    for start_s, end_s, code in true_poses(folder):
        inside = (second >= start_s) & (second + 1 <= end_s)
        for placement in placements:
            flexion = angles.flexion_of[placement][inside]
            lateral = angles.lateral_of[placement][inside]
            rows[placement].append((code, np.nanmedian(flexion), np.nanmedian(lateral)))
    return {placement: np.array(own) for placement, own in rows.items()}


def true_poses(folder: Path) -> list[tuple[float, float, int]]:
    """Start, end and place in POSES' rows (both leans to a side are one, left ones negative)."""
    order = {"rounded": 1, "upright": 2, "forward_lean": 3, "reclined": 4}
    order |= {"right_lean": 5, "left_lean": -5}
    poses = []
    with (folder / "truth.csv").open() as file:
        for row in csv.DictReader(file):
            start_s, end_s = float(row["start_s"]), float(row["end_s"])
            # trials of 30 s of one posture follow each other with a join of 2 s
            starts_s = np.arange(start_s, end_s - 29.0, 32.0).tolist()
            poses += [(s, s + 30.0, order[row["posture"]]) for s in starts_s]
    return poses


def test_the_angles_that_tell_the_front_are_those_of_the_recorded_people(data_dir: Path) -> None:
    people = [held_angles(folder, ALL) for folder in folders(data_dir, "sitting")]
    for placement in ALL:
        seen = np.concatenate([person[placement] for person in people])
        for code, row in enumerate(POSES[placement], 1):
            own = seen[np.abs(seen[:, 0]) == code]
            flexion, lateral = own[:, 1], own[:, 2] * np.sign(own[:, 0])
            assert np.mean(flexion) == pytest.approx(row[0], abs=1.5)
            assert max(4.0, np.std(flexion)) == pytest.approx(row[1], abs=1.5)
            assert np.mean(lateral) == pytest.approx(row[2], abs=1.5)
            assert max(4.0, np.std(lateral)) == pytest.approx(row[3], abs=1.5)


def output(recording: Recording, mounting: str) -> Output:
    sensors = {
        p: turned(read_samples(recording, p), mounting, recording.folder.name, p) for p in KIT
    }
    config = PipelineConfig(placements=KIT, calibrations=calibrations_of(recording))
    return run(config, sensors)


@pytest.mark.parametrize(("kind", "numbers"), [("sitting", (3, 17)), ("driving", (16,))])
def test_turned_sensors_say_nearly_what_they_would_have_said(
    data_dir: Path, kind: str, numbers: tuple[int, ...]
) -> None:
    for number in numbers:
        recording = open_recording(data_dir / "recordings" / f"{kind}-{number:02d}")
        as_recorded, as_turned = output(recording, AS_RECORDED), output(recording, RANDOM)
        same = as_turned.frames.posture == as_recorded.frames.posture
        assert same.mean() > 0.93
        away_deg = np.abs(
            as_turned.frames.pelvis_flexion_deg - as_recorded.frames.pelvis_flexion_deg
        )
        assert np.nanpercentile(away_deg, 90) < 4.0
        upper_deg = as_turned.frames.thorax_flexion_deg - as_recorded.frames.thorax_flexion_deg
        assert np.nanmax(np.abs(upper_deg)) < 3.0


def test_a_window_in_which_they_reclined_is_no_slump(data_dir: Path) -> None:
    for folder in folders(data_dir, "sitting")[::3]:
        recording = open_recording(folder)
        (plan,) = calibrations_of(recording)
        reclined_s = first_reclined_s(folder)
        swapped = CalibrationPlan(
            effective_ns=plan.effective_ns,
            upright_ns=plan.upright_ns,
            rounded_ns=(round(reclined_s * NS_PER_S), round((reclined_s + 20) * NS_PER_S)),
        )
        joiner = Joiner(KIT)
        for placement in KIT:
            joiner.add(placement, read_samples(recording, placement))
        table = joiner.close(everything=True)
        assert table is not None
        with pytest.raises(CalibrationError) as refused:
            calibrate(swapped, table)
        assert refused.value.reason is Reason.CALIBRATION_CONTRADICTORY


def first_reclined_s(folder: Path) -> float:
    found = re.search(
        r"^([\d.]+),[\d.]+,reclined,", (folder / "truth.csv").read_text(), re.MULTILINE
    )
    assert found is not None
    return float(found.group(1)) + 3.0


def test_fronts_are_told_before_they_matter(data_dir: Path) -> None:
    """The pipeline's own angles, all of a session: the pelvis hardly ever leans the wrong way."""
    wrong = total = 0
    for number in (2, 9, 22, 27):
        recording = open_recording(data_dir / "recordings" / f"sitting-{number:02d}")
        true = output(recording, AS_RECORDED).frames.pelvis_flexion_deg
        said = output(recording, RANDOM).frames.pelvis_flexion_deg
        tilted = np.abs(true) > 12.0
        total += int(tilted.sum())
        wrong += int((np.sign(said[tilted]) != np.sign(true[tilted])).sum())
    assert total > 400
    assert wrong < 0.02 * total
