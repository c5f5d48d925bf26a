"""Weeks of the calendar: names, bounds and what they are called; and a week by hour of the day."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import SettingError
from contracts.records import Rollup
from contracts.units import NS_PER_S
from contracts.vocabulary import Activity, Posture
from dashboard.look import weeks
from dashboard.look.theme import DARK, LIGHT
from dashboard.look.weeks import IsoWeek
from dashboard.review import charts, heat_map
from tests.dashboard.reviewed import WEEK, ZONE
from tests.dashboard.test_theme import contrast


@given(st.dates(date(1974, 1, 7), date(2198, 12, 29)))
def test_a_weeks_name_is_read_back(day: date) -> None:
    week = IsoWeek.of_day(day)
    assert day in week.days
    assert IsoWeek.parse(week.name) == week
    assert week.moved(1).moved(-1) == week or week.moved(1).monday.year > 2199


@pytest.mark.parametrize(
    "name", ["", "2026-W00", "2026-W54", "2025-W53", "W10", "2026-w10", "9999-W01"]
)
def test_what_is_no_week_is_refused(name: str) -> None:
    with pytest.raises(SettingError, match="no week"):
        IsoWeek.parse(name)


def test_a_week_has_as_many_hours_as_the_clock_gave_it() -> None:
    spring, autumn = IsoWeek.parse("2026-W13"), IsoWeek.parse("2026-W43")
    lengths = [
        (end - start) // (3600 * NS_PER_S)
        for start, end in (w.bounds_ns(ZONE) for w in (spring, autumn))
    ]
    assert lengths == [167, 169]


def test_the_week_to_begin_with_and_what_weeks_are_called() -> None:
    def at(day: date) -> int:
        return int(datetime(day.year, day.month, day.day, 9, tzinfo=ZONE).timestamp()) * NS_PER_S

    names = [weeks.shown_first(at(day), ZONE).name for day in WEEK.days]
    assert names == ["2026-W09"] * 2 + ["2026-W10"] * 5
    assert WEEK.said() == "2 – 8 March 2026"
    assert WEEK.moved(-1).said() == "23 February – 1 March 2026"
    assert IsoWeek.parse("2026-W01").said() == "29 December 2025 – 4 January 2026"


def minute(at_ns: int, rounded_s: int = 0) -> Rollup:
    return Rollup(
        start_ns=at_ns,
        worn_s=60,
        posture_s={Posture.UPRIGHT: 60 - rounded_s, Posture.ROUNDED: rounded_s},
        activity_s={Activity.SITTING: 60},
        rounded_activity_s={Activity.SITTING: rounded_s},
    )


def test_cells_on_the_days_when_clocks_change() -> None:
    def week_of(name: str) -> list[heat_map.Cell]:
        start_ns, end_ns = IsoWeek.parse(name).bounds_ns(ZONE)
        every = range(start_ns, end_ns, 60 * NS_PER_S)
        return list(heat_map.cells([minute(at_ns) for at_ns in every], ZONE))

    sunday = 6 * heat_map.HOURS
    spring, autumn = week_of("2026-W13"), week_of("2026-W43")
    assert {cell.worn_s for cell in spring} == {0, 3600}
    assert spring[sunday + 2].share is None  # the hour that the clocks left out
    assert autumn[sunday + 2].worn_s == 7200
    assert sum(cell.worn_s for cell in autumn) == 169 * 3600


def test_quarters_of_an_hour_from_utc_fall_into_their_local_hour() -> None:
    zone = ZoneInfo("Asia/Kathmandu")  # 5:45 ahead
    start_ns, _ = WEEK.bounds_ns(zone)
    found = heat_map.cells([minute(start_ns + m * 60 * NS_PER_S, 30) for m in range(60)], zone)
    assert found[0] == heat_map.Cell(0, 0, 3600, 1800)
    assert found[0].share == 0.5
    assert all(cell.worn_s == 0 for cell in found[1:])


def test_under_ten_worn_minutes_a_cell_is_unknown() -> None:
    assert heat_map.Cell(0, 9, 599, 599).share is None
    assert heat_map.Cell(0, 9, 600, 300).share == 0.5
    shown = charts.heat([heat_map.Cell(n // 24, n % 24, 599, 599) for n in range(168)])
    assert shown.count('class="unknown"') == 7 * 24
    assert "Mon 0:00: unknown, worn 9 min 59 s" in shown


def test_the_strongest_tint_still_carries_its_number() -> None:
    for page in (LIGHT, DARK):
        part = charts.tint(1.0) / 100
        mixed = "#" + "".join(
            f"{round(part * int('D55E00'[i : i + 2], 16) + (1 - part) * int(page.background[i + 1 : i + 3], 16)):02X}"
            for i in (0, 2, 4)
        )
        assert contrast(mixed, page.ink) >= 4.5
    assert [charts.tint(share) for share in (0.0, 0.3, 0.6, 0.9)] == [0, 35, 70, 70]
