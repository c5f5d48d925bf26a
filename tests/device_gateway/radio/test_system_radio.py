"""The system's Bluetooth: what each way of not having it is told as."""

from __future__ import annotations

import asyncio
import os

import pytest
from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakBluetoothNotAvailableReason,
    BleakDBusError,
    BleakError,
)

from contracts.errors import Fault, RadioError, Reason
from device_gateway.radio import open_radio
from device_gateway.radio.system import radio_error

Why = BleakBluetoothNotAvailableReason


@pytest.mark.parametrize(
    ("error", "reason", "words"),
    [
        (FileNotFoundError(2, "no socket"), Reason.NO_BLUETOOTH, "D-Bus"),
        (ConnectionRefusedError(), Reason.NO_BLUETOOTH, "D-Bus"),
        (TimeoutError(), Reason.NO_BLUETOOTH, "does not answer"),
        (BleakError("No Bluetooth adapters found."), Reason.NO_BLUETOOTH, "adapters"),
        (
            BleakDBusError("org.freedesktop.DBus.Error.ServiceUnknown", ["no org.bluez"]),
            Reason.NO_BLUETOOTH,
            "ServiceUnknown",
        ),
        (BleakDBusError("org.bluez.Error.NotReady", []), Reason.NO_BLUETOOTH, "turned off"),
        (
            BleakDBusError("org.freedesktop.DBus.Error.AccessDenied", []),
            Reason.BLUETOOTH_DENIED,
            "does not let",
        ),
        (PermissionError(13, "no"), Reason.BLUETOOTH_DENIED, "does not let"),
        (
            BleakBluetoothNotAvailableError("off", Why.POWERED_OFF),
            Reason.NO_BLUETOOTH,
            "turned off",
        ),
        (
            BleakBluetoothNotAvailableError("no", Why.DENIED_BY_USER),
            Reason.BLUETOOTH_DENIED,
            "does not let",
        ),
        (BleakBluetoothNotAvailableError("none", Why.NO_BLUETOOTH), Reason.NO_BLUETOOTH, "none"),
    ],
)
def test_failures_say_what_is_wrong_and_what_to_do(
    error: Exception, reason: Reason, words: str
) -> None:
    told = radio_error(error)
    assert told.reason is reason
    assert words in told.message
    assert told.hint
    assert told.fault is Fault.MACHINE


def test_machine_without_bluetooth(monkeypatch: pytest.MonkeyPatch) -> None:
    """Real bleak, pointed at a system bus that is not there."""
    if os.uname().sysname != "Linux":
        pytest.skip("D-Bus is how Linux reaches Bluetooth.")
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent/system_bus_socket")

    async def work() -> None:
        async with open_radio("system"):
            pass

    with pytest.raises(RadioError) as refused:
        asyncio.run(work())
    assert refused.value.reason is Reason.NO_BLUETOOTH
    assert "--radio" in refused.value.hint
