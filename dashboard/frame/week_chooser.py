"""The chooser of a calendar week, kept in the address as ``?week=2026-W47``. Thin Streamlit."""

from __future__ import annotations

from typing import Final

import streamlit as st

from contracts.errors import SettingError
from contracts.units import NS_PER_S
from dashboard.frame import cards
from dashboard.look.weeks import IsoWeek
from dashboard.reading.queries import Person

#: The query parameter; without it the page shows the week it begins with.
WEEK: Final = "week"
#: Seconds are forgotten after a month or so, days and minutes are kept: one may always look back so far.
_BACK_WEEKS: Final = 52
#: 2000-01-01: a clock that was never set begins at 1970, and no week of that can be chosen.
_CLOCKS_SET_NS: Final = 946_684_800 * NS_PER_S
_BACK: Final = (":material/chevron_left:", "Week before")
_ON: Final = (":material/chevron_right:", "Week after")


def choose(
    person: Person, now_ns: int, *, own: bool = False, begin: IsoWeek | None = None
) -> IsoWeek:
    """The week that the address names, with the ways to others: from the first with data to this one.

    ``begin``: what an address without a week shows; the week under way where it is not said. A week that is
    none, or has not come yet, is said, and this week shown.
    """
    this = IsoWeek.at(now_ns, person.zone)
    first = this.moved(-_BACK_WEEKS)
    if person.first_ns is not None:
        first = min(first, IsoWeek.at(max(person.first_ns, _CLOCKS_SET_NS), person.zone))
    home = begin or this
    chosen = _asked(this, home)
    with st.container(
        horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"
    ):
        st.html(cards.head(person, _title(chosen, this), own=own), width="content")
        with st.container(
            horizontal=True, vertical_alignment="center", width="content", gap="small"
        ):
            _step(chosen, -1, home, disabled=chosen <= first)
            _to_this(this, home, disabled=chosen == this)
            _step(chosen, +1, home, disabled=chosen >= this)
    return chosen


def _asked(this: IsoWeek, home: IsoWeek) -> IsoWeek:
    name = st.query_params.get(WEEK)
    if name is None:
        return home
    try:
        asked = IsoWeek.parse(name)
    except SettingError as error:
        st.html(cards.empty(error.message, error.hint, "This week is shown instead."))
        return this
    if asked > this:
        st.html(cards.empty("This week has not come yet", "The week under way is shown instead."))
        return this
    return asked


def _title(chosen: IsoWeek, this: IsoWeek) -> str:
    name = {this: "This week", this.moved(-1): "Last week"}.get(chosen)
    number = f"Week {chosen.monday.isocalendar().week}"
    return f"{name or number}, {chosen.said()}"


def _go(week: IsoWeek, home: IsoWeek) -> None:
    """A page that is left open on the week it begins with goes over to the next one by itself."""
    if week == home:
        st.query_params.pop(WEEK, None)
    else:
        st.query_params[WEEK] = week.name


def _step(chosen: IsoWeek, weeks: int, home: IsoWeek, *, disabled: bool) -> None:
    icon, words = _BACK if weeks < 0 else _ON
    # The words are for screen readers; the style sheet shows the arrow only.
    with st.container(key=f"step {words}", width="content"):
        st.button(
            words,
            icon=icon,
            key=f"{words} of week",
            on_click=_go,
            args=(chosen.moved(weeks), home),
            disabled=disabled,
        )


def _to_this(this: IsoWeek, home: IsoWeek, *, disabled: bool) -> None:
    st.button("This week", key="this week", on_click=_go, args=(this, home), disabled=disabled)
