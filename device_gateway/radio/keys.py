"""The gateway's Bluetooth identity and the keys of the sensors that it is bonded with, in one file.

A sensor knows its gateway by address and key, so both outlive a restart. Only a controller that the
gateway drives itself needs this; the system's Bluetooth keeps its own.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final

import msgspec
from bumble import hci
from bumble.keys import KeyStore, PairingKeys

from contracts.errors import DiskError, Fault, RadioError, Reason

#: A gateway has some dozens of sensors at most; the one bonded first makes room.
MAX_BONDS: Final = 256
MAX_FILE_BYTES: Final = 512 * 1024


class _Kept(msgspec.Struct, forbid_unknown_fields=True):
    """The file: our address, and what bumble keeps of each peer, by its address, oldest first."""

    address: str
    bonds: dict[str, dict[str, Any]] = {}
    names: dict[str, str] = {}  # as they were advertised, by address
    unproven: tuple[str, ...] = ()  # addresses of bonds that the peer was never heard to share


class KeyFile(KeyStore):
    """What bumble stores keys in. ``path`` None: nothing outlives the process.

    The file is there from the first bond on, for its owner only. DiskError where it cannot be written, RadioError where it cannot be
    understood: to begin anew in silence would leave every bonded sensor locked.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._being_named: dict[str, str] = {}
        self._kept = _Kept(str(hci.Address.generate_static_address()))
        self._kept = self._read()

    @property
    def address(self) -> hci.Address:
        """The static address by which sensors know this gateway."""
        return hci.Address(self._kept.address, hci.AddressType.RANDOM_DEVICE)

    async def get(self, name: str) -> PairingKeys | None:
        """The keys of a peer, also those that another program has put into the file meanwhile."""
        self._kept = self._read()
        found = self._kept.bonds.get(name)
        return None if found is None else PairingKeys.from_dict(found)

    async def get_all(self) -> list[tuple[str, PairingKeys]]:
        """All peers and their keys."""
        return [(name, PairingKeys.from_dict(keys)) for name, keys in self._kept.bonds.items()]

    async def update(self, name: str, keys: PairingKeys) -> None:
        """Keep the keys of a peer, unproven as yet; of too many the oldest go."""
        kept = self._read()
        bonds = {other: known for other, known in kept.bonds.items() if other != name}
        bonds[name] = keys.to_dict()
        for oldest in list(bonds)[: max(0, len(bonds) - MAX_BONDS)]:
            del bonds[oldest]
        unproven = (*kept.unproven, name)
        self._write(_Kept(kept.address, bonds, kept.names | self._being_named, unproven))

    async def delete(self, name: str) -> None:
        """Forget a peer. KeyError where it is not known."""
        kept = self._read()
        bonds = dict(kept.bonds)
        del bonds[name]
        self._write(msgspec.structs.replace(kept, bonds=bonds))

    def prove(self, address: str) -> None:
        """The peer has answered under its bond: it has the keys as well."""
        if address in self._kept.unproven:
            kept = self._read()
            others = tuple(one for one in kept.unproven if one != address)
            self._write(msgspec.structs.replace(kept, unproven=others))

    def is_proven(self, address: str) -> bool:
        """Whether the peer ever answered under its bond. Else the link may have broken just before."""
        return address not in self._kept.unproven

    def call(self, address: str, name: str) -> None:
        """What a person calls the peer at an address that is bonded, or is about to be."""
        self._being_named = {address: name}
        kept = self._read()
        if address in kept.bonds and kept.names.get(address) != name:
            self._write(msgspec.structs.replace(kept, names=kept.names | {address: name}))

    def forget(self, name: str) -> int:
        """Forget the peers of a name; how many there were."""
        kept = self._read()
        gone = {address for address, called in kept.names.items() if called == name}
        bonds = {address: keys for address, keys in kept.bonds.items() if address not in gone}
        if gone:
            self._write(msgspec.structs.replace(kept, bonds=bonds))
        return len(kept.bonds) - len(bonds)

    def _read(self) -> _Kept:
        if self._path is None or not self._path.exists():
            return self._kept
        try:
            with self._path.open("rb") as file:
                kept = msgspec.json.decode(file.read(MAX_FILE_BYTES), type=_Kept)
            hci.Address(kept.address, hci.AddressType.RANDOM_DEVICE)
            for keys in kept.bonds.values():
                PairingKeys.from_dict(keys)
        except OSError as error:
            raise _disk(self._path, error) from error
        except (msgspec.MsgspecError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise RadioError(
                Reason.MALFORMED,
                f"{self._path} holds no Bluetooth keys.",
                hint="Put back a copy, or remove it and pair every bonded sensor anew.",
                fault=Fault.MACHINE,
            ) from error
        return kept

    def _write(self, kept: _Kept) -> None:
        kept = msgspec.structs.replace(
            kept,
            names={a: n for a, n in kept.names.items() if a in kept.bonds},
            unproven=tuple(a for a in dict.fromkeys(kept.unproven) if a in kept.bonds),
        )
        self._kept = kept
        if self._path is None:
            return
        part = self._path.with_name(f".{self._path.name}.part")
        try:
            part.parent.mkdir(parents=True, exist_ok=True)
            part.unlink(missing_ok=True)
            with os.fdopen(
                os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb"
            ) as file:
                file.write(msgspec.json.encode(kept))
                file.flush()
                os.fsync(file.fileno())
            part.replace(self._path)
        except OSError as error:
            raise _disk(self._path, error) from error


def _disk(path: Path, error: OSError) -> DiskError:
    return DiskError(
        Reason.DISK_ERROR,
        f"The Bluetooth keys in {path} cannot be used: {error.strerror or error}.",
        hint="Let this user read and write the file and its folder.",
    )
