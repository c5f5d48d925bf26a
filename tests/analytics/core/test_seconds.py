"""One sensor's samples to rows: inclination, spikes, gaps, late and lost samples."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.core.gaps import Gaps
from analytics.core.motion import mean_square
from analytics.core.orientation import OrientationFilter, repair_spikes
from analytics.core.rows import GYRO_X, UP_X, UP_Z, SecondRows
from analytics.core.seconds import SecondReducer
from contracts.imu import ImuSamples, regular_times_ns
from contracts.units import NS_PER_S
from contracts.vocabulary import Placement
from tests.analytics.core.bodies import RATE_HZ, START_NS, START_S, Hold, samples_of, without


def reduced(samples: ImuSamples) -> tuple[SecondReducer, SecondRows]:
    reducer = SecondReducer()
    reducer.add(samples, 0)
    return reducer, reducer.take(2**31)


def tilt_deg(rows: SecondRows) -> np.ndarray:
    up = rows.sums[:, UP_X : UP_Z + 1]
    return np.degrees(np.arctan2(up[:, 2], up[:, 0]))


def test_inclination_is_right_from_the_first_second_and_after_a_long_gap() -> None:
    day = samples_of([Hold(20, 10), Hold(20, 40)], Placement.T4, mount_deg=5)
    _, rows = reduced(without(day, (15.0, 25.0)))
    assert rows.second.tolist() == [START_S + s for s in range(40) if not 15 <= s < 25]
    assert np.abs(tilt_deg(rows)[:15] - 15).max() < 0.3
    assert np.abs(tilt_deg(rows)[15:] - 45).max() < 0.3


def test_inclination_through_a_turn_is_within_a_degree() -> None:
    day = samples_of([Hold(30, 0), Hold(30, 60)], Placement.T4, mount_deg=0)
    _, rows = reduced(day)
    settled = np.r_[0:28, 31:60]
    truth_deg = np.where(settled < 29, 0.0, 60.0)
    assert np.abs(tilt_deg(rows)[settled] - truth_deg).max() < 1.0


@pytest.mark.parametrize(("column", "value"), [(4, 26.5), (3, -17.0), (0, 117.0)])
def test_an_isolated_spike_leaves_no_trace(column: int, value: float) -> None:
    day = samples_of([Hold(20, 10)], Placement.T4, mount_deg=0)
    spiked = day.si.copy()
    spiked[[300, 449, 450, 700], column] = value  # at a second's edge too: two in a row stay
    spiked[450, column] = day.si[450, column]
    _, rows = reduced(ImuSamples(day.utc_ns, spiked, RATE_HZ))
    assert np.abs(tilt_deg(rows) - 10).max() < 0.3
    assert (mean_square(rows.sums, rows.count, GYRO_X) * rows.count).max() < 1.0


def test_a_real_jolt_over_two_samples_is_kept() -> None:
    si = np.zeros((6, 6), np.float32)
    si[2:4, 4] = 9.0
    assert np.array_equal(repair_spikes(si), si[1:-1])


def test_lost_counts_missing_samples_and_not_what_a_switched_off_sensor_did_not_send() -> None:
    day = samples_of([Hold(30)], Placement.L5)
    reducer, rows = reduced(without(day, (5.0, 5.1), (10.0, 13.0)))
    assert reducer.lost == 5 + 150
    assert int(rows.count.sum()) == len(day) - 155
    off = SecondReducer()
    first, second = day.slice(0, 500), day.slice(1000, 1500)
    off.add(ImuSamples(first.utc_ns, first.si, RATE_HZ, ended=True), 0)
    off.add(second, 0)
    off.take(2**31)
    assert off.lost == 0


def test_what_is_out_of_order_or_in_a_closed_second_is_late() -> None:
    day = samples_of([Hold(10)], Placement.L5)
    reducer = SecondReducer()
    reducer.add(day.slice(0, 200), 0)
    reducer.add(day.slice(100, 300), 0)
    assert (reducer.samples_in, reducer.late) == (400, 100)
    assert int(reducer.take(START_S + 4).count.sum()) == 200
    reducer.add(day.slice(300, 400), START_S + 7)
    assert reducer.late == 100 + 50


def test_a_second_in_which_the_rate_changes_is_one_row() -> None:
    slow = regular_times_ns(START_NS, NS_PER_S // 25, 60)
    fast = regular_times_ns(int(slow[-1]) + NS_PER_S // 50, NS_PER_S // 50, 100)
    si = np.zeros((160, 6), np.float32)
    si[:, 0] = 9.8
    reducer = SecondReducer()
    reducer.add(ImuSamples(slow, si[:60], 25.0), 0)
    reducer.add(ImuSamples(fast, si[60:], 50.0), 0)
    rows = reducer.take(2**31)
    assert rows.second.tolist() == [START_S + s for s in range(5)]
    assert int(rows.count.sum()) == 160


def test_samples_far_apart_make_rows_of_their_own() -> None:
    times_ns = START_NS + np.array([0, 10**6, 2 * 10**6]) * NS_PER_S
    si = np.zeros((3, 6), np.float32)
    si[:, 2] = -9.8
    _, rows = reduced(ImuSamples(times_ns, si, RATE_HZ))
    assert rows.count.tolist() == [1, 1, 1]
    assert np.allclose(rows.sums[:, UP_Z], -1.0, atol=1e-6)


@given(stop=st.integers(1, 400))
def test_the_filter_stopped_and_resumed_equals_the_uninterrupted_one(stop: int) -> None:
    day = samples_of([Hold(4, 10), Hold(4, 50)], Placement.T4)
    gyro, accel = (np.array(day.si[:, c].T, np.float64) for c in (slice(3, 6), slice(3)))
    gaps = Gaps.of_steps(np.zeros(1, np.int64), RATE_HZ)
    whole = OrientationFilter(RATE_HZ).update(gyro, accel, gaps)
    first = OrientationFilter(RATE_HZ)
    begun = first.update(gyro[:, :stop], accel[:, :stop], gaps)
    resumed = OrientationFilter.from_state(first.state())
    ended = resumed.update(gyro[:, stop:], accel[:, stop:], gaps)
    assert np.array_equal(np.concatenate([begun, ended], axis=1), whole)
