"""What every page begins with: the stores, the person signed in, the frame. dashboard/script runs it."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass

import streamlit as st

from contracts.errors import AccessError, PlumblineError, Reason
from dashboard import shell
from dashboard.entry.access import Viewer
from dashboard.entry.door import COOKIE, Door
from dashboard.entry.gate import Audit
from dashboard.frame import cards
from dashboard.look import theme
from dashboard.reading import sources

_RETRY_S = 4


@dataclass(slots=True)
class _Opened:
    """The stores, what decides by them, and which file the registry was when it was opened."""

    found: sources.Sources
    door: Door
    audit: Audit
    stamp: object
    closed: bool = False


def _close(opened: _Opened) -> None:
    opened.closed = True
    opened.found.series.close()
    opened.found.registry.close()


@st.cache_resource(show_spinner=False, on_release=_close, max_entries=1)
def _open(store_url: str, registry_url: str, stamp: object) -> _Opened:
    found = sources.open_sources(store_url, registry_url)
    people = found.registry.people
    door = Door(people, clock_ns=time.time_ns)
    return _Opened(found, door, Audit(people, time.time_ns), stamp)


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
        store_url, registry_url = sources.addresses(os.environ)
        opened = _open(store_url, registry_url, sources.stamp(registry_url))
        token = st.context.cookies.get(COOKIE, "")

        def who() -> Viewer:
            # Closed by another page that found it damaged; or what was decided since is in another file.
            if opened.closed or sources.stamp(registry_url) != opened.stamp:
                st.rerun()
            viewer = opened.door.viewer(token)
            if viewer is None or viewer.must_change:
                raise shell.signed_out()
            return viewer

        opened.door.touch(token)
        shell.show(opened.found, opened.audit, who, time.time_ns)
        st.session_state.pop("failing since", None)
    except AccessError as error:
        shell.refused(error)
    except PlumblineError as error:
        if error.reason is Reason.STORE_CORRUPT:
            _open.clear()
        now_s = time.monotonic()
        for_s = now_s - st.session_state.setdefault("failing since", now_s)
        st.html(cards.brand())
        st.html(cards.trouble(error, for_s=for_s))
        _try_again()
