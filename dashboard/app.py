"""The script that Streamlit runs: opens the sources, then the page. `plumbline dashboard` starts it."""

from __future__ import annotations

import os
import time

import streamlit as st

from contracts.errors import PlumblineError
from dashboard import cards, sources, theme, today

_RETRY_S = 4


def _close(found: sources.Sources) -> None:
    found.series.close()
    found.registry.close()


@st.cache_resource(show_spinner=False, on_release=_close, max_entries=1)
def _sources(store_url: str, registry_url: str) -> sources.Sources:
    return sources.open_sources(store_url, registry_url)


@st.fragment(run_every=_RETRY_S)
def _try_again() -> None:
    """Run the whole page again in a while; the first run of the fragment is part of this one."""
    if st.session_state.pop("waited", False):
        st.rerun()
    st.session_state["waited"] = True


def main() -> None:
    """Show the page, or say why it cannot be shown and go on trying."""
    st.set_page_config(page_title="Plumbline", layout="wide")
    st.html(theme.css())
    try:
        found = _sources(*sources.addresses(os.environ))
        page = st.Page(lambda: today.page(found), title="Today", url_path="today", default=True)
        st.navigation([page], position="hidden").run()
        st.session_state.pop("failing since", None)
    except PlumblineError as error:
        _sources.clear()
        now_s = time.monotonic()
        for_s = now_s - st.session_state.setdefault("failing since", now_s)
        st.html(cards.brand())
        st.html(cards.trouble(error, for_s=for_s))
        _try_again()


main()
