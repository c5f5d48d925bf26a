"""Bytes of the simulated sensors, by hand from the makers' documents: what they send and understand.

The gateway's codecs have literals of their own, so that no mistake can hide in both.
"""

from __future__ import annotations

import pytest

from contracts.units import NS_PER_S, RAD_PER_DEG
from firmware_sim.battery import Battery
from firmware_sim.makes import Device, DeviceConfig
from firmware_sim.makes.device import MAX_WAITING
from firmware_sim.makes.dot import CONTROL, MEASURE, MEDIUM, Dot
from firmware_sim.makes.movesense import COMMAND, DATA, Movesense
from firmware_sim.makes.thingy import CONFIG, RAW, Thingy
from firmware_sim.makes.witmotion import NOTIFY, WRITE, WitMotion
from firmware_sim.source import ConstantSource

POWER_ON_NS = 1_800_000_000 * NS_PER_S
G = 9.80665
#: 1 g along x, −½ g along z; 90 deg/s about x, −20 deg/s about z.
READING = (G, 0.0, -G / 2, 90 * RAD_PER_DEG, 0.0, -20 * RAD_PER_DEG)


def made(make: type[Device], charge: float = 100.0) -> Device:
    config = DeviceConfig("174630000192", POWER_ON_NS, battery=Battery(charge, life_h=1e6))
    device = make(config, lambda rate_hz: ConstantSource(READING, rate_hz))
    device.max_value_bytes = 244
    return device


def after(seconds: float) -> int:
    return POWER_ON_NS + round(seconds * NS_PER_S)


def sent(device: Device, at_s: float) -> list[tuple[str, str]]:
    """What there is to send at a time, as hex."""
    device.advance(after(at_s))
    found = []
    while (one := device.next_notification()) is not None:
        found.append((one[0], one[1].hex()))
    return found


# 16 g / 32768: 1 g is 0x0800; 2000 deg/s / 32768: 90 is 1475, −20 is −328; roll 180°, pitch −63.4°
FRAME = "55610008000000fcc3050000b8feff7fe4d20000"


def test_witmotion_streams_when_it_is_subscribed_to() -> None:
    device = made(WitMotion)
    assert sent(device, 1.0) == []
    device.subscribe(NOTIFY, True, after(1.0))
    assert sent(device, 1.25) == [(NOTIFY, FRAME)] * 2
    device.subscribe(NOTIFY, False, after(1.25))
    assert sent(device, 2.0) == []


def test_witmotion_takes_a_rate_when_unlocked_and_tells_its_registers() -> None:
    device = made(WitMotion, charge=35.0)
    rate = bytes.fromhex("ff aa 03 08 00")
    device.write(WRITE, rate, after(0.0))
    assert device.rate_hz == 10.0
    device.write(WRITE, bytes.fromhex("ff aa 69 88 b5"), after(1.0))
    device.write(WRITE, rate, after(11.0))
    assert device.rate_hz == 10.0
    device.write(WRITE, bytes.fromhex("ff aa 69 88 b5"), after(20.0))
    device.write(WRITE, bytes.fromhex("ff aa 03 0c 00"), after(20.0))
    device.write(WRITE, rate, after(29.9))
    assert device.rate_hz == 50.0
    device.write(WRITE, bytes.fromhex("ff aa 27 03 00"), after(30.0))
    device.write(WRITE, bytes.fromhex("ff aa 27 64 00"), after(30.0))
    assert [value for _, value in sent(device, 30.0)] == [
        "557103000800" + "0000" * 7,
        "557164007601" + "0000" * 7,  # 3.74 V
    ]
    assert device.saves == 0
    device.write(WRITE, bytes.fromhex("ff aa 00 00 00"), after(29.0))
    assert device.saves == 1


def test_witmotion_sends_two_frames_at_once_at_50_hz_where_they_fit() -> None:
    for value_bytes, wanted in ((244, [FRAME * 2] * 3), (20, [FRAME] * 6)):
        device = made(WitMotion)
        device.max_value_bytes = value_bytes
        device.write(WRITE, bytes.fromhex("ff aa 69 88 b5"), after(0.0))
        device.write(WRITE, bytes.fromhex("ff aa 03 08 00"), after(0.0))
        device.subscribe(NOTIFY, True, after(0.0))
        assert [value for _, value in sent(device, 0.13)] == wanted


# 1 g, 0, −½ g in m/s²; 90, 0, −20 deg/s: floats
DOT_FLOATS = "0ae81c41000000000ae89cc00000b442000000000000a0c1"


def test_dot_measures_when_told_to_and_its_time_wraps() -> None:
    device = made(Dot)
    device.subscribe(MEDIUM, True, after(0.0))
    device.write(MEASURE, b"\x01\x01\x05", after(0.0))  # another payload mode
    assert sent(device, 0.1) == []
    device.write(MEASURE, b"\x01\x01\x15", after(4294.95))
    assert device.read(MEASURE, after(4294.95)) == b"\x01\x01\x15"
    # ticks 257697 to 257699 of 16,666,667 ns each, in µs: 4294950086, 4294966752, 4294983419 − 2³²
    assert sent(device, 4294.99) == [
        (MEDIUM, "c5bcffff" + DOT_FLOATS),
        (MEDIUM, "e0fdffff" + DOT_FLOATS),
        (MEDIUM, "fb3e0000" + DOT_FLOATS),
    ]
    device.write(MEASURE, b"\x01\x00\x15", after(4294.99))
    assert sent(device, 4300.0) == []


def test_dot_takes_a_rate_while_it_does_not_measure() -> None:
    device = made(Dot)
    settings = bytes.fromhex(
        "00 00 00 0a00 1e00 0b 4d6f76656c6c6120444f54 0000000000 3c00 00 0000000000"
    )
    assert device.read(CONTROL, after(0.0)) == settings
    wanted = b"\x10" + settings[1:24] + b"\x1e\x00" + settings[26:]
    device.write(MEASURE, b"\x01\x01\x15", after(0.0))
    device.write(CONTROL, wanted, after(0.0))
    assert (device.rate_hz, device.saves) == (60.0, 0)
    device.write(MEASURE, b"\x01\x00\x15", after(0.0))
    device.write(CONTROL, b"\x00" + wanted[1:], after(0.0))  # the rate is not marked
    device.write(CONTROL, wanted[:24] + b"\x32" + wanted[25:], after(0.0))  # 50 Hz
    assert (device.rate_hz, device.saves) == (60.0, 0)
    device.write(CONTROL, wanted, after(0.0))
    assert (device.rate_hz, device.saves) == (30.0, 1)


def test_dot_goes_on_measuring_without_a_link() -> None:
    device = made(Dot)
    device.subscribe(MEDIUM, True, after(0.0))
    device.write(MEASURE, b"\x01\x01\x15", after(0.0))
    device.disconnected()
    assert sent(device, 1.0) == []
    assert device.read(MEASURE, after(1.0))[1] == 1


def test_thingy_sends_fixed_point_and_keeps_its_configuration() -> None:
    device = made(Thingy)
    assert device.read(CONFIG, after(0.0)).hex() == "f401f401f401c80001"
    device.write(CONFIG, bytes.fromhex("f401 f401 f401 0400 01"), after(0.0))  # 4 Hz
    device.write(CONFIG, bytes.fromhex("f401 f401 f401 3200"), after(0.0))
    assert (device.rate_hz, device.saves) == (200.0, 0)
    device.write(CONFIG, bytes.fromhex("f401 f401 f401 3200 01"), after(0.0))
    assert (device.rate_hz, device.saves) == (50.0, 1)
    device.subscribe(RAW, True, after(0.0))
    # 1024 to 1 g, 32 to 1 deg/s; the compass shows 20 and −40 µT
    sample = "0004000000fe400b000080fd4001000080fd"
    assert sent(device, 0.05) == [(RAW, sample)] * 2


ROW = "0ae81c41000000000ae89cc0"
TURN = "0000b442000000000000a0c1"
FIELD = "0000a04100000000000020c2"


def test_movesense_sends_what_was_subscribed_to() -> None:
    device = made(Movesense)
    device.subscribe(DATA, True, after(0.0))
    device.write(COMMAND, b"\x01\x07/Meas/IMU9/52", after(2.0))
    # 4 samples from tick 105 on, 2.019 s
    assert sent(device, 2.08) == [
        (DATA, "0107c800"),
        (DATA, "0207e3070000" + ROW * 4 + TURN * 4 + FIELD * 4),
    ]
    device.write(COMMAND, b"\x02\x07", after(2.08))
    assert sent(device, 3.0) == [(DATA, "0107c800")]


def test_movesense_cuts_a_packet_in_two() -> None:
    device = made(Movesense)
    device.subscribe(DATA, True, after(0.0))
    device.write(COMMAND, b"\x01\x07/Meas/IMU9/104\0", after(0.0))
    (_, answer), (_, first), (_, second) = sent(device, 0.08)
    assert answer == "0107c800"
    whole = "09000000" + ROW * 8 + TURN * 8 + FIELD * 8
    assert first == "0207" + whole[: 2 * 242]
    assert second == "0307" + whole[2 * 242 :]


@pytest.mark.parametrize("path", [b"/Meas/IMU9/50", b"/Meas/IMU9/", b"/Meas/Acc/52", b""])
def test_movesense_refuses_what_it_does_not_have(path: bytes) -> None:
    device = made(Movesense)
    device.subscribe(DATA, True, after(0.0))
    device.write(COMMAND, b"\x01\x07" + path, after(0.0))
    assert sent(device, 1.0) == [(DATA, "01079401")]


@pytest.mark.parametrize("make", [WitMotion, Dot, Thingy, Movesense])
def test_what_waits_for_the_radio_has_a_cap_and_what_is_beyond_counts_as_lost(
    make: type[Device],
) -> None:
    device = made(make)
    for attributes in device.SERVICES.values():
        for one in attributes:
            device.subscribe(one.uuid, one.notify, after(0.0))
    device.write(MEASURE, b"\x01\x01\x15", after(0.0))
    device.write(COMMAND, b"\x01\x07/Meas/IMU9/52", after(0.0))
    sent(device, 0.0)
    device.advance(after(400.0))
    waiting = sent(device, 400.0)
    assert len(waiting) == MAX_WAITING
    stats = device.stats
    assert stats.sent + stats.lost == stats.recorded
    assert stats.lost > 0
    assert stats.recorded >= 399 * device.rate_hz


class Ending(ConstantSource):
    """A sensor that is switched off after 26 ticks."""

    end_tick = 26


def test_the_last_samples_are_sent_though_they_do_not_fill_a_notification() -> None:
    device = WitMotion(DeviceConfig("1", POWER_ON_NS), lambda rate_hz: Ending(READING, rate_hz))
    device.max_value_bytes = 244
    device.write(WRITE, bytes.fromhex("ff aa 69 88 b5"), after(0.0))
    device.write(WRITE, bytes.fromhex("ff aa 03 08 00"), after(0.0))
    device.subscribe(NOTIFY, True, after(0.0))
    sent(device, 0.4)
    assert not device.stats.ended
    due_ns = device.next_due_ns()
    assert due_ns is not None
    frames = [value for _, value in sent(device, (due_ns - POWER_ON_NS) / NS_PER_S)]
    assert frames[-1] == FRAME * 2
    assert [value for _, value in sent(device, 1.0)] == [FRAME * 2, FRAME]
    assert device.stats.ended
    assert device.next_due_ns() is None
    assert device.stats.sent == 25  # from the first tick after it was subscribed to
