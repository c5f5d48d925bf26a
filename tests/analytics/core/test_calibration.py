"""Calibration: what is accepted, what is refused and why, and from when it holds."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.core import calibrating
from analytics.core.calibrating import CalibrationTimeline
from analytics.core.calibration import Calibration
from analytics.core.pipeline import Pipeline, PipelineConfig
from analytics.core.results import ContextMark, Output
from analytics.validation.mounting import turned
from contracts.errors import Reason, SettingError
from contracts.imu import ImuSamples
from contracts.settings import CalibrationPlan
from contracts.units import NS_PER_S
from contracts.vocabulary import (
    POSTURES,
    Activity,
    ActivitySource,
    Placement,
    Posture,
    Quality,
)
from tests.analytics.core.bodies import START_S, Hold, plan, run, samples_of, without

T4, L5, C7, STERNUM = Placement.T4, Placement.L5, Placement.C7, Placement.STERNUM


def analysed(
    holds: list[Hold],
    *plans: CalibrationPlan,
    placements: tuple[Placement, ...] = (T4, L5),
    **mount: float,
) -> Output:
    sensors = {p: samples_of(holds, p, **mount) for p in placements}
    return run(PipelineConfig(placements=placements, calibrations=plans), sensors)


def postures(output: Output) -> list[str]:
    return [POSTURES[code].value for code in output.frames.posture]


def reason(output: Output) -> Reason | None:
    (result,) = output.calibrations
    assert result.accepted == (result.reason is None)
    assert result.accepted or result.hint
    return result.reason


@pytest.mark.parametrize("mount_deg", [-40.0, 0.0, 15.0, 35.0])
def test_flexion_is_against_the_wearers_own_upright(mount_deg: float) -> None:
    holds = [Hold(20), Hold(20, 30, 10)]
    output = analysed(holds, plan((2, 17), None), mount_deg=mount_deg)
    assert reason(output) is None
    frames = output.frames
    held = slice(23, 38)
    assert np.abs(frames.thorax_flexion_deg[:17]).max() < 0.5
    assert np.abs(frames.thorax_flexion_deg[held] - 30).max() < 0.7
    assert np.abs(frames.pelvis_flexion_deg[held] - 10).max() < 0.7
    curl = np.round(frames.thorax_flexion_deg - frames.pelvis_flexion_deg, 2)
    assert np.array_equal(curl, frames.trunk_flexion_deg)


def test_leaning_right_is_positive_and_the_rounded_window_finds_forward() -> None:
    holds = [Hold(15), Hold(30, 25, 0, 8), Hold(15, 10, 0, 20)]
    alone = analysed(holds, plan((2, 12), None)).frames.lateral_deg
    turned = analysed(holds, plan((2, 12), (30, 42))).frames.lateral_deg
    assert alone[40] == pytest.approx(8, abs=1.0)
    assert turned[40] == pytest.approx(0, abs=0.7)
    assert alone[55] > turned[55] > 10


def test_frames_wait_for_the_session_and_then_all_have_it() -> None:
    holds = [Hold(20), Hold(20, 25), Hold(10)]
    sensors = {p: samples_of(holds, p) for p in (T4, L5)}
    session = plan((12, 18), (24, 34), at_s=10)
    pipeline = Pipeline(PipelineConfig(placements=(T4, L5), calibrations=(session,)))

    def feed(start: int, stop: int) -> Output:
        pieces = []
        for placement, samples in sensors.items():
            piece = samples.slice(start, stop)
            pieces.append(pipeline.update(placement, piece))
        return Output.concat(pieces)

    before = feed(0, 1650)
    assert len(before.frames) == 10
    assert set(before.frames.quality.tolist()) == {list(Quality).index(Quality.UNCALIBRATED)}
    assert np.isnan(before.frames.thorax_flexion_deg).all()
    after = feed(1650, 1750)
    assert len(after.frames) == 24
    assert after.frames.start_ns[0] // 10**9 == START_S + 10
    assert not np.isnan(after.frames.thorax_flexion_deg).any()


def test_a_later_calibration_holds_from_its_effective_time_on() -> None:
    holds = [Hold(20), Hold(30, 10, 10)]
    output = analysed(holds, plan((2, 12), None), plan((32, 42), None, at_s=30))
    flexion = output.frames.thorax_flexion_deg
    assert np.abs(flexion[23:30] - 10).max() < 0.7
    assert np.abs(flexion[30:]).max() < 0.7


@pytest.mark.parametrize(
    ("holds", "session", "expected"),
    [
        ([Hold(10, 0), Hold(3, 30), Hold(3, -20), Hold(3, 40), Hold(20)], plan((8, 19), None),
         Reason.CALIBRATION_MOVED),
        ([Hold(20), Hold(20, 2, 0)], plan((2, 17), (23, 37)), Reason.CALIBRATION_CONTRADICTORY),
        ([Hold(20), Hold(20, -20, 0)], plan((2, 17), (23, 37)), Reason.CALIBRATION_CONTRADICTORY),
        ([Hold(20), Hold(20, 3, 0, 25)], plan((2, 17), (23, 37)), Reason.CALIBRATION_CONTRADICTORY),
        ([Hold(20)], plan((30, 40), None), Reason.CALIBRATION_TOO_SHORT),
    ],
    ids=["moved", "same pose", "backwards", "sideways", "no data"],
)  # fmt: skip
def test_refused_with_the_reason_and_uncalibrated_stays_uncalibrated(
    holds: list[Hold], session: CalibrationPlan, expected: Reason
) -> None:
    output = analysed(holds, session)
    assert reason(output) is expected
    assert set(postures(output)) == {Posture.UNKNOWN.value}


def test_a_sensor_that_lies_flat_is_refused() -> None:
    assert reason(analysed([Hold(20)], plan((2, 17), None), mount_deg=88.0)) is (
        Reason.CALIBRATION_CONTRADICTORY
    )


def test_a_window_with_too_many_losses_is_too_short() -> None:
    sensors = {T4: without(samples_of([Hold(20)], T4), (3, 16.2))}
    output = run(PipelineConfig(placements=(T4,), calibrations=(plan((2, 17), None),)), sensors)
    assert reason(output) is Reason.CALIBRATION_TOO_SHORT


def test_a_refused_plan_leaves_the_earlier_one_in_force() -> None:
    holds = [Hold(20), Hold(10, 25), Hold(3, -10), Hold(3, 30), Hold(10)]
    output = analysed(holds, plan((2, 17), None), plan((28, 38), None, at_s=27))
    assert [c.accepted for c in output.calibrations] == [True, False]
    assert not np.isnan(output.frames.thorax_flexion_deg).any()


def test_a_neck_that_bends_back_in_a_slump_contradicts_nothing() -> None:
    slump = samples_of([Hold(20), Hold(20, 25)], T4)
    neck = samples_of([Hold(20), Hold(20, -20)], C7)
    config = PipelineConfig(placements=(C7, T4), calibrations=(plan((2, 17), (23, 37)),))
    output = run(config, {T4: slump, C7: neck})
    assert reason(output) is None
    assert output.frames.head_flexion_deg[30] == pytest.approx(-45, abs=1)


def test_a_plan_that_comes_late_holds_from_the_first_frame_not_yet_out() -> None:
    samples = samples_of([Hold(40)], T4)
    pipeline = Pipeline(PipelineConfig(placements=(T4,)))
    first = pipeline.update(T4, ImuSamples(samples.utc_ns[:1000], samples.si[:1000], 50.0))
    pipeline.calibrate(plan((22, 32), None, at_s=5))
    rest = pipeline.update(T4, samples.slice(1000, 2000))
    assert np.isnan(first.frames.thorax_flexion_deg).all()
    assert not np.isnan(rest.frames.thorax_flexion_deg).any()
    assert pipeline.calibrate(plan((22, 32), None, at_s=5)).calibrations == ()


def test_planned_sessions_are_capped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibrating, "MAX_PLANS", 2)
    timeline = CalibrationTimeline()
    for at_s in (0, 100, 100):
        timeline.plan(plan((at_s, at_s + 10), None, at_s=at_s))
    with pytest.raises(SettingError, match="more than 2"):
        timeline.plan(plan((300, 310), None, at_s=300))


STOOD = [Hold(20, 0, 0), Hold(20, -8, -20), Hold(20, -8, -20), Hold(20, 0, 0)]


def test_on_their_feet_wearers_are_held_against_their_standing_neutral() -> None:
    sensors = {p: samples_of(STOOD, p) for p in (T4, L5)}
    session = plan((2, 17), None, standing_s=(23, 37))
    pipeline = Pipeline(PipelineConfig(placements=(T4, L5), calibrations=(session,)))
    pipeline.mark(
        ContextMark(
            activity=Activity.CARRYING,
            source=ActivitySource.AGENT,
            start_ns=(START_S + 40) * NS_PER_S,
            end_ns=(START_S + 60) * NS_PER_S,
        )
    )
    frames = Output.concat(
        [*(pipeline.update(p, s) for p, s in sensors.items()), pipeline.finish()]
    ).frames
    seated, carrying, again = slice(25, 38), slice(43, 57), slice(63, 80)
    assert np.abs(frames.pelvis_flexion_deg[seated] + 20).max() < 0.7
    assert np.abs(frames.pelvis_flexion_deg[carrying]).max() < 0.7
    assert np.abs(frames.thorax_flexion_deg[carrying]).max() < 0.7
    assert np.abs(frames.pelvis_flexion_deg[again]).max() < 0.7
    one = pipeline.calibration
    assert one is not None
    assert set(one.standing) == {T4, L5}
    assert Calibration.from_state(one.state()).state() == one.state()


def test_a_back_does_not_turn_that_far_from_sitting_to_standing() -> None:
    holds = [Hold(20), Hold(20, 0, 50)]
    output = analysed(holds, plan((2, 17), None, standing_s=(23, 37)))
    assert reason(output) is Reason.CALIBRATION_CONTRADICTORY
    assert "from sitting to standing" in output.calibrations[0].message


@pytest.mark.parametrize("window", ["bend_s", "standing_s"])
def test_every_window_has_to_be_held_and_have_data(window: str) -> None:
    moved = [Hold(20), Hold(4, 30, 20), Hold(4, 0), Hold(4, 45, 30), Hold(20)]
    session = plan((2, 17), None, **{window: (20, 33)})
    assert reason(analysed(moved, session)) is Reason.CALIBRATION_MOVED
    absent = plan((2, 17), None, **{window: (45, 55)})
    assert reason(analysed(moved[:1], absent)) is Reason.CALIBRATION_TOO_SHORT


def test_a_bend_tells_the_front_of_a_sensor_that_sits_anyhow() -> None:
    holds = [Hold(20), Hold(20, 30, 25), Hold(20, -15, -30)]
    sensors = {p: turned(samples_of(holds, p), "random 1", "anyone", p) for p in (T4, L5)}
    session = plan((2, 17), None, bend_s=(23, 37))
    output = run(PipelineConfig(placements=(T4, L5), calibrations=(session,)), sensors)
    assert reason(output) is None
    held = slice(43, 57)
    assert np.abs(output.frames.thorax_flexion_deg[held] + 15).max() < 0.7
    assert np.abs(output.frames.pelvis_flexion_deg[held] + 30).max() < 0.7


def test_whom_a_calibration_leaves_out_is_said() -> None:
    holds = [Hold(20), Hold(20, 30, 0)]
    sensors = {p: samples_of(holds, p) for p in (T4, L5)}
    sensors[T4] = turned(sensors[T4], "random 2", "anyone", T4)
    sensors[L5] = turned(sensors[L5], "random 2", "anyone", L5)
    config = PipelineConfig(placements=(T4, L5), calibrations=(plan((2, 17), (23, 37)),))
    output = run(config, sensors)
    (result,) = output.calibrations
    assert result.accepted
    assert result.message.startswith("accepted without L5")
    assert np.isnan(output.frames.pelvis_flexion_deg).all()
    assert np.abs(output.frames.thorax_flexion_deg[23:37] - 30).max() < 0.7


def test_a_sternum_alone_is_calibrated_the_same_way() -> None:
    output = analysed([Hold(20), Hold(20, 25)], plan((2, 17), (23, 37)), placements=(STERNUM,))
    assert postures(output)[25:38] == ["rounded"] * 13
