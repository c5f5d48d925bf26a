"""The therapist's clients, who needs attention first. Thin: rows from the model, HTML from the table."""

from __future__ import annotations

from typing import Final

import streamlit as st

from dashboard.clients import model, table
from dashboard.entry.visit import Visit
from dashboard.frame import cards
from dashboard.frame.parts import part

_NEEDING: Final = "Needs attention first"
_BY_NAME: Final = "By name"
_EVERY_S: Final = 60
NO_GRANT: Final = (
    "A client lets you look under My data, where they choose you by name.",
    "As soon as one does, the client is listed here.",
)
NOT_FOUND: Final = "No client of yours has that in the name. Clear the search to see all of them."


def page(visit: Visit) -> None:
    """The list, read anew once a minute; what is searched for stays."""
    st.fragment(_list, run_every=_EVERY_S)(visit)


@part
def _list(visit: Visit) -> None:
    now_ns = visit.clock_ns()
    rows = model.client_rows(visit.series, visit.registry, now_ns)
    st.html(cards.title("Clients"))
    if not rows:
        st.html(cards.empty("No client lets you look yet", *NO_GRANT))
        return
    with st.container(
        horizontal=True, horizontal_alignment="distribute", vertical_alignment="bottom"
    ):
        name = st.text_input(
            "Find a client",
            key="client name",
            placeholder="Find by name",
            max_chars=80,
            label_visibility="collapsed",
            width=260,
        )
        order = st.segmented_control(
            "Order",
            [_NEEDING, _BY_NAME],
            default=_NEEDING,
            key="client order",
            required=True,
            label_visibility="collapsed",
            width="content",
        )
    shown = model.found(rows, name)
    if order == _BY_NAME:
        shown = model.by_name(shown)
    st.caption(table.summary(rows))
    if not shown:
        st.html(cards.empty("Nobody found", NOT_FOUND))
        return
    st.html(table.table(shown, now_ns))
