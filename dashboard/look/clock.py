"""Times as the wearer's clock shows them. Everything inside is UTC ns; only words and ticks are local."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from contracts.units import NS_PER_S

_TICK_STEPS_S: Final = (
    *(5, 10, 15, 30),
    *(60, 120, 300, 600, 900, 1800),
    *(3600, 7200, 10800, 14400, 21600),
)
#: Every offset from UTC in use since 1972 is a multiple of this, so local round times lie on the grid.
_OFFSET_GRID_S: Final = 900


def zone_of(name: str) -> ZoneInfo:
    """The time zone of that name; UTC where the machine does not know it."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def local(at_ns: int, zone: ZoneInfo) -> datetime:
    """The moment on the wearer's clock, cut to whole seconds."""
    return datetime.fromtimestamp(at_ns // NS_PER_S, tz=UTC).astimezone(zone)


def day_of(at_ns: int, zone: ZoneInfo) -> date:
    """The calendar day on which the moment falls for the wearer."""
    return local(at_ns, zone).date()


def day_bounds_ns(day: date, zone: ZoneInfo) -> tuple[int, int]:
    """[start, end) of a calendar day of the wearer; 23 or 25 h long when the clocks change."""
    return _midnight_ns(day, zone), _midnight_ns(day + timedelta(days=1), zone)


def _midnight_ns(day: date, zone: ZoneInfo) -> int:
    midnight = datetime.combine(day, time(), tzinfo=zone)
    return int(midnight.timestamp()) * NS_PER_S


def clock_time(at_ns: int, zone: ZoneInfo, *, seconds: bool = False) -> str:
    """``14:02``, or ``14:02:09``, on the wearer's clock."""
    return local(at_ns, zone).strftime("%H:%M:%S" if seconds else "%H:%M")


def ticks(start_ns: int, end_ns: int, zone: ZoneInfo, *, limit: int = 10) -> list[tuple[int, str]]:
    """At most ``limit`` round local times in [start, end], as (UTC ns, label)."""
    span_s = (end_ns - start_ns) / NS_PER_S
    step_s = next((s for s in _TICK_STEPS_S if span_s / s < limit), _TICK_STEPS_S[-1])
    grid_s = min(step_s, _OFFSET_GRID_S)
    first_s = -(-start_ns // (grid_s * NS_PER_S)) * grid_s
    found = []
    for at_s in range(first_s, end_ns // NS_PER_S + 1, grid_s):
        moment = local(at_s * NS_PER_S, zone)
        of_day_s = moment.hour * 3600 + moment.minute * 60 + moment.second
        if of_day_s % step_s == 0:
            found.append((at_s * NS_PER_S, moment.strftime("%H:%M:%S" if step_s < 60 else "%H:%M")))
    return found
