"""The administrator's page of all sensors: who wears which, how they do, and taking one back."""

from __future__ import annotations

from typing import Final

import streamlit as st

from contracts.errors import PlumblineError
from dashboard.entry.access import Act
from dashboard.entry.visit import Visit
from dashboard.frame import cards
from dashboard.frame.parts import part
from dashboard.look import clock
from dashboard.office import cards as office_cards
from dashboard.office import model
from dashboard.office.model import SensorRow

_EVERY_S: Final = 10


def page(visit: Visit) -> None:
    """The list, kept up to date; below it the way to take a sensor back."""
    st.html(cards.title("Sensors"))
    wanted = st.text_input(
        "Find a sensor",
        key="sensor wanted",
        placeholder="Find by sensor, wearer or gateway",
        max_chars=80,
        label_visibility="collapsed",
        width=320,
    )
    st.fragment(_list, run_every=_EVERY_S)(visit, wanted)
    _take_back(visit)


@part
def _list(visit: Visit, wanted: str) -> None:
    now_ns = visit.clock_ns()
    rows = _rows(visit)
    if not rows:
        st.html(cards.empty("No sensor yet", *office_cards.NO_SENSOR))
        return
    zone = clock.zone_of(st.context.timezone or "UTC")
    worn = sum(row.wearer is not None for row in rows)
    st.caption(f"{len(rows)} sensors, {worn} of them worn. Times are of this browser’s zone.")
    st.html(office_cards.sensors(model.found_sensors(rows, wanted), now_ns, zone))


@part
def _take_back(visit: Visit) -> None:
    worn = {row.sensor: row for row in _rows(visit) if row.wearer is not None}
    if not worn:
        return
    st.html(cards.part("Take a sensor back"))
    st.caption(
        "It then belongs to nobody and can be paired anew. What it measured stays with the client."
    )
    with st.form("take back", border=False, clear_on_submit=True):
        chosen = st.selectbox(
            "Sensor", list(worn), format_func=lambda s: _named(worn[s]), index=None, width=420
        )
        if st.form_submit_button("Take it back") and chosen is not None:
            _end(visit, worn[chosen])


def _end(visit: Visit, row: SensorRow) -> None:
    if visit.office is None or row.wearer is None:
        return
    try:
        visit.gate.change(Act.MANAGE, None, f"{row.sensor} taken back")
        visit.office.registry.unassign(row.wearer.wearer, row.sensor, visit.clock_ns())
    except PlumblineError as error:
        st.error(str(error))
        return
    st.rerun()


def _rows(visit: Visit) -> list[SensorRow]:
    if visit.office is None:
        raise ValueError("the page of all sensors was opened as another")
    visit.gate.look(None)
    office = visit.office
    return model.sensor_rows(
        office.health(), office.registry.assignments(), office.registry.wearers(), visit.clock_ns()
    )


def _named(row: SensorRow) -> str:
    return row.sensor if row.wearer is None else f"{row.sensor}, {row.wearer.wearer}"
