"""What every page begins with: the stores, the person signed in, the frame. dashboard/script runs it."""

from __future__ import annotations

import os
import time

import streamlit as st

from contracts.errors import AccessError, PlumblineError
from dashboard import shell
from dashboard.entry.access import Viewer
from dashboard.entry.door import COOKIE, Door
from dashboard.entry.gate import Audit
from dashboard.look import cards, theme
from dashboard.reading import sources

_RETRY_S = 4


def _close(found: tuple[sources.Sources, Door, Audit]) -> None:
    found[0].series.close()
    found[0].registry.close()


@st.cache_resource(show_spinner=False, on_release=_close, max_entries=1)
def _opened(store_url: str, registry_url: str) -> tuple[sources.Sources, Door, Audit]:
    found = sources.open_sources(store_url, registry_url)
    people = found.registry.people
    return found, Door(people, clock_ns=time.time_ns), Audit(people, time.time_ns)


@st.fragment(run_every=_RETRY_S)
def _try_again() -> None:
    """Run the whole page again in a while; the first run of the fragment is part of this one."""
    if st.session_state.pop("waited", False):
        st.rerun()
    st.session_state["waited"] = True


def main() -> None:
    """Show the page, or say why it cannot be shown and go on trying."""
    st.set_page_config(page_title="Plumbline", layout="wide")
    st.html(theme.css(st.context.theme.type))
    try:
        found, door, audit = _opened(*sources.addresses(os.environ))
        token = st.context.cookies.get(COOKIE, "")

        def who() -> Viewer:
            viewer = door.viewer(token)
            if viewer is None or viewer.must_change:
                raise shell.signed_out()
            return viewer

        door.touch(token)
        shell.show(found, audit, who, time.time_ns)
        st.session_state.pop("failing since", None)
    except AccessError as error:
        shell.refused(error)
    except PlumblineError as error:
        _opened.clear()
        now_s = time.monotonic()
        for_s = now_s - st.session_state.setdefault("failing since", now_s)
        st.html(cards.brand())
        st.html(cards.trouble(error, for_s=for_s))
        _try_again()
