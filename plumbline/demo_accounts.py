"""The accounts with which one looks at a demo: as its client, as a therapist, as an administrator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from dashboard.entry import accounts
from dashboard.mine import consent
from plumbline.settings import Settings
from store import open_registry
from store.people_ports import Account, Consent, ConsentKind, Grant, People, Role

_PREFIX: Final = "demo-"
#: What each is called; roles, so that nobody takes them for people.
NAMES: Final[Mapping[Role, str]] = {
    Role.CLIENT: "Demo client",
    Role.THERAPIST: "Demo therapist",
    Role.ADMINISTRATOR: "Demo administrator",
}


@dataclass(frozen=True)
class DemoAccount:
    """An account of this run. The password is said once, in the summary, and kept by its hash only."""

    role: str
    login: str
    password: str


def make_accounts(settings: Settings, wearer: str, start_ns: int) -> tuple[DemoAccount, ...]:
    """The demo's accounts, with a new password each; the client is now ``wearer``, who agreed to be measured and grants access.

    They stay in the registry when the demo ends; the next one gives them other passwords.
    """
    registry = open_registry(settings.people_url)
    try:
        agreed = consent.words(ConsentKind.MONITORING).version
        registry.people.give_consent(Consent(wearer, ConsentKind.MONITORING, agreed, start_ns))
        return tuple(
            _make(registry.people, role, wearer if role is Role.CLIENT else None, wearer, start_ns)
            for role in NAMES
        )
    finally:
        registry.close()


def _make(people: People, role: Role, own: str | None, wearer: str, start_ns: int) -> DemoAccount:
    login = f"{_PREFIX}{role}"
    found = people.account_of_login(login)
    if found is None:
        found, password = accounts.add(
            people, login, NAMES[role], {role}, wearer=own, must_change=False
        )
    else:
        people.put_account(_as_made(found, role, own))
        password = accounts.give_password(people, found)
    if role is Role.THERAPIST:
        people.grant(Grant(wearer, found.account, start_ns))
    return DemoAccount(role, login, password)


def _as_made(found: Account, role: Role, own: str | None) -> Account:
    return replace(found, roles=frozenset({role}), wearer=own, disabled=False, must_change=False)
