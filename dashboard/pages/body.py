"""The page of the body: where the rounded time points to, and where it hurts. Thin."""

from __future__ import annotations

from typing import Final

import streamlit as st

from dashboard.body import cards as body_cards
from dashboard.body import charts, model
from dashboard.body.component import body as body_component
from dashboard.body.figure import Look
from dashboard.body.model import Body, Period
from dashboard.body.regions import Region, regions
from dashboard.entry.access import Act
from dashboard.entry.visit import Visit
from dashboard.frame import cards
from dashboard.frame.parts import callback, part
from dashboard.look import theme
from dashboard.look.act_words import words_of
from dashboard.reading import queries
from store.people_checks import MAX_PAIN_NOTE
from store.people_ports import PainTap

_FOCUS: Final = "Areas to assess"
_HURTS: Final = "Where does it hurt?"
_PAIN: Final = "Pain told"
_EVERY_S: Final = 20
_BY_NAME: Final = "Choose by name"


def page(visit: Visit) -> None:
    """The figure with its areas, or with pain, and what belongs to it."""
    mine = visit.gate.may(Act.TAP_PAIN, visit.client.wearer)
    other = _HURTS if mine else _PAIN
    st.html(cards.head(visit.client, words_of(Act.BODY).named(own=visit.own), own=visit.own))
    with st.container(horizontal=True, horizontal_alignment="distribute"):
        mode = st.segmented_control(
            "What the figure shows",
            [_FOCUS, other],
            default=_FOCUS,
            key="body mode",
            required=True,
            label_visibility="collapsed",
            width="content",
        )
        period = Period.WEEK
        if mode != other:
            period = st.segmented_control(
                "Time",
                list(Period),
                default=Period.WEEK,
                format_func=lambda one: one.words,
                key="body period",
                required=True,
                label_visibility="collapsed",
                width="content",
            )
    if mode == other:
        st.fragment(_pain)(visit, mine=mine)
    else:
        st.fragment(_focus, run_every=_EVERY_S)(visit, period)


def _key(visit: Visit, mode: str) -> str:
    return f"body {mode} {visit.client.wearer}"


def _choose(key: str, region: str) -> None:
    st.session_state[key] = region


def _paper() -> theme.Paper:
    return theme.paper(st.context.theme.type)


@part
def _focus(visit: Visit, period: Period) -> None:
    person, now_ns = visit.client, visit.clock_ns()
    found = _read(visit, period, now_ns)
    start_ns, end_ns = model.bounds_ns(period, now_ns, person.zone)
    marks = model.latest(visit.people.pain(person.wearer, start_ns, end_ns))
    key = _key(visit, "chosen")
    region = regions().get(st.session_state.get(key, ""))
    if told := body_cards.summary(found):
        st.html(told)
    left, right = st.columns([3, 2], gap="medium")
    with left:
        _figure(found, marks, region, key)
    with right:
        _card(found, region, person)
    if found.areas:
        st.html(cards.part("All areas to assess"))
        st.html(body_cards.ranking(found.areas))
        st.html(cards.part("Before anyone works on the body"))
        st.html(cards.warnings())


def _read(visit: Visit, period: Period, now_ns: int) -> Body:
    person = visit.client
    start_ns, end_ns = model.bounds_ns(period, now_ns, person.zone)
    return model.body(
        period,
        visit.series.days(person.wearer, start_ns, end_ns),
        visit.series.episodes(person.wearer, start_ns, end_ns),
        visit.people.focus_edits(person.wearer),
    )


def _figure(found: Body, marks: dict[str, int], region: Region | None, key: str) -> None:
    muscles = {one.id: one for one in regions().values() if one.muscle}
    look = Look(
        shades=found.shades(),
        marks=marks,
        chosen=region.id if region else "",
        lit=found.lit(region.key) if region else frozenset(),
        words={
            name: model.called(one, found.muscles.get(one.key)) for name, one in muscles.items()
        },
        names=True,
    )
    body_component(look, _paper(), key="body areas", on_chosen=lambda name: _choose(key, name))
    _by_name(key, muscles)
    st.html(body_cards.legend(_paper(), pain=bool(marks)))


def _by_name(key: str, offered: dict[str, Region]) -> None:
    """The same choice as a list: small muscles are hard to hit with a finger."""
    picker = f"{key} by name"
    st.session_state[picker] = (
        st.session_state.get(key) if st.session_state.get(key) in offered else None
    )

    def pick() -> None:
        if st.session_state[picker]:
            _choose(key, st.session_state[picker])

    st.selectbox(
        _BY_NAME,
        sorted(offered, key=lambda name: offered[name].title),
        format_func=lambda name: offered[name].title,
        key=picker,
        on_change=pick,
        placeholder="Choose by name",
        label_visibility="collapsed",
    )


def _card(found: Body, region: Region | None, person: queries.Person) -> None:
    if region is None and not found.areas:
        st.html(_nothing(found))
        return
    with st.container(border=True):
        muscle = found.muscles.get(region.key) if region else None
        areas = muscle.areas if muscle else () if region else found.areas[:1]
        st.html(body_cards.chosen(region, muscle, _paper()) if region else body_cards.leading())
        for area in areas:
            st.html(body_cards.area(area, at=region.key if region else ""))
        episodes = muscle.episodes if muscle else areas[0].episodes if areas else ()
        if episodes:
            with st.expander(f"Episodes that led here ({len(episodes)})", key="body episodes"):
                st.html(body_cards.episodes(episodes, person.zone))
        st.html(body_cards.standing())


def _nothing(found: Body) -> str:
    if not found.worn_s:
        return cards.empty(
            f"Nothing recorded {found.period.within}",
            "What the sensors measure shows here by itself. A longer time can be chosen above.",
        )
    return cards.empty(f"No episode {found.period.within}", *cards.NO_EPISODE)


@part
def _pain(visit: Visit, *, mine: bool) -> None:
    person, now_ns = visit.client, visit.clock_ns()
    start_ns, end_ns = model.diary_bounds_ns(now_ns, person.zone)
    taps = visit.people.pain(person.wearer, start_ns, end_ns)
    key = _key(visit, "pain")
    region = regions().get(st.session_state.get(key, ""))
    left, right = st.columns([3, 2], gap="medium")
    with left:
        _pain_figure(taps, region, key, mine=mine)
    with right:
        if mine:
            _tap(visit, region, key)
        _diary(visit, taps, mine=mine)
    days = visit.series.days(person.wearer, start_ns, end_ns)
    shown = model.diary(taps, days, now_ns, person.zone)
    st.html(cards.part("Pain and rounding, the last four weeks"))
    st.vega_lite_chart(
        charts.pain_and_rounding(shown, _paper()), width="stretch", key="body pain chart"
    )
    st.html(body_cards.together())
    st.html(cards.warnings())


def _pain_figure(taps: list[PainTap], region: Region | None, key: str, *, mine: bool) -> None:
    marks = model.latest(taps)
    offered = regions() if mine else {}
    look = Look(
        marks=marks,
        chosen=region.id if region else "",
        words={name: model.hurts(one, marks.get(name)) for name, one in offered.items()},
    )
    body_component(look, _paper(), key="body pain", on_chosen=lambda name: _choose(key, name))
    if mine:
        _by_name(key, offered)


def _tap(visit: Visit, region: Region | None, key: str) -> None:
    with st.container(border=True):
        st.html(body_cards.where_it_hurts(region))
        if region is None:
            return
        with st.form(f"{key} {region.id}", border=False, clear_on_submit=True):
            score = st.slider(
                "How much, from 0 (none) to 10 (the worst you can think of)", 0, 10, 5
            )
            note = st.text_input("Note (optional)", max_chars=MAX_PAIN_NOTE)
            if st.form_submit_button("Save", type="primary"):
                at_ns = visit.clock_ns()
                visit.people.tap_pain(
                    PainTap(visit.client.wearer, at_ns, region.id, score, note.strip())
                )
                st.session_state.pop(key)
                st.toast(f"{region.title}: {score} of 10 is in the diary.")
                st.rerun(scope="fragment")


def _diary(visit: Visit, taps: list[PainTap], *, mine: bool) -> None:
    st.html(cards.part("Diary"))
    listed = sorted(taps, key=lambda tap: -tap.at_ns)[: model.MAX_LISTED]
    if not listed:
        st.html(body_cards.no_taps(mine=mine))
    for tap in listed:
        with st.container(horizontal=True, horizontal_alignment="distribute"):
            st.html(body_cards.tap(tap, visit.client.zone, _paper()), width="content")
            if mine:
                _take_back(visit, tap)


def _take_back(visit: Visit, tap: PainTap) -> None:
    @callback
    def remove() -> None:
        visit.people.remove_pain(tap.wearer, tap.at_ns, tap.region)

    st.button("Take back", key=f"back {tap.at_ns} {tap.region}", type="tertiary", on_click=remove)
