"""The page of a client's day. Thin: what it shows comes from queries, how from cards and the timeline."""

from __future__ import annotations

from contextlib import suppress
from datetime import date, timedelta
from typing import Final, Literal

import streamlit as st

from contracts.errors import DiskError, StoreError
from contracts.fading import faded, fading_window_ns
from contracts.records import Episode
from contracts.settings import PostureSettings
from contracts.units import NS_PER_S
from dashboard.entry.access import Act
from dashboard.entry.visit import Visit
from dashboard.frame import cards
from dashboard.frame.parts import part
from dashboard.look import clock, text, theme
from dashboard.reading import doubts, queries
from dashboard.reading.freshness import Freshness
from dashboard.today import calibrated, goal, not_now, nudged, timeline
from dashboard.today import cards as today_cards
from dashboard.week.day_figures import seconds_of

_NOW_EVERY_S: Final = 2
_DAY_EVERY_S: Final = 5
_AROUND_NS: Final = 120 * NS_PER_S
_LONG_LIST: Final = 7
#: Ends within an entry, so that one sees that there are more.
_LIST_HEIGHT_PX: Final = 442
_BACK: Final = (":material/chevron_left:", "Day before")
_ON: Final = (":material/chevron_right:", "Day after")
_COMING_IN: Final = frozenset({Freshness.AHEAD, Freshness.SYNCING, Freshness.CATCHING_UP})
_RANGES: Final = {
    "Whole day": None,
    "Last hour": 3600 * NS_PER_S,
    "Last 10 min": 600 * NS_PER_S,
}


def page(visit: Visit) -> None:
    """The client's day, kept up to date while it is today's."""
    today = clock.day_of(visit.clock_ns(), visit.client.zone)
    day = _choose_day(visit, today)
    live = day == today
    every_s = _NOW_EVERY_S if live else None
    st.fragment(_top, run_every=every_s)(visit, day, live=live)
    every_s = _DAY_EVERY_S if live else None
    st.fragment(_timeline, run_every=every_s)(visit, day)
    st.fragment(_episodes, run_every=every_s)(visit, day)
    _watch(visit, today)


def _choose_day(visit: Visit, today: date) -> date:
    """The day, with the way to other days. Follows the latest day until moved."""
    person = visit.client
    first = clock.day_of(person.first_ns, person.zone) if person.first_ns else today
    latest = _latest_day(visit, today)
    key = f"day {person.wearer}"
    if st.session_state.get(key) in (None, st.session_state.get("latest " + key)):
        st.session_state[key] = latest
    st.session_state["latest " + key] = latest
    first = min(first, latest)
    with st.container(
        horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"
    ):
        title = text.day_name(st.session_state[key], today)
        st.html(cards.head(person, title, own=visit.own), width="content")
        with st.container(
            horizontal=True, vertical_alignment="bottom", width="content", gap="small"
        ):
            _step(key, -1, disabled=st.session_state[key] <= first)
            day = st.date_input(
                "Day",
                min_value=first,
                max_value=today,
                key=key,
                label_visibility="collapsed",
                format="DD/MM/YYYY",
                width=150,
            )
            _step(key, +1, disabled=st.session_state[key] >= today)
    return day


def _latest_day(visit: Visit, today: date) -> date:
    """The day of the last data: today also while frames of before come in, and now is known ahead of them."""
    person = visit.client
    day = clock.day_of(person.last_ns, person.zone) if person.last_ns else today
    if day < today:
        with suppress(StoreError, DiskError):  # that it is away is said by the parts of the page
            if len(queries.ahead(visit.series, person.wearer, visit.clock_ns())):
                return today
    return min(today, day)


def _step(key: str, days: int, *, disabled: bool) -> None:
    def move() -> None:
        st.session_state[key] += timedelta(days=days)

    icon, words = _BACK if days < 0 else _ON
    # The words are for screen readers; the style sheet shows the arrow only.
    with st.container(key=f"step {words}", width="content"):
        st.button(words, icon=icon, key=f"{words} {key}", on_click=move, disabled=disabled)


@part
def _top(visit: Visit, of: date, *, live: bool) -> None:
    person, now_ns, kept = visit.client, visit.clock_ns(), False
    try:
        state = queries.now(visit.series, visit.registry, person, now_ns)
        day = queries.day(visit.series, person, of)
        kept = True
    finally:
        trouble = visit.kept.trouble
        if trouble is not None:
            for_s = (now_ns - trouble.since_ns) / NS_PER_S
            st.html(cards.trouble(trouble.error, for_s=for_s, kept=kept))
    if trouble is not None:
        state = queries.now(visit.series, visit.registry, person, now_ns, unread=True)
    st.html(cards.news(state.news, state.sensors))
    if live:
        _warn(visit, state, now_ns)
    if day.empty:
        coming = live and state.news.kind is Freshness.AHEAD
        nothing = cards.empty_day(day, clock.day_of(now_ns, person.zone), state.sensors)
        st.html(today_cards.waiting(state, person.zone) if coming else nothing)
        return
    st.html(today_cards.top(state if live else None, person.zone, day.numbers))
    settings = state.settings
    numbers = day.numbers
    told = seconds_of(day.minutes).told
    so_far = goal.Progress(
        numbers.worn_s, numbers.rounded_s, settings.goal_rounded_min_h, told=told
    )
    found = nudged.nudged(day.nudges, day.episodes, day.minutes)
    late = live and state.news.kind in _COMING_IN
    fading = _fading(visit, settings) if live else ""
    nudges = nudged.card(found, on=settings.nudges, over=not live, late=late, fading=fading)
    st.html(today_cards.second(goal.card(so_far, over=not live), nudges))
    if live and settings.nudges and visit.gate.may(Act.CHANGE_SETTINGS, person.wearer):
        _not_now(visit, now_ns)


def _fading(visit: Visit, settings: PostureSettings) -> str:
    """What nudges that fade have come to."""
    if not settings.nudge_fading:
        return ""
    window_ns = fading_window_ns(visit.clock_ns(), visit.client.zone)
    before = visit.series.nudges(visit.client.wearer, *window_ns)
    return nudged.fading_words(settings, faded(settings.nudge_after_s, before))


def _not_now(visit: Visit, now_ns: int) -> None:
    """Whether nudges are put off, and the buttons that do it."""
    person = visit.client
    wish = visit.registry.not_now(person.wearer)

    with st.container(horizontal=True, vertical_alignment="center", key="not now"):
        if wish is not None and not_now.holds(wish, now_ns):
            st.html(not_now.until(wish, person.zone), width="content")
            offers = {"Nudges again": 0}
        else:
            offers = {f"No nudges for {text.duration(60 * m)}": m for m in not_now.WISHES_MIN}
        for words, minutes in offers.items():
            if st.button(words, key=f"not now {minutes}"):
                wanted = not_now.wished(minutes, visit.clock_ns()) if minutes else None
                visit.registry.put_not_now(person.wearer, wanted)
                st.rerun()


def _warn(visit: Visit, state: queries.Now, now_ns: int) -> None:
    """What is in doubt now: a sensor, or the calibration."""
    person = visit.client
    if state.doubt is not None:
        st.html(doubts.card(state.doubt, person.zone))
    outcomes = visit.series.calibrations(person.wearer)
    link = Act.SENSORS.value if visit.gate.may(Act.CALIBRATE, person.wearer) else ""
    guided = visit.own and not person.simulated  # the first steps stand above the page
    word = calibrated.card(outcomes, state, person.zone, now_ns=now_ns, link=link)
    if word and (outcomes or not guided):
        st.html(word)


@part
def _timeline(visit: Visit, of: date) -> None:
    person = visit.client
    day = queries.day(visit.series, person, of)
    if day.empty:
        return
    with st.container(
        horizontal=True, horizontal_alignment="distribute", vertical_alignment="bottom"
    ):
        st.html(cards.part("Timeline"), width="content")
        chosen = st.segmented_control(
            "Time shown",
            list(_RANGES),
            default="Whole day",
            key="range",
            required=True,
            label_visibility="collapsed",
            width="content",
        )
    settings = visit.registry.settings(person.wearer)
    model = queries.timeline(
        visit.series, person, day, settings, last_ns=_RANGES[chosen or "Whole day"]
    )
    if model is not None:
        _chart(model, "timeline")
        st.html(cards.legend(model, day.numbers))


def _chart(model: queries.Timeline, key: str) -> None:
    page = theme.paper(st.context.theme.type)
    st.vega_lite_chart(timeline.timeline(model, page), width="stretch", key=key)


@part
def _episodes(visit: Visit, of: date) -> None:
    person = visit.client
    day = queries.day(visit.series, person, of)
    if day.empty:
        return
    st.html(cards.part("Episodes of sustained rounding"))
    if not day.episodes:
        st.html(cards.empty("No episode on this day", *cards.NO_EPISODE))
        return
    left, right = st.columns([4, 7], gap="medium")
    with left:
        chosen = _choose_episode(person, day)
    with right, st.container(border=True):
        _show_episode(visit, day, chosen)
    with st.container(border=True):
        st.html(cards.episode_focus(chosen, person.zone))
    if day.focus:
        st.html(cards.part("Focus areas of the day"))
        st.html(cards.ranking(day.focus))
        st.html(cards.part("Before anyone works on the body"))
        st.html(cards.warnings())


def _choose_episode(person: queries.Person, day: queries.Day) -> Episode:
    by_start = {str(e.start_ns): e for e in day.episodes}
    order = st.segmented_control(
        "Order",
        ["Latest first", "Longest first"],
        default="Latest first",
        key="order",
        required=True,
        label_visibility="collapsed",
    )
    starts = sorted(by_start, key=lambda s: by_start[s].start_ns, reverse=True)
    if order == "Longest first":
        starts.sort(key=lambda s: by_start[s].start_ns - by_start[s].end_ns)
    height: Literal["content"] | int = _LIST_HEIGHT_PX if len(starts) > _LONG_LIST else "content"
    with st.container(height=height, border=False):
        chosen = st.radio(
            "Episode",
            starts,
            format_func=lambda s: cards.episode_line(by_start[s], person.zone),
            key=f"episode {person.wearer} {day.day}",
            label_visibility="collapsed",
        )
    return by_start[chosen]


def _show_episode(visit: Visit, day: queries.Day, chosen: Episode) -> None:
    person = visit.client
    st.html(cards.episode_facts(chosen, person.zone))
    model = queries.timeline(
        visit.series,
        person,
        day,
        visit.registry.settings(person.wearer),
        around=(chosen.start_ns - _AROUND_NS, chosen.end_ns + _AROUND_NS),
    )
    if model is not None and model.postures:
        _chart(model, "episode timeline")


def _watch(visit: Visit, today: date) -> None:
    """Run the whole page again when the first data has come, or of a later day, or after midnight."""
    person = visit.client
    latest = _latest_day(visit, today)

    def look(visit: Visit) -> None:
        began = person.last_ns is None and len(visit.series.latest_frame(person.wearer)) > 0
        is_day = clock.day_of(visit.clock_ns(), person.zone)
        if began or is_day != today or (latest < today and _latest_day(visit, today) == today):
            st.rerun()

    st.fragment(part(look), run_every=_DAY_EVERY_S)(visit)
