"""The administrator's page of people: accounts, their roles, new passwords, and whose wearer each is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final
from zoneinfo import available_timezones

import streamlit as st

from contracts.errors import PlumblineError
from dashboard.entry import accounts
from dashboard.entry.access import Act
from dashboard.entry.door import MAX_LOGIN
from dashboard.entry.visit import Office, Visit
from dashboard.frame import cards
from dashboard.frame.parts import part
from dashboard.office import cards as office_cards
from dashboard.office import model
from dashboard.office.cards import ROLE, wearer_name
from store.people_ports import Account, Role
from store.ports import Wearer

_SAID: Final = "people said"
_NEW_WEARER: Final = "A new one"
_MAX_NAME: Final = 120


def page(visit: Visit) -> None:
    """The accounts, then one to change, then one to add."""
    st.html(cards.title("People"))
    _say()
    _list(visit)
    left, right = st.columns(2, gap="large")
    with left:
        _change(visit)
    with right:
        _add(visit)


def _say() -> None:
    """What the last change led to; a password is shown this once."""
    said = st.session_state.pop(_SAID, None)
    if said is not None:
        st.html(said)


@part
def _list(visit: Visit) -> None:
    office = _office(visit)
    found = office.people.accounts()
    labels = {wearer.wearer: wearer.label for wearer in office.registry.wearers()}
    wanted = st.text_input(
        "Find an account",
        key="account wanted",
        placeholder="Find by name, login or role",
        max_chars=80,
        label_visibility="collapsed",
        width=320,
    )
    disabled = sum(account.disabled for account in found)
    st.caption(f"{len(found)} accounts, {disabled} of them disabled")
    st.html(office_cards.accounts(model.found_accounts(found, wanted), labels))


@part
def _change(visit: Visit) -> None:
    office = _office(visit)
    by_id = {account.account: account for account in office.people.accounts()}
    st.html(cards.part("Change an account"))
    chosen = st.selectbox(
        "Account",
        list(by_id),
        format_func=lambda a: f"{by_id[a].name} ({by_id[a].login})",
        index=None,
        placeholder="Choose one",
        key="account chosen",
    )
    if chosen is None:
        st.caption("Choose one to give it other roles, a new password, or to disable it.")
        return
    account = by_id[chosen]
    _edit(visit, office, account)
    with st.container(horizontal=True):
        if st.button("New password", key=f"reset {chosen}"):
            _do(visit, f"{chosen} new password", lambda: _reset(office, account))
        word = "Enable" if account.disabled else "Disable"
        if st.button(word, key=f"{word} {chosen}"):
            _do(visit, f"{chosen} {word.lower()}d", lambda: _switch(office, account))
        with st.popover("Remove"):
            st.write(
                "The account and what it may look at go. What was measured of a client stays; "
                "the client erases that under My data, before."
            )
            if st.button("Remove it for good", key=f"remove {chosen}"):
                _do(visit, f"{chosen} removed", lambda: _remove(office, account))


def _edit(visit: Visit, office: Office, account: Account) -> None:
    wearers = {w.wearer: w for w in office.registry.wearers()}
    others = [a for a in office.people.accounts() if a.account != account.account]
    free = [w.wearer for w in model.free_wearers(list(wearers.values()), others)]
    with st.form(f"edit {account.account}"):
        name = st.text_input("Name", value=account.name, max_chars=_MAX_NAME)
        roles = _choose_roles(sorted(account.roles, key=list(Role).index))
        wearer = st.selectbox(
            "Is the client",
            free,
            index=free.index(account.wearer) if account.wearer in free else None,
            format_func=lambda w: wearer_name(wearers[w]),
            placeholder="Nobody",
        )
        if st.form_submit_button("Save"):
            changed = replace(account, name=name.strip(), roles=frozenset(roles), wearer=wearer)
            _do(visit, f"{account.account} changed", lambda: _save(office, changed))


@part
def _add(visit: Visit) -> None:
    office = _office(visit)
    free = model.free_wearers(office.registry.wearers(), office.people.accounts())
    by_id: dict[str, Wearer] = {wearer.wearer: wearer for wearer in free}
    zones = sorted(available_timezones())
    mine = st.context.timezone or "UTC"
    st.html(cards.part("Add an account"))
    st.caption("The password is made for the person, and shown here once.")
    with st.form("add", clear_on_submit=False):
        name = st.text_input("Name", max_chars=_MAX_NAME)
        login = st.text_input(
            "Signs in as", max_chars=MAX_LOGIN, placeholder="an e-mail, or a name"
        )
        roles = _choose_roles([])
        wearer = st.selectbox(
            "Is the client",
            [_NEW_WEARER, *by_id],
            format_func=lambda w: w if w == _NEW_WEARER else wearer_name(by_id[w]),
            help="Only for the role of a client.",
        )
        zone = st.selectbox(
            "Time zone of a new client",
            zones,
            index=zones.index(mine) if mine in zones else zones.index("UTC"),
        )
        if st.form_submit_button("Add"):
            made = accounts.Wanted(
                login, name, frozenset(roles), None if wearer == _NEW_WEARER else wearer, zone
            )
            _do(visit, "account made", lambda: _make(office, made))


def _choose_roles(default: list[Role]) -> list[Role]:
    return st.multiselect(
        "Roles", list(Role), default=default, format_func=ROLE.__getitem__, placeholder="Choose"
    )


def _do(visit: Visit, detail: str, change: Callable[[], str | None]) -> None:
    """Make a change, audited first; the page then shows what it led to."""
    try:
        visit.gate.change(Act.MANAGE, None, detail)
        st.session_state[_SAID] = change()
    except PlumblineError as error:
        st.error(str(error))
        return
    st.rerun()


def _make(office: Office, wanted: accounts.Wanted) -> str:
    account, password = accounts.make(office.registry, wanted)
    return office_cards.password_once(account.login, password)


def _reset(office: Office, account: Account) -> str:
    return office_cards.password_once(account.login, accounts.reset(office.people, account))


def _switch(office: Office, account: Account) -> None:
    accounts.disable(office.people, account, disabled=not account.disabled)


def _remove(office: Office, account: Account) -> None:
    accounts.remove(office.people, account)


def _save(office: Office, account: Account) -> None:
    accounts.change(office.people, account)


def _office(visit: Visit) -> Office:
    if visit.office is None:
        raise ValueError("the page of people was opened as another")
    visit.gate.look(None)
    return visit.office
