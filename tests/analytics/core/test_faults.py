"""What is wrong with readings themselves, on seconds made by hand."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.core.faults import (
    LOSS_WINDOW_S,
    MAX_COUNTED,
    MIN_EXPECTED_S,
    STUCK_AFTER_S,
    FaultDetector,
    Faults,
)
from analytics.core.joining import SecondTable
from analytics.core.rows import RAILED, SAME, SUMS
from contracts.vocabulary import Placement

T4, L5 = Placement.T4, Placement.L5
RATE_HZ = 50


def table_of(
    counts: list[int],
    *,
    same: list[int] | None = None,
    railed: list[int] | None = None,
    seconds: list[int] | None = None,
) -> SecondTable:
    """Seconds of T4 with so many samples; L5 has all of its own."""
    size = len(counts)
    count = np.stack([np.array(counts), np.full(size, RATE_HZ)], axis=1).astype(np.int32)
    sums = np.zeros((size, 2, SUMS))
    sums[:, 0, SAME] = same or 0
    sums[:, 0, RAILED] = railed or 0
    return SecondTable(
        (T4, L5),
        np.array(seconds or range(1000, 1000 + size), np.int64),
        count,
        sums,
        np.where(count > 0, float(RATE_HZ), 0.0),
    )


def faults_of(table: SecondTable) -> Faults:
    return FaultDetector((T4, L5)).update(table)


def test_a_sensor_that_repeats_itself_for_five_seconds_is_stuck() -> None:
    same = [0, 45, 50, 50, 50, 50, 44, 50]
    found = faults_of(table_of([50] * 8, same=same))
    assert STUCK_AFTER_S == 5
    assert found.stuck[:, 0].tolist() == [False] * 5 + [True] + [False] * 2
    assert found.useless[:, 0].tolist() == found.stuck[:, 0].tolist()
    assert not found.stuck[:, 1].any()


def test_repeats_on_both_sides_of_a_gap_do_not_add_up() -> None:
    table = table_of([50] * 6, same=[50] * 6, seconds=[1, 2, 3, 5, 6, 7])
    assert not faults_of(table).stuck.any()


@pytest.mark.parametrize(
    ("railed", "saturated", "useless"),
    [(0, False, False), (2, False, False), (3, True, False), (12, True, False), (13, True, True)],
)
def test_readings_at_the_end_of_the_range(railed: int, saturated: bool, useless: bool) -> None:
    found = faults_of(table_of([50], railed=[railed]))
    assert (bool(found.saturated[0, 0]), bool(found.useless[0, 0])) == (saturated, useless)
    assert not found.saturated[0, 1]


def test_a_fifth_of_the_last_minute_lost() -> None:
    whole, half = [50] * LOSS_WINDOW_S, [25] * LOSS_WINDOW_S
    losing = faults_of(table_of(whole + half)).losing[:, 0]
    # of 3000 samples over 600 are lost once 25 of the seconds are halves
    assert np.flatnonzero(losing)[0] == LOSS_WINDOW_S + 24
    assert losing[LOSS_WINDOW_S + 24 :].all()
    assert not faults_of(table_of(whole + half)).losing[:, 1].any()


def test_a_short_history_says_nothing_of_losses() -> None:
    losing = faults_of(table_of([10] * 20)).losing[:, 0]
    assert losing.tolist() == [False] * (MIN_EXPECTED_S - 1) + [True] * (21 - MIN_EXPECTED_S)


def test_a_sensor_that_is_silent_loses_for_a_minute_and_is_off_then() -> None:
    losing = faults_of(table_of([50] * LOSS_WINDOW_S + [0] * 200)).losing[:, 0]
    assert np.flatnonzero(losing)[0] == LOSS_WINDOW_S + 12  # 13 of 60 seconds lost
    assert not losing[2 * LOSS_WINDOW_S - 1 + LOSS_WINDOW_S :].any()


def test_more_samples_than_are_counted_are_no_loss() -> None:
    table = table_of([MAX_COUNTED * 2] * 20)
    table.rate_hz[:, 0] = MAX_COUNTED * 2.0
    assert not faults_of(table).losing.any()


def test_a_sensor_that_begins_late_has_lost_nothing() -> None:
    assert not faults_of(table_of([0] * 50 + [50] * 50)).losing.any()


@given(
    counts=st.lists(st.sampled_from([0, 5, 40, 50, 51]), min_size=1, max_size=150),
    seed=st.integers(0, 2**32 - 1),
)
def test_cuts_and_snapshots_change_nothing(counts: list[int], seed: int) -> None:
    random = np.random.default_rng(seed)
    size = len(counts)
    same, railed = random.choice([0, 50], (2, size), p=[0.2, 0.8]).tolist()
    seconds = np.cumsum(random.choice([1, 2], size, p=[0.95, 0.05])).tolist()
    table = table_of(counts, same=same, railed=railed, seconds=seconds)
    whole = faults_of(table)
    detector, parts, start = FaultDetector((T4, L5)), [], 0
    while start < size:
        stop = start + 1 + int(random.integers(20))
        parts.append(detector.update(table.slice(start, min(stop, size))))
        state, detector, start = detector.state(), FaultDetector((T4, L5)), stop
        detector.load(state)
    for name in ("losing", "saturated", "stuck", "useless"):
        pieces = np.concatenate([getattr(part, name) for part in parts])
        np.testing.assert_array_equal(pieces, getattr(whole, name), name)


def test_nothing_is_kept_of_a_table_but_its_last_second() -> None:
    detector, table = FaultDetector((T4, L5)), table_of([RATE_HZ] * 100, same=[50] * 100)
    detector.update(table)
    rate_hz = weakref.ref(table.rate_hz)
    del table
    gc.collect()
    assert rate_hz() is None
