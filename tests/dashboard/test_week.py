"""The client's week: model, words and bars, from days in a real store, hand-computed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.records import FrameBlock, Rollup
from contracts.units import NS_PER_S
from contracts.vocabulary import Activity, Posture
from dashboard.look.weeks import IsoWeek
from dashboard.reading.queries import Person
from dashboard.reading.sources import Sources
from dashboard.week import cards, charts
from dashboard.week import words as week_words
from dashboard.week.day_statistics import Difference, Interval
from dashboard.week.model import Wear, Week, week_of
from store.ports import Commit, SeriesStore, WearerRows

#: The clocks go back on its Sunday: the day has 25 hours.
WEEK = IsoWeek.parse("2026-W43")
BERLIN = ZoneInfo("Europe/Berlin")
PERSON = Person("c-1", "Anna", BERLIN, False, 0, 1)
HOUR_S = 3600


def at_ns(day: date, hour: int = 0) -> int:
    return int(datetime.combine(day, time(hour), BERLIN).timestamp()) * NS_PER_S


#: Now is the Saturday at noon.
NOW_NS = at_ns(WEEK.days[5], 12)


def rollup(
    day: date,
    worn_s: int,
    rounded_s: int,
    *,
    driving_s: int = 0,
    episodes: int = 0,
    longest_s: int = 0,
) -> Rollup:
    """A day of sitting, and of driving that holds a third of the rounding."""
    share_s = rounded_s // 3 if driving_s else 0
    return Rollup(
        start_ns=at_ns(day),
        worn_s=worn_s,
        posture_s={Posture.UPRIGHT: worn_s - rounded_s, Posture.ROUNDED: rounded_s},
        activity_s={Activity.SITTING: worn_s - driving_s, Activity.DRIVING: driving_s},
        rounded_activity_s={Activity.SITTING: rounded_s - share_s, Activity.DRIVING: share_s},
        episodes=episodes,
        longest_episode_s=longest_s,
    )


def keep(series: SeriesStore, *days: Rollup) -> None:
    series.commit(Commit(wearers=[WearerRows("c-1", FrameBlock.from_rows(()), days=days)]))


def fill(series: SeriesStore) -> None:
    """This week 12, 30, – and hardly; the week before 20 on four days."""
    monday, tuesday, _, thursday, *_ = WEEK.days
    keep(
        series,
        rollup(monday, 5 * HOUR_S, 60 * 60, episodes=3, longest_s=700),
        rollup(tuesday, 2 * HOUR_S, 60 * 60, driving_s=HOUR_S, episodes=4, longest_s=1260),
        rollup(thursday, 600, 600, episodes=1, longest_s=600),
        *(
            rollup(d, 3 * HOUR_S, HOUR_S, episodes=2, longest_s=400)
            for d in WEEK.moved(-1).days[:4]
        ),
    )


def week(
    found: Sources, of: IsoWeek = WEEK, now_ns: int = NOW_NS, goal_min_h: float = 15.0
) -> Week:
    return week_of(found.series, PERSON, of, goal_min_h, now_ns)


def test_each_day_is_known_as_far_as_it_was_worn(sources: Sources) -> None:
    fill(sources.series)
    found = week(sources)
    assert [day.wear for day in found.days] == [
        Wear.WORN, Wear.WORN, Wear.NOTHING, Wear.LITTLE, Wear.NOTHING, Wear.NOTHING, Wear.AHEAD,
    ]  # fmt: skip
    assert [day.rounded_min_h for day in found.days] == [12.0, 30.0, *[None] * 5]
    assert [day.before_min_h for day in found.days] == [20.0] * 4 + [None] * 3
    assert [day.day.day for day in found.worn_days] == [19, 20]


def test_the_figures_are_sums_of_the_days(sources: Sources) -> None:
    fill(sources.series)
    found = week(sources)
    assert (found.figures.worn_s, found.figures.rounded_s) == (7 * HOUR_S + 600, 7200 + 600)
    assert (found.figures.worn_days, found.figures.episodes) == (2, 8)
    assert (found.figures.longest_s, found.longest_on) == (1260, date(2026, 10, 20))
    assert found.before.rounded_min_h == 20.0
    assert found.change is not None
    assert found.change.min_h == pytest.approx(60 * 7800 / 25_800 - 20)
    assert found.change.interval is None  # two days worn
    assert found.under_way


def test_activities_stand_against_the_week_before(sources: Sources) -> None:
    fill(sources.series)
    sitting, driving = week(sources).activities
    assert (sitting.activity, sitting.worn_s, sitting.rounded_s) == (
        Activity.SITTING,
        6 * HOUR_S + 600,
        3600 + 2400 + 600,
    )
    assert sitting.before_min_h == 20.0
    assert (driving.rounded_min_h, driving.before_min_h) == (20.0, None)


def test_the_day_on_which_the_clocks_change_is_one_day(sources: Sources) -> None:
    sunday = WEEK.days[6]
    keep(sources.series, rollup(sunday, HOUR_S, 600), rollup(WEEK.moved(1).monday, HOUR_S, 1200))
    assert week(sources, now_ns=at_ns(sunday, 23)).days[6].rounded_min_h == 10.0
    after = week(sources, WEEK.moved(1), now_ns=at_ns(WEEK.moved(1).days[1], 9))
    assert (after.days[0].rounded_min_h, after.days[6].wear) == (20.0, Wear.AHEAD)


def test_a_week_not_worn_is_unknown(sources: Sources) -> None:
    found = week(sources)
    assert {day.wear for day in found.days} == {Wear.NOTHING, Wear.AHEAD}
    assert week_words.changed(found) == "Not worn this week so far: nothing is known of it."
    assert week_words.extremes(found) == week_words.goal_days(found) == ""
    keep(sources.series, rollup(WEEK.moved(-1).monday, HOUR_S, 0))
    shown = cards.page(week(sources))
    assert shown.count('<div class="big num">not worn</div>') == 4
    assert "week before: 1 h<" in shown
    assert "week before: none<" in shown


@pytest.mark.parametrize(
    ("now", "before", "words"),
    [
        ({0: (1200, 600)}, {0: (3600, 600)}, "Worn 20 min this week so far: too little to tell."),
        (
            {0: (3600, 600)},
            {0: (1200, 600)},
            (
                "10 min rounded in an hour worn so far; the week before was hardly worn, so there is "
                "nothing to set it against."
            ),
        ),
        (
            {0: (3600, 600)},
            {0: (3600, 780)},
            (
                "10 min rounded in an hour worn so far, 3 min less than in the week before, "
                "which may be chance."
            ),
        ),
        (
            {0: (3600, 600)},
            {0: (3600, 615)},
            "10 min rounded in an hour worn so far, about as much as in the week before.",
        ),
        (
            {d: (3600, 600 + d) for d in range(4)},
            {d: (3600, 1200 + d) for d in range(4)},
            "10 min rounded in an hour worn so far, 10 min less than in the week before.",
        ),
    ],
)
def test_what_changed_is_one_sentence(
    sources: Sources,
    now: Mapping[int, tuple[int, int]],
    before: Mapping[int, tuple[int, int]],
    words: str,
) -> None:
    keep(sources.series, *(rollup(WEEK.days[d], *seconds) for d, seconds in now.items()))
    keep(sources.series, *(rollup(WEEK.moved(-1).days[d], *s) for d, s in before.items()))
    assert week_words.changed(week(sources)) == words


def test_how_sure_a_difference_is(sources: Sources) -> None:
    fill(sources.series)
    assert week_words.certainty(week(sources)) == (
        "Too few days to say how sure that is: 2 days worn here, 4 the week before; 3 of each are needed."
    )
    keep(sources.series, *(rollup(day, HOUR_S, 600) for day in WEEK.days[2:5]))
    assert re.fullmatch(
        r"Days differ anyway: drawn anew from these days, the difference is between \d+ min less and "
        r"\d+ min (more|less) 95 times of 100\.",
        week_words.certainty(week(sources)),
    )


def test_the_least_and_the_most_rounded_day_are_days_that_were_worn(sources: Sources) -> None:
    fill(sources.series)
    assert week_words.extremes(week(sources)) == (
        "Least on Monday (12 min in an hour worn), most on Tuesday (30 min)."
    )
    assert week_words.goal_days(week(sources)) == (
        "The goal of at most 15 min was kept on 1 of 2 days worn."
    )
    keep(sources.series, rollup(WEEK.days[1], 600, 0))
    assert week_words.extremes(week(sources)) == ""
    assert week_words.goal_days(week(sources)).endswith("was kept on the one day worn.")


@given(
    st.lists(
        st.integers(0, 86_400).flatmap(lambda w: st.tuples(st.just(w), st.integers(0, w))),
        min_size=7, max_size=7,
    )
)  # fmt: skip
def test_no_day_hardly_worn_is_called_the_least_rounded(days: list[tuple[int, int]]) -> None:
    class Days:
        """A store of these days alone."""

        def days(self, wearer: str, start_ns: int, end_ns: int) -> list[Rollup]:
            return [rollup(day, *seconds) for day, seconds in zip(WEEK.days, days, strict=True)]

    found = week_of(Days(), PERSON, WEEK, 15.0, at_ns(WEEK.moved(2).monday))  # type: ignore[arg-type]
    named = week_words.extremes(found)
    for day, (worn_s, _) in zip(WEEK.days, days, strict=True):
        if worn_s < 1800:
            assert f"{day:%A}" not in named
    assert all(0 <= float(s) <= 100 for s in re.findall(r":([\d.]+)%", cards.page(found)))


def test_bars_say_their_figures_and_what_is_unknown(sources: Sources) -> None:
    fill(sources.series)
    markup = charts.by_day(week(sources))
    monday, _, wednesday, thursday, *_, sunday = re.findall(r"<li class=\"is-.*?</li>", markup)
    assert 'class="bar" style="height:37.0%"' in monday  # 12 of 30 × 1.08
    assert 'class="was" style="bottom:61.7%"' in monday
    for words in ("<b>Mon</b> 19", "12 min", "5.0 h worn"):
        assert words in monday
    assert 'class="bar"' not in wednesday + thursday + sunday
    assert "is-nothing" in wednesday
    assert "not worn" in wednesday
    assert "is-little" in thursday
    assert "10 min worn" in thursday
    assert "to come" in sunday
    assert 'class="was"' not in sunday
    assert markup.count('aria-current="date"') == 1
    for words in ("Goal: at most 15 min", "The same day a week before", "too little to tell"):
        assert words in markup


def test_an_activity_done_for_moments_has_no_bar(sources: Sources) -> None:
    keep(sources.series, rollup(WEEK.days[0], 2 * HOUR_S, 600, driving_s=900))
    markup = charts.by_activity(week(sources))
    assert markup.count('class="bar"') == 1
    assert "Under half an hour, too little to tell: driving 15 min." in markup
    assert charts.by_activity(week(sources, WEEK.moved(-2))) == ""


def test_an_interval_is_said_from_its_low_to_its_high_end(sources: Sources) -> None:
    fill(sources.series)
    found = week(sources)
    sure = Difference(20.0, 10.0, 4, 4, Interval(-12.0, -0.2))
    changed = Week(**{n: getattr(found, n) for n in Week.__slots__} | {"change": sure})
    assert "between 12 min less and none 95 times" in week_words.certainty(changed)
