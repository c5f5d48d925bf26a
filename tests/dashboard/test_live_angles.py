from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.units import NS_PER_S, RAD_PER_DEG, STANDARD_GRAVITY_M_S2
from contracts.vocabulary import Placement
from dashboard.reading.queries import Sensor
from dashboard.sensors import live_angles
from dashboard.sensors.live_angles import Vector
from tests.dashboard import seed

NOW_NS = 1_772_559_000 * NS_PER_S


def leaning(deg: float) -> Vector:
    """Gravity in printed axes at so much forward lean."""
    angle = deg * RAD_PER_DEG
    return (
        STANDARD_GRAVITY_M_S2 * math.cos(angle),
        0.0,
        STANDARD_GRAVITY_M_S2 * math.sin(angle),
    )


def worn(acc: Vector | None, turning_rad_s: float | None, age_s: float = 1.0) -> Sensor:
    health = seed.health_of(
        "PL-0001-T4",
        NOW_NS,
        last_sample_ns=NOW_NS - round(age_s * NS_PER_S),
        mean_acc_m_s2=acc,
        turning_rad_s=turning_rad_s,
    )
    return Sensor("PL-0001-T4", Placement.T4, health)


@given(before=st.floats(-90, 90), after=st.floats(-90, 90))
def test_a_tilt_is_the_angle_between_the_two(before: float, after: float) -> None:
    found = live_angles.tilt_deg(leaning(before), leaning(after))
    assert found == pytest.approx(abs(after - before), abs=1e-5)


def test_a_tilt_of_two_vectors_by_hand() -> None:
    assert live_angles.tilt_deg((9.8, 0.0, 0.0), (0.0, 0.0, 9.8)) == pytest.approx(90.0)
    assert live_angles.tilt_deg((9.8, 0.0, 0.0), (-9.8, 0.0, 0.0)) == pytest.approx(180.0)


@pytest.mark.parametrize("thrown", [None, (0.0, 0.0, 0.0), (3.0, 0.0, 0.0)])
def test_what_points_nowhere_has_no_tilt(thrown: Vector | None) -> None:
    assert live_angles.tilt_deg(leaning(0), thrown) is None
    assert live_angles.tilt_deg(thrown, leaning(0)) is None


@pytest.mark.parametrize(("turning_deg_s", "still"), [(4.9, True), (5.1, False)])
def test_who_leaves_the_pose_within_a_second_moves(turning_deg_s: float, still: bool) -> None:
    sensors = [worn(leaning(12), turning_deg_s * RAD_PER_DEG)]
    (angle,) = live_angles.live_angles(sensors, {"PL-0001-T4": leaning(0)}, NOW_NS)
    assert angle.still is still
    assert angle.change_deg == pytest.approx(12.0)
    assert angle.turning_deg_s == pytest.approx(turning_deg_s)


def test_a_silent_sensor_says_nothing_of_how_it_is_held() -> None:
    for silent in (
        worn(leaning(0), 0.0, age_s=8.1),
        Sensor("PL-0001-T4", Placement.T4, None),
        Sensor("PL-0001-T4", Placement.T4, seed.health_of("PL-0001-T4", NOW_NS)),
    ):
        (angle,) = live_angles.live_angles([silent], {"PL-0001-T4": leaning(0)}, NOW_NS)
        assert (angle.sends, angle.still, angle.change_deg) == (False, None, None)
        assert live_angles.gravity_of([silent], NOW_NS) == {}


def test_a_sensor_that_sends_without_saying_how_it_is_held_still_sends() -> None:
    (angle,) = live_angles.live_angles([worn(None, None)], {}, NOW_NS)
    assert (angle.sends, angle.still, angle.change_deg) == (True, None, None)


def test_gravity_at_first_is_of_those_that_send() -> None:
    assert live_angles.gravity_of([worn(leaning(3), 0.0)], NOW_NS) == {"PL-0001-T4": leaning(3)}
