"""When nudges may come: switched on, while driving, and the wearer's quiet hours on their own clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.core.nudge_policy import NudgeSeconds
from analytics.core.nudges import NudgeDetector
from analytics.core.zones import day_of, minutes_of_day, zone_of
from contracts.errors import SettingError
from contracts.settings import PostureSettings
from contracts.units import NS_PER_S
from contracts.vocabulary import ACTIVITIES, Activity, NudgeKind
from tests.analytics.core.nudging import in_pieces, seconds_of

BERLIN = ZoneInfo("Europe/Berlin")
NIGHT = {"quiet_from_min": 22 * 60, "quiet_until_min": 7 * 60}
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")  # its clocks change by half an hour


def utc_s(*parts: int, zone: ZoneInfo = BERLIN, fold: int = 0) -> int:
    return int(datetime(*parts, tzinfo=zone, fold=fold).timestamp())


def rounded_from(start_s: int, seconds: int, activity: Activity = Activity.SITTING) -> NudgeSeconds:
    """Seconds of one rounded run, as the detector takes them."""
    second = start_s + np.arange(seconds, dtype=np.int64)
    span_s = np.arange(1, seconds + 1, dtype=np.int32)
    return seconds_of(second, span_s, np.full(seconds, ACTIVITIES.index(activity), np.uint8))


def at_s(
    detector: NudgeDetector, run: NudgeSeconds, kind: NudgeKind = NudgeKind.POSTURE
) -> list[int]:
    decisions = [d for d in detector.update(run).decisions if d.kept_back is None]
    return [d.at_ns // NS_PER_S for d in decisions if d.kind is kind]


@pytest.mark.parametrize("kind", [NudgeKind.POSTURE, NudgeKind.BREAK])
def test_switched_off_there_are_none(kind: NudgeKind) -> None:
    settings = {"nudge_after_s": 30, "break_after_s": 300}
    run = rounded_from(1_800_000_000, 600)
    assert at_s(NudgeDetector(PostureSettings(**settings)), run, kind)
    assert at_s(NudgeDetector(PostureSettings(nudges=False, **settings)), run, kind) == []


@pytest.mark.parametrize("activity", [Activity.DRIVING, Activity.WALKING, Activity.LYING])
def test_only_driving_can_be_allowed(activity: Activity) -> None:
    run = rounded_from(1_800_000_000, 100, activity)
    settings = PostureSettings(nudge_after_s=30, nudge_driving=True)
    allowed = activity is Activity.DRIVING
    assert at_s(NudgeDetector(settings), run) == ([1_800_000_030] if allowed else [])


@pytest.mark.parametrize(
    ("begins", "nudged"),
    [
        ((2026, 1, 14, 21, 59, 29), (2026, 1, 14, 21, 59, 59)),  # the last second that is not quiet
        ((2026, 1, 14, 21, 59, 30), (2026, 1, 15, 7, 0, 0)),  # due at 22:00:00, held until 7:00:00
        ((2026, 1, 14, 23, 30, 0), (2026, 1, 15, 7, 0, 0)),
        ((2026, 1, 14, 0, 10, 0), (2026, 1, 14, 7, 0, 0)),
        ((2026, 1, 14, 12, 0, 0), (2026, 1, 14, 12, 0, 30)),
        # the night in which the clock goes from 2:00 to 3:00, and the one in which it goes back
        ((2026, 3, 28, 23, 0, 0), (2026, 3, 29, 7, 0, 0)),
        ((2026, 10, 24, 23, 0, 0), (2026, 10, 25, 7, 0, 0)),
    ],
)
def test_quiet_hours_are_of_the_wearers_own_clock(
    begins: tuple[int, ...], nudged: tuple[int, ...]
) -> None:
    settings = PostureSettings(nudge_after_s=30, nudge_pause_s=0, **NIGHT)  # a prompt is due too
    run = rounded_from(utc_s(*begins), 11 * 3600)
    assert at_s(NudgeDetector(settings, BERLIN), run) == [utc_s(*nudged)]


def test_quiet_hours_within_a_day() -> None:
    settings = PostureSettings(nudge_after_s=30, quiet_from_min=12 * 60, quiet_until_min=13 * 60)
    run = rounded_from(utc_s(2026, 1, 14, 11, 59, 45), 7200)
    assert at_s(NudgeDetector(settings, BERLIN), run) == [utc_s(2026, 1, 14, 13, 0, 0)]


def test_the_same_end_as_start_means_no_quiet_hours() -> None:
    settings = PostureSettings(nudge_after_s=30, quiet_from_min=600, quiet_until_min=600)
    assert at_s(NudgeDetector(settings), rounded_from(36_000, 100)) == [36_030]


def test_a_break_prompt_in_quiet_hours_is_not_made_up_for() -> None:
    settings = PostureSettings(break_after_s=1800, quiet_from_min=60, quiet_until_min=90)
    run = rounded_from(1800, 3 * 3600)  # from 0:30 UTC on
    found = at_s(NudgeDetector(settings), run, NudgeKind.BREAK)
    assert found == [minute * 60 for minute in (90, 120, 150, 180, 210)]  # not at 60


@given(
    start_s=st.integers(utc_s(2026, 3, 28, 20, 0, 0), utc_s(2026, 3, 29, 6, 0, 0)),
    cuts=st.lists(st.integers(1, 4000), min_size=1, max_size=20),
    first=st.integers(0, 1439),
    end=st.integers(0, 1439),
)
def test_quiet_hours_cut_anywhere_say_the_same(
    start_s: int, cuts: list[int], first: int, end: int
) -> None:
    settings = PostureSettings(
        nudge_after_s=60, break_after_s=600, quiet_from_min=first, quiet_until_min=end
    )
    run = rounded_from(start_s, sum(cuts))
    whole = NudgeDetector(settings, BERLIN).update(run)
    pieces = in_pieces((NudgeDetector(settings, BERLIN) for _ in cuts), run, cuts)
    assert pieces == whole


@given(
    zone=st.sampled_from([BERLIN, LORD_HOWE, ZoneInfo("Asia/Kathmandu"), UTC]),
    start_s=st.integers(1_700_000_000, 1_800_000_000),
)
def test_minutes_of_the_day_are_what_a_clock_shows(zone: ZoneInfo, start_s: int) -> None:
    second = start_s + np.arange(0, 90_000, 977, dtype=np.int64)
    shown = [datetime.fromtimestamp(s, zone) for s in second.tolist()]
    assert minutes_of_day(second, zone).tolist() == [at.hour * 60 + at.minute for at in shown]


def test_days_are_as_long_as_they_are_on_the_wall() -> None:
    spring, autumn = utc_s(2026, 3, 29), utc_s(2026, 10, 25)
    hour = timedelta(hours=1).seconds
    assert day_of(spring + 5, BERLIN) == (spring, spring + 23 * hour)
    assert day_of(autumn + 24 * hour, BERLIN) == (autumn, autumn + 25 * hour)
    with pytest.raises(SettingError, match="not a time zone"):
        zone_of("Mars/Base")
