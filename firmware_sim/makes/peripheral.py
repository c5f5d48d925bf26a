"""The Bluetooth side of a simulated sensor of another make: its GATT server drives the pure device."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from bumble import att
from bumble.core import UUID, AdvertisingData
from bumble.device import Connection, DeviceConfiguration
from bumble.device import Device as BluetoothDevice
from bumble.gatt import Characteristic, CharacteristicValue, Service
from bumble.host import DataPacketQueue

from contracts.units import NS_PER_S
from firmware_sim.air import DEFAULT_RSSI_DBM, Air, VirtualController
from firmware_sim.makes.device import DEFAULT_VALUE_BYTES, Advertised, Attribute, Device
from firmware_sim.peripheral import (
    ADVERTISING_INTERVAL_MS,
    MAX_ADVERTISEMENT_BYTES,
    MAX_PENDING_PACKETS,
    MAX_SLEEP_S,
    MIN_SLEEP_S,
    SENSOR_ATT_MTU,
    SensorHost,
    static_address,
)

#: A notification's value is this much shorter than the ATT MTU.
NOTIFICATION_HEAD_BYTES: Final = 3


def advertisement(advertised: Advertised) -> bytes:
    """Advertising data: flags, service, maker and name, as far as 31 bytes go."""
    kind = AdvertisingData.Type
    flags = AdvertisingData.Flags.LE_GENERAL_DISCOVERABLE_MODE | 0x04  # no classic Bluetooth
    fields = [(kind.FLAGS, bytes((flags,)))]
    for service in map(_uuid, advertised.services):
        short = len(service.to_bytes()) == 2
        fields.append(
            (
                kind.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS
                if short
                else kind.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS,
                service.to_bytes(),
            )
        )
    if advertised.company is not None:
        fields.append((kind.MANUFACTURER_SPECIFIC_DATA, advertised.company.to_bytes(2, "little")))
    room = MAX_ADVERTISEMENT_BYTES - sum(2 + len(value) for _, value in fields) - 2
    fields.append((kind.COMPLETE_LOCAL_NAME, advertised.name.encode()[:room]))
    return bytes(AdvertisingData(fields))


class MakePeripheral:
    """One sensor on the air: advertises, serves one central, advertises again.

    ``clock_ns`` tells the true UTC time in ns. ``failed`` is told of a defect in the device.
    """

    def __init__(
        self,
        device: Device,
        air: Air,
        *,
        clock_ns: Callable[[], int],
        failed: Callable[[BaseException], None],
        att_mtu: int = SENSOR_ATT_MTU,
        rssi_dbm: int = DEFAULT_RSSI_DBM,
    ) -> None:
        serial = device.config.serial
        self.serial = serial
        self.firmware = device
        self.connections = 0  # centrals that connected so far
        self._clock_ns = clock_ns
        self._failed = failed
        self.controller = VirtualController(serial, air, rssi_dbm=rssi_dbm)
        self.host = SensorHost()
        self.host.controller = self.controller
        address = static_address(serial)
        config = DeviceConfiguration(
            name=device.advertised.name, address=address, irk=bytes(address).ljust(16)
        )
        self.device = BluetoothDevice(config=config, host=self.host)
        self.device.gatt_server.max_mtu = att_mtu
        self._handles: dict[str, Characteristic[bytes]] = {}
        self.device.add_services(
            [
                Service(_uuid(uuid), [self._characteristic(one) for one in attributes])
                for uuid, attributes in device.SERVICES.items()
            ]
        )
        self.device.on(BluetoothDevice.EVENT_CONNECTION, self._on_connection)
        self._connection: Connection | None = None
        self._sending: asyncio.Task[None] | None = None
        self._woken = asyncio.Event()

    @property
    def connected(self) -> bool:
        """Whether a central is connected."""
        return self._connection is not None

    async def start(self) -> None:
        """Switch the radio on and advertise."""
        await self.device.power_on()
        await self.device.start_advertising(
            auto_restart=True,
            advertising_data=advertisement(self.firmware.advertised),
            advertising_interval_min=ADVERTISING_INTERVAL_MS,
            advertising_interval_max=ADVERTISING_INTERVAL_MS,
        )

    async def stop(self) -> None:
        """Switch the radio off: a central notices that the sensor went silent."""
        self.controller.leave()
        sending = self._sending
        self._on_disconnection()
        if sending is not None:
            await asyncio.gather(sending, return_exceptions=True)

    def _characteristic(self, attribute: Attribute) -> Characteristic[bytes]:
        may, permission = Characteristic.Properties, Characteristic.Permissions
        properties, permissions = may(0), permission(0)
        if attribute.read:
            properties, permissions = properties | may.READ, permissions | permission.READABLE
        if attribute.write:
            properties |= may.WRITE | may.WRITE_WITHOUT_RESPONSE
            permissions |= permission.WRITEABLE
        if attribute.notify:
            properties |= may.NOTIFY
        characteristic: Characteristic[bytes] = Characteristic(
            _uuid(attribute.uuid), properties, permissions, self._value(attribute)
        )
        if attribute.notify:
            characteristic.on(
                Characteristic.EVENT_SUBSCRIPTION,
                lambda _, notify, __: self._on_subscription(attribute.uuid, notify),
            )
        self._handles[attribute.uuid] = characteristic
        return characteristic

    def _value(self, attribute: Attribute) -> CharacteristicValue[bytes]:
        # bumble's server leaves it to the value what a central may do with it
        def read(_: Connection) -> bytes:
            if not attribute.read:
                raise att.ATT_Error(att.ErrorCode.READ_NOT_PERMITTED)
            return self.firmware.read(attribute.uuid, self._clock_ns())

        def write(_: Connection, value: bytes) -> None:
            if not attribute.write:
                raise att.ATT_Error(att.ErrorCode.WRITE_NOT_PERMITTED)
            self.firmware.write(attribute.uuid, value, self._clock_ns())
            self._woken.set()

        return CharacteristicValue(read=read, write=write)

    def _on_subscription(self, uuid: str, wanted: bool) -> None:
        self.firmware.subscribe(uuid, wanted, self._clock_ns())
        self._woken.set()

    def _on_connection(self, connection: Connection) -> None:
        self.connections += 1
        self._connection = connection
        connection.on(Connection.EVENT_CONNECTION_ATT_MTU_UPDATE, self._on_mtu)
        connection.on(Connection.EVENT_DISCONNECTION, lambda _: self._on_disconnection())
        self._queue(connection).on("flow", self._woken.set)
        self._sending = asyncio.create_task(self._send(connection))
        self._sending.add_done_callback(self._on_done)

    def _on_mtu(self) -> None:
        if self._connection is not None:
            room = self._connection.att_mtu - NOTIFICATION_HEAD_BYTES
            self.firmware.max_value_bytes = max(DEFAULT_VALUE_BYTES, room)

    def _on_disconnection(self) -> None:
        if self._connection is not None:
            self._connection = None
            self.firmware.disconnected()
        if self._sending is not None:
            self._sending.cancel()
            self._sending = None

    def _on_done(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._failed(error)

    async def _send(self, connection: Connection) -> None:
        loop = asyncio.get_running_loop()
        while self._connection is connection:
            self._woken.clear()
            due_s = self._send_what_is_due(connection)
            timer = None if due_s is None else loop.call_later(due_s, self._woken.set)
            await self._woken.wait()
            if timer is not None:
                timer.cancel()

    def _send_what_is_due(self, connection: Connection) -> float | None:
        """Fill the controller's buffers. Seconds until there is more; None: something will wake us."""
        now_ns = self._clock_ns()
        self.firmware.advance(now_ns)
        queue = self._queue(connection)
        while queue.pending < MAX_PENDING_PACKETS:
            notification = self.firmware.next_notification()
            if notification is None:
                due_ns = self.firmware.next_due_ns()
                if due_ns is None:
                    return None
                return min(MAX_SLEEP_S, max(MIN_SLEEP_S, (due_ns - now_ns) / NS_PER_S))
            uuid, value = notification
            if self._listened_to(connection, uuid):
                self.host.notify(connection.handle, self._handles[uuid].handle, value)
        return None

    def _queue(self, connection: Connection) -> DataPacketQueue:
        return self.host.connections[connection.handle].acl_packet_queue

    def _listened_to(self, connection: Connection, uuid: str) -> bool:
        states = self.device.gatt_server.subscribers.get(connection, {})
        return bool(states.get(self._handles[uuid].handle, b"\0")[0] & 1)


def _uuid(uuid: str) -> UUID:
    """An assigned number in its 16-bit form, as sensors keep it."""
    if uuid.endswith("-0000-1000-8000-00805f9b34fb"):
        return UUID.from_16_bits(int(uuid[4:8], 16))
    return UUID(uuid)
