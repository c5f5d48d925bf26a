"""bumble's host, with a short way in for what comes often.

A day of flash log is some hundred thousand notifications. Each that is whole (one ACL packet holds
it) goes from the HCI packet straight to its subscriber, and word of packets sent straight to their
queue; everything else, and every notification that comes in pieces, takes bumble's ordinary way, in the
order of arrival.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable
from typing import Final

import structlog
from bumble import att, core, hci
from bumble.host import Host

log = structlog.get_logger(__name__)

#: HCI type, handle and flags, ACL length, L2CAP length, channel, ATT opcode, attribute.
_NOTIFICATION: Final = struct.Struct("<BHHHHBH")
#: HCI type, event, length of what follows, how many connections; for each its handle, packets sent.
_SENT: Final = struct.Struct("<BBBB")
_SENT_ON: Final = struct.Struct("<HH")
_SENT_EVENT: Final = (hci.HCI_EVENT_PACKET, hci.HCI_NUMBER_OF_COMPLETED_PACKETS_EVENT)
_HANDLE_BITS: Final = 0x0FFF
_CONTINUATION_FLAG: Final = 0x1000
_ACL: Final = hci.HCI_ACL_DATA_PACKET
_ATT_CID: Final = att.ATT_CID
_NOTIFY: Final = int(att.Opcode.ATT_HANDLE_VALUE_NOTIFICATION)


class GatewayHost(Host):
    """A host whose subscribers are called with each notification's value, a bytearray of their own."""

    def __init__(self) -> None:
        super().__init__()
        self._subscribers: dict[tuple[int, int], Callable[[bytearray], None]] = {}

    def subscribe(
        self, handle: int, attribute: int, subscriber: Callable[[bytearray], None]
    ) -> None:
        """Call ``subscriber`` with what ``attribute`` notifies on the connection ``handle``."""
        self._subscribers[handle, attribute] = subscriber

    def unsubscribe(self, handle: int, attribute: int) -> None:
        """Call nobody any more."""
        self._subscribers.pop((handle, attribute), None)

    def forget(self, handle: int) -> None:
        """The connection ended; its handle may come again for another."""
        for key in [key for key in self._subscribers if key[0] == handle]:
            del self._subscribers[key]

    def on_packet(self, packet: bytes) -> None:
        """A packet from the controller."""
        kind = packet[0]
        if kind == _ACL and self._deliver(packet):
            return
        if kind == hci.HCI_EVENT_PACKET and self._take_sent(packet):
            return
        try:
            super().on_packet(packet)
        except asyncio.InvalidStateError:
            log.debug("radio.late_answer")  # to a question that nobody waits for any more
        except (struct.error, IndexError, AssertionError, core.BaseBumbleError) as error:
            log.warning("radio.bad_packet", bytes=len(packet), error=repr(error))

    def on_hci_packet(self, packet: hci.HCI_Packet) -> None:
        """A packet as bumble has read it; without a dump of data for a silent log."""
        if isinstance(packet, hci.HCI_AclDataPacket) and self.snooper is None:
            self.on_hci_acl_data_packet(packet)
        else:
            super().on_hci_packet(packet)

    def on_transport_lost(self) -> None:
        """Tell who waits for the controller that it is gone."""
        if self.pending_response is not None and self.pending_response.done():
            self.pending_response = None  # its command was cancelled: nobody waits for the answer
        super().on_transport_lost()  # type: ignore[no-untyped-call]

    def _deliver(self, packet: bytes) -> bool:
        if len(packet) < _NOTIFICATION.size:
            return False
        _, head, acl_bytes, pdu_bytes, channel, opcode, attribute = _NOTIFICATION.unpack_from(
            packet
        )
        if (
            opcode != _NOTIFY
            or channel != _ATT_CID
            or head & _CONTINUATION_FLAG
            or acl_bytes != pdu_bytes + 4
            or len(packet) != acl_bytes + 5
        ):
            return False
        subscriber = self._subscribers.get((head & _HANDLE_BITS, attribute))
        if subscriber is None:
            return False
        subscriber(bytearray(packet[12:]))
        return True

    def _take_sent(self, packet: bytes) -> bool:
        if len(packet) < _SENT.size or not self.ready:
            return False
        kind, event, size, connections = _SENT.unpack_from(packet)
        pairs = packet[_SENT.size :]
        if (
            (kind, event) != _SENT_EVENT
            or len(packet) != size + 3
            or len(pairs) != connections * _SENT_ON.size
        ):
            return False
        sent = [
            (self.get_data_packet_queue(handle), handle, count)
            for handle, count in _SENT_ON.iter_unpack(pairs)
        ]
        if any(queue is None for queue, _, _ in sent):
            return False
        for queue, handle, count in sent:
            if queue is not None:
                queue.on_packets_completed(count, handle)
        return True

    def send_hci_packet(self, packet: hci.HCI_Packet) -> None:
        """A packet to the controller, without making a dump of it for a silent log."""
        if self.hci_sink is not None:
            self.hci_sink.on_packet(bytes(packet))
