"""When a sensor's clock is looked at, and what several round trips say together."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from device_gateway.clock import Anchor, narrowed, round_trip_anchor
from device_gateway.clocks import (
    DOUBT_INTERVAL_S,
    FIRST_LOOKS_S,
    HOST_PAUSE_S,
    HOST_SET_NS,
    LOOK_INTERVAL_S,
    Looks,
)

MS = 1_000_000
S = 1_000_000_000
UTC_NS = 1_790_000_000 * S


def due_after(looks: Looks, from_ns: int, *, doubted: bool = False, set_by_ns: int = 0) -> float:
    """Whole seconds from ``from_ns`` until it is due."""
    for second in range(1, 1000):
        at_ns = from_ns + second * S
        if looks.due(at_ns, UTC_NS + at_ns + set_by_ns, doubted=doubted):
            return second
    return float("inf")


def test_the_first_looks_come_sooner() -> None:
    looks, at_ns = Looks(), 0
    waited = []
    for _ in range(6):
        looks.done(at_ns, UTC_NS + at_ns)
        waited.append(due_after(looks, at_ns))
        at_ns += int(waited[-1]) * S
    least = len(FIRST_LOOKS_S)
    assert waited[:least] == [pause + 1 for pause in FIRST_LOOKS_S]
    assert waited[least:] == [LOOK_INTERVAL_S + 1] * (6 - least)


def test_a_doubt_and_a_host_that_was_set_are_looked_into_soon() -> None:
    looks = Looks()
    looks.done(0, UTC_NS)
    assert due_after(looks, 0, doubted=True) == DOUBT_INTERVAL_S + 1
    assert due_after(looks, 0, set_by_ns=-2 * HOST_SET_NS) == HOST_PAUSE_S + 1
    assert due_after(looks, 0, set_by_ns=HOST_SET_NS // 2) == FIRST_LOOKS_S[0] + 1


@given(
    st.lists(st.tuples(st.integers(1, 60 * MS), st.integers(1, 60 * MS)), min_size=2, max_size=20)
)
def test_round_trips_together_hold_the_truth_and_are_no_worse_than_the_best(
    legs_ns: list[tuple[int, int]],
) -> None:
    """The device clock began at UTC_NS and is right; each exchange has its ways there and back."""
    anchors, at_ns = [], S
    for there_ns, back_ns in legs_ns:
        taken_ns = at_ns + there_ns
        answered_ns = taken_ns + back_ns
        anchors.append(round_trip_anchor(UTC_NS + at_ns, UTC_NS + answered_ns, taken_ns // 1000))
        at_ns = answered_ns
    together = anchors[0]
    for anchor in anchors[1:]:
        together = narrowed(together, anchor)
    off_ns = abs(together.utc_ns - UTC_NS - together.device_ns)
    assert off_ns <= together.uncertainty_ns + 2
    assert together.uncertainty_ns <= min(anchor.uncertainty_ns for anchor in anchors) + 1
    shortest = min(there for there, _ in legs_ns) + min(back for _, back in legs_ns)
    assert together.uncertainty_ns <= shortest // 2 + 3000


def test_round_trips_round_a_step_of_the_host_leave_the_better_one() -> None:
    before, after = Anchor(0, UTC_NS, 5 * MS), Anchor(S, UTC_NS + 300 * S, 4 * MS)
    assert narrowed(before, after) is after
    assert narrowed(after, before) is after
