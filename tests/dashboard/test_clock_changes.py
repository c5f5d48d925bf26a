"""Days on which the clocks change: every hour is there once, every minute is counted once, labels are right."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.records import Rollup
from contracts.units import NS_PER_S
from contracts.vocabulary import Activity, Posture
from dashboard.look import clock
from dashboard.look.weeks import IsoWeek
from dashboard.review import heat_map
from dashboard.week.day_figures import dated

MINUTE_NS = 60 * NS_PER_S
HOUR_NS = 3600 * NS_PER_S
ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kolkata",
    "Pacific/Chatham",  # 12:45 and 13:45 ahead; its clocks change at a quarter to three
    "Australia/Lord_Howe",  # changes by half an hour
    "America/Santiago",  # changes at midnight: one day begins at one
    "UTC",
)
#: zone, day → hours that it has.
CHANGES = (
    ("Europe/Berlin", date(2026, 3, 29), 23),
    ("Europe/Berlin", date(2026, 10, 25), 25),
    ("America/New_York", date(2026, 3, 8), 23),
    ("America/New_York", date(2026, 11, 1), 25),
    ("Asia/Kolkata", date(2026, 3, 29), 24),
    ("Pacific/Chatham", date(2026, 4, 5), 25),
    ("Pacific/Chatham", date(2026, 9, 27), 23),
    ("America/Santiago", date(2026, 9, 6), 23),
)
zones = st.sampled_from(ZONES).map(ZoneInfo)
days = st.dates(date(2024, 1, 1), date(2028, 12, 31))


def minutes_of(start_ns: int, end_ns: int) -> list[Rollup]:
    """Minutes worn throughout, rounded for half of each."""
    return [
        Rollup(
            start_ns=at_ns,
            worn_s=60,
            posture_s={Posture.UPRIGHT: 30, Posture.ROUNDED: 30},
            activity_s={Activity.SITTING: 60},
            rounded_activity_s={Activity.SITTING: 30},
            mean_trunk_flexion_deg=9.0,
        )
        for at_ns in range(start_ns, end_ns, MINUTE_NS)
    ]


@pytest.mark.parametrize(("name", "day", "hours"), CHANGES)
def test_a_day_has_the_hours_that_its_clock_gave_it_each_once(
    name: str, day: date, hours: int
) -> None:
    zone = ZoneInfo(name)
    start_ns, end_ns = clock.day_bounds_ns(day, zone)
    assert (end_ns - start_ns) == hours * HOUR_NS
    week = IsoWeek.of_day(day)
    cells = heat_map.cells(minutes_of(start_ns, end_ns), zone)
    assert sum(cell.worn_s for cell in cells) == hours * 3600
    assert {cell.weekday for cell in cells if cell.worn_s} == {day.weekday()}
    # As the clock showed them, told by it alone: the hour shown twice counts twice, the one left out not.
    by_hour = [0] * 24
    for at_s in range(start_ns // NS_PER_S, end_ns // NS_PER_S, 60):
        by_hour[datetime.fromtimestamp(at_s, UTC).astimezone(zone).hour] += 60
    assert [cell.worn_s for cell in cells[24 * day.weekday() :][:24]] == by_hour
    lengths = [b - a for a, b in (clock.day_bounds_ns(d, zone) for d in week.days)]
    first_ns, last_ns = week.bounds_ns(zone)
    assert sum(lengths) == last_ns - first_ns


@given(days, zones)
def test_days_lie_end_to_end_and_every_moment_is_of_the_day_that_holds_it(
    day: date, zone: ZoneInfo
) -> None:
    start_ns, end_ns = clock.day_bounds_ns(day, zone)
    next_ns, _ = clock.day_bounds_ns(day + timedelta(days=1), zone)
    assert end_ns == next_ns
    for at_ns in (start_ns, (start_ns + end_ns) // 2, end_ns - 1):
        assert clock.day_of(at_ns, zone) == day
    assert clock.day_of(start_ns - 1, zone) == day - timedelta(days=1)


@given(days, zones)
def test_a_days_rollup_is_of_its_date(day: date, zone: ZoneInfo) -> None:
    start_ns, _ = clock.day_bounds_ns(day, zone)
    assert list(dated(minutes_of(start_ns, start_ns + MINUTE_NS), zone)) == [day]


@given(days, zones)
def test_labels_of_a_days_axis_are_what_the_clock_showed_in_order(
    day: date, zone: ZoneInfo
) -> None:
    start_ns, end_ns = clock.day_bounds_ns(day, zone)
    ticks = clock.ticks(start_ns, end_ns, zone, limit=10)
    assert len(ticks) >= 4
    at = [at_ns for at_ns, _ in ticks]
    assert at == sorted(set(at))
    for at_ns, label in ticks:
        assert label == f"{datetime.fromtimestamp(at_ns // NS_PER_S, UTC).astimezone(zone):%H:%M}"


@given(days, zones)
def test_no_minute_of_a_week_is_lost_or_counted_twice(day: date, zone: ZoneInfo) -> None:
    week = IsoWeek.of_day(day)
    start_ns, end_ns = week.bounds_ns(zone)
    step_ns = 15 * MINUTE_NS
    minutes = [
        minute
        for at_ns in range(start_ns, end_ns, step_ns)
        for minute in minutes_of(at_ns, at_ns + MINUTE_NS)
    ]
    cells = heat_map.cells(minutes, zone)
    assert sum(cell.worn_s for cell in cells) == 60 * len(minutes)
    assert sum(cell.rounded_s for cell in cells) == 30 * len(minutes)
    assert all(cell.worn_s <= 2 * 4 * 60 for cell in cells)
