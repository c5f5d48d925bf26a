"""The faults of a seed: always the same, every kind, and clock steps apart."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from store.influx_http import ANSWER_TIMEOUT_S
from tests.chaos.faults import (
    CLOCK_REST_S,
    MAX_STEP_S,
    WAYS,
    Fault,
    Kind,
    connections,
    kinds,
    schedule,
)


def begins_s(faults: list[Fault]) -> list[float]:
    began_s, total_s = [], 0.0
    for fault in faults:
        total_s += fault.gap_s
        began_s.append(total_s)
    return began_s


def test_a_seed_gives_the_same_faults_again() -> None:
    assert schedule(5, 40, server=True) == schedule(5, 40, server=True)
    assert schedule(5, 40, server=True) != schedule(6, 40, server=True)


@given(seed=st.integers(0, 2**32), count=st.integers(len(Kind), 200), server=st.booleans())
def test_every_kind_comes_and_none_is_left_out(seed: int, count: int, server: bool) -> None:
    faults = schedule(seed, count, server=server)
    assert len(faults) == count
    assert {fault.kind for fault in faults} == set(kinds(server=server))


def test_every_connection_way_and_length_of_a_hang_comes() -> None:
    faults = schedule(1, 400, server=True)
    for kind in (Kind.CUT, Kind.DELAY):
        assert {f.target for f in faults if f.kind is kind} == set(connections(server=True))
    for kind in (Kind.DOUBLE, Kind.REORDER):
        assert {f.target for f in faults if f.kind is kind} == set(WAYS)
    assert {f.onward for f in faults if f.kind is Kind.CUT} == {True, False}
    hangs_s = [f.lasts_s for f in faults if f.kind is Kind.SERVER_HUNG]
    assert min(hangs_s) < ANSWER_TIMEOUT_S < max(hangs_s)


def test_a_store_without_a_server_has_none_of_its_faults() -> None:
    faults = schedule(1, 400, server=False)
    assert not {f.target for f in faults} - {*connections(server=False), *WAYS, ""}
    assert set(Kind) - {f.kind for f in faults} == {
        Kind.SERVER_KILLED,
        Kind.SERVER_STOPPED,
        Kind.SERVER_HUNG,
    }


@given(seed=st.integers(0, 2**32), server=st.booleans())
def test_a_clock_is_not_stepped_again_before_it_was_seen_right(seed: int, server: bool) -> None:
    faults = schedule(seed, 100, server=server)
    steps = [
        (at_s, fault)
        for at_s, fault in zip(begins_s(faults), faults, strict=True)
        if fault.kind is Kind.CLOCK
    ]
    assert all(fault.lasts_s <= MAX_STEP_S for _, fault in steps)
    for (one_s, _), (other_s, _) in itertools.pairwise(steps):
        assert other_s - one_s >= CLOCK_REST_S - MAX_STEP_S
