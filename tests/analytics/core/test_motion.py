"""What is summed of samples, held against NumPy's own statistics and against plain loops."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from analytics.core.motion import (
    RAILED_ACCEL_M_S2,
    RAILED_GYRO_RAD_S,
    mean_of,
    mean_square,
    turn_covariance,
)
from analytics.core.rows import (
    ACC_CHANGE_SQ,
    ACC_X,
    GYRO_CHANGE_SQ,
    GYRO_X,
    MAG,
    MAG_CHANGE_SQ,
    MAG_STEP_SQ,
    RAILED,
    SAME,
    SUMS,
    UP_X,
    SecondRows,
)
from analytics.core.seconds import SecondReducer
from contracts.imu import DEFAULT_SCALE, ImuSamples, regular_times_ns
from contracts.units import NS_PER_S
from contracts.vocabulary import Placement
from tests.analytics.core.bodies import RATE_HZ, START_NS, Hold, samples_of

PERIOD_NS = NS_PER_S // 50


def reduced(si: np.ndarray, times_ns: np.ndarray | None = None) -> SecondRows:
    reducer = SecondReducer()
    times_ns = regular_times_ns(START_NS, PERIOD_NS, len(si)) if times_ns is None else times_ns
    reducer.add(ImuSamples(times_ns, si.astype(np.float32), RATE_HZ), 0)
    return reducer.take(2**31)


DAY = samples_of([Hold(6, 10, 3, 5, 1.0, 3.0), Hold(6, 40, -5)], Placement.T4)
ROWS = reduced(DAY.si)
BY_SECOND = DAY.si.astype(np.float64).reshape(-1, 50, 6)


def test_means_squares_and_covariances_are_those_of_the_seconds_samples() -> None:
    for vector, columns in ((ACC_X, slice(0, 3)), (GYRO_X, slice(3, 6))):
        mean = mean_of(ROWS.sums, ROWS.count, vector)
        np.testing.assert_allclose(mean, BY_SECOND[:, :, columns].mean(axis=1), atol=1e-12)
        square = (BY_SECOND[:, :, columns] ** 2).sum(axis=2).mean(axis=1)
        np.testing.assert_allclose(mean_square(ROWS.sums, ROWS.count, vector), square)
    covariance = turn_covariance(ROWS.sums, ROWS.count)
    expected = [np.cov(s.T, bias=True) for s in BY_SECOND[:, :, 3:]]
    np.testing.assert_allclose(covariance, expected, atol=1e-12)


def test_up_is_a_unit_vector_and_holds_while_it_is_held() -> None:
    length = np.linalg.norm(mean_of(ROWS.sums, ROWS.count, UP_X), axis=1)
    turning = int(np.argmin(length))
    assert turning in (4, 5)  # the pose changes in seconds 4 to 6
    assert length[turning] < 0.999 < length[8:].min() <= length.max() <= 1 + 1e-9


def test_rows_added_up_and_of_several_sensors_have_covariances_too() -> None:
    pair = np.stack([ROWS.sums[:4].sum(axis=0), ROWS.sums[4:].sum(axis=0)])
    count = np.array([ROWS.count[:4].sum(), ROWS.count[4:].sum()])
    together = turn_covariance(pair, count)
    expected = np.cov(BY_SECOND[:4, :, 3:].reshape(-1, 3).T, bias=True)
    np.testing.assert_allclose(together[0], expected, atol=1e-12)
    several = turn_covariance(np.zeros((5, 2, SUMS)), np.zeros((5, 2), np.int32))
    assert several.shape == (5, 2, 3, 3)


def test_where_nothing_was_counted_there_is_no_mean() -> None:
    none, zero = np.zeros((1, SUMS)), np.zeros(1, np.int32)
    assert np.isnan(mean_of(none, zero, ACC_X)).all()
    assert np.isnan(turn_covariance(none, zero)).all()
    assert mean_square(none, zero, ACC_X).tolist() == [0.0]
    assert mean_square(none, zero, GYRO_X).tolist() == [0.0]


def test_changes_are_over_a_25th_of_a_second_over_a_seconds_edge_but_not_over_a_gap() -> None:
    si = np.tile(np.array([9, 0, 0, 0, 0, 0], np.float32), (100, 1))
    si[50:, :3] += np.array([0, 2, 0], np.float32)  # between the two seconds
    si[75:, 3:] += np.array([0.5, 0, 1], np.float32)
    rows = reduced(si)
    # two samples at 50 Hz: each change is seen twice, the step of the length once
    assert rows.sums[1, [ACC_CHANGE_SQ, GYRO_CHANGE_SQ]].tolist() == [8.0, 2.5]
    assert rows.sums[0, ACC_CHANGE_SQ : MAG_STEP_SQ + 1].tolist() == [0.0] * 4
    step_sq = (np.sqrt(85) - 9) ** 2
    np.testing.assert_allclose(
        rows.sums[1, MAG_CHANGE_SQ : MAG_STEP_SQ + 1], [2 * step_sq, step_sq]
    )
    np.testing.assert_allclose(rows.sums[:, MAG], [450.0, 50 * np.sqrt(85)])
    times_ns = regular_times_ns(START_NS, PERIOD_NS, 100)
    times_ns[50:] += NS_PER_S // 2
    assert reduced(si, times_ns).sums[1, ACC_CHANGE_SQ] == 0.0


@given(
    rate_hz=st.sampled_from([20.0, 25.0, 50.0, 104.0]),
    gap_at=st.one_of(st.none(), st.integers(1, 399)),
    cut_at=st.integers(1, 399),
)
def test_changes_are_those_of_a_plain_loop_wherever_the_samples_are_cut(
    rate_hz: float, gap_at: int | None, cut_at: int
) -> None:
    lag = {20.0: 1, 25.0: 1, 50.0: 2, 104.0: 4}[rate_hz]
    si = np.random.default_rng(5).normal(0, 1, (400, 6)).astype(np.float32)
    times_ns = regular_times_ns(START_NS, round(NS_PER_S / rate_hz), 400)
    if gap_at is not None:
        times_ns[gap_at:] += NS_PER_S // 5
    reducer = SecondReducer()
    rows = []
    for part in (slice(0, cut_at), slice(cut_at, 400)):
        reducer.add(ImuSamples(times_ns[part], si[part], rate_hz), 0)
        rows.append(reducer.take(int(times_ns[part][-1] // NS_PER_S)))
    rows.append(reducer.take(2**31))
    found = SecondRows.concat([r for r in rows if len(r)]).sums[:, GYRO_CHANGE_SQ].sum()
    expected = sum(
        np.sum((si[i, 3:].astype(float) - si[i - lag, 3:].astype(float)) ** 2)
        for i in range(lag, 400)
        if gap_at is None or not i - lag < gap_at <= i
    )
    np.testing.assert_allclose(found, expected)


def repeats(si: np.ndarray, gap_at: int | None) -> tuple[int, int]:
    """SAME and RAILED, sample by sample."""
    same = railed = 0
    far = [RAILED_ACCEL_M_S2] * 3 + [RAILED_GYRO_RAD_S] * 3
    for index in range(1, len(si)):
        if index != gap_at:
            equal = si[index] == si[index - 1]
            same += bool(equal.all())
            railed += bool((equal & (np.abs(si[index]) > far)).any())
    return same, railed


@given(
    seed=st.integers(0, 2**32 - 1),
    swing=st.sampled_from([1, 3, 40, 4000, 60_000]),
    stuck=st.tuples(st.integers(0, 199), st.integers(0, 40)),
    gap_at=st.one_of(st.none(), st.integers(1, 199)),
)
def test_exact_repeats_are_counted_as_a_loop_would(
    seed: int, swing: int, stuck: tuple[int, int], gap_at: int | None
) -> None:
    random = np.random.default_rng(seed)
    raw = random.integers(-swing, swing + 1, (200, 6))
    raw[:, 0] += 2048
    raw[stuck[0] : stuck[0] + stuck[1]] = raw[stuck[0]]
    si = DEFAULT_SCALE.to_si(np.clip(raw, -32768, 32767).astype(np.int16))
    times_ns = regular_times_ns(START_NS, PERIOD_NS, 200)
    if gap_at is not None:
        times_ns[gap_at:] += 3 * PERIOD_NS
    rows = reduced(si, times_ns)
    counted = rows.sums[:, [SAME, RAILED]].sum(axis=0)
    assert tuple(counted.astype(int)) == repeats(si, gap_at)


def test_a_sensor_that_was_switched_off_in_between_repeats_nothing() -> None:
    si = np.tile(np.array([9.8, 0, 0, 0, 0, 0], np.float32), (100, 1))
    times_ns = regular_times_ns(START_NS, PERIOD_NS, 100)
    reducer = SecondReducer()
    reducer.add(ImuSamples(times_ns[:50], si[:50], RATE_HZ, ended=True), 0)
    reducer.add(ImuSamples(times_ns[50:], si[50:], RATE_HZ), 0)
    assert reducer.take(2**31).sums[:, SAME].tolist() == [49.0, 49.0]
