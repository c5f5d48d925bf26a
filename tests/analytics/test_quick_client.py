"""Messages that come in bulk: split off from what the network brings, however that is cut."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.quick_client import MAX_PLAIN_BYTES, ReadAhead

#: PUBLISH QoS 1, topic "a/b", packet 7, payload "hi"; QoS 0; a retained repetition; an empty payload.
FIRST = bytes.fromhex("32 09 0003 612f62 0007 6869")
SECOND = bytes.fromhex("30 07 0003 612f62 6869")
THIRD = bytes.fromhex("3b 09 0003 612f62 fffe 6869")
EMPTY = bytes.fromhex("32 07 0003 612f62 0008")
PLAIN = {
    FIRST: (b"a/b", b"hi", b"\x00\x07"),
    SECOND: (b"a/b", b"hi", b""),
    THIRD: (b"a/b", b"hi", b"\xff\xfe"),
    EMPTY: (b"a/b", b"", b"\x00\x08"),
}
#: PUBACK, PINGRESP, SUBACK, and a PUBLISH of QoS 2.
OTHER = [
    bytes.fromhex("40 02 0001"),
    bytes.fromhex("d0 00"),
    bytes.fromhex("90 03 0001 01"),
    bytes.fromhex("34 09 0003 612f62 0007 6869"),
]


class Wire:
    """A socket that brings what it was given, chunk by chunk, and then nothing or the end."""

    def __init__(self, chunks: list[bytes], *, over: bool = False) -> None:
        self._chunks = [chunk for chunk in chunks if chunk]
        self._over = over
        self.most = 0

    def recv(self, bufsize: int) -> bytes:
        if not self._chunks:
            if self._over:
                return b""
            raise BlockingIOError
        chunk = self._chunks.pop(0)
        if len(chunk) > bufsize:
            self._chunks.insert(0, chunk[bufsize:])
        return chunk[:bufsize]

    def __bool__(self) -> bool:
        return bool(self._chunks)


def drain(ahead: ReadAhead, wire: Wire) -> tuple[list[tuple[bytes, bytes, bytes]], bytes]:
    """The messages, and what went to paho, until nothing comes any more."""
    messages: list[tuple[bytes, bytes, bytes]] = []
    other = b""
    while True:
        found = ahead.messages()
        messages += [tuple(message) for message in found]
        if ahead.has_other:
            try:
                got = ahead.recv(3)
            except BlockingIOError:
                return messages, other
            if not got:
                return messages, other
            other += got
        elif not found and not wire:
            return messages, other


@settings(max_examples=300)
@given(st.data())
def test_messages_are_split_off_however_the_bytes_are_cut(data: st.DataObject) -> None:
    packets = data.draw(st.lists(st.sampled_from([*PLAIN, *OTHER]), max_size=12))
    whole = b"".join(packets)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=8)))
    edges = [0, *cuts, len(whole)]
    chunks = [whole[first:last] for first, last in pairwise(edges)]
    wire = Wire(chunks, over=data.draw(st.booleans()))
    messages, other = drain(ReadAhead(wire), wire)
    assert messages == [PLAIN[packet] for packet in packets if packet in PLAIN]
    assert other == b"".join(packet for packet in packets if packet in OTHER)


@given(st.binary(max_size=200))
def test_any_bytes_are_taken_or_handed_on(noise: bytes) -> None:
    wire = Wire([noise], over=True)
    drain(ReadAhead(wire), wire)
    assert not wire


def test_a_packet_that_is_too_long_is_not_held() -> None:
    """Its bytes go on to paho as they come."""
    length = MAX_PLAIN_BYTES + 1
    head = bytes([0x32, length & 0x7F | 0x80, length >> 7 & 0x7F | 0x80, length >> 14])
    wire = Wire([head + b"\x00\x03a/b\x00\x07", bytes(length - 7), FIRST])
    ahead = ReadAhead(wire)
    messages, other = drain(ahead, wire)
    assert len(other) == len(head) + length
    assert messages == [PLAIN[FIRST]]


def test_a_topic_that_is_longer_than_its_packet_goes_to_paho() -> None:
    wrong = bytes.fromhex("32 05 00ff 612f62")
    wire = Wire([wrong + FIRST])
    messages, other = drain(ReadAhead(wire), wire)
    assert other == wrong
    assert messages == [PLAIN[FIRST]]


def test_nothing_is_there_before_something_comes() -> None:
    ahead = ReadAhead(Wire([]))
    assert ahead.messages() == []
    assert ahead.pending() == 0
    assert not ahead.has_other
    with pytest.raises(BlockingIOError):
        ahead.recv(1)


def test_a_message_that_is_not_whole_needs_to_be_waited_for() -> None:
    ahead = ReadAhead(Wire([FIRST[:5]]))
    assert ahead.messages() == []
    assert ahead.pending() == 0
