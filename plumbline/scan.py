"""``plumbline scan`` and ``pair``: which sensors are heard, whose they are, and whose they become."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import asdict, dataclass
from typing import Final

import typer
from rich.console import Console
from rich.table import Table

from contracts.errors import RadioError, Reason, SettingError
from contracts.vocabulary import Placement
from device_gateway.makes import NATIVE, is_native, may_connect, profile_of, services_heard
from device_gateway.radio import Advertisement, open_radio
from device_gateway.radio.keys import KeyFile
from device_gateway.streaming import address_id
from plumbline.disk import writable_folder
from plumbline.fleet import now_ns
from plumbline.settings import Settings
from plumbline.worn import open_assignments, worn_now
from store import open_registry
from store.ports import Assignment, Registry

#: Weaker than this a link holds badly; stronger, it is on the desk.
WEAK_DBM: Final = -85


@dataclass(frozen=True, slots=True)
class Heard:
    """A sensor on the air. ``serial``: what the gateway calls it; ``worn``: by whom and where, if said."""

    serial: str
    make: str
    address: str
    rssi_dbm: int
    allowed: bool
    worn: str = ""


@dataclass(frozen=True, slots=True)
class PairChoice:
    """``serial`` becomes ``wearer``'s, worn at ``placement``; ``unseen``: without looking for it."""

    serial: str
    wearer: str
    placement: Placement
    unseen: bool = False


def run_scan(settings: Settings, seconds: float, *, as_json: bool) -> None:
    """Listen for ``seconds`` and print who is there. RadioError with what to do where nobody can listen."""
    found = _listen(settings, seconds)
    if as_json:
        sys.stdout.write(json.dumps([asdict(one) for one in found], indent=1) + "\n")
        return
    if not found:
        typer.echo(
            f"No sensor was heard in {seconds:g} s. Switch one on and bring it near; a sensor that is "
            "connected already, as to a running gateway or a phone, does not advertise."
        )
        return
    table = Table("sensor", "make", "signal", "worn", "gateway", title="On the air")
    for one in found:
        signal = f"{one.rssi_dbm} dBm" + (" (weak)" if one.rssi_dbm < WEAK_DBM else "")
        reads = "reads it" if one.allowed else "not on the allow list"
        table.add_row(one.serial, one.make, signal, one.worn or "by nobody", reads)
    Console().print(table)


def run_pair(settings: Settings, choice: PairChoice, seconds: float) -> None:
    """Enter in the registry who wears a sensor from now on.

    SettingError for an unknown wearer; RadioError where the sensor is not heard.
    """
    if not choice.unseen:
        _require_heard(_listen(settings, seconds), choice.serial)
    writable_folder(settings.data_dir)
    registry = open_registry(settings.people_url)
    try:
        _require_wearer(registry, choice.wearer)
        before = open_assignments(registry).get(choice.serial)
        registry.assign(Assignment(choice.serial, choice.wearer, choice.placement, now_ns()))
    finally:
        registry.close()
    if before is not None and before.wearer != choice.wearer:
        typer.echo(f"{choice.serial} is no longer {before.wearer}'s.")
    typer.echo(
        f"{choice.serial} is worn by {choice.wearer} at {choice.placement.value} from now on. "
        "Calibrate next: My sensors on the dashboard."
    )


def run_forget(settings: Settings, serial: str) -> None:
    """Let the gateway bond anew with a sensor. SettingError where it has no bond of that name."""
    if settings.radio == "system":
        raise SettingError(
            Reason.BAD_SETTING,
            "The system keeps the keys of its own Bluetooth.",
            hint="On Linux: bluetoothctl remove ADDRESS; plumbline scan shows the address.",
        )
    if not KeyFile(settings.keys_path).forget(serial):
        raise SettingError(
            Reason.BAD_SETTING,
            f"{settings.keys_path} holds no key of {serial}.",
            hint="Give the serial number as plumbline scan shows it, and the gateway's --data or "
            "--bluetooth-keys.",
        )
    typer.echo(f"{serial} is forgotten: the gateway bonds with it when it is next in pairing mode.")


def _listen(settings: Settings, seconds: float) -> list[Heard]:
    async def listen() -> list[Advertisement]:
        async with open_radio(settings.radio) as radio:
            return await radio.scan(seconds, *services_heard())

    worn = {
        sensor: f"{a.wearer} at {a.placement.value}" for sensor, a in worn_now(settings).items()
    }
    found = [_heard(one, settings, worn) for one in asyncio.run(listen())]
    return sorted((one for one in found if one is not None), key=lambda one: -one.rssi_dbm)


def _heard(advertisement: Advertisement, settings: Settings, worn: dict[str, str]) -> Heard | None:
    """None for what is no sensor of a known make."""
    profile = profile_of(advertisement)
    if profile is not None:
        serial, make = address_id(profile, advertisement.address), profile.name
    elif advertisement.name and is_native(advertisement):
        serial, make = advertisement.name, NATIVE
    else:
        return None
    return Heard(
        serial,
        make,
        advertisement.address,
        advertisement.rssi_dbm,
        may_connect(advertisement, settings.allow),
        worn.get(serial, ""),
    )


def _require_heard(found: list[Heard], serial: str) -> None:
    if any(one.serial == serial for one in found):
        return
    heard = ", ".join(one.serial for one in found) or "none at all"
    raise RadioError(
        Reason.LINK_LOST,
        f"{serial} is not heard; heard: {heard}.",
        hint="Switch it on and bring it near. One that a running gateway reads does not advertise: "
        "give --unseen to enter it all the same.",
    )


def _require_wearer(registry: Registry, wearer: str) -> None:
    if any(one.wearer == wearer for one in registry.wearers()):
        return
    raise SettingError(
        Reason.BAD_SETTING,
        f"There is no wearer {wearer!r}.",
        hint="plumbline account list shows them; plumbline account add enters a client.",
    )
