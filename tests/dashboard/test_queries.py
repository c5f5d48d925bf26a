from __future__ import annotations

from datetime import date

import msgspec
import pytest

from contracts.records import Episode, FrameBlock
from contracts.settings import PostureSettings
from contracts.units import NS_PER_S
from contracts.vocabulary import Activity, Placement, Posture
from dashboard.reading import freshness, queries
from dashboard.reading.freshness import Freshness
from dashboard.reading.sources import Sources
from store.ports import Assignment, Commit, Notice, Wearer, WearerRows
from tests.dashboard import seed

DAY = date(2026, 3, 3)
HOUR_NS = 3600 * NS_PER_S


def person_of(found: Sources) -> queries.Person:
    return queries.people(found.series, found.registry)[0]


def test_people_are_those_registered_and_those_with_data(workday: Sources) -> None:
    workday.registry.put_wearer(Wearer("c-2", "New client", "Europe/Berlin"))
    frames, _ = seed.day_of([seed.Stretch(1, Activity.SITTING)], 1_700_000_000 * NS_PER_S)
    workday.series.commit(Commit(wearers=[WearerRows("c-3", frames)]))
    found = queries.people(workday.series, workday.registry)
    assert [(p.wearer, p.label, p.zone.key) for p in found] == [
        (seed.WEARER, "Demo client", "UTC"),
        ("c-3", "c-3", "UTC"),
        ("c-2", "New client", "Europe/Berlin"),
    ]
    assert found[2].last_ns is None


def test_sensors_are_those_worn_now_from_the_head_down(workday: Sources, evening_ns: int) -> None:
    found = queries.sensors(workday.series, workday.registry, seed.WEARER, evening_ns)
    assert [s.placement for s in found] == [Placement.T4, Placement.L5]
    assert all(s.health is not None and s.health.state == "live" for s in found)
    workday.registry.put_wearer(Wearer("c-2", "Somebody else"))
    workday.registry.assign(Assignment("PL-0001-L5", "c-2", Placement.L5, evening_ns - HOUR_NS))
    found = queries.sensors(workday.series, workday.registry, seed.WEARER, evening_ns)
    assert [s.placement for s in found] == [Placement.T4]


def test_the_numbers_are_those_of_the_frames(workday: Sources, evening_ns: int) -> None:
    person = person_of(workday)
    frames = workday.series.frames(person.wearer, 0, evening_ns)
    day = queries.day(workday.series, person, DAY)
    assert day.numbers.worn_s == len(frames)
    rounded = list(Posture).index(Posture.ROUNDED)
    assert day.numbers.rounded_s == int((frames.posture == rounded).sum())
    assert (day.numbers.episodes, day.numbers.longest_s) == (6, 31 * 60)
    assert sum(day.numbers.posture_s.values()) == day.numbers.worn_s


def test_focus_areas_are_ranked_by_the_time_behind_them(workday: Sources) -> None:
    found = queries.day(workday.series, person_of(workday), DAY).focus
    assert [(f.area.rule, f.exposure_s, f.episodes) for f in found] == [
        ("upper_thoracic", (14 + 31 + 23 + 14.5) * 60, 4),
        ("long_seated", pytest.approx((31 + 17 + 23) * 60 * 0.9), 3),
        ("lumbar_slump", (17 + 9) * 60, 2),
    ]
    assert found[0].share == pytest.approx(82.5 / 108.5)
    assert found[1].area.inferred


def test_the_days_nudges_and_those_that_are_drawn(workday: Sources, evening_ns: int) -> None:
    person = person_of(workday)
    day = queries.day(workday.series, person, DAY)
    assert [n.given for n in day.nudges] == [False, True, True, True, True, True]
    drawn = queries.timeline(workday.series, person, day, PostureSettings())
    assert drawn is not None
    assert drawn.nudges == day.nudges[1:]
    hour = queries.timeline(workday.series, person, day, PostureSettings(), last_ns=HOUR_NS)
    assert hour is not None
    assert [n.at_ns for n in hour.nudges] == [evening_ns - round(12.5 * 60) * NS_PER_S]


def test_a_day_without_data_is_empty(workday: Sources) -> None:
    person = person_of(workday)
    day = queries.day(workday.series, person, date(2026, 3, 1))
    assert day.empty
    assert day.numbers.worn_s == day.numbers.episodes == 0
    assert queries.timeline(workday.series, person, day, PostureSettings()) is None


def test_an_episode_over_midnight_counts_with_its_part_of_the_day(sources: Sources) -> None:
    seed.register(sources.registry)
    midnight_ns = 1_772_496_000 * NS_PER_S
    stretch = seed.Stretch(60, Activity.SITTING, posture=Posture.ROUNDED, flexion_deg=20,
                           pattern=seed.Pattern.LUMBAR_SLUMP)  # fmt: skip
    seed.fill(sources.series, midnight_ns + 20 * 60 * NS_PER_S, [stretch])
    person = person_of(sources)
    before = queries.day(sources.series, person, date(2026, 3, 2)).numbers
    after = queries.day(sources.series, person, DAY).numbers
    assert (before.worn_s, before.rounded_s, before.longest_s) == (2400, 2400, 2400)
    assert (after.worn_s, after.rounded_s, after.longest_s) == (1200, 1200, 1200)


class Watched:
    """A store that remembers how much was asked of it."""

    def __init__(self, series: object) -> None:
        self._series = series
        self.frame_spans_s: list[int] = []

    def frames(self, wearer: str, start_ns: int, end_ns: int) -> FrameBlock:
        self.frame_spans_s.append((end_ns - start_ns) // NS_PER_S)
        return self._series.frames(wearer, start_ns, end_ns)  # type: ignore[attr-defined, no-any-return]

    def __getattr__(self, name: str) -> object:
        return getattr(self._series, name)


def test_a_day_is_drawn_without_its_frames(workday: Sources) -> None:
    watched = Watched(workday.series)
    person = person_of(workday)
    day = queries.day(watched, person, DAY)  # type: ignore[arg-type]
    whole = queries.timeline(watched, person, day, PostureSettings())  # type: ignore[arg-type]
    assert whole is not None
    assert watched.frame_spans_s == []
    assert (whole.end_ns - whole.start_ns) // NS_PER_S == 481 * 60
    hour = queries.timeline(watched, person, day, PostureSettings(), last_ns=HOUR_NS)  # type: ignore[arg-type]
    assert hour is not None
    assert watched.frame_spans_s == [3600]
    assert {r.value for r in hour.postures} >= {Posture.UPRIGHT, Posture.ROUNDED}


def test_a_short_recording_is_drawn_to_the_second(sources: Sources, evening_ns: int) -> None:
    seed.register(sources.registry)
    frames, _ = seed.fill(sources.series, evening_ns + 7 * NS_PER_S, seed.WORKDAY[:3])
    person = person_of(sources)
    day = queries.day(sources.series, person, DAY)
    found = queries.timeline(sources.series, person, day, PostureSettings())
    assert found is not None
    assert found.start_ns == int(frames.start_ns[0])
    assert found.end_ns == int(frames.start_ns[-1]) + NS_PER_S


def test_around_an_episode_whose_frames_are_gone_the_minutes_stand_in(workday: Sources) -> None:
    person = person_of(workday)
    day = queries.day(workday.series, person, DAY)
    chosen = day.episodes[1]
    around = (chosen.start_ns - 120 * NS_PER_S, chosen.end_ns + 120 * NS_PER_S)
    by_seconds = queries.timeline(workday.series, person, day, PostureSettings(), around=around)
    workday.series.prune_frames(chosen.end_ns + HOUR_NS)
    by_minutes = queries.timeline(workday.series, person, day, PostureSettings(), around=around)
    assert by_seconds is not None
    assert by_minutes is not None
    assert len(by_seconds.points) > len(by_minutes.points) > 30
    outside = queries.timeline(workday.series, person, day, PostureSettings(), around=(0, 5))
    assert outside is None


def test_now_knows_the_posture_and_since_when(workday: Sources, evening_ns: int) -> None:
    person = person_of(workday)
    found = queries.now(workday.series, workday.registry, person, evening_ns + NS_PER_S)
    assert found.news.kind is Freshness.LIVE
    assert found.moment is not None
    assert found.moment.frame.posture is Posture.ROUNDED
    assert (found.moment.held_s, found.moment.at_least) == (870, False)


def test_now_is_what_was_computed_ahead_where_the_frames_are_behind(
    workday: Sources, evening_ns: int
) -> None:
    person, now_ns = person_of(workday), evening_ns + HOUR_NS
    before = queries.day(workday.series, person, DAY)
    left = {"backlog": 720_000, "backlog_total": 1_440_000}
    (wanted,) = seed.go_ahead(workday.series, now_ns - 2 * NS_PER_S, **left).rows()
    found = queries.now(workday.series, workday.registry, person, now_ns)
    assert found.moment is not None
    assert found.moment.frame == wanted
    assert (found.moment.current, found.moment.held_s) == (True, None)
    assert (found.news.kind, found.news.progress) == (Freshness.AHEAD, 0.5)
    assert found.doubt is None
    assert queries.day(workday.series, person, DAY) == before
    assert queries.people(workday.series, workday.registry) == [person]


def test_what_was_computed_ahead_and_is_old_or_overtaken_is_not_now(
    workday: Sources, evening_ns: int
) -> None:
    person, later_ns = person_of(workday), evening_ns + HOUR_NS
    stored = queries.now(workday.series, workday.registry, person, evening_ns)
    seed.go_ahead(workday.series, evening_ns - NS_PER_S)  # its frame has come since
    assert queries.now(workday.series, workday.registry, person, evening_ns).moment == stored.moment
    seed.go_ahead(workday.series, later_ns - freshness.LIVE_WITHIN_NS - NS_PER_S)
    found = queries.now(workday.series, workday.registry, person, later_ns)
    assert found.news.kind is Freshness.STALE
    assert found.moment is not None
    assert not found.moment.current


def test_a_posture_goes_on_from_the_frames_into_what_was_computed_ahead(
    workday: Sources, evening_ns: int
) -> None:
    person = person_of(workday)
    seed.go_ahead(workday.series, evening_ns + 4 * NS_PER_S)  # a sensor is a few seconds late
    found = queries.now(workday.series, workday.registry, person, evening_ns + 4 * NS_PER_S)
    assert found.news.kind is Freshness.LIVE
    assert found.moment is not None
    assert (found.moment.held_s, found.moment.at_least) == (874, False)


def test_now_says_what_keeps_analytics_from_storing(workday: Sources, evening_ns: int) -> None:
    notice = Notice("analytics", "disk-full", "The disk is full.", evening_ns)
    workday.registry.put_notice(notice)
    later_ns = evening_ns + 60 * NS_PER_S
    found = queries.now(workday.series, workday.registry, person_of(workday), later_ns)
    assert found.news.kind is Freshness.STALE
    assert "The disk is full." in found.news.detail
    workday.registry.clear_notice("analytics")
    found = queries.now(workday.series, workday.registry, person_of(workday), later_ns)
    assert "full" not in found.news.detail


def test_now_without_frames(sources: Sources, evening_ns: int) -> None:
    seed.register(sources.registry)
    waiting = seed.health_of(
        "PL-0001-T4", evening_ns, state="syncing", backlog=360_000, backlog_total=1_440_000
    )
    sources.series.commit(Commit(health=[waiting]))
    found = queries.now(sources.series, sources.registry, person_of(sources), evening_ns)
    assert found.moment is None
    assert (found.news.kind, found.news.progress, found.news.detail) == (
        Freshness.SYNCING,
        0.75,
        "",
    )


def test_an_ongoing_episode_is_one_row_that_grows(workday: Sources, evening_ns: int) -> None:
    day = queries.day(workday.series, person_of(workday), DAY)
    last: Episode = day.episodes[-1]
    grown = msgspec.structs.replace(last, end_ns=evening_ns + 60 * NS_PER_S, ongoing=True)
    empty = FrameBlock.from_rows(())
    workday.series.commit(Commit(wearers=[WearerRows(seed.WEARER, empty, episodes=[grown])]))
    again = queries.day(workday.series, person_of(workday), DAY)
    assert len(again.episodes) == len(day.episodes)
    assert again.episodes[-1].ongoing
