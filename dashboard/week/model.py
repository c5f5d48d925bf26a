"""The client's week in figures, from the rollups of its days and of the week before. Pure.

Time not worn is in none of them: a day without data is unknown, and one hardly worn is neither the
least nor the most rounded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from contracts.records import Rollup
from contracts.vocabulary import Activity
from dashboard.look import clock
from dashboard.look.weeks import IsoWeek
from dashboard.reading.queries import Person, Reading
from dashboard.week.day_figures import (
    Figures,
    activity_seconds,
    dated,
    each_seconds,
    figures_of,
    of_week,
    seconds_of,
)
from dashboard.week.day_statistics import MIN_DAY_S, DaySeconds, Difference, difference, rate_min_h


class Wear(StrEnum):
    """How much of a day is known."""

    AHEAD = "ahead"  # it has not come yet
    NOTHING = "nothing"
    LITTLE = "little"  # less than half an hour: too little for a rate
    WORN = "worn"


@dataclass(frozen=True, slots=True)
class WeekDay:
    """A calendar day of the wearer. ``before_min_h``: the same weekday a week before, where it was worn."""

    day: date
    figures: Figures
    wear: Wear
    before_min_h: float | None

    @property
    def rounded_min_h(self) -> float | None:
        """Rounded minutes a worn hour; None of a day hardly worn or not at all, or whose posture was not told."""
        return self.figures.rounded_min_h if self.wear is Wear.WORN else None


@dataclass(frozen=True, slots=True)
class WeekActivity:
    """The week during one activity; ``before_min_h`` of the week before, where done for half an hour."""

    activity: Activity
    worn_s: int
    rounded_s: int
    before_min_h: float | None

    @property
    def rounded_min_h(self) -> float | None:
        """Rounded minutes an hour of it; None where it was done for less than half an hour."""
        return _rate(DaySeconds(self.worn_s, self.rounded_s))


@dataclass(frozen=True, slots=True)
class Week:
    """What is shown of the week of ``today`` or an earlier one.

    ``change``: its days against those of the week before; None where one of the two was not worn.
    ``longest_on``: the day of the longest episode. ``activities``: most rounded time first.
    """

    week: IsoWeek
    today: date
    days: tuple[WeekDay, ...]
    figures: Figures
    before: Figures
    change: Difference | None
    longest_on: date | None
    activities: tuple[WeekActivity, ...]
    goal_min_h: float

    @property
    def under_way(self) -> bool:
        """Whether the week has not ended yet."""
        return self.today in self.week.days

    @property
    def worn_days(self) -> list[WeekDay]:
        """The days of which a rate is known, least rounded first."""
        known = [day for day in self.days if day.rounded_min_h is not None]
        return sorted(known, key=lambda day: day.rounded_min_h or 0.0)


def week_of(series: Reading, person: Person, week: IsoWeek, goal_min_h: float, now_ns: int) -> Week:
    """One question to the store: the days of the week and of the one before."""
    last = week.moved(-1)
    start_ns, end_ns = last.bounds_ns(person.zone)[0], week.bounds_ns(person.zone)[1]
    by_date = dated(series.days(person.wearer, start_ns, end_ns), person.zone)
    now, before = of_week(by_date, week), of_week(by_date, last)
    today = clock.day_of(now_ns, person.zone)
    return Week(
        week=week,
        today=today,
        days=tuple(
            _day(day, by_date.get(day, ()), by_date.get(earlier, ()), today)
            for day, earlier in zip(week.days, last.days, strict=True)
        ),
        figures=figures_of(now),
        before=figures_of(before),
        change=difference(each_seconds(before), each_seconds(now)),
        longest_on=_longest_on([(day, by_date.get(day, ())) for day in week.days]),
        activities=_activities(now, before),
        goal_min_h=goal_min_h,
    )


def _day(day: date, rollups: Sequence[Rollup], before: Sequence[Rollup], today: date) -> WeekDay:
    figures = figures_of(rollups)
    if day > today:
        wear = Wear.AHEAD
    elif not figures.worn_s:
        wear = Wear.NOTHING
    else:
        wear = Wear.LITTLE if figures.worn_s < MIN_DAY_S else Wear.WORN
    return WeekDay(day, figures, wear, _rate(seconds_of(before)))


def _rate(seconds: DaySeconds) -> float | None:
    """The rate of a time long enough for one."""
    return rate_min_h([seconds]) if seconds.worn_s >= MIN_DAY_S else None


def _longest_on(days: Sequence[tuple[date, Sequence[Rollup]]]) -> date | None:
    longest_s = {day: figures_of(rollups).longest_s for day, rollups in days}
    day = max(longest_s, key=lambda d: longest_s[d])
    return day if longest_s[day] else None


def _activities(now: Sequence[Rollup], before: Sequence[Rollup]) -> tuple[WeekActivity, ...]:
    seconds, earlier = activity_seconds(now), activity_seconds(before)
    found = [
        WeekActivity(
            activity, both.worn_s, both.rounded_s, _rate(earlier.get(activity, DaySeconds(0, 0)))
        )
        for activity, both in seconds.items()
    ]
    return tuple(sorted(found, key=lambda a: (-a.rounded_s, -a.worn_s, a.activity)))
