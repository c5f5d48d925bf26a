"""Dongles of the virtual air: whoever connects over TCP gets a Bluetooth controller of its own.

Code in the same process and event loop has it without TCP, at a :class:`LocalPort`.

The far end speaks HCI (H4) on the stream, exactly as to a USB dongle. When it goes away, however it
ends, its dongle falls silent, and the sensors that it was connected to notice at once what a real one
would notice after its supervision time-out.
"""

from __future__ import annotations

import asyncio
import errno
from dataclasses import dataclass, field
from typing import Final, cast

import structlog
from bumble import hci
from bumble.core import InvalidPacketError
from bumble.transport.common import PacketParser, Transport, TransportSink

from firmware_sim.air import Air, VirtualController

log = structlog.get_logger(__name__)

#: More programs than this on one air are a mistake.
MAX_DONGLES: Final = 16


class _LocalSource:
    """What comes from a dongle to the host that has its port open."""

    def __init__(self, dongle: VirtualController) -> None:
        self.terminated: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._dongle = dongle

    def set_packet_sink(self, sink: TransportSink) -> None:
        """Where packets go from now on."""
        self._dongle.hci_sink = sink

    def close(self) -> None:
        """The port is closed, or its dongle was pulled out: either way the dongle is silent."""
        if not self.terminated.done():
            self.terminated.set_result(None)
        self._dongle.hci_sink = None
        self._dongle.leave()


class LocalPort:
    """A port of this very process for one dongle, which can be pulled out and put in again."""

    def __init__(self, air: Air, name: str = "local-dongle") -> None:
        self._air = air
        self._name = name
        self._open: _LocalSource | None = None
        self._dongle: VirtualController | None = None
        self.plugged_in = True

    @property
    def links(self) -> int:
        """How many links its dongle holds: slots that are taken."""
        return len(self._dongle.le_connections) if self._dongle is not None else 0

    @property
    def address(self) -> hci.Address | None:
        """By which sensors know who has it open, or had last; None before it was opened."""
        return None if self._dongle is None else self._dongle.random_address

    async def open(self) -> Transport:
        """The dongle as a bumble transport. OSError while it is pulled out or somebody has it."""
        if not self.plugged_in:
            raise OSError(errno.ENODEV, "the dongle is not plugged in")
        if self._open is not None and not self._open.terminated.done():
            raise OSError(errno.EBUSY, "somebody else has the dongle")
        self._dongle = VirtualController(self._name, self._air)
        self._open = _LocalSource(self._dongle)
        return Transport(self._open, self._dongle)

    def pull_out(self) -> None:
        """The dongle is gone, and with it every link."""
        self.plugged_in = False
        if self._open is not None:
            self._open.close()

    def put_in(self) -> None:
        """It can be opened again."""
        self.plugged_in = True


class Dongle(VirtualController):
    """A controller whose host is another program, at the far end of a byte stream.

    What goes out within one turn of the event loop is one write.
    """

    def __init__(self, name: str, air: Air, stream: asyncio.WriteTransport) -> None:
        super().__init__(name, air)
        self._stream = stream
        self._outgoing: list[bytes] = []

    def to_host(self, packet: bytes) -> None:
        """Queue one HCI packet for the stream."""
        if not self._outgoing:
            self._loop.call_soon(self._flush)
        self._outgoing.append(packet)

    def _flush(self) -> None:
        outgoing = b"".join(self._outgoing)
        self._outgoing.clear()
        if not self._stream.is_closing():
            self._stream.write(outgoing)


class _DongleProtocol(asyncio.Protocol):
    """One TCP client: HCI packets to a dongle of its own for as long as it stays."""

    def __init__(self, listener: DongleListener) -> None:
        self._listener = listener
        self._dongle: Dongle | None = None
        self._stream: asyncio.WriteTransport | None = None
        self._parser = PacketParser()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._stream = cast(asyncio.WriteTransport, transport)
        full = len(self._listener.streams) >= MAX_DONGLES
        if full or not self._listener.plugged_in:
            if full:
                log.warning("air.full", dongles=MAX_DONGLES)
            self._stream.abort()
            return
        self._listener.streams.add(self._stream)
        self._dongle = Dongle(self._listener.next_name(), self._listener.air, self._stream)
        self._parser.set_packet_sink(self._dongle)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except InvalidPacketError:
            log.warning("air.not_hci", hint="The program at the other end does not speak HCI (H4).")
            if self._stream is not None:
                self._stream.abort()

    def pause_writing(self) -> None:
        if self._dongle is not None:
            self._dongle.set_congested(True)

    def resume_writing(self) -> None:
        if self._dongle is not None:
            self._dongle.set_congested(False)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._dongle is not None:
            self._dongle.leave()
        if self._stream is not None:
            self._listener.streams.discard(self._stream)


@dataclass(eq=False)
class DongleListener:
    """The TCP port through which other programs reach the air. Open with :meth:`open`."""

    air: Air
    streams: set[asyncio.WriteTransport] = field(default_factory=set)
    plugged_in: bool = True
    _server: asyncio.Server | None = None
    _named: int = 0

    @classmethod
    async def open(cls, air: Air, host: str, port: int) -> DongleListener:
        """Listen on ``host``:``port`` (0: any free port). OSError where that cannot be."""
        listener = cls(air)
        loop = asyncio.get_running_loop()
        listener._server = await loop.create_server(lambda: _DongleProtocol(listener), host, port)
        return listener

    @property
    def port(self) -> int:
        """The port it listens on; 0 when it is closed."""
        return int(self._server.sockets[0].getsockname()[1]) if self._server else 0

    def pull_out(self) -> None:
        """Every dongle is gone, and who connects gets none."""
        self.plugged_in = False
        for stream in list(self.streams):
            stream.abort()

    def put_in(self) -> None:
        """There are dongles again."""
        self.plugged_in = True

    def next_name(self) -> str:
        """A name for the next dongle, for the log."""
        self._named += 1
        return f"dongle-{self._named}"

    async def close(self) -> None:
        """Stop listening and hang up on everyone."""
        if self._server is None:
            return
        self._server.close()
        for stream in list(self.streams):
            stream.abort()
        await self._server.wait_closed()
        self._server = None
