"""The body figure in the page: regions that are chosen by mouse, touch and keyboard."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import Any, Final

import streamlit as st

from dashboard.body.figure import Look, figure
from dashboard.body.regions import View, regions
from dashboard.look.theme import Paper

#: What stands under the figure while no region is pointed at.
HINT: Final = "Tap a place on the figure. By keyboard: Tab, then the arrow keys, and Enter."


def body(look: Look, page: Paper, *, key: str, on_chosen: Callable[[str], None]) -> None:
    """Front and back side by side, on a phone one at a time.

    ``on_chosen`` is called with the id of a region when the person chooses it, before the page runs
    again. The same ``key`` keeps the figure standing where it is.
    """

    def chosen() -> None:
        region = st.session_state[key].chosen
        # What comes from a browser is a region that was offered, or nothing.
        if isinstance(region, str) and region in look.words:
            on_chosen(region)

    picked = regions().get(look.chosen)
    data: dict[str, str] = {str(view): figure(view, page, look) for view in View}
    data["hint"] = HINT if look.words else ""
    data["show"] = str(View.FRONT if picked is None else picked.view)
    _component()(data=data, key=key, on_chosen_change=chosen)


@cache
def _component() -> Any:
    html, css, js = (
        files("dashboard").joinpath("body", f"figure.{kind}").read_text(encoding="utf-8")
        for kind in ("html", "css", "js")
    )
    return st.components.v2.component("plumbline_body", html=html, css=css, js=js)
