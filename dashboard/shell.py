"""The frame around every page: who is signed in, which pages they have, and whose data it is about.

A page is a module of :mod:`dashboard.pages` with ``page(visit)``, loaded when it is first opened.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Final

import streamlit as st

from contracts.errors import AccessError, PlumblineError, Reason
from contracts.units import NS_PER_S
from dashboard.entry import access
from dashboard.entry.access import ALLOWED, Act, Relation, Viewer
from dashboard.entry.gate import Audit, Gate, GuardedRegistry
from dashboard.entry.visit import Visit, make_visit
from dashboard.frame import cards, frame_cards
from dashboard.frame.parts import FAILED
from dashboard.look import text
from dashboard.look.act_words import words_of
from dashboard.reading.sources import Sources
from dashboard.sensors.guide import guide
from store.people_ports import Role

#: The words at the head of what is refused.
NOT_YOURS: Final = frame_cards.NOT_YOURS
#: The query parameter, and the chooser's key, that says whose data a page is about.
CLIENT: Final = "client"
_SHOWN: Final = "shown client"
_ENDED: Final = "client of a page that ended"
_AGAIN: Final = "seen to have failed"
#: Pages whose first part, read every two seconds, says that the store is away.
_SAY_IT_THEMSELVES: Final = (Act.TODAY, Act.SENSORS)
#: How often an open page asks whether it may still be shown.
_LOOK_AGAIN_S: Final = 4


#: The module of each page. Pages have no sign: Streamlit would have the browser fetch it, for the tab,
#: from a host that is not ours.
MODULES: Final = {
    Act.CLIENTS: "clients",
    Act.REVIEW: "review",
    Act.SHEET: "sheet",
    Act.TODAY: "today",
    Act.WEEK: "week",
    Act.BODY: "body",
    Act.SENSORS: "sensors",
    Act.SETTINGS: "settings",
    Act.DATA: "data",
    Act.PEOPLE: "people",
    Act.ALL_SENSORS: "all_sensors",
    Act.AUDIT: "audit",
    Act.TEAM: "team",
}


def show(
    found: Sources, audit: Audit, who: Callable[[], Viewer], clock_ns: Callable[[], int]
) -> None:
    """The navigation and the chosen page. ``who`` gives the viewer, or raises AccessError."""
    viewer = who()
    acts = access.pages(viewer)
    if not acts:
        st.html(cards.brand())
        st.html(cards.empty("Nothing to see yet", *frame_cards.NO_ROLE))
        return
    own = viewer.wearer is not None
    entries = {
        act: st.Page(
            lambda act=act: open_page(act, found, audit, who, clock_ns),  # type: ignore[misc]
            title=words_of(act).named(own=own),
            url_path=str(act),
        )
        for act in acts
    }
    # Streamlit's default page answers at "/" alone; so that the first page has an address, that is none.
    home = st.Page(
        lambda: st.switch_page(entries[acts[0]]),
        title="Plumbline",
        url_path="home",
        default=True,
        visibility="hidden",
    )
    st.navigation([home, *entries.values()], position="top").run()


def open_page(
    act: Act,
    found: Sources,
    audit: Audit,
    who: Callable[[], Viewer],
    clock_ns: Callable[[], int],
) -> None:
    """Make the visit and run the page; what is refused is said in its place."""
    gate = Gate(act, who, audit)
    registry = GuardedRegistry(found.registry, gate)
    wearer = _whose(act, gate, registry)
    if wearer is None and not _about_nobody(act):
        _nobody_yet(act, who())
        st.fragment(_until_there_is_somebody, run_every=_LOOK_AGAIN_S)(registry)
        return
    gate.look(wearer)
    audit.looked(who().account, act, wearer)
    head = st.container()
    visit = make_visit(found, gate, wearer, clock_ns)
    if act is Act.TODAY:
        guide(visit)
    import_module(f"dashboard.pages.{MODULES[act]}").page(visit)
    with head:
        st.fragment(_as_long_as_allowed, run_every=_LOOK_AGAIN_S)(visit, wearer)


def _as_long_as_allowed(visit: Visit, wearer: str | None) -> None:
    """An open page goes when what let it be shown has ended: the sign-in, the account, the grant.

    Most of a page stands still, so nothing else would ask again, nor say that a store is away, nor show
    what is missing once it is back.
    """
    gate = visit.gate
    try:
        allowed = gate.may(gate.page, wearer)
    except AccessError:
        allowed = False
    except PlumblineError as error:
        st.session_state[FAILED] = True
        st.html(cards.trouble(error))
        return
    if not allowed:
        # Said as refused: the page must not go over to the next client by itself.
        st.session_state[_ENDED] = wearer
        st.rerun()
    failed = st.session_state.get(FAILED, False)
    trouble = visit.kept.trouble
    if trouble is not None and gate.page not in _SAY_IT_THEMSELVES:
        for_s = (visit.clock_ns() - trouble.since_ns) / NS_PER_S
        st.html(cards.trouble(trouble.error, for_s=for_s, kept=not failed))
    if failed and st.session_state.get(_AGAIN, False):
        st.session_state.update({FAILED: False, _AGAIN: False})
        st.rerun()
    st.session_state[_AGAIN] = failed


def _about_nobody(act: Act) -> bool:
    return any(Relation.NOBODY in acts.get(act, ()) for acts in ALLOWED.values())


def _whose(act: Act, gate: Gate, registry: GuardedRegistry) -> str | None:
    """The wearer that the page is about: as the address says, as chosen before, or one's own.

    AccessError, audited, where the address names somebody else's.
    """
    viewer = gate.viewer()
    if _about_nobody(act):
        _head(viewer, None)
        return None
    asked = st.session_state.pop(_ENDED, None) or st.query_params.get(CLIENT)
    if asked is not None and asked not in gate.seen():
        _head(viewer, None)
        gate.look(asked)
    labels = {w.wearer: w.label or w.wearer for w in registry.wearers()}
    if not labels:
        _head(viewer, None)
        return None
    if list(labels) == [viewer.wearer]:
        _head(viewer, None)
        return viewer.wearer
    return _head(viewer, labels, asked or st.session_state.get(_SHOWN) or viewer.wearer)


def _head(viewer: Viewer, labels: dict[str, str] | None, shown: str | None = None) -> str | None:
    """The person signed in, in the corner, and the client's chooser where there is a choice."""
    with (
        st.container(key="corner", width="content"),
        st.popover(text.literal(viewer.name), icon=":material/account_circle:"),
    ):
        st.html(frame_cards.who(viewer))
    return None if labels is None else _choose(labels, shown)


def _choose(labels: dict[str, str], shown: str | None) -> str:
    order = sorted(labels, key=lambda wearer: labels[wearer].casefold())
    if CLIENT not in st.session_state:
        st.session_state[CLIENT] = shown if shown in labels else order[0]
    chosen: str = st.selectbox(
        "Client",
        order,
        format_func=lambda wearer: labels[wearer],
        key=CLIENT,
        bind="query-params",
        label_visibility="collapsed",
        width=260,
    )
    st.session_state[_SHOWN] = chosen
    return chosen


def _nobody_yet(act: Act, viewer: Viewer) -> None:
    """Nobody's data to show: what would change that."""
    st.html(cards.title(words_of(act).named(own=viewer.wearer is not None)))
    words = frame_cards.NO_GRANT if Role.THERAPIST in viewer.roles else frame_cards.NO_WEARER
    st.html(cards.empty("No client yet", *words))


def _until_there_is_somebody(registry: GuardedRegistry) -> None:
    """A page about nobody goes over to the first client who lets this person look; or ends with the sign-in."""
    try:
        if not registry.wearers():
            return
    except AccessError:
        pass  # said by the page, made anew
    except PlumblineError as error:
        st.html(cards.trouble(error))
        return
    st.rerun()


def refused(error: AccessError) -> None:
    """In the place of a page: signed out, or not allowed."""
    st.html(frame_cards.refused(error))


def signed_out() -> AccessError:
    """What stands where nobody is signed in."""
    return AccessError(
        Reason.SIGNED_OUT, "You are signed out.", hint="Sign in to go on where you were."
    )
