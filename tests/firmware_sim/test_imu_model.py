from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.units import NS_PER_S, RAD_PER_DEG
from contracts.vocabulary import Placement
from firmware_sim.body import Body
from firmware_sim.clock import DeviceClock
from firmware_sim.imu_model import (
    ACCEL_NOISE_M_S2_RTHZ,
    BACK_SLOPE_DEG,
    BLOCK_TICKS,
    BodySource,
    ImuErrors,
)
from firmware_sim.scenario import Scenario

T0 = 1_700_000_000 * NS_PER_S


def source(
    *, errors: ImuErrors | None = None, clock: DeviceClock | None = None, seed: int = 1
) -> BodySource:
    rng = np.random.default_rng(seed)
    return BodySource(
        Body(Scenario(rng), rng),
        Placement.T4,
        rate_hz=50.0,
        start_ns=T0,
        clock=clock or DeviceClock(T0),
        errors=errors or ImuErrors.drawn(rng, Placement.T4),
        seed=seed,
    )


@settings(max_examples=25)
@given(
    start=st.integers(0, 3 * BLOCK_TICKS),
    lengths=st.lists(st.integers(1, BLOCK_TICKS + 5), min_size=1, max_size=6),
)
def test_cutting_does_not_matter(start: int, lengths: list[int]) -> None:
    whole = source().read(start, start + sum(lengths))
    pieces, done, other = [], start, source()
    for length in lengths:
        pieces.append(other.read(done, done + length))
        done += length
    np.testing.assert_array_equal(np.concatenate([p.ticks for p in pieces]), whole.ticks)
    np.testing.assert_array_equal(np.concatenate([p.si for p in pieces]), whole.si)


def test_the_same_seed_is_the_same_client_and_another_is_not() -> None:
    one, same, other = (source(seed=seed).read(0, 100).si for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert (one != other).all()


def test_a_perfect_sensor_reads_the_body() -> None:
    perfect = source(errors=ImuErrors.none())
    ticks = np.arange(500, dtype=np.int64)
    force, rate = perfect._body.motion(ticks / 50.0, Placement.T4)
    read = perfect.read(0, 500).si
    np.testing.assert_allclose(read, np.hstack([force, rate]), atol=1e-9)


def test_a_drifting_clock_samples_the_same_movement_at_its_own_times() -> None:
    fast = source(errors=ImuErrors.none(), clock=DeviceClock(T0 + 250_000_000, 100.0))
    tick = np.array([50 * 3600], dtype=np.int64)
    time_s = 0.25 + 3600.0 / 1.0001
    assert fast.times_s(tick)[0] == pytest.approx(time_s, abs=1e-9)
    force, _ = fast._body.motion(np.array([time_s]), Placement.T4)
    np.testing.assert_allclose(fast.read(tick[0], tick[0] + 1).si[0, :3], force[0], atol=1e-6)


def test_errors_are_what_they_are_drawn_to_be() -> None:
    drawn = [ImuErrors.drawn(np.random.default_rng(seed), Placement.T4) for seed in range(300)]
    up = np.array([e.mounting @ [1.0, 0.0, 0.0] for e in drawn])
    slope_deg = np.arctan2(up[:, 2], up[:, 0]) / RAD_PER_DEG
    assert slope_deg.mean() == pytest.approx(BACK_SLOPE_DEG[Placement.T4], abs=1.0)
    assert 3.0 < slope_deg.std() < 5.0
    bias = np.array([e.bias for e in drawn])
    assert 0.06 < bias[:, :3].std() < 0.08
    assert 0.0025 < bias[:, 3:].std() < 0.0035
    for errors in drawn[:5]:
        np.testing.assert_allclose(errors.mounting @ errors.mounting.T, np.eye(3), atol=1e-12)
        assert np.linalg.det(errors.mounting) == pytest.approx(1.0)


def test_noise_has_its_density() -> None:
    errors = ImuErrors.drawn(np.random.default_rng(1), Placement.T4)
    truth = np.zeros((50_000, 6))
    read = errors.applied(truth, np.zeros(50_000), 50.0, np.random.default_rng(2))
    deviation = read[:, :3].std(axis=0)
    np.testing.assert_allclose(deviation, ACCEL_NOISE_M_S2_RTHZ * 5.0, rtol=0.02)
    still = (read[:, 3:] - read[:, 3:].mean(axis=0)).std() / RAD_PER_DEG
    assert still == pytest.approx(0.035, rel=0.02)
