"""Doubles and reorders batches and acknowledgements on their way, as QoS 1 allows and more. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Final

_PUBLISH: Final = 3
_DUP: Final = 0x08
_QOS_1: Final = 0x02
_QOS_BITS: Final = 0x06
#: Whatever is longer is no packet of ours.
MAX_PACKET_BYTES: Final = 2**20
#: Packets that overtake one that is held.
MOST_OVERTAKING: Final = 4
#: How many of the messages are meddled with.
SHARE: Final = 0.4
#: The topics whose messages are: samples one way, what is stored of them the other.
_LEAVES: Final = (b"/imu", b"/stored")


@dataclass(slots=True)
class Meddling:
    """What is done to the messages of one direction, whatever connections come and go; and how often."""

    double: bool = False
    reorder: bool = False
    doubled: int = 0
    reordered: int = 0


@dataclass(slots=True)
class _Held:
    packet: bytes
    left: int


class Mischief:
    """The bytes of one connection in one direction, whole packets out, after ``meddling``."""

    def __init__(self, random: Random, meddling: Meddling) -> None:
        self._random = random
        self._meddling = meddling
        self._buffer = bytearray()
        self._held: list[_Held] = []

    def feed(self, data: bytes) -> bytes:
        """What goes on of the bytes that came. ValueError where they are no MQTT."""
        self._buffer += data
        out = bytearray()
        while (packet := self._next()) is not None:
            out += self._pass(packet)
        return bytes(out)

    def release(self) -> bytes:
        """What is still held, at the end of the trouble."""
        out = b"".join(held.packet for held in self._held)
        self._held.clear()
        return out

    def _next(self) -> bytes | None:
        length, shift, at = 0, 0, 1
        while True:
            if at >= len(self._buffer):
                return None
            byte = self._buffer[at]
            length |= (byte & 0x7F) << shift
            at, shift = at + 1, shift + 7
            if not byte & 0x80:
                break
            if shift > 21:
                raise ValueError("no MQTT: a length of over four bytes")
        if length > MAX_PACKET_BYTES:
            raise ValueError(f"no MQTT of ours: a packet of {length} bytes")
        if len(self._buffer) < at + length:
            return None
        packet = bytes(self._buffer[: at + length])
        del self._buffer[: at + length]
        return packet

    def _pass(self, packet: bytes) -> bytes:
        now, ours = self._meddling, is_ours(packet)
        out = bytearray()
        if ours and now.reorder and self._random.random() < SHARE:
            now.reordered += 1
            self._held.append(_Held(packet, self._random.randint(1, MOST_OVERTAKING)))
        else:
            out += packet
        if ours and now.double and self._random.random() < SHARE:
            now.doubled += 1
            mark = _DUP if packet[0] & _QOS_BITS else 0
            again = bytes((packet[0] | mark,)) + packet[1:]
            self._held.append(_Held(again, self._random.randint(1, MOST_OVERTAKING)))
        return bytes(out) + self._overtaken()

    def _overtaken(self) -> bytes:
        out = bytearray()
        for held in self._held:
            held.left -= 1
            if held.left < 0:
                out += held.packet
        self._held = [held for held in self._held if held.left >= 0]
        return bytes(out)


def is_ours(packet: bytes) -> bool:
    """Whether a packet is a PUBLISH of a batch of samples or of what is stored, QoS 0 or 1."""
    if packet[0] >> 4 != _PUBLISH or packet[0] & _QOS_BITS not in (0, _QOS_1):
        return False
    at = 1
    while packet[at] & 0x80:
        at += 1
    at += 1
    length = int.from_bytes(packet[at : at + 2], "big")
    return packet[at + 2 : at + 2 + length].endswith(_LEAVES)
