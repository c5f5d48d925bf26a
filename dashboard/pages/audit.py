"""The administrator's page of the audit: who did or wanted what, refused or not."""

from __future__ import annotations

from typing import Final

import streamlit as st

from dashboard.entry.visit import Visit
from dashboard.frame import cards
from dashboard.frame.parts import part
from dashboard.look import clock
from dashboard.office import cards as office_cards
from dashboard.office import model
from store.people_ports import Look

_OLDER: Final = "audit before"
_NOBODY: Final = ""


def page(visit: Visit) -> None:
    """Filters, and the entries that fit."""
    st.html(cards.title("Audit"))
    _entries(visit)


@part
def _entries(visit: Visit) -> None:
    if visit.office is None:
        raise ValueError("the audit was opened as another page")
    visit.gate.look(None)
    office = visit.office
    accounts = office.people.accounts()
    names, wearers = model.names_of(accounts), model.wearers_of(accounts)
    labels = {wearer.wearer: wearer.label for wearer in office.registry.wearers()}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        who = st.multiselect(
            "Who",
            [*names, _NOBODY],
            format_func=lambda a: names.get(a, office_cards.NOBODY.capitalize()),
            placeholder="Everybody",
            key="audit who",
            width=280,
        )
        about = st.selectbox(
            "About",
            list(labels),
            format_func=lambda w: f"{labels[w]} ({w})" if labels[w] else w,
            index=None,
            placeholder="Anybody",
            key="audit about",
            width=280,
        )
        refused = st.toggle("Only refused", key="audit refused")
    before_ns: int | None = st.session_state.get(_OLDER)
    looks = office.people.looks(wearer=about, before_ns=before_ns, limit=model.LOOKED_THROUGH)
    found = model.found_looks(looks, accounts=who or None, refused=refused)
    shown = found[: model.MAX_LOOKS]
    if not shown:
        st.html(cards.empty("No entry", office_cards.NO_LOOK))
    else:
        zone = clock.zone_of(st.context.timezone or "UTC")
        st.caption("Latest first. Times are of this browser’s zone.")
        st.html(office_cards.looks(shown, names, labels, wearers, visit.clock_ns(), zone))
    _turn(before_ns, _next_before(len(found), looks, shown))


def _next_before(found: int, looks: list[Look], shown: list[Look]) -> int | None:
    """Before which entry the next page begins; None where there is none."""
    if found > len(shown):
        return shown[-1].at_ns
    return looks[-1].at_ns if len(looks) == model.LOOKED_THROUGH else None


def _turn(before_ns: int | None, next_ns: int | None) -> None:
    def go(to_ns: int | None) -> None:
        st.session_state[_OLDER] = to_ns

    with st.container(horizontal=True):
        if before_ns is not None:
            st.button("Latest entries", on_click=go, args=(None,))
        if next_ns is not None:
            st.button("Older entries", on_click=go, args=(next_ns,))
