"""Bytes of Movesense, by hand from its protocol specification and layouts that others measured."""

from __future__ import annotations

import pytest

from contracts.errors import DecodeError, Reason
from contracts.gatt import BATTERY_LEVEL_UUID
from device_gateway.profiles.movesense import (
    MAX_ROWS,
    NOTIFY_UUID,
    PROFILE,
    WRITE_UUID,
    MovesenseCodec,
)
from device_gateway.profiles.port import Read, Subscribe, Write
from tests.device_gateway.profiles.reading import read

ONE_G = bytes.fromhex("0ae81c41 00000000 0ae81cc1")  # 9.80665, 0, −9.80665 m/s²
TURN = bytes.fromhex("0000b442 00000000 0000fac4")  # 90, 0, −2000 deg/s
FIELD = bytes.fromhex("00004842 00000000 00000000")  # 50 µT
ROW = [2048, 0, -2048, 1475, 0, -32768]


def packet(time_ms: int, rows: int) -> bytes:
    """A packet of equal rows, without the two bytes before each part of it."""
    return time_ms.to_bytes(4, "little") + ONE_G * rows + TURN * rows + FIELD * rows


def parts(time_ms: int, rows: int = 8, first_bytes: int = 242) -> list[bytes]:
    """A packet as it comes in two notifications at an ATT MTU of 247."""
    whole = packet(time_ms, rows)
    return [b"\x02\x63" + whole[:first_bytes], b"\x03\x63" + whole[first_bytes:]]


def test_four_rows_at_52_hz_fit_one_notification() -> None:
    value = b"\x02\x63" + packet(0x01020304, 4)
    assert len(value) == 2 + 148
    found = read(MovesenseCodec(52.0), NOTIFY_UUID, value)
    assert found.samples.tolist() == [ROW] * 4
    assert found.device_us == 0x01020304 * 1000


@pytest.mark.parametrize("first_bytes", [156, 242])
def test_eight_rows_at_104_hz_come_in_two(first_bytes: int) -> None:
    first, second = parts(77, first_bytes=first_bytes)
    codec = MovesenseCodec(104.0)
    assert codec.on_value(NOTIFY_UUID, first) is None
    found = read(codec, NOTIFY_UUID, second)
    assert found.samples.tolist() == [ROW] * 8
    assert found.device_us == 77_000


def test_instruments_come_one_after_the_other() -> None:
    rows = b"".join(
        bytes.fromhex(text)
        for text in (
            "0000803f 00000040 00004040",  # 1 2 3 m/s²
            "00008040 0000a040 0000c040",  # 4 5 6
            "0000a041 00002042 00007042",  # 20 40 60 deg/s
            "0000a0c1 000020c2 000070c2",
            "00000000 00000000 00000000" * 2,
        )
    )
    found = read(MovesenseCodec(13.0), NOTIFY_UUID, b"\x02\x63" + bytes(4) + rows)
    assert found.samples.tolist() == [
        [209, 418, 627, 328, 655, 983],
        [835, 1044, 1253, -328, -655, -983],
    ]


def test_a_lost_part_loses_its_packet_which_the_times_tell() -> None:
    codec = MovesenseCodec(104.0)
    first, second = parts(0)
    codec.on_value(NOTIFY_UUID, first)
    read(codec, NOTIFY_UUID, second)
    late_first, _ = parts(77)
    codec.on_value(NOTIFY_UUID, late_first)
    first, second = parts(154)
    assert codec.on_value(NOTIFY_UUID, first) is None
    found = read(codec, NOTIFY_UUID, second)
    assert (found.device_us, found.lost_before) == (154_000, 8)


def test_a_second_part_alone_is_refused() -> None:
    codec = MovesenseCodec(104.0)
    first, second = parts(0)
    with pytest.raises(DecodeError):
        codec.on_value(NOTIFY_UUID, second)
    codec.on_value(NOTIFY_UUID, first)
    assert read(codec, NOTIFY_UUID, second).count == 8


def test_a_packet_has_a_cap() -> None:
    for rows, taken in ((MAX_ROWS, True), (MAX_ROWS + 1, False)):
        codec = MovesenseCodec(104.0)
        first, second = parts(0, rows, first_bytes=500)
        assert codec.on_value(NOTIFY_UUID, first) is None
        if taken:
            assert read(codec, NOTIFY_UUID, second).count == rows
        else:
            with pytest.raises(DecodeError) as refused:
                codec.on_value(NOTIFY_UUID, second)
            assert refused.value.reason is Reason.BAD_LENGTH


def test_milliseconds_go_on_beyond_49_days() -> None:
    codec = MovesenseCodec(52.0)
    last, then = 2**32 - 10, 67
    assert read(codec, NOTIFY_UUID, b"\x02\x63" + packet(last, 4)).device_us == last * 1000
    found = read(codec, NOTIFY_UUID, b"\x02\x63" + packet(then, 4))
    assert (found.device_us, found.lost_before) == ((2**32 + then) * 1000, 0)


def test_a_sensor_five_percent_slow_loses_nothing() -> None:
    codec = MovesenseCodec(104.0)
    for number in range(50):
        first, second = parts(round(number * 8 / (104 * 0.95) * 1000))
        codec.on_value(NOTIFY_UUID, first)
        assert read(codec, NOTIFY_UUID, second).lost_before == 0


def test_responses() -> None:
    codec = MovesenseCodec(104.0)
    assert codec.on_value(NOTIFY_UUID, bytes.fromhex("01 63 c800")) is None
    for refusal in ("01 63 9401", "01 63 ad01"):  # 404, 429
        with pytest.raises(DecodeError) as refused:
            codec.on_value(NOTIFY_UUID, bytes.fromhex(refusal))
        assert refused.value.reason is Reason.SENSOR_REFUSED
    for garbage in (b"\x02", b"\x02\x62" + packet(0, 4), b"\x07\x63\x00"):
        with pytest.raises(DecodeError):
            codec.on_value(NOTIFY_UUID, garbage)


def test_opening_and_closing() -> None:
    codec = MovesenseCodec(104.0)
    assert list(codec.opening()) == [
        Subscribe(NOTIFY_UUID),
        Read(BATTERY_LEVEL_UUID),
        Write(WRITE_UUID, bytes.fromhex("01 63 2f4d6561732f494d55392f313034")),
    ]
    assert list(codec.closing()) == [Write(WRITE_UUID, b"\x02\x63")]
    assert codec.on_value(BATTERY_LEVEL_UUID, b"\x2a") is None
    assert codec.battery_percent == 42


def test_it_is_experimental_and_known_by_its_name() -> None:
    assert PROFILE.experimental
    assert PROFILE.recognises(frozenset(), "Movesense 174630000192")
