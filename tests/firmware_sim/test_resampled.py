"""A recording at another rate: the same movement, and held still before it begins."""

from __future__ import annotations

import numpy as np
import pytest

from contracts.errors import RecordingError
from contracts.imu import ImuSamples
from firmware_sim.resampled import ResampledSource, glitches_in

RATE_HZ = 50.0


BIAS_RAD_S = (0.004, -0.002, 0.001)


def swinging(seconds: float = 20.0) -> ImuSamples:
    """0.2 Hz about y, which the sensor feels, and gravity as it sees it then."""
    t_s = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    angle = 0.5 * np.sin(2 * np.pi * 0.2 * t_s)
    si = np.zeros((t_s.size, 6))
    si[:, 0], si[:, 2] = 9.80665 * np.cos(angle), 9.80665 * np.sin(angle)
    si[:, 4] = 0.5 * 2 * np.pi * 0.2 * np.cos(2 * np.pi * 0.2 * t_s)
    return ImuSamples(np.rint(t_s * 1e9).astype(np.int64), si.astype(np.float32), RATE_HZ)


@pytest.mark.parametrize("rate_hz", [13.0, 30.0, 50.0, 52.0, 60.0, 104.0, 200.0])
def test_the_movement_is_the_same_at_every_rate(rate_hz: float) -> None:
    source = ResampledSource(swinging(), 0, rate_hz, "a swing")
    chunk = source.read(0, source.end_tick)
    t_s = chunk.ticks / rate_hz
    angle = 0.5 * np.sin(2 * np.pi * 0.2 * t_s)
    assert np.abs(chunk.si[:, 2] - 9.80665 * np.sin(angle)).max() < 0.05
    assert np.abs(chunk.si[:, 4] - 0.2 * np.pi * np.cos(0.4 * np.pi * t_s)).max() < 0.005
    assert chunk.ticks.size == pytest.approx(19.98 * rate_hz, abs=3)


def leaning(rate_hz: float = RATE_HZ) -> ImuSamples:
    """Ten seconds upright and ten bent by 30°, with a bias of the gyroscope and a turn at either end."""
    t_s = np.arange(int(20 * rate_hz)) / rate_hz
    angle = np.where(t_s < 10.0, 0.0, np.radians(30.0))
    si = np.zeros((t_s.size, 6))
    si[:, 0], si[:, 2] = 9.80665 * np.cos(angle), 9.80665 * np.sin(angle)
    si[:, 3:] = BIAS_RAD_S
    si[[0, -1], 4] = 0.5  # what was being read as it began and ended
    return ImuSamples(np.rint(t_s * 1e9).astype(np.int64), si.astype(np.float32), rate_hz)


def test_before_it_begins_its_wearer_holds_still() -> None:
    source = ResampledSource(leaning(), 0, 60.0, "a lean", lead_s=10)
    held = source.read(0, 600)
    assert held.ticks.tolist() == list(range(600))
    assert np.allclose(held.si, [9.80665, 0.0, 0.0, *BIAS_RAD_S], atol=1e-4)
    plain = ResampledSource(leaning(), 0, 60.0, "a lean")
    assert source.end_tick == plain.end_tick + 600
    played, wanted = source.read(610, 700), plain.read(10, 100)
    assert (played.ticks - 600).tolist() == wanted.ticks.tolist()
    assert np.array_equal(played.si, wanted.si)


def test_after_its_end_its_wearer_holds_still() -> None:
    source = ResampledSource(leaning(), 0, 60.0, "a lean", tail_s=5)
    plain = ResampledSource(leaning(), 0, 60.0, "a lean")
    assert source.end_tick == plain.end_tick + 300
    held = source.read(plain.end_tick, source.end_tick)
    assert held.ticks.tolist() == list(range(plain.end_tick, source.end_tick))
    bent = 9.80665 * np.array([np.cos(np.radians(30.0)), 0.0, np.sin(np.radians(30.0))])
    assert np.allclose(held.si, [*bent, *BIAS_RAD_S], atol=1e-4)


def test_cuts_do_not_matter() -> None:
    source = ResampledSource(swinging(), 0, 60.0, "a swing", lead_s=2, tail_s=3)
    whole = source.read(0, source.end_tick)
    parts = [
        source.read(start, min(start + 77, source.end_tick))
        for start in range(0, source.end_tick, 77)
    ]
    assert np.array_equal(np.concatenate([part.ticks for part in parts]), whole.ticks)
    assert np.array_equal(np.concatenate([part.si for part in parts]), whole.si)


def test_too_short_a_recording_is_refused() -> None:
    with pytest.raises(RecordingError):
        ResampledSource(swinging(0.04), 0, 10.0, "a moment")


@pytest.mark.parametrize("rate_hz", [30.0, 50.0, 60.0, 200.0])
def test_a_glitch_stays_one_reading(rate_hz: float) -> None:
    plain, glitched = swinging(), swinging()
    glitched.si[500, 4] += 26.0
    glitched.si[700, 0] -= 110.0
    source = ResampledSource(glitched, 0, rate_hz, "a swing")
    chunk = source.read(0, source.end_tick)
    wanted = ResampledSource(plain, 0, rate_hz, "a swing").read(0, source.end_tick)
    apart = np.abs(chunk.si - wanted.si)
    assert (
        np.flatnonzero(apart.max(axis=1) > 1.0).tolist()
        == np.searchsorted(chunk.ticks, [round(10.0 * rate_hz), round(14.0 * rate_hz)]).tolist()
    )
    assert np.sort(apart.max(axis=1))[:-2].max() < 0.05


def test_a_fast_turn_is_no_glitch() -> None:
    assert not glitches_in(swinging().si).size
    turning = np.zeros((9, 6), np.float32)
    turning[3:6, 3] = 6.0
    assert not glitches_in(turning).size
    turning[4:6, 3] = 0.0
    assert glitches_in(turning).tolist() == [3]
