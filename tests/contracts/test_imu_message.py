"""The IMU batch on the wire: msgpack by hand, every refusal, and totality."""

from __future__ import annotations

import struct
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.checks import EARLIEST_UTC_NS, FUTURE_LIMIT_NS, LATEST_UTC_NS
from contracts.errors import DecodeError, InvariantError, Reason
from contracts.imu import ACCEL_RANGES_G, GYRO_RANGES_DEG_S, period_ns_of
from contracts.messages import MAX_BATCH_SAMPLES, MAX_IMU_BYTES, MAX_SEQ, ImuMessage
from contracts.units import NS_PER_S
from tests.contracts.strategies import NOW_NS, damaged, ids, readings, value_or_refusal

SMALLEST = bytes.fromhex(
    "89"  # a map of nine
    "a176 01"  # v: 1
    "a66f7574626f78 a36f6231"  # outbox: ob1
    "a3736571 07"  # seq: 7
    "a574305f6e73 cf18867251edfa0000"  # t0_ns: 1,767,225,600 × 10⁹
    "a9706572696f645f6e73 ce01312d00"  # period_ns: 20,000,000
    "a7726174655f687a cb4049000000000000"  # rate_hz: 50.0
    "ad616363656c5f72616e67655f67 10"  # accel_range_g: 16
    "b06779726f5f72616e67655f6465675f73 cd07d0"  # gyro_range_deg_s: 2000
    "a773616d706c6573 c40c 0100 ffff 0008 0080 ff7f 0000"  # samples: 1 −1 2048 −32768 32767 0
)
FULLEST = b"".join(
    (
        b"\x8c",  # a map of twelve: the same nine, then
        SMALLEST[1:],
        bytes.fromhex("ab6c6f73745f6265666f7265 cd012c"),  # lost_before: 300
        bytes.fromhex("ae636c6f636b5f6572726f725f6e73 ce000f4240"),  # clock_error_ns: 1,000,000
        bytes.fromhex("a3656e64 c3"),  # end: true
    )
)


def decode(data: bytes) -> ImuMessage:
    return ImuMessage.decode(data, now_ns=NOW_NS)


def packed(**changes: object) -> bytes:
    """SMALLEST with other fields, made without the contract's own type."""
    plain: dict[str, Any] = msgspec.msgpack.decode(SMALLEST)
    plain.update(changes)
    return msgspec.msgpack.encode({k: v for k, v in plain.items() if v is not msgspec.UNSET})


def test_golden_smallest() -> None:
    message = ImuMessage(
        v=1,
        outbox="ob1",
        seq=7,
        t0_ns=NOW_NS,
        period_ns=20_000_000,
        rate_hz=50.0,
        accel_range_g=16,
        gyro_range_deg_s=2000,
        samples=struct.pack("<6h", 1, -1, 2048, -32768, 32767, 0),
    )
    assert message.encode() == SMALLEST
    assert decode(SMALLEST) == message
    assert message.raw().tolist() == [[1, -1, 2048, -32768, 32767, 0]]


def test_golden_fullest() -> None:
    message = decode(FULLEST)
    assert message.encode() == FULLEST
    assert (message.lost_before, message.clock_error_ns, message.end) == (300, 1_000_000, True)


def test_times_and_units_of_a_batch() -> None:
    samples = struct.pack("<12h", *range(12))
    batch = msgspec.structs.replace(decode(SMALLEST), samples=samples).to_samples()
    assert batch.utc_ns.tolist() == [NOW_NS, NOW_NS + 20_000_000]
    assert batch.si.dtype == np.float32
    assert batch.si.shape == (2, 6)
    assert batch.si[1, 0] == np.float32(6 * 16 * 9.80665 / 32768)
    assert batch.si[1, 5] == np.float32(11 * np.deg2rad(2000) / 32768)
    assert not batch.ended


@st.composite
def batches(draw: st.DrawFn) -> ImuMessage:
    end = draw(st.booleans())
    rate_hz = draw(st.sampled_from((1.0, 25.0, 50.0, 59.94, 100.0, 200.0, 1000.0)))
    return ImuMessage(
        v=1,
        outbox=draw(ids),
        seq=draw(st.integers(1, MAX_SEQ)),
        t0_ns=draw(st.integers(EARLIEST_UTC_NS, NOW_NS)),
        period_ns=draw(
            st.integers(round(period_ns_of(rate_hz) * 0.991), round(period_ns_of(rate_hz) * 1.009))
        ),
        rate_hz=rate_hz,
        accel_range_g=draw(st.sampled_from(ACCEL_RANGES_G)),
        gyro_range_deg_s=draw(st.sampled_from(GYRO_RANGES_DEG_S)),
        samples=draw(readings(min_count=0 if end else 1)).tobytes(),
        lost_before=draw(st.integers(0, 2**32)),
        clock_error_ns=draw(st.integers(0, NS_PER_S)),
        end=end,
    )


@given(batches())
def test_what_is_encoded_is_decoded(message: ImuMessage) -> None:
    assert decode(message.encode()) == message
    assert message.raw().tobytes() == message.samples
    assert len(message.to_samples()) == message.count


@given(damaged(batches().map(ImuMessage.encode)))
def test_damaged_batches_are_refused_or_usable(received: bytes) -> None:
    message = value_or_refusal(decode, received)
    if message is not None:
        assert len(message.to_samples()) == message.count
        assert decode(message.encode()) == message


@given(st.binary(max_size=400))
def test_any_bytes_are_refused_or_usable(received: bytes) -> None:
    message = value_or_refusal(decode, received)
    assert message is None or message.to_samples().utc_ns.size == message.count


REFUSALS: list[tuple[str, dict[str, object], Reason]] = [
    ("version 2", {"v": 2}, Reason.BAD_VERSION),
    ("no version", {"v": msgspec.UNSET}, Reason.MALFORMED),
    ("version true", {"v": True}, Reason.MALFORMED),
    ("outbox with a slash", {"outbox": "a/b"}, Reason.BAD_ID),
    ("outbox empty", {"outbox": ""}, Reason.BAD_ID),
    ("outbox of bytes", {"outbox": b"ob1"}, Reason.MALFORMED),
    ("seq 0", {"seq": 0}, Reason.OUT_OF_RANGE),
    ("seq −1", {"seq": -1}, Reason.OUT_OF_RANGE),
    ("seq too far", {"seq": MAX_SEQ + 1}, Reason.OUT_OF_RANGE),
    ("seq u64", {"seq": 2**64 - 1}, Reason.OUT_OF_RANGE),
    ("seq a float", {"seq": 7.0}, Reason.MALFORMED),
    ("time a float", {"t0_ns": 1.7e18}, Reason.MALFORMED),
    ("2019", {"t0_ns": EARLIEST_UTC_NS - 1}, Reason.TIME_BEFORE_2020),
    ("time −1", {"t0_ns": -1}, Reason.TIME_BEFORE_2020),
    ("over a day ahead", {"t0_ns": NOW_NS + FUTURE_LIMIT_NS + 1}, Reason.TIME_IN_FUTURE),
    ("time u64", {"t0_ns": 2**64 - 1}, Reason.TIME_IN_FUTURE),
    ("ends over a day ahead", {"t0_ns": NOW_NS + FUTURE_LIMIT_NS}, Reason.TIME_IN_FUTURE),
    ("rate NaN", {"rate_hz": float("nan")}, Reason.NOT_FINITE),
    ("rate infinite", {"rate_hz": float("inf")}, Reason.NOT_FINITE),
    ("rate 0", {"rate_hz": 0.0}, Reason.OUT_OF_RANGE),
    ("rate 1001", {"rate_hz": 1001.0}, Reason.OUT_OF_RANGE),
    ("period 0", {"period_ns": 0}, Reason.OUT_OF_RANGE),
    ("period 2 % off", {"period_ns": 20_400_000}, Reason.OUT_OF_RANGE),
    ("3 g", {"accel_range_g": 3}, Reason.OUT_OF_RANGE),
    ("gyroscope 0", {"gyro_range_deg_s": 0}, Reason.OUT_OF_RANGE),
    ("half a sample", {"samples": bytes(18)}, Reason.BAD_LENGTH),
    ("nothing, not the end", {"samples": b""}, Reason.BAD_LENGTH),
    ("samples as text", {"samples": "a" * 12}, Reason.MALFORMED),
    ("lost −1", {"lost_before": -1}, Reason.OUT_OF_RANGE),
    ("lost more than counts", {"lost_before": 2**32 + 1}, Reason.OUT_OF_RANGE),
    ("clock error −1", {"clock_error_ns": -1}, Reason.OUT_OF_RANGE),
    ("clock error of days", {"clock_error_ns": 10**15}, Reason.OUT_OF_RANGE),
    ("end 1", {"end": 1}, Reason.MALFORMED),
    ("one too many", {"samples": bytes(12 * (MAX_BATCH_SAMPLES + 1))}, Reason.BAD_COUNT),
]


@pytest.mark.parametrize(
    ("changes", "reason"), [case[1:] for case in REFUSALS], ids=[case[0] for case in REFUSALS]
)
def test_refusals(changes: dict[str, object], reason: Reason) -> None:
    with pytest.raises(DecodeError) as refused:
        decode(packed(**changes))
    assert refused.value.reason is reason


EDGES: list[dict[str, object]] = [
    {"seq": MAX_SEQ},
    {"t0_ns": EARLIEST_UTC_NS},
    {"t0_ns": NOW_NS + FUTURE_LIMIT_NS - 20_000_000},
    {"period_ns": 20_200_000},
    {"period_ns": 19_800_000},
    {"rate_hz": 50},
    {"lost_before": 2**32},
    {"samples": b"", "end": True},
    {"samples": bytes(12 * MAX_BATCH_SAMPLES)},
    {"added_by_a_newer_sender": [1, {"a": None}]},
]


@pytest.mark.parametrize("changes", EDGES, ids=[next(iter(edge)) for edge in EDGES])
def test_what_is_just_allowed_is_taken(changes: dict[str, object]) -> None:
    message = decode(packed(**changes))
    assert len(message.to_samples()) == message.count


def test_without_a_clock_the_end_of_time_still_bounds() -> None:
    latest = ImuMessage.decode(packed(t0_ns=LATEST_UTC_NS - 20_000_000), now_ns=None)
    assert latest.to_samples().utc_ns.tolist() == [LATEST_UTC_NS - 20_000_000]
    with pytest.raises(DecodeError):
        ImuMessage.decode(packed(t0_ns=LATEST_UTC_NS), now_ns=None)


def test_too_many_bytes_are_not_even_parsed() -> None:
    with pytest.raises(DecodeError) as refused:
        decode(b"\xc1" * (MAX_IMU_BYTES + 1))
    assert refused.value.reason is Reason.TOO_LONG


def test_a_batch_that_is_too_long_is_not_sent() -> None:
    whole = msgspec.structs.replace(decode(SMALLEST), samples=bytes(12 * MAX_BATCH_SAMPLES))
    assert len(whole.encode()) <= MAX_IMU_BYTES
    with pytest.raises(InvariantError):
        msgspec.structs.replace(whole, samples=whole.samples + bytes(12)).encode()


@pytest.mark.parametrize(
    "received",
    [
        b"",
        b"\x81\xa1x" + b"\x91" * 100_000,  # nested deeply
        b"\xdf\xff\xff\xff\xff",  # a map that says it has 4 billion entries
        b"\x81\xa6outbox\xdb\xff\xff\xff\xff",  # a text that says it is 4 GB long
        SMALLEST + b"\x00",
        SMALLEST.replace(b"ob1", b"\xff\xfe\xfd"),
        bytes.fromhex("81 01 01"),
        bytes.fromhex("c7 0c ff") + b"\xff" * 12,  # a time stamp
    ],
)
def test_hostile_msgpack_is_malformed(received: bytes) -> None:
    with pytest.raises(DecodeError) as refused:
        decode(received)
    assert refused.value.reason is Reason.MALFORMED


def test_of_a_field_given_twice_the_last_counts() -> None:
    twice = b"\x8a" + SMALLEST[1:] + bytes.fromhex("a3736571 08")
    assert decode(twice).seq == 8
