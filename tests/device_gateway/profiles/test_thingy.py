"""Bytes of the Thingy:52, by hand from its firmware's documentation and a question about a real one."""

from __future__ import annotations

import pytest

from contracts.errors import DecodeError, Reason
from contracts.gatt import BATTERY_LEVEL_UUID
from device_gateway.profiles.port import Read, Subscribe, Write
from device_gateway.profiles.thingy import CONFIG_UUID, PROFILE, RAW_UUID, ThingyCodec
from tests.device_gateway.profiles.reading import read

#: Flat on a table, as somebody's Thingy said it; the gyroscope and compass are made up.
ON_A_TABLE = bytes.fromhex("faff f4ff f603  2000 e0ff 8002  0100 0200 0300")
#: 500 ms, 500 ms, 500 ms, 200 Hz, wake on motion: as it leaves the factory.
FACTORY = bytes.fromhex("f401 f401 f401 c800 01")
AT_50_HZ = bytes.fromhex("f401 f401 f401 3200 01")


def test_a_notification_is_fixed_point() -> None:
    found = read(ThingyCodec(50.0), RAW_UUID, ON_A_TABLE)
    # −6, −12, 1014 of 1024 to 1 g; 1, −1 and 20 deg/s
    assert found.samples.tolist() == [[-12, -24, 2028, 33, -33, 655]]
    assert found.device_us is None
    si = PROFILE.scale.to_si(found.samples)[0].tolist()
    assert si == pytest.approx([-0.0575, -0.1149, 9.7109, 0.017578, -0.017578, 0.34889], rel=1e-3)


def test_readings_saturate() -> None:
    found = read(
        ThingyCodec(50.0), RAW_UUID, bytes.fromhex("ff7f 0080 0040 ff7f 0080 007d" + "00" * 6)
    )
    assert found.samples.tolist() == [[32767, -32768, 32767, 32767, -32768, 32767]]


@pytest.mark.parametrize("value", [ON_A_TABLE[:17], ON_A_TABLE + b"\0", ON_A_TABLE[:12]])
def test_another_length_is_refused(value: bytes) -> None:
    codec = ThingyCodec(50.0)
    with pytest.raises(DecodeError) as refused:
        codec.on_value(RAW_UUID, value)
    assert refused.value.reason is Reason.BAD_LENGTH
    assert read(codec, RAW_UUID, ON_A_TABLE).count == 1


def opened(codec: ThingyCodec, configuration: bytes) -> list[object]:
    """The steps of an opening where the sensor takes what is written."""
    steps: list[object] = []
    for step in codec.opening():
        steps.append(step)
        if isinstance(step, Write):
            configuration = step.value
        elif step == Read(CONFIG_UUID):
            codec.on_value(CONFIG_UUID, configuration)
    return steps


def test_the_rate_is_written_where_it_is_another() -> None:
    codec = ThingyCodec(50.0)
    assert opened(codec, FACTORY) == [
        Read(CONFIG_UUID),
        Write(CONFIG_UUID, AT_50_HZ),
        Read(CONFIG_UUID),
        Read(BATTERY_LEVEL_UUID),
        Subscribe(BATTERY_LEVEL_UUID),
        Subscribe(RAW_UUID),
    ]
    assert codec.rate_hz == 50.0
    assert list(codec.closing()) == []


def test_the_owners_other_settings_stay() -> None:
    theirs = bytes.fromhex("e803 6400 d007 6400 00")
    steps = opened(ThingyCodec(50.0), theirs)
    assert Write(CONFIG_UUID, bytes.fromhex("e803 6400 d007 3200 00")) in steps


def test_a_rate_that_is_there_already_is_not_written() -> None:
    assert not [step for step in opened(ThingyCodec(50.0), AT_50_HZ) if isinstance(step, Write)]


def test_what_the_sensor_says_of_its_rate_counts() -> None:
    codec = ThingyCodec(50.0)
    assert codec.on_value(CONFIG_UUID, FACTORY) is None
    assert codec.rate_hz == 200.0
    for wrong in (FACTORY[:8], FACTORY + b"\0", bytes(9), b"\xff" * 9):
        with pytest.raises(DecodeError):
            codec.on_value(CONFIG_UUID, wrong)
    assert codec.rate_hz == 200.0


def test_battery_level() -> None:
    codec = ThingyCodec(50.0)
    assert codec.on_value(BATTERY_LEVEL_UUID, b"\x64") is None
    assert codec.battery_percent == 100
    with pytest.raises(DecodeError):
        codec.on_value(BATTERY_LEVEL_UUID, b"\xff")


def test_it_is_known_by_the_service_it_advertises_not_by_the_one_it_is_read_from() -> None:
    assert PROFILE.recognises(frozenset({"ef680100-9b35-4933-9b10-52ffa9740042"}), None)
    assert not PROFILE.recognises(frozenset({"ef680400-9b35-4933-9b10-52ffa9740042"}), "Thingy")
