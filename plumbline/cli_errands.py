"""The commands about one person's data: erase it, see what was erased, replay it at another mark."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from plumbline.options import with_settings
from plumbline.settings import Group, Settings

WearerId = Annotated[str, typer.Argument(help="Pseudonymous id of the wearer", metavar="WEARER")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for another program")]


@with_settings(Group.STORE, Group.BROKER)
def erase(
    settings: Settings,
    wearer: WearerId,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask whether it is meant")] = False,
    wait_s: Annotated[
        float, typer.Option(help="How long to wait for an analytics service that runs", min=1)
    ] = 120.0,
    as_json: AsJson = False,
) -> None:
    """Erase a person: what was measured, what was noted, the account; and print the receipt."""
    from plumbline.erase import EraseChoice, run_erase

    run_erase(settings, EraseChoice(wearer, yes=yes, wait_s=wait_s, as_json=as_json))


@with_settings(Group.STORE)
def receipt(
    settings: Settings,
    number: Annotated[str, typer.Argument(help="Number of the receipt", metavar="NUMBER")],
    *,
    as_json: AsJson = False,
) -> None:
    """Print what an erasure removed, and when."""
    from plumbline.erase import run_receipt

    run_receipt(settings, number, as_json=as_json)


@with_settings(Group.STORE)
def replay(
    settings: Settings,
    wearer: WearerId,
    *,
    first: Annotated[
        datetime,
        typer.Option("--from", help="First day, of the wearer's zone", formats=["%Y-%m-%d"]),
    ],
    last: Annotated[
        datetime, typer.Option("--to", help="Last day, this one included", formats=["%Y-%m-%d"])
    ],
    mark_deg: Annotated[
        float, typer.Option(help="Flexion in degrees from which a second counts as rounded")
    ],
    as_json: AsJson = False,
) -> None:
    """Show days as they would be if one angle and this mark told what is rounded."""
    from plumbline.replay import ReplayChoice, run_replay

    run_replay(settings, ReplayChoice(wearer, first.date(), last.date(), mark_deg, as_json=as_json))
