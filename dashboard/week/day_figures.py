"""Days' rollups as figures: seconds worn and rounded, episodes, the longest; of days and of activities. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final
from zoneinfo import ZoneInfo

from contracts.records import Rollup
from contracts.units import NS_PER_S
from contracts.vocabulary import Activity, Posture
from dashboard.look import clock
from dashboard.look.weeks import IsoWeek
from dashboard.week.day_statistics import DaySeconds, rate_min_h, worn_days

_HALF_DAY_NS: Final = 12 * 3600 * NS_PER_S


@dataclass(frozen=True, slots=True)
class Figures:
    """Some days together. ``worn_days`` are those that were worn for half an hour or more.

    ``rated``: the seconds of those whose posture was told, which the rate is of; None: all are.
    """

    worn_s: int = 0
    worn_days: int = 0
    rounded_s: int = 0
    episodes: int = 0
    longest_s: int = 0
    rated: DaySeconds | None = None

    @property
    def rounded_min_h(self) -> float | None:
        """Rounded minutes a worn hour; None where nothing was worn, or no posture told."""
        return rate_min_h([self.rated or DaySeconds(self.worn_s, self.rounded_s)])


def dated(rollups: Sequence[Rollup], zone: ZoneInfo) -> dict[date, list[Rollup]]:
    """Days by the date at their noon: a day that another time zone began lies mostly on one date."""
    found: dict[date, list[Rollup]] = {}
    for rollup in rollups:
        found.setdefault(clock.day_of(rollup.start_ns + _HALF_DAY_NS, zone), []).append(rollup)
    return found


def of_week(by_date: Mapping[date, list[Rollup]], week: IsoWeek) -> list[Rollup]:
    """The rollups of a week's days."""
    return [rollup for day in week.days for rollup in by_date.get(day, ())]


def seconds_of(rollups: Sequence[Rollup]) -> DaySeconds:
    """Worn and rounded seconds of all of them, and whether their posture was told."""
    worn_s = sum(rollup.worn_s for rollup in rollups)
    unknown_s = sum(
        rollup.posture_s.get(Posture.UNKNOWN, 0) - rollup.activity_s.get(Activity.NOT_WORN, 0)
        for rollup in rollups
    )
    rounded_s = sum(rollup.posture_s.get(Posture.ROUNDED, 0) for rollup in rollups)
    return DaySeconds(worn_s, rounded_s, told=2 * unknown_s <= worn_s)


def each_seconds(rollups: Sequence[Rollup]) -> list[DaySeconds]:
    """Worn and rounded seconds of each."""
    return [seconds_of([rollup]) for rollup in rollups]


def figures_of(rollups: Sequence[Rollup]) -> Figures:
    """The figures of some days together."""
    each = each_seconds(rollups)
    told = [day for day in each if day.told]
    return Figures(
        sum(day.worn_s for day in each),
        worn_days(each),
        sum(day.rounded_s for day in each),
        sum(rollup.episodes for rollup in rollups),
        max((rollup.longest_episode_s for rollup in rollups), default=0),
        DaySeconds(sum(day.worn_s for day in told), sum(day.rounded_s for day in told)),
    )


def activity_seconds(rollups: Sequence[Rollup]) -> dict[Activity, DaySeconds]:
    """Worn and rounded seconds during each activity, of days that were told. What was not worn is none."""
    total: dict[Activity, DaySeconds] = {}
    for rollup in (rollup for rollup in rollups if seconds_of([rollup]).told):
        for activity, worn_s in rollup.activity_s.items():
            if activity is not Activity.NOT_WORN and worn_s:
                before = total.get(activity, DaySeconds(0, 0))
                rounded_s = rollup.rounded_activity_s.get(activity, 0)
                total[activity] = DaySeconds(before.worn_s + worn_s, before.rounded_s + rounded_s)
    return total
