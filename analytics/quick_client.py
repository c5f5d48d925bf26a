"""A paho client to which messages come in bulk.

paho takes some 30 µs to read, unpack and acknowledge one message, more than analytics needs to compute
a second of a sensor. Here all that the network has brought is read at once, the plain messages in it
are split off, and are acknowledged together. Every other packet goes paho's own way, and so do
connecting, TLS, keeping alive and publishing.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple, Protocol

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from contracts.messages import MAX_IMU_BYTES
from contracts.topics import MAX_TOPIC_CHARS

#: What is read at once.
READ_BYTES: Final = 256 * 1024
#: A longer packet holds nothing of ours; it goes paho's way.
MAX_PLAIN_BYTES: Final = MAX_IMU_BYTES + 4 * MAX_TOPIC_CHARS + 4
MAX_LENGTH_BYTES: Final = 4
#: Type PUBLISH with QoS 0 or 1, whatever its flags of a repetition and of a retained message.
_PLAIN: Final = frozenset({0x30, 0x31, 0x38, 0x39, 0x32, 0x33, 0x3A, 0x3B})
_PUBACK: Final = b"\x40\x02"


class Plain(NamedTuple):
    """A message of QoS 0 or 1; ``packet_id`` is empty for QoS 0."""

    topic: bytes
    payload: bytes
    packet_id: bytes


class Readable(Protocol):
    """What is asked of the socket underneath."""

    def recv(self, bufsize: int, /) -> bytes:
        """Some bytes; none at the end."""


class ReadAhead:
    """A socket that is read ahead of. Plain messages are taken by :meth:`messages`, the rest by ``recv``.

    It holds what one read brought, and at most one packet of MAX_PLAIN_BYTES that is not whole yet.
    """

    def __init__(self, under: Readable) -> None:
        self._under = under
        self._data = b""
        self._at = 0
        self._other = 0  # bytes still to come of a packet that is no plain message
        self._over = False

    def messages(self) -> list[Plain]:
        """The plain messages that have come, up to the first other packet."""
        found: list[Plain] = []
        if self._other:
            return found
        if not self._over:
            self._fill()
        data, at = self._data, self._at
        while (header := _header(data, at)) is not None:
            body, end = header
            if data[at] not in _PLAIN or end - body > MAX_PLAIN_BYTES:
                self._other = end - at
                break
            if end > len(data):
                break
            message = _plain(data, at, body, end)
            if message is None:
                self._other = end - at  # malformed: paho's to judge
                break
            found.append(message)
            at = end
        self._at = at
        return found

    @property
    def has_other(self) -> bool:
        """Whether there is something for ``recv``: another packet, or the end of the connection."""
        return self._other > 0 or self._over

    def recv(self, bufsize: int) -> bytes:
        """Bytes of the packet that is no plain message. BlockingIOError where there are none."""
        if not self._other:
            if self._over:
                return b""
            raise BlockingIOError
        wanted = min(bufsize, self._other)
        got = self._data[self._at : self._at + wanted]
        if not got and not self._over:
            got = self._under.recv(wanted)
        self._at = min(self._at + len(got), len(self._data))
        self._other -= len(got)
        return got

    def pending(self) -> int:
        """Bytes that need not be waited for."""
        held = min(self._other, len(self._data) - self._at)
        under = getattr(self._under, "pending", None)
        return held if under is None else held + int(under())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._under, name)

    def _fill(self) -> None:
        try:
            more = self._under.recv(READ_BYTES)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return
        except OSError:
            more = b""
        self._over = not more
        self._data = self._data[self._at :] + more
        self._at = 0


class QuickClient(mqtt.Client):
    """``take`` gets the messages that have come, in the network's thread; then they are acknowledged.

    The thread does nothing else meanwhile, so ``take`` must be back well within the keepalive.
    """

    def __init__(self, client_id: str, take: Callable[[Sequence[Plain]], None]) -> None:
        super().__init__(CallbackAPIVersion.VERSION2, client_id=client_id, clean_session=True)
        # What goes paho's way (too long, or of QoS 2) comes in the end to the same.
        self.on_message = lambda _client, _data, message: take([_as_plain(message)])
        self._take = take
        self._ahead: ReadAhead | None = None

    def loop_read(self, max_packets: int = 1) -> MQTTErrorCode:
        """All that has come; paho's loop calls it when something has."""
        ahead = self._ahead
        if ahead is None:
            return super().loop_read(max_packets)
        while True:
            self._deliver(ahead.messages())
            if not ahead.has_other:
                return MQTTErrorCode.MQTT_ERR_SUCCESS
            code = super().loop_read(max_packets)
            gone = code != MQTTErrorCode.MQTT_ERR_SUCCESS or ahead is not self._ahead
            if gone or ahead.has_other:  # the rest of a packet is still to come
                return code

    def _deliver(self, messages: list[Plain]) -> None:
        if not messages:
            return
        self._take(messages)
        acknowledgements = b"".join([_PUBACK + m.packet_id for m in messages if m.packet_id])
        if acknowledgements:
            self._packet_queue(mqtt.PUBACK, acknowledgements, 0, 0)

    def _create_socket(self) -> Any:
        self._ahead = ReadAhead(super()._create_socket())
        return self._ahead


def _as_plain(message: mqtt.MQTTMessage) -> Plain:
    topic = message._topic  # noqa: SLF001 - as bytes, which may be no text
    return Plain(topic, bytes(message.payload), b"")


def _header(data: bytes, at: int) -> tuple[int, int] | None:
    """Where the body of the packet at ``at`` begins and ends; None while that is not known."""
    length = shift = 0
    for place in range(at + 1, min(at + 1 + MAX_LENGTH_BYTES, len(data))):
        byte = data[place]
        length |= (byte & 0x7F) << shift
        if byte < 0x80:
            return place + 1, place + 1 + length
        shift += 7
    if len(data) - at > MAX_LENGTH_BYTES:
        return at + 1, len(data)  # no length at all: paho's to judge
    return None


def _plain(data: bytes, at: int, body: int, end: int) -> Plain | None:
    topic = body + 2
    rest = topic + int.from_bytes(data[body:topic])
    payload = rest + 2 if data[at] & 0x06 else rest
    if payload > end:
        return None
    return Plain(data[topic:rest], data[payload:end], data[rest:payload])
