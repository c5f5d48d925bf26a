"""The page of a client's week. Thin: figures come from the model, how they look from cards and charts."""

from __future__ import annotations

from typing import Final

import streamlit as st

from dashboard.entry.visit import Visit
from dashboard.frame import week_chooser
from dashboard.frame.parts import part
from dashboard.look.weeks import IsoWeek
from dashboard.week import cards, model

_EVERY_S: Final = 30


def page(visit: Visit) -> None:
    """The chosen week, kept up to date while it is under way."""
    person, now_ns = visit.client, visit.clock_ns()
    week = week_chooser.choose(person, now_ns, own=visit.own)
    this = IsoWeek.at(now_ns, person.zone)
    st.fragment(_week, run_every=_EVERY_S if week == this else None)(visit, week, this)


@part
def _week(visit: Visit, week: IsoWeek, this: IsoWeek) -> None:
    person, now_ns = visit.client, visit.clock_ns()
    if IsoWeek.at(now_ns, person.zone) != this:
        st.rerun()
    goal_min_h = visit.registry.settings(person.wearer).goal_rounded_min_h
    found = model.week_of(visit.series, person, week, goal_min_h, now_ns)
    if not found.figures.worn_s and not found.before.worn_s:
        st.html(cards.nothing(found, ever=person.last_ns is not None))
        return
    st.html(cards.page(found))
