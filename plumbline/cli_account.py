"""``plumbline account``: who may sign in to the dashboard, kept by whoever holds the machine."""

from __future__ import annotations

from typing import Annotated

import typer

from plumbline.options import with_settings
from plumbline.settings import Group, Settings

app = typer.Typer(
    name="account",
    help="Accounts for the dashboard: make, list, disable, enable, reset, remove.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for another program")]
Login = Annotated[str, typer.Argument(help="What the person types to sign in, such as an e-mail")]


@app.command()
@with_settings(Group.STORE)
def add(
    settings: Settings,
    login: Login,
    *,
    role: Annotated[
        str, typer.Option(help="client, therapist, administrator or employer; several by commas")
    ],
    name: Annotated[str, typer.Option(help="What the person is called on the screen")] = "",
    wearer: Annotated[str, typer.Option(help="Id of the wearer that a client is")] = "",
    new_wearer: Annotated[
        bool, typer.Option("--new-wearer", help="Make the wearer that a client is, under a new id")
    ] = False,
    timezone: Annotated[
        str, typer.Option(help="Of the new wearer, such as Europe/Berlin; default: this machine's")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Make an account and print its password, once."""
    from plumbline.account import NewAccount, add_account

    wanted = NewAccount(login, role, name, wearer, new_wearer, timezone)
    add_account(settings, wanted, as_json=as_json)


@app.command("list")
@with_settings(Group.STORE)
def list_(settings: Settings, *, as_json: AsJson = False) -> None:
    """List the accounts."""
    from plumbline.account import list_accounts

    list_accounts(settings, as_json=as_json)


@app.command()
@with_settings(Group.STORE)
def disable(settings: Settings, login: Login, *, as_json: AsJson = False) -> None:
    """Let an account in no more, at once; what it is stays."""
    from plumbline.account import switch_account

    switch_account(settings, login, disabled=True, as_json=as_json)


@app.command()
@with_settings(Group.STORE)
def enable(settings: Settings, login: Login, *, as_json: AsJson = False) -> None:
    """Let a disabled account in again."""
    from plumbline.account import switch_account

    switch_account(settings, login, disabled=False, as_json=as_json)


@app.command()
@with_settings(Group.STORE)
def reset(settings: Settings, login: Login, *, as_json: AsJson = False) -> None:
    """Print a new password, once; the old one and every sign-in end."""
    from plumbline.account import reset_account

    reset_account(settings, login, as_json=as_json)


@app.command()
@with_settings(Group.STORE)
def remove(settings: Settings, login: Login, *, as_json: AsJson = False) -> None:
    """Remove an account and its grants. What was measured of a client stays."""
    from plumbline.account import remove_account

    remove_account(settings, login, as_json=as_json)
