"""Any bytes give a value or a refusal; any value survives the wire; every cap holds at its edge."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, Self

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts import gatt
from contracts.checks import EARLIEST_UTC_NS, FUTURE_LIMIT_NS
from contracts.errors import DecodeError, InvariantError, Reason
from contracts.gatt import (
    MAX_CONTROL_BYTES,
    MAX_DEVICE_US,
    MAX_PACKET_SAMPLES,
    MAX_PERIOD_NS,
    MIN_PERIOD_NS,
    Command,
    HapticPulse,
    Position,
    Reply,
    ReplyStatus,
    SamplePacket,
    SensorStatus,
    SyncInfo,
)
from contracts.imu import ImuScale
from contracts.units import NS_PER_US
from tests.contracts.strategies import (
    NOW_NS,
    damaged,
    readings,
    scales,
    u8,
    u16,
    u32,
    value_or_refusal,
)
from tests.contracts.test_gatt_golden import END_PACKET, LOG_PACKET, STATUS, SYNC_INFO


class Value(Protocol):
    """What every value of the profile can do."""

    def to_bytes(self) -> bytes: ...

    @classmethod
    def from_bytes(cls, data: bytes) -> Self: ...


Codec = type[Value]

device_times = st.integers(0, MAX_DEVICE_US)
periods = st.integers(MIN_PERIOD_NS, MAX_PERIOD_NS)


@st.composite
def packets(draw: st.DrawFn) -> SamplePacket:
    end = draw(st.booleans())
    samples = draw(readings(min_count=0 if end else 1))
    sequence = draw(st.integers(0, 2**32 - len(samples)).filter(lambda s: s < 2**32))
    return SamplePacket(
        sequence=sequence,
        device_us=draw(device_times),
        period_ns=draw(periods),
        lost_before=draw(st.integers(0, sequence)),
        epoch=draw(u16),
        scale=draw(scales),
        samples=samples,
        from_log=draw(st.booleans()),
        end=end,
    )


@st.composite
def statuses(draw: st.DrawFn) -> SensorStatus:
    oldest, upcoming = sorted([Position(draw(u16), draw(u32)), Position(draw(u16), draw(u32))])
    return SensorStatus(
        device_us=draw(device_times),
        epoch=upcoming.epoch,
        oldest=oldest,
        next=upcoming,
        period_ns=draw(periods),
        scale=draw(scales),
        kept=draw(u32),
        overwritten=draw(u32),
        battery_percent=draw(st.integers(0, 100)),
        sampling=draw(st.booleans()),
    )


@st.composite
def sync_infos(draw: st.DrawFn) -> SyncInfo:
    first_us, last_us = sorted([draw(device_times), draw(device_times)])
    utc_us = st.integers(EARLIEST_UTC_NS // NS_PER_US, (NOW_NS + FUTURE_LIMIT_NS) // NS_PER_US)
    return SyncInfo(first_us, draw(utc_us), last_us, draw(utc_us))


pulses = st.builds(
    HapticPulse, st.integers(0, 2), st.integers(1, 100), st.integers(1, HapticPulse.MAX_DURATION_MS)
)
positions = st.builds(Position, u16, u32)
commands = st.builds(Command, u8, u8, st.binary(max_size=MAX_CONTROL_BYTES - 2))
replies = st.builds(
    Reply,
    st.integers(0, 127),
    u8,
    st.sampled_from(ReplyStatus),
    st.binary(max_size=MAX_CONTROL_BYTES - 3),
)
VALUES: dict[Codec, st.SearchStrategy[Any]] = {
    SamplePacket: packets(),
    Command: commands,
    Reply: replies,
    SensorStatus: statuses(),
    SyncInfo: sync_infos(),
    HapticPulse: pulses,
    Position: positions,
}
CODECS = tuple(VALUES)


@pytest.mark.parametrize("codec", CODECS)
@given(data=st.data())
def test_what_is_encoded_is_decoded(codec: Codec, data: st.DataObject) -> None:
    value = data.draw(VALUES[codec])
    encoded = value.to_bytes()
    decoded = codec.from_bytes(encoded)
    assert decoded.to_bytes() == encoded
    if isinstance(decoded, SamplePacket):
        assert np.array_equal(decoded.samples, value.samples)
    else:
        assert decoded == value


@pytest.mark.parametrize("codec", CODECS)
@given(data=st.data())
def test_damaged_bytes_are_refused_or_mean_exactly_what_they_say(
    codec: Codec, data: st.DataObject
) -> None:
    valid = VALUES[codec].map(lambda value: value.to_bytes())
    received = data.draw(damaged(valid))
    decoded = value_or_refusal(codec.from_bytes, received)
    if decoded is not None:
        assert decoded.to_bytes() == received


@pytest.mark.parametrize("codec", CODECS)
@given(received=st.binary(max_size=600))
def test_any_bytes_are_refused_or_mean_exactly_what_they_say(codec: Codec, received: bytes) -> None:
    decoded = value_or_refusal(codec.from_bytes, received)
    if decoded is not None:
        assert decoded.to_bytes() == received


@given(received=st.binary(max_size=12))
def test_arguments_are_total(received: bytes) -> None:
    readers: list[Callable[[bytes], object]] = [
        gatt.read_period_ns,
        gatt.read_ranges,
        gatt.read_utc_us,
        lambda data: gatt.read_u64(data, "device_us"),
        lambda data: gatt.read_u16(data, "epoch"),
    ]
    for read in readers:
        value_or_refusal(read, received)


@given(packets())
def test_a_packet_counts_on_to_the_next(packet: SamplePacket) -> None:
    assert packet.next_sequence == packet.sequence + packet.count
    assert len(packet.to_bytes()) == 28 + 12 * packet.count


def with_bytes(data: bytes, at: int, new: str) -> bytes:
    patch = bytes.fromhex(new)
    return data[:at] + patch + data[at + len(patch) :]


PACKET_REFUSALS = [
    ("empty", b"", Reason.TOO_SHORT),
    ("header cut", LOG_PACKET[:27], Reason.TOO_SHORT),
    ("sample cut", LOG_PACKET[:-1], Reason.BAD_LENGTH),
    ("a byte more", LOG_PACKET + b"\0", Reason.BAD_LENGTH),
    ("version 2", with_bytes(LOG_PACKET, 0, "02"), Reason.BAD_VERSION),
    ("unknown flag", with_bytes(LOG_PACKET, 1, "08"), Reason.BAD_FIELD),
    ("ahead of the log and of it", with_bytes(LOG_PACKET, 1, "05"), Reason.BAD_FIELD),
    ("ahead and the end", with_bytes(END_PACKET, 1, "06"), Reason.BAD_FIELD),
    ("reserved byte", with_bytes(LOG_PACKET, 27, "01"), Reason.BAD_FIELD),
    ("no samples, not the end", with_bytes(END_PACKET, 1, "00"), Reason.BAD_COUNT),
    ("41 samples", with_bytes(LOG_PACKET, 2, "29") + bytes(39 * 12), Reason.BAD_COUNT),
    ("3 g", with_bytes(LOG_PACKET, 3, "03"), Reason.OUT_OF_RANGE),
    ("375 deg/s", with_bytes(LOG_PACKET, 26, "03"), Reason.OUT_OF_RANGE),
    ("clock beyond 285 years", with_bytes(LOG_PACKET, 8, "0100000000002000"), Reason.OUT_OF_RANGE),
    ("1001 Hz", with_bytes(LOG_PACKET, 16, "3f420f00"), Reason.OUT_OF_RANGE),
    ("slower than 1 Hz", with_bytes(LOG_PACKET, 16, "01ca9a3b"), Reason.OUT_OF_RANGE),
    ("sequence wraps", with_bytes(LOG_PACKET, 4, "ffffffff"), Reason.OUT_OF_RANGE),
    ("more lost than there were", with_bytes(LOG_PACKET, 20, "05030201"), Reason.OUT_OF_RANGE),
]


@pytest.mark.parametrize(
    ("data", "reason"), [case[1:] for case in PACKET_REFUSALS], ids=[c[0] for c in PACKET_REFUSALS]
)
def test_sample_packet_refusals(data: bytes, reason: Reason) -> None:
    with pytest.raises(DecodeError) as refused:
        SamplePacket.from_bytes(data)
    assert refused.value.reason is reason


EDGES = [
    ("clock of 285 years", with_bytes(LOG_PACKET, 8, "0000000000002000")),
    ("1000 Hz", with_bytes(LOG_PACKET, 16, "40420f00")),
    ("1 Hz", with_bytes(LOG_PACKET, 16, "00ca9a3b")),
    ("the last sequence there is", with_bytes(LOG_PACKET, 4, "feffffff")),
    ("all lost before", with_bytes(LOG_PACKET, 20, "04030201")),
    ("40 samples", with_bytes(LOG_PACKET, 2, "28") + bytes(38 * 12)),
]


@pytest.mark.parametrize("data", [case[1] for case in EDGES], ids=[c[0] for c in EDGES])
def test_what_is_just_allowed_is_taken(data: bytes) -> None:
    assert SamplePacket.from_bytes(data).to_bytes() == data


def test_a_packet_of_41_samples_is_not_made() -> None:
    packet = SamplePacket.from_bytes(END_PACKET)
    full = SamplePacket(
        **{**vars(packet), "samples": np.zeros((MAX_PACKET_SAMPLES, 6), dtype=np.int16)}
    )
    assert SamplePacket.from_bytes(full.to_bytes()).count == MAX_PACKET_SAMPLES
    over = SamplePacket(
        **{**vars(packet), "samples": np.zeros((MAX_PACKET_SAMPLES + 1, 6), dtype=np.int16)}
    )
    with pytest.raises(InvariantError):
        over.to_bytes()


STATUS_REFUSALS = [
    ("cut", STATUS[:-1], Reason.TOO_SHORT),
    ("a byte more", STATUS + b"\0", Reason.TOO_LONG),
    ("reserved", with_bytes(STATUS, 38, "0100"), Reason.BAD_FIELD),
    ("sampling twice", with_bytes(STATUS, 37, "02"), Reason.BAD_FIELD),
    ("battery 101 %", with_bytes(STATUS, 36, "65"), Reason.OUT_OF_RANGE),
    ("no period", with_bytes(STATUS, 22, "00000000"), Reason.OUT_OF_RANGE),
    ("5 g", with_bytes(STATUS, 26, "05"), Reason.OUT_OF_RANGE),
    ("gyroscope 0", with_bytes(STATUS, 27, "00"), Reason.OUT_OF_RANGE),
    ("clock", with_bytes(STATUS, 0, "ffffffffffffffff"), Reason.OUT_OF_RANGE),
    ("next is of another epoch", with_bytes(STATUS, 16, "0300"), Reason.BAD_FIELD),
    ("starts after it ends", with_bytes(STATUS, 10, "0300"), Reason.BAD_FIELD),
]


@pytest.mark.parametrize(
    ("data", "reason"), [case[1:] for case in STATUS_REFUSALS], ids=[c[0] for c in STATUS_REFUSALS]
)
def test_status_refusals(data: bytes, reason: Reason) -> None:
    with pytest.raises(DecodeError) as refused:
        SensorStatus.from_bytes(data)
    assert refused.value.reason is reason


SYNC_REFUSALS = [
    ("cut", SYNC_INFO[:-1], Reason.TOO_SHORT),
    ("a byte more", SYNC_INFO + b"\0", Reason.TOO_LONG),
    ("first before 2020", with_bytes(SYNC_INFO, 8, "ff" + "00" * 7), Reason.TIME_BEFORE_2020),
    ("last never set", with_bytes(SYNC_INFO, 24, "00" * 8), Reason.TIME_BEFORE_2020),
    ("last set before first", with_bytes(SYNC_INFO, 16, "00" * 8), Reason.OUT_OF_RANGE),
    ("device clock", with_bytes(SYNC_INFO, 16, "ff" * 8), Reason.OUT_OF_RANGE),
    ("over a day ahead", with_bytes(SYNC_INFO, 24, "01a0f7635c470600"), Reason.TIME_IN_FUTURE),
    ("beyond int64 of ns", with_bytes(SYNC_INFO, 24, "ff" * 8), Reason.TIME_IN_FUTURE),
]


@pytest.mark.parametrize(
    ("data", "reason"), [case[1:] for case in SYNC_REFUSALS], ids=[c[0] for c in SYNC_REFUSALS]
)
def test_sync_info_refusals(data: bytes, reason: Reason) -> None:
    with pytest.raises(DecodeError) as refused:
        SyncInfo.from_bytes(data, now_ns=NOW_NS)
    assert refused.value.reason is reason


@pytest.mark.parametrize(
    "data",
    [
        "03 3c c800",
        "00 00 c800",
        "00 65 c800",
        "00 3c 0000",
        "00 3c d107",
        "00 3c c8",
        "00 3c c800 00",
    ],
)
def test_haptic_pulses_that_are_refused(data: str) -> None:
    with pytest.raises(DecodeError):
        HapticPulse.from_bytes(bytes.fromhex(data))


def test_control_messages_have_a_cap() -> None:
    assert Command.from_bytes(bytes(MAX_CONTROL_BYTES)).arguments == bytes(MAX_CONTROL_BYTES - 2)
    for decode, data in (
        (Command.from_bytes, bytes(MAX_CONTROL_BYTES + 1)),
        (Reply.from_bytes, b"\x81" + bytes(MAX_CONTROL_BYTES)),
    ):
        with pytest.raises(DecodeError) as refused:
            decode(data)
        assert refused.value.reason is Reason.TOO_LONG


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ("", Reason.TOO_SHORT),
        ("81 00", Reason.TOO_SHORT),
        ("01 00 00", Reason.BAD_FIELD),
        ("81 00 05", Reason.BAD_FIELD),
    ],
)
def test_replies_that_are_refused(data: str, reason: Reason) -> None:
    with pytest.raises(DecodeError) as refused:
        Reply.from_bytes(bytes.fromhex(data))
    assert refused.value.reason is reason


@pytest.mark.parametrize(
    ("utc_us", "reason"),
    [
        (1_577_836_799_999_999, Reason.TIME_BEFORE_2020),
        (NOW_NS // 1000 + 86_400_000_001, Reason.TIME_IN_FUTURE),
        (MAX_DEVICE_US + 1, Reason.OUT_OF_RANGE),
        (2**64 - 1, Reason.OUT_OF_RANGE),
    ],
)
def test_set_time_takes_believable_times_only(utc_us: int, reason: Reason) -> None:
    with pytest.raises(DecodeError) as refused:
        gatt.read_utc_us(gatt.u64(utc_us), now_ns=NOW_NS)
    assert refused.value.reason is reason


@given(scales)
def test_ranges_survive(scale: ImuScale) -> None:
    assert gatt.read_ranges(gatt.ranges_to_bytes(scale)) == scale
