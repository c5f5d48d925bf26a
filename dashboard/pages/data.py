"""My data: take it away, agree, let look, see who looked, erase. Thin."""

from __future__ import annotations

import uuid
from typing import Final, Literal
from urllib.parse import urlsplit

import streamlit as st

from contracts.errors import AccessError, PlumblineError
from contracts.units import NS_PER_S
from dashboard.entry.visit import Visit
from dashboard.frame import cards
from dashboard.frame.parts import part
from dashboard.look import text
from dashboard.look.weeks import IsoWeek
from dashboard.mine import cards as mine_cards
from dashboard.mine import consent
from dashboard.sensors.guide import guide
from store.people_ports import Consent, ConsentKind, Errand, ErrandKind, ErrandState, Grant

_DAY_NS: Final = 86400 * NS_PER_S
_STATE_EVERY_S: Final = 2
_LOOKS_EVERY_S: Final = 10
#: Looks that are shown at first, that each press adds, and at most.
_LOOKS: Final = 100
_MOST_LOOKS: Final = 2000
_UNTIL: Final = {"30 days": 30, "90 days": 90, "a year": 365, "until I take it back": None}
_NUMBER: Final = "receipt number"
_ASKED: Final = "erasure asked"


def page(visit: Visit) -> None:
    """Everything about a client's data that is the client's to decide; or how far its erasure is."""
    if not st.session_state.get(_ASKED):
        asked = _erasure(visit)
        if asked is not None and asked.state is ErrandState.ASKED:
            st.session_state.update({_NUMBER: asked.errand, _ASKED: True})
    if st.session_state.get(_ASKED):
        st.fragment(_erasing, run_every=_STATE_EVERY_S)(visit)
        return
    st.html(cards.head(visit.client, "My data", own=True))
    guide(visit)
    given = consent.in_force(visit.people.consents(visit.client.wearer), ConsentKind.MONITORING)
    if given is None:
        _consents(visit)
        _downloads(visit)
    else:
        _downloads(visit)
        _consents(visit)
    _grants(visit)
    st.html(cards.part("Who looked and when"))
    st.fragment(_looks, run_every=_LOOKS_EVERY_S)(visit)
    _erase(visit)
    # In this very run: at the next the account may be gone, and this page with it.
    if st.session_state.get(_ASKED):
        st.fragment(_erasing, run_every=_STATE_EVERY_S)(visit)


@part
def _downloads(visit: Visit) -> None:
    st.html(cards.part("Take it away"))
    week = IsoWeek.at(visit.clock_ns(), visit.client.zone)
    st.html(mine_cards.downloads(visit.client.wearer, week.name))


@part
def _consents(visit: Visit) -> None:
    st.html(cards.part("What you agree to"))
    given = visit.people.consents(visit.client.wearer)
    for kind in ConsentKind:
        words = consent.words(kind)
        current = consent.in_force(given, kind)
        st.html(mine_cards.consent(words, current, visit.clock_ns(), visit.client.zone))
        if current is None or current.version != words.version:
            label = f"I agree: {words.title[:1].lower()}{words.title[1:]}"
            # What is optional is not pressed on anyone.
            asked: Literal["primary", "secondary"] = (
                "primary" if kind is ConsentKind.MONITORING else "secondary"
            )
            if st.button(label, key=f"agree {kind}", type=asked):
                _agree(visit, words)
        if current is not None:
            _take_back(visit, words)


def _agree(visit: Visit, words: consent.Words) -> None:
    now_ns = visit.clock_ns()
    visit.people.give_consent(Consent(visit.client.wearer, words.kind, words.version, now_ns))
    st.rerun()


def _take_back(visit: Visit, words: consent.Words) -> None:
    with st.popover(f"Take back: {words.title.lower()}"):
        st.write(words.withdrawing)
        if st.button("Take it back", key=f"withdraw {words.kind}", type="primary"):
            _withdraw(visit, words.kind)
            st.rerun()


def _withdraw(visit: Visit, kind: ConsentKind) -> None:
    """Take a consent back; without the one to be measured nobody wears a sensor."""
    wearer, now_ns = visit.client.wearer, visit.clock_ns()
    visit.people.withdraw_consent(wearer, kind, now_ns)
    if kind is ConsentKind.MONITORING:
        for worn in visit.registry.assignments(wearer):
            if worn.end_ns is None or worn.end_ns > now_ns:
                visit.registry.unassign(wearer, worn.sensor, now_ns)


@part
def _grants(visit: Visit) -> None:
    st.html(cards.part("Who may look"))
    now_ns, zone = visit.clock_ns(), visit.client.zone
    grants = visit.people.grants(visit.client.wearer)
    in_force = [g for g in grants if g.end_ns is None or g.end_ns > now_ns]
    if not in_force:
        st.html(mine_cards.NOBODY_MAY)
    for one in in_force:
        with st.container(horizontal=True, vertical_alignment="center", border=True):
            name = visit.people.name_of(one.account)
            st.html(mine_cards.grant(one, name, zone))
            key = f"revoke {one.account} {one.start_ns}"
            if st.button(f"Take back: {text.literal(name)}", key=key):
                visit.people.revoke(visit.client.wearer, one.account, now_ns)
                st.rerun()
    _let_look(visit, {g.account for g in in_force})
    past = [g for g in grants if g not in in_force]
    if past:
        with st.expander("Who might look before"):
            st.html(mine_cards.ended(past, visit.people.name_of, zone))


def _let_look(visit: Visit, already: set[str]) -> None:
    names = {a: name for a, name in visit.people.therapists() if a not in already}
    if not names:
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        account = st.selectbox(
            "Let a therapist look", list(names), format_func=lambda a: names[a], index=None,
            placeholder="Choose a therapist", width=300, key="grant to",
        )  # fmt: skip
        length = st.selectbox("For", list(_UNTIL), index=1, width=200, key="grant for")
        if st.button("Let look", type="primary", disabled=account is None) and account:
            now_ns, days = visit.clock_ns(), _UNTIL[length]
            end_ns = None if days is None else now_ns + days * _DAY_NS
            visit.people.grant(Grant(visit.client.wearer, account, now_ns, end_ns))
            st.rerun()


@part
def _looks(visit: Visit) -> None:
    others = st.toggle("Only others", value=True, key="only others")
    limit = st.session_state.setdefault("looks shown", _LOOKS)
    found = visit.people.looks(visit.client.wearer, limit=_MOST_LOOKS if others else limit)
    me = visit.viewer.account
    shown = [look for look in found if not others or look.account != me]
    if not shown:
        st.html(mine_cards.NOBODY_DID)
        return
    st.html(
        mine_cards.looks(
            shown[:limit], visit.people.name_of, me, visit.clock_ns(), visit.client.zone
        )
    )
    more = len(shown) > limit or (not others and len(found) == limit)
    if more and limit < _MOST_LOOKS:
        st.button("Earlier", on_click=_more_looks)


def _more_looks() -> None:
    st.session_state["looks shown"] += _LOOKS


@part
def _erase(visit: Visit) -> None:
    st.html(cards.part("Erase everything"))
    asked = _erasure(visit)
    if asked is not None and asked.state is ErrandState.FAILED:
        st.html(mine_cards.erasing(asked, visit.clock_ns(), visit.client.zone))
    with st.expander("What goes, and how"):
        number = st.session_state.setdefault(_NUMBER, uuid.uuid4().hex)
        if asked is not None and asked.errand == number:
            number = st.session_state[_NUMBER] = uuid.uuid4().hex
        address = _address(number)
        st.html(mine_cards.what_goes(number, address))
        st.download_button(
            "Keep it as a file", mine_cards.receipt_file(number, address), on_click="ignore",
            file_name=f"plumbline-receipt-{number[:8]}.txt", mime="text/plain",
        )  # fmt: skip
        _confirm(visit, number)


def _confirm(visit: Visit, number: str) -> None:
    with st.form("erase", border=False):
        typed = st.text_input(
            f"To erase everything, type {mine_cards.CONFIRMATION}", max_chars=20, width=300
        )
        pressed = st.form_submit_button("Erase everything about me", type="primary")
    if not pressed:
        return
    if typed.strip() != mine_cards.CONFIRMATION:
        st.error(f"Nothing was erased: the word is {mine_cards.CONFIRMATION}, in capitals.")
        return
    wearer, account = visit.client.wearer, visit.viewer.account
    visit.people.ask(Errand(number, ErrandKind.ERASE, wearer, account, visit.clock_ns()))
    st.session_state[_ASKED] = True


def _erasure(visit: Visit) -> Errand | None:
    """The latest erasure that was asked for."""
    errands = visit.people.errands(visit.client.wearer)
    return next((e for e in reversed(errands) if e.kind is ErrandKind.ERASE), None)


def _erasing(visit: Visit) -> None:
    """How far it is. When it is done nobody is signed in any more, and the receipt is all there is."""
    number = st.session_state[_NUMBER]
    try:
        asked = _erasure(visit)
    except AccessError:
        st.html(mine_cards.erased(number))
        return
    except PlumblineError as error:
        st.html(cards.trouble(error))
        return
    if asked is None:
        st.html(mine_cards.erased(number))
    elif asked.state is ErrandState.FAILED:
        st.session_state.pop(_ASKED, None)
        st.rerun(scope="app")
    else:
        st.html(mine_cards.erasing(asked, visit.clock_ns(), visit.client.zone))


def _address(number: str) -> str:
    """Where the receipt will be, as the person's browser sees this service."""
    here = urlsplit(st.context.url or "")
    return (
        f"{here.scheme}://{here.netloc}/receipt/{number}" if here.netloc else f"/receipt/{number}"
    )
