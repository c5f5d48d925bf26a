"""A simulated sensor that speaks to one gateway only: bonding, and encryption of what it measures.

Fresh from its box it bonds with the first gateway that asks (pairing mode); from then on with nobody,
until it is put into pairing mode again, as by a long press of its button. Whoever is not bonded can
connect and read who it is, and nothing else.
"""

from __future__ import annotations

from typing import Final

from bumble import att
from bumble.device import Connection, Device
from bumble.gatt import (
    GATT_CLIENT_CHARACTERISTIC_CONFIGURATION_DESCRIPTOR,
    Characteristic,
    Descriptor,
)
from bumble.keys import MemoryKeyStore
from bumble.pairing import PairingConfig, PairingDelegate

_ENCRYPTED: Final = (
    att.Attribute.READABLE | att.Attribute.WRITEABLE | att.Attribute.WRITE_REQUIRES_ENCRYPTION
)


class _Delegate(PairingDelegate):
    """Neither screen nor keys: who asks in pairing mode is let in."""

    def __init__(self, bonding: Bonding) -> None:
        super().__init__()
        self._bonding = bonding

    async def accept(self) -> bool:
        return self._bonding.in_pairing_mode


class Bonding:
    """The bond of one sensor's ``device``."""

    def __init__(self, device: Device) -> None:
        self.in_pairing_mode = True
        self._device = device
        self._keys = MemoryKeyStore()
        device.keystore = self._keys
        config = PairingConfig(mitm=False, delegate=_Delegate(self))
        device.pairing_config_factory = lambda _: config
        device.on(Device.EVENT_CONNECTION, self._on_connection)

    @property
    def bonded_with(self) -> tuple[str, ...]:
        """The addresses of the gateways that it knows."""
        return tuple(self._keys.all_keys)

    def reset(self) -> None:
        """The long press: it forgets its gateway and can be bonded with anew."""
        self._keys.all_keys.clear()
        self.in_pairing_mode = True

    def protect(self, *characteristics: Characteristic[bytes]) -> None:
        """Let only encrypted links write these and subscribe to them. Before they are served."""
        for characteristic in characteristics:
            characteristic.permissions |= _ENCRYPTED & ~att.Attribute.READABLE
            subscription = Descriptor(
                GATT_CLIENT_CHARACTERISTIC_CONFIGURATION_DESCRIPTOR,
                _ENCRYPTED,
                self._device.gatt_server.make_descriptor_value(characteristic),
            )
            characteristic.descriptors = [*characteristic.descriptors, subscription]

    def _on_connection(self, connection: Connection) -> None:
        connection.on(Connection.EVENT_PAIRING, lambda _: self._bonded())

    def _bonded(self) -> None:
        self.in_pairing_mode = False
