"""The week of one client in figures: the one source of what page, PDF, CSV and FHIR say. Pure.

Worn and rounded seconds, episodes and the longest come from the days' rollups, the heat map from the
week's minutes, the areas from its episodes. Time not worn is in none of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Protocol
from zoneinfo import ZoneInfo

from contracts.records import Episode, Rollup
from contracts.settings import PostureSettings
from contracts.vocabulary import Activity, Posture
from dashboard.look import clock
from dashboard.look.weeks import IsoWeek
from dashboard.reading.calibrations import CalibrationState, calibration_state
from dashboard.reading.focus_order import ReviewedArea, reviewed
from dashboard.reading.queries import Person, Reading
from dashboard.review import before_after, heat_map
from dashboard.review.before_after import SessionEffect
from dashboard.week.day_figures import (
    Figures,
    activity_seconds,
    dated,
    each_seconds,
    figures_of,
    of_week,
    seconds_of,
)
from dashboard.week.day_statistics import (
    DaySeconds,
    Difference,
    Interval,
    difference,
    middle,
    rate_interval,
    rate_min_h,
)
from store.people_ports import FocusEdit, PainTap, TherapySession
from store.ports import Assignment

#: Weeks of the trend, the chosen one last.
TREND_WEEKS: Final = 12
#: What is usual is the median of this many weeks before, of those in which anything was worn.
USUAL_WEEKS: Final = 4
#: A week worn for less, or on fewer than MIN_DAYS days, is drawn hollow: too little to go by.
THIN_WEEK_S: Final = 5 * 3600
#: Episodes that one review holds, those of the most rounded time.
MAX_EPISODES: Final = 500


class Notes(Protocol):
    """What the review reads of :class:`store.people_ports.People`."""

    def pain(self, wearer: str, start_ns: int, end_ns: int) -> list[PainTap]: ...

    def sessions(self, wearer: str) -> list[TherapySession]: ...

    def focus_edits(self, wearer: str) -> list[FocusEdit]: ...


class Worn(Protocol):
    """What the review reads of :class:`store.ports.Registry`."""

    def settings(self, wearer: str) -> PostureSettings: ...

    def assignments(self, wearer: str) -> list[Assignment]: ...


@dataclass(frozen=True, slots=True)
class Usual:
    """Medians of the :data:`USUAL_WEEKS` weeks before, of the ``weeks`` that were worn; None without any."""

    weeks: int
    worn_s: float | None
    rounded_min_h: float | None
    episodes: float | None
    longest_s: float | None


@dataclass(frozen=True, slots=True)
class TrendWeek:
    """A week of the trend. ``interval`` by days, None with too few; ``thin``: too little worn to go by."""

    week: IsoWeek
    figures: Figures
    interval: Interval | None
    thin: bool


@dataclass(frozen=True, slots=True)
class ReviewDay:
    """A calendar day of the wearer: what was worn and rounded, and how much it was said to hurt."""

    day: date
    figures: Figures
    taps: int
    mean_pain: float | None


@dataclass(frozen=True, slots=True)
class ActivityFigures:
    """The week during one activity. ``usual_min_h``: the same of the weeks before, None if not done then."""

    activity: Activity
    worn_s: int
    rounded_s: int
    usual_min_h: float | None

    @property
    def rounded_min_h(self) -> float | None:
        """Rounded minutes an hour of this activity; None without any."""
        return rate_min_h([DaySeconds(self.worn_s, self.rounded_s)])


@dataclass(frozen=True, slots=True)
class WeekReview:
    """Everything that is said of the week [start_ns, end_ns) of a person, as known at ``made_ns``.

    ``change``: this week's days against those of the USUAL_WEEKS weeks before. ``trend``: TREND_WEEKS weeks,
    oldest first. ``days``: four weeks up to the chosen one's last day, oldest first. ``episodes``: those
    that overlap the week, most rounded time first. ``areas``: in the therapist's order, rejected last.
    """

    person: Person
    week: IsoWeek
    start_ns: int
    end_ns: int
    made_ns: int
    settings: PostureSettings
    assignments: tuple[Assignment, ...]
    calibration: CalibrationState
    figures: Figures
    usual: Usual
    change: Difference | None
    trend: tuple[TrendWeek, ...]
    days: tuple[ReviewDay, ...]
    cells: tuple[heat_map.Cell, ...]
    posture_s: dict[Posture, int]
    activities: tuple[ActivityFigures, ...]
    episodes: tuple[Episode, ...]
    areas: tuple[ReviewedArea, ...]
    pain: tuple[PainTap, ...]
    sessions: tuple[SessionEffect, ...]

    @property
    def under_way(self) -> bool:
        """Whether the week has not ended yet."""
        return self.made_ns < self.end_ns

    @property
    def empty(self) -> bool:
        """Whether nothing was worn in it."""
        return self.figures.worn_s == 0

    @property
    def week_days(self) -> tuple[ReviewDay, ...]:
        """The seven days of the week itself."""
        return self.days[-7:]


def week_review(
    series: Reading, registry: Worn, people: Notes, person: Person, week: IsoWeek, now_ns: int
) -> WeekReview:
    """The review of one week: four questions to the series store, five to the registry.

    StoreError where one of them fails; AccessError where the caller's gate refuses.
    """
    wearer, zone = person.wearer, person.zone
    start_ns, end_ns = week.bounds_ns(zone)
    rollups = _days_around(series, person, week)
    by_date = dated(rollups, zone)
    seconds = {day: seconds_of(found) for day, found in by_date.items()}
    before = [week.moved(-n) for n in range(1, USUAL_WEEKS + 1)]
    earlier = [rollup for old in before for rollup in of_week(by_date, old)]
    now = of_week(by_date, week)
    episodes = series.episodes(wearer, start_ns, end_ns)
    pain = people.pain(wearer, week.moved(1 - USUAL_WEEKS).bounds_ns(zone)[0], end_ns)
    sessions = [s for s in people.sessions(wearer) if _in_trend(s, week, zone)]
    return WeekReview(
        person=person,
        week=week,
        start_ns=start_ns,
        end_ns=end_ns,
        made_ns=now_ns,
        settings=registry.settings(wearer),
        assignments=tuple(_worn_in(registry.assignments(wearer), start_ns, end_ns)),
        calibration=calibration_state(series.calibrations(wearer)),
        figures=figures_of(now),
        usual=_usual([figures_of(of_week(by_date, old)) for old in before]),
        change=difference(each_seconds(earlier), each_seconds(now)),
        trend=_trend(by_date, week),
        days=_review_days(by_date, week, pain, zone),
        cells=heat_map.cells(series.minutes(wearer, start_ns, end_ns), zone),
        posture_s=_posture_s(now),
        activities=_activities(now, earlier),
        episodes=tuple(sorted(episodes, key=_by_exposure)[:MAX_EPISODES]),
        areas=reviewed(episodes, people.focus_edits(wearer)),
        pain=tuple(tap for tap in pain if tap.at_ns >= start_ns),
        sessions=before_after.effects(sessions, seconds, zone),
    )


def _by_exposure(episode: Episode) -> tuple[int, int]:
    return -episode.rounded_s, episode.start_ns


def _days_around(series: Reading, person: Person, week: IsoWeek) -> list[Rollup]:
    """From what the first session of the trend may look back at, to what the last may look ahead at."""
    reach_weeks = before_after.REACH_DAYS // 7
    first_ns, _ = week.moved(1 - TREND_WEEKS - reach_weeks).bounds_ns(person.zone)
    _, end_ns = week.moved(reach_weeks).bounds_ns(person.zone)
    return series.days(person.wearer, first_ns, end_ns)


def _usual(weeks: Sequence[Figures]) -> Usual:
    worn = [figures for figures in weeks if figures.worn_s]
    return Usual(
        len(worn),
        middle([figures.worn_s for figures in worn]),
        middle([figures.rounded_min_h for figures in worn]),
        middle([figures.episodes for figures in worn]),
        middle([figures.longest_s for figures in worn]),
    )


def _trend(by_date: dict[date, list[Rollup]], week: IsoWeek) -> tuple[TrendWeek, ...]:
    found = []
    for ago in reversed(range(TREND_WEEKS)):
        rollups = of_week(by_date, week.moved(-ago))
        figures = figures_of(rollups)
        interval = rate_interval(each_seconds(rollups))
        thin = interval is None or figures.worn_s < THIN_WEEK_S
        found.append(TrendWeek(week.moved(-ago), figures, interval, thin))
    return tuple(found)


def _review_days(
    by_date: dict[date, list[Rollup]], week: IsoWeek, pain: Sequence[PainTap], zone: ZoneInfo
) -> tuple[ReviewDay, ...]:
    scores: dict[date, list[int]] = {}
    for tap in pain:
        scores.setdefault(clock.day_of(tap.at_ns, zone), []).append(tap.score)
    first = week.moved(1 - USUAL_WEEKS).monday
    found = []
    for day in (first + timedelta(days=n) for n in range(7 * USUAL_WEEKS)):
        said = scores.get(day, [])
        mean = sum(said) / len(said) if said else None
        found.append(ReviewDay(day, figures_of(by_date.get(day, [])), len(said), mean))
    return tuple(found)


def _posture_s(rollups: Sequence[Rollup]) -> dict[Posture, int]:
    total: dict[Posture, int] = {}
    for rollup in rollups:
        for posture, seconds in rollup.posture_s.items():
            total[posture] = total.get(posture, 0) + seconds
    return total


def _activities(now: Sequence[Rollup], earlier: Sequence[Rollup]) -> tuple[ActivityFigures, ...]:
    """Activities of the week, most rounded time first. What was not worn is none."""
    seconds, usual = activity_seconds(now), activity_seconds(earlier)
    found = [
        ActivityFigures(
            activity,
            both.worn_s,
            both.rounded_s,
            rate_min_h([usual.get(activity, DaySeconds(0, 0))]),
        )
        for activity, both in seconds.items()
    ]
    return tuple(sorted(found, key=lambda f: (-f.rounded_s, -f.worn_s, f.activity)))


def _worn_in(assignments: Sequence[Assignment], start_ns: int, end_ns: int) -> list[Assignment]:
    return [
        a for a in assignments if a.start_ns < end_ns and (a.end_ns is None or a.end_ns > start_ns)
    ]


def _in_trend(session: TherapySession, week: IsoWeek, zone: ZoneInfo) -> bool:
    first_ns, _ = week.moved(1 - TREND_WEEKS).bounds_ns(zone)
    return first_ns <= session.at_ns < week.bounds_ns(zone)[1]
