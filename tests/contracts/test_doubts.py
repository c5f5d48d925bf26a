"""Stretches of doubted frames, worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.doubts import BRIDGE_FRAMES, doubts_of
from contracts.records import FrameBlock, placement_mask
from contracts.units import NS_PER_S
from contracts.vocabulary import QUALITIES, Placement, Quality
from tests.store.processes import FIRST_S, frames_from

T4, T12, L5 = Placement.T4, Placement.T12, Placement.L5
OK, SLIPPED, LOSING = Quality.OK, Quality.SLIPPED, Quality.LOSING


def frames_of(seconds: list[tuple[Quality, tuple[Placement, ...]]]) -> FrameBlock:
    """Frames of these qualities and suspects from FIRST_S on."""
    return replace(
        frames_from(FIRST_S, len(seconds)),
        quality=np.array([QUALITIES.index(quality) for quality, _ in seconds], np.uint8),
        suspect=np.array([placement_mask(who) for _, who in seconds], np.uint8),
    )


def at_s(second: int) -> int:
    return (FIRST_S + second) * NS_PER_S


def test_a_trouble_has_a_beginning_an_end_and_sensors() -> None:
    frames = frames_of([(OK, ())] * 3 + [(SLIPPED, (T4,))] * 5 + [(SLIPPED, (T4, L5))] * 2)
    (doubt,) = doubts_of(frames)
    assert (doubt.quality, doubt.placements, doubt.seconds) == (SLIPPED, (T4,), 7)
    assert (doubt.start_ns, doubt.end_ns) == (at_s(3), at_s(10))


@pytest.mark.parametrize(("gap", "wanted"), [(BRIDGE_FRAMES - 1, [2]), (BRIDGE_FRAMES, [1, 1])])
def test_a_trouble_that_comes_back_soon_is_the_same(gap: int, wanted: list[int]) -> None:
    bad = [(LOSING, (L5,))]
    found = doubts_of(frames_of([*bad, *[(OK, ())] * gap, *bad]))
    assert [doubt.seconds for doubt in found] == wanted


def test_troubles_are_told_apart_and_in_order() -> None:
    frames = frames_of([(SLIPPED, (T4,)), (LOSING, (L5,)), (SLIPPED, (T4,))])
    assert [(d.quality, d.start_ns) for d in doubts_of(frames)] == [
        (SLIPPED, at_s(0)),
        (LOSING, at_s(1)),
    ]


def test_what_is_said_names_the_sensors_and_what_to_do() -> None:
    one, both = doubts_of(frames_of([(SLIPPED, (T4,)), (Quality.SWAPPED, (T4, L5))]))
    assert one.what(one.placements) == "T4 seems to have slipped"
    assert both.what(both.placements) == "T4 and L5 seem to have changed places"
    assert one.advice == "Put it back where it was and calibrate again."
    assert both.advice == "Put each sensor where it belongs and calibrate again."


def test_several_sensors_are_listed() -> None:
    (doubt,) = doubts_of(frames_of([(LOSING, (T4, T12, L5))]))
    assert doubt.what(doubt.placements) == "T4, T12 and L5 lose readings"
    assert doubt.advice == "Keep them near the gateway and charged."


def test_where_no_sensor_is_doubted_most_of_the_time_those_doubted_most_often_are_named() -> None:
    (doubt,) = doubts_of(frames_of([(LOSING, (T4,)), (LOSING, (L5,)), (LOSING, (T12,))] * 2))
    assert set(doubt.placements) == {T4, T12, L5}


@given(st.lists(st.sampled_from(Quality), max_size=200))
def test_every_bad_second_is_in_one_stretch_and_no_good_one(qualities: list[Quality]) -> None:
    found = doubts_of(frames_of([(quality, (T4,)) for quality in qualities]))
    bad = [q for q in qualities if QUALITIES.index(q) >= QUALITIES.index(LOSING)]
    assert sum(doubt.seconds for doubt in found) == len(bad)
    assert {doubt.quality for doubt in found} == set(bad)
