"""Accounts as an administrator keeps them: made, changed, given a new password, disabled, removed.

For the command line and the page alike. Nobody chooses a password for somebody else: it is made here,
shown once, and has to be changed at the first sign-in.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Final

from argon2 import PasswordHasher

from contracts.errors import Reason, SettingError
from dashboard.look.text import is_unwritable
from store.people_ports import Account, People, Role
from store.ports import Registry, Wearer

#: Letters and digits that nobody takes for one another; 16 of them are 79 bits.
_LETTERS: Final = "abcdefghjkmnpqrstuvwxyz23456789"
_GROUPS, _GROUP = 4, 4
_ID_BYTES: Final = 6

#: Held from counting the administrators until the change is made: two may take each other's role at once.
_ADMINISTERING: Final = threading.Lock()

Choose = Callable[[str], str]


def new_password(choose: Choose = secrets.choice) -> str:
    """A password for paper and telephone: ``k7mp-xq3r-bn4t-w9sd``."""
    return "-".join("".join(choose(_LETTERS) for _ in range(_GROUP)) for _ in range(_GROUPS))


def new_id() -> str:
    """An id of a new account that says nothing of the person."""
    return f"a-{secrets.token_hex(_ID_BYTES)}"


def add(
    people: People,
    login: str,
    name: str,
    roles: Collection[Role],
    *,
    wearer: str | None = None,
    must_change: bool = True,
) -> tuple[Account, str]:
    """A new account and its password. SettingError where it cannot be.

    A client's account needs the wearer that the client is.
    """
    _check_free(people, login)
    account = checked(
        Account(
            new_id(), login.strip(), name.strip(), frozenset(roles), wearer, must_change=must_change
        )
    )
    people.put_account(account)
    return account, give_password(people, account)


@dataclass(frozen=True, slots=True)
class Wanted:
    """An account to be made. A client who is no wearer yet becomes a new one, in ``timezone``."""

    login: str
    name: str
    roles: frozenset[Role]
    wearer: str | None = None
    timezone: str = "UTC"


def make(registry: Registry, wanted: Wanted) -> tuple[Account, str]:
    """An account, its wearer where it needs a new one, and its password. SettingError where it cannot be."""
    if not wanted.login.strip():
        raise SettingError(Reason.BAD_SETTING, "An account needs a login.", hint="Give it one.")
    wearer = wanted.wearer if Role.CLIENT in wanted.roles else None
    # A wearer must not be left over from an account that could not be made.
    _check_free(registry.people, wanted.login)
    is_client = Role.CLIENT in wanted.roles
    trial = wearer or "new" if is_client else None
    checked(Account("new", wanted.login, wanted.name.strip(), wanted.roles, trial))
    if is_client and wearer is None:
        wearer = add_wearer(registry, wanted.name, wanted.timezone)
    return add(registry.people, wanted.login, wanted.name, wanted.roles, wearer=wearer)


def _check_free(people: People, login: str) -> None:
    if people.account_of_login(login) is not None:
        raise SettingError(
            Reason.BAD_SETTING,
            "There is an account of this login.",
            hint="Choose another, or give that account a new password.",
        )


def add_wearer(registry: Registry, label: str, timezone: str) -> str:
    """A new wearer, under an id that says nothing of the person; the id. SettingError for no time zone."""
    wearer = f"w-{secrets.token_hex(_ID_BYTES)}"
    registry.put_wearer(Wearer(wearer, label.strip(), timezone))
    return wearer


def checked(account: Account) -> Account:
    """The account, or SettingError where its roles and its wearer do not fit together."""
    wrong = hint = ""
    if not account.roles:
        wrong, hint = "An account without a role can do nothing.", "Give it one at least."
    elif Role.CLIENT in account.roles and account.wearer is None:
        wrong, hint = "A client's account needs to know which wearer it is.", "Name the wearer."
    elif account.wearer is not None and Role.CLIENT not in account.roles:
        wrong, hint = "Only a client's account is a wearer's.", "Add the role, or name no wearer."
    elif not account.name:
        wrong, hint = "An account without a name cannot be told from others.", "Give it one."
    elif is_unwritable(account.name) or is_unwritable(account.login):
        wrong, hint = "A name or login has signs that no keyboard writes.", "Type it anew."
    if wrong:
        raise SettingError(Reason.BAD_SETTING, wrong, hint=hint)
    return account


def change(people: People, account: Account) -> None:
    """Replace an account. SettingError where nobody could administer after that."""
    checked(account)
    with _ADMINISTERING:
        if account.disabled or Role.ADMINISTRATOR not in account.roles:
            _keep_an_administrator(people, account.account)
        people.put_account(account)


def disable(people: People, account: Account, *, disabled: bool = True) -> None:
    """Let an account in no more, at once; or again."""
    change(people, replace(account, disabled=disabled))


def remove(people: People, account: Account) -> None:
    """Remove an account. A client's data stays: that is erased by the client, or by `My data`."""
    with _ADMINISTERING:
        _keep_an_administrator(people, account.account)
        people.remove_account(account.account)


def give_password(people: People, account: Account, *, choose: Choose = secrets.choice) -> str:
    """A new password, which ends every sign-in of the account. It is told here and nowhere else."""
    password = new_password(choose)
    people.set_password_hash(account.account, PasswordHasher().hash(password))
    return password


def reset(people: People, account: Account) -> str:
    """A new password that has to be changed at the next sign-in."""
    people.put_account(replace(account, must_change=True))
    return give_password(people, account)


def _keep_an_administrator(people: People, without: str) -> None:
    administrators = [
        a.account for a in people.accounts() if Role.ADMINISTRATOR in a.roles and not a.disabled
    ]
    if administrators == [without]:
        raise SettingError(
            Reason.BAD_SETTING,
            "This is the last administrator who can sign in.",
            hint="Make another one first.",
        )
