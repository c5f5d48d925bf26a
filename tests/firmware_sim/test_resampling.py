"""A fast recording as firmware sends it: nothing of the turn is lost, and gravity stays gravity."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from contracts.imu import ImuSamples, regular_times_ns
from contracts.units import NS_PER_S
from firmware_sim.player import SENT_HZ, SamplesSource
from firmware_sim.resampling import integrated

FAST_HZ = 400.0
PERIOD_NS = NS_PER_S // 400
G_M_S2 = 9.81


def moving(amplitude_rad_s: np.ndarray, seconds: float) -> tuple[ImuSamples, Rotation]:
    """A sensor that coned about all axes at 2 to 4 Hz, and how it sat at each sample."""
    finer = 20
    t_s = np.arange(round(seconds * FAST_HZ) * finer + 1) / (FAST_HZ * finer)
    phases = 2 * np.pi * t_s[:, None] * [2.0, 3.0, 4.0] + [0.0, 1.0, 2.0]
    gyro = amplitude_rad_s * np.sin(phases)
    steps = Rotation.from_rotvec((gyro[1:] + gyro[:-1]) / 2 / (FAST_HZ * finer))
    sat = [Rotation.identity()]
    for step in steps:
        sat.append(sat[-1] * step)
    attitude = Rotation.concatenate(sat)[::finer]
    si = np.concatenate([attitude.inv().apply([0.0, 0.0, G_M_S2]), gyro[::finer]], axis=1)
    times_ns = regular_times_ns(0, PERIOD_NS, len(si))
    return ImuSamples(times_ns, si.astype(np.float32), FAST_HZ), attitude


def test_a_sensor_at_rest_reads_the_same_at_every_tick_that_is_covered() -> None:
    still = np.tile(np.array([1.0, 2.0, 9.0, 0.0, 0.0, 0.0], np.float32), (401, 1))
    samples = ImuSamples(regular_times_ns(0, PERIOD_NS, 401), still, FAST_HZ)
    ticks, si = integrated(samples, 0, SENT_HZ)
    assert ticks.tolist() == list(range(1, 50))  # 0 and 50 reach half a period beyond
    np.testing.assert_allclose(si, np.tile(still[0], (49, 1)), atol=1e-12)


@given(st.tuples(*[st.floats(-8, 8)] * 3))
def test_of_an_even_turn_rate_and_gravity_are_those_at_the_tick(
    rate_rad_s: tuple[float, float, float],
) -> None:
    t_s = np.arange(81) / FAST_HZ
    gravity = Rotation.from_rotvec(-np.outer(t_s, rate_rad_s)).apply([G_M_S2, 0.0, 0.0])
    si = np.concatenate([gravity, np.tile(rate_rad_s, (81, 1))], axis=1).astype(np.float32)
    ticks, sent = integrated(
        ImuSamples(regular_times_ns(0, PERIOD_NS, 81), si, FAST_HZ), 0, SENT_HZ
    )
    np.testing.assert_allclose(sent[:, 3:], si[: ticks.size, 3:], atol=1e-6)
    np.testing.assert_allclose(sent[:, :3], gravity[ticks * 8], atol=2e-3)


def test_the_turns_of_a_fast_movement_add_up_to_the_whole_of_it() -> None:
    samples, attitude = moving(np.array([9.0, 7.0, 8.0]), 2.0)
    ticks, si = integrated(samples, 0, SENT_HZ)
    start, end = (round((ticks[i] + side) * 8) for i, side in ((0, -0.5), (-1, 0.5)))
    whole = attitude[start].inv() * attitude[end]

    def missed_deg(turns: np.ndarray) -> float:
        added = Rotation.identity()
        for turn in Rotation.from_rotvec(turns / SENT_HZ):
            added = added * turn
        return float(np.degrees((whole.inv() * added).magnitude()))

    assert missed_deg(si[:, 3:]) < 0.05
    assert missed_deg(samples.si[ticks * 8, 3:].astype(float)) > 0.5  # picked at the ticks
    np.testing.assert_allclose(
        si[:, :3], attitude[ticks * 8].inv().apply([0.0, 0.0, G_M_S2]), atol=0.02
    )


def test_ticks_that_a_hole_touches_are_lost_and_a_piece_too_short_gives_none() -> None:
    samples, _ = moving(np.array([1.0, 0.0, 0.0]), 1.0)
    there = np.ones(len(samples), bool)
    there[100:150] = False  # 0.25 to 0.375 s: samples up to 0.2475 and from 0.375 s on
    there[155:200] = False
    holed = ImuSamples(samples.utc_ns[there], samples.si[there], FAST_HZ)
    ticks, si = integrated(holed, 0, SENT_HZ)
    assert ticks.tolist() == [*range(1, 12), *range(26, 50)]
    whole_ticks, whole = integrated(samples, 0, SENT_HZ)
    np.testing.assert_allclose(si, whole[np.isin(whole_ticks, ticks)], atol=1e-9)


def test_samples_too_fast_to_be_sent_are_played_at_the_kits_rate() -> None:
    samples, _ = moving(np.array([2.0, 1.0, 0.0]), 1.0)
    source = SamplesSource(samples, 0, "T4")
    assert (source.rate_hz, source.end_tick) == (SENT_HZ, 50)
    ticks, si = integrated(samples, 0, SENT_HZ)
    chunk = source.read(10, 20)
    assert chunk.ticks.tolist() == list(range(10, 20))
    np.testing.assert_array_equal(chunk.si, si[(ticks >= 10) & (ticks < 20)])
