"""The card of a sensor that cannot be believed: when it is there, and what it says."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from contracts.records import FrameBlock, placement_mask
from contracts.units import NS_PER_S
from contracts.vocabulary import QUALITIES, Activity, Placement, Quality
from dashboard.reading import doubts, queries
from store.open import open_registry, open_series
from store.ports import Commit, WearerRows
from tests.dashboard import seed

T4, L5 = Placement.T4, Placement.L5
UTC = ZoneInfo("UTC")
#: 2026-03-02T10:00:00Z
TEN_NS = 1_772_445_600 * NS_PER_S


def frames_with(
    quality: Quality, who: tuple[Placement, ...], first: int, stop: int, *, size: int = 600
) -> FrameBlock:
    """Ten minutes from ten o'clock with a trouble in seconds [first, stop)."""
    frames, _ = seed.day_of([seed.Stretch(size / 60, Activity.SITTING)], TEN_NS)
    codes, suspect = np.zeros((2, size), np.uint8)
    codes[first:stop] = QUALITIES.index(quality)
    suspect[first:stop] = placement_mask(who)
    return replace(frames, quality=codes, suspect=suspect)


def said(frames: FrameBlock) -> str:
    found = doubts.standing(frames)
    return "" if found is None else doubts.card(found, UTC)


def test_a_slip_says_which_sensor_when_and_what_to_do() -> None:
    card = said(frames_with(Quality.SLIPPED, (T4,), 125, 600))
    assert "Upper back (T4) seems to have slipped at 10:02" in card
    assert "calibrate again" in card
    assert 'role="status"' in card


def test_what_began_before_is_said_so() -> None:
    assert "since before 10:00" in said(frames_with(Quality.SWAPPED, (T4, L5), 0, 600))


def test_what_goes_on_is_said_since_when() -> None:
    card = said(frames_with(Quality.STUCK, (L5,), 60, 600))
    assert "Low back (L5) repeats one reading since 10:01" in card


@pytest.mark.parametrize(
    ("quality", "first", "stop"),
    [
        (Quality.OK, 0, 600),
        (Quality.PARTIAL, 0, 600),
        (Quality.UNCALIBRATED, 0, 600),
        (Quality.SATURATED, 595, 600),
        (Quality.LOSING, 591, 600),
        (Quality.SLIPPED, 100, 589),
    ],
)
def test_no_card_without_trouble_for_a_moment_of_it_or_after_it(
    quality: Quality, first: int, stop: int
) -> None:
    assert said(frames_with(quality, (T4,), first, stop)) == ""


def test_the_worst_of_two_troubles_is_said() -> None:
    frames = frames_with(Quality.SLIPPED, (T4,), 100, 600)
    frames.quality[592:596] = QUALITIES.index(Quality.SWAPPED)
    frames.suspect[592:596] = placement_mask((T4, L5))
    assert "changed places" in said(frames)


def test_no_frames_no_card() -> None:
    assert doubts.standing(FrameBlock.from_rows([])) is None


def test_the_moment_looks_back_for_the_beginning(tmp_path: Path) -> None:
    store_url, registry_url = seed.urls(tmp_path)
    with (
        closing(open_registry(registry_url)) as registry,
        closing(open_series(store_url)) as series,
    ):
        seed.register(registry)
        frames = frames_with(Quality.SLIPPED, (T4,), 2000, 7000, size=7000)
        series.commit(Commit(wearers=[WearerRows(seed.WEARER, frames)]))
        (person,) = queries.people(series, registry)
        state = queries.now(series, registry, person, int(frames.start_ns[-1]) + NS_PER_S)
    assert state.doubt is not None
    assert state.doubt.doubt.start_ns == TEN_NS + 2000 * NS_PER_S
    assert not state.doubt.at_least
