"""Which make advertised, and whether it may be read, before anything is said to it."""

from __future__ import annotations

import pytest
from bleak.backends.device import BLEDevice

from contracts import gatt
from device_gateway.makes import (
    MAX_NAME_BYTES,
    is_native,
    make_of,
    may_connect,
    profile_of,
    services_heard,
)
from device_gateway.profiles import PROFILES, thingy
from device_gateway.radio import Advertisement
from device_gateway.streaming import address_id

ADDRESS = "F0:0A:95:9D:68:16"
LONG = "PL-" + "0123456789" * 4


def heard(name: str | None, *services: str, address: str = ADDRESS) -> Advertisement:
    return Advertisement(address, name, -60, BLEDevice(address, None, None), frozenset(services))


def native(name: str | None) -> Advertisement:
    return heard(name, gatt.SERVICE_UUID)


def test_a_native_sensor_is_native_whatever_it_calls_itself() -> None:
    named = native("Movella DOT")
    assert is_native(named)
    assert profile_of(named) is None
    assert make_of(named) == "native"
    assert make_of(None) == "native"


def test_makes_are_told_apart_and_a_stranger_is_of_none() -> None:
    assert make_of(heard("WT901BLE68")) == "witmotion"
    assert make_of(heard("Movella DOT")) == "dot"
    assert make_of(heard("Movesense 1234")) == "movesense"
    assert make_of(heard("mine", *thingy.PROFILE.services)) == "thingy"
    assert profile_of(heard("Fridge", "0000180f-0000-1000-8000-00805f9b34fb")) is None
    assert profile_of(heard(None)) is None


def test_where_a_make_is_known_by_name_alone_everybody_is_listened_to() -> None:
    assert services_heard(PROFILES) == ()
    assert services_heard((thingy.PROFILE,)) == (
        gatt.SERVICE_UUID,
        *sorted(thingy.PROFILE.services),
    )


@pytest.mark.parametrize(
    ("name", "allow", "listed"),
    [
        ("PL-1", (), True),
        (None, (), True),
        ("PL-1", ("PL-1", "PL-2"), True),
        ("PL-1", ("PL-12",), False),  # the beginning of another's
        ("PL-12", ("PL-1",), False),
        (None, ("PL-1",), False),  # not before it was heard
        (LONG[:MAX_NAME_BYTES], (LONG,), True),  # a scan response has room for so much
        (LONG[: MAX_NAME_BYTES - 1], (LONG,), False),
    ],
)
def test_a_native_sensor_is_listed_by_its_name(
    name: str | None, allow: tuple[str, ...], listed: bool
) -> None:
    assert may_connect(native(name), allow) is listed


def test_another_make_is_listed_by_make_and_address() -> None:
    name = address_id(thingy.PROFILE, ADDRESS)
    assert name == "THINGY-F00A959D6816"
    one = heard(None, *thingy.PROFILE.services)
    assert may_connect(one, ())
    assert may_connect(one, (name,))
    assert not may_connect(one, ("THINGY-F00A959D6817", "F00A959D6816"))
    assert not may_connect(heard("Fridge"), (name,))
