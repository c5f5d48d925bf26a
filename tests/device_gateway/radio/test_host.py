"""The short way in for notifications gives what bumble's own way gives."""

from __future__ import annotations

import asyncio
import struct

from bumble import hci
from bumble.core import PhysicalTransport
from bumble.host import Connection, DataPacketQueue
from hypothesis import given
from hypothesis import strategies as st

from device_gateway.radio.host import GatewayHost

HANDLE = 0x0023
ATTRIBUTE = 0x0012


async def _host() -> tuple[GatewayHost, list[bytes], list[tuple[int, bytes]]]:
    """A host with one connection, what its subscriber got, and what went the ordinary way."""
    host = GatewayHost()
    host.ready = True
    host.le_acl_packet_queue = DataPacketQueue(251, 64, host.send_hci_packet)
    host.connections[HANDLE] = Connection(
        host, HANDLE, hci.Address("F0:00:00:00:00:01"), PhysicalTransport.LE
    )
    short: list[bytes] = []
    ordinary: list[tuple[int, bytes]] = []
    host.subscribe(HANDLE, ATTRIBUTE, lambda value: short.append(bytes(value)))
    host.on("l2cap_pdu", lambda _, channel, pdu: ordinary.append((channel, pdu)))
    return host, short, ordinary


def _acl(pdu: bytes, channel: int = 4, flag: int = 2, handle: int = HANDLE) -> bytes:
    frame = struct.pack("<HH", len(pdu), channel) + pdu
    return struct.pack("<BHH", 2, handle | flag << 12, len(frame)) + frame


def test_golden_notification() -> None:
    async def work() -> None:
        host, short, ordinary = await _host()
        host.on_packet(bytes.fromhex("0223200900050004001b1200beef"))
        assert short == [b"\xbe\xef"]
        assert not ordinary
        host.on_packet(bytes.fromhex("0223200700030004001b1200"))
        assert short[1:] == [b""]

    asyncio.run(work())


@given(st.lists(st.tuples(st.binary(max_size=600), st.integers(5, 300)), max_size=20))
def test_order_and_values_are_kept_however_packets_are_cut(items: list[tuple[bytes, int]]) -> None:
    """Whole notifications go the short way, those in pieces the ordinary one; none overtakes."""

    async def work() -> None:
        host, short, _ = await _host()
        host.on("l2cap_pdu", lambda _h, _c, pdu: short.append(pdu[3:]))
        for value, step in items:
            packet = _acl(struct.pack("<BH", 0x1B, ATTRIBUTE) + value)[5:]
            for start in range(0, len(packet), step):
                part = packet[start : start + step]
                head = HANDLE | (0x1000 if start else 0x2000)
                host.on_packet(struct.pack("<BHH", 2, head, len(part)) + part)
        assert short == [value for value, _ in items]

    asyncio.run(work())


def test_everything_else_goes_the_ordinary_way() -> None:
    async def work() -> None:
        host, short, ordinary = await _host()
        indication = struct.pack("<BH", 0x1D, ATTRIBUTE) + b"x"
        foreign = struct.pack("<BH", 0x1B, ATTRIBUTE + 1) + b"x"
        for pdu in (indication, foreign, b"\x02\xf7\x00"):
            host.on_packet(_acl(pdu))
        signalling = struct.pack("<BH", 0x1B, ATTRIBUTE)
        host.on_packet(_acl(signalling, channel=5))
        assert ordinary == [(4, indication), (4, foreign), (4, b"\x02\xf7\x00"), (5, signalling)]
        assert not short

    asyncio.run(work())


def test_a_handle_that_comes_again_has_no_subscribers() -> None:
    async def work() -> None:
        host, short, ordinary = await _host()
        host.forget(HANDLE)
        host.on_packet(_acl(struct.pack("<BH", 0x1B, ATTRIBUTE) + b"x"))
        assert not short
        assert len(ordinary) == 1

    asyncio.run(work())


@given(st.binary(min_size=1, max_size=40))
def test_any_data_packet_is_survived(tail: bytes) -> None:
    async def work() -> None:
        host, short, _ = await _host()
        host.on_packet(struct.pack("<BHH", 2, HANDLE | 0x2000, len(tail)) + tail)
        good = struct.pack("<BH", 0x1B, ATTRIBUTE) + b"ok"
        host.on_packet(_acl(good))
        assert short[-1] == b"ok"

    asyncio.run(work())


def _in_flight(host: GatewayHost, packets: int) -> DataPacketQueue:
    queue = host.le_acl_packet_queue
    assert queue is not None
    for _ in range(packets):
        queue.enqueue(hci.HCI_AclDataPacket(HANDLE, 0, 0, 1, b"\0"), HANDLE)
    return queue


def test_word_of_packets_sent_is_counted() -> None:
    async def work() -> None:
        host, _, _ = await _host()
        queue = _in_flight(host, 3)
        host.on_packet(bytes.fromhex("0413050123000200"))
        assert (queue.queued, queue.completed) == (3, 2)
        host.on_packet(bytes.fromhex("04130902230001002300ffff"))  # more than were sent
        assert queue.pending == 0

    asyncio.run(work())


@given(st.binary(max_size=12))
def test_any_word_of_packets_sent_is_survived(tail: bytes) -> None:
    async def work() -> None:
        host, _, _ = await _host()
        queue = _in_flight(host, 2)
        host.on_packet(b"\x04\x13" + tail)
        assert 0 <= queue.pending <= 2

    asyncio.run(work())
