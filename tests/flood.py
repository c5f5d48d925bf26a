"""Publishes as fast as a broker takes it: MQTT 3.1.1 packets made by hand, QoS 1."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterable

#: Acknowledged packets per read; a broker's answers are four bytes each.
_READ_BYTES = 65_536
WAIT_S = 120.0


class Flood:
    """A connection that nothing checks: any payload on any topic that a broker forwards."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), WAIT_S)
        self._send(0x10, b"\0\4MQTT\4\2\0\0" + _text(b"flood"))
        assert self._socket.recv(4) == b"\x20\2\0\0"
        self._sent = 0
        self._acked = 0
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def publish(self, messages: Iterable[tuple[str, bytes]]) -> None:
        """Hand all of them to the broker, in order; returns when it has taken them."""
        for topic, payload in messages:
            self._sent += 1
            number = struct.pack(">H", self._sent % 65_535 + 1)
            self._send(0x32, _text(topic.encode()) + number + payload)
        with self._changed:
            assert self._changed.wait_for(lambda: self._acked >= self._sent, WAIT_S)

    def close(self) -> None:
        """Leave the broker."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self._reader.join(WAIT_S)
        self._socket.close()

    def _send(self, kind: int, body: bytes) -> None:
        size, left = bytearray(), len(body)
        while True:
            left, digit = left >> 7, left & 0x7F
            size.append(digit | (0x80 if left else 0))
            if not left:
                break
        self._socket.sendall(bytes((kind, *size)) + body)

    def _read(self) -> None:
        count = 0
        while data := self._socket.recv(_READ_BYTES):
            count += len(data)
            with self._changed:
                self._acked = count // 4
                self._changed.notify_all()


def _text(text: bytes) -> bytes:
    return struct.pack(">H", len(text)) + text
