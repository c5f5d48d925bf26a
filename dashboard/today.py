"""The page of a client's day. Thin: what it shows comes from queries, how from cards and charts."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from datetime import date, timedelta
from typing import Concatenate, Final, Literal, ParamSpec

import streamlit as st

from contracts.errors import PlumblineError
from contracts.records import Episode
from contracts.units import NS_PER_S
from dashboard import cards, charts, clock, doubts, queries, theme
from dashboard.sources import Sources

_NOW_EVERY_S: Final = 2
_DAY_EVERY_S: Final = 5
_AROUND_NS: Final = 120 * NS_PER_S
_LONG_LIST: Final = 7
_LIST_HEIGHT_PX: Final = 470
_BACK: Final = (":material/chevron_left:", "Day before")
_ON: Final = (":material/chevron_right:", "Day after")
_RANGES: Final = {
    "Whole day": None,
    "Last hour": 3600 * NS_PER_S,
    "Last 10 min": 600 * NS_PER_S,
}

P = ParamSpec("P")


Part = Callable[Concatenate[Sources, P], None]


def _part(show: Part[P]) -> Part[P]:
    """A part of the page that says by itself when a database fails, and leaves the rest standing.

    Trouble with the store is said once, by the first part of the page.
    """

    @functools.wraps(show)
    def guarded(found: Sources, /, *args: P.args, **kwargs: P.kwargs) -> None:
        try:
            show(found, *args, **kwargs)
        except PlumblineError as error:
            if found.series.trouble is None:
                st.html(cards.trouble(error))

    return guarded


def page(found: Sources) -> None:
    """The day of the chosen client, kept up to date while it is today's."""
    people = queries.people(found.series, found.registry)
    if not people:
        st.html(cards.brand())
        st.html(cards.empty("No client yet", *cards.NO_CLIENT))
        _watch(found, None, None)
        return
    person = _choose_person(people)
    today = clock.day_of(time.time_ns(), person.zone)
    day = _choose_day(person, today)
    live = day == today
    every_s = _NOW_EVERY_S if live else None
    st.fragment(_top, run_every=every_s)(found, person, day, live=live)
    every_s = _DAY_EVERY_S if live else None
    st.fragment(_timeline, run_every=every_s)(found, person, day)
    st.fragment(_episodes, run_every=every_s)(found, person, day)
    _watch(found, person.wearer, today)


def _choose_person(people: list[queries.Person]) -> queries.Person:
    """Brand at the left and, where there are several people, the picker at the right."""
    by_id = {p.wearer: p for p in people}
    with st.container(
        horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"
    ):
        st.html(cards.brand(), width="content")
        if len(people) == 1:
            return people[0]
        wearer = st.selectbox(
            "Client",
            list(by_id),
            format_func=lambda wearer: by_id[wearer].label,
            key="client",
            bind="query-params",
            label_visibility="collapsed",
            width=260,
        )
    return by_id[wearer]


def _choose_day(person: queries.Person, today: date) -> date:
    """The client's name and day, with the way to other days. Follows the latest day until moved."""
    first = clock.day_of(person.first_ns, person.zone) if person.first_ns else today
    latest = min(today, clock.day_of(person.last_ns, person.zone)) if person.last_ns else today
    key = f"day {person.wearer}"
    if st.session_state.get(key) in (None, st.session_state.get("latest " + key)):
        st.session_state[key] = latest
    st.session_state["latest " + key] = latest
    first = min(first, latest)
    with st.container(
        horizontal=True, horizontal_alignment="distribute", vertical_alignment="bottom"
    ):
        st.html(cards.head(person, st.session_state[key], today), width="content")
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


def _step(key: str, days: int, *, disabled: bool) -> None:
    def move() -> None:
        st.session_state[key] += timedelta(days=days)

    icon, words = _BACK if days < 0 else _ON
    # The words are for screen readers; the style sheet shows the arrow only.
    with st.container(key=f"step {words}", width="content"):
        st.button(words, icon=icon, key=f"{words} {key}", on_click=move, disabled=disabled)


@_part
def _top(found: Sources, person: queries.Person, of: date, *, live: bool) -> None:
    now_ns, kept = time.time_ns(), False
    try:
        state = queries.now(found.series, found.registry, person, now_ns)
        day = queries.day(found.series, person, of)
        kept = True
    finally:
        trouble = found.series.trouble
        if trouble is not None:
            for_s = (now_ns - trouble.since_ns) / NS_PER_S
            st.html(cards.trouble(trouble.error, for_s=for_s, kept=kept))
    if trouble is not None:
        state = queries.now(found.series, found.registry, person, now_ns, unread=True)
    st.html(cards.news(state.news, state.sensors))
    if live and state.doubt is not None:
        st.html(doubts.card(state.doubt, person.zone))
    if day.empty:
        st.html(cards.empty_day(day, clock.day_of(now_ns, person.zone), state.sensors))
    else:
        st.html(cards.top(state if live else None, person.zone, day.numbers))


@_part
def _timeline(found: Sources, person: queries.Person, of: date) -> None:
    day = queries.day(found.series, person, of)
    if day.empty:
        return
    with st.container(
        horizontal=True, horizontal_alignment="distribute", vertical_alignment="bottom"
    ):
        st.subheader("Timeline", width="content", anchor=False)
        chosen = st.segmented_control(
            "Time shown",
            list(_RANGES),
            default="Whole day",
            key="range",
            required=True,
            label_visibility="collapsed",
            width="content",
        )
    settings = found.registry.settings(person.wearer)
    model = queries.timeline(
        found.series, person, day, settings, last_ns=_RANGES[chosen or "Whole day"]
    )
    if model is not None:
        _chart(model, "timeline")
        st.html(cards.legend(model, day.numbers))


def _chart(model: queries.Timeline, key: str) -> None:
    page = theme.paper(st.context.theme.type)
    st.altair_chart(charts.timeline(model, page), width="stretch", key=key)


@_part
def _episodes(found: Sources, person: queries.Person, of: date) -> None:
    day = queries.day(found.series, person, of)
    if day.empty:
        return
    st.subheader("Episodes of sustained rounding", anchor=False)
    if not day.episodes:
        st.html(cards.empty("No episode on this day", *cards.NO_EPISODE))
        return
    left, right = st.columns([4, 7], gap="medium")
    with left:
        chosen = _choose_episode(person, day)
    with right, st.container(border=True):
        _show_episode(found, person, day, chosen)
    with st.container(border=True):
        st.html(cards.episode_focus(chosen, person.zone))
    if day.focus:
        st.subheader("Focus areas of the day", anchor=False)
        st.html(cards.ranking(day.focus))
        st.subheader("Before anyone works on the body", anchor=False)
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


def _show_episode(
    found: Sources, person: queries.Person, day: queries.Day, chosen: Episode
) -> None:
    st.html(cards.episode_facts(chosen, person.zone))
    model = queries.timeline(
        found.series,
        person,
        day,
        found.registry.settings(person.wearer),
        around=(chosen.start_ns - _AROUND_NS, chosen.end_ns + _AROUND_NS),
    )
    if model is not None and model.postures:
        _chart(model, "episode timeline")


def _watch(found: Sources, wearer: str | None, today: date | None) -> None:
    """Run the whole page again when there is someone new, or when midnight has passed."""

    def look(found: Sources) -> None:
        people = queries.people(found.series, found.registry)
        known = sorted((p.wearer, p.last_ns is None) for p in people)
        person = next((p for p in people if p.wearer == wearer), None)
        is_day = clock.day_of(time.time_ns(), person.zone) if person else None
        if st.session_state.get("known", known) != known or is_day != today:
            st.session_state["known"] = known
            st.rerun()
        st.session_state["known"] = known

    st.fragment(_part(look), run_every=_DAY_EVERY_S)(found)
