"""The first steps on a client's own pages, as a part that says by itself what fails."""

from __future__ import annotations

import streamlit as st

from dashboard.entry.visit import Visit
from dashboard.frame.parts import part
from dashboard.sensors import first_steps


@part
def guide(visit: Visit) -> None:
    """Where somebody new goes next; nothing for whoever has all of it behind them."""
    way = first_steps.of(visit)
    if way:
        st.html(way)
