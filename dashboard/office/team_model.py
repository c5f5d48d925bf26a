"""What an employer may see: weeks of at least ten people together, never one. Pure.

Nobody can be singled out by comparing two looks at a week, since its figures are made once, after it is
over, and never again: whoever joins, leaves, is erased or syncs late changes no week that was shown.
There is nothing to filter by, figures are medians and quartiles in whole minutes, and people count in
fives. What two weeks side by side may tell is in docs/pages.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import quantiles
from typing import Final
from zoneinfo import ZoneInfo

from contracts.records import Rollup
from contracts.units import NS_PER_S
from contracts.vocabulary import Posture
from dashboard.look.weeks import IsoWeek
from dashboard.week.day_figures import seconds_of

#: Fewer people than this are nothing.
FEWEST: Final = 10
#: People count in whole groups of so many.
GROUP: Final = 5
WEEKS: Final = 12
#: Somebody counts in a week from so many worn hours on: of less, a share of rounding says little.
MIN_WORN_S: Final = 5 * 3600
#: How long after a week has ended in UTC it is shown: it has ended everywhere, and sensors have synced.
SETTLES_NS: Final = 48 * 3600 * NS_PER_S
_UTC: Final = ZoneInfo("UTC")


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody who agreed to be counted, since when, and in whose time zone their days are."""

    wearer: str
    zone: ZoneInfo
    since_ns: int


@dataclass(frozen=True, slots=True)
class Quartiles:
    """A quarter of the people are at or below ``low``, half at or below ``middle``, three at ``high``."""

    low: int
    middle: int
    high: int


@dataclass(frozen=True, slots=True)
class TeamWeek:
    """A week. ``people``: a multiple of five; all are None where fewer than ten could be counted."""

    week: IsoWeek
    people: int | None = None
    rounded_min_h: Quartiles | None = None
    worn_h: Quartiles | None = None


@dataclass(frozen=True, slots=True)
class TeamView:
    """The weeks, latest last. How many agree at the moment is not in it: that would tell who left today."""

    weeks: tuple[TeamWeek, ...]
    simulated: bool = False


def weeks_shown(now_ns: int) -> list[IsoWeek]:
    """The weeks that are over and settled, latest last."""
    last = IsoWeek.at(now_ns - SETTLES_NS, _UTC).moved(-1)
    return [last.moved(-n) for n in reversed(range(WEEKS))]


def bounds_ns(weeks: Sequence[IsoWeek]) -> tuple[int, int]:
    """[start, end) in which every time zone's days of the weeks begin."""
    day_ns = 86_400 * NS_PER_S
    return weeks[0].bounds_ns(_UTC)[0] - day_ns, weeks[-1].bounds_ns(_UTC)[1] + day_ns


def team_week(
    week: IsoWeek, members: Sequence[Member], days: Mapping[str, Sequence[Rollup]]
) -> TeamWeek:
    """A week's figures as they are made the first time. ``days`` holds each member's days, by wearer."""
    counted = []
    for member in sorted(members, key=lambda member: (member.since_ns, member.wearer)):
        start_ns, end_ns = week.bounds_ns(member.zone)
        if member.since_ns > start_ns:
            continue
        dated = [day for day in days.get(member.wearer, ()) if start_ns <= day.start_ns < end_ns]
        own = [day for day in dated if seconds_of([day]).told]
        worn_s = sum(day.worn_s for day in own)
        if worn_s >= MIN_WORN_S:
            rounded_s = sum(day.posture_s.get(Posture.ROUNDED, 0) for day in own)
            counted.append((60.0 * rounded_s / worn_s, worn_s / 3600.0))
    people = _in_fives(len(counted))
    if people is None:
        return TeamWeek(week)
    rounded, worn = zip(*counted[:people], strict=True)
    return TeamWeek(week, people, _quartiles(rounded), _quartiles(worn))


def team_view(
    members: Sequence[Member],
    days: Mapping[str, Sequence[Rollup]],
    weeks: Sequence[IsoWeek],
    *,
    made: Mapping[IsoWeek, TeamWeek],
    keep: Callable[[TeamWeek], TeamWeek],
    simulated: bool = False,
) -> TeamView:
    """Each week as it was made before, or made now.

    ``made``: those with figures that were shown before. ``keep`` makes such figures last, and gives
    those that stand. A week without figures is made again at the next look: nothing of it was shown.
    """
    return TeamView(tuple(_stands(week, members, days, made, keep) for week in weeks), simulated)


def _stands(
    week: IsoWeek,
    members: Sequence[Member],
    days: Mapping[str, Sequence[Rollup]],
    made: Mapping[IsoWeek, TeamWeek],
    keep: Callable[[TeamWeek], TeamWeek],
) -> TeamWeek:
    if week in made:
        return made[week]
    found = team_week(week, members, days)
    return found if found.people is None else keep(found)


def _in_fives(people: int) -> int | None:
    return people // GROUP * GROUP if people >= FEWEST else None


def _quartiles(values: Sequence[float]) -> Quartiles:
    return Quartiles(*(round(value) for value in quantiles(values, n=4, method="inclusive")))
