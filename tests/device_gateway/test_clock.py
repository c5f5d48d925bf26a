from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import DecodeError, InvariantError, Reason
from contracts.gatt import SyncInfo
from contracts.imu import DEFAULT_SCALE
from contracts.messages import MAX_PERIOD_DEVIATION
from device_gateway.assembly import Run
from device_gateway.clock import (
    CONFIRMATIONS,
    MAX_KNOTS,
    ROUNDING_NS,
    SYNC_UNCERTAINTY_NS,
    Anchor,
    DeviceClock,
    round_trip_anchor,
)

MS = 1_000_000
S = 1_000_000_000
HOUR = 3600 * S
POWER_ON_NS = 1_760_000_000 * S
PERIOD_NS = 20 * MS
NOW_NS = POWER_ON_NS + 400 * 24 * HOUR


def device_ns(true_ns: int, ppm: float) -> int:
    since_ns = true_ns - POWER_ON_NS
    return since_ns + round(since_ns * ppm * 1e-6)


def true_anchor(true_ns: int, ppm: float, half_ns: int, asymmetry: float) -> Anchor:
    """A round trip of 2 × ``half_ns`` in which the sensor answered ``asymmetry`` off the middle."""
    taken_ns = true_ns + round(half_ns * asymmetry)
    return round_trip_anchor(true_ns - half_ns, true_ns + half_ns, device_ns(taken_ns, ppm) // 1000)


def run_at(device_us: int, count: int, epoch: int = 1) -> Run:
    return Run(epoch, 0, device_us, PERIOD_NS, DEFAULT_SCALE, bytes(12 * count))


def test_round_trip_is_worth_half_of_itself() -> None:
    assert round_trip_anchor(1000 * MS, 1010 * MS, 77) == Anchor(77_000, 1005 * MS, 5 * MS + 1000)


@given(
    ppm=st.floats(-100, 100),
    half_ns=st.integers(1, 4 * MS),
    asymmetry=st.floats(-1, 1),
    when=st.floats(0, 1),
)
def test_a_day_of_log_is_placed_within_5_ms(
    ppm: float, half_ns: int, asymmetry: float, when: float
) -> None:
    sync = SyncInfo(0, POWER_ON_NS // 1000, 0, POWER_ON_NS // 1000)
    now_ns = POWER_ON_NS + 8 * HOUR
    clock = DeviceClock(1).with_sync(sync)
    clock = clock.with_anchor(true_anchor(now_ns, ppm, half_ns, asymmetry), trusted=True)
    true_ns = POWER_ON_NS + round(when * 8 * HOUR)
    placed_ns = clock.utc_ns(device_ns(true_ns, ppm))
    assert abs(placed_ns - true_ns) <= 5 * MS
    assert abs(placed_ns - true_ns) <= clock.error_ns(device_ns(true_ns, ppm))


@given(
    ppm=st.floats(-100, 100),
    anchors=st.lists(
        st.tuples(st.integers(1, 3600), st.integers(1, 40 * MS), st.floats(-1, 1)),
        min_size=1,
        max_size=60,
    ),
    runs=st.lists(st.integers(1, 3000), min_size=1, max_size=6),
)
def test_times_go_on_without_gap_and_the_bound_holds(
    ppm: float, anchors: list[tuple[int, int, float]], runs: list[int]
) -> None:
    """Anchors come between batches, early or late; contiguous samples stay contiguous all the while."""
    clock = DeviceClock(1)
    true_ns = POWER_ON_NS
    sequence, last_ns, expected_ns = 0, None, None
    for wait_s, half_ns, asymmetry in anchors:
        true_ns += wait_s * S
        clock = clock.with_anchor(true_anchor(true_ns, ppm, half_ns, asymmetry))
        assert len(clock.knots) <= MAX_KNOTS
        for count in runs:
            first_device_ns = sequence * PERIOD_NS
            if device_ns(true_ns, ppm) < first_device_ns + count * PERIOD_NS:
                break
            placed, clock = clock.place(run_at(first_device_ns // 1000, count), now_ns=NOW_NS)
            truth_ns = POWER_ON_NS + round(first_device_ns / (1 + ppm * 1e-6))
            assert abs(placed.t0_ns - truth_ns) <= placed.error_ns
            assert abs(placed.period_ns - PERIOD_NS) < PERIOD_NS * MAX_PERIOD_DEVIATION
            if last_ns is not None:
                assert placed.t0_ns > last_ns
                assert expected_ns is not None
                assert abs(placed.t0_ns - expected_ns) <= ROUNDING_NS
            last_ns = placed.t0_ns + (count - 1) * placed.period_ns
            expected_ns = placed.t0_ns + count * placed.period_ns
            sequence += count


def test_without_any_sync_drift_is_unknown_and_the_bound_says_so() -> None:
    now_ns = POWER_ON_NS + 8 * HOUR
    clock = DeviceClock(1).with_anchor(true_anchor(now_ns, 100, MS, 0))
    error_ns = abs(clock.utc_ns(0) - POWER_ON_NS)
    assert 2 * S < error_ns <= clock.error_ns(0)


def test_drift_is_learnt_while_live() -> None:
    clock = DeviceClock(1)
    for minute in range(60):
        clock = clock.with_anchor(true_anchor(POWER_ON_NS + minute * 60 * S, 40, 2 * MS, 0))
    ahead_ns = POWER_ON_NS + 3600 * S + 60 * S
    assert abs(clock.utc_ns(device_ns(ahead_ns, 40)) - ahead_ns) < MS // 10
    assert clock.error_ns(device_ns(ahead_ns, 40)) < 4 * MS


def test_sync_info_that_contradicts_us_gives_way() -> None:
    now_ns = POWER_ON_NS + HOUR
    wrong_us = (POWER_ON_NS - 5 * HOUR) // 1000
    clock = DeviceClock(1).with_sync(SyncInfo(0, wrong_us, 0, wrong_us))
    clock = clock.with_anchor(true_anchor(now_ns, 0, MS, 0), trusted=True)
    assert abs(clock.utc_ns(device_ns(now_ns, 0)) - now_ns) <= MS
    assert clock.knots == (true_anchor(now_ns, 0, MS, 0),)


def test_sync_info_is_ignored_where_we_have_our_own_or_it_is_empty() -> None:
    ours = DeviceClock(1).with_anchor(Anchor(0, POWER_ON_NS, MS))
    assert ours.with_sync(SyncInfo(0, 1, 0, 1)) is ours
    assert not DeviceClock(1).with_sync(SyncInfo(0, 0, 0, 0)).known


def test_first_and_last_sync_are_both_used() -> None:
    sync = SyncInfo(0, POWER_ON_NS // 1000, 1000 * 3600 * 1000, (POWER_ON_NS + HOUR) // 1000)
    knots = DeviceClock(1).with_sync(sync).knots
    assert knots == (
        Anchor(0, POWER_ON_NS, SYNC_UNCERTAINTY_NS),
        Anchor(HOUR, POWER_ON_NS + HOUR, SYNC_UNCERTAINTY_NS),
    )


@pytest.mark.parametrize("step_ns", [-300 * S, 300 * S])
def test_a_step_of_the_hosts_clock_must_last_before_it_is_believed(step_ns: int) -> None:
    clock = DeviceClock(1).with_anchor(true_anchor(POWER_ON_NS, 0, MS, 0))
    placed, clock = clock.place(run_at(0, 500), now_ns=NOW_NS)
    before = clock
    for minute in range(1, CONFIRMATIONS):
        wrong = Anchor(minute * 60 * S, POWER_ON_NS + minute * 60 * S + step_ns, MS)
        clock = clock.with_anchor(wrong)
        assert clock.knots == before.knots
        assert clock.error_ns(60 * S) > abs(step_ns) - S
    good = clock.with_anchor(true_anchor(POWER_ON_NS + 200 * S, 0, MS, 0))
    assert good.error_ns(200 * S) < 20 * MS
    lasting = clock.with_anchor(Anchor(200 * S, POWER_ON_NS + 200 * S + step_ns, MS))
    again, lasting = lasting.place(run_at(200 * S // 1000, 500), now_ns=NOW_NS)
    assert again.t0_ns > placed.t0_ns + 499 * placed.period_ns
    if step_ns > 0:
        assert again.t0_ns == POWER_ON_NS + 200 * S + step_ns


def test_a_sensor_that_counts_anew_never_goes_back_in_time() -> None:
    clock = DeviceClock(1).with_anchor(Anchor(HOUR, POWER_ON_NS + HOUR, MS))
    placed, clock = clock.place(run_at(HOUR // 1000, 100), now_ns=NOW_NS)
    clock = clock.with_anchor(Anchor(5 * S, POWER_ON_NS + HOUR + S, MS))
    again, _ = clock.place(run_at(0, 100), now_ns=NOW_NS)
    assert again.t0_ns >= placed.t0_ns + 100 * placed.period_ns - placed.period_ns // 2


def test_a_later_epoch_begins_after_the_last_sample_of_the_earlier() -> None:
    clock = DeviceClock(1).with_anchor(Anchor(0, POWER_ON_NS, MS))
    placed, clock = clock.place(run_at(0, 100), now_ns=NOW_NS)
    following = clock.next_epoch(2).with_anchor(Anchor(0, POWER_ON_NS - 10 * S, MS))
    again, _ = following.place(run_at(0, 100, epoch=2), now_ns=NOW_NS)
    assert again.t0_ns > placed.t0_ns + 99 * placed.period_ns


def test_end_without_samples_moves_nothing() -> None:
    clock = DeviceClock(1).with_anchor(Anchor(0, POWER_ON_NS, MS))
    _, clock = clock.place(run_at(0, 100), now_ns=NOW_NS)
    placed, after = clock.place(run_at(100 * PERIOD_NS // 1000, 0), now_ns=NOW_NS)
    assert placed.t0_ns == clock.cursor_utc_ns == after.cursor_utc_ns
    assert placed.period_ns == PERIOD_NS


def test_times_that_cannot_be_are_refused() -> None:
    clock = DeviceClock(1).with_anchor(Anchor(0, POWER_ON_NS, MS))
    with pytest.raises(DecodeError) as raised:
        clock.place(run_at(10**15, 10), now_ns=POWER_ON_NS)
    assert raised.value.reason is Reason.TIME_IN_FUTURE
    with pytest.raises(InvariantError):
        DeviceClock(1).utc_ns(0)


@given(st.lists(st.tuples(st.integers(1, 4000), st.integers(1, 40 * MS)), max_size=80))
def test_a_clock_survives_the_outbox(anchors: list[tuple[int, int]]) -> None:
    clock = DeviceClock(3)
    true_ns = POWER_ON_NS
    for wait_s, half_ns in anchors:
        true_ns += wait_s * S
        clock = clock.with_anchor(true_anchor(true_ns, 7, half_ns, 0.5))
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(clock), type=DeviceClock) == clock


def test_a_host_clock_set_back_by_days_does_not_stop_the_sensor() -> None:
    ahead = DeviceClock(1).with_anchor(Anchor(0, NOW_NS + 48 * HOUR, MS))
    _, ahead = ahead.place(run_at(0, 50), now_ns=NOW_NS + 48 * HOUR)
    later = run_at(60 * S // 1000, 50)
    with pytest.raises(DecodeError):
        ahead.place(later, now_ns=NOW_NS + 60 * S)
    right = ahead.with_anchor(Anchor(60 * S, NOW_NS + 60 * S, MS))
    placed, _ = right.place(later, now_ns=NOW_NS + 60 * S)
    assert placed.t0_ns == NOW_NS + 60 * S
