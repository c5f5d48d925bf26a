from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts import gatt
from contracts.errors import SettingError
from contracts.gatt import Opcode, Position, ReplyStatus
from contracts.units import NS_PER_S
from firmware_sim import firmware as module
from firmware_sim.battery import Battery
from firmware_sim.firmware import Firmware, FirmwareConfig
from firmware_sim.source import ConstantSource
from tests.firmware_sim.sources import SCALE, NumberedSource, numbers

T0 = 1_700_000_000 * NS_PER_S
CONFIG = FirmwareConfig("PL-0001-T4", T0, scale=SCALE)


def sensor(source: NumberedSource | None = None, **changes: object) -> Firmware:
    return Firmware(replace(CONFIG, **changes), source or NumberedSource())


def at(seconds: float) -> int:
    return T0 + round(seconds * NS_PER_S)


def ask(
    firmware: Firmware, opcode: int, arguments: bytes = b"", seconds: float = 0.0
) -> gatt.Reply:
    reply = gatt.Reply.from_bytes(
        firmware.handle(gatt.Command(opcode, 7, arguments).to_bytes(), at(seconds))
    )
    assert (reply.opcode, reply.token) == (opcode, 7)
    return reply


def start(firmware: Firmware, seconds: float, sequence: int = 0, epoch: int = 1) -> ReplyStatus:
    return ask(firmware, Opcode.START, Position(epoch, sequence).to_bytes(), seconds).status


def status(firmware: Firmware, seconds: float) -> gatt.SensorStatus:
    return gatt.SensorStatus.from_bytes(ask(firmware, Opcode.STATUS, b"", seconds).result)


def packets(firmware: Firmware, room: int = 18) -> list[gatt.SamplePacket]:
    found = []
    while (sent := firmware.next_notification(room)) is not None:
        packet = gatt.SamplePacket.from_bytes(sent.value)
        assert packet.from_log == sent.is_log
        assert packet.count <= room
        found.append(packet)
    return found


def test_bytes_of_a_packet_by_hand() -> None:
    reading = (9.80665, 0.0, -9.80665 / 2, 0.0, np.deg2rad(500.0), np.deg2rad(-1000.0))
    firmware = Firmware(CONFIG, ConstantSource(reading, 50.0))
    start(firmware, 0.05, sequence=1)
    sent = firmware.next_notification(20)
    assert sent is not None
    assert sent.is_log
    one = "0010 0000 00f8 0000 0040 0080"  # 4096 0 -2048 0 16384 -32768, low byte first
    assert sent.value == bytes.fromhex(
        "01 01 02 08"  # version, from the log, two samples, 8 g
        "01000000"  # sequence 1
        "204e000000000000"  # 20,000 µs
        "002d3101"  # period 20,000,000 ns
        "00000000"  # none lost
        "0100 08 00" + one + one  # epoch 1, 8 x 125 deg/s, reserved
    )


def test_log_first_then_live_in_fifths_of_a_second() -> None:
    firmware = sensor()
    assert start(firmware, 10.0) is ReplyStatus.OK
    log = packets(firmware)
    assert all(p.from_log for p in log)
    assert sum(p.count for p in log) == 501
    assert {p.count for p in log[:-1]} == {18}
    due_ns = firmware.next_due_ns(18)
    assert due_ns == at(10.0 + 0.2)
    firmware.advance(due_ns - 1)
    assert firmware.next_notification(18) is None
    firmware.advance(due_ns)
    (live,) = packets(firmware)
    assert not live.from_log
    assert (live.sequence, live.count) == (501, 10)
    assert live.device_us == 501 * 20_000


def test_nothing_is_sent_before_start_after_stop_or_without_a_link() -> None:
    firmware = sensor()
    firmware.advance(at(5))
    assert firmware.next_notification(18) is None
    assert firmware.next_due_ns(18) is None
    start(firmware, 5)
    assert firmware.next_notification(0) is None
    assert firmware.next_notification(18) is not None
    ask(firmware, Opcode.STOP, b"", 5)
    assert firmware.next_notification(18) is None
    start(firmware, 5)
    firmware.disconnected()
    assert firmware.next_notification(18) is None
    assert firmware.stats.kept == 251


def test_lost_ticks_count_in_the_sequence_and_are_told() -> None:
    firmware = sensor(NumberedSource(holes=[0, 1, 5, 8, 9, 10]))
    start(firmware, 0.3)
    found = [(p.sequence, p.count, p.lost_before) for p in packets(firmware)]
    assert found == [(2, 3, 2), (6, 2, 1), (11, 5, 3)]
    assert (firmware.stats.recorded, firmware.stats.lost) == (10, 6)


def test_start_inside_a_hole_tells_only_the_rest_of_it() -> None:
    firmware = sensor(NumberedSource(holes=range(5, 10)))
    start(firmware, 0.3, sequence=7)
    assert packets(firmware)[0].lost_before == 3


def test_a_live_hole_sends_what_was_before_it_without_waiting() -> None:
    firmware = sensor(NumberedSource(holes=range(105, 115)))
    start(firmware, 1.99)
    packets(firmware)
    firmware.advance(at(105 * 0.02))
    assert [(p.sequence, p.count) for p in packets(firmware)] == [(100, 5)]
    assert firmware.next_notification(18) is None
    firmware.advance(at(124 * 0.02))
    assert [(p.sequence, p.count, p.lost_before) for p in packets(firmware)] == [(115, 10, 10)]


def test_the_last_packet_says_that_the_sensor_stopped() -> None:
    firmware = sensor(NumberedSource(end_tick=105))
    start(firmware, 1.9)
    packets(firmware)
    firmware.advance(at(60))
    live = packets(firmware)
    assert [(p.sequence, p.count, p.end) for p in live] == [(96, 9, True)]
    assert firmware.stats.ended
    assert firmware.next_due_ns(18) is None
    assert not status(firmware, 60).sampling


def test_a_gateway_that_has_everything_is_told_of_the_end_once() -> None:
    firmware = sensor(NumberedSource(end_tick=105))
    start(firmware, 60, sequence=105)
    (end,) = packets(firmware)
    assert (end.sequence, end.count, end.end, end.lost_before) == (105, 0, True, 0)


def test_lost_ticks_at_the_end_are_told_with_it() -> None:
    firmware = sensor(NumberedSource(end_tick=20, holes=[17, 18, 19]))
    start(firmware, 60)
    found = [(p.sequence, p.count, p.lost_before, p.end) for p in packets(firmware, 40)]
    assert found == [(0, 17, 0, False), (20, 0, 3, True)]


def test_24_hours_fit_and_the_oldest_gives_way_and_is_told() -> None:
    with pytest.raises(SettingError, match="24 hours"):
        sensor(NumberedSource(1.0), log_capacity_samples=86_399)
    firmware = sensor(NumberedSource(1.0))
    firmware.advance(at(86_399))
    assert (firmware.stats.kept, firmware.stats.overwritten) == (86_400, 0)
    firmware.advance(at(86_409))
    assert (firmware.stats.kept, firmware.stats.overwritten) == (86_400, 10)
    assert status(firmware, 86_409).oldest == Position(1, 10)
    start(firmware, 86_409, sequence=4)
    first = firmware.next_notification(18)
    assert first is not None
    packet = gatt.SamplePacket.from_bytes(first.value)
    assert (packet.sequence, packet.lost_before) == (10, 6)


def test_a_cursor_that_is_overtaken_loses_and_says_so() -> None:
    firmware = sensor(NumberedSource(1.0))
    start(firmware, 10.0)
    assert gatt.SamplePacket.from_bytes(firmware.next_notification(4).value).next_sequence == 4
    firmware.advance(at(86_399 + 104))
    packet = gatt.SamplePacket.from_bytes(firmware.next_notification(4).value)
    assert (packet.sequence, packet.lost_before) == (104, 100)


def test_what_was_erased_is_gone_but_not_lost() -> None:
    firmware = sensor()
    firmware.advance(at(10))
    assert ask(firmware, Opcode.ERASE, Position(1, 100).to_bytes(), 10).status is ReplyStatus.OK
    assert firmware.stats.kept == 401
    assert status(firmware, 10).oldest == Position(1, 100)
    start(firmware, 10)
    first = packets(firmware)[0]
    assert (first.sequence, first.lost_before) == (100, 0)


@pytest.mark.parametrize("opcode", [Opcode.START, Opcode.ERASE])
def test_positions_that_are_not_there(opcode: Opcode) -> None:
    firmware = sensor(epoch=3)

    def status_of(epoch: int, sequence: int) -> ReplyStatus:
        return ask(firmware, opcode, Position(epoch, sequence).to_bytes(), 10).status

    assert status_of(4, 0) is ReplyStatus.NO_SUCH_EPOCH
    assert status_of(3, 502) is ReplyStatus.BAD_ARGUMENT
    assert status_of(3, 501) is ReplyStatus.OK
    assert status_of(2, 4_000_000_000) is ReplyStatus.OK  # an older epoch: all of this one


def test_time_is_remembered_first_and_last() -> None:
    firmware = sensor(clock_drift_ppm=100.0)
    epoch = gatt.u16(1)

    def info(seconds: float) -> gatt.SyncInfo:
        return gatt.SyncInfo.from_bytes(ask(firmware, Opcode.SYNC_INFO, epoch, seconds).result)

    assert not info(1).known
    for seconds in (10_000, 20_000, 30_000):
        utc = gatt.u64(at(seconds) // 1000)
        reply = ask(firmware, Opcode.SET_TIME, utc, seconds)
        assert reply.result == gatt.u64(seconds * 1_000_100)
    assert info(30_000) == gatt.SyncInfo(
        10_001_000_000, at(10_000) // 1000, 30_003_000_000, at(30_000) // 1000
    )
    assert ask(firmware, Opcode.SYNC_INFO, gatt.u16(2)).status is ReplyStatus.NO_SUCH_EPOCH
    assert ask(firmware, Opcode.SET_TIME, gatt.u64(0)).status is ReplyStatus.BAD_ARGUMENT


def test_a_sensor_that_was_set_in_the_morning_knows_when_it_was_switched_on() -> None:
    firmware = sensor(synced_at_power_on=True)
    reply = ask(firmware, Opcode.SYNC_INFO, gatt.u16(1), 100)
    assert gatt.SyncInfo.from_bytes(reply.result) == gatt.SyncInfo(0, T0 // 1000, 0, T0 // 1000)


@pytest.mark.parametrize("ppm", [-100.0, 0.0, 20.0])
def test_a_tick_is_a_period_of_the_sensors_own_clock(ppm: float) -> None:
    firmware = sensor(clock_drift_ppm=ppm)
    firmware.advance(at(8 * 3600))
    expected = int(8 * 3600 * 50 * (1 + ppm * 1e-6)) + 1
    assert firmware.stats.next_sequence == expected
    start(firmware, 8 * 3600, sequence=expected)
    due_ns = firmware.next_due_ns(1)
    firmware.advance(due_ns - 1)
    assert firmware.stats.next_sequence == expected
    firmware.advance(due_ns)
    assert firmware.stats.next_sequence == expected + 1


def test_before_it_is_switched_on_and_when_time_steps_back_nothing_happens() -> None:
    firmware = sensor()
    firmware.advance(T0 - 1)
    assert firmware.stats.next_sequence == 0
    assert status(firmware, -5).device_us == 0
    firmware.advance(at(10))
    firmware.advance(at(5))
    assert firmware.stats.next_sequence == 501


def test_ranges_change_only_while_nothing_is_kept() -> None:
    firmware = sensor()
    wide = bytes((16, 16))
    assert ask(firmware, Opcode.SET_RANGES, bytes((8, 8)), 1).status is ReplyStatus.OK
    assert ask(firmware, Opcode.SET_RANGES, wide, 1).status is ReplyStatus.BUSY
    ask(firmware, Opcode.ERASE, Position(1, 51).to_bytes(), 1)
    assert ask(firmware, Opcode.SET_RANGES, wide, 1).status is ReplyStatus.OK
    assert status(firmware, 1).scale.accel_range_g == 16
    start(firmware, 2)
    assert packets(firmware)[0].scale.gyro_range_deg_s == 2000


def test_rate_is_what_it_is() -> None:
    firmware = sensor()
    assert ask(firmware, Opcode.SET_RATE, gatt.u32(20_000_000)).status is ReplyStatus.OK
    assert ask(firmware, Opcode.SET_RATE, gatt.u32(10_000_000)).status is ReplyStatus.BAD_ARGUMENT


def test_pulses_are_counted_with_their_times_and_remembered_up_to_a_cap() -> None:
    firmware = sensor()
    pulse = gatt.HapticPulse(1, 60, 300)
    assert ask(firmware, Opcode.HAPTIC, pulse.to_bytes(), 3).status is ReplyStatus.OK
    assert (firmware.pulses[0].true_ns, firmware.pulses[0].pulse) == (at(3), pulse)
    bad = ask(firmware, Opcode.HAPTIC, bytes((3, 60, 0, 1)))
    assert bad.status is ReplyStatus.BAD_ARGUMENT
    for _ in range(module.MAX_PULSES):
        ask(firmware, Opcode.HAPTIC, pulse.to_bytes(), 3)
    assert firmware.stats.haptic_pulses == module.MAX_PULSES + 1
    assert len(firmware.pulses) == module.MAX_PULSES


def test_the_battery_empties() -> None:
    firmware = sensor(battery=Battery(90.0, life_h=10.0))
    found = [status(firmware, hours * 3600).battery_percent for hours in (0, 1, 5, 9, 20)]
    assert found == [90, 80, 40, 0, 0]


@pytest.mark.parametrize(
    "changes",
    [
        {"serial": "Ada Lovelace"},
        {"serial": ""},
        {"epoch": 0},
        {"epoch": 70_000},
        {"clock_drift_ppm": 5_000.0},
        {"clock_drift_ppm": float("nan")},
        {"power_on_ns": -1},
        {"battery": Battery(life_h=0.0)},
    ],
)
def test_sensors_that_cannot_be(changes: dict[str, object]) -> None:
    with pytest.raises(SettingError):
        sensor(**changes)


def test_an_unknown_command_and_one_that_is_none_get_a_reply() -> None:
    firmware = sensor()
    assert firmware.handle(bytes.fromhex("55 09"), T0) == bytes.fromhex("d5 09 01")
    assert firmware.handle(b"", T0) == bytes.fromhex("80 00 02")
    assert firmware.handle(b"\x01", T0) == bytes.fromhex("81 00 02")
    assert firmware.handle(bytes((8, 4)) + bytes(100), T0) == bytes.fromhex("88 04 02")
    assert ask(firmware, Opcode.STOP, b"x").status is ReplyStatus.BAD_ARGUMENT


@given(
    command=st.binary(max_size=80)
    | st.builds(
        lambda opcode, rest: bytes((opcode, 1)) + rest,
        st.sampled_from(Opcode),
        st.binary(max_size=12),
    )
)
def test_any_command_has_a_reply(command: bytes) -> None:
    firmware = sensor(NumberedSource(1.0))
    reply = gatt.Reply.from_bytes(firmware.handle(command, at(100)))
    if len(command) >= 2:
        assert reply.token == command[1]


LIFE = st.lists(
    st.one_of(
        st.tuples(st.just("pass"), st.integers(1, 300)),
        st.tuples(st.just("take"), st.integers(1, 25)),
        st.tuples(st.just("drop"), st.just(0)),
        st.tuples(st.just("erase"), st.integers(0, 100)),
    ),
    max_size=30,
)


@given(life=LIFE, holes=st.sets(st.integers(0, 2000), max_size=60), room=st.integers(1, 40))
def test_every_sample_comes_out_once_and_in_order(
    life: list[tuple[str, int]], holes: set[int], room: int
) -> None:
    """A gateway that goes on behind what it has, over links that drop and a log that is erased."""
    end_tick, tick, position = 1500, 0, 0
    firmware = sensor(NumberedSource(end_tick=end_tick, holes=holes))
    got: list[int] = []
    lost = 0
    ended = False

    def take(limit: int) -> None:
        nonlocal position, lost, ended
        for _ in range(limit):
            sent = firmware.next_notification(room)
            if sent is None:
                return
            packet = gatt.SamplePacket.from_bytes(sent.value)
            assert packet.sequence == position + packet.lost_before
            assert numbers(packet.samples) == list(range(packet.sequence, packet.next_sequence))
            got.extend(numbers(packet.samples))
            lost += packet.lost_before
            position, ended = packet.next_sequence, packet.end

    for action, amount in [*life, ("pass", end_tick), ("drop", 0), ("take", end_tick)]:
        if action == "pass":
            tick += amount
            firmware.advance(at(tick * 0.02))
        elif action == "take":
            take(amount)
        elif action == "drop":
            firmware.disconnected()
            assert start(firmware, tick * 0.02, position) is ReplyStatus.OK
        else:
            before = position * amount // 100
            ask(firmware, Opcode.ERASE, Position(1, before).to_bytes(), tick * 0.02)
    alive = [t for t in range(end_tick) if t not in holes]
    assert got == alive
    assert lost == end_tick - len(alive)
    assert ended
    assert firmware.stats.sent == firmware.stats.recorded == len(alive)


def start_ahead(firmware: Firmware, seconds: float, sequence: int = 0) -> ReplyStatus:
    return ask(firmware, Opcode.START_AHEAD, Position(1, sequence).to_bytes(), seconds).status


def test_what_is_sampled_while_the_log_goes_out_is_sent_ahead_and_again_in_its_turn() -> None:
    firmware = sensor()
    assert start_ahead(firmware, 10.0) is ReplyStatus.OK
    taken, at_s = [], 10.0
    while not taken or taken[-1].from_log or taken[-1].ahead:
        at_s += 0.02  # a packet of 18 every tick: the log gains 17 on what is sampled
        firmware.advance(at(at_s))
        sent = firmware.next_notification(18)
        assert sent is not None
        taken.append(gatt.SamplePacket.from_bytes(sent.value))
        assert sent.is_log == taken[-1].from_log
    ahead = [p for p in taken if p.ahead]
    assert [(p.sequence, p.count) for p in ahead] == [(501, 10), (511, 10), (521, 10)]
    assert all(p.next_sequence * 0.02 <= at_s for p in ahead)
    taken += packets(firmware)
    in_turn = [n for p in taken if not p.ahead for n in range(p.sequence, p.next_sequence)]
    assert in_turn == list(range(len(in_turn)))
    assert len(in_turn) >= 531
    firmware.advance(at(20))
    assert not any(p.ahead for p in packets(firmware))


def test_what_is_lost_of_what_goes_ahead_is_told() -> None:
    firmware = sensor(NumberedSource(holes=range(505, 515)))
    start_ahead(firmware, 10.0)
    firmware.advance(at(10.5))
    found = [gatt.SamplePacket.from_bytes(firmware.next_notification(18).value) for _ in range(4)]
    assert [(p.sequence, p.count, p.lost_before) for p in found if p.ahead] == [
        (501, 4, 0),
        (515, 10, 10),
    ]


def test_on_a_slow_link_the_log_has_two_thirds_and_what_goes_ahead_is_of_now() -> None:
    firmware = sensor()
    start_ahead(firmware, 10.0)
    taken, late = [], []
    for step in range(300):  # 100 samples in 3 s, of which the sensor takes 150
        firmware.advance(at(10.0 + 0.3 * step))
        sent = firmware.next_notification(10)
        assert sent is not None
        taken.append(gatt.SamplePacket.from_bytes(sent.value))
        if taken[-1].ahead:
            late.append(10.0 + 0.3 * step - taken[-1].next_sequence * 0.02)
    ahead = [p for p in taken if p.ahead]
    assert len(ahead) == 100
    assert max(late) < 1.2
    missing = sum(p.lost_before for p in ahead)
    assert ahead[-1].next_sequence == 501 + missing + sum(p.count for p in ahead)
    in_turn = [n for p in taken if not p.ahead for n in range(p.sequence, p.next_sequence)]
    assert in_turn == list(range(len(in_turn)))
    assert len(in_turn) > 1900


@pytest.mark.parametrize("opcode", [Opcode.STOP, Opcode.START, None])
def test_nothing_goes_ahead_that_nobody_asked_for(opcode: Opcode | None) -> None:
    firmware = sensor()
    start_ahead(firmware, 10.0)
    if opcode is None:
        firmware.disconnected()
    else:
        ask(firmware, opcode, Position(1, 0).to_bytes() if opcode is Opcode.START else b"", 10.0)
    firmware.advance(at(11))
    assert not any(p.ahead for p in packets(firmware))
    assert firmware.next_ahead(18) is None
