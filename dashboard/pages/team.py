"""The employer's page: weeks of many people, or nothing."""

from __future__ import annotations

import streamlit as st

from dashboard.entry.visit import Visit
from dashboard.frame import cards
from dashboard.frame.parts import part
from dashboard.office import team_cards
from dashboard.office.team_source import read_team


def page(visit: Visit) -> None:
    """The weeks of all who agreed."""
    st.html(cards.title("Team"))
    _weeks(visit)


@part
def _weeks(visit: Visit) -> None:
    if visit.team is None:
        raise ValueError("the team's page was opened as another")
    found = visit.team()
    view = read_team(found.series, found.registry, visit.clock_ns())
    numbers = team_cards.headline(view)
    if not numbers:
        st.html(cards.empty("Not enough people yet", *team_cards.NOT_YET))
    else:
        st.caption(team_cards.said(view))
        st.html(numbers)
        st.html(team_cards.weeks(view))
    st.html(cards.part("How this is counted"))
    st.html(team_cards.how(view))
