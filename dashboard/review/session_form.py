"""Noting therapy sessions, several a day, and taking them back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time
from typing import Final
from zoneinfo import ZoneInfo

import streamlit as st

from contracts.errors import Reason, SettingError
from contracts.units import NS_PER_S
from dashboard.entry.access import Act
from dashboard.entry.visit import Visit
from dashboard.frame import cards
from dashboard.frame.parts import callback, part
from dashboard.look import clock, text
from dashboard.review import cards as review_cards
from dashboard.review.model import WeekReview
from store.people_checks import MAX_NOTE
from store.people_ports import TherapySession

_STEP_MIN: Final = 5
#: In the session, once a session of therapy was added or taken back: the page is made anew.
_CHANGED: Final = "sessions changed"
#: Of a note so much stands where a session is chosen to be taken back.
_SHOWN_NOTE: Final = 40


@part
def sessions(visit: Visit, review: WeekReview) -> None:
    """What was before and after the latest ones; and for a therapist, adding one and taking one back."""
    if st.session_state.pop(_CHANGED, False):
        st.rerun()  # the figures of the week were made before it
    person = review.person
    if review.sessions:
        st.html(review_cards.sessions(review.sessions, review.made_ns, person.zone))
    else:
        st.html(cards.empty("No session in these twelve weeks", *review_cards.NO_SESSION))
    if not visit.gate.may(Act.NOTE_SESSION, person.wearer):
        return
    noted = visit.people.sessions(person.wearer)
    with st.expander("Add or take back a session"):
        _add(visit, review, noted)
        if noted:
            _take_back(visit, review, noted)


def begun_ns(day: date, at: time, zone: ZoneInfo) -> int:
    """The moment of a time of day on the client's clock; of an hour that comes twice the first."""
    return int(datetime.combine(day, at, zone).timestamp()) * NS_PER_S


def _add(visit: Visit, review: WeekReview, noted: Sequence[TherapySession]) -> None:
    wearer, zone = review.person.wearer, review.person.zone
    today = clock.day_of(review.made_ns, zone)
    # by client: what is typed about one must never stand under another
    keys = [f"session {field} {wearer}" for field in ("day", "time", "note")]

    @callback
    def add() -> None:
        day, at, note = (st.session_state[key] for key in keys)
        at_ns = _begun_ns(day, at, zone, noted)
        visit.people.add_session(TherapySession(wearer, at_ns, visit.viewer.account, note.strip()))
        st.session_state.update(zip(keys, (today, None, ""), strict=True))
        st.session_state[_CHANGED] = True

    with st.form(f"session {wearer}", border=False):
        with st.container(horizontal=True):
            for key, first in zip(keys, (today, None, ""), strict=True):
                st.session_state.setdefault(key, first)
            st.date_input(
                "Day of the session",
                max_value=today,
                format="DD/MM/YYYY",
                key=keys[0],
                width=200,
            )
            st.time_input(
                "Began at, on the client’s clock", step=60 * _STEP_MIN, key=keys[1], width=260
            )
        st.text_input("Note", max_chars=MAX_NOTE, key=keys[2])
        st.form_submit_button("Add the session", on_click=add)


def _begun_ns(
    day: date | None, at: time | None, zone: ZoneInfo, noted: Sequence[TherapySession]
) -> int:
    """When it began. SettingError where that is not said, or another began then."""
    if day is None or at is None:
        raise SettingError(
            Reason.BAD_SETTING,
            "It was not said when the session began.",
            hint="Choose its day and time: several may be on one day.",
        )
    at_ns = begun_ns(day, at, zone)
    if any(session.at_ns == at_ns for session in noted):
        raise SettingError(
            Reason.BAD_SETTING,
            "A session that began then is noted already.",
            hint="Take that one back first, or choose another time.",
        )
    return at_ns


def _take_back(visit: Visit, review: WeekReview, noted: Sequence[TherapySession]) -> None:
    wearer = review.person.wearer
    by_time = {session.at_ns: session for session in reversed(noted)}
    key = f"session of {wearer}"

    @callback
    def take_back() -> None:
        visit.people.remove_session(wearer, st.session_state[key])
        st.session_state[key] = None
        st.session_state[_CHANGED] = True

    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.selectbox(
            "A session that was noted",
            list(by_time),
            format_func=lambda at_ns: _said(by_time[at_ns], review),
            index=None,
            placeholder="Choose one to take back",
            key=key,
            width=420,
        )
        st.button("Take it back", key="session back", disabled=chosen is None, on_click=take_back)


def _said(session: TherapySession, review: WeekReview) -> str:
    zone = review.person.zone
    day = text.day_name(clock.day_of(session.at_ns, zone), clock.day_of(review.made_ns, zone))
    note = session.note if len(session.note) <= _SHOWN_NOTE else f"{session.note[:_SHOWN_NOTE]}…"
    return " · ".join(filter(None, (f"{day}, {clock.clock_time(session.at_ns, zone)}", note)))
