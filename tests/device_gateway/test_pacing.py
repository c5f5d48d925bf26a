"""Numbers for samples that have none: what was lost, what was late, and where one epoch ends."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.gatt import Position, SamplePacket
from contracts.imu import DEFAULT_SCALE
from contracts.messages import MAX_PERIOD_DEVIATION
from device_gateway.assembly import Assembler
from device_gateway.clock import DeviceClock
from device_gateway.pacing import (
    DECIDE_NS,
    LAST_EPOCH,
    MAX_HELD,
    SETTLE_CLOCKED_NS,
    SETTLE_COUNTED_NS,
    Pacer,
    after,
)
from device_gateway.placing import place_runs
from device_gateway.profiles.port import Readings

MS = 1_000_000
S = 1_000_000_000
UTC_NS = 1_790_000_000 * S
P = 20 * MS


def readings(count: int = 1, *, device_us: int | None = None, lost: int = 0) -> Readings:
    return Readings(np.zeros((count, 6), np.int16), device_us, lost)


def pacer(rate_hz: float = 50.0, epoch: int = 1) -> Pacer:
    return Pacer(epoch, rate_hz, DEFAULT_SCALE)


def feed(made: Pacer, arrivals_ms: Iterable[float]) -> list[SamplePacket]:
    """Single samples without a time, by when they arrive."""
    out: list[SamplePacket] = []
    for at_ms in arrivals_ms:
        at_ns = round(at_ms * MS)
        out += made.take(readings(), at_ns, UTC_NS + at_ns)
    return out


def numbers(packets: list[SamplePacket]) -> list[int]:
    return [packet.sequence for packet in packets]


SETTLED = [20.0 * k for k in range(SETTLE_COUNTED_NS // P + 1)]


def test_a_count_is_held_back_until_its_line_is_drawn() -> None:
    made = pacer()
    assert feed(made, SETTLED[:-1]) == []
    assert made.corrected({})[1].known is False
    packets = feed(made, SETTLED[-1:])
    assert numbers(packets) == list(range(len(SETTLED)))
    assert made.corrected({})[1].known
    assert {packet.lost_before for packet in packets} == {0}
    assert [packet.device_us for packet in packets[:3]] == [0, 20_000, 40_000]


def test_what_was_only_late_comes_in_a_burst_and_nothing_is_lost() -> None:
    made = pacer()
    feed(made, SETTLED)
    count = len(SETTLED)
    burst = [20.0 * (count + 40)] * 40
    packets = feed(made, [*burst, 20.0 * (count + 40)])
    assert numbers(packets) == list(range(count, count + 41))
    assert sum(packet.lost_before for packet in packets) == 0


def test_what_never_came_is_said_to_be_lost_where_it_was() -> None:
    made = pacer()
    feed(made, SETTLED)
    first = len(SETTLED) + 25  # half a second is missing
    held = DECIDE_NS // P
    packets = feed(made, [20.0 * (first + k) for k in range(held)])
    assert packets == []
    packets = feed(made, [20.0 * (first + held)])
    assert packets[0].sequence == first
    assert [packet.lost_before for packet in packets] == [25, *[0] * held]
    again = feed(made, [20.0 * (first + held + 1)])
    assert (again[0].sequence, again[0].lost_before) == (first + held + 1, 0)


def test_two_losses_that_come_close_are_both_said_where_they_were() -> None:
    made = pacer()
    feed(made, SETTLED)
    first = len(SETTLED) + 5
    then = first + 10 + 8
    arrivals = [*range(first, first + 10), *range(then, then + 100)]
    packets = feed(made, [20.0 * k for k in arrivals])
    assert numbers(packets) == arrivals[: len(packets)]
    assert {p.sequence: p.lost_before for p in packets if p.lost_before} == {first: 5, then: 8}


def test_a_doubt_that_stays_below_a_sample_is_said_in_the_error() -> None:
    made = pacer()
    feed(made, SETTLED)
    start_ms = 20.0 * len(SETTLED)
    before_ns = made.corrected({})[1].doubt_ns
    feed(made, [start_ms + 20.0 * k + 10.0 for k in range(150)])  # half a period late for good
    assert before_ns < MS
    assert made.corrected({})[1].doubt_ns == pytest.approx(10 * MS, rel=0.35)


def test_a_rate_that_is_two_percent_off_is_told_so_that_a_batch_may_say_it() -> None:
    made = pacer()
    packets = feed(made, [20.0 * 1.02 * k for k in range(600)])
    assert {packet.period_ns for packet in packets} == {20_400_000}
    assembler = Assembler(Position(1, 0), keeps_log=False)
    for packet in packets:
        assembler.add(packet)
    placed = place_runs(assembler.take(flush=True).runs, made.corrected({}), now_ns=UTC_NS + 60 * S)
    for batch in placed.batches:
        nominal_ns = S / batch.rate_hz
        assert abs(batch.period_ns - nominal_ns) <= MAX_PERIOD_DEVIATION * nominal_ns
        assert batch.period_ns == pytest.approx(20.4 * MS, rel=1e-4)


def test_a_rate_that_wanders_begins_an_epoch_without_a_break() -> None:
    made = pacer(10.0)
    at_ms, packets = 0.0, []
    for k in range(9000):  # by 0.9 % in a quarter of an hour, as an oscillator warms up
        at_ms += 100.0 * (1.0 + 0.009 * k / 9000)
        packets += feed(made, [at_ms])
    assert {packet.period_ns for packet in packets} == {100 * MS, 100_500_000}
    assert sum(packet.count for packet in packets) == 9000
    assert sum(packet.lost_before for packet in packets) == 0
    assert sorted({packet.epoch for packet in packets}) == [1, 2]
    assert made.position.epoch == 2


def clocked(made: Pacer, device_ms: Iterable[int], *, from_ms: int = 0) -> list[SamplePacket]:
    out: list[SamplePacket] = []
    for one in device_ms:
        at_ns = (one + from_ms) * MS
        out += made.take(readings(device_us=one * 1000), at_ns, UTC_NS + at_ns)
    return out


def test_a_clock_tells_what_was_lost_and_when_the_sensor_began_anew() -> None:
    made = pacer()
    packets = clocked(made, range(0, 2000, 20))
    packets += clocked(made, range(2200, 2400, 20))
    assert len(packets) == 110
    assert packets[0].sequence == 0
    (after_gap,) = [packet for packet in packets if packet.lost_before]
    assert (after_gap.sequence, after_gap.lost_before) == (110, 10)
    assert clocked(made, range(0, SETTLE_CLOCKED_NS // MS, 20), from_ms=3000) == []
    anew = clocked(made, range(SETTLE_CLOCKED_NS // MS, 2000, 20), from_ms=3000)
    assert {packet.epoch for packet in anew} == {2}
    assert set(made.corrected({})) == {1, 2}


def test_a_sensors_clock_that_is_set_ahead_begins_an_epoch_and_loses_nothing() -> None:
    made = pacer()
    clocked(made, range(0, 2000, 20))
    packets = clocked(made, range(3_602_000, 3_605_000, 20), from_ms=-3_600_000)
    assert {packet.epoch for packet in packets} == {2}
    assert sum(packet.lost_before for packet in packets) == 0


def test_what_the_codec_knows_to_be_lost_is_said() -> None:
    made = pacer()
    feed(made, SETTLED)
    at_ns = 20 * MS * (len(SETTLED) + 3)
    (packet,) = made.take(readings(lost=3), at_ns, UTC_NS + at_ns)
    assert (packet.sequence, packet.lost_before) == (len(SETTLED) + 3, 3)


def test_what_is_held_back_is_bounded() -> None:
    made = pacer(200.0)
    packets = feed(made, [0.001 * k for k in range(MAX_HELD)])
    assert len(packets) == MAX_HELD
    at_ms = 5 * MAX_HELD + 500.0
    packets = feed(made, [at_ms + 0.001 * k for k in range(MAX_HELD)])
    assert len(packets) == MAX_HELD


def test_a_restart_gives_out_what_was_held_and_counts_from_zero() -> None:
    made = pacer()
    assert made.restart(50.0) == []  # nothing began yet
    assert made.position == Position(1, 0)
    feed(made, SETTLED[:50])
    packets = made.restart(100.0)
    assert numbers(packets) == list(range(50))
    assert made.position.sequence == 0
    assert made.position.epoch > 1
    assert made.nominal_ns == 10 * MS


def test_what_was_heard_and_not_taken_is_said_to_be_lost_after_a_restart() -> None:
    made = pacer()
    assert made.heard_since(Position(0, 77)) == 0  # of another connection
    feed(made, SETTLED)
    count = len(SETTLED)
    assert made.heard_since(Position(1, count)) == 0
    lost = made.heard_since(Position(1, count - 30))
    assert lost == 30
    made.restart(50.0, lost=lost)
    packets = feed(made, [10_000.0 + at_ms for at_ms in SETTLED])
    assert (packets[0].epoch, packets[0].sequence, packets[0].lost_before) == (2, 30, 30)
    assert {packet.lost_before for packet in packets[1:]} == {0}
    more = 30 + count  # nobody took those either
    assert made.heard_since(Position(1, count - 30)) == made.position.sequence == more
    assert made.heard_since(Position(2, 100)) == more - 100
    assembler = Assembler(Position(1, count - 30), resumed=True, keeps_log=False)
    assembler.add(packets[0])
    assert assembler.take(flush=True).runs[0].lost_before == 30


def test_epochs_begin_anew_after_the_last() -> None:
    assert after(1) == 2
    assert after(LAST_EPOCH) == 1


def test_times_of_an_earlier_connection_are_not_overtaken() -> None:
    known = DeviceClock(7, cursor_utc_ns=UTC_NS + 30 * S)
    made = pacer(epoch=8)
    feed(made, SETTLED)
    clock = made.corrected({8: known.next_epoch(8)})[8]
    assert clock.cursor_utc_ns == UTC_NS + 30 * S


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 400), st.integers(1, 9)), min_size=1, max_size=400))
def test_every_sample_is_numbered_once_and_in_order(arrivals: list[tuple[int, int]]) -> None:
    made = pacer()
    at_ns, taken, packets = 0, 0, []
    for wait_ms, count in arrivals:
        at_ns += wait_ms * MS
        taken += count
        packets += made.take(readings(count), at_ns, UTC_NS + at_ns)
    packets += made.restart(50.0)
    assert sum(packet.count for packet in packets) == taken
    ends: dict[int, int] = {}
    for packet in packets:
        assert packet.sequence == ends.get(packet.epoch, 0) + packet.lost_before
        ends[packet.epoch] = packet.next_sequence
    assert list(ends) == sorted(ends)
