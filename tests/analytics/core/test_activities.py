"""What the trunk tells of the activity, and what only a mark can."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from analytics.core.activities import (
    NOT_WORN_AFTER_S,
    NOT_WORN_BELOW_AFTER_S,
    ActivityDetector,
)
from analytics.core.marks import MAX_MARKS
from analytics.core.pipeline import Pipeline, PipelineConfig
from analytics.core.results import ContextMark, Output
from analytics.offline import calibrations_of
from contracts.imu import ImuSamples
from contracts.recording import open_recording, read_samples
from contracts.units import NS_PER_S
from contracts.vocabulary import (
    ACTIVITIES,
    ACTIVITY_SOURCES,
    POSTURES,
    Activity,
    ActivitySource,
    Placement,
)
from tests.analytics.core.bodies import RATE_HZ, START_NS, Hold, plan, run, samples_of

T4, L5, STERNUM = Placement.T4, Placement.L5, Placement.STERNUM


def activities(output: Output) -> list[tuple[str, int]]:
    named = [ACTIVITIES[code].value for code in output.frames.activity]
    return [(name, len(list(run))) for name, run in groupby(named)]


def analysed(holds: list[Hold], *marks: ContextMark, noise_rad_s: float = 0.01) -> Output:
    pipeline = Pipeline(PipelineConfig(placements=(T4,), calibrations=(plan((2, 8), None),)))
    for mark in marks:
        pipeline.mark(mark)
    samples = samples_of(holds, T4, noise_rad_s=noise_rad_s)
    return Output.concat([pipeline.update(T4, samples), pipeline.finish()])


def mark(
    activity: Activity,
    start_s: int,
    end_s: int | None = None,
    source: ActivitySource = ActivitySource.CLIENT,
) -> ContextMark:
    return ContextMark(
        activity=activity,
        source=source,
        start_ns=START_NS + start_s * NS_PER_S,
        end_ns=None if end_s is None else START_NS + end_s * NS_PER_S,
    )


def test_steps_are_walking_and_vibration_is_driving_once_it_lasts() -> None:
    output = analysed(
        [
            Hold(10),
            Hold(20, shake_m_s2=1.5, shake_hz=2),
            Hold(10),
            Hold(30, shake_m_s2=0.4, shake_hz=11),
        ]
    )
    found = dict(activities(output))
    assert 18 <= found["walking"] <= 23
    assert found["driving"] == 30 - 8 + 1 or 20 <= found["driving"] <= 24


@pytest.mark.parametrize(("jolt_s", "still_driving"), [(1, True), (12, False)])
def test_a_driver_who_shifts_in_the_seat_drives_on(jolt_s: int, still_driving: bool) -> None:
    road = Hold(30, shake_m_s2=0.4, shake_hz=11)
    output = analysed([Hold(10), road, Hold(jolt_s, shake_m_s2=1.5, shake_hz=2), road])
    after = [name for name, _ in activities(output)]
    after = after[after.index("driving") :]
    assert (after == ["driving"]) == still_driving
    assert ("walking" in after) != still_driving


@pytest.mark.parametrize(("tilt_deg", "lies"), [(-65.0, False), (-80.0, True)])
def test_a_pelvis_may_roll_back_further_before_it_is_lying(tilt_deg: float, lies: bool) -> None:
    """The upper trunk may not: nobody reclines by 65° there."""
    for placement, expected in ((L5, lies), (T4, True)):
        config = PipelineConfig(placements=(placement,), calibrations=(plan((2, 8), None),))
        samples = samples_of([Hold(10), Hold(20, tilt_deg, tilt_deg)], placement)
        assert ("lying" in dict(activities(run(config, {placement: samples})))) == expected


def test_a_trunk_far_off_upright_is_lying_and_has_no_posture() -> None:
    output = analysed([Hold(10), Hold(20, 80)])
    assert activities(output)[-1][0] == "lying"
    lying = output.frames.activity == ACTIVITIES.index(Activity.LYING)
    assert {POSTURES[code].value for code in output.frames.posture[lying]} == {"unknown"}
    assert (output.frames.confidence[lying] == 0).all()


@pytest.mark.parametrize(("noise_rad_s", "worn"), [(0.0003, False), (0.005, True)])
def test_stiller_than_a_living_trunk_for_a_minute_is_not_worn(
    noise_rad_s: float, worn: bool
) -> None:
    output = analysed([Hold(NOT_WORN_AFTER_S + 30)], noise_rad_s=noise_rad_s)
    if worn:
        assert activities(output) == [("sitting", NOT_WORN_AFTER_S + 30)]
    else:
        assert activities(output) == [("sitting", NOT_WORN_AFTER_S - 1), ("not_worn", 31)]
        assert sum(d.worn_s for d in output.days[-1:]) == NOT_WORN_AFTER_S - 1


def test_a_lower_sensor_alone_takes_longer_since_a_held_pelvis_is_as_still() -> None:
    config = PipelineConfig(placements=(L5,))
    samples = samples_of([Hold(NOT_WORN_BELOW_AFTER_S + 20)], L5, noise_rad_s=0.0003)
    assert activities(run(config, {L5: samples})) == [
        ("sitting", NOT_WORN_BELOW_AFTER_S - 1), ("not_worn", 21),
    ]  # fmt: skip


def test_a_still_pelvis_under_a_living_chest_is_worn() -> None:
    config = PipelineConfig(placements=(T4, L5))
    hold = [Hold(NOT_WORN_BELOW_AFTER_S + 20)]
    sensors = {T4: samples_of(hold, T4), L5: samples_of(hold, L5, noise_rad_s=0.0003)}
    assert {name for name, _ in activities(run(config, sensors))} == {"sitting"}


def test_a_fast_shake_is_of_steps_where_the_trunk_turns_as_in_steps() -> None:
    holds = [Hold(10), Hold(30, shake_m_s2=1.2, shake_hz=11)]
    seated = analysed(holds)
    assert dict(activities(seated))["driving"] >= 20
    samples = samples_of(holds, T4)
    t_s = np.arange(len(samples)) / RATE_HZ
    samples.si[:, 3] += np.where(t_s >= 10, 0.5 * np.sin(2 * np.pi * 1.8 * t_s), 0.0)
    stepping = run(PipelineConfig(placements=(T4,)), {T4: samples})
    assert "driving" not in dict(activities(stepping))
    assert dict(activities(stepping))["walking"] >= 27


@pytest.mark.parametrize("placement", [T4, STERNUM])
def test_who_walked_and_then_is_far_off_it_lies_however_the_sensor_sits(
    placement: Placement,
) -> None:
    holds = [Hold(20, shake_m_s2=1.5, shake_hz=2), Hold(10), Hold(20, 85), Hold(10, 10)]
    samples = samples_of(holds, placement)
    turn = Rotation.random(random_state=8).as_matrix().T
    turned = np.concatenate([samples.si[:, :3] @ turn, samples.si[:, 3:] @ turn], axis=1)
    rotated = ImuSamples(samples.utc_ns, turned.astype(np.float32), samples.rate_hz, samples.ended)
    said = run(PipelineConfig(placements=(placement,)), {placement: rotated}).frames.activity
    lying = said == ACTIVITIES.index(Activity.LYING)
    assert lying[32:48].all()
    assert not lying[:28].any()
    assert not lying[53:].any()


def test_seated_people_sit_and_wear_their_sensors(data_dir: Path) -> None:
    for name in ("sitting-03", "sitting-17", "sitting-21"):
        recording = open_recording(data_dir / "recordings" / name)
        config = PipelineConfig(placements=(T4, L5), calibrations=calibrations_of(recording))
        sensors = {p: read_samples(recording, p) for p in (T4, L5)}
        assert {name for name, _ in activities(run(config, sensors))} == {"sitting"}


def test_marks_go_before_what_was_found_with_their_source_until_the_next() -> None:
    output = analysed(
        [Hold(40)],
        mark(Activity.TYPING, 5, source=ActivitySource.AGENT),
        mark(Activity.STANDING, 20, 25),
        mark(Activity.CARRYING, 30),
        mark(Activity.UNKNOWN, 35),
    )
    assert activities(output) == [
        ("sitting", 5), ("typing", 15), ("standing", 5), ("sitting", 5), ("carrying", 5), ("sitting", 5),
    ]  # fmt: skip
    sources = [ACTIVITY_SOURCES[code].value for code in output.frames.activity_source]
    assert (sources[0], sources[10], sources[22]) == ("trunk", "agent", "client")


def test_marks_are_capped_and_forgotten_when_over() -> None:
    detector = ActivityDetector()
    for second in range(3 * MAX_MARKS):
        detector.mark(mark(Activity.TYPING, second))
    assert len(detector.state()["marks"]) == MAX_MARKS
    pipeline = Pipeline(PipelineConfig(placements=(T4,)))
    for second in range(10):
        pipeline.mark(mark(Activity.TYPING, second, second + 1))
    pipeline.update(T4, samples_of([Hold(30)], T4))
    assert pipeline._activities.state()["marks"] == []


def test_nothing_known_is_said_as_unknown() -> None:
    config = PipelineConfig(placements=(T4,))
    output = run(config, {T4: samples_of([Hold(20, shake_m_s2=0.5, shake_hz=3)], T4)})
    assert activities(output)[-1][0] == "unknown"
    assert {ACTIVITY_SOURCES[code].value for code in output.frames.activity_source[5:]} == {"none"}
