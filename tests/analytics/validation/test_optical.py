"""The cameras' truth between frames, and errors against it."""

from __future__ import annotations

import numpy as np

from analytics.core.rows import UP_X, UP_Z
from analytics.core.seconds import SecondReducer
from analytics.validation.orientation import (
    OpticalTruth,
    inclination_errors_deg,
    plain_up,
    product_up,
    rms,
)
from contracts.units import NS_PER_S
from contracts.vocabulary import Placement
from tests.analytics.core.bodies import START_NS, Hold, samples_of, without

T_NS = np.arange(5) * 100


def tilted(*angle_deg: float) -> np.ndarray:
    angle = np.radians(angle_deg)
    return np.stack([np.cos(angle), np.sin(angle), 0 * angle])


def test_between_two_frames_up_is_between_them() -> None:
    truth = OpticalTruth(T_NS, tilted(0, 10, 20, 30, 40), np.ones(5, bool))
    np.testing.assert_allclose(
        truth.up_at(np.array([0, 50, 200, 400])), tilted(0, 5, 20, 40), atol=1e-12
    )


def test_nothing_is_known_beyond_beside_a_lost_frame_or_where_it_does_not_count() -> None:
    up = tilted(0, 10, 20, 30, 40)
    up[:, 1] = np.nan
    truth = OpticalTruth(T_NS, up, np.array([True, True, True, True, False]))
    known = ~np.isnan(truth.up_at(np.array([-1, 50, 150, 200, 250, 300, 350, 401]))).any(axis=0)
    assert known.tolist() == [False, False, False, True, True, True, False, False]


def test_errors_are_angles_where_truth_is_known() -> None:
    truth = OpticalTruth(T_NS, tilted(0, 0, 0, 0, 0), np.array([True, True, True, False, False]))
    errors_deg = inclination_errors_deg(tilted(3, -4, 90), np.array([0, 100, 300]), truth)
    np.testing.assert_allclose(errors_deg, [3, 4])
    np.testing.assert_allclose(rms(errors_deg), np.sqrt(12.5))
    assert np.isnan(rms(np.empty(0)))


def test_quaternions_turn_the_sensor_to_earth() -> None:
    half = np.radians(15)
    quat = np.array([[np.cos(half), np.sin(half), 0, 0]])  # 30° about x
    up = OpticalTruth.of_quaternions(T_NS[:1], quat, np.ones(1, bool)).up
    np.testing.assert_allclose(up[:, 0], [0, 0.5, np.sqrt(0.75)])


def test_up_is_to_the_bit_what_the_pipeline_sums_up() -> None:
    day = samples_of([Hold(6, 10), Hold(6, 40, -5)], Placement.T4)
    day = without(day, (3.1, 3.2), (5.0, 5.5), (7.0, 8.1))
    reducer = SecondReducer()
    reducer.add(day, 0)
    rows = reducer.take(2**31)
    up = product_up(day)
    starts = np.searchsorted(day.utc_ns, rows.second * NS_PER_S)
    expected = np.add.reduceat(up, starts, axis=1).T
    np.testing.assert_array_equal(rows.sums[:, UP_X : UP_Z + 1], expected)


def test_alone_vqf_takes_the_readings_as_they_are() -> None:
    day = samples_of([Hold(20, 30)], Placement.T4, mount_deg=0)
    tilt = np.radians(30)
    truth = OpticalTruth(
        day.utc_ns,
        np.tile([[np.cos(tilt)], [0.0], [np.sin(tilt)]], (1, len(day))),
        day.utc_ns > START_NS + 5 * NS_PER_S,
    )
    assert rms(inclination_errors_deg(plain_up(day), day.utc_ns, truth)) < 0.3
    assert not np.array_equal(plain_up(day), product_up(day))
