"""What the doctor looks at in the operating system itself: adapter, BlueZ, permissions, the clock."""

from __future__ import annotations

import ctypes
import os
import sys
import time
from pathlib import Path
from typing import Final

from contracts.checks import EARLIEST_UTC_NS
from plumbline.findings import Finding
from plumbline.settings import Settings

#: adjtimex(2): the kernel's clock is not synchronised to anything.
TIME_ERROR: Final = 5
#: More than the kernel's struct timex has on any machine.
_TIMEX_BYTES: Final = 512
_BUS: Final = "run/dbus/system_bus_socket"
_DONGLE: Final = "or give the gateway a dongle of its own: --radio usb:0"


def check_adapter(settings: Settings, root: Path = Path("/")) -> Finding:
    """Whether there is an adapter, switched on, with BlueZ behind it; or a serial dongle to write to.

    ``root``: where /sys, /run, /proc and /dev are looked for.
    """
    scheme, _, rest = settings.radio.partition(":")
    if scheme == "serial":
        return _serial(root / rest.partition(",")[0].lstrip("/"))
    if scheme != "system" or not sys.platform.startswith("linux"):
        return Finding("adapter", ok=True, said=f"{settings.radio} needs none of the system's")
    adapters = sorted(path.name for path in (root / "sys/class/bluetooth").glob("hci*"))
    lacks = _lacking(root, adapters)
    if lacks is not None:
        return Finding("adapter", ok=False, said=lacks[0], mend=lacks[1])
    return Finding("adapter", ok=True, said=f"{', '.join(adapters)} with BlueZ")


def _lacking(root: Path, adapters: list[str]) -> tuple[str, str] | None:
    """What is missing for the system's Bluetooth and how to mend it, the first thing first."""
    if not adapters:
        return "no Bluetooth adapter", f"Plug one in, {_DONGLE} or --radio serial:/dev/ttyACM0"
    blocked = _blocked(root)
    if blocked == "hard":
        return "Bluetooth is switched off by a switch or key", "Switch it on there."
    if blocked == "soft":
        return "Bluetooth is switched off", "rfkill unblock bluetooth; bluetoothctl power on"
    if not (root / _BUS).exists():
        return "D-Bus is not running", f"Start it (systemctl start dbus), {_DONGLE}"
    if not _runs(root, "bluetoothd"):
        mend = "apt-get install bluez; systemctl enable --now bluetooth"
        return "BlueZ (bluetoothd) is not running", mend
    return None


def _blocked(root: Path) -> str:
    """``hard``, ``soft`` or nothing: what keeps the adapters' radios silent."""
    for switch in sorted((root / "sys/class/rfkill").glob("*")):
        if _word(switch / "type") == "bluetooth":
            for kind in ("hard", "soft"):
                if _word(switch / kind) == "1":
                    return kind
    return ""


def _runs(root: Path, name: str) -> bool:
    return any(_word(comm) == name for comm in (root / "proc").glob("[0-9]*/comm"))


def _word(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:  # processes end while one looks
        return ""


def _serial(device: Path) -> Finding:
    if not device.exists():
        return Finding("adapter", ok=False, said=f"no {device}", mend="Plug the dongle in.")
    if not os.access(device, os.R_OK | os.W_OK):
        mend = "Let this user write to it: usermod -aG dialout USER, then sign in anew."
        return Finding("adapter", ok=False, said=f"no permission to use {device}", mend=mend)
    return Finding("adapter", ok=True, said=f"{device} can be written to")


def check_clock(_settings: Settings) -> Finding:
    """Whether the clock makes sense, and follows anybody's."""
    if time.time_ns() < EARLIEST_UTC_NS:
        return Finding("clock", ok=False, said="it says before 2020", mend="Set it, best by NTP.")
    state = _kernel_clock()
    if state == TIME_ERROR:
        mend = "timedatectl set-ntp true (in a container or virtual machine: on its host)"
        return Finding("clock", ok=False, said="not synchronised", mend=mend, needed=False)
    said = "plausible" if state is None else "synchronised"
    return Finding("clock", ok=True, said=said, needed=False)


def _kernel_clock() -> int | None:
    """The state that adjtimex(2) gives; None where there is no such call."""
    try:
        adjtimex = ctypes.CDLL(None).adjtimex
    except (OSError, AttributeError, TypeError):
        return None
    state = int(adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES)))
    return state if state >= 0 else None
