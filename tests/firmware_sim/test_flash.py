from __future__ import annotations

from collections.abc import Set as AbstractSet

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import InvariantError
from firmware_sim.flash import FlashLog


def samples_of(ticks: np.ndarray) -> np.ndarray:
    return np.repeat(ticks.astype(np.int16)[:, None], 6, axis=1)


def append(log: FlashLog, stop: int, lost: AbstractSet[int] = frozenset()) -> None:
    ticks = np.array([t for t in range(log.next_tick, stop) if t not in lost], dtype=np.int64)
    log.append(stop, ticks, samples_of(ticks))


def kept(log: FlashLog, limit: int = 7) -> list[int]:
    """All that is kept, read run by run and taken from the bytes."""
    found: list[int] = []
    tick = 0
    while True:
        first, count = log.run_from(tick, limit)
        if not count:
            assert first == log.next_tick
            return found
        values = np.frombuffer(log.read(first, count), "<i2").reshape(count, 6)
        assert (values == values[:, :1]).all()
        found += values[:, 0].tolist()
        assert found[-count:] == list(range(first, first + count))
        tick = first + count


def test_full_log_overwrites_the_oldest_and_counts_it() -> None:
    log = FlashLog(10)
    append(log, 8)
    append(log, 14, lost={9})
    assert kept(log) == [4, 5, 6, 7, 8, 10, 11, 12, 13]
    assert (log.oldest_tick, log.kept, log.overwritten, log.recorded, log.lost) == (4, 9, 4, 13, 1)


def test_what_was_erased_is_not_overwritten() -> None:
    log = FlashLog(10)
    append(log, 8)
    log.erase(6)
    append(log, 15)
    assert kept(log) == list(range(6, 15))
    append(log, 17)
    assert kept(log) == list(range(7, 17))
    assert (log.overwritten, log.kept, log.erased_tick) == (1, 10, 6)


def test_capacity_is_a_bound_of_one_append_and_of_all() -> None:
    with pytest.raises(InvariantError):
        append(FlashLog(10), 11)
    with pytest.raises(InvariantError):
        FlashLog(0)
    log = FlashLog(10)
    with pytest.raises(InvariantError):
        log.erase(1)
    for stop in range(10, 1000, 10):
        append(log, stop)
        assert log.kept == 10


@given(
    capacity=st.integers(1, 12),
    steps=st.lists(
        st.tuples(st.integers(0, 12), st.sets(st.integers(0, 11)), st.integers(0, 12)),
        max_size=12,
    ),
)
def test_log_is_a_plain_list_with_a_front_that_goes_away(
    capacity: int, steps: list[tuple[int, set[int], int]]
) -> None:
    log, model, oldest, overwritten = FlashLog(capacity), [], 0, 0
    for length, holes, erase in steps:
        start = log.next_tick
        stop = start + min(length, capacity)
        append(log, stop, {start + hole for hole in holes})
        model += [t for t in range(start, stop) if t - start not in holes]
        overwritten += sum(oldest <= t < stop - capacity for t in model)
        oldest = max(oldest, stop - capacity)
        before = min(stop, oldest + erase)
        log.erase(before)
        oldest = max(oldest, before)
        model = [t for t in model if t >= oldest]
        assert kept(log) == model
        assert (log.kept, log.overwritten) == (len(model), overwritten)
        assert log.recorded + log.lost == stop
