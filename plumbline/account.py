"""What ``plumbline account`` does: accounts of the registry, each change in the audit."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

import typer

from contracts.errors import Reason, SettingError
from dashboard.entry import accounts
from dashboard.entry.access import Act
from plumbline.disk import writable_folder
from plumbline.settings import Settings
from plumbline.zone import local_timezone
from store import open_registry
from store.people_ports import Account, Look, Role
from store.ports import Registry

#: Who did it, as the audit says where nobody was signed in.
_BY: Final = "by the command line"


@dataclass(frozen=True, slots=True)
class NewAccount:
    """An account as the command line asks for it. ``wearer`` and ``timezone`` may be empty."""

    login: str
    roles: str
    name: str = ""
    wearer: str = ""
    new_wearer: bool = False
    timezone: str = ""


def add_account(settings: Settings, wanted: NewAccount, *, as_json: bool) -> None:
    """Make an account and say its password. SettingError where it cannot be."""
    if wanted.wearer and wanted.new_wearer:
        raise SettingError(
            Reason.BAD_SETTING, "--wearer and --new-wearer were both given.", hint="Give one."
        )
    roles = _roles(wanted.roles)
    if Role.CLIENT in roles and not (wanted.wearer or wanted.new_wearer):
        raise SettingError(
            Reason.BAD_SETTING,
            "A client's account needs to know which wearer it is.",
            hint="Name one with --wearer, or make one with --new-wearer.",
        )
    name = wanted.name.strip() or wanted.login.strip()
    timezone = wanted.timezone or local_timezone()
    made = accounts.Wanted(wanted.login, name, roles, wanted.wearer or None, timezone)
    with _registry(settings) as registry:
        account, password = accounts.make(registry, made)
        _note(registry, f"{account.account} made")
    _say_password(account, password, as_json=as_json)


def list_accounts(settings: Settings, *, as_json: bool) -> None:
    """Say which accounts there are."""
    with _registry(settings) as registry:
        found = registry.people.accounts()
    if as_json:
        typer.echo(json.dumps([_row(account) for account in found], indent=1, ensure_ascii=False))
        return
    if not found:
        typer.echo("No account yet. Make one: plumbline account add LOGIN --role administrator")
    for account in found:
        marks = [
            *([f"wearer {account.wearer}"] if account.wearer else []),
            *(["disabled"] if account.disabled else []),
            *(["has to change the password"] if account.must_change else []),
        ]
        typer.echo(
            "  ".join([account.login, account.name, ", ".join(sorted(account.roles)), *marks])
        )


def switch_account(settings: Settings, login: str, *, disabled: bool, as_json: bool) -> None:
    """Disable an account, or enable it again."""
    word = "disabled" if disabled else "enabled"
    with _registry(settings) as registry:
        account = _account(registry, login)
        accounts.disable(registry.people, account, disabled=disabled)
        _note(registry, f"{account.account} {word}")
    _say(replace(account, disabled=disabled), f"is {word}", as_json=as_json)


def reset_account(settings: Settings, login: str, *, as_json: bool) -> None:
    """Give an account a new password and say it."""
    with _registry(settings) as registry:
        account = _account(registry, login)
        password = accounts.reset(registry.people, account)
        _note(registry, f"{account.account} new password")
    _say_password(replace(account, must_change=True), password, as_json=as_json)


def remove_account(settings: Settings, login: str, *, as_json: bool) -> None:
    """Remove an account."""
    with _registry(settings) as registry:
        account = _account(registry, login)
        accounts.remove(registry.people, account)
        _note(registry, f"{account.account} removed")
    _say(account, "is removed", as_json=as_json)


@contextmanager
def _registry(settings: Settings) -> Iterator[Registry]:
    if not settings.registry_url:
        writable_folder(settings.data_dir)
    registry = open_registry(settings.people_url)
    try:
        yield registry
    finally:
        registry.close()


def _roles(words: str) -> frozenset[Role]:
    wanted = [word.strip().lower() for word in words.split(",") if word.strip()]
    known = {str(role): role for role in Role}
    wrong = [word for word in wanted if word not in known]
    if wrong:
        raise SettingError(
            Reason.BAD_SETTING,
            f"There is no role {wrong[0][:40]!r}.",
            hint=f"Roles are {', '.join(known)}.",
        )
    return frozenset(known[word] for word in wanted)


def _account(registry: Registry, login: str) -> Account:
    account = registry.people.account_of_login(login)
    if account is None:
        raise SettingError(
            Reason.MISSING,
            "There is no account of this login.",
            hint="See `plumbline account list`.",
        )
    return account


def _note(registry: Registry, what: str) -> None:
    registry.people.note_look(Look(time.time_ns(), "", Act.MANAGE, detail=f"{what}, {_BY}"))


def _say_password(account: Account, password: str, *, as_json: bool) -> None:
    if as_json:
        said = {**_row(account), "password": password}
        typer.echo(json.dumps(said, indent=1, ensure_ascii=False))
        return
    typer.echo(f"{account.login} can sign in with this password, shown only now:")
    typer.echo(f"  {password}")
    typer.echo("It has to be changed at the first sign-in.")


def _say(account: Account, what: str, *, as_json: bool) -> None:
    typer.echo(
        json.dumps(_row(account), indent=1, ensure_ascii=False)
        if as_json
        else f"{account.login} {what}."
    )


def _row(account: Account) -> dict[str, Any]:
    return {
        "account": account.account,
        "login": account.login,
        "name": account.name,
        "roles": sorted(account.roles),
        "wearer": account.wearer,
        "disabled": account.disabled,
        "must_change": account.must_change,
    }
