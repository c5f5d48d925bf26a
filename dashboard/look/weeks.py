"""ISO weeks on the wearer's clock, as pages and addresses name them: ``2026-W47``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from contracts.errors import Reason, SettingError
from dashboard.look import clock

_NAME: Final = re.compile(r"(\d{4})-W(\d{2})")
_EARLIEST: Final = date(1972, 1, 3)
_LATEST: Final = date(2200, 1, 6)
_FIRST_YEAR, _LAST_YEAR = 1974, 2198
#: On its first two days a week has little to say.
_YOUNG_DAYS: Final = 2


@dataclass(frozen=True, slots=True, order=True)
class IsoWeek:
    """The seven days from ``monday`` on. SettingError where that is no Monday of 1972 to 2199."""

    monday: date

    def __post_init__(self) -> None:
        if self.monday.weekday() or not _EARLIEST <= self.monday < _LATEST:
            raise _none(self.monday.isoformat())

    @classmethod
    def parse(cls, name: str) -> IsoWeek:
        """The week of that name, of 1974 to 2198. SettingError where there is none."""
        found = _NAME.fullmatch(name)
        # What is said of a week looks at those around it too: they must be weeks as well.
        if found is None or not _FIRST_YEAR <= int(found[1]) <= _LAST_YEAR:
            raise _none(name)
        try:
            return cls(date.fromisocalendar(int(found[1]), int(found[2]), 1))
        except ValueError:
            raise _none(name) from None

    @classmethod
    def of_day(cls, day: date) -> IsoWeek:
        """The week of a calendar day."""
        return cls(day - timedelta(days=day.weekday()))

    @classmethod
    def at(cls, at_ns: int, zone: ZoneInfo) -> IsoWeek:
        """The week of a moment on the wearer's clock."""
        return cls.of_day(clock.day_of(at_ns, zone))

    @property
    def name(self) -> str:
        """``2026-W47``."""
        year, week, _ = self.monday.isocalendar()
        return f"{year:04}-W{week:02}"

    @property
    def days(self) -> tuple[date, ...]:
        """Monday to Sunday."""
        return tuple(self.monday + timedelta(days=n) for n in range(7))

    def moved(self, weeks: int) -> IsoWeek:
        """The week so many weeks later, earlier where negative."""
        return IsoWeek(self.monday + timedelta(weeks=weeks))

    def bounds_ns(self, zone: ZoneInfo) -> tuple[int, int]:
        """[start, end) on the wearer's clock; an hour more or less than 168 when the clocks change."""
        days = self.days
        return clock.day_bounds_ns(days[0], zone)[0], clock.day_bounds_ns(days[-1], zone)[1]

    def said(self) -> str:
        """``16 – 22 November 2026``, with what the days do not share on both sides."""
        first, last = self.days[0], self.days[-1]
        if first.year != last.year:
            begun = f"{first.day} {first:%B} {first.year}"
        else:
            begun = f"{first.day}" if first.month == last.month else f"{first.day} {first:%B}"
        return f"{begun} – {last.day} {last:%B} {last.year}"


def shown_first(now_ns: int, zone: ZoneInfo) -> IsoWeek:
    """The week to begin with: from its third day on the one under way, before that the one before it."""
    return IsoWeek.of_day(clock.day_of(now_ns, zone) - timedelta(days=_YOUNG_DAYS))


def _none(name: str) -> SettingError:
    return SettingError(
        Reason.BAD_SETTING,
        f"{name[:20]!r} is no week.",
        hint="A week is written as its year and number, such as 2026-W47.",
    )
