"""Bytes of the Movella DOT, by hand from its service specification."""

from __future__ import annotations

import pytest

from contracts.errors import DecodeError, Reason
from device_gateway.profiles.dot import (
    BATTERY_UUID,
    CONTROL_UUID,
    DEVICE_CONTROL_UUID,
    MEDIUM_UUID,
    PROFILE,
    DotCodec,
)
from device_gateway.profiles.port import Read, Subscribe, Write
from tests.device_gateway.profiles.reading import read

# 9.80665, 1 and −1 m/s²; 90, −2000 and 0.0625 deg/s
FLOATS = bytes.fromhex("0ae81c41 0000803f 000080bf  0000b442 0000fac4 0000803d")
ROW = [2048, 209, -209, 1475, -32768, 1]
#: Settings of a sensor at 60 Hz with the tag "Xsens DOT" and the general filter.
AT_60_HZ = bytes.fromhex(
    "00 00 02 0a00 1e00 09 5873656e7320444f54 00000000000000 3c00 00 0000000000"
)


def sample(time_us: int, *, floats: bytes = FLOATS, padding: bytes = b"") -> bytes:
    return (time_us % 2**32).to_bytes(4, "little") + floats + padding


@pytest.mark.parametrize("padding", [b"", bytes(12)])
def test_a_notification_is_a_time_and_six_floats(padding: bytes) -> None:
    found = read(DotCodec(60.0), MEDIUM_UUID, sample(0x01020304, padding=padding))
    assert found.samples.tolist() == [ROW]
    assert found.device_us == 0x01020304
    assert found.lost_before == 0


def test_readings_saturate() -> None:
    floats = bytes.fromhex("00007a44 00007ac4 00000000 0000fa44 00401c46 00401cc6")
    found = read(DotCodec(60.0), MEDIUM_UUID, sample(0, floats=floats))
    assert found.samples.tolist() == [[32767, -32768, 0, 32767, 32767, -32768]]


def test_time_goes_on_beyond_71_minutes() -> None:
    codec = DotCodec(60.0)
    times = [2**32 - 20_000 + 16_667 * tick for tick in range(4)]
    found = [read(codec, MEDIUM_UUID, sample(time)).device_us for time in times]
    assert found == times
    assert times[-1] > 2**32


def test_missing_samples_are_counted_from_the_times() -> None:
    codec = DotCodec(60.0)
    times = [0, 16_667, 66_668, 83_335, 5_083_435]
    found = [read(codec, MEDIUM_UUID, sample(time)).lost_before for time in times]
    assert found == [0, 0, 2, 0, 299]


def test_a_wrong_time_is_refused_and_a_new_start_believed_at_the_second() -> None:
    codec = DotCodec(60.0)
    read(codec, MEDIUM_UUID, sample(500_000_000))
    for wrong in (500_000_000, 499_000_000, 511_000_000):  # still, back, too far
        with pytest.raises(DecodeError) as refused:
            codec.on_value(MEDIUM_UUID, sample(wrong))
        assert refused.value.reason is Reason.OUT_OF_RANGE
    found = read(codec, MEDIUM_UUID, sample(500_016_667))
    assert found.device_us == 500_016_667
    with pytest.raises(DecodeError):
        codec.on_value(MEDIUM_UUID, sample(1000))
    anew = read(codec, MEDIUM_UUID, sample(17_667))
    assert (anew.device_us, anew.lost_before) == (17_667, 0)


@pytest.mark.parametrize(
    "value",
    [
        sample(0)[:-1],
        sample(0, padding=bytes(13)),
        sample(0, padding=b"\0\1"),
        sample(0, floats=bytes.fromhex("0000c07f") + FLOATS[4:]),
        sample(0, floats=bytes.fromhex("0100a07f") + FLOATS[4:]),
        sample(0, floats=FLOATS[:20] + bytes.fromhex("000080ff")),
    ],
    ids=["short", "long", "padding", "nan", "signalling nan", "infinite"],
)
def test_other_bytes_are_refused(value: bytes) -> None:
    codec = DotCodec(60.0)
    with pytest.raises(DecodeError):
        codec.on_value(MEDIUM_UUID, value)
    assert read(codec, MEDIUM_UUID, sample(1)).device_us == 1


def test_the_rate_is_written_where_it_is_another_and_nothing_else_is() -> None:
    codec = DotCodec(30.0)
    steps = []
    for step in codec.opening():
        steps.append(step)
        if step == Read(DEVICE_CONTROL_UUID):
            written = [each.value for each in steps if isinstance(each, Write)]
            codec.on_value(DEVICE_CONTROL_UUID, written[1] if len(written) > 1 else AT_60_HZ)
    at_30_hz = bytes.fromhex(
        "10 00 02 0a00 1e00 09 5873656e7320444f54 00000000000000 1e00 00 0000000000"
    )
    assert steps == [
        Write(CONTROL_UUID, b"\x01\x00\x15"),
        Read(DEVICE_CONTROL_UUID),
        Write(DEVICE_CONTROL_UUID, at_30_hz),
        Read(DEVICE_CONTROL_UUID),
        Read(BATTERY_UUID),
        Subscribe(BATTERY_UUID),
        Subscribe(MEDIUM_UUID),
        Write(CONTROL_UUID, b"\x01\x01\x15"),
    ]
    assert codec.rate_hz == 30.0
    assert list(codec.closing()) == [Write(CONTROL_UUID, b"\x01\x00\x15")]


def test_a_rate_that_is_there_already_is_not_written() -> None:
    codec = DotCodec(60.0)
    steps = []
    for step in codec.opening():
        steps.append(step)
        if step == Read(DEVICE_CONTROL_UUID):
            codec.on_value(DEVICE_CONTROL_UUID, AT_60_HZ)
    assert not [step for step in steps if getattr(step, "uuid", "") == DEVICE_CONTROL_UUID][1:]


def test_what_the_sensor_says_of_its_rate_counts() -> None:
    codec = DotCodec(30.0)
    assert codec.on_value(DEVICE_CONTROL_UUID, AT_60_HZ) is None
    assert codec.rate_hz == 60.0
    for wrong in (AT_60_HZ[:-1], AT_60_HZ[:24] + bytes(8), AT_60_HZ[:24] + b"\xff" * 8):
        with pytest.raises(DecodeError):
            codec.on_value(DEVICE_CONTROL_UUID, wrong)
    assert codec.rate_hz == 60.0


def test_battery_level() -> None:
    codec = DotCodec(60.0)
    assert codec.on_value(BATTERY_UUID, b"\x57\x01") is None
    assert codec.battery_percent == 87
    with pytest.raises(DecodeError):
        codec.on_value(BATTERY_UUID, b"\x65\x00")
    assert codec.battery_percent == 87


def test_both_names_of_the_make() -> None:
    assert PROFILE.recognises(frozenset(), "Movella DOT")
    assert PROFILE.recognises(frozenset(), "Xsens DOT")
    assert not PROFILE.recognises(frozenset(), "Movella")
