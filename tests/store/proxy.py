"""A TCP proxy on loopback that delays, holds back and cuts what passes through it."""

from __future__ import annotations

import contextlib
import socket
import threading
from dataclasses import dataclass, field

CHUNK = 65_536


@dataclass(eq=False)
class _Link:
    """One connection through the proxy; bytes to the server pass while ``passes`` is set."""

    client: socket.socket
    server: socket.socket
    passes: threading.Event = field(default_factory=threading.Event)

    def close(self) -> None:
        for end in (self.client, self.server):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


class TcpProxy:
    """Passes connections on to a loopback port."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._links: list[_Link] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._acceptor = threading.Thread(target=self._accept, daemon=True)
        self._acceptor.start()

    def hold(self) -> None:
        """Hold back what comes on the connections there are; new ones pass."""
        for link in self._links:
            link.passes.clear()

    def release(self) -> None:
        """Pass on what was held back, even where the client has left."""
        for link in self._links:
            link.passes.set()

    def cut(self) -> None:
        """Cut the connections there are."""
        while self._links:
            self._links.pop().close()

    def close(self) -> None:
        """Listen no more, and cut."""
        self._listener.shutdown(socket.SHUT_RDWR)  # wakes the acceptor
        self._acceptor.join()
        self._listener.close()
        self.release()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                return
            link = _Link(client, server)
            link.passes.set()
            self._links.append(link)
            threading.Thread(target=self._up, args=(link,), daemon=True).start()
            threading.Thread(target=self._down, args=(link,), daemon=True).start()

    def _up(self, link: _Link) -> None:
        with contextlib.suppress(OSError):
            while data := link.client.recv(CHUNK):
                link.passes.wait()
                link.server.sendall(data)
            link.server.shutdown(socket.SHUT_WR)

    def _down(self, link: _Link) -> None:
        with contextlib.suppress(OSError):
            while data := link.server.recv(CHUNK):
                link.client.sendall(data)
            link.client.shutdown(socket.SHUT_WR)
