"""Figures of movement: by hand, at any rate, and however the sensor sits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from analytics.core.joining import Joiner, SecondTable
from analytics.core.trunk_motion import (
    ACCEL_NOISE_SQ,
    FIGURES,
    GYRO_NOISE_SQ,
    MOTION_WINDOW_S,
    BestSensor,
    figures,
)
from contracts.imu import ImuSamples, regular_times_ns
from contracts.units import NS_PER_S, STANDARD_GRAVITY_M_S2
from contracts.vocabulary import Placement
from tests.analytics.core.bodies import START_NS, Hold, samples_of

T4, L5, STERNUM = Placement.T4, Placement.L5, Placement.STERNUM
YAW, TILT_MOST, TILT_LEAST, YAW_BETWEEN, HEAVE = range(5)
TURN_CHANGE, SHAKE = 8, 9


def table_of(si: np.ndarray, rate_hz: float = 50.0, placement: Placement = T4) -> SecondTable:
    times_ns = regular_times_ns(START_NS, round(NS_PER_S / rate_hz), len(si))
    joiner = Joiner((placement,))
    joiner.add(placement, ImuSamples(times_ns, si.astype(np.float32), rate_hz, ended=True))
    table = joiner.close(everything=True)
    assert table is not None
    return table


def figures_of(table: SecondTable, reach: int = MOTION_WINDOW_S) -> np.ndarray:
    before = BestSensor.nothing(MOTION_WINDOW_S - 1)
    ranks = np.minimum(np.arange(1, len(table) + 1), reach)
    return figures(before.before(BestSensor.of(table)), ranks)


def swinging(rate_hz: float, *, axis: int, amplitude_rad_s: float, hz: float) -> np.ndarray:
    """20 s at rest upright (x up), but for one axis of the gyroscope."""
    t_s = np.arange(round(20 * rate_hz)) / rate_hz
    si = np.zeros((t_s.size, 6))
    si[:, 0] = STANDARD_GRAVITY_M_S2
    si[:, 3 + axis] = amplitude_rad_s * np.sin(2 * np.pi * hz * t_s)
    return si


def test_at_rest_there_is_only_the_noise_of_an_ordinary_sensor() -> None:
    still = figures_of(table_of(swinging(50.0, axis=0, amplitude_rad_s=0.0, hz=1.0)))
    assert still.shape == (len(FIGURES), 20)
    assert still[YAW] == pytest.approx(np.log10(GYRO_NOISE_SQ))
    assert still[SHAKE] == pytest.approx(np.log10(ACCEL_NOISE_SQ))


@pytest.mark.parametrize("rate_hz", [25.0, 50.0, 100.0])
def test_turning_about_the_vertical_is_told_from_tilting_at_any_rate(rate_hz: float) -> None:
    yaw = figures_of(table_of(swinging(rate_hz, axis=0, amplitude_rad_s=0.2, hz=2.0), rate_hz))
    # a sine's mean square is half its amplitude's
    assert yaw[YAW, 10] == pytest.approx(np.log10(0.02 + GYRO_NOISE_SQ), abs=1e-4)
    assert yaw[TILT_MOST, 10] == pytest.approx(np.log10(GYRO_NOISE_SQ), abs=1e-3)
    # over 1/25 s it changes by 2 A² sin²(π f / 25), per (1/25 s)²
    change = 2 * 0.04 * np.sin(np.pi * 2 / 25) ** 2 * 625 + 2 * 625 * GYRO_NOISE_SQ
    assert yaw[TURN_CHANGE, 10] == pytest.approx(np.log10(change), abs=1e-4)


def test_the_two_level_directions_are_the_principal_ones() -> None:
    si = swinging(50.0, axis=1, amplitude_rad_s=0.2, hz=2.0)
    si[:, 5] = 0.5 * np.roll(si[:, 4], 3)  # partly in step with the other
    gyro = si[:, 4:6]
    wanted = np.linalg.eigvalsh(np.cov(gyro[:50].T, bias=True))[::-1]
    found = figures_of(table_of(si))[[TILT_MOST, TILT_LEAST], 10]
    np.testing.assert_allclose(10**found - GYRO_NOISE_SQ, wanted, rtol=0.03)


def test_slow_turning_shows_from_second_to_second() -> None:
    slow = figures_of(table_of(swinging(50.0, axis=0, amplitude_rad_s=0.2, hz=0.2)))[:, 12]
    fast = figures_of(table_of(swinging(50.0, axis=0, amplitude_rad_s=0.2, hz=2.0)))[:, 12]
    assert slow[YAW_BETWEEN] > slow[YAW] + 0.5
    assert fast[YAW] > fast[YAW_BETWEEN] + 3


def test_only_as_many_seconds_are_looked_back_on_as_is_said() -> None:
    si = swinging(50.0, axis=0, amplitude_rad_s=0.2, hz=2.0)
    si[:500, 3] = 0.0
    table = table_of(si)
    assert figures_of(table, reach=1)[YAW, 10] == pytest.approx(np.log10(0.02), abs=1e-3)
    over_all = figures_of(table)[YAW, 10]
    assert over_all == pytest.approx(np.log10(0.02 / MOTION_WINDOW_S), abs=0.01)


DAY = samples_of([Hold(8, 5, 0, 4, 0.6, 3.0), Hold(8, 12, 0, 0, 0.02, 1.0)], T4, noise_rad_s=0.05)
AS_WORN = figures_of(table_of(DAY.si))


@settings(max_examples=20)
@given(seed=st.integers(0, 2**32 - 1))
def test_however_the_sensor_sits_the_figures_are_the_same(seed: int) -> None:
    turn = Rotation.random(random_state=seed).as_matrix().T
    turned = np.concatenate([DAY.si[:, :3] @ turn, DAY.si[:, 3:] @ turn], axis=1)
    np.testing.assert_allclose(figures_of(table_of(turned)), AS_WORN, atol=0.05)


def test_the_best_sensor_is_the_highest_on_the_trunk_that_has_samples() -> None:
    joiner = Joiner((L5, T4))
    upper = samples_of([Hold(6)], T4)
    joiner.add(T4, ImuSamples(upper.utc_ns[:150], upper.si[:150], 50.0, ended=True))
    joiner.add(L5, samples_of([Hold(6)], L5))
    table = joiner.close(everything=True)
    assert table is not None
    best = BestSensor.of(table)
    assert best.column.tolist() == [1, 1, 1, 0, 0, 0]
    assert best.count.tolist() == [50] * 6
    kept = BestSensor.from_state(best.last(2).state())
    assert kept.sums.tolist() == best.sums[-2:].tolist()
    assert kept.column.tolist() == [0, 0]
