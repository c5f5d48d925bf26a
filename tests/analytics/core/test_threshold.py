"""Days at another mark: hysteresis, dwell and bridging by hand; cut anywhere; what is unknown stays so."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.core.threshold import ThresholdReplay
from contracts.records import Frame, FrameBlock, Rollup
from contracts.settings import PostureSettings
from contracts.units import NS_PER_S
from contracts.vocabulary import Activity, ActivitySource, Posture, Quality

START_S = 1_772_524_800  # 2026-03-03 08:00 UTC
SETTINGS = PostureSettings(candidate_s=3.0, episode_s=10.0, bridge_s=3.0, hysteresis_deg=4.0)


def frames(
    angles_deg: Sequence[float | None],
    *,
    start_s: int = START_S,
    activity: Activity = Activity.SITTING,
    thorax_deg: float | None = None,
) -> FrameBlock:
    """A frame a second of these trunk flexions."""
    return FrameBlock.from_rows(
        Frame(
            start_ns=(start_s + i) * NS_PER_S,
            posture=Posture.UPRIGHT,
            activity=activity,
            activity_source=ActivitySource.TRUNK,
            confidence=0.5,
            quality=Quality.OK,
            samples=100,
            trunk_flexion_deg=angle_deg,
            thorax_flexion_deg=thorax_deg,
        )
        for i, angle_deg in enumerate(angles_deg)
    )


def days(*blocks: FrameBlock, mark_deg: float = 15.0, timezone: str = "UTC") -> list[Rollup]:
    replay = ThresholdReplay(mark_deg, SETTINGS, timezone)
    for block in blocks:
        replay.update(block)
    return replay.days()


def day(*blocks: FrameBlock, **rest) -> tuple[int, int, int, int]:
    """Seconds worn and rounded, episodes and the longest in s, of the only day."""
    (found,) = days(*blocks, **rest)
    return (
        found.worn_s,
        found.posture_s.get(Posture.ROUNDED, 0),
        found.episodes,
        found.longest_episode_s,
    )


def test_rounded_from_the_mark_until_the_hysteresis_below_it() -> None:
    # 14.99 is not yet; 15 is; 11.01 still is; 10.99 no more; 14 does not come back
    assert day(frames([14.99, 15.0, 12.0, 11.01, 10.99, 14.0])) == (6, 3, 0, 0)
    assert day(frames([15.0] * 4), mark_deg=15.01) == (4, 0, 0, 0)


def test_an_episode_by_hand() -> None:
    held = [20.0] * 12
    assert day(frames(held)) == (12, 12, 1, 12)
    assert day(frames([20.0] * 9)) == (9, 9, 0, 0)
    bridged = [20.0] * 6 + [0.0] * 2 + [20.0] * 6  # two seconds are bridged, three are not
    assert day(frames(bridged)) == (14, 12, 1, 14)
    assert day(frames([20.0] * 6 + [0.0] * 3 + [20.0] * 6)) == (15, 12, 0, 0)
    two = held + [0.0] * 5 + held
    assert day(frames(two)) == (29, 24, 2, 12)


def test_an_unknown_angle_is_unknown() -> None:
    assert day(frames([None] * 20)) == (20, 0, 0, 0)
    # unknown seconds end a run as other seconds do, and bring the state back to not rounded
    assert day(frames([20.0, None, 12.0])) == (3, 1, 0, 0)
    assert day(frames([20.0] * 8 + [None] * 3 + [20.0] * 8)) == (19, 16, 0, 0)


def test_one_sensor_gives_the_angle_of_the_upper_trunk() -> None:
    assert day(frames([None] * 12, thorax_deg=16.0)) == (12, 12, 1, 12)
    assert day(frames([5.0] * 12, thorax_deg=40.0)) == (12, 0, 0, 0)  # bent at the hip


@pytest.mark.parametrize(("activity", "worn_s"), [(Activity.LYING, 12), (Activity.NOT_WORN, 0)])
def test_who_lies_or_wears_nothing_is_not_rounded(activity: Activity, worn_s: int) -> None:
    assert day(frames([30.0] * 12, activity=activity)) == (worn_s, 0, 0, 0)


def test_a_gap_ends_a_run() -> None:
    before, after = frames([20.0] * 8), frames([20.0, 12.0] * 4, start_s=START_S + 9)
    assert day(before, after) == (16, 16, 0, 0)
    assert day(before, frames([12.0] * 8, start_s=START_S + 9)) == (16, 8, 0, 0)


def test_days_are_of_the_wearers_zone_also_when_clocks_change() -> None:
    # 2026-03-29 in Berlin lasts from 23:00 UTC the day before to 22:00 UTC
    midnight_s = 1_774_738_800
    around = frames([20.0] * 20 + [0.0] * 3, start_s=midnight_s - 10)
    later = frames([0.0], start_s=midnight_s + 23 * 3600)
    found = days(around, later, timezone="Europe/Berlin")
    assert [(d.start_ns // NS_PER_S, d.worn_s) for d in found] == [
        (midnight_s - 24 * 3600, 10),
        (midnight_s, 13),
        (midnight_s + 23 * 3600, 1),
    ]
    assert [d.episodes for d in found] == [1, 0, 0]  # in the day in which it was recognised
    assert [d.longest_episode_s for d in found] == [10, 20, 0]


ANGLES = st.lists(
    st.one_of(st.none(), st.sampled_from([0.0, 10.0, 11.0, 14.0, 15.0, 16.0, 30.0])), max_size=30
)


@given(
    pieces=st.lists(st.tuples(ANGLES, st.sampled_from([0, 0, 1, 200])), min_size=1, max_size=6),
    cuts=st.lists(st.integers(0, 120), max_size=8),
)
def test_cut_anywhere_the_days_are_the_same(
    pieces: list[tuple[list[float | None], int]], cuts: list[int]
) -> None:
    blocks, at_s = [], START_S + 16 * 3600 - 60  # midnight is a minute away
    for angles_deg, gap_s in pieces:
        at_s += gap_s
        blocks.append(frames(angles_deg, start_s=at_s))
        at_s += len(angles_deg)
    whole = FrameBlock.concat(blocks)
    edges = sorted({0, len(whole), *(min(cut, len(whole)) for cut in cuts)})
    parts = [part(whole, a, b) for a, b in pairwise(edges)]
    assert days(*parts) == days(whole)


@given(angles_deg=ANGLES, low=st.floats(5, 45), high=st.floats(5, 45))
def test_a_higher_mark_never_rounds_more(
    angles_deg: list[float | None], low: float, high: float
) -> None:
    low, high = sorted((low, high))
    block = frames(angles_deg or [0.0])
    assert day(block, mark_deg=high)[1] <= day(block, mark_deg=low)[1]


def part(block: FrameBlock, first: int, stop: int) -> FrameBlock:
    return FrameBlock(
        **{name: np.asarray(getattr(block, name)[first:stop]) for name in block.__slots__}
    )
