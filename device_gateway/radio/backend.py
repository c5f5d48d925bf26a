"""bleak's scanner and client on bumble, so that the gateway is ordinary bleak code on any radio."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar, cast

from bleak.args import SizedBuffer
from bleak.assigned_numbers import gatt_char_props_to_strs
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient, NotifyCallback
from bleak.backends.descriptor import BleakGATTDescriptor
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, AdvertisementDataCallback, BaseBleakScanner
from bleak.backends.service import BleakGATTService, BleakGATTServiceCollection
from bleak.exc import BleakError, BleakGATTProtocolError
from bleak.uuids import normalize_uuid_str
from bumble import att, core, hci
from bumble.core import UUID, AdvertisingData
from bumble.device import Advertisement, Connection
from bumble.gatt_client import CharacteristicProxy

from contracts.errors import RadioError, Reason
from device_gateway.radio.adapter import HciAdapter

T = TypeVar("T")

#: What the gateway offers in the MTU exchange; the sensor's own limit then decides.
GATEWAY_ATT_MTU: Final = 517
DEFAULT_ATT_MTU: Final = 23
_ATT_WRITE_HEADER_BYTES: Final = 3
_SERVICE_LISTS: Final = (
    AdvertisingData.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS,
    AdvertisingData.INCOMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS,
    AdvertisingData.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS,
    AdvertisingData.INCOMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS,
)


def bleak_uuid(uuid: UUID) -> str:
    """A bumble UUID as bleak writes it: 128 bits, lower case, with dashes."""
    return normalize_uuid_str(uuid.to_hex_str("-"))


def advertisement_data(heard: Advertisement) -> AdvertisementData:
    """What bleak tells of an advertisement; each service once."""
    data = heard.data
    services = (uuid for kind in _SERVICE_LISTS for uuid in data.get(kind) or ())
    name = data.get(AdvertisingData.COMPLETE_LOCAL_NAME) or data.get(
        AdvertisingData.SHORTENED_LOCAL_NAME
    )
    return AdvertisementData(
        local_name=name,
        manufacturer_data={},
        service_data={},
        service_uuids=list(dict.fromkeys(map(bleak_uuid, services))),
        tx_power=data.get(AdvertisingData.TX_POWER_LEVEL),
        rssi=heard.rssi,
        platform_data=(heard,),
    )


class BumbleScanner(BaseBleakScanner):
    """Active scanning. Holds the adapter from ``start`` to ``stop``."""

    def __init__(
        self,
        detection_callback: AdvertisementDataCallback | None,
        service_uuids: list[str] | None,
        *_: Any,
        hci: HciAdapter,
        **__: Any,
    ) -> None:
        super().__init__(detection_callback, service_uuids)
        self._hci = hci
        self._scan = contextlib.AsyncExitStack()

    async def start(self) -> None:
        """Scan from now on."""
        self.seen_devices = {}
        await self._scan.enter_async_context(self._hci.scanning(self._heard))

    async def stop(self) -> None:
        """Scan no more."""
        await self._scan.aclose()

    def _heard(self, heard: Advertisement) -> None:
        data = advertisement_data(heard)
        if not self.is_allowed_uuid(data.service_uuids):
            return
        address = heard.address.to_string(with_type_qualifier=False)
        device = self.create_or_update_device(
            address, address, data.local_name, heard.address, data
        )
        self.call_detection_callbacks(device, data)


class BumbleClient(BaseBleakClient):
    """One sensor. The adapter's device is shared; this owns one connection of it."""

    def __init__(
        self,
        address_or_ble_device: BLEDevice | str,
        *,
        hci: HciAdapter,
        disconnected_callback: Callable[[], None] | None,
        timeout: float,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            address_or_ble_device,
            disconnected_callback=disconnected_callback,
            timeout=timeout,
            **kwargs,
        )
        self._hci = hci
        self._peer = _peer_address(address_or_ble_device)
        self._name = getattr(address_or_ble_device, "name", None) or self.address.replace(":", "-")
        self._connection: Connection | None = None
        self._announced = False

    @property
    def name(self) -> str:
        """The name that the sensor advertised, else its address."""
        return self._name

    @property
    def mtu_size(self) -> int:
        """The ATT MTU that both ends agreed on."""
        return DEFAULT_ATT_MTU if self._connection is None else int(self._connection.att_mtu)

    @property
    def is_connected(self) -> bool:
        """Whether the link is up."""
        return self._connection is not None

    async def connect(self, pair: bool, **kwargs: Any) -> None:
        """Connect, agree on the MTU and discover everything; nothing stays behind if that fails."""
        if self._connection is not None:
            return
        try:
            async with asyncio.timeout(self._timeout):
                await self._connect(pair)
        except TimeoutError as error:
            await self.disconnect()
            raise TimeoutError(f"No connection to {self.address} in {self._timeout} s.") from error
        except BaseException:
            await self.disconnect()
            raise
        self._announced = True

    async def _connect(self, pair: bool) -> None:
        self._connection = connection = await self._hci.connect(self._peer)
        connection.on(Connection.EVENT_DISCONNECTION, lambda _: self._on_disconnection(connection))
        if await self._hci.keys.get(str(self._peer)) is not None:
            await self._encrypt(connection)
            self._hci.keys.prove(str(self._peer))
            self._hci.keys.call(str(self._peer), self._name)
        elif pair:
            await self.pair()
        await self._request(connection.gatt_client.request_mtu(GATEWAY_ATT_MTU))
        self.services = await self._request(self._discover(connection))

    async def disconnect(self) -> None:
        """End the connection, if there is one."""
        if self._connection is not None:
            connection = self._connection
            await self._hci.drop(connection)
            self._on_disconnection(connection)  # also where the controller never said so

    def _on_disconnection(self, connection: Connection) -> None:
        if self._connection is not connection:
            return
        self._connection = None
        self.services = None
        self._hci.host.forget(connection.handle)
        announced, self._announced = self._announced, False
        if announced and self._disconnected_callback is not None:
            self._disconnected_callback()

    async def _encrypt(self, connection: Connection) -> None:
        """Encrypt with the keys of an earlier bond. RadioError where the sensor has forgotten it.

        Where it never had it, since the link broke before our part of the keys arrived, the bond goes, and
        BleakError has the sensor paired with anew.
        """
        try:
            await self._request(connection.encrypt())
        except BleakError as error:
            missing = hci.HCI_ErrorCode.PIN_OR_KEY_MISSING_ERROR
            if getattr(error.__cause__, "error_code", None) != missing:
                raise
            if not self._hci.keys.is_proven(str(self._peer)):
                await self.unpair()
                raise BleakError(
                    f"The link to {self.address} broke while it was bonded."
                ) from error
            raise RadioError(
                Reason.NOT_BONDED,
                "The sensor no longer knows this gateway: it was reset, or bonded with another.",
                hint="If that was you, let the gateway bond anew: plumbline forget SERIAL.",
            ) from error

    async def pair(self, *_: Any, **__: Any) -> None:
        """Pair, bond and encrypt. BleakError where the sensor does not take us."""
        self._hci.keys.call(str(self._peer), self._name)
        await self._request(self._linked().pair())

    async def unpair(self) -> None:
        """Forget the keys."""
        store = self._hci.device.keystore
        if store is not None:
            with contextlib.suppress(KeyError):
                await store.delete(str(self._peer))

    async def read_gatt_char(
        self, characteristic: BleakGATTCharacteristic, *, use_cached: bool = False, **kwargs: Any
    ) -> bytearray:
        """The characteristic's value, read now."""
        return await self._read(characteristic.handle)

    async def read_gatt_descriptor(
        self, descriptor: BleakGATTDescriptor, *, use_cached: bool = False, **kwargs: Any
    ) -> bytearray:
        """The descriptor's value, read now."""
        return await self._read(descriptor.handle)

    async def write_gatt_char(
        self, characteristic: BleakGATTCharacteristic, data: SizedBuffer, response: bool
    ) -> None:
        """Write; with ``response``, done when the sensor has said so."""
        await self._write(characteristic.handle, data, response)

    async def write_gatt_descriptor(
        self, descriptor: BleakGATTDescriptor, data: SizedBuffer
    ) -> None:
        """Write and wait for the sensor's word."""
        await self._write(descriptor.handle, data, True)

    async def start_notify(
        self, characteristic: BleakGATTCharacteristic, callback: NotifyCallback, **kwargs: Any
    ) -> None:
        """Call ``callback`` with every value notified, or indicated where there is no notification."""
        connection = self._linked()
        if "notify" in characteristic.properties:
            self._hci.host.subscribe(connection.handle, characteristic.handle, callback)
        await self._request(
            connection.gatt_client.subscribe(
                characteristic.obj, lambda value: callback(bytearray(value))
            )
        )
        if connection.is_encrypted:  # the keys were sent before what this answers
            self._hci.keys.prove(str(self._peer))

    async def stop_notify(self, characteristic: BleakGATTCharacteristic) -> None:
        """Call nobody any more."""
        connection = self._linked()
        self._hci.host.unsubscribe(connection.handle, characteristic.handle)
        await self._request(connection.gatt_client.unsubscribe(characteristic.obj))

    async def _read(self, handle: int) -> bytearray:
        client = self._linked().gatt_client
        return bytearray(await self._request(client.read_value(handle)))

    async def _write(self, handle: int, data: SizedBuffer, response: bool) -> None:
        client = self._linked().gatt_client
        await self._request(client.write_value(handle, bytes(data), response))

    def _linked(self) -> Connection:
        if self._connection is None:
            raise BleakError(f"{self.address} is not connected.")
        return self._connection

    async def _request(self, work: Awaitable[T]) -> T:
        """``work``, with bumble's errors made bleak's."""
        try:
            return await work
        except att.ATT_Error as error:
            raise BleakGATTProtocolError(error.error_code) from error
        except (core.BaseBumbleError, hci.HCI_Error, TimeoutError) as error:
            raise BleakError(f"{self.address} failed: {error!r}.") from error
        except asyncio.CancelledError as error:
            # bumble cancels a pending request when the link goes; that is no cancelling of ours
            task = asyncio.current_task()
            if self._connection is None and (task is None or not task.cancelling()):
                raise BleakError(f"The link to {self.address} was lost.") from error
            raise

    async def _discover(self, connection: Connection) -> BleakGATTServiceCollection:
        client = connection.gatt_client
        found = BleakGATTServiceCollection()
        for proxy in await client.discover_services():
            service = BleakGATTService(proxy, proxy.handle, bleak_uuid(proxy.uuid))
            found.add_service(service)
            for item in await client.discover_characteristics((), proxy):
                characteristic = self._characteristic(item, service)
                found.add_characteristic(characteristic)
                for descriptor in await client.discover_descriptors(item):
                    uuid = bleak_uuid(descriptor.type)
                    found.add_descriptor(
                        BleakGATTDescriptor(descriptor, descriptor.handle, uuid, characteristic)
                    )
                item.descriptors_discovered = True
        return found

    def _characteristic(
        self, proxy: CharacteristicProxy[bytes], service: BleakGATTService
    ) -> BleakGATTCharacteristic:
        return BleakGATTCharacteristic(
            proxy,
            proxy.handle,
            bleak_uuid(proxy.uuid),
            sorted(gatt_char_props_to_strs(int(proxy.properties))),
            lambda: self.mtu_size - _ATT_WRITE_HEADER_BYTES,
            service,
        )


def _peer_address(device: BLEDevice | str) -> hci.Address:
    if isinstance(device, BLEDevice):
        return cast(hci.Address, device.details)
    return hci.Address(device)
