"""From the setting ``radio`` to a radio."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from contracts.errors import Reason, SettingError
from device_gateway.radio.hci import HciRadio
from device_gateway.radio.port import Radio
from device_gateway.radio.system import SystemRadio

#: Scheme of a setting → bumble's name for the transport.
_TRANSPORTS: Final = {"tcp": "tcp-client", "usb": "usb", "serial": "serial"}


def open_radio(spec: str, keys: Path | None = None) -> Radio:
    """The radio that ``spec`` names; ``async with`` opens it.

    ``system`` is the operating system's Bluetooth. ``tcp:HOST:PORT`` (a virtual air), ``usb:0`` and
    ``serial:/dev/ttyACM0,1000000`` are controllers that the gateway drives itself. SettingError for
    anything else. ``keys``: the file of our address and bonds, on a controller of our own; without it they
    end with the process.
    """
    if spec == "system":
        return SystemRadio()
    scheme, _, rest = spec.partition(":")
    transport = _TRANSPORTS.get(scheme)
    if transport is None or not rest or (scheme == "tcp" and not _is_endpoint(rest)):
        raise SettingError(
            Reason.BAD_SETTING,
            f"There is no radio {spec!r}.",
            hint="Give system, tcp:HOST:PORT, usb:0 or serial:/dev/ttyACM0,1000000.",
        )
    return HciRadio(spec, f"{transport}:{rest}", keys)


def _is_endpoint(text: str) -> bool:
    host, _, port = text.rpartition(":")
    return bool(host) and port.isdecimal() and 0 < int(port) <= 0xFFFF
