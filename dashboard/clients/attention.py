"""Which client needs a therapist's attention first, and why in words. Pure.

One point is worth one rounded minute a worn hour more than before. A client's points are the sum of:

===============  ==================================================================================
more rounding    the minutes an hour by which the last 7 days are above the 28 before; both sides
                 need three worn days, and a rise of under 3 min/h is no reason
exposure         half of the minutes an hour above 15
little wear      in the last 7 days: 6 points for nothing, falling to 0 at 10 worn hours
calibration      6 without one, 4 where the latest was refused, 3 where it is over 30 days old
sensor           5 where one cannot be believed (slipped, swapped, stuck), 3 where one was refused
no data          1 point for each day without, from the second on, at most 7; 4 where there never was any
===============  ==================================================================================

A fall in rounding takes no points away: good news hides no other reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from contracts.units import NS_PER_S
from dashboard.reading.calibrations import CalibrationState
from dashboard.week.day_statistics import MIN_DAYS, DaySeconds, rate_min_h, worn_days

DAY_NS: Final = 86400 * NS_PER_S
#: A change below this is no news: a week's rate moves by as much by itself.
WORTH_MIN_H: Final = 3.0
HIGH_MIN_H: Final = 15.0
ENOUGH_WORN_S: Final = 10 * 3600
_NOT_WORN_POINTS: Final = 6.0
_MAX_SILENT_DAYS: Final = 7


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of a client at ``now_ns``.

    ``week``: the last 7 days, ``before``: the 28 before those. ``last_ns``: the last data, None without any.
    ``doubted``: what is wrong with a sensor that cannot be believed, in words; ``refused``: a sensor was.
    """

    now_ns: int
    week: Sequence[DaySeconds]
    before: Sequence[DaySeconds]
    last_ns: int | None
    calibration: CalibrationState
    doubted: str = ""
    refused: bool = False


@dataclass(frozen=True, slots=True)
class Concern:
    """One reason to look, in words, and its points."""

    words: str
    points: float


def change_min_h(week: Sequence[DaySeconds], before: Sequence[DaySeconds]) -> float | None:
    """Rounded minutes a worn hour of the week above those before; None where either is hardly worn."""
    now, then = rate_min_h(week), rate_min_h(before)
    if now is None or then is None or min(worn_days(week), worn_days(before)) < MIN_DAYS:
        return None
    return now - then


def concerns(standing: Standing) -> tuple[Concern, ...]:
    """The reasons to look at a client, the weightiest first; none where all is well."""
    if standing.last_ns is None:
        return (Concern("no data yet", 4.0),)
    found = [
        *_rounding(standing),
        *_wear(standing),
        *_calibration(standing),
        *_sensors(standing),
        *_silence(standing, standing.last_ns),
    ]
    return tuple(sorted(found, key=lambda concern: -concern.points))


def points(found: Sequence[Concern]) -> float:
    """By which clients are sorted, most first."""
    return sum(concern.points for concern in found)


def _rounding(standing: Standing) -> list[Concern]:
    found = []
    change = change_min_h(standing.week, standing.before)
    if change is not None and change >= WORTH_MIN_H:
        found.append(Concern(f"+{change:.0f} min an hour against the 4 weeks before", change))
    rate = rate_min_h(standing.week)
    if rate is not None and rate > HIGH_MIN_H:
        found.append(Concern(f"rounded {rate:.0f} min a worn hour", (rate - HIGH_MIN_H) / 2))
    return found


def _wear(standing: Standing) -> list[Concern]:
    worn_s = sum(day.worn_s for day in standing.week)
    if worn_s >= ENOUGH_WORN_S:
        return []
    hours = f"{worn_s / 3600:.0f} h" if worn_s >= 3600 else f"{worn_s // 60} min"
    words = f"worn {hours} in 7 days" if worn_s else "not worn in 7 days"
    return [Concern(words, _NOT_WORN_POINTS * (1 - worn_s / ENOUGH_WORN_S))]


def _calibration(standing: Standing) -> list[Concern]:
    state = standing.calibration
    if state.refused is not None:
        return [Concern("last calibration refused", 4.0)]
    if state.accepted_ns is None:
        return [Concern("not calibrated", 6.0)]
    if not state.due(standing.now_ns):
        return []
    days = (standing.now_ns - state.accepted_ns) // DAY_NS
    return [Concern(f"calibrated {days} days ago: due again", 3.0)]


def _sensors(standing: Standing) -> list[Concern]:
    found = [Concern(standing.doubted, 5.0)] if standing.doubted else []
    return [*found, Concern("a sensor is refused", 3.0)] if standing.refused else found


def _silence(standing: Standing, last_ns: int) -> list[Concern]:
    days = (standing.now_ns - last_ns) // DAY_NS
    if days < 2:
        return []
    return [Concern(f"no data for {days} days", float(min(days - 1, _MAX_SILENT_DAYS)))]
