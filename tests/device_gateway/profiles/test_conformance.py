"""What holds of every make of sensor: one suite for all that are registered."""

from __future__ import annotations

import ast
import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import DecodeError, Reason
from contracts.gatt import SERVICE_UUID, HapticPulse
from contracts.imu import MAX_RATE_HZ, MIN_RATE_HZ
from contracts.vocabulary import is_id
from device_gateway import profiles
from device_gateway.profiles import PROFILES, Codec, Profile
from device_gateway.profiles.port import (
    MAX_NOTIFICATION_BYTES,
    Pause,
    Read,
    Step,
    Subscribe,
    Write,
)
from firmware_sim.makes import MAKES
from firmware_sim.makes.device import Advertised
from tests.device_gateway.profiles.conversation import RandomSource, conversation, si_of

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
#: Strangers that the gateway hears in any office.
OTHERS = (
    Advertised("PL-T4", (SERVICE_UUID,)),
    Advertised("", ()),
    Advertised("Polar H10", ("0000180d-0000-1000-8000-00805f9b34fb",)),
)
#: Where the sensor rounds before it sends, and not to the same numbers: its step in ours.
OWN_STEP_LSB = {"thingy": 1.024}

every = pytest.mark.parametrize("profile", PROFILES, ids=lambda one: one.name)
every_rate = pytest.mark.parametrize(
    ("profile", "rate_hz"),
    [(profile, rate) for profile in PROFILES for rate in profile.rates_hz],
    ids=lambda one: one.name if isinstance(one, Profile) else f"{one:g}",
)


def advertised(profile: Profile) -> Advertised:
    return conversation(profile, profile.rates_hz[0]).device.advertised


def recognised(profile: Profile, by: Advertised) -> bool:
    return profile.recognises(frozenset(by.services), by.name)


@every
def test_it_is_known_by_its_own_advertisement_and_by_no_others(profile: Profile) -> None:
    assert recognised(profile, advertised(profile))
    others = [advertised(other) for other in PROFILES if other is not profile]
    assert not [one for one in (*OTHERS, *others) if recognised(profile, one)]


@every
def test_facts_are_of_their_form(profile: Profile) -> None:
    assert is_id(profile.name)
    assert profile.title
    assert profile.services or profile.name_starts
    assert all(UUID.fullmatch(uuid) for uuid in profile.services)
    assert is_id(profile.serial_prefix + "0123456789ab")
    assert list(profile.rates_hz) == sorted(set(profile.rates_hz))
    assert MIN_RATE_HZ <= profile.rates_hz[0] <= profile.rates_hz[-1] <= MAX_RATE_HZ
    assert profile.rate_near(1e9) == profile.rates_hz[-1]
    assert profile.rate_near(0.0) == profile.rates_hz[0]


def test_names_and_prefixes_are_told_apart() -> None:
    for facts in ([one.name for one in PROFILES], [one.serial_prefix for one in PROFILES]):
        assert len(set(facts)) == len(facts)
    assert {one.name for one in PROFILES} == set(MAKES)


#: What a codec, which is told all it needs to know, has no use for.
IMPURE = {"asyncio", "bleak", "bumble", "logging", "os", "random", "socket", "structlog", "time"}


def test_codecs_are_pure() -> None:
    folder = Path(profiles.__file__).parent
    found = {
        file.name: {name.split(".")[0] for name in imported(ast.parse(file.read_text()))} & IMPURE
        for file in folder.glob("*.py")
    }
    assert len(found) >= len(PROFILES) + 2
    assert not any(found.values()), found


def imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def check_steps(steps: list[Step]) -> None:
    for step in steps:
        if isinstance(step, Pause):
            assert 0 < step.seconds <= 1
        else:
            assert UUID.fullmatch(step.uuid)
        if isinstance(step, Write):
            assert 0 < len(step.value) <= MAX_NOTIFICATION_BYTES


@every_rate
def test_opening_and_closing_are_steps(profile: Profile, rate_hz: float) -> None:
    codec = profile.codec(rate_hz)
    opening = list(codec.opening())
    check_steps(opening)
    assert [step for step in opening if isinstance(step, Subscribe)]
    assert len(opening) <= 20
    check_steps(list(codec.closing()))
    check_steps(list(codec.haptic(HapticPulse(1, 100, 50))))


@every_rate
def test_the_simulated_sensor_streams_at_the_rate_that_was_asked_for(
    profile: Profile, rate_hz: float
) -> None:
    talk = conversation(profile, rate_hz)
    talk.open()
    seconds = 4.0
    found = talk.during(seconds)
    samples = sum(one.count for one in found)
    assert talk.codec.rate_hz == talk.device.rate_hz == rate_hz
    assert samples == pytest.approx(rate_hz * seconds, abs=max(2.0, rate_hz / 12))
    assert not [one for one in found if one.lost_before]
    for step in talk.codec.closing():
        talk.carry_out(step)


@every
def test_the_battery_is_known_after_the_opening(profile: Profile) -> None:
    talk = conversation(profile, profile.rates_hz[-1])
    talk.open()
    assert talk.codec.battery_percent == 100


@every
def test_quantisation_is_at_most_half_a_step(profile: Profile) -> None:
    """Of the coarser of the two: the sensor's own step, as it sends, and that of the scale."""
    rate_hz = profile.rates_hz[-2]
    talk = conversation(profile, rate_hz)
    talk.open()
    first = round((talk.now_ns - talk.device.config.power_on_ns) * rate_hz / 1e9)
    found = si_of(profile, talk.during(2.0))
    # where the first sample was is not said by makes without a time: look for it nearby
    truths = [
        np.asarray(RandomSource(rate_hz).read(first + shift, first + shift + len(found)).si)
        for shift in range(-3, 40)
    ]
    worst = min((np.abs(found - truth) / profile.scale.per_lsb()).max() for truth in truths)
    assert worst <= 0.5 + OWN_STEP_LSB.get(profile.name, 0.0) / 2 + 1e-3


@every
def test_readings_beyond_the_scale_saturate(profile: Profile) -> None:
    talk = conversation(
        profile,
        profile.rates_hz[-1],
        lambda rate_hz: RandomSource(rate_hz, accel_m_s2=1e5, gyro_rad_s=1e4),
    )
    talk.open()
    samples = np.concatenate([one.samples for one in talk.during(1.0)])
    assert samples.dtype == np.int16
    assert samples.min() == -32768
    assert samples.max() == 32767


@every
def test_two_codecs_share_nothing(profile: Profile) -> None:
    rate_hz = profile.rates_hz[-1]
    alone = conversation(profile, rate_hz)
    alone.open()
    wanted = si_of(profile, alone.during(1.0))
    one, other = (conversation(profile, rate_hz) for _ in range(2))
    one.open()
    other.open()
    found = []
    for _ in range(40):  # in turns; the other one hears garbage besides
        found += one.during(1 / 40)
        other.during(1 / 40)
        for uuid in other.subscribed:
            take(other.codec, uuid, b"\x55\x61\x02")
    assert np.array_equal(si_of(profile, found), wanted)


def take(codec: Codec, uuid: str, value: bytes) -> None:
    """Have a codec take a value that it may refuse, with the typed error and no other."""
    with contextlib.suppress(DecodeError):
        codec.on_value(uuid, value)


@every
def test_a_value_has_a_longest_length(profile: Profile) -> None:
    talk = conversation(profile, profile.rates_hz[-1])
    talk.open()
    for uuid in {
        step.uuid
        for step in profile.codec(profile.rates_hz[0]).opening()
        if isinstance(step, Subscribe | Read)
    }:
        for value, reason in ((b"", Reason.TOO_SHORT), (bytes(513), Reason.TOO_LONG)):
            with pytest.raises(DecodeError) as refused:
                talk.codec.on_value(uuid, value)
            assert refused.value.reason is reason


@every
@given(garbage=st.lists(st.binary(max_size=300), max_size=8))
def test_after_garbage_it_goes_on(profile: Profile, garbage: list[bytes]) -> None:
    talk = conversation(profile, profile.rates_hz[-1])
    talk.open()
    for value in garbage:
        for uuid in sorted(talk.subscribed):
            take(talk.codec, uuid, value)
    for step in profile.codec(profile.rates_hz[-1]).opening():
        if isinstance(step, Read):  # garbage may have told it another rate: ask again
            talk.carry_out(step)
    talk.now_ns += 1
    refusals = samples = 0
    for _ in range(40):
        talk.now_ns += 25_000_000
        for uuid, value in talk.notifications():
            try:
                found = talk.codec.on_value(uuid, value)
            except DecodeError:
                refusals += 1
            else:
                samples += found.count if found is not None else 0
    assert samples >= talk.device.rate_hz * 0.5
    assert refusals <= 3


@every
@given(data=st.data())
def test_mutated_notifications_are_read_or_refused(profile: Profile, data: st.DataObject) -> None:
    talk = conversation(profile, profile.rates_hz[-1])
    talk.open()
    talk.now_ns += 200_000_000
    last_us = -1
    for uuid, value in talk.notifications():
        changed = bytearray(value)
        for _ in range(data.draw(st.integers(0, 3))):
            place = data.draw(st.integers(0, len(changed) - 1))
            changed[place] = data.draw(st.integers(0, 255))
        cut = data.draw(st.integers(0, len(changed)))
        for part in (changed[:cut], changed[cut:]) if data.draw(st.booleans()) else (changed,):
            try:
                found = talk.codec.on_value(uuid, bytes(part))
            except DecodeError:
                continue
            if found is not None:
                assert found.samples.dtype == np.int16
                assert found.samples.shape == (found.count, 6)
                assert found.count > 0
                assert found.lost_before >= 0
                assert found.device_us is None or found.device_us != last_us
                last_us = -1 if found.device_us is None else found.device_us
