"""The operating system's Bluetooth, through bleak: BlueZ, Core Bluetooth or WinRT."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, Final, Self

from bleak import BleakClient, BleakScanner
from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakBluetoothNotAvailableReason,
    BleakDBusError,
    BleakError,
)

from contracts.errors import RadioError, Reason
from device_gateway.radio.port import CONNECT_TIMEOUT_S, Advertisement, advertisements

OPEN_TIMEOUT_S: Final = 15.0

_WITHOUT: Final = (
    "On Linux install and start BlueZ (bluetoothd) and D-Bus. In a container, or without them, give"
    " the gateway a dongle of its own: --radio usb:0 or --radio serial:/dev/ttyACM0,1000000; to try"
    " it with no hardware at all, --radio tcp:HOST:PORT of plumbline sim."
)
_TURNED_OFF: Final = (
    "Turn Bluetooth on (on Linux: bluetoothctl power on, rfkill unblock bluetooth)."
)
_PERMISSION: Final = (
    "Allow this program to use Bluetooth (on Linux: add the user to the group bluetooth)."
)
_DENIED: Final = frozenset(
    (
        BleakBluetoothNotAvailableReason.DENIED_BY_USER,
        BleakBluetoothNotAvailableReason.DENIED_BY_SYSTEM,
        BleakBluetoothNotAvailableReason.DENIED_BY_UNKNOWN,
    )
)


def radio_error(error: Exception) -> RadioError:
    """What a failure of the system's Bluetooth means to the person who runs the gateway."""
    match error:
        case BleakBluetoothNotAvailableError(reason=reason) if reason in _DENIED:
            return _denied()
        case BleakBluetoothNotAvailableError(reason=BleakBluetoothNotAvailableReason.POWERED_OFF):
            return RadioError(Reason.NO_BLUETOOTH, "Bluetooth is turned off.", hint=_TURNED_OFF)
        case BleakDBusError() if "AccessDenied" in error.dbus_error:
            return _denied()
        case BleakDBusError() if "NotReady" in error.dbus_error:
            return RadioError(Reason.NO_BLUETOOTH, "Bluetooth is turned off.", hint=_TURNED_OFF)
        case PermissionError():
            return _denied()
        case FileNotFoundError() | ConnectionError():
            what = "D-Bus, through which BlueZ is reached, is not running"
        case TimeoutError():
            what = "Bluetooth does not answer"
        case _:
            what = f"Bluetooth cannot be used ({error})"
    return RadioError(Reason.NO_BLUETOOTH, f"{what}.", hint=_WITHOUT)


def _denied() -> RadioError:
    return RadioError(
        Reason.BLUETOOTH_DENIED,
        "The system does not let this program use Bluetooth.",
        hint=_PERMISSION,
    )


@contextlib.contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except (BleakError, OSError, TimeoutError, EOFError) as error:
        raise radio_error(error) from error


class _TurnTakingClient(BleakClient):
    """A client that connects only while nobody scans: BlueZ hangs on both at once."""

    def __init__(self, *arguments: Any, turn: asyncio.Lock, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._turn = turn

    async def connect(self, **kwargs: Any) -> None:
        """As bleak's, when it is our turn."""
        async with self._turn:
            await super().connect(**kwargs)


class SystemRadio:
    """Radio on the system's default adapter."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()

    async def __aenter__(self) -> Self:
        with _explained():
            async with asyncio.timeout(OPEN_TIMEOUT_S), BleakScanner():
                pass  # that a scan can start at all is what there is to know
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Nothing is held: connections belong to their clients."""

    async def scan(self, seconds: float, *service_uuids: str) -> list[Advertisement]:
        """Who advertised any of ``service_uuids`` within ``seconds``, by address; of none: everybody."""
        async with self._turn:
            with _explained():
                found = await BleakScanner.discover(
                    timeout=seconds, return_adv=True, service_uuids=list(service_uuids)
                )
        return advertisements(found)

    def client(
        self,
        advertisement: Advertisement,
        on_disconnect: Callable[[], None],
        *,
        timeout_s: float = CONNECT_TIMEOUT_S,
    ) -> BleakClient:
        """A bleak client on the system's adapter."""
        return _TurnTakingClient(
            advertisement.device,
            disconnected_callback=lambda _: on_disconnect(),
            timeout=timeout_s,
            turn=self._turn,
        )
