"""Turn rates between samples, gaps, and the filter's memory."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.core.gaps import Gaps
from analytics.core.orientation import OrientationFilter, turn_rate, up_of
from contracts.units import NS_PER_S

RATE_HZ = 50.0
PERIOD_NS = NS_PER_S // 50
PERIOD_S = 1 / RATE_HZ


def gaps_of(times_ns: np.ndarray) -> Gaps:
    return Gaps.of_steps(np.diff(times_ns, prepend=times_ns[0]), RATE_HZ)


NONE = gaps_of(np.arange(2) * PERIOD_NS)


def about_x(rate: np.ndarray) -> np.ndarray:
    return np.stack([rate, np.zeros_like(rate), np.zeros_like(rate)])


def test_of_a_rate_that_follows_a_parabola_the_whole_turn_is_taken() -> None:
    t_s = np.arange(-1, 8) * PERIOD_S
    antiderivative = 0.3 * t_s - 4.0 * t_s**2 / 2 + 90.0 * t_s**3 / 3
    turned = turn_rate(about_x(0.3 - 4.0 * t_s + 90.0 * t_s**2), NONE)
    np.testing.assert_allclose(turned[0], np.diff(antiderivative)[1:] / PERIOD_S, rtol=1e-12)


def test_a_turning_axis_adds_a_twelfth_of_the_cross_product() -> None:
    # from rate a evenly to rate b in T, half the integral of (turn so far) × (rate) is a × b T² / 12
    series = np.zeros((3, 4))
    series[0, 1] = series[0, 2] = 3.0
    series[1, 3] = 3.0
    z = turn_rate(series, NONE)[2]
    np.testing.assert_allclose(z, [0.0, 3.0 * 3.0 * PERIOD_S / 12])


def test_gaps_are_told_by_their_length() -> None:
    times_ns = np.cumsum([0, 1, 1.4, 2, 12, 13, 49, 50, 1]) * PERIOD_NS
    gaps = gaps_of(times_ns.astype(np.int64))
    assert gaps.at.tolist() == [3, 4, 5, 6, 7]
    assert gaps.bridged_periods.tolist() == [2, 12, 0, 0, 0]
    assert gaps.restarts == {7}
    assert gaps.lost == 1 + 11 + 12 + 48 + 49
    inside = gaps.between(4, 7)
    assert (inside.at.tolist(), inside.restarts) == ([0, 1, 2], set())


def test_over_a_short_gap_the_turn_is_even_and_over_a_longer_one_unknown() -> None:
    times_ns = np.array([0, 1, 5, 6, 20, 21]) * PERIOD_NS
    rate = np.array([1.0, 1.0, 2.0, 2.0, 5.0, 6.0])
    turned = turn_rate(about_x(np.concatenate([[1.0, 1.0], rate])), gaps_of(times_ns))
    # after a gap the reading stands for those before it: 5/12 of the new and 7/12 of it
    np.testing.assert_allclose(turned[0], [1, 1, 4 * 1.5, 2, 5, 5 + 5 / 12])


def test_an_even_turn_is_followed_through_single_losses() -> None:
    turn_rad_s, ticks = 1.2, np.flatnonzero(np.arange(150) % 7 != 3)
    angle = turn_rad_s * ticks * PERIOD_S
    still = np.zeros_like(angle)
    accel = 9.81 * np.stack([np.cos(angle), -np.sin(angle), still])
    gyro = np.stack([still, still, still + turn_rad_s])
    up = OrientationFilter(RATE_HZ).update(gyro, accel, gaps_of(ticks * PERIOD_NS))
    error = np.arccos(np.clip((up * accel / 9.81).sum(axis=0), -1, 1))
    assert np.degrees(error).max() < 0.1


@pytest.mark.parametrize(
    ("quat", "up"),
    [
        ([1, 0, 0, 0], [0, 0, 1]),
        ([np.sqrt(0.5), np.sqrt(0.5), 0, 0], [0, 1, 0]),  # turned about x: y has gone up
        ([0.5, 0.5, 0.5, 0.5], [0, 1, 0]),
        ([0, 1, 0, 0], [0, 0, -1]),
    ],
)
def test_up_in_the_sensors_axes(quat: list[float], up: list[float]) -> None:
    np.testing.assert_allclose(up_of(np.array([quat]))[:, 0], up, atol=1e-15)


@given(
    cuts=st.sets(st.integers(1, 119), max_size=12),
    lost=st.sets(st.integers(0, 200), max_size=80),
    seed=st.integers(0, 99),
)
def test_cuts_do_not_matter_wherever_samples_are_missing(
    cuts: set[int], lost: set[int], seed: int
) -> None:
    times_ns = np.array([t for t in range(201) if t not in lost][:120]) * PERIOD_NS
    random = np.random.default_rng(seed)
    gyro, accel = random.normal(0, 2, (3, 120)), random.normal(3, 3, (3, 120))
    gaps = gaps_of(times_ns)
    whole = OrientationFilter(RATE_HZ).update(gyro, accel, gaps)
    orientation, pieces = OrientationFilter(RATE_HZ), []
    edges = [0, *sorted(cuts), 120]
    for first, last in pairwise(edges):
        orientation = OrientationFilter.from_state(orientation.state())
        piece = orientation.update(
            gyro[:, first:last], accel[:, first:last], gaps.between(first, last)
        )
        pieces.append(piece)
    assert np.array_equal(np.concatenate(pieces, axis=1), whole)
