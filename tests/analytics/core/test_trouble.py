"""Troubles through the whole pipeline, and on real people: what is flagged, and what it changes."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.core.axes import SegmentAxes
from analytics.core.calibration import Calibration
from analytics.core.joining import SecondTable
from analytics.core.misplaced import PlacementWatch
from analytics.core.pipeline import Pipeline, PipelineConfig
from analytics.core.results import Output
from analytics.core.rows import SUMS, UP_X, UP_Z
from analytics.core.trouble import MOST_CONFIDENCE, Troubles, TroubleWatch
from analytics.offline import calibrations_of
from analytics.validation.trouble import Rehearsal, Slip, slipped, slips_of
from contracts.imu import ImuSamples
from contracts.recording import open_recording, read_samples
from contracts.records import FrameBlock, placement_mask
from contracts.units import NS_PER_S
from contracts.vocabulary import POSTURES, QUALITIES, Placement, Posture, Quality
from tests.analytics.core.bodies import START_NS, Hold, plan, run, same, samples_of, without

T4, L5 = Placement.T4, Placement.L5
SIZE_S = 240
CONFIG = PipelineConfig(placements=(T4, L5), calibrations=(plan((2, 12), (17, 28)),))
HOLDS = (Hold(15), Hold(15, 25, -3), Hold(SIZE_S - 30))
SENSORS = {p: samples_of(HOLDS, p) for p in (T4, L5)}


def at_ns(second: float) -> int:
    return START_NS + round(second * NS_PER_S)


def between(samples: ImuSamples, start_s: float, end_s: float) -> np.ndarray:
    return (samples.utc_ns >= at_ns(start_s)) & (samples.utc_ns < at_ns(end_s))


def seconds_of(frames: FrameBlock, quality: Quality) -> list[int]:
    rows = np.flatnonzero(frames.quality == QUALITIES.index(quality))
    return [int(s) // NS_PER_S for s in frames.start_ns[rows] - START_NS]


def slipping(turn_deg: float = 20, at_s: int = 100) -> dict[Placement, ImuSamples]:
    return SENSORS | {T4: slipped(SENSORS[T4], Slip(T4, "left", turn_deg, 0.5, at_ns(at_s)))}


def test_without_trouble_nothing_is_doubted() -> None:
    frames = run(CONFIG, SENSORS).frames
    assert not frames.suspect.any()
    assert set(frames.quality.tolist()) == {QUALITIES.index(Quality.OK)}


def test_a_slip_is_flagged_until_the_end_and_lowers_the_confidence() -> None:
    frames = run(CONFIG, slipping()).frames
    seconds = seconds_of(frames, Quality.SLIPPED)
    assert 112 <= seconds[0] <= 114
    assert seconds == list(range(seconds[0], SIZE_S))
    flagged = frames.quality == QUALITIES.index(Quality.SLIPPED)
    assert set(frames.suspect[flagged].tolist()) == {placement_mask((T4,))}
    assert frames.confidence[flagged].max() <= MOST_CONFIDENCE[Quality.SLIPPED]
    assert frames.confidence[~flagged].max() > MOST_CONFIDENCE[Quality.SLIPPED]


def test_the_next_calibration_ends_it() -> None:
    again = plan((150, 160), None, at_s=149)
    config = replace(CONFIG, calibrations=(*CONFIG.calibrations, again))
    output = run(config, slipping())
    assert [c.accepted for c in output.calibrations] == [True, True]
    assert seconds_of(output.frames, Quality.SLIPPED)[-1] == 148
    assert POSTURES[output.frames.posture[-1]] is Posture.UPRIGHT


def test_a_calibration_that_is_refused_ends_nothing() -> None:
    short = plan((150, 160), None, at_s=149)
    sensors = {p: without(s, (150, 158)) for p, s in slipping().items()}
    output = run(replace(CONFIG, calibrations=(*CONFIG.calibrations, short)), sensors)
    assert [c.accepted for c in output.calibrations] == [True, False]
    assert seconds_of(output.frames, Quality.SLIPPED)[-1] == SIZE_S - 1


def test_without_a_calibration_nothing_can_have_slipped() -> None:
    frames = run(replace(CONFIG, calibrations=()), slipping()).frames
    assert set(frames.quality.tolist()) == {QUALITIES.index(Quality.UNCALIBRATED)}
    assert not frames.suspect.any()


def test_a_turn_before_the_calibration_is_over_is_part_of_it() -> None:
    late = replace(CONFIG, calibrations=(plan((120, 130), None),))
    assert seconds_of(run(late, slipping(at_s=90)).frames, Quality.SLIPPED) == []


def test_a_stuck_sensor_is_left_out() -> None:
    upper = SENSORS[T4]
    si = upper.si.copy()
    frozen = between(upper, 100, 150)
    si[frozen] = si[frozen][0]
    frames = run(CONFIG, SENSORS | {T4: replace(upper, si=si)}).frames
    assert seconds_of(frames, Quality.STUCK) == list(range(104, 150))
    stuck = frames.quality == QUALITIES.index(Quality.STUCK)
    assert np.isnan(frames.thorax_flexion_deg[stuck]).all()
    assert not np.isnan(frames.pelvis_flexion_deg[stuck]).any()
    assert set(frames.suspect[stuck].tolist()) == {placement_mask((T4,))}
    assert int(frames.samples.sum()) == 2 * 50 * SIZE_S


def test_readings_at_the_end_of_the_range_are_doubted_and_many_are_left_out() -> None:
    upper = SENSORS[T4]
    si = upper.si.copy()
    si[between(upper, 100, 100.2), 0] = 2 * 9.81
    si[between(upper, 110, 110.6), 0] = 2 * 9.81
    frames = run(CONFIG, SENSORS | {T4: replace(upper, si=si)}).frames
    assert seconds_of(frames, Quality.SATURATED) == [100, 110]
    assert np.isnan(frames.thorax_flexion_deg[[100, 110]]).tolist() == [False, True]
    assert frames.confidence[[100, 110]].max() <= MOST_CONFIDENCE[Quality.SATURATED]


def test_a_sensor_that_loses_samples_is_named() -> None:
    upper = SENSORS[T4]
    keep = ~between(upper, 100, 160) | (np.arange(len(upper)) % 2 == 0)
    thin = ImuSamples(upper.utc_ns[keep], upper.si[keep], upper.rate_hz, upper.ended)
    frames = run(CONFIG, SENSORS | {T4: thin}).frames
    seconds = seconds_of(frames, Quality.LOSING)
    assert seconds[0] == 124  # 25 of the last 60 seconds have half of their samples
    assert set(frames.suspect[seconds].tolist()) == {placement_mask((T4,))}


def test_sensors_that_change_places_are_named_and_it_ends_with_a_calibration() -> None:
    mounts = {T4: 25.0, L5: -5.0}
    own = {p: samples_of(HOLDS, p, mount_deg=mount) for p, mount in mounts.items()}
    other = {p: samples_of(HOLDS, p, mount_deg=sum(mounts.values()) - mounts[p]) for p in own}
    sensors = {}
    for p, its in own.items():
        now = between(its, 100, SIZE_S)[:, None]
        sensors[p] = replace(its, si=np.where(now, other[p].si, its.si))
    again = plan((180, 190), None, at_s=178)
    output = run(replace(CONFIG, calibrations=(*CONFIG.calibrations, again)), sensors)
    seconds = seconds_of(output.frames, Quality.SWAPPED)
    assert 129 <= seconds[0] <= 140
    assert seconds[-1] == 177
    assert set(output.frames.suspect[seconds].tolist()) == {placement_mask((T4, L5))}
    assert output.frames.confidence[seconds].max() <= MOST_CONFIDENCE[Quality.SWAPPED]


def test_neighbours_that_lean_alike_need_longer() -> None:
    up, tilted = np.array([1.0, 0.0, 0.0]), np.array([np.cos(0.5), 0.0, np.sin(0.5)])
    axes = {T4: SegmentAxes.of(up, np.array([0.0, 0.0, 1.0]))}
    for other, after_s in ((L5, 30), (Placement.C7, 60)):
        axes = {T4: axes[T4], other: SegmentAxes.of(tilted, np.array([0.0, 0.0, 1.0]))}
        sums = np.zeros((90, 2, SUMS))
        sums[:, 0, UP_X : UP_Z + 1], sums[:, 1, UP_X : UP_Z + 1] = 50 * tilted, 50 * up
        count, rate_hz = np.full((90, 2), 50, np.int32), np.full((90, 2), 50.0)
        table = SecondTable((T4, other), np.arange(90), count, sums, rate_hz)
        swapped = PlacementWatch((T4, other)).update(table, axes).swapped
        assert swapped.sum(axis=0).tolist() == [91 - after_s] * 2


def test_a_lean_to_each_others_uprights_is_no_swap() -> None:
    """Sensors that sit anyhow: whoever leans by 25° there turns both sensors alike, a swap does not."""
    up, tilted = np.array([1.0, 0.0, 0.0]), np.array([np.cos(0.44), 0.0, np.sin(0.44)])
    towards = np.array([0.0, 0.0, 1.0])
    for back_of_other, swapped_s in ((-towards, 0), (towards, 61)):
        axes = {T4: SegmentAxes.of(up, towards), L5: SegmentAxes.of(tilted, back_of_other)}
        sums = np.zeros((90, 2, SUMS))
        sums[:, 0, UP_X : UP_Z + 1], sums[:, 1, UP_X : UP_Z + 1] = 50 * tilted, 50 * up
        count, rate_hz = np.full((90, 2), 50, np.int32), np.full((90, 2), 50.0)
        table = SecondTable((T4, L5), np.arange(90), count, sums, rate_hz)
        swapped = PlacementWatch((T4, L5)).update(table, axes).swapped
        assert swapped.sum(axis=0).tolist() == [swapped_s] * 2


def test_the_worst_names_the_second() -> None:
    caps = [MOST_CONFIDENCE[q] for q in (Quality.SWAPPED, Quality.SLIPPED, Quality.SATURATED)]
    assert caps == sorted(caps)
    quality = np.array([QUALITIES.index(q) for q in Quality], np.uint8)
    none = np.zeros((len(quality), 1), np.bool_)
    troubles = Troubles(quality, np.zeros_like(quality), none, none, none)
    lowered = troubles.lowered(np.full(len(quality), 0.98))
    assert lowered.tolist() == [MOST_CONFIDENCE.get(q, 0.98) for q in Quality]


@pytest.mark.parametrize("seed", [1, 2])
def test_troubles_do_not_depend_on_cuts_and_snapshots(seed: int) -> None:
    sensors = slipping()
    upper = sensors[T4]
    si = upper.si.copy()
    si[between(upper, 130, 140)] = si[between(upper, 130, 140)][0]
    sensors = {T4: without(replace(upper, si=si), (60, 75)), L5: sensors[L5]}
    whole = run(CONFIG, sensors)
    assert len(set(whole.frames.quality.tolist())) >= 4
    random = np.random.default_rng(seed)
    pipeline, outputs, start_s = Pipeline(CONFIG), [], 0.0
    while start_s < SIZE_S:
        end_s = start_s + float(random.exponential(4))
        for p, its in sensors.items():
            inside = between(its, start_s, end_s)
            ended = end_s >= SIZE_S
            piece = ImuSamples(its.utc_ns[inside], its.si[inside], its.rate_hz, ended)
            outputs.append(pipeline.update(p, piece))
        pipeline, start_s = Pipeline.restore(pipeline.snapshot(), CONFIG), end_s
    outputs.append(pipeline.finish())
    assert same(Output.concat(outputs), whole)


@cache
def rehearsal(folder: Path, placements: tuple[Placement, ...]) -> Rehearsal:
    recording = open_recording(folder)
    samples = {p: read_samples(recording, p) for p in placements}
    return Rehearsal(samples, calibrations_of(recording)[0])


def test_nobody_who_only_sat_or_drove_is_told_that_a_strap_slipped(data_dir: Path) -> None:
    folders = sorted(f for f in (data_dir / "recordings").iterdir() if "activity" not in f.name)
    assert len(folders) >= 37
    everyone = [(f, open_recording(f).placements) for f in folders]
    pairs = [(f, (T4, L5)) for f in folders]
    alarms = {(f.name, p): rehearsal(f, p).false_alarms for f, p in everyone + pairs}
    assert {name: seconds for name, seconds in alarms.items() if seconds} == {}


def test_real_people_whose_strap_slips_suddenly(data_dir: Path) -> None:
    outcomes = []
    for folder in sorted((data_dir / "recordings").glob("sitting-*"))[::3]:
        tried = rehearsal(folder, (T4, L5))
        for slip in slips_of(folder.name, (T4, L5), tried.start_ns, tried.end_ns):
            plain = slip.axis != "round the trunk" and slip.turn_deg >= 15
            if plain and slip.duration_s in (0.0, 0.3, 1.0):
                outcomes.append(tried.slip(slip))
    assert len(outcomes) > 150
    assert np.mean([outcome.found for outcome in outcomes]) > 0.6
    assert np.mean([outcome.false for outcome in outcomes]) < 0.05


def test_real_people_whose_sensors_changed_places(data_dir: Path) -> None:
    outcomes = []
    for folder in sorted((data_dir / "recordings").glob("sitting-*")):
        tried = rehearsal(folder, (T4, L5))
        outcomes.append(tried.swap(T4, L5, tried.start_ns))
    apart = [outcome for outcome in outcomes if outcome.apart_deg >= 16]
    alike = [outcome for outcome in outcomes if outcome.apart_deg < 16]
    assert len(apart) > 10
    assert np.mean([outcome.named for outcome in apart]) > 0.7
    assert not any(outcome.named for outcome in alike)
    assert np.mean([outcome.doubted for outcome in outcomes]) > 0.8


@settings(max_examples=60)
@given(seed=st.integers(0, 2**32 - 1), size=st.integers(1, 120))
def test_whatever_the_sums_are_something_is_said_of_every_second(seed: int, size: int) -> None:
    random = np.random.default_rng(seed)
    placements = (Placement.C7, T4, L5)
    sums = random.normal(0, 1, (size, 3, SUMS)) * random.choice([0.0, 1.0, 1e6], (size, 3, SUMS))
    sums[random.random((size, 3)) < 0.2] = 0.0
    turned = np.repeat(random.choice([-1.0, 1.0], (-(-size // 5), 3, 3)), 5, axis=0)[:size]
    sums[:, :, UP_X : UP_Z + 1] = turned  # poses that cancel one another out
    count = random.choice([0, 3, 50, 60], (size, 3)).astype(np.int32)
    second = 1000 + np.cumsum(random.choice([1, 2, 90], size, p=[0.9, 0.05, 0.05]))
    table = SecondTable(placements, second, count, sums, np.where(count > 0, 50.0, 0.0))
    up = np.array([1.0, 0.0, 0.0])
    axes = {p: SegmentAxes.of(up, random.normal(0, 1, 3)) for p in placements}
    with np.errstate(all="raise"):
        troubles = TroubleWatch(placements).update(table, Calibration(axes))
    assert troubles.quality.shape == troubles.suspect.shape == (size,)
    doubted = troubles.slipped | troubles.swapped | troubles.useless
    assert ((troubles.suspect > 0) >= doubted.any(axis=1)).all()
