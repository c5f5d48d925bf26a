from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.units import NS_PER_S
from dashboard.look import clock

BERLIN = ZoneInfo("Europe/Berlin")
HOUR_NS = 3600 * NS_PER_S


@pytest.mark.parametrize(
    ("day", "hours"),
    [(date(2026, 3, 28), 24), (date(2026, 3, 29), 23), (date(2026, 10, 25), 25)],
)
def test_a_day_is_as_long_as_the_clocks_make_it(day: date, hours: int) -> None:
    start_ns, end_ns = clock.day_bounds_ns(day, BERLIN)
    assert end_ns - start_ns == hours * HOUR_NS
    assert clock.clock_time(start_ns, BERLIN) == "00:00"
    assert clock.day_of(start_ns, BERLIN) == day
    assert clock.day_of(end_ns - 1, BERLIN) == day
    assert clock.day_of(end_ns, BERLIN) == day + timedelta(days=1)


def test_the_hour_that_comes_twice_is_drawn_twice() -> None:
    start_ns, _ = clock.day_bounds_ns(date(2026, 10, 25), BERLIN)
    labels = [label for _, label in clock.ticks(start_ns, start_ns + 5 * HOUR_NS, BERLIN)]
    assert labels == ["00:00", "01:00", "02:00", "02:00", "03:00", "04:00"]


def test_ticks_are_round_where_the_offset_is_not() -> None:
    kathmandu = ZoneInfo("Asia/Kathmandu")
    start_ns = int(datetime(2026, 3, 3, tzinfo=UTC).timestamp()) * NS_PER_S
    found = clock.ticks(start_ns, start_ns + 6 * HOUR_NS, kathmandu)
    assert [label for _, label in found] == [f"{hour:02d}:00" for hour in range(6, 12)]


def test_an_unknown_zone_is_utc() -> None:
    assert clock.zone_of("Mars/Olympus").key == "UTC"
    assert clock.zone_of("../etc/passwd").key == "UTC"
    assert clock.zone_of("").key == "UTC"


@given(
    start_s=st.integers(1_600_000_000, 2_000_000_000),
    span_s=st.integers(1, 26 * 3600),
    zone=st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kathmandu", "America/St_Johns"]),
)
def test_ticks_are_few_ordered_and_inside(start_s: int, span_s: int, zone: str) -> None:
    start_ns, end_ns = start_s * NS_PER_S, (start_s + span_s) * NS_PER_S
    found = clock.ticks(start_ns, end_ns, ZoneInfo(zone))
    times = [at_ns for at_ns, _ in found]
    assert len(found) <= 12
    assert times == sorted(set(times))
    assert all(start_ns <= at_ns <= end_ns for at_ns in times)
    assert all(clock.local(t, ZoneInfo(zone)).strftime("%H:%M") == name[:5] for t, name in found)
