"""int16 to SI and back, and the batch that every part passes on."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import DecodeError, InvariantError
from contracts.imu import (
    ACCEL_RANGES_G,
    DEFAULT_SCALE,
    GYRO_RANGES_DEG_S,
    ImuSamples,
    ImuScale,
    Int16Samples,
    period_ns_of,
    regular_times_ns,
)
from contracts.units import NS_PER_S
from tests.contracts.strategies import readings, scales


def test_one_g_and_ninety_degrees_a_second_by_hand() -> None:
    # ± 4 g: 1 g is 32768 / 4 = 8192; ± 250 deg/s: 125 deg/s is 16384
    raw = np.array([[8192, 0, -8192, 16384, 0, -16384]], dtype=np.int16)
    si = ImuScale(4, 250).to_si(raw)
    assert si.dtype == np.float32
    np.testing.assert_allclose(
        si, [[9.80665, 0, -9.80665, np.pi * 125 / 180, 0, -np.pi * 125 / 180]], rtol=1e-7
    )


@given(scales, readings())
def test_quantising_what_was_read_gives_the_reading(scale: ImuScale, raw: Int16Samples) -> None:
    assert np.array_equal(scale.quantise(scale.to_si(raw)), raw)


@pytest.mark.parametrize("beyond", [1e3, 1e30])
def test_what_is_beyond_the_full_scale_saturates(beyond: float) -> None:
    si = np.array([[beyond, -beyond, 0, beyond, -beyond, 0]])
    assert DEFAULT_SCALE.quantise(si).tolist() == [[32767, -32768, 0, 32767, -32768, 0]]


@pytest.mark.parametrize(("accel_g", "gyro_deg_s"), [(0, 2000), (3, 2000), (16, 0), (16, 2001)])
def test_full_scales_that_do_not_exist(accel_g: int, gyro_deg_s: int) -> None:
    with pytest.raises(DecodeError):
        ImuScale(accel_g, gyro_deg_s)


def test_all_full_scales_fit_their_byte() -> None:
    assert all(g < 256 for g in ACCEL_RANGES_G)
    assert all(deg_s % 125 == 0 and deg_s // 125 < 256 for deg_s in GYRO_RANGES_DEG_S)


def batch(count: int, *, ended: bool = False) -> ImuSamples:
    return ImuSamples(
        regular_times_ns(0, 20_000_000, count),
        np.arange(count * 6, dtype=np.float32).reshape(count, 6),
        50.0,
        ended,
    )


@given(st.integers(0, 40), st.data())
def test_pieces_make_the_whole(count: int, data: st.DataObject) -> None:
    whole = batch(count, ended=True)
    cut = data.draw(st.integers(0, count))
    head, tail = whole.slice(0, cut), whole.slice(cut, count)
    assert np.array_equal(np.concatenate([head.utc_ns, tail.utc_ns]), whole.utc_ns)
    assert np.array_equal(np.concatenate([head.si, tail.si]), whole.si)
    assert tail.ended
    assert head.ended == (cut == count)


def test_samples_and_times_must_fit() -> None:
    with pytest.raises(InvariantError):
        ImuSamples(regular_times_ns(0, 1, 2), np.zeros((3, 6), np.float32), 50.0)
    with pytest.raises(InvariantError):
        ImuSamples(regular_times_ns(0, 1, 3), np.zeros((3, 5), np.float32), 50.0)


def test_times_of_a_day_are_exact() -> None:
    start_ns = 1_767_225_600_000_000_001
    times_ns = regular_times_ns(start_ns, 20_000_000, 24 * 3600 * 50)
    assert times_ns[-1] == start_ns + 86_400 * NS_PER_S - 20_000_000


@pytest.mark.parametrize(
    ("rate_hz", "period_ns"), [(50, 20_000_000), (59.94, 16_683_350), (285.7, 3_500_175)]
)
def test_period_of_a_rate(rate_hz: float, period_ns: int) -> None:
    assert period_ns_of(rate_hz) == period_ns
