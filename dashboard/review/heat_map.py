"""The week by hour and weekday: what share of the worn time of each hour was rounded. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

from contracts.records import Rollup
from contracts.units import NS_PER_S
from dashboard.look import clock
from dashboard.week.day_figures import seconds_of

HOURS: Final = 24
WEEKDAYS: Final = 7
#: A cell worn for less says nothing: it is hatched as unknown, never shown as calm.
KNOWN_FROM_S: Final = 600
#: Every offset from UTC is a multiple of this, so that all of such a quarter is in one local hour.
_QUARTER_NS: Final = 900 * NS_PER_S


@dataclass(frozen=True, slots=True)
class Cell:
    """One hour of one weekday (0 is Monday), in the wearer's time."""

    weekday: int
    hour: int
    worn_s: int
    rounded_s: int

    @property
    def share(self) -> float | None:
        """Rounded part of the worn time, 0 to 1; None where too little was worn to say."""
        return self.rounded_s / self.worn_s if self.worn_s >= KNOWN_FROM_S else None


def cells(minutes: Sequence[Rollup], zone: ZoneInfo) -> tuple[Cell, ...]:
    """The 168 cells of a week's minutes, by weekday, then hour.

    Minutes whose posture was not told are none. The hour that a clock shows twice counts both times; the one it leaves out stays unknown.
    """
    worn_s = [0] * (WEEKDAYS * HOURS)
    rounded_s = [0] * (WEEKDAYS * HOURS)
    place: dict[int, int] = {}
    for minute in minutes:
        quarter = minute.start_ns // _QUARTER_NS
        if quarter not in place:
            local = clock.local(minute.start_ns, zone)
            place[quarter] = local.weekday() * HOURS + local.hour
        seconds = seconds_of([minute])
        if seconds.told:
            worn_s[place[quarter]] += seconds.worn_s
            rounded_s[place[quarter]] += seconds.rounded_s
    return tuple(
        Cell(i // HOURS, i % HOURS, worn_s[i], rounded_s[i]) for i in range(WEEKDAYS * HOURS)
    )


def hours_shown(found: Sequence[Cell]) -> range:
    """The hours from the first to the last that was worn, at least the twelve from 7 to 19 h."""
    worn = [cell.hour for cell in found if cell.worn_s > 0]
    return range(min([7, *worn]), max([18, *worn]) + 1)
