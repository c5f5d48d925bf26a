"""The week in figures, by hand; and its sessions, words and drawings."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, datetime, timedelta
from urllib.parse import unquote
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.settings import PostureSettings
from contracts.units import NS_PER_S
from contracts.vocabulary import Posture
from dashboard.look import column_charts
from dashboard.look.theme import DARK, LIGHT
from dashboard.review import before_after, cards, charts, episode_trace, words
from dashboard.review.model import MAX_EPISODES, WeekReview
from dashboard.week.day_statistics import DaySeconds, Difference, Interval
from store.people_ports import FocusEdit, TherapySession, Verdict
from store.ports import Commit, WearerRows
from tests.dashboard import reviewed, seed
from tests.dashboard.reviewed import NOW_NS, WEEK, ZONE
from tests.dashboard.reviewed_week import client, review

__all__ = ["client", "review"]

UTC = ZoneInfo("UTC")


# figures


def test_the_week_is_what_the_store_has_of_its_days(
    client: reviewed.Client, review: WeekReview
) -> None:
    days = client.series.days(reviewed.WEARER, *WEEK.bounds_ns(ZONE))
    minutes = client.series.minutes(reviewed.WEARER, *WEEK.bounds_ns(ZONE))
    assert len(days) == review.figures.worn_days == 5
    assert review.figures.worn_s == sum(d.worn_s for d in days) == sum(m.worn_s for m in minutes)
    rounded_s = sum(m.posture_s.get(Posture.ROUNDED, 0) for m in minutes)
    assert review.figures.rounded_s == rounded_s == sum(a.rounded_s for a in review.activities)
    assert review.figures.episodes == len(review.episodes) == 5 * 6
    assert review.figures.longest_s == 31 * 60
    # A minute whose posture was not told is in no cell: it would read as calm.
    told_s = sum(m.worn_s for m in minutes if 2 * m.posture_s.get(Posture.UNKNOWN, 0) <= m.worn_s)
    assert sum(cell.worn_s for cell in review.cells) == told_s < review.figures.worn_s
    assert [e.rounded_s for e in review.episodes] == sorted(
        (e.rounded_s for e in review.episodes), reverse=True
    )


def test_what_is_usual_is_the_median_of_the_four_weeks_before(review: WeekReview) -> None:
    # a week n before: five days of 4 h with 700 + 60 n + 97 k rounded seconds, k from 0 to 4
    rates = [(5 * (700 + 60 * n) + 970) / (5 * 4 * 60) for n in (1, 2, 3, 4)]
    assert review.usual.weeks == 4
    assert review.usual.rounded_min_h == pytest.approx(sum(rates[1:3]) / 2) == 4.35
    assert (review.usual.worn_s, review.usual.episodes) == (20 * 3600, 15)
    assert review.usual.longest_s == 600
    assert review.change is not None
    assert review.change.before_min_h == pytest.approx(sum(rates) / 4)
    assert (review.change.before_days, review.change.after_days) == (20, 5)
    assert not review.change.may_be_chance


def test_the_trend_is_twelve_weeks_and_leaves_the_unworn_one_unknown(review: WeekReview) -> None:
    assert [week.week for week in review.trend] == [WEEK.moved(n) for n in range(-11, 1)]
    unworn = review.trend[-9]
    assert (unworn.figures.rounded_min_h, unworn.interval, unworn.thin) == (None, None, True)
    for week in review.trend[-5:]:
        assert week.interval is not None
        rate = week.figures.rounded_min_h
        assert rate is not None
        assert week.interval.low <= rate <= week.interval.high
        assert not week.thin


def test_before_and_after_a_session_by_hand(review: WeekReview) -> None:
    (effect,) = review.sessions
    assert effect.day == WEEK.moved(-1).days[2]
    found = effect.difference
    assert found is not None
    # ten days back: Mon and Tue of its week, the five of the week before, Wed to Fri of the one before that
    rounded_s = 2 * 760 + 97 + 5 * 820 + 970 + 3 * 880 + 97 * (2 + 3 + 4)
    assert found.before_min_h == pytest.approx(rounded_s / 60 / 40) == 4.25
    assert (found.before_days, found.after_days) == (10, 7)


def test_pain_and_exposure_stand_day_by_day(review: WeekReview) -> None:
    assert len(review.days) == 28
    assert review.days[-1].day == WEEK.days[-1]
    taps = {day.day: (day.taps, day.mean_pain) for day in review.days if day.taps}
    assert taps == {WEEK.days[0]: (1, 6.0), WEEK.days[2]: (1, 4.0)}
    assert [day.figures.worn_s > 0 for day in review.week_days] == [True] * 5 + [False] * 2
    assert len(review.pain) == 2


def test_a_week_without_data_is_unknown(client: reviewed.Client) -> None:
    empty = reviewed.review(client, WEEK.moved(-8))
    assert empty.empty
    assert not empty.under_way
    assert (empty.figures.rounded_min_h, empty.change) == (None, None)
    assert "nothing is known of it" in words.headline(empty)
    assert "unknown, neither good nor bad" in cards.nothing(empty)


def test_a_review_is_capped_at_the_episodes_that_matter(sources: reviewed.Client) -> None:
    start_ns, _ = WEEK.bounds_ns(UTC)
    episode = seed.day_of([seed.WORKDAY[2]], start_ns)[1][0]
    many = [
        msgspec.structs.replace(
            episode,
            start_ns=start_ns + n * 900 * NS_PER_S,
            end_ns=start_ns + (n * 900 + 840) * NS_PER_S,
            rounded_s=840 - n % 7,
        )
        for n in range(MAX_EPISODES + 9)
    ]
    sources.registry.put_wearer(reviewed.Wearer(reviewed.WEARER, "W", "UTC"))
    empty = seed.FrameBlock.from_rows(())
    sources.series.commit(Commit(wearers=[WearerRows(reviewed.WEARER, empty, many)]))
    found = reviewed.review(sources)
    assert len(found.episodes) == MAX_EPISODES
    assert found.episodes[0].rounded_s == 840


# before and after


def days_from(start: date, rates_s: list[int]) -> dict[date, DaySeconds]:
    return {start + timedelta(days=n): DaySeconds(3600, s) for n, s in enumerate(rates_s)}


def session(day: date) -> TherapySession:
    at = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    return TherapySession("w", int(at.timestamp()) * NS_PER_S, "t")


def test_the_day_of_a_session_is_on_neither_side() -> None:
    days = days_from(date(2026, 3, 1), [600, 600, 600, 3600, 300, 300, 300])
    (effect,) = before_after.effects([session(date(2026, 3, 4))], days, UTC)
    assert effect.difference is not None
    assert (effect.difference.before_min_h, effect.difference.after_min_h) == (10.0, 5.0)
    assert not effect.difference.may_be_chance


def test_days_hardly_worn_or_far_away_do_not_count() -> None:
    days = {
        **days_from(date(2026, 3, 1), [600] * 3),
        date(2026, 3, 5): DaySeconds(1799, 1799),
        date(2026, 4, 2): DaySeconds(3600, 0),
    }
    (effect,) = before_after.effects([session(date(2026, 3, 4))], days, UTC)
    assert effect.difference is None
    assert "Not worn on one side" in cards.sessions([effect], NOW_NS, UTC)


def test_the_latest_sessions_are_shown_up_to_a_cap() -> None:
    many = [session(date(2026, 1, 1) + timedelta(days=n)) for n in range(9)]
    found = before_after.effects(many, {}, UTC)
    assert len(found) == before_after.MAX_SESSIONS
    assert found[0].day == date(2026, 1, 9)


def test_how_sure_a_difference_is_is_said() -> None:
    few = Difference(10.0, 4.0, 2, 9, None)
    assert "may be chance: 2 worn days on one side, fewer than 3" in words.certainty(few)
    unsure = Difference(10.0, 9.0, 9, 9, Interval(-3.04, 0.96))
    assert words.certainty(unsure) == "may be chance: −3.0 to +1.0 min/h, by days"
    sure = Difference(10.0, 4.0, 9, 9, Interval(-8.0, -0.4))
    assert words.certainty(sure) == "more than chance: −8.0 to −0.4 min/h, by days"


# words and drawings


def test_the_headline_says_the_rate_the_change_and_whether_it_may_be_chance(
    review: WeekReview,
) -> None:
    said = words.headline(review)
    rate, change = review.figures.rounded_min_h, review.change
    assert rate is not None
    assert change is not None
    assert said.startswith(f"Rounded {rate:.0f} min a worn hour: {change.min_h:.0f} min more than")
    assert "chance" not in said
    unsure = replace(review, change=replace(change, interval=Interval(-1.0, 9.0)))
    assert "which may be chance" in words.headline(unsure)
    same = replace(review, change=Difference(rate, rate + 0.2, 9, 9, None))
    assert "about as much as" in words.headline(same)
    assert "nothing was worn in the 4 weeks before" in words.headline(replace(review, change=None))


def test_charts_say_every_column_in_words_and_hatch_what_is_unknown(review: WeekReview) -> None:
    trend = charts.trend(review.trend, LIGHT)
    listed = re.findall(r"<li>(.*?)</li>", trend)
    assert len(listed) == 12
    assert listed[-9] == f"Week of {charts.short(WEEK.moved(-8).monday)}: not worn, unknown"
    assert trend.count('class="column unknown"') == 1
    pain = charts.pain_over_exposure(review.days, LIGHT)
    assert "Mon 2 Mar: 6.0 of 10, 1 tap" in pain
    assert not re.search("because|caus|due to|leads to|effect", pain)


def test_a_scale_holds_its_values_on_round_lines() -> None:
    assert column_charts.scale([3.0, 17.2], 20.0) == column_charts.Scale(20.0, 5.0)
    assert column_charts.scale([41.0], 20.0) == column_charts.Scale(45.0, 15.0)
    assert column_charts.scale([], 20.0).percent(25.0) == 100.0


@given(st.lists(st.floats(0, 60), max_size=30))
def test_every_value_is_within_its_scale(values: list[float]) -> None:
    found = column_charts.scale(values, 20.0)
    assert max([0.0, *values]) <= found.top
    assert len(found.lines) <= 5
    assert found.lines[-1] == pytest.approx(found.top)


def test_columns_are_capped() -> None:
    many = [column_charts.Column(str(n), str(n), "") for n in range(100)]
    shown = column_charts.chart("name", many, column_charts.Scale(10, 5), unit="u")
    assert shown.count('class="column"') == column_charts.MAX_COLUMNS


def test_a_trace_is_of_seconds_with_two_minutes_around(
    client: reviewed.Client, review: WeekReview
) -> None:
    shortest = review.episodes[-1]
    model = episode_trace.around(client.series, review.person, shortest, PostureSettings())
    assert model is not None
    assert model.start_ns == shortest.start_ns - 120 * NS_PER_S
    assert model.end_ns == shortest.end_ns + 120 * NS_PER_S
    assert len(model.points) > 60
    drawn = unquote(episode_trace.trace(model, LIGHT))
    assert "Posture, and trunk flexion" in drawn
    assert ">12°<" in drawn
    assert len(drawn) < 30_000


def test_a_trace_without_frames_is_of_minutes_and_without_those_nothing(
    sources: reviewed.Client, review: WeekReview
) -> None:
    episode = review.episodes[0]
    person = review.person
    assert episode_trace.around(sources.series, person, episode, PostureSettings()) is None
    frames, _ = seed.day_of([seed.WORKDAY[2]], episode.start_ns)
    sources.registry.put_wearer(reviewed.Wearer(reviewed.WEARER, "W", "UTC"))
    minutes = [
        msgspec.structs.replace(m, mean_trunk_flexion_deg=None) for m in seed.minutes_of(frames)
    ]
    empty = seed.FrameBlock.from_rows(())
    sources.series.commit(Commit(wearers=[WearerRows(reviewed.WEARER, empty, minutes=minutes)]))
    model = episode_trace.around(sources.series, person, episode, PostureSettings())
    assert model is not None
    assert "it takes two sensors" in episode_trace.trace(model, DARK)


def test_every_word_of_data_is_escaped(review: WeekReview) -> None:
    evil = "<img src=x onerror=alert(1)>"
    person = replace(review.person, label=evil)
    edit = FocusEdit("w", review.areas[0].area.rule, "t", 0, Verdict.ACCEPTED, None, evil)
    area = replace(
        review.areas[0],
        area=msgspec.structs.replace(review.areas[0].area, rule=evil, why=evil, front=(evil,)),
        edit=edit,
    )
    episode = msgspec.structs.replace(review.episodes[0], explanation=evil)
    effect = replace(review.sessions[0], session=replace(review.sessions[0].session, note=evil))
    shown = (
        cards.area(area, 1, ZONE)
        + cards.episode(episode, ZONE)
        + cards.sessions([effect], NOW_NS, ZONE)
        + cards.links(replace(review, person=replace(person, wearer=evil)))
    )
    assert "<img" not in shown
    assert "&lt;img" in shown


def test_what_the_figures_rest_on_is_said(review: WeekReview) -> None:
    later_ns = review.calibration.accepted_ns
    assert later_ns is not None
    old = replace(review.calibration, accepted_ns=later_ns - 40 * 86_400 * NS_PER_S)
    assert "due again" in cards.numbers(replace(review, calibration=old))
    never = replace(review.calibration, accepted_ns=None)
    shown = cards.numbers(replace(review, calibration=never, assignments=()))
    assert "Sensors: none assigned. Not calibrated: no posture can be told." in shown


def test_four_weeks_without_a_tap_say_how_one_is_made(review: WeekReview) -> None:
    calm = [replace(day, taps=0, mean_pain=None) for day in review.days]
    shown = charts.pain_over_exposure(calm, LIGHT)
    assert "taps where it hurts under My body" in shown
    assert "Rounded, by day" in shown
