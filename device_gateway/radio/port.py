"""What the gateway asks of a radio, whichever it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Protocol, Self

from bleak import BleakClient
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData

CONNECT_TIMEOUT_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Advertisement:
    """A sensor that was heard: its address on the air, the name it gives, how strongly, its services.

    ``services``: UUIDs of 128 bits in lower case.
    """

    address: str
    name: str | None
    rssi_dbm: int
    device: BLEDevice
    services: frozenset[str] = frozenset()


def advertisements(
    found: Mapping[str, tuple[BLEDevice, AdvertisementData]],
) -> list[Advertisement]:
    """What a bleak scanner found, by address."""
    return [
        Advertisement(
            device.address,
            heard.local_name,
            heard.rssi,
            device,
            frozenset(uuid.lower() for uuid in heard.service_uuids),
        )
        for _, (device, heard) in sorted(found.items())
    ]


class Radio(Protocol):
    """One Bluetooth adapter. An async context manager; one a process.

    A radio never scans and connects at once: whichever comes second waits.
    """

    async def __aenter__(self) -> Self:
        """Open the adapter. RadioError, with what to do, where that cannot be."""
        ...

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Drop all connections and give the adapter back."""
        ...

    async def scan(self, seconds: float, *service_uuids: str) -> list[Advertisement]:
        """Who advertised any of ``service_uuids`` within ``seconds``, by address; of none: everybody.

        RadioError when it is lost.
        """
        ...

    def client(
        self,
        advertisement: Advertisement,
        on_disconnect: Callable[[], None],
        *,
        timeout_s: float = CONNECT_TIMEOUT_S,
    ) -> BleakClient:
        """A client that is not connected yet: ``await client.connect()``, then ordinary bleak calls.

        ``on_disconnect`` is called once for every connection that ends, whoever ended it.
        ``connect`` raises TimeoutError after ``timeout_s``, RadioError when the radio is lost, else
        BleakError, and leaves
        no connection behind either way.
        """
        ...
