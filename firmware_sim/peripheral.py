"""The Bluetooth side of a simulated sensor: a GATT server that drives the pure firmware.

Everything goes the way it goes in a real sensor: notifications over ATT, L2CAP and HCI into a
controller with a bounded number of buffers. The firmware knows nothing of Bluetooth, and this knows
nothing of samples.
"""

from __future__ import annotations

import asyncio
import hashlib
import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import structlog
from bumble import att, hci
from bumble.core import UUID, AdvertisingData
from bumble.device import Connection, Device, DeviceConfiguration
from bumble.gatt import Characteristic, CharacteristicValue, Service
from bumble.host import Host

from contracts import gatt
from contracts.units import NS_PER_S
from firmware_sim.air import DEFAULT_RSSI_DBM, Air, VirtualController
from firmware_sim.bonding import Bonding

if TYPE_CHECKING:
    from firmware_sim.epochs import AnyFirmware

log = structlog.get_logger(__name__)

MANUFACTURER_NAME: Final = "Plumbline"
MODEL_NUMBER: Final = "PL-SIM"
FIRMWARE_REVISION: Final = "1.0.0"
#: The largest ATT MTU the sensor offers: one notification fills one packet on the air (251 − 4 bytes
#: of L2CAP header), which is what the radios in real sensors do best.
SENSOR_ATT_MTU: Final = 247
ADVERTISING_INTERVAL_MS: Final = 100
#: A legacy advertisement and its scan response hold 31 bytes each.
MAX_ADVERTISEMENT_BYTES: Final = 31
#: Packets handed to the controller and not yet out: what is sent ahead of a log waits behind them, on a
#: slow link for an eighth of a second.
MAX_PENDING_PACKETS: Final = 16
#: Commands that may wait for their indicated reply to be confirmed.
MAX_PENDING_REPLIES: Final = 8
#: The longest sleep between looks at the clock, which may be set meanwhile.
MAX_SLEEP_S: Final = 1.0
MIN_SLEEP_S: Final = 0.001

_NOTIFY: Final = 0x01
_INDICATE: Final = 0x02
_BASE_UUID_END: Final = "-0000-1000-8000-00805f9b34fb"


def static_address(serial: str) -> hci.Address:
    """A random static address (its two top bits set) that a serial always gets again."""
    digest = bytearray(hashlib.sha256(serial.encode()).digest()[:6])
    digest[5] |= 0xC0
    return hci.Address(bytes(digest), hci.AddressType.RANDOM_DEVICE)


def advertisement(name: str) -> tuple[bytes, bytes]:
    """Advertising data (flags, service, as much of the name as fits) and scan response (the name)."""
    kind = AdvertisingData.Type
    flags = bytes((AdvertisingData.Flags.LE_GENERAL_DISCOVERABLE_MODE | 0x04,))
    fields = [
        (kind.FLAGS, flags),
        (kind.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS, UUID(gatt.SERVICE_UUID).to_bytes()),
    ]
    room = MAX_ADVERTISEMENT_BYTES - sum(2 + len(value) for _, value in fields)
    short = name.encode()[: room - 2]
    full = name.encode()[: MAX_ADVERTISEMENT_BYTES - 2]
    fields.append((kind.SHORTENED_LOCAL_NAME, short))
    response = [(kind.COMPLETE_LOCAL_NAME, full)]
    return bytes(AdvertisingData(fields)), bytes(AdvertisingData(response))


class _ReadyPacket(hci.HCI_Packet):
    """An HCI packet whose bytes are made already."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def __bytes__(self) -> bytes:
        return self._data


class SensorHost(Host):
    """bumble's host with a short way out for notifications, and no packet dumps for a silent log."""

    def send_hci_packet(self, packet: hci.HCI_Packet) -> None:
        if self.hci_sink is not None:
            self.hci_sink.on_packet(bytes(packet))

    def notify(self, handle: int, attribute: int, value: bytes) -> None:
        """Queue an ATT notification, cut into ACL packets where it is longer than one."""
        queue = self.connections[handle].acl_packet_queue
        pdu = struct.pack(
            "<HHBH",
            len(value) + 3,
            att.ATT_CID,
            att.Opcode.ATT_HANDLE_VALUE_NOTIFICATION,
            attribute,
        )
        pdu += value
        step = queue.max_packet_size
        for start in range(0, len(pdu), step):
            part = pdu[start : start + step]
            head = handle | (0x1000 if start else 0)
            data = struct.pack("<BHH", hci.HCI_ACL_DATA_PACKET, head, len(part)) + part
            queue.enqueue(_ReadyPacket(data), handle)


class Peripheral:
    """One sensor on the air: advertises, serves one central, advertises again.

    ``clock_ns`` tells the true UTC time in ns. ``failed`` is told of a defect in the firmware. One that
    ``bonds`` speaks to one gateway only, encrypted.
    """

    def __init__(
        self,
        serial: str,
        firmware: AnyFirmware,
        air: Air,
        *,
        clock_ns: Callable[[], int],
        failed: Callable[[BaseException], None],
        att_mtu: int = SENSOR_ATT_MTU,
        rssi_dbm: int = DEFAULT_RSSI_DBM,
        bonds: bool = False,
    ) -> None:
        self.serial = serial
        self.firmware = firmware
        self.clock_ns = clock_ns
        self.failed = failed
        self.controller = VirtualController(serial, air, rssi_dbm=rssi_dbm)
        self.host = SensorHost()
        self.host.controller = self.controller
        address = static_address(serial)
        config = DeviceConfiguration(name=serial, address=address, irk=bytes(address).ljust(16))
        self.device = Device(config=config, host=self.host)
        self.device.gatt_server.max_mtu = att_mtu
        self._session: _Session | None = None
        self.stream, self.log = (self._notifying(u) for u in (gatt.STREAM_UUID, gatt.LOG_UUID))
        self.control: Characteristic[bytes] = Characteristic(
            UUID(gatt.CONTROL_UUID),
            Characteristic.Properties.WRITE | Characteristic.Properties.INDICATE,
            Characteristic.Permissions.WRITEABLE,
            CharacteristicValue(read=_refuse_read, write=self._on_command),
        )
        self.bonding = Bonding(self.device) if bonds else None
        if self.bonding is not None:
            self.bonding.protect(self.stream, self.log, self.control)
        self.device.add_services(self._services())
        self.device.on(Device.EVENT_CONNECTION, self._on_connection)

    @property
    def connected(self) -> bool:
        """Whether a central is connected."""
        return self._session is not None

    async def start(self) -> None:
        """Switch the radio on and advertise."""
        await self.device.power_on()
        data, response = advertisement(self.serial)
        await self.device.start_advertising(
            auto_restart=True,
            advertising_data=data,
            scan_response_data=response,
            advertising_interval_min=ADVERTISING_INTERVAL_MS,
            advertising_interval_max=ADVERTISING_INTERVAL_MS,
        )

    async def stop(self) -> None:
        """Switch the radio off: a central notices that the sensor went silent."""
        self.controller.leave()
        if self._session is not None:
            session, self._session = self._session, None
            await session.stop()
            self.firmware.disconnected()

    def battery_percent(self) -> int:
        """What the firmware says of its battery."""
        command = gatt.Command(gatt.Opcode.STATUS, 0).to_bytes()
        reply = gatt.Reply.from_bytes(self.firmware.handle(command, self.clock_ns()))
        return gatt.SensorStatus.from_bytes(reply.result).battery_percent

    def _services(self) -> list[Service]:
        return [
            Service(UUID(gatt.SERVICE_UUID), [self.stream, self.control, self.log]),
            Service(
                _uuid(gatt.BATTERY_SERVICE_UUID),
                [
                    _readable(
                        gatt.BATTERY_LEVEL_UUID,
                        lambda _: bytes((self.battery_percent(),)),
                    )
                ],
            ),
            Service(
                _uuid(gatt.DEVICE_INFORMATION_UUID),
                [
                    _constant(gatt.SERIAL_NUMBER_UUID, self.serial),
                    _constant(gatt.FIRMWARE_REVISION_UUID, FIRMWARE_REVISION),
                    _constant(gatt.MANUFACTURER_NAME_UUID, MANUFACTURER_NAME),
                    _constant(gatt.MODEL_NUMBER_UUID, MODEL_NUMBER),
                ],
            ),
        ]

    def _notifying(self, uuid: str) -> Characteristic[bytes]:
        characteristic: Characteristic[bytes] = Characteristic(
            UUID(uuid),
            Characteristic.Properties.NOTIFY,
            Characteristic.Permissions(0),
            CharacteristicValue(read=_refuse_read, write=_refuse_write),
        )
        characteristic.on(Characteristic.EVENT_SUBSCRIPTION, lambda *_: self._wake())
        return characteristic

    def _on_connection(self, connection: Connection) -> None:
        self._session = _Session(self, connection)
        connection.on(Connection.EVENT_CONNECTION_ATT_MTU_UPDATE, self._wake)
        connection.on(Connection.EVENT_DISCONNECTION, lambda _: self._on_disconnection())
        self._session.start()

    def _on_disconnection(self) -> None:
        if self._session is not None:
            self._session.cancel()
            self._session = None
            self.firmware.disconnected()

    def _on_command(self, connection: Connection, value: bytes) -> None:
        del connection  # one central at a time
        if self._session is None or not self._session.command(value):
            raise att.ATT_Error(att.ErrorCode.INSUFFICIENT_RESOURCES)

    def _wake(self) -> None:
        if self._session is not None:
            self._session.wake()


class _Session:
    """One connected central: sends what the firmware has for it, indicates the replies."""

    def __init__(self, peripheral: Peripheral, connection: Connection) -> None:
        self._peripheral = peripheral
        self._connection = connection
        self._queue = peripheral.host.connections[connection.handle].acl_packet_queue
        self._replies: asyncio.Queue[bytes] = asyncio.Queue(MAX_PENDING_REPLIES)
        self._woken = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._ended = False

    def start(self) -> None:
        """Begin. Every call of this needs one of :meth:`cancel` or :meth:`stop`."""
        self._queue.on("flow", self._on_flow)
        for work in (self._send(), self._reply()):
            task = asyncio.create_task(work)
            task.add_done_callback(self._on_done)
            self._tasks.append(task)

    def cancel(self) -> None:
        """End, without waiting."""
        self._ended = True  # before Python 3.12 asyncio.wait_for may swallow a cancellation
        self._queue.remove_listener("flow", self._on_flow)
        for task in self._tasks:
            task.cancel()

    async def stop(self) -> None:
        """End, and wait until it has."""
        self.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def command(self, value: bytes) -> bool:
        """Hand a command to the firmware. False where too many replies wait to be fetched."""
        if self._replies.full():
            return False
        peripheral = self._peripheral
        try:
            reply = peripheral.firmware.handle(value, peripheral.clock_ns())
        except Exception as error:
            peripheral.failed(error)  # bumble's server would keep it to itself
            raise
        self._replies.put_nowait(reply)
        self.wake()
        return True

    def wake(self) -> None:
        """Look again whether there is something to send."""
        self._woken.set()

    def _on_flow(self) -> None:
        if self._queue.pending <= MAX_PENDING_PACKETS // 2:
            self.wake()

    def _on_done(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._peripheral.failed(error)

    async def _reply(self) -> None:
        server = self._peripheral.device.gatt_server
        while not self._ended:
            reply = await self._replies.get()
            try:
                await server.indicate_subscriber(self._connection, self._peripheral.control, reply)
            except TimeoutError:
                log.warning("sensor.reply_unconfirmed", sensor=self._peripheral.serial)

    async def _send(self) -> None:
        loop = asyncio.get_running_loop()
        while not self._ended:
            self._woken.clear()
            due_s = self._send_what_is_due()
            timer = None if due_s is None else loop.call_later(due_s, self.wake)
            await self._woken.wait()
            if timer is not None:
                timer.cancel()

    def _send_what_is_due(self) -> float | None:
        """Fill the controller's buffers. Seconds until there is more; None: something will wake us."""
        room = gatt.samples_per_packet(self._connection.att_mtu)
        if room == 0 or not self._subscribed():
            return None
        peripheral = self._peripheral
        firmware, host, handle = peripheral.firmware, peripheral.host, self._connection.handle
        stream, kept = peripheral.stream.handle, peripheral.log.handle
        now_ns = peripheral.clock_ns()
        firmware.advance(now_ns)
        while self._queue.pending < MAX_PENDING_PACKETS:
            notification = firmware.next_notification(room)
            if notification is None:
                due_ns = firmware.next_due_ns(room)
                if due_ns is None:
                    return None
                return min(MAX_SLEEP_S, max(MIN_SLEEP_S, (due_ns - now_ns) / NS_PER_S))
            host.notify(handle, kept if notification.is_log else stream, notification.value)
        return None

    def _subscribed(self) -> bool:
        """Whether the central listens to both stream and log: what is sent to no one would be lost."""
        server = self._peripheral.device.gatt_server
        states = server.subscribers.get(self._connection, {})
        wanted = (self._peripheral.stream.handle, self._peripheral.log.handle)
        return all(states.get(handle, b"\0")[0] & _NOTIFY for handle in wanted)


def _constant(uuid: str, text: str) -> Characteristic[bytes]:
    return _readable(uuid, lambda _: text.encode())


def _readable(uuid: str, read: Callable[[Connection], bytes]) -> Characteristic[bytes]:
    return Characteristic(
        _uuid(uuid),
        Characteristic.Properties.READ,
        Characteristic.Permissions.READABLE,
        CharacteristicValue(read=read, write=_refuse_write),
    )


# bumble's server leaves it to the value what a central may do with it.


def _refuse_read(_: Connection) -> bytes:
    raise att.ATT_Error(att.ErrorCode.READ_NOT_PERMITTED)


def _refuse_write(_: Connection, __: bytes) -> None:
    raise att.ATT_Error(att.ErrorCode.WRITE_NOT_PERMITTED)


def _uuid(uuid: str) -> UUID:
    """An assigned number in its 16-bit form, as sensors keep it."""
    return UUID.from_16_bits(int(uuid[4:8], 16)) if uuid.endswith(_BASE_UUID_END) else UUID(uuid)
