"""Minutes and days: sums, time zones, clock changes, episodes in the row where they were recognised."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from analytics.core.pipeline import PipelineConfig
from analytics.core.rollups import CountedSeconds, RollupCounter
from contracts.errors import SettingError
from contracts.records import Rollup
from contracts.settings import PostureSettings
from contracts.vocabulary import ACTIVITIES, POSTURES, Activity, Placement, Posture
from tests.analytics.core.bodies import START_S, Hold, focus_table, latest, plan, run, samples_of

T4, L5 = Placement.T4, Placement.L5


def seconds(first_s: int, count: int) -> CountedSeconds:
    return CountedSeconds(
        second=np.arange(first_s, first_s + count, dtype=np.int64),
        posture=np.full(count, POSTURES.index(Posture.ROUNDED), np.uint8),
        activity=np.full(count, ACTIVITIES.index(Activity.SITTING), np.uint8),
        curl_cdeg=np.full(count, 1234, np.int64),
        has_curl=np.ones(count, bool),
    )


def day_starts(timezone: str, first_s: int, count: int) -> list[str]:
    _, days = RollupCounter(timezone).update(seconds(first_s, count), [])
    zone = ZoneInfo(timezone)
    return [
        datetime.fromtimestamp(d.start_ns // 10**9, UTC).astimezone(zone).isoformat() for d in days
    ]


def test_rollups_add_up_to_the_frames() -> None:
    holds = [Hold(30), Hold(30, 25, -3), Hold(90), Hold(130, 25, -3), Hold(40, 80, 80)]
    config = PipelineConfig(
        placements=(T4, L5), calibrations=(plan((2, 28), (33, 58)),), focus_table=focus_table(),
        settings=PostureSettings(episode_s=60),
    )  # fmt: skip
    output = run(config, {p: samples_of(holds, p) for p in (T4, L5)})
    minutes, (day,) = latest(output.minutes), latest(output.days).values()
    assert sorted(minutes) == [(START_S + 60 * k) * 10**9 for k in range(6)]
    assert sum(m.worn_s for m in minutes.values()) == day.worn_s == 320
    for posture in Posture:
        frames = int((output.frames.posture == POSTURES.index(posture)).sum())
        assert day.posture_s.get(posture, 0) == frames
        assert sum(m.posture_s.get(posture, 0) for m in minutes.values()) == frames
    assert day.rounded_activity_s == {Activity.SITTING: day.posture_s[Posture.ROUNDED]}
    (episode,) = latest(output.episodes).values()
    assert (day.episodes, day.longest_episode_s) == (
        1,
        (episode.end_ns - episode.start_ns) // 10**9,
    )
    counted = [m.start_ns // 10**9 - START_S for m in minutes.values() if m.episodes]
    assert counted == [60 * (((episode.start_ns // 10**9 - START_S) + 59) // 60)]
    mean = np.nanmean(output.frames.trunk_flexion_deg)
    assert day.mean_trunk_flexion_deg == pytest.approx(mean, abs=0.01)


@pytest.mark.parametrize(
    ("timezone", "first", "hours", "expected"),
    [
        ("UTC", datetime(2026, 3, 2, 23, tzinfo=UTC), 2, ["2026-03-02T00:00:00+00:00", "2026-03-03T00:00:00+00:00"]),
        ("Asia/Kathmandu", datetime(2026, 3, 2, 18, tzinfo=UTC), 1, ["2026-03-02T00:00:00+05:45", "2026-03-03T00:00:00+05:45"]),
        ("Europe/Berlin", datetime(2026, 3, 28, 22, tzinfo=UTC), 25, ["2026-03-28T00:00:00+01:00", "2026-03-29T00:00:00+01:00", "2026-03-30T00:00:00+02:00"]),
        ("Europe/Berlin", datetime(2026, 10, 24, 23, tzinfo=UTC), 24, ["2026-10-25T00:00:00+02:00"]),
    ],
)  # fmt: skip
def test_days_are_the_wearers_own_also_when_clocks_change(
    timezone: str, first: datetime, hours: int, expected: list[str]
) -> None:
    assert day_starts(timezone, int(first.timestamp()), hours * 3600) == expected


def test_a_later_row_replaces_an_earlier_one() -> None:
    counter = RollupCounter("UTC")
    rows: list[Rollup] = []
    for start in range(START_S, START_S + 150, 50):
        minutes, _ = counter.update(seconds(start, 50), [])
        rows += minutes
        resumed = RollupCounter("UTC")
        resumed.load(counter.state())
        counter = resumed
    assert [r.worn_s for r in latest(rows).values()] == [60, 60, 30]
    assert len(rows) == 5
    assert rows[0].mean_trunk_flexion_deg == 12.34


def test_a_time_zone_that_is_none_is_refused() -> None:
    for timezone in ("Mars/Olympus", "../etc/passwd", ""):
        with pytest.raises(SettingError, match="not a time zone"):
            RollupCounter(timezone)
