"""What a page asks of the store: people, a day, a moment. Pure over the ports; the clock is an argument.

Everything a page shows comes through here, from rollups for a day and from frames only for a short
window, so that a check of who may see whom has one place to stand.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date
from typing import Final, Protocol
from zoneinfo import ZoneInfo

from contracts.records import (
    FRAME_NS,
    CalibrationOutcome,
    Episode,
    FrameBlock,
    Nudge,
    Rollup,
    SensorHealth,
)
from contracts.settings import PostureSettings
from contracts.units import NS_PER_S
from contracts.vocabulary import Activity, Placement, Posture
from dashboard.look import clock
from dashboard.reading import doubts, focus, freshness, runs
from store.ports import Assignment, Notice, Registry, WearerSummary

#: Windows up to this long are drawn from frames, longer ones from minutes.
FRAMES_UP_TO_NS: Final = 3600 * NS_PER_S
#: The service whose notice says why nothing new comes.
_STORES: Final = "analytics"
#: How far back the beginning of the present posture or trouble is looked for, a step at a time.
_LOOK_BACK_S: Final = (600, 3600, 4 * 3600)


class Reading(Protocol):
    """What pages ask of a store, as :class:`store.ports.SeriesStore` promises it."""

    def wearers(self) -> list[WearerSummary]: ...

    def frames(self, wearer: str, start_ns: int, end_ns: int) -> FrameBlock: ...

    def latest_frame(self, wearer: str) -> FrameBlock: ...

    def latest_frames(self, wearers: Collection[str]) -> dict[str, FrameBlock]: ...

    def ahead(self, wearer: str) -> FrameBlock: ...

    def minutes(self, wearer: str, start_ns: int, end_ns: int) -> list[Rollup]: ...

    def days(self, wearer: str, start_ns: int, end_ns: int) -> list[Rollup]: ...

    def days_of(
        self, wearers: Collection[str], start_ns: int, end_ns: int
    ) -> dict[str, list[Rollup]]: ...

    def episodes(self, wearer: str, start_ns: int, end_ns: int) -> list[Episode]: ...

    def nudges(self, wearer: str, start_ns: int, end_ns: int) -> list[Nudge]: ...

    def calibrations(self, wearer: str) -> list[CalibrationOutcome]: ...

    def calibrations_of(self, wearers: Collection[str]) -> dict[str, list[CalibrationOutcome]]: ...

    def health(self) -> list[SensorHealth]: ...

    def close(self) -> None: ...


class Worn(Protocol):
    """What a page about a person asks of the registry, as :class:`store.ports.Registry` promises it."""

    def assignments(self, wearer: str) -> list[Assignment]: ...

    def settings(self, wearer: str) -> PostureSettings: ...

    def notices(self) -> list[Notice]: ...


@dataclass(frozen=True, slots=True)
class Person:
    """A wearer as the picker shows one. ``first_ns`` and ``last_ns`` are None without frames."""

    wearer: str
    label: str
    zone: ZoneInfo
    simulated: bool
    first_ns: int | None
    last_ns: int | None


@dataclass(frozen=True, slots=True)
class Sensor:
    """A sensor that the person wears now, and the latest word on it if there is one."""

    sensor: str
    placement: Placement
    health: SensorHealth | None


@dataclass(frozen=True, slots=True)
class Now:
    """The state of this moment."""

    news: freshness.News
    moment: freshness.Moment | None
    sensors: tuple[Sensor, ...]
    settings: PostureSettings
    doubt: doubts.Standing | None = None


@dataclass(frozen=True, slots=True)
class Timeline:
    """What the timeline draws: [start_ns, end_ns) of a person's time."""

    start_ns: int
    end_ns: int
    zone: ZoneInfo
    postures: tuple[runs.Run, ...]
    activities: tuple[runs.Run, ...]
    points: tuple[runs.Point, ...]
    episodes: tuple[Episode, ...]
    warn_deg: float
    high_deg: float
    nudges: tuple[Nudge, ...] = ()


@dataclass(frozen=True, slots=True)
class Numbers:
    """The day in numbers. Time not worn is in none of them."""

    worn_s: int
    rounded_s: int
    episodes: int
    longest_s: float
    posture_s: dict[Posture, int]
    activity_s: dict[Activity, int]


@dataclass(frozen=True, slots=True)
class Day:
    """A person's calendar day: [start_ns, end_ns) and what was measured in it."""

    day: date
    start_ns: int
    end_ns: int
    minutes: tuple[Rollup, ...]
    episodes: tuple[Episode, ...]
    numbers: Numbers
    focus: tuple[focus.DayFocus, ...]
    nudges: tuple[Nudge, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether nothing was recorded on the day."""
        return not self.minutes


def people(series: Reading, registry: Registry) -> list[Person]:
    """Everyone registered or with data, latest data first, those without data last."""
    known = {w.wearer: w for w in registry.wearers()}
    summaries = {s.wearer: s for s in series.wearers()}
    found = []
    for wearer in {**summaries, **known}:
        entry, data = known.get(wearer), summaries.get(wearer)
        found.append(
            Person(
                wearer=wearer,
                label=entry.label if entry and entry.label else wearer,
                zone=clock.zone_of(entry.timezone if entry else "UTC"),
                simulated=entry.simulated if entry else False,
                first_ns=data.first_ns if data else None,
                last_ns=data.last_ns if data else None,
            )
        )
    return sorted(found, key=lambda p: (-(p.last_ns or 0), p.label))


def sensors(series: Reading, registry: Worn, wearer: str, now_ns: int) -> list[Sensor]:
    """The sensors assigned to a wearer now, from the head down, with the latest word on each."""
    latest: dict[str, SensorHealth] = {}
    for word in sorted(series.health(), key=lambda h: h.at_ns):
        latest[word.sensor] = word
    worn = [
        a
        for a in registry.assignments(wearer)
        if a.start_ns <= now_ns and (a.end_ns is None or a.end_ns > now_ns)
    ]
    order = list(Placement)
    worn.sort(key=lambda a: order.index(a.placement))
    return [Sensor(a.sensor, a.placement, latest.get(a.sensor)) for a in worn]


def now(
    series: Reading, registry: Worn, person: Person, now_ns: int, *, unread: bool = False
) -> Now:
    """How fresh the data is, and the posture of the latest second and since when.

    ``unread``: the store cannot be read now, and ``series`` gives what it had.
    """
    settings = registry.settings(person.wearer)
    worn = sensors(series, registry, person.wearer, now_ns)
    latest = series.latest_frame(person.wearer)
    beyond = ahead(series, person.wearer, now_ns)
    found = _moment(series, person.wearer, beyond, settings.bridge_s, now_ns)
    rate_hz = None
    if len(latest):
        rate_hz = _rate_hz(latest.samples[-1], len(worn), int(latest.missing[-1]).bit_count())
    word = freshness.news(
        _end_ns(latest),
        [s.health for s in worn if s.health],
        now_ns=now_ns,
        zone=person.zone,
        rate_hz=rate_hz,
        unread=unread,
        notice=next((n for n in registry.notices() if n.service == _STORES), None),
        ahead=len(beyond) > 0,
    )
    in_doubt = doubts.standing(beyond) if len(beyond) else doubt(series, person.wearer)
    return Now(word, found, tuple(worn), settings, in_doubt)


def ahead(series: Reading, wearer: str, now_ns: int) -> FrameBlock:
    """The second of this moment where it is newer than the last frame, which is behind; else nothing."""
    found, latest = series.ahead(wearer), series.latest_frame(wearer)
    end_ns, latest_end_ns = _end_ns(found), _end_ns(latest)
    if end_ns is None or not freshness.current(end_ns, now_ns):
        return FrameBlock.concat([])
    newer = latest_end_ns is None or end_ns > latest_end_ns
    return found if newer else FrameBlock.concat([])


def _moment(
    series: Reading, wearer: str, beyond: FrameBlock, bridge_s: float, now_ns: int
) -> freshness.Moment | None:
    """The latest second and since when; of one that was computed ahead, as far as the frames reach it."""
    end_ns = _end_ns(series.latest_frame(wearer))
    far_ns = int(bridge_s) * NS_PER_S
    if end_ns is None or (len(beyond) and int(beyond.start_ns[0]) - end_ns > far_ns):
        alone = freshness.moment(beyond, now_ns=now_ns, bridge_s=bridge_s)
        return None if alone is None else replace(alone, held_s=None)
    found = None
    for back_s in _LOOK_BACK_S:
        recent = series.frames(wearer, end_ns - back_s * NS_PER_S, end_ns)
        reached = FrameBlock.concat([recent, beyond])
        found = freshness.moment(reached, now_ns=now_ns, bridge_s=bridge_s)
        if found is None or not found.at_least or (found.held_s or 0.0) < back_s:
            break
    return found


def _end_ns(block: FrameBlock) -> int | None:
    return int(block.start_ns[-1]) + FRAME_NS if len(block) else None


def doubt(series: Reading, wearer: str) -> doubts.Standing | None:
    """What is wrong with a sensor at the last frame, and since when as far as is looked back."""
    latest = series.latest_frame(wearer)
    if not len(latest):
        return None
    end_ns = int(latest.start_ns[-1]) + FRAME_NS
    found = None
    for back_s in _LOOK_BACK_S:
        found = doubts.standing(series.frames(wearer, end_ns - back_s * NS_PER_S, end_ns))
        if found is None or not found.at_least:
            break
    return found


def _rate_hz(samples: int, worn: int, missing: int) -> float | None:
    """Samples a second of one sensor, as the last frame shows it."""
    return float(samples) / (worn - missing) if worn > missing and samples else None


def day(series: Reading, person: Person, of: date) -> Day:
    """The minutes, episodes and nudges of a calendar day of the person, and its numbers."""
    start_ns, end_ns = clock.day_bounds_ns(of, person.zone)
    minutes = series.minutes(person.wearer, start_ns, end_ns)
    episodes = series.episodes(person.wearer, start_ns, end_ns)
    return Day(
        day=of,
        start_ns=start_ns,
        end_ns=end_ns,
        minutes=tuple(minutes),
        episodes=tuple(episodes),
        numbers=_numbers(minutes, episodes, start_ns, end_ns),
        focus=tuple(focus.rank(episodes)),
        nudges=tuple(series.nudges(person.wearer, start_ns, end_ns)),
    )


def _numbers(minutes: list[Rollup], episodes: list[Episode], start_ns: int, end_ns: int) -> Numbers:
    posture_s: dict[Posture, int] = {}
    activity_s: dict[Activity, int] = {}
    for minute in minutes:
        for posture, seconds in minute.posture_s.items():
            posture_s[posture] = posture_s.get(posture, 0) + seconds
        for activity, seconds in minute.activity_s.items():
            activity_s[activity] = activity_s.get(activity, 0) + seconds
    inside_ns = [min(e.end_ns, end_ns) - max(e.start_ns, start_ns) for e in episodes]
    return Numbers(
        worn_s=sum(m.worn_s for m in minutes),
        rounded_s=posture_s.get(Posture.ROUNDED, 0),
        episodes=len(episodes),
        longest_s=max(inside_ns, default=0) / NS_PER_S,
        posture_s=posture_s,
        activity_s=activity_s,
    )


def timeline(
    series: Reading,
    person: Person,
    of: Day,
    settings: PostureSettings,
    *,
    last_ns: int | None = None,
    around: tuple[int, int] | None = None,
) -> Timeline | None:
    """The timeline of a day's measured time; None where the day has no data.

    ``last_ns``: only that much before the day's last data. ``around``: only that interval.
    """
    if of.empty:
        return None
    start_ns, end_ns = of.minutes[0].start_ns, of.minutes[-1].start_ns + runs.MINUTE_NS
    if around is not None:
        start_ns, end_ns = max(start_ns, around[0]), min(end_ns, around[1])
    elif last_ns is not None:
        start_ns = max(start_ns, end_ns - last_ns)
    if start_ns >= end_ns:
        return None
    cells, end_ns = _cells(series, person, of, start_ns, end_ns)
    if around is None and last_ns is None and cells.start_ns.size:
        start_ns = int(cells.start_ns[0])
    return Timeline(
        start_ns=start_ns,
        end_ns=end_ns,
        zone=person.zone,
        postures=tuple(runs.posture_runs(cells)),
        activities=tuple(runs.activity_runs(cells)),
        points=tuple(runs.trace(cells)),
        episodes=tuple(e for e in of.episodes if e.end_ns > start_ns and e.start_ns < end_ns),
        warn_deg=settings.rounded_warn_deg,
        high_deg=settings.rounded_high_deg,
        nudges=tuple(n for n in of.nudges if n.given and start_ns <= n.at_ns < end_ns),
    )


def _cells(
    series: Reading, person: Person, of: Day, start_ns: int, end_ns: int
) -> tuple[runs.Cells, int]:
    """What to draw of [start_ns, end_ns), by seconds where it is short and they are still kept.

    With it the end of what was measured, which may be within the last minute.
    """
    if end_ns - start_ns <= FRAMES_UP_TO_NS:
        frames = series.frames(person.wearer, start_ns, end_ns)
        if len(frames):
            return runs.cells_of_frames(frames), int(frames.start_ns[-1]) + FRAME_NS
    within = [m for m in of.minutes if start_ns - runs.MINUTE_NS < m.start_ns < end_ns]
    return runs.cells_of_minutes(within), end_ns
