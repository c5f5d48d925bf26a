"""Bytes of WitMotion's sensors, by hand from its protocol and from captures that others published."""

from __future__ import annotations

import pytest

from contracts.errors import DecodeError, Reason
from device_gateway.profiles.port import Pause, Subscribe, Write
from device_gateway.profiles.witmotion import (
    NOTIFY_UUID,
    PROFILE,
    WRITE_UUID,
    WitMotionCodec,
)
from tests.device_gateway.profiles.reading import read, rows

# lying still on a table, z up: 2063 LSB of 16 g / 32768 is 1.007 g
STILL = bytes.fromhex("5561 35ff 59ff 0f08 0000 0000 0000 b9fc 0100 0200")
STILL_READINGS = [-203, -167, 2063, 0, 0, 0]
SWINGING = bytes.fromhex("5561 e403 ebf4 3f00 7c02 02ff 3300 52fe 0000 0080")
SWINGING_READINGS = [996, -2837, 63, 636, -254, 51]
#: The register read of the protocol's own example: the magnetic field.
FIELD = bytes.fromhex("5571 3a00 6801 6900 7a00 0000 0000 0000 0000 0000")
RATE_IS_100 = bytes.fromhex("5571 0300 0900 0200 0000 0000 0000 0000 0000 0000")
BATTERY_IS_3V70 = bytes.fromhex("5571 6400 7201 0000 0000 0000 0000 0000 0000 0000")


def codec() -> WitMotionCodec:
    return WitMotionCodec(50.0)


def readings(*values: bytes) -> list[list[int]]:
    return rows(codec(), NOTIFY_UUID, *values)


def test_a_frame_is_nine_numbers_of_which_six_are_readings() -> None:
    assert readings(STILL) == [STILL_READINGS]
    assert readings(SWINGING) == [SWINGING_READINGS]


def test_one_g_and_a_turn_in_the_scale() -> None:
    frame = bytes.fromhex("5561 0008 0000 00f8 0040 0000 00c0 0000 0000 0000")
    (row,) = PROFILE.scale.to_si(read(codec(), NOTIFY_UUID, frame).samples).tolist()
    assert row == pytest.approx([9.80665, 0, -9.80665, 17.453293, 0, -17.453293])


def test_two_frames_in_a_notification_as_at_50_hz() -> None:
    assert readings(STILL + SWINGING) == [STILL_READINGS, SWINGING_READINGS]


@pytest.mark.parametrize("cut", range(1, 40))
def test_frames_may_be_split_anywhere(cut: int) -> None:
    both = STILL + SWINGING
    assert readings(both[:cut], both[cut:]) == [STILL_READINGS, SWINGING_READINGS]


def test_a_frame_cut_off_is_lost_and_said_so() -> None:
    one = codec()
    assert one.on_value(NOTIFY_UUID, STILL[:11]) is None
    found = read(one, NOTIFY_UUID, SWINGING)
    assert found.samples.tolist() == [SWINGING_READINGS]
    assert found.lost_before == 1
    assert read(one, NOTIFY_UUID, STILL).lost_before == 0


def test_pieces_of_two_frames_never_pass_for_one() -> None:
    one = codec()
    assert one.on_value(NOTIFY_UUID, STILL[:13]) is None
    assert one.on_value(NOTIFY_UUID, SWINGING[:7]) is None  # 20 bytes in all
    found = read(one, NOTIFY_UUID, STILL)
    assert found.samples.tolist() == [STILL_READINGS]
    assert found.lost_before == 2


def test_a_head_inside_a_frame_is_no_head() -> None:
    frame = bytes.fromhex("5561 5561 5561 5561 5561 5561 5561 5561 5561 5561")
    assert readings(frame[:7], frame[7:]) == [[0x6155] * 6]


def test_garbage_is_refused_and_the_next_frame_read() -> None:
    one = codec()
    with pytest.raises(DecodeError) as refused:
        one.on_value(NOTIFY_UUID, bytes(20))
    assert refused.value.reason is Reason.BAD_FIELD
    assert read(one, NOTIFY_UUID, STILL).samples.tolist() == [STILL_READINGS]


def test_frames_with_a_time_stamp_belong_to_another_model() -> None:
    with pytest.raises(DecodeError):
        readings(STILL + bytes.fromhex("1a07 1611 0c00 e803"))


def test_what_is_kept_of_a_frame_is_less_than_one() -> None:
    one = codec()
    for _ in range(1000):
        one.on_value(NOTIFY_UUID, STILL[:19])
        assert len(one._rest) < 20


def test_registers_are_read_between_the_frames() -> None:
    one = codec()
    assert one.on_value(NOTIFY_UUID, FIELD) is None
    assert (one.battery_percent, one.rate_hz) == (None, 50.0)
    assert read(one, NOTIFY_UUID, STILL + BATTERY_IS_3V70 + SWINGING).count == 2
    assert (one.battery_percent, one.rate_hz) == (20, 50.0)
    assert one.on_value(NOTIFY_UUID, RATE_IS_100) is None
    assert (one.battery_percent, one.rate_hz) == (20, 100.0)


@pytest.mark.parametrize(
    ("centivolts", "percent"), [(0, None), (339, 0), (340, 5), (392, 75), (396, 90), (397, 100)]
)
def test_battery_table(centivolts: int, percent: int | None) -> None:
    one = codec()
    one.on_value(NOTIFY_UUID, b"\x55\x71\x64\x00" + centivolts.to_bytes(2, "little") + bytes(14))
    assert one.battery_percent == percent


@pytest.mark.parametrize(
    ("rate_hz", "code"), [(10.0, "06"), (20.0, "07"), (50.0, "08"), (100.0, "09"), (200.0, "0b")]
)
def test_the_rate_is_set_and_asked_for_and_never_saved(rate_hz: float, code: str) -> None:
    steps = list(WitMotionCodec(rate_hz).opening())
    assert steps[0] == Subscribe(NOTIFY_UUID)
    written = [step for step in steps if isinstance(step, Write)]
    assert [step.value.hex() for step in written] == [
        "ffaa6988b5",
        f"ffaa03{code}00",
        "ffaa270300",
        "ffaa276400",
    ]
    assert {step.uuid for step in written} == {WRITE_UUID}
    assert [type(step) for step in steps[2::2]] == [Pause] * 4
    assert list(WitMotionCodec(rate_hz).closing()) == []


def test_a_vibration_meter_is_not_taken_for_one() -> None:
    assert PROFILE.recognises(frozenset(), "WT901BLE68")
    assert PROFILE.recognises(frozenset(), "BWT901BLE5.0")
    assert not PROFILE.recognises(frozenset(), "WTVB01-BT50")
