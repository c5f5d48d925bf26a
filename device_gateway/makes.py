"""From an advertisement to the make of the sensor, whether it may be read, and how to speak to it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Final

from bleak import BleakClient

from contracts import gatt
from contracts.vocabulary import is_id
from device_gateway.control import Control
from device_gateway.conversation import Conversation
from device_gateway.profiles import PROFILES, Profile
from device_gateway.radio import Advertisement
from device_gateway.streaming import StreamingConversation, address_id

#: What the native make is called in a sensor's status.
NATIVE: Final = "native"
#: A scan response has room for so much of a name.
MAX_NAME_BYTES: Final = 29


def services_heard(profiles: Sequence[Profile] = PROFILES) -> tuple[str, ...]:
    """The services to scan for; none, for all that advertise, where a make is known by its name alone."""
    if not all(profile.services for profile in profiles):
        return ()
    named = {uuid for profile in profiles for uuid in profile.services}
    return (gatt.SERVICE_UUID, *sorted(named))


def is_native(heard: Advertisement) -> bool:
    """Whether a native sensor advertised."""
    return gatt.SERVICE_UUID in heard.services


def profile_of(heard: Advertisement, profiles: Sequence[Profile] = PROFILES) -> Profile | None:
    """The make of the sensor that advertised; None where it is native, or of none that is known."""
    if is_native(heard):
        return None
    return next((one for one in profiles if one.recognises(heard.services, heard.name)), None)


def make_of(heard: Advertisement | None) -> str:
    """The name of its make, as a sensor's status has it."""
    profile = None if heard is None else profile_of(heard)
    return NATIVE if profile is None else profile.name


def listed_names(heard: Advertisement | None) -> set[str]:
    """What an allow list may call a sensor that is not native, whatever its serial number is."""
    profile = None if heard is None else profile_of(heard)
    return set() if heard is None or profile is None else {address_id(profile, heard.address)}


def name_of(heard: Advertisement | None) -> str:
    """What to call a sensor in the log whose serial number was not read: as it advertises."""
    if heard is None:
        return ""
    return heard.name if heard.name is not None and is_id(heard.name) else heard.address


def may_connect(heard: Advertisement, allow: Collection[str]) -> bool:
    """Whether a sensor of a known make is on the list, before anything was said to it.

    A native sensor advertises its serial number as its name, as much of it as there is room for;
    of another make, what is listed is :func:`~device_gateway.streaming.address_id`. Everyone is on an
    empty list.
    """
    if not allow:
        return True
    if is_native(heard):
        name = heard.name or ""
        cut = len(name.encode()) >= MAX_NAME_BYTES
        return name in allow or (cut and any(serial.startswith(name) for serial in allow))
    return not listed_names(heard).isdisjoint(allow)


def conversation_with(
    client: BleakClient,
    heard: Advertisement,
    *,
    clock_ns: Callable[[], int],
    stream_rate_hz: float,
) -> Conversation:
    """How to speak to the sensor that advertised, over a client that is not connected yet."""
    profile = profile_of(heard)
    if profile is None:
        return Control(client, clock_ns)
    return StreamingConversation(
        client, profile, heard.address, rate_hz=stream_rate_hz, clock_ns=clock_ns
    )
