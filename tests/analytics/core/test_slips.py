"""A sensor that turns by itself, and bodies that move: on still sensors made by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.core.joining import Joiner, SecondTable
from analytics.core.slips import LOOK_S, MAX_LEFT, SHOWS, SlipDetector
from analytics.validation.trouble import AXES, Slip, slipped
from contracts.imu import ImuSamples
from contracts.units import NS_PER_S
from contracts.vocabulary import Placement
from tests.analytics.core.bodies import START_NS, START_S, Hold, samples_of, without

C7, T4, T12, L5 = Placement.C7, Placement.T4, Placement.T12, Placement.L5
HEAD = Placement.HEAD
SIZE_S = 60
AT_S = 30


def still(*placements: Placement) -> dict[Placement, ImuSamples]:
    """A minute of people who sit still."""
    return {p: samples_of([Hold(SIZE_S)], p) for p in placements}


def slip_of(
    placement: Placement, turn_deg: float, *, duration_s: float = 0.5, axis: str = "left"
) -> Slip:
    return Slip(placement, axis, turn_deg, duration_s, START_NS + AT_S * NS_PER_S)


def with_slip(sensors: dict[Placement, ImuSamples], slip: Slip) -> dict[Placement, ImuSamples]:
    return sensors | {slip.placement: slipped(sensors[slip.placement], slip)}


def table_of(sensors: dict[Placement, ImuSamples]) -> SecondTable:
    joiner = Joiner(tuple(sensors))
    for placement, samples in sensors.items():
        joiner.add(placement, samples)
    table = joiner.close(everything=True)
    assert table is not None
    return table


def found_in(sensors: dict[Placement, ImuSamples]) -> list[tuple[Placement, int]]:
    """Who slipped, and in which second from START."""
    table = table_of(sensors)
    slips = SlipDetector(table.placements).update(table)
    return [(table.placements[s.column], s.turned_s - START_S) for s in slips if not s.back]


@pytest.mark.parametrize("duration_s", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("turn_deg", [10.0, 25.0, 40.0])
@pytest.mark.parametrize("axis", ["forward", "back", "left", "right"])
def test_a_lone_sudden_turn_is_a_slip(duration_s: float, turn_deg: float, axis: str) -> None:
    slip = slip_of(T4, turn_deg, duration_s=duration_s, axis=axis)
    ((placement, second),) = found_in(with_slip(still(T4, L5), slip))
    assert placement is T4
    assert AT_S <= second <= AT_S + 2


def test_it_is_known_twelve_seconds_after_it_shows() -> None:
    table = table_of(with_slip(still(T4, L5), slip_of(L5, 20)))
    (slip,) = SlipDetector(table.placements).update(table)
    assert int(table.second[slip.row]) - slip.turned_s == LOOK_S - 1 - SHOWS == 12


def test_a_small_turn_is_none() -> None:
    assert found_in(with_slip(still(T4, L5), slip_of(T4, 6))) == []


def test_a_slow_turn_may_be_a_body_that_rounds() -> None:
    assert found_in(with_slip(still(T4, L5), slip_of(T4, 20, duration_s=2.5))) == []


def test_a_gyroscopes_bias_makes_no_slow_turn_sudden() -> None:
    sensors = with_slip(still(T4, L5), slip_of(T4, 10, duration_s=1.6, axis="forward"))
    assert found_in(sensors) == []
    sensors[T4].si[:, 3] += 0.05  # rad/s
    assert found_in(sensors) == []


def test_a_slow_turn_between_two_still_neighbours_is_a_slip() -> None:
    sensors = with_slip(still(C7, T4, T12, L5), slip_of(T4, 20, duration_s=2.0))
    assert [placement for placement, _ in found_in(sensors)] == [T4]


@pytest.mark.parametrize("seconds", [1.0, 2.0])
def test_a_body_that_moves_is_none(seconds: float) -> None:
    sensors = still(T4, L5)
    for placement, turn_deg in ((T4, 25.0), (L5, 8.0)):
        slip = slip_of(placement, turn_deg, duration_s=seconds, axis="forward")
        sensors = with_slip(sensors, slip)
    assert found_in(sensors) == []


def test_a_turn_that_goes_back_is_none() -> None:
    there = with_slip(still(T4, L5), slip_of(T4, 20))
    back = Slip(T4, "right", 20, 0.5, START_NS + (AT_S + 6) * NS_PER_S)
    assert found_in(with_slip(there, back)) == []


def test_a_slip_that_is_put_right_is_over() -> None:
    there = with_slip(still(T4, L5), slip_of(T4, 20))
    back = Slip(T4, "right", 20, 0.5, START_NS + (AT_S + 14) * NS_PER_S)
    table = table_of(with_slip(there, back))
    assert [s.back for s in SlipDetector(table.placements).update(table)] == [False, True]


def test_only_the_last_turns_are_remembered() -> None:
    sensors = still(T4, L5)
    detector = SlipDetector((T4, L5))
    for turn in range(3 * MAX_LEFT):
        table = table_of(with_slip(sensors, slip_of(T4, 12 + 6 * turn)))
        later = SecondTable(
            table.placements,
            table.second + turn * SIZE_S,
            table.count,
            table.sums,
            table.rate_hz,
        )
        detector.update(later)
        assert len(detector.state()["left"]["T4"]) <= MAX_LEFT


def test_a_turn_about_the_plumb_line_shows_nothing() -> None:
    upright = {p: samples_of([Hold(SIZE_S)], p, mount_deg=0.0) for p in (T4, L5)}
    assert found_in(with_slip(upright, slip_of(T4, 30, axis="round the trunk"))) == []


def test_a_turn_in_a_gap_is_not_judged() -> None:
    sensors = with_slip(still(T4, L5), slip_of(T4, 20))
    assert found_in({p: without(s, (AT_S - 1, AT_S + 2)) for p, s in sensors.items()}) == []


def test_a_head_may_turn_alone_and_a_neck_may_nod() -> None:
    assert found_in(with_slip(still(HEAD, T4), slip_of(HEAD, 35))) == []
    assert found_in(with_slip(still(C7, T4), slip_of(C7, 15))) == []
    assert [p for p, _ in found_in(with_slip(still(C7, T4), slip_of(C7, 30)))] == [C7]


def test_a_nod_hides_no_slip() -> None:
    sensors = with_slip(still(C7, T4, L5), slip_of(L5, 20))
    assert [p for p, _ in found_in(with_slip(sensors, slip_of(C7, 12)))] == [L5]


def test_one_sensor_alone_is_believed_unless_no_trunk_is_so_quick() -> None:
    assert found_in(with_slip(still(T4), slip_of(T4, 20, duration_s=1.0))) == []
    assert found_in(with_slip(still(T4), slip_of(T4, 12, duration_s=0.2))) == []
    assert [p for p, _ in found_in(with_slip(still(T4), slip_of(T4, 20, duration_s=0.2)))] == [T4]


@settings(max_examples=20)
@given(
    axis=st.sampled_from(sorted(AXES)),
    turn_deg=st.sampled_from([0.0, 12.0, 30.0]),
    at_s=st.integers(5, 50),
    gap_s=st.integers(8, 50),
    seed=st.integers(0, 2**32 - 1),
)
def test_cuts_and_snapshots_change_nothing(
    axis: str, turn_deg: float, at_s: int, gap_s: int, seed: int
) -> None:
    slip = Slip(T4, axis, turn_deg, 0.4, START_NS + at_s * NS_PER_S)
    sensors = with_slip(still(T4, L5), slip)
    table = table_of({p: without(s, (gap_s, gap_s + 2)) for p, s in sensors.items()})
    whole = SlipDetector(table.placements).update(table)
    random = np.random.default_rng(seed)
    detector, found, start = SlipDetector(table.placements), [], 0
    while start < len(table):
        stop = min(len(table), start + 1 + int(random.integers(12)))
        found += [
            (slip.row + start, slip.column, slip.turned_s)
            for slip in detector.update(table.slice(start, stop))
        ]
        state, detector, start = detector.state(), SlipDetector(table.placements), stop
        detector.load(state)
    assert found == [(slip.row, slip.column, slip.turned_s) for slip in whole]


def test_a_turn_after_which_the_sensor_falls_silent_tells_nothing() -> None:
    sensors = with_slip(still(T4, L5), Slip(T4, "left", 8.0, 0.5, START_NS + 20 * NS_PER_S))
    sensors = with_slip(sensors, Slip(T4, "left", 20.0, 0.5, START_NS + 40 * NS_PER_S))
    sensors[T4] = without(sensors[T4], (46, 57))
    assert (T4, 40) not in found_in(sensors)


def frozen(samples: ImuSamples, start_s: int, end_s: int, *, zero: bool = False) -> ImuSamples:
    """The samples with one reading repeated, or none at all, in [start_s, end_s) from START."""
    si = samples.si.copy()
    inside = (samples.utc_ns >= START_NS + start_s * NS_PER_S) & (
        samples.utc_ns < START_NS + end_s * NS_PER_S
    )
    si[inside] = 0.0 if zero else si[inside][0]
    return replace(samples, si=si)


@pytest.mark.parametrize("zero", [False, True])
@pytest.mark.parametrize("end_s", [22, 45])
def test_a_sensor_that_freezes_and_comes_back_has_not_slipped(end_s: int, zero: bool) -> None:
    sensors = {p: samples_of([Hold(22), Hold(40, 20, 15)], p) for p in (T4, L5)}
    sensors[T4] = frozen(sensors[T4], 15, end_s, zero=zero)
    assert found_in(sensors) == []


def test_readings_of_nothing_are_no_turn() -> None:
    si = np.zeros((SIZE_S * 50, 6), np.float32)
    si[: 30 * 50, 0] = 9.81
    si[:, 3] = np.random.default_rng(1).normal(0, 0.01, len(si))
    nothing = replace(still(T4)[T4], si=si)
    assert found_in({T4: nothing, L5: still(L5)[L5]}) == []
