"""What the page of the body shows: exposure by muscle, and pain beside it. Pure over what was read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum
from typing import Final
from zoneinfo import ZoneInfo

from contracts.records import Episode, Rollup
from dashboard.body.figure import STEPS, Shade
from dashboard.body.regions import Region, members
from dashboard.look import clock, text
from dashboard.reading.focus_order import ReviewedArea, reviewed
from dashboard.week.day_figures import dated, seconds_of
from dashboard.week.day_statistics import DaySeconds
from store.people_ports import FocusEdit, PainTap, Verdict

#: Days that the diary and its chart look back.
DIARY_DAYS: Final = 28
#: Taps that the diary lists; older ones are in the chart and in the export.
MAX_LISTED: Final = 40


class Period(Enum):
    """How far back the figure looks, in days of the client."""

    TODAY = 1
    WEEK = 7
    MONTH = DIARY_DAYS

    @property
    def words(self) -> str:
        """What the chooser calls it."""
        return "Today" if self is Period.TODAY else f"{self.value} days"

    @property
    def within(self) -> str:
        """``today``, ``in these 7 days``: in a sentence."""
        return "today" if self is Period.TODAY else f"in these {self.value} days"


@dataclass(frozen=True, slots=True)
class MuscleExposure:
    """Rounded seconds whose episodes point to a muscle, in how many episodes, and in which areas.

    ``share`` is its part of the rounded seconds of all episodes, 0 to 1.
    """

    key: str
    exposure_s: float
    episodes: tuple[Episode, ...]
    areas: tuple[ReviewedArea, ...]
    share: float

    @property
    def step(self) -> int:
        """How dark it is drawn: a third of the share a step."""
        return min(STEPS, int(self.share * STEPS) + 1)


@dataclass(frozen=True, slots=True)
class Body:
    """A person's focus areas of a period, in the therapist's order, and what each muscle got of it."""

    period: Period
    worn_s: int
    episodes: tuple[Episode, ...]
    areas: tuple[ReviewedArea, ...]
    muscles: dict[str, MuscleExposure]

    def shades(self) -> dict[str, Shade]:
        """How the figure shows it."""
        return {
            key: Shade(found.step, text.duration(found.exposure_s))
            for key, found in self.muscles.items()
        }

    def lit(self, key: str) -> frozenset[str]:
        """The muscles of every area that a muscle is in, front and back; none where it is in none."""
        found = self.muscles.get(key)
        return (
            frozenset()
            if found is None
            else frozenset(
                one for reviewed_area in found.areas for one in muscles_of(reviewed_area)
            )
        )


@dataclass(frozen=True, slots=True)
class PainDay:
    """A day of the diary: the strongest pain told (None: none was), and what was worn."""

    day: date
    taps: int
    strongest: int | None
    seconds: DaySeconds


def bounds_ns(period: Period, now_ns: int, zone: ZoneInfo) -> tuple[int, int]:
    """[start, end) of the client's last days, today included."""
    today = clock.day_of(now_ns, zone)
    start_ns, _ = clock.day_bounds_ns(today - timedelta(days=period.value - 1), zone)
    return start_ns, clock.day_bounds_ns(today, zone)[1]


def diary_bounds_ns(now_ns: int, zone: ZoneInfo) -> tuple[int, int]:
    """[start, end) of the days of the diary."""
    return bounds_ns(Period.MONTH, now_ns, zone)


def body(
    period: Period, days: Sequence[Rollup], episodes: Sequence[Episode], edits: Sequence[FocusEdit]
) -> Body:
    """The figure of a period. An area that a therapist rejected shades nothing."""
    areas = reviewed(episodes, edits)
    kept = {area.area.rule: area for area in areas if area.verdict is not Verdict.REJECTED}
    return Body(
        period=period,
        worn_s=sum(day.worn_s for day in days),
        episodes=tuple(episodes),
        areas=areas,
        muscles=_muscles(episodes, kept),
    )


def muscles_of(found: ReviewedArea) -> tuple[str, ...]:
    """The muscles that an area names, as they are drawn."""
    return tuple(one for key in (*found.area.front, *found.area.back) for one in members(key))


def called(region: Region, found: MuscleExposure | None) -> str:
    """``Rhomboids, left: 42 min of rounding in 6 episodes``."""
    if found is None:
        return f"{region.title}: no focus area points here"
    count = text.count(len(found.episodes), "episode")
    return f"{region.title}: {text.duration(found.exposure_s)} of rounding in {count}"


def hurts(region: Region, score: int | None) -> str:
    """``Rhomboids, left: pain 6 of 10 told last``."""
    return region.title if score is None else f"{region.title}: pain {score} of 10 told last"


def latest(taps: Sequence[PainTap]) -> dict[str, int]:
    """The last score told of each region."""
    return {tap.region: tap.score for tap in sorted(taps, key=lambda tap: tap.at_ns)}


def diary(
    taps: Sequence[PainTap], days: Sequence[Rollup], now_ns: int, zone: ZoneInfo
) -> list[PainDay]:
    """The last weeks day by day, the oldest first, with and without pain and wear."""
    today = clock.day_of(now_ns, zone)
    by_date = dated(days, zone)
    scores: dict[date, list[int]] = {}
    for tap in taps:
        scores.setdefault(clock.day_of(tap.at_ns, zone), []).append(tap.score)
    found = []
    for back in range(DIARY_DAYS - 1, -1, -1):
        day = today - timedelta(days=back)
        told = scores.get(day, [])
        seconds = seconds_of(by_date.get(day, []))
        found.append(PainDay(day, len(told), max(told, default=None), seconds))
    return found


def _muscles(
    episodes: Sequence[Episode], kept: dict[str, ReviewedArea]
) -> dict[str, MuscleExposure]:
    """An episode counts for a muscle once, however many of its areas name it, and never more than whole."""
    exposure_s: dict[str, float] = {}
    seen: dict[str, list[Episode]] = {}
    for episode in episodes:
        share: dict[str, float] = {}
        for area in episode.focus:
            for key in set(muscles_of(kept[area.rule])) if area.rule in kept else ():
                share[key] = share.get(key, 0.0) + area.share
        for key, part in share.items():
            exposure_s[key] = exposure_s.get(key, 0.0) + min(1.0, part) * episode.rounded_s
            seen.setdefault(key, []).append(episode)
    total_s = sum(episode.rounded_s for episode in episodes)
    return {
        key: MuscleExposure(
            key=key,
            exposure_s=seconds,
            episodes=tuple(seen[key]),
            areas=tuple(area for area in kept.values() if key in muscles_of(area)),
            share=seconds / total_s if total_s else 0.0,
        )
        for key, seconds in exposure_s.items()
    }
