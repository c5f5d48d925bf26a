"""Sensors turned in memory: the same movement in other axes, the same again when asked again."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.validation.mounting import AS_RECORDED, NAMED, random_mountings, turned
from contracts.imu import ImuSamples
from contracts.vocabulary import Placement


def samples() -> ImuSamples:
    si = np.random.default_rng(5).normal(size=(20, 6)).astype(np.float32)
    return ImuSamples(np.arange(20, dtype=np.int64) * 20_000_000, si, 50.0, ended=True)


@pytest.mark.parametrize("mounting", [*NAMED, *random_mountings(2)])
def test_turning_keeps_lengths_and_the_angle_between_accelerometer_and_gyroscope(
    mounting: str,
) -> None:
    before, after = samples(), turned(samples(), mounting, "r", Placement.T4)
    for sensor in (slice(0, 3), slice(3, 6)):
        lengths = [np.linalg.norm(one.si[:, sensor], axis=1) for one in (before, after)]
        np.testing.assert_allclose(*lengths, rtol=1e-5)
    dots = [(one.si[:, :3] * one.si[:, 3:]).sum(axis=1) for one in (before, after)]
    np.testing.assert_allclose(*dots, atol=1e-5)
    assert after.si.dtype == np.float32
    assert np.array_equal(after.utc_ns, before.utc_ns)
    assert after.ended
    assert not np.allclose(after.si, before.si)


def test_upside_down_turns_the_head_axis_down_and_keeps_front_and_back() -> None:
    after = turned(samples(), "upside down", "r", Placement.T4).si
    np.testing.assert_allclose(after[:, 0], -samples().si[:, 0], atol=1e-6)
    np.testing.assert_allclose(after[:, 2], samples().si[:, 2], atol=1e-6)


def test_each_sensor_recording_and_draw_has_its_own_rotation_always_the_same() -> None:
    first, second = random_mountings(2)
    one = turned(samples(), first, "r", Placement.T4).si
    assert np.array_equal(one, turned(samples(), first, "r", Placement.T4).si)
    for other in (
        turned(samples(), second, "r", Placement.T4),
        turned(samples(), first, "s", Placement.T4),
        turned(samples(), first, "r", Placement.L5),
    ):
        assert not np.allclose(one, other.si, atol=0.05)


def test_as_recorded_nothing_changes() -> None:
    given = samples()
    assert turned(given, AS_RECORDED, "r", Placement.T4) is given
