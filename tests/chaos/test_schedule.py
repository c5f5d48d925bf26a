"""The faults of a seed: always the same, every kind, and clock steps apart."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from tests.chaos.faults import CLOCK_REST_S, MAX_STEP_S, Fault, Kind, schedule


def begins_s(faults: list[Fault]) -> list[float]:
    began_s, total_s = [], 0.0
    for fault in faults:
        total_s += fault.gap_s
        began_s.append(total_s)
    return began_s


def test_a_seed_gives_the_same_faults_again() -> None:
    assert schedule(5, 40) == schedule(5, 40)
    assert schedule(5, 40) != schedule(6, 40)


@given(seed=st.integers(0, 2**32), count=st.integers(len(Kind), 200))
def test_every_kind_comes_and_none_is_left_out(seed: int, count: int) -> None:
    faults = schedule(seed, count)
    assert len(faults) == count
    assert {fault.kind for fault in faults} == set(Kind)


@given(seed=st.integers(0, 2**32))
def test_a_clock_is_not_stepped_again_before_it_was_seen_right(seed: int) -> None:
    faults = schedule(seed, 100)
    steps = [
        (at_s, fault)
        for at_s, fault in zip(begins_s(faults), faults, strict=True)
        if fault.kind is Kind.CLOCK
    ]
    assert all(fault.lasts_s <= MAX_STEP_S for _, fault in steps)
    for (one_s, _), (other_s, _) in itertools.pairwise(steps):
        assert other_s - one_s >= CLOCK_REST_S - MAX_STEP_S
