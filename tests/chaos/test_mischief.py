"""What a proxy does to batches and acknowledgements: none is lost, and nothing else is touched."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.chaos.mischief import Meddling, Mischief, is_ours

#: PUBLISH, QoS 1, topic "s/imu", packet 1, payload "ab"; and what is none.
BATCH = bytes.fromhex("320b0005732f696d7500016162")
STATUS = bytes.fromhex("330e0008732f73746174757300026162")
STORED = bytes.fromhex("330e0008732f73746f72656400026162")
STORED_0 = bytes.fromhex("300c0008732f73746f7265646162")  # with QoS 0 there is no packet id
PING = bytes.fromhex("c000")
LONG = b"\x32\x89\x01\x00\x05s/imu\x00\x03" + bytes(128)


def batch(number: int) -> bytes:
    return BATCH[:-4] + number.to_bytes(2, "big") + BATCH[-2:]


def number_of(packet: bytes) -> int:
    return int.from_bytes(packet[-4:-2], "big")


def packets(stream: bytes) -> list[bytes]:
    whole = Mischief(Random(0), Meddling())
    pieces = (whole.feed(stream[at : at + 1]) for at in range(len(stream)))
    return [piece for piece in pieces if piece]


def test_batches_and_acknowledgements_are_told_from_all_else() -> None:
    assert is_ours(BATCH)
    assert is_ours(LONG)
    assert is_ours(STORED)
    assert is_ours(STORED_0)
    assert not is_ours(STATUS)
    assert not is_ours(PING)


def test_only_qos_1_is_marked_when_doubled() -> None:
    for packet, again in ((STORED_0, STORED_0), (BATCH, b"\x3a" + BATCH[1:])):
        meddling = Meddling(double=True)
        mischief = Mischief(Random(0), meddling)
        out = b"".join(mischief.feed(packet) for _ in range(40)) + mischief.release()
        assert meddling.doubled
        assert packets(out).count(again) >= meddling.doubled


@given(cuts=st.lists(st.integers(0, 200), max_size=10))
def test_without_mischief_all_goes_on_as_it_came(cuts: list[int]) -> None:
    stream = BATCH + PING + LONG + STATUS + BATCH
    mischief, out, at = Mischief(Random(1), Meddling()), b"", 0
    for cut in [*sorted(min(cut, len(stream)) for cut in cuts), len(stream)]:
        out += mischief.feed(stream[at:cut])
        at = cut
    assert out + mischief.release() == stream


@given(seed=st.integers(0, 1000))
def test_reordered_batches_all_arrive_once(seed: int) -> None:
    meddling = Meddling(reorder=True)
    mischief = Mischief(Random(seed), meddling)
    out = b"".join(mischief.feed(batch(number)) for number in range(1, 41)) + mischief.release()
    numbers = [number_of(packet) for packet in packets(out)]
    assert sorted(numbers) == list(range(1, 41))
    assert (numbers != sorted(numbers)) == (meddling.reordered > 0)


@given(seed=st.integers(0, 1000))
def test_doubled_batches_are_marked_and_their_first_is_in_its_place(seed: int) -> None:
    meddling = Meddling(double=True)
    mischief = Mischief(Random(seed), meddling)
    out = b"".join(mischief.feed(batch(number)) for number in range(1, 41)) + mischief.release()
    first = [packet for packet in packets(out) if not packet[0] & 0x08]
    again = [packet for packet in packets(out) if packet[0] & 0x08]
    assert first == [batch(number) for number in range(1, 41)]
    assert len(again) == meddling.doubled > 0


def test_what_is_no_mqtt_is_refused() -> None:
    with pytest.raises(ValueError, match="no MQTT"):
        Mischief(Random(1), Meddling()).feed(b"\x32\xff\xff\xff\xff\x01")
