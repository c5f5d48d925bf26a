"""Signs a browser in: for tests and pictures of what stands behind the sign-in.

The sign-in itself is tested in test_sign_in.py, by the form; here a token is made at the registry, which
takes no time. The account stays in the registry.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext

from dashboard.entry import accounts
from dashboard.entry.door import COOKIE, Door
from store.open import open_registry
from store.people_ports import Account, Grant, People, Role


def account(
    people: People,
    *,
    role: Role = Role.CLIENT,
    wearer: str | None = None,
    granted: Collection[str] = (),
    login: str = "",
) -> Account:
    """An account that lets somebody be in that role; the one that there is of that login."""
    login = login or f"{role}-{wearer or 'of-the-house'}"
    found = people.account_of_login(login)
    if found is None:
        found = Account(accounts.new_id(), login, f"The {role}", frozenset({role}), wearer)
        people.put_account(found)
    for one in granted:
        people.grant(Grant(one, found.account, start_ns=0))
    return found


def token(registry_url: str, **who: object) -> str:
    """A token of a browser that is signed in as :func:`account` says."""
    registry = open_registry(registry_url)
    try:
        door = Door(registry.people, clock_ns=time.time_ns, random_bytes=os.urandom)
        return door.let_in(account(registry.people, **who))  # type: ignore[arg-type]
    finally:
        registry.close()


def sign_in(context: BrowserContext, address: str, registry_url: str, **who: object) -> None:
    """Signs a browser's window in at ``address``: ``role``, ``wearer`` and ``granted`` as for an account."""
    keep(context, address, token(registry_url, **who))


def keep(context: BrowserContext, address: str, value: str) -> None:
    """Gives a browser's window a token that there is, for the dashboard at ``address``."""
    parts = urlsplit(address)
    origin = f"{parts.scheme}://{parts.netloc}"
    context.add_cookies(
        [{"name": COOKIE, "value": value, "url": origin, "httpOnly": True, "sameSite": "Strict"}]
    )


def cookies(value: str) -> Callable[[object], dict[str, str]]:
    """What ``st.context.cookies`` is in an AppTest, which has no browser: to be monkeypatched in."""
    return lambda _context: {COOKIE: value}
