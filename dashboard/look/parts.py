"""Parts of a page that refresh by themselves, each of which says by itself what fails."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Concatenate, ParamSpec

import streamlit as st

from contracts.errors import AccessError, PlumblineError
from dashboard.entry.visit import Visit
from dashboard.look import cards, frame_cards
from dashboard.sensors import first_steps

P = ParamSpec("P")

Part = Callable[Concatenate[Visit, P], None]


def part(show: Part[P]) -> Part[P]:
    """``show`` that says when a database fails or access has ended, and leaves the other parts standing.

    Trouble with the store is said once, by the first part of a page.
    """

    @functools.wraps(show)
    def guarded(visit: Visit, /, *args: P.args, **kwargs: P.kwargs) -> None:
        try:
            show(visit, *args, **kwargs)
        except AccessError as error:
            st.html(frame_cards.refused(error))
        except PlumblineError as error:
            if visit.kept.trouble is None:
                st.html(cards.trouble(error))

    return guarded


@part
def guide(visit: Visit) -> None:
    """Where somebody new goes next; nothing for whoever has all of it behind them."""
    way = first_steps.of(visit)
    if way:
        st.html(way)
