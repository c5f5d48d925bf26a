"""The virtual air: radios that hear one another inside this process, and dongles for others over TCP.

A sensor's Bluetooth host sits on a :class:`VirtualController` of its own; other programs get one
through :mod:`firmware_sim.dongles`. bumble's controller
and link do the protocol; what they leave out and a gateway's life depends on is added here (see
docs/bluetooth.md): cancelling a connect, reset, lost links, scan responses, signal strength, who wins
when two connect at once, fragments, and back pressure.
"""

from __future__ import annotations

import asyncio
import struct
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, cast

from bumble import hci, ll
from bumble.controller import Connection, Controller
from bumble.link import LocalLink

from firmware_sim.advertiser import Advertiser

#: LE data length extension: the longest payload of one packet on the air, and so of one HCI packet.
ACL_BYTES: Final = 251
#: How many ACL packets a controller holds; the host waits for them to be completed.
ACL_PACKETS: Final = 64
DEFAULT_RSSI_DBM: Final = -60

_ACL: Final = hci.HCI_ACL_DATA_PACKET
_CONTINUATION: Final = 1
_FIRST_FLUSHABLE: Final = 2


@dataclass(slots=True, eq=False)
class _LinkEnd:
    """One end of a link: the packets that its host sends go to ``peer``, while there is one."""

    controller: VirtualController
    connection: Connection
    first_header: bytes
    next_header: bytes
    peer: _LinkEnd | None = None
    completed: int = 0  # taken from the host and not yet reported to it
    #: Packets under way: when they arrive (the loop's time), at which end, and what of them does.
    under_way: deque[tuple[float, _LinkEnd, bytes | None]] = field(default_factory=deque)

    @classmethod
    def of(cls, controller: VirtualController, connection: Connection) -> _LinkEnd:
        handle = connection.handle
        return cls(
            controller,
            connection,
            struct.pack("<BH", _ACL, handle | _FIRST_FLUSHABLE << 12),
            struct.pack("<BH", _ACL, handle | _CONTINUATION << 12),
        )


class Conditions(Protocol):
    """How the air is round one sensor: what becomes of the data packets of its links."""

    def passed(self, packet: bytes, *, from_sensor: bool) -> tuple[bytes | None, float]:
        """An ACL packet as it arrives, None where it never does, and after how many seconds."""


class _InOrder(dict[Controller, None]):
    """A set that is gone through in the order of arrival: the same run after run."""

    def add(self, controller: Controller) -> None:
        self[controller] = None

    def remove(self, controller: Controller) -> None:
        del self[controller]


class Air(LocalLink):
    """Everything that hears everything. One an event loop."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.controllers = cast(Any, _InOrder())

    def listened_to(self, advertiser: VirtualController) -> bool:
        """Whether anyone else on the air scans, or waits to connect."""
        return any(
            cast(VirtualController, controller).listening
            for controller in self.controllers
            if controller is not advertiser
        )

    def listen(self) -> None:
        """Somebody listens from now on: let those go on who had nobody to advertise to."""
        for controller in self.controllers:
            cast(Advertiser, controller.le_legacy_advertiser).go_on()

    def advertiser(self, address: hci.Address) -> VirtualController | None:
        """The controller that advertises under ``address`` right now, within reach."""
        for controller in self.controllers:
            advertiser = controller.le_legacy_advertiser
            if advertiser.enabled and advertiser.address == address:
                found = cast(VirtualController, controller)
                return found if found.in_reach else None
        return None

    def send_advertising_pdu(
        self, sender_controller: Controller, packet: ll.AdvertisingPdu
    ) -> None:
        """Advertisements to all; a connect request at once, so that only one of two can win."""
        if isinstance(packet, ll.ConnectInd):
            target = self.advertiser(packet.advertiser_address)
            if target is not None:
                target.on_ll_advertising_pdu(packet)
            return
        super().send_advertising_pdu(sender_controller, packet)

    def send_ll_control_pdu(
        self, sender_address: hci.Address, receiver_address: hci.Address, packet: ll.ControlPdu
    ) -> None:
        """As bumble's, but what is sent to somebody who has gone is lost, as on a real air."""
        if self.find_le_controller(receiver_address) is not None:
            super().send_ll_control_pdu(sender_address, receiver_address, packet)


class VirtualController(Controller):
    """An LE controller on the air: legacy advertising, data length extension, one host."""

    le_features = Controller.le_features & ~(
        hci.LeFeatureMask.LE_EXTENDED_ADVERTISING | hci.LeFeatureMask.LE_PERIODIC_ADVERTISING
    )
    acl_data_packet_length = ACL_BYTES
    total_num_acl_data_packets = ACL_PACKETS
    le_acl_data_packet_length = ACL_BYTES
    total_num_le_acl_data_packets = ACL_PACKETS
    supported_max_tx_octets = ACL_BYTES
    supported_max_rx_octets = ACL_BYTES

    def __init__(self, name: str, air: Air, *, rssi_dbm: int = DEFAULT_RSSI_DBM) -> None:
        super().__init__(name, link=air)
        self.le_legacy_advertiser = Advertiser(self)
        self.air = air
        self.conditions: Conditions | None = None
        self.in_reach = True
        self.rssi_dbm = rssi_dbm  # at which others hear it
        self.congested = False  # its host does not take more for now
        self._loop = asyncio.get_running_loop()
        self._ends: dict[int, _LinkEnd] = {}
        self._report_due = False

    @property
    def listening(self) -> bool:
        """Whether it scans, or waits for somebody to connect to."""
        return bool(self.le_scan_enable) or self.pending_le_connection is not None

    # To the host

    def send_hci_packet(self, packet: hci.HCI_Packet) -> None:
        self.to_host(bytes(packet))

    def to_host(self, packet: bytes) -> None:
        """Hand one HCI packet to the host, after what is going on now."""
        if self.hci_sink is not None:
            self._loop.call_soon(self.hci_sink.on_packet, packet)

    # Data

    def on_packet(self, packet: bytes) -> None:
        """A packet from the host; data takes the short way."""
        if packet[0] == _ACL:
            self._on_data(packet)
        else:
            super().on_packet(packet)
            if self.listening:
                self.air.listen()

    def _on_data(self, packet: bytes) -> None:
        head = packet[1] | packet[2] << 8
        end = self._ends.get(head & 0xFFF)
        if end is None:  # the link was lost while this was on its way
            return
        peer = end.peer
        if peer is None:
            self._complete(end)
            return
        continues = head >> 12 & 3 == _CONTINUATION
        arriving = (peer.next_header if continues else peer.first_header) + packet[3:]
        conditions = self.conditions or peer.controller.conditions
        if conditions is None:
            peer.controller.to_host(arriving)
            self._complete(end)
        else:
            self._send_through(conditions, end, peer, arriving)

    def _send_through(
        self, conditions: Conditions, end: _LinkEnd, peer: _LinkEnd, packet: bytes
    ) -> None:
        """Hand a packet over as the conditions have it, none before one that was sent earlier."""
        passed, delay_s = conditions.passed(packet, from_sensor=conditions is self.conditions)
        now_s = self._loop.time()
        if delay_s <= 0.0 and not end.under_way:
            self._arrive(end, peer, passed)
            return
        arrives_s = now_s + delay_s
        if end.under_way:
            arrives_s = max(arrives_s, end.under_way[-1][0])
        else:
            self._loop.call_at(arrives_s, self._arrive_in_order, end)
        end.under_way.append((arrives_s, peer, passed))

    def _arrive_in_order(self, end: _LinkEnd) -> None:
        """What has arrived by now; one timer for all, since timers of one time come in any order."""
        while end.under_way and end.under_way[0][0] <= self._loop.time():
            _, peer, packet = end.under_way.popleft()
            self._arrive(end, peer, packet)
        if end.under_way:
            self._loop.call_at(end.under_way[0][0], self._arrive_in_order, end)

    def _arrive(self, end: _LinkEnd, peer: _LinkEnd, packet: bytes | None) -> None:
        if packet is not None and end.peer is peer:  # the link is still the one it was sent on
            peer.controller.to_host(packet)
        self._complete(end)

    def _complete(self, end: _LinkEnd) -> None:
        end.completed += 1
        if not self._report_due:
            self._report_due = True
            self._loop.call_soon(self.report_completed)

    def report_completed(self) -> None:
        """Tell the host which packets are out, except those whose receiver is full."""
        self._report_due = False
        for handle, end in self._ends.items():
            full = end.peer is not None and end.peer.controller.congested
            if end.completed and not full:
                event = struct.pack("<BBBBHH", 4, 0x13, 5, 1, handle, end.completed)
                end.completed = 0
                self.to_host(event)

    def set_congested(self, congested: bool) -> None:
        """Whether the host's queue is full: while it is, senders get no packets completed."""
        self.congested = congested
        if not congested:
            for end in list(self._ends.values()):
                if end.peer is not None:
                    end.peer.controller.report_completed()

    # Links

    def create_le_connection(self, peer_address: hci.Address) -> None:
        """Join the advertiser, unless somebody else was quicker: then the request stays pending."""
        advertiser = self.air.advertiser(peer_address)
        if advertiser is None or advertiser is self:
            return
        super().create_le_connection(peer_address)
        ours = self.le_connections[peer_address]
        here = _LinkEnd.of(self, ours)
        there = _LinkEnd.of(advertiser, advertiser.le_connections[ours.self_address])
        here.peer, there.peer = there, here
        self.attach(here)
        advertiser.attach(there)

    def attach(self, end: _LinkEnd) -> None:
        """What the host sends on this connection goes to the end's peer from now on."""
        self._ends[end.connection.handle] = end

    def on_ll_control_pdu(self, sender_address: hci.Address, packet: ll.ControlPdu) -> None:
        """As bumble's, but silent about what arrives after the link was lost."""
        if sender_address in self.le_connections:
            super().on_ll_control_pdu(sender_address, packet)

    def on_le_disconnected(self, connection: Connection, reason: int) -> None:
        """The link is gone at this end."""
        self._cut(connection.handle)
        super().on_le_disconnected(connection, reason)

    def _cut(self, handle: int) -> _LinkEnd | None:
        end = self._ends.pop(handle, None)
        if end is None or end.peer is None:
            return None
        peer, end.peer = end.peer, None
        peer.peer = None
        return peer

    def vanish(self) -> None:
        """Fall silent. Its host hears nothing more; the other ends notice by supervision time-out."""
        self.le_legacy_advertiser.stop()
        self.le_scan_enable = False
        self.pending_le_connection = None
        connections = list(self.le_connections.values())
        self.le_connections.clear()
        for connection in connections:
            peer = self._cut(connection.handle)
            if peer is not None:
                peer.controller.on_le_disconnected(
                    peer.connection, hci.HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR
                )

    def lose_links(self) -> None:
        """Out of range for a moment: both ends notice by supervision time-out."""
        for connection in list(self.le_connections.values()):
            peer = self._cut(connection.handle)
            timeout = hci.HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR
            self.on_le_disconnected(connection, timeout)
            if peer is not None:
                peer.controller.on_le_disconnected(peer.connection, timeout)

    def set_in_reach(self, in_reach: bool) -> None:
        """Whether anyone can hear it. Out of reach its links are lost, and both ends notice."""
        self.in_reach = in_reach
        advertiser = cast(Advertiser, self.le_legacy_advertiser)
        if not in_reach:
            advertiser.pause()
            self.lose_links()
        elif advertiser.enabled:
            advertiser.start()

    def leave(self) -> None:
        """Vanish for good."""
        self.vanish()
        if self in self.air.controllers:
            self.air.remove_controller(self)

    # Commands that bumble's controller answers but does not carry out

    def on_hci_reset_command(
        self, command: hci.HCI_Reset_Command
    ) -> hci.HCI_StatusReturnParameters:
        """Links, advertising, scanning and a pending connect end with a reset."""
        self.vanish()
        return super().on_hci_reset_command(command)

    def on_hci_le_create_connection_cancel_command(
        self, command: hci.HCI_LE_Create_Connection_Cancel_Command
    ) -> hci.HCI_StatusReturnParameters:
        """Ends the pending connect, which the host hears of as a failed one."""
        pending = self.pending_le_connection
        if pending is None:
            return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.COMMAND_DISALLOWED_ERROR)
        self.pending_le_connection = None
        failed = hci.HCI_LE_Connection_Complete_Event(
            status=hci.HCI_ErrorCode.UNKNOWN_CONNECTION_IDENTIFIER_ERROR,
            connection_handle=0,
            role=hci.Role.CENTRAL,
            peer_address_type=pending.peer_address.address_type,
            peer_address=pending.peer_address,
            connection_interval=0,
            peripheral_latency=0,
            supervision_timeout=0,
            central_clock_accuracy=0,
        )
        self._loop.call_soon(self.send_hci_packet, failed)  # after the command's own answer
        return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.SUCCESS)

    def on_hci_read_rssi_command(
        self, command: hci.HCI_Read_RSSI_Command
    ) -> hci.HCI_Read_RSSI_ReturnParameters:
        """How strongly the other end of a link is heard."""
        end = self._ends.get(command.handle)
        if end is None or end.peer is None:
            status = hci.HCI_ErrorCode.UNKNOWN_CONNECTION_IDENTIFIER_ERROR
            return hci.HCI_Read_RSSI_ReturnParameters(status, command.handle, 127)
        return hci.HCI_Read_RSSI_ReturnParameters(
            hci.HCI_ErrorCode.SUCCESS, command.handle, end.peer.controller.rssi_dbm
        )

    # Advertisements

    def on_advertising_pdu(self, pdu: ll.AdvInd | ll.AdvExtInd) -> None:
        """Report what is heard, with the advertiser's scan response where the scan is active."""
        advertiser = self.air.advertiser(pdu.advertiser_address)
        if advertiser is None:
            return
        if self.le_scan_enable and not self.congested:  # a host that does not read hears nothing
            kind = hci.HCI_LE_Advertising_Report_Event.EventType
            self._report(kind.ADV_IND, pdu.advertiser_address, pdu.data, advertiser.rssi_dbm)
            if self.le_scan_type:
                response = advertiser.le_legacy_advertiser.scan_response_data
                self._report(kind.SCAN_RSP, pdu.advertiser_address, response, advertiser.rssi_dbm)
        pending = self.pending_le_connection
        if pending is not None and pending.peer_address == pdu.advertiser_address:
            self.create_le_connection(pdu.advertiser_address)

    def _report(self, event_type: int, address: hci.Address, data: bytes, rssi_dbm: int) -> None:
        report = hci.HCI_LE_Advertising_Report_Event.Report(
            event_type=event_type,
            address_type=address.address_type,
            address=address,
            data=data,
            rssi=rssi_dbm,
        )
        self.send_hci_packet(hci.HCI_LE_Advertising_Report_Event([report]))
