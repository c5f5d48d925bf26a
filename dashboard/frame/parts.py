"""Parts of a page that refresh by themselves, each of which says by itself what fails."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Concatenate, Final, ParamSpec

import streamlit as st

from contracts.errors import AccessError, PlumblineError, SettingError
from dashboard.entry.visit import Visit
from dashboard.frame import cards, frame_cards

P = ParamSpec("P")

Part = Callable[Concatenate[Visit, P], None]


#: In the session while a part could not be shown: the page is made anew as soon as that may have ended.
FAILED: Final = "a part failed"
_NOT_DONE: Final = "not done"


def part(show: Part[P]) -> Part[P]:
    """``show`` that says when a database fails or access has ended, and leaves the other parts standing.

    Trouble with the store is said once, at the head of the page.
    """

    @functools.wraps(show)
    def guarded(visit: Visit, /, *args: P.args, **kwargs: P.kwargs) -> None:
        _say_what_was_not_done()
        try:
            show(visit, *args, **kwargs)
        except AccessError as error:
            st.html(frame_cards.refused(error))
        except SettingError as error:
            st.html(cards.not_done(error))
        except PlumblineError as error:
            st.session_state[FAILED] = True
            if visit.kept.trouble is None:
                st.html(cards.trouble(error))

    return guarded


def callback(do: Callable[P, None]) -> Callable[P, None]:
    """``do`` for a widget. It runs before its part does, which says what could not be done."""

    @functools.wraps(do)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            do(*args, **kwargs)
        except PlumblineError as error:
            st.session_state[_NOT_DONE] = cards.not_done(error)

    return guarded


def _say_what_was_not_done() -> None:
    words = st.session_state.pop(_NOT_DONE, None)
    if words is not None:
        st.html(words)
