"""A radio on a Bluetooth controller of the gateway's own: USB, serial, or a virtual air over TCP."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from bleak import BleakClient, BleakScanner
from bleak.exc import BleakError
from bumble.transport import open_transport
from bumble.transport.common import Transport

from contracts.errors import RadioError, Reason
from device_gateway.radio.adapter import HciAdapter
from device_gateway.radio.backend import BumbleClient, BumbleScanner
from device_gateway.radio.keys import KeyFile
from device_gateway.radio.port import CONNECT_TIMEOUT_S, Advertisement, advertisements

OPEN_TIMEOUT_S: Final = 10.0


def _not_opened(spec: str, error: Exception) -> RadioError:
    if isinstance(error, PermissionError) or type(error).__name__ == "USBErrorAccess":
        return RadioError(
            Reason.BLUETOOTH_DENIED,
            f"No permission to use the Bluetooth controller at {spec}.",
            hint="Give your user access to the device (on Linux a udev rule, or group dialout).",
        )
    why = str(error) or "it does not answer"
    return RadioError(
        Reason.RADIO_UNREACHABLE,
        f"There is no Bluetooth controller at {spec}: {why}.",
        hint="Start the simulator or plug the dongle in, and check the address.",
    )


class HciRadio:
    """Radio on an HCI transport: one that bumble opens by its name, or that ``transport`` opens.

    ``spec`` is how messages to a person call it; ``keys`` the file of its bonds, which end with the
    process without one.
    """

    def __init__(
        self,
        spec: str,
        transport: str | Callable[[], Awaitable[Transport]],
        keys: Path | None = None,
    ) -> None:
        self._spec = spec
        self._transport = transport
        self._keys = keys
        self._adapter: HciAdapter | None = None

    async def __aenter__(self) -> Self:
        try:
            async with asyncio.timeout(OPEN_TIMEOUT_S):
                transport = await self._open_transport()
        except Exception as error:
            raise _not_opened(self._spec, error) from error
        adapter = await self._adapter_on(transport)
        try:
            await adapter.power_on()
        except BaseException:
            await adapter.close()
            raise
        self._adapter = adapter
        return self

    async def _adapter_on(self, transport: Transport) -> HciAdapter:
        try:
            return HciAdapter(self._spec, transport, KeyFile(self._keys))
        except BaseException:
            await transport.close()
            raise

    async def _open_transport(self) -> Transport:
        if isinstance(self._transport, str):
            return await open_transport(self._transport)
        return await self._transport()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        adapter, self._adapter = self._adapter, None
        if adapter is not None:
            await adapter.close()

    async def scan(self, seconds: float, *service_uuids: str) -> list[Advertisement]:
        """Who advertised any of ``service_uuids`` within ``seconds``, by address; of none: everybody."""
        adapter = self._open_adapter()
        try:
            async with BleakScanner(
                service_uuids=list(service_uuids), backend=BumbleScanner, hci=adapter
            ) as scanner:
                await asyncio.wait({adapter.lost}, timeout=seconds)
        except BleakError:
            adapter.check()
            raise
        adapter.check()
        return advertisements(scanner.discovered_devices_and_advertisement_data)

    def client(
        self,
        advertisement: Advertisement,
        on_disconnect: Callable[[], None],
        *,
        timeout_s: float = CONNECT_TIMEOUT_S,
    ) -> BleakClient:
        """A bleak client on this radio."""
        return BleakClient(
            advertisement.device,
            disconnected_callback=lambda _: on_disconnect(),
            timeout=timeout_s,
            backend=BumbleClient,
            hci=self._open_adapter(),
        )

    @property
    def scanner_options(self) -> dict[str, Any]:
        """What makes a plain ``BleakScanner`` use this radio: ``BleakScanner(**options)``."""
        return {"backend": BumbleScanner, "hci": self._open_adapter()}

    @property
    def client_options(self) -> dict[str, Any]:
        """What makes a plain ``BleakClient`` use this radio: ``BleakClient(device, **options)``."""
        return {"backend": BumbleClient, "hci": self._open_adapter()}

    def _open_adapter(self) -> HciAdapter:
        if self._adapter is None:
            raise RadioError(
                Reason.RADIO_UNREACHABLE, "The radio is not open.", hint="Open it first."
            )
        return self._adapter
