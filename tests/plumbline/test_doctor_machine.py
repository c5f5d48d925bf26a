"""What the doctor says of the machine: a made-up root of one, and the clock of this one."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from plumbline.doctor_machine import check_adapter, check_clock
from plumbline.settings import load_settings

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="sysfs is Linux's")


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def _machine(root: Path) -> None:
    """Everything that the system's Bluetooth needs."""
    (root / "sys/class/bluetooth/hci0").mkdir(parents=True)
    _write(root / "sys/class/rfkill/rfkill0/type", "bluetooth\n")
    _write(root / "sys/class/rfkill/rfkill0/soft", "0\n")
    _write(root / "sys/class/rfkill/rfkill0/hard", "0\n")
    _write(root / "sys/class/rfkill/rfkill1/type", "wlan\n")
    _write(root / "sys/class/rfkill/rfkill1/soft", "1\n")
    _write(root / "run/dbus/system_bus_socket", "")
    _write(root / "proc/1/comm", "systemd\n")
    _write(root / "proc/412/comm", "bluetoothd\n")


@linux
def test_a_machine_with_all_of_it_is_well(tmp_path: Path) -> None:
    _machine(tmp_path)
    finding = check_adapter(load_settings({"radio": "system"}), tmp_path)
    assert finding.ok
    assert finding.said == "hci0 with BlueZ"


@linux
@pytest.mark.parametrize(
    ("gone", "said", "mend"),
    [
        ("sys/class/bluetooth/hci0", "no Bluetooth adapter", "--radio usb:0"),
        ("run/dbus/system_bus_socket", "D-Bus is not running", "systemctl start dbus"),
        ("proc/412/comm", "BlueZ (bluetoothd) is not running", "apt-get install bluez"),
    ],
)
def test_what_is_missing_is_named_with_its_mend(
    tmp_path: Path, gone: str, said: str, mend: str
) -> None:
    _machine(tmp_path)
    path = tmp_path / gone
    if path.is_dir():
        path.rmdir()
    else:
        path.unlink()
    finding = check_adapter(load_settings({"radio": "system"}), tmp_path)
    assert (finding.ok, finding.needed, finding.said) == (False, True, said)
    assert mend in finding.mend


@linux
@pytest.mark.parametrize(
    ("kind", "said"), [("soft", "switched off"), ("hard", "switched off by a switch")]
)
def test_a_radio_that_is_switched_off(tmp_path: Path, kind: str, said: str) -> None:
    _machine(tmp_path)
    _write(tmp_path / "sys/class/rfkill/rfkill0" / kind, "1\n")
    finding = check_adapter(load_settings({"radio": "system"}), tmp_path)
    assert not finding.ok
    assert said in finding.said


def test_a_serial_dongle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load_settings({"radio": "serial:/dev/ttyACM0,1000000"})
    assert check_adapter(settings, tmp_path).mend == "Plug the dongle in."
    _write(tmp_path / "dev/ttyACM0", "")
    assert check_adapter(settings, tmp_path).ok
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write to anything
    denied = check_adapter(settings, tmp_path)
    assert not denied.ok
    assert "dialout" in denied.mend


def test_a_virtual_air_needs_no_adapter(tmp_path: Path) -> None:
    assert check_adapter(load_settings({"radio": "tcp:127.0.0.1:1"}), tmp_path).ok


def test_the_clock_of_this_machine_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load_settings({})
    finding = check_clock(settings)
    assert finding.said in ("synchronised", "not synchronised", "plausible")
    assert finding.ok == (finding.said != "not synchronised")
    monkeypatch.setattr("plumbline.doctor_machine.time.time_ns", lambda: 10**18)
    early = check_clock(settings)
    assert (early.ok, early.needed) == (False, True)
